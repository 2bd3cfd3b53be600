"""vmlib.py: common functions of the checks of "make check-vm", which run as root in the virtual
machine.

SPDX-License-Identifier: LGPL-2.1-or-later
"""

import contextlib
import os
import re
import subprocess
import sys
import time
import traceback

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..'))
from emulatedpcistack import Tap  # noqa: E402  pylint: disable=wrong-import-position

# Seconds to wait for a condition; software emulation inside software emulation is slow
LIMIT = 900

OURS = 'emulatedpci:///system'
LIBVIRTD = 'qemu:///system'
LIBEXEC = '/usr/libexec/libvirt-emulatedpci'
DROP_IN = '/etc/apparmor.d/abstractions/libvirt-qemu.d'
LOCAL = '/etc/apparmor.d/local/abstractions/libvirt-qemu'
DISK = '/var/lib/libvirt/images/power-button.img'

# A guest that turns itself off when the power button is pressed: it enables the button in
# the PM1 enable register (port 0x602), waits until the status register (0x600) has it, and
# writes "sleep, type S5" to the control register (0x604).
BOOT_SECTOR = (bytes.fromhex('ba0206 b80001 ef ba0006 fb f4 ed f6c401 74f8 ba0406 b80020 ef f4 ebfd')
               .ljust(510, b'\0') + b'\x55\xaa')

DOMAIN = '''<domain type='qemu'>
  <name>%s</name>
  <memory unit='MiB'>32</memory>
  <vcpu>1</vcpu>
  <os><type arch='x86_64' machine='pc'>hvm</type><boot dev='hd'/></os>
  <features><acpi/></features>
  <devices>
    <disk type='file' device='disk'>
      <driver name='qemu' type='raw'/>
      <source file='%s'/>
      <target dev='vda' bus='virtio'/>
      <readonly/>
      <shareable/>
    </disk>
    <emulatedpci devicename='%s-device'>
      <config vendorid='0x5853' deviceid='%s' classcode='0xff8000'/>
      %s
    </emulatedpci>
    <memballoon model='none'/>
  </devices>%s
</domain>
'''


class VmTap(Tap):
    """TAP on the second serial line, which the host reads. The second boot continues the numbers of
    the first."""

    STATE = '/var/lib/check-vm-count'

    def __init__(self):
        super().__init__()
        # The descriptor is open as long as the process.
        sys.stdout = open('/dev/ttyS1', 'w', encoding='utf-8')  # pylint: disable=consider-using-with
        if os.path.exists(self.STATE):
            self.count, self.failed = (int(word) for word in read(self.STATE).split())

    def guarded(self, check, *args):
        """Runs a check; an exception fails it, and others go on."""
        self.diag('%s (%d s)' % (check.__name__, time.monotonic()))
        try:
            check(self, *args)
        except Exception:  # pylint: disable=broad-except
            self.ok(False, 'no exception', traceback.format_exc())

    def keep(self):
        write(self.STATE, '%d %d' % (self.count, self.failed))


def read(path):
    with open(path, encoding='utf-8', errors='replace') as file:
        return file.read()


def write(path, text):
    with open(path, 'w', encoding='utf-8') as file:
        file.write(text)


class Result:
    """The exit status of a command, and its output and errors in one text."""

    def __init__(self, status, text):
        self.status = status
        self.text = text

    def __bool__(self):
        return self.status == 0

    def __str__(self):
        return 'exit status %d\n%s' % (self.status, self.text)


def run(*args, user=None, stdin=''):
    """Runs a command. USER: the user as whom it runs, without a session."""
    if user:
        args = ('runuser', '-u', user, '--') + args
    try:
        done = subprocess.run(args, input=stdin, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                              timeout=LIMIT, check=False, env=dict(os.environ, DEBIAN_FRONTEND='noninteractive'))
    except subprocess.TimeoutExpired as error:
        return Result(-1, '%r has not ended within %d s: %s' % (args, LIMIT, error.output))
    return Result(done.returncode, done.stdout)


def virsh(*args, uri=OURS, user=None):
    return run('virsh', '--quiet', '-c', uri, *args, user=user)


def wait(condition, limit=LIMIT):
    """Returns the last value of CONDITION, which is true unless LIMIT seconds have passed."""
    end = time.monotonic() + limit
    while True:
        value = condition()
        if value or time.monotonic() > end:
            return value
        time.sleep(0.3)


def unit(name, field='ActiveState'):
    return run('systemctl', 'show', '--value', '-p', field, name).text.strip()


def journal(*args):
    return run('journalctl', '--quiet', '--no-pager', '-o', 'cat', *args).text


def denied():
    """Returns AppArmor's lines of this boot about denied accesses, without the status lines of
    loaded profiles."""
    return [line for line in journal('-k', '-b').splitlines() if 'apparmor="DENIED"' in line]


class DeniedLines:
    """Returns the number of new lines since the last call."""

    def __init__(self):
        self.seen = 0

    def peek(self):
        return denied()[self.seen:]

    def new(self):
        lines = self.peek()
        self.seen += len(lines)
        return lines

    def none(self, tap, name):
        time.sleep(1)           # until the journal has the kernel's messages
        lines = self.new()
        tap.ok(not lines, name + ': AppArmor has denied nothing', *lines)


def define(name, deviceid, driver='', more=''):
    """Defines a domain through our daemon."""
    path = '/tmp/%s.xml' % name
    write(path, DOMAIN % (name, DISK, name, deviceid, driver, more))
    os.chmod(path, 0o644)
    return virsh('define', path)


def guest_sees(name):
    """Whether the devices of a running guest have the addresses and registers in its XML."""
    return wait(lambda: run('virt-emulatedpci', 'check', '-c', OURS, name), 120)


def start(tap, name, text):
    """Starts a domain and checks its device."""
    result = virsh('start', name)
    if not tap.ok(result, text + ': starts', result, journal('-n', '30')):
        return False
    result = guest_sees(name)
    return tap.ok(result, text + ': the guest has the device', result)


def discard(name):
    virsh('destroy', name)
    return virsh('undefine', name)


def processes(program):
    """Returns the pids of the processes that run PROGRAM, an absolute path, including those that
    started before it was replaced."""
    pids = []
    for pid in filter(str.isdigit, os.listdir('/proc')):
        try:
            if os.readlink('/proc/%s/exe' % pid) in (program, program + ' (deleted)'):
                pids.append(int(pid))
        except OSError:
            pass
    return sorted(pids)


def confinement(pid):
    """Returns the AppArmor label of a process."""
    try:
        return read('/proc/%d/attr/current' % pid).strip('\0\n')
    except OSError as error:
        return str(error)


@contextlib.contextmanager
def domain_rules(rules):
    """Adds rules for domains to the file named in docs/deployment.md, and removes them at the
    end."""
    path = os.path.join(DROP_IN, 'check-vm') if os.path.isdir(DROP_IN) else LOCAL
    before = read(path) if os.path.exists(path) else ''
    write(path, before + rules)
    try:
        yield
    finally:
        if before:
            write(path, before)
        else:
            os.unlink(path)


def qemu_pid(name):
    return int(read('/run/libvirt/qemu/%s.pid' % name))


def uuid(name):
    return re.search(r'[0-9a-f-]{36}', virsh('domuuid', name).text).group()
