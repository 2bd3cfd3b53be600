#!/usr/bin/env python3
# clientmigratetest.py: virsh migrate, save and restore through virtemulatedpcid
#
# Two libvirtds run, each with a virtemulatedpcid. For libvirt, they are different hosts, with
# different names and UUIDs. A domain that is not running is migrated with its emulated devices, in
# both directions, through one or both daemons, by the client or by libvirtd itself. Operations that
# QEMU or libvirt rejects fail with the same error as for a direct client.
#
# SPDX-License-Identifier: LGPL-2.1-or-later

import os
import re
import subprocess

from clientutil import CITRIX, DEVICE, NETCAT, SECOND, become_another_host, start_host
from daemonstack import DaemonStack
from emulatedpcistack import Tap, domain_xml, emulatedpci_xml, needs, run_tests
from qemutransports import VFIO_USER, qemu_transports


def lower(stack, xml):
    """The XML that a client without the daemon has to write."""
    return subprocess.run([os.path.join(stack.build, 'tools/virt-emulatedpci'), 'lower', '--launch-dir',
                           stack.launch_dir], input=xml, stdout=subprocess.PIPE, encoding='utf-8', check=True).stdout


def alike(tap, stack, what, pattern, words, xml=None):
    """Checks that virsh WORDS fails with the same error through the daemon and without it. XML is
    written to the file that is the last word; without the daemon it is lowered first."""
    errors = []
    for uri, text in ((stack.uri, xml), (stack.direct_uri, xml and lower(stack, xml))):
        done = stack.run(['virsh', '-q', '-c', uri] + words + ([stack.write('tmp/alike.xml', text)] if xml else []),
                         check=False)
        errors.append((done.returncode, done.stderr))
    tap.ok(errors[0] == errors[1] and errors[0][0] == 1 and re.search(pattern, errors[0][1]) is not None,
           what + ': the error of a direct client', *errors)


class Move:
    """Migrates a domain that is not running from SOURCE to TARGET, and checks the result."""

    def __init__(self, tap, source, target):
        self.tap = tap
        self.source = source
        self.target = target
        xml = domain_xml('traveller', 'pc', emulatedpci_xml(CITRIX, 'ua-first') + emulatedpci_xml(SECOND))
        source.virsh('define', source.write('tmp/traveller.xml', xml))
        self.shown = source.virsh('dumpxml', 'traveller')
        self.stock = source.direct('dumpxml', 'traveller')

    def migrate(self, source_uri, target_uri, *options):
        """Returns the XML of the domain on TARGET: (through its daemon, without it)."""
        self.source.run(['virsh', '-q', '-c', source_uri, 'migrate', '--offline', '--persistent', 'traveller',
                         target_uri, '--migrateuri', 'tcp://127.0.0.1'] + list(options))
        arrived = self.target.virsh('dumpxml', 'traveller'), self.target.direct('dumpxml', 'traveller')
        self.target.virsh('undefine', 'traveller')
        return arrived

    def arrives(self, what, source_uri, target_uri, *options):
        self.tap.equal(self.migrate(source_uri, target_uri, *options), (self.shown, self.stock),
                       what + ': it arrives as it was')


def try_offline(tap, source, target):
    move = Move(tap, source, target)
    move.arrives('migrate --offline', source.uri, target.uri)
    move.arrives('migrate from a client without the daemon', source.direct_uri, target.uri)
    move.arrives('migrate to a host that is reached without it', source.uri, target.direct_uri)
    # libvirtd requires the name of another host. The transport is not part of this test.
    netcat = target.write('tmp/netcat', NETCAT % target.socket)
    os.chmod(netcat, 0o755)
    remote = 'qemu+ext://emulatedpci-target/session?command=' + netcat
    move.arrives('migrate --p2p, by libvirtd itself', source.uri, remote, '--p2p')

    # The user's XML for the other host, which libvirt processes
    changed = move.shown.replace('<name>traveller</name>', '<name>traveller</name>\n  <title>changed</title>').replace(
        "deviceid='0x1234'", "deviceid='0x4321'")
    lifted = source.write('tmp/changed.xml', changed)
    stock = source.write('tmp/stock.xml', lower(source, changed))
    for option in ('--xml', '--persistent-xml'):
        for what, uri, extra in (('migrate ' + option, target.uri, []), ('migrate --p2p ' + option, remote, ['--p2p'])):
            got = move.migrate(source.uri, uri, *extra, option, lifted)
            tap.equal(got, move.migrate(source.direct_uri, uri, *extra, option, stock),
                      what + ': what a direct client gets with stock XML')
            if option == '--xml':
                tap.ok('<title>changed</title>' in got[0] and "deviceid='0x4321'" in got[0],
                       what + ': with the changes', got[0])

    words = ['migrate', '--offline', '--persistent', 'traveller', target.uri, '--migrateuri', 'tcp://127.0.0.1', '--xml']
    alike(tap, source, 'migrate --xml: another address', 'Target device PCI address 0000:00:09.0 ?does not match',
          words, move.shown.replace("slot='0x02'", "slot='0x09'"))
    alike(tap, source, 'migrate --xml: one device more', 'Target domain .*controller count [0-9]+ does not match',
          words, move.shown.replace('</emulatedpci>', '</emulatedpci>' + DEVICE, 1))
    done = source.run(['virsh', '-q', '-c', source.uri] + words + [source.write('tmp/bad.xml', move.shown.replace(
        "vendorid='0x1af4'", "vendorid='x'"))], check=False)
    tap.ok(done.returncode == 1 and re.search("vendorid.*'x'|'x'.*vendorid", done.stderr) is not None,
           'migrate --xml: an error in the element', done.stderr)
    tap.equal(target.virsh('list', '--all', '--name').split(), [], 'and nothing arrives')
    source.virsh('undefine', 'traveller')


