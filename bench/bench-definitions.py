#!/usr/bin/env python3
# bench-definitions.py: the time to list node devices, with 1000 definitions
#
# Compares virConnectListAllNodeDevices() of libvirtd alone with that of virtemulatedpcid, which
# adds the definitions, within one run; and the time of virsh nodedev-list.
#
# SPDX-License-Identifier: LGPL-2.1-or-later

import os
import struct
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.environ['abs_top_srcdir'], 'tests'))
# pylint: disable=wrong-import-position
from daemonstack import DaemonStack
from emulatedpcistack import domain_xml, needs
import libvirtrpc as rpc

LIST_ALL = 285
GET_XML = 114
DEFINE = 428
UNDEFINE = 429
COUNT = 1000
DEFINITION = ('<device><name>emulatedpci_bench%d</name><capability type="emulatedpci" devicename="bench">'
              '<config vendorid="0x5853" deviceid="0xc001"/></capability></device>')


def best(function, count=20, repeat=9):
    times = []
    for _ in range(repeat):
        start = time.perf_counter()
        for _ in range(count):
            function()
        times.append((time.perf_counter() - start) / count)
    return min(times)


def main():
    needs('libvirtd', 'virsh')
    with DaemonStack() as stack:
        stack.start_libvirtd()
        stack.start_daemon()
        direct = rpc.Client(stack.upstream, timeout=120).open()
        through = rpc.Client(stack.socket, timeout=120).open()
        ask = struct.pack('>II', 1, 0)
        print('libvirtd has %d node devices' % struct.unpack('>I', direct.call(LIST_ALL, ask)[:4]))

        def lists(title):
            times = (best(lambda: direct.call(LIST_ALL, ask)), best(lambda: through.call(LIST_ALL, ask)))
            print('%-40s direct %8.1f us   daemon %8.1f us   daemon/direct %.2f' % (
                title, times[0] * 1e6, times[1] * 1e6, times[1] / times[0]), flush=True)
        lists('list without definitions')

        start = time.perf_counter()
        for number in range(COUNT):
            through.call(DEFINE, rpc.string(DEFINITION % number) + struct.pack('>I', 0))
        taken = time.perf_counter() - start
        print('%-40s %.0f per second, each synced to disk' % ('%d definitions' % COUNT, COUNT / taken))
        lists('list with %d definitions' % COUNT)

        name = rpc.string('emulatedpci_bench500') + struct.pack('>I', 0)
        own = rpc.string('computer') + struct.pack('>I', 0)
        print('%-40s libvirtd\'s, direct %.1f us, ours %.1f us' % (
            'dumpxml of one node device', best(lambda: direct.call(GET_XML, own)) * 1e6,
            best(lambda: through.call(GET_XML, name)) * 1e6))

        for way, uri in (('direct', stack.direct_uri), ('daemon', stack.uri)):
            times = []
            for _ in range(5):
                start = time.perf_counter()
                stack.run(['virsh', '-q', '-c', uri, 'nodedev-list'], timeout=120)
                times.append(time.perf_counter() - start)
            print('%-40s %s %.0f ms' % ('virsh nodedev-list', way, min(times) * 1e3))

        for number in range(100):
            xml = domain_xml('bench%d' % number, 'pc',
                             '<emulatedpci definition="emulatedpci_bench%d"/>' % (number + 100))
            through.call(rpc.DEFINE_XML, rpc.string(xml))
        start = time.perf_counter()
        for number in range(10):
            through.call(UNDEFINE, rpc.string('emulatedpci_bench%d' % number) + struct.pack('>I', 0))
        print('%-40s %.1f ms' % ('undefine, with 100 domains to search', (time.perf_counter() - start) * 100))
        through.close()
        direct.close()


try:
    main()
except subprocess.TimeoutExpired as error:
    sys.exit(str(error))
