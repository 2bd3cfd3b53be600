"""emulatorstest.py: virt-emulatedpci emulators

Tests the emulators of a QEMU that the launcher starts, whose guest name has libvirt's format, with
each transport that the installed QEMU supports without KVM.

SPDX-License-Identifier: LGPL-2.1-or-later
"""

import json
import os
import signal
import subprocess
import sys

import emulatordriver as emu
from emulatedpcistack import LIMIT, Stack, Tap, run_tests
from emulatordriver import EXAMPLE, Emulator, children
from launcherutil import Stage, device
from qtestclient import QTestMachine, pci

DOMAIN = 'emulators-test,%d' % os.getpid()
FIELDS = ('domain', 'devicename', 'transport', 'pid', 'worker', 'qemu', 'guarded', 'closed', 'restarts')


def tool(*arguments):
    environment = dict(os.environ, LC_ALL='C')
    environment.pop('LIBVIRT_DEFAULT_URI', None)
    return subprocess.run([os.path.join(os.environ['abs_top_builddir'], 'tools/virt-emulatedpci'), 'emulators']
                          + list(arguments), capture_output=True, text=True, check=False, timeout=LIMIT,
                          env=environment)


def devices(*arguments):
    return json.loads(tool('--json', *arguments).stdout)


def requests():
    return [device['requests'] for device in devices(DOMAIN)]


class Machine(QTestMachine):
    """A QEMU that the launcher has started, with the devices "one" and "two" in slots 5 and 6."""

    def __init__(self, stage, link, more=()):
        arguments = ['-name', 'guest=%s,debug-threads=on' % DOMAIN.replace(',', ',,'), '-machine', 'pc']
        for name, slot in (('one', 5), ('two', 6)):
            arguments += ['-device', device(devicename=name, foreign=[
                ('version', link.name), ('id', 'dev-' + name), ('bus', 'pci.0'), ('addr', '%#x' % slot)] + list(more))]
        super().__init__(arguments, stderr=subprocess.DEVNULL, program=stage.qemu)
        # emulatedpci-stubdomain has the guard as its child.
        self.guard, = (pid for pid in stage.processes() if children(pid) and not children(children(pid)[0]))

    def worker(self):
        """The current worker, or None"""
        return next(iter(children(self.guard)), None)


def check_table(tap, what, machine, transports):
    lines = tool(DOMAIN).stdout.splitlines()
    tap.equal(lines[0].split(), ['Domain', 'Process', 'Device', 'Transport', 'Uptime', 'Restarts',
                                 'Requests', 'Memory'], what + 'the table: its head')
    tap.equal([line.split()[:4] for line in lines[1:]],
              [[DOMAIN, '%d/%d' % (machine.guard, machine.worker()), name, transport]
               for name, transport in transports], what + 'the table: its rows')


def check_guarded(tap, stage, what, link):
    with Machine(stage, link) as machine:
        before = requests()
        for _ in range(5):
            machine.config_read(pci(0, 6), 0, 4)
        tap.equal([after - count for after, count in zip(requests(), before)], [0, 5], what + 'requests are counted')
        found = devices(DOMAIN)
        tap.equal([tuple(d[field] for field in FIELDS) for d in found],
                  [(DOMAIN, name, link.name, machine.guard, machine.worker(), machine.process.pid, True, False, 0)
                   for name in ('one', 'two')], what + 'two devices of a domain')
        tap.ok(all(0 <= d['uptime'] < 1000 and 10 < d['memory'] < 20000 for d in found),
               what + 'uptime and memory', found)
        tap.ok(all(d in [(e['pid'], e['devicename']) for e in devices()]
                   for d in ((machine.guard, 'one'), (machine.guard, 'two'))), what + 'they are among those of all domains')
        check_table(tap, what, machine, (('one', link.name), ('two', link.name)))

        old = machine.worker()
        os.kill(old, signal.SIGKILL)
        Stack.wait_for(lambda: machine.worker() not in (old, None), 'a new worker')
        # A reset of the machine completes an unplug that the guest must confirm.
        machine.qmp('device_del', id='dev-one')
        machine.reset()
        Stack.wait_for(lambda: devices(DOMAIN)[0]['closed'], 'the device is closed')
        found = devices(DOMAIN)
        tap.equal([(d['worker'], d['restarts'], d['closed']) for d in found],
                  [(machine.worker(), 1, True), (machine.worker(), 1, False)],
                  what + 'one replacement, and one device less')
        check_table(tap, what, machine, (('one', 'closed'), ('two', link.name)))


