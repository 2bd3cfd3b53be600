"""vm_boot.py: the host shuts down with a guest, and boots again

SPDX-License-Identifier: LGPL-2.1-or-later
"""

from vmlib import LIBVIRTD, define, guest_sees, journal, qemu_pid, read, run, start, unit, virsh, wait, write

CLIENT = '/etc/libvirt/libvirt.conf'
GUESTS = '/etc/default/libvirt-guests'


def before(tap):
    """The settings of docs/deployment.md, and a domain that starts with the host."""
    write(CLIENT, 'uri_aliases = [\n'
                  '  "epci=qemu+unix:///system?socket=/run/libvirt/virtemulatedpcid-sock",\n'
                  ']\nuri_default = "epci"\n')
    write(GUESTS, 'URIS=qemu:///system\nON_SHUTDOWN=shutdown\nSHUTDOWN_TIMEOUT=120\n')
    tap.ok(define('auto', '0xc006'), 'boot: a domain is defined')
    result = run('virsh', 'autostart', 'auto')
    tap.ok(result, 'boot: with autostart, through the default URI of docs/deployment.md', result)
    start(tap, 'auto', 'boot')
    write('/var/lib/check-vm-boot', read('/proc/sys/kernel/random/boot_id'))
    tap.ok(unit('libvirt-guests.service') == 'active' or run('systemctl', 'start', 'libvirt-guests.service'),
           'boot: libvirt-guests is active')


def rebooted(tap, lines):
    """The checks after the second boot."""
    tap.ok(read('/var/lib/check-vm-boot') != read('/proc/sys/kernel/random/boot_id'), 'boot: the machine was booted anew')
    for name in 'virtemulatedpcid.socket', 'virtemulatedpcid-ro.socket', 'emulatedpci-launcher-refresh.path':
        tap.equal(unit(name), 'active', 'boot: %s is active' % name)
    tap.ok(wait(lambda: virsh('domstate', 'auto', uri=LIBVIRTD).text.strip() == 'running'),
           'boot: the domain with autostart runs', virsh('domstate', 'auto', uri=LIBVIRTD), journal('-b', '-u', 'libvirtd'))
    # systemd stops libvirtd when the last domain has ended. libvirt-guests can then fail to query the state
    # of the domain. Therefore the log of the domain is checked. libvirtd kills QEMU when its guest has shut down.
    text = journal('-b', '-1', '-u', 'libvirt-guests')
    tap.ok('Starting shutdown on guest: auto' in text, 'boot: libvirt-guests has asked the guest to shut down', text)
    text = read('/var/log/libvirt/qemu/auto.log')
    last = text[:text.rfind('starting up')].splitlines()[-5:]
    tap.ok(any('shutting down, reason=shutdown' in line for line in last) and
           not any('terminating on signal' in line and 'libvirtd)' not in line for line in last),
           'boot: the guest has shut down, and systemd has not killed it',
           *last, journal('-b', '-1', '-n', '200', '-o', 'short-monotonic'))
    tap.ok(guest_sees('auto'), 'boot: the guest has its device', qemu_pid('auto'))
    result = run('virsh', 'dumpxml', 'auto')
    tap.ok('<emulatedpci' in result.text, 'boot: the default URI is our daemon', result)
    lines.none(tap, 'boot')
    result = run('virsh', 'shutdown', 'auto')
    tap.ok(wait(lambda: virsh('domstate', 'auto').text.strip() == 'shut off'), 'boot: the guest reacts to shutdown', result)
    virsh('undefine', 'auto')
    write(CLIENT, '')
