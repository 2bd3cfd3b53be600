#!/usr/bin/env python3
# definitionclientstest.py: definitions as node devices, with real clients
#
# virsh and python3-libvirt use virtemulatedpcid with a real libvirtd. Other clients send requests
# that the daemon must reject.
#
# SPDX-License-Identifier: LGPL-2.1-or-later

import json
import os
import re
import signal
import socket
import struct
import sys
import threading

import libvirtrpc as rpc
from daemonstack import DaemonStack
from emulatedpcistack import LIMIT, Tap, can_start, domain_xml, emulated_devices, needs, run_tests

MINE = {'devicename': 'mine', 'vendorid': '0x5853', 'deviceid': '0xc001'}
FIELDS = ('vendorid', 'deviceid', 'command', 'status', 'revision', 'classcode', 'headertype', 'subvendorid',
          'subsystemid', 'interruptline', 'interruptpin')
BUILTIN = 'emulatedpci_citrix_pv_bus'
MANY = 1000


def definition(name, uuid=None, basis=None, description=None, **fields):
    fields = dict(fields)
    devicename = fields.pop('devicename', None)
    return ('<device>%s%s%s<capability type="emulatedpci"%s%s>%s</capability></device>' % (
        '<name>%s</name>' % name if name else '',
        '<uuid>%s</uuid>' % uuid if uuid else '',
        '<description>%s</description>' % description if description else '',
        ' devicename="%s"' % devicename if devicename else '',
        ' basis="%s"' % basis if basis else '',
        '<config %s/>' % ' '.join('%s="%s"' % item for item in fields.items()) if fields else ''))


def element(name, more='', **fields):
    return '<emulatedpci definition="%s"%s>%s</emulatedpci>' % (
        name, more, '<config %s/>' % ' '.join('%s="%s"' % item for item in fields.items()) if fields else '')


class Tools:
    """Runs virsh, and returns its error message if it fails."""

    def __init__(self, tap, stack):
        self.tap = tap
        self.stack = stack

    def virsh(self, *args):
        return self.stack.virsh(*args)

    def fails(self, *args):
        done = self.stack.run(['virsh', '-q', '-c', self.stack.uri] + list(args), check=False)
        return done.stderr if done.returncode else 'NO ERROR: ' + done.stdout

    def file(self, xml):
        return self.stack.write('tmp/definition.xml', xml)

    def define(self, name, **options):
        return self.virsh('nodedev-define', self.file(definition(name, **options)))

    def ours(self, *options):
        return [name for name in self.virsh('nodedev-list', *options).split()
                if name.startswith('emulatedpci_')]

    def info(self, name):
        return dict(re.split(r':\s+', line, maxsplit=1) for line in
                    self.virsh('nodedev-info', name).splitlines() if ':' in line)

    def on_disk(self):
        directory = self.stack.path('config/libvirt/emulatedpci')
        return sorted(os.listdir(directory)) if os.path.isdir(directory) else []


def test_builtin(tap, stack, tools):
    ours = tools.ours()
    tap.ok(BUILTIN in ours and 'emulatedpci_test' in ours, 'built-in definitions are node devices', ours)
    tap.equal([name for name in tools.virsh('nodedev-list').split() if name not in ours],
              stack.direct('nodedev-list').split(), 'besides those that libvirtd has')
    shown = tools.virsh('nodedev-dumpxml', BUILTIN)
    tap.ok("built_in='yes'" in shown and '<parent>computer</parent>' in shown, 'and say what they are', shown)
    info = tools.info(BUILTIN)
    tap.equal((info['Name'], info['Parent'], info['Active'], info['Persistent'], info['Autostart']),
              (BUILTIN, 'computer', 'yes', 'yes', 'yes'), 'nodedev-info')
    tree = tools.virsh('nodedev-list', '--tree')
    tap.ok(re.search(r'^  \+- %s$' % BUILTIN, tree, re.M), 'nodedev-list --tree', tree)
    for command in (['nodedev-undefine'], ['nodedev-destroy'], ['nodedev-autostart', '--disable']):
        message = tools.fails(*(command + [BUILTIN]))
        tap.ok('NO ERROR' not in message and BUILTIN in message, '%s is refused' % command[0], message)
    message = tools.fails('nodedev-define', tools.file(definition(BUILTIN, **MINE)))
    tap.ok('NO ERROR' not in message and BUILTIN in message, 'nodedev-define is refused', message)
    tap.equal(tools.virsh('nodedev-dumpxml', BUILTIN), shown, 'and nothing has changed')
    for command in ('nodedev-reset', 'nodedev-reattach', 'nodedev-detach'):
        message = tools.fails(command, BUILTIN)
        tap.ok('device %s is not a PCI device' % BUILTIN in message, '%s is refused' % command, message)
    message = tools.fails('nodedev-list', '--cap', 'emulatedpci')
    tap.ok('Invalid capability type' in message, 'virsh itself knows no such capability', message)
    tap.equal([name for name in tools.virsh('nodedev-list', '--cap', 'system').split()], ['computer'],
              'and those that it knows, definitions do not have')


