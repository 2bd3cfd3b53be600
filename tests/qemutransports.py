"""qemutransports.py: the emulated devices that the installed QEMU supports without KVM

    transports, reason = qemu_transports()

Only this file of the tests depends on QEMU's versions. It queries QEMU itself and uses no code of
this project, so that an error in the launcher's choice is detected.

SPDX-License-Identifier: LGPL-2.1-or-later
"""

import functools
import os
import re
import shutil
import subprocess

MPQEMU = 'mpqemu'
VFIO_USER = 'vfio-user'

DRIVERS = {MPQEMU: 'x-pci-proxy-dev', VFIO_USER: 'vfio-user-pci'}

# From this version on, QEMU crashes when x-pci-proxy-dev is realized without KVM.
PROXY_CRASHES = (8, 2)

TIMEOUT = 180


def qemu_path(arch='x86_64'):
    return os.path.join(os.environ.get('QEMU_DIR', '/usr/bin'), 'qemu-system-' + arch)


def _output(program, *arguments):
    return subprocess.run([program] + list(arguments), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.DEVNULL, timeout=TIMEOUT, check=False).stdout.decode(errors='replace')


@functools.lru_cache(maxsize=None)
def qemu_version(arch='x86_64'):
    """(major, minor) of the installed QEMU, or None if there is none."""
    program = qemu_path(arch)
    if not shutil.which(program):
        return None
    found = re.match(r'QEMU emulator version (\d+)\.(\d+)', _output(program, '--version'))
    return (int(found.group(1)), int(found.group(2))) if found else None


@functools.lru_cache(maxsize=None)
def qemu_has_device(driver, arch='x86_64'):
    """Whether the installed QEMU has a device of that name."""
    return '%s options' % driver in _output(qemu_path(arch), '-machine', 'none', '-device', driver + ',help')


def qemu_transports(arch='x86_64'):
    """Returns (transports, reason): the names of the transports with which the installed QEMU
    supports emulated devices with TCG, the launcher's choice first. If there is none, reason is the
    explanation (otherwise None)."""
    version = qemu_version(arch)
    if version is None:
        return (), 'there is no %s' % qemu_path(arch)

    found = []
    if qemu_has_device(DRIVERS[VFIO_USER], arch):
        found.append(VFIO_USER)
    if qemu_has_device(DRIVERS[MPQEMU], arch) and version < PROXY_CRASHES:
        found.append(MPQEMU)
    if found:
        return tuple(found), None

    number = '%d.%d' % version
    if qemu_has_device(DRIVERS[MPQEMU], arch):
        return (), 'QEMU %s has no vfio-user-pci, and x-pci-proxy-dev needs KVM from QEMU 8.2 on' % number
    return (), 'QEMU %s for %s has neither vfio-user-pci nor x-pci-proxy-dev' % (number, arch)
