#!/usr/bin/env python3
# attachtest.py: virsh attach-device puts a device into a running Linux guest
#
# ATTACH_ROUNDS is how often a device is attached and detached.
#
# SPDX-License-Identifier: LGPL-2.1-or-later

import json
import os
import re
import select
import signal
import socket
import sys
import time
import xml.etree.ElementTree as ET

from clientutil import start_host
from daemonstack import DaemonStack
from emulatedpcistack import (FIELDS, KERNEL_ARGUMENTS, LIMIT, StackError, Tap, domain_xml, emulatedpci_xml,
                              guest_kernel, initramfs, needs, needs_transport, read_dumps, run_tests)
from qemutransports import VFIO_USER

ROUNDS = int(os.environ.get('ATTACH_ROUNDS', '10'))
MARKER = '--pci1-'
INTERRUPT_LINE = 0x3c

FIRST = {'devicename': 'first', 'vendorid': 0x5853, 'deviceid': 0xc000}
LIVE = {'devicename': 'live_1.x', 'vendorid': 0x5853, 'deviceid': 0xc147, 'command': 0, 'status': 0x10, 'revision': 7,
        'classcode': 0xff8000, 'headertype': 0, 'subvendorid': 0x1234, 'subsystemid': 0xabcd, 'interruptline': 5,
        'interruptpin': 1}


def elements(xml):
    return list(ET.fromstring(xml).iter('emulatedpci'))


def has_status(pid):
    """Whether an emulator serves a device. Processes without the status memory only wait for a
    device."""
    try:
        with open('/proc/%d/maps' % pid, encoding='utf-8') as file:
            return 'emulatedpci-status' in file.read()
    except OSError:
        return False


class Guest:
    """A domain whose Linux prints its devices on request."""

    def __init__(self, tap, stack, name, machine, devices='', emulator='', arguments=KERNEL_ARGUMENTS, **more):
        self.tap = tap
        self.stack = stack
        self.name = name
        self.path = stack.path('tmp/%s.serial' % name)
        self.socket = None
        stack.virsh('define', stack.write('tmp/define.xml', domain_xml(
            name, machine, emulator + devices +
            "    <serial type='unix'><source mode='bind' path='%s'/></serial>\n" % self.path,
            '    <kernel>%s</kernel>\n    <initrd>%s</initrd>\n    <cmdline>%s emulatedpci.then=wait</cmdline>\n'
            % (stack.path('guest/vmlinuz'), stack.path('guest/initrd'), arguments), **{'memory': 96, **more})))

    def start(self):
        self.stack.virsh('start', self.name)
        self.connect()
        self.read('waiting')

    def connect(self):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.connect(self.path)

    def read(self, word):
        text = ''
        end = time.monotonic() + LIMIT
        while word not in text or not text.endswith('\n'):
            if time.monotonic() > end:
                raise TimeoutError('the guest has said %r' % text[-500:])
            if select.select([self.socket], [], [], 1)[0]:
                text += self.socket.recv(65536).decode('utf-8', 'replace')
        return text

    def devices(self):
        """Returns {(vendor, device): configuration space} of the devices that Linux has found."""
        while True:
            self.socket.sendall(b'print\n')
            text = self.read('=== emulatedpci: end')
            try:
                dumps = read_dumps(text)
                break
            except StackError:          # a device was removed during the output
                continue
        return {(config[0] | config[1] << 8, config[2] | config[3] << 8): config
                for config in dumps[-1].values()}

    def has(self, fields):
        return (fields['vendorid'], fields['deviceid']) in self.devices()

    def xml(self, *options):
        return self.stack.virsh('dumpxml', self.name, *options)

    def aliases(self, *options):
        return [element.find('alias').get('name') for element in elements(self.xml(*options))]

    def emulators(self):
        """Returns the number of processes that serve devices or will do so, and the number of
        QEMU's descriptors."""
        qemu = next(pid for pid, _ in self.stack.processes('guest=%s,' % self.name))
        return len([pid for pid, command in self.stack.processes('pci-emulator')
                    if 'pci-emulator' in command.split()[0] and has_status(pid)]), \
            len(os.listdir('/proc/%d/fd' % qemu)) if os.access('/proc/%d/fd' % qemu, os.R_OK) else 0

    def attach(self, fields, alias=None, options=('--live',), address=None, check=True):
        path = self.stack.write('tmp/device.xml', emulatedpci_xml(fields, alias, address))
        return self.stack.run(['virsh', '-q', '-c', self.stack.uri, 'attach-device', self.name, path] + list(options),
                              check=check)

    def wait_gone(self, fields):
        self.stack.wait_for(lambda: not self.has(fields), 'the guest lets go of the device')

    def log(self):
        return self.stack.read('cache/libvirt/qemu/log/%s.log' % self.name)[-2000:]


