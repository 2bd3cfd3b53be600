"""emulatorqtesttest.py: emulated devices compared with native ones, in a real QEMU

For each machine type, native QEMU endpoints are in one slot, and emulated devices with the same
registers in another. Every access is made to both. On q35, all 256 bytes of both are compared after
each write. On pc, reading all of them takes much longer: after each write, the registers next to it
are compared, and after every 16th write all 256 bytes. The tables below list each bit that may
differ, with the reason: the test fails for any other difference, and for a bit of the tables that
never differs.

The test is repeated with each transport that the installed QEMU supports without KVM. If it has no
vfio-user-pci, a client in this test makes the accesses that QEMU would make, while the native
devices are still accessed through QEMU.

EMULATEDPCI_SEED=N repeats a run; otherwise the seed is random. The seed is printed.

SPDX-License-Identifier: LGPL-2.1-or-later
"""

import itertools
import os
import random
import subprocess
import sys
import tempfile

import emulatordriver
from emulatedpcistack import needs, run_tests
from qtestclient import QTestMachine, pci

WIDTHS = (1, 2, 4)
PATTERNS = (0xffffffff, 0x00000000, 0xa5a5a5a5)
RANDOM_OPERATIONS = 600
WRITES_PER_DUMP = 16        # where reading all registers takes long

# The differences from all native endpoints: register: (bits, reason)
EVERYWHERE = {
    0x04: (0x40, 'parity error response can be written (PCI 3.0, 6.2.2); QEMU hardwires it to 0'),
}
EVERYWHERE.update({
    reg: (0xff, "device-specific region: registers that are not implemented read as 0 (PCI 3.0, 6.1); "
                "QEMU's default is plain memory")
    for reg in range(0x40, 0x100)
})


def bar(reg, size, kind):
    """A BAR of a native device, SIZE bytes (a power of 2). KIND is 1 for I/O space, 0 for memory."""
    bits = (~(size - 1) & 0xffffffff) | kind
    return {reg + i: (bits >> 8 * i & 0xff, 'the native device has a BAR; emulated ones have none')
            for i in range(4) if bits >> 8 * i & 0xff}


# The native devices, and their additional differences
NATIVE = (
    ('pci-serial', bar(0x10, 8, 1)),
    ('ES1370', {
        **bar(0x10, 256, 1),
        0x3e: (0x0c, 'MIN_GNT is none of the twelve fields'),
        0x3f: (0x80, 'MAX_LAT is none of the twelve fields'),
    }),
    ('pci-testdev', {**bar(0x10, 4096, 0), **bar(0x14, 256, 1)}),
    ('pvpanic-pci', bar(0x10, 2, 0)),
)

# The only endpoint of QEMU without a BAR. It must be 00:1f.0, has the vendor ID 0, which no
# emulated device may have, and is missing in some builds.
BARLESS = 'vfio-pci-igd-lpc-bridge'
BARLESS_DIFFERS = {
    0x00: (0x01, 'the native device has no vendor id; ours needs one'),
}

NATIVE_SLOT = 5
EMULATED_SLOT = 6
BARLESS_SLOT = 0x1f
BARLESS_EMULATED_SLOT = 7

# Where q35's memory-mapped configuration space is put
ECAM = 0xb0000000

MACHINES = (
    ('pc', ['-machine', 'pc']),
    # Shared memory: QEMU sends its descriptors with the messages.
    ('q35', ['-machine', 'q35,memory-backend=ram', '-m', '64',
             '-object', 'memory-backend-memfd,id=ram,size=64M,share=on']),
)


def fields_of(dump, name):
    """Returns the twelve fields from a native device's configuration space."""
    def number(reg, size):
        return int.from_bytes(dump[reg:reg + size], 'little')
    return {
        'devicename': name, 'vendorid': number(0x00, 2) or 1, 'deviceid': number(0x02, 2),
        'command': number(0x04, 2), 'status': number(0x06, 2), 'revision': number(0x08, 1),
        'classcode': number(0x09, 3), 'headertype': number(0x0e, 1),
        'subvendorid': number(0x2c, 2), 'subsystemid': number(0x2e, 2),
        'interruptline': number(0x3c, 1), 'interruptpin': number(0x3d, 1),
    }


