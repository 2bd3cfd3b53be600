#!/usr/bin/env python3
# sockettest.py: <driver socket='…'/>, at the start of a domain
#
# Tests that the launcher checks a server before it becomes QEMU, and that it connects to the server
# only if it negotiates the version. A script replaces QEMU.
#
# SPDX-License-Identifier: LGPL-2.1-or-later

import ctypes
import errno
import json
import os
import re
import socket
import struct
import subprocess
import sys
import threading

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from launcherutil import Skip, Stage, Tap, expect

test = Tap()
stage = Stage()
TIMEOUT = 120

STAND_IN = """#!/bin/sh
# A QEMU that prints its arguments.
if [ "$*" = --version ]; then exec echo "QEMU emulator" version %s; fi
case "$*" in *vfio-user-pci,help) exec echo vfio-user-pci options: ;; esac
for arg; do printf '%%s\\n' "$arg"; done
"""


def make_qemu(name, version):
    path = os.path.join(stage.top, name)
    with open(path, 'w', encoding='ascii') as f:
        f.write(STAND_IN % version)
    os.chmod(path, 0o755)
    # Older than the launcher, which would otherwise warn that the file was replaced
    os.utime(path, (0, 0))
    return stage.link_qemu(path)


LAUNCHER = make_qemu('qemu-new', '10.1.0')


def run(path, *args, launcher=LAUNCHER, user=None, preexec_fn=None, **more):
    """Runs the launcher with one device of the server at PATH."""
    device = {'driver': 'emulated-pci', 'devicename': 'dev', **more, 'socket': path, 'id': 'ua-a', 'addr': '0x3'}
    return subprocess.run([launcher, '-machine', 'pc,accel=tcg', *args, '-device', json.dumps(device)],
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                          env={**os.environ, 'HOME': stage.home, 'LC_ALL': 'C'}, timeout=TIMEOUT, check=False,
                          user=user, preexec_fn=preexec_fn)


def starts(path, *args, **more):
    """Returns the arguments that QEMU gets."""
    done = run(path, *args, **more)
    expect(done.returncode, 0, 'status; stderr: ' + done.stderr)
    return done.stdout.splitlines()


def fails(path, message, *args, **more):
    """The launcher must print MESSAGE, in one line, and QEMU must not run."""
    done = run(path, *args, **more)
    lines = done.stderr.splitlines()
    expect((done.returncode, done.stdout, len(lines)), (125, '', 1), done.stderr)
    if not re.fullmatch('emulatedpci-launcher: ' + message, lines[0]):
        raise AssertionError('%r is not %r' % (lines[0], message))


def place(name):
    return os.path.join(stage.top, name)


class Listener:
    """A socket of TYPE at NAME, to which clients may connect."""

    def __init__(self, name, kind=socket.SOCK_STREAM, listen=True):
        self.path = place(name)
        self.socket = socket.socket(socket.AF_UNIX, kind)
        self.socket.bind(self.path)
        if listen:
            self.socket.listen(8)

    def accepted(self):
        """Whether a client has connected."""
        self.socket.setblocking(False)
        try:
            self.socket.accept()[0].close()
            return True
        except BlockingIOError:
            return False

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()
        os.unlink(self.path)


class Server(Listener):
    """Replies to VERSION with ANSWER, bytes or None, for each of its clients, and stores the
    requests."""

    def __init__(self, name, answer, fds=()):
        super().__init__(name)
        self.requests = []
        self.thread = threading.Thread(target=self.serve, args=(answer, fds))
        self.thread.start()

    def serve(self, answer, fds):
        while True:
            try:
                client = self.socket.accept()[0]
            except OSError:
                return
            with client:
                self.requests.append(client.recv(65536))
                if answer is not None:
                    try:
                        if fds:
                            socket.send_fds(client, [answer], fds)
                        else:
                            client.sendall(answer)
                    except OSError:
                        pass    # a client that closes the connection before the end
                try:
                    if answer != b'':
                        client.recv(1)
                except OSError:
                    pass

    def __exit__(self, *_):
        self.socket.shutdown(socket.SHUT_RDWR)
        self.thread.join()
        super().__exit__()


def reply(payload=b'', command=1, flags=1, error=0, size=None):
    """A message of the protocol: QEMU's docs/interop/vfio-user.rst."""
    size = 16 + len(payload) if size is None else size
    return struct.pack('=HHIII', 0, command, size, flags, error) + payload


RIGHT = struct.pack('=HH', 0, 0) + b'{"capabilities":{}}\0'


