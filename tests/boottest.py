#!/usr/bin/env python3
# boottest.py: from the XML to the PCI bus of a Linux guest
#
# 1, 3 and 24 devices on pc and q35, and 7 devices of several emulators, are lowered, defined and
# started with a stock libvirtd and QEMU. Then the twelve fields and the addresses are compared with
# those in the XML, at four places:
#
#   recorded   the domain's XML in libvirt, lifted
#   power-on   the registers on QEMU's PCI bus before the guest's first instruction (through
#              qtest), and the names and addresses in QEMU's query-pci
#   emulator   the device's name, which a guest cannot see, in the arguments of the emulator
#   guest      the registers that Linux reads after firmware and kernel have run
#
# At the last place, two registers may differ from their power-on values. SeaBIOS
# (src/fw/pciinit.c, pci_bios_init_device) enables decoding in every device, command |= 0x0103 (I/O,
# memory, SERR#), and writes an IRQ of the machine, 10 or 11, to the interrupt line of every device
# whose interrupt pin is not 0. It changes nothing else, and Linux does not change registers of
# devices without a driver. So the test predicts and compares each bit here, too.
#
# SPDX-License-Identifier: LGPL-2.1-or-later

import json
import os
import random
import re
import subprocess
import time
from typing import NamedTuple

from emulatedpcistack import (FIELDS, KERNEL_ARGUMENTS, Qtest, Stack, Tap, config_fields, domain_xml,
                              emulated_devices, emulatedpci_xml, guest_buses, guest_kernel,
                              initramfs, needs, needs_transport, read_dumps, run_tests)
from qemutransports import DRIVERS as QEMU_DRIVERS

FIRMWARE_COMMAND = 0x0103
FIRMWARE_IRQS = (10, 11)

# The example of the design and of all documentation pages
CITRIX = {
    'devicename': 'citrix-pv-bus', 'vendorid': 0x5853, 'deviceid': 0xc000, 'command': 0, 'status': 0,
    'revision': 1, 'classcode': 0xff8000, 'headertype': 0, 'subvendorid': 0x5853,
    'subsystemid': 0xc000, 'interruptline': 0, 'interruptpin': 1,
}

# Base classes for which neither the firmware nor the kernel has a driver
BASE_CLASSES = (0x05, 0x07, 0x08, 0x0a, 0x0b, 0x0f, 0x10, 0x11, 0x12, 0x13, 0x40, 0xff)


def random_device(rng, number):
    """Returns random values. If possible, no two devices have the same value, so that swapped
    values are detected."""
    return {
        'devicename': 'dev%02d-%s' % (number, ''.join(rng.choices('abcdefXYZ._-', k=rng.randint(1, 25)))),
        'vendorid': rng.randint(0x2000, 0xfffe),
        'deviceid': rng.randint(0, 0xffff),
        'command': rng.randint(0, 0xffff),
        # without bit 4, because the device has no capability list
        'status': rng.randint(0, 0xffff) & ~0x0010,
        'revision': rng.randint(0, 0xff),
        'classcode': rng.choice(BASE_CLASSES) << 16 | rng.randint(0, 0xffff),
        'headertype': 0,
        'subvendorid': rng.randint(0, 0xffff),
        'subsystemid': rng.randint(0, 0xffff),
        'interruptline': rng.randint(0, 0xff),
        'interruptpin': rng.choice((0, 1, 2, 3, 4, 9, 0xff)),
    }


def make_devices(machine, count):
    """[(alias, fields, XML of the address or None)]"""
    rng = random.Random('%s %d' % (machine, count))
    if count == 1:
        return [('ua-emulatedpci0', CITRIX, None)]
    devices = [['ua-e%02d' % number, random_device(rng, number), None] for number in range(count)]
    if count == 3:
        # two functions of one slot, before a device to which libvirt gives an address
        devices[0][1]['headertype'] = 0x80
        devices[0][2] = "<address type='pci' domain='0x0000' bus='0x00' slot='0x10' function='0x0' multifunction='on'/>"
        devices[1][2] = "<address type='pci' domain='0x0000' bus='0x00' slot='0x10' function='0x5'/>"
    return devices


