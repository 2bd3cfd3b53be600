#!/usr/bin/env python3
# vfiouserqemutest.py: a real QEMU that has vfio-user-pci, without a guest
#
# QEMU is started through the launcher with pci-emulator, as libvirt does. Only this test shows
# which replies QEMU rejects, and about which ones it prints warnings.
#
# SPDX-License-Identifier: LGPL-2.1-or-later

import os
import re
import shutil
import signal
import subprocess
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from launcherutil import QEMU_DIR, Stage, Tap, device, expect
from emulatordriver import children
from qtestclient import QTestError, QTestMachine, pci

test = Tap()
QEMU = os.path.join(QEMU_DIR, "qemu-system-x86_64")
PIN = 0x3d


class Machine(QTestMachine):
    """A QEMU with the emulated DEVICES, dicts of fields, in slots from 3 on. DRIVER: the
    attributes of every <driver>."""

    def __init__(self, devices, machine="pc", args=(), driver=()):
        argv = ["-machine", machine, *args]
        for i, fields in enumerate(devices):
            argv += ["-device", device(**{"devicename": f"d{i}", **fields}, foreign=[
                *dict(driver).items(), ("id", f"ua-{i}"), ("bus", "pci.0" if machine == "pc" else "pcie.0"),
                ("addr", f"{3 + i:#x}")])]
        self.log = os.path.join(stage.top, "qemu.err")
        os.environ["HOME"] = stage.home
        with open(self.log, "wb") as log:
            try:
                super().__init__(argv, stderr=log, program=launcher)
            except QTestError as error:
                raise QTestError(f"{error}: {self.said()}") from error

    def pin(self, i, size=1):
        """Returns the interrupt pin that a guest reads from device I."""
        return self.config_read(pci(0, 3 + i), PIN & -size, size) >> 8 * (PIN % size) & 0xff

    def said(self):
        """Returns the messages of QEMU and the emulators on standard error."""
        with open(self.log, encoding="utf-8", errors="replace") as log:
            return log.read()

    def end(self):
        self.qmp("quit")
        expect(self.process.wait(), 0, "QEMU's status")
        stage.wait_for_none()


def worker():
    """Returns the process that serves the devices, a child of the guard."""
    for pid in stage.processes():
        for child in children(pid):
            return child
    raise AssertionError("no worker")


@test
def pins():
    """every interrupt pin is what the guest reads, also one that QEMU refuses; pc and q35"""
    values = (0, 1, 4, 5, 9, 255)
    for machine in ("pc", "q35"):
        with Machine([{"interruptpin": value} for value in values], machine) as qemu:
            for resets in range(3):
                for i, value in enumerate(values):
                    expect([qemu.pin(i, size) for size in (1, 2, 4)], [value] * 3,
                           f"{machine}: pin {value} after {resets} resets")
                qemu.reset()
            expect(qemu.said(), "", f"{machine}: standard error")
            qemu.end()


@test
def pin_of_another_worker():
    """a worker that is killed before or after a reset changes nothing of the pin"""
    with Machine([{"interruptpin": 9}]) as qemu:
        for _ in range(3):
            os.kill(worker(), signal.SIGKILL)
            expect(qemu.pin(0), 9, "the pin")
            os.kill(worker(), signal.SIGKILL)
            qemu.reset()
            expect(qemu.pin(0, 4), 9, "the pin after a reset")
        expect([line for line in qemu.said().splitlines() if "replacing a process" not in line], [],
               "standard error")
        qemu.end()


@test
def silent():
    """24 devices: nothing is warned of"""
    with Machine([{"deviceid": 0x100 + i} for i in range(24)]) as qemu:
        expect([qemu.config_read(pci(0, 3 + i), 2, 2) for i in range(24)],
               [0x100 + i for i in range(24)], "device ids")
        expect(qemu.said(), "", "standard error")
        qemu.end()


def migrated(qemu):
    """Waits for the end of a migration. Returns its status."""
    while True:
        status = qemu.qmp("query-migrate").get("status")
        if status in ("completed", "failed"):
            return status
        time.sleep(0.01)


def save(qemu):
    """Saves the machine in a file. Returns the name of the file."""
    path = os.path.join(stage.top, "saved")
    qemu.qmp("migrate", uri="file:" + path)
    expect(migrated(qemu), "completed", f"the save: {qemu.said()}")
    return path