def test_define(tap, stack, tools):
    tools.define('emulatedpci_mine', description='what I need', **MINE)
    tap.equal(tools.on_disk(), ['emulatedpci_mine.xml'], 'it is on disk')
    shown = tools.virsh('nodedev-dumpxml', 'emulatedpci_mine')
    tap.ok("devicename='mine'" in shown and "subsystemid='0xc001'" in shown and
           re.search('<uuid>[-0-9a-f]{36}</uuid>', shown) and 'what I need' in shown,
           'nodedev-dumpxml has all fields and a uuid', shown)
    tap.ok('emulatedpci_mine' in tools.ours() and 'emulatedpci_mine' in tools.ours('--all') and
           'emulatedpci_mine' not in tools.ours('--inactive'), 'it is active at once')

    tools.virsh('nodedev-define', tools.file(shown))
    tap.equal(tools.virsh('nodedev-dumpxml', 'emulatedpci_mine'), shown, 'what was shown can be defined again')
    uuid = re.search('<uuid>(.*?)</uuid>', shown).group(1)
    tools.define('emulatedpci_mine', **dict(MINE, revision='0x07'))
    tap.ok("revision='0x07'" in tools.virsh('nodedev-dumpxml', 'emulatedpci_mine') and
           uuid in tools.virsh('nodedev-dumpxml', 'emulatedpci_mine'), 'and with other fields')
    message = tools.fails('nodedev-define', tools.file(definition('emulatedpci_other', uuid=uuid, **MINE)))
    tap.ok(uuid in message and 'emulatedpci_mine' in message and 'emulatedpci_other' in message,
           'a uuid belongs to one name', message)

    # A copy of a definition, except for interruptpin=9
    tools.virsh('nodedev-define', tools.file(definition('emulatedpci_nine', basis=BUILTIN, interruptpin='9')))
    nine, base = (tools.virsh('nodedev-dumpxml', name) for name in ('emulatedpci_nine', BUILTIN))
    config = [re.search('<config .*?/>', text).group(0) for text in (nine, base)]
    tap.equal(config[0], re.sub("interruptpin='[^']*'", "interruptpin='0x09'", config[1]),
              'like that one, except with interruptpin 9')
    tap.ok('built_in' not in nine, 'which is not built in')

    message = tools.fails('nodedev-define', tools.file(definition('mine', **MINE)))
    tap.ok('NO ERROR' not in message and 'emulatedpci_' in message, 'other names are refused', message)
    message = tools.fails('nodedev-define', tools.file(definition('emulatedpci_bad', **dict(MINE, deviceid='0x1c000'))))
    tap.ok("XML error: invalid value '0x1c000'" in message and 'deviceid' in message, 'bad values are', message)
    message = tools.fails('nodedev-define', tools.file(definition('emulatedpci_bad', description='x' * 60000, **MINE)))
    tap.ok('XML error' in message, 'and so is what is too long', message)
    tap.ok('emulatedpci_bad' not in tools.ours('--all'), 'none of them is there')
    message = tools.fails('nodedev-define', tools.file('<device><name>x</name><capability type="mdev"/></device>'))
    direct = stack.run(['virsh', '-q', '-c', stack.direct_uri, 'nodedev-define', stack.path('tmp/definition.xml')],
                       check=False).stderr
    tap.equal(message, direct, 'other devices are libvirtd\'s')
    tools.virsh('nodedev-undefine', 'emulatedpci_nine')


def test_states(tap, stack, tools):
    tools.virsh('nodedev-destroy', 'emulatedpci_mine')
    tap.ok('emulatedpci_mine' not in tools.ours() and tools.ours('--inactive') == ['emulatedpci_mine'],
           'a persistent definition that is destroyed is inactive')
    message = tools.fails('define', stack.write('tmp/d.xml', domain_xml('no', 'pc', element('emulatedpci_mine'))))
    tap.ok('emulatedpci_mine' in message and 'NO ERROR' not in message, 'and cannot be used', message)
    tools.virsh('nodedev-start', 'emulatedpci_mine')
    tap.ok('emulatedpci_mine' in tools.ours(), 'until it is started')
    message = tools.fails('nodedev-start', 'emulatedpci_mine')
    tap.ok('Requested operation is not valid' in message, 'which can be done once', message)

    tools.virsh('nodedev-autostart', 'emulatedpci_mine', '--disable')
    tap.equal(tools.info('emulatedpci_mine')['Autostart'], 'no', 'nodedev-autostart --disable')
    tools.virsh('nodedev-create', tools.file(definition('emulatedpci_brief', **dict(MINE, devicename='brief'))))
    tap.equal((tools.info('emulatedpci_brief')['Persistent'], tools.on_disk()), ('no', ['emulatedpci_mine.xml']),
              'nodedev-create is for now')

    stack.write('config/libvirt/emulatedpci/emulatedpci_file.xml', definition('emulatedpci_file', **MINE))
    os.kill(stack.front, signal.SIGHUP)
    stack.wait_for(lambda: 'emulatedpci_file' in tools.ours(), 'the directory is read again')
    tap.ok({'emulatedpci_brief', 'emulatedpci_mine'} <= set(tools.ours()), 'SIGHUP loads files and forgets nothing')

    stack.stop_daemon()
    stack.write('config/libvirt/emulatedpci/emulatedpci_half.xml', '<device><name>emulatedpci_half</na')
    stack.start_daemon(builtin=True)
    tap.equal([name for name in tools.ours('--all') if name in ('emulatedpci_mine', 'emulatedpci_brief',
                                                                'emulatedpci_half', 'emulatedpci_file')],
              ['emulatedpci_file', 'emulatedpci_mine'], 'a transient one ends with the daemon')
    tap.equal(tools.ours('--inactive'), ['emulatedpci_mine'], 'and one without autostart is not active then')
    tap.ok('emulatedpci_half.xml.damaged' in tools.on_disk(), 'a damaged file is set aside', tools.on_disk())
    tap.ok('emulatedpci_half' in stack.read('log/daemon.log'), 'and reported')
    tools.virsh('nodedev-start', 'emulatedpci_mine')
    tools.virsh('nodedev-undefine', 'emulatedpci_file')
    tap.ok('emulatedpci_file.xml' not in tools.on_disk(), 'nodedev-undefine removes the file')
    message = tools.fails('nodedev-dumpxml', 'emulatedpci_file')
    tap.ok("Could not find matching device 'emulatedpci_file'" in message and
           "Node device not found: no node device with matching name 'emulatedpci_file'" in message,
           'in libvirt\'s words', message)


