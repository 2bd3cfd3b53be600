"""hostileemulatortest.py: what one emulator can do to others: nothing

A stand-in for pci-emulator that misbehaves stands behind one device of a real
QEMU: wrong answers, floods, early close, silence. The other devices of that
QEMU, emulated and native ones, are looked at after each, QEMU itself, and
another QEMU. The guest is qtest; and a virtual CPU, for the one case in which
that makes a difference: silence.

SPDX-License-Identifier: LGPL-2.1-or-later
"""

import contextlib
import json
import os
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time

import configguest
import emulatordriver as emu
from emulatedpcistack import LIMIT, needs, run_tests
from emulatordriver import EXAMPLE, Emulator
from qtestclient import QTestMachine, pci, qemu_path

IDS = 0xc0005853
HOSTILE, GOOD, NATIVE = 5, 6, 7


def ret(value=0, cmd=emu.RET, size=8):
    return struct.pack('=iIQQ', cmd, 0, size, value)


class StandIn(threading.Thread):
    """Serves SOCK as it must until it is given a way to misbehave."""

    def __init__(self, sock):
        super().__init__(daemon=True)
        self.sock = sock
        self.sock.settimeout(LIMIT)
        self.misbehave = None
        self.start()

    def run(self):
        try:
            while True:
                cmd, _, size = struct.unpack('=iIQ', emu.receive(self.sock, 16))
                payload = emu.receive(self.sock, size)
                if self.misbehave:
                    self.misbehave(self.sock)
                elif cmd == emu.CFGREAD:
                    addr, _, length = struct.unpack('=IIi', payload)
                    value = {0: IDS, 2: IDS >> 16}.get(addr, 0)
                    self.sock.sendall(ret(value & (1 << 8 * length) - 1))
                elif cmd not in (emu.SYNC_SYSMEM, emu.SET_IRQFD):
                    self.sock.sendall(ret())
        except (OSError, EOFError, ValueError):
            pass
        self.sock.close()


def flood(sock):
    """Answers to what was never asked, as many as the socket takes."""
    sock.setblocking(False)
    try:
        while True:
            sock.send(ret(0x1111111111111111) * 100)
    except BlockingIOError:
        pass
    sock.settimeout(LIMIT)


def drop(sock):
    sock.shutdown(socket.SHUT_RDWR)


# The way, and whether the guest must read all ones (else: anything)
WAYS = (
    ('an answer of more than 32 bits', lambda sock: sock.sendall(ret(0xffffffff00000000)), False),
    ('an answer with another command', lambda sock: sock.sendall(ret(cmd=emu.CFGREAD)), False),
    ('an answer with an unknown command', lambda sock: sock.sendall(ret(cmd=-1)), False),
    ('an answer that claims 2^64 - 1 bytes', lambda sock: sock.sendall(ret(size=(1 << 64) - 1)), False),
    ('an answer that claims no bytes', lambda sock: sock.sendall(ret(size=0)), False),
    ('a flood of answers', flood, False),
    ('garbage', lambda sock: sock.sendall(os.urandom(4096)), False),
    ('half an answer, then the end', lambda sock: (sock.sendall(ret()[:12]), drop(sock)), True),
    ('the end', drop, True),
)


def check_ways(tap, other):
    for what, way, ones in WAYS:
        theirs, ours = socket.socketpair()
        with Emulator([EXAMPLE]) as emulator:
            stand_in = StandIn(ours)
            good = emulator.sockets[0]
            fds = [theirs.fileno(), good.fileno()]
            with QTestMachine(['-machine', 'pc', '-device', 'pci-testdev,addr=%d' % NATIVE,
                               '-device', 'x-pci-proxy-dev,addr=%d,fd=%d' % (HOSTILE, fds[0]),
                               '-device', 'x-pci-proxy-dev,addr=%d,fd=%d' % (GOOD, fds[1])],
                              pass_fds=fds, stderr=subprocess.DEVNULL) as machine:
                theirs.close()
                good.close()
                before = machine.config_dump(pci(0, NATIVE))
                tap.equal(machine.config_read(pci(0, HOSTILE), 0, 4), IDS, '%s: a sane start' % what)
                stand_in.misbehave = way
                values = [machine.config_read(pci(0, HOSTILE), 0, 4) for _ in range(3)]
                if ones:
                    tap.equal(values, [0xffffffff] * 3, '%s: the device reads as all ones' % what)
                machine.config_write(pci(0, HOSTILE), 0x3c, 5, 1)
                tap.equal(machine.config_read(pci(0, GOOD), 0, 4), IDS, '%s: the other emulated device' % what)
                tap.equal(machine.config_dump(pci(0, NATIVE)), before, '%s: the native device' % what)
                tap.equal(other.config_read(pci(0, GOOD), 0, 4), IDS, '%s: the other domain' % what)
                tap.ok('status' in machine.qmp('query-status'), '%s: QEMU itself' % what)
                stand_in.misbehave = drop
                machine.reset()
                tap.equal(machine.config_read(pci(0, GOOD), 0, 4), IDS, '%s: after a reset' % what)
                machine.qmp('quit')
                tap.equal(machine.process.wait(), 0, '%s: QEMU ends as it is told' % what)


