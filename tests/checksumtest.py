#!/usr/bin/env python3
# checksumtest.py: a device with BARs, interrupts and DMA, in a guest
#
# examples/checksum-engine as <driver socket=…> on pc, with guest memory that it maps, and as
# <driver model=…> on q35, where it asks QEMU for each part of a buffer. Linux drives it
# from user space (tests/guest/checksum.c): reads and writes the BARs, lets the device checksum
# buffers, compares the results, and counts interrupts. Then the test kills the server of a guest.
#
# SPDX-License-Identifier: LGPL-2.1-or-later

import os
import re
import signal

from emulatedpcistack import (KERNEL_ARGUMENTS, Stack, Tap, domain_xml, guest_kernel, initramfs, needs,
                              needs_transport, run_tests)
from qemutransports import VFIO_USER

SHARED = "<memoryBacking><source type='memfd'/><access mode='shared'/></memoryBacking>\n  <vcpu>"
IDS = "<config vendorid='0x1234' deviceid='0xc5c5' subsystemid='0x77'/>"
PAGES = 16

# The registers of PIIX and ICH9 that route the interrupts of PCI devices
PCI_LINES = (10, 11) + tuple(range(16, 24))
BOOT = 600


class Guest:
    """A domain on MACHINE with DEVICES, and its console."""

    def __init__(self, stack, files, name, machine, devices, shared):
        self.stack, self.name = stack, name
        kernel, initrd = files
        self.console = stack.path('guest/%s.serial' % name)
        xml = domain_xml(name, machine, devices + "    <serial type='file'><source path='%s'/></serial>\n" % self.console,
                         '    <kernel>%s</kernel>\n    <initrd>%s</initrd>\n    <cmdline>%s emulatedpci.then=checksum'
                         '</cmdline>\n' % (kernel, initrd, KERNEL_ARGUMENTS))
        stack.define(xml.replace('<vcpu>', SHARED) if shared else xml)

    def said(self):
        return self.stack.read(self.console) if os.path.exists(self.console) else ''

    def start(self):
        if os.path.exists(self.console):
            os.unlink(self.console)
        self.stack.virsh('start', self.name)

    def wait(self):
        """Waits until the guest has used its devices. Returns its reports about them."""
        self.stack.wait_for(lambda: '=== emulatedpci: waiting' in self.said(), 'the guest is done', BOOT)
        return [line.strip() for line in self.said().splitlines() if line.startswith(('=== checksum', '# '))]

    def interrupts(self):
        """The number of times that each line of an interrupt controller was raised, as counted by QEMU."""
        text = self.stack.virsh('qemu-monitor-command', self.name, '--hmp', 'info irq').replace('\r', '')
        return {(chip, int(line)): int(n)
                for chip, lines in re.findall(r'IRQ statistics for ([\w-]+):\n((?:\s*\d+: \d+\n?)*)', text)
                for line, n in re.findall(r'(\d+): (\d+)', lines)}


