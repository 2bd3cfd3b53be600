#!/usr/bin/env python3
# importtest.py: virt-emulatedpci import and export
#
# Tests XenServer's devices in all formats: strings, platform maps, QEMU command lines, records of
# xe and ova.xml; the messages for invalid ones; and that import and export together lose nothing.
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
# The platform device of the design page of 2015, and the current ones, with BIOS and UEFI firmware
DECIMAL = 'xen-platform:5853:%04x:0000:0000:%02x:ff8000:00:5853:%04x:00:01\n'
BIOS = 'xen-platform:5853:%04x:0000:0000:%02x:010000:00:5853:%04x:00:01\n'
UEFI = 'xen-platform:5853:%04x:0000:0000:01:ff8000:00:5853:0001:00:01\n'
PVDEVICE = 'xen-pvdevice:5853:c000:0002:0000:01:088000:00:5853:c000:00:01\n'

# As written by xenopsd, and as shown in a list of processes.
QEMU = ('%d qemu-dm-%d -machine pc-0.10,accel=xen,max-ram-below-4g=4026531840,trad_compat=True -vnc '
        'unix:/var/run/xen/vnc-7,lock-key-sync=off -monitor null -xen-domid %d -m size=248 -nodefaults '
        '-global rtl8139.subvendor_id=0x5853 %s -device ide-cd,drive=ide1-cd1,bus=ide.1,unit=1 '
        '-device rtl8139,netdev=tapnet0,mac=72:11:aa:bb:cc:dd,addr=4\n')
QEMU_BIOS = '-device xen-platform,addr=3,device-id=0x0002,revision=0x2,class-id=0x0100,subvendor_id=0x5853,subsystem_id=0x0002'
QEMU_UEFI = '-device xen-platform,addr=3,device-id=0x0002'
QEMU_PVDEVICE = '-device xen-pvdevice,device-id=0xc000,addr=6'

RECORD = """\
uuid ( RO)                          : 3b2e6a1e-9a0c-4d62-8f7e-0d6c1f6f3a%02d
              name-label ( RW): %s
        name-description ( RW): two
lines
              is-a-template ( RW): false
          is-control-domain ( RO): %s
           PV-drivers-up-to-date ( RO) [DEPRECATED]: true
            memory-target ( RO): <unknown>
                platform (MRW): %s
         HVM-boot-policy ( RW): %s
         HVM-boot-params (MRW): %s
       has-vendor-device ( RW): %s

"""

