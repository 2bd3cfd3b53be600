#!/usr/bin/env python3
# monitortest.py: emulatedpci-monitor alone, between sockets in place of libvirt and QEMU
#
# MONITOR_KILLS is the number of workers that are killed under load.
#
# SPDX-License-Identifier: LGPL-2.1-or-later

import array
import hashlib
import json
import os
import random
import resource
import select
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from emulatedpcistack import LIMIT, run_tests, sanitized
from launcherutil import BUILD

PROGRAM = os.path.join(BUILD, 'src/monitor/emulatedpci-monitor')
KILLS = int(os.environ.get('MONITOR_KILLS', '400'))
MEGABYTES = int(os.environ.get('MONITOR_MEGABYTES', '64'))
ALIAS = 'ua-emulatedpci0--pci1-58535853'


def device_add(number, alias=ALIAS):
    return json.dumps({'execute': 'device_add',
                       'arguments': {'driver': 'lsi', 'id': alias, 'bus': 'pci.0', 'addr': '0x3'},
                       'id': 'libvirt-%d' % number}, separators=(',', ':')).encode() + b'\r\n'


def device_del(number, alias='ua-emulatedpci0'):
    return json.dumps({'execute': 'device_del', 'arguments': {'id': alias}, 'id': 'libvirt-%d' % number},
                      separators=(',', ':')).encode() + b'\r\n'


def read_exactly(sock, size):
    pieces = []
    left = size
    while left > 0:
        piece = sock.recv(min(65536, left))
        if not piece:
            break
        pieces.append(piece)
        left -= len(piece)
    return b''.join(pieces)


def read_line(sock):
    line = b''
    while not line.endswith(b'\n'):
        piece = sock.recv(1)
        if not piece:
            break
        line += piece
    return line


def children(pid):
    with open('/proc/%d/task/%d/children' % (pid, pid), encoding='ascii') as file:
        return [int(child) for child in file.read().split()]


def has_filter(pid):
    try:
        with open('/proc/%d/status' % pid, encoding='ascii') as file:
            return 'Seccomp:\t2\n' in file.read()
    except (FileNotFoundError, ProcessLookupError):
        return False


def kill(pid):
    """Kills a process, and waits for its end."""
    try:
        pidfd = os.pidfd_open(pid)
    except ProcessLookupError:
        return
    signal.pidfd_send_signal(pidfd, signal.SIGKILL)
    select.select([pidfd], [], [], LIMIT)
    os.close(pidfd)


class Relay:
    """The program, a sleeping process in place of QEMU, and the sockets of both sides."""

    LAUNCHER = '#!/bin/sh\n'

    def __init__(self, launcher=None, gate=None, log=None, stderr='log'):
        self.dir = tempfile.mkdtemp(prefix='monitor')
        self.path = os.path.join(self.dir, 'qemu')
        self.qemu = socket.socket(socket.AF_UNIX)
        self.qemu.settimeout(LIMIT)
        self.qemu.bind(self.path)
        self.qemu.listen(1)
        self.libvirt_path = os.path.join(self.dir, 'libvirt')
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(self.libvirt_path)
        listener.listen(5)
        self.sleeper = subprocess.Popen(['sleep', str(10 * LIMIT)])
        pidfd = os.pidfd_open(self.sleeper.pid)
        ready, ready_write = os.pipe()
        args = ['--listen-fd=%d' % listener.fileno(), '--qemu-fd=%d' % pidfd, '--path=%s' % self.path,
                '--ready-fd=%d' % ready_write, '--name=test-%d' % os.getpid()]
        if launcher:
            script = os.path.join(self.dir, 'launcher')
            with open(script, 'w', encoding='utf-8') as file:
                file.write(self.LAUNCHER + launcher)
            os.chmod(script, 0o755)
            args += ['--launcher=%s' % script, '--transport=vfio-user']
        fds = [listener.fileno(), pidfd, ready_write]
        for name, fd in ('gate', gate), ('log', log):
            if fd is not None:
                args.append('--%s-fd=%d' % (name, fd))
                fds.append(fd)
        with open(os.path.join(self.dir, stderr), 'wb') as log_file:
            self.process = subprocess.Popen([PROGRAM] + args, pass_fds=fds, stderr=log_file, stdin=subprocess.DEVNULL)
        for fd in pidfd, ready_write:
            os.close(fd)
        listener.close()
        self.ready = os.read(ready, 2)
        os.close(ready)

    def connect(self):
        """A connection of libvirt, and the corresponding one to QEMU."""
        libvirt = socket.socket(socket.AF_UNIX)
        libvirt.settimeout(LIMIT)
        libvirt.connect(self.libvirt_path)
        qemu, _ = self.qemu.accept()
        qemu.settimeout(LIMIT)
        return libvirt, qemu

    def worker(self):
        """The worker's process id; waits for one. The launcher is a child of the guard, too, but has no filter for
        system calls."""
        end = time.monotonic() + LIMIT
        while time.monotonic() < end:
            for pid in children(self.process.pid):
                if has_filter(pid):
                    return pid
            time.sleep(0.001)
        raise TimeoutError('there is no worker')

    def processes(self):
        """Process ids: of the guard and its deputy, and of the worker."""
        guards, workers = [], []
        for name in os.listdir('/proc'):
            try:
                with open('/proc/%s/cmdline' % name, 'rb') as file:
                    if not name.isdigit() or ('--path=' + self.path).encode() not in file.read().split(b'\0'):
                        continue
                with open('/proc/%s/stat' % name, encoding='ascii') as file:
                    if file.read().rsplit(')', 1)[1].split()[0] == 'Z':
                        continue
                (workers if has_filter(int(name)) else guards).append(int(name))
            except (OSError, IndexError):
                continue
        return guards, workers

    def wait_whole(self, workers_wanted=1):
        """Waits until there are a guard, a deputy and a worker."""
        end = time.monotonic() + LIMIT
        while time.monotonic() < end:
            guards, workers = self.processes()
            if len(guards) == 2 and len(workers) >= workers_wanted:
                return guards + workers
            time.sleep(0.001)
        raise TimeoutError('there are %r, %r' % (guards, workers))

    def kill_guards(self):
        """Kills the guard and its deputy at once."""
        guards = self.wait_whole()[:2]
        for number in signal.SIGSTOP, signal.SIGKILL:
            for pid in guards:
                os.kill(pid, number)

    def kill_worker(self):
        try:
            os.kill(self.worker(), signal.SIGKILL)
        except ProcessLookupError:
            pass

    def log(self):
        with open(os.path.join(self.dir, 'log'), encoding='utf-8') as file:
            return file.read()

    def close(self):
        self.qemu.close()
        self.sleeper.kill()
        self.sleeper.wait()
        status = self.process.wait(LIMIT)
        shutil.rmtree(self.dir)
        return status


