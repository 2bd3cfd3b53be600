#!/usr/bin/env python3
# clientvirshtest.py: virsh through virtemulatedpcid
#
# A real virsh, a separate real libvirtd (emulatedpcistack.py), a real QEMU and a guest that
# boots. The operations on domains with an <emulatedpci> are those that users perform on any
# other domain.
#
# SPDX-License-Identifier: LGPL-2.1-or-later

import os
import re
import signal
import xml.etree.ElementTree as ET

from clientutil import CITRIX, DEVICE, SECOND, Terminal, boot_xml, disk_xml
from daemonstack import DaemonStack
from emulatedpcistack import (REGISTERS, can_start, config_fields, domain_xml, emulated_devices, emulatedpci_xml,
                              needs, read_dumps, run_tests)
from qemutransports import VFIO_USER, qemu_transports

BUILD = os.environ['abs_top_builddir']
ADDRESS = re.compile(r"<address type='pci' domain='0x0000' bus='0x00' slot='0x[0-9a-f]{2}' function='0x0'/>")

# Whether a running guest can be saved and migrated
MOVES = qemu_transports()[0][:1] == (VFIO_USER,)


class Client:
    """virsh through the daemon, and functions for checking the results."""

    def __init__(self, tap, stack):
        self.tap = tap
        self.stack = stack

    def virsh(self, *args, **options):
        return self.stack.virsh(*args, **options)

    def file(self, content, name='tmp/input.xml'):
        return self.stack.write(name, content)

    def define(self, name, devices, *options, **more):
        return self.virsh('define', self.file(domain_xml(name, 'pc', devices, **more)), *options)

    def devices(self, name, *options):
        return emulated_devices(self.virsh('dumpxml', name, *options))

    def fails(self, what, pattern, *args, **options):
        """virsh ARGS fails with one error, in libvirt's format."""
        done = self.stack.run(['virsh', '-c', self.stack.uri] + list(args), check=False, **options)
        self.tap.ok(done.returncode == 1 and done.stderr.startswith('error: ') and
                    re.search(pattern, done.stderr) is not None, what,
                    'exit status %d' % done.returncode, done.stdout, done.stderr)
        return done


def try_define(client, tap):
    stack = client.stack
    tap.ok('Domain \'plain\' defined' in stack.run(
        ['virsh', '-c', stack.uri, 'define', client.file(domain_xml('plain', 'pc', DEVICE))]).stdout,
        'define')
    shown = client.virsh('dumpxml', 'plain')
    tap.equal(len(ADDRESS.findall(shown[shown.index('<emulatedpci'):shown.index('</emulatedpci>')])), 1,
              'the device has an address')
    tap.ok('qemu:override' not in shown and "model='lsilogic'" not in shown and 'emulatedpci-launcher'
           not in shown and stack.launch_dir not in shown, 'and nothing of the inside shows', shown)
    direct = stack.direct('dumpxml', 'plain')
    tap.ok('<emulatedpci' not in direct and 'qemu:override' in direct, 'libvirtd has its own terms', direct)

    client.virsh('define', client.file(shown))
    tap.equal(client.virsh('dumpxml', 'plain'), shown, 'what is shown is defined again, to the same')
    for options in (['--inactive'], ['--security-info'], ['--update-cpu'], ['--migratable'],
                    ['--inactive', '--security-info', '--migratable', '--update-cpu']):
        tap.equal(client.devices('plain', *options), emulated_devices(shown), 'dumpxml ' + ' '.join(options))
    tap.equal(client.virsh('dumpxml', 'plain', '--xpath', '//emulatedpci/config/@vendorid').strip(),
              'vendorid="0x5853"', 'dumpxml --xpath')

    client.define('checked', emulatedpci_xml(CITRIX, 'ua-mine'), '--validate')
    tap.equal(list(client.devices('checked')), ['ua-mine'], 'define --validate')
    wrong = DEVICE.replace("<config ", "<config colour='red' ")
    client.fails('define --validate: an attribute that is not there', 'XML document failed to validate|colour',
                 'define', '--validate', client.file(domain_xml('wrong', 'pc', wrong)))
    client.fails('define: an attribute that is not there', "colour",
                 'define', client.file(domain_xml('wrong', 'pc', wrong)))
    client.fails('define: a value out of range names value and field', "0x10000.*vendorid|vendorid.*0x10000",
                 'define', client.file(domain_xml('wrong', 'pc', emulatedpci_xml(dict(CITRIX, vendorid=0x10000)))))
    client.fails('define --validate: upstream\'s own validation', 'XML document failed to validate',
                 'define', '--validate', client.file(domain_xml('wrong', 'pc', DEVICE + '    <nonsense/>\n')))
    client.fails('define: not XML', 'xml|XML', 'define', client.file('<domain><emulatedpci'))
    client.fails('define: libvirt\'s own refusal', 'unknown OS type',
                 'define', client.file(domain_xml('wrong', 'pc', DEVICE).replace('>hvm<', '>nothing<')))
    tap.equal(client.virsh('list', '--all', '--name').split(), ['checked', 'plain'],
              'what was refused is not there')

    errors = []
    for options in ([], ['--validate']):
        done = stack.run(['virsh', '-c', stack.uri, 'define', client.file(domain_xml('wrong', 'pc', wrong))]
                         + options, check=False)
        errors.append(done.stderr)
    done = stack.run(['virsh', '-c', stack.direct_uri, 'define', client.file('<domain type="qemu"/>')], check=False)
    tap.ok(all(error.splitlines()[0].replace('input.xml', '') == done.stderr.splitlines()[0].replace('input.xml', '')
               for error in errors), 'an error looks as one of libvirtd\'s does', *errors, done.stderr)

    capabilities = ET.fromstring(client.virsh('domcapabilities', '--virttype', 'qemu'))
    element = capabilities.find('./devices/emulatedpci')
    tap.ok(element is not None and element.get('supported') == 'yes', 'domcapabilities has it',
           client.virsh('domcapabilities', '--virttype', 'qemu')[-2000:])
    client.virsh('undefine', 'checked')


