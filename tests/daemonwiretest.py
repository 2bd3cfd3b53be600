#!/usr/bin/env python3
# daemonwiretest.py: virtemulatedpcid with clients that violate the protocol
#
# Tests invalid frames, slow and malicious clients, a libvirtd that is killed, and the daemon as a
# service: signals, configuration, systemd's protocols, and the user of a connection to libvirtd.
#
# SPDX-License-Identifier: LGPL-2.1-or-later

import array
import fcntl
import os
import random
import re
import resource
import select
import signal
import socket
import struct
import subprocess
import sys
import termios
import threading
import time

from daemonstack import DaemonStack
from emulatedpcistack import LIMIT, domain_xml, emulatedpci_xml, needs, run_tests, sanitized
import libvirtrpc as rpc

FIELDS = {'devicename': 'citrix-pv-bus', 'vendorid': 0x5853, 'deviceid': 0xc000}
NOT_THERE = 38      # VIR_ERR_SYSTEM_ERROR


def alive(stack):
    """Whether the daemon serves a new client."""
    with rpc.Client(stack.socket) as client:
        return client.open().call(rpc.GET_TYPE)[4:8] == b'QEMU'


def private_memory(pid):
    with open('/proc/%d/smaps_rollup' % pid, encoding='ascii') as file:
        return sum(int(size) for size in re.findall(r'Private_\w+: +(\d+) kB', file.read()))


def define(stack, name, machine='pc'):
    stack.virsh('define', stack.write('tmp/define.xml', domain_xml(name, machine, emulatedpci_xml(FIELDS))))


def test_overlap(tap, stack):
    """The client sends three hundred calls before it reads the first reply."""
    with rpc.Client(stack.socket) as client:
        client.open()
        domain = rpc.read_domain(client.call(rpc.LOOKUP_BY_NAME, rpc.string('wire')))
        kinds = {}
        for number in range(300):
            procedure = (rpc.GET_XML_DESC, rpc.GET_TYPE, rpc.GET_LIB_VERSION)[number % 3]
            payload = domain + struct.pack('>I', 0) if procedure == rpc.GET_XML_DESC else b''
            kinds[client.send(procedure, payload)] = procedure
        good = 0
        while kinds:
            (_, procedure, kind, serial, status), payload = client.receive()
            if kind == rpc.REPLY and status == rpc.OK and kinds.pop(serial) == procedure:
                good += procedure != rpc.GET_XML_DESC or b'<emulatedpci ' in payload
        tap.equal(good, 300, 'overlapping calls get their own answers, rewritten where due')

        bad = domain_xml('wire2', 'pc', emulatedpci_xml(dict(FIELDS, vendorid=0)))
        try:
            client.call(rpc.DEFINE_XML, rpc.string(bad))
            tap.ok(False, 'an error that the daemon reports')
        except rpc.RPCError as error:
            tap.equal((error.code, error.domain), (67, 20), 'an error that the daemon reports')
        tap.equal(client.call(rpc.GET_TYPE)[4:8], b'QEMU', 'and the connection goes on')

        def refused(client):
            codes = []
            for number, data in ((1001, rpc.frame(4711, b'abcd', 1001)),
                                 (1002, rpc.frame(1, b'', 1002, program=0x12345678))):
                client.socket.sendall(data)
                try:
                    client.wait(number)
                except rpc.RPCError as error:
                    codes.append(error.code)
            return codes
        with rpc.Client(stack.upstream) as direct:
            expected = refused(direct.open())
        codes = refused(client)
        tap.equal(codes, expected, 'unknown procedures and programs are libvirtd\'s to refuse')


def test_arguments(tap, stack):
    """Malformed arguments: the reply is that of libvirtd."""
    payloads = [b'', b'\0\0\0\1', struct.pack('>I', 0xffffffff), struct.pack('>I', 100) + b'<emulatedpci/>',
                rpc.string('<emulatedpci/>')[:-3], rpc.string(b'<domain\0<emulatedpci/>') + b'\0' * 4]

    def answers(path):
        got = []
        for procedure in (rpc.DEFINE_XML, rpc.DEFINE_XML_FLAGS, rpc.CREATE_XML, 8, 160, 174, 392, 136, 233, 440, 441, 302):
            for payload in payloads:
                with rpc.Client(path) as client:
                    client.open()
                    try:
                        got.append((procedure, client.call(procedure, payload)))
                    except rpc.RPCError as error:
                        got.append((procedure, payload, error.code, error.message))
                    except EOFError:
                        got.append((procedure, payload, 'closed'))
        return got
    through, direct = answers(stack.socket), answers(stack.upstream)
    different = [pair for pair in zip(through, direct) if pair[0] != pair[1]]
    tap.ok(all(b'<emulatedpci' in pair[0][1] for pair in different), 'malformed arguments get libvirtd\'s answer',
           *different)
    tap.ok(alive(stack), 'and harm nobody')


