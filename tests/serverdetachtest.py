#!/usr/bin/env python3
# serverdetachtest.py: virsh detach-device takes the devices of servers out of a running Linux guest
#
# QEMU 11.1 aborts when it unplugs a device with MSI-X (serverunplugtest.py). emulatedpci-monitor
# asks QEMU about each device, and does not let it unplug such a device, be it of a server or of an
# emulator of one's own (examples/checksum-engine), with virtemulatedpcid or without it.
#
# SPDX-License-Identifier: LGPL-2.1-or-later

import os
import signal
import socket

from attachtest import Guest
from clientutil import start_host
from daemonstack import DaemonStack
from emulatedpcistack import Tap, guest_kernel, initramfs, needs, needs_transport, run_tests
from qemutransports import VFIO_USER
from vfiouserserver import INTX, MSI, MSIX, Device, Server

VENDOR = 0x1234
SERVERS = {
    'intx': (0xc501, Device((0,), (INTX,))),
    'msi': (0xc502, Device((0, 1), (INTX, MSI))),
    'last': (0xc503, Device((), (INTX,))),
    'msix': (0xc504, Device((0, 1), (INTX, MSIX))),
    'alone': (0xc505, Device()),
}
MODEL = 0xc506
REFUSAL = 'QEMU may abort when it unplugs this device, because the device has MSI-X; use --config'


def server_xml(stack, name, more=''):
    return "<emulatedpci devicename='%s'>%s<driver socket='%s'/></emulatedpci>\n" % (name, more, stack.path('tmp/%s.sock' % name))


def device_xml(stack, name):
    return server_xml(stack, name, "<config deviceid='0x%x'/>" % SERVERS[name][0]).replace(
        '</emulatedpci>', "<alias name='ua-%s'/></emulatedpci>" % name)


def has(guest, device):
    return (VENDOR, device) in guest.devices()


def virsh(stack, *args, direct=False):
    return stack.run(['virsh', '-q', '-c', stack.direct_uri if direct else stack.uri] + list(args), check=False)


def try_refused(tap, stack, guest):
    """Devices with MSI-X stay in the guest, and QEMU runs on."""
    before = guest.xml(), guest.xml('--inactive')
    path = stack.write('tmp/detach.xml', server_xml(stack, 'msix'))
    for what, args, direct in (
            ('detach-device --live', ('detach-device', guest.name, path, '--live'), False),
            ('detach-device --live --config', ('detach-device', guest.name, path, '--live', '--config'), False),
            ('detach-device-alias', ('detach-device-alias', guest.name, 'ua-msix'), False),
            ('detach-device-alias of a model', ('detach-device-alias', guest.name, 'ua-model', '--live'), False),
            ('detach-device-alias without the daemon', ('detach-device-alias', guest.name, 'ua-msix'), True)):
        done = virsh(stack, *args, direct=direct)
        tap.ok(done.returncode == 1 and REFUSAL in done.stderr, '%s is refused because of MSI-X' % what, done, guest.log())
    tap.equal((guest.xml(), guest.xml('--inactive')), before, 'and nothing has changed')
    tap.ok(has(guest, SERVERS['msix'][0]) and has(guest, MODEL), 'the guest has its devices', guest.devices().keys())
    tap.equal(stack.virsh('domstate', guest.name).strip(), 'running', 'and runs on')


def try_detach(tap, stack, guest, events):
    """Devices without MSI-X are detached."""
    path = stack.write('tmp/detach.xml', server_xml(stack, 'intx'))
    for name, args, config in (('intx', ('detach-device', guest.name, path, '--live', '--config'), False),
                               ('msi', ('detach-device-alias', guest.name, 'ua-msi'), True)):
        done = virsh(stack, *args)
        tap.ok(done.returncode == 0, '%s: %s' % (name, args[0]), done, guest.log())
        stack.wait_for(lambda: not has(guest, SERVERS[name][0]), 'the guest lets go of the device')
        stack.wait_for(lambda: 'ua-' + name not in guest.aliases(), 'libvirt has let go of it')
        if events:
            stack.wait_for(lambda: "'device-removed' for domain '%s': ua-%s\n" % (guest.name, name) in stack.read(events),
                           'the event comes')
        tap.equal('ua-' + name in guest.aliases('--inactive'), config, '%s: and it is gone, %s' %
                  (name, 'until the next start' if config else 'also with --inactive'))
    tap.equal(stack.virsh('domstate', guest.name).strip(), 'running', 'the guest runs on')


