#!/usr/bin/env python3
# aarch64boottest.py: from the XML to the PCI bus of a Linux guest on aarch64
#
# The same as boottest.py, on the machine "virt" without firmware: the guest reads
# every register with its power-on value. Requires a QEMU for aarch64 that has
# vfio-user-pci, an arm64 kernel and a cross compiler for the guest's program.
#
# SPDX-License-Identifier: LGPL-2.1-or-later

import sys

from boottest import DRIVERS, Guest, boot
from emulatedpcistack import KERNEL_ARGUMENTS_AARCH64, QtestECAM, Stack, initramfs, needs_aarch64, run_tests


def main(tap):
    transport, kernel, init = needs_aarch64()
    with Stack() as stack:
        stack.stage()
        stack.start_libvirtd()
        guest = Guest(stack.copy(kernel, 'guest/vmlinuz', 0o644), stack.write('guest/initrd', initramfs(init)),
                      transport, 'aarch64', KERNEL_ARGUMENTS_AARCH64, 256, QtestECAM, False)
        for count in (1, 3):
            boot(tap, stack, guest, 'virt', count)
        # Some containers allow namespaces only for root.
        apart = stack.run(['unshare', '--user', '--mount', 'true'], check=False).returncode == 0
        boot(tap, stack, guest, 'virt', 7, DRIVERS if apart else DRIVERS[:-1])
        boot(tap, stack, guest, 'virt', 24)
        tap.equal(stack.close(), [], 'nothing is left')


if __name__ == '__main__':
    sys.dont_write_bytecode = True
    run_tests(main)
