"""emulatorlistentest.py: pci-emulator --listen, one emulator for several domains

The test plays the launcher on the control socket: devices of several domains, invalid messages,
peers that send nothing, peers without permission, limits, and the end of a domain and of the
emulator.

SPDX-License-Identifier: LGPL-2.1-or-later
"""

import array
import os
import pwd
import select
import shutil
import signal
import socket
import stat
import subprocess
import sys
import tempfile
import time

import emulatordriver as emu
from emulatedpcistack import run_tests
from emulatordriver import EXAMPLE

DOMAINS_MAX = 64
DEVICES_MAX = 256


def device_text(**changes):
    """--device without fd=."""
    return emu.device_argument(3, dict(EXAMPLE, **changes)).split(',', 1)[1]


class Listener:
    """A pci-emulator --listen, with its usual path unless OPTIONS change it."""

    def __init__(self, root, *options, path=None):
        ready, ready_write = os.pipe()
        self.process = subprocess.Popen(
            [emu.emulator_path(), '--ready-fd=%d' % ready_write,
             '--listen=%s' % path if path else '--listen', *options],
            stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, pass_fds=[ready_write],
            env=dict(os.environ, XDG_RUNTIME_DIR=root))
        os.close(ready_write)
        self.ready = os.read(ready, 2)
        os.close(ready)
        self.path = path or os.path.join(root, 'emulatedpci', '%d.sock' % self.process.pid)

    def connect(self):
        return Domain(self.path)

    def children(self):
        """Returns the processes that serve domains, without those that have ended."""
        found = []
        for name in os.listdir('/proc'):
            if name.isdigit():
                try:
                    with open('/proc/%s/stat' % name, encoding='utf-8', errors='replace') as file:
                        fields = file.read().rpartition(')')[2].split()
                except OSError:
                    continue
                if int(fields[1]) == self.process.pid and fields[0] != 'Z':
                    found.append(int(name))
        return found

    def end(self):
        """Terminates the emulator. Returns exit status and stderr."""
        self.process.terminate()
        self.process.wait(emu.TIMEOUT)
        # The processes of domains that are still served have standard error open, too.
        os.set_blocking(self.process.stderr.fileno(), False)
        err = (self.process.stderr.read() or b'').decode()
        self.process.stderr.close()
        return self.process.returncode, err

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        self.process.stderr.close()


class Domain:
    """A connection, and QEMU's ends of the sockets that were sent through it."""

    def __init__(self, path):
        self.control = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        # Waits while the queue is full. With a time limit, it would fail instead.
        self.control.connect(path)
        self.control.settimeout(emu.TIMEOUT)
        self.sockets = []

    def ask(self, data, fds):
        self.control.sendmsg([data], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array('i', fds))]
                             if fds else [])
        return self.control.recv(4096).decode(errors='replace')

    def add(self, **changes):
        """Adds a device. Returns the reply."""
        ours, theirs = socket.socketpair()
        ours.settimeout(emu.TIMEOUT)
        reply = self.ask(device_text(**changes).encode(), [theirs.fileno()])
        theirs.close()
        self.sockets.append(ours)
        return reply

    def start(self):
        """The launcher becomes QEMU."""
        self.control.close()
        return self

    def end(self):
        self.control.close()
        for sock in self.sockets:
            sock.close()


def wait_for(condition):
    deadline = time.monotonic() + 2 * emu.TIMEOUT
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


