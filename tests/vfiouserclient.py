"""vfiouserclient.py: a client of vfio-user, written from its specification

Sends the messages of QEMU's vfio-user-pci, and any other messages of a test, according to QEMU's
docs/interop/vfio-user.rst, version 0.0. Does not depend on pci-emulator.

SPDX-License-Identifier: LGPL-2.1-or-later
"""

import array
import collections
import json
import socket
import struct

(VERSION, DMA_MAP, DMA_UNMAP, GET_INFO, GET_REGION_INFO, GET_REGION_IO_FDS, GET_IRQ_INFO, SET_IRQS,
 REGION_READ, REGION_WRITE, DMA_READ, DMA_WRITE, RESET) = range(1, 14)
REGION_WRITE_MULTI = 15

COMMAND, REPLY, NO_REPLY, ERROR = 0x00, 0x01, 0x10, 0x20

CONFIG_REGION = 7

HEADER = struct.Struct('=HHIII')

# As QEMU 10.1 proposes them
CAPABILITIES = {'capabilities': {
    'max_msg_fds': 8, 'max_data_xfer_size': 1048576, 'pgsizes': 4096, 'max_dma_maps': 65535,
    'migration': {'pgsize': 4096, 'max_bitmap_size': 268435456}, 'write_multiple': True,
}}

Reply = collections.namedtuple('Reply', 'id command flags error payload')


class VFIOUserError(Exception):
    """An error reply with its errno."""

    def __init__(self, command, errno):
        super().__init__('command %d: errno %d' % (command, errno))
        self.errno = errno


def message(command, payload=b'', flags=COMMAND, size=None, number=1, error=0):
    return HEADER.pack(number, command, HEADER.size + len(payload) if size is None else size,
                       flags, error) + payload


def version_payload(capabilities=None, major=0, minor=0):
    """CAPABILITIES: an object, bytes that are sent unchanged (including the final NUL), or None for
    none."""
    if capabilities is None:
        capabilities = b''
    elif not isinstance(capabilities, bytes):
        capabilities = json.dumps(capabilities).encode() + b'\0'
    return struct.pack('=HH', major, minor) + capabilities


def access_payload(offset, count, data=b'', region=CONFIG_REGION):
    return struct.pack('=QII', offset, region, count) + data


def dma_map_payload(address, size, offset=0, flags=3):
    return struct.pack('=IIQQQ', 32, flags, offset, address, size)


def dma_unmap_payload(address, size):
    return struct.pack('=IIQQ', 24, 0, address, size)


def set_irqs_payload(flags, index, start, count, data=b''):
    return struct.pack('=IIIII', 20 + len(data), flags, index, start, count) + data


class Client:
    """A connection. SOCK is connected; it is closed with the client."""

    def __init__(self, sock, timeout=60):
        sock.settimeout(timeout)
        self.sock = sock
        self.number = 0

    @classmethod
    def connect(cls, path, timeout=60):
        sock = socket.socket(socket.AF_UNIX)
        sock.settimeout(timeout)
        sock.connect(path)
        return cls(sock, timeout)

    def close(self):
        self.sock.close()

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.close()

    # --- messages

    def receive(self, size):
        data = b''
        while len(data) < size:
            piece = self.sock.recv(size - len(data))
            if not piece:
                raise EOFError('closed after %d bytes' % len(data))
            data += piece
        return data

    def reply(self):
        number, command, size, flags, error = HEADER.unpack(self.receive(HEADER.size))
        if not HEADER.size <= size <= 1 << 20:
            raise ValueError('a reply of %d bytes' % size)
        return Reply(number, command, flags, error, self.receive(size - HEADER.size))

    def send(self, command, payload=b'', flags=COMMAND, fds=()):
        """Sends one command; returns its id."""
        self.number = (self.number + 1) & 0xffff
        data = message(command, payload, flags, number=self.number)
        if fds:
            self.sock.sendmsg([data], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array('i', fds))])
        else:
            self.sock.sendall(data)
        return self.number

    def request(self, command, payload=b'', fds=()):
        """Sends one command and waits for its reply. Returns the payload of the reply."""
        number = self.send(command, payload, fds=fds)
        reply = self.reply()
        if reply.id != number or reply.command != command:
            raise ValueError('a reply to %d, id %d, instead of %d, id %d'
                             % (reply.command, reply.id, command, number))
        if reply.flags == REPLY | ERROR and not reply.payload:
            raise VFIOUserError(command, reply.error)
        if reply.flags != REPLY or reply.error != 0:
            raise ValueError('flags 0x%x, error %d' % (reply.flags, reply.error))
        return reply.payload

    def errno(self, command, payload=b'', fds=()):
        """Returns the errno of the error reply, or 0."""
        try:
            self.request(command, payload, fds)
            return 0
        except VFIOUserError as error:
            return error.errno

    # --- the requests of a client

    def negotiate(self, capabilities=None):
        """Returns (major, minor, the server's JSON)."""
        payload = self.request(VERSION, version_payload(capabilities or CAPABILITIES))
        major, minor = struct.unpack_from('=HH', payload)
        if payload[-1:] != b'\0':
            raise ValueError('no final NUL')
        return major, minor, json.loads(payload[4:-1].decode())

    def info(self):
        """Returns (argsz, flags, regions, interrupt indexes)."""
        return struct.unpack('=IIII', self.request(GET_INFO, struct.pack('=IIII', 16, 0, 0, 0)))

    def region_info(self, index):
        """Returns (argsz, flags, index, offset of capabilities, size, offset)."""
        return struct.unpack('=IIIIQQ', self.request(GET_REGION_INFO,
                                                     struct.pack('=IIIIQQ', 32, 0, index, 0, 0, 0)))

    def irq_info(self, index):
        """Returns (argsz, flags, index, count)."""
        return struct.unpack('=IIII', self.request(GET_IRQ_INFO, struct.pack('=IIII', 16, 0, index, 0)))

    def read(self, offset, count, region=CONFIG_REGION):
        payload = self.request(REGION_READ, access_payload(offset, count, region=region))
        if payload[:16] != access_payload(offset, count, region=region) or len(payload) != 16 + count:
            raise ValueError('not what was asked for: %r' % payload)
        return payload[16:]

    def write(self, offset, data, region=CONFIG_REGION):
        payload = self.request(REGION_WRITE, access_payload(offset, len(data), data, region))
        if payload != access_payload(offset, len(data), region=region):
            raise ValueError('not what was asked for: %r' % payload)

    def reset(self):
        if self.request(RESET):
            raise ValueError('a reset with a payload')

    def start(self, memory=()):
        """Sends all requests that QEMU makes before a guest runs. MEMORY: a descriptor for each
        range of guest memory, or nothing if the memory is not shared."""
        self.negotiate()
        for i, fd in enumerate(memory):
            self.request(DMA_MAP, dma_map_payload(i << 20, 1 << 20), [fd])
        _, _, regions, irqs = self.info()
        for index in range(regions):
            self.region_info(index)
        for index in range(irqs):
            self.irq_info(index)
        self.read(0, 256)
        self.reset()
