# emulatedpcistack.py: a separate libvirt stack for tests and ./quickstart
#
# Copies the built programs to a directory below /tmp, starts an unprivileged libvirtd there
# (session mode, with HOME and the XDG directories in that directory, so that it does not affect any
# other libvirt), and runs virsh and guests in it. Does not require root, systemd, KVM or a network.
# If root runs it, libvirt's programs are started as the user nobody.
#
# However the caller ends (an exception, SIGTERM, even SIGKILL), no process and no file remains:
# every process is a descendant of a supervisor, which is this file run as a program. The supervisor
# adopts the daemons that libvirtd starts, and ends all processes when the caller has ended.
#
# This file also contains TAP output, the guest's initramfs, and functions that parse the output of
# the guest. It does not know how domains are lowered: virt-emulatedpci does that.
#
# SPDX-License-Identifier: LGPL-2.1-or-later

import ctypes
import json
import os
import re
import select
import shutil
import signal
import socket
import stat
import struct
import subprocess
import sys
import tempfile
import time
import traceback
import xml.etree.ElementTree as ET

from qemutransports import qemu_transports

NOBODY = 65534

# The time limit for events that the test only waits for, in seconds, on the slowest machines
LIMIT = 180

QEMU_NAMESPACE = 'http://libvirt.org/schemas/domain/qemu/1.0'

# name -> (offset in configuration space, size in bytes)
REGISTERS = {
    'vendorid': (0x00, 2),
    'deviceid': (0x02, 2),
    'command': (0x04, 2),
    'status': (0x06, 2),
    'revision': (0x08, 1),
    'classcode': (0x09, 3),
    'headertype': (0x0e, 1),
    'subvendorid': (0x2c, 2),
    'subsystemid': (0x2e, 2),
    'interruptline': (0x3c, 1),
    'interruptpin': (0x3d, 1),
}
FIELDS = ['devicename'] + list(REGISTERS)


def sanitized():
    """Whether the programs are built with sanitizers, which require additional memory."""
    with open(os.path.join(os.environ['abs_top_builddir'], 'config.h'), encoding='utf-8') as file:
        return '#define WITH_SANITIZERS 1' in file.read()


# --- TAP

class Tap:
    """Test results on standard output, as make check's driver reads them."""

    def __init__(self):
        self.count = 0
        self.failed = 0

    def ok(self, condition, name, *details):
        self.count += 1
        if not condition:
            self.failed += 1
        print('%s %d - %s' % ('ok' if condition else 'not ok', self.count, name), flush=True)
        if not condition:
            for detail in details:
                self.diag(detail)
        return bool(condition)

    def equal(self, got, expected, name):
        return self.ok(got == expected, name, 'expected: %r' % (expected,), 'got:      %r' % (got,))

    def skip(self, name, reason):
        self.count += 1
        print('ok %d - %s # SKIP %s' % (self.count, name, reason), flush=True)

    @staticmethod
    def skip_all(reason):
        print('1..0 # SKIP %s' % reason, flush=True)
        sys.exit(0)

    @staticmethod
    def diag(text):
        for line in str(text).splitlines():
            print('# %s' % line, flush=True)

    def done(self):
        print('1..%d' % self.count, flush=True)
        return 1 if self.failed else 0


def run_tests(function):
    """Runs function(tap); an exception fails the test. The name of that test point contains the
    error; the traceback and the logs of the stack follow."""
    tap = Tap()
    try:
        function(tap)
    except Exception as error:  # pylint: disable=broad-except
        lines = str(error).replace('#', ' ').splitlines() or ['']
        what = ' … '.join(line[:160] for line in lines[:1] + lines[1:][-1:])
        tap.ok(False, 'no exception, but %s: %s' % (type(error).__name__, what),
               traceback.format_exc(), getattr(error, 'logs', ''))
    sys.exit(tap.done())


PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'


def needs(*programs):
    """Skips the whole test, with the reason, if one of them is missing."""
    for program in programs:
        if not shutil.which(program, path=PATH):
            Tap.skip_all('there is no %s on this machine' % program)


