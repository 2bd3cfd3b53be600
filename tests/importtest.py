#!/usr/bin/env python3
# importtest.py: virt-emulatedpci import and export
#
# XenServer's strings and platform keys in every form that they come in, the
# messages for those that are wrong, and that nothing is lost there and back.
#
# SPDX-License-Identifier: LGPL-2.1-or-later

import os
import random
import re
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as ET

from emulatedpcistack import FIELDS, REGISTERS, run_tests

TOOL = os.path.join(os.environ['abs_top_builddir'], 'tools', 'virt-emulatedpci')

STRING = 'citrix-pv-bus:5853:c000:0000:0000:01:ff8000:00:5853:c000:00:01'
ELEMENT = """<emulatedpci devicename='citrix-pv-bus'>
  <config vendorid='0x5853' deviceid='0xc000' command='0x0000' status='0x0000' revision='0x01' \
classcode='0xff8000' headertype='0x00' subvendorid='0x5853' subsystemid='0xc000' interruptline='0x00' \
interruptpin='0x01'/>
</emulatedpci>
"""
PLATFORM = 'xen-platform:5853:%04x:0000:0000:%02x:ff8000:00:5853:%04x:00:01\n'


def tool(*args, stdin=''):
    done = subprocess.run([TOOL, *args], input=stdin.encode(), stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, timeout=120, check=False)
    return done.returncode, done.stdout.decode(), done.stderr.decode()


def good(tap, what, got, stdout):
    tap.equal(got, (0, stdout, ''), what)


def bad(tap, what, got, message, status=1):
    tap.ok(got[0] == status and got[1] == '' and re.search(message, got[2]), what, got)


def test_strings(tap):
    good(tap, 'a string', tool('import', STRING), ELEMENT)
    good(tap, 'after -pciemulation, in one word', tool('import', '-pciemulation ' + STRING), ELEMENT)
    good(tap, 'and in two', tool('import', '-pciemulation', STRING), ELEMENT)
    good(tap, 'short numbers, capitals and spaces around',
         tool('import', ' citrix-pv-bus:5853:C000:0:0:1:FF8000:0:5853:C000:0:1\n'), ELEMENT)
    good(tap, 'several', tool('import', STRING, STRING), ELEMENT * 2)
    good(tap, 'standard input', tool('import', stdin='# two\n\n%s\r\n  %s' % (STRING, STRING)), ELEMENT * 2)
    good(tap, "a QEMU command line", tool('import', stdin=
         "qemu-dm -d 5 -pciemulation '%s' -m 512 -pciemulation %s -vnc :1\n" % (STRING, STRING)), ELEMENT * 2)
    code, out, err = tool('import', 'many:1:2:0:0:0:0:80:0:0:0:0')
    tap.ok(code == 0 and "<address type='pci' multifunction='on'/>" in out, 'several functions', out, err)
    with tempfile.TemporaryDirectory(prefix='emulatedpci-import-', dir='/tmp') as tmp:
        path = os.path.join(tmp, 'devices')
        with open(path, 'w', encoding='ascii') as file:
            file.write(STRING + '\n')
        good(tap, 'a file', tool('import', '-f', path), ELEMENT)
        good(tap, 'operands, a file and standard input',
             tool('import', STRING, '--file', path, '-f', '-', stdin=STRING), ELEMENT * 3)
        bad(tap, 'no such file', tool('import', '-f', path + 'x', '-f', path), 'devicesx: error: No such file')
        with open(path, 'wb') as file:
            file.write(STRING.encode() + b'\0x')
        bad(tap, 'a NUL byte', tool('import', '-f', path), 'NUL')


def test_errors(tap):
    for text, message in (
            ('a:1:2', r"'a:1:2' has 3 fields; a device has 12: devicename:vendorid:.*:interruptpin "
                      r"\[VIR_ERR_XML_ERROR\]"),
            (STRING + ':0', 'has 13 fields'),
            (STRING.replace('c000', '0xc000', 1), r"invalid value '0xc000' for field 3, 'deviceid', of "
             r"'citrix.*a hexadecimal number without 0x from 0 to ffff"),
            (STRING.replace('c000', '10000', 1), "'10000' for field 3"),
            (STRING.replace('c000', '100000000000000000', 1), "'100000000000000000' for field 3"),
            (STRING.replace('c000', '', 1), "invalid value '' for field 3"),
            (STRING.replace('c000', '-1', 1), "'-1' for field 3"),
            (STRING.replace(':01:ff', ':100:ff'), "'100' for field 6, 'revision'.*from 0 to ff "),
            (STRING.replace('ff8000', '1000000'), "field 7, 'classcode'.*from 0 to ffffff "),
            (STRING.replace('citrix', 'ci/trix'), "'ci/trix-pv-bus' for attribute 'devicename'"),
            (STRING.replace('5853', 'ffff', 1), "vendorid"),
            (STRING.replace(':ff8000:00', ':ff8000:01'), "headertype"),
            ('', 'is no device'),
            ('nothing=1', 'neither device_id nor revision'),
            ('device_id=0x2', "invalid value '0x2' for the platform key 'device_id': a decimal number from 0 "
             "to 65535"),
            ('device_id=65536', "'65536' for the platform key 'device_id'"),
            ('revision=256', "'256' for the platform key 'revision'.*0 to 255"),
            ('device_id=', "invalid value '' for the platform key"),
            ('device_id: two; revision: 1', "'two' for the platform key 'device_id'")):
        bad(tap, 'wrong: ' + text, tool('import', text), message)
    bad(tap, 'a wrong one among others', tool('import', STRING, 'a:1:2', STRING), 'has 3 fields')
    bad(tap, 'an empty file', tool('import'), 'empty')
    bad(tap, 'nothing but comments', tool('import', stdin='# none\n'), 'there is no device in it')
    bad(tap, 'one name for two', tool('import', '-n', 'x', STRING, STRING), 'one name', 2)
    bad(tap, 'a name that is none', tool('import', '-n', 'a/b', STRING), 'no name', 2)


