# vfiouserserver.py: a vfio-user server for tests
#
# It provides a device with the BARs and interrupts that a test requests, and replies correctly. A
# test can replace single replies, or send other messages in between.
#
# SPDX-License-Identifier: LGPL-2.1-or-later

import os
import socket
import struct
import threading
import time

VERSION, DMA_MAP, DMA_UNMAP, GET_INFO, REGION_INFO, IRQ_INFO, SET_IRQS, READ, WRITE, RESET = 1, 2, 3, 4, 5, 7, 8, 9, 10, 13
DMA_READ, DMA_WRITE = 11, 12
REPLY, NO_REPLY, ERROR = 1, 0x10, 0x20
CONFIG = 7
INTX, MSI, MSIX = 0, 1, 2

IDS = 0xc5c51234
BAR_SIZE = 4096
BAR_VALUE = 0x2a

# Offsets in configuration space (PCI Local Bus Specification 3.0, 6.7 and 6.8)
CAPABILITIES = 0x40
CAPABILITY = {
    MSI: struct.pack('<BBHIHH', 0x05, 0, 0x80, 0, 0, 0),
    MSIX: struct.pack('<BBHII', 0x11, 0, 1, 0x0001, 0x0801),        # two vectors; both tables in BAR 1
}
VECTORS = {INTX: 1, MSI: 1, MSIX: 2}


def message(number, command, payload=b'', flags=REPLY, size=None, error=0):
    return struct.pack('=HHIII', number, command, 16 + len(payload) if size is None else size, flags, error) + payload


class Device:
    """A device with BARS (numbers), all of BAR_SIZE and in memory space, and INTERRUPTS."""

    def __init__(self, bars=(0,), interrupts=(INTX,)):
        self.bars, self.interrupts = bars, interrupts
        config = bytearray(256)
        struct.pack_into('<I', config, 0x00, IDS)
        config[0x3d] = INTX in interrupts
        for interrupt in set(interrupts) & set(CAPABILITY):
            config[0x06], config[0x34] = 0x10, CAPABILITIES
            config[CAPABILITIES:CAPABILITIES + len(CAPABILITY[interrupt])] = CAPABILITY[interrupt]
        self.config = config

    def size(self, region):
        return len(self.config) if region == CONFIG else BAR_SIZE if region in self.bars else 0

    def read(self, region, offset, count):
        data = self.config[offset:offset + count] if region == CONFIG else struct.pack('<I', BAR_VALUE)[:count]
        return bytes(data).ljust(count, b'\0')

    def right(self, command, payload):
        """The payload of the correct reply."""
        if command == VERSION:
            return struct.pack('=HH', 0, 0) + b'{"capabilities":{"max_msg_fds":8}}\0'
        if command == GET_INFO:
            return struct.pack('=IIII', 16, 3, 9, 5)
        if command == REGION_INFO:
            index = struct.unpack_from('=III', payload)[2]
            return struct.pack('=IIIIQQ', 32, 3, index, 0, self.size(index), 0)
        if command == IRQ_INFO:
            index = struct.unpack_from('=III', payload)[2]
            return struct.pack('=IIII', 16, 7 if index == INTX else 1, index,
                               VECTORS[index] if index in self.interrupts else 0)
        if command == READ:
            offset, region, count = struct.unpack_from('=QII', payload)
            return payload[:16] + self.read(region, offset, count)
        if command == WRITE:
            offset, region, count = struct.unpack_from('=QII', payload)
            if region == CONFIG:
                self.config[offset:offset + count] = payload[16:16 + count]
            return payload[:16]
        return payload if command == DMA_UNMAP else b''


class Server(threading.Thread):
    """Serves DEVICE at PATH to one client. HOSTILE is called with the server and a request
    (command, payload), and returns the reply, a whole message: bytes, or None for the correct
    one."""

    def __init__(self, path, hostile=lambda *_: None, device=None):
        super().__init__(daemon=True)
        self.hostile, self.device = hostile, device or Device()
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(path)
        self.listener.listen(1)
        self.client = None
        self.number = 0                     # of the request that is being processed
        self.eventfds = {}                  # (interrupt, vector) -> the eventfd that raises it
        self.answers = 0                    # replies to the server's own requests
        self.deaf = threading.Event()       # the server does not read while this is set
        self.ready = threading.Event()      # QEMU has reset the device, as its last step at the start
        self.start()

    def receive(self, size):
        data = b''
        while len(data) < size:
            part = self.client.recv(size - len(data))
            if not part:
                raise ConnectionError
            data += part
        return data

    def receive_message(self):
        """(header, payload, descriptors)"""
        data, fds, _, _ = socket.recv_fds(self.client, 16, 64)
        if not data:
            raise ConnectionError
        data += self.receive(16 - len(data))
        return struct.unpack('=HHIII', data), self.receive(struct.unpack_from('=I', data, 4)[0] - 16), fds

    def keep(self, command, payload, fds):
        """Returns the descriptors of a message to the test, or closes them."""
        if command == SET_IRQS:
            index, start, count = struct.unpack_from('=III', payload, 8)
            for vector, fd in zip(range(start, start + count), fds):
                self.eventfds.setdefault((index, vector), []).append(fd)
            fds = fds[count:]
        for fd in fds:
            os.close(fd)

    def run(self):
        try:
            self.client = self.listener.accept()[0]
            while True:
                while self.deaf.is_set():
                    time.sleep(0.01)
                (self.number, command, _, flags, _), payload, fds = self.receive_message()
                self.keep(command, payload, fds)
                if command == RESET:
                    self.ready.set()
                if flags & 0xf:
                    self.answers += 1
                    continue
                answer = self.hostile(self, command, payload)
                if answer is None:
                    answer = self.answer(command, self.device.right(command, payload))
                if not flags & NO_REPLY:
                    self.client.sendall(answer)
        except (OSError, ConnectionError):
            pass

    def answer(self, command, payload=b'', **more):
        return message(self.number, command, payload, **more)

    def close(self):
        for sock in (self.client, self.listener):
            if sock:
                sock.close()
        for fds in self.eventfds.values():
            for fd in fds:
                os.close(fd)
        self.eventfds = {}


def at(where, answer):
    """Replaces the reply to the command WHERE by ANSWER, a function of the server and a request's
    payload."""
    return lambda server, command, payload: answer(server, payload) if command == where else None


def region(index, size, flags=3, argsz=32, cap=0, offset=0):
    """Returns the server's description of a region."""
    def hostile(server, command, payload):
        if command == REGION_INFO and struct.unpack_from('=III', payload)[2] == index:
            return server.answer(command, struct.pack('=IIIIQQ', argsz, flags, index, cap, size, offset))
        return None
    return hostile


def send_fds(server, data, count, file='/dev/null'):
    """Sends DATA with COUNT descriptors."""
    null = os.open(file, os.O_RDONLY)
    try:
        socket.send_fds(server.client, [data], [null] * count)
    finally:
        os.close(null)
