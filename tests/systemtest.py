#!/usr/bin/env python3
# systemtest.py: virtemulatedpcid in front of a libvirtd that runs as root
#
# Who gets what: root, a member of libvirt's group, a user outside it, and the
# read-only socket. The libvirtd is a real one, qemu:///system; its directories are
# file systems of a mount namespace of the test's own, and all processes are
# in a PID namespace that ends with it, so that nothing of the machine's is touched
# and nothing stays.
#
# SPDX-License-Identifier: LGPL-2.1-or-later

import grp
import os
import re
import shutil
import socket
import subprocess
import sys
import time

from daemonstack import DaemonStack
from emulatedpcistack import LIMIT, Tap, domain_xml, emulatedpci_xml, needs, run_tests

NOBODY = 65534
GROUP = 'games'         # stands for the group libvirt; every Debian has it
FIELDS = {'devicename': 'citrix-pv-bus', 'vendorid': 0x5853, 'deviceid': 0xc000}

LIBVIRTD = '/run/libvirt/libvirt-sock'
DAEMON = '/run/libvirt/virtemulatedpcid-sock'
TMPFS = ('/run', '/etc/libvirt', '/var/lib/libvirt', '/var/cache/libvirt', '/var/log/libvirt', '/mnt')


UNSHARE = ('unshare', '--mount', '--propagation', 'private', '--pid', '--fork', '--kill-child', '--mount-proc')


def isolate():
    """Runs this test again, in namespaces of its own."""
    probe = subprocess.run(UNSHARE + ('true',), stderr=subprocess.PIPE, timeout=LIMIT, check=False)
    if probe.returncode != 0:
        Tap.skip_all('this machine gives root no namespaces: %s' % probe.stderr.decode().strip())
    return subprocess.run(UNSHARE + (sys.executable, __file__, 'inside'), timeout=10 * LIMIT,
                          check=False).returncode


def reap_orphans():
    """Returns in a child; this process, the namespace's first one, reaps what
    daemonises: libvirt waits until the QEMU that it probed is gone."""
    test_pid = os.fork()
    if test_pid == 0:
        return
    while True:
        pid, status = os.wait()
        if pid == test_pid:
            sys.exit(os.waitstatus_to_exitcode(status) != 0)


def write(path, text, mode=0o644):
    with open(path, 'w', encoding='utf-8') as file:
        file.write(text)
    os.chmod(path, mode)
    return path


def prepare():
    """Empty directories for libvirtd, and our programs where everybody can run them."""
    for path in TMPFS:
        os.makedirs(path, exist_ok=True)
        subprocess.run(['mount', '-t', 'tmpfs', '-o', 'mode=755', 'tmpfs', path], check=True)
    os.makedirs('/run/libvirt')
    # libvirtd asks for them whatever qemu.conf says.
    for path, line in (('/etc/passwd', 'libvirt-qemu:x:%d:%d::/:/bin/false\n'), ('/etc/group', 'libvirt-qemu:x:%d:%.0s\n')):
        with open(path, encoding='utf-8') as file:
            text = file.read()
        if not re.search('^%s:' % line.split(':')[0], text, re.M):
            write('/mnt/names', text + line % (NOBODY, NOBODY))
            shutil.copy('/mnt/names', '/mnt/names' + path.replace('/', '-'))
            subprocess.run(['mount', '--bind', '/mnt/names' + path.replace('/', '-'), path], check=True)
    # If root can use KVM, and QEMU's user cannot, libvirt probes QEMU again with
    # each call: 8 s a define. (It cannot move such a mount into namespaces of QEMU's.)
    if os.path.exists('/dev/kvm'):
        subprocess.run(['mount', '--bind', write('/mnt/kvm', '', 0o600), '/dev/kvm'], check=True)
    rules = 'unix_sock_group = "%s"\nunix_sock_ro_perms = "0777"\nunix_sock_rw_perms = "0770"\n' % GROUP
    write('/etc/libvirt/libvirtd.conf', rules +
          'auth_unix_ro = "none"\nauth_unix_rw = "none"\nlog_outputs = "2:file:/mnt/libvirtd.log"\n')
    write('/etc/libvirt/qemu.conf', 'user = "nobody"\ngroup = "nogroup"\nsecurity_driver = "none"\n'
          'stdio_handler = "file"\nnamespaces = []\n')
    # Ours lets everybody in: what a client may then do is libvirtd's to say.
    write('/mnt/daemon.conf', rules.replace('0770', '0777'))

    build = os.environ['abs_top_builddir']
    shutil.copy(os.path.join(build, 'tools/virt-emulatedpci'), '/mnt/virt-emulatedpci')
    # The hook of docs/deployment.md
    os.makedirs('/etc/libvirt/hooks')
    write('/etc/libvirt/hooks/qemu', '#!/bin/sh\n/mnt/virt-emulatedpci lift --launch-dir /mnt/libexec/launch - '
          '> /mnt/hook."$2"\n', 0o755)
    os.makedirs('/mnt/libexec/launch')
    shutil.copy(os.path.join(build, 'src/daemon/virtemulatedpcid'), '/mnt/virtemulatedpcid')
    shutil.copy(os.path.join(build, 'src/launcher/emulatedpci-launcher'), '/mnt/libexec')
    shutil.copy(os.path.join(build, 'src/emulator/pci-emulator'), '/mnt/libexec')
    os.symlink('../emulatedpci-launcher', '/mnt/libexec/launch/qemu-system-x86_64')


