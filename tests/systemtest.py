#!/usr/bin/env python3
# systemtest.py: virtemulatedpcid with a libvirtd that runs as root
#
# Tests the access of root, of a member of libvirt's group, of another user, and through the
# read-only socket.
#
# SPDX-License-Identifier: LGPL-2.1-or-later

import os
import re
import shutil
import socket
import subprocess
import time

from daemonstack import DaemonStack
from emulatedpcistack import LIMIT, domain_xml, emulatedpci_xml
from systemstack import DAEMON, GROUP, LIBVIRTD, NOBODY, main, prepare, start_both, virsh, write

# A user who is neither root nor QEMU's
OTHER = 1

FIELDS = {'devicename': 'citrix-pv-bus', 'vendorid': 0x5853, 'deviceid': 0xc000}


def test(tap):
    prepare()
    start_both()
    xml = domain_xml('system', 'pc', emulatedpci_xml(FIELDS))
    path = write('/mnt/system.xml', xml)

    status, text = virsh(DAEMON, 'define', path)
    tap.ok(status == 0, 'root defines', text)
    status, text = virsh(DAEMON, 'dumpxml', 'system')
    tap.ok(status == 0 and '<emulatedpci ' in text and "<address type='pci'" in text,
           'and gets the device with an address', text)
    status, text = virsh(DAEMON, 'start', '--paused', 'system')
    tap.ok(status == 0, 'root starts it', text)
    for operation in ('prepare', 'start', 'started'):
        with open('/mnt/hook.' + operation, encoding='utf-8') as file:
            lifted = file.read()
        tap.ok("<emulatedpci devicename='citrix-pv-bus'>" in lifted and 'qemu:override' not in lifted,
               'a hook lifts what libvirtd gives it: ' + operation, lifted)
    status, text = virsh(DAEMON, 'destroy', 'system')
    tap.ok(status == 0, 'and ends it', text)

    status, text = virsh(DAEMON, 'dumpxml', 'system', user=NOBODY, groups=[GROUP])
    tap.ok(status == 0 and '<emulatedpci ' in text, 'a member of the group reads', text)
    status, text = virsh(DAEMON, 'undefine', 'system', user=NOBODY, groups=[GROUP])
    tap.ok(status == 0, 'undefines', text)
    status, text = virsh(DAEMON, 'define', path, user=NOBODY, groups=[GROUP])
    tap.ok(status == 0, 'and defines', text)

    status, text = virsh(DAEMON, 'list', user=NOBODY)
    tap.ok(status == 1 and 'Permission denied' in text, 'a user outside of it is refused', text)
    tap.equal(virsh(LIBVIRTD, 'list', user=NOBODY)[0], status, 'as without the daemon')

    status, text = virsh(DAEMON, 'dumpxml', 'system', user=NOBODY, readonly=True)
    tap.ok(status == 0 and '<emulatedpci ' in text, 'but reads through the read-only socket', text)
    for user, groups in ((NOBODY, []), (NOBODY, [GROUP]), (0, [])):
        got = virsh(DAEMON, 'define', path, user=user, groups=groups, readonly=True)
        tap.ok(got[0] == 1 and 'read only access' in got[1],
               'which stays read-only for user %d with groups %r' % (user, groups), got)
        got = virsh(DAEMON, 'undefine', 'system', user=user, groups=groups, readonly=True)
        want = virsh(LIBVIRTD, 'undefine', 'system', user=user, groups=groups, readonly=True)
        tap.equal(got, want, 'with the very error of a direct connection')

    # Replaces virt-ssh-helper on an ssh server.
    ssh = write('/mnt/ssh', '#!/bin/sh\nwhile [ "$1" != -- ]; do shift; done\nexec sh -c "$3"\n', 0o755)
    for uri in ('emulatedpci:///system', 'emulatedpci+ssh://host/system?command=' + ssh):
        status, text = virsh(DAEMON, 'dumpxml', 'system', user=NOBODY, groups=[GROUP], uri=uri)
        tap.ok(status == 0 and '<emulatedpci ' in text, '%s leads to the daemon' % uri, text)
        status, text = virsh(DAEMON, 'dumpxml', 'system', user=NOBODY, readonly=True, uri=uri)
        tap.ok(status == 0 and '<emulatedpci ' in text, 'and read-only, to its other socket', text)
        status, text = virsh(DAEMON, 'undefine', 'system', user=NOBODY, readonly=True, uri=uri)
        tap.ok(status == 1 and 'read only access' in text, 'where nothing can be changed', text)

    test_relay(tap)
    test_launchers(tap)
    test_definitions(tap)
    test_attached(tap)


