"""standinemulator.py: stand-ins for pci-emulator that misbehave

    stand_in = make_stand_in(MPQEMU or VFIO_USER)

serves one device of a real QEMU correctly until stand_in.misbehave is set to a function. This
function is then called with the stand-in instead of each reply. ways(transport) lists such
functions.

SPDX-License-Identifier: LGPL-2.1-or-later
"""

import array
import json
import os
import shutil
import socket
import struct
import tempfile
import threading

import emulatordriver as emu
import vfiouserclient as vfio
from emulatedpcistack import LIMIT

IDS = 0xc0005853

# The possible results of each fault: the guest reads all ones or other values, or QEMU crashes, as
# QEMU 11.1 sometimes does.
ALL_ONES, ANYTHING, CRASH = range(3)


def make_stand_in(transport):
    return _class(transport)(transport)


def ways(transport):
    """Returns the ways to misbehave: [(description, function, result)]."""
    return _class(transport).ways()


def _class(transport):
    return _MPQemuStandIn if transport is emu.MPQEMU else _VFIOUserStandIn


def _config(offset, count):
    """Returns these bytes of a device that only has IDs."""
    return struct.pack('<I', IDS).ljust(256, b'\0')[offset:offset + count]


class _StandIn(threading.Thread):
    # The descriptors that QEMU inherits, and the device's place in QEMU
    fds = ()
    place = None
    properties = {}

    def __init__(self, transport):
        super().__init__(daemon=True)
        self.transport = transport
        self.misbehave = None
        self.sock = None

    def qemu_arguments(self, **properties):
        return ['-device', json.dumps({**self.transport.qemu_device(self.place), **self.properties, **properties})]

    def qemu_has_it(self):
        """Must be called after QEMU has started."""

    def run(self):
        try:
            self.begin()
            while True:
                self.serve()
        except (OSError, EOFError, ValueError):
            pass
        if self.sock:
            self.sock.close()

    def begin(self):
        """Prepares the connection."""

    # Ways to misbehave

    def send(self, data):
        self.sock.sendall(data)

    def drop(self):
        self.sock.shutdown(socket.SHUT_RDWR)

    def flood(self, data):
        """Sends DATA repeatedly until the socket is full."""
        self.sock.setblocking(False)
        try:
            while True:
                self.sock.send(data * 100)
        except BlockingIOError:
            pass
        self.sock.settimeout(LIMIT)

    def half(self, data):
        self.send(data[:len(data) // 2])
        self.drop()


class _MPQemuStandIn(_StandIn):
    def __init__(self, transport):
        super().__init__(transport)
        self.theirs, self.sock = socket.socketpair()
        self.sock.settimeout(LIMIT)
        self.place = self.theirs.fileno()
        self.fds = (self.place,)
        self.start()

    def qemu_has_it(self):
        self.theirs.close()

    def serve(self):
        cmd, _, size = struct.unpack('=iIQ', emu.receive(self.sock, 16))
        payload = emu.receive(self.sock, size)
        if self.misbehave:
            self.misbehave(self)
        elif cmd == emu.CFGREAD:
            addr, _, length = struct.unpack('=IIi', payload)
            self.send(self.ret(int.from_bytes(_config(addr, length), 'little')))
        elif cmd not in (emu.SYNC_SYSMEM, emu.SET_IRQFD):
            self.send(self.ret())

    @staticmethod
    def ret(value=0, cmd=emu.RET, size=8):
        return struct.pack('=iIQQ', cmd, 0, size, value)

    @staticmethod
    def ways():
        return (
            ('an answer of more than 32 bits', lambda s: s.send(s.ret(0xffffffff00000000)), ANYTHING),
            ('an answer with another command', lambda s: s.send(s.ret(cmd=emu.CFGREAD)), ANYTHING),
            ('an answer with an unknown command', lambda s: s.send(s.ret(cmd=-1)), ANYTHING),
            ('an answer that claims 2^64 - 1 bytes', lambda s: s.send(s.ret(size=(1 << 64) - 1)), ANYTHING),
            ('an answer that claims no bytes', lambda s: s.send(s.ret(size=0)), ANYTHING),
            ('a flood of answers', lambda s: s.flood(s.ret(0x1111111111111111)), ANYTHING),
            ('garbage', lambda s: s.send(os.urandom(4096)), ANYTHING),
            ('half an answer, then the end', lambda s: s.half(s.ret()), ALL_ONES),
            ('the end', lambda s: s.drop(), ALL_ONES),
        )


class _VFIOUserStandIn(_StandIn):
    # The time in ms for which QEMU waits for a reply, after which it reads all ones.
    properties = {'x-msg-timeout': 2000}

    def __init__(self, transport):
        super().__init__(transport)
        self.dir = tempfile.mkdtemp(prefix='emulatedpci.', dir='/tmp')
        self.place = os.path.join(self.dir, 'hostile.sock')
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(self.place)
        self.listener.listen(1)
        self.listener.settimeout(LIMIT)
        self.request = None
        self.start()

    def begin(self):
        self.sock = self.listener.accept()[0]
        self.sock.settimeout(LIMIT)
        self.listener.close()
        shutil.rmtree(self.dir)

    def serve(self):
        number, command, size, flags, _ = vfio.HEADER.unpack(emu.receive(self.sock, vfio.HEADER.size))
        payload = emu.receive(self.sock, size - vfio.HEADER.size)
        self.request = (number, command, payload)
        if flags & vfio.NO_REPLY:
            return
        if self.misbehave:
            self.misbehave(self)
        else:
            self.send(self.reply())

    def answer(self):
        """Returns the value in the correct reply to the last request."""
        _, command, payload = self.request
        if command == vfio.VERSION:
            return vfio.version_payload({'capabilities': {'max_msg_fds': 8, 'max_data_xfer_size': 1048576}})
        if command == vfio.GET_INFO:
            return struct.pack('=IIII', 16, 3, 9, 5)
        if command == vfio.GET_REGION_INFO:
            index = struct.unpack_from('=I', payload, 8)[0]
            config = index == vfio.CONFIG_REGION
            return struct.pack('=IIIIQQ', 32, 3 if config else 0, index, 0, 256 if config else 0, 0)
        if command == vfio.GET_IRQ_INFO:
            return struct.pack('=IIII', 16, 0, struct.unpack_from('=I', payload, 8)[0], 0)
        if command == vfio.REGION_READ:
            offset, _, count = struct.unpack('=QII', payload)
            return payload + _config(offset, count)
        if command == vfio.REGION_WRITE:
            return payload[:16]
        return b''

    def reply(self, payload=None, number=None, command=None, **fields):
        wanted, asked, _ = self.request
        return vfio.message(asked if command is None else command, self.answer() if payload is None else payload,
                            **{'flags': vfio.REPLY, 'number': wanted if number is None else number, **fields})

    def reply_with_descriptors(self, count):
        read_end, write_end = os.pipe()
        self.sock.sendmsg([self.reply()], [(socket.SOL_SOCKET, socket.SCM_RIGHTS,
                                            array.array('i', [write_end] * count))])
        os.close(read_end)
        os.close(write_end)

    @staticmethod
    def ways():
        return (
            ('a reply to another request', lambda s: s.send(s.reply(number=s.request[0] + 1 & 0xffff)), ALL_ONES),
            ('a reply to another command', lambda s: s.send(s.reply(command=vfio.DMA_READ)), ANYTHING),
            ('an unknown command', lambda s: s.send(s.reply(command=0xffff, flags=vfio.COMMAND)), ANYTHING),
            ('a request to write guest memory',
             lambda s: s.send(vfio.message(vfio.DMA_WRITE, struct.pack('=QQ', 0, 4096) + b'x' * 4096)), ANYTHING),
            ('an error', lambda s: s.send(s.reply(b'', flags=vfio.REPLY | vfio.ERROR, error=5)), ALL_ONES),
            ('an error that is none', lambda s: s.send(s.reply(b'', flags=vfio.REPLY | vfio.ERROR)), ANYTHING),
            ('a reply that claims 2^32 - 1 bytes', lambda s: s.send(s.reply(size=(1 << 32) - 1)), ALL_ONES),
            ('a reply that claims less than its header', lambda s: s.send(s.reply(size=8)), ALL_ONES),
            ('a reply without data', lambda s: s.send(s.reply(b'')), ANYTHING),
            ('a reply with more data than was asked for', lambda s: s.send(s.reply(s.answer() + b'x' * 4096)), ALL_ONES),
            ('a reply with descriptors', lambda s: s.reply_with_descriptors(8), ANYTHING),
            ('a flood of replies', lambda s: s.flood(s.reply()), ANYTHING),
            ('garbage', lambda s: s.send(os.urandom(4096)), ANYTHING),
            ('half a reply, then the end', lambda s: s.half(s.reply()), CRASH),
            ('the end', lambda s: s.drop(), ALL_ONES),
        )
