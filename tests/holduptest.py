#!/usr/bin/env python3
# holduptest.py: a local user who tries to block all other users
#
# Each case once blocked root's calls. The attacker is the user nobody, through the read-only socket
# or as a member of libvirt's group. It stops its own connection's processes, does not read, or
# sends half a frame. Root's calls must succeed meanwhile.
#
# SPDX-License-Identifier: LGPL-2.1-or-later

import glob
import grp
import os
import signal
import struct
import subprocess
import sys
import time

import libvirtrpc as rpc
from emulatedpcistack import LIMIT, domain_xml, emulatedpci_xml
from systemstack import DAEMON, GROUP, LIBVIRTD, NOBODY, main, prepare, start_both, virsh, write

FIELDS = {'devicename': 'citrix-pv-bus', 'vendorid': 0x5853, 'deviceid': 0xc000}
UUID = '5f1e7c52-9f36-4f7a-9f1c-0d6c9a4e3a11'
RO, RW = DAEMON + '-ro', DAEMON
# The maximum time that root may have to wait, in seconds. The attacker can cause five; the rest
# allows for a busy machine.
PATIENCE = 20

XML = domain_xml('victim', 'pc', emulatedpci_xml(FIELDS)).replace('</name>', '</name><uuid>%s</uuid>' % UUID)


def processes(parent):
    """Returns the children of PARENT that run as the user nobody."""
    found = []
    for path in glob.glob('/proc/[0-9]*'):
        try:
            with open(path + '/status', encoding='ascii') as file:
                status = dict(line.split(':', 1) for line in file.read().splitlines() if ':' in line)
        except OSError:
            continue
        if int(status['PPid']) == parent and int(status['Uid'].split()[0]) == NOBODY:
            found.append(int(os.path.basename(path)))
    return found


def wait_for(condition, what, limit=LIMIT):
    deadline = time.monotonic() + limit
    while not condition():
        if time.monotonic() > deadline:
            raise RuntimeError('timeout: ' + what)
        time.sleep(0.02)


class Attacker:
    """A process of the user nobody, with or without the group, that runs functions."""

    def __init__(self, member, work, later=None):
        self.ready, ready = os.pipe()
        self.pid = os.fork()
        if self.pid == 0:
            os.setgroups([grp.getgrnam(GROUP).gr_gid] if member else [])
            os.setresgid(NOBODY, NOBODY, NOBODY)
            os.setresuid(NOBODY, NOBODY, NOBODY)
            try:
                signal.signal(signal.SIGUSR1, lambda *_: later(kept))
                kept = work()
                os.write(ready, b'x')
                while True:
                    signal.pause()
            except BaseException as error:  # pylint: disable=broad-except
                sys.stderr.write('attacker: %r\n' % error)
            os._exit(1)
        os.close(ready)
        if not os.read(self.ready, 1):
            raise RuntimeError('the attacker has failed')

    def close(self):
        os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)
        os.close(self.ready)


def state(pid):
    """Returns the state of the process PID as in /proc/PID/stat, or None if it has ended."""
    try:
        with open('/proc/%d/stat' % pid, encoding='ascii', errors='replace') as file:
            return file.read().rpartition(')')[2].split()[0]
    except OSError:
        return None


def stop_as_nobody(pids):
    """Stops processes with the rights of user nobody. A process may end before it is stopped."""
    for pid in pids:
        subprocess.run(['kill', '-STOP', str(pid)], user=NOBODY, group=NOBODY, extra_groups=[], check=False,
                       stderr=subprocess.DEVNULL)
    for pid in pids:
        wait_for(lambda pid=pid: state(pid) in (None, 'T', 'Z'), 'process %d stops' % pid)


def root_is_served(tap, what, *args):
    start = time.monotonic()
    status, text = virsh(DAEMON, *(args or ('list', '--all')))
    took = time.monotonic() - start
    tap.ok(status == 0 and took < PATIENCE, '%s: root is served after %.1f s' % (what, took), text)


def connect(path, count, flags=0):
    def work():
        clients = []
        for _ in range(count):
            clients.append(rpc.Client(path))
            clients[-1].open('qemu:///system', flags)
        return clients
    return work


def test_slots(tap, daemon):
    """max_clients is 5. A user stops all of its connections, and then disconnects."""
    attacker = Attacker(False, connect(RO, 2))
    root_is_served(tap, 'one user has all connections that it can have')

    def third():
        with rpc.Client(RO, timeout=LIMIT) as client:
            try:
                client.call(rpc.AUTH_LIST)
            except rpc.RPCError as error:
                return 'too many connections' in error.message or sys.exit(1)
            raise RuntimeError('the third connection was served')
    Attacker(False, third).close()
    tap.ok(True, 'a third one gets an error that says so')

    stop_as_nobody(processes(daemon.pid))
    attacker.close()
    wait_for(lambda: not processes(daemon.pid), 'the stopped processes are ended')
    tap.ok(True, 'its connection processes, stopped, are ended')
    root_is_served(tap, 'after that')
    for _ in range(3):
        attacker = Attacker(False, connect(RO, 2))
        stop_as_nobody(processes(daemon.pid))
        attacker.close()
    wait_for(lambda: not processes(daemon.pid), 'the stopped processes are ended')
    root_is_served(tap, 'three times more')


