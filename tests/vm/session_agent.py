#!/usr/bin/env python3
# session_agent.py: polkit's agent of a login session, as a graphical desktop has one
#
# Usage: session_agent.py PASSWORD COMMAND...
#
# Runs COMMAND in the session in which it was started itself, answers polkit's prompts with PASSWORD,
# prints a line "prompt: ACTION" for each, and exits with COMMAND's status.
#
# SPDX-License-Identifier: LGPL-2.1-or-later

import os
import pwd
import subprocess
import sys
import threading

from gi.repository import Gio, GLib

HELPER = '/usr/lib/polkit-1/polkit-agent-helper-1'
PATH = '/org/libvirt/emulatedpci/agent'
INTERFACE = '''<node><interface name='org.freedesktop.PolicyKit1.AuthenticationAgent'>
  <method name='BeginAuthentication'>
    <arg type='s' direction='in'/><arg type='s' direction='in'/><arg type='s' direction='in'/>
    <arg type='a{ss}' direction='in'/><arg type='s' direction='in'/><arg type='a(sa{sv})' direction='in'/>
  </method>
  <method name='CancelAuthentication'><arg type='s' direction='in'/></method>
</interface></node>'''

status = 1


def authenticate(action, cookie, identities, invocation):
    print('prompt: %s' % action, flush=True)
    name = pwd.getpwuid([details['uid'] for kind, details in identities if kind == 'unix-user'][0]).pw_name
    done = subprocess.run([HELPER, name], input='%s\n%s\n' % (cookie, sys.argv[1]), text=True, check=False,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    print(done.stdout, flush=True)
    invocation.return_value(None)


def call(_connection, _sender, _path, _interface, method, parameters, invocation):
    if method == 'BeginAuthentication':
        action, _message, _icon, _details, cookie, identities = parameters.unpack()
        threading.Thread(target=authenticate, args=(action, cookie, identities, invocation), daemon=True).start()
    else:
        invocation.return_value(None)


def command(loop):
    global status  # pylint: disable=global-statement
    status = subprocess.run(sys.argv[2:], stdin=subprocess.DEVNULL, check=False).returncode
    loop.quit()


def main():
    loop = GLib.MainLoop()
    bus = Gio.bus_get_sync(Gio.BusType.SYSTEM)
    bus.register_object(PATH, Gio.DBusNodeInfo.new_for_xml(INTERFACE).interfaces[0], call, None, None)
    subject = ('unix-session', {'session-id': GLib.Variant('s', os.environ['XDG_SESSION_ID'])})
    bus.call_sync('org.freedesktop.PolicyKit1', '/org/freedesktop/PolicyKit1/Authority',
                  'org.freedesktop.PolicyKit1.Authority', 'RegisterAuthenticationAgent',
                  GLib.Variant('((sa{sv})ss)', (subject, 'C', PATH)), None, Gio.DBusCallFlags.NONE, -1, None)
    threading.Thread(target=command, args=(loop,), daemon=True).start()
    loop.run()
    sys.exit(status)


main()