OVA_MEMBER = '<member><name>%s</name><value>%s</value></member>'


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
            ('a:1:2', r"'a:1:2' has 3 fields, but a device requires 12: devicename:vendorid:.*:interruptpin "
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
            ('', 'contains no emulated device'),
            ('nothing=1', "'nothing=1' contains neither 'device_id' nor 'revision'"),
            ('device_id=0x2', "invalid value '0x2' for the platform key 'device_id': a hexadecimal number without "
             "0x from 0 to ffff"),
            ('device_id=10000', "'10000' for the platform key 'device_id'"),
            ('device_id=-1', "'-1' for the platform key 'device_id'"),
            ('device_id=', "invalid value '' for the platform key"),
            ('device_id: two; revision: 1', "'two' for the platform key 'device_id'"),
            ('device_id=2 device_id=3', "the platform key 'device_id' is given more than once"),
            ('device_id=2', 'the firmware is unknown.*--firmware=bios or --firmware=uefi is required'),
            ('nx: true; device-model: qemu-upstream-compat', "missing platform key 'device_id'.*--revision=2 is required"),
            (QEMU_BIOS.replace('0x0002', '2x', 1), "invalid value '2x' for property 'device-id' of 'xen-platform'"),
            (QEMU_BIOS.replace('0x0002', '0002', 1), "invalid value '0002' for property 'device-id'"),
            (QEMU_BIOS.replace('0x0002', '0x10000', 1), "'0x10000' for .*0 to 0xffff"),
            (QEMU_BIOS.replace('0x0100', '0x10000'), "'0x10000' for property 'class-id'.*0 to 0xffff"),
            (QEMU_BIOS.replace('revision=', 'revisoin='), "unsupported property 'revisoin' of 'xen-platform': "
             "device-id, revision, class-id, subvendor_id, subsystem_id, addr, "),
            (QEMU_BIOS.replace('revision=0x2', 'revision'), "property 'revision' of 'xen-platform' has no value"),
            (QEMU_BIOS + ',revision=1', "property 'revision' of 'xen-platform' is given more than once"),
            ('-device xen-pvdevice,addr=6', "property 'device-id' of 'xen-pvdevice' is missing"),
            ('-device e1000,id=net0', 'contains no emulated device'),
            ('root 1 0 0 10:00 ? 00:00:01 /sbin/init', 'has [0-9]+ fields, but a device requires 12'),
            ):
        bad(tap, 'wrong: ' + text, tool('import', text), message)
    bad(tap, 'a wrong one among others', tool('import', STRING, 'a:1:2', STRING), 'has 3 fields')
    bad(tap, 'an empty file', tool('import'), 'empty')
    bad(tap, 'nothing but comments', tool('import', stdin='# none\n'), 'the input contains no emulated device')
    bad(tap, 'one name for two', tool('import', '-n', 'x', STRING, STRING), '--name requires a single device', 2)
    bad(tap, 'a name that is none', tool('import', '-n', 'a/b', STRING), "invalid definition name 'a/b'", 2)
    bad(tap, 'a firmware that is none', tool('import', '--firmware=efi', STRING),
        "invalid value 'efi' for --firmware: 'bios' or 'uefi'", 2)
    bad(tap, 'a format that is none', tool('import', '--platform-format=hex', STRING),
        "invalid value 'hex' for --platform-format: 'current' or 'decimal'", 2)
    bad(tap, 'a revision that is none', tool('import', '--revision=3', STRING), '--revision: 1 or 2', 2)


def exported(*args):
    code, out, err = tool('import', *args)
    if code != 0:
        return code, out, err
    return tool('export', stdin=out)


def test_platform_decimal(tap):
    def decimal(*args):
        return exported('--platform-format=decimal', *args)

    good(tap, 'platform keys', decimal('device_id=2', 'revision=3'), DECIMAL % (2, 3, 2))
    good(tap, 'in one word', decimal('device_id=2 revision=3'), DECIMAL % (2, 3, 2))
    good(tap, 'the other way around', decimal('revision=3', 'device_id=2'), DECIMAL % (2, 3, 2))
    good(tap, 'only one', decimal('device_id=0002'), DECIMAL % (2, 1, 2))
    good(tap, 'only the other', decimal('revision=9'), DECIMAL % (1, 9, 1))
    good(tap, 'decimal', decimal('device_id=0016'), DECIMAL % (16, 1, 16))
    good(tap, 'what xe vm-param-get prints', decimal('timeoffset: 0; nx: true; device_id: 0002; revision: 2'),
         DECIMAL % (2, 2, 2))
    good(tap, 'what xe vm-param-list prints',
         decimal('               platform (MRW): device_id: 0002; vga_revision: 7; hpet: true'),
         DECIMAL % (2, 1, 2))
    for text, message in (
            ('device_id=0x2', "'0x2' for the platform key 'device_id': a decimal number from 0 to 65535"),
            ('device_id=65536', "'65536' for the platform key 'device_id'"),
            ('revision=256', "'256' for the platform key 'revision'.*0 to 255")):
        bad(tap, 'wrong: ' + text, tool('import', '--platform-format=decimal', text), message)
    for keys in ('device_id: 0002; revision: 1', 'device_id: 0001; revision: 255', 'device_id: 65535; revision: 0'):
        good(tap, 'there and back: ' + keys,
             tool('export', '--platform', '--platform-format=decimal',
                  stdin=tool('import', '--platform-format=decimal', keys)[1]), keys + '\n')
    bad(tap, 'no device of theirs',
        tool('export', '-p', '--platform-format=decimal', stdin=ELEMENT.replace("pin='0x01'", "pin='0x02'")),
        "cannot describe 'citrix-pv-bus': its interruptpin is 0x2, but the platform device has 0x1 "
        r'\[VIR_ERR_CONFIG_UNSUPPORTED\]')


