#!/usr/bin/env python3
# tooltest.py: the subcommands of virt-emulatedpci
#
# Tests every subcommand with files and standard input: its output, its messages and its exit
# status; and that the manual page and --help list the same options.
#
# SPDX-License-Identifier: LGPL-2.1-or-later

import os
import re
import shutil
import stat
import subprocess
import sys
import tempfile

from emulatedpcistack import run_tests
from qemutransports import qemu_transports

BUILD = os.environ['abs_top_builddir']
SOURCE = os.environ['abs_top_srcdir']
TOOL = os.path.join(BUILD, 'tools', 'virt-emulatedpci')
DATA = os.path.join(SOURCE, 'tests', 'qemuxml2argvdata')
SCHEMAS = '--schema-dir=' + os.path.join(BUILD, 'docs', 'schemas')
DEVICE = b"<emulatedpci devicename='a'><config vendorid='0x1af4' deviceid='0x10f0'/></emulatedpci>"
FILTERS = ('validate', 'lint', 'lower', 'lift', 'xml2argv')
SUBCOMMANDS = FILTERS + ('import', 'export', 'list', 'show', 'define', 'clone', 'undefine', 'attach', 'detach', 'check')
DEFINITIONS = '--definitions=' + os.path.join(SOURCE, 'src', 'definitions', 'built-in')
DIRS = ('--launch-dir=/LAUNCH', '--qemu-dir=/usr/bin')
NOBODY = 65534

# libvirt's schema rejects an empty <emulator>; lowering adds the path.
LOWERED_INTO_VALIDITY = ('user-emulator-empty.xml',)


def data(name):
    return os.path.join(DATA, name)


def read(path):
    with open(path, 'rb') as file:
        return file.read()


def tool(*args, stdin=b'', **kwargs):
    """Runs the tool. Input and output are bytes."""
    if 'stdout' not in kwargs:
        kwargs['stdout'] = subprocess.PIPE
    if not hasattr(stdin, 'fileno'):
        kwargs['input'] = stdin
    else:
        kwargs['stdin'] = stdin
    return subprocess.run([TOOL, *args], stderr=subprocess.PIPE, timeout=600, check=False, **kwargs)


def check(tap, what, result, status, stdout=None, stderr=None):
    """Checks the exit status and, as regular expressions or bytes, the output and the errors."""
    problems = []
    if result.returncode != status:
        problems.append('exit status %d, not %d' % (result.returncode, status))
    for name, got, want in (('stdout', result.stdout, stdout), ('stderr', result.stderr, stderr)):
        if want is None or got is None:
            continue
        if isinstance(want, bytes):
            same = got == want
        else:
            same = re.fullmatch(want, got.decode(), re.DOTALL) is not None
        if not same:
            problems.append('%s is %r' % (name, got.decode(errors='replace')))
            problems.append('expected %r' % (want,))
    if result.stderr and b'Sanitizer' in result.stderr:
        problems.append(result.stderr.decode())
    tap.ok(not problems, what, *problems)


def error(message, code=None, file='.*'):
    tail = r' \[%s\]' % code if code else ''
    return r'virt-emulatedpci: %s: error: %s%s\n' % (file, message, tail)


# --- global options

def test_global(tap):
    check(tap, '--version', tool('--version'), 0,
          r'virt-emulatedpci \(libvirt-emulatedpci\) [0-9]+\.[0-9]+\.[0-9]+\n', b'')
    result = tool('--help')
    check(tap, '--help', result, 0, r'Usage:.*Exit status: .*', b'')
    for name in SUBCOMMANDS:
        tap.ok(re.search(rb'^  %s ' % name.encode(), result.stdout, re.MULTILINE),
               '--help tells of %s' % name)
        check(tap, '%s --help' % name, tool(name, '--help'), 0,
              r'Usage:\n  virt-emulatedpci %s .*' % name, b'')
        check(tap, '%s: unknown option' % name, tool(name, '--nonsense'), 2, b'',
              r'virt-emulatedpci: %s: error: .*--nonsense.*\n'
              r'Try "virt-emulatedpci %s --help"\.\n' % (name, name))
    check(tap, 'no subcommand', tool(), 2, b'', r'.*error: a subcommand is missing\nTry .*')
    check(tap, 'unknown subcommand', tool('raise'), 2, b'', r".*unknown subcommand 'raise'\n.*")
    check(tap, 'unknown global option', tool('--nonsense', 'lower'), 2, b'', r'.*--nonsense.*')


