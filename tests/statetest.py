#!/usr/bin/env python3
# statetest.py: the registers of the devices of a running guest are saved and migrated
#
# A Linux guest writes a growing number into registers of all its devices, and checks each time
# that they still have the previous one. Meanwhile, the guest is saved and restored, recorded in
# snapshots, and migrated between two libvirtds, with and without virtemulatedpcid; emulators and
# the process that saves registers are killed. The guest must never find a wrong value, and must
# continue to run after an operation that fails.
#
# EMULATEDPCI_STATE_ROUNDS is the number of saves, migrations and killed emulators in a row; the
# default is small.
#
# Requires a QEMU with vfio-user-pci. vfiouserqemutest.py tests the same without a guest, and
# vmstateunittest.c without QEMU.
#
# SPDX-License-Identifier: LGPL-2.1-or-later

import os
import re
import signal
import socket
import struct

import emulatordriver
from clientutil import NETCAT, become_another_host, start_host
from daemonstack import DaemonStack
from emulatedpcistack import (KERNEL_ARGUMENTS, QEMU_NAMESPACE, StackError, Tap, domain_xml, emulated_devices,
                              emulatedpci_xml, guest_kernel, initramfs, needs, run_tests)
from qemutransports import VFIO_USER, qemu_transports


ROUNDS = int(os.environ.get('EMULATEDPCI_STATE_ROUNDS') or 2)


def device(number):
    return {'devicename': 'dev%d' % number, 'vendorid': 0x5853, 'deviceid': 0xc000 + number,
            'revision': number, 'classcode': 0xff8000, 'interruptpin': number % 10}


class Guest:
    """A domain whose guest counts. Its console is a file, on each host that it runs on. DRIVER is the
    <driver> of its devices, or a list with one for each device."""

    def __init__(self, tap, stack, name, machine, devices, driver='', extra='', memory=96, tail=''):
        self.tap = tap
        self.stack = stack
        self.name = name
        self.devices = devices
        self.serial = stack.path('guest/%s.serial' % name)
        drivers = driver if isinstance(driver, list) else [driver] * devices
        xml = ''.join(emulatedpci_xml(device(i), 'ua-dev%d' % i).replace(
            '</emulatedpci>', drivers[i] + '</emulatedpci>') for i in range(devices))
        stack.virsh('define', '--validate', stack.write('tmp/define.xml', domain_xml(
            name, machine, xml + extra +
            "    <serial type='file'><source path='%s' append='on'/></serial>\n" % self.serial,
            '    <kernel>%s</kernel>\n    <initrd>%s</initrd>\n    <cmdline>%s emulatedpci.then=count</cmdline>\n'
            % (stack.path('guest/vmlinuz'), stack.path('guest/initrd'), KERNEL_ARGUMENTS), memory=memory).replace(
                '</domain>', tail + '</domain>').replace('<domain ', "<domain xmlns:qemu='%s' " % QEMU_NAMESPACE)))

    def start(self):
        self.stack.virsh('start', self.name)
        self.counts('started')

    def seen(self):
        with open(self.serial, encoding='utf-8', errors='replace') as serial:
            return serial.read()

    def reports(self):
        """The reports of the guest: [(round, devices, wrong values)]."""
        return [tuple(int(number) for number in match) for match in
                re.findall(r'=== emulatedpci: round (\d+), (\d+) devices, (\d+) wrong', self.seen())]

    def goes_on(self, what, stack=None):
        """The same as counts(), without a separate test result."""
        before = len(self.reports())
        (stack or self.stack).wait_for(lambda: len(self.reports()) > before + 1, '%s: %s' % (self.name, what))
        if self.reports()[-1][1:] != (self.devices, 0) or 'not the values' in self.seen():
            raise StackError('%s: %s: %s\n%s' % (self.name, what, self.reports()[-1], self.seen()[-1000:]))

    def counts(self, what, stack=None):
        """Tests that the guest continues to run, and that no value was ever wrong."""
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

    def arrives(self, what, stack):
        """Calls counts() after a migration to STACK, and tests that libvirt has all devices there."""
        self.counts(what, stack)
        self.tap.equal(len(emulated_devices(stack.virsh('dumpxml', self.name))), self.devices,
                       '%s: %s: its devices are there' % (self.name, what))

    def log(self, stack=None):
        return (stack or self.stack).read('cache/libvirt/qemu/log/%s.log' % self.name)[-3000:]

    def processes(self, program, stack=None):
        """The process IDs of PROGRAM that belong to this domain."""
        stack = stack or self.stack
        return [pid for qemu, _ in stack.processes('guest=%s,' % self.name)
                for pid, command in stack.processes('/pci%d.' % qemu)
                if os.path.basename(command.split()[0]) == program]

    def destroy(self):
        self.stack.virsh('destroy', self.name)
        self.stack.virsh('undefine', self.name)


