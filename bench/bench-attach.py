#!/usr/bin/env python3
# bench-attach.py: the time to attach a device to a running domain, and the cost of the relay for it
#
# Compares attaching an emulated device through the daemon with attaching a SCSI controller through
# libvirtd, alternately; device_add of both in a QEMU without libvirt, which is a lower limit of that time;
# and a command to QEMU's monitor through emulatedpci-monitor with a direct one.
#
# SPDX-License-Identifier: LGPL-2.1-or-later

import os
import socket
import statistics
import struct
import subprocess
import sys
import tempfile
import threading
import time

sys.path.insert(0, os.path.join(os.environ['abs_top_srcdir'], 'tests'))
# pylint: disable=wrong-import-position
from daemonstack import DaemonStack
from emulatedpcistack import domain_xml, emulatedpci_xml, needs, needs_transport
from emulatordriver import EXAMPLE, VFIO_USER, Emulator
import libvirtrpc as rpc
from qtestclient import QTestMachine

DEVICES = 20
ROUNDS = 3
COMMANDS = 5000
PAUSE = 0.05                            # seconds
LIVE = 1

COMMAND = b'{"execute":"query-status","id":"libvirt-%d"}\r\n'
REPLY = b'{"return": {"status": "running", "running": true}, "id": "libvirt-%d"}\r\n'


def attach(client, domain, xml):
    """Returns the seconds that the call took."""
    payload = domain + rpc.string(xml) + struct.pack('>I', LIVE)
    start = time.perf_counter()
    client.call(rpc.ATTACH_DEVICE_FLAGS, payload)
    return time.perf_counter() - start


def lookup(client, name):
    return client.call(rpc.LOOKUP_BY_NAME, rpc.string(name))


def bench_attach():
    fields = {'devicename': 'bench', 'vendorid': 0x5853, 'deviceid': 0xc147}
    times = {'native': [], 'emulated': [], 'first': []}
    with DaemonStack() as stack:
        stack.start_libvirtd()
        stack.start_daemon()
        stack.virsh('define', stack.write('tmp/define.xml', domain_xml('native', 'pc')))
        stack.virsh('define', stack.write('tmp/define.xml', domain_xml('emulated', 'pc', emulatedpci_xml(fields))))
        direct = rpc.Client(stack.upstream, timeout=120).open()
        through = rpc.Client(stack.socket, timeout=120).open()
        for _ in range(ROUNDS):
            for name in 'native', 'emulated':
                stack.virsh('start', '--paused', name)
            domains = {'native': lookup(direct, 'native'), 'emulated': lookup(through, 'emulated')}
            for number in range(DEVICES):
                times['native'].append(attach(direct, domains['native'],
                                              "<controller type='scsi' index='%d' model='lsilogic'/>" % (number + 1)))
                # Attaching the first device starts programs that the other devices use, too.
                times['emulated' if number else 'first'].append(
                    attach(through, domains['emulated'], emulatedpci_xml(fields)))
                time.sleep(PAUSE)
            for name in 'native', 'emulated':
                stack.virsh('destroy', name)
    native, emulated, first = (statistics.median(times[name]) for name in ('native', 'emulated', 'first'))
    for what, seconds in ('first device', first), ('further device', emulated):
        print('%-40s native %6.1f ms   emulated %6.1f ms   emulated/native %.2f' % (
            'attach-device --live, %s' % what, native * 1e3, seconds * 1e3, seconds / native), flush=True)


def device_add(qemu, arguments):
    start = time.perf_counter()
    qemu.qmp('device_add', **arguments)
    return time.perf_counter() - start


