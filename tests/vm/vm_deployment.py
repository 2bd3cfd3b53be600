"""vm_deployment.py: the commands of docs/deployment.md that no other check runs

SPDX-License-Identifier: LGPL-2.1-or-later
"""

import os
import shutil

from vm_polkit import in_session
from vmlib import LIBEXEC, LIBVIRTD, discard, define, journal, processes, read, run, start, virsh, wait, write

HOOK = '/etc/libvirt/hooks/qemu'
SOCKET = '/run/libvirt/virtqemud-sock'
OTHER = '/opt/qemu/bin/qemu-system-x86_64'


def documented(tap, lines):
    """While the domain 'first' exists."""
    result = in_session('inside', 'sh', '-c', 'systemctl --user enable --now virtemulatedpcid.socket && '
                        'virsh -c emulatedpci:///session list --all')
    tap.ok(result, "deployment: a user's own daemon and libvirtd", result)

    run('systemd-run', '--unit=check-vm-listen', '/usr/sbin/virtemulatedpcid', '--listen', SOCKET, '--listen-ro', SOCKET + '-ro')
    wait(lambda: os.path.exists(SOCKET), 60)
    result = virsh('dumpxml', 'first', uri=LIBVIRTD)
    tap.ok('<emulatedpci' in result.text, 'deployment: the daemon serves qemu:///system', result, journal('-u', 'check-vm-listen'))
    run('systemctl', 'stop', 'check-vm-listen')
    tap.ok(not os.path.exists(SOCKET), 'deployment: its socket is gone')

    os.makedirs(os.path.dirname(OTHER), exist_ok=True)
    shutil.copy('/usr/bin/qemu-system-x86_64', OTHER)
    result = run(LIBEXEC + '/emulatedpci-launcher', '--add', OTHER)
    tap.ok(result and len(os.listdir(LIBEXEC + '/launch')) > 9, 'deployment: a link for another QEMU', result,
           os.listdir(LIBEXEC + '/launch'))
    shutil.rmtree('/opt/qemu')
    lines.none(tap, 'deployment')


def hook(tap, lines):
    """libvirtd runs a hook that needs the element."""
    os.makedirs(os.path.dirname(HOOK), exist_ok=True)
    write(HOOK, '#!/bin/sh\nvirt-emulatedpci lift - > /run/check-vm-hook.$2\n')
    os.chmod(HOOK, 0o755)
    run('systemctl', 'restart', 'libvirtd.service')
    tap.ok(define('hook', '0xc007'), 'hook: a domain is defined')
    start(tap, 'hook', 'hook')
    text = read('/run/check-vm-hook.start')
    tap.ok("<emulatedpci devicename='hook-device'" in text, 'hook: it finds the element', text)
    discard('hook')
    os.unlink(HOOK)
    run('systemctl', 'restart', 'libvirtd.service')
    tap.ok(wait(lambda: not processes(LIBEXEC + '/pci-emulator')), 'hook: the emulator has ended')
    lines.none(tap, 'hook')