def pump(sock, data, rng):
    """Sends DATA in pieces of any size."""
    pos = 0
    while pos < len(data):
        pos += sock.send(data[pos:pos + rng.choice((1, 7, 100, 4096, 30000, 200000))])


def exchange(libvirt, qemu, data, rng, disturb=None):
    """Sends DATA in both directions at once. Returns the data received on each side."""
    result = {}

    def receive(name, sock):
        result[name] = read_exactly(sock, len(data[name]))

    threads = [threading.Thread(target=receive, args=('down', qemu)), threading.Thread(target=receive, args=('up', libvirt)),
               threading.Thread(target=pump, args=(libvirt, data['down'], random.Random(rng.random()))),
               threading.Thread(target=pump, args=(qemu, data['up'], random.Random(rng.random())))]
    for thread in threads:
        thread.start()
    while disturb and any(thread.is_alive() for thread in threads[:2]):
        disturb()
    for thread in threads:
        thread.join()
    return result


def same(tap, data, result, text):
    for name in 'down', 'up':
        tap.ok(result[name] == data[name], '%s, %s' % (text, 'to QEMU' if name == 'down' else 'to libvirt'),
               '%d of %d bytes, %s for %s' % (len(result[name]), len(data[name]), hashlib.sha256(result[name]).hexdigest()[:8],
                                             hashlib.sha256(data[name]).hexdigest()[:8]))