def test_relay(tap):
    """A device is attached to a running domain only if QEMU's user has started its relay."""
    path = write('/mnt/live.xml', emulatedpci_xml(dict(FIELDS, devicename='live')))
    member = {'user': OTHER, 'groups': [GROUP]}

    virsh(DAEMON, 'start', '--paused', 'system')
    status, text = virsh(DAEMON, 'dumpxml', 'system', **member)
    tap.ok("model='dac'" in text and '<label>+%d:' % NOBODY in text, "libvirt shows QEMU's user", text)
    for client in {}, member:
        status, text = virsh(DAEMON, 'attach-device', 'system', path, '--live', **client)
        tap.ok(status == 0, 'user %d attaches a device' % client.get('user', 0), text)
    virsh(DAEMON, 'destroy', 'system')

    os.rename('/mnt/libexec/emulatedpci-monitor', '/mnt/libexec/away')
    virsh(DAEMON, 'start', '--paused', 'system')
    os.rename('/mnt/libexec/away', '/mnt/libexec/emulatedpci-monitor')
    name = 'emulatedpci-monitor/%s/%d/2' % (virsh(DAEMON, 'domuuid', 'system')[1].strip(), os.getpid())
    os.seteuid(OTHER)
    with socket.socket(socket.AF_UNIX) as marker:
        marker.bind('\0' + name)
        os.seteuid(0)
        status, text = virsh(DAEMON, 'attach-device', 'system', path, '--live')
        tap.ok(status == 1 and 'it has no emulatedpci-monitor' in text, 'the socket of another user is ignored', text)
    tap.equal(virsh(LIBVIRTD, 'dumpxml', 'system')[1].count("model='lsilogic'"), 1, 'and the domain has no other controller')
    virsh(DAEMON, 'destroy', 'system')


def test_launchers(tap):
    """A domain with a QEMU program that belongs to root: the daemon creates the link to the
    launcher."""
    member = {'user': NOBODY, 'groups': [GROUP]}
    links = set(os.listdir('/mnt/libexec/launch'))

    def define(emulator, *args):
        text = domain_xml('launched', 'pc', emulatedpci_xml(FIELDS))
        text = re.sub('<emulator>.*</emulator>', '', text)
        path = write('/mnt/launched.xml', text.replace('<devices>', '<devices><emulator>%s</emulator>' % emulator))
        return virsh(DAEMON, 'define', path, *args, **member)

    os.makedirs('/mnt/opt/bin')
    os.symlink('/usr/bin/qemu-system-x86_64', '/mnt/opt/bin/qemu-kvm')
    status, text = define('/mnt/opt/bin/qemu-kvm')
    tap.ok(status == 0, 'a user defines a domain of another QEMU', text)
    added = set(os.listdir('/mnt/libexec/launch')) - links
    tap.equal(added, {r'mnt-opt-bin-qemu\x2dkvm'}, 'the daemon makes one link for it')
    status, text = virsh(DAEMON, 'dumpxml', 'launched', **member)
    tap.ok('<emulator>/mnt/opt/bin/qemu-kvm</emulator>' in text and '<emulatedpci ' in text, 'the user sees that QEMU', text)
    status, text = virsh(DAEMON, 'start', '--paused', 'launched', **member)
    tap.ok(status == 0, 'the domain starts', text)
    virsh(DAEMON, 'destroy', 'launched', **member)
    virsh(DAEMON, 'undefine', 'launched', **member)

    os.makedirs('/mnt/theirs/bin')
    for name in ('qemu-kvm', 'monitor'):
        shutil.copy('/bin/true', '/mnt/theirs/bin/' + name)
    shutil.copy('/bin/true', '/mnt/opt/bin/monitor')
    os.chown('/mnt/theirs', NOBODY, NOBODY)
    os.symlink('/mnt/theirs/bin/qemu-kvm', '/mnt/opt/bin/qemu-theirs')
    for emulator, reason in (('/mnt/theirs/bin/qemu-kvm', "users other than root can change '/mnt/theirs'"),
                             ('/mnt/opt/bin/qemu-theirs', "users other than root can change '/mnt/theirs'"),
                             ('/mnt/opt/bin/monitor', "program whose name contains 'qemu' or 'kvm'")):
        status, text = define(emulator)
        tap.ok(status == 1 and "QEMU '%s' has no launcher" % emulator in text and reason in text and
               'emulatedpci-launcher --add %s' % emulator in text.replace("'", ''), 'not for ' + emulator, text)
    status, text = define('/mnt/opt/bin/qemu-none')
    tap.ok(status == 1 and "cannot run QEMU '/mnt/opt/bin/qemu-none': No such file or directory" in text,
           'a QEMU that is not there', text)
    tap.equal(set(os.listdir('/mnt/libexec/launch')), links | added, 'no other link is made')


