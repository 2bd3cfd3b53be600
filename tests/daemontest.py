#!/usr/bin/env python3
# daemontest.py: virsh through virtemulatedpcid to a real libvirtd
#
# SPDX-License-Identifier: LGPL-2.1-or-later

import glob
import hashlib
import os
import pty
import re
import select
import shutil
import signal
import subprocess
import struct
import threading
import time

from daemonstack import DaemonStack
from emulatedpcistack import (LIMIT, PATH, Qtest, can_start, domain_xml, emulated_devices, emulatedpci_xml,
                              needs, run_tests)
import libvirtrpc as rpc

FIELDS = {'devicename': 'citrix-pv-bus', 'vendorid': 0x5853, 'deviceid': 0xc000, 'revision': 1,
          'classcode': 0xff8000, 'interruptpin': 9}
OTHER = dict(FIELDS, devicename='second', deviceid=0xc001)


def fails(stack, *args, **options):
    """Returns the message of a virsh command that fails, or its output."""
    done = stack.run(['virsh', '-q', '-c', stack.uri] + list(args), check=False, **options)
    return done.stderr if done.returncode else 'NO ERROR: ' + done.stdout


def test_plain(tap, stack):
    for command in (['uri'], ['version'], ['capabilities'], ['nodeinfo'], ['list', '--all'],
                    ['nodedev-list'], ['pool-list', '--all'], ['sysinfo']):
        direct = stack.run(['virsh', '-c', stack.direct_uri] + command, check=False)
        through = stack.run(['virsh', '-c', stack.uri] + command, check=False)
        expected = (direct.returncode, direct.stdout, direct.stderr)
        if command[0] == 'nodedev-list' and not stack.has_driver('nodedev'):
            # The daemon lists its definitions even then. There are none here.
            expected = (0, '\n', '')
        tap.equal((through.returncode, through.stdout.replace(stack.uri, stack.direct_uri), through.stderr),
                  expected, 'virsh %s' % command[0])


def test_define(tap, stack):
    xml = domain_xml('demo', 'pc', emulatedpci_xml(FIELDS))
    stack.virsh('define', stack.write('tmp/a.xml', xml))
    shown = stack.virsh('dumpxml', 'demo')
    devices = emulated_devices(shown)
    tap.equal(list(devices), ['ua-emulatedpci0'], 'dumpxml shows the device')
    fields, address = devices['ua-emulatedpci0']
    tap.equal({name: fields[name] for name in FIELDS}, FIELDS, 'with the fields that were asked for')
    tap.ok(address and address[1] > 0, 'and the address that libvirt chose')
    tap.ok('lsilogic' not in shown and 'qemu:override' not in shown and 'libexec' not in shown,
           'and nothing of how it is done', shown)

    stock = stack.direct('dumpxml', 'demo')
    tap.ok("<controller type='scsi' index='32000' model='lsilogic'>" in stock and
           stack.launch_dir + '/qemu-system-x86_64' in stock, 'libvirtd holds stock XML', stock)

    stack.virsh('define', '--validate', stack.write('tmp/again.xml', shown))
    tap.equal(stack.virsh('dumpxml', 'demo'), shown, 'what was shown can be defined again, with --validate')
    tap.equal(stack.direct('dumpxml', 'demo'), stock, 'and changes nothing')

    editor = stack.write('tmp/editor', '#!/bin/sh\nexec sed -i "s/0xc000/0xc123/" "$1"\n')
    os.chmod(editor, 0o755)
    stack.virsh('edit', 'demo', env={'EDITOR': editor})
    fields, again = emulated_devices(stack.virsh('dumpxml', 'demo'))['ua-emulatedpci0']
    tap.equal((fields['deviceid'], again), (0xc123, address), 'virsh edit changes a field, and nothing else')

    native = stack.virsh('domxml-to-native', 'qemu-argv', stack.path('tmp/a.xml'))
    tap.ok('"driver":"emulated-pci"' in native, 'domxml-to-native', native)
    for flag in ('--inactive', '--security-info', '--migratable'):
        tap.equal(list(emulated_devices(stack.virsh('dumpxml', 'demo', flag))), ['ua-emulatedpci0'],
                  'dumpxml %s' % flag)

    caps = stack.virsh('domcapabilities')
    tap.ok(re.search(r"<emulatedpci supported='yes'>\s*<enum name='transport'>\s*<value>mpqemu</value>", caps),
           'domcapabilities', caps)
    tap.equal(re.sub(r' *<emulatedpci .*?</emulatedpci>\n', '', caps, flags=re.DOTALL),
              stack.direct('domcapabilities'), 'which are otherwise libvirt\'s')
    tap.equal(stack.virsh('domcapabilities'), caps, 'and the same the next time')
    tap.ok("<emulatedpci supported='no'/>" in stack.virsh('domcapabilities', '--machine', 'isapc'),
           'no device on a machine without PCI')
    stack.virsh('undefine', 'demo')


