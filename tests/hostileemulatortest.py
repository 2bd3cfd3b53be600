"""hostileemulatortest.py: a malicious emulator cannot affect other emulators

A stand-in for pci-emulator that misbehaves serves one device of a real QEMU: it sends wrong replies
or floods, closes the connection early, or does not reply. After each case, the test checks the
other devices of that QEMU, emulated and native ones, QEMU itself, and another QEMU. qtest replaces
the guest, except for the missing replies, whose effect on a virtual CPU is tested, too. The test is
repeated with each transport that the installed QEMU supports.

SPDX-License-Identifier: LGPL-2.1-or-later
"""

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time

import configguest
import emulatordriver as emu
from emulatedpcistack import LIMIT, needs, run_tests
from emulatordriver import EXAMPLE, Emulator
from qtestclient import QTestError, QTestMachine, pci, qemu_path
from standinemulator import ANYTHING, CRASH, IDS, make_stand_in, ways

HOSTILE, GOOD, NATIVE = 5, 6, 7


def check_others(tap, what, machine, other, native):
    """The devices other than that of the malicious emulator are unchanged."""
    tap.equal(machine.config_read(pci(0, GOOD), 0, 4), IDS, '%s: the other emulated device' % what)
    tap.equal(machine.config_dump(pci(0, NATIVE)), native, '%s: the native device' % what)
    tap.equal(other.config_read(pci(0, GOOD), 0, 4), IDS, '%s: the other domain' % what)


def check_way(tap, what, machine, other, stand_in, way, result):
    """STAND_IN misbehaves in one WAY."""
    native = machine.config_dump(pci(0, NATIVE))
    tap.equal(machine.config_read(pci(0, HOSTILE), 0, 4), IDS, '%s: a sane start' % what)
    stand_in.misbehave = way
    values = [machine.config_read(pci(0, HOSTILE), 0, 4) for _ in range(3)]
    if result != ANYTHING:
        tap.equal(values, [0xffffffff] * 3, '%s: the device reads as all ones' % what)
    machine.config_write(pci(0, HOSTILE), 0x3c, 5, 1)
    check_others(tap, what, machine, other, native)
    tap.ok('status' in machine.qmp('query-status'), '%s: QEMU itself' % what)
    stand_in.misbehave = lambda s: s.drop()
    machine.reset()
    tap.equal(machine.config_read(pci(0, GOOD), 0, 4), IDS, '%s: after a reset' % what)
    machine.qmp('quit')
    tap.equal(machine.process.wait(), 0, '%s: QEMU ends as it is told' % what)


def check_ways(tap, other, link):
    for what, way, result in ways(link):
        what = '%s, %s' % (link.name, what)
        stand_in = make_stand_in(link)
        with Emulator([EXAMPLE], transport=link, for_qemu=True) as emulator:
            arguments = ['-machine', 'pc', '-device', 'pci-testdev,addr=%d' % NATIVE]
            arguments += stand_in.qemu_arguments(addr='%d' % HOSTILE)
            arguments += emulator.qemu_arguments({'addr': '%d' % GOOD})
            with QTestMachine(arguments, pass_fds=[*stand_in.fds, *emulator.qemu_fds],
                              stderr=subprocess.DEVNULL) as machine:
                stand_in.qemu_has_it()
                emulator.qemu_has_them()
                try:
                    check_way(tap, what, machine, other, stand_in, way, result)
                except (QTestError, ConnectionError):
                    if result != CRASH:
                        raise
                    tap.equal(machine.process.wait(), -signal.SIGSEGV, '%s: QEMU crashes' % what)
                    tap.equal(other.config_read(pci(0, GOOD), 0, 4), IDS, '%s: the other domain does not' % what)


class VCPU:
    """A QEMU whose guest reads and writes a device's registers in an endless loop."""

    def __init__(self, emulator, directory, **properties):
        """PROPERTIES: additional properties of QEMU's device"""
        path = os.path.join(directory, 'firmware')
        with open(path, 'wb') as file:
            file.write(configguest.firmware(IDS))
        monitor, monitor_theirs = socket.socketpair()
        self.console, console_theirs = socket.socketpair()
        fds = [monitor_theirs.fileno(), console_theirs.fileno()]
        self.process = subprocess.Popen(
            [qemu_path(), '-accel', 'tcg', '-machine', 'pc', '-nodefaults', '-no-user-config', '-display', 'none',
             '-bios', path, *emulator.qemu_arguments({'addr': '%d' % HOSTILE, **properties}),
             '-chardev', 'socket,id=monitor,fd=%d' % fds[0], '-mon', 'chardev=monitor,mode=control',
             '-chardev', 'socket,id=console,fd=%d' % fds[1], '-device', 'isa-debugcon,iobase=0xe9,chardev=console'],
            stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL, pass_fds=[*fds, *emulator.qemu_fds])
        monitor_theirs.close()
        console_theirs.close()
        monitor.settimeout(LIMIT)
        self.console.settimeout(LIMIT)
        self.monitor = monitor.makefile('rwb')
        monitor.close()
        self.monitor.readline()
        emulator.qemu_has_them()
        self.qmp('qmp_capabilities')

    def qmp(self, command):
        self.monitor.write(json.dumps({'execute': command}).encode() + b'\n')
        self.monitor.flush()
        while True:
            answer = json.loads(self.monitor.readline())
            if 'return' in answer:
                return answer['return']

    def rounds(self, count):
        """Waits for the output of COUNT times 256 rounds of the guest: dots."""
        return emu.receive(self.console, count)

    def said(self):
        """The output of the guest so far."""
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