class Pair:
    """A native function, the emulated one in the other slot, and the differences between the
    two."""

    def __init__(self, name, native, emulated, explained):
        self.name = name
        self.native = native
        self.emulated = emulated
        self.explained = bytes(explained[reg][0] if reg in explained else 0 for reg in range(256))
        self.why = {reg: explained[reg][1] for reg in explained}
        # For all 256 bytes at once: a number with bit 8 * register + i
        self.allowed = int.from_bytes(self.explained, 'little')
        self.seen = 0
        self.problems = []

    def compare(self, native, emulated, start, after):
        """The values of the two from register START, as bytes."""
        differs = (int.from_bytes(native, 'little') ^ int.from_bytes(emulated, 'little')) << 8 * start
        self.seen |= differs
        if not differs & ~self.allowed or len(self.problems) >= 10:
            return
        for reg, (n, e) in enumerate(zip(native, emulated), start):
            if (n ^ e) & ~(self.allowed >> 8 * reg):
                self.problems.append('%s, after %s: register 0x%02x: native 0x%02x, emulated 0x%02x'
                                     % (self.name, after, reg, n, e))

    def never_seen(self):
        missing = (self.allowed & ~self.seen).to_bytes(256, 'little')
        return ['register 0x%02x, bits 0x%02x: never differed, but should: %s'
                % (reg, bits, self.why[reg]) for reg, bits in enumerate(missing) if bits]


class Bench:
    """A machine with its pairs of functions. SLOW: reading all registers takes long."""

    def __init__(self, machine, pairs, slow):
        self.machine = machine
        self.pairs = pairs
        self.slow = slow
        self.operations = 0
        self.writes = 0

    def compare_all(self, after):
        addresses = [a for pair in self.pairs for a in (pair.native, pair.emulated)]
        dumps = self.machine.config_dump(*addresses)
        for i, pair in enumerate(self.pairs):
            pair.compare(dumps[2 * i], dumps[2 * i + 1], 0, after)
        return dumps

    def reads(self, accesses):
        """Makes the same reads, [(reg, length), ...], of both functions of every pair."""
        for pair in self.pairs:
            both = [self.machine.config_reads([(a, reg, length) for reg, length in accesses])
                    for a in (pair.native, pair.emulated)]
            for (reg, length), n, e in zip(accesses, *both):
                self.operations += 1
                after = 'a read of %d at 0x%02x' % (length, reg)
                inside = min(length, 256 - reg)
                pair.compare(n.to_bytes(length, 'little')[:inside],
                             e.to_bytes(length, 'little')[:inside], reg, after)
                # An access beyond the end reaches the host bridge.
                if n >> 8 * inside != e >> 8 * inside:
                    pair.problems.append('%s, %s: beyond the end: native 0x%x, emulated 0x%x'
                                         % (pair.name, after, n, e))

    def compare_near(self, reg, after):
        """Compares the register that contains REG, the one before it and the one after it."""
        registers = [r for r in range((reg & ~3) - 4, (reg & ~3) + 8, 4) if 0 <= r < 256]
        addresses = [a for pair in self.pairs for a in (pair.native, pair.emulated)]
        values = self.machine.config_reads([(a, r, 4) for a in addresses for r in registers])
        data = b''.join(value.to_bytes(4, 'little') for value in values)
        size = 4 * len(registers)
        for i, pair in enumerate(self.pairs):
            native, emulated = (data[j * size:(j + 1) * size] for j in (2 * i, 2 * i + 1))
            pair.compare(native, emulated, registers[0], after)

    def write(self, reg, value, length):
        """Makes the same write to both functions of every pair, and then compares the registers."""
        after = 'writing 0x%x, %d bytes, to 0x%02x' % (value, length, reg)
        self.operations += len(self.pairs)
        self.writes += 1
        self.machine.config_writes([(a, reg, value, length) for pair in self.pairs
                                    for a in (pair.native, pair.emulated)])
        if self.slow and self.writes % WRITES_PER_DUMP:
            self.compare_near(reg, after)
        else:
            self.compare_all(after + (' and up to %d writes before it' % (WRITES_PER_DUMP - 1) if self.slow else ''))


