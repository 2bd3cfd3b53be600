"""vm_use.py: the packages, AppArmor, users and units

SPDX-License-Identifier: LGPL-2.1-or-later
"""

import glob
import os
import signal

from vmlib import (LIBEXEC, LIBVIRTD, OURS, confinement, define, discard, guest_sees, journal, processes, qemu_pid,
                   read, run, start, unit, uuid, virsh, wait, write)

DEFAULTS = '/etc/default/virtemulatedpcid'
RULE = '/etc/polkit-1/rules.d/50-check-vm.rules'


def packages(tap, lines):
    """A domain is defined and started with only the packages installed."""
    profiles = read('/sys/kernel/security/apparmor/profiles')
    tap.ok('libvirtd (enforce)' in profiles, 'AppArmor enforces the profile of libvirtd', profiles)
    result = run('apt-get', '-q', '-y', 'install', *glob.glob('/check-vm/debs/*.deb'))
    if not tap.ok(result, 'the packages are installed', result):
        raise RuntimeError('nothing to test')
    for name in 'virtemulatedpcid.socket', 'virtemulatedpcid-ro.socket', 'emulatedpci-launcher-refresh.path':
        tap.equal((unit(name), unit(name, 'UnitFileState')), ('active', 'enabled'), name + ' is active and enabled')
    tap.equal(unit('virtemulatedpcid.service'), 'inactive', 'the daemon does not run before it is used')

    result = define('first', '0xc001')
    tap.ok(result, 'a domain is defined', result, journal('-u', 'virtemulatedpcid'))
    tap.equal(unit('virtemulatedpcid.service'), 'active', 'the daemon was started by its socket')
    start(tap, 'first', 'a domain')
    text = virsh('dumpxml', 'first').text
    tap.ok("<emulatedpci devicename='first-device'>" in text and "<address type='pci'" in
           text[text.find('<emulatedpci'):text.find('</emulatedpci>')], 'dumpxml shows the element and its address', text)

    profile = 'libvirt-%s (enforce)' % uuid('first')
    tap.equal(confinement(qemu_pid('first')), profile, "QEMU runs under the domain's profile")
    emulators = processes(LIBEXEC + '/pci-emulator')
    tap.ok(emulators and all(confinement(pid) == profile for pid in emulators),
           "so does the emulator", [confinement(pid) for pid in emulators])
    lines.none(tap, 'a domain')


def worker(tap, lines):
    """A worker that is killed is replaced; the device of the guest continues to work."""
    text = run('virt-emulatedpci', 'emulators').text
    before = processes(LIBEXEC + '/pci-emulator')
    if tap.ok(len(before) == 2, 'the emulator is a guard and a worker', before, text):
        os.kill(max(before), signal.SIGKILL)
        tap.ok(wait(lambda: len(processes(LIBEXEC + '/pci-emulator')) == 2 and
                    processes(LIBEXEC + '/pci-emulator') != before), 'a worker that was killed is replaced')
        tap.ok(guest_sees('first'), 'the guest still has the device')
    result = run('virt-emulatedpci', 'check', 'first')
    tap.ok(result, 'virt-emulatedpci check finds no fault', result)
    virsh('destroy', 'first')
    tap.ok(wait(lambda: not processes(LIBEXEC + '/pci-emulator')), 'the emulator ends with the domain')
    lines.none(tap, 'a worker that is killed')