def test_errors(tap, stack):
    good = domain_xml('bad', 'pc', emulatedpci_xml(FIELDS))

    def define(xml, *options):
        return fails(stack, 'define', stack.write('tmp/bad.xml', xml), *options)

    message = define(good.replace("deviceid='0xc000'", "deviceid='0x1c000'"))
    tap.ok("error: XML error: invalid value '0x1c000' for attribute 'deviceid'" in message, 'a bad value', message)
    message = define(good.replace('<config', '<config bogus="1"'))
    tap.ok('error: XML error:' in message and 'bogus' in message, 'an unknown attribute', message)
    message = define(good.replace("vendorid='0x5853'", "vendorid='0xffff'"))
    tap.ok('error: unsupported configuration:' in message, 'what is not supported', message)
    message = define(good.replace("machine='pc'", "machine='isapc'"))
    tap.ok('error: unsupported configuration:' in message, 'a machine without PCI', message)
    message = define(good.replace('<memballoon', '<nonsense/><memballoon'), '--validate')
    tap.ok('error: XML document failed to validate against schema: Unable to validate doc against %s'
           % stack.path('share/schemas/domain.rng') in message, '--validate', message)
    linux = good.replace('>hvm<', '>linux<')
    message = define(linux)
    tap.equal(message, stack.run(['virsh', '-q', '-c', stack.direct_uri, 'define', stack.write(
        'tmp/bad.xml', re.sub('<emulatedpci.*</emulatedpci>', '', linux, flags=re.DOTALL))], check=False).stderr,
              "an error of libvirtd's names the QEMU that the user knows, not its launcher")
    tap.ok("Emulator '" in message and stack.launch_dir not in message, 'as in this one', message)
    message = define(good.replace('</domain>', ''))
    tap.ok(message.startswith('error: Failed to define domain') and 'XML' in message or 'tag' in message,
           'what is not well-formed', message)
    tap.ok('bad' not in stack.direct('list', '--all', '--name'), 'none of them is defined')