def test_use(tap, stack, tools):
    xml = domain_xml('user', 'pc', element('emulatedpci_mine') + element('emulatedpci_mine', deviceid='0xc00f') +
                     element(BUILTIN, " devicename='renamed'"))
    stack.virsh('define', stack.write('tmp/d.xml', xml))
    shown = stack.virsh('dumpxml', 'user')
    devices = emulated_devices(shown)
    tap.equal([fields['devicename'] for fields, _ in devices.values()], ['mine', 'mine', 'renamed'],
              'a domain refers to definitions')
    tap.equal([fields['deviceid'] for fields, _ in devices.values()], [0xc001, 0xc00f, 0xc000],
              'and gives the fields that differ')
    tap.ok(len(set(address for _, address in devices.values())) == 3, 'each has an address')
    tap.equal(re.findall("definition='(.*?)'", shown), ['emulatedpci_mine', 'emulatedpci_mine', BUILTIN],
              'the reference stays')
    uuid = re.search('<uuid>(.*?)</uuid>', tools.virsh('nodedev-dumpxml', 'emulatedpci_mine')).group(1)
    stack.virsh('attach-device', 'user', '--config', stack.write('tmp/e.xml', element(uuid)))
    tap.equal(stack.virsh('dumpxml', 'user').count("definition='emulatedpci_mine'"), 3,
              'attach-device, by the uuid, which becomes the name')

    stack.virsh('update-device', 'user', '--config', stack.write('tmp/e.xml', element(
        BUILTIN, " devicename='renamed'", revision='0x55')))
    fields = emulated_devices(stack.virsh('dumpxml', 'user'))['ua-emulatedpci2'][0]
    tap.equal((fields['revision'], fields['deviceid']), (0x55, 0xc000), 'update-device: what is left out is the definition\'s')
    native = stack.virsh('domxml-to-native', 'qemu-argv', stack.path('tmp/d.xml'))
    tap.equal(native.count('"driver":"emulated-pci"'), 3, 'domxml-to-native')
    starts = can_start(tap, 'definitions of running domains')
    if starts:
        stack.virsh('create', '--paused', stack.write('tmp/c.xml', xml.replace('<name>user<', '<name>brief<')))
        tap.equal(len(emulated_devices(stack.virsh('dumpxml', 'brief'))), 3, 'create')
        stack.virsh('destroy', 'brief')
    message = tools.fails('detach-device', 'user', '--config', stack.write('tmp/e.xml', element('emulatedpci_mine')))
    tap.ok('several' in message and all('ua-emulatedpci%d' % n in message for n in (0, 1, 3)),
           'detach-device by a definition that several have', message)
    stack.virsh('detach-device', 'user', '--config', stack.write('tmp/e.xml', element(BUILTIN)))
    tap.ok(BUILTIN not in stack.virsh('dumpxml', 'user'), 'and by one that one has')
    message = tools.fails('detach-device', 'user', '--config', stack.path('tmp/e.xml'))
    tap.ok('device not found' in message and BUILTIN in message, 'and that none has', message)

    message = tools.fails('attach-device', 'user', '--config', stack.write('tmp/e.xml', element('emulatedpci_none')))
    tap.ok('emulatedpci_none' in message and 'NO ERROR' not in message, 'a definition that is not there', message)
    message = tools.fails('define', stack.write('tmp/d2.xml', domain_xml('no', 'pc', element('emulatedpci_none'))))
    tap.ok('emulatedpci_none' in message and 'NO ERROR' not in message, 'in a domain, too', message)

    for command in ('nodedev-undefine', 'nodedev-destroy'):
        message = tools.fails(command, 'emulatedpci_mine')
        tap.ok("Requested operation is not valid" in message and "'user'" in message,
               '%s of what a stopped domain uses' % command, message)
    plain = stack.write('tmp/plain.xml', domain_xml('user', 'pc').replace(
        '<name>', '<uuid>%s</uuid><name>' % stack.virsh('domuuid', 'user').strip()))
    if starts:
        stack.virsh('start', '--paused', 'user')
        stack.virsh('define', plain)
        message = tools.fails('nodedev-undefine', 'emulatedpci_mine')
        tap.ok("'user'" in message, 'of what only a running one uses', message)
    for number in range(10):
        stack.virsh('define', stack.write('tmp/d3.xml', domain_xml('many%d' % number, 'pc',
                                                                   element('emulatedpci_mine'))))
    message = tools.fails('nodedev-undefine', 'emulatedpci_mine')
    tap.ok(', '.join("'many%d'" % number for number in range(8)) + ' and 3 more' in message,
           'not all of many are named, and those in order', message)
    if starts:
        stack.virsh('destroy', 'user')
    else:
        stack.virsh('define', plain)
    for number in range(10):
        stack.virsh('undefine', 'many%d' % number)
    complete = shown.replace("<name>user<", "<name>kept<").replace(stack.virsh('domuuid', 'user').strip(),
                                                                   '11111111-2222-3333-4444-555555555555')
    tools.virsh('nodedev-undefine', 'emulatedpci_mine')
    tap.ok('emulatedpci_mine' not in tools.ours('--all'), 'then it goes')
    stack.virsh('define', '--validate', stack.write('tmp/d.xml', complete))
    tap.ok("definition='emulatedpci_mine'" in stack.virsh('dumpxml', 'kept'),
           'a complete element does not need its definition')
    stack.virsh('undefine', 'kept')
    stack.virsh('undefine', 'user')


