#!/usr/bin/env python3
# driverdaemontest.py: <driver> through virtemulatedpcid
#
# virsh defines, shows, attaches and detaches devices with a <driver>, with a real libvirtd; one
# domain is started.
#
# SPDX-License-Identifier: LGPL-2.1-or-later

import os
import re
import signal

from daemonstack import DaemonStack
from qemutransports import VFIO_USER, qemu_transports
from emulatedpcistack import domain_xml, emulatedpci_xml, needs, needs_transport, run_tests

FIELDS = {'devicename': 'dev', 'vendorid': 0x5853, 'deviceid': 0xc000}
ARGUMENT = 'a, &quot;b&quot; &lt;c&gt; &amp; d&apos;s \u00e4'
FULL = "<driver emulator='net' version='%s' stubdomain='no' model='%s'><arg value='" + ARGUMENT + "'/></driver>"


def drivers(xml):
    """Returns each <driver> of an <emulatedpci>, on one line; '' for devices without one."""
    found = []
    for device in re.findall('<emulatedpci .*?</emulatedpci>', xml, re.DOTALL):
        driver = re.search('<driver.*(?:</driver>|/>)(?=\\s*<alias)', device, re.DOTALL)
        found.append(re.sub('>\\s+<', '><', driver.group(0)) if driver else '')
    return found


def server(tap, stack, fails):
    """virsh with devices of a server. If QEMU has no vfio-user-pci, the domain does not start."""
    def device(path, config='', alias=None):
        return ("<emulatedpci devicename='nvme'>%s<driver socket='%s'/>%s</emulatedpci>" %
                (config, path, "<alias name='%s'/>" % alias if alias else ''))

    xml = stack.write('tmp/s.xml', domain_xml('served', 'pc', device('/run/a') + device(
        '/run/b', "<config deviceid='7'/>")))
    stack.virsh('define', '--validate', xml)
    shown = stack.virsh('dumpxml', 'served')
    tap.equal(drivers(shown), ["<driver socket='/run/a'/>", "<driver socket='/run/b'/>"], 'sockets are shown')
    tap.equal(re.findall('<config.*>', shown), ["<config deviceid='0x0007'/>"], 'and nothing that was not given')
    stack.virsh('define', '--validate', stack.write('tmp/s2.xml', shown))
    tap.equal(stack.virsh('dumpxml', 'served'), shown, 'defined again, nothing changes')
    message = fails('attach-device', 'served', stack.write('tmp/s3.xml', device('/run/a')), '--config')
    tap.ok("have the same 'socket', '/run/a'" in message, 'a socket that another device has', message)
    stack.virsh('attach-device', 'served', stack.write('tmp/s3.xml', device('/run/c', alias='ua-c')), '--config')
    tap.equal(len(drivers(stack.virsh('dumpxml', 'served'))), 3, 'attach-device --config')
    stack.virsh('edit', 'served', env={'EDITOR': 'sed -i s,/run/c,/run/e,'})
    tap.equal(drivers(stack.virsh('dumpxml', 'served'))[2], "<driver socket='/run/e'/>", 'virsh edit: another socket')
    stack.virsh('edit', 'served', env={'EDITOR': 'sed -i s,/run/e,/run/c,'})
    stack.virsh('detach-device', 'served', stack.write('tmp/s3.xml', device('/run/c')), '--config')
    tap.equal(stack.virsh('dumpxml', 'served'), shown, 'detach-device --config finds it by its socket')
    message = fails('detach-device', 'served', stack.write('tmp/s3.xml', device('/run/d')), '--config')
    tap.ok("nvme" in message and 'NO ERROR' not in message, 'detach-device of a socket that no device has', message)
    message = fails('define', stack.write('tmp/s4.xml', shown.replace("deviceid='0x0007'", "revision='7'")))
    tap.ok("attribute 'revision' of <config> cannot be given" in message, 'a field that QEMU cannot override', message)
    if VFIO_USER not in qemu_transports()[0]:
        message = fails('start', 'served')
        tap.ok("does not support device 'vfio-user-pci', which emulators of version 'vfio-user' require" in message,
               'a QEMU without vfio-user-pci: the start says so', message)
    stack.virsh('undefine', 'served')


