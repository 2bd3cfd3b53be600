#!/usr/bin/env python3
# syntaxchecktest.py: each rule of `make syntax-check` of this project finds violations
#
# Uses a small source tree with the rules of this project: all rules pass on files that follow
# them, and each rule fails and names the file when a file is added that breaks it.
#
# SPDX-License-Identifier: LGPL-2.1-or-later

import os
import re
import shutil
import subprocess
import tempfile

from emulatedpcistack import needs, run_tests

SOURCE = os.environ['abs_top_srcdir']
LICENCE = 'SPDX-License-Identifier: LGPL-2.1-or-later'
COMMENT = '/* %s */\n' % LICENCE

# The files that `make` requires to run a rule, and files that follow all rules.
COPIED = ('GNUmakefile', 'maint.mk', 'cfg.mk', 'build-aux/check-comments.py', 'build-aux/check-layers.py',
          'build-aux/layers.txt', 'build-aux/vc-list-files')
FUNCTION = 'gboolean goodOpen(int fd, void (*func)(int fd), GError **err);\n'
KEPT = {
    'build-aux/good.sh': '#!/bin/sh\n# %s\necho good\n' % LICENCE,
    'src/conf/good.h': COMMENT + '#pragma once\n#include <glib.h>\n\n'
                       '/**\n * goodOpen:\n * @fd, @func: both\n * @err: an error\n *\n * Returns TRUE.\n */\n' +
                       FUNCTION,
    'src/conf/good.c': COMMENT + '#include <config.h>\n#include <sys/stat.h>\n#include "good.h"\n',
    'src/projection/upper.c': COMMENT + '#include <config.h>\n#include "good.h"\n',
    'tests/good.c': COMMENT + 'emulatedPCIReportError(err, VIR_ERR_XML_ERROR, "no such thing");\npopen("ls", "r");\n',
}

# rule: [(a file that violates it, its text)]
BROKEN = {
    'sc_prohibit_TAB_in_indentation': [('src/conf/bad.c', COMMENT + '\tint x;\n')],
    'sc_prohibit_cleanup_label': [('src/conf/bad.c', COMMENT + 'cleanup:\n')],
    'sc_prohibit_long_lines': [('src/conf/bad.c', COMMENT + 'int x;' + ' ' * 120 + '/* x */\n')],
    'sc_require_pragma_once': [('src/conf/bad.h', COMMENT)],
    'sc_require_spdx': [('src/conf/bad.c', 'int x;\n'), ('src/conf/Makefile.inc', '## src/conf\n')],
    'sc_require_translated_errors': [
        ('src/conf/bad.c', COMMENT + 'emulatedPCIReportError(err, VIR_ERR_XML_ERROR, "wrong: %s", what);\n')],
    'sc_prohibit_unnumbered_arguments': [('src/conf/bad.c', COMMENT + 'x = _' '("wrong: %s");\n')],
    'sc_prohibit_unbounded_string_functions': [('src/conf/bad.c', COMMENT + 'strcpy(to, from);\n')],
    'sc_prohibit_unchecked_numbers': [('src/conf/bad.c', COMMENT + 'x = atoi(text);\n')],
    'sc_prohibit_shell_from_c': [('src/conf/bad.c', COMMENT + 'system("ls");\n')],
    'sc_layers': [
        ('src/conf/bad.c', COMMENT + '#include "upper.h"\n'),
        ('src/emulator/bad.c', COMMENT + '#include <glib.h>\n'),
        ('src/conf/bad.c', COMMENT + '#include <curl/curl.h>\n'),
        ('src/unknown/bad.c', COMMENT)],
    'sc_function_comments': [
        ('src/conf/bad.h', COMMENT + '#pragma once\n\n/* Opens it. */\n' + FUNCTION),
        ('src/conf/bad.h', COMMENT + '#pragma once\n\n' + FUNCTION),
        ('tools/bad.h', COMMENT + '#pragma once\n\n/**\n * goodOpen:\n * @fd: it\n * @func: it\n *\n'
                        ' * Returns TRUE.\n */\n' + FUNCTION),
        ('src/conf/bad.h', COMMENT + '#pragma once\n\n/**\n * goodOpen:\n * @fd: it\n * @func: it\n'
                           ' * @err: it\n */\n' + FUNCTION)],
    'sc_prohibit_machine_paths': [('docs/bad.md', 'Look into /home/%s/x.\n' % 'somebody')],
    'sc_shellcheck': [('build-aux/bad.sh', '#!/bin/sh\n# %s\ncat $1\n' % LICENCE)],
}


class Tree:
    def __init__(self, path):
        self.path = path
        self.environment = {name: value for name, value in os.environ.items()
                            if not name.startswith('GIT_') and name not in ('MAKEFLAGS', 'MFLAGS', 'MAKELEVEL')}
        os.mkdir(path)
        self.write('Makefile', 'srcdir = %s\nPYTHON3 = python3\nAWK = awk\nSED = sed\n' % path)
        for name in COPIED:
            with open(os.path.join(SOURCE, name), encoding='utf-8') as file:
                self.write(name, file.read())
        for name, text in KEPT.items():
            self.write(name, text)
        self.write('src/projection/upper.h', COMMENT + '#pragma once\n')
        os.chmod(os.path.join(path, 'build-aux/vc-list-files'), 0o755)
        self.run('git', 'init', '-q')

    def write(self, name, text):
        path = os.path.join(self.path, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, 'w', encoding='utf-8') as file:
            file.write(text)

    def run(self, *arguments):
        """Returns (exit status, output) of a command in the tree."""
        done = subprocess.run(arguments, cwd=self.path, env=self.environment, check=False, text=True, timeout=120,
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        return done.returncode, done.stdout

    def commit(self):
        self.run('git', 'add', '-A')
        self.run('git', '-c', 'user.name=test', '-c', 'user.email=test', '-c', 'commit.gpgsign=false',
                 'commit', '-q', '-m', 'test')

    def rule(self, name):
        self.commit()
        return self.run('make', '-s', name)

    def remove(self, name):
        os.unlink(os.path.join(self.path, name))


def test_rule(tap, tree, rule):
    if rule == 'sc_shellcheck' and not shutil.which('shellcheck'):
        tap.skip(rule, 'there is no shellcheck on this machine')
        return
    status, output = tree.rule(rule)
    tap.ok(status == 0, '%s passes on files that keep it' % rule, output)
    for name, text in BROKEN[rule]:
        tree.write(name, text)
        status, output = tree.rule(rule)
        tap.ok(status != 0 and name in output, '%s finds %s' % (rule, text.splitlines()[-1][:60]), output)
        tree.remove(name)


def test(tap):
    top = tempfile.mkdtemp(prefix='syntaxchecktest-')
    try:
        # Directories above the tree must not affect a rule for src/.
        tree = Tree(os.path.join(top, 'src'))
        with open(os.path.join(SOURCE, 'cfg.mk'), encoding='utf-8') as file:
            rules = re.findall(r'^(sc_[\w-]+):', file.read(), flags=re.M)
        tap.equal(sorted(BROKEN), sorted(rules), 'every rule of ours has a file that breaks it')
        tree.commit()
        _, output = tree.run('make', '-np', 'syntax-check')
        run = re.search(r'^syntax-check: (.*)$', output, flags=re.M)
        run = run.group(1).split() if run else []
        tap.equal([rule for rule in rules if rule + '.z' not in run], [], 'make syntax-check runs every rule of ours')
        for rule in rules:
            test_rule(tap, tree, rule)
    finally:
        shutil.rmtree(top)


needs('git', 'make')
run_tests(test)
