#!/usr/bin/env python3
# guidestest.py: the commands in the guides
#
# In a guide's "console" blocks, a line that starts with "$ " is a command, and the lines after it
# are its output, where "…" means any text, and any lines if it is alone on a line. The test
# replaces XenServer's xe and the names of hosts.
#
# SPDX-License-Identifier: LGPL-2.1-or-later

import glob
import os
import re
import shutil
import signal
import sys

from emulatedpcistack import can_start, domain_xml, needs, run_tests
from fleetstack import FleetStack

DOCS = os.path.join(os.environ['abs_top_srcdir'], 'docs')

XE = """#!/bin/sh
case "$*" in
    *param-name=platform) echo 'timeoffset: 0; nx: true; acpi: 1; device_id: 0002; viridian: true' ;;
    vm-list*) cat <<END
uuid ( RO)                          : 00000000-0000-0000-0000-000000000000
                    name-label ( RW): win
                      platform (MRW): timeoffset: 0; nx: true; acpi: 1; device_id: 0002; viridian: true
               HVM-boot-policy ( RW): BIOS order
               HVM-boot-params (MRW): firmware: bios; order: cd
             has-vendor-device ( RW): true


END
        ;;
    *) exit 1 ;;
esac
"""


def commands(guide):
    """Returns [(command, [lines of its output])]."""
    with open(os.path.join(DOCS, guide), encoding='utf-8') as file:
        blocks = re.findall(r'^```console\n(.*?)^```$', file.read(), re.DOTALL | re.MULTILINE)
    found = []
    for line in ''.join(blocks).splitlines():
        if line.startswith('$ '):
            found.append((line[2:], []))
        else:
            found[-1][1].append(line)
    return found


def pattern(lines):
    text = ''
    for line in lines:
        text += '(.*\n)*' if line == '…' else '.*'.join(re.escape(part) for part in line.split('…')) + '\n'
    return text


def run_guide(tap, stack, guide, hosts, least=10, starts=True):
    """HOSTS: names of hosts in the guide -> their real names. LEAST: the minimum number of
    commands. STARTS: whether domains can be started."""
    found = commands(guide)
    tap.ok(len(found) >= least, '%s has commands' % guide, len(found))
    environment = {'PATH': stack.path('bin') + ':' + stack.env['PATH'], 'VM': '00000000-0000-0000-0000-000000000000',
                   'LANGUAGE': ''}
    for command, lines in found:
        if not starts and re.match('virsh start |virt-emulatedpci check ', command):
            continue
        text = command
        for name, uri in hosts.items():
            text = text.replace(name, "'%s'" % uri)
        done = stack.run(['bash', '-c', 'cd tmp && { %s; } 2>&1' % text], check=False, env=environment, timeout=120)
        out = done.stdout
        for name, uri in hosts.items():
            out = out.replace(uri, name)
        good = re.fullmatch(pattern(lines), re.sub(r'\n+$', '\n', out) if lines else out)
        tap.ok(done.returncode == 0 and good, '%s: %s' % (guide, command), 'exit status %d' % done.returncode, out)


def device_guide(tap, stack):
    """guide-device.md: its program is compiled and started with the commands in it, and its devices
    are valid."""
    with open(os.path.join(DOCS, 'guide-device.md'), encoding='utf-8') as file:
        text = file.read()
    compile_line = re.search('^cc .*$', text, re.MULTILINE).group()
    start_line = re.search('^[.]/checksum-engine .*(?= &$)', text, re.MULTILINE).group()
    for source in glob.glob(os.path.join(DOCS, '../examples/checksum-engine/*')):
        stack.copy(source, 'tmp/examples/checksum-engine/' + os.path.basename(source), 0o644)
    if shutil.which('cc'):
        done = stack.run(['bash', '-c', 'cd tmp && ' + compile_line], check=False)
        tap.ok(done.returncode == 0 and not done.stderr, 'guide-device.md: ' + compile_line, done.stderr)
        path = stack.path('run/checksum.sock')
        for what in (start_line, 'again, where one that was killed has left its socket'):
            server = stack.start(['bash', '-c', 'cd tmp && exec ' + start_line.replace('/run/checksum.sock', path)],
                                 'log/engine.out')
            stack.wait_for(lambda: stack.status(server) is not None or stack.listens(path), 'the program listens')
            tap.equal(stack.status(server), None, 'guide-device.md: ' + what)
            os.kill(server, signal.SIGKILL)
            stack.wait_for(lambda: stack.status(server) is not None, 'the program ends')
        tap.ok(os.path.exists(path), 'a socket is left')
    else:
        tap.skip('guide-device.md: ' + compile_line, 'there is no cc on this machine')
    devices = re.findall('^ *<emulatedpci .*?</emulatedpci>', ''.join(re.findall('```xml\n(.*?)```', text, re.DOTALL)),
                         re.DOTALL | re.MULTILINE)
    for device in devices:
        status, out, err = stack.fleet('validate', '--no-schema', stack.write('tmp/guide.xml', device))
        tap.ok(status == 0, 'guide-device.md: ' + re.search('<driver.*', device).group(), out, err)
    tap.ok(len(devices) >= 2, 'guide-device.md has devices', len(devices))


def main(tap):
    with FleetStack() as one, FleetStack() as two:
        one.begin('machine_version_min = "6.0"\n')
        two.begin()
        os.chmod(one.write('bin/xe', XE), 0o755)

        one.write('tmp/win.xml', domain_xml('win', 'pc'))
        starts = can_start(tap, 'guide-xenserver.md: virsh start, virt-emulatedpci check')
        run_guide(tap, one, 'guide-xenserver.md', {}, starts=starts)
        if starts:
            one.virsh('destroy', 'win')
        one.virsh('undefine', 'win')

        one.write('tmp/guest.xml', domain_xml('guest', 'pc'))
        one.virsh('define', one.path('tmp/guest.xml'))
        run_guide(tap, one, 'guide-vfio-user.md', {}, 8)
        one.virsh('undefine', 'guest')
        device_guide(tap, one)

        for name in ('web-1', 'db'):
            one.define(name)
        one.define('web-2', 'q35', "<metadata><acme:app xmlns:acme='https://acme.example/app' tier='front'/></metadata>")
        one.define('old', 'pc-i440fx-5.2')
        two.define('web-3')
        run_guide(tap, one, 'guide-fleet.md', {'emulatedpci+ssh://one/system': one.uri,
                                               'emulatedpci+ssh://two/system': two.uri})
        tap.equal(two.close(), [], 'nothing is left of the second host')
        tap.equal(one.close(), [], 'nothing is left')


if __name__ == '__main__':
    needs('libvirtd', 'virsh', 'qemu-system-x86_64', 'bash')
    sys.exit(run_tests(main))
