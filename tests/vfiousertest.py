"""vfiousertest.py: pci-emulator with vfio-user, message by message

Sends messages as QEMU's vfio-user-pci does, and messages that it would not send. transporttest.py
tests the common behaviour of both transports, and vfiouserunittest.c tests the messages without
sockets.

SPDX-License-Identifier: LGPL-2.1-or-later
"""

import array
import errno
import json
import os
import random
import socket
import stat
import struct
import shutil
import subprocess
import sys
import tempfile
import time

import emulatordriver as emu
import vfiouserclient as vfio
from emulatedpcistack import run_tests
from emulatordriver import EXAMPLE, Emulator

REGISTERS = bytes.fromhex('535800c0' '00000000' '010080ff' '00000000') + bytes(28) + \
    bytes.fromhex('535800c0') + bytes(12) + bytes.fromhex('00010000') + bytes(192)


def emulator(devices, **options):
    """An emulator on whose devices' connections no message has been sent yet."""
    return Emulator(devices, transport=RAW, **options)


class _Raw(type(emu.VFIO_USER)):
    def start(self, sock):
        pass


RAW = _Raw()


def closed(sock):
    """Whether the other side ends the connection. Data that it sent before is read."""
    try:
        while sock.recv(65536):
            pass
    except ConnectionResetError:
        pass
    except socket.timeout:
        return False
    return True


def check_start(tap):
    """Sends the requests of QEMU, in its order."""
    with emulator([EXAMPLE]) as process:
        client = vfio.Client(process.sockets[0])
        tap.equal(client.negotiate(),
                  (0, 0, {'capabilities': {'max_msg_fds': 8, 'max_data_xfer_size': 256}}), 'VERSION')
        tap.equal(client.info(), (16, 3, 9, 5), 'DEVICE_GET_INFO: reset, PCI, 9 regions, 5 interrupts')
        tap.equal([client.region_info(i) for i in range(9)],
                  [(32, 3, 7, 0, 256, 0) if i == 7 else (32, 0, i, 0, 0, 0) for i in range(9)],
                  'DEVICE_GET_REGION_INFO: nothing but 256 bytes of configuration space')
        tap.equal([client.irq_info(i) for i in range(5)],
                  [(16, 7, 0, 1), (16, 0, 1, 0), (16, 0, 2, 0), (16, 1, 3, 1), (16, 0, 4, 0)],
                  'DEVICE_GET_IRQ_INFO: INTx and errors')
        tap.equal(client.read(0, 256), REGISTERS, 'REGION_READ: all registers at once')
        tap.equal(client.request(vfio.DMA_MAP, vfio.dma_map_payload(0, 1 << 30)), b'', 'DMA_MAP')
        tap.equal(client.request(vfio.SET_IRQS, vfio.set_irqs_payload(0x24, 0, 0, 1)), b'',
                  'SET_IRQS: interrupts on')
        tap.equal(client.request(vfio.SET_IRQS, vfio.set_irqs_payload(0x21, 0, 0, 0)), b'',
                  'SET_IRQS: interrupts off')
        tap.equal(client.request(vfio.RESET), b'', 'DEVICE_RESET')

        client.write(4, b'\xff\xff\xff\xff')
        client.write(0x3c, b'\x0a')
        tap.equal(client.read(4, 4), b'\x47\x05\0\0', 'REGION_WRITE: only writable bits')
        tap.equal(client.read(0x3c, 2), b'\x0a\x01', 'what was written is read')
        client.reset()
        tap.equal(client.read(0, 256), REGISTERS, 'a reset brings power-on values back')
        unmap = vfio.dma_unmap_payload(0, 1 << 30)
        tap.equal(client.request(vfio.DMA_UNMAP, unmap), unmap, 'DMA_UNMAP')
        tap.equal(process.wait(), (0, ''), 'the end')