def test_slow(tap, stack):
    """A client that sends one byte at a time, and one that does not read."""
    with rpc.Client(stack.socket) as slow:
        slow.open()
        data = rpc.frame(rpc.GET_TYPE, b'', 77)
        for byte in data[:-1]:
            slow.socket.sendall(bytes([byte]))
            time.sleep(0.02)
        tap.ok(alive(stack), 'a slow client keeps nobody waiting')
        slow.socket.sendall(data[-1:])
        tap.equal(slow.wait(77)[4:8], b'QEMU', 'and is served itself')

    with rpc.Client(stack.socket) as mute:
        mute.open()
        before = {pid for pid, _ in stack.processes('virtemulatedpcid')}
        domain = rpc.read_domain(mute.call(rpc.LOOKUP_BY_NAME, rpc.string('wire')))
        mute.socket.setblocking(False)
        bad = rpc.string(domain_xml('wire2', 'pc', emulatedpci_xml(dict(FIELDS, vendorid=0))))
        good = domain + struct.pack('>I', 0)
        sent, blocked, last = 0, 0, b''
        while blocked < 20 and sent < 64 << 20:
            try:
                if not last:
                    mute.serial += 1
                    last = rpc.frame(rpc.GET_XML_DESC, good, mute.serial) if mute.serial % 2 else \
                        rpc.frame(rpc.DEFINE_XML, bad, mute.serial)
                done = mute.socket.send(last)
                last, sent, blocked = last[done:], sent + done, 0
            except BlockingIOError:
                blocked += 1
                time.sleep(0.05)
        tap.ok(blocked == 20, 'who does not read is not read from after %d KiB' % (sent >> 10))
        memory = max(private_memory(pid) for pid in before if os.path.exists('/proc/%d' % pid))
        tap.ok(memory < 8192 or sanitized(), 'and takes little memory: %d KiB' % memory)
        tap.ok(alive(stack), 'and keeps nobody waiting')


def hostile(stack, data, hang_up=True):
    """Sends DATA on a separate connection. Returns whether the daemon closed it."""
    with rpc.Client(stack.socket) as client:
        try:
            client.socket.sendall(data)
            if hang_up:
                client.socket.shutdown(socket.SHUT_WR)
            while client.socket.recv(65536):
                pass
        except (BrokenPipeError, ConnectionResetError):
            pass
        except socket.timeout:
            return False
        return True


def test_hostile(tap, stack):
    whole = rpc.frame(rpc.AUTH_LIST)
    tap.ok(all(hostile(stack, whole[:size]) for size in range(0, len(whole), 3)), 'truncated frames')
    for length in (0, 3, 27, rpc.FRAME_MAX + 1, 0xffffffff):
        tap.ok(hostile(stack, struct.pack('>I', length) + whole[4:], hang_up=False),
               'a frame of length %d ends the connection' % length)
    tap.ok(hostile(stack, rpc.frame(rpc.CREATE_XML_WITH_FILES, struct.pack('>I', 33), kind=rpc.CALL_WITH_FDS),
                   hang_up=False), '33 descriptors end it')
    tap.ok(hostile(stack, rpc.frame(rpc.CREATE_XML_WITH_FILES, struct.pack('>I', 1), kind=rpc.CALL_WITH_FDS) + b'x',
                   hang_up=False), 'a descriptor that does not come ends it')
    source = random.Random(4)
    tap.ok(all(hostile(stack, source.randbytes(source.randrange(1, 5000))) for _ in range(40)), 'nonsense')
    frames = []
    for _ in range(60):
        data = bytearray(rpc.frame(source.choice([1, 8, 10, 11, 14, 136, 160, 174, 232, 302, 350, 392, 440]),
                                   source.randbytes(source.randrange(200)) + rpc.string('<emulatedpci/>'),
                                   kind=source.randrange(7), status=source.randrange(3)))
        frames.append(bytes(data))
    tap.ok(all(hostile(stack, frame) for frame in frames), 'frames of any kind')
    tap.ok(hostile(stack, struct.pack('>I', rpc.FRAME_MAX) + rpc.frame(rpc.DEFINE_XML)[4:] + b'x' * 100000),
           'the largest frame, announced only')
    tap.ok(alive(stack), 'after all of which it serves')
    tap.ok('signal' not in stack.read('log/daemon.log'), 'and no process has crashed', stack.read('log/daemon.log'))