def try_running(tap, source, target):
    """QEMU does not migrate a device in another process unless its state is migrated, too."""
    transports, reason = qemu_transports()
    if not transports or transports[0] == VFIO_USER:
        tap.skip('a running domain is not migrated', reason or 'this QEMU does it: statetest.py')
        return
    move = Move(tap, source, target)
    source.virsh('start', '--paused', 'traveller')
    refusal = 'x-pci-proxy-dev does not support migration'
    for what, options in (('migrate', []), ('migrate --live --persistent', ['--live', '--persistent'])):
        words = ['migrate', 'traveller', target.uri, '--migrateuri', 'tcp://127.0.0.1'] + options
        errors = [source.run(['virsh', '-q', '-c', uri] + words, check=False).stderr
                  for uri in (source.uri, source.direct_uri)]
        tap.ok(refusal in errors[1] and errors[0] == errors[1].replace('; ' + refusal, '').replace(
            refusal, refusal + ": 'vfio-user-pci' of QEMU 10.1 or newer is required"),
               what + ' of a running domain: the error of a direct client, and what would help', *errors)
    tap.equal((source.state('traveller'), target.virsh('list', '--all', '--name').split()), ('paused', []),
              'it stays where it is')
    tap.equal(source.virsh('dumpxml', '--inactive', 'traveller'), move.shown, 'as it was')
    source.virsh('destroy', 'traveller')
    source.virsh('undefine', 'traveller')


def try_saved(tap, stack, _):
    """A saved domain does not get a device that it did not have when it was saved."""
    stack.virsh('define', stack.write('tmp/saved.xml', domain_xml('saved', 'pc')))
    stack.virsh('start', '--paused', 'saved')
    image = stack.path('guest/image')
    stack.virsh('save', 'saved', image)
    more = stack.virsh('save-image-dumpxml', image).replace('<devices>', '<devices>\n' + DEVICE.rstrip('\n'))
    refusal = 'Target domain .* does not match source'
    alike(tap, stack, 'restore --xml', refusal, ['restore', image, '--paused', '--xml'], more)
    alike(tap, stack, 'save-image-define', refusal, ['save-image-define', image, '--xml'], more)
    stack.virsh('restore', image, '--paused', '--xml', stack.write('tmp/title.xml', more.replace(
        DEVICE, '').replace('</name>', '</name><title>other</title>').replace('\n' + DEVICE.rstrip('\n'), '')))
    tap.ok('<title>other</title>' in stack.virsh('dumpxml', 'saved'), 'restore --xml without it restores')

    stack.virsh('managedsave', 'saved')
    more = stack.virsh('managedsave-dumpxml', 'saved').replace('<devices>', '<devices>\n' + DEVICE.rstrip('\n'))
    alike(tap, stack, 'managedsave-define', refusal, ['managedsave-define', 'saved', '--xml'], more)
    stack.virsh('start', 'saved', '--paused')
    tap.equal(stack.state('saved'), 'paused', 'and it can still be started')
    stack.virsh('destroy', 'saved')
    stack.virsh('undefine', 'saved')


def main(tap):
    needs('libvirtd', 'virsh', 'qemu-system-x86_64')
    with DaemonStack() as source:
        start_host(source, '7d5a8a5e-7f8b-4c11-9f0f-000000000001')
        reason = become_another_host('emulatedpci-target')
        if reason:
            source.close()
            Tap.skip_all('no second host for libvirt on this machine: unshare: %s' % reason)
        with DaemonStack() as target:
            # The launcher has the same path on both hosts.
            start_host(target, '7d5a8a5e-7f8b-4c11-9f0f-000000000002', '--launch-dir', source.launch_dir)
            for part in (try_offline, try_running, try_saved):
                part(tap, source, target)
            for stack, which in ((source, 'source'), (target, 'target')):
                tap.ok('killed by signal' not in stack.read('log/daemon.log'), '%s: no process of the daemon crashed' % which,
                       stack.read('log/daemon.log'))
            tap.equal(target.close(), [], 'target: everything ended by itself')
        tap.equal(source.close(), [], 'source: everything ended by itself')


run_tests(main)