def detached(tap, stack, fails):
    """The device of a server in a running domain, whose removal can crash QEMU (serverunplugtest.py)."""
    if VFIO_USER not in qemu_transports()[0]:
        tap.skip("a server's device of a running domain", 'QEMU has no vfio-user-pci here')
        return
    path = stack.path('run/checksum.sock')
    engine = stack.copy(os.path.join(stack.build, 'examples/checksum-engine/checksum-engine'), 'libexec/checksum-engine')
    server = stack.start([engine, '--socket=' + path], 'log/engine.out')
    stack.wait_for(lambda: os.path.exists(path), 'the server listens')
    device = stack.write('tmp/f.xml', "<emulatedpci devicename='checksum'><driver socket='%s'/></emulatedpci>" % path)
    stack.virsh('define', stack.write('tmp/g.xml', domain_xml('served', 'pc', emulatedpci_xml(FIELDS, 'ua-other'))))
    stack.virsh('attach-device', 'served', device, '--config')
    stack.virsh('start', '--paused', 'served')
    shown = [stack.virsh('dumpxml', 'served'), stack.virsh('dumpxml', 'served', '--inactive')]
    alias = re.search("socket='.*?<alias name='(.*?)'", shown[0], re.DOTALL).group(1)
    for args in (['detach-device', 'served', device, '--live'], ['detach-device', 'served', device],
                 ['detach-device', 'served', device, '--live', '--config'],
                 ['detach-device-alias', 'served', alias, '--live'], ['detach-device-alias', 'served', alias],
                 ['detach-device-alias', 'served', alias, '--live', '--config']):
        message = fails(*args)
        tap.ok('QEMU may abort when it unplugs this device, because the device has MSI-X' in message and '--config' in message,
               'refused: ' + ' '.join('FILE' if arg == device else arg for arg in args), message)
    tap.equal([stack.virsh('dumpxml', 'served'), stack.virsh('dumpxml', 'served', '--inactive')], shown,
              'and the domain is as it was')
    unmoved(tap, stack, alias, fails)
    stack.virsh('detach-device-alias', 'served', 'ua-other', '--live')      # libvirt asks the guest, which is paused
    tap.equal(stack.state('served'), 'paused', 'another device: its guest is asked')
    done = stack.run(['virsh', '-q', '-c', stack.direct_uri, 'detach-device-alias', 'served', alias, '--live'], check=False)
    tap.ok(done.returncode == 1 and 'has MSI-X' in done.stderr and stack.state('served') == 'paused',
           "over libvirtd's own connection, it is refused, too", done.stderr)
    stack.virsh('detach-device', 'served', device, '--config')
    tap.equal((drivers(stack.virsh('dumpxml', 'served', '--inactive')), stack.state('served')), ([''], 'paused'),
              'detach-device --config of a running domain')
    stack.virsh('destroy', 'served')
    stack.virsh('undefine', 'served')
    os.kill(server, signal.SIGTERM)
    stack.wait_for(lambda: stack.status(server) is not None, 'the server ends')


def unmoved(tap, stack, alias, fails):
    """A domain with a device of a server cannot be saved or migrated."""
    image = stack.path('tmp/never')
    snapshot = stack.write('tmp/snapshot.xml', "<domainsnapshot><name>never</name><memory snapshot='external' file='%s'/>"
                           "</domainsnapshot>" % image)
    for args in (['save', 'served', image], ['managedsave', 'served'], ['snapshot-create', 'served', snapshot],
                 ['migrate', '--live', 'served', stack.direct_uri]):
        message = fails(*args)
        tap.ok("emulated PCI device '%s' ('socket' of <driver>) cannot save its registers" % alias in message,
               'refused: ' + args[0], message)
    tap.equal((stack.state('served'), os.path.exists(image)), ('paused', False), 'the domain is as it was, and no file is left')