def test_platform(tap):
    for name in ('device_id=0002', 'device_id=2', 'device_id=0002 revision=1'):
        good(tap, 'BIOS, revision 2 whatever the map says: ' + name, exported('--firmware=bios', name), BIOS % (2, 2, 2))
    good(tap, 'UEFI, all but the id is a default', exported('--firmware=uefi', 'device_id=0002'), UEFI % 2)
    good(tap, 'hexadecimal', exported('--firmware=bios', 'device_id=0010'), BIOS % (16, 2, 16))
    good(tap, 'the device model tells the firmware: BIOS',
         exported('timeoffset: 0; nx: true; device-model: qemu-upstream-compat; device_id: 0002'), BIOS % (2, 2, 2))
    good(tap, 'and UEFI', exported('device-model: qemu-upstream-uefi; device_id: 0002'), UEFI % 2)
    good(tap, 'without the key, UEFI', exported('nx: true; device-model: qemu-upstream-uefi'), UEFI % 1)
    for revision in (1, 2):
        good(tap, 'without the key, BIOS, revision %d' % revision,
             exported('--revision=%d' % revision, 'nx: true; device-model: qemu-upstream-compat'),
             BIOS % (1, revision, 1))
    bad(tap, 'a contradiction', tool('import', '--firmware=bios', 'device_id: 0002; device-model: qemu-upstream-uefi'),
        "firmware 'bios' of --firmware contradicts 'uefi'")
    tap.equal(tool('import', '--firmware=bios', 'device_id=2', STRING)[1],
              tool('import', STRING)[1] + tool('import', '--firmware=bios', 'device_id=2')[1], 'beside a string')
    for firmware in ('bios', 'uefi'):
        good(tap, 'there and back, ' + firmware,
             tool('export', '-p', stdin=tool('import', '--firmware', firmware, 'device_id: c0a0')[1]),
             'device_id: c0a0\n')
    bad(tap, 'no device of theirs', tool('export', '-p', stdin=ELEMENT),
        "cannot describe 'citrix-pv-bus': its revision is 0x1, but the platform device has 0x2 ")
    bad(tap, 'two forms at once', tool('export', '-p', '-a', stdin=ELEMENT), 'only one of', 2)


