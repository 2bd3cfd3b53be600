"""qtestclient.py: a QEMU without a guest, driven through its qtest protocol

A machine of the installed QEMU. A test can read and write its ports, memory and PCI configuration
space, and use its monitor (QMP):

    with QTestMachine(['-machine', 'pc', '-device', 'pci-serial,addr=5']) as m:
        print(hex(m.config_read(pci(0, 5, 0), 0, 4)))

For emulated devices, see emulatordriver.py.

SPDX-License-Identifier: LGPL-2.1-or-later
"""

import functools
import json
import os
import shutil
import socket
import subprocess
import tempfile

from qemutransports import qemu_path

TIMEOUT = 180       # seconds for a reply; a program that hangs fails the test


def pci(bus, slot, function=0):
    """Returns the value of the register 0xcf8 for a function."""
    return bus << 16 | slot << 11 | function << 8


class QTestError(Exception):
    pass


class _Lines:
    """A socket that is read line by line."""

    def __init__(self, sock):
        sock.settimeout(TIMEOUT)
        self.sock = sock
        self.file = sock.makefile('rb')

    def line(self):
        line = self.file.readline()
        if not line.endswith(b'\n'):
            raise QTestError('QEMU has closed its socket')
        return line.decode().rstrip('\n')

    def close(self):
        self.file.close()
        self.sock.close()


