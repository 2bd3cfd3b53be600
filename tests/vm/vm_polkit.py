"""vm_polkit.py: polkit decides about a client by its login session

SPDX-License-Identifier: LGPL-2.1-or-later
"""

import os

from vmlib import LIBVIRTD, OURS, journal, run, virsh, wait, write

RULE = '/etc/polkit-1/rules.d/50-check-vm.rules'
AGENT = os.path.join(os.path.dirname(os.path.abspath(__file__)), 'session_agent.py')
PASSWORD = 'check-vm'


def in_session(user, *args):
    """Runs a command in a separate login session, not as a child of the user's manager."""
    return run('systemd-run', '--quiet', '--pipe', '--wait', '--collect', '-p', 'User=' + user, '-p', 'PAMName=login',
               '-p', 'Environment=XDG_SESSION_TYPE=tty XDG_SESSION_CLASS=user', '--', *args)


def in_manager(user, *args):
    """Runs a command in a session as a desktop starts a program: as a child of the user's
    manager."""
    return in_session(user, 'systemd-run', '--user', '--quiet', '--pipe', '--wait', '--collect', '--', *args)


def listing(uri, *before):
    return (*before, 'virsh', '--quiet', '-c', uri, 'list', '--name')


def rule(condition):
    write(RULE, 'polkit.addRule(function(action, subject) {\n'
                '    if (action.id == "org.libvirt.unix.manage" && subject.user == "outside" && %s)\n'
                '        return polkit.Result.YES;\n});\n' % condition)


def sessions(tap, lines):
    for how in in_session, in_manager:
        name = how.__name__
        result = how('outside', *listing(LIBVIRTD))
        tap.ok(not result and 'authentication' in result.text, '%s: libvirtd refuses a client without a rule' % name, result)
        rule('subject.active')
        tap.ok(wait(lambda: how('outside', *listing(LIBVIRTD)), 60), '%s: a rule on subject.active works for libvirtd' % name)
        result = how('outside', *listing(OURS))
        tap.ok('first' in result.text, '%s: and for our daemon' % name, result, journal('-u', 'virtemulatedpcid', '-n', '20'))
        result = how('outside', 'virsh', '-c', OURS, 'dumpxml', 'first')
        tap.ok('<emulatedpci' in result.text, '%s: which shows the element' % name, result)
        result = virsh('list', user='outside')
        tap.ok(not result, '%s: without a session, the rule refuses' % name, result)
        os.unlink(RULE)
        tap.ok(wait(lambda: not how('outside', *listing(LIBVIRTD)), 60), '%s: the rule is gone' % name)
    lines.none(tap, 'sessions')


def prompt(tap, lines):
    """The agent of a session asks for an administrator's password."""
    run('useradd', '--create-home', '--groups', 'sudo', 'administrator')
    result = run('chpasswd', stdin='administrator:%s\n' % PASSWORD)
    tap.ok(result, 'prompt: an administrator has a password', result)
    for uri in LIBVIRTD, OURS:
        result = in_session('outside', *listing(uri, AGENT, PASSWORD))
        tap.ok('prompt: org.libvirt.unix.manage' in result.text and 'first' in result.text,
               'prompt: with %s, a password is asked for and accepted' % uri, result)
        result = in_session('outside', *listing(uri, AGENT, 'wrong'))
        tap.ok('prompt: org.libvirt.unix.manage' in result.text and not result,
               'prompt: with %s, a wrong password is refused' % uri, result)
    lines.none(tap, 'prompt')