class VCPU:
    """A QEMU whose guest reads and writes a device's registers without end."""

    def __init__(self, fd, directory):
        path = os.path.join(directory, 'firmware')
        with open(path, 'wb') as file:
            file.write(configguest.firmware(IDS))
        monitor, monitor_theirs = socket.socketpair()
        self.console, console_theirs = socket.socketpair()
        fds = [fd, monitor_theirs.fileno(), console_theirs.fileno()]
        self.process = subprocess.Popen(
            [qemu_path(), '-accel', 'tcg', '-machine', 'pc', '-nodefaults', '-no-user-config', '-display', 'none',
             '-bios', path, '-device', 'x-pci-proxy-dev,addr=%d,fd=%d' % (HOSTILE, fds[0]),
             '-chardev', 'socket,id=monitor,fd=%d' % fds[1], '-mon', 'chardev=monitor,mode=control',
             '-chardev', 'socket,id=console,fd=%d' % fds[2], '-device', 'isa-debugcon,iobase=0xe9,chardev=console'],
            stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL, pass_fds=fds)
        monitor_theirs.close()
        console_theirs.close()
        monitor.settimeout(LIMIT)
        self.console.settimeout(LIMIT)
        self.monitor = monitor.makefile('rwb')
        monitor.close()
        self.monitor.readline()
        self.qmp('qmp_capabilities')

    def qmp(self, command):
        self.monitor.write(json.dumps({'execute': command}).encode() + b'\n')
        self.monitor.flush()
        while True:
            answer = json.loads(self.monitor.readline())
            if 'return' in answer:
                return answer['return']

    def rounds(self, count):
        """What the guest says of COUNT times 256 rounds: dots."""
        return emu.receive(self.console, count)

    def said(self):
        """What it has said up to now."""
        said = b''
        self.console.setblocking(False)
        try:
            while True:
                said += self.console.recv(65536)
        except BlockingIOError:
            self.console.settimeout(LIMIT)
        return said

    def close(self):
        self.process.kill()
        self.process.wait()
        self.monitor.close()
        self.console.close()


def check_silence(tap, other):
    with tempfile.TemporaryDirectory(prefix='emulatedpci.') as directory, \
            Emulator([EXAMPLE], ['--no-guard'], stderr=subprocess.DEVNULL) as emulator:
        machine = VCPU(emulator.sockets[0].fileno(), directory)
        emulator.sockets[0].close()
        try:
            tap.equal(machine.rounds(2), b'..', 'silence: the virtual CPU is at work')
            emulator.process.send_signal(signal.SIGSTOP)
            tap.equal(machine.qmp('query-status')['status'], 'running', 'silence: QEMU answers')
            tap.ok(len(machine.qmp('query-pci')[0]['devices']) > 2, 'silence: and lists its devices')
            tap.equal(other.config_read(pci(0, GOOD), 0, 4), IDS, 'silence: the other domain')
            seen = machine.said()
            emulator.process.send_signal(signal.SIGCONT)
            tap.ok(b'E' not in seen + machine.rounds(10), 'silence: the answer comes late, and is the right one')
        finally:
            machine.close()


def check_silence_guarded(tap):
    """Nobody wakes that worker up: the guard replaces it. QEMU is told to stop
    the virtual CPU meanwhile, and so waits for it."""
    with tempfile.TemporaryDirectory(prefix='emulatedpci.') as directory, \
            Emulator([EXAMPLE], stderr=subprocess.DEVNULL) as emulator:
        machine = VCPU(emulator.sockets[0].fileno(), directory)
        emulator.sockets[0].close()
        try:
            machine.rounds(2)
            os.kill(emulator.worker(), signal.SIGSTOP)
            start = time.monotonic()
            machine.qmp('stop')
            tap.diag('a stopped worker: QEMU has stopped its CPU after %.1f s' % (time.monotonic() - start))
            seen = machine.said()
            machine.qmp('cont')
            tap.ok(b'E' not in seen + machine.rounds(10), 'silence, with a guard: it is over by itself')
        finally:
            machine.close()


def check_kills(tap):
    """A virtual CPU, which checks what it reads, while its emulator is killed."""
    kills = 200
    with tempfile.TemporaryDirectory(prefix='emulatedpci.') as directory, \
            Emulator([EXAMPLE], stderr=subprocess.DEVNULL) as emulator:
        machine = VCPU(emulator.sockets[0].fileno(), directory)
        emulator.sockets[0].close()
        try:
            seen = b''
            for _ in range(kills):
                seen += machine.rounds(1)
                worker = emulator.worker()
                # It may be one that dies just now.
                if worker is not None:
                    with contextlib.suppress(ProcessLookupError):
                        os.kill(worker, signal.SIGKILL)
            seen += machine.said() + machine.rounds(10)
            tap.ok(b'E' not in seen, 'a virtual CPU reads and writes over %d kills' % kills, seen)
        finally:
            machine.close()


def main(tap):
    needs('qemu-system-x86_64')
    with Emulator([EXAMPLE], stderr=subprocess.DEVNULL) as emulator:
        fd = emulator.sockets[0].fileno()
        with QTestMachine(['-machine', 'pc', '-device', 'x-pci-proxy-dev,addr=%d,fd=%d' % (GOOD, fd)],
                          pass_fds=[fd], stderr=subprocess.DEVNULL) as other:
            emulator.sockets[0].close()
            check_ways(tap, other)
            check_silence(tap, other)
    check_silence_guarded(tap)
    check_kills(tap)


if __name__ == '__main__':
    sys.dont_write_bytecode = True
    run_tests(main)