def test_definitions(tap):
    """A connection process runs as the user of its client; the definitions belong to root."""
    def define(name, **who):
        path = write('/mnt/%s.xml' % name, '<device><name>emulatedpci_%s</name><capability type="emulatedpci" '
                     'devicename="%s"><config vendorid="0x5853" deviceid="0xc001"/></capability></device>'
                     % (name, name))
        return virsh(DAEMON, 'nodedev-define', path, **who)

    member = {'user': NOBODY, 'groups': [GROUP]}
    status, text = define('root')
    tap.ok(status == 0, 'root defines a device', text)
    status, text = define('member', **member)
    tap.ok(status == 0, 'and so does a member of the group', text)
    found = [os.stat('/mnt/definitions/emulatedpci_member.xml'), os.stat('/mnt/definitions')]
    tap.equal([(entry.st_uid, entry.st_mode & 0o777) for entry in found], [(0, 0o644), (0, 0o755)],
              'which is root\'s on disk')
    status, text = define('outsider', user=NOBODY)
    tap.ok(status == 1 and 'Permission denied' in text, 'a user outside of it does not', text)
    status, text = virsh(DAEMON, 'nodedev-list', user=NOBODY, readonly=True)
    tap.ok(status == 0 and 'emulatedpci_member' in text, 'but sees it through the read-only socket', text)
    for user, groups in ((NOBODY, []), (NOBODY, [GROUP]), (0, [])):
        for args in (['nodedev-define', '/mnt/root.xml'], ['nodedev-undefine', 'emulatedpci_root'],
                     ['nodedev-destroy', 'emulatedpci_root'], ['nodedev-create', '/mnt/outsider.xml'],
                     ['nodedev-autostart', '--disable', 'emulatedpci_root']):
            status, text = virsh(DAEMON, *args, user=user, groups=groups, readonly=True)
            tap.ok(status == 1 and 'read only access' in text,
                   '%s there is refused to user %d with groups %r' % (args[0], user, groups), text)
    # Without -r, because the library would reject the call itself; the daemon has to reject it.
    status, text = virsh(DAEMON, 'nodedev-undefine', 'emulatedpci_root',
                         uri='qemu:///system?socket=%s-ro' % DAEMON)
    tap.ok(status == 1 and 'read only access' in text, 'whatever the client says that it is', text)

    path = write('/mnt/using.xml', domain_xml('using', 'pc', '<emulatedpci definition="emulatedpci_member"/>'))
    status, text = virsh(DAEMON, 'define', path)
    tap.ok(status == 0, 'root uses what the member has defined', text)
    status, text = virsh(DAEMON, 'nodedev-undefine', 'emulatedpci_member', **member)
    tap.ok(status == 1 and "'using'" in text, 'who then cannot undefine it', text)
    virsh(DAEMON, 'undefine', 'using')
    status, text = virsh(DAEMON, 'nodedev-undefine', 'emulatedpci_member', **member)
    tap.ok(status == 0 and os.listdir('/mnt/definitions') == ['emulatedpci_root.xml'], 'until it is free again', text)


def test_attached(tap):
    """Domains of a user such as libvirt-qemu share an emulator of root that already runs."""
    log = open('/mnt/emulator.log', 'w+b')  # pylint: disable=consider-using-with
    emulators = [subprocess.Popen(['/mnt/libexec/pci-emulator', '--listen', *args], stdin=subprocess.DEVNULL,
                                  stdout=log, stderr=log) for args in (['--allow-user', 'nobody'], [])]
    deadline = time.monotonic() + LIMIT
    while not all(DaemonStack.listens('/run/emulatedpci/%d.sock' % emulator.pid, socket.SOCK_SEQPACKET)
                  for emulator in emulators):
        if time.monotonic() > deadline or any(emulator.poll() is not None for emulator in emulators):
            log.seek(0)
            raise RuntimeError('an emulator does not listen: %r' % log.read())
        time.sleep(0.05)
    shared, closed = emulators

    def define(name, pid):
        device = emulatedpci_xml(FIELDS).replace('</emulatedpci>', '<driver pid="%d"/></emulatedpci>' % pid)
        status, text = virsh(DAEMON, 'define', write('/mnt/%s.xml' % name, domain_xml(name, 'pc', device)))
        tap.ok(status == 0, 'a domain whose device process %s serves' % name, text)

    def starts(name):
        status, text = virsh(DAEMON, 'start', '--paused', name)
        tap.ok(status == 0, 'starts: %s' % name, text)
        # Slot 2, read through the device as by a guest: "info pci" shows QEMU's own data.
        virsh(DAEMON, 'qemu-monitor-command', name, '--hmp', 'o /w 0xcf8 0x80001000')
        status, text = virsh(DAEMON, 'qemu-monitor-command', name, '--hmp', 'i /w 0xcfc')
        tap.ok(status == 0 and '0xc0005853' in text, 'and the device answers', text)

    names = ('first', 'second')
    for name in names:
        define(name, shared.pid)
        starts(name)
    tap.equal([virsh(DAEMON, 'destroy', 'first')[0], virsh(DAEMON, 'domstate', 'second')[1].strip()], [0, 'paused'],
              'one ends, the other one goes on')
    starts('first')
    for name in names:
        virsh(DAEMON, 'destroy', name)
    tap.equal(shared.poll(), None, 'the emulator outlives both')

    define('third', closed.pid)
    status, text = virsh(DAEMON, 'start', 'third')
    tap.ok(status == 1 and "with pid %d: Permission denied" % closed.pid in text,
           'one that does not permit the user', text)
    for emulator in emulators:
        emulator.terminate()
        emulator.wait(LIMIT)
    status, text = virsh(DAEMON, 'start', 'first')
    tap.ok(status == 1 and 'with pid %d' % shared.pid in text, 'one that has gone cannot be attached to', text)


main(test)