def check_version(tap):
    proposals = (
        ('no capabilities', vfio.version_payload(), {}),
        ('an empty object', vfio.version_payload(b'{}\0'), {}),
        ('a later minor version', vfio.version_payload(vfio.CAPABILITIES, minor=9),
         {'max_msg_fds': 8, 'max_data_xfer_size': 256}),
        ('one capability', vfio.version_payload({'capabilities': {'max_msg_fds': 1}}), {'max_msg_fds': 8}),
        ('capabilities of the future', vfio.version_payload(
            {'capabilities': {'x': [{'y': None}], 'max_data_xfer_size': 1 << 63}, 'z': 'é'}),
         {'max_data_xfer_size': 256}),
    )
    refused = (
        ('no JSON', b'x\0'), ('JSON without its NUL', b'{}'), ('two NULs', b'{}\0\0'),
        ('a capability of the wrong type', b'{"capabilities":{"max_msg_fds":"8"}}\0'),
        ('a thousand brackets', b'[' * 1000 + b'\0'), ('bytes', bytes(range(255, -1, -1))),
    )
    with emulator([EXAMPLE] * (len(proposals) + 3)) as process:
        for sock, (what, payload, capabilities) in zip(process.sockets, proposals):
            client = vfio.Client(sock)
            answer = client.request(vfio.VERSION, payload)
            tap.equal((answer[:4], answer[-1:], json.loads(answer[4:-1])),
                      (bytes(4), b'\0', {'capabilities': capabilities}), 'VERSION with %s' % what)

        client = vfio.Client(process.sockets[-1])
        for what, payload in refused:
            tap.equal(client.errno(vfio.VERSION, vfio.version_payload(payload)), errno.EINVAL,
                      'VERSION with %s: EINVAL' % what)
        tap.equal(client.errno(vfio.VERSION), errno.EINVAL, 'VERSION without a version: EINVAL')
        client.negotiate()
        tap.equal(client.read(0, 2), b'\x53\x58', 'then a good one')
        tap.equal(client.errno(vfio.VERSION, vfio.version_payload()), errno.EINVAL, 'a second VERSION: EINVAL')
        tap.equal(client.read(0, 2), b'\x53\x58', 'changes nothing')

        for sock, what, data in (
                (process.sockets[-2], 'a major version of 1',
                 vfio.message(vfio.VERSION, vfio.version_payload(major=1))),
                (process.sockets[-3], 'another command first', vfio.message(vfio.GET_INFO, bytes(16)))):
            sock.sendall(data)
            tap.ok(closed(sock), '%s: the end' % what)
        code, err = process.wait()
        tap.ok((code, err.count('\n')) == (0, 2), 'a line for each of the two', err)