def exhaustive(bench):
    accesses = [(reg, length) for reg in range(256) for length in WIDTHS]
    bench.reads(accesses)
    for reg, length in accesses:
        # All registers beyond the header are of the same kind, so one pattern is enough.
        for pattern in PATTERNS if reg < 0x44 else PATTERNS[:1]:
            bench.write(reg, pattern & (1 << 8 * length) - 1, length)
    bench.reads(accesses)


def spare_ports(reg, value, length):
    """Returns VALUE, changed if it could place a native device's I/O BAR at 0x0c00 to 0x0cff, where it would hide
    the ports of the configuration space."""
    for i in range(length):
        if reg + i in (0x11, 0x15) and value >> 8 * i & 0xff == 0x0c:
            value ^= 1 << 8 * i
    return value


def at_random(bench, generator):
    for _ in range(RANDOM_OPERATIONS):
        length = generator.choice(WIDTHS)
        # Half of the accesses are in the header, where most writable registers are.
        reg = generator.randrange(generator.choice((0x40, 0x100)))
        if generator.random() < 0.3:
            bench.reads([(reg, length)])
        else:
            bench.write(reg, spare_ports(reg, generator.getrandbits(8 * length), length), length)


def check_ports(tap, name, bench):
    """Accesses every byte and word of the data port 0xcfc, as guests do."""
    machine = bench.machine
    different = []
    for pair in bench.pairs:
        for reg in range(0, 256, 4):
            values = []
            for address in (pair.native, pair.emulated):
                select = 'outl 0xcf8 0x%x' % (0x80000000 | address | reg)
                commands = []
                for port, length in ((0xcfc, 'b'), (0xcfd, 'b'), (0xcfe, 'b'), (0xcff, 'b'),
                                     (0xcfc, 'w'), (0xcfd, 'w'), (0xcfe, 'w'), (0xcfc, 'l')):
                    commands += [select, 'in%s 0x%x' % (length, port)]
                values.append(machine.commands(commands)[1::2])
            for native, emulated, position in zip(*values, (0, 1, 2, 3, 0, 1, 2, 0)):
                for i in range(4 - position):
                    bits = (native ^ emulated) >> 8 * i & 0xff
                    if bits & ~pair.explained[reg + position + i]:
                        different.append('%s 0x%02x' % (pair.name, reg + position + i))
    tap.ok(not different, '%s: bytes and words of port 0xcfc' % name, *different[:10])


def check_ecam(tap, name, machine, pairs):
    """Memory-mapped configuration space, of which q35 has 4096 bytes per function."""
    wrong = []
    for pair in pairs:
        dumps = []
        for address in (pair.native, pair.emulated):
            values = machine.commands(['readl 0x%x' % (ECAM + (address << 4) + reg)
                                       for reg in range(0, 4096, 4)])
            dumps.append(b''.join(v.to_bytes(4, 'little') for v in values))
        pair.compare(dumps[0], dumps[1], 0, 'reading it through ECAM')
        if dumps[1][:256] != machine.config_dump(pair.emulated)[0]:
            wrong.append('%s: not what one read of all registers returns' % pair.name)
        if dumps[1][:256] != machine.config_dump_ports(pair.emulated)[0]:
            wrong.append('%s: not what the ports read' % pair.name)
        if dumps[1][256:] != b'\xff' * (4096 - 256):
            wrong.append('%s: there is something beyond 256 bytes' % pair.name)
    tap.ok(not wrong, '%s: the same through memory, and nothing beyond 256 bytes' % name, *wrong)


def device_arguments(natives):
    """Returns -device for the native functions, which are in one slot, except that the last one has
    a separate slot."""
    # From QEMU 9.0 on, a sound card requires an audio device.
    arguments = ['-audiodev', 'none,id=silence']
    for function, (device, _) in enumerate(natives):
        if device == BARLESS:
            arguments += ['-device', '%s,addr=%x' % (device, BARLESS_SLOT)]
        else:
            arguments += ['-device', '%s,addr=%x.%x,multifunction=%s%s'
                          % (device, NATIVE_SLOT, function, 'off' if function else 'on',
                             ',audiodev=silence' if device == 'ES1370' else '')]
    return arguments


