"""mpqemutest.py: pci-emulator itself, spoken to over its sockets

The multi-process link as QEMU speaks it, and as QEMU would not: pieces,
floods, nonsense, descriptors. One device's misbehaving peer must not disturb
another device, leak a descriptor, or end the process. Then options, the
sandbox and the end.

SPDX-License-Identifier: LGPL-2.1-or-later
"""

import array
import json
import os
import random
import signal
import socket
import struct
import subprocess
import sys
import time

import emulatordriver as emu
from emulatedpcistack import run_tests
from emulatordriver import EXAMPLE, Emulator

INT_MAX = 0x7fffffff
MEMORY = '/memfd:emulatedpci-status (deleted)'
SANITIZERS = None       # whether this build has them; set by main()


def closed(sock):
    """Whether the emulator closes its end, within the socket's time limit."""
    try:
        while sock.recv(4096):
            pass
        return True
    except ConnectionResetError:
        return True
    except socket.timeout:
        return False


def eof(fd):
    """Whether nobody else holds the write end of the pipe FD any more."""
    os.set_blocking(fd, False)
    until = time.monotonic() + emu.TIMEOUT
    while time.monotonic() < until:
        try:
            if os.read(fd, 1) == b'':
                return True
        except BlockingIOError:
            pass
        time.sleep(0.05)
    return False


def send_with_fds(sock, data, fds):
    sock.sendmsg([data], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array('i', fds))])


def status_of(pid):
    with open('/proc/%d/status' % pid, encoding='ascii') as status:
        return dict(line.rstrip('\n').split(':\t', 1) for line in status if ':\t' in line)


def open_fds(pid):
    """The descriptors of PID, or None if we may not look: it is not dumpable."""
    try:
        return sorted(int(fd) for fd in os.listdir('/proc/%d/fd' % pid))
    except PermissionError:
        return None


def sysmem(count=8):
    return emu.message(emu.SYNC_SYSMEM, struct.pack('=8Q8Q8q', *range(8), *[4096] * count + [0] * (8 - count),
                                                    *[0] * 8))


def check_protocol(tap):
    with Emulator([EXAMPLE], stderr=subprocess.PIPE) as emulator:
        sock = emulator.sockets[0]
        tap.equal(emulator.ready, b'\0', 'ready: one byte, then the end')
        tap.equal(emu.config_read(sock, 0, 4), 0xc0005853, 'a read of four bytes')
        tap.equal(emu.config_read(sock, 2, 2), 0xc000, 'a read of two')
        tap.equal(emu.config_read(sock, 0x0b, 1), 0xff, 'a read of one')
        tap.equal(emu.config_read(sock, 0x09, 3), 0xff8000, 'a read of three')
        tap.equal(emu.config_read(sock, 0xfe, 4), 0, 'a read across the end')
        tap.equal(emu.config_read(sock, 0x100, 4), 0xffffffff, 'a read beyond the end')
        tap.equal(emu.config_read(sock, 0xffffffff, 2), 0xffff, 'a read at the last address')
        tap.equal(emu.config_write(sock, 4, 0xffffffff, 4), 0, 'a write is answered with 0')
        tap.equal(emu.config_read(sock, 4, 4), 0x0547, 'only writable bits were written')
        tap.equal(emu.config_write(sock, 0x3c, 0x0a, 1), 0, 'a write of one byte')
        tap.equal(emu.config_write(sock, 0x1000, 0, 4), 0, 'a write beyond the end')
        tap.equal(emu.config_read(sock, 0x3c, 4), 0x010a, 'what was written is read')
        tap.equal(emu.reset(sock), 0, 'a reset is answered')
        tap.equal([emu.config_read(sock, reg, 4) for reg in (4, 0x3c)], [0, 0x100],
                  'a reset brings power-on values back')

        sock.sendall(emu.message(emu.SET_IRQFD) + sysmem())
        tap.equal(emu.config_read(sock, 0, 2), 0x5853, 'SET_IRQFD and SYNC_SYSMEM are not answered')
        sock.sendall(emu.message(emu.BAR_READ, struct.pack('=QQIB3x', 0x1000, 0, 4, 1)))
        tap.equal(emu.reply(sock), 0xffffffffffffffff, 'nobody claims a read of a BAR')
        sock.sendall(emu.message(emu.BAR_WRITE, struct.pack('=QQIB3x', 0x1000, 0, 4, 1)))
        tap.equal(emu.reply(sock), 0, 'a write to a BAR goes nowhere')

        tap.equal(emulator.wait(), (0, ''), 'it ends in silence when the socket is closed')