def test_transparency(tap, stack):
    """Documents without an emulated device: the same result or the same error, byte for byte."""
    source = os.environ['abs_top_srcdir']
    documents = {
        'plain pc': domain_xml('same', 'pc'),
        'plain q35': domain_xml('same', 'q35'),
        'disk': domain_xml('same', 'pc', "<disk type='file'><source file='/nowhere.img'/><target dev='vda' "
                           "bus='virtio'/></disk>"),
        'own lsilogic controller': domain_xml('same', 'pc', "<controller type='scsi' index='0' "
                                              "model='lsilogic'><alias name='ua-mine'/></controller>"),
        'reserved index without override': domain_xml('same', 'pc', "<controller type='scsi' index='32000' "
                                                      "model='lsilogic'><alias name='ua-x'/></controller>"),
        'utf-8': domain_xml('same', 'pc').replace('<vcpu>', '<title>ü €</title><vcpu>'),
        'metadata': domain_xml('same', 'pc').replace(
            '<vcpu>', "<metadata><m:emulatedpci xmlns:m='urn:x'><m:y/></m:emulatedpci></metadata><vcpu>"),
        'commandline': domain_xml('same', 'pc', qemu_arguments=['-name', 'x']),
        'unknown machine': domain_xml('same', 'nonsense'),
        'no name': domain_xml('same', 'pc').replace('<name>same</name>', ''),
        'not XML': 'nonsense',
        'empty': '<domain/>',
        'unclosed': domain_xml('same', 'pc').replace('</devices>', ''),
        'network': '<network/>',
        'duplicate address': domain_xml('same', 'pc', 2 * (
            "<controller type='virtio-serial'><address type='pci' slot='9'/></controller>")),
    }
    for path in sorted(glob.glob(os.path.join(source, 'tests/projectiondata/*.lowered'))):
        with open(path, encoding='utf-8', errors='surrogateescape', newline='') as file:
            documents[os.path.basename(path)] = file.read()

    def result(uri, path):
        commands = ''.join(line + '\n' for line in (
            'define ' + path, 'dumpxml same', 'undefine same', 'define --validate ' + path,
            'dumpxml same --inactive --security-info', 'undefine same', 'domxml-to-native qemu-argv ' + path))
        done = stack.run(['virsh', '-q', '-c', uri], stdin=commands, check=False)
        return done.returncode, re.sub(r'domain-(-?\d+)-', 'domain-N-', done.stdout), done.stderr

    uuid = '<uuid>2f0ad4a5-0bf4-4d7b-a3a7-8a6fe3f7d9b2</uuid>'
    for name, xml in documents.items():
        xml = re.sub(r'<uuid>.*?</uuid>', '', xml)
        xml = re.sub(r'<name>.*?</name>', '<name>same</name>' + uuid, xml, count=1)
        with open(stack.path('tmp/same.xml'), 'wb') as file:
            file.write(xml.encode('utf-8', 'surrogateescape'))
        os.chmod(stack.path('tmp/same.xml'), 0o644)
        direct = result(stack.direct_uri, stack.path('tmp/same.xml'))
        through = result(stack.uri, stack.path('tmp/same.xml'))
        tap.equal(through, direct, 'transparent: %s' % name)


