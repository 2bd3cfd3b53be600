"""bench-config.py: the time of configuration reads by a guest, and the emulator's memory

One QEMU (TCG, no KVM) has a native device, the same device in QEMU's own
remote process (-machine x-remote), and two emulated devices, whose emulators
run with and without a guard. The guest program configguest.S reads them in
turns. Times are medians of batches of 1000 reads in one run; the memory of
the serving processes is read from /proc.

The largest effect is whether QEMU and the process that serves it share a CPU,
and the scheduler keeps a placement for seconds (see bench-transports.c). So
there are three measurements: as the scheduler places the processes, on one
CPU, and on two.

SPDX-License-Identifier: LGPL-2.1-or-later
"""

import contextlib
import os
import signal
import socket
import statistics
import struct
import subprocess
import sys
import time

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.environ['abs_top_srcdir'], 'tests'))

# pylint: disable=wrong-import-position
import emulatordriver
from qtestclient import qemu_path

DEVICE = 'lsi53c895a'
READS = 1000
WARMUP = 10
ROUNDS = int(os.environ.get('BENCH_ROUNDS', '60'))

NATIVE, REMOTE, OURS, UNGUARDED = 5, 6, 7, 8

# The limits
READ_RATIO = 0.30
GUARD_RATIO = 1.10
PRIVATE_KIB = {1: 512, 28: 1024}
RESIDENT_KIB = 2560


def memory(pid):
    """Returns private and resident KiB. Private is None if permission to read it is missing."""
    values = {}
    try:
        with open('/proc/%d/smaps_rollup' % pid, encoding='ascii') as rollup:
            for line in rollup:
                words = line.split()
                if words[-1] == 'kB':
                    values[words[0]] = int(words[1])
        private = values['Private_Clean:'] + values['Private_Dirty:']
    except PermissionError:
        private = None
    with open('/proc/%d/statm' % pid, encoding='ascii') as statm:
        resident = int(statm.read().split()[1]) * os.sysconf('SC_PAGE_SIZE') // 1024
    return private, resident


def memory_of(emulator):
    """Returns private and resident KiB of the emulator's processes: the sum, and the maximum."""
    values = [memory(pid) for pid in {emulator.process.pid, emulator.worker()}]
    private = [value[0] for value in values]
    return None if None in private else sum(private), max(value[1] for value in values)


def cpu_time(pid):
    """Returns the CPU time of a process in nanoseconds."""
    with open('/proc/%d/schedstat' % pid, encoding='ascii') as schedstat:
        return int(schedstat.read().split()[0])