def needs_transport(arch='x86_64'):
    """Skips the whole test, with the reason, if the installed QEMU does not support emulated
    devices without KVM. Returns the name of the transport that the launcher must choose."""
    transports, reason = qemu_transports(arch)
    if reason:
        Tap.skip_all(reason)
    return transports[0]


def can_start(tap, name):
    """Whether domains with emulated devices can be started here. If not, the test point NAME is
    skipped with the reason, in place of all tests that require it."""
    reason = qemu_transports()[1]
    if reason:
        tap.skip(name, reason)
    return not reason


# --- the supervisor (runs in a process of its own)

def descendants(ancestor):
    """Returns [(pid, parent, state, command line)] of all processes below ANCESTOR. The state is
    that of proc(5), except that it is "X" in place of "Z" if other threads of the process still run."""
    children = {}
    for name in os.listdir('/proc'):
        if not name.isdigit():
            continue
        try:
            with open('/proc/%s/stat' % name, encoding='utf-8', errors='replace') as file:
                rest = file.read().rpartition(')')[2].split()
        except OSError:
            continue
        state = 'X' if rest[0] == 'Z' and int(rest[17]) > 1 else rest[0]
        children.setdefault(int(rest[1]), []).append((int(name), int(rest[1]), state))
    found, todo = [], [ancestor]
    while todo:
        for pid, parent, state in children.get(todo.pop(), []):
            todo.append(pid)
            try:
                with open('/proc/%d/cmdline' % pid, encoding='utf-8', errors='replace') as file:
                    found.append((pid, parent, state, file.read().replace('\0', ' ').strip()))
            except OSError:
                pass
    return found


class Supervisor:
    """The parent of all processes that a stack starts. Reads requests from a socket, one line of
    JSON each. When the socket ends, it ends all processes."""

    def __init__(self, connection, root, seconds):
        self.connection = connection
        self.root = root
        self.deadline = time.monotonic() + seconds
        self.status = {}
        self.ending = False
        # PR_SET_CHILD_SUBREAPER: orphans become children of this process, not of init
        if ctypes.CDLL(None, use_errno=True).prctl(36, 1, 0, 0, 0) != 0:
            raise OSError(ctypes.get_errno(), 'prctl')
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, self.on_signal)
        # The end of a child must wake select(): libvirtd would take a zombie for a running process
        signal.signal(signal.SIGCHLD, lambda *_: None)
        self.wakeup, out = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
        signal.set_wakeup_fd(out, warn_on_full_buffer=False)

    def on_signal(self, *_):
        self.ending = True

    def reap(self):
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if pid == 0:
                return
            if pid in self.status:
                self.status[pid] = os.waitstatus_to_exitcode(status)

    def alive(self):
        self.reap()
        return [process for process in descendants(os.getpid()) if process[2] != 'Z']

    def start(self, request):
        who = {}
        if os.getuid() == 0:
            who = {'user': NOBODY, 'group': NOBODY, 'extra_groups': []}
        with open(request['log'], 'ab') as log:
            pid = subprocess.Popen(request['argv'], stdin=subprocess.DEVNULL, stdout=log,
                                   stderr=log, env=request['env'], cwd=self.root,
                                   start_new_session=True, **who).pid
        self.status[pid] = None
        return {'pid': pid}

    def answer(self, request):
        if request['op'] == 'start':
            try:
                return self.start(request)
            except (OSError, subprocess.SubprocessError) as error:
                return {'error': str(error)}
        if request['op'] == 'list':
            return {'processes': self.alive()}
        if request['op'] == 'status':
            return {'status': self.status.get(request['pid'])}
        return {'error': 'unknown request'}

    def end(self):
        for number, patience in ((signal.SIGTERM, 3), (signal.SIGKILL, 10)):
            until = time.monotonic() + patience
            for process in self.alive():
                try:
                    os.kill(process[0], number)
                except ProcessLookupError:
                    pass
            while time.monotonic() < until:
                alive = self.alive()
                if not alive:
                    break
                if number == signal.SIGKILL:
                    for process in alive:
                        try:
                            os.kill(process[0], number)
                        except ProcessLookupError:
                            pass
                time.sleep(0.02)
        shutil.rmtree(self.root, ignore_errors=True)

    def run(self):
        buffer = b''
        while not self.ending and time.monotonic() < self.deadline:
            ready = select.select([self.connection, self.wakeup], [], [], 1)[0]
            if self.wakeup in ready:
                os.read(self.wakeup, 4096)
            self.reap()
            if self.connection in ready:
                data = self.connection.recv(65536)
                if not data:
                    break
                buffer += data
                while b'\n' in buffer:
                    line, buffer = buffer.split(b'\n', 1)
                    self.connection.sendall(json.dumps(self.answer(json.loads(line))).encode() + b'\n')
        self.end()


