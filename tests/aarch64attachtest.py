#!/usr/bin/env python3
# aarch64attachtest.py: virsh attach-device puts a device into a running Linux guest on aarch64
#
# The machine is "virt" without firmware. The device is attached to a root port, because this guest
# supports no hot plug at a bridge for conventional PCI devices; and only once, because it does not
# find any device at a port that was unplugged before, not even a virtio-rng. Requires a QEMU for
# aarch64 that has vfio-user-pci, an arm64 kernel and a cross compiler for the guest's program.
#
# SPDX-License-Identifier: LGPL-2.1-or-later

import sys

from attachtest import FIRST, LIVE, Guest, try_attach
from clientutil import start_host
from daemonstack import DaemonStack
from emulatedpcistack import KERNEL_ARGUMENTS_AARCH64, emulatedpci_xml, initramfs, needs_aarch64, run_tests

# The free root port that libvirt adds
PORT = "<address type='pci' domain='0x0000' bus='0x03' slot='0x00' function='0x0'/>"


def main(tap):
    _, kernel, init = needs_aarch64()
    with DaemonStack() as stack:
        start_host(stack, '33333333-3333-4333-8333-333333333334')
        stack.copy(kernel, 'guest/vmlinuz', 0o644)
        stack.write('guest/initrd', initramfs(init))
        guest = Guest(tap, stack, 'virt', 'virt', emulatedpci_xml(FIRST, 'ua-first'),
                      arguments=KERNEL_ARGUMENTS_AARCH64, arch='aarch64', memory=256)
        guest.start()
        try_attach(tap, stack, guest, None, PORT)
        tap.ok(guest.has(FIRST) and not guest.has(LIVE), 'virt: the guest has its first device')
        stack.virsh('destroy', 'virt')
        stack.virsh('undefine', 'virt')
        tap.equal(stack.close(), [], 'everything ended by itself')


if __name__ == '__main__':
    sys.dont_write_bytecode = True
    run_tests(main)
