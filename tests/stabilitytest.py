#!/usr/bin/env python3
# stabilitytest.py: the address of an emulated device never changes
#
# Tests pc and q35, in a stock libvirtd: other devices are added before and after the device,
# removed and reordered; the domain is edited with virsh edit, dumped and defined again; libvirtd is
# restarted and killed; the domain is started, and a snapshot is created. The addresses, values,
# aliases and the order of the other elements must not change.
#
# No guest is required: the running domain is paused.
#
# SPDX-License-Identifier: LGPL-2.1-or-later

import os
import re
import signal
import xml.etree.ElementTree as ET

from emulatedpcistack import (Stack, StackError, bridges, can_start, domain_xml, emulated_devices, emulatedpci_xml,
                              needs, run_tests)

NAME = 'stable'

DISK = """    <disk type='file' device='disk'>
      <driver name='qemu' type='raw'/>
      <source file='%s'/>
      <target dev='%s' bus='virtio'/>
    </disk>
"""
NIC = """    <interface type='user'>
      <mac address='52:54:00:00:00:%02x'/>
      <model type='%s'/>
    </interface>
"""
CONTROLLERS = """    <controller type='virtio-serial' index='0'/>
    <controller type='scsi' index='3' model='lsilogic'/>
"""


def device(number):
    return {'devicename': 'dev%d' % number, 'vendorid': 0x5853, 'deviceid': 0xc000 + number,
            'revision': number, 'interruptpin': 1}


def devices_in(xml):
    """Returns {device id: (alias, fields, address)}. No operation of this test changes a device
    id."""
    return {fields['deviceid']: (alias, fields, address)
            for alias, (fields, address) in emulated_devices(xml).items()}


class Domain:
    def __init__(self, tap, stack, machine):
        self.tap = tap
        self.stack = stack
        self.machine = machine
        self.expected = {}

    def xml(self):
        return self.stack.dumpxml(NAME, '--inactive')

    def remember(self):
        """Stores the current devices, which must not change."""
        self.expected = devices_in(self.xml())

    def check(self, what, xml=None, without=(), more=()):
        """Every earlier device except for those WITHOUT must be unchanged, including its alias. The
        devices MORE are new and must have addresses. Both are lists of device ids."""
        found = devices_in(xml or self.xml())
        expected = {number: value for number, value in self.expected.items() if number not in without}
        new = {number: found.pop(number, None) for number in more}
        self.tap.equal(found, expected, '%s: %s' % (self.machine, what))
        if more:
            self.tap.ok(all(value and value[2] for value in new.values()),
                        '%s: %s: the new ones have addresses' % (self.machine, what), new)

    def change(self, function):
        """dumpxml, lift, change, lower, define, as a user would."""
        self.stack.define(function(self.xml()))


def add_first(devices):
    return lambda xml: xml.replace('<devices>\n', '<devices>\n' + devices, 1)


def add_last(devices):
    return lambda xml: xml.replace('  </devices>\n', devices + '  </devices>\n', 1)


def reorder(xml):
    """Returns the XML with all devices in the opposite order. It changes the text, as a user does
    in an editor, not a parsed document."""
    head, devices, tail = re.fullmatch(r'(.*<devices>\n)(.*)(  </devices>\n.*)', xml, re.DOTALL).groups()
    parts = re.findall(r'    <\w(?:[^\n]*/>\n|.*?\n    </[^\n]*\n|[^\n]*</[^\n]*\n)', devices, re.DOTALL)
    assert ''.join(parts) == devices, devices
    return head + ''.join(reversed(parts)) + tail


def remove(xml, *patterns):
    """Removes every device that contains one of the PATTERNS."""
    for pattern in patterns:
        xml, count = re.subn(r'    <(\w+)\b(?:(?!\n    </)[^\0])*?%s(?:(?!\n    </)[^\0])*?\n    </\1>\n' % pattern,
                             '', xml)
        assert count == 1, (pattern, count)
    return xml


