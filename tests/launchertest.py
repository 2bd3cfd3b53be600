#!/usr/bin/env python3
# launchertest.py: emulatedpci-launcher with stand-ins for the programs that it starts
#
# The stand-ins for QEMU and pci-emulator (launcherhelper.c) write their arguments and descriptors
# to files. The last tests use the real programs.
#
# SPDX-License-Identifier: LGPL-2.1-or-later

import glob
import json
import os
import re
import resource
import signal
import socket
import subprocess
import sys
import threading
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from launcherutil import BUILD, DEVICE, QEMU_DIR, Skip, Stage, Tap, device, emulator_option, expect
from qemutransports import MPQEMU, VFIO_USER, qemu_transports
from qtestclient import QTestMachine, pci

test = Tap()
HELPER = os.path.join(BUILD, "tests/launcherhelper")
stage = Stage("tests/launcherhelper")
real = Stage()


def make_qemu(name, version=b"7.2", driver=b"x-pci-proxy-dev", vfio_user=False):
    """A stand-in QEMU of another VERSION, and its launcher."""
    path = os.path.join(stage.top, name)
    with open(HELPER, "rb") as f:
        data = f.read()
    banner = b"QEMU emulator version 7.2.99 (stand-in)"
    expect(banner in data, True, "banner")
    data = data.replace(banner, (b"QEMU emulator version " + version).ljust(len(banner)))
    data = data.replace(b"x-pci-proxy-dev", driver)
    expect(b"vfio-user-xxx\0" in data, True, "vfio-user")
    if vfio_user:
        data = data.replace(b"vfio-user-xxx", b"vfio-user-pci")
    with open(path, "wb") as f:
        f.write(data)
    os.chmod(path, 0o755)
    return path, stage.link_qemu(path)


QEMU, LAUNCHER = make_qemu("qemu-a")


def parse(path):
    """Returns the data that a stand-in wrote."""
    with open(path, "rb") as f:
        records = f.read().split(b"\0")[:-1]
    result = {"arg": [], "fd": {}, "status": {}, "answer": []}
    for record in records:
        kind, _, value = record.partition(b" ")
        kind = kind.decode()
        if kind == "arg":
            result["arg"].append(value)
        elif kind == "answer":
            result["answer"].append(value.rstrip(b"\0").decode())
        elif kind == "fd":
            fd, _, target = value.partition(b" ")
            result["fd"][int(fd)] = target.decode()
        elif kind == "status":
            key, _, text = value.decode().partition(":")
            result["status"][key] = text.strip()
        else:
            result[kind] = value.decode()
    os.unlink(path)
    return result


class Run:
    """Runs PROGRAM (the launcher) to its end."""

    def __init__(self, *args, program=None, env=None, status=0, **kwargs):
        qemu_out = os.path.join(stage.top, "qemu.out")
        emulator_out = os.path.join(stage.top, "emulator.out")
        process = subprocess.Popen(
            [LAUNCHER if program is None else program, *args], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            env={**os.environ, "HELPER_QEMU": qemu_out, "HELPER_EMULATOR": emulator_out,
                 "HOME": stage.home, **(env or {})}, **kwargs)
        self.log = os.fstat(process.stderr.fileno()).st_ino
        self.stdout, self.stderr = process.communicate()
        self.stderr = self.stderr.decode()
        self.pid = process.pid
        self.qemu = parse(qemu_out) if os.path.exists(qemu_out) else None
        self.emulators = sorted((parse(path) for path in glob.glob(emulator_out + ".*")),
                                key=lambda emulator: emulator["arg"][1:])
        self.emulator = self.emulators[0] if self.emulators else None
        expect(process.returncode, status, f"exit status; stderr: {self.stderr}")
        stage.wait_for_none()
        expect(os.listdir(stage.home) if self.qemu is None else [], [], "files that are left")


def fails(*args, status=125, message, **kwargs):
    """The launcher must print MESSAGE, in one line, and not run QEMU."""
    run = Run(*args, status=status, **kwargs)
    lines = run.stderr.splitlines()
    own = [line for line in lines if line.startswith("emulatedpci-launcher: ")]
    expect(len(own), 1, f"lines of the launcher in {run.stderr!r}")
    expect(lines[-1], own[0], "last line")
    if not re.search(message, own[0]):
        raise AssertionError(f"{message!r} is not in {own[0]!r}")
    expect(run.qemu, None, "QEMU ran")
    return run


def devices(*drivers, **fields):
    """Returns arguments for devices d0, d1 ... with these <driver>s."""
    args = []
    for i, driver in enumerate(drivers):
        args += ["-device", device(devicename=f"d{i}", **fields,
                                   foreign=[*driver.items(), ("id", f"ua-{i}"), ("addr", f"{3 + i:#x}")])]
    return args


def own_arguments(emulator):
    """Returns a stand-in's program and arguments, without its devices and descriptors."""
    args = [arg.decode() for arg in emulator["arg"]]
    return [os.path.basename(args[0])] + [
        arg for arg in args[1:] if not re.match("--device$|--ready-fd=|--client-fd=|--state-fd=|fd=|socket=", arg)]


def names_of(emulator):
    """Returns the devices in the arguments of a stand-in."""
    return [re.search("devicename=([^,]*)", arg.decode()).group(1) for arg in emulator["arg"]
            if arg.startswith((b"fd=", b"socket="))]


def client_of(emulator):
    """Returns the file of the descriptor that tells a stand-in of QEMU's end; None without one."""
    for arg in emulator["arg"]:
        if arg.startswith(b"--client-fd="):
            return emulator["fd"][int(arg.partition(b"=")[2])]
    return None


def state_of(emulator):
    """Returns the same for the descriptor through which a stand-in is asked for registers."""
    for arg in emulator["arg"]:
        if arg.startswith(b"--state-fd="):
            return emulator["fd"][int(arg.partition(b"=")[2])]
    return None


def wait_for_file_to_go(path):
    """emulatedpci-vmstate ends with a QEMU that has not connected."""
    end = time.monotonic() + 60
    while os.path.exists(path):
        if time.monotonic() > end:
            raise AssertionError(f"{path} is left")
        time.sleep(0.01)


def qemu_fd(argument):
    return int(re.search(rb'"?fd"?[:=]"?(\d+)', argument).group(1))


@test
def untouched():
    """without an emulated device QEMU gets its arguments as they are"""
    for args in ([], [""], ["-S", "-no-user-config", "-nodefaults", "-machine", "none,accel=tcg"],
                 ["-device"], ["-device", ""], ["-device", "virtio-rng-pci,id=emulated-pci"],
                 ["emulated-pci"], ["-name", "emulated-pci"], ["---device", device()],
                 ["-devices", device()], ["-device=" + device()], ["-device", "{", "-device", "{}"],
                 [b"\xff\xfe", b"\n\t\x01", "", "", "-device", b"\xff"], ["x" * 100000],
                 ["a b", "-device", '{"driver":"virtio-rng-pci"}'] * 5000):
        run = Run(*args)
        expect(run.qemu["arg"], [os.fsencode(a) for a in (QEMU, *args)], "argv")
        expect(run.emulator, None, "an emulator ran")
        expect(run.stderr, "", "stderr")


