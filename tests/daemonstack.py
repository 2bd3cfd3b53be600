# daemonstack.py: emulatedpcistack.py's stack with virtemulatedpcid
#
# SPDX-License-Identifier: LGPL-2.1-or-later

import glob
import os
import signal
import socket

from emulatedpcistack import Stack, domain_xml

SOURCE = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


class DaemonStack(Stack):
    """After start_daemon(), virsh() uses the daemon; direct() does not."""

    def set_up(self, seconds):
        super().set_up(seconds)
        self.upstream = self.path('run/libvirt/libvirt-sock')
        self.socket = self.path('run/libvirt/virtemulatedpcid-sock')
        self.direct_uri = self.uri
        self.uri = 'qemu:///session?socket=' + self.socket
        self.front = None
        self.stage()
        self.program = self.copy(os.path.join(self.build, 'src/daemon/virtemulatedpcid'),
                                 'sbin/virtemulatedpcid')
        for grammar in glob.glob(os.path.join(self.build, 'docs/schemas/*.rng')):
            self.copy(grammar, 'share/schemas/' + os.path.basename(grammar), 0o644)
        for definition in glob.glob(os.path.join(SOURCE, 'src/definitions/built-in/*.xml')):
            self.copy(definition, 'share/definitions/' + os.path.basename(definition), 0o644)

    def stage(self):
        """The same as Stack's, without the command line tool, which is not required with the
        daemon."""
        self.copy(os.path.join(self.build, 'src/launcher/emulatedpci-launcher'),
                  'libexec/emulatedpci-launcher')
        self.copy(os.path.join(self.build, 'src/emulator/pci-emulator'), 'libexec/pci-emulator')
        self.copy(os.path.join(self.build, 'src/logfilter/emulatedpci-logfilter'), 'libexec/emulatedpci-logfilter')
        self.copy(os.path.join(self.build, 'src/monitor/emulatedpci-monitor'), 'libexec/emulatedpci-monitor')
        self.copy(os.path.join(self.build, 'src/stubdomain/emulatedpci-stubdomain'),
                  'libexec/emulatedpci-stubdomain')
        self.copy(os.path.join(self.build, 'src/vmstate/emulatedpci-vmstate'),
                  'libexec/emulatedpci-vmstate')
        self.launch_dir = self.path('libexec/launch')
        os.mkdir(self.launch_dir)
        for arch in ('x86_64', 'i386', 'aarch64'):
            os.symlink('../emulatedpci-launcher', os.path.join(self.launch_dir, 'qemu-system-' + arch))

    def start_libvirtd(self):
        ours, self.uri = self.uri, self.direct_uri
        try:
            super().start_libvirtd()
        finally:
            self.uri = ours

    def start_daemon(self, *args, builtin=False, check=False):
        """With the shipped definitions only if BUILTIN: without them, the daemon lists nothing that
        is missing on a direct connection. Domains that this host's QEMU cannot start are rejected
        only if CHECK: most tests start no domain."""
        self.front = self.start([self.program, '--launch-dir', self.launch_dir,
                                 '--schema-dir', self.path('share/schemas'), '--builtin-definitions',
                                 self.path('share/definitions' if builtin else 'share/none')] +
                                ([] if check else ['--no-qemu-check']) + list(args),
                                'log/daemon.log')
        self.wait_for(lambda: self.listens(self.socket) or self.status(self.front) is not None, 'virtemulatedpcid listens')

    @staticmethod
    def listens(path, kind=socket.SOCK_STREAM):
        """Whether a client can connect. The existence of the file is not enough: it may be old, or
        nobody may listen yet."""
        with socket.socket(socket.AF_UNIX, kind) as probe:
            try:
                probe.connect(path)
            except (ConnectionRefusedError, FileNotFoundError, PermissionError):
                return False            # missing, not listening yet, or not ours yet
            return True

    def start_events(self, log):
        """Starts `virsh event --all --loop`, which writes to LOG. Returns its pid when it receives
        events. virsh prints nothing before the first event, and registers for one kind of event
        after the other: for a domain's title after its lifecycle and its devices. Therefore the
        title of another domain is changed until virsh prints that event."""
        pid = self.start(['virsh', '-c', self.uri, 'event', '--all', '--loop'], log)
        self.direct('define', self.write('tmp/listening.xml', domain_xml('listening', 'pc')))
        titles = iter(range(10000))

        def hears():
            self.direct('desc', 'listening', '--config', '--title', 'title %d' % next(titles))
            return "'metadata-change' for domain 'listening'" in self.read(log) or \
                self.status(pid) is not None
        self.wait_for(hears, 'virsh event hears')
        self.direct('undefine', 'listening')
        return pid

    def stop_daemon(self, number=signal.SIGTERM):
        os.kill(self.front, number)
        self.wait_for(lambda: self.status(self.front) is not None, 'virtemulatedpcid ends')
        status, self.front = self.status(self.front), None
        return status

    def direct(self, *args, **options):
        return self.run(['virsh', '-q', '-c', self.direct_uri] + list(args), **options).stdout

    def has_driver(self, kind):
        """Whether libvirtd has the driver of node devices or of storage pools. Some distributions
        have them in separate packages."""
        command = {'nodedev': 'nodedev-list', 'storage': 'pool-list'}[kind]
        done = self.run(['virsh', '-q', '-c', self.direct_uri, command], check=False)
        return 'not supported by the connection driver' not in done.stderr

    def close(self):
        """Stops everything with libvirtd itself, without the daemon."""
        self.uri = self.direct_uri if self.uri else None
        if self.front and self.connection and self.supervisor.poll() is None:
            try:
                self.stop_daemon()
            except OSError:
                pass
        return super().close()
