# fleetstack.py: daemonstack.py's stack with virt-emulatedpci
#
# SPDX-License-Identifier: LGPL-2.1-or-later

import os
import re

from daemonstack import DaemonStack
from emulatedpcistack import StackError, domain_xml, emulated_devices

STRING = 'citrix-pv-bus:5853:c000:0:0:1:ff8000:0:5853:c000:0:1'


def names(stdout, what):
    return [line.rpartition(': ')[0] for line in stdout.splitlines() if line.endswith(': ' + what)]


class FleetStack(DaemonStack):
    """A stack with virt-emulatedpci and a file with a device."""

    def set_up(self, seconds):
        super().set_up(seconds)
        self.tool = self.copy(os.path.join(self.build, 'tools/virt-emulatedpci'), 'bin/virt-emulatedpci')
        self.env['LIBVIRT_DEFAULT_URI'] = self.uri
        self.device = self.write('tmp/device.xml', self.run([self.tool, 'import', STRING]).stdout)

    def begin(self, config=''):
        """CONFIG is the content of the daemon's configuration file."""
        self.start_libvirtd()
        self.start_daemon('--config', self.write('tmp/daemon.conf', config), builtin=True)

    def fleet(self, *args, **options):
        """Returns (exit status, stdout, stderr) of the tool."""
        done = self.run([self.tool, *args], check=False, timeout=120, **options)
        return done.returncode, done.stdout, done.stderr

    def define(self, name, machine='pc', extra=''):
        self.define_all([(name, machine, extra)])

    def define_all(self, domains):
        """DOMAINS: [(name, machine, additional elements)]. One virsh runs all commands, because its start
        takes longer than a command."""
        commands = []
        for number, (name, machine, extra) in enumerate(domains):
            xml = domain_xml(name, machine).replace('</name>', '</name>' + extra, 1)
            commands.append('define ' + self.write('tmp/define-%d.xml' % number, xml))
        self.virsh('; '.join(commands))

    def having(self):
        """Returns the names of the domains that have devices, and the number of devices."""
        everybody = self.virsh('list', '--all', '--name').split()
        if not everybody:
            return {}
        output = self.virsh('; '.join('dumpxml --inactive ' + name for name in everybody))
        documents = re.findall('<domain .*?</domain>', output, re.DOTALL)
        if len(documents) != len(everybody):
            raise StackError('%d domains, but virsh showed %d' % (len(everybody), len(documents)))
        found = {name: len(emulated_devices(xml)) for name, xml in zip(everybody, documents)}
        return {name: count for name, count in found.items() if count}