# --- the stack

class StackError(Exception):
    pass


class Stack:
    """with Stack() as stack: …"""

    def __init__(self, build=None, seconds=1800):
        """BUILD is a build tree (by default that of make check). After SECONDS, the supervisor ends
        all processes, even if the caller still runs."""
        self.build = build or os.environ['abs_top_builddir']
        self.uri = None
        self.daemon = None
        self.logd = None
        self.supervisor = None
        self.connection = None
        self.qemu_dir = os.environ.get('QEMU_DIR', '/usr/bin')

        for number in (signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, lambda number, _: sys.exit(128 + number))

        # The path is short, because a socket's path is limited to 107 characters and libvirt's
        # paths are long. It is in /tmp, where the user nobody can use it.
        self.root = tempfile.mkdtemp(prefix='epci.', dir='/tmp')
        try:
            self.set_up(seconds)
        except BaseException:
            self.close()
            raise

    def set_up(self, seconds):
        os.chmod(self.root, 0o755)
        for name in ('home', 'config', 'config/libvirt', 'cache', 'data', 'run', 'tmp', 'log', 'guest'):
            os.mkdir(self.path(name), 0o700)
            self.give(name)
        if os.getuid() == 0:
            os.chown(self.root, NOBODY, NOBODY)
        self.env = {
            'PATH': PATH,
            'HOME': self.path('home'),
            'TMPDIR': self.path('tmp'),
            'XDG_CONFIG_HOME': self.path('config'),
            'XDG_CACHE_HOME': self.path('cache'),
            'XDG_DATA_HOME': self.path('data'),
            'XDG_RUNTIME_DIR': self.path('run'),
            'LC_ALL': 'C.UTF-8',
            'LIBVIRT_AUTOSTART': '0',
        }
        self.write('config/libvirt/qemu.conf',
                   '# written by emulatedpcistack.py\n'
                   'stdio_handler = "file"\n')
        self.write('config/libvirt/libvirtd.conf',
                   '# written by emulatedpcistack.py\n'
                   'log_outputs = "3:file:%s"\n' % self.path('log/libvirtd.log'))
        self.uri = 'qemu:///session?socket=' + self.path('run/libvirt/libvirt-sock')
        self.env['LIBVIRT_DEFAULT_URI'] = self.uri

        ours, theirs = socket.socketpair()
        with theirs:
            self.supervisor = subprocess.Popen(
                [sys.executable, os.path.abspath(__file__), '--supervise', str(theirs.fileno()),
                 self.root, str(seconds)],
                stdin=subprocess.DEVNULL, pass_fds=[theirs.fileno()], start_new_session=True)
        self.connection = ours.makefile('rwb')
        ours.close()

    # files

    def path(self, name=''):
        return os.path.join(self.root, name) if name else self.root

    def give(self, name):
        if os.getuid() == 0:
            os.chown(self.path(name), NOBODY, NOBODY)

    def write(self, name, content):
        """Writes a file that the stack's user can read and write."""
        with open(self.path(name), 'wb') as file:
            file.write(content.encode() if isinstance(content, str) else content)
        self.give(name)
        return self.path(name)

    def read(self, name):
        try:
            with open(self.path(name), encoding='utf-8', errors='replace') as file:
                return file.read()
        except FileNotFoundError:
            return ''

    def copy(self, source, name, mode=0o755):
        os.makedirs(os.path.dirname(self.path(name)), exist_ok=True)
        shutil.copyfile(source, self.path(name))
        os.chmod(self.path(name), mode)
        return self.path(name)

    def stage(self):
        """Installs the built programs as make install does. The launcher finds all other files
        relative to its own path."""
        self.tool = self.copy(os.path.join(self.build, 'tools/virt-emulatedpci'), 'bin/virt-emulatedpci')
        self.copy(os.path.join(self.build, 'src/launcher/emulatedpci-launcher'),
                  'libexec/emulatedpci-launcher')
        self.copy(os.path.join(self.build, 'src/emulator/pci-emulator'), 'libexec/pci-emulator')
        self.copy(os.path.join(self.build, 'src/logfilter/emulatedpci-logfilter'), 'libexec/emulatedpci-logfilter')
        self.copy(os.path.join(self.build, 'src/monitor/emulatedpci-monitor'), 'libexec/emulatedpci-monitor')
        self.copy(os.path.join(self.build, 'src/stubdomain/emulatedpci-stubdomain'),
                  'libexec/emulatedpci-stubdomain')
        self.copy(os.path.join(self.build, 'src/vmstate/emulatedpci-vmstate'),
                  'libexec/emulatedpci-vmstate')
        self.launch_dir = self.path('libexec/launch')
        os.mkdir(self.launch_dir)
        for arch in ('x86_64', 'i386', 'aarch64'):
            os.symlink('../emulatedpci-launcher', os.path.join(self.launch_dir, 'qemu-system-' + arch))

    # processes

    def request(self, **what):
        self.connection.write(json.dumps(what).encode() + b'\n')
        self.connection.flush()
        line = self.connection.readline()
        if not line:
            raise StackError('the supervisor has ended')
        answer = json.loads(line)
        if 'error' in answer:
            raise StackError(answer['error'])
        return answer

    def start(self, argv, log):
        """Starts a program that keeps running, as the stack's user. Returns its pid."""
        return self.request(op='start', argv=argv, log=self.path(log), env=self.env)['pid']

    def processes(self, word=''):
        """Returns [(pid, command line)] of the processes of this stack with WORD in their command
        line."""
        return [(entry[0], entry[3]) for entry in self.request(op='list')['processes']
                if word in entry[3]]

    def describe_processes(self):
        """A line for each process of this stack, for debugging."""
        text = []
        try:
            processes = self.request(op='list')['processes']
        except (StackError, OSError, ValueError) as error:
            return str(error)
        for pid, parent, state, command in processes:
            proc = '/proc/%d/' % pid
            try:
                with open(proc + 'wchan', encoding='utf-8') as file:
                    where = file.read()
                fds = ' '.join(os.readlink(proc + 'fd/' + fd) for fd in os.listdir(proc + 'fd'))
            except OSError as error:
                where, fds = error.strerror, ''
            text.append('%d (parent %d, state %s, in %s): %.160s; open: %.300s' % (pid, parent, state, where, command, fds))
        return '\n'.join(text)

    def status(self, pid):
        return self.request(op='status', pid=pid)['status']

    def run(self, argv, stdin='', check=True, timeout=LIMIT, env=None):
        """Runs a program to its end, as the stack's user. Returns its CompletedProcess. A failure
        is an error unless CHECK is false."""
        who = {}
        if os.getuid() == 0:
            who = {'user': NOBODY, 'group': NOBODY, 'extra_groups': []}
        done = subprocess.run(argv, input=stdin.encode(), stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, env=dict(self.env, **(env or {})),
                              cwd=self.root, timeout=timeout, check=False, **who)
        done.stdout = done.stdout.decode('utf-8', 'surrogateescape')
        done.stderr = done.stderr.decode('utf-8', 'replace')
        if check and done.returncode != 0:
            raise StackError('%s: exit status %d\n%s%s' % (' '.join(argv), done.returncode,
                                                          done.stdout, done.stderr))
        return done

    def virsh(self, *args, **options):
        """Returns the output of virsh."""
        return self.run(['virsh', '-q', '-c', self.uri] + list(args), **options).stdout

    @staticmethod
    def wait_for(condition, what, timeout=LIMIT):
        """Waits until CONDITION() is true, and returns its value. TIMEOUT only limits the wait in the case of an
        error: on a slow machine, the condition may take long."""
        until = time.monotonic() + timeout
        while True:
            begin = time.monotonic()
            value = condition()
            if value:
                return value
            now = time.monotonic()
            if now > until:
                raise StackError('timeout: %s (waited %d s)' % (what, timeout))
            # A condition that runs a program would otherwise take processor time from what is waited for.
            time.sleep(max(0.05, 2 * (now - begin)))

    # libvirtd

    def start_libvirtd(self):
        program = shutil.which('libvirtd', path=PATH) or '/usr/sbin/libvirtd'
        self.daemon = self.start([program, '--config', self.path('config/libvirt/libvirtd.conf'),
                                  '--pid-file', self.path('run/libvirtd.pid')], 'log/libvirtd.out')

        def answers():
            if self.status(self.daemon) is not None:
                raise StackError('libvirtd ended by itself:\n' + self.logs())
            return os.path.exists(self.path('run/libvirt/libvirt-sock')) and \
                self.run(['virsh', '-q', '-c', self.uri, 'uri'], check=False).returncode == 0
        self.wait_for(answers, 'libvirtd answers')

    def stop_libvirtd(self, number=signal.SIGTERM):
        """Stops libvirtd. Domains continue to run."""
        os.kill(self.daemon, number)
        self.wait_for(lambda: self.status(self.daemon) is not None, 'libvirtd ends')
        self.daemon = None

    def restart_libvirtd(self, number=signal.SIGTERM):
        self.stop_libvirtd(number)
        self.start_libvirtd()

    def start_virtlogd(self):
        """Starts virtlogd, which then writes the logs of the domains. Precedes start_libvirtd(). Returns false if
        it is not installed."""
        program = shutil.which('virtlogd', path=PATH)
        if program:
            self.write('config/libvirt/qemu.conf', 'stdio_handler = "logd"\n')
            self.logd = self.start([program, '--pid-file', self.path('run/virtlogd.pid')], 'log/virtlogd.out')
        return bool(program)

    def logs(self, lines=30):
        """The last lines of all logs, for debugging."""
        text = ['--- processes', self.describe_processes()]
        names = ['log/' + name for name in sorted(os.listdir(self.path('log')))]
        names += ['guest/' + name for name in sorted(os.listdir(self.path('guest')))
                  if name.endswith('serial')]
        directory = 'cache/libvirt/qemu/log'
        if os.path.isdir(self.path(directory)):
            names += [directory + '/' + name for name in sorted(os.listdir(self.path(directory)))]
        for name in names:
            text.append('--- %s' % name)
            content = self.read(name)
            report = re.search('^.*ERROR: [A-Z][a-z]+Sanitizer', content, re.MULTILINE)
            if report:          # the reason is at its start
                text += content[report.start():].splitlines()[:lines]
            text += content.splitlines()[-lines:]
        return '\n'.join(text)

    # domains, through the command line tool

    def lower(self, xml):
        return self.run([self.tool, 'lower', '--launch-dir', self.launch_dir], stdin=xml).stdout

    def lift(self, xml):
        return self.run([self.tool, 'lift', '--launch-dir', self.launch_dir], stdin=xml).stdout

    def define(self, xml):
        """Defines a domain from a user's XML."""
        self.virsh('define', '--validate', self.write('tmp/define.xml', self.lower(xml)))

    def dumpxml(self, name, *options):
        """The XML of a domain, as users see it."""
        return self.lift(self.virsh('dumpxml', name, *options))

    def libvirt_version(self):
        """(major, minor) of the installed libvirt."""
        return tuple(int(part) for part in self.run(['virsh', '--version']).stdout.strip().split('.')[:2])

    def state(self, name):
        return self.virsh('domstate', name).strip()

    # The end of the stack

    def wait_for_end(self):
        """Waits until no process except for virtlogd remains. Returns those that remain."""
        until = time.monotonic() + LIMIT / 3
        while True:
            left = [entry for entry in self.processes() if entry[0] != self.logd]
            if left and time.monotonic() > until:
                print('# ' + self.logs().replace('\n', '\n# '), flush=True)
            if not left or time.monotonic() > until:
                return left
            time.sleep(0.05)

    def close(self):
        """Ends all processes and removes all files. Returns those that did not end by themselves at
        libvirt's request: [(pid, command line)], empty on success."""
        left = []
        try:
            if self.connection and self.supervisor.poll() is None and self.daemon:
                for name in self.virsh('list', '--name').split():
                    done = self.run(['virsh', '-q', '-c', self.uri, 'destroy', name], check=False)
                    if done.returncode:
                        print('# ' + done.stderr.strip().replace('\n', '\n# '), flush=True)
                self.stop_libvirtd()
                left = self.wait_for_end()
                if self.logd:
                    # virtlogd ends only when it is told to.
                    os.kill(self.logd, signal.SIGTERM)
                    self.logd = None
                    left += self.wait_for_end()
        except (StackError, OSError, subprocess.SubprocessError, ValueError) as error:
            print('# %s' % str(error).replace('\n', '\n# '), flush=True)
            left = left or [(0, str(error))]
        finally:
            if self.connection:
                try:
                    self.connection.close()
                except OSError:
                    pass
            if self.supervisor:
                try:
                    self.supervisor.wait(LIMIT)
                except subprocess.TimeoutExpired:
                    self.supervisor.terminate()
                self.supervisor = None
            shutil.rmtree(self.root, ignore_errors=True)
        self.connection = self.daemon = self.logd = None
        return left

    def __enter__(self):
        return self

    def __exit__(self, kind, error, _):
        if kind and kind is not SystemExit and os.path.isdir(self.root):
            error.logs = self.logs()    # run_tests() shows them
        self.close()


