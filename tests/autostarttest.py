#!/usr/bin/env python3
# autostarttest.py: the client of a user starts the daemon and libvirtd when it connects
#
# SPDX-License-Identifier: LGPL-2.1-or-later

import os
import signal
import threading

from daemonstack import DaemonStack
from emulatedpcistack import LIMIT, domain_xml, emulated_devices, emulatedpci_xml, needs, run_tests

FIELDS = {'devicename': 'citrix-pv-bus', 'vendorid': 0x5853, 'deviceid': 0xc000}


# Connects as soon as that is possible. Fails with an error other than the two for which a client of
# libvirt that has started the daemon tries again.
CONNECT = """
import errno, socket, sys, time
end = time.monotonic() + float(sys.argv[2])
print('waiting', flush=True)
while True:
    with socket.socket(socket.AF_UNIX) as client:
        error = client.connect_ex(sys.argv[1])
    if error == 0:
        sys.exit(0)
    if error not in (errno.ENOENT, errno.ECONNREFUSED) or time.monotonic() > end:
        sys.exit(errno.errorcode[error])
"""


def test_connect_early(tap, stack):
    """The daemon's socket has its final permissions from the beginning."""
    results = []
    for number in range(10):
        log = 'log/early%d' % number
        client = stack.start(['python3', '-c', CONNECT, stack.socket, str(LIMIT)], log)
        stack.wait_for(lambda log=log: 'waiting' in stack.read(log), 'the client tries to connect')
        stack.start_daemon()
        stack.wait_for(lambda client=client: stack.status(client) is not None, 'the client ends')
        results.append((stack.status(client), stack.read(log).split()[1:]))
        stack.stop_daemon()
    tap.equal(results, [(0, [])] * 10, 'a client that tries to connect while the daemon starts is never refused')


def libvirtds(stack):
    """Returns [(pid, command line)] of the libvirtds. A child of libvirtd, which has the same command
    line until it runs another program, is not included."""
    found = [(pid, parent, line) for pid, parent, _, line in stack.request(op='list')['processes']
             if '--timeout=120' in line and ('libvirtd' in line or 'virtqemud' in line)]
    return [(pid, line) for pid, parent, line in found if parent not in [entry[0] for entry in found]]


def end(stack, pid):
    os.kill(pid, signal.SIGTERM)
    stack.wait_for(lambda: pid not in [entry[0] for entry in stack.processes()], 'process %d ends' % pid)


def main(tap):
    needs('libvirtd', 'virsh', 'qemu-system-x86_64')
    with DaemonStack() as stack:
        def virsh(*args):
            return stack.run(['virsh', '-q', '-c', stack.uri] + list(args), check=False)

        test_connect_early(tap, stack)
        stack.start_daemon()
        done = virsh('uri')
        tap.ok(done.returncode == 1 and 'Failed to connect socket to' in done.stderr and
               "run/libvirt/libvirt-sock': No such file or directory" in done.stderr,
               'LIBVIRT_AUTOSTART=0: the error of a direct client', done.stderr)
        tap.equal(stack.processes('libvirtd'), [], 'nothing was started')
        stack.stop_daemon()

        del stack.env['LIBVIRT_AUTOSTART']
        stack.start_daemon('--upstream', stack.upstream)
        done = virsh('uri')
        tap.ok(done.returncode == 1 and not stack.processes('libvirtd'),
               'one that the configuration names is not started either', done.stderr)
        stack.stop_daemon()

        stack.start_daemon()
        results = []
        threads = [threading.Thread(target=lambda: results.append(virsh('uri'))) for _ in range(5)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        tap.equal([done.returncode for done in results], [0] * 5, 'libvirtd is started for five clients at once')
        running = libvirtds(stack)
        tap.equal(len(running), 1, 'one for all of them')
        tap.equal(os.stat(stack.path('run/libvirt/libvirt-sock')).st_uid, os.stat(stack.path('home')).st_uid,
                  'as the user')
        tap.ok(not [name for name in os.listdir(stack.path('run/libvirt')) if name.endswith('.lock')],
               'the lock of libvirt\'s clients is gone', os.listdir(stack.path('run/libvirt')))
        stack.virsh('define', stack.write('tmp/auto.xml', domain_xml('auto', 'pc', emulatedpci_xml(FIELDS))))
        tap.equal(list(emulated_devices(stack.virsh('dumpxml', 'auto'))), ['ua-emulatedpci0'], 'it does its work')
        tap.equal(stack.stop_daemon(), 0, 'the daemon ends')
        tap.equal(libvirtds(stack), running, 'and libvirtd goes on')

        # libvirt's client starts the daemon of a URI's scheme, which it finds by the name
        # virtemulatedpcid. The daemon starts libvirtd.
        end(stack, running[0][0])
        stack.env['LIBVIRTD_PATH'] = os.path.dirname(stack.program)
        client = stack.start(['virsh', '-q', '-c', 'emulatedpci+unix:///session?mode=direct', 'dumpxml', 'auto'],
                             'log/virsh.out')
        stack.wait_for(lambda: stack.status(client) is not None, 'virsh ends')
        tap.ok(stack.status(client) == 0 and '<name>auto</name>' in stack.read('log/virsh.out'),
               'emulatedpci:///session starts both', stack.read('log/virsh.out'))
        running = libvirtds(stack)
        stack.wait_for(lambda: len(stack.processes('virtemulatedpcid --timeout=120')) == 1, 'the client is gone')
        tap.equal(len(running), 1, 'and there they are')
        for pid, _ in stack.processes('virtemulatedpcid --timeout=120') + running:
            end(stack, pid)
        tap.equal(stack.processes(), [], 'nothing is left')
        stack.uri = None
        stack.close()


run_tests(main)