def users(tap, lines):
    """libvirtd checks the rights of clients, as it does for its own socket."""
    start(tap, 'first', 'users: a domain')
    run('useradd', '--create-home', '--groups', 'libvirt', 'inside')
    run('useradd', '--create-home', 'outside')
    result = virsh('dumpxml', 'first', user='inside')
    tap.ok('<emulatedpci' in result.text, 'a member of group libvirt can use the daemon', result)
    result = virsh('destroy', 'first', user='inside')
    tap.ok(result, 'and stop a domain', result)
    result = virsh('start', 'first', user='inside')
    tap.ok(result, 'and start it', result, journal('-n', '30'))

    direct, through = (virsh('list', uri=uri, user='outside') for uri in (LIBVIRTD, OURS))
    tap.ok(not through and 'authentication' in through.text, 'a user outside the group is not authenticated', through)
    tap.equal(through.text, direct.text, "with libvirtd's own message")
    result = virsh('--readonly', 'list', user='outside')
    tap.ok('first' in result.text, 'such a user can read', result)

    write(RULE, 'polkit.addRule(function(action, subject) {\n'
                '    if (action.id == "org.libvirt.unix.manage" && subject.user == "outside")\n'
                '        return polkit.Result.YES;\n});\n')
    tap.ok(wait(lambda: virsh('list', uri=LIBVIRTD, user='outside'), 60), 'a rule of polkit allows the user libvirtd')
    result = virsh('dumpxml', 'first', user='outside')
    tap.ok('<emulatedpci' in result.text, 'and our daemon as well', result)
    os.unlink(RULE)
    tap.ok(wait(lambda: not virsh('list', uri=LIBVIRTD, user='outside'), 60), 'without the rule, libvirtd refuses again')
    result = virsh('list', user='outside')
    tap.ok(not result, 'and our daemon as well', result)
    lines.none(tap, 'users')


def units(tap, lines):
    """The daemon ends when it has nothing to do, and is started again; libvirtd restarts."""
    write(DEFAULTS, 'VIRTEMULATEDPCID_ARGS="--timeout 3"\n')
    run('systemctl', 'restart', 'virtemulatedpcid.service')
    virsh('list')
    tap.ok(wait(lambda: unit('virtemulatedpcid.service') == 'inactive'), 'the daemon ends when it is idle',
           journal('-u', 'virtemulatedpcid', '-n', '20'))
    tap.equal(unit('virtemulatedpcid.service', 'Result'), 'success', 'without a failure')
    tap.equal(unit('virtemulatedpcid.socket'), 'active', 'its socket stays')
    tap.equal(virsh('domstate', 'first', uri=LIBVIRTD).text.strip(), 'running', 'the guest runs on without the daemon')
    result = virsh('dumpxml', 'first')
    tap.ok('<emulatedpci' in result.text, 'the daemon is started again', result)
    os.unlink(DEFAULTS)
    run('systemctl', 'restart', 'virtemulatedpcid.service')

    before = qemu_pid('first')
    result = run('systemctl', 'restart', 'libvirtd.service')
    tap.ok(result, 'libvirtd restarts', result)
    result = wait(lambda: virsh('dumpxml', 'first'))
    tap.ok(result and '<emulatedpci' in result.text, 'the domain is there as before', result)
    tap.equal((virsh('domstate', 'first').text.strip(), qemu_pid('first')), ('running', before), 'and runs on')
    lines.none(tap, 'units')


def upgrade(tap, lines):
    """The packages are installed again: a guest does not notice."""
    before = (qemu_pid('first'), processes(LIBEXEC + '/pci-emulator'))
    result = run('apt-get', '-q', '-y', '--reinstall', 'install', *glob.glob('/check-vm/debs/*.deb'))
    tap.ok(result, 'the packages are installed again', result)
    tap.equal((qemu_pid('first'), processes(LIBEXEC + '/pci-emulator')), before,
              'the running domain has the same processes')
    tap.ok(guest_sees('first'), 'and its device')
    tap.equal(unit('virtemulatedpcid.socket'), 'active', 'the socket is active')
    lines.none(tap, 'an upgrade')
    discard('first')


def purge(tap):
    """Purging the packages removes everything."""
    names = run('dpkg-query', '-f', '${Package}\n', '-W', 'libvirt-emulatedpci*').text.split()
    result = run('apt-get', '-q', '-y', 'purge', *names)
    tap.ok(result, 'the packages are purged', result)
    left = run('find', '/etc', '/usr', '/var/lib', '/run', '(', '-name', '*emulatedpci*', '-o', '-name', 'pci-emulator*',
               ')', '-not', '-path', '/var/lib/dpkg/*', '-not', '-path', '/var/lib/apt/*', '-print').text
    tap.equal(left, '', 'no file is left')
    result = virsh('list', uri=LIBVIRTD)
    tap.ok(result, 'libvirtd works as before', result)