def options(text):
    return set(re.findall(r'(?<![\w-])--[a-z][a-z-]*', text))


def test_manual_page(tap):
    """The manual page and --help list the same options."""
    page = read(os.path.join(SOURCE, 'docs', 'virt-emulatedpci.rst')).decode()
    sections = dict(zip(re.findall(r'^(\w+)\n---+$', page, re.MULTILINE),
                        re.split(r'^\w+\n---+$', page, flags=re.MULTILINE)[1:]))
    common = options(page[page.index('COMMON OPTIONS'):page.index('SUBCOMMANDS\n')])
    for name in SUBCOMMANDS:
        shown = options(tool(name, '--help').stdout.decode())
        listed = {option for line in sections[name].splitlines() if line.startswith('**-')
                  for option in options(line)}
        tap.equal(shown - common, listed, 'the manual page has the options of %s' % name)
        tap.ok(shown <= listed | common, 'and none is missing for %s' % name, shown)
        tap.equal('--launch-dir' in shown, '**%s**' % name in page[page.index('**--launch-dir'):
                                                                  page.index('The default is')],
                  '%s and --launch-dir' % name)


# --- what they read

def test_input(tap, tmp):
    empty = os.path.join(tmp, 'empty.xml')
    open(empty, 'wb').close()
    big = os.path.join(tmp, 'big.xml')
    with open(big, 'wb') as file:
        file.truncate(64 * 1024 * 1024 + 1)
    secret = os.path.join(tmp, 'secret.xml')
    with open(secret, 'wb') as file:
        file.write(read(data('pc-basic.xml')))
    os.chmod(secret, 0)
    # root can read all files, so another user is used there. That user may not be able to read a
    # build with sanitizers, so this is tested only if the program can be run.
    other = {'user': NOBODY, 'group': NOBODY, 'extra_groups': []} if os.geteuid() == 0 else {}

    for name in FILTERS + ('export',):
        check(tap, '%s: no such file' % name, tool(name, '/nonexistent.xml'), 1, b'',
              error('No such file or directory', file='/nonexistent.xml'))
        check(tap, '%s: a directory' % name, tool(name, tmp), 1, b'',
              error('Is a directory', file=tmp))
        check(tap, '%s: an empty file' % name, tool(name, empty), 1, b'',
              error('empty: a document is required', file=empty))
        check(tap, '%s: empty standard input' % name, tool(name), 1, b'',
              error('empty: a document is required', file='standard input'))
        check(tap, '%s: too large' % name, tool(name, big), 1, b'',
              error('too large: at most 64 MiB are supported', file=big))
    try:
        subprocess.run([TOOL, '--version'], stdout=subprocess.DEVNULL, check=True, **other)
    except (OSError, subprocess.CalledProcessError):
        tap.skip('unreadable file', 'this build is not accessible to other users')
    else:
        check(tap, 'unreadable file', tool('lower', secret, **other), 1, b'',
              error('Permission denied', file=secret))
    for name in ('lower', 'lift', 'xml2argv'):
        check(tap, '%s: two files' % name, tool(name, empty, empty), 2, b'',
              r'.*too many files: only one is allowed\n.*')
    with subprocess.Popen(['true'], stdout=subprocess.PIPE) as closed:
        check(tap, 'standard input that is closed', tool('lower', stdin=closed.stdout), 1, b'',
              error('empty: a document is required', file='standard input'))