def test_validate(tap, stack, tools):
    good = definition('emulatedpci_valid', **MINE)
    tools.virsh('nodedev-define', '--validate', tools.file(good))
    tap.ok('emulatedpci_valid' in tools.ours(), 'nodedev-define --validate')
    message = tools.fails('nodedev-define', '--validate', tools.file(good.replace('<name>', '<bogus/><name>')))
    tap.ok('XML document failed to validate against schema' in message and 'nodedev.rng' in message,
           'of what is not valid', message)
    tools.virsh('nodedev-undefine', 'emulatedpci_valid')


# --- python3-libvirt, in a separate process

def client_main(uri):
    import libvirt
    libvirt.registerErrorHandler(lambda *_: None, None)
    libvirt.virEventRegisterDefaultImpl()
    results = []
    events = []
    timer = libvirt.virEventAddTimeout(100, lambda *_: None, None)

    def error(function, *args):
        try:
            return repr(function(*args))
        except libvirt.libvirtError as problem:
            return (problem.get_error_code(), problem.get_error_domain())

    def wait(count):
        while len(events) < count:
            libvirt.virEventRunDefaultImpl()
        return events[:count]

    one = libvirt.open(uri)
    two = libvirt.open(uri)

    def lifecycle(_, device, event, detail, opaque):
        events.append((opaque, device.name(), event, detail))

    def update(_, device, opaque):
        events.append((opaque, device.name()))

    results.append(('list', sorted(one.listDevices('emulatedpci')), one.numOfDevices('emulatedpci'),
                    one.numOfDevices(None) - one.numOfDevices('emulatedpci') - len(
                        [d for d in one.listAllDevices() if not d.name().startswith('emulatedpci_')])))
    device = one.nodeDeviceLookupByName('emulatedpci_test')
    results.append(('device', device.numOfCaps(), device.listCaps(), device.parent(), device.isActive(),
                    device.isPersistent(), device.autostart()))
    every = one.nodeDeviceEventRegisterAny(None, libvirt.VIR_NODE_DEVICE_EVENT_ID_LIFECYCLE, lifecycle, 'every')
    xml = definition('emulatedpci_py', **MINE)
    device = two.nodeDeviceDefineXML(xml, 0)
    results.append(('defined', device.name(), wait(2)))
    single = one.nodeDeviceEventRegisterAny(one.nodeDeviceLookupByName('emulatedpci_py'), libvirt.VIR_NODE_DEVICE_EVENT_ID_UPDATE, update, 'update')
    del events[:]
    two.nodeDeviceDefineXML(xml, 0)
    results.append(('redefined', wait(2)))
    del events[:]
    device.destroy()
    device.create(0)
    device.undefine(0)
    results.append(('changed', wait(4)))
    one.nodeDeviceEventDeregisterAny(every)
    one.nodeDeviceEventDeregisterAny(single)
    del events[:]
    two.nodeDeviceCreateXML(xml, 0).destroy()
    results.append(('deregistered', error(one.nodeDeviceEventDeregisterAny, every)[0]
                    if not isinstance(error(one.nodeDeviceEventDeregisterAny, every), str) else None, len(events)))
    results.append(('flags', error(one.nodeDeviceDefineXML, xml, 8), error(one.nodeDeviceLookupByName, 'emulatedpci_x'),
                    error(one.nodeDeviceLookupByName('emulatedpci_test').undefine, 4)))
    reader = libvirt.openReadOnly(uri)
    results.append(('readonly', error(reader.nodeDeviceDefineXML, xml, 0),
                    error(reader.nodeDeviceLookupByName('emulatedpci_test').destroy)))
    for connection in (one, two, reader):
        connection.close()
    libvirt.virEventRemoveTimeout(timer)
    json.dump(results, sys.stdout)


