#!/usr/bin/env python3
# kubevirttest.py: KubeVirt's hook onDefineDomain
#
# The domain's XML and the VirtualMachineInstance have KubeVirt's format. A stock libvirtd defines
# and starts the result of the hook. If root runs the test, this is done in a mount namespace in
# which QEMU is /usr/libexec/qemu-kvm, as in KubeVirt's container.
#
# SPDX-License-Identifier: LGPL-2.1-or-later

import json
import os
import subprocess
import sys
import xml.etree.ElementTree as ET

from emulatedpcistack import LIMIT, Stack, needs, needs_transport, run_tests

HOOK = os.path.join(os.environ['abs_top_srcdir'], 'packaging/kubevirt/onDefineDomain')
ANNOTATION = 'emulatedpci.libvirt.org/devices'
IN_CONTAINER = 'KUBEVIRTTEST_IN_CONTAINER'
CONTAINER_QEMU = '/usr/libexec/qemu-kvm'

DEVICES = '''<emulatedpci devicename='citrix-pv-bus'>
  <config vendorid='0x5853' deviceid='0xc000' revision='0x01' classcode='0xff8000' interruptpin='0x01'/>
</emulatedpci>
<emulatedpci devicename='second'>
  <config vendorid='0x5853' deviceid='0xc001'/>
  <driver emulator='other'/>
</emulatedpci>
'''

# Devices in the middle, metadata in a default namespace, and QEMU's namespace on the root element
DOMAIN = '''<domain type="qemu" xmlns:qemu="http://libvirt.org/schemas/domain/qemu/1.0">
\t<name>default_emulatedpci-example</name>
\t<memory unit="b">268435456</memory>
\t<os>
\t\t<type arch="x86_64" machine="q35">hvm</type>
\t\t<smbios mode="sysinfo"></smbios>
\t</os>
\t<sysinfo type="smbios">
\t\t<system>
\t\t\t<entry name="manufacturer">KubeVirt</entry>
\t\t\t<entry name="product">None</entry>
\t\t</system>
\t</sysinfo>
\t<devices>
\t\t<controller type="usb" index="0" model="none"></controller>
\t\t<controller type="scsi" index="0" model="virtio-non-transitional"></controller>
\t\t<controller type="virtio-serial" index="0" model="virtio-non-transitional"></controller>
\t\t<memballoon model="virtio-non-transitional">
\t\t\t<stats period="10"></stats>
\t\t</memballoon>
\t\t<rng model="virtio-non-transitional">
\t\t\t<backend model="random">/dev/urandom</backend>
\t\t</rng>
\t</devices>
\t<metadata>
\t\t<kubevirt xmlns="http://kubevirt.io">
\t\t\t<uid>7a2a1ecb-6e0b-4b3e-8d3b-5d6c1a4c8f11</uid>
\t\t\t<graceperiod>
\t\t\t\t<deletionGracePeriodSeconds>30</deletionGracePeriodSeconds>
\t\t\t</graceperiod>
\t\t</kubevirt>
\t</metadata>
\t<features>
\t\t<acpi></acpi>
\t</features>
\t<cpu>
\t\t<topology sockets="1" cores="1" threads="1"></topology>
\t</cpu>
\t<vcpu placement="static">1</vcpu>
</domain>'''


def vmi(devices=None):
    annotations = {'hooks.kubevirt.io/hookSidecars': '[{"image":"registry.example/sidecar"}]',
                   'kubevirt.io/latest-observed-api-version': 'v1'}
    if devices is not None:
        annotations[ANNOTATION] = devices
    return json.dumps({'apiVersion': 'kubevirt.io/v1', 'kind': 'VirtualMachineInstance',
                       'metadata': {'name': 'emulatedpci-example', 'namespace': 'default', 'annotations': annotations,
                                    'uid': '7a2a1ecb-6e0b-4b3e-8d3b-5d6c1a4c8f11'},
                       'spec': {'domain': {'devices': {}, 'resources': {'requests': {'memory': '256Mi'}}}},
                       'status': {'phase': 'Scheduled'}})


class Hook:
    """The files of the sidecar, in the directory of a stack."""

    def __init__(self, stack, qemu):
        self.shared = stack.path('hooks/libvirt-emulatedpci')
        os.mkdir(stack.path('hooks'), 0o755)
        programs = stack.path('programs')
        os.mkdir(programs)
        # KUBEVIRTTEST_PROGRAMS: a build tree of programs that are linked statically
        build = os.environ.get('KUBEVIRTTEST_PROGRAMS', os.environ['abs_top_builddir'])
        for name in ('launcher/emulatedpci-launcher', 'logfilter/emulatedpci-logfilter',
                     'stubdomain/emulatedpci-stubdomain', 'emulator/pci-emulator'):
            stack.copy(os.path.join(build, 'src', name), 'programs/' + os.path.basename(name))
        self.env = dict(os.environ, EMULATEDPCI_QEMU=qemu, EMULATEDPCI_PROGRAMS=programs, EMULATEDPCI_SHARED=self.shared,
                        EMULATEDPCI_TOOL=os.path.join(os.environ['abs_top_builddir'], 'tools/virt-emulatedpci'), LC_ALL='C.UTF-8')

    def run(self, json_text, domain=DOMAIN):
        done = subprocess.run([HOOK, '--vmi', json_text, '--domain', domain], env=self.env, capture_output=True, text=True,
                              check=False, timeout=LIMIT)
        return done.returncode, done.stdout, done.stderr