def test_output(tap):
    reader, writer = os.pipe()
    os.close(reader)
    try:
        check(tap, 'broken pipe', tool('lower', data('pc-basic.xml'), stdout=writer), 1, None,
              r'(.*warning.*\n)?virt-emulatedpci: error: cannot write the output: Broken pipe\n')
    finally:
        os.close(writer)
    with open('/dev/full', 'wb') as full:
        check(tap, 'full disk', tool('lift', data('pc-basic.xml'), stdout=full), 1, None,
              r'virt-emulatedpci: error: cannot write the output: No space left on device\n')
        check(tap, 'full disk, --version', tool('--version', stdout=full), 1)


# --- lower and lift

def test_lower(tap, tmp):
    native = read(data('pc-basic.native.xml'))
    user = read(data('pc-basic.xml'))
    # the target of the link does not exist, and a warning reports that
    warning = r"virt-emulatedpci: .*: warning: launcher " \
        r"'/LAUNCH/qemu-system-x86_64' does not exist on this machine; create it with: " \
        r"/.*/emulatedpci-launcher --add '?/usr/bin/qemu-system-x86_64'?\n"
    there = os.access('/usr/bin/qemu-system-x86_64', os.X_OK)
    if not there:
        warning = r'.*warning: QEMU .* does not exist on this machine\n'

    check(tap, 'lower FILE', tool('lower', *DIRS, data('pc-basic.xml')), 0, native, warning)
    check(tap, 'lower', tool('lower', *DIRS, stdin=user), 0, native, warning)
    check(tap, 'lower -', tool('lower', *DIRS, '-', stdin=user), 0, native, warning)
    check(tap, 'lower: options behind the file', tool('lower', data('pc-basic.xml'), *DIRS), 0,
          native, warning)

    launch = os.path.join(tmp, 'launch')
    os.mkdir(launch)
    link = os.path.join(launch, 'qemu-system-x86_64')
    os.symlink('/bin/true', link)
    check(tap, 'lower: no warning if the launcher is there',
          tool('lower', '--launch-dir=' + launch, data('pc-basic.xml')), 0,
          native.replace(b'/LAUNCH', launch.encode()), b'')
    check(tap, 'lower: QEMU at another path, quoted in the advice',
          tool('lower', *DIRS, stdin=user.replace(b'/usr/bin/qemu-system-x86_64', b'/bin/sh')), 0,
          r'.*<emulator>/LAUNCH/bin-sh</emulator>.*', r".*--add '?/bin/sh'?\n")
    check(tap, 'lower: QEMU that is nowhere',
          tool('lower', *DIRS, stdin=user.replace(b'/usr/bin/', b'/nowhere/')), 0, None,
          r".*warning: QEMU '/nowhere/qemu-system-x86_64' does not exist on this machine\n")
    check(tap, 'lower: --qemu-dir',
          tool('lower', '--launch-dir=/LAUNCH', '--qemu-dir=/nowhere',
               stdin=user.replace(b'/usr/bin/', b'/nowhere/')), 0, native, None)
    check(tap, 'lower: relative directory', tool('lower', '--launch-dir=launch'), 2, b'',
          r".*invalid value 'launch' for --launch-dir: an absolute path is expected\n.*")

    check(tap, 'lower: an error of the element', tool('lower', data('err-command-range.xml')), 1, b'',
          error(r".*'0x10000'.*'command'.*0x0 to 0xffff.*", 'VIR_ERR_XML_ERROR',
                data('err-command-range.xml')))
    check(tap, 'lower: an impossible domain', tool('lower', data('err-domain-type.xml')), 1, b'',
          error(r".*'xen'.*", 'VIR_ERR_CONFIG_UNSUPPORTED'))
    check(tap, 'lower: malformed', tool('lower', data('err-xml-malformed.xml')), 1, b'',
          r'virt-emulatedpci: .*: error: .*\[VIR_ERR_XML_ERROR\]\n')
    plain = b'<domain type="kvm">\r\n <name>x</name></domain>'
    check(tap, 'lower: a document without emulated devices', tool('lower', stdin=plain), 0, plain, b'')
    check(tap, 'lift: a document without emulated devices', tool('lift', stdin=plain), 0, plain, b'')