def fails(tap, stack, what, words, pattern):
    done = stack.run(['virsh', '-q', '-c', stack.uri] + words, check=False)
    tap.ok(done.returncode == 1 and re.search(pattern, done.stderr), what, done.returncode, done.stderr)


def patched(path, changes):
    """Replaces bytes of the saved state in the image PATH. CHANGES are pairs (old bytes, new bytes) of equal
    length. Returns False if some of the old bytes are missing."""
    with open(path, 'r+b') as image:
        content = image.read()
        begin = max(content.find(magic) for magic in (b'EPCISTAT', b'ESTATPCI'))
        for old, new in changes:
            at = content.find(old, begin)
            if begin < 0 or at < 0:
                return False
            image.seek(at)
            image.write(new)
    return True


def try_save(tap, stack, guest):
    image = stack.path('tmp/%s.image' % guest.name)
    for number in range(ROUNDS):
        stack.virsh('save', guest.name, image)
        stack.virsh('restore', image)
        guest.goes_on('save and restore %d' % (number + 1))
    guest.counts('saved and restored %d times' % ROUNDS)

    # Through the daemon and without it
    for save, restore in ((stack.virsh, stack.direct), (stack.direct, stack.virsh)):
        save('save', guest.name, image)
        xml = restore('save-image-dumpxml', image).replace('<devices>', '<title>changed</title><devices>')
        restore('restore', image, '--xml', stack.write('tmp/title.xml', xml))
        guest.counts('save, restore --xml, one of them without the daemon')
    for virsh, before, after in ((stack.virsh, 'changed', 'again'), (stack.direct, 'again', 'more')):
        virsh('save', guest.name, image)
        virsh('save-image-edit', image, env={'EDITOR': 'sed -i s/%s/%s/' % (before, after)})
        virsh('restore', image)
        guest.counts('save-image-edit')
        tap.ok('<title>%s<' % after in virsh('dumpxml', guest.name), '%s: with what was edited' % guest.name)

    # libvirt-guests.sh does the same when a host shuts down and boots
    for virsh in (stack.virsh, stack.direct):
        uuid = virsh('domuuid', guest.name).strip()
        tap.ok(uuid in virsh('list', '--uuid', '--persistent', '--state-running').split(),
               '%s: a guest to be suspended' % guest.name)
        virsh('managedsave', uuid)
        tap.equal(stack.state(guest.name), 'shut off', '%s: the host could be shut down' % guest.name)
        virsh('start', uuid)
        guest.counts('managedsave and start')
        virsh('dump', guest.name, stack.path('tmp/core'), '--memory-only')
        guest.counts('dump --memory-only')
        os.unlink(stack.path('tmp/core'))


