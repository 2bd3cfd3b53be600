#!/usr/bin/env python3
# lifecycletest.py: emulated devices in the life of running domains
#
# A Linux guest runs while libvirtd is restarted and killed, while the machine is reset, while a
# device is detached, and while another domain starts and stops. The devices must keep their
# addresses and values. However a domain ends (the guest powers off, virsh destroy, QEMU or the
# emulator is killed), no process may remain.
#
# SPDX-License-Identifier: LGPL-2.1-or-later

import os
import signal
import socket

import emulatordriver
from emulatedpcistack import (KERNEL_ARGUMENTS, LIMIT, REGISTERS, Stack, StackError, Tap, config_fields,
                              domain_xml, emulated_devices, emulatedpci_xml, guest_buses,
                              guest_kernel, initramfs, needs, needs_transport, read_dumps, run_tests)
from qemutransports import VFIO_USER


# A part of the message with which an older QEMU rejects saving a domain
REFUSES_MIGRATION = 'x-pci-proxy-dev does not support migration'


def dead(transport):
    """The registers of a device whose emulator has ended: all ones, except for the address
    registers (six BARs, expansion ROM), whose values vfio-user-pci returns itself."""
    registers = bytearray(b'\xff' * 256)
    if transport == VFIO_USER:
        registers[0x10:0x28] = bytes(0x18)
        registers[0x30:0x34] = bytes(4)
    return bytes(registers)


def device(number):
    return {'devicename': 'dev%d' % number, 'vendorid': 0x5853, 'deviceid': 0xc000 + number,
            'command': 0, 'status': 0, 'revision': 0x10 + number, 'classcode': 0xff8000 + number,
            'headertype': 0, 'subvendorid': 0x1000 + number, 'subsystemid': 0x2000 + number,
            'interruptline': 0, 'interruptpin': 0}


class Guest:
    """A domain with a Linux guest that reads commands from its serial console."""

    def __init__(self, tap, stack, machine, numbers):
        self.tap = tap
        self.stack = stack
        self.name = 'life-' + machine
        self.serial = 'guest/%s.serial' % self.name
        self.console = stack.path('tmp/%s.console' % self.name)
        self.wanted = {'ua-dev%d' % number: device(number) for number in numbers}
        stack.define(domain_xml(
            self.name, machine,
            ''.join(emulatedpci_xml(fields, alias) for alias, fields in self.wanted.items()) +
            "    <serial type='unix'><source mode='bind' path='%s'/>"
            "<log file='%s' append='off'/></serial>\n" % (self.console, stack.path(self.serial)),
            '    <kernel>%s</kernel>\n    <initrd>%s</initrd>\n    <cmdline>%s emulatedpci.then=wait</cmdline>\n'
            % (stack.path('guest/vmlinuz'), stack.path('guest/initrd'), KERNEL_ARGUMENTS)))

    def seen(self):
        return self.stack.read(self.serial)

    def start(self):
        self.stack.virsh('start', self.name)
        self.wait_for_prompt()

    def wait_for_prompt(self, before=0):
        """Waits for the prompt after the BEFOREth character. say() must not have read any of that
        output."""
        self.stack.wait_for(lambda: self.seen()[before:].count('=== emulatedpci: waiting'),
                            '%s: the guest is up' % self.name)

    def say(self, line, until):
        """Types LINE at the guest's console. Returns the output up to UNTIL. QEMU has only one
        reader of a console: the data that is read here is missing in the log."""
        text = b''
        with socket.socket(socket.AF_UNIX) as console:
            console.settimeout(LIMIT)
            console.connect(self.console)
            console.sendall(line.encode() + b'\n')
            while until.encode() not in text:
                data = console.recv(65536)
                if not data:
                    raise StackError('%s: the console closes after %r' % (self.name, text[-200:]))
                text += data
        return text.decode(errors='replace')

    def dump(self):
        """Returns the values that the guest reads now."""
        return read_dumps(self.say('print', ' devices\r\n'))[0]

    def check(self, what, aliases=None, dump=None):
        """The guest has exactly these devices, at the addresses in libvirt's XML."""
        wanted = {alias: self.wanted[alias] for alias in aliases or self.wanted}
        dump = dump or self.dump()
        xml = self.stack.dumpxml(self.name)
        recorded = emulated_devices(xml)
        ok = self.tap.equal(sorted(recorded), sorted(wanted), '%s: %s: in the live XML' % (self.name, what))
        buses = guest_buses(xml, dump)
        got, expected = {}, {}
        for alias, fields in wanted.items():
            bus, slot, function = recorded[alias][1] if ok else (0, 0, 0)
            # The firmware enables decoding (see boottest.py).
            expected[(buses[bus], slot, function)] = {
                name: fields[name] | (0x0103 if name == 'command' else 0) for name in REGISTERS}
        for where, config in dump.items():
            if config_fields(config)['vendorid'] == 0x5853:
                got[where] = config_fields(config)
        self.tap.equal(got, expected, '%s: %s: in the guest' % (self.name, what))

    def ended(self, what):
        self.stack.wait_for(lambda: self.stack.state(self.name) == 'shut off',
                            '%s: shut off' % self.name)
        self.gone(what)

    def gone(self, what):
        try:
            self.stack.wait_for(lambda: not self.processes(), 'its processes end')
        except StackError:
            pass
        self.tap.equal(self.processes(), [], '%s: %s: no process is left' % (self.name, what))

    def processes(self):
        return self.qemus() + self.emulators()

    def qemus(self):
        return self.stack.processes('guest=%s,' % self.name)

    def emulators(self):
        """Returns the emulators with a name of this domain's devices on their command line; all of
        them have the name of the first device."""
        first = next(iter(self.wanted.values()))['devicename']
        return [entry for entry in self.stack.processes('pci-emulator') if first in entry[1]]