def differences(got, expected):
    return ['%s: expected 0x%x, got 0x%x' % (name, expected[name], got[name])
            if not isinstance(got[name], str) else '%s: expected %r, got %r' % (name, expected[name], got[name])
            for name in FIELDS if name in got and got[name] != expected[name]]


def places_in_qemu(stack, name):
    """Returns {id: (bus, slot, function)} of all devices in QEMU."""
    places = {}

    def walk(bus):
        for device in bus['devices']:
            if device.get('qdev_id'):
                places[device['qdev_id']] = (device['bus'], device['slot'], device['function'])
            walk(device.get('pci_bridge', {'devices': []}))
    for bus in json.loads(stack.virsh('qemu-monitor-command', name, '{"execute":"query-pci"}'))['return']:
        walk(bus)
    return places


def emulators_of(stack):
    """Returns the command lines of all emulators. (A guard and its worker have the same one.)"""
    return {command for _, command in stack.processes('pci-emulator')
            if 'emulatedpci-stubdomain' not in command}


def emulator_devices(stack):
    """Returns [{field: value}] from the running emulator's command line."""
    found = []
    for command in emulators_of(stack):
        for option in re.split(r'--device[ =]', command)[1:]:
            # The emulator splits its arguments in place: some of the commas and equals signs are
            # overwritten.
            words = re.split('[ ,=]', option)
            fields = dict(zip(words[::2], words[1::2]))
            fields.pop('fd' if 'fd' in fields else 'socket')
            found.append({name: value if name == 'devicename' else int(value, 0)
                          for name, value in fields.items()})
    return found


def expected_in_guest(fields, got, guest):
    """Returns the values that the guest must read, and the reasons: see the top of this file."""
    if not guest.firmware:
        return fields
    expected = dict(fields, command=fields['command'] | FIRMWARE_COMMAND)
    if fields['interruptpin'] != 0 and got['interruptline'] in FIRMWARE_IRQS:
        expected['interruptline'] = got['interruptline']
    return expected


# The <driver>s of a domain with several emulators; the devices use them in rotation
DRIVERS = ('', "<driver emulator='net'/>", "<driver emulator='net' version='%s'/>",
           "<driver emulator='other'/>", "<driver emulator='apart' stubdomain='yes'/>")


class Guest(NamedTuple):
    """The kernel, and the parameters of the machine"""
    kernel: str
    initrd: str
    transport: str
    arch: str = 'x86_64'
    kernel_arguments: str = KERNEL_ARGUMENTS
    memory: int = 128
    qtest: type = Qtest
    firmware: bool = True       # which changes registers