def test_descriptors(tap, stack):
    """A frame with descriptors reaches libvirtd: its reply is about the domain."""
    with rpc.Client(stack.socket) as client:
        client.open()
        read, write = os.pipe()
        xml = domain_xml('files', 'pc', emulatedpci_xml(dict(FIELDS, vendorid=0)))
        client.socket.sendall(rpc.frame(rpc.CREATE_XML_WITH_FILES, struct.pack('>I', 1) + rpc.string(xml) +
                                        struct.pack('>I', 0), 50, rpc.CALL_WITH_FDS))
        client.send_fd(read)
        try:
            client.wait(50)
            tap.ok(False, 'a bad device in a call with descriptors')
        except rpc.RPCError as error:
            tap.ok('vendorid' in error.message, 'a bad device in a call with descriptors', error)
        domain = rpc.read_domain(client.call(rpc.LOOKUP_BY_NAME, rpc.string('wire')))
        client.socket.sendall(rpc.frame(rpc.FD_ASSOCIATE, struct.pack('>I', 2) + domain + rpc.string('group') +
                                        struct.pack('>I', 0), 51, rpc.CALL_WITH_FDS))
        client.send_fd(read)
        client.send_fd(write)
        tap.equal(client.wait(51), b'', 'libvirtd gets descriptors')
        tap.equal(client.call(rpc.GET_TYPE)[4:8], b'QEMU', 'and the connection goes on')
        os.close(read)
        os.close(write)


