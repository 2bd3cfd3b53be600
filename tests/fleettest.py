#!/usr/bin/env python3
# fleettest.py: virt-emulatedpci attach and detach on many domains
#
# Tests with real libvirtds and virtemulatedpcid: the selection of domains, the report about each,
# failures of single domains, interruptions, several hosts, and the progress bar.
#
# SPDX-License-Identifier: LGPL-2.1-or-later

import fcntl
import json
import os
import pty
import re
import signal
import struct
import subprocess
import sys
import termios

from emulatedpcistack import LIMIT, emulated_devices, needs, run_tests
from fleetstack import FleetStack, names

METADATA = "<metadata><acme:app xmlns:acme='urn:acme'><acme:role>%s</acme:role></acme:app></metadata>"

# A machine without PCI: attaching fails.
HOPELESS = ('web-07', 'web-13')


def populate(stack):
    domains = [('db', 'pc', '')]
    for number in range(24):
        name = 'web-%02d' % number
        extra = METADATA % ('front' if number < 4 else 'back')
        if number == 5:
            extra += '<title>the fifth</title><description>x\ny</description>'
        domains.append((name, 'isapc' if name in HOPELESS else 'q35' if number % 2 else 'pc', extra))
    stack.define_all(domains)


def test_selectors(tap, stack):
    everybody = sorted(stack.virsh('list', '--all', '--name').split())
    uuid = stack.virsh('domuuid', 'web-03').strip()

    def picked(*where):
        args = [word for one in where for word in ('--where', one)]
        status, out, err = stack.fleet('attach', '-f', stack.device, '--dry-run', *args)
        if status != 0:
            return status, err
        return names(out, 'would be attached')

    tap.equal(names(stack.fleet('attach', '-f', stack.device, '-n', '--all')[1], 'would be attached'), everybody,
              '--all')
    tap.equal(picked('name=web-0[12]'), ['web-01', 'web-02'], 'name')
    tap.equal(picked('name!=web-*'), ['db'], 'not name')
    tap.equal(picked('uuid=' + uuid), ['web-03'], 'uuid')
    tap.equal(picked('title=the*'), ['web-05'], 'title')
    tap.equal(picked('title=', 'name=web-0[56]'), ['web-06'], 'no title')
    tap.equal(picked('description=x*y'), ['web-05'], 'description')
    tap.equal(picked('machine=isapc'), list(HOPELESS), 'machine')
    tap.equal(picked('machine=pc-q35-*', 'name=web-0*'), ['web-01', 'web-03', 'web-05', 'web-09'],
              'machine and name')
    tap.equal(picked('arch=x86_64', 'state=shutoff', 'name=d*'), ['db'], 'arch and state')
    tap.equal(picked('xpath=metadata/acme:app/acme:role="front"'), ['web-00', 'web-01', 'web-02', 'web-03'],
              'XPath with a namespace')
    tap.equal(picked('xpath=not(metadata)'), ['db'], 'XPath')
    tap.equal(picked('xpath!=metadata'), ['db'], 'not XPath')
    tap.equal(picked('has!=*', 'name=db'), ['db'], 'has no definition')
    for where, message in (('state=asleep', "invalid state 'asleep': one of running,"),
                           ('colour=red', "invalid condition 'colour=red': .*state, name, uuid"),
                           ('name', "invalid condition 'name'"), ('xpath=a[', "invalid XPath expression 'a\\['")):
        got = picked(where)
        tap.ok(got[0] == 2 and re.search(message, got[1]), 'wrong: ' + where, got)
    got = picked('name=nobody')
    tap.ok(got[0] == 1 and 'no domain matches' in got[1], 'nobody', got)
    for args in (['--all', '-w', 'name=x'], [], ['--all', '-j', '0'], ['--all', 'db']):
        tap.equal(stack.fleet('attach', '-f', stack.device, *args)[0], 2, 'wrong: %s' % args)
    tap.equal(stack.fleet('attach')[0], 2, 'no device')
    tap.equal(stack.having(), {}, 'nothing of all that changed a domain')