def try_refused(tap, stack, guest):
    """The state of a different device and a malformed state are refused, and the log contains the reason."""
    image = stack.path('tmp/%s.image' % guest.name)
    stack.virsh('save', guest.name, image)
    xml = stack.virsh('save-image-dumpxml', image)
    other = stack.write('tmp/other.xml', xml.replace("deviceid='0xc000'", "deviceid='0xd000'"))
    fails(tap, stack, '%s: restore with another device is refused' % guest.name,
          ['restore', image, '--xml', other], "error")
    log = guest.log()
    tap.ok("emulated PCI device 'ua-dev0': deviceid is 0xd000 here and 0xc000 in the saved state" in log,
           'and the log tells what differs', log)

    number = struct.pack('<4I', 0x5853, 0xc000, 0, 0)
    for what, old, new, message in (
            ('another version', b'EPCISTAT\0\0\0\1', b'EPCISTAT\0\0\0\2', 'has version 2: version 1 is required'),
            ('nonsense', b'EPCISTAT', b'ESTATPCI', 'the saved state is not one of emulated PCI devices'),
            ('another device', b'ua-dev0\0', b'ua-devx\0', "'ua-dev0' is missing in the saved state"),
            ('another name', b'\0dev0\0', b'\0devx\0', "'ua-dev0': devicename is 'dev0' here and 'devx' in"),
            ('another field', number, struct.pack('<4I', 0x5853, 0xc001, 0, 0),
             "'ua-dev0': deviceid is 0xc000 here and 0xc001 in"),
            ('a field out of range', number, struct.pack('<4I', 0x15853, 0xc000, 0, 0),
             "'ua-dev0': invalid vendorid 0x15853 in"),
            ('a register that no guest can write', number[:2] + b'\0\xc0', number[:2] + b'\1\xc0',
             "'ua-dev0': register 0x02 cannot have the value 0x01"),
            ('a string without an end', b'ua-dev0\0', b'ua-dev00',
             'the saved state of emulated PCI devices is damaged')):
        known = patched(image, [(old, new)])
        done = stack.run(['virsh', '-q', '-c', stack.uri, 'restore', image], check=False)
        log = guest.log()
        tap.ok(known and done.returncode == 1 and message in log,
               '%s: a state with %s is refused, and the log tells why' % (guest.name, what), known, done.stderr, log)
        tap.ok(patched(image, [(new, old)]), 'and the state is as it was')
    stack.virsh('restore', image)
    guest.counts('restore of the right ones')


def kill_workers(guards, ended):
    """Kills the processes that serve devices repeatedly until ENDED(). Returns the number of kills."""
    kills = 0
    while not ended():
        for guard in guards():
            for worker in emulatordriver.children(guard):
                try:
                    os.kill(worker, signal.SIGKILL)
                    kills += 1
                except ProcessLookupError:
                    pass
    return kills


def try_killed(tap, stack, guest):
    """Emulators and the process that saves registers are killed while the guest is saved."""
    image = stack.path('tmp/%s.image' % guest.name)
    saved = kills = 0
    for number in range(ROUNDS):
        guard = next(pid for pid in guest.processes('pci-emulator') if emulatordriver.children(pid))
        saving = stack.start(['virsh', '-c', stack.uri, 'save', guest.name, image], 'log/save%d' % number)
        kills += kill_workers(lambda guard=guard: [guard], lambda saving=saving, guard=guard:
                              stack.status(saving) is not None or not os.path.exists('/proc/%d' % guard))
        stack.wait_for(lambda saving=saving: stack.status(saving) is not None, 'the save ends')
        if stack.status(saving) == 0:
            stack.virsh('restore', image)
            saved += 1
        guest.goes_on('emulator killed during save %d' % number)
    tap.diag('%d saves, %d of them succeed, emulators killed %d times' % (ROUNDS, saved, kills))
    guest.counts('emulator killed during saves')

    for pid in guest.processes('emulatedpci-vmstate'):
        os.kill(pid, signal.SIGKILL)
    guest.counts('emulatedpci-vmstate killed')
    fails(tap, stack, '%s: a save without emulatedpci-vmstate fails' % guest.name,
          ['save', guest.name, image], 'error')
    guest.counts('after the save that failed')
    tap.ok('Failed to get proxies' in guest.log(), 'and the log says why', guest.log())


