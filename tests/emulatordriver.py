"""emulatordriver.py: runs pci-emulator for a test, as the launcher does

Either transport can be used: Emulator(devices, transport=MPQEMU or VFIO_USER). The differences
between the transports are in the two classes of these names.

SPDX-License-Identifier: LGPL-2.1-or-later
"""

import contextlib
import json
import os
import resource
import shutil
import socket
import struct
import subprocess
import tempfile

import qemutransports
import vfiouserclient as vfio

FIELDS = ('devicename', 'vendorid', 'deviceid', 'command', 'status', 'revision', 'classcode',
          'headertype', 'subvendorid', 'subsystemid', 'interruptline', 'interruptpin')

# The example of the documentation
EXAMPLE = {
    'devicename': 'citrix-pv-bus', 'vendorid': 0x5853, 'deviceid': 0xc000, 'command': 0,
    'status': 0, 'revision': 1, 'classcode': 0xff8000, 'headertype': 0, 'subvendorid': 0x5853,
    'subsystemid': 0xc000, 'interruptline': 0, 'interruptpin': 1,
}

SYNC_SYSMEM, RET, CFGWRITE, CFGREAD, BAR_WRITE, BAR_READ, SET_IRQFD, DEVICE_RESET = range(8)

TIMEOUT = 180       # seconds for a reply; a program that hangs fails the test


def emulator_path():
    return os.path.join(os.environ['abs_top_builddir'], 'src/emulator/pci-emulator')


def let_signals_kill():
    """Emulators with sanitizers that are started later are killed by signals as others are: the
    sanitizers' runtime would turn some signals into an exit status. They also create no child
    process at their end, which a test would kill, too."""
    options = [os.environ.get('ASAN_OPTIONS'), 'handle_segv=0', 'handle_sigbus=0', 'handle_abort=0',
               'detect_leaks=0']
    os.environ['ASAN_OPTIONS'] = ':'.join(filter(None, options))


def device_argument(where, fields):
    """WHERE: the number of a descriptor, or the path at which to listen."""
    items = ['fd=%d' % where if isinstance(where, int) else 'socket=%s' % where]
    for name in FIELDS:
        value = fields[name]
        items.append('%s=%s' % (name, value if isinstance(value, str) else hex(value)))
    return ','.join(items)


def children(pid):
    """Returns the running child processes of PID."""
    found = []
    for name in filter(str.isdigit, os.listdir('/proc')):
        try:
            with open('/proc/%s/stat' % name, encoding='utf-8', errors='replace') as stat:
                fields = stat.read().rpartition(')')[2].split()
        except OSError:
            continue
        if int(fields[1]) == pid and fields[0] not in 'ZX':
            found.append(int(name))
    return found


def cpu_seconds(pid):
    """Returns the processor time of PID and of its children that have exited."""
    with open('/proc/%d/stat' % pid, encoding='utf-8', errors='replace') as stat:
        fields = stat.read().rpartition(')')[2].split()
    return sum(int(field) for field in fields[11:15]) / os.sysconf('SC_CLK_TCK')


@contextlib.contextmanager
def no_descriptors(pid):
    """Meanwhile, PID cannot open any descriptors except for the standard ones, which it has, and so
    cannot accept a connection."""
    before = resource.prlimit(pid, resource.RLIMIT_NOFILE)
    resource.prlimit(pid, resource.RLIMIT_NOFILE, (3, before[1]))
    try:
        yield
    finally:
        resource.prlimit(pid, resource.RLIMIT_NOFILE, before)


