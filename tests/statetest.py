#!/usr/bin/env python3
# statetest.py: running guests take their devices' registers along
#
# A Linux guest writes a growing number into registers of all its devices, and looks
# each time whether the last one is still there. Meanwhile it is saved and restored,
# recorded in snapshots, and migrated between two libvirtds, with and without
# virtemulatedpcid; emulators and the process that saves registers are killed. The
# guest never finds a wrong value, and what fails leaves it running.
#
# Needs a QEMU with vfio-user-pci. Without a guest: vfiouserqemutest.py; without QEMU:
# vmstateunittest.c.
#
# SPDX-License-Identifier: LGPL-2.1-or-later

import os
import re
import signal

import emulatordriver
from clientutil import NETCAT, become_another_host, start_host
from daemonstack import DaemonStack
from emulatedpcistack import (KERNEL_ARGUMENTS, StackError, Tap, domain_xml, emulated_devices,
                              emulatedpci_xml, guest_kernel, initramfs, needs, run_tests)
from qemutransports import VFIO_USER, qemu_transports


def device(number):
    return {'devicename': 'dev%d' % number, 'vendorid': 0x5853, 'deviceid': 0xc000 + number,
            'revision': number, 'classcode': 0xff8000, 'interruptpin': number % 10}


class Guest:
    """A domain whose Linux counts. Its console is a file, FILE, wherever it runs."""

    def __init__(self, tap, stack, name, machine, devices, driver='', extra='', memory=96):
        self.tap = tap
        self.stack = stack
        self.name = name
        self.devices = devices
        self.serial = stack.path('guest/%s.serial' % name)
        xml = ''.join(emulatedpci_xml(device(i), 'ua-dev%d' % i).replace('</emulatedpci>', driver + '</emulatedpci>')
                      for i in range(devices))
        stack.virsh('define', '--validate', stack.write('tmp/define.xml', domain_xml(
            name, machine, xml + extra +
            "    <serial type='file'><source path='%s' append='on'/></serial>\n" % self.serial,
            '    <kernel>%s</kernel>\n    <initrd>%s</initrd>\n    <cmdline>%s emulatedpci.then=count</cmdline>\n'
            % (stack.path('guest/vmlinuz'), stack.path('guest/initrd'), KERNEL_ARGUMENTS), memory=memory)))

    def start(self):
        self.stack.virsh('start', self.name)
        self.counts('started')

    def seen(self):
        with open(self.serial, encoding='utf-8', errors='replace') as serial:
            return serial.read()

    def reports(self):
        """[(round, devices, wrong values)] of what the guest has told."""
        return [tuple(int(number) for number in match) for match in
                re.findall(r'=== emulatedpci: round (\d+), (\d+) devices, (\d+) wrong', self.seen())]

    def counts(self, what, stack=None):
        """The guest goes on from here on, wherever it is, and no value was ever wrong."""
        before = len(self.reports())
        name = '%s: %s: the guest runs, and no value is wrong' % (self.name, what)
        try:
            (stack or self.stack).wait_for(lambda: len(self.reports()) > before + 1, name)
        except StackError as error:
            self.tap.ok(False, name, error, self.seen()[-2000:], self.log(stack))
            raise
        last = self.reports()[-1]
        self.tap.ok(last[1:] == (self.devices, 0) and 'not the values' not in self.seen(), name, last,
                    self.seen()[-1000:])

    def log(self, stack=None):
        return (stack or self.stack).read('cache/libvirt/qemu/log/%s.log' % self.name)[-3000:]

    def processes(self, program):
        """The pids of PROGRAM that belong to this domain."""
        qemu = next(pid for pid, _ in self.stack.processes('guest=%s,' % self.name))
        return [pid for pid, command in self.stack.processes('/pci%d.' % qemu)
                if os.path.basename(command.split()[0]) == program]

    def destroy(self):
        self.stack.virsh('destroy', self.name)
        self.stack.virsh('undefine', self.name)


def fails(tap, stack, what, words, pattern):
    done = stack.run(['virsh', '-q', '-c', stack.uri] + words, check=False)
    tap.ok(done.returncode == 1 and re.search(pattern, done.stderr), what, done.returncode, done.stderr)


def try_save(tap, stack, guest, times):
    image = stack.path('tmp/%s.image' % guest.name)
    for i in range(times):
        stack.virsh('save', guest.name, image)
        if i == 0:
            xml = stack.virsh('save-image-dumpxml', image).replace('<devices>', '<title>changed</title><devices>')
            stack.virsh('restore', image, '--xml', stack.write('tmp/title.xml', xml))
        else:
            stack.virsh('restore', image)
        guest.counts('save and restore %d' % (i + 1))
    stack.virsh('save', guest.name, image)
    stack.virsh('save-image-edit', image, env={'EDITOR': 'sed -i s/changed/again/'})
    stack.virsh('restore', image)
    guest.counts('save-image-edit')

    stack.virsh('managedsave', guest.name)
    stack.virsh('start', guest.name)
    guest.counts('managedsave and start')
    stack.virsh('dump', guest.name, stack.path('tmp/core'), '--memory-only')
    guest.counts('dump --memory-only')
    os.unlink(stack.path('tmp/core'))

    # A device that is another one does not get the registers.
    stack.virsh('save', guest.name, image)
    xml = stack.virsh('save-image-dumpxml', image)
    other = stack.write('tmp/other.xml', xml.replace("deviceid='0xc000'", "deviceid='0xd000'"))
    fails(tap, stack, '%s: restore with another device is refused' % guest.name,
          ['restore', image, '--xml', other], "error")
    log = guest.log()
    tap.ok("emulated PCI device 'ua-dev0': deviceid is 0xd000 here and 0xc000 in the saved state" in log,
           'and the log tells what differs', log)
    stack.virsh('restore', image)
    guest.counts('restore of the right ones')