# --- the guest

# With the arguments in the last line, a boot without KVM takes a quarter less time.
KERNEL_ARGUMENTS = ('console=ttyS0 quiet loglevel=1 panic=-1 mitigations=off nokaslr '
                    'cryptomgr.notests audit=0 apparmor=0 rodata=off tsc=reliable')
KERNEL_ARGUMENTS_AARCH64 = KERNEL_ARGUMENTS.replace('ttyS0', 'ttyAMA0')


def guest_kernel(variable='GUEST_KERNEL'):
    """Returns the kernel to boot, or (None, the reason). VARIABLE names an environment variable
    with its path."""
    kernel = os.environ.get(variable, '')
    if not kernel:
        return None, 'no guest kernel: configure found none and %s is not set' % variable
    if not os.access(kernel, os.R_OK):
        return None, 'the guest kernel %s is not readable' % kernel
    return kernel, None


def needs_aarch64():
    """Skips the whole test, with the reason, if no Linux guest with emulated devices can run here on
    aarch64. Returns the transport, the kernel, and the program that runs in the guest."""
    needs('libvirtd', 'virsh')
    transport = needs_transport('aarch64')
    kernel, reason = guest_kernel('AARCH64_KERNEL')
    if not kernel:
        Tap.skip_all(reason)
    init = os.path.join(os.environ['abs_top_builddir'], 'tests/guest/init-aarch64')
    if not os.path.exists(init):
        Tap.skip_all('configure found no compiler for aarch64')
    return transport, kernel, init