class QTestMachine:
    # The number of commands that may be sent before their replies are read: neither side's socket
    # buffer may become full while the other side waits.
    BATCH = 256

    def __init__(self, args, pass_fds=(), stderr=None, program=None):
        """PROGRAM is the installed QEMU by default."""
        self.dir = tempfile.mkdtemp(prefix='emulatedpci-qtest-')
        self.process = self.qtest = self.qmp_stream = self.ecam = None
        self.events = []
        try:
            self._start([program or qemu_path()] + list(args), pass_fds, stderr)
        except BaseException:
            self.close()
            raise

    def _start(self, argv, pass_fds, stderr):
        listeners = []
        for name in ('qtest', 'qmp'):
            listener = socket.socket(socket.AF_UNIX)
            listener.bind(os.path.join(self.dir, name))
            listener.listen(1)
            listener.settimeout(TIMEOUT)
            listeners.append(listener)

        self.process = subprocess.Popen(
            [argv[0], '-accel', 'tcg', '-S', '-nodefaults', '-display', 'none', '-no-user-config',
             '-qtest', 'unix:%s/qtest' % self.dir, '-qtest-log', 'none',
             '-qmp', 'unix:%s/qmp' % self.dir] + argv[1:],
            stdin=subprocess.DEVNULL, stderr=stderr, pass_fds=pass_fds)

        # QEMU connects while it parses its command line, before it creates the machine.
        for name, listener in zip(('qtest', 'qmp'), listeners):
            listener.settimeout(1)
            for _ in range(TIMEOUT):
                try:
                    stream = _Lines(listener.accept()[0])
                    break
                except socket.timeout:
                    if self.process.poll() is not None:
                        raise QTestError('QEMU ended with status %d' % self.process.returncode)
            else:
                raise QTestError('QEMU does not connect')
            listener.close()
            if name == 'qtest':
                self.qtest = stream
            else:
                self.qmp_stream = stream

        if 'QMP' not in json.loads(self.qmp_stream.line()):
            raise QTestError('no QMP greeting')
        self.qmp('qmp_capabilities')

    def close(self):
        """Terminates QEMU."""
        if self.process is not None:
            if self.process.poll() is None:
                self.process.terminate()
                try:
                    self.process.wait(TIMEOUT)
                except subprocess.TimeoutExpired:
                    self.process.kill()
                    self.process.wait()
        for stream in (self.qtest, self.qmp_stream):
            if stream is not None:
                stream.close()
        shutil.rmtree(self.dir, ignore_errors=True)

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.close()

    # --- the qtest protocol

    def commands(self, commands):
        """Sends all COMMANDS and returns the value in each reply (None if it has none)."""
        values = []
        for start in range(0, len(commands), self.BATCH):
            batch = commands[start:start + self.BATCH]
            self.qtest.sock.sendall(('\n'.join(batch) + '\n').encode())
            for command in batch:
                line = self.qtest.file.readline()
                while line.startswith(b'IRQ '):
                    line = self.qtest.file.readline()
                if line == b'OK\n':
                    values.append(None)
                elif line.startswith(b'OK ') and line.endswith(b'\n'):
                    values.append(int(line[3:], 0))
                elif line.endswith(b'\n'):
                    raise QTestError('%s: %s' % (command, line.decode().strip()))
                else:
                    raise QTestError('QEMU has closed its socket')
        return values

    def memory(self, address, size):
        """Returns SIZE bytes of memory. QEMU makes accesses of 32 bits if a device is there."""
        return self.commands(['read 0x%x 0x%x' % (address, size)])[0].to_bytes(size, 'big')

    # --- PCI configuration space through ports 0xcf8 and 0xcfc

    @staticmethod
    @functools.lru_cache(maxsize=None)
    def config_read_commands(address, reg, length):
        """The low bits of REG are in the address register: QEMU's host bridges use them, so any
        alignment reaches the device unchanged."""
        return ('outl 0xcf8 0x%x' % (0x80000000 | address | reg),
                'in%s 0xcfc' % {1: 'b', 2: 'w', 4: 'l'}[length])

    @staticmethod
    def config_write_commands(address, reg, value, length):
        return ['outl 0xcf8 0x%x' % (0x80000000 | address | reg),
                'out%s 0xcfc 0x%x' % ({1: 'b', 2: 'w', 4: 'l'}[length], value)]

    def config_reads(self, accesses):
        """[(address, reg, length), ...] -> [value, ...]"""
        commands = []
        for access in accesses:
            commands += self.config_read_commands(*access)
        return self.commands(commands)[1::2]

    def config_writes(self, accesses):
        """[(address, reg, value, length), ...]"""
        commands = []
        for access in accesses:
            commands += self.config_write_commands(*access)
        self.commands(commands)

    def config_read(self, address, reg, length):
        return self.config_reads([(address, reg, length)])[0]

    def config_write(self, address, reg, value, length):
        self.config_writes([(address, reg, value, length)])

    def map_ecam(self, base):
        """On a q35, maps the configuration space to memory at BASE, until the next reset. Then
        config_dump() reads it there: a function with one command instead of 128."""
        self.config_write(pci(0, 0, 0), 0x60, base | 1, 4)
        self.ecam = base

    def config_dump(self, *addresses):
        """Returns the 256 bytes of each address."""
        if self.ecam is not None:
            return [self.memory(self.ecam + (address << 4), 256) for address in addresses]
        return self.config_dump_ports(*addresses)

    def config_dump_ports(self, *addresses):
        values = self.config_reads([(a, reg, 4) for a in addresses for reg in range(0, 256, 4)])
        data = b''.join(v.to_bytes(4, 'little') for v in values)
        return [data[i:i + 256] for i in range(0, len(data), 256)]

    # --- QMP

    def qmp(self, command, **arguments):
        message = {'execute': command}
        if arguments:
            message['arguments'] = arguments
        self.qmp_stream.sock.sendall(json.dumps(message).encode() + b'\n')
        while True:
            answer = json.loads(self.qmp_stream.line())
            if 'return' in answer:
                return answer['return']
            if 'error' in answer:
                raise QTestError('%s: %s' % (command, answer['error']['desc']))
            self.events.append(answer)

    def qmp_event(self, name):
        """Waits for the first such event since the last one that was returned, or since reset(), and
        returns it."""
        while True:
            for i, event in enumerate(self.events):
                if event['event'] == name:
                    del self.events[:i + 1]
                    return event
            self.events.append(json.loads(self.qmp_stream.line()))

    def reset(self):
        """Resets the whole machine."""
        self.events = []
        self.ecam = None
        self.qmp('system_reset')
        self.qmp_event('RESET')
