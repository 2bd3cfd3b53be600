#!/usr/bin/env python3
# unitstest.py: the systemd units, checked by systemd
#
# SPDX-License-Identifier: LGPL-2.1-or-later

import glob
import os
import re
import shutil
import subprocess
import tempfile

from emulatedpcistack import needs, run_tests

BUILD = os.environ['abs_top_builddir']
PROGRAMS = {'virtemulatedpcid': 'src/daemon', 'emulatedpci-launcher': 'src/launcher', 'pci-emulator': 'src/emulator'}


def verify(directory, unit, *options):
    """Returns the messages of systemd about UNIT in DIRECTORY."""
    done = subprocess.run(['systemd-analyze', 'verify', '--man=no', *options, unit], cwd=directory, check=False,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          env=dict(os.environ, SYSTEMD_UNIT_PATH=directory + ':', XDG_RUNTIME_DIR=directory))
    return [line for line in done.stdout.splitlines() if os.path.basename(unit) in line]


def units(directory, kind):
    """Copies the units of KIND to DIRECTORY, with the paths of the built programs."""
    os.mkdir(directory)
    for path in glob.glob(os.path.join(BUILD, 'packaging/systemd', kind, '*.*')):
        if not path.endswith(('.service', '.socket', '.path')):
            continue
        with open(path, encoding='utf-8') as file:
            text = re.sub(r'^(Exec\w+=)/\S*/([-\w]+)', lambda match: match.group(1) + (
                os.path.join(BUILD, PROGRAMS[match.group(2)], match.group(2))
                if match.group(2) in PROGRAMS else '/bin/' + match.group(2)), file.read(), flags=re.M)
        # A template is verified by one of its instances.
        name = os.path.basename(path).replace('@.', '@nobody.')
        with open(os.path.join(directory, name), 'w', encoding='utf-8') as file:
            file.write(text)
    return sorted(os.listdir(directory))


def exposure(tap, directory):
    """Returns the result of `systemd-analyze security` for the system's daemon: from 0, confined,
    to 10."""
    done = subprocess.run(['systemd-analyze', 'security', '--offline=true', '--no-pager', '--threshold=39',
                           'virtemulatedpcid.service'], cwd=directory, check=False, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, env=dict(os.environ, SYSTEMD_UNIT_PATH=directory + ':'))
    found = re.search(r'Overall exposure level.*: ([0-9.]+)', done.stdout)
    if not found:
        tap.skip('exposure', 'this systemd-analyze has no security --offline: %s' % done.stdout.strip())
        return
    tap.ok(done.returncode == 0 and float(found[1]) < 4, 'the daemon is confined: exposure %s' % found[1], done.stdout)
    with open(os.path.join(directory, 'virtemulatedpcid.service'), encoding='utf-8') as file:
        text = file.read()
    for setting in ('MemoryMax', 'TasksMax', 'OOMPolicy'):
        tap.ok(re.search('^%s=.' % setting, text, re.M), setting)
    for line in done.stdout.splitlines():
        left = re.match('✗ ([A-Za-z]+=)', line)
        if left:
            tap.ok(left[1] in text, '%s is not as strict as it could be, which is explained' % left[1], line)


def test(tap):
    top = tempfile.mkdtemp(prefix='unitstest-')
    try:
        for kind, options in (('', ()), ('user', ('--user',))):
            directory = os.path.join(top, kind or 'system')
            names = units(directory, kind)
            tap.ok(len(names) == (2 if kind else 7), 'units: %s' % ' '.join(names))
            for name in names:
                said = verify(directory, os.path.join(directory, name), *options)
                tap.equal(said, [], '%s: systemd has no complaint' % name)
        exposure(tap, os.path.join(top, 'system'))
        with open(os.path.join(top, 'system', 'broken.service'), 'w', encoding='utf-8') as file:
            file.write('[Service]\nExecStart=/no/such/program\nProtectEverything=yes\n')
        tap.equal(len(verify(os.path.join(top, 'system'), os.path.join(top, 'system', 'broken.service'))) >= 2, True,
                  'it would complain')
    finally:
        shutil.rmtree(top)


needs('systemd-analyze')
run_tests(test)
