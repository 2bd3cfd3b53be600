#!/usr/bin/env python3
# hostileservertest.py: what a vfio-user server can do to QEMU, at the start and afterwards
#
# <driver socket='…'/> connects QEMU to a program of anybody's. Here it is one that answers all
# requests rightly but for one, and QEMU alone (no libvirt, no launcher). What comes of it belongs to
# QEMU; this test holds what the documents say of it (docs/guide-vfio-user.md): QEMU refuses to start
# with a message, or starts, and never hangs. hostileemulatortest.py has more of a running guest.
#
# SPDX-License-Identifier: LGPL-2.1-or-later

import array
import json
import os
import re
import socket
import struct
import subprocess
import tempfile
import threading

from emulatedpcistack import Tap, needs, run_tests
from qemutransports import VFIO_USER, qemu_path, qemu_transports

TIMEOUT = 240
VERSION, DMA_MAP, DMA_UNMAP, GET_INFO, REGION_INFO, IRQ_INFO, SET_IRQS, READ, WRITE, RESET = 1, 2, 3, 4, 5, 7, 8, 9, 10, 13
DMA_READ, DMA_WRITE = 11, 12
REPLY, NO_REPLY, ERROR = 1, 0x10, 0x20
CONFIG = 7
BAR = 4096

# What comes of it. QEMU 11.1 aborts or crashes where it should refuse; others may do better.
REFUSES, STARTS, EITHER, ENDS = 'refuses to start', 'starts', 'refuses to start, or starts', 'ends'


class Server(threading.Thread):
    """Serves a device with one BAR. HOSTILE gets the server and a request (command, payload), and
    answers it: bytes, or None if the right answer is to be sent."""

    def __init__(self, path, hostile):
        super().__init__(daemon=True)
        self.hostile = hostile
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(path)
        self.listener.listen(1)
        self.client = None
        self.ready = threading.Event()      # QEMU has reset the device: the last that it does at the start
        self.start()

    def receive(self, size):
        data = b''
        while len(data) < size:
            part = self.client.recv(size - len(data))
            if not part:
                raise ConnectionError
            data += part
        return data

    def run(self):
        try:
            self.client = self.listener.accept()[0]
            while True:
                number, command, size, flags, _ = struct.unpack('=HHIII', self.receive(16))
                payload = self.receive(size - 16)
                if command == RESET:
                    self.ready.set()
                if flags & 0xf:
                    continue
                answer = self.hostile(self, command, payload)
                if answer is None:
                    answer = message(number, command, right(command, payload))
                if not flags & NO_REPLY:
                    self.client.sendall(answer)
        except (OSError, ConnectionError):
            pass

    def close(self):
        for sock in (self.client, self.listener):
            if sock:
                sock.close()


def message(number, command, payload=b'', flags=REPLY, size=None, error=0):
    return struct.pack('=HHIII', number, command, 16 + len(payload) if size is None else size, flags, error) + payload


def right(command, payload):
    """The right answer's payload."""
    if command == VERSION:
        return struct.pack('=HH', 0, 0) + b'{"capabilities":{"max_msg_fds":8}}\0'
    if command == GET_INFO:
        return struct.pack('=IIII', 16, 3, 9, 5)
    if command == REGION_INFO:
        index = struct.unpack_from('=III', payload)[2]
        return struct.pack('=IIIIQQ', 32, 3, index, 0, {CONFIG: 256, 0: BAR}.get(index, 0), 0)
    if command == IRQ_INFO:
        index = struct.unpack_from('=III', payload)[2]
        return struct.pack('=IIII', 16, 1, index, index == 0)
    if command == READ:
        offset, region, count = struct.unpack_from('=QII', payload)
        config = struct.pack('<I', 0xc5c51234).ljust(256, b'\0')
        return payload[:16] + (config[offset:offset + count] if region == CONFIG else b'').ljust(count, b'\0')
    if command == WRITE:
        return payload[:16]
    return payload if command == DMA_UNMAP else b''


def region(index, size, flags=3, argsz=32, cap=0, offset=0):
    """Says this of a region."""
    def hostile(_, command, payload):
        if command == REGION_INFO and struct.unpack_from('=III', payload)[2] == index:
            return message_like(payload, command, struct.pack('=IIIIQQ', argsz, flags, index, cap, size, offset))
        return None
    return hostile


# The number of the request is needed for an answer; QEMU counts from 0, and a server can count, too.
class Counting:
    def __init__(self, hostile):
        self.hostile, self.number = hostile, -1

    def __call__(self, server, command, payload):
        self.number += 1
        answer = self.hostile(server, command, payload)
        return struct.pack('=H', self.number & 0xffff) + answer[2:] if answer else answer


def message_like(_, command, payload, **more):
    return message(0, command, payload, **more)


def at(where, answer):
    """ANSWER, made of a request's payload, to the command WHERE."""
    return lambda server, command, payload: answer(server, payload) if command == where else None


def send_fds(server, payload, count):
    """The right answer of VERSION, with COUNT descriptors."""
    null = os.open('/dev/null', os.O_RDONLY)
    data = message(0, VERSION, right(VERSION, payload))
    server.client.sendmsg([data], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array('i', [null] * count))])
    os.close(null)
    return b''


