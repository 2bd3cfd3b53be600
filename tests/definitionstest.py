#!/usr/bin/env python3
# definitionstest.py: virt-emulatedpci's subcommands for definitions
#
# Tests list, show, define, clone and undefine, and attach and detach by definition, with
# virtemulatedpcid and a real libvirtd.
#
# SPDX-License-Identifier: LGPL-2.1-or-later

import json
import re
import sys
import xml.etree.ElementTree as ET
from concurrent.futures import ThreadPoolExecutor

from emulatedpcistack import emulated_devices, needs, run_tests
from fleetstack import FleetStack, STRING, names


def fields(xml):
    capability = ET.fromstring(xml).find('capability')
    return dict(capability.find('config').items(), devicename=capability.get('devicename'))


def test_look(tap, stack):
    status, out, err = stack.fleet('list')
    tap.ok(status == 0 and re.search(r'^emulatedpci_citrix_pv_bus +5853:c000  ff8000  built in$', out, re.M), 'list',
           out, err)
    listed = json.loads(stack.fleet('list', '--json')[1])
    test = [entry for entry in listed if entry['name'] == 'emulatedpci_test'][0]
    tap.ok(test['builtIn'] and test['active'] and test['persistent'] and test['uri'] == stack.uri and
           test['fields']['vendorid'] == 0x1af4, 'list --json', test)
    status, out, err = stack.fleet('show', 'test')
    tap.equal((status, out), (0, stack.virsh('nodedev-dumpxml', 'emulatedpci_test')), 'show is what virsh shows')
    for name in ('emulatedpci_test', test['uuid'], test['uuid'].upper()):
        tap.equal(stack.fleet('show', name)[1], out, 'by the name ' + name)
    status, out, err = stack.fleet('show', 'nope', 'test')
    tap.ok(status == 3 and "nope: error: definition 'nope' not found" in err and '<name>emulatedpci_test<' in out,
           'one of two', err)
    tap.equal(stack.fleet('show', 'nope')[0], 1, 'none')
    for args in (['show'], ['undefine'], ['clone', 'test'], ['list', 'x']):
        tap.equal(stack.fleet(*args)[0], 2, 'wrong: %s' % args)


def test_clone(tap, stack):
    status, out, err = stack.fleet('clone', 'test', 'mine', '--set', 'interruptpin=9', '-s', 'devicename=my-own',
                                   '--description', 'a <b> & c')
    tap.equal((status, out, err), (0, 'emulatedpci_mine: defined\n', ''), 'clone')
    mine, test = stack.fleet('show', 'mine')[1], stack.fleet('show', 'test')[1]
    tap.equal(fields(mine), dict(fields(test), interruptpin='0x09', devicename='my-own'), 'its fields')
    tap.equal(ET.fromstring(mine).findtext('description'), 'a <b> & c', 'its description')
    tap.ok('<description>' in test and stack.fleet('clone', 'test', 'plain')[0] == 0 and
           '<description>' not in stack.fleet('show', 'plain')[1], 'the description of another is not its own')
    stack.fleet('undefine', 'plain')
    tap.ok('built_in' not in mine and ET.fromstring(mine).findtext('uuid') != ET.fromstring(test).findtext('uuid'),
           'one of its own', mine)
    for args, message in ((['test', 'mine'], 'emulatedpci_mine: error: a definition of that name already exists'),
                          (['nope', 'x'], "definition 'nope' not found"),
                          (['test', 'x', '-s', 'colour=1'], "invalid field 'colour=1': .*devicename, vendorid"),
                          (['test', 'x', '-s', 'revision'], "invalid field 'revision'"),
                          (['test', 'x', '-s', 'revision=256'], "'256' for 'revision'.*from 0 to 0xff "),
                          (['test', 'x', '-s', 'devicename=a/b'], "'a/b' for 'devicename'"),
                          (['test', 'x', '-s', 'vendorid=0xffff'], 'vendorid'),
                          (['test', 'a/b'], 'a/b')):
        status, out, err = stack.fleet('clone', *args)
        tap.ok(status == 1 and out == '' and re.search(message, err), 'wrong: clone %s' % ' '.join(args), err)
    tap.equal(stack.fleet('undefine', 'mine')[:2], (0, 'emulatedpci_mine: undefined\n'), 'undefine')