def try_paused(tap, stack, guest):
    """A guest that is paused is saved, and remains paused when it is restored."""
    image = stack.path('tmp/%s.image' % guest.name)
    stack.virsh('suspend', guest.name)
    stack.virsh('save', guest.name, image)
    stack.virsh('restore', image, '--paused')
    tap.equal(len(emulated_devices(stack.virsh('dumpxml', guest.name))), guest.devices, 'saved while it is paused')
    stack.virsh('resume', guest.name)
    guest.counts('saved while it is paused')


def try_detached(tap, stack):
    """Devices that were detached are not part of the state. When all are detached, their emulator has exited."""
    guest = Guest(tap, stack, 'leaves', 'pc', 3)
    image = stack.path('tmp/leaves.image')
    guest.start()
    for left in 2, 0:
        while guest.devices > left:
            detach_live(tap, stack, guest)
        stack.virsh('save', guest.name, image)
        stack.virsh('restore', image)
        guest.counts('saved and restored with %d devices' % left)
    guest.destroy()


def try_snapshots(tap, stack, guest):
    """Snapshots with memory: in the image of the disk, and in a separate file."""
    stack.virsh('snapshot-create-as', guest.name, 'inside')
    guest.counts('internal snapshot')
    stack.virsh('snapshot-revert', guest.name, 'inside')
    guest.counts('internal snapshot, reverted')
    stack.virsh('snapshot-delete', guest.name, 'inside')
    guest.counts('internal snapshot, deleted')
    memory = stack.path('guest/memory')
    for virsh, what in ((stack.virsh, ''), (stack.direct, ', without the daemon')):
        virsh('snapshot-create-as', guest.name, 'outside', '--memspec', 'file=%s,snapshot=external' % memory, '--live')
        guest.counts('external snapshot' + what)
        virsh('snapshot-revert', guest.name, 'outside')
        guest.counts('external snapshot, reverted' + what)
        virsh('snapshot-delete', guest.name, 'outside')
        guest.counts('external snapshot, deleted' + what)
        tap.equal((os.path.exists(memory), virsh('snapshot-list', guest.name, '--name').split()), (False, []),
                  '%s: nothing is left of it%s' % (guest.name, what))


def attach_live(tap, stack, guest):
    """Attaches another device to the running guest, which then counts in it, too."""
    stack.virsh('attach-device', guest.name, stack.write('tmp/live.xml', emulatedpci_xml(
        device(guest.devices), 'ua-dev%d' % guest.devices)), '--live')
    guest.devices += 1
    stack.wait_for(lambda: guest.reports()[-1][1] == guest.devices, 'the guest finds the device')
    guest.counts('a device is attached live', stack)


def detach_live(tap, stack, guest):
    guest.devices -= 1
    stack.virsh('detach-device-alias', guest.name, 'ua-dev%d' % guest.devices, '--live')
    stack.wait_for(lambda: guest.reports()[-1][1] == guest.devices, 'the guest releases the device')
    stack.wait_for(lambda: len(emulated_devices(stack.virsh('dumpxml', guest.name))) == guest.devices, 'libvirt releases it')
    guest.counts('the device is detached live', stack)


def try_attached_live(tap, stack, guest):
    """A device that was attached live is saved, restored and reverted with the guest. A device that was
    detached does not prevent this."""
    attach_live(tap, stack, guest)
    stack.virsh('managedsave', guest.name)
    guest.start()
    try_snapshots(tap, stack, guest)
    detach_live(tap, stack, guest)
    try_snapshots(tap, stack, guest)


