#!/usr/bin/env python3
# hostileservertest.py: the effects of a faulty vfio-user server on QEMU at its start
#
# <driver socket='…'/> connects QEMU to another program. Here, this program replies correctly to all
# requests except for one, and QEMU runs without libvirt and the launcher. The result depends on
# QEMU. The test checks the results in docs/guide-vfio-user.md: QEMU prints an error and does not
# start, or it starts, and never hangs. hostileemulatortest.py tests servers that misbehave later.
#
# SPDX-License-Identifier: LGPL-2.1-or-later

import json
import os
import re
import socket
import struct
import subprocess
import tempfile
import threading

from emulatedpcistack import Tap, needs, run_tests
from qemutransports import VFIO_USER, qemu_path, qemu_transports
from vfiouserserver import BAR_SIZE, CONFIG, DMA_READ, ERROR, GET_INFO, REPLY, VERSION, Server, at, message, region, send_fds

TIMEOUT = 240

# The possible results. QEMU 11.1 aborts or crashes instead of reporting an error.
REFUSES, STARTS, EITHER, ENDS = 'refuses to start', 'starts', 'refuses to start, or starts', 'ends'


def version(payload=None, **more):
    """A server that sends this reply to VERSION."""
    return at(VERSION, lambda server, request: server.answer(
        VERSION, server.device.right(VERSION, request) if payload is None else payload, **more))


def descriptors(server, payload):
    """The correct reply to VERSION, with 100 descriptors."""
    send_fds(server, server.answer(VERSION, server.device.right(VERSION, payload)), 100)
    return b''


def silence(_, payload):
    threading.Event().wait()


def flood(server, payload):
    """Unexpected requests before the correct reply."""
    for i in range(2000):
        server.client.sendall(message(i, DMA_READ, struct.pack('=QQ', 0, 16), flags=0))
    return server.answer(VERSION, server.device.right(VERSION, payload))


WAYS = [
    ('it is silent', at(VERSION, silence), REFUSES),
    ('it is silent in the middle', at(GET_INFO, silence), REFUSES),
    ('it hangs up', at(VERSION, lambda server, _: server.client.close() or b''), REFUSES),
    ('another version', version(struct.pack('=HH', 7, 0) + b'{}\0'), REFUSES),
    ('no JSON', version(struct.pack('=HH', 0, 0) + b'{{{\0'), REFUSES),
    ('an error', version(b'', flags=REPLY | ERROR, error=22), REFUSES),
    ('a header of 4 GiB', version(b'x', size=0xffffffff), REFUSES),
    ('a header of 3 bytes', version(b'x', size=3), REFUSES),
    ('a command that was not asked', at(VERSION, lambda s, p: s.answer(GET_INFO, s.device.right(GET_INFO, p))), REFUSES),
    ('HTTP', at(VERSION, lambda s, p: b'HTTP/1.1 400 Bad Request\r\n\r\n'), REFUSES),
    ('no device', at(GET_INFO, lambda s, p: s.answer(GET_INFO, struct.pack('=IIII', 16, 0, 0, 0))), REFUSES),
    ('a million regions', at(GET_INFO, lambda s, p: s.answer(GET_INFO, struct.pack('=IIII', 16, 3, 1 << 20, 5))), EITHER),
    ('a BAR of 2^62 bytes', region(0, 1 << 62), EITHER),
    ('a BAR of 2^64 - 1 bytes', region(0, (1 << 64) - 1), ENDS),
    ('a BAR of 12345 bytes', region(0, 12345), ENDS),
    ('no configuration space', region(CONFIG, 0), ENDS),
    ('a configuration space of 2^63 bytes', region(CONFIG, 1 << 63), ENDS),
    ('a BAR that is mapped, without a descriptor', region(0, BAR_SIZE, flags=7), EITHER),
    ('a region info of 4 GiB', region(0, BAR_SIZE, argsz=0xffffffff), EITHER),
    ('capabilities that are not there', region(0, BAR_SIZE, flags=11, argsz=64, cap=32), EITHER),
    ('100 descriptors', at(VERSION, descriptors), EITHER),
    ('2000 requests of its own', at(VERSION, flood), EITHER),
]


class QEMU:
    """A QEMU with the device, which does not run the guest."""

    def __init__(self, path):
        self.monitor, theirs = socket.socketpair()
        self.monitor.settimeout(TIMEOUT)
        self.process = subprocess.Popen(
            [qemu_path(), '-accel', 'tcg', '-machine', 'pc', '-m', '64', '-nodefaults', '-no-user-config', '-display', 'none',
             '-S', '-device', json.dumps({'driver': 'vfio-user-pci', 'socket': {'type': 'unix', 'path': path}}),
             '-chardev', 'socket,id=m,fd=%d' % theirs.fileno(), '-mon', 'chardev=m,mode=control'],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, pass_fds=[theirs.fileno()])
        theirs.close()

    def outcome(self):
        """Returns the result: REFUSES, STARTS or the signal; and the output of QEMU."""
        try:
            # The monitor command is read as soon as the machine exists.
            self.monitor.sendall(b'{"execute":"qmp_capabilities"}{"execute":"quit"}')
        except OSError:
            pass
        said = self.process.communicate(timeout=TIMEOUT)[1].decode(errors='replace')
        self.monitor.close()
        if self.process.returncode < 0:
            return 'signal %d' % -self.process.returncode, said
        return (REFUSES if self.process.returncode else STARTS), said


def main(tap):
    needs('qemu-system-x86_64')
    if VFIO_USER not in qemu_transports()[0]:
        Tap.skip_all('QEMU has no vfio-user-pci here')
    with tempfile.TemporaryDirectory(prefix='emulatedpci.') as directory:
        for i, (name, hostile, wanted) in enumerate([('nothing wrong', lambda *_: None, STARTS)] + WAYS):
            path = os.path.join(directory, '%d.sock' % i)
            server = Server(path, hostile)
            qemu = QEMU(path)
            outcome, said = qemu.outcome()
            server.close()
            said = [re.sub('^.*}}: ', '', line) for line in said.splitlines() if line and 'deprecated' not in line]
            tap.diag('%s: %s: %s' % (name, outcome, ' | '.join(said[:3])))
            good = {EITHER: outcome in (REFUSES, STARTS), ENDS: outcome != STARTS}.get(wanted, outcome == wanted)
            tap.ok(good and (outcome != REFUSES or said), '%s: QEMU %s' % (name, wanted), outcome, *said)


run_tests(main)