def try_edit(client, tap):
    stack = client.stack
    before = client.virsh('dumpxml', 'plain')

    def editor(name, script):
        path = client.file('#!/bin/sh\n' + script, 'tmp/' + name)
        os.chmod(path, 0o755)
        return {'EDITOR': path, 'VISUAL': path}

    env = editor('to-beef', "sed -i \"s/deviceid='0xc000'/deviceid='0xbeef'/\" \"$1\"\n")
    stack.virsh('edit', 'plain', env=env)
    after = client.virsh('dumpxml', 'plain')
    tap.equal(after, before.replace("deviceid='0xc000'", "deviceid='0xbeef'"),
              'edit changes a field, and the address stays')

    env = editor('add', "sed -i \"s|</devices>|<emulatedpci devicename='second'><config vendorid='0x1af4' "
                 "deviceid='0x1234'/></emulatedpci></devices>|\" \"$1\"\n")
    stack.virsh('edit', 'plain', env=env)
    devices = client.devices('plain')
    tap.equal({alias: device[1] for alias, device in devices.items()}.get('ua-emulatedpci0'),
              emulated_devices(after)['ua-emulatedpci0'][1], 'edit adds a device, and the first one keeps its place')
    tap.ok(len(devices) == 2 and devices['ua-emulatedpci1'][1], 'the second one has a place too', devices)

    tap.ok('not changed' in stack.run(['virsh', '-c', stack.uri, 'edit', 'plain'], env={'EDITOR': 'true'}).stdout,
           'edit without a change')

    # The first edit is invalid, the second one valid.
    env = editor('twice', 'if test -e "%s"; then\n'
                 '  sed -i "s/vendorid=\'0xffff\'/vendorid=\'0x1af5\'/" "$1"\n'
                 'else\n  : > "%s"\n  sed -i "s/vendorid=\'0x1af4\' deviceid=\'0x1234\'/vendorid=\'0xffff\' '
                 'deviceid=\'0x1234\'/" "$1"\nfi\n' % (stack.path('tmp/once'), stack.path('tmp/once')))
    with Terminal(stack, ['virsh', '-c', stack.uri, 'edit', 'plain'], env) as terminal:
        try:
            shown = terminal.expect(r'Try again\?.*:')
            tap.ok('vendorid' in shown and ('0xffff' in shown or '65535' in shown), 'edit shows the error and asks',
                   shown)
            terminal.send('y')
            tap.equal(terminal.end(), 0, 'edit: the second try succeeds')
        finally:
            tap.diag(terminal.text)
    tap.equal(client.devices('plain')['ua-emulatedpci1'][0]['vendorid'], 0x1af5, 'and is what is there')

    before = client.virsh('dumpxml', 'plain')
    os.unlink(stack.path('tmp/once'))
    env = editor('never', "sed -i \"s/vendorid='0x5853'/vendorid='0x'/\" \"$1\"\n")
    with Terminal(stack, ['virsh', '-c', stack.uri, 'edit', 'plain'], env) as terminal:
        terminal.expect(r'Try again\?.*:')
        terminal.send('n')
        tap.ok(terminal.end() != 0, 'edit: an error and no second try')
    tap.equal(client.virsh('dumpxml', 'plain'), before, 'leaves the domain as it was')