def test_attach(tap, stack):
    """Also tests failures of single domains."""
    device = stack.device
    status, out, err = stack.fleet('attach', '-f', device, 'web-01', stack.virsh('domuuid', 'web-02').strip())
    tap.equal((status, names(out, 'attached')), (0, ['web-01', 'web-02']), 'by name and uuid')
    before = stack.virsh('dumpxml', 'web-01')

    status, out, err = stack.fleet('attach', '-f', device, '--where', 'name=web-*', '-j', '3')
    tap.equal(status, 3, 'some')
    tap.equal(names(out, 'unchanged'), ['web-01', 'web-02'], 'those that had it are unchanged')
    tap.equal(len(names(out, 'attached')), 20, 'the others have it now')
    tap.equal(sorted(re.findall(r'(web-\d+): error: .*isapc.*VIR_ERR_CONFIG_UNSUPPORTED', err)), list(HOPELESS),
              'but for those that cannot')
    tap.ok(out.endswith('attached: 20, unchanged: 2, failed: 2, left: 0\n'), 'the sum', out)
    tap.equal(stack.virsh('dumpxml', 'web-01'), before, 'unchanged is unchanged')
    having = stack.having()
    tap.equal((len(having), set(having.values())), (22, {1}), 'and so it is')

    status, out, err = stack.fleet('attach', '-f', device, *HOPELESS)
    tap.equal((status, out.splitlines()[:-1]), (1, []), 'none')
    status, out, err = stack.fleet('attach', '-f', device, 'web-01', 'web-99')
    tap.ok(status == 3 and 'web-99: error: domain not found [VIR_ERR_NO_DOMAIN]' in err, 'an unknown domain', err)
    status, out, err = stack.fleet('attach', '-f', device, '-q', '-w', 'name=web-*')
    tap.equal((status, out), (3, ''), 'quiet')

    status, out, err = stack.fleet('attach', '-f', device, '--json', 'web-07', 'web-01', 'db', 'web-99')
    result = json.loads(out)
    tap.equal((status, err), (3, ''), 'JSON')
    tap.equal([(domain['name'], domain['result']) for domain in result['domains']],
              [('db', 'done'), ('web-01', 'unchanged'), ('web-07', 'failed')], 'JSON: the domains')
    tap.equal([domain['error']['code'] for domain in result['domains'] if 'error' in domain],
              ['VIR_ERR_CONFIG_UNSUPPORTED'], 'JSON: the error')
    tap.equal([domain['uuid'] for domain in result['domains']],
              [stack.virsh('domuuid', name).strip() for name in ('db', 'web-01', 'web-07')], 'JSON: the uuids')
    tap.equal((result['missing'], result['summary'], result['hosts']),
              (['web-99'], {'left': 0, 'done': 1, 'unchanged': 1, 'failed': 1}, [{'uri': stack.uri}]),
              'JSON: the rest')

    tap.equal(stack.fleet('attach', '-f', device, '--again', 'db')[0], 0, 'again')
    tap.equal(stack.having()['db'], 2, 'one more')


def test_detach(tap, stack):
    device = stack.device
    status, out, err = stack.fleet('detach', '-f', device, 'db')
    tap.ok(status == 1 and 'the domain has 2 such devices (ua-emulatedpci0, ua-emulatedpci1)' in err,
           'which of several?', err)
    tap.equal(stack.fleet('detach', '-f', device, '--alias', 'ua-emulatedpci1', 'db')[0], 0, 'by alias')
    tap.equal(stack.having()['db'], 1, 'one is left')
    tap.equal(stack.fleet('detach', '-f', device, '--alias', 'ua-emulatedpci1', 'db')[1], 'db: unchanged\n',
              'that one is gone')
    stack.fleet('attach', '-f', device, '--again', 'db')
    tap.equal(stack.fleet('detach', '-f', device, '--every', 'db')[0], 0, 'every')
    status, out, err = stack.fleet('detach', '-f', device, '-w', 'name=web-0*', '--dry-run')
    tap.equal((status, len(names(out, 'would be detached')), names(out, 'unchanged')), (0, 9, ['web-07']), 'a dry run')
    tap.equal(stack.fleet('detach', '-f', device, '--all')[0], 0, 'all')
    tap.equal(stack.having(), {}, 'none is left')
    tap.ok(stack.fleet('detach', '-f', device, '--all')[1].endswith('unchanged: 25, failed: 0, left: 0\n'),
           'and once more')


def old_q35(stack):
    """Returns the version of an old Q35 machine type: 2.12, or the oldest if QEMU does not have
    that any more."""
    versions = set(re.findall(r'<machine [^>]*>pc-q35-(\d+\.\d+)</machine>', stack.virsh('capabilities')))
    return '2.12' if '2.12' in versions else min(versions, key=lambda text: [int(part) for part in text.split('.')])


