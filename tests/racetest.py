#!/usr/bin/env python3
# racetest.py: changes of a domain while devices are attached to it
#
# SPDX-License-Identifier: LGPL-2.1-or-later

import re
import struct
import threading

import libvirtrpc as rpc
from daemonstack import DaemonStack
from emulatedpcistack import domain_xml, emulatedpci_xml, needs, run_tests

FIELDS = {'devicename': 'citrix-pv-bus', 'vendorid': 0x5853, 'deviceid': 0xc000}
NO_DOMAIN = 42      # VIR_ERR_NO_DOMAIN
SET_METADATA = 264


def test(tap, stack):
    """Devices are attached by editing the XML of the domain. This must not revert a define or undefine of
    another client in between."""
    uuid = 'b51bb4a7-7a5c-4b6f-8a35-5d2f2a3c6e10'
    plain = domain_xml('race', 'pc', emulatedpci_xml(FIELDS)).replace(
        '<vcpu>', '<uuid>%s</uuid><title>none</title><vcpu>' % uuid)
    device = emulatedpci_xml({'devicename': 'other', 'vendorid': 1, 'deviceid': 2})
    config = struct.pack('>I', 2)
    attached = []

    def attach(domain, stop):
        with rpc.Client(stack.socket, timeout=120) as client:
            client.open()
            while not stop.is_set():
                for procedure in (rpc.ATTACH_DEVICE_FLAGS, rpc.DETACH_DEVICE_FLAGS):
                    try:
                        client.call(procedure, domain + rpc.string(device) + config)
                        attached.append(procedure)
                    except rpc.RPCError as error:
                        if error.code == NO_DOMAIN:
                            return

    with rpc.Client(stack.socket, timeout=120) as client:
        client.open()
        domain = rpc.read_domain(client.call(rpc.DEFINE_XML, rpc.string(plain)))
        stop = threading.Event()
        thread = threading.Thread(target=attach, args=(domain, stop))
        thread.start()
        titles, inactive = [], domain + struct.pack('>I', 2)
        for number in range(40):
            now = rpc.read_string(client.call(rpc.GET_XML_DESC, inactive))[0].decode()
            title = '<title>%d</title>' % number
            client.call(rpc.DEFINE_XML_FLAGS, rpc.string(re.sub('<title>.*</title>', title, now)) + bytes(4))
            titles.append(title in rpc.read_string(client.call(rpc.GET_XML_DESC, inactive))[0].decode())
        stop.set()
        thread.join()
        tap.equal((titles.count(True), len(attached) > 0), (40, True), 'what is defined while devices are attached stays')

        left = 0
        for _ in range(15):
            client.call(rpc.DEFINE_XML, rpc.string(plain))
            thread = threading.Thread(target=attach, args=(domain, threading.Event()))
            before = len(attached)
            thread.start()
            stack.wait_for(lambda: len(attached) > before, 'devices are attached')
            client.call(rpc.UNDEFINE_FLAGS, domain + bytes(4))
            thread.join()
            left += 'race' in stack.direct('list', '--all', '--name').split()
        tap.equal(left, 0, 'a domain that is undefined in the meantime does not come back')


def test_machine(tap, stack):
    """A machine type is raised together with a device, while other clients attach and change
    devices."""
    uuid = 'b51bb4a7-7a5c-4b6f-8a35-5d2f2a3c6e11'
    plain = domain_xml('raise', 'pc-i440fx-5.2').replace('<vcpu>', '<uuid>%s</uuid><vcpu>' % uuid)
    raising = emulatedpci_xml(FIELDS).replace('<emulatedpci', "<emulatedpci machine='pc-i440fx-6.2'", 1)
    disk = "<filesystem type='mount'><source dir='/'/><target dir='%d'/></filesystem>"
    config = struct.pack('>I', 2)
    good = 0

    def attach(domain, xml):
        with rpc.Client(stack.socket, timeout=120) as client:
            client.open().call(rpc.ATTACH_DEVICE_FLAGS, domain + rpc.string(xml) + config)

    with rpc.Client(stack.socket, timeout=120) as client:
        client.open()
        for _ in range(10):
            domain = rpc.read_domain(client.call(rpc.DEFINE_XML, rpc.string(plain)))
            work = [raising] + [disk % number for number in range(3)]
            threads = [threading.Thread(target=attach, args=(domain, xml)) for xml in work]
            for thread in threads:
                thread.start()
            client.call(SET_METADATA, domain + struct.pack('>i', 1) + rpc.optional('kept') + bytes(8) + config)
            for thread in threads:
                thread.join()
            now = rpc.read_string(client.call(rpc.GET_XML_DESC, domain + config))[0].decode()
            good += ("machine='pc-i440fx-6.2'" in now and now.count('<emulatedpci ') == 1 and
                     now.count('<filesystem ') == 3 and '<title>kept</title>' in now)
            client.call(rpc.UNDEFINE_FLAGS, domain + bytes(4))
        tap.equal(good, 10, 'a machine type is raised, and nobody\'s change is lost')

        domain = rpc.read_domain(client.call(rpc.DEFINE_XML, rpc.string(plain)))
        for machine, text in (('pc-q35-6.2', "machine='pc-i440fx-5.2'"), ('pc-i440fx-4.2', "machine='pc-i440fx-5.2'")):
            client.call(rpc.ATTACH_DEVICE_FLAGS, domain + rpc.string(raising.replace('pc-i440fx-6.2', machine)) + config)
            now = rpc.read_string(client.call(rpc.GET_XML_DESC, domain + config))[0].decode()
            tap.ok(text in now, 'machine=%s: another family, or an older one, changes nothing' % machine, now)
        try:
            client.call(rpc.ATTACH_DEVICE_FLAGS, domain + rpc.string(raising.replace('pc-i440fx-6.2', 'x y')) + config)
            tap.ok(False, 'a machine type that is none')
        except rpc.RPCError as error:
            tap.ok("invalid value 'x y' of attribute 'machine'" in error.message, 'a machine type that is none', error)
        client.call(rpc.UNDEFINE_FLAGS, domain + bytes(4))


def main(tap):
    needs('libvirtd', 'virsh', 'qemu-system-x86_64')
    with DaemonStack() as stack:
        stack.start_libvirtd()
        stack.start_daemon()
        test(tap, stack)
        test_machine(tap, stack)
        tap.ok('killed by signal' not in stack.read('log/daemon.log'), 'no process of the daemon crashed',
               stack.read('log/daemon.log'))
        tap.equal(stack.close(), [], 'everything ended by itself')


run_tests(main)