def try_killed(tap, stack, guest):
    """Emulators that are killed while the guest is saved, and the process that saves registers."""
    image = stack.path('tmp/%s.image' % guest.name)
    pids = guest.processes('pci-emulator')
    guard = next(pid for pid in pids if emulatordriver.children(pid))
    for i in range(2):
        saving = stack.start(['virsh', '-c', stack.uri, 'save', guest.name, image], 'log/save%d' % i)
        kills = 0
        while stack.status(saving) is None and os.path.exists('/proc/%d' % guard):
            for worker in emulatordriver.children(guard):
                try:
                    os.kill(worker, signal.SIGKILL)
                    kills += 1
                except ProcessLookupError:
                    pass
        stack.wait_for(lambda: stack.status(saving) is not None, 'the save ends')
        if stack.status(saving) == 0:
            stack.virsh('restore', image)
            guard = next(pid for pid in guest.processes('pci-emulator') if emulatordriver.children(pid))
        guest.counts('emulator killed %s during a save, which %s' % (
            'often' if kills else 'never', 'succeeds' if stack.status(saving) == 0 else 'fails'))

    for pid in guest.processes('emulatedpci-vmstate'):
        os.kill(pid, signal.SIGKILL)
    guest.counts('emulatedpci-vmstate killed')
    fails(tap, stack, '%s: a save without emulatedpci-vmstate fails' % guest.name,
          ['save', guest.name, image], 'error')
    guest.counts('after the save that failed')
    tap.ok('Failed to get proxies' in guest.log(), 'and the log says why', guest.log())


def try_detached(tap, stack, guest):
    """A device that was unplugged is no part of the state."""
    image = stack.path('tmp/%s.image' % guest.name)
    stack.virsh('suspend', guest.name)
    stack.virsh('save', guest.name, image)
    stack.virsh('restore', image, '--paused')
    tap.equal(len(emulated_devices(stack.virsh('dumpxml', guest.name))), guest.devices, 'saved while it is paused')
    stack.virsh('resume', guest.name)
    guest.counts('saved while it is paused')


def try_snapshots(tap, stack, guest):
    """With memory: in the disk's image, and in a file of its own."""
    stack.virsh('snapshot-create-as', guest.name, 'inside')
    guest.counts('internal snapshot')
    stack.virsh('snapshot-revert', guest.name, 'inside')
    guest.counts('internal snapshot, reverted')
    stack.virsh('snapshot-delete', guest.name, 'inside')
    stack.virsh('snapshot-create-as', guest.name, 'outside', '--memspec',
                'file=%s,snapshot=external' % stack.path('guest/memory'), '--live')
    guest.counts('external snapshot')
    done = stack.run(['virsh', '-q', '-c', stack.uri, 'snapshot-revert', guest.name, 'outside'], check=False)
    if done.returncode == 0:
        guest.counts('external snapshot, reverted')
    else:
        tap.skip('external snapshot, reverted', done.stderr.replace('\n', ' '))


def try_unmovable(tap, stack):
    """An emulator of one's own cannot tell registers."""
    guest = Guest(tap, stack, 'own', 'pc', 1,
                  "<driver emulator='own' model='%s'/>" % stack.path('libexec/pci-emulator'))
    guest.start()
    for words in (['save', guest.name, stack.path('tmp/never')], ['managedsave', guest.name]):
        fails(tap, stack, 'own: %s is refused' % words[0], words, 'emulated-pci-device-registers')
    guest.counts('a save that was refused')
    tap.equal(os.path.exists(stack.path('tmp/never')), False, 'own: no file is left')
    guest.destroy()


