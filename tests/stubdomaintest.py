#!/usr/bin/env python3
# stubdomaintest.py: emulatedpci-stubdomain, an emulator in separate namespaces
#
# Checks the isolation of the processes in /proc, for a script and for the real pci-emulator, which
# the launcher starts. If user namespaces are forbidden, the message is checked and the rest is
# skipped.
#
# SPDX-License-Identifier: LGPL-2.1-or-later

import os
import re
import signal
import subprocess
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from launcherutil import Skip, Stage, Tap, device, expect
from qtestclient import QTestMachine, pci

QEMU = os.path.join(os.environ.get("QEMU_DIR", "/usr/bin"), "qemu-system-x86_64")
NAMESPACES = ("user", "mnt", "pid", "net", "ipc", "uts")
TIMEOUT = 120

test = Tap()
stage = Stage()
LAUNCHER = stage.link("qemu-system-x86_64")


def possible():
    """Whether this user can create namespaces here, tested with another program."""
    return subprocess.run(["unshare", "--user", "--mount", "--pid", "--fork", "--net", "--ipc", "--uts",
                           "--map-root-user", "mount", "-t", "tmpfs", "none", "/proc"],
                          stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False).returncode == 0


POSSIBLE = possible()


def needs_namespaces():
    if not POSSIBLE:
        raise Skip("no user namespaces here")


def wait_for(condition, what):
    end = time.monotonic() + TIMEOUT
    while not condition():
        if time.monotonic() > end:
            raise AssertionError(f"{what}: not within {TIMEOUT} s")
        time.sleep(0.01)


def script(name, text):
    path = os.path.join(stage.top, name)
    with open(path, "w", encoding="utf-8") as f:
        f.write("#!/bin/sh\n" + text)
    os.chmod(path, 0o755)
    return path


def ready_pipe():
    """Returns a pipe whose second descriptor has only one digit, as a shell script requires."""
    ready, write = os.pipe()
    if write != 9:
        os.dup2(write, 9)
        os.close(write)
    return ready, 9


class Program:
    """A program in emulatedpci-stubdomain."""

    def __init__(self, *args):
        ready, write = os.pipe()
        self.process = subprocess.Popen([stage.stubdomain, f"--ready-fd={write}", *args], pass_fds=[write],
                                        stderr=subprocess.PIPE)
        os.close(write)
        self.ready = os.read(ready, 2)
        os.close(ready)

    def end(self, status):
        _, err = self.process.communicate(timeout=TIMEOUT)
        expect(self.process.returncode, status, f"exit status, {err}")
        return err.decode()


def status_of(pid):
    with open(f"/proc/{pid}/status", encoding="utf-8", errors="replace") as f:
        return {key: value.strip() for key, _, value in (line.partition(":") for line in f)}


def check_isolated(pid):
    """PID is in separate namespaces, and has no access to files or privileges there."""
    for name in NAMESPACES:
        expect(os.readlink(f"/proc/{pid}/ns/{name}") != os.readlink(f"/proc/self/ns/{name}"), True,
               f"its own {name} namespace")
    expect(os.listdir(f"/proc/{pid}/root"), [], "its root directory")
    expect(os.listdir(f"/proc/{pid}/cwd"), [], "its working directory")
    with open(f"/proc/{pid}/mountinfo", encoding="utf-8") as f:
        mounts = f.read().splitlines()
    expect(len(mounts), 1, f"its mounts: {mounts}")
    expect(mounts[0].split()[4], "/", "its one mount")
    expect({"ro", "nosuid", "nodev", "noexec"} <= set(mounts[0].split()[5].split(",")), True, mounts[0])
    status = status_of(pid)
    for name in ("CapInh", "CapPrm", "CapEff", "CapAmb"):
        expect(int(status[name], 16), 0, name)
    expect(status["NoNewPrivs"], "1", "no_new_privs")
    expect(status["Uid"].split(), [str(os.geteuid())] * 4, "its user, seen from here")
    with open(f"/proc/{pid}/net/dev", encoding="ascii") as f:
        expect([line.split(":")[0].strip() for line in f.readlines()[2:]], ["lo"], "its network devices")
    try:
        os.mkdir(f"/proc/{pid}/root/x")
    except OSError:
        pass
    else:
        raise AssertionError("a directory in its root")


@test
def command_lines():
    """wrong command lines"""
    for args in ([], ["--ready-fd=2", "/bin/true"], ["--ready-fd=3", "/bin/true"], ["--ready-fd=x", "/bin/true"],
                 ["--ready-fd=0", "/bin/true"], ["--ready-fd=999999999", "/bin/true"], ["/bin/true", "x"]):
        run = subprocess.run([stage.stubdomain, *args], stderr=subprocess.PIPE, close_fds=True, check=False)
        expect(run.returncode, 1, f"{args}")
        expect(re.fullmatch(rb"emulatedpci-stubdomain: invalid command line: .*\n", run.stderr) is not None,
               True, f"{args}: {run.stderr}")


