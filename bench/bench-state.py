#!/usr/bin/env python3
# bench-state.py: the cost of saving registers with a guest
#
# Measures the start of a QEMU with one device, with and without the process that saves
# registers (without: a device with <driver model='...'/>); the memory of that process; and the
# downtime of a machine of 64 MiB when it is saved, and when it migrates to another QEMU, without
# devices, with 24 of them, and with 24 of a device of QEMU's own, pci-serial.
# The cases alternate; the results are medians. Requires a QEMU with vfio-user-pci.
#
# SPDX-License-Identifier: LGPL-2.1-or-later

import os
import statistics
import subprocess
import sys
import time

TOP = os.environ.get("abs_top_srcdir", os.path.join(os.path.dirname(__file__), ".."))
sys.path.insert(0, os.path.join(TOP, "tests"))
from launcherutil import QEMU_DIR, Stage, device
from qtestclient import QTestMachine

ROUNDS = int(os.environ.get("BENCH_ROUNDS", "20"))
TARGET_START = 10.0     # milliseconds that may be added
TARGET_MEMORY = 1024    # KiB
TARGET_DOWNTIME = 5.0   # milliseconds that may be added to a save, and to a migration


def arguments(count, driver):
    """DRIVER: attributes of <driver>, or None for QEMU's own device"""
    args = ["-machine", "pc", "-m", "64"]
    for i in range(count):
        where = [("id", f"ua-{i}"), ("bus", "pci.0"), ("addr", f"{3 + i:#x}")]
        if driver is None:
            args += ["-device", ",".join(["pci-serial"] + [f"{name}={value}" for name, value in where])]
        else:
            args += ["-device", device(deviceid=0x100 + i, foreign=[*driver.items(), *where])]
    return args


def processes(stage):
    """Returns the processes that save registers."""
    found = set()
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{pid}/cmdline", "rb") as file:
                if file.read().split(b"\0")[0].decode() == stage.vmstate:
                    found.add(pid)
        except OSError:
            continue
    return found


def memory(stage, launcher):
    """Returns the private KiB of the process that saves registers, with 24 devices. There is another
    such process, because libraries are private memory of a process that is alone in using them."""
    with QTestMachine(arguments(1, {}), stderr=subprocess.DEVNULL, program=launcher):
        others = processes(stage)
        with QTestMachine(arguments(24, {}), stderr=subprocess.DEVNULL, program=launcher) as machine:
            save(machine, os.path.join(stage.top, "saved"))
            (pid,) = processes(stage) - others
            with open(f"/proc/{pid}/smaps_rollup", encoding="ascii") as file:
                private = sum(int(line.split()[1]) for line in file if line.startswith("Private_"))
    stage.wait_for_none()
    return private


def wait_for(machine):
    """Waits for the end of a migration. Returns its result."""
    while True:
        status = machine.qmp("query-migrate")
        if status.get("status") == "completed":
            return status
        if status.get("status") == "failed":
            raise SystemExit(f"bench-state: {status}")
        time.sleep(0.0005)


def save(machine, path):
    """Saves the machine. Returns its downtime in milliseconds."""
    machine.qmp("cont")
    machine.qmp("migrate", uri="file:" + path)
    return wait_for(machine)["downtime"]


def milliseconds(event):
    return event["timestamp"]["seconds"] * 1000 + event["timestamp"]["microseconds"] / 1000


def migrate(machine, args, launcher, path):
    """Migrates the machine to another one. Returns the milliseconds between the stop of the one and
    the time when the other one could start."""
    uri = "unix:" + path
    with QTestMachine(args + ["-incoming", "defer"], stderr=subprocess.DEVNULL, program=launcher) as other:
        other.qmp("migrate-set-capabilities", capabilities=[{"capability": "events", "state": True}])
        other.qmp("migrate-incoming", uri=uri)
        machine.qmp("cont")
        machine.events = []
        machine.qmp("migrate", uri=uri)
        wait_for(machine)
        end = other.qmp_event("MIGRATION")
        while end["data"]["status"] != "completed":
            end = other.qmp_event("MIGRATION")
        stop = machine.qmp_event("STOP")
        return milliseconds(end) - milliseconds(stop)


def main():
    qemu = os.path.join(QEMU_DIR, "qemu-system-x86_64")
    known = subprocess.run([qemu, "-device", "help"], stdout=subprocess.PIPE, check=False).stdout
    if b'name "vfio-user-pci"' not in known:
        print("skipped: this QEMU has no vfio-user-pci")
        return
    stage = Stage()
    os.environ["HOME"] = stage.home
    launcher = stage.link("qemu-system-x86_64")
    cases = {"no device": (0, {}), "24 of QEMU's own": (24, None), "1 device": (1, {}), "24 devices": (24, {}),
             "1 device that stays": (1, {"emulator": "a", "model": stage.emulator})}
    starts = {name: [] for name in cases}
    saves = {name: [] for name in cases if "stays" not in name}
    migrations = {name: [] for name in saves}
    path = os.path.join(stage.top, "saved")
    try:
        for _ in range(ROUNDS + 1):
            for name, case in cases.items():
                begin = time.perf_counter()
                with QTestMachine(arguments(*case), stderr=subprocess.DEVNULL, program=launcher) as machine:
                    elapsed = (time.perf_counter() - begin) * 1000
                    if name in saves:
                        saves[name].append(save(machine, path + ".image"))
                        migrations[name].append(migrate(machine, arguments(*case), launcher, path))
                starts[name].append(elapsed)
                stage.wait_for_none()
        private = memory(stage, launcher)
    finally:
        stage.remove()

    # The first round fills the page cache.
    start, saved, migrated = ({name: statistics.median(values[1:]) for name, values in results.items()}
                              for results in (starts, saves, migrations))
    for name, value in start.items():
        print(f"start, {name + ':':24} {value:7.1f} ms")
    for name, value in saved.items():
        print(f"save, {name + ':':25} {value:7.1f} ms")
    for name, value in migrated.items():
        print(f"migration, {name + ':':20} {value:7.1f} ms")
    added = start["1 device"] - start["1 device that stays"]
    print(f"saving registers adds to a start: {added:.1f} ms (at most {TARGET_START})")
    print(f"private memory of its process: {private} KiB (at most {TARGET_MEMORY})")
    for what, result in ("save", saved), ("migration", migrated):
        none, own, ours = (result[name] for name in ("no device", "24 of QEMU's own", "24 devices"))
        print(f"downtime of a {what}: 24 devices add {ours - none:.1f} ms (at most {TARGET_DOWNTIME}), "
              f"24 of QEMU's own {own - none:.1f} ms")


main()