def plain(tap, rng):
    relay = Relay()
    tap.ok(relay.ready == b'\0', 'the relay says that it is ready', relay.ready)
    libvirt, qemu = relay.connect()
    qemu.sendall(b'{"QMP": {}}\r\n')
    tap.ok(read_line(libvirt) == b'{"QMP": {}}\r\n', 'QEMU\'s greeting comes')
    for text in b'{"execute":"half', b'\0\xff\n\n\r', b'{"execute":"device_dump"', b'}', b'x' * 100000, b'\n':
        libvirt.sendall(text)
        tap.ok(read_exactly(qemu, len(text)) == text, 'half a line and any bytes are passed on at once: %r' % text[:30])
    tap.ok(device_add(1, 'net0') == (libvirt.sendall(device_add(1, 'net0')), read_line(qemu))[1], 'another device_add passes')
    text = device_add(2, 'net0')
    for i in range(0, len(text), 20):
        libvirt.sendall(text[i:i + 20])
    tap.ok(read_line(qemu) == text, 'and one that comes in pieces')
    text = text.replace(b'lsi', b'e1000')
    for i in range(len(text)):
        libvirt.sendall(text[i:i + 1])
    tap.ok(read_line(qemu) == text, 'one of another driver may come byte by byte')
    half = device_add(3, 'net0')[:50]
    libvirt.sendall(half)
    libvirt.close()
    tap.ok(read_exactly(qemu, 100) == half, 'half a device_add is passed on at the end, and then the end')
    qemu.close()

    for i in range(20):
        libvirt, qemu = relay.connect()
        libvirt.sendall(b'%d\n' % i)
        if read_line(qemu) != b'%d\n' % i:
            break
        (libvirt if i % 2 else qemu).close()
        if (qemu if i % 2 else libvirt).recv(1):
            break
        libvirt.close()
        qemu.close()
    tap.ok(i == 19, 'libvirtd connects anew 20 times', i)

    libvirt, qemu = relay.connect()
    big = {'down': rng.randbytes(1 << 20), 'up': b'{"return": "' + rng.randbytes(1 << 20) * MEGABYTES + b'"}\r\n'}
    same(tap, big, exchange(libvirt, qemu, big, rng), 'a reply of %d MiB' % MEGABYTES)

    total = 0
    for pid in relay.wait_whole():
        with open('/proc/%d/smaps_rollup' % pid, encoding='ascii') as file:
            total += sum(int(line.split()[1]) for line in file if line.startswith('Pss_Dirty'))
    tap.ok(sanitized() or total < 512, 'it holds less than 512 KiB', '%d KiB' % total)

    qemu.sendall(b'last words\n')
    qemu.close()
    tap.ok(read_exactly(libvirt, 100) == b'last words\n', 'QEMU\'s last words come, then the end')
    tap.ok(relay.close() == 0, 'it ends with QEMU')
    libvirt.close()


def flow_control(tap):
    relay = Relay()
    libvirt, qemu = relay.connect()
    libvirt.setblocking(False)
    sent = 0
    idle = 0
    while idle < 20 and sent < 64 << 20:
        try:
            sent += libvirt.send(b'x' * 65536)
            idle = 0
        except BlockingIOError:
            idle += 1
            time.sleep(0.01)
    tap.ok(sent < 8 << 20, 'libvirt waits while QEMU does not read', sent)
    libvirt.setblocking(True)
    libvirt.close()
    tap.ok(len(read_exactly(qemu, sent + 1)) == sent, 'and nothing is lost when it ends')
    qemu.close()
    relay.close()


def send_fds(sock, data, fds):
    sock.sendmsg([data], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array('i', fds))])


def receive_fds(sock, size):
    """Receives SIZE bytes. Returns them with the offset, the number and the files of the
    descriptors."""
    data = b''
    found = []
    while len(data) < size:
        piece, control, _, _ = sock.recvmsg(min(size - len(data), 65536), socket.CMSG_SPACE(253 * 4))
        if not piece:
            break
        for _, _, raw in control:
            fds = array.array('i')
            fds.frombytes(raw[:len(raw) - len(raw) % fds.itemsize])
            found.append((len(data), [os.fstat(fd).st_ino for fd in fds]))
            for fd in fds:
                os.close(fd)
        data += piece
    return data, found


def descriptors(tap, rng):
    relay = Relay()
    libvirt, qemu = relay.connect()
    files = [tempfile.TemporaryFile() for _ in range(253)]
    inodes = [os.fstat(file.fileno()).st_ino for file in files]
    for name, source, target in ('libvirt', libvirt, qemu), ('QEMU', qemu, libvirt):
        for disturbed in False, True:
            good = 0
            rounds = KILLS // 8 if disturbed else 30
            for i in range(rounds):
                n = rng.choice((1, 2, 253))
                first = b'{"execute":"a"}\r\n' * rng.choice((0, 1, 3))
                second = b'{"execute":"getfd","id":"%d"}\r\n' % i + b'y' * rng.choice((0, 1, 60000))
                third = b'{"execute":"b"}\r\n' * rng.choice((0, 1))
                if first:
                    source.sendall(first)
                send_fds(source, second, [file.fileno() for file in files[:n]])
                if third:
                    source.sendall(third)
                if disturbed:
                    relay.kill_worker()
                whole = first + second + third
                data, found = receive_fds(target, len(whole))
                inodes_found = [inode for _, some in found for inode in some]
                good += data == whole and inodes_found == inodes[:n] and len(found) == 1 and \
                    found[0][0] <= len(first)
            tap.ok(good == rounds, 'descriptors of %s come once, with their bytes%s' %
                   (name, ', while workers are killed' if disturbed else ''), '%d of %d' % (good, rounds))
    with os.scandir('/proc/%d/fd' % relay.process.pid) as entries:
        count = len(list(entries))
    tap.ok(count < 20, 'no descriptor is left in it', count)
    for file in files:
        file.close()
    libvirt.close()
    qemu.close()
    relay.close()