def check(tap, guest, kind):
    """Tests the reports of the guest."""
    said = guest.wait()
    tap.equal([re.sub('checksum: [^ ]*: ', '', line) for line in said],
              ['=== %d of %d done, 2 of 2 errors by MSI-X' % (PAGES, PAGES), '=== %d of %d done by INTx' % (PAGES, PAGES),
               '=== end, 0 wrong'], '%s: BARs, DMA and interrupts' % kind)
    # INTx is a level: while it is asserted, QEMU lowers and raises it whenever the guest accesses a
    # BAR. QEMU can see two interrupts in quick succession as one.
    counts = guest.interrupts()
    tap.ok(any(n >= PAGES // 2 for (chip, line), n in counts.items() if chip == 'ioapic' and line in PCI_LINES),
           '%s: QEMU raised INTx' % kind, counts)


def refusals(tap, stack, name):
    """Operations that would lose the registers of the device are refused, and the guest continues."""
    for args in (['save', name, stack.path('tmp/saved')], ['managedsave', name]):
        done = stack.run(['virsh', '-q', '-c', stack.uri] + args, check=False)
        tap.ok(done.returncode != 0 and 'socket-of-ua-' in done.stderr,
               '%s is refused' % args[0], done.stderr)
    tap.equal(stack.virsh('domstate', name).strip(), 'running', 'and the guest runs on')


def dies(tap, stack, guest, server, path):
    """The server is killed while the guest runs."""
    os.kill(server, signal.SIGKILL)
    stack.wait_for(lambda: '=== gone: and the guest goes on' in guest.said(), 'the guest goes on', BOOT)
    tap.equal(re.findall('=== gone: register.*', guest.said()),
              ['=== gone: register 0xffffffff, port 0xffffffff, ids 0xffffffff'], 'a server that dies: the guest reads all ones')
    tap.equal(stack.virsh('domstate', guest.name).strip(), 'running', 'and runs on')
    log = stack.read('cache/libvirt/qemu/log/%s.log' % guest.name)
    tap.ok(re.search(r'vfio_region_read\(vfio-user:%s:region0\+0x0, 4\) failed' % re.escape(path), log),
           "and the domain's log tells", log[-2000:])


def resets(tap, stack, guest):
    """The server of a guest was killed, and its firmware runs again. QEMU 11.1 exits as soon as the
    layout of the memory changes, because it cannot report the change to the server. Other versions
    may run the guest without the device."""
    stack.virsh('reset', guest.name, check=False)      # QEMU may exit before it replies
    stack.wait_for(lambda: stack.state(guest.name) != 'running' or
                   guest.said().count('=== emulatedpci: waiting') == 2, 'QEMU has ended, or the guest is there again', BOOT)
    state = stack.virsh('domstate', '--reason', guest.name).strip()
    if state.startswith('running'):
        tap.equal(guest.said().count('=== checksum: '), 3, 'a reset does not bring the device back')
        stack.virsh('destroy', guest.name)
    else:
        log = stack.read('cache/libvirt/qemu/log/%s.log' % guest.name)
        tap.ok(state == 'shut off (crashed)' and 'DMA mapping failed' in log, 'a reset ends QEMU, and the log tells why',
               state, log[-2000:])


def main(tap):
    needs('libvirtd', 'virsh')
    if needs_transport() != VFIO_USER:
        Tap.skip_all('QEMU has no vfio-user-pci here')
    kernel, reason = guest_kernel()
    if not kernel:
        Tap.skip_all(reason)
    with Stack() as stack:
        stack.stage()
        stack.start_libvirtd()
        files = (stack.copy(kernel, 'guest/vmlinuz', 0o644),
                 stack.write('guest/initrd', initramfs(os.path.join(stack.build, 'tests/guest/init'))))
        engine = stack.copy(os.path.join(stack.build, 'examples/checksum-engine/checksum-engine'),
                            'libexec/checksum-engine')
        path = stack.path('run/checksum.sock')
        alone = Guest(stack, files, 'alone', 'pc',
                      "<emulatedpci devicename='checksum'>%s<driver socket='%s'/></emulatedpci>" %
                      ("<config subsystemid='0x77'/>", path), True)
        done = stack.run(['virsh', '-q', '-c', stack.uri, 'start', 'alone'], check=False)
        tap.ok(done.returncode != 0 and "the socket '%s' of device 'checksum' does not exist" % path in done.stderr,
               'no server: virsh says so', done.stderr)

        server = stack.start([engine, '--socket=' + path], 'log/engine.out')
        stack.wait_for(lambda: os.path.exists(path), 'the server listens')
        alone.start()
        check(tap, alone, 'socket, pc, memory that is mapped')
        tap.ok(any(line.startswith('20:') and line.rstrip().endswith(' 77 00') for line in alone.said().splitlines()),
               'the guest reads the id that QEMU overrides')
        refusals(tap, stack, 'alone')

        dies(tap, stack, alone, server, path)
        os.unlink(path)
        server = stack.start([engine, '--socket=' + path], 'log/engine.out')
        stack.wait_for(lambda: os.path.exists(path), 'a new server listens')
        resets(tap, stack, alone)
        os.kill(server, signal.SIGKILL)
        stack.wait_for(lambda: not stack.processes('checksum-engine'), 'that server has died, too')
        done = stack.run(['virsh', '-q', '-c', stack.uri, 'start', 'alone'], check=False)
        tap.ok(done.returncode != 0 and "no server listens at the socket '%s'" % path in done.stderr,
               'and does not start without it', done.stderr)
        os.unlink(path)
        server = stack.start([engine, '--socket=' + path], 'log/engine.out')
        stack.wait_for(lambda: os.path.exists(path), 'the server listens again')
        alone.start()
        check(tap, alone, 'started again')

        stack.virsh('destroy', 'alone')
        tap.equal(stack.status(server), None, 'the server outlives the domain')
        os.kill(server, signal.SIGTERM)
        stack.wait_for(lambda: not stack.processes('checksum-engine'), 'the server ends')

        model = Guest(stack, files, 'model', 'q35',
                      "<emulatedpci devicename='checksum'>%s<driver model='%s' version='vfio-user'/></emulatedpci>"
                      % (IDS, engine), False)
        model.start()
        check(tap, model, 'model, q35, memory that is not shared')
        stack.virsh('destroy', 'model')
        stack.wait_for(lambda: not stack.processes('checksum-engine'), 'the emulator ends with QEMU')
        tap.equal(stack.close(), [], 'nothing is left')


run_tests(main)
