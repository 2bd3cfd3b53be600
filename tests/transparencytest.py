#!/usr/bin/env python3
# transparencytest.py: replies through virtemulatedpcid are the same as those without it
#
# Uses every domain of the golden files and examples of this project, and every piece of domain XML
# in libvirt's documentation if that is installed (the test only reads it). Each of them is defined,
# validated, dumped with all kinds of flags and converted, through the daemon and directly. The
# replies, including errors, must consist of the same bytes. Documents with an emulated device
# differ: there, both must have the same meaning for libvirtd.
#
# SPDX-License-Identifier: LGPL-2.1-or-later

import glob
import html
import os
import re
import struct
import time

import libvirtrpc as rpc
from daemonstack import DaemonStack
from emulatedpcistack import LIMIT, domain_xml, needs, run_tests

SOURCE = os.environ['abs_top_srcdir']
QEMU_DIR = os.environ.get('QEMU_DIR', '/usr/bin')
DOCUMENTATION = '/usr/share/doc/libvirt-doc/html'
UUID = '5f1e7c52-9f36-4f7a-9f1c-0d6c9a4e1f10'

INACTIVE, SECURE, UPDATE_CPU, MIGRATABLE = 2, 1, 4, 8
VALIDATE = 1
UNDEFINE_ALL = 1 | 2 | 4 | 16

# libvirtd 9.0.0 exits on some interfaces of type hostdev.
DEADLY = re.compile(r"<interface type=.hostdev|<hostdev mode=.capabilities", re.DOTALL)


class Side:
    """A connection to libvirtd with its replies as raw bytes."""

    def __init__(self, path):
        self.path = path
        self.client = rpc.Client(path).open()

    def call(self, procedure, payload):
        """Returns ('ok' or 'error', the reply's bytes)."""
        serial = self.client.send(procedure, payload)
        while True:
            got = self.client.receive()
            if not got:
                raise EOFError('the connection through %s was closed' % self.path)
            (_, _, kind, number, status), payload = got
            if kind == rpc.REPLY and number == serial:
                return ('error' if status == rpc.ERROR else 'ok'), payload

    def define(self, xml, flags=None):
        if flags is None:
            return self.call(rpc.DEFINE_XML, rpc.string(xml))
        return self.call(rpc.DEFINE_XML_FLAGS, rpc.string(xml) + struct.pack('>I', flags))

    def native(self, xml):
        return self.call(136, rpc.string('qemu-argv') + rpc.string(xml) + struct.pack('>I', 0))

    def dump(self, domain, flags):
        return self.call(rpc.GET_XML_DESC, domain + struct.pack('>I', flags))

    def undefine(self, domain):
        return self.call(rpc.UNDEFINE_FLAGS, domain + struct.pack('>I', UNDEFINE_ALL))

    def everything(self, xml):
        """Returns [(operation, kind, bytes)] of one document."""
        answers = []
        for what, flags in (('define', None), ('define --validate', VALIDATE)):
            kind, reply = self.define(xml, flags)
            answers.append((what, kind, reply))
            if kind == 'ok':
                domain = rpc.read_domain(reply)
                answers += [('dumpxml %d' % number,) + self.dump(domain, number)
                            for number in (0, INACTIVE, SECURE | INACTIVE, UPDATE_CPU, MIGRATABLE)]
                answers.append(('undefine',) + self.undefine(domain))
        answers.append(('domxml-to-native',) + self.native(xml))
        return answers


def same(text, xml):
    """Returns TEXT without the values that libvirt generates each time."""
    def hide(found):
        return found[0] if found[0] in xml else b'X' * len(found[0])
    text = re.sub(rb'[0-9a-f]{2}(:[0-9a-f]{2}){5}|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}', hide, text)
    # with the string's length, which may differ
    text = re.sub(rb'\0\0\0.(Unable to create tap device vnet)\d+(: [\w ]+)\0*', rb'\1\2', text, flags=re.DOTALL)
    return re.sub(rb'domain-(-?\d+)-', b'domain-N-', text)


def around(one, other):
    """Returns the position of the first difference of two texts."""
    start = max(0, len(os.path.commonprefix([one, other])) - 60)
    return one[start:start + 200], other[start:start + 200]