def initramfs(init):
    """An archive with the program INIT as /init, in cpio's "newc" format
    (Documentation/driver-api/early-userspace/buffer-format.rst in Linux)."""
    with open(init, 'rb') as file:
        program = file.read()
    archive = b''
    for inode, (name, mode, device, data) in enumerate((
            ('dev', stat.S_IFDIR | 0o755, (0, 0), b''),
            ('dev/console', stat.S_IFCHR | 0o600, (5, 1), b''),
            ('init', stat.S_IFREG | 0o755, (0, 0), program),
            ('TRAILER!!!', 0, (0, 0), b'')), 1):
        fields = (inode, mode, 0, 0, 1, 0, len(data), 0, 0) + device + (len(name) + 1, 0)
        archive += ('070701' + ''.join('%08x' % field for field in fields) + name).encode() + b'\0'
        archive += b'\0' * (-len(archive) % 4) + data
        archive += b'\0' * (-len(archive) % 4)
    return archive


def emulatedpci_xml(fields, alias=None, address=None):
    """Returns the element of a device. FIELDS: name -> a number, or text that is used unchanged."""
    config = ' '.join("%s='%s'" % (name, value if isinstance(value, str) else '0x%x' % value)
                      for name, value in fields.items() if name != 'devicename')
    xml = "    <emulatedpci devicename='%s'>\n      <config %s/>\n" % (fields['devicename'], config)
    if alias:
        xml += "      <alias name='%s'/>\n" % alias
    if address:
        xml += '      %s\n' % address
    return xml + '    </emulatedpci>\n'


