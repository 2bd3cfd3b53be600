#!/usr/bin/env python3
# valgrindcheck.py: the programs under valgrind
#
# `make check-valgrind` runs it, `make check` does not: it takes minutes. The unit tests,
# the tool with every document of projectiondata, the emulator over both transports, the
# launcher, and the daemon with a libvirtd behind it. An error, or memory that is
# definitely lost, is a failure.
#
# SPDX-License-Identifier: LGPL-2.1-or-later

import glob
import os
import re
import shutil
import subprocess
import tempfile

import emulatordriver
from daemonstack import DaemonStack
from emulatedpcistack import domain_xml, emulatedpci_xml, needs, run_tests

BUILD = os.environ['abs_top_builddir']
SOURCE = os.environ['abs_top_srcdir']
LIMIT = 600         # seconds for one program; a program that hangs fails the test
FOUND = 99          # the exit status if valgrind has found an error
VALGRIND = ('valgrind', '--quiet', '--error-exitcode=%d' % FOUND, '--leak-check=full',
            '--show-leak-kinds=definite', '--errors-for-leak-kinds=definite', '--num-callers=30',
            '--suppressions=' + os.path.join(SOURCE, 'tests/valgrind.supp'))

# launcherunittest and guardunittest are missing, because valgrind supports pidfd_open() only since
# 3.22. sandboxtest is missing, because valgrind cannot run with its filter.
UNIT_TESTS = ('emulatedpcifieldstest', 'emulatedpciconftest', 'emulatedpcidrivertest', 'projectiontest',
              'qemulauncherpathtest', 'qemumachinetest', 'qemupropstest', 'qemupropsoverridetest',
              'pciconfigtest', 'vfiouserunittest', 'rpctest', 'definitionstoretest', 'definitionservicetest')
FIELDS = {'devicename': 'citrix-pv-bus', 'vendorid': 0x5853, 'deviceid': 0xc000}


def run(argv, **options):
    return subprocess.run(list(VALGRIND) + argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, timeout=LIMIT, check=False, **options)


def test_units(tap):
    env = dict(os.environ, G_SLICE='always-malloc')
    for name in UNIT_TESTS:
        result = run([os.path.join(BUILD, 'tests', name)], env=env)
        tap.equal(result.returncode, 0, name)
        if result.returncode:
            tap.diag(result.stdout.decode(errors='replace')[-4000:])


def test_tool(tap):
    tool = os.path.join(BUILD, 'tools/virt-emulatedpci')
    documents = sorted(glob.glob(os.path.join(SOURCE, 'tests/projectiondata/*.xml')))
    for command in (['validate', '--no-schema'], ['lint']):
        result = run([tool, *command, *documents])
        tap.ok(result.returncode in (0, 1), '%s of %d documents' % (command[0], len(documents)),
               result.stdout.decode(errors='replace')[-4000:])
    for command, some in (('lower', documents[::12]), ('lift', sorted(glob.glob(
            os.path.join(SOURCE, 'tests/projectiondata/*.lowered')))[::12])):
        bad = [name for name in some if run([tool, command, name]).returncode not in (0, 1)]
        tap.equal(bad, [], '%s of %d documents' % (command, len(some)))


