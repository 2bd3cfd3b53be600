#!/usr/bin/env python3
# supporttest.py: the domains that support emulated PCI devices
#
# The domain capabilities, the result of define, and the domain's XML afterwards must agree for
# every machine type, with each of its names, and with and without an administrator's minimum.
#
# SPDX-License-Identifier: LGPL-2.1-or-later

import os
import re
import signal
import subprocess

from daemonstack import DaemonStack
from emulatedpcistack import domain_xml, emulated_devices, emulatedpci_xml, needs, run_tests

FIELDS = {'devicename': 'a', 'vendorid': 0x1af4, 'deviceid': 0x10f0}

# QEMU's machine types, and None for the default: each is a name that libvirt resolves, a versioned
# name, or one without PCI.
MACHINES = ('pc', 'q35', None, 'pc-i440fx-5.2', 'pc-q35-5.2', 'pc-i440fx-6.0', 'isapc')


def document(machine):
    xml = domain_xml('support', machine or 'pc', emulatedpci_xml(FIELDS))
    return xml if machine else xml.replace(" machine='pc'", '')


def capabilities(stack, machine):
    """Returns (libvirt's name of the machine type, whether devices are supported)."""
    caps = stack.virsh('domcapabilities', '--virttype', 'qemu', '--arch', 'x86_64',
                       *(('--machine', machine) if machine else ()))
    return (re.search('<machine>(.*)</machine>', caps).group(1),
            re.search("<emulatedpci supported='(yes|no)'", caps).group(1) == 'yes')


def define(stack, machine):
    """Returns None if the domain could be defined and is shown with its device, otherwise the
    message."""
    done = stack.run(['virsh', '-q', '-c', stack.uri, 'define',
                      stack.write('tmp/support.xml', document(machine))], check=False)
    if done.returncode:
        return done.stderr
    shown = stack.virsh('dumpxml', 'support')
    stack.virsh('undefine', 'support')
    return None if len(emulated_devices(shown)) == 1 else 'shown without the device: ' + shown


def check_agreement(tap, stack, what, refused):
    """REFUSED(machine): whether a machine type with this canonical name must be refused."""
    for machine in MACHINES:
        canonical, supported = capabilities(stack, machine)
        message = define(stack, machine)
        tap.equal(supported, not refused(canonical),
                  '%s: domcapabilities of %s, which is %s' % (what, machine, canonical))
        if supported:
            tap.equal(message, None, '%s: %s is defined, and shown with its device' % (what, machine))
        else:
            tap.ok(message and 'unsupported configuration: ' in message and
                   (canonical in message or 'require KVM' in message),
                   '%s: %s is refused' % (what, machine), message)


def qemu_needs_kvm():
    """Whether this host's QEMU requires KVM for devices. Then no machine type supports them
    here."""
    version = subprocess.run(['qemu-system-x86_64', '--version'], capture_output=True, text=True, check=True)
    devices = subprocess.run(['qemu-system-x86_64', '-device', 'help'], capture_output=True, text=True, check=True)
    number = tuple(map(int, re.search(r'version (\d+)\.(\d+)', version.stdout).groups()))
    return number >= (8, 2) and 'vfio-user-pci' not in devices.stdout


def older(minimum):
    def refused(canonical):
        if qemu_needs_kvm():
            return True
        version = re.match(r'pc-(?:i440fx|q35)-(\d+)\.(\d+)$', canonical)
        return not version or (int(version.group(1)), int(version.group(2))) < minimum
    return refused


def test_machines(tap, stack):
    check_agreement(tap, stack, 'no minimum', older((0, 0)))


def test_minimum(tap, stack):
    for text, minimum in (('6.0', (6, 0)), ('99.0', (99, 0)), ('', (0, 0))):
        stack.write('tmp/daemon.conf', 'machine_version_min = "%s"\n' % text)
        os.kill(stack.front, signal.SIGHUP)
        stack.wait_for(lambda: stack.read('log/daemon.log').count('configuration loaded') == test_minimum.loads,
                       'the configuration is loaded')
        test_minimum.loads += 1
        check_agreement(tap, stack, 'minimum "%s"' % text, older(minimum))


test_minimum.loads = 1


def test_minimum_attach(tap, stack):
    """A device is rejected for an existing domain, too, if its machine type is below the minimum."""
    stack.virsh('define', stack.write('tmp/plain.xml', domain_xml('plain', 'pc-i440fx-5.2')))
    stack.write('tmp/daemon.conf', 'machine_version_min = "6.0"\n')
    os.kill(stack.front, signal.SIGHUP)
    stack.wait_for(lambda: stack.read('log/daemon.log').count('configuration loaded') == test_minimum.loads,
                   'the configuration is loaded')
    device = stack.write('tmp/device.xml', emulatedpci_xml(FIELDS))
    done = stack.run(['virsh', '-q', '-c', stack.uri, 'attach-device', 'plain', device, '--config'], check=False)
    tap.ok(done.returncode and ("machine type 'pc-i440fx-5.2' is too old for emulated PCI devices" in done.stderr or
                                qemu_needs_kvm()),
           'attach is refused below the minimum', done.stderr)
    stack.virsh('undefine', 'plain')


def main(tap):
    needs('libvirtd', 'virsh', 'qemu-system-x86_64')
    with DaemonStack() as stack:
        stack.start_libvirtd()
        config = stack.write('tmp/daemon.conf', '')
        stack.start_daemon('--config', config, '--verbose', check=True)
        for test in (test_machines, test_minimum, test_minimum_attach):
            test(tap, stack)
        stack.stop_daemon()
        tap.equal(stack.close(), [], 'nothing is left')


run_tests(main)
