# libvirtrpc.py: a client of libvirt's RPC protocol, byte by byte
#
# For tests and benchmarks that must send invalid frames, or measure without the time of a library.
# Implements the framing, the XDR types and some procedure numbers; see src/rpc.
#
# SPDX-License-Identifier: LGPL-2.1-or-later

import array
import socket
import struct

REMOTE = 0x20008086
KEEPALIVE = 0x6b656570

CALL, REPLY, MESSAGE, STREAM, CALL_WITH_FDS, REPLY_WITH_FDS, STREAM_HOLE = range(7)
OK, ERROR, CONTINUE = range(3)

OPEN = 1
CLOSE = 2
GET_TYPE = 3
GET_VERSION = 4
GET_HOSTNAME = 59
AUTH_LIST = 66
GET_LIB_VERSION = 157
LOOKUP_BY_NAME = 23
CREATE_XML = 10
DEFINE_XML = 11
UNDEFINE_FLAGS = 231
GET_XML_DESC = 14
DEFINE_XML_FLAGS = 350
ATTACH_DEVICE_FLAGS = 160
DETACH_DEVICE_FLAGS = 161
CREATE_XML_WITH_FILES = 309
FD_ASSOCIATE = 443

FRAME_MAX = 33554432 + 4


def string(text):
    data = text if isinstance(text, bytes) else text.encode()
    return struct.pack('>I', len(data)) + data + b'\0' * (-len(data) % 4)


def optional(text):
    return struct.pack('>I', 0) if text is None else struct.pack('>I', 1) + string(text)


def read_string(data, offset=0):
    """Returns (the string, the offset after it)."""
    size, = struct.unpack_from('>I', data, offset)
    return data[offset + 4:offset + 4 + size], offset + 4 + (size + 3) // 4 * 4


def read_domain(data):
    """Returns the bytes of the domain at the start of DATA, which can be sent unchanged."""
    return data[:read_string(data)[1] + 20]


def frame(procedure, payload=b'', serial=1, kind=CALL, status=OK, program=REMOTE, version=1):
    return struct.pack('>7I', 28 + len(payload), program, version, procedure, kind, serial,
                       status) + payload


class RPCError(Exception):
    """An error reply; .code is libvirt's error code."""

    def __init__(self, payload):
        self.code, self.domain, present = struct.unpack_from('>iiI', payload)
        self.message = read_string(payload, 12)[0].decode() if present else ''
        super().__init__('%d: %s' % (self.code, self.message))


class Client:
    def __init__(self, path, timeout=180):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.connect(path)
        self.socket.settimeout(timeout)
        self.serial = 0

    def read(self, size):
        """Reads SIZE bytes, or fewer at the end."""
        data = bytearray()
        while len(data) < size:
            got = self.socket.recv(size - len(data))
            if not got:
                break
            data += got
        return bytes(data)

    def receive(self):
        """Returns (program, procedure, kind, serial, status), payload; or None at the end."""
        head = self.read(4)
        if len(head) < 4:
            return None
        data = self.read(struct.unpack('>I', head)[0] - 4)
        program, _, procedure, kind, serial, status = struct.unpack_from('>6I', data)
        return (program, procedure, kind, serial, status), data[24:]

    def send(self, procedure, payload=b''):
        self.serial += 1
        self.socket.sendall(frame(procedure, payload, self.serial))
        return self.serial

    def wait(self, serial):
        """Returns the payload of the reply to the call SERIAL; other frames are discarded."""
        while True:
            got = self.receive()
            if not got:
                raise EOFError('the connection was closed')
            (_, _, kind, number, status), payload = got
            if kind in (REPLY, REPLY_WITH_FDS) and number == serial:
                if status == ERROR:
                    raise RPCError(payload)
                return payload

    def call(self, procedure, payload=b''):
        return self.wait(self.send(procedure, payload))

    def open(self, uri='qemu:///session', flags=0):
        self.call(AUTH_LIST)
        self.call(OPEN, optional(uri) + struct.pack('>I', flags))
        return self

    def send_fd(self, fd):
        self.socket.sendmsg([b'\0'], [(socket.SOL_SOCKET, socket.SCM_RIGHTS,
                                       array.array('i', [fd]))])

    def close(self):
        self.socket.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()
