"""bench-device.py: compares a device of a vfio-user server with a device of QEMU

A Linux guest (TCG, no KVM) drives the device of examples/checksum-engine and, by turns, QEMU's "edu",
which does comparable things inside QEMU: a register is read and written, an interrupt is raised, and
memory is read by DMA (deviceguest.c). The guest measures the times; they are medians of batches in one
run. The guest runs with shared memory, which the server maps, and with private memory, each part of
which the server requests from QEMU. Both run twice (BENCH_ROUNDS), and the better result counts.

edu transfers at most 4096 bytes by DMA, after a timer of 100 ms: its throughput is printed, but is not
comparable.

SPDX-License-Identifier: LGPL-2.1-or-later
"""

import json
import os
import re
import subprocess
import sys
import tempfile
import time

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.environ['abs_top_srcdir'], 'tests'))

# pylint: disable=wrong-import-position
from emulatedpcistack import KERNEL_ARGUMENTS, guest_kernel, initramfs
from qemutransports import VFIO_USER, qemu_path, qemu_transports

BUILD = os.environ['abs_top_builddir']
MEMORY = 256
ROUNDS = int(os.environ.get('BENCH_ROUNDS', '2'))
TIMEOUT = 600


def start_server(path):
    server = subprocess.Popen([os.path.join(BUILD, 'examples/checksum-engine/checksum-engine'), '--socket=' + path])
    while not os.path.exists(path):
        if server.poll() is not None:
            sys.exit('checksum-engine ended with status %d' % server.returncode)
        time.sleep(0.01)
    return server


def run(directory, kernel, shared):
    """Runs a guest. Returns {(what, device): nanoseconds}."""
    os.makedirs(directory, exist_ok=True)
    path = os.path.join(directory, 'shared.sock' if shared else 'private.sock')
    initrd = os.path.join(directory, 'initrd')
    with open(initrd, 'wb') as file:
        file.write(initramfs(os.path.join(BUILD, 'bench/deviceguest')))
    memory = 'memory-backend-memfd,id=ram,size=%dM,share=on' if shared else 'memory-backend-ram,id=ram,size=%dM'
    server = start_server(path)
    try:
        done = subprocess.run(
            [qemu_path(), '-accel', 'tcg', '-machine', 'q35,memory-backend=ram', '-object', memory % MEMORY,
             '-m', '%dM' % MEMORY, '-nodefaults', '-no-user-config', '-display', 'none', '-no-reboot',
             '-kernel', kernel, '-initrd', initrd, '-append', KERNEL_ARGUMENTS + ' hugepages=1', '-serial', 'stdio',
             '-device', 'edu', '-device', json.dumps(
                 {'driver': 'vfio-user-pci', 'socket': {'type': 'unix', 'path': path}})],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=TIMEOUT, check=False)
    finally:
        server.terminate()
        server.wait()
    text = done.stdout.decode(errors='replace')
    if '=== bench: end' not in text:
        sys.exit('the guest failed: %s\n%s' % (text[-2000:], done.stderr.decode(errors='replace')[-2000:]))
    return {(what, device): float(ns) for what, device, ns in re.findall(r'=== bench: (\S+) (\S+) ([\d.]+)', text)}


def best(runs):
    return {key: min(values[key] for values in runs) for key in runs[0]}


def main():
    kernel, reason = guest_kernel()
    if not kernel or VFIO_USER not in qemu_transports()[0]:
        print('not measured: %s' % (reason if not kernel else 'this QEMU has no vfio-user-pci'))
        return
    with tempfile.TemporaryDirectory(prefix='emulatedpci.') as directory:
        rounds = [[run(os.path.join(directory, str(i)), kernel, kind) for kind in (True, False)] for i in range(ROUNDS)]
    shared, private = (best(values) for values in zip(*rounds))

    print('%-32s %12s %12s %8s' % ('', 'server', 'edu in QEMU', 'ratio'))
    for what, name in (('read', 'a read of a BAR, us'), ('write', 'a write to a BAR, us'),
                       ('interrupt', 'an interrupt, us')):
        ours, theirs = shared[what, 'checksum'], shared[what, 'edu']
        print('%-32s %12.2f %12.2f %7.1fx' % (name, ours / 1000, theirs / 1000, ours / theirs))
    ours, theirs = (1e9 / shared['interrupt', device] for device in ('checksum', 'edu'))
    print('%-32s %12.0f %12.0f %7.4fx' % ('interrupts per second', ours, theirs, ours / theirs))

    print('DMA, MB per second               %12s %12s %8s' % ('mapped', 'not mapped', 'ratio'))
    for size in (4096, 2 << 20):
        mapped, asked = (size * 1000 / values['dma-%d' % size, 'checksum'] for values in (shared, private))
        print('%-32s %12.1f %12.1f %7.2fx' % ('  buffers of %d KiB' % (size >> 10), mapped, asked, mapped / asked))
    mapped, theirs = 4096 * 1000 / shared['dma-4096', 'checksum'], 4096 * 1000 / shared['dma-4096', 'edu']
    print('%-32s %12.1f %12.3f %7.0fx' % ('  edu, 4 KiB, with its timer', mapped, theirs, mapped / theirs))


if __name__ == '__main__':
    main()