def registers(config):
    return {'vendorid': config[0] | config[1] << 8, 'deviceid': config[2] | config[3] << 8, 'revision': config[8],
            'classcode': config[9] | config[10] << 8 | config[11] << 16,
            'subvendorid': config[0x2c] | config[0x2d] << 8, 'subsystemid': config[0x2e] | config[0x2f] << 8}


def fails(tap, guest, what, pattern, done):
    tap.ok(done.returncode == 1 and re.search(pattern, done.stderr), what, done.returncode, done.stderr, guest.log())


def try_attach(tap, stack, guest, events, address=None):
    name = guest.name
    before = guest.xml()
    emulators = guest.emulators()[0]
    done = guest.attach(LIVE, 'ua-live', address=address, check=False)
    tap.ok(done.returncode == 0, '%s: attach-device --live' % name, done.stderr, guest.log())
    stack.wait_for(lambda: guest.has(LIVE), 'the guest finds it')
    config = guest.devices().get((LIVE['vendorid'], LIVE['deviceid']))
    tap.ok(config and all(LIVE[field] == value for field, value in registers(config).items()),
           '%s: the guest has it, with its registers' % name, config)
    live = elements(guest.xml())[-1]
    tap.ok(live.find('alias').get('name') == 'ua-live' and live.get('devicename') == LIVE['devicename'] and
           all(int(live.find('config').get(field), 0) == LIVE[field] for field in FIELDS[1:]),
           '%s: dumpxml shows it, and its twelve fields' % name, guest.xml())
    tap.ok('ua-live' not in guest.xml('--inactive'), '%s: and not with --inactive' % name)
    fails(tap, guest, '%s: the same alias again' % name, 'ua-live', guest.attach(LIVE, 'ua-live', check=False))
    if events:
        stack.wait_for(lambda: "'device-added' for domain '%s': ua-live\n" % name in stack.read(events), 'the event comes')
    stack.virsh('detach-device-alias', name, 'ua-live')
    guest.wait_gone(LIVE)
    stack.wait_for(lambda: 'ua-live' not in guest.xml(), 'libvirt has let go of it')
    tap.equal(guest.xml(), before, '%s: after detach-device-alias, all is as before' % name)
    stack.wait_for(lambda: guest.emulators()[0] == emulators, 'its emulator ends')
    if events:
        stack.wait_for(lambda: "'device-removed' for domain '%s': ua-live\n" % name in stack.read(events), 'the event comes')
        tap.ok(MARKER not in stack.read(events), '%s: events have the user\'s alias' % name, stack.read(events))


def try_both(tap, stack, guest):
    name = guest.name
    before = guest.xml('--inactive')
    guest.attach(LIVE, options=('--live', '--config'))
    live, inactive = guest.aliases()[-1], guest.aliases('--inactive')[-1]
    tap.ok(live == inactive and live.startswith('ua-emulatedpci'), '%s: --live --config give it one alias' % name, live, inactive)
    stack.virsh('detach-device', name, stack.path('tmp/device.xml'), '--persistent')
    guest.wait_gone(LIVE)
    stack.wait_for(lambda: live not in guest.xml(), 'libvirt has let go of it')
    tap.equal(guest.xml('--inactive'), before, '%s: and detach-device --persistent takes both away' % name)