def test_qemu(tap):
    good(tap, 'one option in two words', exported(*QEMU_BIOS.split()), BIOS % (2, 2, 2))
    good(tap, 'and in one', exported(QEMU_BIOS), BIOS % (2, 2, 2))
    good(tap, 'decimal numbers', exported('-device xen-platform,device-id=2,revision=2,class-id=256'),
         'xen-platform:5853:0002:0000:0000:02:010000:00:5853:0001:00:01\n')
    good(tap, 'UEFI', exported(QEMU_UEFI), UEFI % 2)
    good(tap, "QEMU's defaults", exported('-device xen-platform'), UEFI % 1)
    good(tap, 'xen-pvdevice', exported(QEMU_PVDEVICE), PVDEVICE)
    lines = '  PID COMMAND\n'
    for number, devices in ((7, QEMU_BIOS), (8, ''), (9, QEMU_UEFI + ' ' + QEMU_PVDEVICE),
                            (10, '-pciemulation ' + STRING)):
        lines += QEMU % (11350 + number, number, number, devices)
    code, out, err = tool('import', stdin=lines)
    tap.equal((code, re.findall('<!--.*-->', out), err),
              (0, ["<!-- VM 'domain %d' -->" % number for number in (7, 9, 10)], ''), 'a list of processes')
    good(tap, 'and its devices', tool('export', stdin='<domain><devices>%s</devices></domain>' % out),
         BIOS % (2, 2, 2) + UEFI % 2 + PVDEVICE + STRING + '\n')
    good(tap, 'one VM of it', tool('import', '--vm', 'domain 10', stdin=lines), ELEMENT)
    bad(tap, 'a VM without a device', tool('import', '--vm', 'domain 8', stdin=lines),
        "VM 'domain 8' has no emulated device")
    bad(tap, 'a VM that is not there', tool('import', '--vm', 'x', stdin=lines), "no VM with matching name or UUID 'x'")
    bad(tap, 'none in the whole list', tool('import', stdin=QEMU % (1, 1, 1, '')), 'the input contains no emulated')
    for text in (QEMU_BIOS.replace('addr=3,', ''), QEMU_UEFI.replace('addr=3,', ''),
                 '-device xen-pvdevice,vendor-id=0x5853,device-id=0xc000,revision=0x1'):
        good(tap, 'there and back: ' + text, tool('export', '--qemu', stdin=tool('import', text)[1]), text + '\n')
    bad(tap, 'no device of theirs', tool('export', '-q', stdin=ELEMENT.replace("line='0x00'", "line='0x0b'")),
        "'citrix-pv-bus' cannot be exported as 'xen-platform': its interruptline is 0xb, but that device has 0x0")


def test_records(tap):
    records = '\n'.join((
        RECORD % (1, 'Control domain', 'true', '', '', '', 'false'),
        RECORD % (2, 'win--bios', 'false', 'nx: true; device_id: 0002', 'BIOS order', 'order: cd', 'true'),
        RECORD % (3, 'win-uefi', 'false', 'device_id: 0002', 'BIOS order', 'firmware: uefi; order: cd', 'false'),
        RECORD % (4, 'paravirtual', 'false', 'nx: false', '', '', 'false')))
    code, out, err = tool('import', stdin=records)
    tap.equal((code, err, re.findall("<!-- VM '(.*)', .*(..) -->", out)),
              (0, '', [('win_-bios', '02'), ('win-uefi', '03')]), 'records')
    good(tap, 'and their devices', tool('export', stdin='<domain><devices>%s</devices></domain>' % out),
         BIOS % (2, 2, 2) + PVDEVICE + UEFI % 2)
    good(tap, 'one by its name', exported_from(records, '--vm', 'win-uefi'), UEFI % 2)
    good(tap, 'one by its uuid', exported_from(records, '--vm', '3b2e6a1e-9a0c-4d62-8f7e-0d6c1f6f3a02'),
         BIOS % (2, 2, 2) + PVDEVICE)
    good(tap, 'as a definition', exported_from(records, '--vm', 'win-uefi', '--name', 'x'), UEFI % 2)
    bad(tap, 'two definitions of one name', tool('import', '--definition', stdin=records),
        "would have the definition name 'emulatedpci_xen_platform'")
    bad(tap, 'the name of several', tool('import', '--vm', 'win-uefi', stdin=records + '\n' + records), 'several VMs')
    unknown = records.replace('device_id: 0002', 'nx: true', 1)
    bad(tap, 'an unknown revision', tool('import', stdin=unknown), "VM 'win--bios': missing platform key")
    good(tap, 'of a VM that is not asked for', exported_from(unknown, '--vm', 'win-uefi'), UEFI % 2)
    for old, new, message in (
            ('firmware: uefi', 'firmware: efi', "'efi' for the key 'firmware' of 'HVM-boot-params'"),
            ('device_id: 0002', 'device_id: 0x2', "'0x2' for the platform key"),
            ('): true\n', '): yes\n', "'yes' for the parameter 'is-control-domain': 'true' or 'false'"),
            ('                platform (MRW): device_id', '   x (MRW): device_id', "'win-uefi': missing parameter 'platform'"),
            ('         HVM-boot-policy', '                platform', "'platform' is given more than once")):
        bad(tap, 'wrong: ' + new, tool('import', stdin=records.replace(old, new)), message)