@test
def ready_and_end():
    """readiness is passed on when all is closed off; the end is the program's"""
    needs_namespaces()
    ready, write = ready_pipe()
    # The program opens the file before it is isolated, and is not written for the isolation
    text = f'exec 7</etc/passwd; printf R >&{write}; exec {write}>&-; read -r line; read -r line <&7; ' \
        'echo "$line" >&2; test -e /etc/passwd && echo seen >&2; exit 7\n'
    process = subprocess.Popen([stage.stubdomain, f"--ready-fd={write}", script("program", text)],
                               stdin=subprocess.PIPE, stderr=subprocess.PIPE, pass_fds=[write])
    os.close(write)
    expect(os.read(ready, 2), b"R", "readiness")
    expect(os.read(ready, 1), b"", "then its end")
    os.close(ready)
    pid = process.pid
    with open(f"/proc/{pid}/task/{pid}/children", encoding="ascii") as f:
        (child,) = f.read().split()
    check_isolated(child)
    expect(status_of(child)["NSpid"].split()[-1], "1", "its process id, as it sees it")
    # The waiting process is in the same namespaces, except for that of the process ids.
    status = status_of(pid)
    expect((int(status["CapEff"], 16), status["NoNewPrivs"]), (0, "1"), "who waits: privileges")
    expect(sorted(os.listdir(f"/proc/{pid}/fd")), ["0", "1", "2"], "who waits: descriptors")
    _, err = process.communicate(b"go\n", timeout=TIMEOUT)
    with open("/etc/passwd", "rb") as f:
        expect(err, f.readline(), "what it had open can be read, and nothing else")
    expect(process.returncode, 7, "exit status")


@test
def failures():
    """a program that is not there, ends before it is ready, or is killed"""
    needs_namespaces()
    program = Program("/does/not/exist")
    expect(program.ready, b"", "ready")
    expect(program.end(1), "emulatedpci-stubdomain: cannot run '/does/not/exist': No such file or directory\n",
           "the reason")
    program = Program(script("dies", "echo says why >&2; exit 3"))
    expect(program.ready, b"", "ready")
    expect(program.end(3), "says why\n", "the reason")
    program = Program(script("killed", "kill -KILL $$; exec /bin/sh -c 'exit 4'"))
    # Process 1 of a PID namespace cannot kill itself.
    expect(program.end(4), "", "stderr")


@test
def killed():
    """who waits is killed: so is the program, and all that it started"""
    needs_namespaces()
    ready, write = ready_pipe()
    # The program is ready only after its child is, because a shell first gives the child /dev/null.
    text = f'exec 7<&0; (printf R >&{write}; exec {write}>&-; read -r line <&7) & exec {write}>&-; wait\n'
    process = subprocess.Popen([stage.stubdomain, f"--ready-fd={write}", script("forks", text)],
                               stdin=subprocess.PIPE, pass_fds=[write])
    os.close(write)
    expect(os.read(ready, 2), b"R", "readiness")
    os.close(ready)
    pid = process.pid
    with open(f"/proc/{pid}/task/{pid}/children", encoding="ascii") as f:
        (child,) = f.read().split()
    namespace = os.readlink(f"/proc/{child}/ns/pid")

    def members():
        found = []
        for name in filter(str.isdigit, os.listdir("/proc")):
            try:
                if os.readlink(f"/proc/{name}/ns/pid") == namespace:
                    found.append(name)
            except OSError:
                pass
        return found
    wait_for(lambda: len(members()) == 2, "the program and its child")
    process.kill()
    process.wait(TIMEOUT)
    wait_for(lambda: not members(), "all are gone")
    process.stdin.close()


@test
def forbidden():
    """where namespaces are forbidden, one line says so"""
    if not POSSIBLE:
        program = Program("/bin/true")
    else:
        # The limit of namespaces in this one is set to 0
        nest = f'echo 0 > /proc/sys/user/max_user_namespaces && exec "{stage.stubdomain}" "$@"'
        ready, write = os.pipe()
        process = subprocess.Popen(["unshare", "--user", "--map-root-user", "sh", "-c", nest, "sh",
                                    f"--ready-fd={write}", "/bin/true"], pass_fds=[write], stderr=subprocess.PIPE)
        os.close(write)
        os.close(ready)
        _, err = process.communicate(timeout=TIMEOUT)
        expect(process.returncode, 1, f"exit status, {err}")
        expect(re.fullmatch(rb"emulatedpci-stubdomain: cannot create a user namespace: .*\n", err) is not None,
               True, err)
        return
    expect(program.ready, b"", "ready")
    expect(re.fullmatch("emulatedpci-stubdomain: cannot .*: .*\n", program.end(1)) is not None, True, "one line")


def machine(*drivers):
    args = ["-machine", "pc"]
    for i, driver in enumerate(drivers):
        args += ["-device", device(deviceid=0x100 + i, devicename=f"d{i}", foreign=[
            *driver.items(), ("id", f"ua-{i}"), ("bus", "pci.0"), ("addr", f"{3 + i:#x}")])]
    return QTestMachine(args, stderr=subprocess.DEVNULL, program=LAUNCHER)


@test
def real():
    """pci-emulator in a real machine, beside one that is not isolated"""
    needs_namespaces()
    if not os.path.exists(QEMU):
        raise Skip(f"no {QEMU}")
    with machine({}, {"emulator": "a", "stubdomain": "yes"}, {"emulator": "a"}) as qemu:
        for i in range(3):
            expect(qemu.config_read(pci(0, 3 + i), 0, 4), (0x100 + i) << 16 | 0x5853, "register")
        inside = [pid for pid in stage.processes() if len(status_of(pid)["NSpid"].split()) > 1]
        outside = [pid for pid in stage.processes() if pid not in inside]
        expect(len(outside) > 0 and len(inside) > 0, True, f"{outside} and {inside}")
        for pid in inside:
            check_isolated(pid)
        qemu.qmp("quit")
        expect(qemu.process.wait(), 0, "QEMU's status")
    stage.wait_for_none(TIMEOUT)


def main():
    try:
        return test.run()
    finally:
        stage.remove()


sys.exit(main())
