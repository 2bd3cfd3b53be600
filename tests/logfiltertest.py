#!/usr/bin/env python3
# logfiltertest.py: emulatedpci-logfilter, alone, with a real QEMU, and with libvirt
#
# SPDX-License-Identifier: LGPL-2.1-or-later

import json
import os
import re
import select
import shutil
import signal
import socket
import subprocess
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from clientutil import CITRIX
from emulatedpcistack import LIMIT, PATH, Stack, can_start, domain_xml, emulatedpci_xml, run_tests, sanitized
from launcherutil import BUILD, QEMU_DIR, Stage, device

LINE = b'qemu-system-x86_64: Unable to write to socket: Bad file descriptor\n'
STARTS = int(os.environ.get('LOGFILTER_STARTS', '5'))
QEMU = os.path.join(QEMU_DIR, 'qemu-system-x86_64')


class Filter:
    """The program, between a pipe and a log. A sleeping process replaces QEMU."""

    def __init__(self, log=None, monitor=None):
        read, self.input = os.pipe()
        ready, ready_write = os.pipe()
        self.log, write = os.pipe() if log is None else (None, log)
        self.qemu = subprocess.Popen(['sleep', str(LIMIT)])
        pidfd = os.pidfd_open(self.qemu.pid)
        fds = [read, ready_write, pidfd] + ([monitor] if monitor else [])
        self.process = subprocess.Popen(
            [os.path.join(BUILD, 'src/logfilter/emulatedpci-logfilter'), '--input-fd=%d' % read, '--qemu-fd=%d' % pidfd,
             '--ready-fd=%d' % ready_write] + (['--monitor-fd=%d' % monitor] if monitor else []),
            pass_fds=fds, stderr=write, stdin=subprocess.DEVNULL)
        for fd in [read, ready_write, pidfd] + ([write] if log is None else []):
            os.close(fd)
        self.ready = os.read(ready, 2)
        os.close(ready)

    def write(self, data):
        while data:
            data = data[os.write(self.input, data):]

    def read(self, size):
        """Reads SIZE bytes of the log, or fewer at its end."""
        data = b''
        while len(data) < size:
            if not select.select([self.log], [], [], LIMIT)[0]:
                raise TimeoutError('the log has %r' % data)
            piece = os.read(self.log, size - len(data))
            if not piece:
                break
            data += piece
        return data

    def end_qemu(self):
        self.qemu.kill()
        self.qemu.wait()

    def end(self):
        """Returns the exit status and the rest of the log."""
        os.close(self.input)
        rest = self.read(1 << 30) if self.log is not None else b''
        if self.log is not None:
            os.close(self.log)
        if self.qemu.poll() is None:
            self.end_qemu()
        return self.process.wait(LIMIT), rest


def lines(tap):
    log = Filter()
    tap.equal(log.ready, b'\0', 'the filter is ready')
    start = time.monotonic()
    log.write(b'first\n' + LINE + LINE + b'second\n' + LINE)
    expected = b'first\n' + LINE + b'second\n'
    tap.equal(log.read(len(expected)), expected, 'the first of the lines stays, and all others')
    log.write(b'a line without its end')
    tap.equal(log.read(22), b'a line without its end', 'the beginning of a line comes, too')
    tap.diag('%.3f s' % (time.monotonic() - start))
    log.write(b'\n')
    tap.equal(log.read(1), b'\n', 'and its end')
    with open('/proc/%d/status' % log.process.pid, encoding='ascii') as status:
        text = status.read()
    tap.ok('NoNewPrivs:\t1' in text, 'the filter has no way to new privileges')
    if sanitized():
        tap.skip('it can open nothing', 'the limit of descriptors would break the sanitizers')
    else:
        with open('/proc/%d/limits' % log.process.pid, encoding='ascii') as limits:
            tap.equal(re.search(r'Max open files +(\S+)', limits.read()).group(1), '3', 'it can open nothing')
    log.write(LINE + b'the last')
    tap.equal(log.end(), (0, b'the last'), 'at the end of the pipe it ends, and nothing is lost')

    log = Filter()
    text = b''.join(b'%d\n' % i for i in range(200000))
    writer = subprocess.Popen(['cat'], stdin=subprocess.PIPE, stdout=log.input)
    pid = os.fork()
    if pid == 0:
        writer.stdin.write(text.replace(b'0\n', b'0\n' + LINE))
        writer.stdin.close()
        os._exit(0)
    writer.stdin.close()
    got = log.read(len(text) + len(LINE))
    tap.ok(got.replace(LINE, b'') == text and got.count(LINE) == 1, 'many lines are in their order')
    os.waitpid(pid, 0)
    writer.wait()
    tap.equal(log.end(), (0, b''), 'and nothing else')


