#!/usr/bin/env python3
# refusaltest.py: virsh prints the error of the launcher if a domain does not start
#
# Every kind of error is tested several times, since libvirt may connect to the monitor before or
# after the launcher has ended, and with both ways in which libvirt writes a domain's log. With
# REFUSAL_STARTS=N, there are N starts of each kind.
#
# SPDX-License-Identifier: LGPL-2.1-or-later

import os
import re

from clientutil import CITRIX
from emulatedpcistack import Stack, domain_xml, emulatedpci_xml, needs, run_tests
from qemutransports import qemu_transports

STARTS = int(os.environ.get('REFUSAL_STARTS', '4'))


def device(driver=''):
    return emulatedpci_xml(CITRIX).replace('</emulatedpci>', driver + '</emulatedpci>')


def refuse(tap, stack, kind, name, message):
    """Starts the domain NAME, which must fail with an error that contains MESSAGE."""
    wrong = []
    for _ in range(STARTS):
        run = stack.run(['virsh', '-q', '-c', stack.uri, 'start', name], check=False)
        if run.returncode != 1 or not re.search('emulatedpci-launcher: [^\n]*' + message, run.stderr):
            wrong.append(run.stderr.strip())
    tap.ok(not wrong, '%s: %d of %d starts say so' % (kind, STARTS - len(wrong), STARTS), *wrong[:3])


def define(stack, name, devices, **changes):
    """Defines a domain in libvirt's own XML, with texts replaced according to CHANGES."""
    text = stack.lower(domain_xml(name, 'pc', devices))
    for old, new in changes.get('replace', ()):
        if old not in text:
            raise ValueError('%s is not in %s' % (old, text))
        text = text.replace(old, new)
    stack.virsh('define', stack.write('tmp/define.xml', text))


def has_vfio_user(stack):
    run = stack.run([os.path.join(stack.qemu_dir, 'qemu-system-x86_64'), '-device', 'vfio-user-pci,help'], check=False)
    return 'vfio-user-pci options' in run.stdout


def refusals(tap, stack, handler):
    """Tests all kinds with libvirt's stdio_handler HANDLER."""
    impossible = qemu_transports()[1] is not None

    def kind(name, message, *args, alone=False, **changes):
        """ALONE: the error is found before the launcher checks QEMU's version."""
        if impossible and not alone:
            message = 'require KVM'
        define(stack, name, *args, **changes)
        refuse(tap, stack, '%s (%s)' % (name, handler), name, message)
        stack.virsh('undefine', name)

    kind('value-out-of-range', "'65536' for property 'vendorid'.*0 to 65535", device(), alone=True,
         replace=[("name='vendorid' type='unsigned' value='%d'" % CITRIX['vendorid'],
                   "name='vendorid' type='unsigned' value='65536'")])
    kind('emulator-missing', "cannot run '/does/not/exist' .*No such file", device("<driver model='/does/not/exist'/>"))
    kind('emulator-ends', 'ended before it was ready', device("<driver model='/bin/false'/>"))
    kind('pid-missing', 'with pid 4194303: No such file', device("<driver pid='4194303'/>"))
    if has_vfio_user(stack):
        kind('qemu-lacks-device', 'require KVM', device("<driver version='mpqemu'/>"))
        kind('socket-missing', "the socket '/does/not/exist' of device 'served' does not exist",
             "<emulatedpci devicename='served'><driver socket='/does/not/exist'/></emulatedpci>")
    else:
        kind('qemu-lacks-device', "does not support device 'vfio-user-pci'", device("<driver version='vfio-user'/>"),
             alone=True)

    # A QEMU that libvirt has already probed, and that is removed before it is started.
    qemu = stack.path('tmp/qemu-' + handler)
    os.symlink(os.path.join(stack.qemu_dir, 'qemu-system-x86_64'), qemu)
    launcher = stack.run([stack.path('libexec/emulatedpci-launcher'), '--add', qemu]).stdout.strip()
    define(stack, 'known', '', replace=[('<devices>', '<devices><emulator>%s</emulator>' % launcher)])
    stack.virsh('undefine', 'known')
    os.unlink(qemu)
    kind('qemu-missing', "cannot run QEMU '%s': No such file" % qemu, device(), alone=True,
         replace=[('<emulator>%s/qemu-system-x86_64</emulator>' % stack.launch_dir, '<emulator>%s</emulator>' % launcher)])


def main(tap):
    needs('libvirtd', 'virsh', 'qemu-system-x86_64')
    for handler in ('file', 'logd'):
        with Stack() as stack:
            stack.stage()
            if os.getuid() == 0:
                stack.give('libexec/launch')
            if handler == 'logd' and not stack.start_virtlogd():
                tap.skip('with virtlogd', 'there is no virtlogd on this machine')
                continue
            stack.start_libvirtd()
            refusals(tap, stack, handler)
            left = [entry for entry in stack.processes() if 'virtlogd' not in entry[1]]
            tap.ok(not [entry for entry in left if 'pci-emulator' in entry[1] or 'launcher' in entry[1]],
                   'no emulator and no launcher is left (%s)' % handler, *map(str, left))
            tap.equal(stack.close(), [], 'everything ends (%s)' % handler)


run_tests(main)