def try_migrate_live(tap, source, target):
    """The same for a migration to the other host and back. Devices are attached and detached on both hosts."""
    guest = Guest(tap, source, 'moves-live', 'pc', 1)
    guest.start()
    attach_live(tap, source, guest)
    here, there = source, target
    for change in detach_live, attach_live, None:
        here.virsh('migrate', '--live', '--persistent', '--undefinesource', guest.name, there.uri,
                   '--migrateuri', 'tcp://127.0.0.1')
        here, there = there, here
        guest.counts('migrated after devices were attached and detached', here)
        tap.equal(len(emulated_devices(here.virsh('dumpxml', guest.name))), guest.devices, '%s: its devices are there' % guest.name)
        if change:
            change(tap, here, guest)
    here.virsh('destroy', guest.name)
    here.virsh('undefine', guest.name)


def try_unmovable(tap, stack):
    """An emulator other than pci-emulator that does not provide state."""
    guest = Guest(tap, stack, 'own', 'pc', 1,
                  "<driver emulator='own' model='%s'/>" % stack.path('libexec/pci-emulator'))
    guest.start()
    for words in (['save', guest.name, stack.path('tmp/never')], ['managedsave', guest.name],
                  ['migrate', '--live', guest.name, 'qemu+tcp://127.0.0.2/session']):
        fails(tap, stack, 'own: %s is refused, with the device and the reason' % words[0], words,
              "'ua-dev0' .'model' of <driver>. does not save its registers" if words[0] != 'migrate' else 'error')
    done = stack.run(['virsh', '-q', '-c', stack.direct_uri, 'save', guest.name, stack.path('tmp/never')], check=False)
    tap.ok(done.returncode == 1 and "node 'model-of-ua-dev0' does not support" in done.stderr,
           'own: without the daemon, with the device', done.stderr)
    guest.counts('a save that was refused')
    tap.equal(os.path.exists(stack.path('tmp/never')), False, 'own: no file is left')
    guest.destroy()


OWN = ["<driver emulator='counter' model='%s'/>", "<driver pid='%d'/>", '', "<driver emulator='counter'/>"]


def counter_of(stack, guest):
    """The counter of the first device, which includes this read. The guest is suspended, possibly between two
    steps of an access, so the value of the address register is restored."""
    xml = stack.virsh('dumpxml', guest.name)
    slot = int(re.search(r"name='ua-dev0'/>\s*<address .* slot='(0x[0-9a-f]+)'", xml).group(1), 0)

    def monitor(command):
        return stack.virsh('qemu-monitor-command', guest.name, '--hmp', command)
    address = int(monitor('i /xw 0xcf8').split('=')[1], 0)
    monitor('o /w 0xcf8 %#x' % (0x80000040 | slot << 11))
    value = int(monitor('i /xw 0xcfc').split('=')[1], 0)
    monitor('o /w 0xcf8 %#x' % address)
    return value


def try_own(tap, stack):
    """Emulators that provide their state: another program, one that is already running, and
    pci-emulator beside them."""
    counter = stack.copy(os.path.join(stack.build, 'examples/counter-emulator/counter-emulator'),
                         'libexec/counter-emulator')
    pid = stack.start([stack.path('libexec/pci-emulator'), '--listen'], 'log/listening')
    stack.wait_for(lambda: stack.listens('%s/emulatedpci/%d.sock' % (stack.env['XDG_RUNTIME_DIR'], pid),
                                         socket.SOCK_SEQPACKET), 'pci-emulator listens')
    guest = Guest(tap, stack, 'counter', 'pc', 4, [OWN[0] % counter, OWN[1] % pid] + OWN[2:],
                  tail="<qemu:commandline><qemu:env name='XDG_RUNTIME_DIR' value='%s'/></qemu:commandline>"
                  % stack.env['XDG_RUNTIME_DIR'])
    guest.start()
    image = stack.path('tmp/counter.image')
    for words, back in ((['save', guest.name, image], ['restore', image, '--paused']),
                        (['managedsave', guest.name], ['start', '--paused', guest.name])):
        stack.virsh('suspend', guest.name)
        before = counter_of(stack, guest)
        stack.virsh(*words)
        stack.virsh(*back)
        tap.equal(counter_of(stack, guest), before + 1, 'counter: %s: its own state has come along' % words[0])
        stack.virsh('resume', guest.name)
        guest.counts(words[0])

    # The program rejects a change of a read-only register
    stack.virsh('save', guest.name, image)
    change = (b'\x53\x58\x00\xc0', b'\x53\x58\x01\xc0')
    known = patched(image, [change])
    fails(tap, stack, 'counter: a state that its emulator refuses', ['restore', image], 'error')
    tap.ok(known and "emulated PCI device 'ua-dev0': its emulator refuses: " in guest.log(), 'and the log says so',
           guest.log())
    patched(image, [change[::-1]])
    stack.virsh('restore', image)
    guest.counts('restored after that')
    return guest, pid