@test
def rewritten():
    """each emulated device becomes one that QEMU has; all else stays"""
    args = ["-S", "-device", device(foreign=[("id", "ua-a"), ("bus", "pci.0"), ("addr", "0x5")]),
            "--device", "virtio-rng-pci", "", "-device",
            device("keyvalue", devicename="b", foreign=[("id", "ua-b"), ("addr", "0x6.1")])]
    run = Run(*args)
    argv = [a.decode() for a in run.qemu["arg"]]
    fds = [qemu_fd(run.qemu["arg"][i]) for i in (3, 8)]
    expect(argv, [QEMU, "-S", "-device",
                  f'{{"driver":"x-pci-proxy-dev","fd":"{fds[0]}","id":"ua-a","bus":"pci.0","addr":"0x5"}}',
                  "--device", "virtio-rng-pci", "", "-device",
                  f"x-pci-proxy-dev,fd={fds[1]},id=ua-b,addr=0x6.1"], "argv")
    options = [a.decode() for a in run.emulator["arg"]]
    theirs = [int(re.match(r"fd=(\d+)", options[i]).group(1)) for i in (3, 5)]
    expect(options[0], stage.emulator, "emulator")
    expect(options[2:], ["--device", emulator_option(theirs[0]), "--device",
                         emulator_option(theirs[1], devicename="b")], "emulator's options")


@test
def descriptors():
    """descriptors that libvirt passes reach QEMU, with their numbers, and nobody else"""
    passed = []
    source, other = os.pipe()
    for fd in (7, 11, 50, 200):
        os.dup2(source, fd)
        os.set_inheritable(fd, True)
        passed.append(fd)
    args = [a for i in range(5) for a in ("-device", device(foreign=[("id", f"ua-{i}")]))]
    for arguments in ([], args):
        run = Run(*arguments, pass_fds=passed)
        pipe = f"pipe:[{os.fstat(source).st_ino}]"
        expect({fd for fd, target in run.qemu["fd"].items() if target == pipe}, set(passed),
               "what was passed")
        sockets = {qemu_fd(a) for a in run.qemu["arg"] if b"x-pci-proxy-dev" in a}
        expect(len(sockets), len(arguments) // 2, "sockets")
        expect(set(run.qemu["fd"]), {0, 1, 2, *passed, *sockets}, "QEMU's descriptors")
        if not arguments:
            continue
        ready = int(run.emulator["arg"][1].split(b"=")[1])
        theirs = {qemu_fd(a) for a in run.emulator["arg"] if a.startswith(b"fd=")}
        expect(set(run.emulator["fd"]), {0, 1, 2, ready, *theirs}, "the emulator's descriptors")
        expect([run.emulator["fd"][fd] for fd in (0, 1)], ["/dev/null"] * 2, "its stdio")
        # The log filter is connected to QEMU's.
        expect(run.emulator["fd"][2], f"pipe:[{run.log}]", "its stderr")
        expect(run.qemu["fd"][2].startswith("pipe:") and run.qemu["fd"][2] != run.emulator["fd"][2], True,
               "QEMU's stderr")
        shared = {t for t in run.emulator["fd"].values() if t.startswith("socket")} & \
            set(run.qemu["fd"].values())
        expect(shared, set(), "ends in both")
    for fd in passed + [source, other]:
        os.close(fd)


@test
def closed_stdio():
    """with standard descriptors closed, none of their numbers is taken"""
    def close():
        os.close(0)
        os.close(1)
    run = Run("-device", device(), preexec_fn=close)
    expect(set(run.qemu["fd"]) & {0, 1}, set(), "descriptors 0 and 1")
    expect(qemu_fd(run.qemu["arg"][2]) > 2, True, "the socket")


@test
def inherited():
    """signal mask and dispositions, limits, umask, directory are as libvirt gave them"""
    def setup():
        signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGCHLD, signal.SIGUSR1, signal.SIGTERM])
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
        signal.signal(signal.SIGPIPE, signal.SIG_DFL)
        resource.setrlimit(resource.RLIMIT_NOFILE, (777, 777))
        os.umask(0o137)

    keys = ("SigBlk", "SigIgn", "SigCgt", "SigPnd", "ShdPnd", "Uid", "Gid", "NoNewPrivs",
            "Seccomp", "CapEff", "Threads")
    seen = []
    for program, args in ((QEMU, []), (LAUNCHER, []), (LAUNCHER, ["-device", device()])):
        run = Run(*args, program=program, preexec_fn=setup, cwd="/tmp", restore_signals=False)
        seen.append([run.qemu["status"][key] for key in keys] +
                    [run.qemu[key] for key in ("umask", "nofile", "cwd", "ppid")])
        expect(int(run.qemu["pid"]), run.pid, "QEMU's pid")
    expect(seen[1], seen[0], "without a device")
    expect(seen[2], seen[0], "with a device")


@test
def ignored_sigchld():
    """a SIGCHLD that is ignored does no harm"""
    run = Run("-device", device(), restore_signals=False,
              preexec_fn=lambda: signal.signal(signal.SIGCHLD, signal.SIG_IGN))
    expect(len(run.emulator["arg"]), 4, "the emulator's arguments")


@test
def orphan():
    """the emulator is not QEMU's child, and lives as long as QEMU"""
    out = os.path.join(stage.top, "emulator.out")
    process = subprocess.Popen([LAUNCHER, "-device", device()],
                               env={**os.environ, "HELPER_WAIT": "1", "HELPER_EMULATOR": out,
                                    "HELPER_QEMU": os.path.join(stage.top, "qemu.out")})
    while not os.path.exists(os.path.join(stage.top, "qemu.out")):
        expect(process.poll(), None, "QEMU's status")
        time.sleep(0.01)
    (emulator,) = stage.processes()
    with open(f"/proc/{emulator}/status", encoding="ascii") as f:
        parent = int(re.search(r"PPid:\s+(\d+)", f.read()).group(1))
    expect(parent in (process.pid, os.getpid()), False, f"the emulator's parent is {parent}")
    with open(f"/proc/{process.pid}/task/{process.pid}/children", encoding="ascii") as f:
        expect(f.read(), "", "QEMU's children")
    process.kill()
    expect(process.wait(), -signal.SIGKILL, "QEMU's status")
    stage.wait_for_none()
    for path in glob.glob(os.path.join(stage.top, "*.out*")):
        os.unlink(path)


@test
def status():
    """exit status and signal are QEMU's"""
    for args in ([], ["-device", device()]):
        Run(*args, env={"HELPER_STATUS": "42"}, status=42)
        Run(*args, env={"HELPER_SIGNAL": str(int(signal.SIGTERM))}, status=-signal.SIGTERM)


@test
def many():
    """256 devices work, one more is refused"""
    args = [a for i in range(256) for a in ("-device", device(foreign=[("id", f"ua-{i}")]))]
    run = Run(*args)
    expect(len(run.emulator["fd"]), 3 + 1 + 256, "the emulator's descriptors")
    expect(len(run.qemu["fd"]), 3 + 256, "QEMU's descriptors")
    fails(*args, "-device", device(), message="at most 256 are supported")


@test
def few_descriptors():
    """too low a limit of descriptors is said clearly"""
    fails(*["-device", device()] * 20, message="socket for emulated PCI device .* of 20: Too many open files",
          preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (20, 20)))


@test
def values():
    """a property that is missing or out of range is refused and named"""
    for name in DEVICE:
        for form in ("json", "keyvalue"):
            fails("-device", device(form, **{name: None}), message=f"missing property '{name}'")
            fails("-device", device(form, **{name: "a b"}),
                  message=f"invalid value '.*a b.*' for property '{name}'")
    fails("-device", device(vendorid=65536), message="'65536' for property 'vendorid'.*0 to 65535")
    fails("-device", device(foreign=[("fd", "3")]), message="property 'fd' is not supported")
    fails("-device", device(devicename="a\nb\x1b[31m"), message=r"value 'a\\x0ab\\x1b\[31m'")
    fails("-device", device(devicename="a" * 50000), message="value 'a{64}\\.\\.\\.'")