def killed(tap, rng):
    relay = Relay()
    libvirt, qemu = relay.connect()
    kills = 0
    data = {name: b''.join(b'%s %d %s\r\n' % (name.encode(), i, b'z' * rng.choice((0, 10, 1000))) for i in range(20000))
            for name in ('down', 'up')}

    def disturb():
        nonlocal kills
        kills += 1
        relay.kill_worker()
        time.sleep(rng.random() * 0.002)

    while kills < KILLS:
        result = exchange(libvirt, qemu, data, rng, disturb)
        if result != data:
            break
    same(tap, data, result, 'nothing is lost, doubled or torn while %d workers are killed' % kills)

    worker = relay.worker()
    os.kill(worker, signal.SIGSTOP)
    libvirt.sendall(b'stopped\n')
    tap.ok(read_line(qemu) == b'stopped\n', 'a worker that has stopped is replaced')

    relay.kill_guards()
    relay.process.wait()
    libvirt.sendall(b'alone\n')
    tap.ok(read_line(qemu) == b'alone\n', 'a worker goes on without guard and deputy')
    libvirt.sendall(device_add(9))
    reply = json.loads(read_line(libvirt))
    tap.ok(reply['id'] == 'libvirt-9' and 'has ended' in reply['error']['desc'], 'but no device can be attached then', reply)
    libvirt.close()
    qemu.close()
    relay.sleeper.kill()
    relay.sleeper.wait()
    shutil.rmtree(relay.dir)


def killed_any(tap, rng):
    """Kills the guard, the deputy or the worker under load, while libvirt disconnects and connects again."""
    relay = Relay(SEND)
    libvirt, qemu = relay.connect()
    kills = [0, 0]
    count = 0
    sent = {}

    def disturb():
        processes = relay.wait_whole()
        victim = rng.randrange(3)
        kill(processes[victim])
        kills[victim == 2] += 1
        time.sleep(rng.random() * 0.002)

    def reconnect():
        """Connects while the guard or the deputy is killed. QEMU can see a connection that ends immediately."""
        processes = relay.wait_whole(0)
        client = socket.socket(socket.AF_UNIX)
        client.settimeout(LIMIT)
        client.connect(relay.libvirt_path)
        time.sleep(rng.random() * 0.001)
        kill(processes[rng.randrange(2)])
        kills[0] += 1
        client.sendall(b'hello\n')
        while True:
            server, _ = relay.qemu.accept()
            server.settimeout(LIMIT)
            if read_line(server) == b'hello\n':
                return client, server
            server.close()

    while sum(kills) < KILLS:
        count += 1
        sent = {name: b''.join(b'%s %d %d %s\r\n' % (name.encode(), count, i, b'z' * rng.choice((0, 10, 1000)))
                               for i in range(10000)) for name in ('down', 'up')}
        result = exchange(libvirt, qemu, sent, rng, disturb)
        if result != sent:
            break
        libvirt.sendall(device_add(count))
        if rng.randrange(2):
            disturb()
        new = json.loads(read_line(qemu))
        qemu.sendall(b'{"return": {}, "id": "libvirt-%d"}\r\n' % count)
        reply = json.loads(read_line(libvirt))
        if new['arguments']['driver'] != 'vfio-user-pci' or reply != {'return': {}, 'id': 'libvirt-%d' % count}:
            break
        if rng.randrange(2):
            libvirt.close()
            qemu.close()
            libvirt, qemu = reconnect()
    same(tap, sent, result, 'nothing is lost, doubled or torn while %d guards or deputies and %d workers are killed' % tuple(kills))
    tap.ok(sum(kills) >= KILLS, 'and devices are attached, and libvirt connects again', count)
    relay.wait_whole()
    for pid in relay.processes()[0]:
        with os.scandir('/proc/%d/fd' % pid) as entries:
            names = [(entry.name, os.readlink(entry.path)) for entry in entries]
        tap.ok(len(names) < 20, 'no descriptor is left in them', names)
    libvirt.close()
    qemu.close()
    relay.qemu.close()
    relay.sleeper.kill()
    relay.sleeper.wait()
    end = time.monotonic() + LIMIT
    while relay.processes() != ([], []) and time.monotonic() < end:
        time.sleep(0.01)
    tap.equal(relay.processes(), ([], []), 'they end with QEMU')
    relay.process.wait()
    shutil.rmtree(relay.dir)


SEND = '''while read -r line; do
    id=${line##*\\"id\\":\\"}
    printf 'S{"execute":"device_add","arguments":{"driver":"vfio-user-pci"},"id":"%s"}\\r\\n' "${id%%\\"*}"
done'''


