#!/usr/bin/env python3
# bench-daemon.py: the cost of virtemulatedpcid
#
# Compares the same calls to one libvirtd: directly, through a plain byte relay
# (socat) and through the daemon, alternately within one run.
#
# SPDX-License-Identifier: LGPL-2.1-or-later

import os
import re
import statistics
import struct
import subprocess
import sys
import threading
import time

sys.path.insert(0, os.path.join(os.environ['abs_top_srcdir'], 'tests'))
# pylint: disable=wrong-import-position
from daemonstack import DaemonStack
from emulatedpcistack import domain_xml, emulatedpci_xml, needs
import libvirtrpc as rpc

FIELDS = {'devicename': 'citrix-pv-bus', 'vendorid': 0x5853, 'deviceid': 0xc000}
WAYS = ('direct', 'socat', 'daemon')


def rounds(function, clients, count, repeat):
    """Returns {way: the median time of a call} of REPEAT rounds of COUNT calls. The ways
    alternate, so that other load on the machine affects all of them."""
    times = {way: [] for way in WAYS}
    for turn in range(repeat + 1):
        for way in WAYS:
            for _ in range(count):
                start = time.perf_counter()
                function(clients[way])
                if turn:
                    times[way].append(time.perf_counter() - start)
    return {way: statistics.median(times[way]) for way in WAYS}


def show(name, times, unit, scale, limit=None):
    note = '' if limit is None else '  (at most %.2f)' % limit
    print('%-34s direct %8.1f %s   socat %8.1f   daemon %8.1f   daemon/direct %.2f   '
          'daemon/socat %.2f%s' % (name, times['direct'] * scale, unit, times['socat'] * scale,
                                   times['daemon'] * scale, times['daemon'] / times['direct'],
                                   times['daemon'] / times['socat'], note), flush=True)


def private_memory(pid):
    with open('/proc/%d/smaps_rollup' % pid, encoding='ascii') as file:
        return sum(int(size) for size in re.findall(r'Private_\w+: +(\d+) kB', file.read()))


def parallel(path, clients, calls):
    """Returns the seconds that CLIENTS concurrent clients take for CALLS calls each."""
    def work():
        with rpc.Client(path, timeout=120) as client:
            client.open()
            for _ in range(calls):
                client.call(rpc.GET_LIB_VERSION)
    threads = [threading.Thread(target=work) for _ in range(clients)]
    start = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return time.perf_counter() - start


def volumes(stack, uris):
    """Measures the upload and the download of a 256 MiB volume."""
    os.mkdir(stack.path('pool'), 0o755)
    stack.give('pool')
    stack.virsh('pool-create-as', 'bench', 'dir', '--target', stack.path('pool'))
    stack.virsh('vol-create-as', 'bench', 'vol', '256M')
    image = stack.write('tmp/image', os.urandom(1 << 20) * 256)
    for what, command in (('upload', ['vol-upload', 'vol', image, '--pool', 'bench']),
                          ('download', ['vol-download', 'vol', stack.path('tmp/out'), '--pool', 'bench'])):
        times = {way: [] for way in WAYS}
        for _ in range(4):
            for way in WAYS:
                start = time.perf_counter()
                stack.run(['virsh', '-q', '-c', uris[way]] + command, timeout=120)
                times[way].append(time.perf_counter() - start)
        show('vol-%s of 256 MiB' % what, {way: min(times[way]) for way in WAYS}, 'ms', 1e3, 1)


def main():
    needs('libvirtd', 'virsh', 'socat')
    with DaemonStack() as stack:
        stack.start_libvirtd()
        stack.start_daemon()
        relay = stack.path('run/relay')
        stack.start(['socat', 'UNIX-LISTEN:%s,fork,backlog=200' % relay,
                     'UNIX-CONNECT:' + stack.upstream], 'log/socat.log')
        stack.wait_for(lambda: os.path.exists(relay), 'socat listens')
        paths = {'direct': stack.upstream, 'socat': relay, 'daemon': stack.socket}
        uris = {way: 'qemu:///session?socket=' + path for way, path in paths.items()}
        clients = {way: rpc.Client(path).open() for way, path in paths.items()}

        stack.virsh('define', stack.write('tmp/a.xml', domain_xml('bench', 'pc', emulatedpci_xml(FIELDS))))
        domain = rpc.read_domain(clients['direct'].call(rpc.LOOKUP_BY_NAME, rpc.string('bench')))
        lowered = rpc.read_string(clients['direct'].call(
            rpc.GET_XML_DESC, domain + struct.pack('>I', 2)))[0].decode()
        lifted = rpc.read_string(clients['daemon'].call(
            rpc.GET_XML_DESC, domain + struct.pack('>I', 2)))[0].decode()
        xml = {'direct': lowered, 'socat': lowered, 'daemon': lifted}

        show('a call that is not rewritten',
             rounds(lambda c: c.call(rpc.GET_LIB_VERSION), clients, 1000, 15), 'us', 1e6, 1.10)
        show('dumpxml with an emulated device',
             rounds(lambda c: c.call(rpc.GET_XML_DESC, domain + struct.pack('>I', 0)), clients, 300, 9),
             'us', 1e6, 1.3)
        arguments = {clients[way]: rpc.string(xml[way]) + struct.pack('>I', 0) for way in WAYS}
        show('define with an emulated device',
             rounds(lambda c: c.call(rpc.DEFINE_XML_FLAGS, arguments[c]), clients, 20, 15), 'us', 1e6, 1.15)

        time.sleep(1.5)
        for pid, _ in stack.processes('virtemulatedpcid'):
            print('process %d: %d KiB private' % (pid, private_memory(pid)))

        times = {way: min(parallel(path, 100, 50) for _ in range(3)) for way, path in paths.items()}
        show('100 clients, 50 calls each', times, 'ms', 1e3, 1)
        volumes(stack, uris)
        for client in clients.values():
            client.close()


try:
    main()
except subprocess.TimeoutExpired as error:
    sys.exit(str(error))