@test
def connects():
    """a server that listens: QEMU gets its path, the fields that are overridden, and a blocker of migration"""
    with Listener('a.sock') as server:
        args = starts(server.path, vendorid=0x1234, subsystemid=7)
        expect(json.loads(args[args.index('-device') + 1]), {
            'driver': 'vfio-user-pci', 'socket': {'type': 'unix', 'path': server.path}, 'id': 'ua-a',
            'addr': '0x3', 'x-pci-vendor-id': 0x1234, 'x-pci-sub-device-id': 7})
        shared = '{"qom-type":"memory-backend-%s","id":"pc.ram","share":%s}'
        warning = ("emulatedpci-launcher: warning: the server at the socket '%s' cannot map the guest's memory; if its "
                   "device does DMA, the domain may need <memoryBacking><source type='memfd'/><access mode='shared'/>"
                   "</memoryBacking>\n" % server.path)
        for kind, share, says in (('memfd', 'true', ''), ('file', 'true', ''), ('ram', 'true', warning),
                                  ('memfd', 'false', warning)):
            expect(run(server.path, '-object', shared % (kind, share)).stderr, says, kind + share)
        expect(any('"driver":"vdi"' in arg for arg in args), True, args)
        expect('dbus-vmstate' in ' '.join(args), False, args)
        expect(server.accepted(), False, 'the server noticed')
        expect(os.path.exists(server.path), True, 'the socket is still there')


@test
def stays():
    """a launcher that fails leaves the socket alone"""
    with Listener('a.sock') as server:
        fails(server.path, "cannot restore or receive .*: device 'dev' is served at the socket '.*/a.sock', and "
              "QEMU cannot save the registers of such a device", '-incoming', 'defer')
        expect(os.path.exists(server.path), True, 'the socket is still there')


@test
def absent():
    """no socket, no directory, no socket but a file, and one that nobody listens at"""
    message = "the socket '%s' of device 'dev' does not exist: its vfio-user server must be started .*"
    fails(place('none'), message % place('none'))
    fails(place('none/none'), message % place('none/none'))
    fails(stage.launcher + '/a', message % (stage.launcher + '/a'))
    for path in (stage.launcher, stage.home, '/dev/null'):
        fails(path, "'%s' of device 'dev' is not a socket: the socket of .* required" % path)
    with Listener('dead.sock') as server:
        server.socket.close()
        fails(server.path, "no server listens at the socket '%s' of device 'dev': .* must be started again"
              % server.path)


@test
def kinds():
    """sockets of other types"""
    for kind, listen in ((socket.SOCK_DGRAM, False), (socket.SOCK_SEQPACKET, True)):
        with Listener('other.sock', kind, listen) as server:
            fails(server.path, "the socket '%s' of device 'dev' is of another type: .*" % server.path,
                  **({'version': 'vfio-user'} if listen else {}))


@test
def permissions():
    """a socket and a directory that QEMU's user may not use: the message names them"""
    if os.geteuid() != 0:
        raise Skip('only root can become another user')
    os.chmod(stage.home, 0o755)
    os.chown(stage.home, 65534, -1)
    os.mkdir(place('private'), 0o700)
    try:
        with Listener('private/a.sock') as server:
            os.chmod(server.path, 0o777)
            fails(server.path, "user 65534, as which QEMU runs, cannot connect device 'dev' to the socket '%s': "
                  "permission to search the directory '%s' is missing" % (server.path, place('private')), user=65534)
            os.chmod(place('private'), 0o755)
            starts(server.path, user=65534)
            os.chmod(server.path, 0o755)
            fails(server.path, "user 65534, .*: permission to write to the socket is missing", user=65534)
    finally:
        os.rmdir(place('private'))
        os.chown(stage.home, 0, -1)
        os.chmod(stage.home, 0o700)


# connect(2), for a filter of system calls (seccomp(2))
CONNECT = {'x86_64': 42, 'aarch64': 203}


def confine():
    """For the new process: connect() fails with EACCES although the permissions allow it, as with a
    security module that forbids it."""
    instructions = b''.join(struct.pack('=HBBI', *instruction) for instruction in (
        (0x20, 0, 0, 0),                                        # load the number of the system call
        (0x15, 0, 1, CONNECT[os.uname().machine]),
        (0x06, 0, 0, 0x00050000 | errno.EACCES),                # SECCOMP_RET_ERRNO
        (0x06, 0, 0, 0x7fff0000)))                              # SECCOMP_RET_ALLOW
    code = ctypes.create_string_buffer(instructions, len(instructions))
    program = ctypes.create_string_buffer(struct.pack('@HP', 4, ctypes.addressof(code)))
    prctl = ctypes.CDLL(None, use_errno=True).prctl
    if prctl(38, 1, 0, 0, 0) != 0 or prctl(22, 2, program) != 0:    # PR_SET_NO_NEW_PRIVS, PR_SET_SECCOMP
        os._exit(99)


