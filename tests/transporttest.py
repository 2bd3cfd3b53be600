"""transporttest.py: pci-emulator over both transports

Tests requests in pieces, floods, descriptors, misbehaving peers, many devices, the sandbox and the
end. Each check runs with the multi-process link and with vfio-user. mpqemutest.py and
vfiousertest.py test the features of only one of them.

SPDX-License-Identifier: LGPL-2.1-or-later
"""

import array
import json
import os
import random
import signal
import socket
import subprocess
import sys
import time

import emulatordriver as emu
from emulatedpcistack import run_tests
from emulatordriver import EXAMPLE, Emulator

MEMORY = '/memfd:emulatedpci-status (deleted)'
SANITIZERS = None       # whether this build has them; set by main()


def closed(sock):
    """Whether the emulator closes its end within the socket's time limit."""
    try:
        while sock.recv(4096):
            pass
        return True
    except ConnectionResetError:
        return True
    except socket.timeout:
        return False


def eof(fd):
    """Whether no other process has the write end of the pipe FD open any more."""
    os.set_blocking(fd, False)
    until = time.monotonic() + emu.TIMEOUT
    while time.monotonic() < until:
        try:
            if os.read(fd, 1) == b'':
                return True
        except BlockingIOError:
            pass
        time.sleep(0.05)
    return False


def send_with_fds(sock, data, fds):
    sock.sendmsg([data], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array('i', fds))])


def status_of(pid):
    with open('/proc/%d/status' % pid, encoding='ascii') as status:
        return dict(line.rstrip('\n').split(':\t', 1) for line in status if ':\t' in line)


def open_fds(pid):
    """Returns the descriptors of PID, or None if they cannot be read because the process is not
    dumpable."""
    try:
        return sorted(int(fd) for fd in os.listdir('/proc/%d/fd' % pid))
    except PermissionError:
        return None


def check_pieces(tap, link):
    with Emulator([EXAMPLE], stderr=subprocess.PIPE, transport=link) as emulator:
        sock = emulator.sockets[0]
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1 << 20)
        (memory, _, memory_answered), (interrupts, _, interrupts_answered) = link.with_descriptors
        stream = (memory + link.read_request(0, 4) + interrupts +
                  link.write_request(0x3c, 5, 1) + link.reset_request() +
                  link.read_request(0x2c, 4))
        expected = ([0] * memory_answered + [0xc0005853] + [0] * interrupts_answered +
                    [0, 0, 0xc0005853])
        for size in (1, 2, 3, 7, 15, 16, 17, 100, len(stream)):
            for start in range(0, len(stream), size):
                sock.sendall(stream[start:start + size])
            got = [link.answer(sock) for _ in expected]
            if not tap.equal(got, expected, 'messages in pieces of %d bytes' % size):
                return

        seed = random.SystemRandom().getrandbits(32)
        generator = random.Random(seed)
        for _ in range(50):
            data = stream * generator.randrange(1, 5)
            while data:
                size = generator.randrange(1, 300)
                sock.sendall(data[:size])
                data = data[size:]
            # The replies after each stream must be the same
            time.sleep(0)
            sock.setblocking(True)
            sock.settimeout(emu.TIMEOUT)
            sock.sendall(link.read_request(0x0e, 1) + link.read_request(0x09, 3))
            while link.answer(sock) != 0xff8000:
                pass
        tap.ok(True, 'messages in random pieces (seed %d)' % seed)

        # Many requests at once: all are answered, in their order.
        for i in range(200):
            sock.sendall(link.write_request(0x3c, i & 0xff, 1) +
                         link.read_request(0x3c, 1))
        got = [link.answer(sock) for _ in range(400)][1::2]
        tap.equal(got, [i & 0xff for i in range(200)], 'requests that do not wait for answers')

        sock.sendall(link.read_request(0, 4)[:20])
        tap.equal(emulator.wait(), (0, ''), 'the end in the middle of a message')


