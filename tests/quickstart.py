#!/usr/bin/env python3
# quickstart.py: the second half of ./quickstart, after the build
#
# Starts a separate libvirtd and virtemulatedpcid, defines and starts the domain of an example with
# virsh, and prints the values in its XML, those in libvirt, and those that the guest saw. The exit
# status is 0 if all of these are equal.
#
# SPDX-License-Identifier: LGPL-2.1-or-later

import argparse
import os
import re
import shutil
import subprocess
import sys
import time
import xml.etree.ElementTree as ET

from daemonstack import DaemonStack
from emulatedpcistack import (FIELDS, KERNEL_ARGUMENTS, REGISTERS, config_fields,
                              emulated_devices, guest_buses, initramfs, read_dumps)

# Changes of registers by firmware and operating systems: SeaBIOS enables decoding, and assigns an
# IRQ to each device with an interrupt pin.
FIRMWARE_COMMAND = 0x0103


class Progress:
    def __init__(self, options):
        self.since = time.monotonic() - options.elapsed
        self.number = options.step
        self.steps = options.steps

    def elapsed(self):
        return int(time.monotonic() - self.since)

    def step(self, text):
        print('[%d/%d] %-58s %4ds' % (self.number, self.steps, text, self.elapsed()), flush=True)
        self.number += 1

    @staticmethod
    def note(text):
        print('      %s' % text, flush=True)


def add_boot(xml, kernel, initrd, serial, accel, emulator):
    """Returns the domain of the example with the additions for this demonstration. EMULATOR: a QEMU
    other than the installed one, or None."""
    if accel == 'kvm':
        xml = xml.replace("<domain type='qemu'>", "<domain type='kvm'>", 1)
    if emulator:
        xml = re.sub(r'(\n  <devices>)', r'\1\n    <emulator>%s</emulator>' % emulator, xml, count=1)
    xml = re.sub(r'(\n  </os>)', r'\n    <kernel>%s</kernel>\n    <initrd>%s</initrd>'
                 r'\n    <cmdline>%s</cmdline>\1' % (kernel, initrd, KERNEL_ARGUMENTS), xml, count=1)
    return re.sub(r'(\n  </devices>)', r"\n    <serial type='file'>\n      <source path='%s'/>"
                  r'\n    </serial>\1' % serial, xml, count=1)


def asked_fields(xml):
    """Returns {field: text} as in the user's XML."""
    element = ET.fromstring(xml).find('./devices/emulatedpci')
    return dict(element.find('config').attrib, devicename=element.get('devicename'))


def judge(name, recorded, seen):
    """Returns (whether the value is correct, a description) for a field whose value in the guest is
    SEEN."""
    if seen == recorded:
        return True, 'ok'
    if name == 'command' and seen == recorded | FIRMWARE_COMMAND:
        return True, 'ok (the firmware enabled decoding, as in any device)'
    if name == 'interruptline' and seen in (10, 11):
        return True, 'ok (the firmware chose IRQ %d, as for any device)' % seen
    return False, 'WRONG'


def show_table(asked, recorded, config, address, where):
    """Prints the comparison. Returns whether all values are correct."""
    def show(name, value):
        return '0x%0*x' % (2 * REGISTERS[name][1], value)

    row = '  %-14s %-15s %-15s %-15s %s'
    print(row % ('field', 'XML asked', 'libvirt keeps', 'guest saw', ''))
    print('  ' + '-' * 68)
    seen = config_fields(config)
    well = True
    for name in FIELDS:
        if name == 'devicename':
            ok = recorded[name] == asked[name]
            print(row % (name, asked[name], recorded[name], '-', 'ok (a name for people, no register)'
                         if ok else 'WRONG'))
        else:
            ok, text = judge(name, recorded[name], seen[name])
            if name in asked and int(asked[name], 0) != recorded[name]:
                ok, text = False, 'WRONG'
            print(row % (name, asked.get(name, '(default)'), show(name, recorded[name]),
                         show(name, seen[name]), text))
        well = well and ok
    print(row % ('address', '(any)', '%02x:%02x.%x' % address, '%02x:%02x.%x' % where, 'ok'))
    return well


def lspci(dump, where, *options):
    done = subprocess.run(['lspci', '-F', dump, '-s', '%02x:%02x.%x' % where] + list(options),
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=180, check=True)
    return done.stdout.decode('utf-8', 'replace').rstrip()


def lspci_text(dump):
    """Returns a dump in the format of lspci -x."""
    return ''.join('%02x:%02x.%x device\n' % where + ''.join(
        '%02x: %s\n' % (row, config[row:row + 16].hex(' ')) for row in range(0, 256, 16)) + '\n'
                   for where, config in sorted(dump.items()))


