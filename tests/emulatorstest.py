"""emulatorstest.py: virt-emulatedpci emulators

The test is QEMU: it makes the sockets, and its own command line names a
domain as libvirt's does.

SPDX-License-Identifier: LGPL-2.1-or-later
"""

import json
import os
import signal
import subprocess
import sys
import time

import emulatordriver as emu
from emulatedpcistack import LIMIT, run_tests
from emulatordriver import EXAMPLE, Emulator

DOMAIN = 'emulators-test,%d' % os.getpid()


def tool(*arguments):
    environment = dict(os.environ, LC_ALL='C')
    environment.pop('LIBVIRT_DEFAULT_URI', None)
    return subprocess.run([os.path.join(os.environ['abs_top_builddir'], 'tools/virt-emulatedpci'), 'emulators']
                          + list(arguments), capture_output=True, text=True, check=False, timeout=LIMIT,
                          env=environment)


def devices(*arguments):
    return json.loads(tool('--json', *arguments).stdout)


def main(tap):
    domain = sys.argv[2][len('guest='):-len(',debug-threads=on')].replace(',,', ',')
    done = tool(domain)
    tap.equal((done.returncode, done.stdout), (1, ''), 'a domain without emulators')
    tap.ok('[VIR_ERR_NO_DOMAIN]' in done.stderr, 'and why', done.stderr)

    with Emulator([dict(EXAMPLE, devicename='one'), dict(EXAMPLE, devicename='two')]) as emulator:
        pid = emulator.process.pid
        for _ in range(5):
            emu.config_read(emulator.sockets[1], 0, 4)
        found = devices(domain)
        tap.equal([(d['domain'], d['devicename'], d['transport'], d['requests'], d['pid'], d['worker'], d['qemu'],
                    d['guarded'], d['closed'], d['restarts']) for d in found],
                  [(domain, name, 'mpqemu', requests, pid, emulator.worker(), os.getpid(), True, False, 0)
                   for name, requests in (('one', 0), ('two', 5))], 'two devices of a domain')
        tap.ok(all(0 <= d['uptime'] < 1000 and 10 < d['memory'] < 20000 for d in found), 'uptime and memory', found)
        tap.ok(all(d in [(e['pid'], e['devicename']) for e in devices()]
                   for d in ((pid, 'one'), (pid, 'two'))), 'they are among those of all domains')

        old = emulator.worker()
        os.kill(old, signal.SIGKILL)
        deadline = time.monotonic() + LIMIT
        while emulator.worker() in (old, None) and time.monotonic() < deadline:
            time.sleep(0.01)
        emulator.sockets[0].close()
        while not devices(domain)[0]['closed'] and time.monotonic() < deadline:
            time.sleep(0.01)
        found = devices(domain)
        tap.equal([(d['worker'], d['restarts'], d['closed']) for d in found],
                  [(emulator.worker(), 1, True), (emulator.worker(), 1, False)],
                  'one replacement, and one device less')

        lines = tool(domain).stdout.splitlines()
        tap.equal(lines[0].split(), ['Domain', 'Process', 'Device', 'Transport', 'Uptime', 'Restarts',
                                     'Requests', 'Memory'], 'the table: its head')
        tap.equal([line.split()[:4] for line in lines[1:]],
                  [[domain, '%d/%d' % (pid, emulator.worker()), 'one', 'closed'],
                   [domain, '%d/%d' % (pid, emulator.worker()), 'two', 'mpqemu']], 'the table: its rows')
        emulator.wait()

    with Emulator([EXAMPLE], ['--no-guard']) as emulator:
        if os.getuid() == 0:
            tap.equal([(d['pid'], d['worker'], d['guarded']) for d in devices(domain)],
                      [(emulator.process.pid, emulator.process.pid, False)], 'one without a guard')
        else:
            tap.equal(tool(domain).returncode, 1, 'one without a guard cannot be looked into')

    tap.equal([d for d in devices() if d['domain'] == domain], [], 'nothing is left of the domain')

    done = tool('-c', 'qemu+ssh://host.example/system')
    tap.ok(done.returncode == 1 and 'on their own machine only' in done.stderr, 'a remote libvirt is refused',
           done.stderr)
    tap.equal(tool('-c', 'qemu:///system', domain).returncode, 1, 'a local one is not')
    tap.equal(tool('a', 'b').returncode, 2, 'two domains are one too many')


if __name__ == '__main__':
    sys.dont_write_bytecode = True
    if len(sys.argv) == 1:
        os.execv(sys.executable, [sys.executable, __file__, '-name',
                                  'guest=%s,debug-threads=on' % DOMAIN.replace(',', ',,')])
    run_tests(main)
