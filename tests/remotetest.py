#!/usr/bin/env python3
# remotetest.py: virtemulatedpcid from another host, and by its own URI
#
# A replacement for ssh runs the command on this host, as sshd would on the other one. The command
# of libvirt's client, virt-ssh-helper and, if it is installed, netcat are the real ones.
#
# SPDX-License-Identifier: LGPL-2.1-or-later

import os
import shutil

from clientutil import NETCAT
from daemonstack import DaemonStack
from emulatedpcistack import PATH, domain_xml, emulated_devices, emulatedpci_xml, needs, run_tests

FIELDS = {'devicename': 'citrix-pv-bus', 'vendorid': 0x5853, 'deviceid': 0xc000}

# ssh [OPTION…] -- HOST COMMAND; stores the command in a file.
SSH = '''#!/bin/sh
while [ "$1" != -- ]; do shift; done
printf '%%s\\n' "$3" >> %(log)s
exec sh -c "$3"
'''


class Remote:
    """A client on another host."""

    def __init__(self, stack):
        self.stack = stack
        self.log = stack.write('tmp/ssh.log', '')
        self.ssh = stack.write('tmp/ssh', SSH % {'log': self.log})
        os.chmod(self.ssh, 0o755)
        os.mkdir(stack.path('bin'), 0o755)
        self.netcat = stack.write('tmp/netcat', NETCAT % '')
        os.chmod(self.netcat, 0o755)
        if not shutil.which('nc', path=PATH):
            shutil.copy(self.netcat, stack.path('bin/nc'))
        self.path = stack.path('bin') + ':' + PATH

    def run(self, uri, *args):
        """Returns (exit status, output, errors) of virsh with this ssh."""
        self.stack.write('tmp/ssh.log', '')
        uri += ('&' if '?' in uri else '?') + 'command=' + self.ssh
        done = self.stack.run(['virsh', '-q', '-c', uri] + list(args), check=False,
                              env={'PATH': self.path})
        return done.returncode, done.stdout, done.stderr

    def command(self):
        return self.stack.read('tmp/ssh.log').strip()


def shows_device(tap, result, name):
    """Whether dumpxml shows the emulated device, so that it used the daemon."""
    status, out, err = result
    return tap.ok(status == 0 and list(emulated_devices(out)) == ['ua-emulatedpci0'], name, out + err)


def test_own_uri(tap, stack):
    done = stack.run(['virsh', '-q', '-c', 'emulatedpci:///session', 'dumpxml', 'far'], check=False)
    shows_device(tap, (done.returncode, done.stdout, done.stderr), 'emulatedpci:///session leads to the daemon')
    done = stack.run(['virsh', '-q', '-c', 'emulatedpci+unix:///session?mode=direct', 'dumpxml', 'far'], check=False)
    shows_device(tap, (done.returncode, done.stdout, done.stderr), 'with a transport and a mode, too')
    tap.equal(stack.run(['virsh', '-q', '-c', 'emulatedpci:///session', 'uri']).stdout.strip(),
              'emulatedpci:///session', 'the URI is what the client opened')
    through = stack.run(['virsh', '-q', '-c', 'emulatedpci:///nowhere?socket=' + stack.socket, 'list'], check=False)
    direct = stack.run(['virsh', '-q', '-c', 'qemu:///nowhere?socket=' + stack.upstream, 'list'], check=False)
    tap.equal((through.returncode, through.stderr), (direct.returncode, direct.stderr),
              'a path that libvirt does not know is libvirt\'s to refuse')


def test_netcat(tap, stack, remote):
    socket = '?socket=' + stack.socket
    shows_device(tap, remote.run('qemu+ssh://host/session' + socket, 'dumpxml', 'far'), 'qemu+ssh with socket=')
    tap.ok("-U " + stack.socket in remote.command() and 'virt-ssh-helper' not in remote.command(),
           'by means of netcat', remote.command())
    shows_device(tap, remote.run('qemu+ssh://host/session' + socket + '&proxy=netcat', 'dumpxml', 'far'),
                 'with proxy=netcat')
    shows_device(tap, remote.run('qemu+ssh://host/session' + socket + '&netcat=' + remote.netcat, 'dumpxml', 'far'),
                 'with netcat=')
    tap.ok(remote.netcat in remote.command(), 'it is used', remote.command())