def try_failed_migration(tap, guest, here, there):
    """A migration that is cancelled, and one to a domain with another device. The guest remains on its host."""
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


def try_killed_migration(tap, guest, here, there):
    """Emulators on both hosts are killed during a migration: the guest arrives with correct values, or remains."""
    moved = kills = 0
    for number in range(ROUNDS):
        moving = here.start(['virsh', '-q', '-c', here.uri, 'migrate', '--live', '--persistent', '--undefinesource',
                             guest.name, there.uri, '--migrateuri', 'tcp://127.0.0.1'], 'log/killed%d' % number)
        kills += kill_workers(lambda here=here, there=there: guest.processes('pci-emulator', here) +
                              guest.processes('pci-emulator', there),
                              lambda here=here, moving=moving: here.status(moving) is not None)
        if here.status(moving) == 0:
            here, there = there, here
            moved += 1
        if here.state(guest.name) != 'running':
            tap.ok(False, '%s: the guest runs after migration %d' % (guest.name, number),
                   here.read('log/killed%d' % number), guest.log(here), guest.log(there))
        guest.goes_on('emulators killed during migration %d' % number, here)
    tap.diag('%d migrations, %d of them succeed, emulators killed %d times' % (ROUNDS, moved, kills))
    guest.counts('emulators killed during migrations', here)
    return here, there


def try_storage_copy(tap, source, target):
    """Migration with the content of the disk and other XML for the target, with and without the daemons."""
    disk = "    <disk type='file'><driver name='qemu' type='%s'/><source file='%s'/>" \
        "<target dev='vda' bus='virtio'/></disk>\n"
    for kind, here_uri, there_uri in (('qcow2', source.uri, target.uri), ('raw', source.direct_uri, target.direct_uri)):
        name = 'copied-' + kind
        disks = [stack.path('guest/%s.%s' % (name, kind)) for stack in (source, target)]
        for stack, path in ((source, disks[0]), (target, disks[1])):
            stack.run(['qemu-img', 'create', '-q', '-f', kind, path, '8M'])
        guest = Guest(tap, source, name, 'q35', 1, extra=disk % (kind, disks[0]))
        source.run(['qemu-io', '-f', kind, '-c', 'write -P 0x5a 1M 64k', disks[0]])
        guest.start()
        xml = source.run(['virsh', '-q', '-c', here_uri, 'dumpxml', name, '--migratable']).stdout
        done = source.run(['virsh', '-q', '-c', here_uri, 'migrate', '--live', '--copy-storage-all', name, there_uri,
                           '--migrateuri', 'tcp://127.0.0.1', '--xml', source.write('tmp/copied.xml', xml.replace(
                               disks[0], disks[1]))], check=False)
        if tap.ok(done.returncode == 0, '%s: migrate --copy-storage-all --xml' % name, done.stderr, guest.log(source),
                  guest.log(target)):
            guest.counts('migrated with its disk', target)
            target.virsh('destroy', name)
            copied = target.run(['qemu-io', '-f', kind, '-c', 'read -P 0x5a 1M 64k', disks[1]])
            tap.ok('verification failed' not in copied.stdout, '%s: the disk\'s content' % name, copied.stdout)
        else:
            source.virsh('destroy', name)
        source.virsh('undefine', name)


