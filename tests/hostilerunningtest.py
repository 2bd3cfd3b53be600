#!/usr/bin/env python3
# hostilerunningtest.py: the effects of a malicious vfio-user server on a QEMU that runs a guest
#
# Tests QEMU without libvirt, with shared memory, a device of a server, and a device of QEMU; qtest
# replaces the guest. The server is correct until the guest has the device, and then misbehaves: it
# replies incorrectly to an access, or sends an unlimited number of requests, descriptors or
# interrupts. After that, QEMU must still reply, and its own device must be unchanged.
# docs/guide-vfio-user.md lists the effects on the server's device, and the cases in which QEMU 11.1
# does not free memory or descriptors. hostileemulatortest.py tests servers that do not reply or
# close the connection, and virtual CPUs that wait.
#
# SPDX-License-Identifier: LGPL-2.1-or-later

import json
import os
import struct
import tempfile
import time

from emulatedpcistack import Tap, needs, run_tests
from qemutransports import VFIO_USER, qemu_transports
from qtestclient import QTestError, QTestMachine, pci
from vfiouserserver import (BAR_VALUE, DMA_READ, DMA_WRITE, ERROR, IDS, INTX, READ, REPLY, Device, Server, at,
                            message, send_fds)

SLOT, NATIVE = 5, 7
BAR_ADDRESS = 0xe0000000
MEMORY = 64 << 20
CHUNK = 65536

# The time for which a server floods QEMU, in seconds, and the memory that QEMU may keep afterwards
FLOOD = 2
KEEP_FDS, KEEP_MEMORY = 16, 32 << 20

# The number of requests or writes whose replies a server does not read
UNREAD, UNREAD_WRITES = 1000, 50000

# The state of the device afterwards, and the memory that QEMU may keep
WORKS, GONE, EITHER = 'works', 'reads as all ones', 'works, or reads as all ones'
NOTHING, FDS, BYTES = 'nothing', 'descriptors', 'memory'


# --- replies to a read of the BAR

def read(payload=None, **more):
    """Returns a function that replies to a read with another payload, which PAYLOAD makes from the
    correct one."""
    def answer(server, request):
        if struct.unpack_from('=QII', request)[1] != 0:
            return None                 # a read of configuration space
        right = server.device.right(READ, request)
        return server.answer(READ, payload(right) if payload else right, **more)
    return at(READ, answer)


def read_with_fds(server, request):
    """The correct reply, with 100 descriptors."""
    if struct.unpack_from('=QII', request)[1] != 0:
        return None
    send_fds(server, server.answer(READ, server.device.right(READ, request)), 100)
    return b''


def nobody(server, request):
    """Thousands of replies to requests that QEMU has not sent, before the correct one."""
    if struct.unpack_from('=QII', request)[1] != 0:
        return None
    for i in range(5000):
        server.client.sendall(message((server.number + 1000 + i) & 0xffff, READ, b'x' * 20))
    return server.answer(READ, server.device.right(READ, request))


# --- messages that a server sends by itself

def requests(command, address, count, data=b'', fds=0, size=None, most=64):
    """Sends requests without end, at most MOST of them before it reads a reply; or only one, if
    MOST is 0."""
    def flood(server):
        number, until = 0, time.monotonic() + FLOOD
        while time.monotonic() < until:
            number += 1
            request = message(number & 0xffff, command, struct.pack('=QQ', address, count) + data, flags=0, size=size)
            if fds:
                send_fds(server, request, fds)
            else:
                server.client.sendall(request)
            while number - server.answers >= most and time.monotonic() < until and server.is_alive():
                time.sleep(0.0005)
        return number
    return flood


def unread(server):
    """Sends requests and does not read the replies."""
    server.deaf.set()
    for number in range(UNREAD):
        server.client.sendall(message(number & 0xffff, DMA_READ, struct.pack('=QQ', 0, CHUNK), flags=0))
    return UNREAD


def interrupts(server):
    number, until = 0, time.monotonic() + FLOOD
    fds = server.eventfds[INTX, 0]
    while time.monotonic() < until:
        for fd in fds:
            os.eventfd_write(fd, 1)
            number += 1
    return number