def exported_from(text, *args):
    code, out, err = tool('import', *args, stdin=text)
    if code != 0:
        return code, out, err
    root = '<domain><devices>%s</devices></domain>' % out if out.startswith('<emulatedpci') else out
    return tool('export', stdin=root)


def ova_struct(**members):
    return '<struct>%s</struct>' % ''.join(OVA_MEMBER % item for item in members.items())


def ova(*snapshots):
    objects = ''.join('<value>%s</value>' % ova_struct(**{'class': 'VM', 'id': 'Ref:%d' % number, 'snapshot': snapshot})
                      for number, snapshot in enumerate(snapshots))
    objects += '<value>%s</value>' % ova_struct(**{'class': 'VBD', 'id': 'Ref:9', 'snapshot': ova_struct(platform='x')})
    return '<value>%s</value>' % ova_struct(version=ova_struct(hostname='h', xapi_major='1'),
                                            objects='<array><data>%s</data></array>' % objects)


def test_ova(tap):
    vm = {'uuid': '3b2e6a1e-9a0c-4d62-8f7e-0d6c1f6f3a01', 'name_label': 'win &amp; co',
          'HVM_boot_policy': 'BIOS order', 'HVM_boot_params': ova_struct(order='cd', firmware='uefi'),
          'platform': ova_struct(nx='true', device_id='0002'), 'is_a_snapshot': '<boolean>0</boolean>',
          'has_vendor_device': '<boolean>1</boolean>', 'domain_type': 'hvm'}
    bios = dict(vm, name_label='other', HVM_boot_params=ova_struct(order='cd'), has_vendor_device='<boolean>0</boolean>')
    snapshot = dict(vm, is_a_snapshot='<boolean>1</boolean>', name_label='snapshot')
    good(tap, 'ova.xml', exported_from(ova(ova_struct(**vm))), UEFI % 2 + PVDEVICE)
    code, out, err = tool('import', stdin=ova(ova_struct(**vm), ova_struct(**snapshot), ova_struct(**bios)))
    tap.equal((code, err, re.findall("VM '(.*)'", out)), (0, '', ['win & co', 'other']), 'several VMs, and a snapshot')
    good(tap, 'one of them', exported_from(ova(ova_struct(**vm), ova_struct(**bios)), '--vm', 'other'), BIOS % (2, 2, 2))
    good(tap, 'a declaration and line breaks',
         exported_from('<?xml version="1.0"?>\n' + ova(ova_struct(**bios)).replace('<value>', '<value>\n  ')),
         BIOS % (2, 2, 2))
    bad(tap, 'another document', tool('import', stdin=ELEMENT), 'is not the ova.xml')
    bad(tap, 'one that is cut off', tool('import', stdin=ova(ova_struct(**vm))[:-20]), r'VIR_ERR_XML_ERROR')
    bad(tap, 'a flag that is none', tool('import', stdin=ova(ova_struct(**dict(vm, is_a_snapshot='<boolean>2</boolean>')))),
        "'2' for the parameter 'is-a-snapshot'")
    bad(tap, 'a map that cannot be read',
        tool('import', stdin=ova(ova_struct(**dict(vm, platform='<struct><member><name>a;b</name></member></struct>')))),
        'cannot read the map in line 1')


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
    tap.ok(code == 0 and out == '' and 'warning: the document contains no emulated device' in err, 'a domain without any', err)
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
    test_platform_decimal(tap)
    test_platform(tap)
    test_qemu(tap)
    test_records(tap)
    test_ova(tap)
    test_definitions(tap)
    test_export(tap)
    test_round_trip(tap)


if __name__ == '__main__':
    sys.exit(run_tests(main))