def silence(_, payload):
    threading.Event().wait()


def flood(server, payload):
    """Requests that nobody asked for, before the right answer."""
    for i in range(2000):
        server.client.sendall(message(i, DMA_READ, struct.pack('=QQ', 0, 16), flags=0))
    return message(0, VERSION, right(VERSION, payload))


WAYS = [
    ('it is silent', at(VERSION, silence), REFUSES),
    ('it is silent in the middle', at(GET_INFO, silence), REFUSES),
    ('it hangs up', at(VERSION, lambda server, _: server.client.close() or b''), REFUSES),
    ('another version', at(VERSION, lambda s, p: message(0, VERSION, struct.pack('=HH', 7, 0) + b'{}\0')), REFUSES),
    ('no JSON', at(VERSION, lambda s, p: message(0, VERSION, struct.pack('=HH', 0, 0) + b'{{{\0')), REFUSES),
    ('an error', at(VERSION, lambda s, p: message(0, VERSION, flags=REPLY | ERROR, error=22)), REFUSES),
    ('a header of 4 GiB', at(VERSION, lambda s, p: message(0, VERSION, b'x', size=0xffffffff)), REFUSES),
    ('a header of 3 bytes', at(VERSION, lambda s, p: message(0, VERSION, b'x', size=3)), REFUSES),
    ('a command that was not asked', at(VERSION, lambda s, p: message(0, GET_INFO, right(GET_INFO, p))), REFUSES),
    ('HTTP', at(VERSION, lambda s, p: b'HTTP/1.1 400 Bad Request\r\n\r\n'), REFUSES),
    ('no device', at(GET_INFO, lambda s, p: message(0, GET_INFO, struct.pack('=IIII', 16, 0, 0, 0))), REFUSES),
    ('a million regions', at(GET_INFO, lambda s, p: message(0, GET_INFO, struct.pack('=IIII', 16, 3, 1 << 20, 5))), EITHER),
    ('a BAR of 2^62 bytes', region(0, 1 << 62), EITHER),
    ('a BAR of 2^64 - 1 bytes', region(0, (1 << 64) - 1), ENDS),
    ('a BAR of 12345 bytes', region(0, 12345), ENDS),
    ('no configuration space', region(CONFIG, 0), ENDS),
    ('a configuration space of 2^63 bytes', region(CONFIG, 1 << 63), ENDS),
    ('a BAR that is mapped, without a descriptor', region(0, BAR, flags=7), EITHER),
    ('a region info of 4 GiB', region(0, BAR, argsz=0xffffffff), EITHER),
    ('capabilities that are not there', region(0, BAR, flags=11, argsz=64, cap=32), EITHER),
    ('100 descriptors', at(VERSION, lambda s, p: send_fds(s, p, 100)), EITHER),
    ('2000 requests of its own', at(VERSION, flood), EITHER),
]


class QEMU:
    """A QEMU with the device, that does not run the guest."""

    def __init__(self, path):
        self.monitor, theirs = socket.socketpair()
        self.monitor.settimeout(TIMEOUT)
        self.process = subprocess.Popen(
            [qemu_path(), '-accel', 'tcg', '-machine', 'pc', '-m', '64', '-nodefaults', '-no-user-config', '-display', 'none',
             '-S', '-device', json.dumps({'driver': 'vfio-user-pci', 'socket': {'type': 'unix', 'path': path}}),
             '-chardev', 'socket,id=m,fd=%d' % theirs.fileno(), '-mon', 'chardev=m,mode=control'],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, pass_fds=[theirs.fileno()])
        theirs.close()

    def outcome(self):
        """REFUSES or STARTS, or what signal; and what it said."""
        try:
            # It is read as soon as the machine is there.
            self.monitor.sendall(b'{"execute":"qmp_capabilities"}{"execute":"quit"}')
        except OSError:
            pass
        said = self.process.communicate(timeout=TIMEOUT)[1].decode(errors='replace')
        self.monitor.close()
        if self.process.returncode < 0:
            return 'signal %d' % -self.process.returncode, said
        return (REFUSES if self.process.returncode else STARTS), said


def main(tap):
    needs('qemu-system-x86_64')
    if VFIO_USER not in qemu_transports()[0]:
        Tap.skip_all('QEMU has no vfio-user-pci here')
    with tempfile.TemporaryDirectory(prefix='emulatedpci.') as directory:
        for i, (name, hostile, wanted) in enumerate([('nothing wrong', lambda *_: None, STARTS)] + WAYS):
            path = os.path.join(directory, '%d.sock' % i)
            server = Server(path, Counting(hostile))
            qemu = QEMU(path)
            outcome, said = qemu.outcome()
            server.close()
            said = [re.sub('^.*}}: ', '', line) for line in said.splitlines() if line and 'deprecated' not in line]
            tap.diag('%s: %s: %s' % (name, outcome, ' | '.join(said[:3])))
            good = {EITHER: outcome in (REFUSES, STARTS), ENDS: outcome != STARTS}.get(wanted, outcome == wanted)
            tap.ok(good and (outcome != REFUSES or said), '%s: QEMU %s' % (name, wanted), outcome, *said)


run_tests(main)
