# systemstack.py: a libvirtd that runs as root, and virtemulatedpcid
#
# This is a real libvirtd with qemu:///system. Its directories are file systems in a separate mount
# namespace, and all processes are in a PID namespace that ends with the test, so that no file of
# the system is changed and no process remains.
#
# SPDX-License-Identifier: LGPL-2.1-or-later

import grp
import os
import re
import shutil
import subprocess
import sys
import time

from daemonstack import DaemonStack
from emulatedpcistack import LIMIT, Tap, needs, run_tests

NOBODY = 65534
GROUP = 'games'         # used as the group libvirt; every Debian system has it

LIBVIRTD = '/run/libvirt/libvirt-sock'
DAEMON = '/run/libvirt/virtemulatedpcid-sock'
TMPFS = ('/run', '/etc/libvirt', '/var/lib/libvirt', '/var/cache/libvirt', '/var/log/libvirt', '/mnt')


UNSHARE = ('unshare', '--mount', '--propagation', 'private', '--pid', '--fork', '--kill-child', '--mount-proc')


def isolate():
    """Runs this test again, in separate namespaces."""
    probe = subprocess.run(UNSHARE + ('true',), stderr=subprocess.PIPE, timeout=LIMIT, check=False)
    if probe.returncode != 0:
        Tap.skip_all('this machine gives root no namespaces: %s' % probe.stderr.decode().strip())
    return subprocess.run(UNSHARE + (sys.executable, sys.argv[0], 'inside'), timeout=10 * LIMIT,
                          check=False).returncode


def reap_orphans():
    """Returns in a child. This process is the first one of the namespace and reaps daemons: libvirt
    waits for the end of the QEMU that it has probed."""
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


def prepare(libvirtd_conf='', daemon_conf=''):
    """Empty directories for libvirtd, and the built programs in a directory where all users can run
    them."""
    for path in TMPFS:
        os.makedirs(path, exist_ok=True)
        subprocess.run(['mount', '-t', 'tmpfs', '-o', 'mode=755', 'tmpfs', path], check=True)
    os.makedirs('/run/libvirt')
    # libvirtd requires these users and groups independent of qemu.conf.
    for path, line in (('/etc/passwd', 'libvirt-qemu:x:%d:%d::/:/bin/false\n'), ('/etc/group', 'libvirt-qemu:x:%d:%.0s\n')):
        with open(path, encoding='utf-8') as file:
            text = file.read()
        if not re.search('^%s:' % line.split(':')[0], text, re.M):
            write('/mnt/names', text + line % (NOBODY, NOBODY))
            shutil.copy('/mnt/names', '/mnt/names' + path.replace('/', '-'))
            subprocess.run(['mount', '--bind', '/mnt/names' + path.replace('/', '-'), path], check=True)
    # If root can use KVM but QEMU's user cannot, libvirt probes QEMU again with each call, which
    # takes 8 s for a define. (libvirt cannot move such a mount into QEMU's namespaces.)
    if os.path.exists('/dev/kvm'):
        subprocess.run(['mount', '--bind', write('/mnt/kvm', '', 0o600), '/dev/kvm'], check=True)
    rules = 'unix_sock_group = "%s"\nunix_sock_ro_perms = "0777"\nunix_sock_rw_perms = "0770"\n' % GROUP
    write('/etc/libvirt/libvirtd.conf', rules +
          'auth_unix_ro = "none"\nauth_unix_rw = "none"\nlog_outputs = "2:file:/mnt/libvirtd.log"\n' + libvirtd_conf)
    write('/etc/libvirt/qemu.conf', 'user = "nobody"\ngroup = "nogroup"\nsecurity_driver = "none"\n'
          'stdio_handler = "file"\nnamespaces = []\n')
    # The daemon's socket is open to all users: libvirtd checks the permissions of clients.
    write('/mnt/daemon.conf', rules.replace('0770', '0777') + daemon_conf)

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
    shutil.copy(os.path.join(build, 'src/logfilter/emulatedpci-logfilter'), '/mnt/libexec')
    shutil.copy(os.path.join(build, 'src/monitor/emulatedpci-monitor'), '/mnt/libexec')
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
    """Returns (exit status, output and errors) of virsh as USER. URI is used instead of PATH."""
    uri = uri or 'qemu:///system?socket=' + path + ('-ro' if readonly else '')
    who = {}
    if user:
        who = {'user': user, 'group': user, 'extra_groups': [grp.getgrnam(name).gr_gid for name in groups]}
    done = subprocess.run(['virsh', '-q', '-c', uri] + (['-r'] if readonly else []) + list(args),
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          env={'PATH': os.environ['PATH'], 'HOME': '/mnt', 'LC_ALL': 'C'}, cwd='/',
                          timeout=LIMIT, check=False, **who)
    return done.returncode, done.stdout.decode('utf-8', 'replace').replace(path, 'SOCKET')


def start_both():
    """Starts libvirtd and the daemon. Returns both."""
    libvirtd = start(['libvirtd'], LIBVIRTD)
    return libvirtd, start(['/mnt/virtemulatedpcid', '--config', '/mnt/daemon.conf', '--launch-dir',
                            '/mnt/libexec/launch', '--definitions', '/mnt/definitions', '--builtin-definitions',
                            '/mnt/none'], DAEMON)


def main(test):
    if sys.argv[1:] == ['inside']:
        reap_orphans()
        run_tests(test)
    needs('libvirtd', 'virsh')
    if os.getuid() != 0:
        Tap.skip_all('only root can start a libvirtd of the system\'s kind')
    sys.stdout.flush()
    sys.exit(isolate())