def try_native(client, tap):
    xml = client.file(client.virsh('dumpxml', 'plain'), 'tmp/native.xml')
    argv = client.virsh('domxml-to-native', 'qemu-argv', xml)
    tap.ok(re.search(r'"driver":"emulated-pci"', argv) and '"vendorid":22611' in argv, 'domxml-to-native', argv)
    tap.equal(client.virsh('domxml-to-native', 'qemu-argv', '--domain', 'plain'), argv,
              'domxml-to-native --domain')
    tap.equal(client.stack.run(['sh', '-c', 'cat "$1" | virsh -q -c "$2" domxml-to-native qemu-argv /dev/stdin', 'sh',
                                xml, client.stack.uri]).stdout, argv, 'domxml-to-native from standard input')
    client.fails('domxml-to-native: an error in the element', 'devicename', 'domxml-to-native', 'qemu-argv',
                 client.file(domain_xml('wrong', 'pc', DEVICE.replace(" devicename='citrix-pv-bus'", ''))))


def try_devices(client, tap):
    """attach, detach and update of a domain that is not running."""
    before = client.devices('plain')
    third = dict(SECOND, devicename='third')
    client.virsh('attach-device', 'plain', client.file(emulatedpci_xml(third, 'ua-third')), '--config')
    devices = client.devices('plain')
    tap.ok({alias: devices.get(alias) for alias in before} == before and devices['ua-third'][1],
           'attach-device --config', devices)
    where = devices['ua-third'][1]
    client.fails('attach-device --config: the alias is taken', 'ua-third', 'attach-device', 'plain',
                 client.file(emulatedpci_xml(third, 'ua-third')), '--config')

    client.virsh('update-device', 'plain', client.file(emulatedpci_xml(dict(third, revision=9), 'ua-third')), '--config')
    devices = client.devices('plain')
    tap.equal((devices['ua-third'][0]['revision'], devices['ua-third'][1]), (9, where),
              'update-device --config, by alias')
    client.virsh('detach-device', 'plain', client.file(emulatedpci_xml(dict(third, revision=9), 'ua-third')), '--config')
    tap.equal(client.devices('plain'), before, 'detach-device --config')
    client.virsh('attach-device', 'plain', client.file(emulatedpci_xml(third, 'ua-third')), '--current')
    client.virsh('detach-device-alias', 'plain', 'ua-third', '--config')
    tap.equal(client.devices('plain'), before, 'detach-device-alias --config')
    client.fails('detach-device --config: there is none', 'not found|no ', 'detach-device', 'plain',
                 client.file(emulatedpci_xml(dict(third, devicename='nowhere'))), '--config')
    client.fails('attach-device: an error in the element', 'vendorid', 'attach-device', 'plain',
                 client.file(DEVICE.replace("vendorid='0x5853'", "vendorid='x'")), '--config')
    client.fails('attach-device: no such domain', "failed to get domain 'nobody'", 'attach-device', 'nobody',
                 client.file(DEVICE), '--config')