def sent(path, frames, flags=0):
    """Connects, sends FRAMES, and does not read."""
    def work():
        client = rpc.Client(path)
        client.open('qemu:///system', flags)
        client.socket.setblocking(False)
        try:
            client.socket.sendall(frames(client))
        except BlockingIOError:
            pass
        time.sleep(0.5)
        return client
    return work


def define_frame(serial=100):
    return rpc.frame(rpc.DEFINE_XML_FLAGS, rpc.string(XML) + bytes(4), serial)


def half_frame(serial):
    return rpc.frame(rpc.GET_TYPE, b'x' * 1000, serial)[:40]


def test_lock(tap, daemon):
    """The lock of a domain of root"""
    define = ('define', '/mnt/victim.xml')
    for what, path, member in (('read-only', RO, False), ('a member of the group', RW, True)):
        attacker = Attacker(member, sent(path, lambda client: define_frame() + half_frame(101)))
        root_is_served(tap, '%s defines the domain and sends half a frame' % what, *define)
        attacker.close()

        def noise(client):
            """Sends enough calls for the replies to fill all buffers, and then the define."""
            domain = rpc.read_domain(client.call(rpc.LOOKUP_BY_NAME, rpc.string('victim')))
            return b''.join(rpc.frame(rpc.GET_XML_DESC, domain + bytes(4), serial) for serial in range(1000, 1400)) + \
                define_frame(2000)
        # The attacker does not read, so the reply about the define stays in the buffers.
        attacker = Attacker(member, sent(path, noise))
        stop_as_nobody(processes(daemon.pid))
        root_is_served(tap, '%s stops the process that defines it' % what, *define)
        attacker.close()

        attacker = Attacker(member, sent(path, noise))
        root_is_served(tap, '%s defines it and does not read' % what, *define)
        attacker.close()


def test_rights(tap, libvirtd, daemon):
    """The process that asks libvirtd whether a user may change definitions"""
    xml = '<device><name>emulatedpci_%s</name><capability type="emulatedpci" devicename="x"><config vendorid="0x5853" ' \
        'deviceid="0xc001"/></capability></device>'

    def later(clients):
        clients[0].send(428, rpc.string(xml % 'attacker') + bytes(4))

    attacker = Attacker(True, connect(RW, 1), later)
    # libvirtd is stopped, so that the process waits for it long enough to be found.
    os.kill(libvirtd.pid, signal.SIGSTOP)
    os.kill(attacker.pid, signal.SIGUSR1)
    wait_for(lambda: len(processes(daemon.pid)) == 2, 'a process asks libvirtd')
    pids = processes(daemon.pid)
    stop_as_nobody([max(pids)])
    write('/mnt/device.xml', xml % 'root')
    os.kill(libvirtd.pid, signal.SIGCONT)
    root_is_served(tap, 'the check of a user\'s rights is stopped', 'nodedev-define', '/mnt/device.xml')
    wait_for(lambda: max(pids) not in processes(daemon.pid), 'it is ended')
    tap.ok(True, 'and ended')
    attacker.close()


def test_stop(tap, daemon):
    """None of these attacks prevents the daemon from stopping."""
    attacker = Attacker(False, connect(RO, 1))
    half = Attacker(False, sent(RO, lambda client: half_frame(7)))
    stop_as_nobody([min(processes(daemon.pid))])
    start = time.monotonic()
    daemon.terminate()
    status = daemon.wait(LIMIT)
    tap.ok(status == 0 and time.monotonic() - start < 8, 'the daemon stops after %.1f s' % (time.monotonic() - start),
           status)
    attacker.close()
    half.close()


def test(tap):
    prepare(daemon_conf='max_clients = 5\n')
    libvirtd, daemon = start_both()
    write('/mnt/victim.xml', XML)
    root_is_served(tap, 'before', 'define', '/mnt/victim.xml')
    test_slots(tap, daemon)
    test_lock(tap, daemon)
    test_rights(tap, libvirtd, daemon)
    test_stop(tap, daemon)
    with rpc.Client(LIBVIRTD) as client:
        tap.equal(client.open('qemu:///system').call(rpc.GET_TYPE)[4:8], b'QEMU', 'libvirtd is well')
    with open('/mnt/output', encoding='utf-8', errors='replace') as log:
        text = log.read()
    tap.ok('signal 11' not in text and 'signal 6' not in text, 'no process of the daemon crashed', text)


main(test)
