"""mpqemutest.py: pci-emulator with the multi-process link

Sends messages as QEMU does, and messages that QEMU would not send. A misbehaving peer of one device
must not affect another device or end the process. Also tests pci-emulator's options.
transporttest.py tests the common behaviour of both transports.

SPDX-License-Identifier: LGPL-2.1-or-later
"""

import json
import os
import socket
import struct
import subprocess
import sys

import emulatordriver as emu
from emulatedpcistack import run_tests
from emulatordriver import EXAMPLE, Emulator

INT_MAX = 0x7fffffff


def closed(sock):
    """Whether the emulator closes its end within the socket's time limit."""
    try:
        while sock.recv(4096):
            pass
        return True
    except ConnectionResetError:
        return True
    except socket.timeout:
        return False


def status_of(pid):
    with open('/proc/%d/status' % pid, encoding='ascii') as status:
        return dict(line.rstrip('\n').split(':\t', 1) for line in status if ':\t' in line)


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
    """Each violation on a separate device; another device continues to work."""
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
        ('no device', [], '--device is missing'),
        ('an unknown option', ['--devices'], "unknown option '--devices'"),
        ('an unknown short option', ['-x'], "unknown option '-x'"),
        ('an option without its value', ['--device'], "option '--device' requires a value"),
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
        ('ready-fd that is a device', ['--ready-fd=%d' % fd, '--device', good], 'is already used by a device'),
        ('client-fd that is no number', ['--client-fd=x', '--device', good], "--client-fd: invalid fd 'x'"),
        ('client-fd that is a device', ['--client-fd=%d' % fd, '--device', good],
         "--client-fd: fd %d is already used by a device" % fd),
        ('client-fd that is ready-fd', ['--client-fd=99', '--ready-fd=99', '--device', good],
         '--client-fd: fd 99 is already used by --ready-fd'),
        ('client-fd that is not open', ['--client-fd=998', '--device', good], '--client-fd: EBADF'),
        ('client-fd for nobody', ['--client-fd=99', '--listen'], '--client-fd requires --device'),
        ('ready-fd that is not open', ['--ready-fd=998', '--device', good], '--ready-fd'),
        ('a relative path to listen on', ['--listen=x'], "invalid path 'x'"),
        ('a long path to listen on', ['--listen=/' + 'x' * 107], 'invalid path'),
        ('a path to listen on that is there', ['--listen=/dev/null'], "cannot listen on '/dev/null'"),
        ('--listen and a device', ['--listen', '--device', good], 'exclude each other'),
        ('a user without --listen', ['--allow-user', 'root', '--device', good], 'requires --listen'),
        ('an unknown user', ['--listen', '--allow-user', 'no such user'], "no user 'no such user'"),
        ('too many users', ['--listen'] + ['--allow-user=root'] * 17, 'more than 16 users'),
        ('no time to connect', ['--connect-timeout=0', '--device', good], "invalid number '0'"),
        ('a time with a unit', ['--connect-timeout=5s', '--device', good], "invalid number '5s'"),
        ('a negative time', ['--connect-timeout=-5', '--device', good], "invalid number '-5'"),
        ('a very long time', ['--connect-timeout=86401', '--device', good], "invalid number '86401'"),
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


def main(tap):
    for check in (check_options, check_protocol, check_violations):
        tap.diag(check.__name__)
        check(tap)


if __name__ == '__main__':
    sys.dont_write_bytecode = True
    # 256 devices require 512 sockets here.
    import resource
    SOFT, HARD = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(max(SOFT, 4096), HARD), HARD))
    run_tests(main)
