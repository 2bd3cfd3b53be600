"""guardtest.py: clients are not affected when pci-emulator's workers are killed

A separate process kills the worker at random moments, with several signals, while this one sends
configuration reads and writes and compares every reply with a model of the registers: first on the
sockets, several requests at a time, then through a real QEMU. The time from a kill to the next
reply is printed but not tested: bench/bench-config.py measures it.

EMULATEDPCI_SEED=N repeats the choices of a run; otherwise they are random. The seed is printed.

SPDX-License-Identifier: LGPL-2.1-or-later
"""

import mmap
import os
import random
import select
import signal
import struct
import subprocess
import sys
import time

import emulatordriver as emu
from emulatedpcistack import LIMIT, run_tests
from emulatordriver import EXAMPLE, Emulator, children
from qtestclient import QTestMachine, pci

KILLS_SOCKET = 1000
KILLS_QEMU = 700
SIGNALS = (signal.SIGKILL, signal.SIGSEGV, signal.SIGSYS, signal.SIGBUS, signal.SIGABRT)

# Some bits are set that a guest can clear once
DEVICE = dict(EXAMPLE, command=0x0147, status=0xf9b0, interruptline=0x0b)


class Status:
    """The memory that the processes of an emulator share, opened for reading."""

    def __init__(self, pid):
        for name in os.listdir('/proc/%d/fd' % pid):
            path = '/proc/%d/fd/%s' % (pid, name)
            if 'emulatedpci-status' in os.readlink(path):
                break
        else:
            raise FileNotFoundError('the status of %d' % pid)
        self.path = path
        with open(path, 'rb') as file:
            self.memory = mmap.mmap(file.fileno(), 0, prot=mmap.PROT_READ)

    @property
    def worker(self):
        return struct.unpack_from('=i', self.memory, 20)[0]

    @property
    def restarts(self):
        return struct.unpack_from('=Q', self.memory, 32)[0]