def test_helper(tap, stack, remote):
    for query, word in (('', 'proxy=auto'), ('?proxy=native', 'proxy=native')):
        shows_device(tap, remote.run('emulatedpci+ssh://host/session' + query, 'dumpxml', 'far'),
                     'emulatedpci+ssh with virt-ssh-helper, ' + word)
        tap.ok("virt-ssh-helper 'emulatedpci:///session'" in remote.command(), 'by means of it', remote.command())
    xml = stack.write('tmp/two.xml', domain_xml('two', 'q35', emulatedpci_xml(FIELDS)))
    status, _, err = remote.run('emulatedpci+ssh://host/session', 'define', xml)
    tap.equal((status, err), (0, ''), 'a domain is defined from far away')
    shows_device(tap, remote.run('emulatedpci+ssh://host/session', 'dumpxml', 'two'), 'and shown')
    tap.ok('lsilogic' in stack.direct('dumpxml', 'two'), 'libvirtd here has it')
    stack.virsh('undefine', 'two')

    # Older clients do not pass socket= to virt-ssh-helper: this is the limitation in the manual.
    for query in ('?proxy=native&socket=' + stack.socket, '?proxy=auto&socket=' + stack.socket):
        status, out, err = remote.run('qemu+ssh://host/session' + query, 'dumpxml', 'far')
        if stack.libvirt_version() >= (11, 3):
            shows_device(tap, (status, out, err), 'qemu+ssh with virt-ssh-helper and socket= leads to the daemon')
        else:
            tap.ok(status == 0 and 'lsilogic' in out, 'qemu+ssh with virt-ssh-helper leads to libvirtd itself', out + err)


def test_instead(tap, stack, remote):
    """The daemon uses virtqemud's socket if there is no virtqemud: every client connects to it."""
    stack.stop_daemon()
    socket, stack.socket = stack.socket, stack.path('run/libvirt/virtqemud-sock')
    stack.start_daemon('--listen', stack.socket)
    done = stack.run(['virsh', '-q', '-c', 'qemu:///session', 'dumpxml', 'far'], check=False)
    shows_device(tap, (done.returncode, done.stdout, done.stderr), 'at virtqemud\'s socket: qemu:///session')
    for query in ('', '?proxy=native'):
        shows_device(tap, remote.run('qemu+ssh://host/session' + query, 'dumpxml', 'far'),
                     'qemu+ssh with virt-ssh-helper' + query)
    stack.stop_daemon()

    stack.start_daemon('--listen', stack.socket, '--upstream', stack.socket)
    done = stack.run(['virsh', '-q', '-c', 'qemu:///session', 'list'], check=False)
    tap.ok(done.returncode == 1 and 'the only libvirt daemon found is this daemon itself' in done.stderr,
           'a daemon that is its own upstream says so', done.stderr)
    stack.stop_daemon()
    stack.socket = socket


def main(tap):
    needs('libvirtd', 'virsh', 'qemu-system-x86_64', 'virt-ssh-helper')
    with DaemonStack() as stack:
        stack.start_libvirtd()
        stack.start_daemon()
        stack.virsh('define', stack.write('tmp/far.xml', domain_xml('far', 'pc', emulatedpci_xml(FIELDS))))
        remote = Remote(stack)
        test_own_uri(tap, stack)
        test_netcat(tap, stack, remote)
        test_helper(tap, stack, remote)
        test_instead(tap, stack, remote)
        stack.uri = stack.direct_uri
        tap.equal(stack.close(), [], 'nothing is left')


run_tests(main)
