#!/usr/bin/env python3
# vmcheck.py: the tests of "make check-vm" in the virtual machine, in each of its two boots
#
# Its results are TAP on the second serial line; build-aux/check-vm.sh reads it there.
#
# SPDX-License-Identifier: LGPL-2.1-or-later

import os
import subprocess
import traceback

import vm_boot
import vm_deployment
import vm_emulators
import vm_live
import vm_polkit
import vm_qemu
import vm_use
import vmlib

SECOND = '/var/lib/check-vm-second'


def first_boot(tap, lines):
    vmlib.write('/proc/sys/kernel/printk_ratelimit', '0')
    with open(vmlib.DISK, 'wb') as file:
        file.write(vmlib.BOOT_SECTOR)
        # The firmware does not boot from a disk without a whole cylinder.
        file.truncate(1 << 20)
    vm_use.packages(tap, lines)
    for check in (vm_use.worker, vm_use.users, vm_polkit.sessions, vm_polkit.prompt,
                  vm_deployment.documented, vm_use.units, vm_use.upgrade, vm_deployment.hook,
                  vm_emulators.stubdomain, vm_emulators.model, vm_emulators.attached, vm_live.attach, vm_live.server,
                  vm_qemu.replaced):
        tap.guarded(check, lines)
    vm_boot.before(tap)


def main():
    tap = vmlib.VmTap()
    lines = vmlib.DeniedLines()
    second = os.path.exists(SECOND)
    try:
        if second:
            tap.guarded(vm_boot.rebooted, lines)
            vm_use.purge(tap)
        else:
            first_boot(tap, lines)
    except Exception:  # pylint: disable=broad-except
        tap.ok(False, 'no exception', traceback.format_exc())
        second = True
    if second:
        tap.done()
    else:
        tap.keep()
        vmlib.write(SECOND, '')
    subprocess.run(['systemctl', '--no-block', 'poweroff' if second else 'reboot'], check=False)


main()