def test_devices(tap, stack):
    stack.virsh('define', stack.write('tmp/a.xml', domain_xml('dev', 'pc', emulatedpci_xml(FIELDS))))
    second = stack.write('tmp/second.xml', emulatedpci_xml(OTHER))

    def aliases():
        return list(emulated_devices(stack.virsh('dumpxml', 'dev', '--inactive')))

    def device(alias):
        return emulated_devices(stack.virsh('dumpxml', 'dev', '--inactive'))[alias]

    tap.ok('domain is not running' in fails(stack, 'attach-device', 'dev', second, '--live'),
           'attach --live of a stopped domain')
    stack.virsh('attach-device', 'dev', second, '--config')
    tap.equal(aliases(), ['ua-emulatedpci0', 'ua-emulatedpci1'], 'attach --config')
    where = device('ua-emulatedpci1')[1]
    tap.ok(where and where != device('ua-emulatedpci0')[1], 'it has an address of its own')

    changed = stack.write('tmp/changed.xml', emulatedpci_xml(dict(OTHER, revision=7)))
    stack.virsh('update-device', 'dev', changed, '--config')
    fields, again = device('ua-emulatedpci1')
    tap.equal((fields['revision'], again), (7, where), 'update --config by name keeps alias and address')
    changed = stack.write('tmp/changed.xml', emulatedpci_xml(dict(OTHER, devicename='renamed'), 'ua-emulatedpci1'))
    stack.virsh('update-device', 'dev', changed, '--config')
    fields, again = device('ua-emulatedpci1')
    tap.equal((fields['devicename'], fields['revision'], again), ('renamed', 1, where), 'update --config by alias')

    tap.ok("error: device not found: no emulated PCI device matches 'second'" in
           fails(stack, 'detach-device', 'dev', second, '--config'), 'detach of what is not there')
    gone = stack.write('tmp/gone.xml', emulatedpci_xml(dict(OTHER, devicename='whatever'), address=
                       "<address type='pci' domain='0' bus='%d' slot='%d' function='%d'/>" % where))
    stack.virsh('detach-device', 'dev', gone, '--config')
    tap.equal(aliases(), ['ua-emulatedpci0'], 'detach --config by address')
    stack.virsh('attach-device', 'dev', second, '--current')
    stack.virsh('detach-device', 'dev', second, '--current')
    tap.equal(aliases(), ['ua-emulatedpci0'], 'attach and detach --current of a stopped domain, by content')

    stack.virsh('attach-device', 'dev', second, '--config')
    stack.virsh('attach-device', 'dev', second, '--config')
    tap.ok('several emulated PCI devices match' in fails(stack, 'detach-device', 'dev', second, '--config'),
           'two alike are not guessed at')
    for alias in ('ua-emulatedpci1', 'ua-emulatedpci2'):
        stack.virsh('detach-device-alias', 'dev', alias, '--config')
    tap.equal(aliases(), ['ua-emulatedpci0'], 'detach-device-alias --config')
    tap.ok('qemu:device' not in stack.direct('dumpxml', 'dev').replace("alias='ua-emulatedpci0'", '', 1) or
           stack.direct('dumpxml', 'dev').count('<qemu:device') == 1, 'and nothing of them is left')

    def once(fields, value='yes'):
        return stack.write('tmp/once.xml', emulatedpci_xml(fields).replace(
            '<emulatedpci ', "<emulatedpci once='%s' " % value, 1))

    before = stack.virsh('dumpxml', 'dev')
    tap.ok("error: Requested operation is not valid: the domain already has a device of 'citrix-pv-bus': "
           "'ua-emulatedpci0'" in fails(stack, 'attach-device', 'dev', once(FIELDS), '--config'),
           'attach once of what is there', fails(stack, 'attach-device', 'dev', once(FIELDS), '--config'))
    tap.equal(stack.virsh('dumpxml', 'dev'), before, 'changes nothing')
    tap.equal([fails(stack, 'attach-device', 'dev', once(OTHER), '--config')[:9] for _ in range(2)],
              ['NO ERROR:', 'error: Fa'], 'attach once of another, twice')
    tap.equal(aliases(), ['ua-emulatedpci0', 'ua-emulatedpci1'], 'attaches one')
    stack.virsh('detach-device-alias', 'dev', 'ua-emulatedpci1', '--config')
    stack.virsh('attach-device', 'dev', once(FIELDS, 'no'), '--config')
    tap.equal(aliases(), ['ua-emulatedpci0', 'ua-emulatedpci1'], "once='no': a second one")
    stack.virsh('detach-device-alias', 'dev', 'ua-emulatedpci1', '--config')
    tap.ok("invalid value 'often' of attribute 'once' of <emulatedpci>: must be 'yes' or 'no'" in
           fails(stack, 'attach-device', 'dev', once(OTHER, 'often'), '--config'), 'a bad value')
    for text, wanted in (
            ('<!DOCTYPE emulatedpci [<!ENTITY e "%s">]><emulatedpci>%s</emulatedpci>' % ('x' * 1000, '&e;' * 1000),
             'document type declaration'),
            ('<emulatedpci devicename="x">', 'malformed XML'), ('<emulatedpci', 'Start Tag'),
            ('<emulatedpci>%s</emulatedpci>' % (' ' * 300000), 'too long')):
        message = fails(stack, 'attach-device', 'dev', stack.write('tmp/bad.xml', text), '--config')
        tap.ok('NO ERROR' not in message and wanted in message, 'not attached: ' + wanted, message[:300])
    for command in ('detach-device', 'update-device'):
        tap.ok("'once'" in fails(stack, command, 'dev', once(FIELDS), '--config'), command + ' knows no once')
    tap.ok("'once'" in fails(stack, 'define', stack.write('tmp/define.xml', domain_xml(
        'other', 'pc', "<emulatedpci once='yes' devicename='x'><config vendorid='1' deviceid='2'/></emulatedpci>"))),
        'nor does a domain')

    disk = stack.write('tmp/disk.xml', "<disk type='file' device='disk'><source file='/nowhere'/>"
                       "<target dev='vdx' bus='virtio'/></disk>")
    stack.virsh('attach-device', 'dev', disk, '--config')
    tap.ok('/nowhere' in stack.virsh('dumpxml', 'dev'), 'other devices are libvirt\'s')
    tap.equal(fails(stack, 'detach-device-alias', 'dev', 'ua-none', '--config'),
              stack.run(['virsh', '-q', '-c', stack.direct_uri, 'detach-device-alias', 'dev', 'ua-none',
                         '--config'], check=False).stderr, 'an unknown alias: libvirt\'s own error')
    stack.virsh('detach-device', 'dev', disk, '--config')

    errors = []

    def attach(client):
        for number in range(5):
            name = 'tmp/%d.%d.xml' % (client, number)
            if client % 2:
                xml = emulatedpci_xml(dict(OTHER, devicename='c%d-%d' % (client, number)))
            else:
                xml = ("<disk type='file' device='disk'><source file='/c%d-%d'/><target dev='vd%s' "
                       "bus='virtio'/></disk>" % (client, number, 'abcdefghij'[client // 2 * 5 + number]))
            message = fails(stack, 'attach-device', 'dev', stack.write(name, xml), '--config')
            if not message.startswith('NO ERROR'):
                errors.append(message)
    threads = [threading.Thread(target=attach, args=(client,)) for client in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    shown = stack.virsh('dumpxml', 'dev')
    tap.equal((errors, sum('c%d-%d' % (client, number) in shown for client in range(4) for number in range(5))),
              ([], 20), 'four clients at once lose nothing')
    stack.virsh('undefine', 'dev')


def test_stale(tap, stack):
    """The domain's state that a client knows can be outdated."""
    persistent = domain_xml('stale', 'pc').replace(
        '<vcpu>', '<uuid>2f1f0b8e-8f4c-4a0a-9f1c-6d8a2f0d7b11</uuid><vcpu>')
    device = stack.write('tmp/device.xml', emulatedpci_xml(OTHER))
    with rpc.Client(stack.socket) as client:
        client.open()
        domain = rpc.read_domain(client.call(rpc.DEFINE_XML, rpc.string(persistent)))
        tap.equal(domain[-4:], b'\xff' * 4, 'a client that saw it stopped')

        def attach():
            try:
                client.call(rpc.ATTACH_DEVICE_FLAGS,
                            domain + rpc.string(emulatedpci_xml(OTHER)) + struct.pack('>I', 2))
                return 'attached'
            except rpc.RPCError as error:
                return str(error)

        def devices(*args):
            return len(emulated_devices(stack.virsh('dumpxml', 'stale', *args)))

        stack.virsh('start', 'stale')
        tap.equal((attach(), devices(), devices('--inactive')), ('attached', 0, 1), 'it runs: for its next start')
        stack.virsh('undefine', 'stale')
        message = attach()
        tap.ok('transient' in message, 'it became transient', message)
        stack.virsh('destroy', 'stale')
        message = attach()
        tap.ok('Domain not found' in message, 'it has gone', message)
    stack.virsh('define', stack.write('tmp/stale.xml', persistent))
    stack.virsh('start', 'stale', '--paused')
    stack.virsh('attach-device', 'stale', device, '--config')
    tap.equal(len(emulated_devices(stack.virsh('dumpxml', 'stale', '--inactive'))), 1, 'known to run')
    stack.virsh('destroy', 'stale')
    stack.virsh('undefine', 'stale')


def test_running(tap, stack):
    if not can_start(tap, 'a running domain'):
        return
    qtest = stack.path('run/qtest')
    xml = domain_xml('run', 'pc', emulatedpci_xml(FIELDS) + "<serial type='pty'/><console type='pty'/>",
                     qemu_arguments=['-qtest', 'unix:%s,server=on,wait=off' % qtest, '-qtest-log', '/dev/null'])
    stack.virsh('define', stack.write('tmp/run.xml', xml))
    events = stack.start_events('log/events')
    stack.virsh('start', '--paused', 'run')
    tap.equal(stack.state('run'), 'paused', 'a domain with a device starts')
    tap.ok(stack.wait_for(lambda: "event 'lifecycle' for domain 'run': Started" in stack.read('log/events'),
                          'the event of the start'), 'events come through')
    os.kill(events, signal.SIGTERM)
    stack.wait_for(lambda: stack.status(events) is not None, 'virsh event ends')

    live = emulated_devices(stack.virsh('dumpxml', 'run'))
    tap.equal(list(live), ['ua-emulatedpci0'], 'the live XML shows the device')
    client = Qtest(qtest)
    where = live['ua-emulatedpci0'][1]
    tap.equal(client.config(where)[:4], bytes.fromhex('535800c0'), 'and it is on the PCI bus at that address')

    master, slave = pty.openpty()
    with subprocess.Popen(['virsh', '-c', stack.uri, 'console', '--force', 'run'], stdin=slave, stdout=slave,
                          stderr=slave, env=stack.env, start_new_session=True) as console:
        os.close(slave)
        seen = b''

        def shows(word, seconds):
            nonlocal seen
            while word not in seen and select.select([master], [], [], seconds)[0]:
                seen += os.read(master, 4096)
            return word in seen
        shows(b'Escape character', LIMIT)
        text = b'hello from the guest'

        def says():
            for byte in text:
                client.command('outb 0x3f8 0x%x' % byte)
            return shows(text, 0.25)
        # QEMU checks once a second whether its pty has a reader; earlier output is lost
        tap.ok(stack.wait_for(says, 'what the guest says'), 'console: what the guest says')
        # the guest's serial port is an emulated UART, which receives the typed characters
        os.write(master, b'x')
        tap.ok(stack.wait_for(lambda: int(client.command('inb 0x3fd')[0], 0) & 1, 'input'), 'console: a key arrives')
        tap.equal(int(client.command('inb 0x3f8')[0], 0), ord('x'), 'console: and is the right one')
        os.write(master, b'\x1d')
        console.wait(LIMIT)
        tap.equal(console.returncode, 0, 'console: ^] ends it')
    os.close(master)
    client.close()

    def count():
        return (len(emulated_devices(stack.virsh('dumpxml', 'run'))),
                len(emulated_devices(stack.virsh('dumpxml', 'run', '--inactive'))))

    second = stack.write('tmp/second.xml', emulatedpci_xml(OTHER))
    stack.virsh('attach-device', 'run', second, '--config')
    tap.equal(count(), (1, 2), 'attach --config of a running domain')
    third = stack.write('tmp/third.xml', emulatedpci_xml(dict(OTHER, devicename='third'), 'ua-third'))
    stack.virsh('attach-device', 'run', third, '--live')
    tap.equal(count(), (2, 2), 'attach --live')
    fourth = stack.write('tmp/fourth.xml', emulatedpci_xml(dict(OTHER, devicename='fourth'), 'ua-fourth'))
    stack.virsh('attach-device', 'run', fourth, '--live', '--config')
    tap.equal(count(), (3, 3), 'attach --live --config')
    first = stack.write('tmp/first.xml', emulatedpci_xml(FIELDS))
    message = fails(stack, 'detach-device', 'run', first, '--live')
    tap.ok(message.startswith('NO ERROR'), 'detach --live asks the guest to let go', message)
    message = fails(stack, 'detach-device', 'run', second, '--live')
    tap.ok('device not found' in message, 'detach --live of what is not live', message)
    stack.virsh('destroy', 'run')
    stack.virsh('undefine', 'run')


def test_snapshots(tap, stack):
    if not shutil.which('qemu-img', path=PATH):
        tap.skip('snapshots', 'there is no qemu-img on this machine')
        return
    image = stack.path('tmp/disk.qcow2')
    stack.run(['qemu-img', 'create', '-q', '-f', 'qcow2', image, '1M'])
    disk = ("<disk type='file' device='disk'><driver name='qemu' type='qcow2'/><source file='%s'/>"
            "<target dev='vda' bus='virtio'/></disk>" % image)
    stack.virsh('define', stack.write('tmp/snap.xml', domain_xml('snap', 'pc', emulatedpci_xml(FIELDS) + disk)))
    stack.virsh('snapshot-create-as', 'snap', 'one')
    shown = stack.virsh('snapshot-dumpxml', 'snap', 'one')
    tap.ok("<emulatedpci devicename='citrix-pv-bus'>" in shown and 'lsilogic' not in shown, 'snapshot-dumpxml', shown)
    stack.virsh('snapshot-delete', 'snap', 'one', '--metadata')
    stack.virsh('snapshot-create', 'snap', stack.write('tmp/one.xml', shown), '--redefine', '--validate')
    tap.equal(stack.virsh('snapshot-dumpxml', 'snap', 'one'), shown, 'a snapshot redefined, with --validate')
    stack.virsh('snapshot-revert', 'snap', 'one')
    tap.equal(list(emulated_devices(stack.virsh('dumpxml', 'snap'))), ['ua-emulatedpci0'], 'snapshot-revert')
    stack.virsh('snapshot-delete', 'snap', 'one')
    stack.virsh('undefine', 'snap')


def digest(path):
    with open(path, 'rb') as file:
        return hashlib.sha256(file.read()).hexdigest()


def test_volumes(tap, stack):
    if not stack.has_driver('storage'):
        tap.skip('volumes', 'libvirtd has no driver for storage pools here (Debian: libvirt-daemon-driver-storage)')
        return
    os.mkdir(stack.path('pool'), 0o755)
    stack.give('pool')
    stack.virsh('pool-create-as', 'pool', 'dir', '--target', stack.path('pool'))
    stack.virsh('vol-create-as', 'pool', 'vol', '20M')
    image = stack.write('tmp/image', os.urandom(20 << 20))
    stack.virsh('vol-upload', 'vol', image, '--pool', 'pool')
    tap.equal(digest(stack.path('pool/vol')), digest(image), 'vol-upload')
    stack.virsh('vol-download', 'vol', stack.path('tmp/out'), '--pool', 'pool')
    tap.equal(digest(stack.path('tmp/out')), digest(image), 'vol-download')

    stack.virsh('vol-delete', 'vol', '--pool', 'pool')
    stack.virsh('vol-create-as', 'pool', 'vol', '20M')
    with open(stack.path('tmp/sparse'), 'wb') as file:
        for offset in (0, 7 << 20, 15 << 20):
            file.seek(offset)
            file.write(os.urandom(100000))
        file.truncate(20 << 20)
    stack.give('tmp/sparse')
    stack.virsh('vol-upload', 'vol', stack.path('tmp/sparse'), '--pool', 'pool', '--sparse')
    stack.virsh('vol-download', 'vol', stack.path('tmp/out2'), '--pool', 'pool', '--sparse')
    tap.equal(digest(stack.path('tmp/out2')), digest(stack.path('tmp/sparse')), 'sparse upload and download')
    stack.virsh('pool-destroy', 'pool')


class SlowClient(threading.Thread):
    """Sends a byte a second, during all the other tests: a call whose reply is rewritten. .reply is
    the XML in the reply, or the error."""

    def __init__(self, stack):
        super().__init__()
        stack.virsh('define', stack.write('tmp/slow.xml', domain_xml('slow', 'pc', emulatedpci_xml(FIELDS))))
        self.client = rpc.Client(stack.socket).open()
        self.domain = rpc.read_domain(self.client.call(rpc.LOOKUP_BY_NAME, rpc.string('slow')))
        self.reply = None

    def run(self):
        try:
            data = rpc.frame(rpc.GET_XML_DESC, self.domain + struct.pack('>I', 0), 4711)
            # Only the header and the last bytes of the arguments are sent at that pace.
            for part in [data[i:i + 1] for i in range(24)] + [data[24:-2], data[-2:-1], data[-1:]]:
                self.client.socket.sendall(part)
                time.sleep(1)
            self.reply = rpc.read_string(self.client.wait(4711))[0].decode()
        except (OSError, EOFError, rpc.RPCError) as error:
            self.reply = repr(error)


def main(tap):
    needs('libvirtd', 'virsh', 'qemu-system-x86_64')
    with DaemonStack() as stack:
        stack.start_libvirtd()
        stack.start_daemon()
        slow = SlowClient(stack)
        slow.start()
        for test in (test_plain, test_define, test_errors, test_transparency, test_devices, test_stale, test_running,
                     test_snapshots, test_volumes):
            test(tap, stack)
        slow.join()
        slow.client.close()
        tap.equal(slow.reply, stack.virsh('dumpxml', 'slow'), 'a client that sends a byte a second is served')
        stack.virsh('undefine', 'slow')
        tap.equal(stack.stop_daemon(), 0, 'the daemon ends when it is asked to')
        tap.ok(not os.path.exists(stack.socket), 'and removes its socket')
        tap.equal(stack.close(), [], 'nothing is left')


run_tests(main)