def try_snapshots(client, tap):
    stack = client.stack
    stack.run(['qemu-img', 'create', '-q', '-f', 'qcow2', stack.path('guest/disk.qcow2'), '64M'])
    client.define('disk', DEVICE + disk_xml(stack.path('guest/disk.qcow2')))
    devices = client.devices('disk')

    client.virsh('snapshot-create-as', 'disk', 'first', '--validate')
    tap.equal(client.virsh('snapshot-list', 'disk', '--name').split(), ['first'], 'snapshot-create-as, -list')
    shown = client.virsh('snapshot-dumpxml', 'disk', 'first')
    domain = ET.tostring(ET.fromstring(shown).find('domain'), encoding='unicode')
    tap.ok(emulated_devices(domain) == devices and 'qemu:override' not in shown, 'snapshot-dumpxml', shown)

    stack.virsh('edit', 'disk', env={'EDITOR': 'sed -i s/0xc000/0xc001/'})
    tap.ok(client.devices('disk') != devices, 'the domain changes')
    client.virsh('snapshot-revert', 'disk', 'first')
    tap.equal(client.devices('disk'), devices, 'snapshot-revert brings the device back')

    client.virsh('snapshot-delete', 'disk', 'first', '--metadata')
    tap.equal(client.virsh('snapshot-list', 'disk', '--name').split(), [], 'snapshot-delete --metadata')
    client.virsh('snapshot-create', 'disk', '--redefine', '--validate', client.file(shown))
    tap.equal(client.virsh('snapshot-dumpxml', 'disk', 'first'), shown, 'snapshot-create --redefine')
    client.fails('snapshot-create --redefine: an error in the element', 'vendorid', 'snapshot-create', 'disk',
                 '--redefine', client.file(shown.replace("vendorid='0x5853'", "vendorid='abc'")))

    if can_start(tap, 'snapshots and checkpoints of a running domain'):
        try_running_snapshots(client, tap, devices)
        client.virsh('snapshot-delete', 'disk', 'second', '--metadata')
    client.virsh('snapshot-delete', 'disk', 'first', '--metadata')
    client.virsh('undefine', 'disk')


def try_running_snapshots(client, tap, devices):
    stack = client.stack
    client.virsh('start', 'disk', '--paused')
    client.virsh('snapshot-create-as', 'disk', 'second', '--disk-only')
    tap.equal(client.virsh('snapshot-list', 'disk', '--name').split(), ['first', 'second'],
              'snapshot-create-as --disk-only of a running domain')
    second = ET.fromstring(client.virsh('snapshot-dumpxml', 'disk', 'second'))
    tap.equal(list(emulated_devices(ET.tostring(second.find('domain'), encoding='unicode')).values()),
              list(devices.values()), 'its XML has the device')
    if MOVES:
        tap.skip('a snapshot with memory: QEMU\'s refusal is shown', 'this QEMU takes one: statetest.py')
    else:
        done = stack.run(['virsh', '-c', stack.uri, 'snapshot-create-as', 'disk', 'memory'], check=False)
        tap.ok(done.returncode == 1 and 'migration' in done.stderr, 'a snapshot with memory: QEMU\'s refusal is shown',
               done.stderr)

    done = stack.run(['virsh', '-c', stack.uri, 'checkpoint-create-as', 'disk', 'check'], check=False)
    if done.returncode == 0:
        shown = client.virsh('checkpoint-dumpxml', 'disk', 'check')
        domain = ET.tostring(ET.fromstring(shown).find('domain'), encoding='unicode')
        tap.ok(list(emulated_devices(domain).values()) == list(devices.values()) and 'qemu:override' not in shown,
               'checkpoint-create-as, -dumpxml', shown)
        client.virsh('checkpoint-delete', 'disk', 'check', '--metadata')
        client.virsh('checkpoint-create', 'disk', '--redefine', client.file(shown))
        tap.equal(client.virsh('checkpoint-dumpxml', 'disk', 'check'), shown, 'checkpoint-create --redefine')
        client.virsh('checkpoint-delete', 'disk', 'check')
    else:
        direct = stack.run(['virsh', '-c', stack.direct_uri, 'checkpoint-create-as', 'disk', 'check'], check=False)
        tap.equal(done.stderr, direct.stderr, 'checkpoint-create-as: libvirtd\'s own refusal')
    client.virsh('destroy', 'disk')