@test
def no_emulator():
    """no emulator, or one that is no program"""
    os.rename(stage.emulator, stage.emulator + ".gone")
    try:
        fails("-device", device(), message=f"'{stage.emulator}' .* 'default': No such file")
        with open(stage.emulator, "w", encoding="ascii") as f:
            f.write("#!/does/not/exist\n")
        fails("-device", device(), message=f"'{stage.emulator}' .* 'default': Permission denied")
        os.chmod(stage.emulator, 0o755)
        fails("-device", device(), message=f"'{stage.emulator}' .* 'default': No such file")
    finally:
        os.replace(stage.emulator + ".gone", stage.emulator)


@test
def dying_emulator():
    """an emulator that ends before it is ready: its reason, then ours"""
    run = fails("-device", device(), env={"HELPER_MODE": "die"}, message="ended before it was ready")
    expect(run.stderr.splitlines()[0], "pci-emulator: says why it dies", "the emulator's reason")
    fails("-device", device(), env={"HELPER_MODE": "silent"}, message="ended before it was ready")


@test
def hanging_emulator():
    """an emulator that never gets ready is ended, and so are all others"""
    _, launcher = make_qemu("qemu-hang", b"10.1", vfio_user=True)
    fails(*devices({"emulator": "a"}, {"emulator": "bad", "arg0": "--mode=hang"},
                   {"emulator": "b", "version": "mpqemu"}), "-accel", "kvm", program=launcher,
          message="the PCI device emulator 'bad' was not ready after [0-9]+ milliseconds")


@test
def names():
    """names that stand for no QEMU, and a QEMU that is not there"""
    for name in ("x y", "a\\x2", "qemu-system-", "\\x61"):
        fails(program=stage.link(name), message=re.escape(f"'{name}' is not a launcher name"))
    for args in ([], ["-device", device()]):
        fails(*args, program=stage.link_qemu("/does/not/exist" + str(len(args))), status=127,
              message="cannot run QEMU '/does/not/exist.': No such file")
    path = os.path.join(stage.top, "not-executable")
    with open(path, "w", encoding="ascii") as f:
        f.write("QEMU emulator version 7.2")
    link = stage.link_qemu(path)
    for args in ([], ["-device", device()]):
        fails(*args, program=link, status=126, message="cannot run QEMU .* Permission denied")


@test
def elsewhere():
    """the name of a link counts in the launch directory only"""
    name = os.path.basename(LAUNCHER)
    aside = os.path.join(stage.top, "aside")
    os.mkdir(aside)
    for link in (os.path.join(aside, "bin-echo"), os.path.join(aside, name)):
        os.symlink(stage.launcher, link)
        for args in (["hello"], ["-device", device()]):
            run = fails(*args, program=link, message=re.escape(
                f"'{link}' is not in the launch directory '{stage.launch}'"))
            expect(run.stdout, b"", "output")
    # The launcher only knows the name by which it was called; a name without a path is not enough.
    for word in ("", name):
        fails(executable=LAUNCHER, program=word, cwd=stage.launch,
              message=re.escape(f"'{word}' is not in the launch directory"))
    os.symlink(stage.launch, os.path.join(aside, "launch"))
    for path, cwd in (("./" + name, stage.launch), ("launch/" + name, stage.top),
                      (os.path.join(aside, "launch", name), "/")):
        expect(Run("x", program=path, cwd=cwd).qemu["arg"], [os.fsencode(QEMU), b"x"], "QEMU's arguments")


class Monitor:
    """Plays libvirt at the start of a domain: creates the monitor's socket, connects to it after
    DELAY seconds, and sends a command after the greeting. LINES is the content of the log when the
    connection ends, which is when libvirt reads it."""

    def __init__(self, delay=0, pipe=False, extra=()):
        path = os.path.join(stage.top, "monitor")
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(path)
        listener.listen(1)
        if pipe:
            self.read, write = os.pipe()
        else:
            self.read = os.open(os.path.join(stage.top, "log"), os.O_RDWR | os.O_CREAT | os.O_TRUNC)
            write = os.dup(self.read)
        fd = listener.fileno()
        self.process = subprocess.Popen(
            [LAUNCHER, "-chardev", f"socket,id=charmonitor,fd={fd},server=on,wait=off", "-mon",
             "chardev=charmonitor,id=monitor,mode=control", "-device", device(vendorid="x"), *extra],
            pass_fds=[fd], stderr=write)
        os.close(write)
        listener.close()
        time.sleep(delay)
        self.running = self.process.poll() is None
        self.client = socket.socket(socket.AF_UNIX)
        self.client.connect(path)
        os.unlink(path)
        self.client.settimeout(60)
        self.greeting = self.client.recv(4096)

    def send(self):
        self.client.send(b'{"execute":"qmp_capabilities","id":"libvirt-1"}\r\n')

    def end(self):
        expect(self.client.recv(4096), b"", "the end of the connection")
        self.client.close()

    def log(self):
        with os.fdopen(self.read, "rb") as f:
            if f.seekable():
                f.seek(0)
            return f.read().decode()


@test
def monitor_refusal():
    """a refusal lasts until libvirt is ready to show it"""
    for delay in (0, 0.5):
        monitor = Monitor(delay)
        if delay:
            expect(monitor.running, True, "the launcher waits")
        expect(json.loads(monitor.greeting), {"QMP": {"capabilities": []}}, "the greeting")
        time.sleep(delay)
        expect(monitor.process.poll(), None, "the launcher waits for the command")
        monitor.send()
        monitor.end()
        expect(re.fullmatch("emulatedpci-launcher: .*vendorid.*\n", monitor.log()) is not None, True, "the log")
        expect(monitor.process.wait(60), 125, "exit status")

    # virtlogd can read the log's pipe later.
    monitor = Monitor(pipe=True)
    monitor.send()
    time.sleep(0.5)
    expect(monitor.process.poll(), None, "the launcher waits until the log is read")
    text = os.read(monitor.read, 4096)
    monitor.end()
    expect(text.startswith(b"emulatedpci-launcher: "), True, "the log")
    expect((monitor.log(), monitor.process.wait(60)), ("", 125), "the rest of the log, exit status")

    # A client that disconnects at once, and a number that is not a listening socket.
    monitor = Monitor()
    monitor.client.close()
    expect(monitor.process.wait(60), 125, "exit status")
    monitor.log()
    begin = time.monotonic()
    for value in ("fd=0", "fd=2", "fd=-1", "fd=1000000", "fd=99999999999999999999", "fd=", "fd=x", "path=/x"):
        fails("-chardev", "socket,id=charmonitor," + value, "-device", device(vendorid="x"), message="vendorid")
    fails("-device", device(vendorid="x"), "-chardev", message="vendorid")
    expect(time.monotonic() - begin < 9, True, "nothing to wait for")


@test
def monitor_alone():
    """without libvirt a refusal ends by itself, and a start is not held up"""
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(os.path.join(stage.top, "monitor"))
        listener.listen(1)
        fd = listener.fileno()
        args = ["-chardev", f"socket,id=charmonitor,fd={fd},server=on,wait=off"]
        begin = time.monotonic()
        fails(*args, "-device", device(vendorid="x"), pass_fds=[fd], message="vendorid")
        expect(9 < time.monotonic() - begin < 60, True, "the time that a refusal lasts")
        run = Run(*args, "-device", device(), pass_fds=[fd])
        other = int(re.search(r"id=charmonitor,fd=(\d+),server=on,wait=off", " ".join(a.decode() for a in run.qemu["arg"])).group(1))
        expect((other != fd, run.qemu["fd"].get(other) is not None, run.qemu["fd"].get(fd)), (True, True, None),
               "QEMU's monitor is another socket, and the relay has libvirt's")
    os.unlink(os.path.join(stage.top, "monitor"))