INCOMING = ["-incoming", "defer"]


def restore(qemu, path):
    qemu.qmp("migrate-incoming", uri="file:" + path)
    return migrated(qemu)


@test
def travels():
    """registers travel with a save: 1 and 24 devices, one emulator and several, pc and q35"""
    for machine, count, driver in (("pc", 1, {}), ("q35", 24, {}), ("pc", 24, {"emulator": "own"})):
        devices = [{"deviceid": 0x100 + i, "status": 0xf900, "interruptpin": i % 10} for i in range(count)]
        with Machine(devices, machine, driver=driver) as qemu:
            for i in range(count):
                qemu.config_write(pci(0, 3 + i), 0x3c, 0x80 + i, 1)
                qemu.config_write(pci(0, 3 + i), 0x04, 0x0100 + i, 2)
                qemu.config_write(pci(0, 3 + i), 0x06, 0x0800 << i % 5, 2)
                qemu.config_write(pci(0, 3 + i), 0x0c, 0x40 + i, 1)
            where = [pci(0, 3 + i) for i in range(count)]
            before = qemu.config_dump(*where)
            path = save(qemu)
            expect(qemu.config_dump(*where), before, "what a save changes")
            expect(qemu.said(), "", "standard error")
            qemu.end()
        with Machine(devices, machine, INCOMING, driver) as qemu:
            expect(qemu.config_dump(*where) == before, False, "before")
            expect(restore(qemu, path), "completed", f"the restore: {qemu.said()}")
            expect(qemu.config_dump(*where), before, "after")
            expect(qemu.said(), "", "standard error")
            qemu.reset()
            expect(qemu.config_read(where[0], 0x3c, 1), 0, "a reset brings power-on values")
            qemu.end()


def refused(qemu, command, **arguments):
    try:
        qemu.qmp(command, **arguments)
    except QTestError as error:
        return str(error)
    raise AssertionError(f"{command}: not refused")


@test
def not_movable():
    """an emulator that cannot save: QEMU refuses to migrate and tells why; the machine goes on"""
    disk = os.path.join(stage.top, "disk.qcow2")
    subprocess.run(["qemu-img", "create", "-q", "-f", "qcow2", disk, "1M"], check=True)
    reason = "node 'model-of-ua-0' does not support live migration"
    with Machine([{}], args=["-blockdev", "driver=qcow2,node-name=disk,file.driver=file,file.filename=" + disk,
                             "-device", "virtio-blk-pci,drive=disk,addr=0x10"],
                 driver={"emulator": "own", "model": stage.emulator}) as qemu:
        qemu.config_write(pci(0, 3), 0x3c, 0x5a, 1)
        blocked = qemu.qmp("query-migrate").get("blocked-reasons", [])
        expect([reason in text for text in blocked], [True], f"reasons: {blocked}")
        error = refused(qemu, "migrate", uri="exec:cat >/dev/null")
        expect(reason in error, True, error)
        expect(qemu.qmp("query-migrate").get("status"), None, "a migration")

        # A snapshot with memory, and one with only disks
        qemu.qmp("snapshot-save", **{"job-id": "save", "tag": "a", "vmstate": "disk", "devices": ["disk"]})
        jobs = []
        while not jobs or jobs[0]["status"] != "concluded":
            jobs = qemu.qmp("query-jobs")
        expect(reason in jobs[0].get("error", ""), True, str(jobs))
        qemu.qmp("blockdev-snapshot-internal-sync", device="disk", name="b")

        expect(qemu.config_read(pci(0, 3), 0x3c, 1), 0x5a, "the register")
        qemu.end()


def main():
    global stage, launcher
    if not os.path.exists(QEMU):
        return test.run(skip=f"there is no {QEMU}")
    known = subprocess.run([QEMU, "-device", "help"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                           encoding="utf-8", check=False).stdout
    if not re.search('name "vfio-user-pci"', known):
        return test.run(skip="this QEMU has no device 'vfio-user-pci': it came with QEMU 10.1")
    if not shutil.which("qemu-img"):
        return test.run(skip="there is no qemu-img on this machine")
    stage = Stage()
    launcher = stage.link("qemu-system-x86_64")
    try:
        return test.run()
    finally:
        stage.remove()


if __name__ == "__main__":
    sys.exit(main())