def exported(*args):
    code, out, err = tool('import', *args)
    if code != 0:
        return code, out, err
    return tool('export', stdin=out)


def test_platform(tap):
    good(tap, 'platform keys', exported('device_id=2', 'revision=3'), PLATFORM % (2, 3, 2))
    good(tap, 'in one word', exported('device_id=2 revision=3'), PLATFORM % (2, 3, 2))
    good(tap, 'the other way around', exported('revision=3', 'device_id=2'), PLATFORM % (2, 3, 2))
    good(tap, 'only one', exported('device_id=0002'), PLATFORM % (2, 1, 2))
    good(tap, 'only the other', exported('revision=9'), PLATFORM % (1, 9, 1))
    good(tap, 'decimal', exported('device_id=0016'), PLATFORM % (16, 1, 16))
    good(tap, 'what xe vm-param-get prints', exported('timeoffset: 0; nx: true; device_id: 0002; revision: 2'),
         PLATFORM % (2, 2, 2))
    good(tap, 'what xe vm-param-list prints',
         exported('               platform (MRW): device_id: 0002; vga_revision: 7; hpet: true'),
         PLATFORM % (2, 1, 2))
    tap.equal(tool('import', 'device_id=2', STRING)[1],
              tool('import', STRING)[1] + tool('import', 'device_id=2')[1], 'beside a string')
    for keys in ('device_id: 0002; revision: 1', 'device_id: 0001; revision: 255', 'device_id: 65535; revision: 0'):
        good(tap, 'there and back: ' + keys, tool('export', '--platform', stdin=tool('import', keys)[1]), keys + '\n')
    bad(tap, 'no device of theirs', tool('export', '-p', stdin=ELEMENT.replace("pin='0x01'", "pin='0x02'")),
        "cannot ask for 'citrix-pv-bus': its interruptpin is 0x2, and that of their device 0x1 "
        r'\[VIR_ERR_CONFIG_UNSUPPORTED\]')
    bad(tap, 'two forms at once', tool('export', '-p', '-a', stdin=ELEMENT), 'exclude', 2)


def test_definitions(tap):
    code, out, err = tool('import', '--definition', STRING)
    device = ET.fromstring(out)
    capability = device.find('capability')
    tap.ok(code == 0 and device.tag == 'device' and capability.get('type') == 'emulatedpci' and
           device.findtext('name') == 'emulatedpci_citrix_pv_bus', 'a definition', out, err)
    tap.equal(dict(capability.find('config').items()), dict(ET.fromstring(ELEMENT).find('config').items()),
              'its fields')
    good(tap, 'and back', tool('export', stdin=out), STRING + '\n')
    for name in ('mine', 'emulatedpci_mine'):
        tap.equal(ET.fromstring(tool('import', '--name', name, STRING)[1]).findtext('name'), 'emulatedpci_mine',
                  'of the name ' + name)


def test_export(tap):
    good(tap, 'an element', tool('export', stdin=ELEMENT), STRING + '\n')
    good(tap, 'as an argument', tool('export', '-a', stdin=ELEMENT), '-pciemulation %s\n' % STRING)
    domain = '<domain><devices>%s<disk/>%s</devices></domain>' % (ELEMENT, ELEMENT)
    good(tap, 'a domain', tool('export', stdin=domain), (STRING + '\n') * 2)
    code, out, err = tool('export', stdin='<domain><devices/></domain>')
    tap.ok(code == 0 and out == '' and 'warning: there are no emulated devices' in err, 'a domain without any', err)
    bad(tap, 'something else', tool('export', stdin='<network/>'), 'unexpected root element <network>')
    bad(tap, 'an invalid element', tool('export', stdin=ELEMENT.replace('5853', '15853', 1)), "'0x15853'.*vendorid")


def test_round_trip(tap):
    chance = random.Random(5853)
    lines = []
    for number in range(200):
        values = {name: chance.randrange(1 << size * 8) for name, (_, size) in REGISTERS.items()}
        values['vendorid'] = chance.randrange(1, 0xffff)
        values['headertype'] = chance.choice((0, 0x80))
        lines.append(':'.join(['device.%d' % number] + ['%0*x' % (REGISTERS[name][1] * 2, values[name])
                                                       for name in FIELDS[1:]]))
    text = '\n'.join(lines) + '\n'
    code, elements, err = tool('import', stdin=text)
    tap.equal((code, err), (0, ''), 'two hundred devices')
    domain = '<domain><devices>%s</devices></domain>' % elements
    good(tap, 'come back as they were', tool('export', stdin=domain), text)
    good(tap, 'and as arguments', tool('import', stdin=tool('export', '-a', stdin=domain)[1]), elements)


def main(tap):
    test_strings(tap)
    test_errors(tap)
    test_platform(tap)
    test_definitions(tap)
    test_export(tap)
    test_round_trip(tap)


if __name__ == '__main__':
    sys.exit(run_tests(main))
