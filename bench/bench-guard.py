"""bench-guard.py: an emulator that is killed, and 64 devices

How long a request takes whose worker is killed, from the kill to the answer:
the request is sent first, or right behind the kill, and there is nothing else
to do. Then 64 devices in one emulator and in 64: the time of a read, each of
another device, and the memory of all processes.

SPDX-License-Identifier: LGPL-2.1-or-later
"""

import contextlib
import mmap
import os
import signal
import statistics
import struct
import subprocess
import sys
import time

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.environ['abs_top_srcdir'], 'tests'))

# pylint: disable=wrong-import-position
import emulatordriver as emu
from emulatordriver import EXAMPLE, Emulator

KILLS = int(os.environ.get('BENCH_ROUNDS', '1000'))
DEVICES = 64
READS = 200         # of each device

# The promise, in milliseconds
REPLACED = 10


def open_status(pid):
    """The shared memory: the pid of the worker is at 20, of 4 bytes."""
    for name in os.listdir('/proc/%d/fd' % pid):
        path = '/proc/%d/fd/%s' % (pid, name)
        if 'emulatedpci-status' in os.readlink(path):
            with open(path, 'rb') as file:
                return mmap.mmap(file.fileno(), 0, prot=mmap.PROT_READ)
    raise FileNotFoundError('the status of %d' % pid)


def measure_kills():
    """Milliseconds, for each kill."""
    times = []
    with Emulator([EXAMPLE], stderr=subprocess.DEVNULL) as emulator:
        status = open_status(emulator.process.pid)
        sock = emulator.sockets[0]
        request = emu.config_read_message(0, 4)
        worker = None
        for _ in range(KILLS):
            while struct.unpack_from('=i', status, 20)[0] == worker:
                time.sleep(0)
            # A request from it: it serves.
            emu.config_read(sock, 0, 4)
            worker = struct.unpack_from('=i', status, 20)[0]
            # Stopped, so that it cannot answer before it dies.
            os.kill(worker, signal.SIGSTOP)
            sock.sendall(request)
            start = time.perf_counter()
            os.kill(worker, signal.SIGKILL)
            if emu.reply(sock) != 0xc0005853:
                raise ValueError('a wrong answer')
            times.append((time.perf_counter() - start) * 1000)
    return sorted(times)


def memory(emulators):
    """KiB of all their processes: proportional, so that shared memory counts once; None if unknown."""
    total = 0
    try:
        for emulator in emulators:
            for pid in {emulator.process.pid, emulator.worker()}:
                with open('/proc/%d/smaps_rollup' % pid, encoding='ascii') as rollup:
                    total += sum(int(line.split()[1]) for line in rollup if line.startswith('Pss:'))
    except PermissionError:
        return None
    return total


def measure_devices(processes):
    """(microseconds of a read, KiB)"""
    each = DEVICES // processes
    with contextlib.ExitStack() as stack:
        emulators = [stack.enter_context(Emulator([EXAMPLE] * each)) for _ in range(processes)]
        sockets = [sock for emulator in emulators for sock in emulator.sockets]
        times = []
        for _ in range(READS):
            start = time.perf_counter()
            for sock in sockets:
                emu.config_read(sock, 0, 4)
            times.append((time.perf_counter() - start) / len(sockets) * 1e6)
        return statistics.median(times), memory(emulators)


def main():
    times = measure_kills()
    print('from SIGKILL to the answer, %d times' % len(times))
    for name, index in (('median', len(times) // 2), ('90%', len(times) * 9 // 10),
                        ('99%', len(times) * 99 // 100), ('longest', -1)):
        print('  %-24s %8.2f ms' % (name, times[index]))
    within = sum(value <= REPLACED for value in times) / len(times)
    print('  within %d ms             %8.1f %%' % (REPLACED, within * 100))

    print('%d devices, reads of one after the other' % DEVICES)
    for processes in (1, DEVICES):
        each, kib = measure_devices(processes)
        print('  in %2d emulator%-11s %8.1f us a read, %s KiB'
              % (processes, 's' if processes > 1 else '', each, '?' if kib is None else kib))


if __name__ == '__main__':
    main()
