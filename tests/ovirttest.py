#!/usr/bin/env python3
# ovirttest.py: oVirt's hook before_vm_start
#
# The hook is run as VDSM runs it, with the domain's XML in a file. A stock libvirtd defines and
# starts the result.
#
# SPDX-License-Identifier: LGPL-2.1-or-later

import json
import os
import subprocess

from emulatedpcistack import LIMIT, Stack, needs, needs_transport, run_tests

HOOK = os.path.join(os.environ['abs_top_srcdir'], 'packaging/ovirt/emulatedpci')
TOOL = os.path.join(os.environ['abs_top_builddir'], 'tools/virt-emulatedpci')

DEVICES = '''<emulatedpci devicename='citrix-pv-bus'>
  <config vendorid='0x5853' deviceid='0xc000' revision='0x01' classcode='0xff8000' interruptpin='0x01'/>
</emulatedpci><emulatedpci devicename='second'><config vendorid='0x5853' deviceid='0xc001'/></emulatedpci>'''

# VDSM's namespaces are on the root and on the metadata.
DOMAIN = '''<?xml version='1.0' encoding='utf-8'?>
<domain xmlns:ns0="http://ovirt.org/vm/tune/1.0" xmlns:ovirt-vm="http://ovirt.org/vm/1.0" type="qemu">
    <name>ovirt-example</name>
    <uuid>6c0d7e5f-4b5b-4a53-9d4c-0f6f1ad0c1de</uuid>
    <memory>262144</memory>
    <vcpu current="1">16</vcpu>
    <sysinfo type="smbios"><system><entry name="manufacturer">oVirt</entry></system></sysinfo>
    <features><acpi /></features>
    <metadata>
        <ns0:qos />
        <ovirt-vm:vm><ovirt-vm:clusterVersion>4.7</ovirt-vm:clusterVersion><ovirt-vm:custom /></ovirt-vm:vm>
    </metadata>
    <os><type arch="x86_64" machine="q35">hvm</type><smbios mode="sysinfo" /></os>
    <devices>
        %s
        <controller index="0" model="none" type="usb" />
        <memballoon model="virtio" />
    </devices>
</domain>'''


class Hook:
    """Runs the hook as VDSM does."""

    def __init__(self, stack):
        self.stack = stack
        self.env = dict(os.environ, EMULATEDPCI_LAUNCH=stack.launch_dir, EMULATEDPCI_TOOL=TOOL, LC_ALL='C.UTF-8',
                        EMULATEDPCI_QEMU=os.path.join(stack.qemu_dir, 'qemu-system-x86_64'))

    def run(self, devices, domain, **changes):
        """Returns (exit status, the XML that VDSM uses, the message)."""
        path = self.stack.write('tmp/hook.xml', domain)
        env = dict(self.env, _hook_domxml=path, vmId='6c0d7e5f-4b5b-4a53-9d4c-0f6f1ad0c1de', **changes)
        if devices is not None:
            env['emulatedpci'] = devices
        done = subprocess.run([HOOK], env=env, capture_output=True, text=True, check=False, timeout=LIMIT)
        with open(path, encoding='utf-8') as file:
            return done.returncode, file.read(), done.stderr


def check_errors(tap, hook):
    domain = DOMAIN % ''
    for devices, message in (
            ("<disk/>", 'only <emulatedpci> elements are allowed'),
            ("<emulatedpci", 'not well-formed XML'),
            ("</devices><devices>", 'not well-formed XML'),
            ("<!-- --><emulatedpci/>", 'only <emulatedpci> elements are allowed'),
            ("text", 'only <emulatedpci> elements are allowed'),
            ("<emulatedpci devicename='x'><config vendorid='0x12345' deviceid='1'/></emulatedpci>", '0x12345')):
        status, out, err = hook.run(devices, domain)
        tap.ok(status == 2 and out == domain and err.startswith("custom property 'emulatedpci': ") and message in err,
               'refused: %s' % devices, status, err)
    for text, changes, message in (('<domain/>', {}, 'the domain has no <devices>'),
                                   ('<domain', {}, 'unclosed token'),
                                   (domain, {'EMULATEDPCI_LAUNCH': '/nonexistent'},
                                    "the launcher's link '/nonexistent/qemu-system-x86_64' does not exist")):
        status, out, err = hook.run(DEVICES, text, **changes)
        tap.ok(status == 2 and out == text and message in err, 'refused: %s' % message, status, err)
    for devices in (None, '', ' \n'):
        tap.equal(hook.run(devices, domain), (0, domain, ''), 'without devices, the domain is unchanged')


def check_domain(tap, stack, hook):
    stack.start_libvirtd()
    for emulator in '', '<emulator>%s/qemu-system-x86_64</emulator>' % stack.qemu_dir:
        status, lowered, err = hook.run(DEVICES, DOMAIN % emulator)
        if not tap.ok(status == 0 and not err, 'lowered: %s' % (emulator or 'without <emulator>'), err):
            return
        tap.ok('<ovirt-vm:clusterVersion>4.7<' in lowered, 'the metadata stays', lowered)
        stack.virsh('create', stack.write('tmp/domain.xml', lowered))

        def devices():
            """Returns {name of the device: whether the guest's firmware has read its registers}."""
            found = json.loads(stack.run([TOOL, 'emulators', '--json'], check=False).stdout or '[]')
            return {device['devicename']: device['requests'] > 0 for device in found
                    if device['domain'] == 'ovirt-example'}
        Stack.wait_for(lambda: devices() == {'citrix-pv-bus': True, 'second': True}, 'the firmware finds the devices')
        tap.equal(devices(), {'citrix-pv-bus': True, 'second': True}, "the guest's firmware finds both devices")
        stack.virsh('destroy', 'ovirt-example')


def main(tap):
    needs('libvirtd', 'virsh')
    needs_transport()
    with Stack() as stack:
        stack.stage()
        hook = Hook(stack)
        check_errors(tap, hook)
        check_domain(tap, stack, hook)
        tap.equal(stack.close(), [], 'nothing is left')


if __name__ == '__main__':
    run_tests(main)