def main(tap):
    needs('libvirtd', 'virsh')
    transport = needs_transport()
    with DaemonStack() as stack:
        stack.start_libvirtd()
        stack.start_daemon()
        full = FULL % (transport, '/usr/libexec/no-such-emulator')
        wanted = ['', full, "<driver emulator='net'/>", "<driver pid='4711'/>"]

        def device(driver, alias=None, **fields):
            return emulatedpci_xml({**FIELDS, **fields}, alias, driver)

        def fails(*args):
            done = stack.run(['virsh', '-q', '-c', stack.uri] + list(args), check=False)
            return done.stderr if done.returncode else 'NO ERROR: ' + done.stdout

        stack.virsh('define', '--validate', stack.write('tmp/a.xml', domain_xml(
            'many', 'pc', ''.join(device(driver) for driver in wanted))))
        shown = stack.virsh('dumpxml', 'many')
        tap.equal(drivers(shown), wanted, 'what was defined is shown')
        stock = stack.direct('dumpxml', 'many')
        stack.virsh('define', '--validate', stack.write('tmp/again.xml', shown))
        tap.equal((stack.virsh('dumpxml', 'many'), stack.direct('dumpxml', 'many')), (shown, stock),
                  'defined again, nothing changes')
        tap.equal(stock.count("name='emulator' type='string' value='net'"), 2, 'libvirtd holds it as properties')

        message = fails('define', stack.write('tmp/b.xml', shown.replace(
            "<driver emulator='net'/>", "<driver emulator='net' stubdomain='yes'/>")))
        tap.ok("error: XML error: devices 2 ('dev') and 3 ('dev') have different" in message,
               'devices that disagree', message)
        message = fails('define', '--validate', stack.write('tmp/c.xml', shown.replace('4711', '0')))
        tap.ok('Unable to validate' in message or "attribute 'pid'" in message, 'a bad value', message)

        attached = stack.write('tmp/d.xml', device("<driver emulator='net' model='/other'/>", 'ua-more'))
        message = fails('attach-device', 'many', attached, '--config')
        tap.ok("have different" in message, 'attach-device of one that disagrees', message)
        tap.equal(stack.virsh('dumpxml', 'many'), shown, 'nothing changed')
        attached = stack.write('tmp/d.xml', device("<driver emulator='net'/>", 'ua-more'))
        stack.virsh('attach-device', 'many', attached, '--config')
        tap.equal(drivers(stack.virsh('dumpxml', 'many')), wanted + ["<driver emulator='net'/>"],
                  'attach-device of one that agrees')
        stack.virsh('detach-device', 'many', attached, '--config')
        tap.equal(drivers(stack.virsh('dumpxml', 'many')), wanted, 'detach-device')
        stack.virsh('undefine', 'many')

        server(tap, stack, fails)
        detached(tap, stack, fails)

        # The number of emulators, and their end with the domain
        stack.virsh('define', stack.write('tmp/e.xml', domain_xml('runs', 'pc', ''.join(
            device(driver) for driver in ('', "<driver emulator='a'/>", "<driver emulator='b'/>",
                                          "<driver emulator='a' version='%s'/>" % transport)))))
        stack.virsh('start', '--paused', 'runs')
        tap.equal(len({command for _, command in stack.processes('pci-emulator')}), 3, 'three emulators')
        tap.equal(drivers(stack.virsh('dumpxml', 'runs')),
                  ['', "<driver emulator='a'/>", "<driver emulator='b'/>",
                   "<driver emulator='a' version='%s'/>" % transport], 'the running domain shows them')
        stack.virsh('destroy', 'runs')
        stack.wait_for(lambda: not stack.processes('pci-emulator'), 'the emulators end')
        stack.virsh('undefine', 'runs')
        tap.equal(stack.close(), [], 'nothing is left')


run_tests(main)
