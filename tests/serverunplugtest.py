#!/usr/bin/env python3
# serverunplugtest.py: the devices of a server whose unplug crashes QEMU
#
# Tests QEMU without libvirt, with a device of a vfio-user server, and qtest in place of a guest
# that releases the device. QEMU 11.1 aborts if the device has MSI-X: vfio_user_instance_finalize()
# in its hw/vfio-user/pci.c removes the region of the pending bits from a BAR that does not exist
# any more. Therefore emulatedpci-monitor does not let QEMU unplug a device that has this region
# (src/monitor/monitor_detach.h), and this test compares both. A guest without an APIC has no MSI,
# and QEMU ignores the capability, but has the region. If this test shows that a version of QEMU does
# not abort, the monitor could let that version unplug the device.
#
# SPDX-License-Identifier: LGPL-2.1-or-later

import json
import os
import signal
import tempfile

from emulatedpcistack import Tap, needs, run_tests
from qemutransports import VFIO_USER, qemu_transports
from qtestclient import QTestError, QTestMachine
from vfiouserserver import INTX, MSI, MSIX, Device, Server

SLOT = 5

# PIIX4's ACPI hot plug: the bus, and the slots to eject (QEMU's docs/specs/acpi_pci_hotplug.rst)
SELECT_BUS, EJECT = 0xae10, 0xae08

# The memory regions that the monitor looks for
PENDING, TABLE = 'VFIO MSIX PBA[0]', 'msix-table[0]'

NO_APIC = ['-cpu', 'qemu64,-apic']
DEVICES = [
    ('no BAR', Device((), (INTX,)), [], []),
    ('a BAR and INTx', Device((0,), (INTX,)), [], []),
    ('two BARs and MSI', Device((0, 1), (INTX, MSI)), [], []),
    ('two BARs and MSI-X', Device((0, 1), (INTX, MSIX)), [], [PENDING, TABLE]),
    ('two BARs and MSI, without an APIC', Device((0, 1), (INTX, MSI)), NO_APIC, []),
    ('two BARs and MSI-X, without an APIC', Device((0, 1), (INTX, MSIX)), NO_APIC, [PENDING]),
]


def has(machine, child):
    """Asks what the monitor asks."""
    try:
        return machine.qmp('qom-get', path='/machine/peripheral/device/' + child, property='type') == 'memory-region'
    except QTestError as error:
        if 'not found' not in str(error):
            raise
        return False


def unplug(machine, asked):
    """The guest releases the device. ASKED: libvirt has requested that. Returns whether QEMU still
    runs."""
    try:
        if asked:
            machine.qmp('device_del', id='device')
        machine.commands(['outl 0x%x 0' % SELECT_BUS, 'outl 0x%x 0x%x' % (EJECT, 1 << SLOT)])
        machine.qmp_event('DEVICE_DELETED')
        machine.qmp('quit')
    except (QTestError, ConnectionError):
        pass
    return machine.process.wait() == 0


def main(tap):
    needs('qemu-system-x86_64')
    if VFIO_USER not in qemu_transports()[0]:
        Tap.skip_all('QEMU has no vfio-user-pci here')
    with tempfile.TemporaryDirectory(prefix='emulatedpci.') as directory:
        for i, (name, device, args, regions) in enumerate(DEVICES):
            for asked in (True, False):
                path = os.path.join(directory, '%d.%d.sock' % (i, asked))
                server = Server(path, device=device)
                what = '%s, %s' % (name, 'detached' if asked else 'released by the guest alone')
                with open(path + '.log', 'w+', encoding='utf-8', errors='replace') as log:
                    with QTestMachine(['-machine', 'pc'] + args + ['-device', json.dumps(
                            {'driver': 'vfio-user-pci', 'id': 'device', 'addr': '0x%x' % SLOT,
                             'socket': {'type': 'unix', 'path': path}})], stderr=log) as machine:
                        found = [child for child in (PENDING, TABLE) if has(machine, child)]
                        alive = unplug(machine, asked)
                        status = machine.process.returncode
                    log.seek(0)
                    said = log.read()
                server.close()
                tap.equal(found, regions, '%s: its memory regions' % what)
                if not regions or alive:
                    tap.ok(alive, '%s: QEMU survives' % what, status, said)
                else:
                    tap.ok(status == -signal.SIGABRT and "`subregion->container == mr' failed" in said,
                           '%s: QEMU aborts' % what, status, said)


run_tests(main)