def start(args, path):
    with open('/mnt/output', 'ab') as log:
        process = subprocess.Popen(args, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
    deadline = time.monotonic() + LIMIT
    while not DaemonStack.listens(path):
        if process.poll() is not None or time.monotonic() > deadline:
            with open('/mnt/libvirtd.log', encoding='utf-8', errors='replace') as log:
                raise RuntimeError('%s does not listen: %s' % (args[0], log.read()))
        time.sleep(0.05)
    return process


def virsh(path, *args, user=0, groups=(), readonly=False, uri=None):
    """(exit status, output and errors) of virsh as USER. URI is used instead of
    PATH."""
    uri = uri or 'qemu:///system?socket=' + path + ('-ro' if readonly else '')
    who = {}
    if user:
        who = {'user': user, 'group': user, 'extra_groups': [grp.getgrnam(name).gr_gid for name in groups]}
    done = subprocess.run(['virsh', '-q', '-c', uri] + (['-r'] if readonly else []) + list(args),
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          env={'PATH': os.environ['PATH'], 'HOME': '/mnt', 'LC_ALL': 'C'}, cwd='/',
                          timeout=LIMIT, check=False, **who)
    return done.returncode, done.stdout.decode('utf-8', 'replace').replace(path, 'SOCKET')


def test(tap):
    prepare()
    start(['libvirtd'], LIBVIRTD)
    start(['/mnt/virtemulatedpcid', '--config', '/mnt/daemon.conf', '--launch-dir', '/mnt/libexec/launch',
           '--definitions', '/mnt/definitions', '--builtin-definitions', '/mnt/none'], DAEMON)
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

    # What an ssh server would run: virt-ssh-helper.
    ssh = write('/mnt/ssh', '#!/bin/sh\nwhile [ "$1" != -- ]; do shift; done\nexec sh -c "$3"\n', 0o755)
    for uri in ('emulatedpci:///system', 'emulatedpci+ssh://host/system?command=' + ssh):
        status, text = virsh(DAEMON, 'dumpxml', 'system', user=NOBODY, groups=[GROUP], uri=uri)
        tap.ok(status == 0 and '<emulatedpci ' in text, '%s leads to the daemon' % uri, text)
        status, text = virsh(DAEMON, 'dumpxml', 'system', user=NOBODY, readonly=True, uri=uri)
        tap.ok(status == 0 and '<emulatedpci ' in text, 'and read-only, to its other socket', text)
        status, text = virsh(DAEMON, 'undefine', 'system', user=NOBODY, readonly=True, uri=uri)
        tap.ok(status == 1 and 'read only access' in text, 'where nothing can be changed', text)

    test_definitions(tap)
    test_attached(tap)


def test_definitions(tap):
    """A connection's process has its client's user; the definitions are root's."""
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
    # No -r: the library lets it pass, and the daemon has to refuse.
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
    """Domains of a user's, libvirt-qemu say, share an emulator of root's that runs already."""
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
        # Slot 2, as a guest would ask: "info pci" shows what QEMU has, not the device.
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


def main():
    if sys.argv[1:] == ['inside']:
        reap_orphans()
        run_tests(test)
    needs('libvirtd', 'virsh')
    if os.getuid() != 0:
        Tap.skip_all('only root can start a libvirtd of the system\'s kind')
    sys.stdout.flush()
    sys.exit(isolate())


main()