@contextlib.contextmanager
def staying_on(cpus):
    """Binds the processes that are started in this context to CPUS."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, cpus)
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def start_remote():
    """Starts QEMU's own remote process. Returns it and the proxy's end of its socket."""
    ours, theirs = socket.socketpair()
    process = subprocess.Popen(
        [qemu_path(), '-machine', 'x-remote', '-nodefaults', '-display', 'none',
         '-device', '%s,id=device0' % DEVICE,
         '-object', 'x-remote-object,id=remote0,devid=device0,fd=%d' % theirs.fileno()],
        stdin=subprocess.DEVNULL, pass_fds=[theirs.fileno()])
    theirs.close()
    return process, ours


def batches(console, count):
    """Returns the time of each batch of the first COUNT rounds after the warm-up, in ns per read."""
    ticks = {NATIVE: [], REMOTE: [], OURS: [], UNGUARDED: []}
    clock = []
    while len(ticks[UNGUARDED]) < count + WARMUP:
        kind, number = struct.unpack('<cQ', emulatordriver.receive(console, 9))
        if kind == b'T':
            clock.append((number, time.perf_counter_ns()))
        else:
            ticks[int(kind)].append(number)
    ns_per_tick = (clock[-1][1] - clock[0][1]) / (clock[-1][0] - clock[0][0])
    return {slot: [value * ns_per_tick / READS for value in values[WARMUP:]]
            for slot, values in ticks.items()}


def start_qemu(fds):
    """Starts QEMU. FDS: descriptors of the remote device, ours, the console, and the device without a guard."""
    guest = os.path.join(os.environ['abs_top_builddir'], 'bench/configguest')
    return subprocess.Popen(
        [qemu_path(), '-machine', 'pc,memory-backend=ram', '-m', '64', '-accel', 'tcg',
         '-nodefaults', '-no-user-config', '-display', 'none',
         '-object', 'memory-backend-memfd,id=ram,size=64M,share=on',
         '-chardev', 'socket,id=console,fd=%d' % fds[2],
         '-device', 'isa-debugcon,iobase=0xe9,chardev=console',
         '-device', '%s,addr=%d' % (DEVICE, NATIVE),
         '-device', 'x-pci-proxy-dev,id=remote,addr=%d,fd=%d' % (REMOTE, fds[0]),
         '-device', 'x-pci-proxy-dev,id=ours,addr=%d,fd=%d' % (OURS, fds[1]),
         '-device', 'x-pci-proxy-dev,id=unguarded,addr=%d,fd=%d' % (UNGUARDED, fds[3]),
         '-kernel', guest],
        stdin=subprocess.DEVNULL, pass_fds=fds)


def measure_reads(qemu_cpus, servers_cpus):
    """Returns (ns per read by slot, CPU time per read of our process, and the memory of the remote process,
    of our emulator and of the emulator without a guard)."""
    console, console_theirs = socket.socketpair()
    remote = qemu = None
    try:
        with contextlib.ExitStack() as stack:
            with staying_on(servers_cpus):
                remote, remote_socket = start_remote()
                emulator = stack.enter_context(
                    emulatordriver.Emulator([emulatordriver.EXAMPLE], stderr=None))
                unguarded = stack.enter_context(
                    emulatordriver.Emulator([emulatordriver.EXAMPLE], ['--no-guard'], stderr=None))
            ours_socket, unguarded_socket = emulator.sockets[0], unguarded.sockets[0]
            fds = [s.fileno() for s in (remote_socket, ours_socket, console_theirs, unguarded_socket)]
            with staying_on(qemu_cpus):
                qemu = start_qemu(fds)
            for sock in (remote_socket, ours_socket, console_theirs, unguarded_socket):
                sock.close()
            console.settimeout(60)
            pid = emulator.worker()
            before = cpu_time(pid)
            times = batches(console, ROUNDS)
            ours = (cpu_time(pid) - before) / ((ROUNDS + WARMUP) * READS)
            result = times, ours, memory(remote.pid), memory_of(emulator), memory_of(unguarded)
            # In this order, neither process reports that the other one has ended.
            qemu.send_signal(signal.SIGSTOP)
            remote.kill()
            remote.wait()
            qemu.kill()
            qemu.wait()
            return result
    finally:
        for process in (qemu, remote):
            if process is not None and process.poll() is None:
                process.kill()
                process.wait()
        console.close()


def measure_memory(count):
    """Returns the memory of an emulator that has served each of COUNT devices."""
    with emulatordriver.Emulator([emulatordriver.EXAMPLE] * count, stderr=None) as emulator:
        for sock in emulator.sockets:
            for reg in range(256):
                emulatordriver.config_write(sock, reg, 0xff, 1)
                emulatordriver.config_read(sock, reg, 1)
        return memory_of(emulator)


def kib(values):
    private, resident = values
    return '%s KiB private, %6d KiB resident' % (
        '%6d' % private if private is not None else '     ?', resident)


def print_reads(where, times, cpu, fixed):
    middle = {slot: statistics.median(values) for slot, values in times.items()}

    print('guest configuration reads, %s: median of %d batches of %d (fastest, slowest batch)'
          % (where, ROUNDS, READS))
    for slot, name in ((NATIVE, 'native device'), (REMOTE, "QEMU's remote process"),
                       (OURS, 'pci-emulator'), (UNGUARDED, 'the same, --no-guard')):
        print('  %-24s %8.0f ns per read (%.0f, %.0f)'
              % (name, middle[slot], min(times[slot]), max(times[slot])))
    ratio = middle[OURS] / middle[REMOTE]
    print('  ours / remote process    %8.2f (at most %.2f: %s)'
          % (ratio, READ_RATIO, 'reached' if ratio <= READ_RATIO else 'NOT REACHED'))
    print('  ours / native device     %8.2f' % (middle[OURS] / middle[NATIVE]))
    if fixed:
        # Consecutive batches are compared: other load on the machine affects both.
        ratio = statistics.median(a / b for a, b in zip(times[OURS], times[UNGUARDED]))
        print('  with / without guard     %8.2f (at most %.2f: %s)'
              % (ratio, GUARD_RATIO, 'reached' if ratio <= GUARD_RATIO else 'NOT REACHED'))
    print("  pci-emulator's CPU time  %8.0f ns; without it, ours / remote process would be %.2f"
          % (cpu, (middle[OURS] - cpu) / middle[REMOTE]))


def main():
    cpus = sorted(os.sched_getaffinity(0))
    places = [('placed by the scheduler', cpus, cpus), ('all on one CPU', cpus[:1], cpus[:1])]
    if len(cpus) > 1:
        places.append(('QEMU on another CPU', cpus[:1], cpus[1:2]))
    for where, qemu_cpus, servers_cpus in places:
        times, cpu, remote_memory, ours_memory, unguarded_memory = measure_reads(qemu_cpus, servers_cpus)
        print_reads(where, times, cpu, qemu_cpus != cpus or len(cpus) == 1)

    print('memory')
    print("  %-24s %s" % ("QEMU's remote process", kib(remote_memory)))
    print("  %-24s %s" % ('pci-emulator, as above', kib(ours_memory)))
    print("  %-24s %s" % ('the same, --no-guard', kib(unguarded_memory)))
    for count in (1, 28):
        values = measure_memory(count)
        private, resident = values
        fits = resident <= RESIDENT_KIB and (private is None or private <= PRIVATE_KIB[count])
        print('  %-24s %s (at most %d and %d: %s)'
              % ('pci-emulator, %d device%s' % (count, 's' if count > 1 else ''), kib(values),
                 PRIVATE_KIB[count], RESIDENT_KIB, 'reached' if fits else 'NOT REACHED'))


if __name__ == '__main__':
    main()