def garbage(server):
    server.client.sendall(os.urandom(4096))
    return 1


def own_bar(server):
    """The device writes to its own BAR: QEMU asks the server to write."""
    server.client.sendall(message(1, DMA_WRITE, struct.pack('=QQ', BAR_ADDRESS, 4) + b'abcd', flags=0))
    return 1


ANSWERS = [
    ('an answer that is too short', read(lambda right: right[:-2]), WORKS),
    ('an answer without data', read(lambda right: right[:16]), WORKS),
    ('an answer that is too long', read(lambda right: right + b'x' * 64), GONE),
    ('an answer of 4 GiB', read(size=0xffffffff), GONE),
    ('an answer of 3 bytes', read(size=3), GONE),
    ('an answer with a count of 4 GiB', read(lambda right: right[:12] + b'\xff' * 4 + right[16:]), WORKS),
    ('an answer to another command', at(READ, lambda s, p: s.answer(DMA_READ, s.device.right(READ, p))), WORKS),
    ('an error', read(lambda right: b'', flags=REPLY | ERROR, error=5), WORKS),
    ('an error without a number', read(lambda right: b'', flags=REPLY | ERROR), WORKS),
    ('100 descriptors', at(READ, read_with_fds), GONE),
    ('answers to nobody', at(READ, nobody), EITHER),
]

# (name, the server's messages, the state of the device afterwards, the memory that QEMU 11.1 keeps)
FLOODS = [
    ('reads of memory', requests(DMA_READ, 0, CHUNK, most=1), WORKS, NOTHING),
    ('writes of memory', requests(DMA_WRITE, 0x100000, 4096, b'x' * 4096), WORKS, NOTHING),
    ('reads beyond the memory', requests(DMA_READ, 1 << 45, 4096), WORKS, NOTHING),
    ('reads that end beyond the memory', requests(DMA_READ, MEMORY - 16, 4096), WORKS, NOTHING),
    ('writes beyond the memory', requests(DMA_WRITE, 1 << 45, 4096, b'x' * 4096), WORKS, NOTHING),
    ('reads of 2^63 bytes', requests(DMA_READ, 0, 1 << 63), WORKS, NOTHING),
    ('reads of 0 bytes', requests(DMA_READ, 0, 0), WORKS, NOTHING),
    ('a read of more than fits into the socket', requests(DMA_READ, 0, 1 << 20, most=0), EITHER, NOTHING),
    ('writes with less data than they say', requests(DMA_WRITE, 0x100000, 4096, b'x' * 16), WORKS, NOTHING),
    ('writes with more data than they say', requests(DMA_WRITE, 0x100000, 16, b'x' * 4096), WORKS, NOTHING),
    ('requests of a command that is not there', requests(77, 0, 0), WORKS, NOTHING),
    ('requests that are too short', requests(DMA_READ, 0, 0, size=16), GONE, NOTHING),
    ('descriptors', requests(DMA_READ, 0, 16, fds=8), WORKS, FDS),
    ('reads of which it takes no answer', unread, EITHER, BYTES),
    ('writes of the guest that it does not read', lambda server: server.deaf.set(), EITHER, NOTHING),
    ('interrupts', interrupts, WORKS, NOTHING),
    ('garbage', garbage, GONE, NOTHING),
    ('a write into its own BAR', own_bar, WORKS, NOTHING),
]


class Machine(QTestMachine):
    """A QEMU whose device is at BAR_ADDRESS and is a bus master."""

    def __init__(self, path, log):
        super().__init__(
            ['-machine', 'pc,memory-backend=ram', '-m', '%dM' % (MEMORY >> 20),
             '-object', 'memory-backend-memfd,id=ram,size=%d,share=on' % MEMORY,
             '-device', json.dumps({'driver': 'vfio-user-pci', 'id': 'device', 'addr': '0x%x' % SLOT,
                                    'socket': {'type': 'unix', 'path': path}}),
             '-device', 'pci-testdev,addr=0x%x' % NATIVE], stderr=log)
        self.config_write(pci(0, SLOT), 0x10, BAR_ADDRESS, 4)
        self.config_write(pci(0, SLOT), 0x04, 0x0006, 2)

    def bar(self):
        return self.commands(['readl 0x%x' % BAR_ADDRESS])[0]

    def holds(self):
        """Returns (descriptors, bytes) of the process."""
        with open('/proc/%d/statm' % self.process.pid, encoding='ascii') as file:
            resident = int(file.read().split()[1]) * os.sysconf('SC_PAGE_SIZE')
        return len(os.listdir('/proc/%d/fd' % self.process.pid)), resident


