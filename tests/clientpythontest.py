#!/usr/bin/env python3
# clientpythontest.py: python3-libvirt through virtemulatedpcid
#
# Tests threads that share one connection, calls that overlap, events that another client causes,
# streams in both directions, and descriptors in both directions. The program runs itself a second
# time, as the stack's user, with the stack's environment.
#
# SPDX-License-Identifier: LGPL-2.1-or-later

import hashlib
import json
import os
import sys
import threading
import time

from clientutil import CITRIX, DEVICE
from daemonstack import DaemonStack
from emulatedpcistack import LIMIT, Tap, can_start, domain_xml, emulated_devices, emulatedpci_xml, needs, run_tests

THREADS = 8
ROUNDS = 25


class Checks:
    """The results of the client, in the order of its tests"""

    def __init__(self):
        self.results = []

    def ok(self, condition, name, detail=''):
        self.results.append((bool(condition), name, str(detail)))

    def equal(self, got, expected, name):
        self.ok(got == expected, name, 'expected %r, got %r' % (expected, got))


def client_main(uri, directory, *left_out):
    """The client, a separate process, without the parts in LEFT_OUT."""
    import libvirt
    libvirt.registerErrorHandler(lambda *_: None, None)
    libvirt.virEventRegisterDefaultImpl()
    checks = Checks()
    stop = threading.Event()

    def loop():
        while not stop.is_set():
            libvirt.virEventRunDefaultImpl()
    timer = libvirt.virEventAddTimeout(100, lambda *_: None, None)
    loop_thread = threading.Thread(target=loop)
    loop_thread.start()
    try:
        for part in (overlap, errors, events, streams, descriptors):
            if part.__name__ in left_out:
                continue
            connection = libvirt.open(uri)
            connection.setKeepAlive(1, LIMIT)
            part(libvirt, connection, checks, directory)
            connection.close()
    finally:
        stop.set()
        loop_thread.join()
        libvirt.virEventRemoveTimeout(timer)
    json.dump(checks.results, sys.stdout)