def check_pieces(tap):
    with Emulator([EXAMPLE], stderr=subprocess.PIPE) as emulator:
        sock = emulator.sockets[0]
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1 << 20)
        stream = (sysmem() + emu.config_read_message(0, 4) + emu.message(emu.SET_IRQFD) +
                  emu.config_write_message(0x3c, 5, 1) + emu.message(emu.DEVICE_RESET) +
                  emu.config_read_message(0x2c, 4))
        expected = [0xc0005853, 0, 0, 0xc0005853]
        for size in (1, 2, 3, 7, 15, 16, 17, 100, len(stream)):
            for start in range(0, len(stream), size):
                sock.sendall(stream[start:start + size])
            got = [emu.reply(sock) for _ in expected]
            if not tap.equal(got, expected, 'messages in pieces of %d bytes' % size):
                return

        seed = random.SystemRandom().getrandbits(32)
        generator = random.Random(seed)
        for _ in range(50):
            data = stream * generator.randrange(1, 5)
            while data:
                size = generator.randrange(1, 300)
                sock.sendall(data[:size])
                data = data[size:]
            # Whatever it was, four answers of every stream
            time.sleep(0)
            sock.setblocking(True)
            sock.settimeout(emu.TIMEOUT)
            sock.sendall(emu.config_read_message(0x0e, 1) + emu.config_read_message(0x09, 3))
            while emu.reply(sock) != 0xff8000:
                pass
        tap.ok(True, 'messages in random pieces (seed %d)' % seed)

        # Many requests at once: answered in order, none lost.
        for i in range(200):
            sock.sendall(emu.config_write_message(0x3c, i & 0xff, 1) +
                         emu.config_read_message(0x3c, 1))
        got = [emu.reply(sock) for _ in range(400)][1::2]
        tap.equal(got, [i & 0xff for i in range(200)], 'requests that do not wait for answers')

        sock.sendall(emu.config_read_message(0, 4)[:20])
        tap.equal(emulator.wait(), (0, ''), 'the end in the middle of a message')


VIOLATIONS = (
    ('a command of -1', emu.message(-1)),
    ('a command of 8', emu.message(8)),
    ('the largest command', emu.message(INT_MAX)),
    ('RET, the answer itself', emu.message(emu.RET, struct.pack('=Q', 0))),
    ('a read of length 0', emu.config_read_message(0, 0)),
    ('a read of length 5', emu.config_read_message(0, 5)),
    ('a read of length -1', emu.config_read_message(0, -1)),
    ('a write of length -2147483648', emu.config_write_message(0, 0, -INT_MAX - 1)),
    ('a write of length 8', emu.config_write_message(0, 0, 8)),
    ('a read without payload', emu.message(emu.CFGREAD)),
    ('a read of 11 bytes of payload', emu.message(emu.CFGREAD, b'\0' * 11)),
    ('a read of 16 bytes of payload', emu.message(emu.CFGREAD, b'\0' * 16)),
    ('a header that claims 2^63 bytes', emu.message(emu.CFGWRITE, size=1 << 63)),
    ('a header that claims 2^64 - 1 bytes', emu.message(emu.SYNC_SYSMEM, size=(1 << 64) - 1)),
    ('a header that claims 2^64 - 16 bytes', emu.message(emu.DEVICE_RESET, size=(1 << 64) - 16)),
    ('SYNC_SYSMEM that is short', emu.message(emu.SYNC_SYSMEM, b'\0' * 184)),
    ('SYNC_SYSMEM that is long', emu.message(emu.SYNC_SYSMEM, b'\0' * 200)),
    ('SET_IRQFD with payload', emu.message(emu.SET_IRQFD, b'\0')),
    ('a reset with payload', emu.message(emu.DEVICE_RESET, b'\0' * 8)),
    ('a BAR access of 16 bytes of payload', emu.message(emu.BAR_READ, b'\0' * 16)),
    ('all ones', b'\xff' * 1000),
    ('text', b'GET / HTTP/1.0\r\n\r\n'),
)


