#!/usr/bin/env python3
# readmetest.py: the commands and the XML in README
#
# The commands of libvirt's clients and of virt-emulatedpci are run in README's order, in a stack
# with the domains that they name. For the commands that install programs, the test only checks that
# README has them: ./quickcheck and the packages' own tests run them.
#
# SPDX-License-Identifier: LGPL-2.1-or-later

import os
import re
import sys

from emulatedpcistack import domain_xml, emulated_devices, needs, run_tests
from fleetstack import FleetStack

SOURCE = os.environ['abs_top_srcdir']

# "lower" and "lift" of an installed tool find the launcher's links. This is the directory in the
# stack.
WRAPPER = """#!/bin/bash
case $1 in
    lower|lift) exec '%(tool)s' "$1" --launch-dir '%(launch)s' "${@:2}" ;;
    *) exec '%(tool)s' "$@" ;;
esac
"""


def test_install(tap, readme):
    """The programs and units that README names are in the source tree."""
    programs = re.findall(r'^ {4}((?:\./|packaging/)[\w-]+)', readme, re.MULTILINE)
    tap.ok({'./quickstart', './quickcheck', './bootstrap', 'packaging/build-deb'} <= set(programs),
           'README tells how to install', programs)
    for program in programs:
        tap.ok(os.access(os.path.join(SOURCE, program), os.X_OK), '%s can be run' % program)
    units = [unit for line in re.findall(r'^ {4}systemctl enable --now (.*)', readme, re.MULTILINE)
             for unit in line.split()]
    tap.ok(units, 'README tells which unit to enable')
    for unit in units:
        tap.ok(os.path.exists(os.path.join(SOURCE, 'packaging/systemd', unit + '.in')), '%s exists' % unit)


def test_xml(tap, stack, readme):
    schemas = os.path.join(os.environ['abs_top_builddir'], 'docs/schemas')
    blocks = [block for block in re.findall(r'^```xml\n(.*?)^```$', readme, re.DOTALL | re.MULTILINE)
              if '…' not in block]
    tap.ok(len(blocks) >= 2, 'README has XML', blocks)
    for block in blocks:
        done = stack.run([stack.tool, 'validate', '--schema-dir', schemas, '--definitions',
                          stack.path('share/definitions'), '-'], stdin=block, check=False)
        tap.ok(done.returncode == 0, 'it is valid: ' + block.splitlines()[0], done.stderr)
    return blocks[0]


def test_commands(tap, stack, readme, device):
    commands = re.findall(r'^ {4}((?:virsh|virt-emulatedpci) .*)', readme, re.MULTILINE)
    tap.ok(len(commands) >= 8, 'README has commands', commands)
    os.mkdir(stack.path('readme'), 0o755)
    os.chmod(stack.write('readme/virt-emulatedpci',
                         WRAPPER % {'tool': stack.tool, 'launch': stack.launch_dir}), 0o755)
    stack.write('tmp/guest.xml', domain_xml('guest', 'pc', devices=device))
    stack.virsh('define', stack.path('tmp/guest.xml'))
    stack.define('web-1')
    for command in commands:
        if 'define /dev/stdin' in command:
            stack.virsh('undefine', 'guest')
        done = stack.run(['bash', '-c', 'cd tmp && set -o pipefail && ' + command], check=False, timeout=120,
                         env={'PATH': stack.path('readme') + ':' + stack.env['PATH'], 'EDITOR': 'true'})
        tap.ok(done.returncode == 0 and done.stdout, command, done.stdout, done.stderr)
    tap.equal(stack.having(), {'guest': 1, 'web-1': 1}, 'the domains have their devices')
    fields, address = list(emulated_devices(stack.dumpxml('web-1')).values())[0]
    tap.equal((fields['interruptpin'], bool(address)), (9, True), 'the definition of README was attached')


def main(tap):
    with open(os.path.join(SOURCE, 'README.md'), encoding='utf-8') as file:
        readme = file.read()
    test_install(tap, readme)
    with FleetStack() as stack:
        stack.begin()
        device = test_xml(tap, stack, readme)
        test_commands(tap, stack, readme, device)
        tap.equal(stack.close(), [], 'nothing is left')


if __name__ == '__main__':
    needs('libvirtd', 'virsh', 'qemu-system-x86_64', 'bash')
    sys.exit(run_tests(main))
