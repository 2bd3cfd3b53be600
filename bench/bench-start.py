#!/usr/bin/env python3
# bench-start.py: the time that the launcher and the emulator add to the start of QEMU
#
# Measures from exec until QMP has answered a command of a stopped machine: QEMU by itself, and
# QEMU through the launcher without a device, with 1 and with 28 emulated devices. Two more cases
# show the part of the time that QEMU itself needs: QEMU by itself with 28 native devices, and
# with 28 x-pci-proxy-dev whose requests bench/answer answers at once. No emulator can be faster
# than the latter. Standard error is a file, like libvirt's log. The cases alternate, so that
# other load on the machine affects all of them; the results are medians.
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
from launcherutil import BUILD, QEMU_DIR, Stage, device
from qemutransports import MPQEMU, qemu_transports

ROUNDS = int(os.environ.get("BENCH_ROUNDS", "40"))
TARGET = 25.0       # milliseconds that may be added


def start(program, args, log, fds=()):
    """Returns the milliseconds from exec to the first answer. FDS: other descriptors that QEMU inherits."""
    ours, theirs = socket.socketpair()
    argv = [program, "-S", "-nodefaults", "-display", "none", "-machine", "pc", "-accel", "tcg",
            "-m", "64", "-chardev", f"socket,id=q,fd={theirs.fileno()}",
            "-mon", "chardev=q,mode=control", *args]
    begin = time.perf_counter()
    process = subprocess.Popen(argv, pass_fds=[theirs.fileno(), *fds], stderr=log)
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


def start_answered(program, count, log):
    """Like start(), with COUNT devices that bench/answer serves."""
    pairs = [socket.socketpair() for _ in range(count)]
    near, far = ([pair[side].fileno() for pair in pairs] for side in (0, 1))
    with subprocess.Popen([os.path.join(BUILD, "bench/answer"), *map(str, far)], pass_fds=far):
        for _, theirs in pairs:
            theirs.close()
        left = iter(near)
        try:
            return start(program, devices(count, lambda foreign: json.dumps(
                {"driver": "x-pci-proxy-dev", "fd": str(next(left)), **dict(foreign)})), log, near)
        finally:
            for ours, _ in pairs:
                ours.close()


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
        answered = "QEMU itself, 28 answered at once"
        times = {name: [] for name in cases}
        if qemu_transports()[0][:1] == (MPQEMU,):
            times[answered] = []
        for number in range(ROUNDS + 2):
            for name in times:
                elapsed = start_answered(qemu, 28, log) if name == answered else start(*cases[name], log)
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
    if answered in times:
        least = statistics.median(times[answered]) - base
        print(f"of this, {least:.1f} ms are needed by QEMU itself: bench/answer adds as many")


main()