def test_raise(tap, stack):
    old = old_q35(stack)
    for name, machine in (('old-pc', 'pc-i440fx-5.2'), ('old-q35', 'pc-q35-' + old), ('new', 'pc-i440fx-7.0')):
        stack.define(name, machine)
    status, out, err = stack.fleet('attach', '-f', stack.device, '--raise-machine', '-w', 'machine=pc-*',
                                   '-w', 'name=old-*', '-w', 'name=*')
    tap.equal((status, names(out, 'attached')), (0, ['old-pc', 'old-q35']), 'raised')
    tap.equal(stack.fleet('attach', '-f', stack.device, '--raise-machine', 'new')[0], 0, 'no need to raise')
    for name, family, old in (('old-pc', 'pc-i440fx-', '5.2'), ('old-q35', 'pc-q35-', old)):
        xml = stack.virsh('dumpxml', name)
        machine = re.search(r"machine='([^']*)'", xml).group(1)
        tap.ok(machine.startswith(family) and int(machine[len(family):].split('.')[0]) >= 6 and
               len(emulated_devices(xml)) == 1, '%s: from %s%s to %s' % (name, family, old, machine), xml)
    tap.ok("machine='pc-i440fx-7.0'" in stack.virsh('dumpxml', 'new'), 'a new one stays')
    for name in ('old-pc', 'old-q35', 'new'):
        stack.virsh('undefine', name)


def unread(fd):
    """Returns the number of bytes in the pipe FD."""
    return int.from_bytes(fcntl.ioctl(fd, termios.FIONREAD, bytes(4)), sys.byteorder)


def test_interrupt(tap, stack):
    """After an interruption, active operations are finished, the other domains are listed, and repeating the
    command continues."""
    # Standard output is full after the first lines, so the tool waits until it is interrupted.
    reader, writer = os.pipe()
    padding = b'\n' * (fcntl.fcntl(writer, fcntl.F_SETPIPE_SZ, 4096) - 60)
    os.write(writer, padding)
    with subprocess.Popen([stack.tool, 'attach', '-f', stack.device, '--where', 'machine!=isapc', '-j', '1'],
                          stdout=writer, stderr=subprocess.PIPE, env=stack.env, text=True) as tool:
        os.close(writer)
        stack.wait_for(lambda: unread(reader) > len(padding), 'the first line')
        tool.send_signal(signal.SIGINT)
        with open(reader, encoding='utf-8') as file:
            out = file.read()
        _, err = tool.communicate(timeout=LIMIT)
    attached, left = names(out, 'attached'), names(out, 'left')
    tap.equal(tool.returncode, 3, 'interrupted: some')
    tap.ok('interrupted' in err, 'it says so', err)
    tap.equal((len(attached) + len(left), sorted(stack.having())), (23, attached), 'what it says is what is')
    status, out, err = stack.fleet('attach', '-f', stack.device, '--where', 'machine!=isapc')
    tap.equal((status, names(out, 'unchanged'), names(out, 'attached')), (0, attached, left), 'it goes on with the rest')
    stack.fleet('detach', '-f', stack.device, '--all')


def on_terminal(stack, args, columns, env=None):
    """Returns the output of the tool if stderr is a terminal."""
    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack('HHHH', 24, columns, 0, 0))
    with subprocess.Popen([stack.tool, *args], stdout=subprocess.DEVNULL, stderr=slave,
                          env={**stack.env, 'TERM': 'xterm', **(env or {})}) as tool:
        os.close(slave)
        seen = b''
        while True:
            try:
                data = os.read(master, 4096)
            except OSError:
                break
            if not data:
                break
            seen += data
        os.close(master)
        tool.wait(60)
    return seen.decode()


def test_progress(tap, stack):
    args = ['attach', '-f', stack.device, '--all', '--dry-run']
    seen = on_terminal(stack, args, 80)
    bars = re.findall(r'\r\[\x1b\[32m[# ]*\x1b\[0m\] \d+/25\x1b\[K', seen)
    tap.ok(bars and seen.endswith('\r\x1b[K'), 'a bar, which goes away', seen)
    tap.ok(all(len(re.sub(r'\x1b\[\d*[mK]|\r', '', bar)) == 79 for bar in bars), 'as wide as the terminal', bars)
    seen = on_terminal(stack, args, 80, {'NO_COLOR': '1'})
    tap.ok('[' in seen and '\x1b[32m' not in seen, 'without colour', seen)
    seen = on_terminal(stack, args, 12)
    tap.ok(re.search(r'\r\d+/25\x1b\[K', seen) and '#' not in seen, 'narrow', seen)
    tap.equal(on_terminal(stack, args + ['--json'], 80), '', 'no bar with --json')
    tap.equal(on_terminal(stack, args + ['-q'], 80), '', 'nor with --quiet')
    tap.equal(on_terminal(stack, args, 80, {'TERM': 'dumb'}), '', 'nor on a dumb terminal')


