#!/usr/bin/env python3
# docstest.py: manual pages, links and paths in the documentation, and the picture in README
#
# SPDX-License-Identifier: LGPL-2.1-or-later

import glob
import os
import re
import shutil
import subprocess
import xml.etree.ElementTree as ET

from emulatedpcistack import FIELDS, PATH, run_tests

SOURCE = os.environ['abs_top_srcdir']
BUILD = os.environ['abs_top_builddir']
SVG = '{http://www.w3.org/2000/svg}'

# The documents that name files of the source tree in backquotes
DEVELOPER_DOCS = ('CONTRIBUTING.md', 'docs/architecture.md')


def read(name):
    with open(os.path.join(SOURCE, name), encoding='utf-8') as file:
        return file.read()


def documents():
    return sorted(os.path.relpath(path, SOURCE)
                  for path in glob.glob(SOURCE + '/*.md') + glob.glob(SOURCE + '/docs/*.md'))


def pages():
    """Returns the manual pages: from the build, or from a release."""
    names = [name for name in os.listdir(SOURCE + '/docs') if name.endswith('.rst') and
             ':Manual section:' in read('docs/' + name)]
    found = []
    for name in sorted(names):
        for directory in (BUILD, SOURCE):
            found += glob.glob('%s/docs/%s.[18]' % (directory, name[:-len('.rst')]))[:1]
    return names, sorted(set(found))


def quiet(tap, name, command):
    """COMMAND succeeds and prints nothing to standard error. If it is a linter, it prints nothing
    at all."""
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=120, check=False,
                          env=dict(os.environ, PATH=PATH, LC_ALL='C.UTF-8', MANWIDTH='80'))
    text = done.stderr + (done.stdout if command[0] == 'mandoc' else b'')
    tap.ok(done.returncode == 0 and not text, name, text.decode('utf-8', 'replace'))


def test_pages(tap):
    names, found = pages()
    if not found:
        tap.skip('manual pages', 'none are built: there is no rst2man')
        return
    tap.equal(len({os.path.basename(path) for path in found}), len(names), 'every manual page is built')
    for path in found:
        name = os.path.basename(path)
        if shutil.which('man', path=PATH):
            quiet(tap, '%s: man --warnings' % name,
                  ['man', '--warnings', '-E', 'UTF-8', '-l', '-Tutf8', '-Z', path])
        else:
            tap.skip('%s: man --warnings' % name, 'there is no man')
        if shutil.which('mandoc', path=PATH):
            quiet(tap, '%s: mandoc -Tlint' % name, ['mandoc', '-Tlint', '-W', 'warning', path])
        else:
            tap.skip('%s: mandoc -Tlint' % name, 'there is no mandoc')


def test_links(tap):
    for name in documents():
        targets = re.findall(r'\]\(([^)#]+)[^)]*\)', read(name))
        missing = [target for target in targets if '://' not in target and
                   not os.path.exists(os.path.join(SOURCE, os.path.dirname(name), target))]
        tap.equal(missing, [], '%s: all %d links lead to a file' % (name, len(targets)))


def test_paths(tap):
    """Files that the developers' documents name exist, by their path or as a base name anywhere."""
    everywhere = {name for _, _, names in os.walk(SOURCE) for name in names}
    for name in DEVELOPER_DOCS:
        words = set(re.findall(r'`([\w./-]+)`', read(name)))
        paths = {word for word in words if re.match(r'(src|tests|tools|docs|po|bench|build-aux|\.)/', word)}
        bases = {word for word in words if re.fullmatch(r'[\w-]+\.([ch]|py|rst|md|in)', word)}
        # libvirt's protocol, and files that exist only in a build
        paths -= {'src/remote/remote_protocol.x'}
        missing = sorted([path for path in paths if not os.path.exists(os.path.join(SOURCE, path))] +
                         [base for base in bases if base not in everywhere])
        tap.ok(len(paths) >= 10, '%s names files' % name, sorted(words))
        tap.equal(missing, [], '%s: they exist' % name)


def test_picture(tap):
    """README's picture is an SVG of the device in README's first XML."""
    readme = read('README.md')
    picture, = re.findall(r'!\[[^\]]+\]\(([^)]+\.svg)\)', readme)
    lines = [''.join(text.itertext()) for text in ET.fromstring(read(picture)).iter(SVG + 'text')]
    document = re.findall(r'^```xml\n(.*?)^```$', readme, re.DOTALL | re.MULTILINE)[0]
    begin = lines.index(document.splitlines()[0])
    tap.equal(lines[begin:begin + len(document.splitlines())], document.splitlines(),
              'the picture shows the XML of README')

    device = ET.fromstring(document)
    values = dict(device.find('config').attrib, devicename=device.get('devicename'))
    rows = {line.split()[0]: line.split()[1] for line in lines if line.split()[:1] and line.split()[0] in FIELDS}
    tap.equal(rows, values, 'the picture has a row for each field, with the value in README')
    tap.ok(any(re.match('OK: the guest found %s:%s' % (values['vendorid'][2:], values['deviceid'][2:]), line)
               for line in lines), 'the picture ends with the result', lines[-1])
    example = ET.fromstring(read('examples/quickstart.xml')).find('devices/emulatedpci')
    tap.equal(dict(example.find('config').attrib, devicename=example.get('devicename')), values,
              'examples/quickstart.xml is this device')


def main(tap):
    test_pages(tap)
    test_links(tap)
    test_paths(tap)
    test_picture(tap)


run_tests(main)