def check_errors(tap):
    """Each request is answered, changes nothing, and the connection continues."""
    access = vfio.access_payload
    cases = (
        ('DMA_MAP that is short', vfio.DMA_MAP, bytes(31), errno.EINVAL),
        ('DMA_UNMAP that is short', vfio.DMA_UNMAP, bytes(23), errno.EINVAL),
        ('GET_INFO that is short', vfio.GET_INFO, struct.pack('=I', 16) + bytes(11), errno.EINVAL),
        ('GET_INFO without room for an answer', vfio.GET_INFO, struct.pack('=I', 15) + bytes(12), errno.EINVAL),
        ('region 9', vfio.GET_REGION_INFO, struct.pack('=IIIIQQ', 32, 0, 9, 0, 0, 0), errno.EINVAL),
        ('region 2^32 - 1', vfio.GET_REGION_INFO, struct.pack('=IIIIQQ', 32, 0, 0xffffffff, 0, 0, 0),
         errno.EINVAL),
        ('interrupt index 5', vfio.GET_IRQ_INFO, struct.pack('=IIII', 16, 0, 5, 0), errno.EINVAL),
        ('a second INTx', vfio.SET_IRQS, vfio.set_irqs_payload(0x24, 0, 0, 2), errno.EINVAL),
        ('an MSI', vfio.SET_IRQS, vfio.set_irqs_payload(0x24, 1, 0, 1), errno.EINVAL),
        ('SET_IRQS without an action', vfio.SET_IRQS, vfio.set_irqs_payload(0x01, 0, 0, 1), errno.EINVAL),
        ('a read across the end', vfio.REGION_READ, access(254, 4), errno.EINVAL),
        ('a read beyond the end', vfio.REGION_READ, access(257, 0), errno.EINVAL),
        ('a read of 2^32 - 1 bytes', vfio.REGION_READ, access(0, 0xffffffff), errno.EINVAL),
        ('a read at 2^64 - 1', vfio.REGION_READ, access(0xffffffffffffffff, 1), errno.EINVAL),
        ('a read of a BAR', vfio.REGION_READ, access(0, 4, region=0), errno.EINVAL),
        ('a read of region 9', vfio.REGION_READ, access(0, 4, region=9), errno.EINVAL),
        ('a read that is short', vfio.REGION_READ, bytes(15), errno.EINVAL),
        ('a write across the end', vfio.REGION_WRITE, access(0x3c, 256, b'\xff' * 256), errno.EINVAL),
        ('a write with too little data', vfio.REGION_WRITE, access(4, 4, b'\xff' * 3), errno.EINVAL),
        ('a write with too much data', vfio.REGION_WRITE, access(4, 4, b'\xff' * 5), errno.EINVAL),
        ('a write to a BAR', vfio.REGION_WRITE, access(4, 4, b'\xff' * 4, region=1), errno.EINVAL),
        ('a reset with a payload', vfio.RESET, b'\0', errno.EINVAL),
        ('the longest message', vfio.RESET, bytes(2048 - 16), errno.EINVAL),
        ('REGION_IO_FDS', vfio.GET_REGION_IO_FDS, struct.pack('=IIII', 16, 0, 7, 0), errno.ENOTSUP),
        ('DMA_READ, which is ours to send', vfio.DMA_READ, bytes(16), errno.ENOTSUP),
        ('DMA_WRITE', vfio.DMA_WRITE, bytes(32), errno.ENOTSUP),
        ('REGION_WRITE_MULTI, which was not offered', vfio.REGION_WRITE_MULTI,
         struct.pack('=Q', 1) + access(4, 2, b'\xff' * 8), errno.ENOTSUP),
        ('command 0', 0, b'', errno.ENOTSUP),
        ('command 65535', 0xffff, b'', errno.ENOTSUP),
    )
    with emulator([EXAMPLE]) as process:
        client = vfio.Client(process.sockets[0])
        client.start()
        for what, command, payload, expected in cases:
            tap.equal(client.errno(command, payload), expected, '%s: %s' % (what, errno.errorcode[expected]))
        tap.equal(client.read(0, 256), REGISTERS, 'nothing has changed')

        # No reply is requested
        for command, payload in ((vfio.REGION_WRITE, access(4, 2, b'\x07\0')), (0xffff, b''),
                                 (vfio.REGION_WRITE, access(4, 2, b'\0')), (vfio.GET_INFO, bytes(16))):
            client.send(command, payload, vfio.NO_REPLY)
        tap.equal(client.read(4, 2), b'\x07\0', 'commands without a reply are acted on, in silence')
        client.reset()

        # Reserved flags, and error bits in a command
        process.sockets[0].sendall(vfio.message(vfio.REGION_READ, access(0, 2), 0xffffffe0, number=77, error=5))
        tap.equal(client.reply(), vfio.Reply(77, vfio.REGION_READ, vfio.REPLY, 0, access(0, 2) + b'\x53\x58'),
                  'bits without a meaning are passed over')

        numbers = [client.send(vfio.REGION_READ, access(i, 1)) for i in range(200)]
        replies = [client.reply() for _ in numbers]
        tap.equal([(r.id, r.payload[16:]) for r in replies],
                  [(n, REGISTERS[i:i + 1]) for i, n in enumerate(numbers)],
                  'pipelined commands are answered in order')
        tap.equal(process.wait(), (0, ''), 'no line for any of that')


