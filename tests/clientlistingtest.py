#!/usr/bin/env python3
# clientlistingtest.py: programs that list a host's node devices, through virtemulatedpcid
#
# Definitions are node devices of a kind that these programs do not know. The programs must be able
# to list and describe them: libvirt's Python binding, with the calls of cockpit-machines and
# virt-manager, and libvirt-dbus, with the calls of cockpit-machines.
#
# SPDX-License-Identifier: LGPL-2.1-or-later

import ast
import re
import shutil
import sys
import xml.etree.ElementTree as ET

from daemonstack import DaemonStack
from emulatedpcistack import PATH, domain_xml, needs, run_tests

LISTING = """
import sys, libvirt
connection = libvirt.open(sys.argv[1])
for device in connection.listAllDevices(0):
    print(device.name(), device.parent(), device.numOfCaps(), device.listCaps(), repr(device.XMLDesc(0)))
"""

# The calls of cockpit-machines, and the properties that its D-Bus client reads immediately
DBUS = """
libvirt-dbus --session > tmp/libvirt-dbus.log 2>&1 &
bus=$!
call() {
    gdbus call --session --dest org.libvirt --object-path "$@"
}
gdbus wait --session --timeout 60 org.libvirt || exit 1
call /org/libvirt/QEMU --method org.libvirt.Connect.ListNodeDevices 0 > tmp/nodes || exit 1
call /org/libvirt/QEMU --method org.libvirt.Connect.ListDomains 0 || exit 1
for node in $(grep -o "/org/libvirt/QEMU/nodedev/[^']*" tmp/nodes); do
    echo "node $node"
    call "$node" --method org.libvirt.NodeDevice.GetXMLDesc 0 || exit 1
    call "$node" --method org.libvirt.NodeDevice.ListCaps || exit 1
    call "$node" --method org.freedesktop.DBus.Properties.GetAll org.libvirt.NodeDevice || exit 1
done
kill $bus
"""


def test_binding(tap, stack):
    if stack.run(['/usr/bin/python3', '-c', 'import libvirt'], check=False).returncode != 0:
        tap.skip('the Python binding lists node devices', 'the Python module libvirt (package python3-libvirt) is not installed')
        return
    done = stack.run(['/usr/bin/python3', '-c', LISTING, stack.uri], check=False)
    tap.equal((done.returncode, done.stderr), (0, ''), 'the Python binding lists and describes every node device')
    found = re.findall(r"^(emulatedpci_\w+) computer 1 \['emulatedpci'\] (.*)$", done.stdout, re.MULTILINE)
    tap.equal(sorted(name for name, _ in found), stack.definitions, 'and the definitions among them')
    tap.ok(all(ET.fromstring(ast.literal_eval(xml)).find('capability').get('type') == 'emulatedpci'
               for _, xml in found), 'as what they are')


def test_dbus(tap, stack):
    """libvirt-dbus has no option for a socket, so the daemon listens at the first path that a
    client of qemu:///session tries."""
    name = 'libvirt-dbus lists and describes every node device'
    if not shutil.which('libvirt-dbus', path=PATH) or not shutil.which('dbus-run-session', path=PATH):
        tap.skip(name, 'there is no libvirt-dbus or no dbus-run-session on this machine')
        return
    stack.stop_daemon()
    stack.socket = stack.path('run/libvirt/virtqemud-sock')
    stack.uri = 'qemu:///session?socket=' + stack.socket
    stack.start_daemon('--listen', stack.socket, '--upstream', stack.upstream, builtin=True)
    script = stack.write('tmp/dbus.sh', DBUS)
    done = stack.run(['dbus-run-session', '--', 'sh', script], check=False)
    tap.equal((done.returncode, done.stderr), (0, ''), name)
    nodes = [node.replace('_5f', '_') for node in re.findall('^node /org/libvirt/QEMU/nodedev/(.*)$', done.stdout, re.MULTILINE)]
    tap.equal(sorted(node for node in nodes if node.startswith('emulatedpci_')), stack.definitions,
              'and the definitions among them')
    tap.equal(done.stdout.count('<capability type=\'emulatedpci\''), len(stack.definitions), 'with their XML')
    tap.ok('/org/libvirt/QEMU/domain/' in done.stdout, 'and domains as before', done.stdout[-300:])


def main(tap):
    with DaemonStack() as stack:
        stack.start_libvirtd()
        stack.start_daemon(builtin=True)
        stack.definitions = sorted(name for name in stack.virsh('nodedev-list').split()
                                   if name.startswith('emulatedpci_'))
        tap.ok(stack.definitions, 'there are definitions')
        stack.virsh('define', stack.write('tmp/domain.xml', domain_xml('guest', 'pc')))
        test_binding(tap, stack)
        test_dbus(tap, stack)
        tap.equal(stack.close(), [], 'everything ended by itself')


if __name__ == '__main__':
    needs('libvirtd', 'virsh')
    sys.exit(run_tests(main))