def command_lines(tap):
    for arguments in ([], ['--input-fd=0'], ['--input-fd=2'], ['--input-fd=999'], ['--input-fd=x'], ['--input-fd=3x'],
                      ['--qemu-fd=3'], ['--x'], ['--input-fd']):
        run = subprocess.run([os.path.join(BUILD, 'src/logfilter/emulatedpci-logfilter')] + arguments, check=False,
                             stderr=subprocess.PIPE, stdin=subprocess.DEVNULL)
        tap.ok(run.returncode == 1 and run.stderr.startswith(b'emulatedpci-logfilter: invalid command line') and
               run.stderr.count(b'\n') == 1, 'invalid command line: %s' % ' '.join(arguments), run.stderr)


def logs(tap):
    """Logs that cannot be written, permanently or temporarily"""
    read, write = os.pipe()
    log = Filter(write)
    os.close(write)
    os.close(read)
    log.write(b'x\n' * 200000)
    tap.equal(log.end()[0], 0, 'a log that nobody reads holds nothing up')
    with open('/dev/full', 'wb') as full:
        log = Filter(full.fileno())
        log.write(b'x\n' * 200000)
        tap.equal(log.end()[0], 0, 'nor does a full disk')

    read, write = os.pipe()
    os.set_blocking(write, False)
    log = Filter(write)
    os.close(write)
    log.log = read
    text = b''.join(b'%d\n' % i for i in range(20000))
    log.write(text)
    time.sleep(0.2)
    tap.equal(log.read(len(text)), text, 'a log that is full for a while loses nothing')
    tap.equal(log.end()[0], 0, 'the end')


def ended(client):
    """Whether the other end closes the connection within LIMIT seconds."""
    client.settimeout(LIMIT)
    try:
        return client.recv(1) == b''
    except ConnectionResetError:
        return True


def monitor(tap, unread):
    """libvirt's connection, which waits until QEMU accepts it"""
    with Stage() as stage, socket.socket(socket.AF_UNIX) as listener:
        path = os.path.join(stage.top, 'monitor')
        listener.bind(path)
        listener.listen(1)
        log = Filter(monitor=listener.fileno())
        with socket.socket(socket.AF_UNIX) as client:
            client.connect(path)
            listener.close()
            os.kill(log.process.pid, signal.SIGSTOP)
            log.write(LINE + b'why it ended\n' + LINE)
            child = os.dup(log.input)       # of QEMU, which ends later
            log.end_qemu()
            tap.equal(select.select([client], [], [], 0.3)[0], [], 'the connection lasts until the log is written')
            os.kill(log.process.pid, signal.SIGCONT)
            expected = LINE + b'why it ended\n'
            if unread:
                tap.ok(ended(client), 'it ends even if nobody reads the log')
            else:
                # virtlogd reads the pipe, and writes the log's file after that.
                tap.equal(select.select([client], [], [], 0.3)[0], [], 'and until the log is read')
            os.set_blocking(log.log, False)
            tap.equal(os.read(log.log, 1000), expected, 'the log is complete')
            if not unread:
                tap.ok(ended(client), 'then the connection ends, although somebody may still write')
            os.write(child, b'later\n')
            os.set_blocking(log.log, True)
            tap.equal(log.read(6), b'later\n', 'what comes later is in the log, too')
            os.close(child)
        tap.equal(log.end(), (0, b''), 'the end')


def filters(stage):
    """Returns the running filters of this stage."""
    found = []
    for pid in filter(str.isdigit, os.listdir('/proc')):
        try:
            with open('/proc/%s/cmdline' % pid, 'rb') as file:
                if file.read().startswith(os.fsencode(stage.logfilter) + b'\0'):
                    found.append(int(pid))
        except OSError:
            pass
    return found


class QEMUStart:
    """Starts a real QEMU with COUNT devices, through the launcher."""

    def __init__(self, stage, count, log):
        ours, theirs = socket.socketpair()
        arguments = [word for i in range(count) for word in
                     ('-device', device(foreign=[('id', 'ua-%d' % i), ('addr', '%#x' % (3 + i))]))]
        self.process = subprocess.Popen(
            [stage.link('qemu-system-x86_64') if not os.path.lexists(stage.launch + '/qemu-system-x86_64')
             else stage.launch + '/qemu-system-x86_64', '-S', '-nodefaults', '-display', 'none', '-machine', 'pc',
             '-accel', 'tcg', '-m', '64', '-chardev', 'socket,id=q,fd=%d' % theirs.fileno(),
             '-mon', 'chardev=q,mode=control', *arguments], pass_fds=[theirs.fileno()], stderr=log)
        theirs.close()
        self.file = ours.makefile('rwb', buffering=0)
        ours.close()
        self.file.readline()
        self.execute('qmp_capabilities')

    def execute(self, command, **arguments):
        self.file.write(json.dumps({'execute': command, 'arguments': arguments}).encode() + b'\n')
        while True:
            answer = json.loads(self.file.readline())
            if 'event' not in answer:
                return answer

    def quit(self):
        self.execute('quit')
        self.file.close()
        return self.process.wait(LIMIT)