def detach(tap, stack, guest):
    """A device is detached from the running domain, which requires the cooperation of the guest."""
    alias = list(guest.wanted)[1]
    stack.virsh('detach-device-alias', guest.name, alias, '--live')
    stack.wait_for(lambda: alias not in emulated_devices(stack.dumpxml(guest.name)),
                   '%s: the guest lets go of %s' % (guest.name, alias))
    rest = [other for other in guest.wanted if other != alias]
    guest.check('one device detached', rest)
    tap.ok(alias in emulated_devices(stack.dumpxml(guest.name, '--inactive')),
           '%s: the persistent definition still has it' % guest.name)
    tap.equal(len(guest.emulators()), 2, '%s: the others are still served' % guest.name)


def main(tap):
    needs('libvirtd', 'virsh')
    transport = needs_transport()
    kernel, reason = guest_kernel()
    if not kernel:
        Tap.skip_all(reason)
    with Stack() as stack:
        stack.stage()
        stack.start_libvirtd()
        stack.copy(kernel, 'guest/vmlinuz', 0o644)
        stack.write('guest/initrd', initramfs(os.path.join(stack.build, 'tests/guest/init')))

        pc = Guest(tap, stack, 'pc', (1, 2, 3))
        q35 = Guest(tap, stack, 'q35', (4, 5, 6))
        pc.start()
        pc.check('started', dump=read_dumps(pc.seen())[0])
        q35.start()
        q35.check('started', dump=read_dumps(q35.seen())[0])
        tap.equal((len(pc.emulators()), len(q35.emulators())), (2, 2), 'two domains, an emulator and its guard each')

        stack.restart_libvirtd()
        pc.check('libvirtd restarted')
        stack.restart_libvirtd(signal.SIGKILL)
        pc.check('libvirtd killed and started')
        q35.check('libvirtd killed and started')

        image = stack.path('tmp/saved')
        saved = stack.run(['virsh', '-q', '-c', stack.uri, 'save', pc.name, image], check=False)
        if transport == VFIO_USER:
            tap.equal((saved.returncode, saved.stderr), (0, ''), 'virsh save')
            stack.virsh('restore', image)
            pc.check('saved and restored')
        else:
            tap.ok(saved.returncode != 0 and REFUSES_MIGRATION in saved.stderr, 'virsh save is refused, with the reason',
                   saved.stderr)
            pc.check('after the attempt to save')

        before = len(pc.seen())
        stack.virsh('reset', pc.name)
        pc.wait_for_prompt(before)
        pc.check('reset', dump=read_dumps(pc.seen()[before:])[0])

        detach(tap, stack, pc)
        detach(tap, stack, q35)

        stack.virsh('destroy', q35.name)
        q35.ended('virsh destroy')
        pc.check('another domain destroyed', [alias for alias in pc.wanted if alias != 'ua-dev2'])

        q35.start()
        q35.check('started again, complete')
        pc.say('poweroff', 'powering off')
        pc.ended('the guest powered off')

        os.kill(q35.qemus()[0][0], signal.SIGKILL)
        q35.ended('QEMU killed')

        pc.start()
        where = emulated_devices(stack.dumpxml(pc.name))['ua-dev1'][1]
        pids = [pid for pid, _ in pc.emulators()]
        guard, worker = next((pid, emulatordriver.children(pid)[0]) for pid in pids
                             if emulatordriver.children(pid))
        os.kill(worker, signal.SIGKILL)
        pc.check('emulator killed')
        worker = emulatordriver.children(guard)[0]
        os.kill(guard, signal.SIGKILL)
        pc.check("emulator's guard killed")

        # The device does not respond then. The guest continues, and reads all ones.
        os.kill(worker, signal.SIGKILL)
        tap.equal(pc.dump().get(where), dead(transport), 'both killed: its device reads as all ones')
        tap.equal(stack.state(pc.name), 'running', 'both killed: the guest runs on')
        stack.virsh('destroy', pc.name)
        pc.ended('virsh destroy')

        tap.equal([command for _, command in stack.processes() if 'libvirtd' not in command], [],
                  'only libvirtd is left')
        tap.equal(stack.close(), [], 'nothing is left')


run_tests(main)