def test_pipeline(tap):
    """lower | lift and lift | lower, on every golden file."""
    names = sorted(name for name in os.listdir(DATA) if name.endswith('.native.xml'))
    bad = []
    for name in names:
        native = read(data(name))
        lifted = tool('lift', *DIRS, stdin=native)
        lowered = tool('lower', *DIRS, stdin=lifted.stdout)
        if lifted.returncode or lowered.returncode or lowered.stdout != native:
            bad.append(name)
    tap.ok(names and not bad, 'lift | lower is the identity on %d documents' % len(names), *bad)

    canonical = read(data('pc-basic.out.xml'))
    command = '"$0" lower %s | "$0" lift %s' % (' '.join(DIRS), ' '.join(DIRS))
    result = subprocess.run(['sh', '-c', command, TOOL], input=canonical, stdout=subprocess.PIPE,
                            stderr=subprocess.PIPE, check=False)
    tap.equal((result.returncode, result.stdout), (0, canonical), 'lower | lift in a shell')


# --- validate

def test_validate(tap):
    good = data('pc-basic.xml')
    bad = data('err-vendorid-none.xml')
    check(tap, 'validate FILE', tool('validate', SCHEMAS, good), 0, '%s validates\n' % good, b'')
    check(tap, 'validate', tool('validate', SCHEMAS, stdin=read(good)), 0,
          'standard input validates\n', b'')
    check(tap, 'validate -q', tool('validate', '-q', SCHEMAS, good, good), 0, b'', b'')
    for name in ('device', 'device-full', 'snapshot', 'checkpoint', 'q35-everything'):
        check(tap, 'validate %s' % name,
              tool('validate', SCHEMAS, data(name + '.xml')), 0, r'.*validates\n', b'')
    check(tap, 'validate: one of three is bad', tool('validate', SCHEMAS, good, bad, good), 1,
          '%s validates\n%s validates\n' % (good, good),
          error(".*'0xffff'.*", 'VIR_ERR_CONFIG_UNSUPPORTED', bad))
    check(tap, 'validate: a bad device', tool('validate', stdin=b"<emulatedpci devicename='a'/>"), 1,
          b'', error('missing element <config> in <emulatedpci>', 'VIR_ERR_XML_ERROR'))
    check(tap, 'validate: another root', tool('validate', stdin=b'<network/>'), 1, b'',
          error('unexpected root element <network>.*', 'VIR_ERR_XML_ERROR'))
    foreign = read(data('pc-basic.xml')).replace(b"<domain type='qemu'>", b"<domain type='qemu' xmlns='urn:x'>")
    for command in ('validate', 'lint'):
        check(tap, '%s: a foreign namespace' % command, tool(command, stdin=foreign), 1, b'',
              error("unexpected root element <domain xmlns='urn:x'>: <domain>, .*", 'VIR_ERR_XML_ERROR'))
    for command in (('validate', '--no-schema'), ('lint',), ('lower',)):
        for where, text in (("'/domain'", read(data('pc-basic.xml')).replace(b'<devices>', DEVICE + b'<devices>')),
                            ("'/domain/devices/disk'", read(data('pc-basic.xml')).replace(
                                b'<devices>', b'<devices><disk>' + DEVICE + b'</disk>'))):
            check(tap, '%s: a misplaced device' % command[0], tool(*command, stdin=text), 1, b'',
                  error('misplaced element <emulatedpci> at line [0-9]+: it is in %s, but must be a child of '
                        '<devices> of a <domain>' % where, 'VIR_ERR_XML_ERROR'))
    check(tap, 'lower: a misplaced device in another root', tool('lower', stdin=b'<devices>' + DEVICE + b'</devices>'),
          1, b'', error("misplaced element <emulatedpci> at line 1: it is in '/devices', .*", 'VIR_ERR_XML_ERROR'))
    many = b'<domain><devices>' + DEVICE * 257 + b'</devices></domain>'
    for command in (('validate', '--no-schema'), ('lint', '--ignore=duplicate-device'), ('lower',)):
        check(tap, '%s: too many for an emulator' % command[0], tool(*command, stdin=many), 1, b'',
              error('too many emulated PCI devices for one emulator: at most 256 are supported; .*',
                    'VIR_ERR_CONFIG_UNSUPPORTED'))
    check(tap, 'validate: not XML', tool('validate', stdin=b'hello'), 1, b'',
          error('malformed XML: line 1: .*', 'VIR_ERR_XML_ERROR'))
    check(tap, 'validate: a DTD', tool('validate', stdin=b'<!DOCTYPE domain [<!ENTITY a "b">]><domain/>'),
          1, b'', error('a document type declaration is not allowed', 'VIR_ERR_XML_ERROR'))
    # valid for the rules of the parser, but not for the schema
    odd = read(good).replace(b'<vcpu', b'<vcpus').replace(b'</vcpu>', b'</vcpus>')
    check(tap, 'validate: by the schema', tool('validate', SCHEMAS, stdin=odd), 1, b'',
          error('does not validate against the schema of <domain>: .*', 'VIR_ERR_XML_INVALID_SCHEMA'))
    check(tap, 'validate --no-schema', tool('validate', '--no-schema', stdin=odd), 0)
    check(tap, 'validate: no schemas', tool('validate', '--schema-dir=/nonexistent', good), 1, b'',
          error('cannot load schema .*--no-schema.*', 'VIR_ERR_XML_ERROR'))