# The elements that a minimal domain of each architecture requires
FEATURES = {
    'x86_64': '  <features>\n    <acpi/>\n  </features>\n',
    # ACPI would require a firmware; and the default CPU has 32 bits.
    'aarch64': "  <cpu mode='custom' match='exact'>\n    <model fallback='forbid'>cortex-a57</model>\n  </cpu>\n",
}


def domain_xml(name, machine, devices='', boot='', qemu_arguments=(), memory=128, arch='x86_64'):
    """Returns a small domain: DEVICES (XML) and the minimum that libvirt adds."""
    namespace, commandline = '', ''
    if qemu_arguments:
        namespace = " xmlns:qemu='%s'" % QEMU_NAMESPACE
        commandline = '  <qemu:commandline>\n%s  </qemu:commandline>\n' % ''.join(
            "    <qemu:arg value='%s'/>\n" % argument for argument in qemu_arguments)
    return """<domain type='qemu'%s>
  <name>%s</name>
  <memory unit='MiB'>%d</memory>
  <vcpu>1</vcpu>
  <os>
    <type arch='%s' machine='%s'>hvm</type>
%s  </os>
%s  <devices>
%s    <controller type='usb' model='none'/>
    <memballoon model='none'/>
  </devices>
%s</domain>
""" % (namespace, name, memory, arch, machine, boot, FEATURES[arch], devices, commandline)


