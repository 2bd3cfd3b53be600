# launcherutil.py: functions of the tests and benchmarks of the launcher
#
# SPDX-License-Identifier: LGPL-2.1-or-later

import json
import os
import shutil
import tempfile
import time

BUILD = os.environ.get("abs_top_builddir", os.getcwd())
QEMU_DIR = os.environ.get("QEMU_DIR", "/usr/bin")

FIELDS = ("devicename", "vendorid", "deviceid", "command", "status", "revision", "classcode",
          "headertype", "subvendorid", "subsystemid", "interruptline", "interruptpin")
BITS = dict(zip(FIELDS, (0, 16, 16, 16, 16, 8, 24, 8, 16, 16, 8, 8)))
DEVICE = dict(zip(FIELDS, ("citrix-pv-bus", 0x5853, 0xc000, 0, 0, 1, 0xff8000, 0, 0x5853, 0xc000,
                           0, 1)))


class Skip(Exception):
    """The reason why a test point is skipped here."""


class Tap:
    """Runs functions as the points of a TAP stream."""

    def __init__(self):
        self.tests = []

    def __call__(self, function):
        self.tests.append(function)
        return function

    def run(self, skip=None):
        if skip:
            print(f"1..0 # SKIP {skip}")
            return 0
        print(f"1..{len(self.tests)}", flush=True)
        failed = 0
        for number, test in enumerate(self.tests, 1):
            name = (test.__doc__ or test.__name__).strip()
            try:
                test()
                print(f"ok {number} - {name}", flush=True)
            except Skip as e:
                print(f"ok {number} - {name} # SKIP {e}", flush=True)
            except Exception as e:      # a test may fail in any way
                failed += 1
                print(f"not ok {number} - {name}", flush=True)
                import traceback
                for line in traceback.format_exc().splitlines() + [repr(e)]:
                    print(f"# {line}", flush=True)
        return 1 if failed else 0


def expect(actual, wanted, what=""):
    if actual != wanted:
        raise AssertionError(f"{what}: got {actual!r}, wanted {wanted!r}")


def escape(path):
    """Returns the launcher's name for a QEMU, as defined in qemu_launcher_path.h."""
    name = ""
    for i, byte in enumerate(os.fsencode(path)[1:]):
        char = chr(byte)
        if char == "/":
            name += "-"
        elif (char.isascii() and char.isalnum()) or char in ":_" or (char == "." and i > 0):
            name += char
        else:
            name += f"\\x{byte:02x}"
    return name


class Stage:
    """A tree like the installed one: launcher, emulator, links."""

    def __init__(self, emulator="src/emulator/pci-emulator"):
        self.top = tempfile.mkdtemp(prefix="emulatedpci-launcher-")
        os.chmod(self.top, 0o755)
        self.launcher = self.copy("src/launcher/emulatedpci-launcher", "emulatedpci-launcher")
        self.emulator = os.path.join(self.top, "pci-emulator")
        if emulator:
            self.copy(emulator, "pci-emulator")
        self.logfilter = self.copy("src/logfilter/emulatedpci-logfilter", "emulatedpci-logfilter")
        self.monitor = self.copy("src/monitor/emulatedpci-monitor", "emulatedpci-monitor")
        self.stubdomain = self.copy("src/stubdomain/emulatedpci-stubdomain", "emulatedpci-stubdomain")
        self.vmstate = self.copy("src/vmstate/emulatedpci-vmstate", "emulatedpci-vmstate")
        self.launch = os.path.join(self.top, "launch")
        os.mkdir(self.launch)
        self.home = os.path.join(self.top, "home")
        os.mkdir(self.home, 0o700)

    def copy(self, source, name):
        path = os.path.join(self.top, name)
        shutil.copy(os.path.join(BUILD, source), path)
        os.chmod(path, 0o755)
        return path

    def link(self, name):
        path = os.path.join(self.launch, name)
        os.symlink("../emulatedpci-launcher", path)
        return path

    def link_qemu(self, qemu):
        return self.link(escape(qemu))

    def processes(self, *programs):
        """Returns the pids of the running emulators of this stage, or of other PROGRAMS."""
        ends = programs or b"pci-emulator"
        pids = []
        for pid in filter(str.isdigit, os.listdir("/proc")):
            try:
                with open(f"/proc/{pid}/cmdline", "rb") as f:
                    args = f.read().split(b"\0")
            except OSError:
                continue
            if any(arg.startswith(os.fsencode(self.top)) and arg.endswith(ends)
                   for arg in args[:4]):
                pids.append(int(pid))
        return pids

    def wait_for_none(self, seconds=180):
        """Waits until the processes that end after QEMU have ended, and so have removed their files."""
        end = time.monotonic() + seconds
        programs = (b"pci-emulator", b"emulatedpci-logfilter", b"emulatedpci-vmstate")
        while self.processes(*programs):
            if time.monotonic() > end:
                raise AssertionError(f"still running: {self.processes(*programs)}")
            time.sleep(0.01)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.remove()

    def remove(self):
        shutil.rmtree(self.top)


def device(form="json", foreign=(), **fields):
    """Returns a -device argument; a field that is None is omitted."""
    values = {name: value for name, value in {**DEVICE, **fields}.items() if value is not None}
    if form == "json":
        return json.dumps({"driver": "emulated-pci", **values, **dict(foreign)},
                          separators=(",", ":"))
    return ",".join(["emulated-pci"] + [f"{k}={v}" for k, v in [*values.items(), *foreign]])


def emulator_option(link, **fields):
    """Returns the emulator's arguments for a device; LINK is a descriptor or a path."""
    values = {**DEVICE, **fields}
    words = [f"fd={link}" if isinstance(link, int) else f"socket={link}"]
    words += [f"devicename={values['devicename']}"]
    words += [f"{name}=0x{values[name]:0{BITS[name] // 4}x}" for name in FIELDS[1:]]
    return ",".join(words)
