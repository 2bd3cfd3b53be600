#!/usr/bin/env python3
# stacktest.py: the tests' own stack (emulatedpcistack.py), with stock devices only
#
# A separate libvirtd starts, runs a domain and restarts. When the user of the stack is killed,
# no process and no file remains.
#
# SPDX-License-Identifier: LGPL-2.1-or-later

import os
import signal
import subprocess
import sys

from emulatedpcistack import (LIMIT, Stack, StackError, descendants, domain_xml, emulatedpci_xml, needs,
                              read_dumps, run_tests)

LSPCI = '0000:00:02.0 PCI device\r\n' + ''.join(
    '%x0:%s\r\n' % (row, ''.join(' %02x' % (row * 16 + byte) for byte in range(16)))
    for row in range(16)) + '\r\n'


def use(how):
    """A user of the stack that ends in the way HOW. It prints the stack's directory first."""
    # In a shell, background processes ignore SIGINT.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    with Stack() as stack:
        stack.start_libvirtd()
        stack.virsh('define', stack.write('tmp/define.xml', domain_xml('plain', 'q35')))
        stack.virsh('start', '--paused', 'plain')
        print(stack.root, *[pid for pid, _ in stack.processes()], flush=True)
        if how == 'exception':
            raise ValueError('on purpose')
        if how == 'left running':
            stack.daemon = None
            return
        os.kill(os.getpid(), getattr(signal, how))
        signal.pause()


def main(tap):
    needs('libvirtd', 'virsh')
    for how in ('SIGKILL', 'SIGTERM', 'SIGINT', 'exception', 'left running'):
        user = subprocess.run([sys.executable, __file__, how], stdout=subprocess.PIPE,
                              stderr=subprocess.DEVNULL, timeout=2 * LIMIT, check=False)
        lines = user.stdout.decode().splitlines()
        root, *pids = lines[0].split()
        tap.ok(len(pids) >= 2 and root.startswith('/tmp/epci.'), '%s: libvirtd and QEMU ran' % how,
               user.stdout.decode())
        try:
            Stack.wait_for(lambda r=root, p=pids: not os.path.exists(r) and
                           not any(os.path.exists('/proc/' + pid) for pid in p), 'the end')
            tap.ok(True, '%s: no process and no file is left' % how)
        except StackError as error:
            tap.ok(False, '%s: no process and no file is left' % how, error)

    with Stack() as stack:
        stack.start_libvirtd()
        first = stack.daemon
        stack.virsh('define', stack.write('tmp/define.xml', domain_xml('plain', 'pc')))
        stack.virsh('start', '--paused', 'plain')
        stack.restart_libvirtd(signal.SIGKILL)
        tap.ok(stack.daemon != first, 'libvirtd restarts')
        tap.equal(stack.state('plain'), 'paused', 'and finds its domain again')
        tap.equal(stack.close(), [], 'nothing ran on when it was closed')
        tap.equal([entry for entry in descendants(os.getpid()) if entry[2] != 'Z'], [], 'no child is left')

    text = 'noise\n=== emulatedpci: begin\r\n%s=== emulatedpci: end, 1 devices\r\n' % LSPCI
    tap.equal(read_dumps(text), [{(0, 2, 0): bytes(range(256))}], 'the guest\'s output is read')
    tap.equal(read_dumps(text + text)[1:], read_dumps(text), 'twice')
    tap.equal(read_dumps(text[:600]), [], 'half of it is none')
    try:
        refused = not read_dumps(text.replace(' 2a', ' zz'))
    except StackError:
        refused = True
    tap.ok(refused, 'damaged output is refused')
    tap.ok("vendorid='0x5853'" in emulatedpci_xml({'devicename': 'a', 'vendorid': 0x5853}), 'XML of a device')


if len(sys.argv) > 1:
    use(sys.argv[1])
else:
    run_tests(main)
