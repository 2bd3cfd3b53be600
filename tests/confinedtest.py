#!/usr/bin/env python3
# confinedtest.py: the daemon with the confinement of its systemd unit
#
# No systemd runs in a test. The test itself confines the daemon in the same way, as far as the
# kernel allows it to root: the capabilities of the unit, no new privileges, a file system that is
# read-only except for the unit's directories, a separate network, and sockets that are passed. If
# strace is installed, the test checks that the daemon only uses the system calls that the unit
# allows.
#
# SPDX-License-Identifier: LGPL-2.1-or-later

import os
import re
import shutil
import signal
import socket
import subprocess

from emulatedpcistack import LIMIT, domain_xml, emulatedpci_xml
from systemstack import DAEMON, GROUP, LIBVIRTD, NOBODY, main, prepare, start, virsh, write

FIELDS = {'devicename': 'citrix-pv-bus', 'vendorid': 0x5853, 'deviceid': 0xc000}

# As with systemd, everything is read-only except for these.
CONFINED = r'''
set -e
for dir in $WRITABLE; do mkdir -p $dir; mount --bind $dir $dir; done
mount -o remount,bind,ro /
for mount in /run /mnt /var/lib/libvirt /var/cache/libvirt; do mount -o remount,bind,ro $mount; done
exec $TRACE setpriv --no-new-privs --inh-caps=-all --bounding-set="$CAPS" sh -c \
    'LISTEN_PID=$$ LISTEN_FDS=2; export LISTEN_PID LISTEN_FDS; exec "$@"' sh "$@"
'''


def unit():
    path = os.path.join(os.environ['abs_top_builddir'], 'packaging/systemd/virtemulatedpcid.service')
    with open(path, encoding='utf-8') as file:
        return re.findall(r'^(\w+)=(.*)$', file.read(), re.M)


def system_calls(settings):
    """Returns the names of the system calls that the unit allows, as resolved by the installed
    systemd, or None."""
    allowed = set()

    def names(group):
        done = subprocess.run(['systemd-analyze', 'syscall-filter', '--no-pager', group], stdout=subprocess.PIPE, text=True,
                              check=True)
        found = set()
        for line in done.stdout.splitlines()[1:]:
            word = line.split('#')[0].strip()
            found |= names(word) if word.startswith('@') else {word} - {''}
        return found
    for value in (value for name, value in settings if name == 'SystemCallFilter'):
        for group in value.lstrip('~').split():
            allowed = allowed - names(group) if value.startswith('~') else allowed | names(group)
    return allowed


def listen(path):
    sock = socket.socket(socket.AF_UNIX)
    sock.bind(path)
    os.chmod(path, 0o777)
    sock.listen(100)
    return sock


def start_confined(settings, trace):
    values = dict(settings)
    caps = '-all,' + ','.join('+' + cap[4:].lower() for cap in values['CapabilityBoundingSet'].split())
    sockets = [listen(DAEMON), listen(DAEMON + '-ro')]
    # The descriptors must be 3 and 4, in a shell that starts no other program with them.
    env = dict(os.environ, CAPS=caps, TRACE=trace, WRITABLE=re.sub(r'\S+/launch\b', '/mnt/libexec/launch', values['ReadWritePaths'].replace('-/', '/')))
    command = 'exec 3<&%d 4<&%d; exec unshare --mount --net sh -c "$0" sh "$@"' % tuple(sock.fileno() for sock in sockets)
    with open('/mnt/output', 'ab') as log:
        process = subprocess.Popen(['bash', '-c', command, CONFINED, '/mnt/virtemulatedpcid', '--launch-dir',
                                    '/mnt/libexec/launch', '--definitions', '/etc/libvirt/emulatedpci',
                                    '--schema-dir', '/mnt/schemas', '--builtin-definitions', '/mnt/none'],
                                   env=env, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                   pass_fds=[sock.fileno() for sock in sockets])
    for sock in sockets:
        sock.close()
    return process


def listeners(pid):
    """Returns [PID], or the processes that PID started if it is strace."""
    done = subprocess.run(['pgrep', '-x', '-P', str(pid), 'virtemulatedpci'], stdout=subprocess.PIPE, text=True, check=False)
    with open('/proc/%d/comm' % pid, encoding='ascii') as file:
        traced = file.read().strip() == 'strace'
    return [int(word) for word in done.stdout.split()] if traced else [pid]


def test(tap):
    prepare()
    shutil.copytree(os.path.join(os.environ['abs_top_builddir'], 'docs/schemas'), '/mnt/schemas')
    start(['libvirtd'], LIBVIRTD)
    settings = unit()
    trace = 'strace -f -qq -o /var/log/libvirt/trace -e trace=all --' if shutil.which('strace') else ''
    daemon = start_confined(settings, trace)

    path = write('/mnt/confined.xml', domain_xml('confined', 'pc', emulatedpci_xml(FIELDS)))
    member = {'user': NOBODY, 'groups': [GROUP]}
    for who, options in (('root', {}), ('a member of the group', member)):
        status, text = virsh(DAEMON, 'define', '--validate', path, **options)
        tap.ok(status == 0, '%s defines a domain' % who, text)
        status, text = virsh(DAEMON, 'dumpxml', 'confined', **options)
        tap.ok(status == 0 and '<emulatedpci ' in text, 'and gets it', text)
        name = who[0] + str(len(who))
        device = write('/mnt/device.xml', '<device><name>emulatedpci_%s</name><capability type="emulatedpci" devicename="x">'
                       '<config vendorid="0x5853" deviceid="0xc001"/></capability></device>' % name)
        status, text = virsh(DAEMON, 'nodedev-define', device, **options)
        tap.ok(status == 0 and os.path.exists('/etc/libvirt/emulatedpci/emulatedpci_%s.xml' % name),
               'a definition is kept', text)
        status, text = virsh(DAEMON, 'nodedev-undefine', 'emulatedpci_' + name, **options)
        tap.ok(status == 0, 'and gone', text)
        virsh(DAEMON, 'undefine', 'confined', **options)
    virsh(DAEMON, 'define', path)
    status, text = virsh(DAEMON, 'list', '--all', user=NOBODY, readonly=True)
    tap.ok(status == 0 and 'confined' in text, 'a read-only client is served', text)
    status, text = virsh(DAEMON, 'domcapabilities')
    tap.ok(status == 0 and '<emulatedpci supported=' in text, 'a QEMU program is looked at', text)

    for pid in listeners(daemon.pid):
        os.kill(pid, signal.SIGTERM)
    daemon.wait(LIMIT)
    with open('/mnt/output', encoding='utf-8', errors='replace') as log:
        output = log.read()
    tap.ok('cannot' not in output and 'denied' not in output, 'nothing was missing', output)
    if not trace or not shutil.which('systemd-analyze'):
        tap.skip('the system calls', 'strace and systemd-analyze are needed to see them')
        return
    with open('/var/log/libvirt/trace', encoding='utf-8', errors='replace') as log:
        text = log.read()
    # The system calls of setpriv and the shell precede the unit's filter.
    used = set(re.findall(r'^\d+ +(\w+)\(', text[text.rindex('execve("/mnt/virtemulatedpcid"'):], re.M))
    tap.ok(len(used) > 30, 'it was looked at', text[:2000])
    tap.equal(sorted(used - system_calls(settings) - {'exit', 'execve'}), [], 'all system calls are among the unit\'s')


main(test)