def check_place(tap, root):
    with Listener(root) as listener:
        tap.equal(listener.ready, b'\0', 'ready: one byte, then the end')
        sb = os.stat(listener.path)
        tap.ok(stat.S_ISSOCK(sb.st_mode), 'its socket has its id for a name')
        tap.equal(oct(sb.st_mode & 0o777), '0o600', 'the socket is for its user')
        tap.equal(oct(os.stat(os.path.dirname(listener.path)).st_mode & 0o777),
                  '0o755' if os.getuid() == 0 else '0o700', 'others cannot put sockets beside it')
        tap.equal(listener.end(), (0, ''), 'SIGTERM ends it in silence')
        tap.ok(not os.path.exists(listener.path), 'the socket has gone')

    path = os.path.join(root, 'here')
    with Listener(root, '--allow-user', pwd.getpwuid(os.getuid()).pw_name, path=path) as listener:
        tap.equal(oct(os.stat(path).st_mode & 0o777), '0o666', 'with --allow-user anyone may ask')
        domain = listener.connect()
        tap.equal(domain.add(), 'ok\n', 'a path of its own: serves')
        domain.end()
        tap.equal(listener.end(), (0, ''), 'and ends')


def check_domains(tap, root):
    with Listener(root) as listener:
        domains = []
        for number in range(3):
            domain = listener.connect()
            replies = [domain.add(deviceid=0x100 * number + i) for i in range(4)]
            tap.equal(replies, ['ok\n'] * 4, 'domain %d: four devices' % number)
            domains.append(domain)
        for domain in domains:
            domain.start()
        tap.equal([[emu.config_read(sock, 2, 2) for sock in domain.sockets] for domain in domains],
                  [[0x100 * n + i for i in range(4)] for n in range(3)], 'each has its own registers')
        for number, domain in enumerate(domains):
            emu.config_write(domain.sockets[0], 0x3c, number + 1, 1)
        tap.equal([emu.config_read(domain.sockets[0], 0x3c, 1) for domain in domains], [1, 2, 3],
                  'and keeps what is written')
        tap.equal(len(listener.children()), 3, 'each domain has a process')

        # An invalid message for one domain; the end of another
        domains[0].sockets[0].sendall(b'\xff' * 64)
        tap.equal(domains[0].sockets[0].recv(1), b'', 'nonsense closes that socket')
        tap.equal(emu.config_read(domains[0].sockets[1], 2, 2), 1, 'and no other of the domain')
        domains[1].end()
        tap.ok(wait_for(lambda: len(listener.children()) == 2), 'the end of a domain ends its process')
        tap.equal(emu.config_read(domains[2].sockets[0], 0x3c, 1), 3, 'the third is served')

        again = listener.connect()
        tap.equal(again.add(), 'ok\n', 'another domain comes')
        again.start()
        tap.equal(emu.config_read(again.sockets[0], 0, 4), 0xc0005853, 'and is served')

        code, err = listener.end()
        tap.equal(code, 0, 'SIGTERM ends it')
        tap.ok(err.count('\n') == 1 and 'not the mpqemu protocol' in err,
               'it has told of the nonsense', err)
        tap.ok(not os.path.exists(listener.path), 'nobody else can attach')
        tap.equal(emu.config_read(again.sockets[0], 0, 4), 0xc0005853, 'domains go on without it')
        for domain in domains + [again]:
            domain.end()


