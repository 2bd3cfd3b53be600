#!/usr/bin/env python3
# modeltest.py: an emulator other than pci-emulator, in a guest
#
# Devices of two domains use examples/counter-emulator as <driver model=…>, together with devices of
# pci-emulator. Tests the registers that Linux reads in the guest, the registers on QEMU's PCI bus,
# and the messages to the user when the program fails.
#
# SPDX-License-Identifier: LGPL-2.1-or-later

import os
import struct

from emulatedpcistack import (KERNEL_ARGUMENTS, Qtest, Stack, Tap, domain_xml, emulated_devices,
                              emulatedpci_xml, guest_buses, guest_kernel, initramfs, needs, needs_transport,
                              read_dumps, run_tests)
from qemutransports import MPQEMU, VFIO_USER

# The message for a transport that this QEMU only supports with KVM
WITHOUT = {MPQEMU: ('require KVM',), VFIO_USER: ("does not support device 'vfio-user-pci'", "version 'vfio-user'")}

COUNTER = 0x40
STEP = 5


def counter_at(bus, where):
    bus.select(where, COUNTER)
    return int(bus.command('inl 0xcfc')[0], 0)


def main(tap):
    needs('libvirtd', 'virsh')
    transport = needs_transport()
    kernel, reason = guest_kernel()
    if not kernel:
        Tap.skip_all(reason)
    with Stack() as stack:
        stack.stage()
        stack.start_libvirtd()
        kernel = stack.copy(kernel, 'guest/vmlinuz', 0o644)
        initrd = stack.write('guest/initrd', initramfs(os.path.join(stack.build, 'tests/guest/init')))
        model = stack.copy(os.path.join(stack.build, 'examples/counter-emulator/counter-emulator'),
                           'libexec/counter-emulator')
        apart = stack.run(['unshare', '--user', '--mount', 'true'], check=False).returncode == 0
        driver = "<driver emulator='counter' version='%s'%s model='%s'><arg value='%%s'/></driver>" \
            % (transport, " stubdomain='yes'" if apart else '', model)
        tap.diag('with stubdomain: %s' % apart)
        other = VFIO_USER if transport == MPQEMU else MPQEMU

        devices = [('ua-counter', {'devicename': 'counter', 'vendorid': 0x1234, 'deviceid': 0xc0de},
                    driver % ('--step=%d' % STEP)),
                   ('ua-native', {'devicename': 'plain', 'vendorid': 0x1234, 'deviceid': 0xc0df}, None),
                   ('ua-second', {'devicename': 'second', 'vendorid': 0x1234, 'deviceid': 0xc0e0},
                    "<driver emulator='counter'/>")]
        qtest = stack.path('tmp/model.qtest')
        stack.define(domain_xml(
            'model', 'pc',
            ''.join(emulatedpci_xml(fields, alias, driver) for alias, fields, driver in devices) +
            "    <serial type='file'><source path='%s'/></serial>\n" % stack.path('guest/model.serial'),
            '    <kernel>%s</kernel>\n    <initrd>%s</initrd>\n    <cmdline>%s emulatedpci.then=wait</cmdline>\n'
            % (kernel, initrd, KERNEL_ARGUMENTS),
            ['-qtest', 'unix:%s,server=on,wait=off' % qtest, '-qtest-log', '/dev/null']))
        stack.virsh('start', 'model')
        stack.wait_for(lambda: os.path.exists(stack.path('guest/model.serial')) and
                       read_dumps(stack.read('guest/model.serial')), 'the guest prints its devices', 120)
        recorded = stack.dumpxml('model')
        found = emulated_devices(recorded)
        dump = read_dumps(stack.read('guest/model.serial'))[0]
        buses = guest_buses(recorded, dump)
        places = {}
        for alias, fields, _ in devices:
            index, slot, function = found[alias][1]
            places[alias] = (buses[index], slot, function)
            ids = struct.unpack_from('<HH', dump[places[alias]])
            tap.equal(ids, (fields['vendorid'], fields['deviceid']), '%s in the guest' % alias)
        first = {alias: struct.unpack_from('<I', dump[where], COUNTER)[0] for alias, where in places.items()}
        tap.ok(first['ua-counter'] > 0 and first['ua-counter'] % STEP == 0, 'the guest read the counter', first)
        tap.ok(first['ua-second'] > 0 and first['ua-second'] % STEP == 0, 'and the other one', first)
        tap.equal(first['ua-native'], 0, "pci-emulator's device has none")

        bus = Qtest(qtest)
        tap.equal(counter_at(bus, places['ua-counter']), first['ua-counter'] + STEP, 'the next read')
        bus.select(places['ua-counter'], COUNTER)
        bus.command('outl 0xcfc 0x10000')
        tap.equal([counter_at(bus, places['ua-counter']) for _ in range(3)],
                  [0x10000 + STEP * i for i in (1, 2, 3)], 'after it was set')
        tap.equal(counter_at(bus, places['ua-second']), first['ua-second'] + STEP, 'each device has its own')
        tap.equal(counter_at(bus, places['ua-native']), 0, 'still none there')
        bus.close()
        stack.virsh('destroy', 'model')
        stack.wait_for(lambda: not stack.processes('counter-emulator') and not stack.processes('pci-emulator'),
                       'the emulators end')
        tap.ok(True, 'emulators end with QEMU')

        # The user gets the error message of the program.
        for name, xml, messages in (
                ('option', driver % '--bogus',
                 ("counter-emulator: unknown option '--bogus'",
                  "the PCI device emulator 'counter' ended before it was ready")),
                ('none', "<driver emulator='gone' model='/does/not/exist'/>",
                 ("cannot run '/does/not/exist' for the PCI device emulator 'gone': No such file",)),
                ('other', "<driver emulator='new' version='%s'/>" % other, WITHOUT[other])):
            stack.define(domain_xml('fails-' + name, 'pc', emulatedpci_xml(devices[0][1], None, xml)))
            done = stack.run(['virsh', '-q', '-c', stack.uri, 'start', 'fails-' + name], check=False)
            for message in messages:
                tap.ok(done.returncode != 0 and message in done.stderr, 'virsh shows: %s' % message, done.stderr)
        stack.wait_for(lambda: not stack.processes('emulator'), 'no emulator is left')
        tap.equal(stack.close(), [], 'nothing is left')


run_tests(main)