def try_volumes(client, tap):
    stack = client.stack
    if not stack.has_driver('storage'):
        tap.skip('volumes of a pool', 'libvirt has no storage driver on this machine')
        return
    os.mkdir(stack.path('pool'))
    stack.give('pool')
    client.virsh('pool-create-as', 'pool', 'dir', '--target', stack.path('pool'))
    # Numbers, so that a block in the wrong place is detected; slightly more than 3 MiB.
    content = b''.join(b'%015d\n' % number for number in range(200000)) + b'the end'
    source = stack.write('tmp/source', content)
    client.virsh('vol-create-as', 'pool', 'volume', '4M')
    client.virsh('vol-upload', 'volume', source, '--pool', 'pool')
    client.virsh('vol-download', 'volume', stack.path('tmp/target'), '--pool', 'pool')
    with open(stack.path('tmp/target'), 'rb') as file:
        got = file.read()
    tap.ok(got[:len(content)] == content and got[len(content):].strip(b'\0') == b'', 'vol-upload, vol-download',
           '%d bytes' % len(got))
    client.virsh('vol-download', 'volume', stack.path('tmp/part'), '--pool', 'pool', '--offset', '1000003',
                 '--length', '1000')
    with open(stack.path('tmp/part'), 'rb') as file:
        tap.equal(file.read(), content[1000003:1001003], 'a part of it')

    with open(source, 'wb') as file:
        os.truncate(source, 64 << 20)
        for number in range(0, 64, 7):
            file.seek(number << 20)
            file.write(b'%07d' % number * 9001)
        file.truncate(64 << 20)
    client.virsh('vol-create-as', 'pool', 'sparse', '64M', '--allocation', '0')
    client.virsh('vol-upload', 'sparse', source, '--pool', 'pool', '--sparse')
    client.virsh('vol-download', 'sparse', stack.path('tmp/holes'), '--pool', 'pool', '--sparse')
    with open(source, 'rb') as one, open(stack.path('tmp/holes'), 'rb') as other:
        tap.ok(one.read() == other.read(), 'with --sparse: the same content')
    sizes = [int(stack.run(['du', '-k', stack.path(name)]).stdout.split()[0]) for name in ('pool/sparse', 'tmp/holes')]
    tap.ok(max(sizes) < 8 << 10, 'and the holes are holes', sizes)
    client.fails('vol-upload: an error in mid-stream', 'error', 'vol-upload', 'volume', '/dev/nowhere', '--pool', 'pool')
    client.virsh('pool-destroy', 'pool')


def try_save(client, tap):
    """Domains without an emulated device can be saved."""
    stack = client.stack
    client.define('saved', '')
    client.virsh('start', 'saved', '--paused')
    xml = client.file(client.virsh('dumpxml', 'saved', '--migratable').replace(
        '<name>saved</name>', '<name>saved</name>\n  <title>changed</title>'))
    image = stack.path('guest/image')
    client.virsh('save', 'saved', image, '--xml', xml)
    tap.ok('<title>changed</title>' in client.virsh('save-image-dumpxml', image), 'save --xml, save-image-dumpxml')
    client.fails('restore --xml: an error in an emulated device', 'vendorid', 'restore', image, '--xml', client.file(
        domain_xml('saved', 'pc', DEVICE.replace("vendorid='0x5853'", "vendorid='-1'"))))
    client.fails('save-image-define: a device more', 'Target|does not match|controller', 'save-image-define', image,
                 client.file(client.virsh('save-image-dumpxml', image).replace('<devices>', '<devices>' + DEVICE)))
    client.virsh('restore', image, '--paused')
    tap.equal(client.virsh('domstate', 'saved').strip(), 'paused', 'restore')
    client.virsh('managedsave', 'saved')
    shown = client.virsh('managedsave-dumpxml', 'saved')
    client.virsh('managedsave-define', 'saved', client.file(shown.replace('>changed<', '>again<')))
    tap.ok('<title>again</title>' in client.virsh('managedsave-dumpxml', 'saved'),
           'managedsave, managedsave-dumpxml, managedsave-define')
    client.virsh('managedsave-remove', 'saved')
    client.virsh('undefine', 'saved')