def check_hostile(tap, root):
    text = device_text().encode()
    ours, theirs = socket.socketpair()
    datagram = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    pipe = os.pipe()
    one = [theirs.fileno()]
    with Listener(root) as listener:
        good = listener.connect()
        good.add()
        silent = [listener.connect() for _ in range(8)]
        good.start()
        domain = listener.connect()
        for what, data, fds, message in (
                ('no descriptor', text, [], 'one descriptor'),
                ('two descriptors', text, one * 2, 'one descriptor'),
                ('a flood of descriptors', text, one * 250, 'one descriptor'),
                ('a pipe', text, [pipe[0]], 'not that of a UNIX stream socket'),
                ('a datagram socket', text, [datagram.fileno()], 'not that of a UNIX stream socket'),
                ('another socket named', text + b',fd=2', one, 'a second socket'),
                ('a path named', text + b',socket=/x', one, 'a second socket'),
                ('a field too few', text.rpartition(b',')[0], one, 'interruptpin is missing'),
                ('a NUL', text + b'\0', one, 'a message must be text'),
                ('nonsense', b'\xff' * 900, one, 'no value in'),
                ('control characters', b'\n\n', one, 'no value in')):
            reply = domain.ask(data, fds)
            tap.ok(reply.startswith('error: ') and message in reply and reply.endswith('\n') and
                   reply.count('\n') == 1, '%s: an error' % what, repr(reply))
        kept = os.pipe()
        domain.ask(text, [kept[1]])
        domain.ask(text, [kept[1]] * 2)
        domain.ask(text, [kept[1]] * 3)
        os.close(kept[1])
        tap.equal(select.select([kept[0]], [], [], emu.TIMEOUT)[0], [kept[0]], 'no such descriptor stays open')
        os.close(kept[0])
        tap.equal(domain.ask(text, one), 'ok\n', 'then a device')
        theirs.close()
        domain.start()
        tap.equal(emu.config_read(ours, 0, 4), 0xc0005853, 'and it is served')
        domain.end()
        ours.close()

        domain = listener.connect()
        reply = domain.ask(b'x' * 5000, [])
        tap.ok(reply.startswith('error: '), 'a long message: an error', reply)
        tap.equal(domain.control.recv(1), b'', 'and the end')
        domain.end()

        domain = listener.connect()
        replies = [domain.add() for _ in range(DEVICES_MAX + 1)]
        tap.equal(replies[:-1], ['ok\n'] * DEVICES_MAX, '%d devices' % DEVICES_MAX)
        tap.equal(replies[-1], 'error: too many devices\n', 'one more')
        domain.start()
        tap.equal([emu.config_read(sock, 0, 2) for sock in domain.sockets[:-1]], [0x5853] * DEVICES_MAX,
                  'all but that are served')
        domain.end()

        tap.equal(emu.config_read(good.sockets[0], 0, 4), 0xc0005853, 'the first domain is served throughout')
        for peer in silent:
            peer.end()
        tap.ok(wait_for(lambda: len(listener.children()) == 1), 'what came to nothing has gone')

        # One worker is killed: only its domain is affected.
        before = listener.children()
        victim = listener.connect()
        tap.equal(victim.add(), 'ok\n', 'a second domain')
        child, = set(listener.children()) - set(before)
        os.kill(child, signal.SIGKILL)
        tap.ok(wait_for(lambda: len(listener.children()) == 1), 'its process is killed')
        tap.equal(emu.config_read(good.sockets[0], 0, 4), 0xc0005853, 'the first domain is served')
        victim.end()

        # The maximum number, and one more
        many = [listener.connect() for _ in range(DOMAINS_MAX - 1)]
        tap.equal([domain.add() for domain in many], ['ok\n'] * len(many), '%d domains' % DOMAINS_MAX)
        extra = listener.connect()
        tap.equal(extra.control.recv(999), b'error: more than 64 domains\n', 'one more is refused')
        extra.end()
        for domain in many:
            domain.end()
        tap.ok(wait_for(lambda: len(listener.children()) == 1), 'they end')

        def attach():
            domain = listener.connect()
            try:
                return domain.add() == 'ok\n'
            except OSError:
                return False
            finally:
                domain.end()
        tap.ok(wait_for(attach), 'there is room again')
        good.end()
        listener.end()
    datagram.close()
    for end in pipe:
        os.close(end)


def ask_as(user, path):
    """Returns the reply that a process of that user gets."""
    result, result_write = os.pipe()
    pid = os.fork()
    if pid == 0:
        text = 'failed'
        try:
            os.setgroups([])
            os.setresgid(user, user, user)
            os.setresuid(user, user, user)
            control = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
            control.connect(path)
            control.settimeout(emu.TIMEOUT)
            try:
                control.send(b'x')
            except BrokenPipeError:
                pass
            try:
                text = control.recv(999).decode()
            except ConnectionResetError:
                # It was closed before it read the test's message; the data that it sent before is
                # still available.
                text = control.recv(999).decode()
        except PermissionError:
            text = 'no permission\n'
        finally:
            os.write(result_write, text.encode())
            os._exit(0)     # pylint: disable=protected-access
    os.close(result_write)
    with os.fdopen(result) as file:
        text = file.read()
    os.waitpid(pid, 0)
    return text


