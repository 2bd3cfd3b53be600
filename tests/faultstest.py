#!/usr/bin/env python3
# faultstest.py: faults that daemonwiretest.py does not test
#
# The listener is killed while domains are defined, and is started again; libvirtd is killed while a
# real virsh is connected; a client that libvirtd has accepted sends malicious frames; and
# uri_aliases name the daemon.
#
# SPDX-License-Identifier: LGPL-2.1-or-later

import os
import re
import random
import signal
import struct
import time

import libvirtrpc as rpc
from clientutil import CITRIX, Terminal
from daemonstack import DaemonStack
from emulatedpcistack import domain_xml, emulatedpci_xml, needs, run_tests

UUID = '5f1e7c52-9f36-4f7a-9f1c-0d6c9a4e3a11'


def xml(deviceid):
    return domain_xml('fault', 'pc', emulatedpci_xml(dict(CITRIX, deviceid=deviceid, subsystemid=1))).replace(
        '</name>', '</name><uuid>%s</uuid>' % UUID)


def listener_killed(tap, stack):
    states = set()
    source = random.Random(7)
    # libvirtd may not have finished earlier calls yet, so their effect can become visible only
    # now.
    before = [stack.direct('dumpxml', 'fault')]
    for number in range(12):
        client = rpc.Client(stack.socket).open()
        client.send(rpc.DEFINE_XML, rpc.string(xml(0xd100 + number)))
        time.sleep(source.random() * 0.006)
        stack.stop_daemon(signal.SIGKILL)
        try:
            client.wait(client.serial)
        except (EOFError, ConnectionError):
            pass
        client.close()
        now = stack.direct('dumpxml', 'fault')
        asked = before[0].replace("'deviceid' type='unsigned' value='%d'" % 0xd000,
                                  "'deviceid' type='unsigned' value='%d'" % (0xd100 + number))
        states.add('asked' if now == asked else 'before' if now in before else 'neither')
        before.append(asked)
        stack.start_daemon()
        stack.wait_for(lambda: stack.run(['virsh', '-c', stack.uri, 'uri'], check=False).returncode == 0,
                       'the next listener serves')
    tap.ok(before[0] != before[1] and states <= {'before', 'asked'}, 'the listener is killed: %s, and starts anew each time'
           % ' or '.join(sorted(states)))


def libvirtd_killed(tap, stack):
    """The same virsh, after libvirtd's end has closed its connection."""
    texts = []
    for uri in (stack.uri, stack.direct_uri):
        with Terminal(stack, ['virsh', '-k', '0', '-c', uri]) as terminal:
            terminal.send('domstate fault\n')
            terminal.expect('shut off')
            stack.stop_libvirtd(signal.SIGKILL)
            # virsh prints the message when the connection is closed, after its prompt or in the
            # middle of it.
            text = terminal.expect(r'Disconnected from [^\r\n]*\n')
            texts.append(re.findall('Disconnected from [^\r\n]*', text.replace(uri, 'URI')))
        stack.start_libvirtd()
        tap.equal(stack.virsh('domstate', 'fault').strip(), 'shut off', 'libvirtd starts anew: the next connection works')
    tap.equal(texts[0], texts[1], 'libvirtd is killed: virsh says what it says without the daemon')


def hostile(tap, stack):
    source = random.Random(11)
    procedures = [1, 8, 10, 11, 14, 135, 136, 160, 161, 174, 185, 186, 232, 302, 350, 389, 392, 411, 440]
    closed = 0
    for _ in range(40):
        with rpc.Client(stack.socket) as client:
            client.open()
            data = b''
            for serial in range(10, 14):
                part = rpc.frame(source.choice(procedures), source.randbytes(source.randrange(120)) +
                                 source.choice([b'', rpc.string('<domain><devices><emulatedpci'), b'\xff' * 40]),
                                 serial, source.randrange(7), source.randrange(3))
                data += part[:source.randrange(len(part))] if source.random() < 0.2 else part
            try:
                client.socket.sendall(data)
                client.socket.shutdown(1)
                while client.socket.recv(65536):
                    pass
                closed += 1
            except (BrokenPipeError, ConnectionResetError):
                closed += 1
            except TimeoutError:
                pass
    tap.equal(closed, 40, 'hostile frames of a client that is connected: each connection ends')
    with rpc.Client(stack.socket) as client:
        client.open()
        try:
            client.socket.sendall(struct.pack('>I', rpc.FRAME_MAX + 1) + b'\0' * 24)
            ended = client.receive() is None
        except (BrokenPipeError, ConnectionResetError):
            ended = True
    tap.ok(ended, 'an oversized one ends it')
    tap.equal(stack.virsh('domstate', 'fault').strip(), 'shut off', 'and others are served')


def aliases(tap, stack):
    stack.write('config/libvirt/libvirt.conf', 'uri_aliases = [\n  "epci=%s",\n]\n' % stack.uri)
    tap.equal(stack.run(['virsh', '-q', '-c', 'epci', 'uri']).stdout.strip(), stack.uri, 'uri_aliases')
    tap.ok('<emulatedpci' in stack.run(['virsh', '-c', 'epci', 'dumpxml', 'fault']).stdout, 'leads to the daemon')
    unset = {'LIBVIRT_DEFAULT_URI': ''}
    stack.write('config/libvirt/libvirt.conf', 'uri_default = "%s"\n' % stack.uri)
    tap.ok('<emulatedpci' in stack.run(['virsh', 'dumpxml', 'fault'], env=unset).stdout, 'uri_default too')
    os.unlink(stack.path('config/libvirt/libvirt.conf'))


def main(tap):
    needs('libvirtd', 'virsh', 'qemu-system-x86_64')
    with DaemonStack() as stack:
        stack.start_libvirtd()
        stack.start_daemon()
        stack.virsh('define', stack.write('tmp/define.xml', xml(0xd000)))
        for part in (aliases, hostile, listener_killed, libvirtd_killed):
            part(tap, stack)
        tap.ok('killed by signal' not in stack.read('log/daemon.log'), 'no process of the daemon crashed',
               stack.read('log/daemon.log'))
        tap.equal(stack.close(), [], 'everything ended by itself')


run_tests(main)