def try_guest(client, tap):
    """A guest boots. Tests its console, and operations while it runs."""
    stack = client.stack
    boot, reason = boot_xml(stack, BUILD)
    if not boot:
        tap.skip('a guest', reason)
        return
    if not can_start(tap, 'a guest'):
        return
    events = stack.start_events('log/events')
    console = "    <serial type='pty'/>\n    <console type='pty'/>\n"
    devices = emulatedpci_xml(CITRIX, 'ua-first') + emulatedpci_xml(SECOND, 'ua-second') + console
    client.define('guest', devices, boot=boot)
    stack.wait_for(lambda: "'guest': Defined Added" in stack.read('log/events'), 'the event of a definition')
    tap.ok(True, 'event --all shows the definition')
    before = client.devices('guest')

    with Terminal(stack, ['virsh', '-c', stack.uri, 'start', 'guest', '--console']) as terminal:
        seen = terminal.expect('emulatedpci: waiting')
        dump = read_dumps(seen.replace('\r', '').replace('\n', '\r\n'))[-1]
        # The guest can write the command and interrupt line registers.
        fixed = [name for name in REGISTERS if name not in ('command', 'interruptline')]
        tap.equal({alias: [config_fields(dump[where])[name] for name in fixed] for alias, (_, where) in before.items()},
                  {alias: [fields[name] for name in fixed] for alias, (fields, _) in before.items()},
                  'start --console: the guest sees both devices')
        terminal.send('print\n')
        tap.equal(read_dumps(terminal.expect('emulatedpci: end, .*\n').replace('\r', '').replace('\n', '\r\n')),
                  [dump], 'console: what is typed arrives')
        terminal.send('\x1d')
        tap.equal(terminal.end(), 0, 'console: ^] leaves')

    tap.equal(client.devices('guest'), before, 'dumpxml of the running domain')
    tap.equal(client.devices('guest', '--inactive'), before, 'dumpxml --inactive')
    client.virsh('attach-device', 'guest', client.file(emulatedpci_xml(dict(SECOND, devicename='third'), 'ua-third')),
                 '--config')
    tap.equal((sorted(client.devices('guest', '--inactive')), sorted(client.devices('guest'))),
              (['ua-first', 'ua-second', 'ua-third'], ['ua-first', 'ua-second']),
              'attach-device --config while it runs')
    for words in (['save', 'guest', stack.path('guest/never')], ['managedsave', 'guest'],
                  ['save', 'guest', stack.path('guest/never'), '--xml',
                   client.file(client.virsh('dumpxml', 'guest', '--migratable'), 'tmp/migratable.xml')]):
        if MOVES:
            tap.skip('%s: QEMU\'s refusal is shown' % words[0], 'this QEMU saves the guest: statetest.py')
            continue
        ours = stack.run(['virsh', '-c', stack.uri] + words, check=False)
        if '--xml' in words:
            words[-1] = client.file(stack.direct('dumpxml', 'guest', '--migratable'), 'tmp/direct.xml')
        direct = stack.run(['virsh', '-c', stack.direct_uri] + words, check=False)
        tap.ok(ours.returncode == direct.returncode == 1 and 'x-pci-proxy-dev does not support migration' in direct.stderr and
               "x-pci-proxy-dev does not support migration: 'vfio-user-pci' of QEMU 10.1 or newer is required" in ours.stderr,
               '%s: QEMU\'s refusal is shown' % ' '.join(word for word in words if not word.startswith('/')),
               ours.stderr, direct.stderr)

    client.virsh('detach-device-alias', 'guest', 'ua-second', '--live')
    stack.wait_for(lambda: 'ua-second' not in client.devices('guest'), 'the device is unplugged')
    tap.equal((sorted(client.devices('guest')), sorted(client.devices('guest', '--inactive'))),
              (['ua-first'], ['ua-first', 'ua-second', 'ua-third']), 'detach-device-alias --live')
    tap.ok("alias='ua-second'" in stack.direct('dumpxml', 'guest') and 'qemu:' not in client.virsh('dumpxml', 'guest'),
           'the override that libvirt keeps of it is not shown', client.virsh('dumpxml', 'guest'))

    client.virsh('destroy', 'guest')
    client.virsh('undefine', 'guest')
    stack.wait_for(lambda: "'guest': Undefined Removed" in stack.read('log/events'), 'the event of the removal')
    text = stack.read('log/events')
    tap.ok(all("'guest': " + word in text for word in ('Defined Added', 'Started Booted', 'Stopped Destroyed',
                                                       'Undefined Removed', 'ua-second')),
           'event --all showed all of it', text)
    os.kill(events, signal.SIGINT)
    stack.wait_for(lambda: stack.status(events) is not None, 'virsh event ends')
    tap.equal(stack.status(events), 0, 'event --loop ends when it is interrupted')


def main(tap):
    needs('libvirtd', 'virsh', 'qemu-img')
    with DaemonStack() as stack:
        stack.start_libvirtd()
        stack.start_daemon()
        client = Client(tap, stack)
        for part in (try_define, try_edit, try_native, try_devices, try_snapshots, try_volumes, try_save, try_guest):
            part(client, tap)
        client.virsh('undefine', 'plain')
        tap.equal(client.virsh('list', '--all', '--name').split(), [], 'nothing is left behind')
        tap.ok('killed by signal' not in stack.read('log/daemon.log'), 'no process of the daemon crashed',
               stack.read('log/daemon.log'))
        tap.equal(stack.close(), [], 'everything ended by itself')


run_tests(main)