def real_qemu(tap):
    with Stage() as stage:
        def run(count, deaf=False):
            with open(os.path.join(stage.top, 'log'), 'w+b') as log:
                qemu = QEMUStart(stage, count, log)
                if deaf:
                    (pid,) = filters(stage)
                    os.kill(pid, signal.SIGKILL)
                # Changes the memory map, so that QEMU logs the messages again for each device.
                qemu.execute('device_add', driver='edu', id='edu0', addr='0x1e')
                answer = qemu.execute('query-status')
                status = qemu.quit()
                stage.wait_for_none()
                log.seek(0)
                text = log.read()
            return status, 'return' in answer, text

        status, alive, text = run(1)
        if LINE.split(b': ', 1)[1] not in text:
            tap.skip('behind a real QEMU', 'this QEMU does not log it: %r' % text)
            return
        tap.equal((status, alive, text.count(b'Bad file descriptor'), text.count(b'\n')), (0, True, 1, 1),
                  'one device: QEMU logs one line')
        tap.equal(run(24)[2].count(b'\n'), 1, '24 devices: one line')
        status, alive, _ = run(2, deaf=True)
        tap.equal((status, alive), (0, True), 'a filter that is killed: QEMU goes on')
        os.unlink(stage.logfilter)
        with open(os.path.join(stage.top, 'log'), 'w+b') as log:
            qemu = QEMUStart(stage, 1, log)
            tap.equal(qemu.quit(), 0, 'no filter: QEMU runs')
            log.seek(0)
            text = log.read()
        tap.ok(re.match(b"emulatedpci-launcher: warning: cannot run '%s', .*: No such file" % os.fsencode(stage.logfilter), text),
               'and the log has a warning', text)


def busy_port(tap, stack, handler):
    """QEMU's own error, which libvirt reads from the log."""
    wrong = []
    log = 'cache/libvirt/qemu/log/busy.log'
    for _ in range(STARTS):
        # virtlogd does not open the log again before the last process has closed it. With sanitizers, processes
        # take long to exit.
        stack.wait_for(lambda: not stack.processes('/libexec/'), 'the processes of the last start end')
        if os.path.exists(stack.path(log)) and handler == 'file':
            os.unlink(stack.path(log))
        run = stack.run(['virsh', '-q', '-c', stack.uri, 'start', 'busy'], check=False)
        if run.returncode != 1 or 'Address already in use' not in run.stderr:
            wrong.append(run.stderr.strip())
    tap.ok(not wrong, 'busy VNC port (%s): %d of %d starts say so' % (handler, STARTS - len(wrong), STARTS), *wrong[:3])
    count = stack.read(log).count('Unable to write to socket')
    tap.ok(count <= (1 if handler == 'file' else STARTS), 'and its log has one line about sockets a start', count)


def under_libvirt(tap):
    missing = [name for name in ('libvirtd', 'virsh', 'qemu-system-x86_64') if not shutil.which(name, path=PATH)]
    if missing:
        tap.skip('under libvirt', 'there is no %s on this machine' % missing[0])
        return
    for handler in ('file', 'logd'):
        with Stack() as stack, socket.socket() as busy:
            busy.bind(('127.0.0.1', 0))
            busy.listen(1)
            stack.stage()
            if handler == 'logd' and not stack.start_virtlogd():
                tap.skip('with virtlogd', 'there is no virtlogd on this machine')
                continue
            stack.start_libvirtd()
            devices = ''.join(emulatedpci_xml(dict(CITRIX, devicename='d%d' % i)) for i in range(8))
            port = busy.getsockname()[1]
            stack.define(domain_xml('busy', 'q35', devices, qemu_arguments=[
                '-vnc', '127.0.0.1:%d' % (port - 5900)]))
            if port < 5900:
                raise ValueError('port %d is too low for VNC' % port)
            busy_port(tap, stack, handler)
            stack.define(domain_xml('fine', 'q35', devices))
            stack.virsh('start', 'fine')
            stack.virsh('destroy', 'fine')
            stack.wait_for(lambda: not [entry for entry in stack.processes('emulatedpci-logfilter')], 'the filters end')
            text = stack.read('cache/libvirt/qemu/log/fine.log')
            tap.ok(text.count('Unable to write to socket') <= 1, 'a start of 8 devices on q35 (%s): one line at most' % handler,
                   text.count('Unable to write to socket'))
            tap.ok('terminating on signal' in text, 'and the last thing that QEMU said is in the log', text[-500:])
            tap.equal(stack.close(), [], 'everything ends (%s)' % handler)


def main(tap):
    lines(tap)
    command_lines(tap)
    logs(tap)
    monitor(tap, unread=False)
    monitor(tap, unread=True)
    if can_start(tap, 'behind a real QEMU and under libvirt'):
        real_qemu(tap)
        under_libvirt(tap)


run_tests(main)