def settle(xml):
    """Returns the document with a separate UUID, so that both connections define the same."""
    if '<name>' in xml and '<uuid>' not in xml:
        xml = xml.replace('</name>', '</name><uuid>%s</uuid>' % UUID, 1)
    return xml


def golden(launch_dir):
    """Returns {name: XML} of the tests and the examples in this source tree."""
    found = {}
    for pattern in ('tests/qemuxml2argvdata/*.xml', 'tests/projectiondata/*.xml', 'tests/projectiondata/*.lowered',
                    'examples/*.xml'):
        for path in glob.glob(os.path.join(SOURCE, pattern)):
            if path.endswith('.out.xml'):
                continue
            with open(path, encoding='utf-8', errors='surrogateescape', newline='') as file:
                found[os.path.relpath(path, SOURCE)] = settle(file.read().replace('/LAUNCH', launch_dir))
    return found


def documented():
    """Returns {place: XML} of libvirt's documentation, completed to documents."""
    found = {}
    for path in sorted(glob.glob(os.path.join(DOCUMENTATION, '**/*.html'), recursive=True)):
        with open(path, encoding='utf-8', errors='replace') as file:
            text = file.read()
        for number, part in enumerate(re.findall(r'<pre[^>]*>(.*?)</pre>', text, re.DOTALL)):
            part = html.unescape(re.sub(r'<[^>]*>', '', part)).strip()
            part = re.sub(r'^\s*\.\.\.\s*$', '', part, flags=re.MULTILINE)
            where = '%s, %d' % (os.path.relpath(path, DOCUMENTATION), number)
            if re.match(r'(<\?xml[^>]*>\s*)?<domain[ >]', part):
                found[where] = settle(part)
                qemu = re.sub(r"<domain type=(.)\w+.", r"<domain type=\1qemu\1", part, count=1)
                if qemu != part:
                    found[where + ', as qemu'] = settle(qemu)
            elif os.path.basename(path) == 'formatdomain.html' and re.search(r'<\w', part):
                document = domain_xml('documented', 'q35')
                devices = re.search(r'<devices>(.*)</devices>', part, re.DOTALL)
                if devices:
                    document = document.replace('<devices>', '<devices>' + devices[1], 1)
                    part = part.replace(devices[0], '')
                found[where] = settle(document.replace('</domain>', part + '</domain>'))
    return found


def message(payload):
    """Returns the text of an error in the format of virNetMessageError: code, domain, then the
    message, if any."""
    return payload[16:16 + int.from_bytes(payload[12:16], 'big')]


def program(found):
    """Returns the QEMU program of a launcher's name."""
    name = found[1].decode()
    if re.fullmatch(r'qemu-system-\w+', name):
        return (QEMU_DIR + '/' + name).encode()
    return ('/' + re.sub(r'\\x(..)', lambda byte: chr(int(byte[1], 16)), name.replace('-', '/'))).encode()


def names_qemu(ours, theirs, launch_dir):
    """Whether an error is the same except for the path of the launcher, which the daemon does not
    show, or reports that a launcher is missing."""
    launcher = re.escape((launch_dir + '/').encode()) + rb'([\w:.\\-]*[\w\\-])'
    missing = re.sub(rb'Cannot check QEMU binary (' + launcher + rb')',
                     rb"a domain with emulated PCI devices requires '\1', the launcher of libvirt-emulatedpci",
                     message(theirs[2]))
    return ours[1] == theirs[1] == 'error' and \
        message(ours[2]) in (missing, re.sub(launcher, program, message(theirs[2])))