def test_python(tap, stack, tools):
    if stack.run(['/usr/bin/python3', '-c', 'import libvirt'], check=False).returncode != 0:
        tap.skip('python3-libvirt', 'there is none on this machine')
        return
    done = stack.run(['/usr/bin/python3', stack.path('client/definitionclientstest.py'), '--client', stack.uri], check=False)
    if done.returncode != 0:
        tap.ok(False, 'python3-libvirt', done.stderr)
        return
    results = {entry[0]: entry[1:] for entry in json.loads(done.stdout)}
    ours = sorted(tools.ours('--all'))
    tap.equal(results['list'], [ours, len(ours), 0], "listDevices('emulatedpci') and the numbers")
    tap.equal(results['device'], [1, ['emulatedpci'], 'computer', 1, 1, 1], 'what a definition is')
    name = 'emulatedpci_py'
    tap.equal(results['defined'], [name, [['every', name, 2, 0], ['every', name, 0, 0]]],
              'another client hears of a new definition')
    tap.equal(results['redefined'], [[['every', name, 2, 0], ['update', name]]], 'of one that has changed')
    tap.equal(results['changed'], [[['every', name, event, 0] for event in (1, 0, 1, 3)]], 'and of its states')
    tap.equal(results['deregistered'][1], 0, 'unless it has deregistered')
    tap.equal(results['flags'], [[8, 22], [53, 22], [8, 22]], 'flags that there are not, names that there are not')
    tap.equal(results['readonly'], [[29, 22], [29, 22]], 'read-only connections change nothing')


# --- calls that libvirt's libraries cannot make

def register(client, event=0):
    return struct.unpack('>i', client.call(374, struct.pack('>II', event, 0)))[0]


def code(function, *args):
    try:
        function(*args)
    except rpc.RPCError as error:
        return error.code
    return 0


def expanding(count):
    """Returns a document type with an entity e of a million characters, and COUNT references to
    it."""
    return '<!DOCTYPE device [<!ENTITY e "%s">]>' % ('e' * 1000000), '&e;' * count


