"""vm_live.py: live attach and devices of vfio-user servers under AppArmor

SPDX-License-Identifier: LGPL-2.1-or-later
"""

import os
import subprocess

from vmlib import (LIBEXEC, confinement, define, discard, domain_rules, guest_sees, journal, processes, qemu_pid, run,
                   start, uuid, virsh, wait, write)

SERVER = '/check-vm/checksum-engine'
DIRECTORY = '/run/check-vm'
SOCKET = DIRECTORY + '/checksum.sock'

MEMORY = "<memoryBacking><source type='memfd'/><access mode='shared'/></memoryBacking>"

DEVICE = '''<emulatedpci devicename='live-device'>
  <alias name='ua-live'/>
  <config vendorid='0x5853' deviceid='0xc008' classcode='0xff8000'/>
</emulatedpci>
'''


def attach(tap, lines):
    """Attaches a device live. It is not detached: the guest has no operating system that could release it."""
    tap.ok(define('live', '0xc009'), 'live: a domain is defined')
    if not start(tap, 'live', 'live'):
        return
    profile = 'libvirt-%s (enforce)' % uuid('live')
    relays = processes(LIBEXEC + '/emulatedpci-monitor')
    tap.ok(relays and all(confinement(pid) == profile for pid in relays),
           "live: the monitor's relay runs under the domain's profile", [confinement(pid) for pid in relays])
    path = '/tmp/live-device.xml'
    write(path, DEVICE)
    result = virsh('attach-device', 'live', path, '--live')
    tap.ok(result, 'live: a device is attached', result, journal('-n', '30'))
    text = virsh('dumpxml', 'live').text
    tap.equal(text.count('<emulatedpci '), 2, 'live: dumpxml shows both devices')
    tap.ok(guest_sees('live'), 'live: both devices are there', qemu_pid('live'))

    result = run('systemctl', 'restart', 'libvirtd.service')
    tap.ok(result, 'live: libvirtd restarts', result)
    result = wait(lambda: virsh('dumpxml', 'live'))
    tap.ok(result and result.text.count('<emulatedpci ') == 2, 'live: both devices are still shown', result)
    discard('live')
    tap.ok(wait(lambda: not processes(LIBEXEC + '/emulatedpci-monitor') and not processes(LIBEXEC + '/pci-emulator')),
           'live: all processes end with the domain')
    lines.none(tap, 'live')


def server(tap, lines):
    """Starts a domain with <driver socket>, with the permissions and the rule of docs/deployment.md."""
    os.makedirs(DIRECTORY, exist_ok=True)
    os.chmod(DIRECTORY, 0o755)
    with subprocess.Popen([SERVER, '--socket=' + SOCKET]) as process:
        try:
            connect(tap, lines)
        finally:
            process.terminate()
    discard('server')


def connect(tap, lines):
    """Each missing permission causes an error. The domain starts with all of them."""
    wait(lambda: os.path.exists(SOCKET), 60)
    result = define('server', '0xc00a', "<driver socket='%s'/>" % SOCKET, MEMORY)
    if 'vfio-user-pci' not in run('qemu-system-x86_64', '-device', 'help').text:
        tap.ok(not result and 'QEMU 10.1 or newer is required' in result.text,
               'socket: the error names the QEMU version that is required', result)
        return
    tap.ok(result, 'socket: a domain is defined', result)

    os.chmod(SOCKET, 0o600)
    result = virsh('start', 'server')
    tap.ok(not result and SOCKET in result.text and 'ermission' in result.text,
           "socket: the error names a socket that QEMU's user cannot write to", result)
    lines.new()

    run('chown', 'root:libvirt-qemu', SOCKET)
    os.chmod(SOCKET, 0o660)
    # Some kernels, such as Debian's, do not mediate connect() to a socket with a path.
    result = virsh('start', 'server')
    if result:
        tap.ok(guest_sees('server'), 'socket: AppArmor does not mediate the connection here, and the guest has the device')
        virsh('destroy', 'server')
        lines.none(tap, 'socket, without a rule')
    else:
        wait(lambda: any(SOCKET in line for line in lines.peek()), 20)
        text = lines.new()
        tap.ok(any(SOCKET in line for line in text), 'socket: without a rule, AppArmor denies it', result, *text)
        tap.ok(SOCKET in result.text and 'confinement' in result.text, 'socket: the error names the socket and the confinement',
               result)

    with domain_rules('  %s rw,\n' % SOCKET):
        if start(tap, 'server', 'socket'):
            result = run('virt-emulatedpci', 'check', 'server')
            tap.ok(result, 'socket: virt-emulatedpci check finds no fault', result)
            result = virsh('save', 'server', '/tmp/server.save')
            tap.ok(not result and "'socket' of <driver>" in result.text, 'socket: saving the domain is refused', result)
            tap.ok(guest_sees('server'), 'socket: the guest still has the device', qemu_pid('server'))
        virsh('destroy', 'server')
    lines.none(tap, 'socket, with a rule')
