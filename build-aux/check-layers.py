#!/usr/bin/env python3
# check-layers.py: checks the #include lines of C files against the table of layers
#
# Usage: check-layers.py TABLE < NAMES
# NAMES: the C files and headers to check, one in each line, relative to the current
# directory. The table is described in build-aux/layers.txt. Exit status 0: every
# #include line is allowed.
#
# SPDX-License-Identifier: LGPL-2.1-or-later

import os
import re
import sys

INCLUDE = re.compile(r'\s*#\s*include\s*(?:<([^>]+)>|"([^"]+)")')

# The directories of headers of the C library and the kernel.
SYSTEM = ('arpa/', 'asm/', 'linux/', 'net/', 'netinet/', 'sys/')


class Layers:
    def __init__(self, path):
        self.rows = {}
        self.libraries = set()
        self.complaints = []
        with open(path, encoding='utf-8') as file:
            for number, line in enumerate(file, 1):
                line = line.split('#')[0].strip()
                if line:
                    self.add_row('%s:%d' % (path, number), line)

    def add_row(self, where, line):
        directory, colon, words = line.partition(':')
        if not colon or directory in self.rows:
            self.complaints.append('%s: expected a new DIRECTORY: WORD..., found: %s' % (where, line))
            return
        for word in words.split():
            if word.startswith('<'):
                self.libraries.add(word[1:])
            elif not any(word == row or word.startswith(row + '/') for row in self.rows):
                self.complaints.append('%s: %s is not in a directory above %s' % (where, word, directory))
        self.rows[directory] = words.split()

    def allows_library(self, directory, header):
        if any(header.startswith(word[1:]) for word in self.rows[directory] if word.startswith('<')):
            return True
        if '/' in header:
            return header.startswith(SYSTEM)
        return not any(header.startswith(library) for library in self.libraries)

    def allows_own(self, directory, header):
        return os.path.dirname(header) == directory or any(
            header == word or header.startswith(word + '/') for word in self.rows[directory])


def check(layers, names):
    own = {}
    for name in names:
        if name.endswith('.h'):
            if os.path.basename(name) in own:
                layers.complaints.append('%s: %s has the same name'
                                         % (name, own[os.path.basename(name)]))
            own[os.path.basename(name)] = name

    for name in names:
        directory = os.path.dirname(name)
        if directory not in layers.rows:
            layers.complaints.append('%s: the table of layers requires a line for %s' % (name, directory))
            continue
        with open(name, encoding='utf-8') as file:
            for number, line in enumerate(file, 1):
                match = INCLUDE.match(line)
                if not match:
                    continue
                library, header = match.groups()
                header = own.get(os.path.basename(library or header))
                if not (layers.allows_own(directory, header) if header else
                        not library or layers.allows_library(directory, library)):
                    layers.complaints.append('%s:%d: %s may not include %s' % (
                        name, number, directory, header or '<%s>' % library))


def main():
    layers = Layers(sys.argv[1])
    names = sys.stdin.read().split()
    if not names:
        layers.complaints.append('no file to check')
    check(layers, names)
    for complaint in layers.complaints:
        print(complaint, file=sys.stderr)
    return 1 if layers.complaints else 0


sys.exit(main())
