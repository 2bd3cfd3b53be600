# clientutil.py: functions of the tests with real clients
#
# Runs programs on a terminal (virsh edit and virsh console are interactive), and provides domains
# for the tests. Does not depend on the internals of the daemon.
#
# SPDX-License-Identifier: LGPL-2.1-or-later

import ctypes
import os
import pty
import re
import select
import signal
import socket
import subprocess
import time
import tty

from emulatedpcistack import (KERNEL_ARGUMENTS, LIMIT, NOBODY, StackError, emulatedpci_xml, guest_kernel,
                              initramfs)

CLONE_NEWUTS, CLONE_NEWUSER = 0x04000000, 0x10000000

CITRIX = {'devicename': 'citrix-pv-bus', 'vendorid': 0x5853, 'deviceid': 0xc000, 'revision': 1,
          'classcode': 0xff8000, 'interruptpin': 1}
SECOND = {'devicename': 'second', 'vendorid': 0x1af4, 'deviceid': 0x1234}

DEVICE = emulatedpci_xml(CITRIX)

# A program in place of netcat: %s is the path of a socket, or empty for the last argument
NETCAT = '''#!/usr/bin/env python3
import os, select, socket, sys
peer = socket.socket(socket.AF_UNIX)
peer.connect('%s' or sys.argv[-1])
while True:
    for source in select.select([0, peer], [], [])[0]:
        data = os.read(0, 65536) if source == 0 else peer.recv(65536)
        if not data:
            raise SystemExit
        if source == 0:
            peer.sendall(data)
        else:
            os.write(1, data)
'''


def become_another_host(name):
    """Applies to all programs that this process starts later. Returns the reason of a failure, or
    None."""
    libc = ctypes.CDLL(None, use_errno=True)
    uid, gid = os.getuid(), os.getgid()
    if libc.unshare(CLONE_NEWUTS if uid == 0 else CLONE_NEWUTS | CLONE_NEWUSER) != 0:
        return os.strerror(ctypes.get_errno())
    try:
        if uid != 0:
            for path, text in (('uid_map', '%d %d 1' % (uid, uid)), ('setgroups', 'deny'),
                               ('gid_map', '%d %d 1' % (gid, gid))):
                with open('/proc/self/' + path, 'w', encoding='ascii') as file:
                    file.write(text)
        socket.sethostname(name)
    except OSError as error:
        return str(error)
    return None


def reserve_migration_ports():
    """Returns the first of 64 ports that only the caller uses for migrations, and the reservation. Tests that run
    at the same time, possibly in separate roots, share a network: libvirtd chooses a port that is free, but
    another QEMU may be the first that listens on it."""
    for first in range(61000, 65000, 64):
        reservation = socket.socket(socket.AF_UNIX)
        try:
            reservation.bind('\0emulatedpci-migration-ports-%d' % first)
            return first, reservation
        except OSError:
            reservation.close()
    raise StackError('no ports are left for migrations')


def start_host(stack, uuid, *args):
    """Starts libvirtd and the daemon of a host with this UUID."""
    first, stack.ports = reserve_migration_ports()
    stack.write('config/libvirt/qemu.conf', stack.read('config/libvirt/qemu.conf') +
                'migration_port_min = %d\nmigration_port_max = %d\n' % (first, first + 63))
    config = stack.read('config/libvirt/libvirtd.conf')
    stack.write('config/libvirt/libvirtd.conf', config + 'host_uuid = "%s"\n' % uuid)
    stack.start_libvirtd()
    stack.start_daemon(*args)


class Terminal:
    """A program whose input and output are a pseudo-terminal."""

    def __init__(self, stack, argv, env=None):
        who = {}
        if os.getuid() == 0:
            who = {'user': NOBODY, 'group': NOBODY, 'extra_groups': []}
        self.master, slave = pty.openpty()
        tty.setraw(slave)
        self.text = ''
        try:
            self.process = subprocess.Popen(argv, stdin=slave, stdout=slave, stderr=slave,
                                            env=dict(stack.env, TERM='dumb', **(env or {})),
                                            cwd=stack.root, start_new_session=True, **who)
        finally:
            os.close(slave)

    def read(self, seconds):
        if not select.select([self.master], [], [], max(0, seconds))[0]:
            return True
        try:
            data = os.read(self.master, 65536)
        except OSError:             # EIO: the other side is closed
            data = b''
        self.text += data.decode('utf-8', 'replace')
        return bool(data)

    def expect(self, pattern, timeout=LIMIT):
        """Waits until the output contains PATTERN (a regular expression). Returns the text up to
        its end, which is not searched again."""
        until = time.monotonic() + timeout
        more = True
        while True:
            found = re.search(pattern, self.text)
            if found:
                text, self.text = self.text[:found.end()], self.text[found.end():]
                return text
            if not more or time.monotonic() > until:
                raise StackError('the terminal never showed %r, but:\n%s' % (pattern, self.text))
            more = self.read(until - time.monotonic())

    def send(self, text):
        os.write(self.master, text.encode())

    def end(self, timeout=LIMIT):
        """Waits for the program's end; returns its exit status."""
        until = time.monotonic() + timeout
        while time.monotonic() < until and self.read(until - time.monotonic()):
            pass
        try:
            return self.process.wait(max(0.1, until - time.monotonic()))
        finally:
            self.close()

    def close(self):
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
        if self.master >= 0:
            os.close(self.master)
            self.master = -1

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


def boot_xml(stack, build):
    """Returns (the <kernel> and <initrd> of the test's guest, None), or (None, the reason why there
    is none)."""
    kernel, reason = guest_kernel()
    if not kernel:
        return None, reason
    if not os.path.exists(stack.path('guest/kernel')):
        stack.copy(kernel, 'guest/kernel', 0o644)
        stack.give('guest/kernel')
        stack.write('guest/initramfs', initramfs(os.path.join(build, 'tests/guest/init')))
    return """    <kernel>%s</kernel>
    <initrd>%s</initrd>
    <cmdline>%s emulatedpci.then=wait</cmdline>
""" % (stack.path('guest/kernel'), stack.path('guest/initramfs'), KERNEL_ARGUMENTS), None


def disk_xml(path, kind='qcow2', target='vda', bus='virtio'):
    return """    <disk type='file' device='disk'>
      <driver name='qemu' type='%s'/>
      <source file='%s'/>
      <target dev='%s' bus='%s'/>
    </disk>
""" % (kind, path, target, bus)