@test
def versions():
    """a QEMU that would lack the device, or crash with it, is refused"""
    one = ["-device", device()]
    for version, args, message in (
            (b"5.2", ["-accel", "kvm"], "QEMU 5.2 .* does not support device 'x-pci-proxy-dev'"),
            (b"6.0", [], None), (b"8.1", [], None), (b"8.1", ["-accel", "tcg"], None),
            (b"8.2", ["-accel", "kvm"], None), (b"8.2", ["-enable-kvm"], None),
            (b"8.2", ["-machine", "pc,accel=kvm,usb=off"], None),
            (b"9.0", ["--accel", "kvm,kernel-irqchip=on"], None),
            (b"10.1", ["-M", "accel=kvm"], None), (b"9.0", ["-accel", "accel=kvm"], None),
            (b"8.2", [], "require KVM with QEMU 8.2"), (b"8.2", ["-accel", "tcg"], "require KVM"),
            (b"9.2", ["-accel", "kvm", "-accel", "tcg"], "require KVM with QEMU 9.2"),
            (b"10.1", ["-machine", "pc,accel=kvm:tcg"], "require KVM with QEMU 10.1"),
            (b"10.1", ["-accel", "qtest"], "require KVM"), (b"10.1", ["-M", "kvm"], "require KVM"),
            (b"10.1", ["-machine", "pc", "-name", "accel=kvm"], "require KVM")):
        path = os.path.join(stage.top, "qemu-version")
        for script in (False, True):
            if not script:
                path, launcher = make_qemu("qemu-version", version)
            else:
                # A script does not contain the version, so it must be run.
                inner = os.path.join(stage.top, "inner")
                os.rename(path, inner)
                with open(path, "w", encoding="ascii") as f:
                    f.write(f'#!/bin/sh\nexec {inner} "$@"\n')
                os.chmod(path, 0o755)
            if message:
                fails(*args, *one, program=launcher, message=message)
            else:
                Run(*args, *one, program=launcher)
            # Without a device, the version is not queried.
            Run(*args, program=launcher)
        os.unlink(launcher)
    # A QEMU that prints its version, and then neither exits nor prints anything else.
    path, launcher = make_qemu("qemu-lingers")
    os.rename(path, inner)
    with open(path, "w", encoding="ascii") as f:
        f.write("#!/bin/sh\n"
                f'[ "$*" = --version ] || exec {inner} "$@"\n'
                "echo 'QEMU emulator' version 7.2; exec sleep 1000 >/dev/null\n")
    os.chmod(path, 0o755)
    Run(*one, program=launcher)
    _, launcher = make_qemu("qemu-bare", driver=b"x-xxx-xxxxx-dev")
    fails(*one, program=launcher, message="QEMU 7.2 .* does not support device")
    path = os.path.join(stage.top, "mute")
    with open(path, "w", encoding="ascii") as f:
        f.write("#!/bin/sh\necho QEMU emulator version x.y\n")
    os.chmod(path, 0o755)
    fails(*one, program=stage.link_qemu(path), message=f"cannot determine the version of '{path}'")


@test
def pseries():
    """ppc64's pseries, with which QEMU aborts over vfio-user, is refused or gets the other device"""
    _, launcher = make_qemu("qemu-pseries", b"11.1", vfio_user=True)
    refused = "QEMU 11.1 .* aborts if a machine of type '{}' has a 'vfio-user-pci'"
    for args, driver, machine in (
            (["-machine", "pseries-9.2,usb=off", "-accel", "tcg"], {}, "pseries-9.2"),
            (["-M", "usb=off,type=pseries"], {}, "pseries"),
            (["-machine", "virt", "--machine", "pseries", "-machine", "usb=off"], {}, "pseries"),
            (["-machine", "pseries", "-accel", "kvm"], {"version": "vfio-user"}, "pseries")):
        fails(*args, *devices(driver), program=launcher, message=refused.format(machine))
    fails("-machine", "pseries", *devices({"version": "mpqemu"}), program=launcher, message="require KVM")
    for machine in ("pseries", "pseries-2.12"):
        run = Run("-machine", machine, "-accel", "kvm", *devices({}), program=launcher)
        expect([b"x-pci-proxy-dev" in a for a in run.qemu["arg"][-2:]], [False, True], "the device")
    for machine in ("powernv", "virt", "xpseries", "pseriesx"):
        run = Run("-machine", machine, *devices({}), program=launcher)
        expect(b"vfio-user-pci" in run.qemu["arg"][4], True, machine)
        os.unlink(f"{stage.home}/pci{run.pid}.0")


@test
def shared():
    """devices share an emulator by its name; each gets its own devices, in their order"""
    model = stage.copy("tests/launcherhelper", "other-pci-emulator")
    run = Run(*devices({}, {"emulator": "b"}, {"emulator": "a"}, {},
                       {"emulator": "b", "model": model, "arg0": "--x", "arg1": "a b"},
                       {"emulator": "b", "model": model, "arg0": "--x", "arg1": "a b"},
                       {"emulator": "a", "version": "mpqemu"}))
    expect(sorted((own_arguments(e), names_of(e)) for e in run.emulators),
           [(["other-pci-emulator", "--x", "a b"], ["d1", "d4", "d5"]),
            (["pci-emulator"], ["d0", "d3"]), (["pci-emulator"], ["d2", "d6"])], "emulators")
    expect(run.qemu["answer"], [f"d{i}" for i in range(7)], "who answers")
    expect(len(run.qemu["fd"]), 3 + 7, "QEMU's descriptors")
    for emulator in run.emulators:
        expect(len(emulator["fd"]), 3 + 1 + len(names_of(emulator)), "an emulator's descriptors")
    argument = run.qemu["arg"][10].decode()
    expect(re.sub(r'"fd":"\d+"', '"fd":"N"', argument),
           '{"driver":"x-pci-proxy-dev","fd":"N","id":"ua-4","addr":"0x7"}', "nothing of ours is left")


@test
def many_emulators():
    """64 emulators, and 256"""
    for count in (64, 256):
        run = Run(*devices(*({"emulator": f"e{i}"} for i in range(count))))
        expect(len(run.emulators), count, "emulators")
        expect(run.qemu["answer"], [f"d{i}" for i in range(count)], "who answers")


@test
def disagreeing():
    """devices that describe one emulator in two ways are refused"""
    fails(*devices({"emulator": "a", "model": "/x"}, {}, {"emulator": "a", "model": "/y"}),
          message=r"devices 1 \('d0'\) and 3 \('d2'\) have different 'model' for emulator 'a'")
    fails(*devices({"emulator": "a", "pid": 1}), message="'emulator' of <driver> cannot be combined with 'pid'")
    fails(*devices({"version": "xen"}), message="'xen' for attribute 'version'")
    fails(*devices({"arg1": "x"}), message="argument 1 of an emulator is missing")


@test
def one_of_several_fails():
    """an emulator that fails is named, and the others end"""
    for mode, message in (("die", "the PCI device emulator 'bad' ended before it was ready"),
                          ("silent", "the PCI device emulator 'bad' ended before it was ready")):
        run = fails(*devices({"emulator": "a"}, {"emulator": "bad", "arg0": "--mode=" + mode}, {}),
                    message=message)
        expect(len(run.emulators) > 0, True, "emulators")
    run = fails(*devices({"emulator": "a"}, {}, {"emulator": "bad", "model": "/does/not/exist"},
                         {"emulator": "c"}),
                message="cannot run '/does/not/exist' for the PCI device emulator 'bad': No such file")


def blocker_fd(argv, name):
    """Returns the end of the arguments with the node NAME that keeps a guest from migrating: its
    descriptor."""
    expect((argv[-4], argv[-2]), ("-add-fd", "-blockdev"), "the last options")
    node = json.loads(argv[-1])
    expect((node["driver"], node["node-name"], node["read-only"], node["file"]["filename"]),
           ("vdi", name, True, "/dev/fdset/65536"), "the node")
    return int(re.fullmatch("fd=([0-9]+),set=65536,opaque=emulated-pci-device-registers", argv[-3]).group(1))


