"""bench-guard.py: the time to replace a killed worker, and the cost of 64 devices

Measures the time from killing a worker to the answer of a request that was
sent just before, on an idle emulator. Then compares 64 devices in one
emulator with 64 devices in 64 emulators: the time of a read, each of another
device, and the memory of all processes.

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

# The limit, in milliseconds
REPLACED = 10


def open_status(pid):
    """Maps the shared memory of the emulator; its 4 bytes at offset 20 are the pid of the worker."""
    for name in os.listdir('/proc/%d/fd' % pid):
        path = '/proc/%d/fd/%s' % (pid, name)
        if 'emulatedpci-status' in os.readlink(path):
            with open(path, 'rb') as file:
                return mmap.mmap(file.fileno(), 0, prot=mmap.PROT_READ)
    raise FileNotFoundError('the status of %d' % pid)


def measure_kills():
    """Returns the milliseconds of each kill, sorted."""
    times = []
    with Emulator([EXAMPLE], stderr=subprocess.DEVNULL) as emulator:
        status = open_status(emulator.process.pid)
        sock = emulator.sockets[0]
        request = emu.config_read_message(0, 4)
        worker = None
        for _ in range(KILLS):
            while struct.unpack_from('=i', status, 20)[0] == worker:
                time.sleep(0)
            # The new worker is ready when it has answered a request.
            emu.config_read(sock, 0, 4)
            worker = struct.unpack_from('=i', status, 20)[0]
            # The worker is stopped, so that it cannot answer before it is killed.
            os.kill(worker, signal.SIGSTOP)
            sock.sendall(request)
            start = time.perf_counter()
            os.kill(worker, signal.SIGKILL)
            if emu.reply(sock) != 0xc0005853:
                raise ValueError('a wrong answer')
            times.append((time.perf_counter() - start) * 1000)
    return sorted(times)


def memory(emulators):
    """Returns the KiB of all processes of EMULATORS, None if unknown. Shared memory counts once (Pss)."""
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
    """Returns (microseconds of a read, KiB) of DEVICES devices in PROCESSES emulators."""
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

    print('%d devices, read one after another' % DEVICES)
    for processes in (1, DEVICES):
        each, kib = measure_devices(processes)
        print('  in %2d emulator%-11s %8.1f us a read, %s KiB'
              % (processes, 's' if processes > 1 else '', each, '?' if kib is None else kib))


if __name__ == '__main__':
    main()