def check_violations(tap):
    """Each on a device of its own; one more device goes on."""
    devices = [dict(EXAMPLE, devicename='device%d' % i) for i in range(len(VIOLATIONS) + 1)]
    with Emulator(devices, stderr=subprocess.PIPE) as emulator:
        good = emulator.sockets[-1]
        for (what, data), sock in zip(VIOLATIONS, emulator.sockets):
            tap.equal(emu.config_read(sock, 0, 4), 0xc0005853, '%s: a sane start' % what)
            try:
                sock.sendall(data)
            except BrokenPipeError:
                pass
            tap.ok(closed(sock), '%s: that socket is closed' % what)
            tap.equal(emu.config_read(good, 0, 4), 0xc0005853, '%s: others are served' % what)
        code, err = emulator.wait()
        tap.equal(code, 0, 'a peer without manners is no failure of ours')
        lines = err.splitlines()
        tap.equal(len(lines), len(VIOLATIONS), 'one line for each of them')
        tap.ok(all(line.startswith('pci-emulator: device device%d (fd %d): closed: ' % (i, emulator.fds[i]))
                   for i, line in enumerate(lines)), 'the line names the device', err)


def check_descriptors(tap):
    with Emulator([EXAMPLE] * 2, stderr=subprocess.PIPE) as emulator:
        pid = emulator.worker()
        sock, other = emulator.sockets
        before = open_fds(pid)

        read_end, write_end = os.pipe()
        send_with_fds(sock, sysmem(), [write_end] * 8)
        send_with_fds(sock, emu.message(emu.SET_IRQFD), [write_end] * 2)
        os.close(write_end)
        tap.equal(emu.config_read(sock, 0, 4), 0xc0005853, 'descriptors of memory and interrupts are taken')
        tap.ok(eof(read_end), 'none of them is held')
        os.close(read_end)

        # More than QEMU would send, on every byte, with every message
        read_end, write_end = os.pipe()
        for _ in range(20):
            data = sysmem() + emu.config_read_message(0, 4)
            for i in range(len(data)):
                send_with_fds(sock, data[i:i + 1], [write_end] * 20)
            if emu.reply(sock) != 0xc0005853:
                break
        for _ in range(20):
            send_with_fds(other, emu.message(emu.SET_IRQFD), [write_end] * 253)
        tap.equal(emu.config_read(other, 0, 4), 0xc0005853, 'a flood of descriptors')
        os.close(write_end)
        tap.ok(eof(read_end), 'none of the flood is held')
        os.close(read_end)

        # On a message that ends the device, unread
        read_end, write_end = os.pipe()
        send_with_fds(sock, emu.message(99), [write_end] * 100)
        try:
            send_with_fds(sock, sysmem(), [write_end] * 100)
        except BrokenPipeError:
            pass
        os.close(write_end)
        tap.ok(closed(sock), 'descriptors on nonsense: closed')
        tap.ok(eof(read_end), 'none of those is held')
        os.close(read_end)

        if before is None:
            tap.skip('the table of descriptors', 'not root: the process is not dumpable')
        else:
            expected = [fd for fd in before if fd != emulator.fds[0]]
            tap.equal(open_fds(pid), expected, 'the table of descriptors is what it was, less one')
        tap.equal(emu.config_read(other, 0, 4), 0xc0005853, 'the other device is served')