def test_validate_golden(tap):
    """Golden inputs are valid, unless lowering or libvirt's schema rejects them."""
    good, bad, unschematic = [], [], []
    for name in sorted(os.listdir(DATA)):
        if not name.endswith('.xml') or re.search(r'\.(native|out)\.xml$', name):
            continue
        err = data(name[:-4] + '.err')
        err = read(err) if os.path.exists(err) else b''
        if err.startswith(b'lower:'):
            bad.append(data(name))
        elif b'VIR_ERR_XML_INVALID_SCHEMA' in err or name in LOWERED_INTO_VALIDITY:
            unschematic.append(data(name))
        else:
            good.append(data(name))
    wrong = [path for path in bad if tool('validate', '--no-schema', '-q', DEFINITIONS, path).returncode != 1]
    tap.ok(bad and not wrong, '%d invalid documents' % len(bad), *wrong)
    result = tool('validate', '--no-schema', '-q', DEFINITIONS, *good, *unschematic)
    tap.equal((result.returncode, result.stderr), (0, b''), '%d valid documents' % len(good))
    result = tool('validate', '-q', SCHEMAS, DEFINITIONS, *good)
    tap.equal((result.returncode, result.stderr), (0, b''), 'by the schema, too')
    result = tool('validate', '-q', SCHEMAS, *unschematic)
    tap.equal((result.returncode, result.stderr.count(b'[VIR_ERR_XML_INVALID_SCHEMA]\n')),
              (1, len(unschematic)), '%d invalid by the schema only' % len(unschematic))


# --- definitions