def place(natives, native_slot, barless_slot):
    return [pci(0, barless_slot) if device == BARLESS else pci(0, native_slot, function)
            for function, (device, _) in enumerate(natives)]


class Apart:
    """A machine whose emulated devices are outside of it: SOCKETS by address, as an Emulator with
    TRANSPORT has them. Has the methods of QTestMachine that check_pairs() requires. An access
    beyond the last register is truncated there, as host bridges do."""

    def __init__(self, machine, transport, sockets):
        self.machine = machine
        self.transport = transport
        self.sockets = sockets

    def config_reads(self, accesses):
        # Consecutive accesses to the same side are made together.
        values = []
        for apart, group in itertools.groupby(accesses, lambda access: access[0] in self.sockets):
            if apart:
                values += [self.transport.read(self.sockets[address], reg, min(length, 256 - reg))
                           for address, reg, length in group]
            else:
                values += self.machine.config_reads(list(group))
        return values

    def config_writes(self, accesses):
        for apart, group in itertools.groupby(accesses, lambda access: access[0] in self.sockets):
            if apart:
                for address, reg, value, length in group:
                    self.transport.write(self.sockets[address], reg, value, min(length, 256 - reg))
            else:
                self.machine.config_writes(list(group))

    def config_dump(self, *addresses):
        dumps = []
        for address in addresses:
            if address in self.sockets:
                value = self.transport.read(self.sockets[address], 0, 256)
                dumps.append(value.to_bytes(256, 'little'))
            else:
                dumps += self.machine.config_dump(address)
        return dumps

    def map_ecam(self, base):
        self.machine.map_ecam(base)

    def reset(self):
        self.machine.reset()
        for sock in self.sockets.values():
            self.transport.reset(sock)


def check_apart(tap, machine_name, arguments, natives, devices, generator, log):
    """The registers of both kinds, over vfio-user."""
    name = '%s, vfio-user' % machine_name
    native_places = place(natives, NATIVE_SLOT, BARLESS_SLOT)
    places = place(natives, EMULATED_SLOT, BARLESS_EMULATED_SLOT)
    with emulatordriver.Emulator(devices, stderr=log, transport=emulatordriver.VFIO_USER) as emulator:
        tap.equal(emulator.ready, b'\0', '%s: the emulator is ready' % name)
        with QTestMachine(arguments + device_arguments(natives), stderr=log) as machine:
            apart = Apart(machine, emulator.transport, dict(zip(places, emulator.sockets)))
            check_pairs(tap, name, apart, generator,
                        [Pair(device, native, emulated, {**EVERYWHERE, **differs})
                         for (device, differs), native, emulated
                         in zip(natives, native_places, places)])
        tap.equal(emulator.wait()[0], 0, '%s: the emulator ends with its client' % name)


def check_in_qemu(tap, machine_name, arguments, natives, devices, generator, log, link):
    """Tests the emulated devices in the machine, with the transport LINK."""
    name = '%s, %s' % (machine_name, link.name)
    native_places = place(natives, NATIVE_SLOT, BARLESS_SLOT)
    places = place(natives, EMULATED_SLOT, BARLESS_EMULATED_SLOT)
    with emulatordriver.Emulator(devices, stderr=log, transport=link, for_qemu=True) as emulator:
        tap.equal(emulator.ready, b'\0', '%s: the emulator is ready' % name)
        emulated = emulator.qemu_arguments(*(
            {'id': 'emulated%d' % i, 'addr': '%x.%x' % (where >> 11, where >> 8 & 7),
             'multifunction': where == pci(0, EMULATED_SLOT)} for i, where in enumerate(places)))
        with QTestMachine(arguments + device_arguments(natives) + emulated, stderr=log,
                          pass_fds=emulator.qemu_fds) as machine:
            emulator.qemu_has_them()
            check_pairs(tap, name, machine, generator,
                        [Pair(device, native, emulated, {**EVERYWHERE, **differs})
                         for (device, differs), native, emulated
                         in zip(natives, native_places, places)])
            tap.ok(emulator.process.poll() is None, '%s: the emulator serves to the end' % name)
            qemu = machine.process

        tap.equal(emulator.process.wait(emulatordriver.TIMEOUT), 0,
                  '%s: the emulator ends with QEMU' % name)
        tap.ok(qemu.returncode is not None, '%s: QEMU has ended' % name)


