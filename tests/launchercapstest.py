#!/usr/bin/env python3
# launchercapstest.py: libvirt and the QEMU under a launcher
#
# A stock libvirtd queries capabilities through the launcher, and gets those of QEMU itself. If QEMU
# is replaced by another version, libvirt notices that as soon as the launcher has been refreshed,
# by a command or because it was run, whether or not libvirtd has been restarted.
#
# The error of a launcher that fails is shown to the user.
#
# The two versions are copies of the real QEMU, in which one machine type has different names, so
# that virsh domcapabilities can distinguish them.
#
# SPDX-License-Identifier: LGPL-2.1-or-later

import glob
import os
import re
import time

from emulatedpcistack import (NOBODY, Stack, can_start, domain_xml, emulatedpci_xml, needs, run_tests)

FIELDS = {'devicename': 'citrix-pv-bus', 'vendorid': '0x5853', 'deviceid': '0xc000'}
MODULES = [d for pattern in ('/usr/lib/*/qemu', '/usr/lib/qemu', '/usr/lib64/qemu*')
           for d in glob.glob(pattern) if glob.glob(d + '/*.so')]


def make_version(stack, program, name, old, new):
    """Writes a copy of QEMU in which the machine type OLD is called NEW."""
    with open(program, 'rb') as file:
        data = file.read()
    assert len(old) == len(new) and old.encode() + b'-machine' in data
    path = stack.path(name)
    with open(path, 'wb') as file:
        file.write(data.replace(old.encode() + b'-machine', new.encode() + b'-machine'))
    os.chmod(path, 0o755)
    return path


def install(stack, qemu, version):
    """Replaces QEMU by VERSION with a rename, as a package manager does. A script runs it, since a
    copy in another directory finds its modules only if it is told their path."""
    with open(qemu + '.new', 'w', encoding='ascii') as file:
        file.write('#!/bin/sh\nQEMU_MODULE_DIR=%s exec %s "$@"\n' % (''.join(MODULES[:1]), version))
    os.chmod(qemu + '.new', 0o755)
    os.rename(qemu + '.new', qemu)
    stack.give(os.path.relpath(qemu, stack.root))


def machine_is_known(stack, launcher, machine):
    done = stack.run(['virsh', '-q', '-c', stack.uri, 'domcapabilities', '--emulatorbin', launcher,
                      '--machine', machine, '--virttype', 'qemu'], check=False)
    return done.returncode == 0


def main(tap):
    needs('libvirtd', 'virsh')
    with Stack() as stack:
        stack.stage()
        real = os.path.join(stack.qemu_dir, 'qemu-system-x86_64')
        with open(real, 'rb') as file:
            machine = re.search(rb'pc-i440fx-[1-9]\.[0-9]+(?=-machine\0)', file.read()).group().decode()
        renamed = re.sub('fx-[0-9]', 'fx-0', machine)

        # An installation that belongs to the user and so can refresh itself
        program = stack.path('libexec/emulatedpci-launcher')
        if os.getuid() == 0:
            os.chown(program, NOBODY, NOBODY)
            os.chown(stack.launch_dir, NOBODY, NOBODY)
        stack.start_libvirtd()

        direct = stack.virsh('domcapabilities', '--emulatorbin', real, '--virttype', 'qemu')
        launcher = os.path.join(stack.launch_dir, 'qemu-system-x86_64')
        through = stack.virsh('domcapabilities', '--emulatorbin', launcher, '--virttype', 'qemu')
        tap.equal(through.replace(launcher, real), direct,
                  "the launcher's capabilities are those of QEMU itself")

        first = make_version(stack, real, 'qemu-1', machine, machine)
        second = make_version(stack, real, 'qemu-2', machine, renamed)
        qemu = stack.path('qemu-system')
        install(stack, qemu, first)
        launcher = stack.run([program, '--add', qemu]).stdout.strip()

        def versions():
            return [machine_is_known(stack, launcher, m) for m in (machine, renamed)]

        tap.equal(versions(), [True, False], 'the first version is known')

        install(stack, qemu, second)
        tap.diag('replaced, not refreshed: libvirt sees %r' % versions())
        stack.run([program, '--refresh'])
        tap.equal(versions(), [False, True], 'after --refresh libvirt knows the second version')

        install(stack, qemu, first)
        until = int(os.stat(program).st_ctime) + 1.05
        time.sleep(max(0, until - time.time()))
        stack.run([launcher, '--version'])
        tap.equal(versions(), [True, False], 'after a mere run of the launcher, the first one again')

        install(stack, qemu, second)
        stack.restart_libvirtd()
        tap.diag('replaced, libvirtd restarted: libvirt sees %r' % versions())
        stack.run([program, '--refresh'])
        tap.equal(versions(), [False, True], 'after a restart of libvirtd and --refresh, the second one')

        before = os.stat(program).st_ctime_ns
        stack.run([program, '--refresh'])
        tap.equal(os.stat(program).st_ctime_ns, before, 'a refresh without need changes nothing')

        if not can_start(tap, "virsh shows the launcher's reason"):
            tap.equal(stack.close(), [], 'everything ends')
            return

        # The user sees the launcher's error message.
        stack.define(domain_xml('fails', 'pc', emulatedpci_xml(FIELDS)))
        os.rename(stack.path('libexec/pci-emulator'), stack.path('libexec/gone'))
        done = stack.run(['virsh', '-q', '-c', stack.uri, 'start', 'fails'], check=False)
        tap.ok(done.returncode != 0 and 'emulatedpci-launcher: cannot run ' in done.stderr, "virsh shows the launcher's reason", done.stderr)
        os.rename(stack.path('libexec/gone'), stack.path('libexec/pci-emulator'))
        stack.virsh('start', '--paused', 'fails')
        tap.equal(len(stack.processes('pci-emulator')), 2, 'it starts when the reason is gone')
        stack.virsh('destroy', 'fails')
        stack.wait_for(lambda: not stack.processes('pci-emulator'), 'the emulator ends')
        tap.equal(stack.close(), [], 'everything ends')


run_tests(main)