def test_define(tap, stack):
    two = stack.fleet('import', '--definition', STRING.replace('citrix', 'one'), STRING.replace('citrix', 'two'))[1]
    tap.equal(stack.fleet('define', stdin=two)[:2],
              (0, 'emulatedpci_one_pv_bus: defined\nemulatedpci_two_pv_bus: defined\n'), 'what import writes')
    shown = stack.fleet('show', 'one_pv_bus')[1]
    tap.equal(stack.fleet('export', stdin=shown)[1], stack.fleet('export', stdin=two.split('</device>')[0] + '</device>')[1],
              'export gives it back')
    tap.equal(stack.fleet('define', stack.write('tmp/one.xml', shown.replace("pin='0x01'", "pin='0x02'")))[0], 0,
              'once more, from a file')
    tap.ok("pin='0x02'" in stack.fleet('show', 'one_pv_bus')[1], 'it was replaced')
    status, out, err = stack.fleet('define', stdin='<network/>')
    code = 'VIR_ERR_XML_ERROR' if stack.has_driver('nodedev') else 'VIR_ERR_NO_SUPPORT'
    tap.ok(status == 1 and code in err, 'no definition: libvirtd\'s to refuse', err)
    wrong = stack.write('tmp/wrong.xml', shown.replace('deviceid=', 'devid='))
    status, out, err = stack.fleet('define', stack.path('tmp/one.xml'), wrong)
    tap.ok(status == 3 and out == 'emulatedpci_one_pv_bus: defined\n' and
           err.startswith("virt-emulatedpci: %s: error: XML error: unknown attribute 'devid'" % wrong),
           'the file of a wrong one is named', out, err)
    tap.equal(stack.fleet('undefine', 'one_pv_bus', 'emulatedpci_two_pv_bus')[0], 0, 'and away')


def test_attach(tap, stack):
    for number in range(3):
        stack.define('web-%d' % number, 'q35' if number else 'pc')
    stack.fleet('clone', 'test', 'mine')
    uuid = ET.fromstring(stack.fleet('show', 'mine')[1]).findtext('uuid')
    tap.equal(stack.fleet('attach', uuid, 'web-1')[:2], (0, 'web-1: attached\n'), 'attach by uuid')
    devices = emulated_devices(stack.virsh('dumpxml', 'web-1'))
    tap.equal([device[0] for device in devices.values()],
              [{name: int(value, 0) if name != 'devicename' else value
                for name, value in fields(stack.fleet('show', 'mine')[1]).items()}], 'all twelve fields are there')
    status, out, err = stack.fleet('attach', 'mine', '--all')
    tap.equal((status, names(out, 'attached'), names(out, 'unchanged')), (0, ['web-0', 'web-2'], ['web-1']),
              'attach by name')
    once = stack.write('tmp/once.xml', "<emulatedpci definition='emulatedpci_mine' once='yes'><config revision='7'/></emulatedpci>")
    done = stack.run(['virsh', '-c', stack.uri, 'attach-device', 'web-1', once, '--config'], check=False)
    tap.ok("the domain already has a device of 'emulatedpci_mine': 'ua-emulatedpci0'" in done.stderr,
           'once: one of the definition, whatever it changes', done.stderr)
    tap.equal(names(stack.fleet('attach', 'test', '-n', '-w', 'has=m*')[1], 'would be attached'),
              ['web-0', 'web-1', 'web-2'], 'has')
    tap.equal(stack.fleet('attach', 'test', '-n', '-w', 'has=emulatedpci_test')[0], 1, 'has not')
    status, out, err = stack.fleet('undefine', 'mine')
    tap.ok(status == 1 and all(name in err for name in ('web-0', 'web-1', 'web-2')), 'one that is used stays', err)
    status, out, err = stack.fleet('undefine', 'test')
    tap.ok(status == 1 and 'built in' in err, 'a built-in one stays', err)
    status, out, err = stack.fleet('attach', 'nope', '--all')
    tap.ok(status == 1 and "definition 'nope' not found" in err, 'an unknown one', err)
    stack.fleet('clone', 'test', 'brief')
    stack.fleet('attach', 'brief', 'web-1')
    stack.virsh('nodedev-autostart', 'emulatedpci_brief', '--disable')
    stack.stop_daemon()
    stack.start_daemon(builtin=True)
    status, out, err = stack.fleet('attach', 'brief', 'web-0', 'web-1')
    tap.ok(status == 3 and names(out, 'unchanged') == ['web-1'] and 'web-0: error: ' in err and 'is not active' in err,
           'an inactive one: who has it is unchanged', out, err)
    stack.fleet('detach', 'brief', 'web-1')
    stack.fleet('undefine', 'brief')
    with ThreadPoolExecutor(3) as pool:
        results = [json.loads(out)['summary'] for _, out, _ in
                   pool.map(lambda _: stack.fleet('attach', 'test', '--all', '-j', '2', '--json'), range(3))]
    tap.equal((sum(result['done'] for result in results), stack.having()),
              (3, {'web-0': 2, 'web-1': 2, 'web-2': 2}), 'three that attach at once attach one to each')
    tap.equal(stack.fleet('detach', 'test', '--all')[0], 0, 'detach it')
    tap.equal(stack.fleet('detach', 'emulatedpci_mine', '--all')[0], 0, 'detach')
    tap.equal(stack.having(), {}, 'from all')
    tap.equal(stack.fleet('detach', 'nope', 'web-0')[:2], (0, 'web-0: unchanged\n'), 'detach an unknown one')
    tap.equal(stack.fleet('undefine', 'mine')[0], 0, 'and now it may go')


def main(tap):
    with FleetStack() as stack:
        stack.begin()
        test_look(tap, stack)
        test_clone(tap, stack)
        test_define(tap, stack)
        test_attach(tap, stack)
        tap.equal(stack.close(), [], 'nothing is left')


if __name__ == '__main__':
    needs('libvirtd', 'virsh', 'qemu-system-x86_64')
    sys.exit(run_tests(main))
