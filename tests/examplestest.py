#!/usr/bin/env python3
# examplestest.py: every domain and definition in examples/ is valid, also for libvirt
#
# SPDX-License-Identifier: LGPL-2.1-or-later

import glob
import os
import subprocess

from emulatedpcistack import LIMIT, Stack, emulated_devices, needs, run_tests
from qemutransports import qemu_transports


def main(tap):
    needs('libvirtd', 'virsh')
    paths = sorted(glob.glob(os.path.join(os.environ['abs_top_srcdir'], 'examples/*.xml')))
    tool = os.path.join(os.environ['abs_top_builddir'], 'tools/virt-emulatedpci')
    schemas = os.path.join(os.environ['abs_top_builddir'], 'docs/schemas')
    # Without KVM, some QEMUs cannot have emulated devices, and a warning says so.
    lint = ['lint'] + ['--ignore=qemu-unsupported'] * (qemu_transports()[1] is not None)
    tap.ok(len(paths) >= 5, 'there are examples')
    built_in = glob.glob(os.path.join(os.environ['abs_top_srcdir'], 'src/definitions/built-in/*.xml'))
    definitions = ['--definitions', os.path.dirname(built_in[0])]
    for path in glob.glob(os.path.join(os.environ['abs_top_srcdir'], 'examples/definitions/*.xml')) + built_in:
        name = os.path.relpath(path, os.environ['abs_top_srcdir'])
        done = subprocess.run([tool, 'validate', '--quiet', '--schema-dir', schemas] + definitions + [path],
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=LIMIT, check=False)
        tap.ok(done.returncode == 0 and not done.stdout, '%s: validate' % name, done.stdout)
    with Stack() as stack:
        stack.stage()
        stack.start_libvirtd()
        for path in built_in:
            stack.copy(path, 'share/definitions/' + os.path.basename(path), 0o644)
        for path in paths:
            name = os.path.basename(path)
            with open(path, encoding='utf-8') as file:
                # The test must not depend on KVM.
                xml = file.read().replace("<domain type='kvm'>", "<domain type='qemu'>")
            for command in (['validate', '--quiet', '--schema-dir', schemas], lint):
                done = subprocess.run([tool] + command + definitions + [path], stdout=subprocess.PIPE,
                                      stderr=subprocess.STDOUT, timeout=LIMIT, check=False)
                tap.ok(done.returncode == 0 and not done.stdout, '%s: %s' % (name, command[0]), done.stdout)
            lowered = stack.run([stack.tool, 'lower', '--launch-dir', stack.launch_dir, '--definitions',
                                 stack.path('share/definitions')], stdin=xml).stdout
            stack.virsh('define', '--validate', stack.write('tmp/define.xml', lowered))
            domain, = stack.virsh('list', '--all', '--name').split()
            wanted = emulated_devices(stack.lift(lowered))
            recorded = emulated_devices(stack.dumpxml(domain))
            tap.equal([fields['devicename'] for fields, _ in recorded.values()],
                      [fields['devicename'] for fields, _ in wanted.values()], '%s: recorded' % name)
            tap.ok(all(address for _, address in recorded.values()), '%s: with addresses' % name, recorded)
            stack.virsh('undefine', domain)
        tap.equal(stack.close(), [], 'nothing is left')


run_tests(main)