@test
def vfio_user():
    """where QEMU has vfio-user-pci, emulators listen in the domain's directory"""
    path, launcher = make_qemu("qemu-vfio", b"10.1", vfio_user=True)
    args = devices({}, {"emulator": "a"}, {})
    for script in (False, True):
        if script:
            # A script does not contain the device's name, so it must be run.
            inner = os.path.join(stage.top, "inner")
            os.rename(path, inner)
            with open(path, "w", encoding="ascii") as f:
                f.write(f'#!/bin/sh\nexec {inner} "$@"\n')
            os.chmod(path, 0o755)
        for accel in ([], ["-accel", "tcg"], ["-accel", "kvm"]):
            run = Run(*accel, *args, program=launcher)
            sockets = [f"{stage.home}/pci{run.pid}.{i}" for i in range(3)]
            argv = [a.decode() for a in run.qemu["arg"]]
            expect(argv[len(accel) + 2],
                   '{"driver":"vfio-user-pci","socket":{"type":"unix","path":"' + sockets[0] +
                   '"},"id":"ua-0","addr":"0x3"}', "QEMU's argument")
            expect(sorted(names_of(e) for e in run.emulators), [["d0", "d2"], ["d1"]], "emulators")
            expect(emulator_option(sockets[1], devicename="d1") in
                   [a.decode() for e in run.emulators for a in e["arg"]], True, "an emulator's option")
            expect(run.qemu["answer"], ["d0", "d1", "d2"], "who answers")
            expect(argv[-2:], ["-object", '{"qom-type":"dbus-vmstate","id":"emulatedpci-vmstate","addr":'
                               f'"unix:path={stage.home}/pci{run.pid}.3","id-list":"emulatedpci"' "}"],
                   "what saves registers")
            wait_for_file_to_go(f"{stage.home}/pci{run.pid}.3")
            expect(set(run.qemu["fd"]), {0, 1, 2}, "QEMU's descriptors")
            for emulator in run.emulators:
                expect(client_of(emulator), "anon_inode:[pidfd]", "what tells of QEMU's end")
                expect(len(emulator["fd"]), 6, "the emulator's descriptors")
                expect(state_of(emulator).startswith("socket:"), True, "what asks for registers")
            for name in sockets:
                os.unlink(name)
    os.unlink(launcher)

    # Both transports at once, since one device requires the other transport
    _, launcher = make_qemu("qemu-vfio", b"10.1", vfio_user=True)
    run = Run("-accel", "kvm", *devices({}, {"emulator": "a", "version": "mpqemu"}), program=launcher)
    expect(run.qemu["answer"], ["d0", "d1"], "who answers")
    expect([b"x-pci-proxy-dev" in a for a in run.qemu["arg"][4:8:2]], [False, True], "drivers")
    blocker_fd([a.decode() for a in run.qemu["arg"]], "mpqemu-of-ua-1")
    expect([client_of(emulator) is None for emulator in
            sorted(run.emulators, key=names_of)], [False, True], "to whom QEMU connects")
    os.unlink(f"{stage.home}/pci{run.pid}.0")

    # The user's own program may not support this: then the guest cannot be migrated.
    run = Run(*devices({"emulator": "a", "model": stage.emulator}), program=launcher)
    expect(run.qemu["answer"], ["d0"], "who answers")
    expect((client_of(run.emulator), len(run.emulator["fd"])), (None, 5), "a model's descriptors")
    expect(set(run.qemu["fd"]), {0, 1, 2, blocker_fd([a.decode() for a in run.qemu["arg"]], "model-of-ua-0")},
           "QEMU's descriptors")
    os.unlink(f"{stage.home}/pci{run.pid}.0")


@test
def incoming():
    """a guest whose registers could not be restored is not received"""
    _, old = make_qemu("qemu-old")
    _, new = make_qemu("qemu-new-incoming", b"10.1", vfio_user=True)
    model = {"emulator": "a", "model": stage.emulator}
    other = '{"qom-type":"dbus-vmstate","id":"dbus-vmstate0","addr":"unix:path=/x"}'
    lost = "cannot restore or receive a running guest .*: "
    for args, driver, launcher, message in (
            (["-incoming", "defer"], {}, old, "device 'd0' uses 'x-pci-proxy-dev', .*QEMU 10.1 or newer"),
            (["--incoming", "tcp:0:1"], model, new, "device 'd0' has an emulator .'model' of <driver>."),
            (["-loadvm", "x"], model, new, "device 'd0' has an emulator"),
            (["-object", other, "-incoming", "defer"], {}, new, "QEMU has another 'dbus-vmstate' object")):
        fails(*args, *devices(driver), program=launcher, message=lost + message)
    for args in (["-incoming", "defer"], ["-loadvm", "x"]):
        run = Run(*args, *devices({}), program=new)
        expect(run.qemu["arg"][-2], b"-object", "what restores registers")
        wait_for_file_to_go(f"{stage.home}/pci{run.pid}.1")
        os.unlink(f"{stage.home}/pci{run.pid}.0")
    # libvirt's own device: the guest can run, but cannot be migrated.
    run = Run("-object", other, *devices({}), program=new)
    blocker_fd([a.decode() for a in run.qemu["arg"]], "emulated-pci-device-registers")
    os.unlink(f"{stage.home}/pci{run.pid}.0")


@test
def no_vmstate():
    """the program that saves registers cannot be run: the guest runs, but cannot be moved"""
    _, launcher = make_qemu("qemu-no-vmstate", b"10.1", vfio_user=True)
    os.rename(stage.vmstate, stage.vmstate + ".gone")
    try:
        message = f"cannot run '{stage.vmstate}', which saves .*No such file"
        run = Run(*devices({}), program=launcher)
        expect(re.search("warning: this guest cannot be saved or migrated: " + message, run.stderr) is not None,
               True, run.stderr)
        blocker_fd([a.decode() for a in run.qemu["arg"]], "emulated-pci-device-registers")
        os.unlink(f"{stage.home}/pci{run.pid}.0")
        fails("-incoming", "defer", *devices({}), program=launcher, message=message)
    finally:
        os.rename(stage.vmstate + ".gone", stage.vmstate)


@test
def vfio_user_refused():
    """vfio-user that cannot be, and the files of one that does not come to be"""
    fails(*devices({"version": "vfio-user"}),
          message="QEMU 7.2 .* does not support device 'vfio-user-pci', which emulators of version 'vfio-user' require")
    _, launcher = make_qemu("qemu-new", b"10.1", vfio_user=True)
    fails(*devices({"version": "mpqemu"}), program=launcher, message="require KVM with QEMU 10.1")
    fails("-device", device("keyvalue"), program=launcher, message="must be in JSON format")
    fails("-device", device(foreign=[("socket", {})]), program=launcher,
          message="invalid value '.*' for property 'socket': must be a string")
    for home, message in (("", "HOME .* is not a directory"), ("/does/not/exist", "is not a directory"),
                          (stage.top + "/a" * 54, "at most 107 bytes"), (stage.top + "/a,b", "without a comma"),
                          ("/tmp", "others can write to HOME")):
        if home.startswith(stage.top):
            os.makedirs(home)
        if home == "/tmp" and not os.stat("/tmp").st_mode & 0o022:
            continue
        fails(*devices({}), program=launcher, env={"HOME": home}, message=message)
    fails(*devices({"emulator": "a"}, {"emulator": "bad", "arg0": "--mode=die"}), program=launcher,
          message="'bad' ended before")