def try_refused(tap, stack, guest, transport):
    name = guest.name
    before = guest.xml()
    emulators = guest.emulators()[0]
    fails(tap, guest, '%s: an address that is taken' % name, 'double use|in use|already',
          guest.attach(LIVE, address="<address type='pci' domain='0x0000' bus='0x00' slot='0x01' function='0x0'/>", check=False))
    other = 'mpqemu' if transport == VFIO_USER else 'vfio-user'
    path = stack.write('tmp/driver.xml', emulatedpci_xml(LIVE).replace('</emulatedpci>', "<driver version='%s'/></emulatedpci>" % other))
    fails(tap, guest, '%s: the other transport' % name, 'can only use',
          stack.run(['virsh', '-q', '-c', stack.uri, 'attach-device', name, path, '--live'], check=False))
    for attribute, driver in ('pid', "pid='1'"), ('model', "emulator='x' model='/bin/true'"), ('socket', "socket='/run/x'"):
        path = stack.write('tmp/driver.xml', driver_xml(driver, attribute))
        fails(tap, guest, "%s: '%s' of <driver>" % (name, attribute), "'%s' of <driver> cannot be attached" % attribute,
              stack.run(['virsh', '-q', '-c', stack.uri, 'attach-device', name, path, '--live'], check=False))
    try_without_emulator(tap, stack, guest)
    try_taken_in_qemu(tap, stack, guest)
    tap.equal(guest.xml(), before, '%s: and nothing has changed' % name)
    stack.wait_for(lambda: guest.emulators()[0] == emulators, 'no emulator is left')


def driver_xml(driver, attribute):
    """A device with a <driver>; the device of a server has no fields."""
    device = "<emulatedpci devicename='live_1.x'/>" if attribute == 'socket' else emulatedpci_xml(LIVE)
    if attribute == 'socket':
        return device.replace('/>', '><driver %s/></emulatedpci>' % driver)
    return device.replace('</emulatedpci>', '<driver %s/></emulatedpci>' % driver)


def try_without_emulator(tap, stack, guest):
    """The emulator cannot be started. The launcher and the processes that wait for a device are killed before."""
    for pid, command in stack.processes('emulatedpci-launcher'):
        if '--attach' in command.split():
            os.kill(pid, signal.SIGKILL)
    program = stack.path('libexec/pci-emulator')
    os.rename(program, program + '.away')
    fails(tap, guest, '%s: without pci-emulator' % guest.name, "cannot run '.*pci-emulator'", guest.attach(LIVE, check=False))
    os.chmod(stack.write('libexec/pci-emulator', '#!/bin/sh\nexit 1\n'), 0o755)
    fails(tap, guest, '%s: an emulator that ends' % guest.name, 'ended before it was ready', guest.attach(LIVE, check=False))
    os.rename(program + '.away', program)


def try_taken_in_qemu(tap, stack, guest):
    """QEMU has a device that libvirt does not know, and refuses another one at its address."""
    monitor = ['qemu-monitor-command', guest.name, '--hmp']
    stack.virsh(*monitor, 'device_add lsi,id=other,bus=pci.0,addr=0x1e')
    fails(tap, guest, '%s: QEMU refuses' % guest.name, 'not available|in use|already',
          guest.attach(LIVE, address="<address type='pci' domain='0x0000' bus='0x00' slot='0x1e' function='0x0'/>", check=False))
    stack.virsh(*monitor, 'device_del other')
    stack.wait_for(lambda: '"other"' not in stack.virsh(*monitor, 'info qtree'), 'the other device goes')


