#!/usr/bin/env python3
# checktest.py: virt-emulatedpci check against running guests
#
# The guests only run firmware, which numbers buses and sets command registers and interrupt lines.
# One guest gets a device that differs from its XML, because its launcher is a script that changes a
# value.
#
# SPDX-License-Identifier: LGPL-2.1-or-later

import json
import os
import re
import signal
import sys

from emulatedpcistack import domain_xml, needs, needs_transport, run_tests
from fleetstack import FleetStack
from qemutransports import VFIO_USER, qemu_transports

DEVICES = """
    <emulatedpci devicename='first'>
      <config vendorid='0x5853' deviceid='0xc000' revision='1' classcode='0xff8000' interruptpin='1'/>
      <alias name='ua-first'/>
    </emulatedpci>
    <emulatedpci devicename='second'>
      <config vendorid='0x1af4' deviceid='0x10f0' command='0x0400' status='0xf910' revision='0x12'
              classcode='0x123456' subvendorid='0x1234' subsystemid='0x5678' interruptline='0x55'/>
      <alias name='ua-second'/>
    </emulatedpci>
"""

# SeaBIOS enables decoding in every device: I/O, memory, SERR#.
FIRMWARE_COMMAND = 0x0103

LIAR = r"""#!/bin/bash
for arg; do
    shift
    set -- "$@" "${arg/\"revision\":18,/\"revision\":19,}"
done
exec -a "$0" %s "$@"
"""


def start(stack, name, machine, arch='x86_64', devices=DEVICES):
    xml = domain_xml(name, machine, devices).replace("arch='x86_64'", "arch='%s'" % arch)
    stack.virsh('define', stack.write('tmp/define.xml', xml))
    stack.virsh('start', name)


def check(stack, *args):
    status, out, err = stack.fleet('check', *args)
    return status, out, err


def firmware_has_run(stack, name):
    """Waits until the firmware has configured all devices."""
    status, out, err = stack.fleet('check', '--json', name)
    if not out:
        raise RuntimeError(err)
    devices = json.loads(out)[0]['devices']
    return all(device['fields']['command'].get('got', 0) & FIRMWARE_COMMAND == FIRMWARE_COMMAND
               for device in devices) and devices


def test_good(tap, stack, machine):
    name = 'good-' + machine
    start(stack, name, machine)
    devices = stack.wait_for(lambda: firmware_has_run(stack, name), 'the firmware has run', 180)
    tap.equal([(device['alias'], device['ok'], device['address']) for device in devices],
              [('ua-first', True, 'same'), ('ua-second', True, 'same')], machine + ': both are well')
    first, second = (device['fields'] for device in devices)
    tap.equal((first['command']['expected'], first['command']['got'], first['command']['result']),
              (0, FIRMWARE_COMMAND, 'guest'), machine + ': the firmware has set command')
    tap.equal([second[field]['got'] for field in ('vendorid', 'deviceid', 'status', 'revision', 'classcode',
                                                  'subvendorid', 'subsystemid')],
              [0x1af4, 0x10f0, 0xf910, 0x12, 0x123456, 0x1234, 0x5678], machine + ': registers')
    tap.equal(first['devicename'], {'expected': 'first', 'result': 'unknown'}, machine + ': a name is not in them')
    status, out, err = check(stack, name)
    result = json.loads(check(stack, '--json', '--addresses', name)[1])[0]
    if qemu_transports()[0][0] == VFIO_USER:
        tap.ok(result['migratable'] and not result['blockers'] and 'migrated' not in out,
               machine + ': it can be saved and migrated', result, out)
    else:
        tap.ok(not result['migratable'] and out.count('cannot be saved or migrated: x-pci-proxy-dev does not support '
                                                      "migration: 'vfio-user-pci' of QEMU 10.1 or newer is required"),
               machine + ': it cannot be saved or migrated, and what would help', result, out)
    tap.ok(status == 0 and err == '' and
           re.search(r'ua-first +first +\S+ +\S+ +ok\n    command  +0x0000  0x0103  +set by the guest', out),
           machine + ': the table', out, err)
    status, out, err = check(stack, '-v', name)
    tap.ok(status == 0 and 'not in configuration space' in out and out.count('vendorid') == 4,
           machine + ': all fields', out)
    tap.equal(stack.virsh('domstate', '--reason', name).strip(), 'running (unpaused)',
              machine + ': the guest was suspended meanwhile, and runs on')
    stack.virsh('suspend', name)
    tap.equal(check(stack, name)[0], 0, machine + ': suspended')
    tap.equal(stack.state(name), 'paused', machine + ': and it stays so')
    status, out, err = check(stack, '--addresses', name)
    tap.ok(status == 0 and 'command' not in out and 'ok\n' in out, machine + ': addresses only', out)


def test_address_register(tap, stack):
    """The value of 0xcf8 that the guest has written is restored."""
    def monitor(command):
        return stack.virsh('qemu-monitor-command', 'good-pc', '--hmp', command)
    monitor('o /w 0xcf8 0x80001234')
    check(stack, 'good-pc')
    tap.ok('0x80001234' in monitor('i /xw 0xcf8'), 'pc: the address register is put back')