class Killer:
    """A process that kills workers, each after it has served a request."""

    def __init__(self, pid, seed, kills):
        self.status = Status(pid)
        self.kills = kills
        # replies, kills, and the time of each kill
        self.shared = mmap.mmap(-1, 16 + 8 * kills)
        self.pid = os.fork()
        if self.pid == 0:
            try:
                self.run(random.Random(seed))
            finally:
                os._exit(0)

    def run(self, generator):
        answers = 0
        killed = None
        for i in range(self.kills):
            # Every tenth worker is killed at once, while it processes the journal; the others
            # usually during a request, at any instruction.
            hasty = i % 10 == 9
            deadline = time.monotonic() + LIMIT
            while self.status.worker == killed or (self.answers == answers and not hasty):
                if time.monotonic() > deadline:
                    return
                time.sleep(0.00002)
            answers = self.answers
            time.sleep(generator.random() ** 3 * 0.001)
            killed = self.status.worker
            struct.pack_into('=d', self.shared, 16 + 8 * i, time.perf_counter())
            os.kill(killed, generator.choice(SIGNALS))
            struct.pack_into('=Q', self.shared, 8, i + 1)

    @property
    def answers(self):
        return struct.unpack_from('=Q', self.shared, 0)[0]

    def answered(self, count):
        struct.pack_into('=Q', self.shared, 0, count)

    @property
    def done(self):
        return struct.unpack_from('=Q', self.shared, 8)[0] >= self.kills

    def ended(self):
        """Whether the process has exited before its work was complete."""
        return not self.done and os.waitid(os.P_PID, self.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None

    def times(self):
        return [value for (value,) in struct.iter_unpack('=d', self.shared[16:])]

    def close(self):
        if self.pid:
            os.kill(self.pid, signal.SIGKILL)
            os.waitpid(self.pid, 0)
            self.pid = 0


class Model:
    """The registers of a device as a guest must read them."""
    WRITABLE = {0x04: 0x47, 0x05: 0x05, 0x0c: 0xff, 0x3c: 0xff}
    ONE_CLEARS = {0x07: 0xf9}

    def __init__(self, fields):
        self.initial = bytearray(256)
        for name, (reg, size) in {'vendorid': (0, 2), 'deviceid': (2, 2), 'command': (4, 2), 'status': (6, 2),
                                  'revision': (8, 1), 'classcode': (9, 3), 'headertype': (0x0e, 1),
                                  'subvendorid': (0x2c, 2), 'subsystemid': (0x2e, 2),
                                  'interruptline': (0x3c, 1), 'interruptpin': (0x3d, 1)}.items():
            self.initial[reg:reg + size] = fields[name].to_bytes(size, 'little')
        self.reset()

    def reset(self):
        self.now = bytearray(self.initial)

    def read(self, reg, length):
        return int.from_bytes(self.now[reg:reg + length], 'little')

    def write(self, reg, value, length):
        for i, byte in enumerate(value.to_bytes(length, 'little')):
            mask = self.WRITABLE.get(reg + i, 0)
            self.now[reg + i] = self.now[reg + i] & ~mask | byte & mask
            self.now[reg + i] &= ~(byte & self.ONE_CLEARS.get(reg + i, 0))


def access(generator):
    """Returns a random (register, length), in most cases of a register with side effects."""
    length = generator.choice((1, 2, 4))
    reg = generator.choice((0x04, 0x06, 0x0c, 0x3c, generator.randrange(0, 64)))
    return min(reg & ~(length - 1), 256 - length), length


def waits(answers, kills):
    """Returns the time from each kill to the next reply, in ms, sorted."""
    result = []
    i = 0
    for kill in kills:
        while i < len(answers) and answers[i] < kill:
            i += 1
        if i < len(answers):
            result.append((answers[i] - kill) * 1000)
    return sorted(result)


def report(tap, what, answers, killer):
    times = waits(answers, killer.times())
    tap.diag('%s: from a kill to the next answer: median %.2f ms, 90%% %.2f, 99%% %.2f, longest %.2f'
             % (what, times[len(times) // 2], times[len(times) * 9 // 10], times[len(times) * 99 // 100], times[-1]))


def burst(link, model, generator):
    """Returns a few requests: (bytes, expected replies)."""
    data = b''
    expected = []
    for _ in range(generator.choice((1, 1, 1, 2, 5, 20))):
        reg, length = access(generator)
        kind = generator.random()
        if kind < 0.5:
            data += link.read_request(reg, length)
            expected.append(model.read(reg, length))
        elif kind < 0.97:
            value = generator.getrandbits(8 * length)
            data += link.write_request(reg, value, length)
            model.write(reg, value, length)
            expected.append(0)
        else:
            data += link.reset_request()
            model.reset()
            expected.append(0)
    return data, expected


def check_sockets(tap, generator, link):
    name = 'sockets, %s' % link.name
    devices = [dict(DEVICE, deviceid=i) for i in range(3)]
    with Emulator(devices, stderr=subprocess.DEVNULL, transport=link) as emulator:
        models = [Model(fields) for fields in devices]
        killer = Killer(emulator.process.pid, generator.random(), KILLS_SOCKET)
        wrong = []
        answers = []
        try:
            while not killer.done and not wrong and not killer.ended():
                # All three devices have pending requests at the same time.
                jobs = [burst(link, model, generator) for model in models]
                for sock, (data, _) in zip(emulator.sockets, jobs):
                    cut = generator.randrange(len(data))
                    sock.sendall(data[:cut])
                    sock.sendall(data[cut:])
                for i, (sock, (_, expected)) in enumerate(zip(emulator.sockets, jobs)):
                    got = [link.answer(sock) for _ in expected]
                    if got != expected:
                        wrong.append('device %d: expected %r, got %r' % (i, expected, got))
                    answers += [time.perf_counter()] + [None] * (len(expected) - 1)
                killer.answered(len(answers))
        finally:
            killer.close()
        tap.ok(killer.done and not wrong, '%s: %d kills, %d answers, all as expected'
               % (name, KILLS_SOCKET, len(answers)), *wrong)
        for i, (sock, model) in enumerate(zip(emulator.sockets, models)):
            got = b''.join(link.read(sock, reg, 4).to_bytes(4, 'little') for reg in range(0, 256, 4))
            tap.equal(got, bytes(model.now), '%s: all registers of device %d in the end' % (name, i))
            sock.setblocking(False)
            try:
                tap.ok(False, '%s: no answer too many' % name, sock.recv(100))
            except BlockingIOError:
                tap.ok(True, '%s: no answer too many' % name)
        tap.equal(killer.status.restarts, KILLS_SOCKET, '%s: as many replacements as kills' % name)
        report(tap, name, [when for when in answers if when], killer)
        tap.equal(emulator.wait()[0], 0, '%s: it ends as ever' % name)


def check_qemu(tap, generator, link):
    name = 'QEMU, %s' % link.name
    devices = [dict(DEVICE, deviceid=i) for i in range(2)]
    with Emulator(devices, stderr=subprocess.DEVNULL, transport=link, for_qemu=True) as emulator:
        arguments = ['-machine', 'pc', '-device', 'pci-testdev,addr=4']
        arguments += emulator.qemu_arguments(*({'id': 'd%d' % i, 'addr': '%d' % (5 + i)} for i in range(2)))
        with QTestMachine(arguments, pass_fds=emulator.qemu_fds, stderr=subprocess.DEVNULL) as machine:
            emulator.qemu_has_them()
            # The writes by which QEMU determines the size of BARs have changed nothing.
            models = [Model(fields) for fields in devices]
            killer = Killer(emulator.process.pid, generator.random(), KILLS_QEMU)
            wrong = []
            answers = []
            try:
                while not killer.done and not wrong and not killer.ended():
                    i = generator.randrange(2)
                    reg, length = access(generator)
                    value = generator.getrandbits(8 * length)
                    models[i].write(reg, value, length)
                    machine.config_write(pci(0, 5 + i), reg, value, length)
                    got = machine.config_read(pci(0, 5 + i), reg, length)
                    answers.append(time.perf_counter())
                    if got != models[i].read(reg, length):
                        wrong.append('device %d, %d bytes at 0x%02x: expected 0x%x, got 0x%x'
                                     % (i, length, reg, models[i].read(reg, length), got))
                    if generator.random() < 0.005:
                        machine.reset()
                        for model in models:
                            model.reset()
                    killer.answered(len(answers))
            finally:
                killer.close()
            tap.ok(killer.done and not wrong, '%s: %d kills, %d writes and reads, all as expected'
                   % (name, KILLS_QEMU, len(answers)), *wrong)
            dumps = machine.config_dump(pci(0, 5), pci(0, 6))
            tap.equal(dumps, [bytes(model.now) for model in models], '%s: all registers in the end' % name)
            report(tap, name, answers, killer)
            machine.qmp('quit')
            machine.process.wait()
        tap.equal(emulator.wait()[0], 0, '%s: the emulator ends with it' % name)


def kill_and_wait(status, number):
    """Returns the pid of the worker that replaces the current one."""
    pid = status.worker
    os.kill(pid, number)
    deadline = time.monotonic() + LIMIT
    while status.worker == pid and time.monotonic() < deadline:
        time.sleep(0.001)
    return status.worker


def check_status(tap):
    with Emulator([EXAMPLE]) as emulator:
        status = Status(emulator.process.pid)
        tap.equal(children(emulator.process.pid), [status.worker], 'status: the worker')
        try:
            with open(status.path, 'r+b') as file:
                os.pwrite(file.fileno(), b'x', 100)
            tap.ok(False, 'status: cannot be written to by others')
        except PermissionError:
            tap.ok(True, 'status: cannot be written to by others')
        with open(status.path, 'r+b') as file:
            try:
                mmap.mmap(file.fileno(), 0)
                tap.ok(False, 'status: cannot be mapped for writing by others')
            except PermissionError:
                tap.ok(True, 'status: cannot be mapped for writing by others')
            try:
                os.ftruncate(file.fileno(), 0)
                tap.ok(False, 'status: cannot be cut')
            except PermissionError:
                tap.ok(True, 'status: cannot be cut')


def check_idle(tap):
    """Workers are killed while they are idle, long after each other."""
    with Emulator([EXAMPLE] * 2) as emulator:
        status = Status(emulator.process.pid)
        sock, other = emulator.sockets
        emu.config_write(sock, 0x3c, 0x55, 1)
        sock.sendall(emu.config_write_message(0x0c, 0x66, 1)[:20])
        while kill_and_wait(status, signal.SIGKILL) and status.restarts < 5:
            tap.equal(emu.config_read(other, 0, 4), 0xc0005853, 'idle: killed %d times' % status.restarts)
        sock.sendall(emu.config_write_message(0x0c, 0x66, 1)[20:])
        tap.equal(emu.reply(sock), 0, 'idle: half a request from before the kills is not forgotten')
        tap.equal([emu.config_read(sock, 0x3c, 1), emu.config_read(sock, 0x0c, 1)], [0x55, 0x66],
                  'idle: what was written is there')
        other.close()
        sock.sendall(emu.message(99))
        try:
            while sock.recv(100):
                pass
        except ConnectionResetError:
            pass
        code, err = emulator.wait()
        tap.equal(code, 0, 'idle: the end')
        tap.equal([line for line in err.splitlines() if 'replacing' in line],
                  ['pci-emulator: replacing a process that was killed by signal 9 (number %d)' % (i + 1)
                   for i in range(5)], 'idle: each is logged')
        tap.equal(err.count('closed: not the'), 1, 'idle: a violation is one line')


def check_closed(tap):
    """A device that was closed remains closed for the next worker."""
    with Emulator([EXAMPLE] * 2) as emulator:
        status = Status(emulator.process.pid)
        bad, good = emulator.sockets
        bad.sendall(emu.message(99))
        try:
            while bad.recv(100):
                pass
        except ConnectionResetError:
            pass
        kill_and_wait(status, signal.SIGKILL)
        tap.equal(emu.config_read(good, 0, 4), 0xc0005853, 'closed: the other device is served')
        try:
            bad.sendall(emu.config_read_message(0, 4))
            tap.equal(bad.recv(100), b'', 'closed: stays so')
        except (BrokenPipeError, ConnectionResetError):
            tap.ok(True, 'closed: stays so')
        tap.equal(emulator.wait()[0], 0, 'closed: the end')


def check_greedy(tap):
    """Workers are killed while replies are not read"""
    with Emulator([EXAMPLE]) as emulator:
        status = Status(emulator.process.pid)
        sock = emulator.sockets[0]
        sock.setblocking(False)
        sent = 0
        request = emu.config_read_message(0, 4)
        try:
            while True:
                sent += sock.send(request * 100)
        except BlockingIOError:
            pass
        for number in SIGNALS:
            kill_and_wait(status, number)
        sock.settimeout(emu.TIMEOUT)
        got = [emu.reply(sock) for _ in range(sent // len(request))]
        tap.equal(set(got), {0xc0005853}, 'greedy: %d answers in the end' % len(got))
        if sent % len(request):
            sock.sendall(request[sent % len(request):])
            tap.equal(emu.reply(sock), 0xc0005853, 'greedy: and one more')
        tap.equal(emulator.wait()[0], 0, 'greedy: the end')


def check_stopped(tap):
    """A worker is stopped. Another emulator is not affected."""
    with Emulator([EXAMPLE]) as other, Emulator([EXAMPLE] * 2) as emulator:
        status = Status(emulator.process.pid)
        emu.config_write(emulator.sockets[0], 0x3c, 0x77, 1)
        os.kill(status.worker, signal.SIGSTOP)
        tap.equal(emu.config_read(other.sockets[0], 0, 4), 0xc0005853, 'stopped: another domain is served')
        start = time.monotonic()
        tap.equal(emu.config_read(emulator.sockets[0], 0x3c, 1), 0x77, 'stopped: replaced, and the answer comes')
        tap.diag('stopped: answered after %.1f s' % (time.monotonic() - start))
        code, err = emulator.wait()
        tap.equal((code, 'requests have waited' in err), (0, True), 'stopped: said so')


def check_persistent(tap):
    """Workers are killed as soon as they start, after the log has the maximum number of lines."""
    with Emulator([EXAMPLE]) as emulator:
        status = Status(emulator.process.pid)
        emu.config_write(emulator.sockets[0], 0x3c, 0x55, 1)
        while status.restarts < 310:
            emu.config_read(emulator.sockets[0], 0, 4)
            kill_and_wait(status, signal.SIGKILL)
        before = status.restarts
        end = time.monotonic() + 5
        while time.monotonic() < end:
            for pid in children(emulator.process.pid):
                try:
                    os.kill(pid, signal.SIGKILL)
                except ProcessLookupError:
                    pass
        # 8 at once, 7 with pauses of up to 640 ms in 1.3 seconds, then one each second
        tap.ok(12 <= status.restarts - before <= 8 + 7 + 5,
               'persistent: %d more workers in 5 seconds' % (status.restarts - before))
        tap.equal(emu.config_read(emulator.sockets[0], 0x3c, 1), 0x55, 'persistent: the last one answers')
        code, err = emulator.wait()
        tap.equal((code, err.count('cannot be served after ')), (0, 1), 'persistent: said so, once')


def check_guard_killed(tap):
    with Emulator([EXAMPLE], stderr=subprocess.DEVNULL) as emulator:
        worker = emulator.worker()
        pidfd = os.pidfd_open(worker)
        emu.config_write(emulator.sockets[0], 0x3c, 0x11, 1)
        emulator.process.kill()
        emulator.process.wait()
        tap.equal(emu.config_read(emulator.sockets[0], 0x3c, 1), 0x11, 'guard killed: the worker serves')
        emulator.sockets[0].close()
        # The pidfd becomes readable at the end.
        poller = select.poll()
        poller.register(pidfd, select.POLLIN)
        tap.ok(poller.poll(LIMIT * 1000), 'guard killed: the worker ends with QEMU')
        os.close(pidfd)


def check_no_guard(tap):
    with Emulator([EXAMPLE], ['--no-guard']) as emulator:
        tap.equal(children(emulator.process.pid), [], '--no-guard: one process')
        tap.equal(emu.config_read(emulator.sockets[0], 0, 4), 0xc0005853, '--no-guard: serves')
        emulator.process.kill()
        tap.equal(emulator.process.wait(), -signal.SIGKILL, '--no-guard: and can be killed')


def main(tap):
    seed = int(os.environ.get('EMULATEDPCI_SEED') or random.SystemRandom().getrandbits(32))
    tap.diag('EMULATEDPCI_SEED=%d' % seed)
    generator = random.Random(seed)
    emu.let_signals_kill()
    for check in (check_status, check_idle, check_closed, check_greedy, check_stopped, check_persistent,
                  check_guard_killed, check_no_guard):
        tap.diag(check.__name__)
        check(tap)
    tap.diag("kills under load")
    for link in emu.TRANSPORTS:
        check_sockets(tap, generator, link)
    available, reason = emu.qemu_transports()
    if reason:
        tap.skip('through QEMU', reason)
    for link in available:
        check_qemu(tap, generator, link)


if __name__ == '__main__':
    sys.dont_write_bytecode = True
    run_tests(main)