def try_no_answer(tap, stack, guest):
    """A suspended guest does not release a device, but does so when it runs again."""
    guest.attach(LIVE, 'ua-live')
    stack.wait_for(lambda: guest.has(LIVE), 'the guest finds it')
    emulators = guest.emulators()[0]
    stack.virsh('suspend', guest.name)
    stack.run(['virsh', '-q', '-c', stack.uri, 'detach-device-alias', guest.name, 'ua-live'], check=False)
    done = stack.run([stack.tool, 'detach', '-c', stack.uri, '--live', '--file', device_file(stack), guest.name], check=False)
    tap.ok(done.returncode == 1 and re.search('has not released|pending|process of unplug|in the process', done.stderr),
           '%s: a guest that does not answer a detach' % guest.name, done.stdout, done.stderr)
    tap.ok('ua-live' in guest.aliases() and guest.emulators()[0] == emulators, '%s: it still has the device' % guest.name)
    stack.virsh('resume', guest.name)
    guest.wait_gone(LIVE)
    stack.wait_for(lambda: 'ua-live' not in guest.xml(), 'libvirt has let go of it')
    tap.ok(guest.has(FIRST), '%s: and releases it when it runs again' % guest.name)


def device_file(stack):
    return stack.write('tmp/tool.xml', emulatedpci_xml(LIVE))


def try_tool(tap, stack, guest):
    """virt-emulatedpci attach, detach, check and emulators."""
    name = guest.name
    before = guest.xml()
    inactive = guest.xml('--inactive')
    path = device_file(stack)

    def tool(command, *args):
        done = stack.run([stack.tool, command, '-c', stack.uri] + list(args), check=False)
        return done.returncode, done.stdout.splitlines()[0] if done.stdout else done.stderr

    tap.equal(tool('attach', '--live', '--dry-run', '--file', path, name), (0, '%s: would be attached' % name), 'attach --live --dry-run')
    tap.equal(tool('attach', '--live', '--file', path, name), (0, '%s: attached' % name), 'virt-emulatedpci attach --live')
    tap.equal(tool('attach', '--live', '--file', path, name), (0, '%s: unchanged' % name), 'and once more')
    tap.equal(guest.xml('--inactive'), inactive, 'the next start is as before')
    stack.wait_for(lambda: guest.has(LIVE), 'the guest finds it')
    found = json.loads(stack.run([stack.tool, 'emulators', '--json', name]).stdout)
    qemu = next(pid for pid, _ in stack.processes('guest=%s,' % name))
    tap.equal(sorted(device['devicename'] for device in found if device['qemu'] == qemu), [FIRST['devicename'], LIVE['devicename']],
              'virt-emulatedpci emulators knows its domain')
    done = stack.run([stack.tool, 'check', '-c', stack.uri, '--json', name], check=False)
    checked = json.loads(done.stdout)[0]['devices'] if done.stdout else []
    tap.ok(done.returncode == 0 and len(checked) == 2, 'virt-emulatedpci check compares it', done.stdout, done.stderr)
    tap.equal(tool('attach', '--live', '--config', '--file', path, name), (0, '%s: attached' % name), 'attach --live --config adds what is missing')
    tap.equal(len(guest.aliases('--inactive')), 2, 'the next start has it, too')
    tap.equal(tool('detach', '--live', '--config', '--file', path, name), (0, '%s: detached' % name), 'detach --live --config')
    tap.equal((guest.xml(), guest.xml('--inactive')), (before, inactive), 'and all is as before')
    tap.equal(tool('detach', '--live', '--file', path, name), (0, '%s: unchanged' % name), 'detach --live once more')


def count_processes(stack):
    """The number of processes, once it has not changed for two seconds: after a detach, an emulator
    ends, and another process begins to wait for a device."""
    count = None
    while count != len(stack.processes()):
        count = len(stack.processes())
        time.sleep(2)
    return count


