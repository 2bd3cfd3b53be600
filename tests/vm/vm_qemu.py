"""vm_qemu.py: a QEMU that is replaced, by rename and by dpkg

SPDX-License-Identifier: LGPL-2.1-or-later
"""

import glob
import os
import shutil

from vmlib import LIBEXEC, define, discard, journal, run, start, wait

QEMU = '/usr/bin/qemu-system-x86_64'
LINK = LIBEXEC + '/launch/qemu-system-x86_64'
TURNS = 5


def link_time():
    """libvirt probes a QEMU again if the modification time of its launcher has changed."""
    return os.stat(LINK).st_ctime_ns


def replaced(tap, lines):
    for turn in range(1, TURNS + 1):
        before = link_time()
        shutil.copy2(QEMU, QEMU + '.new')
        os.rename(QEMU + '.new', QEMU)
        tap.ok(wait(lambda old=before: link_time() != old, 60), 'replaced by rename, %d: libvirt will ask it again' % turn,
               journal('-u', 'emulatedpci-launcher-refresh.*', '-n', '20'))

    before = link_time()
    result = run('dpkg', '-i', *glob.glob('/check-vm/qemu/qemu-system-x86_*.deb'))
    tap.ok(result, 'dpkg -i of the same QEMU', result)
    tap.ok(wait(lambda: link_time() != before, 60), 'replaced by dpkg: libvirt will ask it again')
    wait(lambda: run('systemctl', 'is-active', 'emulatedpci-launcher-refresh.service').text.strip() == 'inactive')
    tap.equal(run('systemctl', 'show', '--value', '-p', 'Result', 'emulatedpci-launcher-refresh.service').text.strip(),
              'success', 'the unit has not failed')
    tap.ok(define('after', '0xc005'), 'a domain is defined afterwards')
    start(tap, 'after', 'replaced')
    discard('after')
    lines.none(tap, 'replaced')