def run_threads(work):
    problems = []

    def guarded(number):
        try:
            work(number)
        except Exception as error:  # pylint: disable=broad-except
            problems.append('%d: %r' % (number, error))
    threads = [threading.Thread(target=guarded, args=(number,)) for number in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return problems


def overlap(libvirt, connection, checks, _):
    """All threads use one connection: define, dump, list, fail, undefine."""
    def work(number):
        name = 'thread%d' % number
        for turn in range(ROUNDS):
            fields = dict(CITRIX, deviceid=0x100 * number + turn)
            domain = connection.defineXML(domain_xml(name, 'pc', emulatedpci_xml(fields, 'ua-%d' % number))
                                          .replace('</name>', '</name><uuid>%s</uuid>' % uuid(number)))
            devices = emulated_devices(domain.XMLDesc())
            if devices['ua-%d' % number][0]['deviceid'] != fields['deviceid']:
                raise ValueError('another\'s answer: %r' % devices)
            if domain.name() not in [entry.name() for entry in connection.listAllDomains()]:
                raise ValueError('not in the list')
            try:
                connection.lookupByName('nobody%d' % number)
                raise ValueError('found who is not there')
            except libvirt.libvirtError as error:
                if 'nobody%d' % number not in str(error):
                    raise
        domain.undefine()

    checks.equal(run_threads(work), [], '%d threads on one connection, %d rounds' % (THREADS, ROUNDS))

    def attach(number):
        domain = connection.lookupByName('shared')
        domain.attachDeviceFlags(emulatedpci_xml(dict(CITRIX, devicename='d%d' % number), 'ua-d%d' % number),
                                 libvirt.VIR_DOMAIN_AFFECT_CONFIG)
    domain = connection.defineXML(domain_xml('shared', 'pc'))
    checks.equal(run_threads(attach), [], 'all threads attach a device to one domain')
    devices = emulated_devices(domain.XMLDesc())
    checks.equal(sorted(devices), ['ua-d%d' % number for number in range(THREADS)], 'none is lost')
    checks.equal(len({address for _, address in devices.values()}), THREADS, 'each has an address of its own')
    domain.undefine()


def uuid(number):
    return '5f1e7c52-9f36-4f7a-9f1c-0d6c9a4e2f%02x' % number


def errors(libvirt, connection, checks, _):
    """An exception carries libvirt's code, domain and message."""
    try:
        connection.defineXML(domain_xml('bad', 'pc', DEVICE.replace("vendorid='0x5853'", "vendorid='010'")))
        checks.ok(False, 'an error in the element')
    except libvirt.libvirtError as error:
        checks.ok(error.get_error_code() == libvirt.VIR_ERR_XML_ERROR and "'010'" in error.get_error_message() and
                  'vendorid' in error.get_error_message() and
                  error.get_error_domain() in (libvirt.VIR_FROM_DOMAIN, libvirt.VIR_FROM_QEMU),
                  'VIR_ERR_XML_ERROR', error)
    try:
        connection.defineXML(domain_xml('bad', 'pc', DEVICE.replace("vendorid='0x5853'", "vendorid='0xffff'")))
        checks.ok(False, 'a device that cannot be')
    except libvirt.libvirtError as error:
        checks.equal(error.get_error_code(), libvirt.VIR_ERR_CONFIG_UNSUPPORTED, 'VIR_ERR_CONFIG_UNSUPPORTED')
    try:
        connection.defineXMLFlags(domain_xml('bad', 'pc', DEVICE + '<nonsense/>'), libvirt.VIR_DOMAIN_DEFINE_VALIDATE)
        checks.ok(False, 'a document that is not valid')
    except libvirt.libvirtError as error:
        checks.equal((error.get_error_code(), error.get_error_domain()),
                     (libvirt.VIR_ERR_XML_INVALID_SCHEMA, libvirt.VIR_FROM_XML), 'an error of the schema is as libvirt\'s own')
    checks.equal(connection.getType(), 'QEMU', 'the connection goes on')


def events(libvirt, connection, checks, _):
    """Receives the lifecycle events that another connection causes."""
    seen, ready = [], threading.Condition()

    def on_event(_connection, domain, event, detail, _opaque):
        with ready:
            seen.append((domain.name(), event, detail))
            ready.notify()
    number = connection.domainEventRegisterAny(None, libvirt.VIR_DOMAIN_EVENT_ID_LIFECYCLE, on_event, None)
    other = libvirt.open(connection.getURI())
    domain = other.defineXML(domain_xml('noisy', 'pc', DEVICE))
    domain.createWithFlags(libvirt.VIR_DOMAIN_START_PAUSED)
    domain.resume()
    domain.destroy()
    domain.undefine()
    other.close()
    expected = [libvirt.VIR_DOMAIN_EVENT_DEFINED, libvirt.VIR_DOMAIN_EVENT_STARTED, libvirt.VIR_DOMAIN_EVENT_RESUMED,
                libvirt.VIR_DOMAIN_EVENT_STOPPED, libvirt.VIR_DOMAIN_EVENT_UNDEFINED]

    def all_seen():
        return set(expected) <= {event for _, event, _ in seen}
    with ready:
        ready.wait_for(all_seen, LIMIT)
    order = [event for _, event, _ in seen if event in expected]
    checks.ok(all_seen() and order[0] == expected[0] and order[-1] == expected[-1] and
              {name for name, _, _ in seen} == {'noisy'}, 'events that another connection causes', seen)
    connection.domainEventDeregisterAny(number)


def streams(_, connection, checks, directory):
    """Transfers four volumes in each direction on one connection at the same time, together with
    calls."""
    pool = connection.storagePoolCreateXML("<pool type='dir'><name>python</name><target><path>%s</path></target>"
                                           "</pool>" % directory)
    sizes, sums = {}, {}

    def work(number):
        if number % 2:
            for _ in range(100):
                if 'QEMU' != connection.getType():
                    raise ValueError('another\'s answer')
            return
        content = hashlib.shake_256(b'%d' % number).digest(1 << 20) * 4
        volume = pool.createXML("<volume><name>v%d</name><capacity>%d</capacity></volume>" % (number, len(content)))
        stream = connection.newStream()
        volume.upload(stream, 0, len(content))
        view = memoryview(content)
        while view:
            view = view[stream.send(bytes(view[:200000])):]
        stream.finish()
        stream = connection.newStream()
        volume.download(stream, 0, 0)
        got = hashlib.sha256()
        stream.recvAll(lambda _stream, data, _opaque: got.update(data), None)
        stream.finish()
        sizes[number] = volume.info()[1]
        sums[number] = got.hexdigest() == hashlib.sha256(content).hexdigest()
        volume.delete()
    checks.equal(run_threads(work), [], 'streams and calls of %d threads on one connection' % THREADS)
    checks.equal((sorted(sizes), set(sums.values())), ([0, 2, 4, 6], {True}), 'what comes down is what went up')
    volume = pool.createXML('<volume><name>aborted</name><capacity>1048576</capacity></volume>')
    stream = connection.newStream()
    volume.upload(stream, 0, 0)
    stream.send(b'x' * 1000)
    stream.abort()
    checks.equal(connection.getType(), 'QEMU', 'a stream that is aborted')
    volume.delete()
    pool.destroy()


def descriptors(libvirt, connection, checks, _):
    """Descriptors to libvirtd (a call) and from it (a reply)."""
    domain = connection.defineXML(domain_xml('screen', 'pc', DEVICE + "    <graphics type='vnc' socket='%s'/>\n"
                                             "    <video><model type='vga'/></video>\n"
                                             % os.path.join(os.environ['TMPDIR'], 'vnc')))
    domain.createWithFlags(libvirt.VIR_DOMAIN_START_PAUSED)
    screen = domain.openGraphicsFD(0, libvirt.VIR_DOMAIN_OPEN_GRAPHICS_SKIPAUTH)
    checks.ok(os.read(screen, 12).startswith(b'RFB '), 'openGraphicsFD: a descriptor from libvirtd, with VNC behind it')
    os.close(screen)

    import socket
    ours, theirs = socket.socketpair()
    domain.openGraphics(0, theirs.fileno(), libvirt.VIR_DOMAIN_OPEN_GRAPHICS_SKIPAUTH)
    theirs.close()
    checks.ok(ours.recv(12).startswith(b'RFB '), 'openGraphics: a descriptor to libvirtd')
    ours.close()
    domain.destroy()
    domain.undefine()
    one, two = os.pipe()
    try:
        # QEMU cannot use the files of an init process, and its driver reports that
        connection.createXMLWithFiles(domain_xml('files', 'pc', DEVICE), [one, two], 0)
        text = 'no error'
    except libvirt.libvirtError as error:
        text = str(error)
    checks.ok('not supported' in text, 'createXMLWithFiles: the driver\'s own answer', text)
    checks.equal(connection.getType(), 'QEMU', 'and the connection goes on')
    os.close(one)
    os.close(two)


def main(tap):
    needs('libvirtd', 'virsh', 'qemu-system-x86_64', 'python3')
    with DaemonStack() as stack:
        # Debian's Python interpreter, for which the module is installed
        python = '/usr/bin/python3' if os.access('/usr/bin/python3', os.X_OK) else sys.executable
        if stack.run([python, '-c', 'import libvirt'], check=False).returncode != 0:
            Tap.skip_all('the Python module libvirt (package python3-libvirt) is not installed')
        stack.start_libvirtd()
        stack.start_daemon()
        os.mkdir(stack.path('pool'))
        stack.give('pool')
        for name in ('clientpythontest.py', 'clientutil.py', 'daemonstack.py', 'emulatedpcistack.py',
                     'qemutransports.py'):
            stack.copy(os.path.join(os.path.dirname(os.path.abspath(__file__)), name), 'bin/' + name, 0o644)
        start = time.monotonic()
        left_out = []
        if not stack.has_driver('storage'):
            left_out.append('streams')
            tap.skip('streams', 'libvirtd has no driver for storage pools here (Debian: libvirt-daemon-driver-storage)')
        if not can_start(tap, 'events and descriptors of running domains'):
            left_out += ['events', 'descriptors']
        done = stack.run([python, '-B', stack.path('bin/clientpythontest.py'), '--client', stack.uri,
                          stack.path('pool')] + left_out, check=False, timeout=4 * LIMIT)
        tap.ok(done.returncode == 0, 'the client ends well', done.stderr)
        for condition, name, detail in json.loads(done.stdout or '[]'):
            tap.ok(condition, name, detail)
        tap.diag('the client took %.1f s' % (time.monotonic() - start))
        tap.ok('killed by signal' not in stack.read('log/daemon.log'), 'no process of the daemon crashed',
               stack.read('log/daemon.log'))
        tap.equal(stack.close(), [], 'everything ended by itself')


if len(sys.argv) > 1:
    client_main(*sys.argv[2:])
else:
    run_tests(main)