def test_hosts(tap, one, two):
    two.define('web-00')
    two.define('only-here')
    nowhere = 'qemu:///session?socket=/nonexistent/socket'
    both = ['-c', one.uri, '-c', two.uri]
    status, out, err = one.fleet('attach', '-f', one.device, '-w', 'name=web-0[01]', *both)
    tap.equal((status, names(out, 'attached')),
              (0, [one.uri + ': web-00', one.uri + ': web-01', two.uri + ': web-00']), 'two hosts')
    tap.equal((sorted(one.having()), sorted(two.having())), (['web-00', 'web-01'], ['web-00']), 'both were reached')
    status, out, err = one.fleet('attach', '-f', one.device, 'only-here', *both)
    tap.equal((status, names(out, 'attached')), (0, [two.uri + ': only-here']), 'a domain of the second')
    status, out, err = one.fleet('detach', '-f', one.device, '--all', *both, '-c', nowhere)
    tap.ok(status == 3 and nowhere + ': error: ' in err and not one.having() and not two.having(),
           'one host of three is not there', status, err)
    result = json.loads(one.fleet('detach', '-f', one.device, '--all', '-c', nowhere, '--json')[1])
    tap.ok(result['hosts'][0]['error']['code'] in ('VIR_ERR_SYSTEM_ERROR', 'VIR_ERR_NO_CONNECT'),
           'JSON: the host', result)
    status, out, err = one.fleet('attach', '-f', one.device, '--all', '-c', one.direct_uri)
    tap.ok(status == 1 and "does not support <emulatedpci>; 'emulatedpci:///session' connects" in err,
           'a libvirtd without our daemon', err)


def test_server(tap, stack):
    """A device of a server is found by its socket and by the specified fields."""
    def device(path, config=''):
        return stack.write('tmp/server.xml', "<emulatedpci devicename='nvme'>%s<driver socket='%s'/></emulatedpci>" %
                           (config, path))

    def sockets(name):
        return re.findall("<driver socket='(.*?)'", stack.virsh('dumpxml', name))

    status, out, err = stack.fleet('attach', '-f', device('/run/a'), 'web-01', 'db')
    tap.equal((status, names(out, 'attached')), (0, ['db', 'web-01']), 'a server')
    tap.equal(stack.fleet('attach', '-f', device('/run/a'), 'web-01')[1], 'web-01: unchanged\n', 'once more')
    status, out, err = stack.fleet('attach', '-f', device('/run/a'), '--again', 'web-01')
    tap.ok(status == 1 and "have the same 'socket', '/run/a'" in err, 'one more of the same server', err)
    tap.equal(stack.fleet('attach', '-f', device('/run/b'), 'web-01')[1], 'web-01: attached\n', 'another server')
    tap.equal((sockets('web-01'), sockets('db')), (['/run/a', '/run/b'], ['/run/a']), 'and so it is')
    status, out, err = stack.fleet('attach', '-f', device('/run/c', "<config revision='1'/>"), 'web-01')
    tap.ok(status == 1 and "attribute 'revision' of <config> cannot be given" in err, 'what QEMU cannot override', err)
    status, out, err = stack.fleet('attach', '-f', device('relative'), 'web-01')
    tap.ok(status == 1 and 'relative' in err, 'a socket that is none', err)
    tap.equal(stack.fleet('detach', '-f', device('/run/a', "<config deviceid='1'/>"), 'web-01')[1], 'web-01: unchanged\n',
              'detach: another device of that server')
    tap.equal(stack.fleet('detach', '-f', device('/run/a'), '--all')[0], 0, 'detach: one of two')
    tap.equal((sockets('web-01'), sockets('db')), (['/run/b'], []), 'the other one is left')
    tap.equal(stack.fleet('detach', '-f', device('/run/b'), '--all')[0], 0, 'detach')
    tap.equal(stack.having(), {}, 'none is left')


def main(tap):
    with FleetStack() as stack:
        stack.begin()
        populate(stack)
        test_selectors(tap, stack)
        test_attach(tap, stack)
        test_detach(tap, stack)
        test_server(tap, stack)
        test_raise(tap, stack)
        test_interrupt(tap, stack)
        test_progress(tap, stack)
        with FleetStack() as other:
            other.begin()
            test_hosts(tap, stack, other)
            tap.equal(other.close(), [], 'nothing is left of the second host')
        tap.equal(stack.close(), [], 'nothing is left')


if __name__ == '__main__':
    needs('libvirtd', 'virsh', 'qemu-system-x86_64')
    sys.exit(run_tests(main))