VIOLATIONS = (
    ('a size of 0', vfio.message(vfio.RESET, size=0)),
    ('a size of 15', vfio.message(vfio.RESET, size=15)),
    ('a size of 2049', vfio.message(vfio.REGION_WRITE, size=2049)),
    ('a size of 2^32 - 1', vfio.message(vfio.REGION_WRITE, size=0xffffffff)),
    ('a reply', vfio.message(vfio.REGION_READ, flags=vfio.REPLY)),
    ('an error reply', vfio.message(vfio.DMA_READ, flags=vfio.REPLY | vfio.ERROR)),
    ('a type of 2', vfio.message(vfio.RESET, flags=2)),
    ('a type of 15', vfio.message(vfio.RESET, flags=15)),
    ('all ones', b'\xff' * 1000),
    ('zeros', bytes(1000)),
    ('text', b'GET / HTTP/1.0\r\n\r\n'),
    ('the other protocol', emu.config_read_message(0, 4)),
)


def check_violations(tap):
    """Each violation on a separate device; another device continues to work."""
    devices = [dict(EXAMPLE, devicename='device%d' % i) for i in range(len(VIOLATIONS) + 1)]
    with emulator(devices) as process:
        for sock in process.sockets:
            vfio.Client(sock).start()
        good = vfio.Client(process.sockets[-1])
        for (what, data), sock in zip(VIOLATIONS, process.sockets):
            try:
                sock.sendall(data)
            except BrokenPipeError:
                pass
            tap.ok(closed(sock), '%s: that connection is closed' % what)
            tap.equal(good.read(0, 4), REGISTERS[:4], '%s: others are served' % what)
        code, err = process.wait()
        tap.equal(code, 0, 'a peer without manners is no failure of ours')
        lines = err.splitlines()
        tap.equal(len(lines), len(VIOLATIONS), 'one line for each of them')
        tap.ok(all(line.startswith('pci-emulator: device device%d ' % i) and
                   'not the vfio-user protocol' in line for i, line in enumerate(lines)),
               'the line names the device', err)


def check_random(tap):
    """Messages with random content and correct sizes are answered one by one."""
    seed = random.SystemRandom().getrandbits(32)
    generator = random.Random(seed)
    with emulator([EXAMPLE]) as process:
        client = vfio.Client(process.sockets[0])
        client.start()
        wrong = []
        for _ in range(2000):
            command = generator.choice((generator.randrange(20), generator.randrange(65536)))
            payload = generator.randbytes(generator.choice((0, 8, 16, 20, 24, 32, generator.randrange(2000))))
            number = client.send(command, payload)
            reply = client.reply()
            if (reply.id, reply.command) != (number, command) or reply.flags & ~vfio.ERROR != vfio.REPLY:
                wrong.append((command, payload, reply))
        tap.ok(not wrong, 'random messages are answered (seed %d)' % seed, *wrong[:3])
        client.reset()
        tap.equal(client.read(0, 256), REGISTERS, 'and do no harm')
        tap.equal(process.wait(), (0, ''), 'nor is anything said')


def check_socket(tap):
    """The path, the time and the permissions of the socket."""
    with emulator([EXAMPLE] * 2) as process:
        client = vfio.Client(process.sockets[0])
        client.start()
        path = os.path.join(process.dir, '0.sock')
        second = socket.socket(socket.AF_UNIX)
        try:
            second.connect(path)
            refused = closed(second)
        except OSError as error:
            refused = error.errno in (errno.ECONNREFUSED, errno.ENOENT)
        tap.ok(refused, 'nobody else can connect')
        second.close()
        tap.equal(client.read(0, 4), REGISTERS[:4], 'the first client goes on')
        process.wait()

    # A socket that already listens, as a launcher passes it to --listen
    place = tempfile.mkdtemp(prefix='emulatedpci.', dir='/tmp')
    try:
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(os.path.join(place, 'l'))
        listener.listen(1)
        process, said = start_ready([listener.fileno(), os.path.join(place, 's')], pass_fds=[listener.fileno()])
        listener.close()
        tap.equal(said, b'\0', 'a descriptor that listens: ready')
        mode = os.stat(os.path.join(place, 's')).st_mode
        tap.ok(stat.S_ISSOCK(mode), 'a path: the socket is there when it is ready')
        tap.equal(oct(mode & 0o777), '0o600', 'and for nobody else')
        clients = [vfio.Client.connect(os.path.join(place, name)) for name in ('l', 's')]
        for client in clients:
            client.start()
        tap.equal([client.read(0, 2) for client in clients], [b'\x53\x58'] * 2, 'both are served')
        tap.ok(os.path.exists(os.path.join(place, 'l')), 'the file of another maker is left alone')
        tap.ok(not os.path.exists(os.path.join(place, 's')), 'the one of the path has gone with the connection')
        for client in clients:
            client.close()
        _, err = process.communicate(timeout=emu.TIMEOUT)
        tap.equal((process.returncode, err), (0, b''), 'it ends with its clients')
    finally:
        shutil.rmtree(place)