def try_many(tap, stack, guest):
    guest.attach(LIVE, 'ua-live')
    stack.virsh('detach-device-alias', guest.name, 'ua-live')
    stack.wait_for(lambda: 'ua-live' not in guest.xml(), 'libvirt has let go of it')
    xml = guest.xml()
    processes = count_processes(stack)
    files = os.listdir(stack.path('tmp'))
    descriptors = guest.emulators()[1]
    for _ in range(ROUNDS):
        guest.attach(LIVE, 'ua-live')
        stack.virsh('detach-device-alias', guest.name, 'ua-live')
        stack.wait_for(lambda: 'ua-live' not in guest.xml(), 'libvirt has let go of it')
    stack.wait_for(lambda: len(stack.processes()) == processes, 'no process is left')
    tap.equal((guest.xml(), sorted(os.listdir(stack.path('tmp'))), guest.emulators()[1]), (xml, sorted(files), descriptors),
              '%s: attached and detached %d times, with nothing left' % (guest.name, ROUNDS))
    tap.ok(not guest.has(LIVE), '%s: the guest has it no longer' % guest.name)


def write_register(stack, guest, offset, value):
    """Writes a byte of the last device's configuration space, on the first bus, while the guest does not run."""
    slot = int(elements(guest.xml())[-1].find('address').get('slot'), 0)
    monitor = ['qemu-monitor-command', guest.name, '--hmp']
    stack.virsh('suspend', guest.name)
    stack.virsh(*monitor, 'o /w 0xcf8 0x%x' % (0x80000000 | slot << 11 | offset & ~3))
    stack.virsh(*monitor, 'o /b 0x%x 0x%x' % (0xcfc + (offset & 3), value))
    stack.virsh('resume', guest.name)


def has_register(guest, offset, value):
    config = guest.devices().get((LIVE['vendorid'], LIVE['deviceid']))
    return bool(config) and config[offset] == value


def try_save(tap, stack, guest, transport):
    """The registers of a device that was attached live are saved with the guest, or it cannot be saved."""
    image = stack.path('guest/image')
    guest.attach(LIVE, 'ua-live')
    stack.wait_for(lambda: guest.has(LIVE), 'the guest finds it')
    write_register(stack, guest, INTERRUPT_LINE, 0x5a)
    tap.ok(has_register(guest, INTERRUPT_LINE, 0x5a), '%s: a register of the device is written' % guest.name)
    done = stack.run(['virsh', '-q', '-c', stack.uri, 'save', guest.name, image], check=False)
    if transport != VFIO_USER:
        fails(tap, guest, '%s: QEMU refuses to save it' % guest.name, 'migrat', done)
        stack.wait_for(lambda: guest.has(LIVE), 'the guest has its device')
    else:
        guest.socket.close()
        tap.ok(done.returncode == 0, '%s: save' % guest.name, done.stderr, guest.log())
        done = stack.run(['virsh', '-q', '-c', stack.uri, 'restore', image], check=False)
        tap.ok(done.returncode == 0, '%s: restore' % guest.name, done.stderr, guest.log())
        guest.connect()
        tap.ok(guest.has(LIVE) and 'ua-live' in guest.aliases(), '%s: and the guest has its device' % guest.name, guest.aliases())
        tap.ok(has_register(guest, INTERRUPT_LINE, 0x5a), '%s: with the register that was written' % guest.name)
    stack.virsh('detach-device-alias', guest.name, 'ua-live')
    guest.wait_gone(LIVE)
    stack.wait_for(lambda: 'ua-live' not in guest.xml(), 'libvirt has let go of it')
    if transport == VFIO_USER:
        guest.socket.close()
        stack.virsh('save', guest.name, image)
        stack.virsh('restore', image)
        guest.connect()
        tap.ok(not guest.has(LIVE), '%s: saved and restored after it was detached' % guest.name)