def check_errors(tap, hook):
    for devices, message in (
            ("<disk/>", 'element <disk> is unsupported, only <emulatedpci> is allowed'),
            ("<emulatedpci", 'is not well-formed XML'),
            ("</devices><devices>", 'is not well-formed XML'),
            ("<!-- --><emulatedpci/>", 'only <emulatedpci> elements are allowed'),
            ("text", 'has no <emulatedpci> element'),
            ("<emulatedpci devicename='x'><driver pid='1'/></emulatedpci>", "'pid' and 'socket' of <driver> are unsupported"),
            ("<emulatedpci devicename='x'><config vendorid='0xffff' deviceid='1'/></emulatedpci>", "vendorid"),
            ("<emulatedpci devicename='x'><config vendorid='0x12345' deviceid='1'/></emulatedpci>", "0x12345")):
        status, out, err = hook.run(vmi(devices))
        tap.ok(status == 1 and not out and message in err, 'refused: %s' % devices, status, out, err)
    for json_text, domain, message in (('{', DOMAIN, 'cannot read the VirtualMachineInstance'),
                                       ('{"metadata":{"annotations":{"%s":1}}}' % ANNOTATION, DOMAIN, 'is not a string'),
                                       (vmi(DEVICES), '<domain/>', 'the domain has no <devices>'),
                                       (vmi(DEVICES), '<domain', 'the domain is not well-formed XML')):
        status, out, err = hook.run(json_text, domain)
        tap.ok(status == 1 and not out and message in err, 'refused: %s' % message, status, out, err)
    tap.ok(not os.path.exists(hook.shared), 'nothing is installed')
    for text in (vmi(), vmi(' \n'), '{"metadata":{}}', '{"metadata":{"annotations":null}}'):
        tap.equal(hook.run(text), (0, DOMAIN, ''), 'without devices, the domain is unchanged: %s' % text[:60])


def check_domain(tap, stack, hook):
    status, lowered, err = hook.run(vmi(DEVICES))
    if not tap.ok(status == 0, 'the domain is lowered', err):
        return
    tap.equal(err, '', 'without a warning')
    emulator = ET.fromstring(lowered).findtext('devices/emulator')
    tap.ok(emulator.startswith(hook.shared + '/launch/') and os.access(emulator, os.X_OK), 'the launcher is there', emulator)
    tap.ok('<kubevirt xmlns="http://kubevirt.io">' in lowered, 'the metadata stays', lowered)
    tap.equal(hook.run(vmi(DEVICES)), (0, lowered, ''), 'once more, with the same result')

    stack.start_libvirtd()
    stack.virsh('define', stack.write('tmp/domain.xml', lowered))
    name = 'default_emulatedpci-example'
    stack.virsh('start', name)
    def devices():
        """Returns {name of the device: whether the guest's firmware has read its registers}."""
        found = json.loads(stack.run([hook.env['EMULATEDPCI_TOOL'], 'emulators', '--json'], check=False).stdout or '[]')
        return {device['devicename']: device['requests'] > 0 for device in found if device['domain'] == name}
    Stack.wait_for(lambda: list(devices().values()) == [True, True], 'the firmware finds the devices')
    tap.equal(devices(), {'citrix-pv-bus': True, 'second': True}, "the guest's firmware finds both devices")
    tap.ok(stack.processes(hook.shared + '/pci-emulator'), 'the emulators run from there', stack.processes())
    stack.virsh('destroy', name)
    stack.virsh('undefine', name)


def in_container():
    """Runs this test again in a mount namespace in which QEMU has the path of KubeVirt's container."""
    os.environ[IN_CONTAINER] = 'yes'
    script = ('mount -t tmpfs -o mode=755 tmpfs /usr/libexec && cp "$0" %s && exec "$@"' % CONTAINER_QEMU)
    qemu = os.path.join(os.environ.get('QEMU_DIR', '/usr/bin'), 'qemu-system-x86_64')
    arguments = ['unshare', '--mount', '--propagation', 'private', 'sh', '-c']
    if subprocess.run(arguments + ['mount -t tmpfs tmpfs /usr/libexec'], stderr=subprocess.DEVNULL, check=False).returncode == 0:
        os.execvp('unshare', arguments + [script, qemu, sys.executable, os.path.abspath(__file__)])


def main(tap):
    needs('libvirtd', 'virsh')
    needs_transport()
    contained = os.environ.get(IN_CONTAINER) and os.path.exists(CONTAINER_QEMU)
    with Stack() as stack:
        hook = Hook(stack, CONTAINER_QEMU if contained else os.path.join(stack.qemu_dir, 'qemu-system-x86_64'))
        check_errors(tap, hook)
        check_domain(tap, stack, hook)
        tap.equal(stack.close(), [], 'nothing is left')


if __name__ == '__main__':
    if os.getuid() == 0 and IN_CONTAINER not in os.environ:
        in_container()
    run_tests(main)
