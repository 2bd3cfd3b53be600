#!/usr/bin/env python3
# sasltest.py: a libvirtd that asks for a password, through virtemulatedpcid
#
# libvirtd uses auth_unix_rw = "sasl", the mechanism PLAIN, and a saslauthd of this test with one
# user. The daemon forwards the messages of SASL unchanged. On a Unix socket, libvirt does not
# negotiate encryption, so the daemon can rewrite the XML in later messages.
#
# SPDX-License-Identifier: LGPL-2.1-or-later

import os
import shutil
import socket
import struct
import threading

from daemonstack import DaemonStack
from emulatedpcistack import PATH, Tap, domain_xml, emulated_devices, emulatedpci_xml, needs, run_tests
import libvirtrpc as rpc

FIELDS = {'devicename': 'citrix-pv-bus', 'vendorid': 0x5853, 'deviceid': 0xc000}
AUTH_SASL_INIT = 67
AUTH_REQUIRED = 39


class Saslauthd:
    """Replies on a socket. A request consists of four counted strings, and a reply of one."""

    def __init__(self, path):
        self.asked = []
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.bind(path)
        os.chmod(path, 0o777)
        self.socket.listen(5)
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        while True:
            client = self.socket.accept()[0]
            with client, client.makefile('rb') as file:
                words = [file.read(struct.unpack('>H', file.read(2))[0]).decode() for _ in range(4)]
                self.asked.append(words[:3])
                answer = b'OK' if words[:2] == ['fred', 'secret'] else b'NO'
                client.sendall(struct.pack('>H', len(answer)) + answer)


def start(stack):
    os.mkdir(stack.path('sasl'), 0o755)
    authd = Saslauthd(stack.path('sasl/mux'))
    stack.write('sasl/libvirt.conf', 'mech_list: plain\npwcheck_method: saslauthd\nsaslauthd_path: %s\n'
                % stack.path('sasl/mux'))
    stack.env['SASL_CONF_PATH'] = stack.path('sasl')
    stack.write('config/libvirt/libvirtd.conf',
                stack.read('config/libvirt/libvirtd.conf') + 'auth_unix_rw = "sasl"\n')
    stack.daemon = stack.start([shutil.which('libvirtd', path=PATH), '--config',
                                stack.path('config/libvirt/libvirtd.conf')], 'log/libvirtd.out')
    stack.wait_for(lambda: os.path.exists(stack.upstream), 'libvirtd listens')
    stack.start_daemon()
    return authd


def wire(path):
    """The information that a client gets before it authenticates."""
    with rpc.Client(path) as client:
        answers = [client.call(rpc.AUTH_LIST), client.call(AUTH_SASL_INIT)]
        for procedure, payload in ((rpc.OPEN, rpc.optional('qemu:///session') + bytes(4)),
                                   (rpc.DEFINE_XML, rpc.string(domain_xml('no', 'pc', emulatedpci_xml(FIELDS))))):
            try:
                answers.append(client.call(procedure, payload))
            except rpc.RPCError as error:
                answers.append((error.code, error.message))
        return answers


def test(tap, stack):
    authd = start(stack)
    try:
        direct = wire(stack.upstream)
    except rpc.RPCError as error:
        Tap.skip_all('libvirtd has no SASL here: %s' % error.message)
    tap.equal(wire(stack.socket), direct, 'mechanisms, and what is refused before: as directly')
    tap.ok(b'PLAIN' in direct[1] and direct[2][0] == direct[3][0] == AUTH_REQUIRED,
           'which is everything', direct)

    xml = stack.write('tmp/sasl.xml', domain_xml('sasl', 'pc', emulatedpci_xml(FIELDS)))
    results = {}
    for password in ('secret', 'wrong'):
        stack.env['LIBVIRT_AUTH_FILE'] = stack.write(
            'tmp/auth.conf', '[credentials-test]\nauthname=fred\npassword=%s\n\n'
            '[auth-libvirt-localhost]\ncredentials=test\n' % password)
        for uri in (stack.direct_uri, stack.uri):
            done = stack.run(['virsh', '-q', '-c', uri, 'list', '--all'], check=False)
            results[password, uri] = done.returncode, done.stderr
        if password == 'secret':
            stack.virsh('define', xml)
            tap.equal(list(emulated_devices(stack.virsh('dumpxml', 'sasl'))), ['ua-emulatedpci0'],
                      'with the right password a domain is defined and shown')
            stack.virsh('undefine', 'sasl')
    tap.equal(results['secret', stack.uri], (0, ''), 'the right password lets in')
    tap.ok(results['wrong', stack.uri][0] == 1 and 'authentication failed' in results['wrong', stack.uri][1],
           'the wrong one does not', results)
    tap.equal(results['wrong', stack.uri], results['wrong', stack.direct_uri], 'with the error of a direct connection')
    tap.ok(['fred', 'secret', 'libvirt'] in authd.asked and ['fred', 'wrong', 'libvirt'] in authd.asked,
           'it was libvirtd that asked', authd.asked)


def main(tap):
    needs('libvirtd', 'virsh')
    with DaemonStack() as stack:
        test(tap, stack)
        stack.uri = None
        stack.stop_daemon()
        stack.stop_libvirtd()
        stack.wait_for(lambda: not stack.processes(), 'all has ended')


run_tests(main)
