#!/usr/bin/env python3
# translationtest.py: the messages in other languages
#
# Each po file must be well-formed, with the same arguments in a message and in its translation.
# virsh must print the messages of a daemon in the language of the daemon.
#
# SPDX-License-Identifier: LGPL-2.1-or-later

import gettext
import os
import re
import shutil
import subprocess

from daemonstack import DaemonStack
from emulatedpcistack import PATH, Tap, domain_xml, emulatedpci_xml, needs, run_tests

DOMAIN = 'libvirt-emulatedpci'
FIELDS = {'devicename': 'citrix-pv-bus', 'vendorid': 0x5853, 'deviceid': 0xc000}


def languages():
    with open(os.path.join(os.environ['abs_top_srcdir'], 'po/LINGUAS'), encoding='utf-8') as file:
        return re.sub('#.*', '', file.read()).split()


def test_files(tap, directory):
    """Compiles the messages of all languages into DIRECTORY, with the layout of an installation."""
    for language in languages():
        path = os.path.join(directory, language, 'LC_MESSAGES')
        os.makedirs(path, 0o755)
        done = subprocess.run(['msgfmt', '--check', '--statistics', '-o', os.path.join(path, DOMAIN + '.mo'),
                               os.path.join(os.environ['abs_top_srcdir'], 'po', language + '.po')],
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env=dict(os.environ, PATH=PATH, LC_ALL='C'),
                              timeout=60, check=False)
        text = done.stdout.decode('utf-8', 'replace').strip()
        tap.ok(done.returncode == 0, '%s.po is well-formed' % language, text)
        tap.ok('fuzzy' not in text and 'untranslated' not in text, '%s.po is complete' % language, text)
        Tap.diag('%s: %s' % (language, text))


def relocate(program, localedir):
    """The daemon finds translations in its installation directory. This copy uses the directory
    "lo" below its current directory."""
    with open(program, 'rb') as file:
        data = file.read()
    before = os.environ['LOCALEDIR'].encode() + b'\0'
    if data.count(before) != 1:
        raise ValueError('%r is %d times in %s' % (before, data.count(before), program))
    with open(program, 'wb') as file:
        file.write(data.replace(before, localedir.ljust(len(before), b'\0')))


def make_locale(stack):
    """Creates the locale en_US.UTF-8, independent of this machine's locales, and returns the
    environment in which programs find it. It is a copy of C.UTF-8. C.UTF-8 itself cannot be used,
    because newer versions of glibc treat it like C and do not translate messages."""
    source = '/usr/lib/locale/C.utf8'
    if not os.path.isdir(source):
        Tap.skip_all('there is no %s on this machine' % source)
    shutil.copytree(source, stack.path('locale/en_US.utf8'))
    return {'LOCPATH': stack.path('locale'), 'LC_ALL': 'en_US.UTF-8'}


def test_daemon(tap, stack, language, environment):
    with open(stack.path('lo/%s/LC_MESSAGES/%s.mo' % (language, DOMAIN)), 'rb') as file:
        catalog = gettext.GNUTranslations(file)
    name = "invalid value '%1$s' for attribute '%2$s': %3$d to %4$d characters of A-Z a-z 0-9 . _ - are expected"
    prefix, message = catalog.gettext('XML error'), catalog.gettext(name)
    tap.ok(prefix != 'XML error' and message != name, '%s: the messages are translated' % language, prefix, message)

    usual = dict(stack.env)
    stack.env.update(environment, LANGUAGE=language)
    stack.start_daemon()
    stack.env.clear()
    stack.env.update(usual)
    bad = stack.write('tmp/bad.xml', domain_xml('bad', 'pc', emulatedpci_xml(dict(FIELDS, devicename='a b'))))
    done = stack.run(['virsh', '-q', '-c', stack.uri, 'define', bad], check=False)
    arguments = {'%1$s': 'a b', '%2$s': 'devicename', '%3$d': '1', '%4$d': '31'}
    wanted = '%s: %s' % (prefix, re.sub('%.[$].', lambda found: arguments[found.group()], message))
    tap.ok(done.returncode == 1 and wanted in done.stderr, '%s: and so is what virsh shows' % language,
           'wanted: ' + wanted, 'got: ' + done.stderr)
    tap.ok('invalid value' not in done.stderr, '%s: and only that' % language, done.stderr)
    stack.stop_daemon()


def main(tap):
    needs('libvirtd', 'virsh', 'msgfmt')
    with DaemonStack() as stack:
        test_files(tap, stack.path('lo'))
        environment = make_locale(stack)
        for top in ('lo', 'locale'):
            for directory, _, _ in os.walk(stack.path(top)):
                os.chmod(directory, 0o755)
        relocate(stack.program, b'lo')
        shutil.copymode(os.path.join(stack.build, 'src/daemon/virtemulatedpcid'), stack.program)
        stack.start_libvirtd()
        for language in languages():
            test_daemon(tap, stack, language, environment)
        tap.equal(stack.close(), [], 'nothing is left')


run_tests(main)