def config_fields(config):
    """Returns the eleven numeric fields from 256 bytes of configuration space."""
    return {name: int.from_bytes(config[offset:offset + size], 'little')
            for name, (offset, size) in REGISTERS.items()}


def read_dumps(text):
    """Returns all complete dumps in the guest's output, a list of {(bus, slot, function): 256
    bytes}."""
    dumps = []
    for part in re.findall(r'=== emulatedpci: begin\r?\n(.*?)=== emulatedpci: end, (\d+) devices',
                           text, re.DOTALL):
        dump = {}
        for device in re.finditer(r'^0000:([0-9a-f]{2}):([0-9a-f]{2})\.([0-7]) .*\r?\n'
                                  r'((?:[0-9a-f]0:(?: [0-9a-f]{2}){16}\r?\n){16})', part[0], re.MULTILINE):
            where = tuple(int(device.group(i), 16) for i in (1, 2, 3))
            dump[where] = bytes(int(byte, 16) for row in device.group(4).splitlines()
                                for byte in row.split(':')[1].split())
        if len(dump) != int(part[1]):
            raise StackError('the guest printed %s devices, %d are readable' % (part[1], len(dump)))
        dumps.append(dump)
    return dumps


def pci_address(element):
    """Returns the <address type='pci'> in ELEMENT: (bus, slot, function), where bus is the index of
    libvirt's controller."""
    address = element.find('address')
    if address is None or address.get('type') != 'pci':
        return None
    if int(address.get('domain', '0'), 0) != 0:
        raise StackError('a PCI domain that is not 0')
    return tuple(int(address.get(part, '0'), 0) for part in ('bus', 'slot', 'function'))