class Listener:
    """A stand-in for pci-emulator --listen: receives devices, and replies as ANSWERS say; or sends
    REFUSAL, reads nothing, and closes the connection before or after it could."""

    def __init__(self, runtime, *answers, pid=None, refusal=None, after=False):
        directory = os.path.join(runtime, "emulatedpci")
        os.makedirs(directory, exist_ok=True)
        self.path = os.path.join(directory, f"{pid or os.getpid()}.sock")
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.socket.bind(self.path)
        self.socket.listen(1)
        self.answers = answers
        self.refusal = refusal
        self.after = after
        self.texts = []
        self.thread = threading.Thread(target=self.run)
        self.thread.start()

    def run(self):
        connection, _ = self.socket.accept()
        if self.refusal:
            connection.send(self.refusal)
            if self.after:
                connection.recv(1, socket.MSG_PEEK)
            connection.close()
            return
        fds = []
        for answer in self.answers:
            text, passed, _, _ = socket.recv_fds(connection, 2000, 2)
            if not text:
                break
            self.texts.append(text.decode())
            fds += passed
            if answer is not None:
                connection.send(answer)
        if None not in self.answers:
            connection.recv(1)
        connection.close()
        for fd, text in zip(fds, self.texts):
            with socket.socket(fileno=fd) as device:
                if text == "state":
                    continue
                if device.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN):
                    peer, _ = device.accept()
                else:
                    peer = device.dup()
                with peer:
                    if peer.recv(32):
                        peer.send(re.search("devicename=([^,]*)", text).group(1).encode().ljust(32, b"\0"))

    def close(self):
        # Wakes up the thread if no client connected.
        with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as waker:
            try:
                waker.connect(self.path)
            except OSError:
                pass
        self.thread.join()
        self.socket.close()
        os.unlink(self.path)


@test
def attached():
    """devices go to an emulator that already runs"""
    runtime = os.path.join(stage.top, "run")
    env = {"XDG_RUNTIME_DIR": runtime}
    pid = os.getpid()
    listener = Listener(runtime, b"ok\n", b"ok")
    run = Run(*devices({"pid": pid}, {}, {"pid": pid}), env=env)
    listener.close()
    expect(listener.texts, [emulator_option(0, devicename=name).partition(",")[2] for name in ("d0", "d2")],
           "messages")
    expect(run.qemu["answer"], ["d0", "d1", "d2"], "who answers")
    expect([names_of(e) for e in run.emulators], [["d1"]], "started")

    _, launcher = make_qemu("qemu-attach", b"10.1", vfio_user=True)
    for answer, args in ((b"error: what?\n", [b"-add-fd", b"-blockdev"]), (b"ok\n", [b"-object"])):
        listener = Listener(runtime, answer, b"ok\n")
        run = Run(*devices({"pid": pid}), env=env, program=launcher)
        listener.close()
        expect(listener.texts[0], "state", "the first message")
        expect(run.qemu["answer"], ["d0"], "who answers")
        expect(run.emulators, [], "started")
        expect([option for option in args if option not in run.qemu["arg"]], [], "options")
        path = f"{stage.home}/pci{run.pid}.0"
        expect(oct(os.stat(path).st_mode & 0o777), "0o600", "the socket's mode")
        os.unlink(path)


@test
def not_attached():
    """an emulator that is not there, not the one, or not willing"""
    runtime = os.path.join(stage.top, "run")
    env = {"XDG_RUNTIME_DIR": runtime}
    pid = os.getpid()
    one = devices({"pid": pid})
    hint = "a running 'pci-emulator --listen' is required"
    fails(*one, env=env, message=f"with pid {pid}: No such file or directory; {hint}")
    fails(*one, env={"XDG_RUNTIME_DIR": "relative"}, message="No such file or directory")
    fails(*one, env={"XDG_RUNTIME_DIR": runtime + "/x" * 60}, message="File name too long")
    for answers, message in (([b"error: no room\n"], f"with pid {pid} refuses device 'd0': no room"),
                             ([b""], "does not answer"), ([None], "does not answer: Connection reset"),
                             ([b"okay"], "refuses device 'd0': okay"),
                             ([b"\x1b[31m\n" + b"x" * 1500], r"refuses device 'd0': \?\[31m"),
                             ([b"x" * 5000], "refuses device 'd0': x{64}\\.\\.\\.")):
        listener = Listener(runtime, *answers)
        fails(*one, env=env, message=message)
        listener.close()
    for after in (False, True):
        listener = Listener(runtime, refusal=b"error: not you\n", after=after)
        fails(*one, env=env, message=f"with pid {pid} refuses device 'd0': not you")
        listener.close()
    listener = Listener(runtime, b"ok", pid=1)
    fails(*devices({"pid": 1}), env=env, message=f"with pid 1 belongs to another process, with pid {pid}")
    listener.close()


def admin(*args, status=0, program=None):
    run = subprocess.run([program or stage.launcher, *args], stdout=subprocess.PIPE,
                         stderr=subprocess.PIPE, encoding="utf-8", check=False)
    expect(run.returncode, status, f"{args}: {run.stdout}{run.stderr}")
    return run


@test
def administration():
    """--add, --list, the other options, and wrong command lines"""
    other, link = make_qemu("qemu b\\c")
    os.unlink(link)
    expect(admin("--add", other).stdout, link + "\n", "--add")
    expect(admin("--add", other).stdout, link + "\n", "--add again")
    expect(os.readlink(link), "../emulatedpci-launcher", "the link")
    Run("-device", device(), program=link)
    admin("--add", "qemu", status=1)
    admin("--add", "/", status=1)
    admin("--add", "/does/not/exist", status=1)
    os.unlink(link)
    os.symlink("/elsewhere", link)
    admin("--add", other, status=1)
    os.unlink(link)
    admin("--add", other)

    admin("--refresh")
    for line in (f"{os.path.basename(link)}\t{other}\tcurrent",
                 "x y\t-\tnot a launcher's name",
                 "does-not-exist0\t/does/not/exist0\tnot installed"):
        expect(line in admin("--list", status=1).stdout.splitlines(), True, line)

    for args in ([], ["--add"], ["--list", "a"], ["--refresh", "a"], ["--add", "a", "b"], ["--lis"],
                 ["--version", "x"], ["x"]):
        expect("--help" in admin(*args, status=2).stderr, True, "a hint")
    for option, text in (("--help", "--refresh"), ("--version", "libvirt-emulatedpci"),
                         ("--print-capabilities", '"devices":["x-pci-proxy-dev","vfio-user-pci"]')):
        expect(text in admin(option).stdout, True, option)
    with open("/dev/full", "w", encoding="ascii") as full:
        run = subprocess.run([stage.launcher, "--list"], stdout=full, stderr=subprocess.DEVNULL,
                             check=False)
        expect(run.returncode, 1, "a full disk")


def ctime(path):
    return os.stat(path).st_ctime_ns


def make_stale(path):
    """PATH is replaced by a newer file."""
    while ctime(path) <= ctime(stage.launcher):
        with open(path, "rb") as f:
            data = f.read()
        with open(path + ".new", "wb") as f:
            f.write(data)
        os.chmod(path + ".new", 0o755)
        os.replace(path + ".new", path)


def wait_second():
    """Waits until the second of the launcher's timestamp is over, also for the file system's
    coarser clock."""
    while int(time.time() - 0.02) <= int(os.stat(stage.launcher).st_ctime):
        time.sleep(0.01)