def attach(tap, rng):
    relay = Relay(SEND)
    with open('/proc/net/unix', encoding='utf-8', errors='replace') as file:
        tap.ok('@emulatedpci-monitor/test-%d/%d/2\n' % (os.getpid(), relay.process.pid) in file.read(), 'its marker is there')
    libvirt, qemu = relay.connect()
    good = 0
    rounds = KILLS // 8
    for i in range(rounds):
        text = device_add(i)
        if i % 3 == 0:
            libvirt.sendall(text)
        else:
            cut = rng.randrange(1, len(text))
            libvirt.sendall(text[:cut])
            libvirt.sendall(text[cut:])
        if i % 2:
            qemu.sendall(b'{"event": "X"}\r\n')
            relay.kill_worker()
        new = json.loads(read_line(qemu))
        if i % 5 == 0:
            relay.kill_worker()
        qemu.sendall(b'{"return": {}, "id": "libvirt-%d"}\r\n' % i)
        lines = [json.loads(read_line(libvirt)) for _ in range(1 + i % 2)]
        good += new['id'] == 'libvirt-%d' % i and new['arguments']['driver'] == 'vfio-user-pci' and \
            lines[-1] == {'return': {}, 'id': 'libvirt-%d' % i}
    tap.ok(good == rounds, 'device_add is translated, and its reply comes, while workers are killed', '%d of %d' % (good, rounds))
    libvirt.sendall(b'after\n')
    tap.ok(read_line(qemu) == b'after\n', 'the next command passes')
    tap.ok(not select.select([libvirt, qemu], [], [], 0)[0], 'and nothing else has come')
    libvirt.close()
    qemu.close()
    tap.ok(relay.close() == 0, 'it ends with QEMU')


def attach_fd(tap):
    relay = Relay(SEND.replace("'S{", "'F{"))
    libvirt, qemu = relay.connect()
    good = 0
    rounds = KILLS // 8
    for i in range(rounds):
        libvirt.sendall(device_add(i))
        qemu.sendall(b'{"event": "A"}\r\n{"event": ')
        if i % 2:
            relay.kill_worker()
        line, control, _, _ = qemu.recvmsg(1, socket.CMSG_SPACE(4))
        command = json.loads(line + read_line(qemu))
        if i % 3 == 0:
            relay.kill_worker()
        fds = array.array('i')
        fds.frombytes(control[0][2])
        os.close(fds[0])
        qemu.sendall(b'"B"}\r\n{"return": {}, "id": "emulatedpci-getfd"}\r\n{"event": "C"}\r\n')
        new = json.loads(read_line(qemu))
        if i % 3 == 1:
            relay.kill_worker()
        if i % 4 == 0:
            qemu.sendall(b'{"return": {}, "id": "libvirt-%d"}\r\n' % i)
        else:
            qemu.sendall(b'{"id": "libvirt-%d", "error": {"class": "GenericError", "desc": "no"}}\r\n' % i)
            if json.loads(read_line(qemu))['execute'] != 'closefd':
                break
            if i % 3 == 2:
                relay.kill_worker()
            qemu.sendall(b'{"return": {}, "id": "emulatedpci-closefd"}\r\n')
        lines = [json.loads(read_line(libvirt)) for _ in range(4)]
        good += command['execute'] == 'getfd' and new['id'] == 'libvirt-%d' % i and \
            [line.get('event') for line in lines] == ['A', 'B', 'C', None] and \
            ('error' in lines[3]) == (i % 4 != 0) and lines[3]['id'] == 'libvirt-%d' % i
    tap.ok(good == rounds, 'QEMU gets a socket by getfd, and after an error closefd, while workers are killed',
           '%d of %d' % (good, rounds))

    libvirt.sendall(device_add(1000))
    qemu.recvmsg(1)
    read_line(qemu)
    qemu.sendall(b'{"id": "emulatedpci-getfd", "error": {"class": "GenericError", "desc": "no"}}\r\n')
    reply = json.loads(read_line(libvirt))
    tap.ok(reply['id'] == 'libvirt-1000' and 'error' in reply, 'a QEMU that takes no socket is an error of libvirt\'s command', reply)
    tap.ok(not select.select([libvirt, qemu], [], [], 0)[0], 'and nothing else has come')
    libvirt.close()
    qemu.close()
    relay.close()