def start_ready(devices, *options, pass_fds=()):
    """An emulator of DEVICES, which are paths or descriptors that listen, and its output until it
    was ready."""
    ready, ready_write = os.pipe()
    arguments = [emu.emulator_path(), '--ready-fd=%d' % ready_write, *options]
    for where in devices:
        arguments += ['--device', emu.device_argument(where, EXAMPLE)]
    process = subprocess.Popen(arguments, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE,
                               pass_fds=[ready_write, *pass_fds])
    os.close(ready_write)
    said = os.read(ready, 2)
    os.close(ready)
    return process, said


def check_absent(tap):
    """A QEMU that connects to some of its devices and then fails."""
    place = tempfile.mkdtemp(prefix='emulatedpci.', dir='/tmp')
    paths = [os.path.join(place, str(i)) for i in range(3)]
    try:
        process, _ = start_ready(paths)
        with vfio.Client.connect(paths[1]) as client:
            client.start()
        _, err = process.communicate(timeout=emu.TIMEOUT)
        tap.equal((process.returncode, err), (0, b''), 'one of three devices was connected to: it ends')
        tap.equal(os.listdir(place), [], 'and removes the sockets')
    finally:
        shutil.rmtree(place)


def check_patience(tap):
    """A QEMU that does not connect to any device."""
    place = tempfile.mkdtemp(prefix='emulatedpci.', dir='/tmp')
    try:
        result = subprocess.run(
            [emu.emulator_path(), '--connect-timeout=1',
             '--device', emu.device_argument(os.path.join(place, 's'), EXAMPLE)],
            stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=emu.TIMEOUT, check=False)
        tap.equal((result.returncode, result.stderr),
                  (1, 'pci-emulator: no client has connected within 1 seconds\n'), 'nobody connects: it ends')
        tap.equal(os.listdir(place), [], 'and removes the socket')
    finally:
        shutil.rmtree(place)


def check_guard_killed(tap):
    """Connections could not be accepted any more, so QEMU would wait for a reply."""
    for connects in (0, 1, 2):
        place = tempfile.mkdtemp(prefix='emulatedpci.', dir='/tmp')
        paths = [os.path.join(place, str(i)) for i in range(2)]
        process, _ = start_ready(paths)
        clients = [vfio.Client.connect(path) for path in paths[:connects]]
        try:
            for client in clients:
                client.start()
            process.kill()
            process.wait(emu.TIMEOUT)
            if connects == len(paths):
                tap.equal([client.read(0, 2) for client in clients], [b'\x53\x58'] * 2,
                          'the guard is killed, all devices were connected to: served on')
                for client in clients:
                    client.close()
            # The worker has standard error, too, so its end shows that the worker has exited.
            tap.equal(process.communicate(timeout=emu.TIMEOUT)[1], b'',
                      'the guard is killed, connections to %d of 2: the worker ends' % connects)
            if connects < len(paths):
                with socket.socket(socket.AF_UNIX) as sock:
                    tap.equal(sock.connect_ex(paths[-1]), errno.ECONNREFUSED, 'and nobody listens')
        finally:
            for client in clients:
                client.close()
            shutil.rmtree(place)