def check_machine(tap, name, arguments, known, generator, log):
    natives = list(NATIVE)
    # q35 has its own device 00:1f.0.
    if name == 'pc' and BARLESS in known:
        natives.append((BARLESS, BARLESS_DIFFERS))
    elif name == 'pc':
        tap.skip('%s: an endpoint without BARs' % name, 'this QEMU has no %s' % BARLESS)

    with QTestMachine(arguments + device_arguments(natives), stderr=log) as machine:
        natives_only = machine.config_dump(*place(natives, NATIVE_SLOT, BARLESS_SLOT))
    devices = [fields_of(dump, device) for dump, (device, _) in zip(natives_only, natives)]

    available, reason = emulatordriver.qemu_transports()
    if reason:
        tap.skip('%s: emulated devices in QEMU' % name, reason)
    for link in available:
        check_in_qemu(tap, name, arguments, natives, devices, generator, log, link)
    if emulatordriver.VFIO_USER not in available:
        check_apart(tap, name, arguments, natives, devices, generator, log)


def check_pairs(tap, name, machine, generator, pairs):
    has_ecam = name.startswith('q35')
    bench = Bench(machine, pairs, slow=not has_ecam)

    before = bench.compare_all('power-on')
    # The ports belong to the host bridge, so they only exist in a machine.
    in_machine = isinstance(machine, QTestMachine)
    if in_machine:
        check_ports(tap, name, bench)
    # The registers are written through the ports in each machine. All of them are read through the
    # ports on pc, and through memory on q35, which is much faster.
    if has_ecam:
        machine.map_ecam(ECAM)
    exhaustive(bench)
    at_random(bench, generator)

    # All registers are written with ones, and then reset
    for reg in range(0, 256, 4):
        bench.write(reg, 0xffffffff, 4)
    machine.reset()
    after = bench.compare_all('a reset of the machine')
    for i, pair in enumerate(pairs):
        tap.equal(after[2 * i + 1].hex(), before[2 * i + 1].hex(),
                  '%s: %s: a reset brings power-on values back' % (name, pair.name))
    if has_ecam:
        machine.map_ecam(ECAM)
    at_random(bench, generator)

    if in_machine and has_ecam:
        check_ecam(tap, name, machine, pairs)

    tap.diag('%s: %d accesses compared' % (name, bench.operations))
    for pair in pairs:
        tap.ok(not pair.problems, '%s: %s: no difference that is not explained' % (name, pair.name),
               *pair.problems)
        missing = pair.never_seen()
        tap.ok(not missing, '%s: %s: every explained difference is real' % (name, pair.name),
               *missing[:10])


def main(tap):
    needs('qemu-system-x86_64')
    seed = int(os.environ.get('EMULATEDPCI_SEED', random.SystemRandom().getrandbits(32)))
    tap.diag('EMULATEDPCI_SEED=%d' % seed)

    import qtestclient
    known = subprocess.run([qtestclient.qemu_path(), '-device', 'help'], check=True,
                           capture_output=True, text=True).stdout
    with tempfile.TemporaryFile() as log:
        try:
            for name, arguments in MACHINES:
                check_machine(tap, name, arguments, known, random.Random(seed), log)
        except Exception:
            # QEMU repeatedly reports that it cannot send memory that is not shared.
            log.seek(0)
            lines = log.read().decode(errors='replace').splitlines()
            tap.diag('\n'.join([line for line in lines if 'Unable to write' not in line][-30:]))
            raise


if __name__ == '__main__':
    sys.dont_write_bytecode = True
    run_tests(main)