def boot(tap, stack, guest, machine, count, drivers=('',)):
    transport = guest.transport
    started = time.monotonic()
    emulators = len({driver.partition("'")[2].partition("'")[0] for driver in drivers})
    drivers = [drivers[number % len(drivers)].replace('%s', transport) for number in range(count)]
    what = '%s, %d device%s' % (machine, count, 's' if count > 1 else '')
    if emulators > 1:
        what += ', %d emulators' % emulators
    name = 'boot-%s-%d' % (machine, count)
    devices = make_devices(machine, count)
    serial = 'guest/%s.serial' % name
    qtest = stack.path('tmp/%s.qtest' % name)

    xml = domain_xml(
        name, machine,
        ''.join(emulatedpci_xml(fields, alias, (address or '') + driver)
                for (alias, fields, address), driver in zip(devices, drivers)) +
        "    <serial type='file'><source path='%s'/></serial>\n" % stack.path(serial),
        '    <kernel>%s</kernel>\n    <initrd>%s</initrd>\n    <cmdline>%s</cmdline>\n'
        % (guest.kernel, guest.initrd, guest.kernel_arguments),
        ['-qtest', 'unix:%s,server=on,wait=off' % qtest, '-qtest-log', '/dev/null'],
        memory=guest.memory, arch=guest.arch)
    stack.define(xml)

    recorded = stack.dumpxml(name, '--inactive')
    found = emulated_devices(recorded)
    tap.equal(sorted(found, key=str), sorted(alias for alias, _, _ in devices),
              '%s: libvirt records all of them' % what)
    for alias, fields, _ in devices:
        got, address = found[alias]
        tap.ok(got == fields and address, '%s: %s recorded: twelve fields and an address' % (what, alias),
               *differences(got, fields))

    stack.virsh('start', '--paused', name)
    live = stack.dumpxml(name)
    tap.equal({alias: address for alias, (_, address) in emulated_devices(live).items()},
              {alias: address for alias, (_, address) in found.items()},
              '%s: the running domain has the recorded addresses' % what)

    (_, command), = stack.processes('guest=%s,' % name)
    tap.equal(command.count('"driver":"%s"' % QEMU_DRIVERS[transport]), count,
              '%s: QEMU has them as %s' % (what, QEMU_DRIVERS[transport]))

    bus = guest.qtest(qtest)
    bus.number_buses(live)
    places = places_in_qemu(stack, name)
    for alias, fields, _ in devices:
        address = found[alias][1]
        tap.equal(places.get(alias), address, '%s: %s is at %02x:%02x.%x in QEMU' % ((what, alias) + address))
        wrong = differences(config_fields(bus.config(address)), fields)
        tap.ok(not wrong, '%s: %s at power-on: eleven registers' % (what, alias), *wrong)
    bus.close()

    given = emulator_devices(stack)
    tap.equal(len(emulators_of(stack)), emulators,
              '%s: emulators' % what)
    tap.equal(sorted(given, key=str), sorted((fields for _, fields, _ in devices), key=str),
              '%s: the emulator has every name with its registers' % what)

    stack.virsh('resume', name)
    stack.wait_for(lambda: stack.state(name) == 'shut off', '%s: the guest powers off' % what)
    dumps = read_dumps(stack.read(serial))
    tap.equal(len(dumps), 1, '%s: the guest printed its devices' % what)
    buses = guest_buses(recorded, dumps[0])
    for alias, fields, _ in devices:
        index, slot, function = found[alias][1]
        where = (buses[index], slot, function)
        if not tap.ok(where in dumps[0], '%s: %s is at %02x:%02x.%x in the guest' % ((what, alias) + where)):
            continue
        got = config_fields(dumps[0][where])
        wrong = differences(got, expected_in_guest(fields, got, guest))
        tap.ok(not wrong, '%s: %s in the guest: eleven registers' % (what, alias), *wrong)

    ours = {(fields['vendorid'], fields['deviceid']) for _, fields, _ in devices}
    seen = [where for where, config in dumps[0].items()
            if (config_fields(config)['vendorid'], config_fields(config)['deviceid']) in ours]
    tap.equal(len(seen), count, '%s: and nowhere else' % what)

    stack.wait_for(lambda: not stack.processes('pci-emulator') and not stack.processes('qemu-system'),
                   '%s: no process is left' % what)
    tap.ok(True, '%s: emulator and QEMU have ended' % what)
    stack.virsh('undefine', name)
    tap.diag('%s: %.1f s' % (what, time.monotonic() - started))


def oldest_machines():
    """The oldest machine types of this QEMU, of both families: devices do not require a newer one."""
    listed = subprocess.run(['qemu-system-x86_64', '-machine', 'help'], capture_output=True,
                            text=True, check=True).stdout
    versions = {family: re.findall(r'^pc-%s-([0-9.]+) ' % family, listed, re.M)
                for family in ('i440fx', 'q35')}
    return ['pc-%s-%s' % (family, min(found, key=lambda version: [int(part) for part in version.split('.')]))
            for family, found in versions.items() if found]


def main(tap):
    needs('libvirtd', 'virsh')
    transport = needs_transport()
    kernel, reason = guest_kernel()
    if not kernel:
        Tap.skip_all(reason)
    with Stack() as stack:
        stack.stage()
        stack.start_libvirtd()
        guest = Guest(stack.copy(kernel, 'guest/vmlinuz', 0o644),
                      stack.write('guest/initrd', initramfs(os.path.join(stack.build, 'tests/guest/init'))),
                      transport)
        for machine in ('pc', 'q35'):
            for count in (1, 3, 24):
                boot(tap, stack, guest, machine, count)
        for machine in oldest_machines():
            boot(tap, stack, guest, machine, 3)
        # Some containers allow namespaces only for root.
        apart = stack.run(['unshare', '--user', '--mount', 'true'], check=False).returncode == 0
        boot(tap, stack, guest, 'pc', 7, DRIVERS if apart else DRIVERS[:-1])
        tap.equal(stack.close(), [], 'nothing is left')


if __name__ == '__main__':
    run_tests(main)