def test_expander(tap, stack):
    """A separate root bus. QEMU puts a bridge between a conventional root bus and its devices."""
    device = "<emulatedpci devicename='far'><config vendorid='0x5853' deviceid='0xc000'/>" \
             "<address type='pci' bus='%d' slot='0'/></emulatedpci>"
    bus = "<controller type='pci' index='1' model='%s-expander-bus'><target busNr='180'/></controller>"
    port = "<controller type='pci' index='2' model='pcie-root-port'><address type='pci' bus='1' slot='0'/></controller>"
    for machine, devices in (('pc', bus % 'pci' + device % 1), ('q35', bus % 'pcie' + port + device % 2)):
        name = 'far-' + machine
        start(stack, name, machine, devices=devices)
        found = stack.wait_for(lambda name=name: [entry for entry in json.loads(check(stack, '-a', '--json', name)[1])[0]
                               ['devices'] if entry['addressInGuest'] == 'b5:00.0'], 'the firmware has numbered buses', 180)
        tap.equal(found[0]['address'], 'same', machine + ': behind an expander bus')
        stack.virsh('destroy', name)


def test_bad(tap, stack):
    os.unlink(os.path.join(stack.launch_dir, 'qemu-system-i386'))
    script = stack.write('libexec/launch/qemu-system-i386', LIAR % stack.path('libexec/emulatedpci-launcher'))
    os.chmod(script, 0o755)
    start(stack, 'bad', 'pc', 'i686')
    stack.wait_for(lambda: firmware_has_run(stack, 'bad'), 'the firmware has run', 180)
    status, out, err = check(stack, 'bad')
    tap.ok(status == 1 and re.search(r'ua-first .* ok\n', out) and
           re.search(r'ua-second .* WRONG\n(    .*\n)*    revision +0x12  0x13 +DIFFERS', out), 'a wrong register', out, err)
    tap.equal(check(stack, 'bad', 'good-q35')[0], 3, 'one of two')
    result = json.loads(check(stack, '--json', 'bad')[1])
    tap.equal((result[0]['ok'], result[0]['devices'][1]['fields']['revision']),
              (False, {'expected': 0x12, 'got': 0x13, 'result': 'differs'}), 'JSON')


def test_others(tap, stack):
    stack.define('stopped')
    start(stack, 'plain', 'pc', devices='')
    status, out, err = check(stack, 'stopped')
    tap.ok(status == 1 and 'stopped: error: the domain is not running' in err, 'one that does not run', err)
    status, out, err = check(stack, 'nobody')
    tap.ok(status == 1 and 'nobody: error: ' in err and 'VIR_ERR_NO_DOMAIN' in err, 'none', err)
    tap.equal(check(stack, 'plain'), (0, 'plain: no emulated devices\n', ''), 'no devices')
    tap.equal(check(stack)[0], 2, 'which?')


def test_server(tap, stack):
    """A server defines its registers, except for overridden ones; and a server that exits."""
    if VFIO_USER not in qemu_transports()[0]:
        tap.skip('a device of a server', 'QEMU has no vfio-user-pci here')
        return
    path = stack.path('run/checksum.sock')
    engine = stack.copy(os.path.join(stack.build, 'examples/checksum-engine/checksum-engine'), 'libexec/checksum-engine')
    server = stack.start([engine, '--socket=' + path], 'log/engine.out')
    stack.wait_for(lambda: os.path.exists(path), 'the server listens')
    start(stack, 'served', 'pc', devices="<emulatedpci devicename='checksum'><config subsystemid='0x77'/>"
          "<driver socket='%s'/></emulatedpci>" % path)
    devices = stack.wait_for(lambda: firmware_has_run(stack, 'served'), 'the firmware has run', 180)
    tap.equal((devices[0]['ok'], devices[0]['fields']['vendorid']['got'], devices[0]['fields']['subsystemid']['got']),
              (True, 0x1234, 0x77), "a server's device is well")
    tap.equal([devices[0]['fields'][name]['expected'] for name in ('devicename', 'subsystemid', 'vendorid', 'revision')],
              ['checksum', 0x77, None, None], 'what the server decides is not expected')
    status, out, err = check(stack, '-v', 'served')
    tap.ok(status == 0 and 'DIFFERS' not in out and "'socket' of <driver>) cannot save its registers" in out,
           'all fields, and why it cannot be saved', out, err)
    status, out, err = stack.fleet('emulators', 'served')
    tap.ok(status == 1 and "no emulator of domain 'served' found" in err, 'emulators: a server is none', out, err)
    os.kill(server, signal.SIGKILL)
    status, out, err = stack.wait_for(lambda: (check(stack, 'served') if check(stack, 'served')[0] else None),
                                      'the server is missed', 180)
    tap.ok("the server at the socket '%s' has ended" % path in out + err, 'a server that has ended', out, err)
    gone = json.loads(check(stack, '--json', 'served')[1])[0]
    tap.equal((gone['ok'], gone['devices'][0]['fields']['vendorid'], gone['devices'][0]['fields']['subsystemid']),
              (False, {'expected': None, 'result': 'unknown'}, {'expected': 0x77, 'result': 'unknown'}),
              'a server that has ended: JSON')
    stack.virsh('destroy', 'served')
    stack.virsh('undefine', 'served')


def main(tap):
    with FleetStack() as stack:
        stack.begin()
        test_server(tap, stack)
        test_good(tap, stack, 'pc')
        test_good(tap, stack, 'q35')
        test_address_register(tap, stack)
        test_expander(tap, stack)
        test_bad(tap, stack)
        test_others(tap, stack)
        tap.equal(stack.close(), [], 'nothing is left')


if __name__ == '__main__':
    needs('libvirtd', 'virsh', 'qemu-system-x86_64', 'qemu-system-i386')
    needs_transport()
    sys.exit(run_tests(main))