class Unplugged:
    """QEMU, which replies to the relay's questions about a device of TYPE with the CHILDREN."""

    def __init__(self, qemu, device_type, children=(), disturb=lambda: None):
        self.qemu, self.type, self.children, self.disturb = qemu, device_type, children, disturb
        self.asked = []

    def reply(self, question):
        path = question['arguments']['path'].split('/')
        self.asked.append('/'.join(path[4:]))
        if self.type and (len(path) == 4 or path[4] in self.children):
            return {'return': self.type if len(path) == 4 else 'memory-region', 'id': question['id']}
        return {'id': question['id'], 'error': {'class': 'DeviceNotFound', 'desc': "Device '%s' not found" % '/'.join(path)}}

    def serve(self, device):
        """Replies until another command comes. Returns it."""
        while True:
            line = read_line(self.qemu)
            command = json.loads(line)
            if command.get('execute') != 'qom-get':
                return line
            if command['arguments'] != {'path': '/'.join(('/machine/peripheral/' + device, *command['arguments']['path'].split('/')[4:])),
                                        'property': 'type'} or command['id'] != 'emulatedpci-detach':
                return b'the question is wrong: ' + line
            reply = json.dumps(self.reply(command)).encode() + b'\r\n'
            cut = len(reply) // 2
            self.disturb()
            self.qemu.sendall(b'{"event": "A"}\r\n' + reply[:cut])
            self.disturb()
            self.qemu.sendall(reply[cut:] + b'{"event": "B"}\r\n')
            self.disturb()


TYPE, PENDING, TABLE = '', 'VFIO MSIX PBA[0]', 'msix-table[0]'
UNPLUGGED = [
    ('vfio-user-pci', (), [TYPE, PENDING, TABLE], True),
    ('vfio-user-pci', (PENDING, TABLE), [TYPE, PENDING], False),
    ('vfio-user-pci', (PENDING,), [TYPE, PENDING], False),
    ('vfio-user-pci', (TABLE,), [TYPE, PENDING, TABLE], False),
    ('virtio-net-pci', (TABLE,), [TYPE], True),
    (None, (), [TYPE], True),
]