def try_own_migration(tap, guest, pid, source, target):
    """The state of emulators other than pci-emulator is migrated."""
    words = ['migrate', '--live', guest.name, target.uri, '--migrateuri', 'tcp://127.0.0.1']
    source.virsh('suspend', guest.name)
    before = counter_of(source, guest)
    source.virsh('resume', guest.name)
    source.virsh(*words)
    guest.counts('migrated', target)
    target.virsh('suspend', guest.name)
    tap.equal(counter_of(target, guest), before + 1, '%s: migrated: its own state has come along' % guest.name)
    target.virsh('destroy', guest.name)
    os.kill(pid, signal.SIGTERM)
    source.virsh('undefine', guest.name)


def try_missing(tap, guest, source, target):
    """A host without the launcher, or without the program that saves registers, refuses the migration before
    the guest is stopped."""
    words = ['virsh', '-q', '-c', source.uri, 'migrate', '--live', guest.name]
    launcher = os.path.join(source.launch_dir, 'qemu-system-x86_64')
    program = source.path('libexec/emulatedpci-vmstate')
    for what, path, patterns in (
            ('the launcher', launcher, ("requires '%s', the launcher of libvirt-emulatedpci" % launcher,
                                        'Cannot check QEMU binary %s' % launcher)),
            ('what saves registers', program, ["cannot run '%s', which saves the registers" % program] * 2)):
        os.rename(path, path + '.gone')
        try:
            for uri, pattern in zip((target.uri, target.direct_uri), patterns):
                rounds = len(guest.reports())
                done = source.run(words + [uri, '--migrateuri', 'tcp://127.0.0.1'], check=False)
                tap.ok(done.returncode == 1 and pattern in done.stderr,
                       '%s: a host without %s refuses, and says so' % (guest.name, what), done.stderr)
                events = source.virsh('domstate', '--reason', guest.name).strip()
                tap.ok(not events.endswith('(migration canceled)') and len(guest.reports()) >= rounds,
                       '%s: the guest was not stopped for that' % guest.name, events)
        finally:
            os.rename(path + '.gone', path)
    guest.counts('hosts that cannot take it', source)


def try_postcopy(tap, guest, here, there):
    """A migration that becomes a post-copy migration while the memory is sent for the first time. Returns whether
    the guest is on the other host.

    The switch must not be later, because of an error in QEMU without KVM (11.1, in
    physical_memory_sync_dirty_bitmap()). If QEMU synchronizes the dirty bitmap again while a dirty page is not
    sent yet, it misses later writes to this page. The guest then continues with memory that is some
    milliseconds older than the registers of its devices, including native devices of QEMU."""
    name = '%s: post-copy' % guest.name
    moving = here.start(['virsh', '-q', '-c', here.uri, 'migrate', '--live', '--postcopy', '--bandwidth', '8',
                         guest.name, there.uri, '--migrateuri', 'tcp://127.0.0.1'], 'log/postcopy-' + guest.name)

    def has_sent():
        job = here.run(['virsh', '-c', here.uri, 'domjobinfo', guest.name], check=False).stdout
        sent = re.search(r'Memory processed: +([0-9.]+) MiB', job)
        return here.status(moving) is not None or (sent and float(sent.group(1)) > 4)

    here.wait_for(has_sent, '%s: some memory is sent' % name)
    if 'Userfaultfd not available' in here.read('log/postcopy-' + guest.name):
        tap.skip(name, 'QEMU cannot use userfaultfd: vm.unprivileged_userfaultfd is 0')
        return False
    switched = here.run(['virsh', '-q', '-c', here.uri, 'migrate-postcopy', guest.name], check=False)
    here.wait_for(lambda: here.status(moving) is not None, '%s: the migration ends' % name)
    if not tap.ok(switched.returncode == 0 and here.status(moving) == 0, name, switched.stderr,
                  here.read('log/postcopy-' + guest.name), guest.log(here), guest.log(there)):
        return False
    guest.arrives('post-copy', there)
    return True