SHAPES = (
    ('attributes', lambda n: '<x %s/>' % ' '.join("a%d=''" % i for i in range(200)) * (n // 1500)),
    ('declared prefixes', lambda n: '<x %s>%s</x>' % (' '.join("xmlns:p%d='u'" % i for i in range(100)), '<p7:x/>' * (n // 7))),
    ('prefixes that are not declared', lambda n: ''.join('<u%d:x/>' % (i % 3000) for i in range(n // 11))),
    ('elements', lambda n: '<a/>' * (n // 4)),
    ('nesting', lambda n: ('<a>' * 200 + '</a>' * 200) * (n // 1400)),
    ('text', lambda n: 'x&amp;' * (n // 6)),
    ('comments', lambda n: '<!---->' * (n // 7)),
)


def instructions(tool, path):
    """Returns the number of instructions for lowering the document, which does not depend on the
    load of the machine."""
    result = subprocess.run(['valgrind', '--tool=callgrind', '--callgrind-out-file=/dev/null', tool, 'lower', path],
                            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
                            timeout=LIMIT, check=True)
    return int(re.search(rb'Collected : (\d+)', result.stderr).group(1))


def test_linear(tap):
    """A document of four times the length requires at most five times the instructions."""
    tool = os.path.join(BUILD, 'tools/virt-emulatedpci')
    with tempfile.TemporaryDirectory() as directory:
        path = os.path.join(directory, 'domain.xml')

        def count(inside):
            with open(path, 'w', encoding='ascii') as file:
                file.write(domain_xml('linear', 'pc', emulatedpci_xml(FIELDS)).replace(
                    '<vcpu>', '<metadata>%s</metadata><vcpu>' % inside))
            return instructions(tool, path)

        nothing = count('')
        for name, shape in SHAPES:
            one, four = (count(shape(size)) - nothing for size in (50000, 200000))
            tap.ok(four < 5 * one, '%s: %d and %d instructions' % (name, one, four))


def test_launcher(tap):
    """Without a device, the launcher becomes QEMU at once. An invalid device causes an error."""
    with tempfile.TemporaryDirectory() as directory:
        link = os.path.join(directory, 'launch/bin-true')
        os.mkdir(os.path.dirname(link))
        shutil.copy(os.path.join(BUILD, 'src/launcher/emulatedpci-launcher'), directory)
        os.symlink('../emulatedpci-launcher', link)
        result = run([link, '--version'])
        tap.ok(result.returncode != FOUND, 'the launcher without a device', result.stdout.decode(errors='replace'))
        result = run([link, '-device', '{"driver":"emulated-pci","devicename":"x","vendorid":65535}'])
        tap.ok(result.returncode not in (0, FOUND), 'the launcher with a bad device',
               result.stdout.decode(errors='replace'))


def test_emulator(tap):
    with tempfile.TemporaryDirectory() as directory:
        program = os.path.join(directory, 'src/emulator/pci-emulator')
        os.makedirs(os.path.dirname(program))
        with open(program, 'w', encoding='ascii') as file:
            file.write('#!/bin/sh\nexec %s %s --seccomp=none "$@"\n' % (' '.join(VALGRIND), emulatordriver.emulator_path()))
        os.chmod(program, 0o755)
        os.environ['abs_top_builddir'] = directory
        try:
            for transport in (emulatordriver.MPQEMU, emulatordriver.VFIO_USER):
                with emulatordriver.Emulator([emulatordriver.EXAMPLE] * 3, ['--no-guard'], transport=transport) as emulator:
                    read = [transport.read(sock, 0, 4) for sock in emulator.sockets]
                    for register in range(0, 256, 4):
                        transport.write(emulator.sockets[0], register, 0xffffffff, 4)
                        transport.read(emulator.sockets[0], register, 4)
                    tap.equal(read, [0xc0005853] * 3, 'the emulator over %s' % type(transport).__name__)
                    for sock in emulator.sockets:
                        sock.close()
                    tap.ok(emulator.process.wait(LIMIT) != FOUND, 'and valgrind has found nothing',
                           emulator.process.stderr.read().decode(errors='replace')[-4000:])
        finally:
            os.environ['abs_top_builddir'] = BUILD


def test_daemon(tap):
    with DaemonStack() as stack:
        program = stack.program
        stack.program = stack.write('tmp/valgrind-daemon', '#!/bin/sh\nexec %s --log-file=%s %s "$@"\n' % (
            ' '.join(VALGRIND), stack.path('log/valgrind.%p'), program))
        os.chmod(stack.program, 0o755)
        stack.start_libvirtd()
        stack.start_daemon(builtin=True)
        xml = stack.write('tmp/domain.xml', domain_xml('memory', 'pc', emulatedpci_xml(FIELDS)))
        device = stack.write('tmp/device.xml', emulatedpci_xml(dict(FIELDS, devicename='other')))
        stack.virsh('define', xml, '--validate')
        stack.virsh('attach-device', 'memory', device, '--config')
        tap.ok('<emulatedpci' in stack.virsh('dumpxml', 'memory'), 'the daemon defines and shows a domain')
        stack.virsh('nodedev-dumpxml', 'emulatedpci_test')
        stack.virsh('detach-device', 'memory', device, '--config')
        stack.virsh('undefine', 'memory')
        stack.stop_daemon()
        logs = [name for name in os.listdir(stack.path('log')) if name.startswith('valgrind.')]
        tap.ok(len(logs) > 4, 'in %d processes' % len(logs))
        found = [line for name in logs for line in stack.read('log/' + name).splitlines() if line.startswith('==')]
        tap.equal(found[:60], [], 'and valgrind has found nothing')


def main(tap):
    needs('valgrind', 'libvirtd', 'virsh')
    with open(os.path.join(BUILD, 'tools/virt-emulatedpci'), 'rb') as file:
        if b'__asan_' in file.read():
            tap.skip_all('valgrind cannot run programs with sanitizers')
    for function in (test_units, test_tool, test_linear, test_launcher, test_emulator, test_daemon):
        function(tap)


if __name__ == '__main__':
    run_tests(main)