@test
def confinement():
    """a server that QEMU may use by its permissions, but not by its confinement: the message names the socket"""
    if os.uname().machine not in CONNECT:
        raise Skip('the number of connect() is not known for %s' % os.uname().machine)
    with Listener('a.sock') as server:
        message = "QEMU's confinement .SELinux or AppArmor. does not let device 'dev' connect to the socket '%s': " \
                  "a rule or a label for it is required" % server.path
        fails(server.path, message, preexec_fn=confine)
        fails(server.path, message, preexec_fn=confine, version='vfio-user')


@test
def versions():
    """a server that is asked for its version: what it gets, and what it may answer"""
    with Server('v.sock', reply(RIGHT)) as server:
        starts(server.path, version='vfio-user')
        expect(len(server.requests), 1, 'connections')
        request = server.requests[0]
        expect(struct.unpack_from('=HHIIIHH', request), (0, 1, len(request), 0, 0, 0, 0), 'VERSION')
        expect(request[-1], 0, 'its end')
        expect(sorted(json.loads(request[20:-1])['capabilities']), ['max_data_xfer_size', 'max_msg_fds'])
    with Server('v.sock', reply(RIGHT), [0] * 100) as server:
        starts(server.path, version='vfio-user')


@test
def other_versions():
    """answers that are refused, each with its reason"""
    says = "the server at the socket '.*/v.sock' of device 'dev' does not speak 'vfio-user' 0.0: "
    for answer, message in (
            (reply(struct.pack('=HH', 1, 2)), 'its version is 1[.]2'),
            (reply(struct.pack('=HH', 0xffff, 0) + b'x' * 4000), 'its version is 65535[.]0'),
            (reply(flags=0x21, error=22), 'it refuses this version .Invalid argument.'),
            (reply(RIGHT, command=2), 'its reply is of another protocol .command 2, flags 0x1.'),
            (reply(RIGHT, flags=0), 'its reply is of another protocol .*'),
            (b'HTTP/1.1 400 Bad Request\r\n\r\n', 'its reply is of another protocol .*'),
            (reply(size=16), 'its reply has 16 bytes: 20 to 4096 are expected'),
            (reply(RIGHT, size=0xffffffff), 'its reply has 4294967295 bytes: .*'),
            (reply(RIGHT, size=4), 'its reply has 4 bytes: .*'),
            (b'', 'Connection reset by peer'),
            (None, 'Connection timed out'),
            (reply(RIGHT)[:10], 'Connection timed out'),
            (reply(RIGHT, size=1000), 'Connection timed out')):
        with Server('v.sock', answer) as server:
            fails(server.path, says + message, version='vfio-user')


@test
def floods():
    """a server that never stops is not listened to for longer than its answer"""
    with Server('v.sock', b'\xff' * (64 << 20)) as server:
        fails(server.path, '.* its reply is of another protocol .*', version='vfio-user')
    with Server('v.sock', reply(RIGHT) + b'\xff' * (64 << 20)) as server:
        starts(server.path, version='vfio-user')


@test
def busy():
    """a server that accepts nobody: the launcher does not wait longer than QEMU"""
    with Listener('busy.sock', listen=False) as server:
        fails(server.path, "no server listens at the socket .*", version='vfio-user')
        server.socket.listen(0)
        waiting = [socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) for _ in range(2)]
        for client in waiting:
            client.setblocking(False)
            client.connect_ex(server.path)
        fails(server.path, "cannot connect device 'dev' to the socket '.*': Connection timed out",
              version='vfio-user')
        for client in waiting:
            client.close()


@test
def unsupported():
    """a QEMU without vfio-user-pci, and what does not go together"""
    with Listener('a.sock') as server:
        fails(server.path, "QEMU 7[.]2 .* does not support device 'vfio-user-pci', which emulators of version 'vfio-user' require.*",
              launcher=make_qemu('qemu-old', '7.2.0'))
        fails(server.path, "attribute 'pid' of <driver> cannot be combined with 'socket', .*", pid=1)
        fails(server.path, "property 'revision' cannot be given .*", revision=1)


try:
    status = test.run()
finally:
    stage.remove()
sys.exit(status)