def try_q35(tap, stack, launcher):
    """Attaching to the bridge that libvirt has added for the first device, to a root port, and without a free slot."""
    guest = Guest(tap, stack, 'q35', 'q35', emulatedpci_xml(FIRST, 'ua-first'))
    guest.start()
    try_attach(tap, stack, guest, None)
    guest.attach(LIVE, 'ua-port', address="<address type='pci' domain='0x0000' bus='0x03' slot='0x00' function='0x0'/>")
    stack.wait_for(lambda: guest.has(LIVE), 'the guest finds the device at a root port')
    stack.virsh('detach-device-alias', 'q35', 'ua-port')
    guest.wait_gone(LIVE)
    stack.wait_for(lambda: 'ua-port' not in guest.xml(), 'libvirt has let go of it')
    tap.ok(guest.has(FIRST), 'q35: attached to a root port, and detached')
    stack.virsh('destroy', 'q35')

    guest = Guest(tap, stack, 'full', 'q35', emulator='    <emulator>%s</emulator>\n' % launcher)
    stack.virsh('start', '--paused', 'full')
    before = guest.xml()
    fails(tap, guest, 'q35: no free slot', 'No more available PCI slots', guest.attach(LIVE, check=False))
    tap.equal(guest.xml(), before, 'q35: and nothing has changed')
    stack.virsh('destroy', 'full')


def main(tap):
    needs('libvirtd', 'virsh', 'qemu-system-x86_64')
    kernel, reason = guest_kernel()
    if not kernel:
        Tap.skip_all(reason)
    transport = needs_transport()
    with DaemonStack() as stack:
        start_host(stack, '33333333-3333-4333-8333-333333333333')
        stack.copy(kernel, 'guest/vmlinuz', 0o644)
        stack.tool = stack.copy(os.path.join(stack.build, 'tools/virt-emulatedpci'), 'bin/virt-emulatedpci')
        stack.write('guest/initrd', initramfs(os.path.join(stack.build, 'tests/guest/init')))
        version = int(re.search(r'Using library: libvirt (\d+)', stack.virsh('version')).group(1))
        events = stack.start_events('log/events.log') and 'log/events.log'

        guest = Guest(tap, stack, 'pc', 'pc', emulatedpci_xml(FIRST, 'ua-first'))
        guest.start()
        try_attach(tap, stack, guest, events)
        try_both(tap, stack, guest)
        try_refused(tap, stack, guest, transport)
        try_tool(tap, stack, guest)
        try_no_answer(tap, stack, guest)
        try_many(tap, stack, guest)
        if transport != VFIO_USER or version >= 12:
            try_save(tap, stack, guest, transport)
        else:
            tap.skip('save and restore', 'libvirt %d cannot restore with this QEMU: it came with libvirt 12' % version)
        stack.virsh('destroy', 'pc')

        launcher = os.path.join(stack.launch_dir, 'qemu-system-x86_64')
        guest = Guest(tap, stack, 'ready', 'pc', emulator='    <emulator>%s</emulator>\n' % launcher)
        guest.start()
        try_attach(tap, stack, guest, None)
        stack.virsh('destroy', 'ready')

        try_q35(tap, stack, launcher)
        guest = Guest(tap, stack, 'none', 'pc')
        guest.start()
        tap.equal([command for _, command in stack.processes('emulatedpci-monitor')], [], 'a domain that needs no relay has none')
        fails(tap, guest, 'and no device can be attached to it', 'the domain must be started with', guest.attach(LIVE, check=False))
        stack.virsh('destroy', 'none')
        done = stack.run([stack.tool, 'attach', '-c', stack.uri, '--live', '--file', device_file(stack), 'none'], check=False)
        tap.ok(done.returncode == 1 and 'not running' in done.stderr, 'attach --live to a domain that is not running', done.stderr)
        for name in 'pc', 'ready', 'q35', 'full', 'none':
            stack.virsh('undefine', name)
        tap.equal(stack.close(), [], 'everything ended by itself')


if __name__ == '__main__':
    run_tests(main)