def check_descriptors(tap, link):
    with Emulator([EXAMPLE] * 2, stderr=subprocess.PIPE, transport=link) as emulator:
        pid = emulator.worker()
        sock, other = emulator.sockets
        before = open_fds(pid)

        read_end, write_end = os.pipe()
        for data, count, answered in link.with_descriptors:
            send_with_fds(sock, data, [write_end] * count)
            if answered:
                link.answer(sock)
        os.close(write_end)
        tap.equal(link.read(sock, 0, 4), 0xc0005853, 'descriptors of memory and interrupts are taken')
        tap.ok(eof(read_end), 'none of them is held')
        os.close(read_end)

        # More than QEMU would send: descriptors on every byte of every message
        read_end, write_end = os.pipe()
        for _ in range(20):
            for data, answered in ((link.with_descriptors[0][0], link.with_descriptors[0][2]),
                                   (link.read_request(0, 4), True)):
                for i in range(len(data)):
                    send_with_fds(sock, data[i:i + 1], [write_end] * 20)
                answer = link.answer(sock) if answered else None
            if answer != 0xc0005853:
                break
        for _ in range(20):
            data, _, answered = link.with_descriptors[1]
            send_with_fds(other, data, [write_end] * 253)
            if answered:
                link.answer(other)
        tap.equal((answer, link.read(other, 0, 4)), (0xc0005853, 0xc0005853), 'a flood of descriptors')
        os.close(write_end)
        tap.ok(eof(read_end), 'none of the flood is held')
        os.close(read_end)

        # Descriptors on an invalid message, which ends the device before they are read
        read_end, write_end = os.pipe()
        send_with_fds(sock, link.nonsense, [write_end] * 100)
        try:
            send_with_fds(sock, link.with_descriptors[0][0], [write_end] * 100)
        except BrokenPipeError:
            pass
        os.close(write_end)
        tap.ok(closed(sock), 'descriptors on nonsense: closed')
        tap.ok(eof(read_end), 'none of those is held')
        os.close(read_end)

        if before is None:
            tap.skip('the table of descriptors', 'not root: the process is not dumpable')
        else:
            # The worker shuts the connection down before it closes the descriptor. When it serves another device
            # again, it has done both.
            link.read(other, 0, 4)
            after = open_fds(pid)
            tap.ok(set(after) < set(before) and len(after) == len(before) - 1,
                   'the table of descriptors is what it was, less one', before, after)
        tap.equal(link.read(other, 0, 4), 0xc0005853, 'the other device is served')