def test_crowd(tap, stack):
    clients = [rpc.Client(stack.socket) for _ in range(300)]
    served = []

    def work(part):
        for client in part:
            served.append(client.open().call(rpc.GET_TYPE)[4:8] == b'QEMU')
    threads = [threading.Thread(target=work, args=(clients[number::10],)) for number in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    tap.equal((len(served), all(served)), (300, True), '300 clients at once')
    memory = [private_memory(pid) for pid, _ in stack.processes('virtemulatedpcid')]
    tap.ok(len(memory) == 301 and (max(memory) < 2048 or sanitized()), 'an idle connection takes at most %d KiB' % max(memory))
    for client in clients:
        client.close()
    tap.ok(stack.wait_for(lambda: len(stack.processes('virtemulatedpcid')) == 1, 'the end of them'), 'and then none')


def test_libvirtd_dies(tap, stack):
    with rpc.Client(stack.socket) as client:
        client.open()
        stack.stop_libvirtd(signal.SIGKILL)
        try:
            client.call(rpc.GET_TYPE)
            tap.ok(False, 'libvirtd killed: the client is told')
        except (EOFError, ConnectionError):
            tap.ok(True, 'libvirtd killed: the client is told')
    through = stack.run(['virsh', '-c', stack.uri, 'list'], check=False).stderr
    direct = stack.run(['virsh', '-c', stack.direct_uri, 'list'], check=False).stderr
    tap.equal(through, direct, 'without libvirtd: the error of a direct connection')
    stack.start_libvirtd()
    tap.ok(alive(stack), 'libvirtd restarted: the next connection works')
    tap.ok(b'<emulatedpci' in stack.virsh('dumpxml', 'wire').encode(), 'and all is as before')


def test_define_killed(tap, stack):
    """The connection's process is killed at any point of a define. The domain must have the old or
    the new definition. libvirtd may process a received call later, so the previous change can
    become visible only now."""
    states = set()
    shown = stack.direct('dumpxml', 'wire')
    uuid = re.search('<uuid>.*</uuid>', shown)[0]
    device_id = re.compile("(name='(?:device|subsystem)id' type='unsigned' value=)'([0-9]+)'")
    rest, before, asked = device_id.sub(r'\1', shown), {int(device_id.search(shown)[2])}, None
    for number in range(25):
        before |= {asked}
        asked = 0xc100 + number
        xml = domain_xml('wire', 'pc', emulatedpci_xml(dict(FIELDS, deviceid=asked))).replace(
            '</name>', '</name>' + uuid)
        stack.wait_for(lambda: len(stack.processes('virtemulatedpcid')) == 1, 'the end of other connections')
        with rpc.Client(stack.socket) as client:
            client.open()
            process, = [pid for pid, _ in stack.processes('virtemulatedpcid') if pid != stack.front]
            client.send(rpc.DEFINE_XML, rpc.string(xml))
            time.sleep(number * 0.0002)
            os.kill(process, signal.SIGKILL)
            try:
                client.wait(client.serial)
            except (EOFError, ConnectionError):
                pass
        now = stack.direct('dumpxml', 'wire')
        found = device_id.search(now)
        if device_id.sub(r'\1', now) != rest or not found or int(found[2]) not in before | {asked}:
            states.add('neither: ' + now)
        else:
            states.add('asked' if int(found[2]) == asked else 'before')
    tap.ok(states <= {'before', 'asked'}, 'killed during a define: %s' %
           ' or '.join(sorted(state.split(':')[0] for state in states)), *states)
    tap.ok(alive(stack), 'and the others are served')


def test_wrong_configuration(tap, stack):
    """If one setting is invalid, no setting of the file is applied."""
    other = 'unix_sock_rw_perms = "0700"\nmax_clients = 1\nlog_level = 1\n'
    for wrong, message in (('nonsense = 1', "unknown key 'nonsense'"),
                           ('unix_sock_group = "no-such-group"', "no group 'no-such-group'"),
                           ('upstream = "xen:///"', "invalid upstream 'xen:///'"),
                           ('log_outputs = "1:nowhere"', "malformed log output '1:nowhere'"),
                           ('log_filters = "9:x"', "malformed log filter '9:x'"),
                           ('definitions_dir = "%s"' % stack.path('tmp/daemon.conf'), 'daemon.conf')):
        stack.write('tmp/daemon.conf', other + wrong + '\n')
        before = stack.read('log/daemon.log').count('configuration not loaded')
        os.kill(stack.front, signal.SIGHUP)
        stack.wait_for(lambda count=before: stack.read('log/daemon.log').count('configuration not loaded') > count,
                       'the message')
        log = stack.read('log/daemon.log')
        tap.ok(message in log.splitlines()[-1] or message in log[log.rindex('configuration not loaded'):],
               'a wrong configuration is reported: %s' % wrong.split('=')[0], log)
        with rpc.Client(stack.socket) as client:
            client.open()
        tap.equal((os.stat(stack.socket).st_mode & 0o777, ': debug : ' in stack.read('log/daemon.log')), (0o750, False),
                  'and changes nothing')


FAILED = re.compile('accept: |socketpair: ')


def cpu_time(pid):
    with open('/proc/%d/stat' % pid, encoding='ascii') as file:
        return sum(int(word) for word in file.read().rsplit(')', 1)[1].split()[11:13]) / os.sysconf('SC_CLK_TCK')


def test_no_descriptors(tap, stack, limit):
    """accept() fails for some time or, if one more descriptor is available, socketpair()."""
    program, stack.program = stack.program, stack.write(
        'tmp/few', '#!/bin/sh\nulimit -n %d\nexec %s "$@"\n' % (limit, stack.program))
    os.chmod(stack.program, 0o755)
    stack.start_daemon()
    stack.program = program
    # The log already contains errors of clients in earlier tests.
    before = len(FAILED.findall(stack.read('log/daemon.log')))
    clients = [rpc.Client(stack.socket) for _ in range(40)]
    stack.wait_for(lambda: len(FAILED.findall(stack.read('log/daemon.log'))) > before,
                   'descriptors are short')
    used, start = cpu_time(stack.front), time.monotonic()
    time.sleep(3)
    used, took = cpu_time(stack.front) - used, time.monotonic() - start
    tap.ok(used < took / 5, 'without descriptors the listener used %.2f s of CPU in %.1f s' % (used, took))
    failed = len(FAILED.findall(stack.read('log/daemon.log'))) - before
    tap.ok(failed <= took + 45, 'and tried %d times' % failed)
    for client in clients:
        client.close()
    def served():
        try:
            return alive(stack)
        except (rpc.RPCError, EOFError, OSError):
            return False            # no descriptors have arrived yet
    stack.wait_for(served, 'there are descriptors again')
    tap.ok(True, 'and it goes on when there are some again')
    stack.stop_daemon()


def test_service(tap, stack):
    stack.stop_daemon()

    # configuration, SIGHUP
    config = stack.write('tmp/daemon.conf', '# test\nunix_sock_rw_perms = "0700"\nlog_level = 2\nmax_clients = 2\n')
    program, stack.program = stack.program, stack.write(
        'tmp/limited', '#!/bin/sh\nulimit -S -n 128\nexec %s "$@"\n' % stack.program)
    os.chmod(stack.program, 0o755)
    stack.start_daemon('--config', config)
    stack.program = program
    tap.equal(os.stat(stack.socket).st_mode & 0o777, 0o700, 'unix_sock_rw_perms')
    first, second, third = [rpc.Client(stack.socket) for _ in range(3)]
    first.open()
    second.open()
    third.socket.settimeout(1.5)
    try:
        third.open()
        tap.ok(False, 'max_clients')
    except socket.timeout:
        tap.ok(True, 'max_clients')
    stack.write('tmp/daemon.conf', 'unix_sock_rw_perms = "0750"\nmax_clients = 300\nlog_level = 2\n')
    os.kill(stack.front, signal.SIGHUP)
    third.socket.settimeout(LIMIT)
    third.serial = 5
    tap.ok(third.wait(1), 'SIGHUP loads the configuration')
    with open('/proc/%d/limits' % stack.front, encoding='ascii') as limits:
        limit = re.search(r'^Max open files +(\d+)', limits.read(), re.M)
    tap.ok(limit and int(limit.group(1)) >= 300, 'and makes room for the descriptors of more clients', limit)
    tap.equal(os.stat(stack.socket).st_mode & 0o777, 0o750, 'and sets the mode')
    test_wrong_configuration(tap, stack)
    tap.equal(first.call(rpc.GET_TYPE)[4:8], b'QEMU', 'and who is connected is served')
    for client in (second, third):
        client.close()

    # SIGTERM: pending calls are completed
    define(stack, 'slow')
    domain = rpc.read_domain(first.call(rpc.LOOKUP_BY_NAME, rpc.string('slow')))
    os.kill(stack.daemon, signal.SIGSTOP)
    serial = first.send(rpc.GET_XML_DESC, domain + struct.pack('>I', 0))
    stack.wait_for(lambda: unread(first.socket) == 0, 'the call is in the daemon')
    os.kill(stack.front, signal.SIGTERM)
    stack.wait_for(lambda: not os.path.exists(stack.socket), 'the socket goes')
    time.sleep(0.3)
    tap.equal(stack.status(stack.front), None, 'SIGTERM waits for a call')
    os.kill(stack.daemon, signal.SIGCONT)
    tap.ok(b'<emulatedpci ' in first.wait(serial), 'which gets its answer')
    tap.ok(first.receive() is None, 'and then the connection ends')
    stack.wait_for(lambda: stack.status(stack.front) is not None, 'the end')
    tap.equal(stack.status(stack.front), 0, 'and the daemon')
    first.close()

    # --timeout
    client = None
    while not client:           # on a slow machine, a second may be too short
        stack.start_daemon('--timeout', '1')
        try:
            client = rpc.Client(stack.socket).open()
        except (ConnectionError, EOFError, FileNotFoundError):
            stack.wait_for(lambda: stack.status(stack.front) is not None, 'the end')
    time.sleep(1.5)
    tap.equal(stack.status(stack.front), None, '--timeout does not end it while there is a client')
    client.close()
    stack.wait_for(lambda: stack.status(stack.front) is not None, '--timeout')
    tap.equal(stack.status(stack.front), 0, '--timeout ends it')

    # Only one daemon can use a socket; a stale socket does not count
    stack.start_daemon()
    second = stack.run([stack.program], check=False)
    tap.ok(second.returncode == 1 and 'another daemon listens' in second.stderr, 'a second daemon', second)
    stack.stop_daemon(signal.SIGKILL)
    tap.ok(os.path.exists(stack.socket), 'killed, it leaves its socket')
    stack.front = None
    stack.start_daemon()
    stack.wait_for(lambda: alive_or_none(stack), 'the next one')
    tap.ok(True, 'which is no obstacle for the next')

    # nor does a socket that a child of a killed daemon has not closed yet
    stack.stop_daemon(signal.SIGKILL)
    stack.wait_for(lambda: not stack.listens(stack.socket), 'its children have closed it')
    os.unlink(stack.socket)
    holder = stack.start([sys.executable, '-c', HOLD, stack.socket], 'log/holder')
    stack.wait_for(lambda: stack.status(holder) == 0, 'the process that listened has gone')
    held = os.stat(stack.socket).st_ino
    tap.ok(stack.listens(stack.socket), 'a socket is held open')
    stack.start_daemon()
    stack.wait_for(lambda: not os.path.exists(stack.socket) or os.stat(stack.socket).st_ino != held or
                   stack.status(stack.front) is not None, 'the next one')
    if tap.equal(stack.status(stack.front), None, 'which is no obstacle, either'):
        stack.wait_for(lambda: alive_or_none(stack), 'that next one')
    os.kill(int(stack.read('log/holder')), signal.SIGKILL)
    stack.stop_daemon()

    # a specified upstream
    for upstream in (stack.upstream, 'qemu+unix:///session?socket=' + stack.upstream, 'qemu:///session'):
        stack.start_daemon('--upstream', upstream)
        tap.ok(alive(stack), '--upstream %s' % re.sub('/tmp/[^/]*', '…', upstream))
        stack.stop_daemon()
    for bad in (['--upstream', 'nonsense'], ['--timeout', '-1'], ['--bogus'], ['extra'], ['--config', '/nowhere']):
        done = stack.run([stack.program] + bad, check=False)
        tap.ok(done.returncode in (1, 2) and done.stderr.count('\n') == 1, 'refused: %s' % ' '.join(bad), done)
    tap.ok(stack.run([stack.program, '--version']).stdout.startswith('virtemulatedpcid (libvirt-emulatedpci)'),
           '--version')
    tap.ok('--upstream' in stack.run([stack.program, '--help']).stdout, '--help')


def unread(connection):
    """Returns the number of sent bytes that the peer has not read (SIOCOUTQ)."""
    size = array.array('i', [0])
    fcntl.ioctl(connection, termios.TIOCOUTQ, size)
    return size[0]


def alive_or_none(stack):
    try:
        return alive(stack)
    except (ConnectionError, EOFError, FileNotFoundError):
        return False


# Listens at a path. Its child keeps the socket open and never replies.
HOLD = '''
import os, signal, socket, sys
listener = socket.socket(socket.AF_UNIX)
listener.bind(sys.argv[1])
listener.listen()
child = os.fork()
if child:
    print(child, flush=True)
    os._exit(0)
signal.pause()
'''

ACTIVATE = '''
import os, socket, sys
listener = socket.socket(socket.AF_UNIX)
listener.bind(sys.argv[1])
listener.listen()
os.dup2(listener.fileno(), 3)
os.set_inheritable(3, True)
os.environ['LISTEN_FDS'] = '1'
os.environ['LISTEN_PID'] = str(os.getpid())
os.execv(sys.argv[2], sys.argv[2:])
'''


def test_systemd(tap, stack):
    notify = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    notify.bind(stack.path('run/notify'))
    os.chmod(stack.path('run/notify'), 0o777)
    notify.settimeout(LIMIT)
    ours, stack.env['NOTIFY_SOCKET'] = stack.path('run/activated'), stack.path('run/notify')
    pid = stack.start(['/usr/bin/env', 'python3', '-c', ACTIVATE, ours, stack.program, '--launch-dir',
                       stack.launch_dir], 'log/daemon.log')
    tap.equal(notify.recv(100), b'READY=1', 'sd_notify: ready')
    with rpc.Client(ours) as client:
        tap.equal(client.open().call(rpc.GET_TYPE)[4:8], b'QEMU', 'socket activation')
    tap.ok(not os.path.exists(stack.socket), 'no other socket is opened')
    os.kill(pid, signal.SIGTERM)
    tap.equal(notify.recv(100), b'STOPPING=1', 'sd_notify: stopping')
    stack.wait_for(lambda: stack.status(pid) is not None, 'the end')
    tap.ok(os.path.exists(ours), 'systemd\'s socket stays')
    notify.close()
    del stack.env['NOTIFY_SOCKET']


def peer(connection):
    """Returns (uid, gid, groups) of the peer."""
    _, uid, gid = struct.unpack('3i', connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12))
    groups = connection.getsockopt(socket.SOL_SOCKET, 59, 1024)     # SO_PEERGROUPS
    return uid, gid, sorted(struct.unpack('%di' % (len(groups) // 4), groups))


CONNECT = '''
import socket, sys
s = socket.socket(socket.AF_UNIX)
s.settimeout(180)
s.connect(sys.argv[1])
s.sendall(bytes.fromhex('0000001c20008086000000010000004200000000' '00000001' '00000000'))
sys.stdout.buffer.write(s.recv(4096))
'''


def test_identity(tap, stack):
    """As root: libvirtd sees the identity of the client, not that of the daemon."""
    if os.getuid() != 0:
        tap.skip('identity', 'only root can become someone else')
        return
    os.mkdir(stack.path('root'), 0o755)
    upstream, ours = stack.path('root/libvirt-sock'), stack.path('root/sock')
    listeners = {}
    for name in ('', '-ro'):
        listeners[name] = socket.socket(socket.AF_UNIX)
        listeners[name].bind(upstream + name)
        listeners[name].listen()
        listeners[name].settimeout(LIMIT)
    os.chown(upstream, 0, 4711)
    os.chmod(upstream, 0o770)
    os.chmod(upstream + '-ro', 0o777)
    config = stack.write('tmp/root.conf', '# defaults\n')
    log = open(stack.path('log/root.log'), 'wb')  # pylint: disable=consider-using-with
    daemon = subprocess.Popen([stack.program, '--config', config, '--listen', ours,  # pylint: disable=consider-using-with
                               '--listen-ro', ours + '-ro', '--upstream', upstream], stderr=log)
    try:
        stack.wait_for(lambda: stack.listens(ours + '-ro') or daemon.poll() is not None, 'the sockets')
        listeners['-ro'].accept()[0].close()

        def access(path):
            status = os.stat(path)
            return status.st_mode & 0o777, status.st_gid
        tap.equal((access(ours), access(ours + '-ro')), ((0o770, 4711), (0o777, 0)),
                  'the sockets\' group and mode are as upstream\'s')
        os.chmod(ours, 0o777)

        def connect(uid, gid, groups, name=''):
            with subprocess.Popen(['/usr/bin/python3', '-c', CONNECT, ours + name], user=uid, group=gid,
                                  extra_groups=groups, stdout=subprocess.PIPE, cwd='/') as client:
                # The daemon connects to upstream, or the client gets an error and exits.
                ready = select.select([listeners[name], client.stdout], [], [], LIMIT)[0]
                if listeners[name] not in ready:
                    return client.communicate()[0]
                with listeners[name].accept()[0] as seen:
                    who = peer(seen)
                    seen.sendall(seen.recv(28))
                return who if client.communicate()[0] else 'no answer'
        tap.equal(connect(1234, 1235, [4711, 77]), (1234, 1235, [77, 4711]), 'a member of the group is itself upstream')
        refused = connect(1234, 1235, [77])
        tap.ok(isinstance(refused, bytes) and b'Permission denied' in refused, 'who is not one is refused', refused)
        tap.equal(connect(0, 0, [0]), (0, 0, [0]), 'root is root')
        tap.equal(connect(1234, 1235, [77], '-ro'), (1234, 1235, [77]), 'read-only goes to the read-only socket')
    finally:
        daemon.terminate()
        tap.equal(daemon.wait(LIMIT), 0, 'it ends')
        log.close()
        for listener in listeners.values():
            listener.close()


def main(tap):
    needs('libvirtd', 'virsh', 'qemu-system-x86_64')
    # Each of the 300 clients requires a socket, here and in the daemon.
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if 0 <= soft < 1024:
        resource.setrlimit(resource.RLIMIT_NOFILE, (1024 if hard < 0 else min(1024, hard), hard))
    with DaemonStack() as stack:
        stack.start_libvirtd()
        stack.start_daemon('-v')
        define(stack, 'wire')
        for test in (test_overlap, test_arguments, test_slow, test_hostile, test_descriptors, test_crowd,
                     test_define_killed, test_libvirtd_dies, test_service, test_systemd, test_identity):
            test(tap, stack)
        for limit in (20, 21):
            test_no_descriptors(tap, stack, limit)
        tap.equal(stack.close(), [], 'nothing is left')


run_tests(main)