def peak(pids):
    """Returns the largest memory size of any of these processes, in MiB."""
    most = 0
    for pid in pids:
        with open('/proc/%d/status' % pid, encoding='ascii') as file:
            most = max(most, int(re.search(r'VmHWM:\s+(\d+)', file.read()).group(1)) // 1024)
    return most


def test_wire(tap, stack, tools):
    xml = definition('emulatedpci_wire', **MINE)
    name = rpc.string('emulatedpci_test')
    with rpc.Client(stack.socket, timeout=LIMIT) as client:
        tap.ok(code(client.call, 113, name) not in (0, 53), 'before the connection is open, nothing is answered')
        xml_of_domain = domain_xml('early', 'pc', element('emulatedpci_test'))
        tap.equal(code(client.call, rpc.DEFINE_XML, rpc.string(xml_of_domain)), 1, 'and no definition is looked up')
        client.open()
        tap.equal(client.call(113, name), name, 'and then it is')
        count, total = struct.unpack('>II', client.call(285, struct.pack('>II', 0, 0)))
        tap.equal((count, total > 6), (0, True), 'a list without names')
        listed = client.call(112, struct.pack('>I', 0) + struct.pack('>II', 3, 0))
        tap.equal(struct.unpack('>I', listed[:4])[0], 3, 'a list that is cut')
        for payload in (b'', struct.pack('>I', 1), name[:8], struct.pack('>I', 0xffffffff)):
            tap.ok(code(client.call, 114, payload) != 0, 'a malformed call is libvirtd\'s to refuse')
        with rpc.Client(stack.socket, timeout=LIMIT) as other:
            other.open()
            register(other)
            for _ in range(100):
                client.call(123, rpc.string(xml) + struct.pack('>I', 0))
                client.call(124, rpc.string('emulatedpci_wire'))
            seen = 0
            while seen < 200:
                (_, procedure, kind, _, _), _ = other.receive()
                seen += procedure == 376 and kind == rpc.MESSAGE
            tap.equal(seen, 200, 'a client that reads late misses nothing')
    with rpc.Client(stack.socket, timeout=LIMIT) as client:
        client.call(rpc.AUTH_LIST)
        client.call(rpc.OPEN, rpc.optional('qemu:///session') + struct.pack('>I', 1))
        tap.equal((code(client.call, 428, rpc.string(xml) + struct.pack('>I', 0)), code(client.call, 124, name),
                   client.call(113, name)), (29, 29, name), 'a read-only connection, on the wire')
        readers = stack.processes('sbin/virtemulatedpcid')
        doctype, bomb = expanding(100)
        for what, text in (('name', xml.replace('emulatedpci_wire', bomb)),
                           ('type', xml.replace('type="emulatedpci"', 'type="%s"' % bomb))):
            tap.equal((code(client.call, 428, rpc.string(doctype + text) + struct.pack('>I', 0)),
                       peak(pid for pid, _ in readers) < 64), (29, True),
                      'a %s that would have 100 million characters stays short' % what)
    tap.ok(len(readers) > 1, 'a connection is a process')
    big = rpc.string('emulatedpci_' + 'x' * 100000)
    with rpc.Client(stack.socket, timeout=LIMIT) as client:
        client.open()
        tap.equal((code(client.call, 113, big), client.call(113, name)), (53, name), 'a name of 100000 characters')

        # The message about a missing definition names 20 others.
        longest = ['emulatedpci_' + '%02d' % i + 'x' * 200 for i in range(20)]
        for other in longest:
            client.call(123, rpc.string(definition(other, **MINE)) + struct.pack('>I', 0))
        full = ' devicename="mine"><config %s/>' % ' '.join('%s="%d"' % (field, field != 'headertype')
                                                            for field in FIELDS)
        missing = ''.join('<emulatedpci definition="5853%028d"%s<alias name="ua-same"/></emulatedpci>' % (i, full)
                          for i in range(250))
        tap.equal(code(client.call, rpc.DEFINE_XML, rpc.string(domain_xml('missing', 'pc', missing))), 27,
                  'a domain with 250 definitions that there are not')
        tap.equal(client.call(113, name), name, 'and then the connection is as before')
        for other in longest:
            client.call(124, rpc.string(other))


def test_concurrent(tap, stack, tools):
    """Clients define, use and undefine the same definition: it is never removed while a domain uses it."""
    problems = []

    def work(number):
        try:
            for turn in range(5):
                name = 'race%d' % number
                tools.stack.run(['virsh', '-q', '-c', stack.uri, 'nodedev-define', stack.path('tmp/race.xml')], check=False)
                path = 'tmp/race%d.xml' % number
                with open(stack.path(path), 'w', encoding='ascii') as file:
                    file.write(domain_xml(name, 'pc', element('emulatedpci_race')))
                os.chmod(stack.path(path), 0o644)
                made = stack.run(['virsh', '-q', '-c', stack.uri, 'define', stack.path(path)], check=False)
                stack.run(['virsh', '-q', '-c', stack.uri, 'nodedev-undefine', 'emulatedpci_race'], check=False)
                if made.returncode == 0:
                    there = stack.run(['virsh', '-q', '-c', stack.uri, 'nodedev-dumpxml', 'emulatedpci_race'], check=False)
                    if there.returncode != 0:
                        problems.append('%d in turn %d: gone' % (number, turn))
                    stack.virsh('undefine', name)
        except Exception as error:  # pylint: disable=broad-except
            problems.append(repr(error))

    stack.write('tmp/race.xml', definition('emulatedpci_race', **MINE))
    threads = [threading.Thread(target=work, args=(number,)) for number in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    tap.equal(problems, [], 'a definition that a domain uses is there, whoever undefines it')
    stack.run(['virsh', '-q', '-c', stack.uri, 'nodedev-undefine', 'emulatedpci_race'], check=False)
    tap.ok('emulatedpci_race' not in tools.ours('--all'), 'and else it goes')


def test_changed(tap, stack, tools):
    """One connection refers to a definition that changes."""
    text = domain_xml('changing', 'pc', element('emulatedpci_changing'))
    shown = []
    with rpc.Client(stack.socket) as client:
        client.open()
        for revision in ('0x01', '0x01', '0x02', '0x03', '0x01'):
            tools.define('emulatedpci_changing', **dict(MINE, revision=revision))
            client.call(rpc.DEFINE_XML, rpc.string(text))
            shown.append(re.search("revision='(.*?)'", stack.virsh('dumpxml', 'changing')).group(1))
            stack.virsh('undefine', 'changing')
    tap.equal(shown, ['0x01', '0x01', '0x02', '0x03', '0x01'], 'a definition is used as it is now')
    tools.virsh('nodedev-undefine', 'emulatedpci_changing')

    text = domain_xml('changing', 'pc', element('emulatedpci_test'))
    path = 'share/definitions/emulatedpci_test.xml'
    original = stack.read(path)
    shown = []
    with rpc.Client(stack.socket) as client:
        client.open()
        for revision in (None, None, "revision='0x33'", "revision='0x44'"):
            if revision:
                with open(stack.path(path), 'w', encoding='utf-8') as file:
                    file.write(re.sub("revision='.*?'", revision, original))
                os.kill(stack.front, signal.SIGHUP)
                stack.wait_for(lambda: revision in tools.virsh('nodedev-dumpxml', 'emulatedpci_test'), 'SIGHUP')
            client.call(rpc.DEFINE_XML, rpc.string(text))
            shown.append(re.search("revision='.*?'", stack.virsh('dumpxml', 'changing')).group(0))
            stack.virsh('undefine', 'changing')
    tap.equal(shown, 2 * [re.search("revision='.*?'", original).group(0)] + ["revision='0x33'", "revision='0x44'"],
              'and so is a built-in one, after SIGHUP')
    with open(stack.path(path), 'w', encoding='utf-8') as file:
        file.write(original)
    os.kill(stack.front, signal.SIGHUP)
    stack.wait_for(lambda: "revision='0x44'" not in tools.virsh('nodedev-dumpxml', 'emulatedpci_test'), 'SIGHUP')


def test_killed(tap, stack, tools):
    """The daemon is killed while clients define: each file is complete, with the old or the new
    content."""
    xml = [definition('emulatedpci_kill', uuid='11111111-2222-3333-4444-555555555555', description='%d' % n * 4000,
                      **MINE) for n in (1, 2)]
    stop = threading.Event()

    def work():
        turn = 0
        while not stop.is_set():
            try:
                with rpc.Client(stack.socket, timeout=LIMIT) as client:
                    client.open()
                    while not stop.is_set():
                        turn += 1
                        client.call(428, rpc.string(xml[turn % 2]) + struct.pack('>I', 0))
            except (OSError, EOFError, rpc.RPCError, TypeError):
                continue
    threads = [threading.Thread(target=work) for _ in range(2)]
    for thread in threads:
        thread.start()
    whole = 0
    path = 'config/libvirt/emulatedpci/emulatedpci_kill.xml'
    for _ in range(5):
        stack.wait_for(lambda: os.path.exists(stack.path(path)), 'it is defined')
        stack.stop_daemon(signal.SIGKILL)
        text = stack.read(path)
        whole += text.rstrip().endswith('</device>') and ('1111' * 1000 in text or '2222' * 1000 in text)
        stack.start_daemon(builtin=True)
        stack.wait_for(lambda: 'emulatedpci_kill' in tools.ours(), 'it is found again')
    stop.set()
    for thread in threads:
        thread.join()
    tap.equal(whole, 5, 'killed while it is defined, it is whole')
    tools.virsh('nodedev-undefine', 'emulatedpci_kill')
    left = [name for name in tools.on_disk() if not name.endswith('.xml')]
    tap.ok(not [name for name in left if 'kill' in name and name.endswith('damaged')], 'and nothing is damaged', left)


def test_upstream(tap, stack, tools):
    """The users of a definition cannot be determined without libvirtd."""
    tools.define('emulatedpci_alone', **MINE)
    with rpc.Client(stack.socket, timeout=LIMIT) as client:
        client.open()
        os.kill(stack.daemon, signal.SIGSTOP)
        try:
            serial = client.send(429, rpc.string('emulatedpci_alone') + struct.pack('>I', 0))
            with rpc.Client(stack.socket, timeout=LIMIT) as other:
                tap.ok(other, 'a connection, while libvirtd does not answer')
        finally:
            os.kill(stack.daemon, signal.SIGCONT)
        client.wait(serial)
    tap.ok('emulatedpci_alone' not in tools.ours('--all'), 'an answer that comes late is one')


class Driverless(threading.Thread):
    """A libvirtd without node devices, like a virtqemud without virtnodedevd"""

    domains = struct.pack('>II', 0, 0)

    def __init__(self, path):
        super().__init__(daemon=True)
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(path)
        self.listener.listen(8)

    def run(self):
        while True:
            try:
                connection = self.listener.accept()[0]
            except OSError:
                return
            threading.Thread(target=self.serve, args=(connection,), daemon=True).start()

    @staticmethod
    def serve(connection):
        error = struct.pack('>iiI', 3, 22, 1) + rpc.string('this function is not supported') + struct.pack(
            '>iI3IiiI', 2, 0, 0, 0, 0, -1, -1, 0)
        answers = {rpc.AUTH_LIST: struct.pack('>II', 1, 0), rpc.OPEN: b'', 273: Driverless.domains}
        with connection:
            while True:
                head = connection.recv(28, socket.MSG_WAITALL)
                if len(head) < 28:
                    return
                size, _, _, procedure, _, serial, _ = struct.unpack('>7I', head)
                if size > 28:
                    connection.recv(size - 28, socket.MSG_WAITALL)
                answer = answers.get(procedure)
                connection.sendall(rpc.frame(procedure, error if answer is None else answer, serial, rpc.REPLY,
                                             rpc.ERROR if answer is None else rpc.OK))


def test_driverless(tap, stack, tools):
    path = stack.path('run/driverless')
    Driverless(path).start()
    os.chmod(path, 0o777)
    ours = stack.path('run/front')
    front = stack.start([stack.program, '--listen', ours, '--upstream', path, '--definitions',
                         stack.path('config/libvirt/other'), '--builtin-definitions',
                         stack.path('share/definitions')], 'log/front.log')
    stack.wait_for(lambda: stack.listens(ours), 'another daemon listens')
    xml = definition('emulatedpci_wire', **MINE)
    with rpc.Client(ours, timeout=LIMIT) as client:
        client.open()
        count = struct.unpack('>I', client.call(285, struct.pack('>II', 1, 0))[:4])[0]
        tap.ok(count >= 6, 'where upstream has no node devices, there are ours')
        tap.equal(struct.unpack('>I', client.call(111, struct.pack('>II', 0, 0)))[0], count, 'in all lists')
        tap.equal(code(client.call, 113, rpc.string('computer')), 3, 'and no others')
        callback = register(client)
        tap.ok(client.call(428, rpc.string(xml) + struct.pack('>I', 0)), 'definitions are taken')
        Driverless.domains = b'\0\0'
        tap.equal(code(client.call, 429, rpc.string('emulatedpci_wire') + struct.pack('>I', 0)), 9,
                  'and not taken away while the list of domains cannot be read')
        Driverless.domains = struct.pack('>II', 0, 0)
        kinds = []
        serial = client.send(429, rpc.string('emulatedpci_wire') + struct.pack('>I', 0))
        while len(kinds) < 2 or serial:
            (_, procedure, kind, number, status), payload = client.receive()
            if kind == rpc.MESSAGE and procedure == 376:
                kinds.append(struct.unpack('>i', payload[:4])[0] == callback)
            elif number == serial:
                tap.equal(status, rpc.OK, 'and taken away')
                serial = 0
        tap.ok(all(kinds), 'events have the identifier that the client got')
        client.call(375, struct.pack('>i', callback))
        tap.equal(code(client.call, 375, struct.pack('>i', callback)), 3, 'which it can give back once')
    os.kill(front, signal.SIGTERM)
    stack.wait_for(lambda: stack.status(front) is not None, 'the other daemon ends')


def test_events(tap, stack, tools):
    pid = stack.start(['virsh', '-c', stack.uri, 'nodedev-event', '--event', 'lifecycle', '--loop'],
                      'log/nodedev-event')
    stack.write('tmp/event.xml', definition('emulatedpci_event', **MINE))

    def heard():
        tools.virsh('nodedev-create', stack.path('tmp/event.xml'))
        tools.virsh('nodedev-destroy', 'emulatedpci_event')
        text = stack.read('log/nodedev-event')
        return "event 'lifecycle' for node device emulatedpci_event: Created" in text and \
            "event 'lifecycle' for node device emulatedpci_event: Deleted" in text
    stack.wait_for(heard, 'virsh nodedev-event hears')
    tap.ok(True, 'virsh nodedev-event')
    os.kill(pid, signal.SIGTERM)
    stack.wait_for(lambda: stack.status(pid) is not None, 'virsh nodedev-event ends')


def test_many(tap, stack, tools):
    with rpc.Client(stack.socket, timeout=LIMIT) as client:
        client.open()
        for number in range(MANY):
            client.call(123, rpc.string(definition('emulatedpci_many%d' % number, **MINE)) + struct.pack('>I', 0))
    ours = [name for name in tools.ours() if name.startswith('emulatedpci_many')]
    tap.equal(len(ours), MANY, '%d definitions are listed' % MANY)
    tap.equal(len(set(ours)), MANY, 'each of them once')
    with rpc.Client(stack.socket, timeout=LIMIT) as client:
        client.open()
        serials = {client.send(285, struct.pack('>II', 1, 0)) for _ in range(100)}
        answers = {number: struct.unpack('>I', payload[:4])[0] for (_, _, _, number, _), payload in
                   (client.receive() for _ in serials)}
        tap.ok(set(answers) == serials and len(set(answers.values())) == 1, 'a hundred lists at once', answers)


def test(tap):
    with DaemonStack() as stack:
        stack.start_libvirtd()
        if not stack.has_driver('nodedev'):
            Tap.skip_all('libvirtd has no driver for node devices here (Debian: libvirt-daemon-driver-nodedev)')
        stack.start_daemon(builtin=True)
        os.makedirs(stack.path('client'), exist_ok=True)
        for name in ('definitionclientstest.py', 'daemonstack.py', 'emulatedpcistack.py', 'qemutransports.py', 'libvirtrpc.py'):
            stack.copy(os.path.join(os.path.dirname(os.path.abspath(__file__)), name), 'client/' + name, 0o644)
        tools = Tools(tap, stack)
        for part in (test_builtin, test_define, test_states, test_use, test_validate, test_python, test_wire,
                     test_concurrent, test_changed, test_killed, test_upstream, test_driverless, test_events, test_many):
            part(tap, stack, tools)
        tap.equal(stack.stop_daemon(), 0, 'the daemon ends')
        tap.ok('connection process' not in stack.read('log/daemon.log'), 'and had no reason to complain',
               stack.read('log/daemon.log'))
        tap.equal(stack.close(), [], 'nothing is left running')


if sys.argv[1:2] == ['--client']:
    client_main(sys.argv[2])
else:
    needs('libvirtd', 'virsh', 'qemu-system-x86_64')
    run_tests(test)