def check_client(tap):
    """The process that should connect exits before or after it has connected."""
    for kind in ('pidfd', 'pipe'):
        for connects in (False, True):
            place = tempfile.mkdtemp(prefix='emulatedpci.', dir='/tmp')
            path = os.path.join(place, 's')
            client = subprocess.Popen(['cat'], stdin=subprocess.PIPE)
            if kind == 'pidfd':
                fd = os.pidfd_open(client.pid)
            else:
                fd, write = os.pipe()
            process, _ = start_ready([path], '--client-fd=%d' % fd, pass_fds=[fd])
            os.close(fd)
            try:
                connection = vfio.Client.connect(path) if connects else None
                if connection:
                    connection.start()
                client.communicate()
                if kind == 'pipe':
                    os.close(write)
                if connection:
                    tap.equal(connection.read(0, 2), b'\x53\x58', '%s: it ends after: served on' % kind)
                    connection.close()
                _, err = process.communicate(timeout=emu.TIMEOUT)
                tap.equal((process.returncode, err), (0, b''),
                          '%s: %s: the emulator ends, in silence' % (kind, 'then' if connects else 'before'))
                tap.equal(os.listdir(place), [], 'and removes the socket')
            finally:
                shutil.rmtree(place)


def check_attached(tap):
    """A listening socket that is passed through the control socket of --listen."""
    place = tempfile.mkdtemp(prefix='emulatedpci.', dir='/tmp')
    control_path = os.path.join(place, 'control')
    ready, ready_write = os.pipe()
    process = subprocess.Popen([emu.emulator_path(), '--listen=' + control_path, '--ready-fd=%d' % ready_write],
                               stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, pass_fds=[ready_write])
    os.close(ready_write)
    try:
        tap.equal(os.read(ready, 2), b'\0', '--listen: ready')
        for domain in range(2):
            paths = [os.path.join(place, 'd%d.%d' % (domain, i)) for i in range(3)]
            with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as control:
                control.connect(control_path)
                control.settimeout(emu.TIMEOUT)
                for i, path in enumerate(paths):
                    with socket.socket(socket.AF_UNIX) as listener:
                        listener.bind(path)
                        listener.listen(1)
                        text = emu.device_argument(3, dict(EXAMPLE, deviceid=i + 1)).split(',', 1)[1]
                        control.sendmsg([text.encode()], [(socket.SOL_SOCKET, socket.SCM_RIGHTS,
                                                           array.array('i', [listener.fileno()]))])
                    tap.equal(control.recv(999), b'ok\n', '--listen: domain %d, device %d' % (domain, i))
            clients = [vfio.Client.connect(path) for path in paths]
            for client in clients:
                client.start()
            tap.equal([client.read(2, 2) for client in clients], [b'\1\0', b'\2\0', b'\3\0'],
                      '--listen: domain %d is served' % domain)
            for client in clients:
                client.close()
    finally:
        os.close(ready)
        process.terminate()
        _, err = process.communicate(timeout=emu.TIMEOUT)
        shutil.rmtree(place)
    tap.equal(err, b'', '--listen: in silence')


def check_no_descriptors(tap):
    """A connection that cannot be accepted waits, without using the processor."""
    for options in ((), ('--no-guard',)):
        what = ' '.join(('no descriptors',) + options)
        with Emulator([EXAMPLE] * 2, options, transport=RAW, for_qemu=True) as process:
            pid = process.process.pid
            paths = process.qemu_places
            first = vfio.Client.connect(paths[0])
            tap.equal(first.negotiate()[:2], (0, 0), '%s: a device that is connected' % what)
            with emu.no_descriptors(pid):
                second = vfio.Client.connect(paths[1])
                before = emu.cpu_seconds(pid)
                time.sleep(1)
                used = emu.cpu_seconds(pid) - before
                tap.ok(used < 0.3, '%s: the emulator waits (%.2f s of the processor in a second)' % (what, used))
                tap.equal(first.read(0, 2), b'\x53\x58', '%s: what is connected is served' % what)
            tap.equal(second.negotiate()[:2], (0, 0), '%s: accepted once there are some' % what)
            tap.equal(second.read(2, 2), b'\x00\xc0', '%s: and served' % what)
            first.sock.close()
            second.sock.close()
            tap.equal(process.wait()[0], 0, '%s: the end' % what)


def main(tap):
    for check in (check_start, check_version, check_errors, check_violations, check_random,
                  check_socket, check_absent, check_patience, check_guard_killed,
                  check_client, check_attached, check_no_descriptors):
        tap.diag(check.__name__)
        check(tap)


if __name__ == '__main__':
    sys.dont_write_bytecode = True
    run_tests(main)
