#!/usr/bin/env python3
# bench-fleet.py: attaching a definition to 1,000 stopped domains
#
# Compares one command, virt-emulatedpci attach --all, with a client that defines the
# resulting XML of each domain at the same libvirtd, without our daemon, over the same
# number of connections. Both alternate, so that other load on the machine affects both.
#
#   bench-fleet.py [DOMAINS [JOBS [ROUNDS]]]
#
# SPDX-License-Identifier: LGPL-2.1-or-later

import os
import sys
import threading
import time

if 'abs_top_builddir' not in os.environ:
    sys.exit('run by "make bench", or with abs_top_builddir and abs_top_srcdir set')
sys.path.insert(0, os.path.join(os.environ['abs_top_srcdir'], 'tests'))

# pylint: disable=wrong-import-position
from emulatedpcistack import domain_xml
from fleetstack import FleetStack


def main(count=1000, jobs=4, rounds=3):
    try:
        import libvirt
    except ImportError:
        print('there is no python3-libvirt on this machine')
        return 1
    libvirt.registerErrorHandler(lambda *_: None, None)

    def defines(uri, documents):
        """Returns the seconds that it takes to define DOCUMENTS."""
        todo = iter(documents)
        lock = threading.Lock()
        connections = [libvirt.open(uri) for _ in range(jobs)]

        def work(connection):
            while True:
                with lock:
                    xml = next(todo, None)
                if xml is None:
                    return
                connection.defineXML(xml)

        threads = [threading.Thread(target=work, args=(connection,)) for connection in connections]
        start = time.monotonic()
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        seconds = time.monotonic() - start
        for connection in connections:
            connection.close()
        return seconds

    with FleetStack(seconds=3600) as stack:
        stack.begin()
        defines(stack.direct_uri, [domain_xml('fleet-%04d' % number, 'q35' if number % 2 else 'pc')
                                   for number in range(count)])
        # libvirtd probes the capabilities of QEMU through the launcher once: not in the measured time.
        stack.run([stack.tool, 'attach', 'test', 'fleet-0000'])
        stack.run([stack.tool, 'detach', 'test', 'fleet-0000'])
        ratios = []
        for _ in range(rounds):
            start = time.monotonic()
            stack.run([stack.tool, 'attach', 'test', '--all', '-q', '-j', str(jobs)], timeout=600)
            attach = time.monotonic() - start
            connection = libvirt.open(stack.direct_uri)
            documents = [domain.XMLDesc(libvirt.VIR_DOMAIN_XML_INACTIVE) for domain in connection.listAllDomains()]
            connection.close()
            if not all('ua-emulatedpci0' in xml for xml in documents):
                print('not every domain has the device')
                return 1
            plain = defines(stack.direct_uri, documents)
            ratios.append(plain / attach)
            print('%d domains, %d jobs: attach %.2f s (%.0f/s), plain defines %.2f s (%.0f/s), ratio %.2f' % (
                count, jobs, attach, count / attach, plain, count / plain, ratios[-1]), flush=True)
            stack.run([stack.tool, 'detach', 'test', '--all', '-q', '-j', str(jobs)], timeout=600)
        print('rate of attach / rate of plain defines: %.2f (median of %d; at least 0.8 is required)' % (
            sorted(ratios)[len(ratios) // 2], len(ratios)))
    return 0


if __name__ == '__main__':
    sys.exit(main(*map(int, sys.argv[1:])))