def test_running(tap, stack, machine, domain):
    inactive = domain.xml()
    stack.virsh('start', '--paused', NAME)
    domain.check('running', stack.dumpxml(NAME))
    domain.check('running, the persistent definition')
    tap.equal(domain.xml(), inactive, '%s: which is the same, byte for byte' % machine)
    domain.check('dumpxml --security-info', stack.dumpxml(NAME, '--security-info'))
    domain.check('dumpxml --migratable', stack.dumpxml(NAME, '--migratable'))
    domain.change(add_first(emulatedpci_xml(device(6), 'ua-sixth')))
    domain.check('defined while it runs', more=(0xc006,))
    domain.check('defined while it runs: the running one', stack.dumpxml(NAME))
    stack.restart_libvirtd(signal.SIGKILL)
    domain.check('libvirtd killed while it runs', stack.dumpxml(NAME))
    domain.check('libvirtd killed while it runs: persistent', more=(0xc006,))
    stack.virsh('snapshot-create-as', NAME, 'snap', '--disk-only')
    snapshot = ET.fromstring(stack.lift(stack.virsh('snapshot-dumpxml', NAME, 'snap')))
    for element, more in (('domain', ()), ('inactiveDomain', (0xc006,))):
        part = snapshot.find(element)
        if tap.ok(part is not None, '%s: the snapshot has a <%s>' % (machine, element)):
            part.tag = 'domain'
            domain.check('the <%s> in a snapshot' % element, ET.tostring(part, encoding='unicode'), more=more)
    stack.virsh('snapshot-delete', NAME, 'snap', '--metadata')
    stack.virsh('destroy', NAME)
    domain.check('destroyed', more=(0xc006,))
    stack.wait_for(lambda: not stack.processes('pci-emulator'), 'no emulator is left')