def try_migration(tap, source, target):
    netcat = target.write('tmp/netcat', NETCAT % target.socket)
    os.chmod(netcat, 0o755)
    remote = 'qemu+ext://emulatedpci-target/session?command=' + netcat
    back = source.write('tmp/netcat', NETCAT % source.socket)
    os.chmod(back, 0o755)
    remote_back = 'qemu+ext://emulatedpci-target/session?command=' + back

    for machine, devices in (('pc', 24), ('q35', 1)):
        guest = Guest(tap, source, 'moves-' + machine, machine, devices)
        guest.start()
        if machine == 'q35':
            try_missing(tap, guest, source, target)
        here, there = source, target
        for what, options, uri in (
                ('live', ['--live'], None),
                ('live, from a client without the daemon', ['--live'], None),
                ('live, to one without the daemon', ['--live', '--persistent', '--undefinesource'], None),
                ('peer-to-peer', ['--live', '--p2p'], (remote, remote_back)),
                ('not live', [], None)):
            there_uri = uri[here is target] if uri else there.direct_uri if 'to one' in what else there.uri
            here_uri = here.direct_uri if 'from a client' in what else here.uri
            done = here.run(['virsh', '-q', '-c', here_uri, 'migrate'] + options +
                            [guest.name, there_uri, '--migrateuri', 'tcp://127.0.0.1'], check=False)
            if not tap.ok(done.returncode == 0, '%s: %s' % (guest.name, what), done.stderr, guest.log(here),
                          guest.log(there)):
                break
            here, there = there, here
            guest.arrives(what, here)
        if try_postcopy(tap, guest, here, there):
            here, there = there, here
        try_failed_migration(tap, guest, here, there)
        if machine == 'pc':
            for number in range(ROUNDS):
                here.virsh('migrate', '--live', '--persistent', '--undefinesource', guest.name, there.uri,
                           '--migrateuri', 'tcp://127.0.0.1')
                here, there = there, here
                guest.goes_on('migration %d' % (number + 1), here)
            guest.counts('migrated %d times' % ROUNDS, here)
            here, there = try_killed_migration(tap, guest, here, there)
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

    with DaemonStack(seconds=1800 + 30 * ROUNDS) as stack:
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
        try_save(tap, stack, pc)
        try_save(tap, stack, q35)
        try_refused(tap, stack, pc)
        try_paused(tap, stack, q35)
        try_killed(tap, stack, q35)
        q35.destroy()
        try_detached(tap, stack)
        try_snapshots(tap, stack, pc)
        try_attached_live(tap, stack, pc)
        stack.virsh('destroy', 'pc')
        try_unmovable(tap, stack)
        own, listening = try_own(tap, stack)

        reason = become_another_host('emulatedpci-target')
        if reason:
            tap.skip('migration', reason)
            return
        with DaemonStack(seconds=1800 + 30 * ROUNDS) as target:
            # The launcher has the same path on both hosts.
            start_host(target, '22222222-2222-4222-8222-222222222222', '--launch-dir', stack.launch_dir)
            try_own_migration(tap, own, listening, stack, target)
            try_storage_copy(tap, stack, target)
            try_migrate_live(tap, stack, target)
            try_migration(tap, stack, target)
            tap.equal(target.close(), [], 'target: everything ended by itself')
        tap.equal(stack.close(), [], 'source: everything ended by itself')


run_tests(main)
