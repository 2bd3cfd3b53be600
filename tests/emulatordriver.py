"""emulatordriver.py: runs pci-emulator for a test, as the launcher does

SPDX-License-Identifier: LGPL-2.1-or-later
"""

import os
import socket
import struct
import subprocess

FIELDS = ('devicename', 'vendorid', 'deviceid', 'command', 'status', 'revision', 'classcode',
          'headertype', 'subvendorid', 'subsystemid', 'interruptline', 'interruptpin')

# The example of the documentation
EXAMPLE = {
    'devicename': 'citrix-pv-bus', 'vendorid': 0x5853, 'deviceid': 0xc000, 'command': 0,
    'status': 0, 'revision': 1, 'classcode': 0xff8000, 'headertype': 0, 'subvendorid': 0x5853,
    'subsystemid': 0xc000, 'interruptline': 0, 'interruptpin': 1,
}

SYNC_SYSMEM, RET, CFGWRITE, CFGREAD, BAR_WRITE, BAR_READ, SET_IRQFD, DEVICE_RESET = range(8)

TIMEOUT = 180       # seconds for an answer; a hang is a failure, not a wait


def emulator_path():
    return os.path.join(os.environ['abs_top_builddir'], 'src/emulator/pci-emulator')


def device_argument(fd, fields):
    items = ['fd=%d' % fd]
    for name in FIELDS:
        value = fields[name]
        items.append('%s=%s' % (name, value if isinstance(value, str) else hex(value)))
    return ','.join(items)


class Emulator:
    """A pci-emulator that serves DEVICES, a list of dicts of the twelve fields.
    sockets[i] is QEMU's end of device i."""

    def __init__(self, devices, options=(), pass_fds=(), stderr=subprocess.PIPE):
        ready, ready_write = os.pipe()
        pairs = [socket.socketpair() for _ in devices]
        self.sockets = [pair[0] for pair in pairs]
        theirs = [pair[1] for pair in pairs]
        arguments = [emulator_path(), '--ready-fd=%d' % ready_write] + list(options)
        for fields, sock in zip(devices, theirs):
            arguments += ['--device', device_argument(sock.fileno(), fields)]
        self.fds = [sock.fileno() for sock in theirs]
        self.process = subprocess.Popen(
            arguments, stdin=subprocess.DEVNULL, stderr=stderr,
            pass_fds=[ready_write] + self.fds + list(pass_fds))
        os.close(ready_write)
        for sock in theirs:
            sock.close()
        for sock in self.sockets:
            sock.settimeout(TIMEOUT)
        self.ready = b''
        while True:
            data = os.read(ready, 16)
            if not data:
                break
            self.ready += data
        os.close(ready)

    def wait(self):
        """Closes what is open of QEMU's ends; returns exit status and stderr."""
        for sock in self.sockets:
            sock.close()
        try:
            _, err = self.process.communicate(timeout=TIMEOUT)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.communicate()
            raise
        return self.process.returncode, (err or b'').decode()

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        for sock in self.sockets:
            sock.close()
        if self.process.poll() is None:
            try:
                self.process.wait(TIMEOUT)
            except subprocess.TimeoutExpired:
                self.process.kill()
        self.process.communicate()


# --- the multi-process link, QEMU's side

def message(cmd, payload=b'', size=None):
    return struct.pack('=iIQ', cmd, 0, len(payload) if size is None else size) + payload


def config_read_message(addr, length):
    return message(CFGREAD, struct.pack('=IIi', addr, 0, length))


def config_write_message(addr, value, length):
    return message(CFGWRITE, struct.pack('=IIi', addr, value, length))


def receive(sock, size):
    data = b''
    while len(data) < size:
        piece = sock.recv(size - len(data))
        if not piece:
            raise EOFError('closed after %d bytes' % len(data))
        data += piece
    return data


def reply(sock):
    """The value of the next RET."""
    cmd, _, size, value = struct.unpack('=iIQQ', receive(sock, 24))
    if cmd != RET or size != 8:
        raise ValueError('not a RET: cmd %d size %d' % (cmd, size))
    return value


def config_read(sock, addr, length):
    sock.sendall(config_read_message(addr, length))
    return reply(sock)


def config_write(sock, addr, value, length):
    sock.sendall(config_write_message(addr, value, length))
    return reply(sock)


def reset(sock):
    sock.sendall(message(DEVICE_RESET))
    return reply(sock)