def emulated_devices(xml):
    """Returns {alias: (fields, address)} of a user's domain XML."""
    found = {}
    for element in ET.fromstring(xml).iterfind('./devices/emulatedpci'):
        fields = {name: int(value, 0) for name, value in element.find('config').items()}
        fields['devicename'] = element.get('devicename')
        alias = element.find('alias')
        found[alias.get('name') if alias is not None else None] = (fields, pci_address(element))
    return found


def bridges(xml):
    """Returns {index: (bus, slot, function)} of the PCI bridges of a domain."""
    found = {}
    for controller in ET.fromstring(xml).iterfind("./devices/controller[@type='pci']"):
        if not controller.get('model', '').endswith('-root'):
            found[int(controller.get('index'))] = pci_address(controller)
    return found


def guest_buses(xml, dump):
    """Returns {libvirt's controller index: the guest's bus number}. The firmware numbers the buses;
    the secondary bus of a bridge is byte 0x19 of its configuration space."""
    buses = {0: 0}
    todo = bridges(xml)
    while todo:
        known = [index for index, address in todo.items() if address[0] in buses]
        if not known:
            raise StackError('bridges that nothing leads to: %r' % todo)
        for index in known:
            bus, slot, function = todo.pop(index)
            where = (buses[bus], slot, function)
            if where not in dump or dump[where][0x0e] & 0x7f != 1:
                raise StackError('the guest has no bridge at %02x:%02x.%x' % where)
            buses[index] = dump[where][0x19]
    return buses


class Qtest:
    """QEMU's qtest protocol, with a real guest: accesses configuration space through the I/O ports
    0xcf8 and 0xcfc at any time, even before the firmware has run."""

    def __init__(self, path, timeout=LIMIT):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(timeout)
        self.socket.connect(path)
        self.file = self.socket.makefile('rw', encoding='ascii')

    def command(self, text):
        self.file.write(text + '\n')
        self.file.flush()
        answer = self.file.readline().split()
        if not answer or answer[0] != 'OK':
            raise StackError('qtest: %s: %s' % (text, ' '.join(answer)))
        return answer[1:]

    def select(self, where, offset):
        bus, slot, function = where
        self.command('outl 0xcf8 0x%x' % (0x80000000 | bus << 16 | slot << 11 | function << 8 | offset & 0xfc))

    def config(self, where):
        """Returns the 256 bytes at (bus, slot, function)."""
        data = b''
        for offset in range(0, 256, 4):
            self.select(where, offset)
            data += struct.pack('<I', int(self.command('inl 0xcfc')[0], 0))
        return data

    def write(self, where, offset, value):
        """Writes 32 bits at (bus, slot, function)."""
        self.select(where, offset)
        self.command('outl 0xcfc 0x%x' % value)

    def number_buses(self, xml):
        """Gives the bridges of a domain libvirt's numbers, as a firmware would. The guest's
        firmware does it again."""
        todo = bridges(xml)
        last = max(todo, default=0)
        for index in sorted(todo):
            self.write(todo[index], 0x18, todo[index][0] | index << 8 | last << 16)

    def close(self):
        self.file.close()
        self.socket.close()


class QtestECAM(Qtest):
    """The same if configuration space is memory: aarch64's virt has no I/O ports. BASE is its
    address (hw/arm/virt.c in QEMU, VIRT_HIGH_PCIE_ECAM)."""
    BASE = 0x4010000000

    def address(self, where, offset):
        bus, slot, function = where
        return self.BASE + (bus << 20 | slot << 15 | function << 12 | offset)

    def config(self, where):
        return b''.join(struct.pack('<I', int(self.command('readl 0x%x' % self.address(where, offset))[0], 0))
                        for offset in range(0, 256, 4))

    def write(self, where, offset, value):
        self.command('writel 0x%x 0x%x' % (self.address(where, offset), value))


if __name__ == '__main__':
    if len(sys.argv) != 5 or sys.argv[1] != '--supervise':
        sys.exit('emulatedpcistack.py is a module; it runs itself when it must')
    Supervisor(socket.socket(fileno=int(sys.argv[2])), sys.argv[3], float(sys.argv[4])).run()