def try_without_guard(tap, stack, guest):
    """The relay has no guard any more, but its worker goes on."""
    guards = []
    for pid, _ in stack.processes('emulatedpci-monitor'):
        with open('/proc/%d/status' % pid, encoding='ascii') as file:
            if 'Seccomp:\t2\n' not in file.read():
                guards.append(pid)
    for number in signal.SIGSTOP, signal.SIGKILL:
        for pid in guards:
            os.kill(pid, number)
    stack.wait_for(lambda: len(stack.processes('emulatedpci-monitor')) <= 1, 'both guards have ended')
    done = virsh(stack, 'detach-device-alias', guest.name, 'ua-msix', '--live')
    tap.ok(done.returncode == 1 and REFUSAL in done.stderr, 'a worker without a guard refuses what has MSI-X', done)
    done = virsh(stack, 'detach-device-alias', guest.name, 'ua-last', '--live')
    tap.ok(done.returncode == 0, 'and lets QEMU unplug what has none', done)
    stack.wait_for(lambda: 'ua-last' not in guest.aliases(), 'libvirt has let go of it')


def try_without_relay(tap, stack, guest):
    """A domain without a relay, and one whose relay is of an older version."""
    program = stack.path('libexec/emulatedpci-monitor')
    os.rename(program, program + '.away')
    stack.virsh('start', '--paused', guest.name)
    os.rename(program + '.away', program)
    before = guest.xml()
    detach = ('detach-device-alias', guest.name, 'ua-alone')
    done = virsh(stack, *detach, '--live')
    tap.ok(done.returncode == 1 and "'ua-alone' cannot be detached" in done.stderr and
           'the domain has no emulatedpci-monitor' in done.stderr, 'without a relay, a detach is refused', done)
    with socket.socket(socket.AF_UNIX) as marker:
        marker.bind('\0emulatedpci-monitor/%s/%d' % (stack.virsh('domuuid', guest.name).strip(), os.getpid()))
        done = virsh(stack, *detach, '--live', '--config')
        tap.ok(done.returncode == 1 and "'ua-alone' cannot be detached" in done.stderr and
               'an older version' in done.stderr, 'and with an older relay', done)
    tap.equal(guest.xml(), before, 'and nothing has changed')
    done = virsh(stack, *detach, '--config')
    tap.ok(done.returncode == 0 and guest.aliases() == ['ua-alone'] and guest.aliases('--inactive') == [],
           'but not with --config', done)
    stack.virsh('destroy', guest.name)


def main(tap):
    needs('libvirtd', 'virsh', 'qemu-system-x86_64')
    kernel, reason = guest_kernel()
    if not kernel:
        Tap.skip_all(reason)
    if needs_transport() != VFIO_USER:
        Tap.skip_all('QEMU has no vfio-user-pci here')
    with DaemonStack() as stack:
        start_host(stack, '44444444-4444-4444-8444-444444444444')
        stack.copy(kernel, 'guest/vmlinuz', 0o644)
        stack.write('guest/initrd', initramfs(os.path.join(stack.build, 'tests/guest/init')))
        engine = stack.copy(os.path.join(stack.build, 'examples/checksum-engine/checksum-engine'), 'libexec/checksum-engine')
        events = stack.start_events('log/events.log') and 'log/events.log'
        servers = []
        for name, (_, device) in SERVERS.items():
            path = stack.path('tmp/%s.sock' % name)
            servers.append(Server(path, device=device))
            os.chmod(path, 0o777)
        guest = Guest(tap, stack, 'pc', 'pc', ''.join(device_xml(stack, name) for name in SERVERS if name != 'alone') +
                      "<emulatedpci devicename='model'><config vendorid='0x%x' deviceid='0x%x'/><driver model='%s' version='vfio-user'/>"
                      "<alias name='ua-model'/></emulatedpci>\n" % (VENDOR, MODEL, engine))
        guest.start()
        tap.ok(all(has(guest, SERVERS[name][0]) for name in SERVERS if name != 'alone') and has(guest, MODEL),
               'the guest has all devices', guest.devices().keys())
        try_refused(tap, stack, guest)
        try_detach(tap, stack, guest, events)
        try_refused(tap, stack, guest)
        try_without_guard(tap, stack, guest)
        stack.virsh('destroy', 'pc')
        try_without_relay(tap, stack, Guest(tap, stack, 'alone', 'pc', device_xml(stack, 'alone')))
        for name in 'pc', 'alone':
            stack.virsh('undefine', name)
        for server in servers:
            server.close()
        tap.equal(stack.close(), [], 'everything ended by itself')


run_tests(main)