def add_qemu(stack, root):
    """Copies the unpacked QEMU under ROOT to a directory where the stack's user can run it, and
    adds a launcher for it. Returns its path."""
    shutil.copytree(root, stack.path('qemu'), symlinks=True)
    os.chmod(stack.path('qemu'), 0o755)
    program = stack.path('qemu/usr/bin/qemu-system-x86_64')
    libraries = {directory for directory, _, names in os.walk(stack.path('qemu'))
                 if any('.so.' in name for name in names) and os.path.basename(directory) != 'qemu'}
    # libvirt passes it to the programs that it starts.
    stack.env['LD_LIBRARY_PATH'] = ':'.join(sorted(libraries))
    subprocess.run([stack.path('libexec/emulatedpci-launcher'), '--add', program],
                   stdout=subprocess.DEVNULL, timeout=60, check=True)
    return program


def run(options, progress, stack):
    def keep(name, text):
        with open(os.path.join(options.output, name), 'w', encoding='utf-8') as file:
            file.write(text)
        return os.path.join(options.output, name)

    progress.step('starting an unprivileged libvirtd, our daemon, the guest')
    with open(options.example, encoding='utf-8') as file:
        example = file.read()
    name = ET.fromstring(example).findtext('name')
    emulator = add_qemu(stack, options.qemu_root) if options.qemu_root else None
    stack.start_libvirtd()
    stack.start_daemon()
    progress.note('virtemulatedpcid stands between virsh and libvirtd')
    kernel = stack.copy(options.kernel, 'guest/vmlinuz', 0o644)
    initrd = stack.write('guest/initrd',
                         initramfs(os.path.join(options.build, 'tests/guest/init')))
    wanted = add_boot(example, kernel, initrd, stack.path('guest/serial'), options.accel, emulator)
    progress.note('virsh define --validate %s' % options.example)
    stack.virsh('define', '--validate', stack.write('tmp/define.xml', wanted))
    progress.note('virsh dumpxml %s' % name)
    recorded_xml = stack.virsh('dumpxml', name)
    keep('recorded.xml', recorded_xml)
    keep('lowered.xml', stack.direct('dumpxml', name))
    (recorded, address), = emulated_devices(recorded_xml).values()
    progress.note('libvirt gave it the PCI address %02x:%02x.%x, and keeps it' % address)
    progress.note('virsh start %s' % name)
    stack.virsh('start', name)
    progress.note('a Linux guest boots, %s KVM' % ('with' if options.accel == 'kvm' else 'without'))
    stack.wait_for(lambda: stack.state(name) == 'shut off', 'the guest powers off')
    dump, = read_dumps(stack.read('guest/serial'))

    progress.step('what the XML asked for, and what the guest saw')
    where = (guest_buses(recorded_xml, dump)[address[0]],) + address[1:]
    if where not in dump:
        print('FAILED: the guest has no device at %02x:%02x.%x (%d s)' % (where + (progress.elapsed(),)))
        return 1
    path = keep('guest-lspci.txt', lspci_text(dump))
    print()
    well = show_table(asked_fields(example), recorded, dump[where], address, where)
    print('\nThe guest\'s PCI bus, decoded by lspci -nn:\n')
    for device in sorted(dump):
        print('  %s%s' % (lspci(path, device, '-nn'), '   <===' if device == where else ''))
    print('\nThe device, decoded by lspci -vvxxx:\n')
    print('  ' + lspci(path, where, '-vvxxx').replace('\n', '\n  '))

    left = stack.close()
    print('\nIn .quickstart/: recorded.xml (the domain as a user sees it), lowered.xml (as libvirt has it),\n'
          'guest-lspci.txt (for lspci -F). Next: README.md, examples/, "make check" in .quickstart/build.\n')
    if left:
        print('FAILED: processes did not end: %r' % left)
        return 1
    if not well:
        print('FAILED: the guest saw something else than the XML asked for (%d s)' % progress.elapsed())
        return 1
    print('OK: the guest found %04x:%04x at %02x:%02x.%x, with every register as the XML asked (%d s)'
          % ((recorded['vendorid'], recorded['deviceid']) + where + (progress.elapsed(),)))
    return 0


def main():
    parser = argparse.ArgumentParser(description='The second half of ./quickstart.')
    parser.add_argument('--build', required=True)
    parser.add_argument('--kernel', required=True)
    parser.add_argument('--output', required=True)
    parser.add_argument('--step', type=int, default=1)
    parser.add_argument('--steps', type=int, default=2)
    parser.add_argument('--elapsed', type=int, default=0)
    parser.add_argument('--accel', choices=['tcg', 'kvm'], default='tcg')
    parser.add_argument('--qemu-root', default='')
    parser.add_argument('example')
    options = parser.parse_args()
    progress = Progress(options)
    try:
        with DaemonStack(build=options.build) as stack:
            return run(options, progress, stack)
    except KeyboardInterrupt:
        print('FAILED: interrupted')
    except Exception as error:  # pylint: disable=broad-except
        print('FAILED: %s (%d s)' % (error, progress.elapsed()))
    return 1


sys.exit(main())