def compare(tap, stack, name, documents):
    """One test point for each group of thousands of replies. It shows the first ones that
    differ."""
    sides = None
    differ, defined, refused, emulated, replies = [], 0, 0, 0, 0
    until = time.monotonic() + 10 * LIMIT
    for where, text in sorted(documents.items()):
        if time.monotonic() > until:
            differ.append((where, 'no time left'))
            break
        if DEADLY.search(text):
            continue
        xml = text.encode('utf-8', 'surrogateescape')
        if sides is None:
            sides = Side(stack.upstream), Side(stack.socket)
        try:
            direct = sides[0].everything(xml)
            lost = ''
        except (EOFError, ConnectionError):
            lost = 'libvirtd'
        if lost:
            tap.diag('%s: libvirtd ended by itself' % where)
            stack.wait_for(lambda: stack.status(stack.daemon) is not None, 'the end of libvirtd')
            stack.start_libvirtd()
            sides = None
            continue
        through = sides[1].everything(xml)
        replies += len(direct)
        defined += direct[0][1] == 'ok'
        refused += direct[0][1] == 'error'
        if b'emulated-pci' in b''.join(answer[2] for answer in direct):
            # An emulated device in libvirt's own XML is shown lifted, so the bytes differ
            emulated += 1
            meaning(sides, where, xml, direct, through, differ)
            continue
        if '<emulatedpci' in text:
            # libvirtd drops the element, so the daemon's result differs
            continue
        for ours, theirs in zip(through, direct):
            if (ours[0], ours[1], same(ours[2], xml)) != (theirs[0], theirs[1], same(theirs[2], xml)):
                if names_qemu(ours, theirs, stack.launch_dir):
                    continue
                if 'schemas/domain.rng' in repr(ours) and 'schemas/domain.rng' in repr(theirs):
                    continue
                differ.append((where,) + ours[:2] + theirs[:2] + around(same(ours[2], xml), same(theirs[2], xml)))
                break
        if len(through) != len(direct):
            differ.append((where, 'other calls', through, direct))
    tap.ok(not differ, '%s: %d documents, %d defined, %d refused, %d with an emulated device; %d replies are the same'
           % (name, len(documents), defined, refused, emulated, replies),
           *['%s' % (entry,) for entry in differ[:5]])
    return defined, refused, emulated


def meaning(sides, where, xml, direct, through, differ):
    """For libvirt's own XML with an emulated device, the XML that the daemon shows has the same
    meaning for libvirtd."""
    shape = [(what, kind) for what, kind, _ in direct]
    if [(what, kind) for what, kind, _ in through] != shape:
        differ.append((where, 'other calls', [answer[:2] for answer in through], shape))
        return
    if same(through[-1][2], xml) != same(direct[-1][2], xml):
        differ.append((where, through[-1], direct[-1]))
        return
    kind, reply = sides[1].define(xml)
    if kind != 'ok':
        return
    domain = rpc.read_domain(reply)
    try:
        for flags in (0, SECURE | INACTIVE):
            stock = sides[0].dump(domain, flags)[1]
            shown = rpc.read_string(sides[1].dump(domain, flags)[1])[0]
            if b'<emulatedpci' not in shown:
                # lifting does not recognize this device, so the bytes must be the same
                if rpc.string(shown) != stock:
                    differ.append((where, 'not lifted, and not the same', shown, stock))
                continue
            if same(sides[1].native(shown)[1], xml) != same(sides[0].native(rpc.read_string(stock)[0])[1], xml):
                differ.append((where, 'another command line', flags))
            # libvirt itself changes some documents that it has written
            again = []
            for side, document in ((sides[0], rpc.read_string(stock)[0]), (sides[1], shown)):
                sides[0].undefine(domain)
                side.define(document)
                again.append(sides[0].dump(domain, flags))
            if again[0] != again[1]:
                differ.append((where, 'another domain', flags, again))
    finally:
        sides[0].undefine(domain)


def main(tap):
    needs('libvirtd', 'virsh', 'qemu-system-x86_64')
    with DaemonStack() as stack:
        stack.start_libvirtd()
        stack.start_daemon()
        defined, refused, emulated = compare(tap, stack, 'ours', golden(stack.launch_dir))
        tap.ok(defined > 60 and refused > 10 and emulated > 50, 'which is a large set')
        if os.path.isdir(DOCUMENTATION):
            defined, refused, _ = compare(tap, stack, 'libvirt\'s documentation', documented())
            tap.ok(defined > 40 and refused > 20, 'which is a large set')
        else:
            tap.skip('libvirt\'s documentation', 'the package libvirt-doc is not installed')
        tap.ok('killed by signal' not in stack.read('log/daemon.log'), 'no process of the daemon crashed',
               stack.read('log/daemon.log'))
        tap.equal(stack.close(), [], 'everything ended by itself')


run_tests(main)