def check_greedy(tap, link):
    """A peer that sends requests and never reads a reply, beside one that does."""
    with Emulator([EXAMPLE] * 2, stderr=subprocess.PIPE, transport=link) as emulator:
        greedy, good = emulator.sockets
        greedy.setblocking(False)
        size = len(link.read_request(0, 4))
        requests = link.read_request(0, 4) * 1000
        sent = 0
        deadline = time.monotonic() + 1.5
        while time.monotonic() < deadline:
            try:
                sent += greedy.send(requests[sent % size:])
            except BlockingIOError:
                link.read(good, 0, 4)
        tap.ok(sent > 1000 * size, 'a peer that takes no answers (%d bytes sent)' % sent)
        tap.equal(link.read(good, 0, 4), 0xc0005853, 'does not hold up another device')

        pid = emulator.worker()
        start = cpu_time(pid)
        time.sleep(1)
        tap.ok(cpu_time(pid) - start < 0.3, 'nor is it waited for in a busy loop')

        greedy.settimeout(emu.TIMEOUT)
        answers = 0
        while answers < sent // size:
            if link.answer(greedy) != 0xc0005853:
                break
            answers += 1
        tap.equal(answers, sent // size, 'and gets all its answers in the end')
        if sent % size:
            greedy.sendall(requests[sent % size:size])
            tap.equal(link.answer(greedy), 0xc0005853, 'the last one too')
        tap.equal(emulator.wait(), (0, ''), 'the end')


def cpu_time(pid):
    with open('/proc/%d/stat' % pid, encoding='ascii') as stat:
        fields = stat.read().rsplit(')', 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf('SC_CLK_TCK')


def check_many(tap, link):
    devices = [dict(EXAMPLE, deviceid=i, devicename='n%d' % i) for i in range(256)]
    with Emulator(devices, stderr=subprocess.PIPE, transport=link) as emulator:
        tap.equal(emulator.ready, b'\0', '256 devices')
        for sock in emulator.sockets:
            sock.sendall(link.read_request(2, 2))
        tap.equal([link.answer(sock) for sock in emulator.sockets], list(range(256)),
                  'each has its own configuration space')
        for sock in emulator.sockets[:-1]:
            sock.close()
        tap.equal(link.read(emulator.sockets[-1], 2, 2), 255, 'the last one is served')
        tap.ok(emulator.process.poll() is None, 'it lives as long as one socket is open')
        tap.equal(emulator.wait(), (0, ''), 'and no longer')


def check_sandbox(tap, link):
    inherited_read, inherited_write = os.pipe()
    with Emulator([EXAMPLE] * 3, pass_fds=[inherited_write], stderr=subprocess.PIPE, transport=link) as emulator:
        os.close(inherited_write)
        pid = emulator.worker()
        tap.ok(eof(inherited_read), 'a descriptor of somebody else is closed')
        os.close(inherited_read)

        status = status_of(pid)
        tap.equal(status['NoNewPrivs'], '1', 'no new privileges')
        tap.equal(status['Seccomp'], '2', 'a seccomp filter')
        tap.equal(status['Threads'], '1', 'one thread')
        tap.equal([int(status[name].split()[0]) for name in ('VmLck', 'VmPin')], [0, 0], 'no locked memory')

        with open('/proc/%d/limits' % pid, encoding='ascii') as limits:
            values = {line[:26].strip(): line[26:].split()[:2] for line in limits}
        tap.equal(values['Max core file size'], ['0', '0'], 'no core file')
        if not SANITIZERS:
            # The remaining system calls cannot create descriptors, except for connections.
            tap.ok(int(values['Max open files'][1]) == 1 if link is emu.MPQEMU else
                   int(values['Max open files'][1]) < 32, 'no new descriptors', values['Max open files'])

        fds = open_fds(pid)
        if fds is None:
            tap.ok(os.getuid() != 0, 'not dumpable: its own user cannot look into it')
            tap.skip('descriptors are its own', 'not root')
            tap.skip('no memory is shared', 'not root')
        else:
            names = {fd: os.readlink('/proc/%d/fd/%d' % (pid, fd)) for fd in fds}
            own = [fd for fd in fds if names[fd] in ('anon_inode:[eventpoll]', MEMORY)]
            sockets = [fd for fd in fds if fd > 2 and names[fd].startswith('socket:')]
            tap.equal(fds, sorted([0, 1, 2] + own + sockets), 'descriptors are its own')
            tap.equal([names[0], names[1]], ['/dev/null', '/dev/null'],
                      'standard input and output are nothing')
            tap.equal((len(own), len(sockets)), (2 if link is emu.MPQEMU else 3, 3), 'and no more')
            with open('/proc/%d/maps' % pid, encoding='ascii') as maps:
                shared = [line for line in maps if line.split()[1] in ('rw-s', '-w-s') or 'memfd' in line]
            tap.ok(len(shared) == 1 and shared[0].rstrip().endswith(MEMORY),
                   'no memory is shared but that of the devices', *shared)
        status = status_of(emulator.process.pid)
        tap.equal((status['NoNewPrivs'], status['Seccomp'], status['Threads']), ('1', '2', '1'),
                  'the guard is in a sandbox too')
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGQUIT):
            os.kill(pid, number)
            emulator.process.send_signal(number)
        tap.equal(link.read(emulator.sockets[1], 0, 4), 0xc0005853,
                  'what a terminal or session sends to QEMU does not end it')
        tap.equal(emulator.wait(), (0, ''), 'the end')


def check_stderr(tap, link):
    """Standard error is not read, and there are more errors than are reported."""
    read_end, write_end = os.pipe()
    os.set_blocking(write_end, False)
    try:
        while True:
            os.write(write_end, b'x' * 4096)
    except BlockingIOError:
        pass
    os.set_blocking(write_end, True)
    with Emulator([EXAMPLE] * 2, stderr=write_end, transport=link) as emulator:
        os.close(write_end)
        bad, good = emulator.sockets
        bad.sendall(b'\xff' * 16)
        tap.ok(closed(bad), 'a full standard error: a violation')
        tap.equal(link.read(good, 0, 4), 0xc0005853, 'a full standard error: others are served')
    os.close(read_end)

    read_end, write_end = os.pipe()
    os.close(read_end)
    with Emulator([EXAMPLE] * 2, stderr=write_end, transport=link) as emulator:
        os.close(write_end)
        bad, good = emulator.sockets
        bad.sendall(b'\xff' * 16)
        tap.ok(closed(bad), 'no reader of standard error: a violation')
        tap.equal(link.read(good, 0, 4), 0xc0005853, 'no reader of standard error: others are served')


def check_death(tap, link):
    """QEMU is killed: no process remains."""
    with Emulator([EXAMPLE], stderr=subprocess.PIPE, transport=link) as emulator:
        holder = subprocess.Popen(['sleep', '180'], pass_fds=[emulator.sockets[0].fileno()])
        emulator.sockets[0].close()
        time.sleep(0.1)
        tap.ok(emulator.process.poll() is None, 'it lives while another process has the socket')
        holder.kill()
        holder.wait()
        tap.equal(emulator.wait(), (0, ''), 'it ends when that one is killed')


def main(tap):
    global SANITIZERS   # pylint: disable=global-statement
    capabilities = subprocess.run([emu.emulator_path(), '--print-capabilities'], check=True,
                                  stdin=subprocess.DEVNULL, capture_output=True).stdout
    SANITIZERS = json.loads(capabilities)['seccomp-default'] != 'kill'
    for link in emu.TRANSPORTS:
        for check in (check_pieces, check_descriptors, check_greedy, check_many, check_sandbox,
                      check_stderr, check_death):
            tap.diag('%s, %s' % (check.__name__, link.name))
            check(tap, link)


if __name__ == '__main__':
    sys.dont_write_bytecode = True
    # 256 devices require 512 sockets here.
    import resource
    SOFT, HARD = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(max(SOFT, 4096), HARD), HARD))
    run_tests(main)
