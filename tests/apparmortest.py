#!/usr/bin/env python3
# apparmortest.py: configure-apparmor, on directories as Debian 12 and Debian 13 have them
#
# Tests that the rules are inserted at the right place, that the rest of a profile is unchanged, and
# that "remove" removes all of them. The profiles are short and have the includes of the
# distribution's profiles.
#
# SPDX-License-Identifier: LGPL-2.1-or-later

import os
import subprocess
import sys
import tempfile

from emulatedpcistack import run_tests

BUILD = os.environ['abs_top_builddir']
PROGRAM = os.path.join(BUILD, 'packaging/apparmor/configure-apparmor')
ABSTRACTION = 'abstractions/libvirt-qemu'
DROP_IN = 'abstractions/libvirt-qemu.d/libvirt-emulatedpci'
LOCAL = 'local/abstractions/libvirt-qemu'
LIBVIRTD = 'local/usr.sbin.libvirtd'

DEBIAN_12 = {ABSTRACTION: '  # include <abstractions/base>\n  #include <local/abstractions/libvirt-qemu>\n',
             'usr.sbin.libvirtd': 'profile libvirtd {}\n', 'local/README': 'read me\n'}
DEBIAN_13 = dict(DEBIAN_12, **{
    ABSTRACTION: '  include if exists <abstractions/libvirt-qemu.d>\n  include if exists <local/abstractions/libvirt-qemu>\n',
    'usr.sbin.virtqemud': 'profile virtqemud {}\n', 'abi/4.0': 'features\n'})


def read(path):
    with open(path, encoding='utf-8') as file:
        return file.read()


def tree(root):
    return {os.path.relpath(os.path.join(directory, name), root): read(os.path.join(directory, name))
            for directory, _, names in os.walk(root) for name in names}


def configure(root, *args):
    done = subprocess.run([PROGRAM, *args], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False,
                          env=dict(os.environ, APPARMOR_ETC=root, APPARMOR_RULES=os.path.join(BUILD, 'packaging/apparmor')))
    return done.returncode, done.stdout


def check(tap, name, files, expected):
    """EXPECTED: the files that contain the rules after "add"."""
    with tempfile.TemporaryDirectory(prefix='emulatedpci-apparmor-', dir='/tmp') as root:
        for path, text in files.items():
            os.makedirs(os.path.dirname(os.path.join(root, path)), exist_ok=True)
            with open(os.path.join(root, path), 'w', encoding='utf-8') as file:
                file.write(text)
        for turn in ('add', 'add again'):
            tap.equal(configure(root, 'add'), (0, ''), '%s: %s' % (name, turn))
            after = tree(root)
            tap.equal(sorted(path for path in after if 'libvirt-emulatedpci/' in after[path]), sorted(expected),
                      '%s: %s: the rules are where they are read' % (name, turn))
            tap.ok(all(after[path].startswith(text) for path, text in files.items()),
                   '%s: %s: what was there before stays' % (name, turn), after)
            tap.ok(all(text.count('emulatedpci-launcher ') == 1 for path, text in after.items() if path in expected),
                   '%s: %s: once' % (name, turn), after)
            tap.equal([path for path, text in after.items() if '    userns,\n' in text],
                      [path for path in expected if 'libvirt-qemu' in path and 'abi/4.0' in files],
                      '%s: %s: the rule "userns," is there if AppArmor knows it' % (name, turn))
        tap.equal(configure(root, 'remove'), (0, ''), name + ': remove')
        tap.equal(tree(root), files, name + ': nothing is left')
        tap.equal(configure(root, 'remove'), (0, ''), name + ': remove again')
        tap.equal(tree(root), files, name + ': nothing is changed')


def main(tap):
    check(tap, 'Debian 12', DEBIAN_12, [LOCAL, LIBVIRTD])
    check(tap, 'Debian 13', DEBIAN_13, [DROP_IN, LIBVIRTD, 'local/usr.sbin.virtqemud'])
    check(tap, 'Debian 12, with additions of the administrator',
          dict(DEBIAN_12, **{LOCAL: '  /opt/qemu rmix,\n', LIBVIRTD: ''}), [LOCAL, LIBVIRTD])
    check(tap, 'without libvirt', {'local/README': 'read me\n'}, [])
    with tempfile.TemporaryDirectory(prefix='emulatedpci-apparmor-', dir='/tmp') as root:
        status, text = configure(root, 'install')
        tap.ok(status == 2 and 'usage: configure-apparmor add|remove' in text, 'a wrong argument', status, text)

    # The rules are in another file in the next release.
    with tempfile.TemporaryDirectory(prefix='emulatedpci-apparmor-', dir='/tmp') as root:
        os.makedirs(os.path.join(root, 'abstractions'))
        for files, expected in ((DEBIAN_12, LOCAL), (DEBIAN_13, DROP_IN), (DEBIAN_12, LOCAL)):
            with open(os.path.join(root, ABSTRACTION), 'w', encoding='utf-8') as file:
                file.write(files[ABSTRACTION])
            configure(root, 'add')
            after = tree(root)
            tap.equal([path for path in after if 'libvirt-emulatedpci/' in after[path]], [expected],
                      'after an upgrade of libvirt, the rules are in ' + expected)


if __name__ == '__main__':
    sys.exit(run_tests(main))