def check_stubdomain(tap, stage, what, link):
    """The emulator has another ID in its own PID namespace, in which it does not see QEMU."""
    if subprocess.run(['unshare', '--user', '--pid', '--fork', '--map-root-user', 'true'], stderr=subprocess.DEVNULL,
                      check=False).returncode:
        tap.skip(what + 'in a stubdomain', 'no user namespaces here')
        return
    with Machine(stage, link, [('emulator', 'isolated'), ('stubdomain', 'yes')]) as machine:
        expected = [(DOMAIN, name, link.name, machine.guard, machine.worker(), machine.process.pid, True, False, 0)
                    for name in ('one', 'two')]
        tap.equal([tuple(d[field] for field in FIELDS) for d in devices(DOMAIN)], expected,
                  what + 'in a stubdomain: the processes, as this machine numbers them, and the domain')
        tap.equal([tuple(d[field] for field in FIELDS) for d in devices() if d['pid'] == machine.guard], expected,
                  what + 'in a stubdomain: among those of all domains')
        old = machine.worker()
        os.kill(old, signal.SIGKILL)
        Stack.wait_for(lambda: machine.worker() not in (old, None), 'a new worker')
        Stack.wait_for(lambda: devices(DOMAIN)[0]['restarts'] == 1, 'the replacement is counted')
        tap.equal([(d['pid'], d['worker']) for d in devices(DOMAIN)], [(machine.guard, machine.worker())] * 2,
                  what + 'in a stubdomain: a worker is replaced')


def check_unguarded(tap, what, link):
    """The domain is unknown: the test creates the sockets, or the emulator cannot get the identity of the peer."""
    with Emulator([EXAMPLE], ['--no-guard'], transport=link) as emulator:
        pid = emulator.process.pid
        found = [(d['worker'], d['guarded']) for d in devices() if d['pid'] == pid]
        if os.getuid() == 0:
            tap.equal(found, [(pid, False)], what + 'one without a guard')
        else:
            tap.equal(found, [], what + 'one without a guard cannot be looked into')
        emulator.wait()


def main(tap):
    available, reason = emu.qemu_transports()
    if reason:
        Tap.skip_all(reason)

    done = tool(DOMAIN)
    tap.equal((done.returncode, done.stdout), (1, ''), 'a domain without emulators')
    tap.ok('[VIR_ERR_NO_DOMAIN]' in done.stderr, 'and why', done.stderr)
    stage = Stage()
    try:
        stage.qemu = stage.link('qemu-system-x86_64')
        for link in available:
            for check in check_guarded, check_stubdomain:
                check(tap, stage, link.name + ': ', link)
                stage.wait_for_none()
    finally:
        stage.remove()
    for link in emu.TRANSPORTS:
        check_unguarded(tap, link.name + ': ', link)
    Stack.wait_for(lambda: not [d for d in devices() if d['domain'] == DOMAIN], 'nothing is left of the domain')
    tap.ok(True, 'nothing is left of the domain')

    done = tool('-c', 'qemu+ssh://host.example/system')
    tap.ok(done.returncode == 1 and 'is not on this machine' in done.stderr, 'a remote libvirt is refused',
           done.stderr)
    tap.equal(tool('-c', 'qemu:///system', DOMAIN).returncode, 1, 'a local one is not')
    tap.equal(tool('a', 'b').returncode, 2, 'two domains are one too many')


if __name__ == '__main__':
    sys.dont_write_bytecode = True
    run_tests(main)