def bench_qemu():
    """Each emulated device has an emulator of its own that already listens, as in a domain."""
    times = {'native': [], 'emulated': []}
    memory = ['-object', 'memory-backend-memfd,id=ram,size=128M,share=on', '-machine', 'pc,memory-backend=ram']
    for _ in range(ROUNDS):
        emulators = [Emulator([EXAMPLE], transport=VFIO_USER, for_qemu=True) for _ in range(DEVICES // 2)]
        qemu = QTestMachine(memory)
        for number, emulator in enumerate(emulators):
            place = VFIO_USER.qemu_device(emulator.qemu_places[0])
            times['native'].append(device_add(qemu, {'driver': 'lsi', 'id': 'native%d' % number}))
            times['emulated'].append(device_add(qemu, dict(place, id='emulated%d' % number)))
            time.sleep(PAUSE)
        qemu.close()
        for emulator in emulators:
            emulator.wait()
    native, emulated = (statistics.median(times[name]) for name in ('native', 'emulated'))
    print('%-40s native %6.1f ms   emulated %6.1f ms   emulated/native %.2f' % (
        'device_add in QEMU without libvirt', native * 1e3, emulated * 1e3, emulated / native), flush=True)


def serve(qemu):
    """QEMU's side: one reply for each line."""
    file = qemu.makefile('rb')
    for number, _ in enumerate(file):
        qemu.sendall(REPLY % number)


def ask(libvirt):
    """Returns the median of the seconds that a command takes."""
    file = libvirt.makefile('rb')
    times = []
    for number in range(COMMANDS):
        start = time.perf_counter()
        libvirt.sendall(COMMAND % number)
        file.readline()
        times.append(time.perf_counter() - start)
    return statistics.median(times)


def connect(path, listener):
    client = socket.socket(socket.AF_UNIX)
    client.connect(path)
    server, _ = listener.accept()
    threading.Thread(target=serve, args=(server,), daemon=True).start()
    return client


def bench_relay():
    program = os.path.join(os.environ['abs_top_builddir'], 'src/monitor/emulatedpci-monitor')
    with tempfile.TemporaryDirectory() as directory, subprocess.Popen(['sleep', '3600']) as qemu:
        listeners = {}
        for name in 'libvirt', 'qemu':
            listeners[name] = socket.socket(socket.AF_UNIX)
            listeners[name].bind(os.path.join(directory, name))
            listeners[name].listen(1)
        pidfd = os.pidfd_open(qemu.pid)
        ready, ready_write = os.pipe()
        with subprocess.Popen([program, '--listen-fd=%d' % listeners['libvirt'].fileno(), '--qemu-fd=%d' % pidfd,
                               '--path=%s' % os.path.join(directory, 'qemu'), '--ready-fd=%d' % ready_write],
                              pass_fds=[listeners['libvirt'].fileno(), pidfd, ready_write]) as relay:
            os.read(ready, 1)
            direct = connect(os.path.join(directory, 'qemu'), listeners['qemu'])
            through = connect(os.path.join(directory, 'libvirt'), listeners['qemu'])
            times = [(ask(direct), ask(through)) for _ in range(ROUNDS)]
            memory = 0
            with open('/proc/%d/task/%d/children' % (relay.pid, relay.pid), encoding='ascii') as file:
                children = file.read().split()
            for pid in [str(relay.pid)] + children:
                with open('/proc/%s/smaps_rollup' % pid, encoding='ascii') as file:
                    memory += sum(int(line.split()[1]) for line in file if line.startswith('Pss_Dirty'))
            qemu.kill()
            direct.close()
            through.close()
            relay.wait()
    alone, relayed = (min(pair[i] for pair in times) for i in (0, 1))
    print('%-40s direct %6.1f us   relayed %6.1f us   added %.1f us' % (
        'command to QEMU\'s monitor', alone * 1e6, relayed * 1e6, (relayed - alone) * 1e6))
    print('%-40s %d KiB' % ('private memory of the relay', memory))


def main():
    bench_relay()
    needs('libvirtd', 'virsh', 'qemu-system-x86_64')
    if needs_transport() == VFIO_USER.name:
        bench_qemu()
    bench_attach()


if __name__ == '__main__':
    main()