def test_definitions(tap, tmp):
    device = b"<emulatedpci definition='emulatedpci_mine'><config interruptpin='9'/></emulatedpci>"
    own = os.path.join(tmp, 'definitions')
    os.mkdir(own)
    option = '--definitions=' + own
    definition = os.path.join(own, 'emulatedpci_mine.xml')
    with open(definition, 'w', encoding='utf-8') as file:
        file.write("<device><name>emulatedpci_mine</name><capability type='emulatedpci' devicename='pv'>"
                   "<config vendorid='0x5853' deviceid='1' revision='0xab'/></capability></device>")
    with open(os.path.join(own, 'emulatedpci_bad.xml'), 'w', encoding='utf-8') as file:
        file.write('<device')
    before = sorted(os.listdir(own)), read(definition)
    warning = r'virt-emulatedpci: warning: [^\n]*/emulatedpci_bad\.xml [^\n]*\n'

    for name, more in (('validate', (SCHEMAS,)), ('lint', ())):
        result = tool(name, option, *more, stdin=device)
        tap.ok(result.returncode == (name == 'lint') and re.fullmatch(warning, result.stderr.decode()),
               '%s --definitions' % name, result)
    lowered = tool('lower', option, stdin=device)
    tap.ok(all(b"name='%s' type=" % word in lowered.stdout
               for word in (b'devicename', b'revision', b'interruptpin', b'definition')) and
           b"value='171'" in lowered.stdout and b"value='9'" in lowered.stdout,
           'lower --definitions fills in what is not given', lowered.stdout)
    tap.equal((sorted(os.listdir(own)), read(definition)), before, 'nothing there has changed')

    copy = b"<device><capability type='emulatedpci' basis='%s'><config revision='1'/></capability></device>"
    check(tap, 'validate: a definition', tool('validate', option, SCHEMAS, stdin=copy % b'emulatedpci_mine'), 0,
          'standard input validates\n', None)
    check(tap, 'validate: a definition without basis',
          tool('validate', option, SCHEMAS, stdin=copy % b'emulatedpci_none'), 1, b'',
          warning + error(r"no definition .*'emulatedpci_none'.*", 'VIR_ERR_NO_NODE_DEVICE'))
    check(tap, 'validate: a wrong definition', tool('validate', stdin=copy.replace(b"'1'", b"'x'")), 1, b'',
          error(r"invalid value 'x' for attribute 'revision'.*", 'VIR_ERR_XML_ERROR'))
    if not shutil.which('virt-xml-validate'):
        tap.skip('virt-xml-validate', 'it is not installed')
    else:
        path = os.path.join(tmp, 'copy.xml')
        with open(path, 'wb') as file:
            file.write(copy % b'x')
        grammar = os.path.relpath(os.path.join(BUILD, 'docs', 'schemas', 'nodedev'), os.environ['LIBVIRT_SCHEMAS'])
        result = subprocess.run(['virt-xml-validate', path, grammar], stdout=subprocess.PIPE,
                                stderr=subprocess.STDOUT, timeout=600, check=False)
        tap.ok(result.returncode == 0, 'virt-xml-validate', result.stdout)

    check(tap, 'no such definition', tool('lower', option, stdin=device.replace(b'mine', b'none')), 1, b'',
          warning + error(r"no definition .*'emulatedpci_none'.*'emulatedpci_mine'",
                          'VIR_ERR_NO_NODE_DEVICE'))
    check(tap, 'no such directory', tool('lower', option + '/none', stdin=device), 1, b'',
          error(r"directory '%s/none' does not exist" % re.escape(own), 'VIR_ERR_INVALID_ARG'))
    check(tap, 'a complete device needs none',
          tool('lower', option + '/none', data('definition.xml')), 0, None, None)


# --- lint

