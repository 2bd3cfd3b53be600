#!/usr/bin/env python3
# bench-start.py: the time that the launcher and the emulator add to the start of QEMU
#
# From exec until QMP has answered a command of a stopped machine: QEMU by
# itself, QEMU through the launcher without a device, with 1 and with 28
# emulated devices; and QEMU by itself with 28 native devices, to see what of
# it is QEMU's own making of devices. Standard error is a file, as libvirt's log
# is. The cases take turns, so that whatever else the machine does hits all alike;
# medians.
#
# SPDX-License-Identifier: LGPL-2.1-or-later

import json
import os
import socket
import statistics
import subprocess
import sys
import time

TOP = os.environ.get("abs_top_srcdir", os.path.join(os.path.dirname(__file__), ".."))
sys.path.insert(0, os.path.join(TOP, "tests"))
from launcherutil import QEMU_DIR, Stage, device

ROUNDS = int(os.environ.get("BENCH_ROUNDS", "40"))
TARGET = 25.0       # milliseconds that may be added


def start(program, args, log):
    """Milliseconds from exec to the first answer."""
    ours, theirs = socket.socketpair()
    argv = [program, "-S", "-nodefaults", "-display", "none", "-machine", "pc", "-accel", "tcg",
            "-m", "64", "-chardev", f"socket,id=q,fd={theirs.fileno()}",
            "-mon", "chardev=q,mode=control", *args]
    begin = time.perf_counter()
    process = subprocess.Popen(argv, pass_fds=[theirs.fileno()], stderr=log)
    theirs.close()
    with ours, ours.makefile("rwb", buffering=0) as qmp:
        qmp.readline()
        qmp.write(b'{"execute":"qmp_capabilities"}\n')
        answer = qmp.readline()
        elapsed = (time.perf_counter() - begin) * 1000
        if b"return" not in answer:
            raise SystemExit(f"bench-start: no answer: {answer!r}")
        qmp.write(b'{"execute":"quit"}\n')
        qmp.readline()
    if process.wait() != 0:
        raise SystemExit(f"bench-start: {argv} failed")
    return elapsed


def devices(count, make):
    return [word for i in range(count) for word in
            ("-device", make([("id", f"ua-{i}"), ("bus", "pci.0"), ("addr", f"{2 + i:#x}")]))]


def emulated(count):
    return devices(count, lambda foreign: device(foreign=foreign))


def native(count):
    return devices(count, lambda foreign: json.dumps({"driver": "edu", **dict(foreign)}))


def main():
    stage = Stage()
    log = open(os.path.join(stage.top, "log"), "ab")
    try:
        qemu = os.path.join(QEMU_DIR, "qemu-system-x86_64")
        launcher = stage.link("qemu-system-x86_64")
        cases = {
            "QEMU itself": (qemu, []),
            "launcher, no device": (launcher, []),
            "launcher, 1 device": (launcher, emulated(1)),
            "launcher, 28 devices": (launcher, emulated(28)),
            "QEMU itself, 28 native devices": (qemu, native(28)),
        }
        times = {name: [] for name in cases}
        for number in range(ROUNDS + 2):
            for name, case in cases.items():
                elapsed = start(*case, log)
                if number >= 2:     # the first ones fill the page cache
                    times[name].append(elapsed)
    finally:
        log.close()
        stage.wait_for_none()
        stage.remove()

    base = statistics.median(times["QEMU itself"])
    print(f"start of QEMU until QMP answers, median of {ROUNDS}")
    for name, values in times.items():
        median = statistics.median(values)
        print(f"  {name + ':':34}{median:7.1f} ms  added {median - base:+6.1f} ms  "
              f"ratio {median / base:.2f}")
    added = statistics.median(times["launcher, 1 device"]) - base
    print(f"added with 1 device: {added:.1f} ms; target: at most {TARGET:.0f} ms: "
          f"{'met' if added <= TARGET else 'MISSED'}")
    many = statistics.median(times["launcher, 28 devices"]) - base
    print(f"added with 28 devices: {many:.1f} ms; target: at most {TARGET:.0f} ms: "
          f"{'met' if many <= TARGET else 'MISSED'}")


main()