def check_greedy(tap):
    """A peer that asks and never takes an answer, beside one that does."""
    with Emulator([EXAMPLE] * 2, stderr=subprocess.PIPE) as emulator:
        greedy, good = emulator.sockets
        greedy.setblocking(False)
        requests = emu.config_read_message(0, 4) * 1000
        sent = 0
        deadline = time.monotonic() + 1.5
        while time.monotonic() < deadline:
            try:
                sent += greedy.send(requests[sent % 28:])
            except BlockingIOError:
                emu.config_read(good, 0, 4)
        tap.ok(sent > 1000 * 28, 'a peer that takes no answers (%d bytes sent)' % sent)
        tap.equal(emu.config_read(good, 0, 4), 0xc0005853, 'does not hold up another device')

        pid = emulator.worker()
        start = cpu_time(pid)
        time.sleep(1)
        tap.ok(cpu_time(pid) - start < 0.3, 'nor is it waited for in a busy loop')

        greedy.settimeout(emu.TIMEOUT)
        answers = 0
        while answers < sent // 28:
            if emu.reply(greedy) != 0xc0005853:
                break
            answers += 1
        tap.equal(answers, sent // 28, 'and gets all its answers in the end')
        if sent % 28:
            greedy.sendall(requests[sent % 28:28])
            tap.equal(emu.reply(greedy), 0xc0005853, 'the last one too')
        tap.equal(emulator.wait(), (0, ''), 'the end')


def cpu_time(pid):
    with open('/proc/%d/stat' % pid, encoding='ascii') as stat:
        fields = stat.read().rsplit(')', 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf('SC_CLK_TCK')


def check_many(tap):
    devices = [dict(EXAMPLE, deviceid=i, devicename='n%d' % i) for i in range(256)]
    with Emulator(devices, stderr=subprocess.PIPE) as emulator:
        tap.equal(emulator.ready, b'\0', '256 devices')
        for sock in emulator.sockets:
            sock.sendall(emu.config_read_message(2, 2))
        tap.equal([emu.reply(sock) for sock in emulator.sockets], list(range(256)),
                  'each has its own configuration space')
        for sock in emulator.sockets[:-1]:
            sock.close()
        tap.equal(emu.config_read(emulator.sockets[-1], 2, 2), 255, 'the last one is served')
        tap.ok(emulator.process.poll() is None, 'it lives as long as one socket is open')
        tap.equal(emulator.wait(), (0, ''), 'and no longer')


def check_sandbox(tap):
    inherited_read, inherited_write = os.pipe()
    with Emulator([EXAMPLE] * 3, pass_fds=[inherited_write], stderr=subprocess.PIPE) as emulator:
        os.close(inherited_write)
        pid = emulator.worker()
        tap.ok(eof(inherited_read), 'a descriptor of somebody else is closed')
        os.close(inherited_read)

        status = status_of(pid)
        tap.equal(status['NoNewPrivs'], '1', 'no new privileges')
        tap.equal(status['Seccomp'], '2', 'a seccomp filter')
        tap.equal(status['Threads'], '1', 'one thread')
        tap.equal([int(status[name].split()[0]) for name in ('VmLck', 'VmPin')], [0, 0], 'no locked memory')

        with open('/proc/%d/limits' % pid, encoding='ascii') as limits:
            values = {line[:26].strip(): line[26:].split()[:2] for line in limits}
        tap.equal(values['Max core file size'], ['0', '0'], 'no core file')
        if not SANITIZERS:
            tap.equal(values['Max open files'], ['1', '1'], 'no new descriptors')

        fds = open_fds(pid)
        if fds is None:
            tap.ok(os.getuid() != 0, 'not dumpable: its own user cannot look into it')
            tap.skip('descriptors are its own', 'not root')
            tap.skip('no memory is shared', 'not root')
        else:
            names = {fd: os.readlink('/proc/%d/fd/%d' % (pid, fd)) for fd in fds}
            own = [fd for fd in fds if names[fd] in ('anon_inode:[eventpoll]', MEMORY)]
            tap.equal(fds, sorted([0, 1, 2] + own + emulator.fds), 'descriptors are its own')
            tap.equal([names[0], names[1], len(own)], ['/dev/null', '/dev/null', 2],
                      'standard input and output are nothing')
            with open('/proc/%d/maps' % pid, encoding='ascii') as maps:
                shared = [line for line in maps if line.split()[1] in ('rw-s', '-w-s') or 'memfd' in line]
            tap.ok(len(shared) == 1 and shared[0].rstrip().endswith(MEMORY),
                   'no memory is shared but that of the devices', *shared)
        status = status_of(emulator.process.pid)
        tap.equal((status['NoNewPrivs'], status['Seccomp'], status['Threads']), ('1', '2', '1'),
                  'the guard is in a sandbox too')
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGQUIT):
            os.kill(pid, number)
            emulator.process.send_signal(number)
        tap.equal(emu.config_read(emulator.sockets[1], 0, 4), 0xc0005853,
                  'what a terminal or session sends to QEMU does not end it')
        tap.equal(emulator.wait(), (0, ''), 'the end')


def check_stderr(tap):
    """A standard error that nobody reads, and more trouble than is said."""
    read_end, write_end = os.pipe()
    os.set_blocking(write_end, False)
    try:
        while True:
            os.write(write_end, b'x' * 4096)
    except BlockingIOError:
        pass
    os.set_blocking(write_end, True)
    with Emulator([EXAMPLE] * 2, stderr=write_end) as emulator:
        os.close(write_end)
        bad, good = emulator.sockets
        bad.sendall(b'\xff' * 16)
        tap.ok(closed(bad), 'a full standard error: a violation')
        tap.equal(emu.config_read(good, 0, 4), 0xc0005853, 'a full standard error: others are served')
    os.close(read_end)

    read_end, write_end = os.pipe()
    os.close(read_end)
    with Emulator([EXAMPLE] * 2, stderr=write_end) as emulator:
        os.close(write_end)
        bad, good = emulator.sockets
        bad.sendall(b'\xff' * 16)
        tap.ok(closed(bad), 'no reader of standard error: a violation')
        tap.equal(emu.config_read(good, 0, 4), 0xc0005853, 'no reader of standard error: others are served')


def run(arguments, pass_fds=()):
    return subprocess.run([emu.emulator_path()] + arguments, stdin=subprocess.DEVNULL,
                          capture_output=True, text=True, timeout=emu.TIMEOUT, check=False,
                          pass_fds=pass_fds)


def check_options(tap):
    result = run(['--print-capabilities'])
    capabilities = json.loads(result.stdout)
    tap.equal((result.returncode, result.stderr), (0, ''), '--print-capabilities')
    tap.equal(capabilities['type'], 'pci-emulator', 'capabilities: type')
    tap.equal(capabilities['transports'], ['mpqemu', 'vfio-user'], 'capabilities: transports')
    tap.equal(list(capabilities['fields']), list(emu.FIELDS), 'capabilities: the twelve fields')
    tap.ok(run(['--version']).stdout.startswith('pci-emulator ('), '--version')
    tap.ok('--ready-fd' in run(['--help']).stdout, '--help')

    ours, theirs = socket.socketpair()
    datagram, datagram_peer = socket.socketpair(type=socket.SOCK_DGRAM)
    internet = socket.socket()
    pipe = os.pipe()
    fd = theirs.fileno()
    good = emu.device_argument(fd, EXAMPLE)

    def field(**changes):
        return ['--device', emu.device_argument(fd, dict(EXAMPLE, **changes))]

    bad = (
        ('no device', [], 'no --device is given'),
        ('an unknown option', ['--devices'], "unknown option '--devices'"),
        ('an unknown short option', ['-x'], "unknown option '-x'"),
        ('an option without its value', ['--device'], "option '--device' needs a value"),
        ('an argument', ['--device', good, 'x'], "unexpected argument 'x'"),
        ('no fd', ['--device', good.split(',', 1)[1]], 'fd or socket is missing'),
        ('standard error as fd', ['--device', emu.device_argument(2, EXAMPLE)], "invalid fd '2'"),
        ('an fd that is not open', ['--device', emu.device_argument(999, EXAMPLE)], "invalid fd '999'"),
        ('an fd that is too large', ['--device', emu.device_argument(99999999999, EXAMPLE)], 'invalid fd'),
        ('a pipe', ['--device', emu.device_argument(pipe[0], EXAMPLE)], 'invalid fd'),
        ('a datagram socket', ['--device', emu.device_argument(datagram.fileno(), EXAMPLE)], 'invalid fd'),
        ('an internet socket', ['--device', emu.device_argument(internet.fileno(), EXAMPLE)], 'invalid fd'),
        ('one fd twice', ['--device', good, '--device', good], 'given to two devices'),
        ('fd twice', ['--device', good + ',fd=%d' % fd], "a second socket, fd '%d'" % fd),
        ('a relative socket', ['--device', emu.device_argument('x', EXAMPLE)], "invalid socket 'x'"),
        ('a long socket', ['--device', emu.device_argument('/' + 'x' * 107, EXAMPLE)], 'invalid socket'),
        ('a socket that is there', ['--device', emu.device_argument('/dev/null', EXAMPLE)],
         "device citrix-pv-bus: cannot listen on '/dev/null'"),
        ('a socket and an fd', ['--device', good + ',socket=/x'], "a second socket, socket '/x'"),
        ('a field twice', ['--device', good + ',vendorid=1'], 'vendorid is given twice'),
        ('an unknown key', ['--device', good + ',vendor=1'], "unknown key 'vendor'"),
        ('a key without value', ['--device', good + ',vendorid'], "no value in 'vendorid'"),
        ('no devicename', field(devicename=''), "invalid devicename ''"),
        ('a long devicename', field(devicename='x' * 32), 'invalid devicename'),
        ('a devicename with a space', field(devicename='a b'), "invalid devicename 'a b'"),
        ('a large vendorid', field(vendorid='0x10000'), "invalid vendorid '0x10000'"),
        ('an octal vendorid', field(vendorid='0123'), "invalid vendorid '0123'"),
        ('a signed vendorid', field(vendorid='-1'), "invalid vendorid '-1'"),
        ('vendorid 0', field(vendorid=0), "invalid vendorid '0x0000'"),
        ('vendorid 0xffff', field(vendorid=0xffff), "invalid vendorid '0xffff'"),
        ('a bridge', field(headertype=1), "invalid headertype '0x01'"),
        ('a large classcode', field(classcode='0x1000000'), 'invalid classcode'),
        ('a large pin', field(interruptpin='256'), "invalid interruptpin '256'"),
        ('ready-fd that is no number', ['--ready-fd=x', '--device', good], "--ready-fd: invalid fd 'x'"),
        ('ready-fd that is a device', ['--ready-fd=%d' % fd, '--device', good], "is a device's"),
        ('ready-fd that is not open', ['--ready-fd=998', '--device', good], '--ready-fd'),
        ('a relative path to listen on', ['--listen=x'], "invalid path 'x'"),
        ('a long path to listen on', ['--listen=/' + 'x' * 107], 'invalid path'),
        ('a path to listen on that is there', ['--listen=/dev/null'], "cannot listen on '/dev/null'"),
        ('--listen and a device', ['--listen', '--device', good], 'exclude each other'),
        ('a user without --listen', ['--allow-user', 'root', '--device', good], 'needs --listen'),
        ('an unknown user', ['--listen', '--allow-user', 'no such user'], "no user 'no such user'"),
        ('too many users', ['--listen'] + ['--allow-user=root'] * 17, 'more than 16 users'),
        ('an unknown seccomp action', ['--seccomp=off', '--device', good], "invalid action 'off'"),
        ('a control character', ['--device', good + ',a\nb=1'], "unknown key 'a?b'"),
        ('a very long argument', ['x' * 100000], 'unexpected argument'),
    )
    for name in emu.FIELDS:
        without = ','.join(item for item in good.split(',') if not item.startswith(name + '='))
        bad += (('no %s' % name, ['--device', without], '%s is missing' % name),)

    fds = [fd, datagram.fileno(), internet.fileno(), pipe[0]]
    for what, arguments, message in bad:
        result = run(arguments, fds)
        tap.ok(result.returncode == 1 and result.stderr.startswith('pci-emulator: ') and
               message in result.stderr and result.stderr.count('\n') == 1 and result.stdout == '',
               '%s: refused in one line' % what, result)

    pairs = [socket.socketpair() for _ in range(257)]
    arguments = []
    for pair in pairs:
        arguments += ['--device', emu.device_argument(pair[1].fileno(), EXAMPLE)]
    result = run(arguments, [pair[1].fileno() for pair in pairs])
    tap.equal((result.returncode, result.stderr), (1, 'pci-emulator: more than 256 devices\n'),
              '257 devices')
    for sock in [ours, theirs, datagram, datagram_peer, internet] + [s for pair in pairs for s in pair]:
        sock.close()
    for end in pipe:
        os.close(end)

    for action, expected in (('none', '0'), ('log', '2')):
        with Emulator([EXAMPLE], ['--seccomp', action], stderr=subprocess.PIPE) as emulator:
            for who, pid in (('guard', emulator.process.pid), ('worker', emulator.worker())):
                tap.equal(status_of(pid)['Seccomp'], expected, '--seccomp %s: %s' % (action, who))
            tap.equal(emu.config_read(emulator.sockets[0], 0, 4), 0xc0005853, '--seccomp %s: serves' % action)
            tap.equal(emulator.wait(), (0, ''), '--seccomp %s: ends' % action)


def check_death(tap):
    """QEMU is killed: nothing is left."""
    with Emulator([EXAMPLE], stderr=subprocess.PIPE) as emulator:
        holder = subprocess.Popen(['sleep', '180'], pass_fds=[emulator.sockets[0].fileno()])
        emulator.sockets[0].close()
        time.sleep(0.1)
        tap.ok(emulator.process.poll() is None, 'it lives while another process has the socket')
        holder.kill()
        holder.wait()
        tap.equal(emulator.wait(), (0, ''), 'it ends when that one is killed')


def main(tap):
    global SANITIZERS   # pylint: disable=global-statement
    SANITIZERS = json.loads(run(['--print-capabilities']).stdout)['seccomp-default'] != 'kill'
    for check in (check_options, check_protocol, check_pieces, check_violations, check_descriptors,
                  check_greedy, check_many, check_sandbox, check_stderr, check_death):
        tap.diag(check.__name__)
        check(tap)


if __name__ == '__main__':
    sys.dont_write_bytecode = True
    # 256 devices take 512 sockets here.
    import resource
    SOFT, HARD = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(max(SOFT, 4096), HARD), HARD))
    run_tests(main)