class Emulator:
    """A pci-emulator that serves DEVICES, a list of dicts of the twelve fields.

    The test is its client: sockets[i] is QEMU's end of device i, after the messages
    that QEMU sends before a guest runs. With FOR_QEMU, a real QEMU is the client: see
    qemu_arguments()."""

    def __init__(self, devices, options=(), pass_fds=(), stderr=subprocess.PIPE, transport=None,
                 for_qemu=False):
        self.transport = transport or MPQEMU
        self.guarded = '--no-guard' not in options
        self.dir = None
        self.sockets = []
        theirs = []
        if self.transport is MPQEMU:
            pairs = [socket.socketpair() for _ in devices]
            self.sockets = [pair[0] for pair in pairs]
            theirs = [pair[1] for pair in pairs]
            places = [sock.fileno() for sock in theirs]
        else:
            self.dir = tempfile.mkdtemp(prefix='emulatedpci.', dir='/tmp')
            places = [os.path.join(self.dir, '%d.sock' % i) for i in range(len(devices))]
        ready, ready_write = os.pipe()
        arguments = [emulator_path(), '--ready-fd=%d' % ready_write] + list(options)
        for fields, place in zip(devices, places):
            arguments += ['--device', device_argument(place, fields)]
        self.fds = [sock.fileno() for sock in theirs]
        self.process = subprocess.Popen(
            arguments, stdin=subprocess.DEVNULL, stderr=stderr,
            pass_fds=[ready_write] + self.fds + list(pass_fds))
        os.close(ready_write)
        for sock in theirs:
            sock.close()
        self.ready = b''
        while True:
            data = os.read(ready, 16)
            if not data:
                break
            self.ready += data
        os.close(ready)
        # The descriptors that QEMU inherits, and the addresses of the devices
        self.qemu_fds = [sock.fileno() for sock in self.sockets]
        self.qemu_places = self.qemu_fds or places
        if for_qemu:
            return
        if self.dir is not None and self.ready:
            self.sockets = [vfio.Client.connect(path).sock for path in places]
        for sock in self.sockets:
            sock.settimeout(TIMEOUT)
            if self.ready:
                self.transport.start(sock)

    def worker(self):
        """The process that serves the devices now, which is the child of the guard if there is one.
        None if it was killed just now."""
        return next(iter(children(self.process.pid)), None if self.guarded else self.process.pid)

    def qemu_arguments(self, *properties):
        """Returns QEMU's -device arguments for the devices, each with additional PROPERTIES (a
        dict). This QEMU inherits qemu_fds; when it has started, the test calls qemu_has_them()."""
        arguments = []
        for place, more in zip(self.qemu_places, properties, strict=True):
            arguments += ['-device', json.dumps({**self.transport.qemu_device(place), **more})]
        return arguments

    def qemu_has_them(self):
        """Closes the sockets of the devices, so that only QEMU has them."""
        for sock in self.sockets:
            sock.close()

    def wait(self):
        """Closes the open ends of QEMU. Returns exit status and stderr."""
        for sock in self.sockets:
            sock.close()
        try:
            _, err = self.process.communicate(timeout=TIMEOUT)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.communicate()
            raise
        self.cleanup()
        return self.process.returncode, (err or b'').decode()

    def cleanup(self):
        if self.dir is not None:
            shutil.rmtree(self.dir, ignore_errors=True)
            self.dir = None

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
        self.cleanup()


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
    """Returns the value of the next RET."""
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


# --- the two transports with the same interface

class _MPQemu:
    """x-pci-proxy-dev"""
    name = qemutransports.MPQEMU

    # Messages with descriptors, the number that QEMU sends, and whether there is a reply
    with_descriptors = (
        (message(SYNC_SYSMEM, struct.pack('=8Q8Q8q', *range(8), *[4096] * 8, *[0] * 8)), 8, False),
        (message(SET_IRQFD), 2, False),
    )
    nonsense = b'\xff' * 64

    @staticmethod
    def qemu_device(place):
        """Returns QEMU's properties for a device at PLACE, one of Emulator.qemu_places."""
        return {'driver': qemutransports.DRIVERS[qemutransports.MPQEMU], 'fd': '%d' % place}

    def start(self, sock):
        """Sends the messages of QEMU before a guest runs."""

    read_request = staticmethod(config_read_message)
    write_request = staticmethod(config_write_message)

    @staticmethod
    def reset_request():
        return message(DEVICE_RESET)

    @staticmethod
    def answer(sock):
        """Reads the next reply. Returns the value of a read, otherwise 0."""
        return reply(sock)

    def read(self, sock, addr, length):
        sock.sendall(self.read_request(addr, length))
        return self.answer(sock)

    def write(self, sock, addr, value, length):
        sock.sendall(self.write_request(addr, value, length))
        return self.answer(sock)

    def reset(self, sock):
        sock.sendall(self.reset_request())
        return self.answer(sock)


class _VFIOUser(_MPQemu):
    """vfio-user-pci"""
    name = qemutransports.VFIO_USER

    @staticmethod
    def qemu_device(place):
        return {'driver': qemutransports.DRIVERS[qemutransports.VFIO_USER],
                'socket': {'type': 'unix', 'path': place}}

    with_descriptors = (
        (vfio.message(vfio.DMA_MAP, vfio.dma_map_payload(0, 1 << 20)), 1, True),
        (vfio.message(vfio.SET_IRQS, vfio.set_irqs_payload(0x24, 0, 0, 1)), 1, True),
    )

    def start(self, sock):
        vfio.Client(sock, sock.gettimeout()).start()

    @staticmethod
    def read_request(addr, length):
        return vfio.message(vfio.REGION_READ, vfio.access_payload(addr, length))

    @staticmethod
    def write_request(addr, value, length):
        data = (value & (1 << 8 * length) - 1).to_bytes(length, 'little')
        return vfio.message(vfio.REGION_WRITE, vfio.access_payload(addr, length, data))

    @staticmethod
    def reset_request():
        return vfio.message(vfio.RESET)

    @staticmethod
    def answer(sock):
        _, command, size, flags, error = vfio.HEADER.unpack(receive(sock, vfio.HEADER.size))
        payload = receive(sock, size - vfio.HEADER.size)
        if flags != vfio.REPLY or error:
            raise ValueError('flags 0x%x, errno %d' % (flags, error))
        return int.from_bytes(payload[16:], 'little') if command == vfio.REGION_READ else 0


MPQEMU = _MPQemu()
VFIO_USER = _VFIOUser()
TRANSPORTS = (MPQEMU, VFIO_USER)


def qemu_transports(arch='x86_64'):
    """Returns qemutransports.qemu_transports(), with the transports instead of their names."""
    names, reason = qemutransports.qemu_transports(arch)
    return [next(link for link in TRANSPORTS if link.name == name) for name in names], reason