def check(tap, what, machine, before, native, keeps):
    """Checks that QEMU replies, and that its own device is unchanged. Returns the state of the
    server's device."""
    machine.qmp('query-status')
    fds, memory = machine.holds()
    kept = {FDS: fds > before[0] + KEEP_FDS, BYTES: memory > before[1] + KEEP_MEMORY}
    tap.diag('%s: %d descriptors, were %d; %d KiB, were %d' % (what, fds, before[0], memory >> 10, before[1] >> 10))
    tap.ok(not any(kept[kind] for kind in kept if kind != keeps), '%s: what QEMU keeps: %s' % (what, keeps), kept)
    found = machine.bar()
    tap.equal(machine.config_dump(pci(0, NATIVE)), native, "%s: QEMU's own device" % what)
    machine.qmp('quit')
    return {BAR_VALUE: WORKS, 0xffffffff: GONE}.get(found, 'reads as 0x%x' % found)


def act(tap, what, machine, server, flood):
    """Runs one misbehaviour of the server."""
    if not flood:
        machine.bar()
        return
    try:
        tap.diag('%s: %s' % (what, flood(server)))
    except OSError as error:
        tap.diag('%s: %s' % (what, error))
    if server.deaf.is_set():
        machine.commands(['writel 0x%x 1' % BAR_ADDRESS] * UNREAD_WRITES)


def misbehave(tap, what, path, hostile, flood, keeps):
    """Returns (the effect on the device, QEMU's log)."""
    enabled = []
    server = Server(path, lambda *request: hostile(*request) if enabled and hostile else None, Device((0,), (INTX,)))
    with open(path + '.log', 'w+', encoding='utf-8', errors='replace') as log:
        with Machine(path, log) as machine:
            tap.equal((machine.config_read(pci(0, SLOT), 0, 4), machine.bar()), (IDS, BAR_VALUE), '%s: a sane start' % what)
            native, before = machine.config_dump(pci(0, NATIVE)), machine.holds()
            enabled.append(True)
            start = time.monotonic()
            try:
                act(tap, what, machine, server, flood)
                enabled.clear()
                result = check(tap, what, machine, before, native, keeps)
                machine.process.wait()
            except (QTestError, ConnectionError):
                result = 'QEMU ended with status %s' % machine.process.wait()
            took = time.monotonic() - start
        log.seek(0)
        said = [line for line in log.read().splitlines() if 'error recovery' not in line]
    server.close()
    tap.diag('%s: %s, after %.1f s; %d lines: %s' % (what, result, took, len(said), ' | '.join(said[:3])))
    return result, said


def main(tap):
    needs('qemu-system-x86_64')
    if VFIO_USER not in qemu_transports()[0]:
        Tap.skip_all('QEMU has no vfio-user-pci here')
    ways = [(what, answer, None, wanted, NOTHING) for what, answer, wanted in ANSWERS]
    ways += [(what, None, flood, wanted, keeps) for what, flood, wanted, keeps in FLOODS]
    with tempfile.TemporaryDirectory(prefix='emulatedpci.') as directory:
        for i, (what, hostile, flood, wanted, keeps) in enumerate(ways):
            result, said = misbehave(tap, what, os.path.join(directory, '%d.sock' % i), hostile, flood, keeps)
            tap.ok(result == wanted or (wanted == EITHER and result in (WORKS, GONE)), '%s: the device %s' % (what, wanted),
                   result, *said[:5])


run_tests(main)