def check_users(tap, root):
    if os.getuid() != 0:
        tap.skip('who may attach', 'not root: there is no other user')
        return
    nobody = pwd.getpwnam('nobody').pw_uid
    with Listener(root) as listener:
        tap.equal(ask_as(nobody, listener.path), 'no permission\n', 'another user cannot connect')
        listener.end()
    with Listener(root, '--allow-user=daemon') as listener:
        tap.equal(ask_as(nobody, listener.path), 'error: user %d is not permitted\n' % nobody,
                  'a user who is not named is refused')
        tap.ok(ask_as(pwd.getpwnam('daemon').pw_uid, listener.path).startswith('error: a message requires'),
               'the named one is heard')
        tap.ok(ask_as(0, listener.path).startswith('error: a message requires'), 'root, too')
        _, err = listener.end()
        tap.equal(err, 'pci-emulator: --listen: user %d is not permitted to attach\n' % nobody,
                  'the refusal is told')


def check_directory(tap, root):
    """A directory for sockets to which other users can write."""
    place = os.path.join(root, 'emulatedpci')
    os.chmod(place, 0o777)
    result = subprocess.run([emu.emulator_path(), '--listen'], stdin=subprocess.DEVNULL, check=False,
                            capture_output=True, text=True, timeout=emu.TIMEOUT,
                            env=dict(os.environ, XDG_RUNTIME_DIR=root))
    tap.ok(result.returncode == 1 and 'only its user can write to' in result.stderr,
           'a directory that anyone can write to is refused', result)
    result = subprocess.run([emu.emulator_path(), '--listen'], stdin=subprocess.DEVNULL, check=False,
                            capture_output=True, text=True, timeout=emu.TIMEOUT,
                            env=dict(os.environ, XDG_RUNTIME_DIR=root + '/nowhere'))
    tap.ok(result.returncode == 1 and 'cannot create the directory' in result.stderr,
           'no directory: refused', result)


def check_no_descriptors(tap, root):
    """A connection that cannot be accepted waits, without using the processor."""
    with Listener(root) as listener:
        with emu.no_descriptors(listener.process.pid):
            domain = listener.connect()
            before = emu.cpu_seconds(listener.process.pid)
            time.sleep(1)
            used = emu.cpu_seconds(listener.process.pid) - before
            tap.ok(used < 0.2, 'no descriptors: the emulator waits (%.2f s of the processor in a second)' % used)
        tap.equal(domain.add(), 'ok\n', 'no descriptors: the connection is accepted once there are some')
        domain.control.close()
        tap.equal(emu.config_read(domain.sockets[0], 0, 4), 0xc0005853, 'no descriptors: the device is served')
        domain.sockets[0].close()
        wait_for(lambda: not listener.children())
        code, err = listener.end()
        tap.equal((code, 'cannot accept a connection: Too many open files' in err), (0, True), 'no descriptors: said so')


def main(tap):
    root = tempfile.mkdtemp(prefix='emulatedpci.', dir='/tmp')
    try:
        os.chmod(root, 0o755)
        for check in (check_place, check_domains, check_hostile, check_users, check_no_descriptors,
                      check_directory):
            tap.diag(check.__name__)
            check(tap, root)
    finally:
        shutil.rmtree(root)


if __name__ == '__main__':
    sys.dont_write_bytecode = True
    import resource
    SOFT, HARD = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(max(SOFT, 4096), HARD), HARD))
    run_tests(main)