def test_lint(tap):
    # Without KVM, some QEMUs cannot have emulated devices, and a warning says so.
    lint = ('lint', '--ignore=qemu-unsupported') if qemu_transports()[1] else ('lint',)
    check(tap, 'lint: nothing to say', tool(*lint, data('pc-basic.xml')), 0, b'', b'')
    device = b"\n<emulatedpci devicename='pv'>\n<config vendorid='0x5853' deviceid='1' " \
        b"interruptpin='9' interruptline='1'/></emulatedpci>"
    check(tap, 'lint', tool('lint', stdin=device), 1,
          r"standard input:2: warning: 'pv': .*9.* \[interruptpin-range\]\n", b'')
    domain = read(data('pc-basic.xml')).replace(b"interruptpin='0x01'", b"interruptpin='9'")
    result = tool(*lint, '-', data('pc-basic.xml'), stdin=domain)
    check(tap, 'lint: a domain among several files', result, 1,
          r"standard input:12: warning: 'citrix-pv-bus': [^\n]* \[interruptpin-range\]\n", b'')
    with open(data('socket.xml'), 'rb') as file:
        served = file.read()
    check(tap, 'lint: a server that cannot map memory', tool('lint', '--ignore=qemu-unsupported', stdin=served), 1,
          r"standard input:\d+: warning: 'nvme': the server at the socket '/run/spdk/ctrl0/cntrl' cannot map .* the domain may need "
          r"<memoryBacking><source type='memfd'/><access mode='shared'/></memoryBacking> \[memory-not-shared\]\n", b'')
    for backing, clean in ((b"<source type='memfd'/><access mode='shared'/>", True),
                           (b"<hugepages/><access mode='shared'/>", True), (b"<source type='memfd'/>", False),
                           (b"<access mode='shared'/>", False)):
        domain = served.replace(b'<vcpu', b'<memoryBacking>%s</memoryBacking><vcpu' % backing)
        tap.equal(tool('lint', '--ignore=qemu-unsupported', stdin=domain).returncode, 0 if clean else 1, 'lint: memory of %s' % backing.decode())
    check(tap, 'lint --ignore', tool('lint', '--ignore=interruptpin-range', stdin=device), 0, b'', b'')
    check(tap, 'lint --ignore, not known', tool('lint', '--ignore=x', stdin=device), 2, b'',
          r".*unknown warning 'x'\n.*")
    result = tool('lint', '--list')
    check(tap, 'lint --list', result, 0, r'([a-z]+(-[a-z]+)*\n)+', b'')
    tap.ok(b'duplicate-device\n' in result.stdout, 'lint --list has duplicate-device')
    check(tap, 'lint: alike devices', tool(*lint, data('alias-own-two.xml')), 0, b'', b'')
    twins = read(data('pc-two.xml')).replace(b"'second'", b"'first'").replace(b'0xc001', b'0xc000')
    check(tap, 'lint: twins', tool(*lint, stdin=twins), 1, r'.*\[duplicate-device\]\n', b'')
    check(tap, 'lint: both domains of a snapshot',
          tool('lint', stdin=read(data('snapshot.xml')).replace(
              b"deviceid='0xc000'", b"deviceid='0xc000' interruptpin='9'")), 1,
          r'(.*\[interruptpin-range\]\n){3}', b'')
    check(tap, 'lint: an invalid device', tool('lint', data('err-vendorid-none.xml')), 1, b'',
          error(".*'0xffff'.*", 'VIR_ERR_CONFIG_UNSUPPORTED'))
    check(tap, 'lint: another root', tool('lint', stdin=b'<network/>'), 1, b'',
          error('unexpected root element <network>.*', 'VIR_ERR_XML_ERROR'))
    check(tap, 'lint: not XML', tool('lint', stdin=b'<a>'), 1, b'',
          error('malformed XML: .*', 'VIR_ERR_XML_ERROR'))


# --- xml2argv

def stage(tmp):
    """A launch directory with a link to the built launcher. The user nobody can read it, as whom
    libvirt's driver runs if root runs the test."""
    home = os.path.join(tmp, 'libexec')
    os.makedirs(os.path.join(home, 'launch'))
    program = os.path.join(home, 'emulatedpci-launcher')
    with open(program, 'wb') as file:
        file.write(read(os.path.join(BUILD, 'src', 'launcher', 'emulatedpci-launcher')))
    os.chmod(program, 0o755)
    os.symlink('../emulatedpci-launcher', os.path.join(home, 'launch', 'qemu-system-x86_64'))
    return os.path.join(home, 'launch')