def test_machine(tap, stack, machine):
    domain = Domain(tap, stack, machine)
    explicit = "<address type='pci' domain='0x0000' bus='0x00' slot='0x15' function='0x0'/>"
    disk = {name: stack.write('tmp/%s-%s.img' % (machine, name), b'\0' * 1048576) for name in ('vda', 'vdb', 'vdc')}
    first = domain_xml(
        NAME, machine,
        DISK % (disk['vda'], 'vda') +
        emulatedpci_xml(device(1)) +
        NIC % (1, 'virtio') +
        emulatedpci_xml(device(2), 'ua-second') +
        emulatedpci_xml(device(3), 'ua-third', explicit))

    stack.define(first)
    domain.remember()
    tap.equal(sorted(domain.expected), [0xc001, 0xc002, 0xc003], '%s: three devices' % machine)
    tap.equal([domain.expected[number][0] for number in (0xc002, 0xc003)], ['ua-second', 'ua-third'],
              '%s: aliases of the user\'s are kept' % machine)
    tap.ok(domain.expected[0xc001][0].startswith('ua-emulatedpci'), '%s: and one is made' % machine,
           domain.expected)
    tap.equal(domain.expected[0xc003][2], (0, 0x15, 0), '%s: an address of the user\'s is kept' % machine)
    if machine == 'q35':
        tap.ok(domain.expected[0xc002][2][0] in bridges(domain.xml()),
               'q35: libvirt adds a bridge for a conventional PCI device', domain.expected)

    # saved and defined again
    domain.change(lambda xml: xml)
    domain.check('defined again as it was dumped')
    stack.restart_libvirtd()
    domain.check('libvirtd restarted')
    stack.restart_libvirtd(signal.SIGKILL)
    domain.check('libvirtd killed and started')

    # add
    domain.change(add_first(DISK % (disk['vdb'], 'vdb')))
    domain.check('a disk before all')
    domain.change(add_first(NIC % (2, 'e1000') + NIC % (3, 'rtl8139')))
    domain.check('two NICs before all')
    domain.change(add_first(CONTROLLERS))
    domain.check('controllers before all')
    domain.change(add_last(DISK % (disk['vdc'], 'vdc') + NIC % (4, 'virtio')))
    domain.check('a disk and a NIC behind all')
    domain.change(lambda xml: xml.replace("<controller type='usb' index='0' model='none'/>",
                                          "<controller type='usb' index='0' model='ich9-ehci1'/>"))
    domain.check('a USB controller with companions')
    domain.change(add_first(emulatedpci_xml(device(4)) + emulatedpci_xml(device(5), 'ua-fifth')))
    domain.check('emulated devices before all', more=(0xc004, 0xc005))
    domain.remember()
    stack.virsh('attach-device', NAME, '--config', stack.write('tmp/nic.xml', NIC % (5, 'e1000')))
    domain.check('virsh attach-device --config of a NIC')

    # reorder
    domain.change(reorder)
    domain.check('all devices in the opposite order')
    backwards = list(devices_in(domain.xml()))
    domain.change(reorder)
    domain.check('and back')
    tap.ok(sorted(backwards) == sorted(domain.expected), '%s: all of them' % machine)

    # edit
    domain.change(lambda xml: xml.replace("<memory unit='KiB'>131072</memory>", "<memory unit='KiB'>262144</memory>")
                  .replace("<vcpu placement='static'>1</vcpu>", "<vcpu placement='static'>2</vcpu>"))
    domain.check('more memory and a second processor')
    tap.ok("<memory unit='KiB'>262144</memory>" in domain.xml(), '%s: which are there' % machine)
    editor = stack.write('tmp/editor.sh', """#!/bin/sh
# Edits the XML as a user does: removes one name and one NIC.
set -e
'{tool}' lift --launch-dir '{launch}' "$1" > "$1.lifted"
grep '<emulatedpci ' "$1.lifted" > /dev/null
sed -e "s/devicename='dev2'/devicename='edited'/" -e "/<interface /,/<\\/interface>/{{/<interface /h; /<interface /!H; /<\\/interface>/!d; x; /00:00:00:05/d}}" "$1.lifted" > "$1.edited"
'{tool}' lower --launch-dir '{launch}' "$1.edited" > "$1"
rm "$1.lifted" "$1.edited"
""".format(tool=stack.tool, launch=stack.launch_dir))
    os.chmod(editor, 0o755)
    stack.virsh('edit', NAME, env={'EDITOR': editor, 'VISUAL': editor})
    xml = domain.xml()
    alias, fields, address = domain.expected[0xc002]
    domain.expected[0xc002] = (alias, dict(fields, devicename='edited'), address)
    domain.check('virsh edit: only what was edited has changed', xml)
    tap.ok('52:54:00:00:00:05' not in xml and '52:54:00:00:00:04' in xml, '%s: one NIC less' % machine, xml)

    if can_start(tap, '%s: a running domain' % machine):
        test_running(tap, stack, machine, domain)
    else:
        domain.change(add_first(emulatedpci_xml(device(6), 'ua-sixth')))

    # remove
    domain.change(lambda xml: remove(xml, "devicename='dev6'"))
    domain.check('the newest emulated device removed')
    domain.change(lambda xml: remove(xml, "dev='vda'", '00:00:00:01', '00:00:00:02'))
    domain.check('a disk and two NICs removed')
    domain.change(lambda xml: remove(xml, "devicename='dev1'", "devicename='dev5'"))
    domain.check('two emulated devices removed', without=(0xc001, 0xc005))
    domain.remember()
    domain.change(add_last(emulatedpci_xml(device(7))))
    domain.check('a new one in their place', more=(0xc007,))
    alias, _, address = devices_in(domain.xml())[0xc007]
    others = list(domain.expected.values())
    tap.ok(alias not in [other[0] for other in others] and address not in [other[2] for other in others],
           '%s: with a free alias at a free address' % machine, alias, address, others)

    # an address that another device of the document has
    collision = domain.xml().replace('</emulatedpci>', '</emulatedpci>\n' + emulatedpci_xml(
        device(8), 'ua-collision', explicit).rstrip('\n'), 1)
    try:
        refused = stack.lower(collision)
    except StackError as error:
        refused = str(error)
    tap.ok('is in use by another device' in refused, '%s: an address that is taken is refused' % machine, refused)
    domain.check('and nothing has changed', more=(0xc007,))

    stack.virsh('undefine', NAME)


def main(tap):
    needs('libvirtd', 'virsh')
    with Stack() as stack:
        stack.stage()
        stack.start_libvirtd()
        for machine in ('pc', 'q35'):
            test_machine(tap, stack, machine)
        tap.equal(stack.close(), [], 'nothing is left')


run_tests(main)