def check_silence(tap, other, link):
    """x-pci-proxy-dev waits without a limit, and QEMU replies to monitor commands meanwhile.
    vfio-user-pci waits with QEMU's lock, for a limited time."""
    name = link.name + ', silence: '
    waits = {'x-msg-timeout': LIMIT * 1000} if link is emu.VFIO_USER else {}
    with tempfile.TemporaryDirectory(prefix='emulatedpci.') as directory, \
            Emulator([EXAMPLE], ['--no-guard'], stderr=subprocess.DEVNULL, transport=link, for_qemu=True) as emulator:
        machine = VCPU(emulator, directory, **waits)
        try:
            tap.equal(machine.rounds(2), b'..', name + 'the virtual CPU is at work')
            emulator.process.send_signal(signal.SIGSTOP)
            if link is emu.MPQEMU:
                tap.equal(machine.qmp('query-status')['status'], 'running', name + 'QEMU answers')
                tap.ok(len(machine.qmp('query-pci')[0]['devices']) > 2, name + 'and lists its devices')
            tap.equal(other.config_read(pci(0, GOOD), 0, 4), IDS, name + 'the other domain')
            seen = machine.said()
            emulator.process.send_signal(signal.SIGCONT)
            tap.ok(b'E' not in seen + machine.rounds(10), name + 'the answer comes late, and is the right one')
        finally:
            machine.close()


def check_silence_for_ever(tap, link):
    """vfio-user-pci disconnects the device, and QEMU continues."""
    name = link.name + ', silence for ever: '
    with tempfile.TemporaryDirectory(prefix='emulatedpci.') as directory, \
            Emulator([EXAMPLE], ['--no-guard'], stderr=subprocess.DEVNULL, transport=link, for_qemu=True) as emulator:
        machine = VCPU(emulator, directory, **{'x-msg-timeout': 2000})
        try:
            machine.rounds(2)
            emulator.process.send_signal(signal.SIGSTOP)
            machine.qmp('stop')
            tap.equal(machine.qmp('query-status')['status'], 'paused', name + 'QEMU obeys its monitor')
            machine.qmp('cont')
            tap.ok(b'E' in machine.rounds(1) + machine.said(), name + 'the guest reads something else')
        finally:
            machine.close()
            emulator.process.send_signal(signal.SIGCONT)


def check_silence_guarded(tap, link):
    """The stopped worker is not continued, so the guard replaces it. Meanwhile, QEMU is told to
    stop the virtual CPU, and so waits for the worker."""
    with tempfile.TemporaryDirectory(prefix='emulatedpci.') as directory, \
            Emulator([EXAMPLE], stderr=subprocess.DEVNULL, transport=link, for_qemu=True) as emulator:
        machine = VCPU(emulator, directory)
        try:
            machine.rounds(2)
            os.kill(emulator.worker(), signal.SIGSTOP)
            start = time.monotonic()
            machine.qmp('stop')
            tap.diag('a stopped worker: QEMU has stopped its CPU after %.1f s' % (time.monotonic() - start))
            seen = machine.said()
            machine.qmp('cont')
            tap.ok(b'E' not in seen + machine.rounds(10), link.name + ', silence, with a guard: it is over by itself')
        finally:
            machine.close()


def check_kills(tap, link):
    """A virtual CPU checks the values that it reads while its emulator is killed."""
    kills = 200
    with tempfile.TemporaryDirectory(prefix='emulatedpci.') as directory, \
            Emulator([EXAMPLE], stderr=subprocess.DEVNULL, transport=link, for_qemu=True) as emulator:
        machine = VCPU(emulator, directory)
        try:
            seen = b''
            for _ in range(kills):
                seen += machine.rounds(1)
                worker = emulator.worker()
                # The worker may already be exiting.
                if worker is not None:
                    with contextlib.suppress(ProcessLookupError):
                        os.kill(worker, signal.SIGKILL)
            seen += machine.said() + machine.rounds(10)
            tap.ok(b'E' not in seen, '%s, a virtual CPU reads and writes over %d kills' % (link.name, kills), seen)
        finally:
            machine.close()


def check_transport(tap, link):
    with Emulator([EXAMPLE], stderr=subprocess.DEVNULL, transport=link, for_qemu=True) as emulator:
        with QTestMachine(['-machine', 'pc'] + emulator.qemu_arguments({'addr': '%d' % GOOD}),
                          pass_fds=emulator.qemu_fds, stderr=subprocess.DEVNULL) as other:
            emulator.qemu_has_them()
            check_ways(tap, other, link)
            check_silence(tap, other, link)
    if link is emu.VFIO_USER:
        check_silence_for_ever(tap, link)
    check_silence_guarded(tap, link)
    check_kills(tap, link)


def main(tap):
    needs('qemu-system-x86_64')
    available, reason = emu.qemu_transports()
    if reason:
        tap.skip_all(reason)
    for link in available:
        check_transport(tap, link)


if __name__ == '__main__':
    sys.dont_write_bytecode = True
    run_tests(main)