@test
def refreshed():
    """the launcher is never older than its QEMUs"""
    admin("--refresh")
    before = ctime(stage.launcher)
    mtime = os.stat(stage.launcher).st_mtime_ns
    admin("--refresh")
    expect(ctime(stage.launcher), before, "ctime when nothing changed")

    make_stale(QEMU)
    name = os.path.basename(LAUNCHER)
    expect(f"{name}\t{QEMU}\treplaced: " in admin("--list", status=1).stdout, True, "--list")
    expect(QEMU in admin("--refresh").stdout, True, "--refresh")
    expect(int(os.stat(stage.launcher).st_ctime) > before // 10**9, True, "seconds")
    expect(os.stat(stage.launcher).st_mtime_ns, mtime, "mtime")
    expect(f"{name}\t{QEMU}\tcurrent" in admin("--list", status=1).stdout, True, "--list")

    # The second refresh must wait until the next second.
    make_stale(QEMU)
    before = os.stat(stage.launcher).st_ctime
    admin("--refresh")
    expect(int(os.stat(stage.launcher).st_ctime) > int(before), True, "the next second")

    # The launcher refreshes itself when it is run, if it has the permissions, but does not wait.
    make_stale(QEMU)
    wait_second()
    before = ctime(stage.launcher)
    expect(Run("-device", device()).stderr, "", "stderr")
    expect(ctime(stage.launcher) > before, True, "ctime after a run")


@test
def warned():
    """a launcher that may not refresh itself says who can, and runs"""
    if os.geteuid() != 0:
        raise Skip("only root can make a launcher that is somebody else's")

    def become_nobody():
        os.setgid(65534)
        os.setuid(65534)
    open_dir = os.path.join(stage.top, "out")
    os.mkdir(open_dir)
    os.chmod(open_dir, 0o777)
    make_stale(QEMU)
    wait_second()
    before = ctime(stage.launcher)
    for args in ([], ["-device", device()]):
        run = subprocess.run([LAUNCHER, *args], stderr=subprocess.PIPE, encoding="utf-8",
                             preexec_fn=become_nobody, cwd="/", check=False)
        expect(run.returncode, 0, run.stderr)
        expect(re.fullmatch("emulatedpci-launcher: warning: '.*' was replaced; .*--refresh\n",
                            run.stderr) is not None, True, run.stderr)
    expect(ctime(stage.launcher), before, "ctime")


@test
def real_probing():
    """the real QEMU answers through the launcher as it does by itself"""
    launcher = real.link("qemu-system-x86_64")
    qemu = os.path.join(QEMU_DIR, "qemu-system-x86_64")
    for args in (["--version"], ["-machine", "help"], ["-device", "help"], ["-device"], ["-cpu", "help"],
                 ["-device", "virtio-rng-pci,help"], ["-nonsense"]):
        runs = [subprocess.run([program, *args], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                               stdin=subprocess.DEVNULL, check=False)
                for program in (qemu, launcher)]
        expect(runs[1].returncode, runs[0].returncode, f"{args}: status")
        expect(runs[1].stdout, runs[0].stdout, f"{args}: stdout")
        expect(runs[1].stderr.replace(b"was replaced", b""), runs[0].stderr, f"{args}: stderr")


def real_machine(devices, first=0, driver=()):
    reason = qemu_transports()[1]
    if reason:
        raise Skip(reason)
    args = ["-machine", "pc"]
    for i in range(devices):
        args += ["-device", device(deviceid=0x100 + first + i, devicename=f"d{i}", foreign=[
            *dict(driver).items(), ("id", f"ua-{i}"), ("bus", "pci.0"), ("addr", f"{3 + i:#x}")])]
    return QTestMachine(args, stderr=subprocess.DEVNULL,
                        program=os.path.join(real.launch, "qemu-system-x86_64"))


@test
def real_devices():
    """real QEMU and pci-emulator: 1 and 28 devices, each with its own values"""
    for devices in (1, 28):
        with real_machine(devices) as machine:
            expect(len(real.processes()), 2, "an emulator and its guard")
            found = {d["qdev_id"]: d["slot"] for d in machine.qmp("query-pci")[0]["devices"]}
            for i in range(devices):
                expect(found[f"ua-{i}"], 3 + i, "slot")
                for register, value in ((0, (0x100 + i) << 16 | 0x5853), (8, 0xff800001),
                                        (0x2c, 0xc0005853)):
                    expect(machine.config_read(pci(0, 3 + i), register, 4), value, "register")
            machine.qmp("quit")
            expect(machine.process.wait(), 0, "QEMU's status")
        real.wait_for_none()


@test
def real_kill():
    """when QEMU is killed the emulator ends"""
    with real_machine(3) as machine:
        expect(len(real.processes()), 2, "an emulator and its guard")
        machine.process.kill()
        machine.process.wait()
        real.wait_for_none()


class RealListener:
    """A pci-emulator --listen, at the path that the launcher uses."""

    def __init__(self):
        self.runtime = os.path.join(real.top, "run")
        os.makedirs(self.runtime, mode=0o700, exist_ok=True)
        ready, write = os.pipe()
        self.process = subprocess.Popen([real.emulator, "--listen", f"--ready-fd={write}"], pass_fds=[write],
                                        env={**os.environ, "XDG_RUNTIME_DIR": self.runtime})
        os.close(write)
        expect(len(os.read(ready, 1)), 1, "the emulator is ready")
        os.close(ready)
        self.pid = self.process.pid

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()

    def machine(self, first, count):
        """A QEMU with COUNT devices, numbered from FIRST, of this emulator."""
        saved = os.environ.get("XDG_RUNTIME_DIR")
        os.environ["XDG_RUNTIME_DIR"] = self.runtime
        try:
            return real_machine(count, first, {"pid": self.pid})
        finally:
            if saved is None:
                del os.environ["XDG_RUNTIME_DIR"]
            else:
                os.environ["XDG_RUNTIME_DIR"] = saved


def expect_registers(machine, first, count):
    for i in range(count):
        expect(machine.config_read(pci(0, 3 + i), 0, 4), (0x100 + first + i) << 16 | 0x5853, f"device {i}")


@test
def real_attached():
    """two real QEMUs attach to one pci-emulator, which outlives them, and they outlive it"""
    with RealListener() as listener, listener.machine(0, 3) as one, listener.machine(3, 2) as two:
        expect_registers(one, 0, 3)
        expect_registers(two, 3, 2)
        one.process.kill()
        one.process.wait()
        expect_registers(two, 3, 2)
        with listener.machine(5, 1) as three:
            expect_registers(three, 5, 1)
            expect(listener.process.poll(), None, "the emulator's status")
            listener.process.kill()
            listener.process.wait()
            expect_registers(three, 5, 1)
            expect_registers(two, 3, 2)
    real.wait_for_none(60)


VFIO_QEMU = """#!%s
# Stands in for a QEMU with the device "vfio-user-pci": a client of its emulators.
import json, sys
if sys.argv[1:] == ["--version"]:
    sys.exit(print("QEMU emulator", "version 10.1.0"))
if sys.argv[-1] == "vfio-user-pci,help":
    sys.exit(print("vfio-user-pci options:"))
sys.path.insert(0, %r)
from vfiouserclient import Client
devices = [json.loads(value) for option, value in zip(sys.argv, sys.argv[1:]) if option == "-device"]
clients = [Client.connect(device["socket"]["path"]) for device in devices]
for client in clients:
    client.start()
print(*(client.read(0, 4).hex() for client in clients))
for client in clients:
    client.close()
"""


def prepare_vfio(name, script):
    """Returns a launcher of a QEMU that is replaced by SCRIPT, and drivers for its devices: shared,
    separate, and isolated where that is possible."""
    path = os.path.join(real.top, name)
    with open(path, "w", encoding="ascii") as f:
        f.write(script)
    os.chmod(path, 0o755)
    drivers = [{}, {"emulator": "a"}, {}]
    if subprocess.run(["unshare", "--user", "--mount", "true"], stderr=subprocess.DEVNULL,
                      check=False).returncode == 0:
        drivers.append({"emulator": "b", "stubdomain": "yes"})
    return real.link_qemu(path), drivers


@test
def real_vfio_user():
    """pci-emulator over vfio-user: shared, its own, and isolated"""
    launcher, drivers = prepare_vfio("vfio-qemu", VFIO_QEMU % (sys.executable,
                                                               os.path.dirname(os.path.abspath(__file__))))
    args = []
    for i, driver in enumerate(drivers):
        args += ["-device", device(deviceid=0x100 + i, foreign=[*driver.items(), ("id", f"ua-{i}")])]
    # The emulators use the same standard error.
    with open(os.path.join(real.top, "vfio.err"), "w+", encoding="utf-8") as err:
        run = subprocess.run([launcher, *args], stdout=subprocess.PIPE, stderr=err, encoding="utf-8",
                             env={**os.environ, "HOME": real.home}, timeout=120, check=False)
        err.seek(0)
        expect(run.returncode, 0, err.read())
    expect(run.stdout.split(), [f"5358{i:02x}01" for i in range(len(drivers))], "vendor and device")
    real.wait_for_none(60)
    # The isolated emulator cannot remove its file.
    for name in os.listdir(real.home):
        expect(name.endswith(f".{len(drivers) - 1}"), len(drivers) == 4, f"a file that is left: {name}")
        os.unlink(os.path.join(real.home, name))


NO_VFIO_QEMU = """#!/bin/sh
# The QEMU here, which has no device "vfio-user-pci" but passes for one that does.
if [ "$*" = --version ]; then exec echo "QEMU emulator" version 10.1.0; fi
case "$*" in *vfio-user-pci,help) exec echo vfio-user-pci options: ;; esac
exec '%s' "$@"
"""


@test
def real_unconnected():
    """a QEMU that ends before it connects: its emulators end with it"""
    program = os.path.join(QEMU_DIR, "qemu-system-x86_64")
    if not os.path.exists(program):
        raise Skip(f"no {program}")
    launcher, drivers = prepare_vfio("no-vfio-qemu", NO_VFIO_QEMU % program)
    devs = []
    for i, driver in enumerate(drivers):
        devs += ["-device", device(foreign=[*driver.items(), ("id", f"ua-{i}")])]
    # The messages of a QEMU without the device, and of one with it for a machine without a bus
    refusal = "No 'PCI' bus found for device 'vfio-user-pci'" if VFIO_USER in qemu_transports()[0] else \
        "'vfio-user-pci' is not a valid device model name"
    for args, message in ((["-machine", "none"], refusal),
                          (["-machine", "pc", "-drive", "file=/does/not/exist"], "/does/not/exist"),
                          (["-no-such-option"], "invalid option")):
        with open(os.path.join(real.top, "no-vfio.err"), "w+", encoding="utf-8") as err:
            run = subprocess.run([launcher, *args, "-display", "none", *devs], stderr=err,
                                 stdin=subprocess.DEVNULL, timeout=120, check=False,
                                 env={**os.environ, "HOME": real.home})
            # Well before the time limit of an emulator.
            real.wait_for_none(120)
            err.seek(0)
            said = err.read()
        expect((run.returncode, message in said), (1, True), said)
        expect("emulator:" in said or "stubdomain:" in said, False, f"emulators say nothing: {said}")
        for name in os.listdir(real.home):
            expect(name.endswith(f".{len(drivers) - 1}"), len(drivers) == 4, f"a file that is left: {name}")
            os.unlink(os.path.join(real.home, name))


@test
def real_killed_before():
    """a QEMU that is killed before it connects, or between two connections"""
    path = os.path.join(real.top, "slow-vfio-qemu")
    with open(path, "w", encoding="ascii") as f:
        f.write(VFIO_QEMU.replace("clients = [", "print('here', flush=True)\n"
                                  "if '-S' in sys.argv: sys.stdin.read()\nclients = [", 1)
                % (sys.executable, os.path.dirname(os.path.abspath(__file__))))
    os.chmod(path, 0o755)
    launcher = real.link_qemu(path)
    args = [a for i, driver in enumerate(({}, {"emulator": "a"}, {}))
            for a in ("-device", device(foreign=[*driver.items(), ("id", f"ua-{i}")]))]
    process = subprocess.Popen([launcher, "-S", *args], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                               env={**os.environ, "HOME": real.home})
    expect(process.stdout.readline(), b"here\n", "it runs")
    waiting = real.processes()
    expect(len(waiting), 4, "two guards and their workers")
    # Only its end counts, not a stop, and not the end of a child.
    process.send_signal(signal.SIGSTOP)
    process.send_signal(signal.SIGCONT)
    expect(sorted(real.processes()), sorted(waiting), "they wait")
    process.kill()
    process.communicate()
    real.wait_for_none(120)
    expect(os.listdir(real.home), [], "files that are left")


def hostile(name, text):
    """A malicious emulator: a program in Python, with the modules that it may use."""
    path = os.path.join(real.top, name + "-pci-emulator")
    with open(path, "w", encoding="ascii") as f:
        f.write(f"""#!{sys.executable}
import os, re, signal, socket, struct, sys, time
ready = int(re.search("--ready-fd=([0-9]+)", " ".join(sys.argv)).group(1))
fds = [int(n) for n in re.findall(r"\\bfd=([0-9]+)", " ".join(sys.argv))]
def say(data=b"R"):
    os.write(ready, data)
    os.close(ready)
def until_end():
    while os.read(fds[0], 65536):
        pass
{text}""")
    os.chmod(path, 0o755)
    return path


@test
def real_hostile():
    """hostile emulators: neither the launcher nor the domain's other devices mind"""
    if qemu_transports()[0][:1] != (MPQEMU,):
        raise Skip("these emulators speak QEMU's multi-process link only: see hostileemulatortest.py")
    attacks = {
        "ends": "say()",
        "resets": "say(); os.close(fds[0])",
        "chatters": "say(b'R' * 60000); until_end()",
        "logs": "os.write(2, b'\\x1b[31m' + b'x' * 100000 + b'\\n' * 1000); say(); until_end()",
        "keeps": "os.write(ready, b'R'); until_end()",
        "floods": """say()
os.set_blocking(fds[0], False)
try:
    while True:
        os.write(fds[0], b'\\xff' * 4096)
except BlockingIOError:
    os.close(fds[0])
""",
        "lies": """say()
while True:
    header = os.read(fds[0], 16)
    if len(header) < 16:
        break
    command, size = struct.unpack('=i4xQ', header)
    if size:
        os.read(fds[0], size)
    if command in (2, 3, 4, 5, 7):
        os.write(fds[0], struct.pack('=i4xQQ', 1, 8, 0xdeadbeefdeadbeef))
""",
        "wrong": """say()
os.read(fds[0], 16)
os.write(fds[0], struct.pack('=i4xQ', 3, 1 << 40))
os.close(fds[0])
""",
    }
    for name, text in attacks.items():
        model = hostile(name, text)
        args = ["-machine", "pc"]
        for i, driver in enumerate(({}, {"emulator": "x", "model": model}, {"emulator": "y"})):
            args += ["-device", device(deviceid=0x100 + i, foreign=[
                *driver.items(), ("id", f"ua-{i}"), ("bus", "pci.0"), ("addr", f"{3 + i:#x}")])]
        with QTestMachine(args, stderr=subprocess.DEVNULL,
                          program=os.path.join(real.launch, "qemu-system-x86_64")) as machine:
            for _ in range(2):
                for i in (0, 2):
                    expect(machine.config_read(pci(0, 3 + i), 0, 4), (0x100 + i) << 16 | 0x5853,
                           f"{name}: device {i}")
                machine.config_read(pci(0, 4), 0, 4)
            machine.qmp("quit")
            expect(machine.process.wait(), 0, f"{name}: QEMU's status")
        real.wait_for_none(60)


def main():
    # No core files of stand-ins that end with a signal.
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    # 256 devices require a socket each, on either side.
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if 0 <= soft < 2048:
        resource.setrlimit(resource.RLIMIT_NOFILE, (2048 if hard < 0 else min(2048, hard), hard))
    try:
        return test.run()
    finally:
        stage.remove()
        real.remove()


sys.exit(main())