def try_failed_migration(tap, guest, here, there):
    """One that is cancelled, and one to a domain with another device. The guest stays."""
    words = ['virsh', '-q', '-c', here.uri, 'migrate', '--live', guest.name, there.uri, '--migrateuri',
             'tcp://127.0.0.1']
    moving = here.start(words + ['--bandwidth', '1'], 'log/moving')
    here.wait_for(lambda: here.run(['virsh', '-q', '-c', here.uri, 'domjobabort', guest.name],
                                   check=False).returncode == 0, 'the migration runs')
    here.wait_for(lambda: here.status(moving) is not None, 'the migration ends')
    tap.ok(here.status(moving) != 0, '%s: a migration that is cancelled' % guest.name, here.read('log/moving'))
    guest.counts('after the migration that was cancelled', here)

    other = here.write('tmp/other.xml', here.virsh('dumpxml', guest.name, '--migratable').replace(
        "deviceid='0xc000'", "deviceid='0xd000'"))
    done = here.run(words + ['--xml', other], check=False)
    tap.ok(done.returncode == 1, '%s: a migration to another device fails' % guest.name, done.stdout)
    tap.ok("'ua-dev0': deviceid is 0xd000 here and 0xc000 in the saved state" in guest.log(there),
           'and the log of the other host tells what differs', guest.log(there))
    guest.counts('after the migration that failed', here)
    tap.equal(guest.name in there.virsh('list', '--name').split(), False, '%s: and nowhere else' % guest.name)


def try_migration(tap, source, target):
    netcat = target.write('tmp/netcat', NETCAT % target.socket)
    os.chmod(netcat, 0o755)
    remote = 'qemu+ext://emulatedpci-target/session?command=' + netcat
    back = source.write('tmp/netcat', NETCAT % source.socket)
    os.chmod(back, 0o755)
    remote_back = 'qemu+ext://emulatedpci-target/session?command=' + back

    for machine, devices in (('pc', 1), ('q35', 24)):
        guest = Guest(tap, source, 'moves-' + machine, machine, devices)
        guest.start()
        here, there = source, target
        for what, options, uri in (
                ('live', ['--live'], None),
                ('live, from a client without the daemon', ['--live'], None),
                ('live, to one without the daemon', ['--live', '--persistent', '--undefinesource'], None),
                ('peer-to-peer', ['--live', '--p2p'], (remote, remote_back)),
                ('not live', [], None),
                ('post-copy', ['--live', '--postcopy', '--postcopy-after-precopy'], None)):
            there_uri = uri[here is target] if uri else there.direct_uri if 'to one' in what else there.uri
            here_uri = here.direct_uri if 'from a client' in what else here.uri
            done = here.run(['virsh', '-q', '-c', here_uri, 'migrate'] + options +
                            [guest.name, there_uri, '--migrateuri', 'tcp://127.0.0.1'], check=False)
            if 'Userfaultfd not available' in done.stderr:
                tap.skip('%s: %s' % (guest.name, what), 'this Linux has no userfaultfd for users')
                continue
            if not tap.ok(done.returncode == 0, '%s: %s' % (guest.name, what), done.stderr, guest.log(here),
                          guest.log(there)):
                break
            here, there = there, here
            guest.counts(what, here)
            tap.equal(len(emulated_devices(here.virsh('dumpxml', guest.name))), devices, '%s: %s: its devices are there'
                      % (guest.name, what))
        try_failed_migration(tap, guest, here, there)
        here.virsh('destroy', guest.name)
        for stack in (source, target):
            stack.virsh('undefine', guest.name, check=False)


def main(tap):
    needs('libvirtd', 'virsh', 'qemu-system-x86_64', 'qemu-img')
    kernel, reason = guest_kernel()
    if not kernel:
        Tap.skip_all(reason)
    if VFIO_USER not in qemu_transports()[0]:
        Tap.skip_all("this QEMU has no device 'vfio-user-pci': it came with QEMU 10.1")

    with DaemonStack() as stack:
        start_host(stack, '11111111-1111-4111-8111-111111111111')
        version = re.search(r'Using library: libvirt (\d+)', stack.virsh('version')).group(1)
        if int(version) < 12:
            Tap.skip_all('libvirt %s cannot restore with this QEMU: it came with libvirt 12' % version)
        stack.copy(kernel, 'guest/vmlinuz', 0o644)
        stack.write('guest/initrd', initramfs(os.path.join(stack.build, 'tests/guest/init')))

        disk = stack.path('guest/disk.qcow2')
        stack.run(['qemu-img', 'create', '-q', '-f', 'qcow2', disk, '256M'])
        pc = Guest(tap, stack, 'pc', 'pc', 1, extra="    <disk type='file'><driver name='qemu' type='qcow2'/>"
                   "<source file='%s'/><target dev='vda' bus='virtio'/></disk>\n" % disk)
        q35 = Guest(tap, stack, 'q35', 'q35', 24)
        pc.start()
        q35.start()
        try_save(tap, stack, pc, 2)
        try_save(tap, stack, q35, 1)
        try_detached(tap, stack, q35)
        try_killed(tap, stack, q35)
        q35.destroy()
        try_snapshots(tap, stack, pc)
        stack.virsh('destroy', 'pc')
        try_unmovable(tap, stack)

        reason = become_another_host('emulatedpci-target')
        if reason:
            tap.skip('migration', reason)
            return
        with DaemonStack() as target:
            # The launcher is at the same place on both hosts.
            start_host(target, '22222222-2222-4222-8222-222222222222', '--launch-dir', stack.launch_dir)
            try_migration(tap, stack, target)
            tap.equal(target.close(), [], 'target: everything ended by itself')
        tap.equal(stack.close(), [], 'source: everything ended by itself')


run_tests(main)
