#!/usr/bin/env python3
# clientvirtinsttest.py: virt-install and virt-xml through virtemulatedpcid
#
# Both programs do not know <emulatedpci>: they keep the element, and their option --xml can
# change it.
#
# SPDX-License-Identifier: LGPL-2.1-or-later

import shutil

from clientutil import DEVICE
from daemonstack import DaemonStack
from emulatedpcistack import PATH, Tap, emulated_devices, needs, run_tests

NEW = ['virt-install', '--virt-type', 'qemu', '--memory', '128', '--disk', 'none', '--network', 'none', '--graphics',
       'none', '--osinfo', 'generic', '--import', '--print-xml']


def main(tap):
    needs('libvirtd', 'virsh')
    for program in ('virt-install', 'virt-xml'):
        if not shutil.which(program, path=PATH):
            Tap.skip_all('there is no %s on this machine (package virtinst)' % program)
    with DaemonStack() as stack:
        stack.start_libvirtd()
        stack.start_daemon()
        # Set in place of an option --connect, as an administrator would do it.
        stack.env['LIBVIRT_DEFAULT_URI'] = stack.uri

        def devices():
            return emulated_devices(stack.virsh('dumpxml', 'inst'))

        def edit(*options):
            return stack.run(['virt-xml', 'inst'] + list(options))

        xml = stack.run(NEW + ['--name', 'inst']).stdout
        stack.write('tmp/inst.xml', xml.replace('</devices>', DEVICE + '</devices>'))
        stack.run(['sh', '-c', 'cat "$1" | virsh define /dev/stdin', 'sh', stack.path('tmp/inst.xml')])
        first = devices()
        tap.ok(len(first) == 1 and first['ua-emulatedpci0'][1], 'virt-install --print-xml | virsh define', first)

        edit('--edit', '--memory', '256')
        tap.ok("<memory unit='KiB'>262144" in stack.virsh('dumpxml', 'inst'), 'virt-xml --edit')
        tap.equal(devices(), first, 'the device is as before')
        edit('--add-device', '--rng', '/dev/urandom')
        tap.equal(devices(), first, 'virt-xml --add-device: the device and its address are as before')
        edit('--remove-device', '--rng', 'all')
        tap.ok('<rng' not in stack.virsh('dumpxml', 'inst') and devices() == first, 'virt-xml --remove-device')

        edit('--edit', '--xml', './devices/emulatedpci/config/@revision=0x07')
        fields, address = devices()['ua-emulatedpci0']
        tap.equal((fields, address), (dict(first['ua-emulatedpci0'][0], revision=7), first['ua-emulatedpci0'][1]),
                  'virt-xml --edit --xml changes a field')
        done = stack.run(['virt-xml', 'inst', '--edit', '--xml', './devices/emulatedpci/config/@revision=0x100'],
                         check=False)
        tap.ok(done.returncode != 0 and "'0x100'" in done.stderr and 'revision' in done.stderr,
               'an error is shown as libvirt\'s', done.stderr)
        done = stack.run(['virt-xml', 'inst', '--edit', '--memory', '64', '--print-diff'])
        tap.ok('262144' in done.stdout and 'emulatedpci' not in
               ''.join(line for line in done.stdout.splitlines() if line[:1] in '+-'), 'virt-xml --print-diff', done.stdout)

        options = ['--xml', './devices/emulatedpci/@devicename=made', '--xml',
                   './devices/emulatedpci/config/@vendorid=0x5853', '--xml',
                   './devices/emulatedpci/config/@deviceid=0xc000']
        xml = stack.run(NEW + ['--name', 'made'] + options).stdout
        stack.virsh('define', '--validate', stack.write('tmp/made.xml', xml))
        tap.equal([fields['devicename'] for fields, _ in
                   emulated_devices(stack.virsh('dumpxml', 'made')).values()], ['made'],
                  'virt-install --xml makes a device')
        tap.ok('killed by signal' not in stack.read('log/daemon.log'), 'no process of the daemon crashed',
               stack.read('log/daemon.log'))
        tap.equal(stack.close(), [], 'everything ended by itself')


run_tests(main)
