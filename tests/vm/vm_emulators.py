"""vm_emulators.py: <driver> with stubdomain, model and pid, under AppArmor

SPDX-License-Identifier: LGPL-2.1-or-later
"""

import os
import shutil
import signal

from vmlib import (LIBEXEC, confinement, define, discard, domain_rules, guest_sees, journal, processes, run, start,
                   unit, virsh, wait)

MODEL = '/opt/acme/emulator'
UNIT = 'pci-emulator@libvirt-qemu.service'


def stubdomain(tap, lines):
    """An emulator in separate namespaces, with a separate profile."""
    result = define('stub', '0xc002', "<driver emulator='isolated' stubdomain='yes'/>")
    tap.ok(result, 'stubdomain: a domain is defined', result)
    if not start(tap, 'stub', 'stubdomain'):
        lines.none(tap, 'stubdomain')
        return
    emulators = processes(LIBEXEC + '/pci-emulator')
    labels = [confinement(pid) for pid in emulators]
    tap.ok(labels and all('emulatedpci-stubdomain' in label and label.endswith('(enforce)') for label in labels),
           'stubdomain: the emulator has a profile of its own', *labels)
    result = run('virt-emulatedpci', 'emulators', 'stub')
    tap.ok(result and all(str(pid) in result.text for pid in emulators),
           "stubdomain: virt-emulatedpci emulators shows it, with this machine's process ids", result, emulators)
    result = run('virt-emulatedpci', 'check', 'stub')
    tap.ok(result, 'stubdomain: virt-emulatedpci check finds no fault', result)

    for number, what in ((signal.SIGKILL, 'killed'), (signal.SIGSTOP, 'stopped')):
        before = processes(LIBEXEC + '/pci-emulator')
        os.kill(max(before), number)
        guest_sees('stub')
        tap.ok(wait(lambda old=before: max(old) not in processes(LIBEXEC + '/pci-emulator') and
                    len(processes(LIBEXEC + '/pci-emulator')) == len(old)), 'stubdomain: a worker that is %s is replaced' % what,
               before, processes(LIBEXEC + '/pci-emulator'))
        tap.ok(guest_sees('stub'), 'stubdomain: the guest still has the device')
    discard('stub')
    tap.ok(wait(lambda: not processes(LIBEXEC + '/pci-emulator')), 'stubdomain: the emulator ends with the domain')
    lines.none(tap, 'stubdomain')


def model(tap, lines):
    """A program of the administrator, which an AppArmor rule must allow."""
    os.makedirs(os.path.dirname(MODEL), exist_ok=True)
    shutil.copy(LIBEXEC + '/pci-emulator', MODEL)
    tap.ok(define('model', '0xc003', "<driver emulator='acme' model='%s'/>" % MODEL), 'model: a domain is defined')
    result = virsh('start', 'model')
    wait(lambda: any(MODEL in line for line in lines.peek()), 20)
    text = lines.new()
    tap.ok(not result and any(MODEL in line for line in text), 'model: without a rule, AppArmor denies it', result, *text)
    tap.ok(MODEL in result.text, 'model: the error names the program', result)

    with domain_rules('  %s rmix,\n' % MODEL):
        if start(tap, 'model', 'model'):
            tap.ok(processes(MODEL), 'model: that program serves the device')
        discard('model')
    lines.none(tap, 'model, with a rule')


def attached(tap, lines):
    """An emulator that runs as a separate unit, and is restarted while a domain uses it."""
    result = run('systemctl', 'start', UNIT)
    tap.ok(result, 'pid: the unit starts', result, journal('-u', UNIT))
    pid = unit(UNIT, 'MainPID')
    tap.ok(define('pid', '0xc004', "<driver pid='%s'/>" % pid), 'pid: a domain is defined')
    if not start(tap, 'pid', 'pid'):
        return
    before = set(processes(LIBEXEC + '/pci-emulator')) - {int(pid)}
    result = run('systemctl', 'restart', UNIT)
    tap.ok(result, 'pid: the unit restarts under the domain', result)
    tap.ok(before and before <= set(processes(LIBEXEC + '/pci-emulator')), "pid: the domain's process stays")
    tap.ok(guest_sees('pid'), 'pid: the guest still has the device')
    text = journal('-b', '-u', UNIT)
    tap.ok('left-over' not in text.lower(), 'pid: systemd finds no left-over process', text)
    discard('pid')
    tap.ok(wait(lambda: not before & set(processes(LIBEXEC + '/pci-emulator'))), "pid: it ends with the domain")
    run('systemctl', 'stop', UNIT)
    tap.ok(wait(lambda: not processes(LIBEXEC + '/pci-emulator')), 'pid: no process is left', unit(UNIT))
    lines.none(tap, 'pid')