def detach(tap, rng):
    """QEMU is asked about a device before it gets device_del."""
    relay = Relay()
    libvirt, qemu = relay.connect()

    def disturb():
        if rng.randrange(3) == 0:
            relay.kill_worker()

    good = number = 0
    rounds = max(KILLS // 8, 2 * len(UNPLUGGED))
    while number < rounds:
        number += 1
        device_type, children, asked, passes = UNPLUGGED[number % len(UNPLUGGED)]
        device = 'ua-' + 'x' * rng.choice((1, 200, 4000)) if number % 2 else ALIAS
        text = device_del(number, device)
        cut = rng.randrange(1, len(text))
        for piece in text[:cut], text[cut:]:
            libvirt.sendall(piece)
        unplugged = Unplugged(qemu, device_type, children, disturb if number > len(UNPLUGGED) else lambda: None)
        if not passes:
            libvirt.sendall(b'{"next":1}\r\n')
        line = unplugged.serve(device)
        if passes:
            qemu.sendall(b'{"return": {}, "id": "libvirt-%d"}\r\n' % number)
        lines = [json.loads(read_line(libvirt)) for _ in range(2 * len(asked) + 1)]
        # The error can precede the event after the last reply.
        replies = [line for line in lines if 'event' not in line]
        events = ''.join(line['event'] for line in lines if 'event' in line)
        good += unplugged.asked == asked and events == 'AB' * len(asked) and len(replies) == 1 and \
            replies[0]['id'] == 'libvirt-%d' % number and ('error' in replies[0]) != passes and \
            line == (text if passes else b'{"next":1}\r\n')
        if good != number:
            break
    tap.ok(good == rounds, 'device_del passes, or is refused because of MSI-X, while workers are killed',
           '%d of %d' % (good, rounds), UNPLUGGED[number % len(UNPLUGGED)], unplugged.asked, line, lines)
    tap.ok(not select.select([libvirt, qemu], [], [], 0)[0], 'and nothing else has come')

    libvirt.sendall(device_del(1))
    for answer in (b'{"return": "vfio-user-pci", "id": "emulatedpci-detach"}\r\n',
                   b'{"id": "emulatedpci-detach", "error": {"class": "GenericError", "desc": "why"}}\r\n'):
        read_line(qemu)
        qemu.sendall(answer)
    reply = json.loads(read_line(libvirt))
    tap.ok(reply['id'] == 'libvirt-1' and 'has MSI-X' in reply['error']['desc'] and '--config' in reply['error']['desc'],
           'a question that QEMU cannot answer: libvirt gets an error', reply)
    for text in (device_del(2, 'net0'), device_del(3, 'ua-' + 'x' * 9000), b'{"execute":"device_del","arguments":{"id":"ua-x"}}\r\n',
                 b'{"execute":"device_del","arguments":{"id":"ua-x/y"},"id":"libvirt-4"}\r\n',
                 b'{"id":"libvirt-4","execute":"device_del","arguments":{"id":"ua-x"}}\r\n'):
        libvirt.sendall(text)
        tap.ok(read_line(qemu) == text, 'another device_del passes: %r' % text[:70])
    libvirt.close()
    qemu.close()
    tap.ok(relay.close() == 0, 'it ends with QEMU')


def refused(tap):
    for name, script, text in (
            ('an error of the launcher\'s', 'read -r line; printf \'E{"id":"libvirt-1","error":{"class":"GenericError","desc":"why"}}\\r\\n\'', 'why'),
            ('a launcher that fails', 'exit 1', 'cannot start'),
            ('a launcher that says nothing', 'exit 0', 'cannot start'),
            ('a launcher that says half a line', 'printf S{', 'cannot start'),
            ('a launcher that talks and talks', 'yes', 'cannot start'),
            ('no launcher', None, 'cannot be attached')):
        relay = Relay(script)
        libvirt, qemu = relay.connect()
        qemu.sendall(b'{"event": ')
        libvirt.sendall(device_add(1) + b'next\n')
        qemu.sendall(b'"A"}\r\n')
        tap.ok(json.loads(read_line(libvirt)) == {'event': 'A'}, '%s: what QEMU has begun to say goes first' % name)
        reply = json.loads(read_line(libvirt))
        tap.ok(reply['id'] == 'libvirt-1' and text in reply['error']['desc'], 'then libvirt gets an error', reply)
        tap.ok(read_line(qemu) == b'next\n', 'QEMU gets the next command only')
        libvirt.close()
        qemu.close()
        relay.close()

    relay = Relay('read -r line; echo P')
    libvirt, qemu = relay.connect()
    libvirt.sendall(device_add(1) + b'next\n')
    tap.ok(read_line(qemu) == device_add(1) and read_line(qemu) == b'next\n', 'what the launcher does not know passes')
    libvirt.close()
    qemu.close()
    relay.close()


def full_disk(tap):
    """The messages of the relay cannot be written."""
    relay = Relay('exit 1', stderr='/dev/full')
    libvirt, qemu = relay.connect()
    for i in range(5):
        relay.kill_worker()
        libvirt.sendall(b'%d\n' % i)
        if read_line(qemu) != b'%d\n' % i:
            break
    tap.ok(i == 4, 'a full disk: workers that are killed are replaced', i)
    libvirt.sendall(device_add(1))
    tap.ok('cannot start' in json.loads(read_line(libvirt))['error']['desc'], 'a full disk: an attach that fails is refused')
    libvirt.close()
    qemu.close()
    tap.ok(relay.close() == 0, 'a full disk: it ends with QEMU')


def limit_files(pid, number):
    """Sets the number of descriptors that a process can open; returns the limits that it had."""
    return resource.prlimit(pid, resource.RLIMIT_NOFILE, (number, resource.prlimit(pid, resource.RLIMIT_NOFILE)[1]))


def no_descriptors(tap):
    """Processes that cannot open descriptors wait or refuse commands, and continue when they can."""
    relay = Relay(SEND)
    libvirt, qemu = relay.connect()
    libvirt.sendall(b'first\n')
    read_line(qemu)
    usual = limit_files(relay.worker(), 4)
    with tempfile.TemporaryFile() as file:
        inode = os.fstat(file.fileno()).st_ino
        send_fds(libvirt, b'with a file\n', [file.fileno()])
    tap.ok(not select.select([qemu], [], [], 0.5)[0], 'no descriptors: one that libvirt passes waits')
    qemu.sendall(b'reply\n')
    tap.ok(read_line(libvirt) == b'reply\n', 'no descriptors: what needs none passes')
    limit_files(relay.worker(), usual[0])
    data, found = receive_fds(qemu, len(b'with a file\n'))
    tap.ok(data == b'with a file\n' and found == [(0, [inode])], 'and it comes when there is room again', data, found)

    usual = limit_files(relay.process.pid, 8)
    libvirt.sendall(device_add(1))
    reply = json.loads(read_line(libvirt))
    tap.ok('cannot' in reply['error']['desc'], 'no descriptors: an attach is refused', reply)
    libvirt.sendall(b'next\n')
    tap.ok(read_line(qemu) == b'next\n', 'and the connection goes on')
    limit_files(relay.process.pid, usual[0])
    libvirt.sendall(device_add(2))
    tap.ok(json.loads(read_line(qemu))['id'] == 'libvirt-2', 'the next attach is translated')
    libvirt.close()
    qemu.close()
    tap.ok(relay.close() == 0, 'no descriptors: it ends with QEMU')


def no_memory(tap):
    """Processes that get no memory forward messages, are replaced when they are killed, and refuse to attach devices."""
    relay = Relay(SEND)
    libvirt, qemu = relay.connect()
    usual = {}
    for pid in relay.wait_whole():
        usual[pid] = resource.prlimit(pid, resource.RLIMIT_AS, (4096, resource.prlimit(pid, resource.RLIMIT_AS)[1]))
    data = {'down': b'x' * 100000 + b'\n', 'up': b'y' * 1000000 + b'\r\n'}
    result = exchange(libvirt, qemu, data, random.Random(1), relay.kill_worker)
    same(tap, data, result, 'no memory: every byte comes, although workers are killed')
    libvirt.sendall(device_add(1))
    reply = json.loads(read_line(libvirt))
    tap.ok('cannot' in reply['error']['desc'], 'no memory: an attach is refused', reply)
    for pid in relay.wait_whole():
        resource.prlimit(pid, resource.RLIMIT_AS, next(iter(usual.values())))
    libvirt.sendall(device_add(2))
    tap.ok(json.loads(read_line(qemu))['id'] == 'libvirt-2', 'the next attach is translated')
    libvirt.close()
    qemu.close()
    tap.ok(relay.close() == 0, 'no memory: it ends with QEMU')


def hostile(tap, rng):
    """Lines that look like those that the relay reads, from either side."""
    pieces = (device_add(1)[:30], device_add(1)[30:], b'{"return": {}, "id": "libvirt-1"}\r\n', b'"device_add"', b'--pci1-', b'\n',
              device_del(1)[:30], b'"id": "emulatedpci-detach"', b'\0', b'"id":"', b'"id": "emulatedpci-getfd"', b'{"execute":"device_add","arguments":{"driver":"lsi"', b'\xff' * 100)
    relay = Relay('read -r line; echo P')
    for i in range(30):
        libvirt, qemu = relay.connect()
        data = {name: b''.join(rng.choice(pieces) for _ in range(rng.randrange(1, 300))) + b'\n' for name in ('down', 'up')}
        if exchange(libvirt, qemu, data, rng) != data:
            break
        libvirt.close()
        qemu.close()
    tap.ok(i == 29, 'hostile bytes from both sides come as they are', i)
    tap.ok(relay.close() == 0, 'and it ends with QEMU')


def start(tap):
    gate, gate_write = os.pipe()
    relay = Relay(gate=gate)
    os.close(gate)
    os.write(gate_write, b'x')
    os.close(gate_write)
    tap.ok(relay.process.wait(LIMIT) == 0, 'it ends if QEMU is not started')
    relay.close()

    log, log_write = os.pipe()
    relay = Relay(log=log)
    os.close(log)
    libvirt, qemu = relay.connect()
    relay.sleeper.kill()
    relay.sleeper.wait()
    qemu.close()
    tap.ok(not select.select([libvirt], [], [], 0.5)[0], 'libvirt\'s connection stays until QEMU\'s log is complete')
    os.close(log_write)
    tap.ok(libvirt.recv(1) == b'', 'and then ends')
    libvirt.close()
    relay.close()


def command_line(tap):
    for args in [], ['--listen-fd=0'], ['--listen-fd=99999999'], ['--frob'], ['--path'], ['extra']:
        done = subprocess.run([PROGRAM] + args, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL, timeout=LIMIT, check=False)
        tap.ok(done.returncode == 1 and done.stderr.startswith(b'emulatedpci-monitor: '), 'refuses %s' % (args or 'nothing'), done)
    path = '/' + 'x' * 107
    with socket.socket(socket.AF_UNIX) as listener:
        done = subprocess.run([PROGRAM, '--listen-fd=%d' % listener.fileno(), '--qemu-fd=%d' % listener.fileno(), '--path=' + path],
                              stderr=subprocess.PIPE, stdin=subprocess.DEVNULL, timeout=LIMIT, check=False,
                              pass_fds=[listener.fileno()])
    tap.ok(done.returncode == 1 and ("the path '%s' of QEMU's monitor is too long: up to 107 bytes" % path).encode() in done.stderr,
           'refuses a path that is too long', done)
    done = subprocess.run([PROGRAM, '--version'], stdout=subprocess.PIPE, timeout=LIMIT, check=True)
    tap.ok(done.stdout.startswith(b'emulatedpci-monitor ('), '--version')
    done = subprocess.run([PROGRAM, '--help'], stdout=subprocess.PIPE, timeout=LIMIT, check=True)
    tap.ok(b'--listen-fd' in done.stdout, '--help')


def main(tap):
    seed = int(os.environ.get('MONITOR_SEED', '0')) or random.randrange(1 << 30)
    print('# MONITOR_SEED=%d' % seed)
    rng = random.Random(seed)
    command_line(tap)
    plain(tap, rng)
    flow_control(tap)
    descriptors(tap, rng)
    killed(tap, rng)
    killed_any(tap, rng)
    attach(tap, rng)
    attach_fd(tap)
    detach(tap, rng)
    refused(tap)
    full_disk(tap)
    no_descriptors(tap)
    no_memory(tap)
    hostile(tap, rng)
    start(tap)


run_tests(main)