def test_xml2argv(tap, tmp):
    launch = stage(tmp)
    root = os.path.join(tmp, 'root')
    os.mkdir(root)
    environment = {**os.environ, 'HOME': root}
    for name in list(environment):
        if name.startswith(('XDG_', 'LIBVIRT_DEFAULT')):
            del environment[name]
    kwargs = {'env': environment}
    tool_copy = os.path.join(tmp, 'virt-emulatedpci')
    with open(tool_copy, 'wb') as file:
        file.write(read(TOOL))
    os.chmod(tool_copy, 0o755)
    if os.geteuid() == 0:
        os.chown(root, NOBODY, NOBODY)
        kwargs.update(user=NOBODY, group=NOBODY, extra_groups=[])

    def argv(*args, stdin):
        return subprocess.run([tool_copy, 'xml2argv', '--launch-dir=' + launch,
                               '-c', 'qemu:///embed?root=%s/root' % root, *args],
                              input=stdin, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                              timeout=600, check=False, cwd='/', **kwargs)

    xml = read(data('pc-address.xml'))
    expected = read(data('pc-address.args')).decode().split('-device ')[1].rstrip()
    result = argv(stdin=xml)
    lines = result.stdout.decode().splitlines()
    check(tap, 'xml2argv', result, 0, None, b'')
    tap.equal(lines[:1], [launch + '/qemu-system-x86_64'], 'the launcher comes first')
    tap.ok(expected in lines, 'the device is among the arguments, on one line, quoted', *lines)
    tap.ok(expected in lines and lines[lines.index(expected) - 1] == '-device', 'behind -device')

    result = argv('--null', stdin=xml)
    words = result.stdout.decode().split('\0')
    check(tap, 'xml2argv --null', result, 0, None, b'')
    tap.ok(expected.strip("'") in words and words[-1] == '', 'arguments as they are', *words)

    result = argv('--launched', stdin=xml)
    lines = result.stdout.decode().splitlines()
    check(tap, 'xml2argv --launched', result, 0, None, b'')
    tap.equal(lines[:1], [os.environ['QEMU_DIR'] + '/qemu-system-x86_64'], 'QEMU comes first')
    devices = [line for line in lines if 'ua-emulatedpci0' in line]
    tap.ok(len(devices) == 1 and '"x-pci-proxy-dev"' in devices[0] and '"fd":"3"' in devices[0] and
           '"addr":"0x5"' in devices[0] and 'vendorid' not in devices[0],
           'the device is one that QEMU has', *devices)

    check(tap, "xml2argv: libvirt's refusal", argv(stdin=read(data('err-libvirt-reserved-slot.xml'))), 1,
          b'', error('.*0000:00:01.*', 'VIR_ERR_XML_ERROR', 'standard input'))
    check(tap, 'xml2argv: our own refusal', argv(stdin=read(data('err-domain-type.xml'))), 1, b'',
          error(".*'xen'.*", 'VIR_ERR_CONFIG_UNSUPPORTED', 'standard input'))
    check(tap, 'xml2argv: no such libvirt', argv('-c', 'nonsense:///', stdin=xml), 1, b'',
          error('.*', 'VIR_ERR_[A-Z_]+', 'nonsense:///'))


def main(tap):
    test_global(tap)
    test_manual_page(tap)
    test_output(tap)
    test_pipeline(tap)
    test_validate(tap)
    test_validate_golden(tap)
    test_lint(tap)
    for test in (test_definitions, test_input, test_lower, test_xml2argv):
        with tempfile.TemporaryDirectory(prefix='emulatedpci-tool-', dir='/tmp') as tmp:
            os.chmod(tmp, stat.S_IRWXU | stat.S_IXGRP | stat.S_IXOTH)
            test(tap, tmp)


if __name__ == '__main__':
    sys.exit(run_tests(main))
