#!/usr/bin/env python3
# toolcompletiontest.py: what bash offers when virt-emulatedpci is completed
#
# Loads the completions into a bash of its own, as bash-completion would, and
# asks for the candidates for a command line.
#
# SPDX-License-Identifier: LGPL-2.1-or-later

import os
import shutil
import subprocess
import sys
import tempfile

from emulatedpcistack import needs, run_tests

SCRIPT = os.path.join(os.environ['abs_top_srcdir'], 'tools', 'virt-emulatedpci.bash-completion')
PACKAGE = '/usr/share/bash-completion/bash_completion'
TOOL = os.path.join(os.environ['abs_top_builddir'], 'tools', 'virt-emulatedpci')

# Sets what bash sets for a completion function, calls the one that is
# registered for the command, and prints what it offers.
ASK = '''
[[ -z $1 ]] || source "$1"
source "$2" || exit 3
set -- "${@:3}"
registered=$(complete -p virt-emulatedpci) || exit 4
[[ $registered =~ -F\\ ([^ ]+) ]] || exit 5
COMP_WORDS=("$@") COMP_CWORD=$(($# - 1)) COMP_LINE="$*"
COMP_LINE=${COMP_LINE// : /:} COMP_LINE=${COMP_LINE// = /=} COMP_POINT=${#COMP_LINE}
"${BASH_REMATCH[1]}" "$1" "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD - 1]}"
printf '%s\\n' "${COMPREPLY[@]}"
'''


def offered(*words, cwd='/', package=''):
    result = subprocess.run(['bash', '--norc', '--noprofile', '-c', ASK, 'bash', package, SCRIPT, TOOL,
                             *words],
                            stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=cwd, timeout=180,
                            check=True)
    if result.stderr:
        raise RuntimeError(result.stderr.decode())
    return sorted(line for line in result.stdout.decode().split('\n') if line)


def main(tap):
    tap.equal(offered(''), ['attach', 'check', 'clone', 'define', 'detach', 'emulators', 'export', 'import', 'lift',
                            'lint', 'list', 'lower', 'show', 'undefine', 'validate', 'xml2argv'], 'subcommands')
    tap.equal(offered('l'), ['lift', 'lint', 'list', 'lower'], 'subcommands with a beginning')
    tap.equal(offered('--'), ['--help', '--version'], 'global options')
    tap.equal(offered('lower', '--'), ['--definitions', '--help', '--launch-dir', '--qemu-dir'], 'options of lower')
    tap.equal(offered('xml2argv', '--l'), ['--launch-dir', '--launched'], 'options with a beginning')
    tap.ok('-c' in offered('xml2argv', '-'), 'short options')
    tap.equal(offered('validate', '--n'), ['--no-schema'], 'options of validate')
    tap.equal(offered('lint', '--ignore', 'status-r'), ['status-reserved'], 'IDs of warnings')
    tap.equal(offered('xml2argv', '-c', 'qemu:///se'), ['qemu:///session'], 'URIs')
    tap.equal(offered('lint', '--ignore', '=', 'status-r'), ['status-reserved'], 'behind "="')
    tap.equal(len(offered('lint', '--ignore', '=')), len(offered('lint', '--ignore', '')), 'at "="')
    tap.equal(offered('lint', '--ignore', 'status-reserved', '--l'), ['--list'], 'a second option')
    if os.path.exists(PACKAGE):
        tap.equal(offered('l', package=PACKAGE), ['lift', 'lint', 'list', 'lower'], 'with bash-completion')
        tap.equal(offered('xml2argv', '-c', 'qemu', ':', '///se', package=PACKAGE), ['///session'],
                  'with bash-completion, a URI, taken apart by bash')

    with tempfile.TemporaryDirectory(prefix='emulatedpci-completion-', dir='/tmp') as tmp:
        for name in ('guest.xml', 'guest two.xml', 'guest.txt'):
            with open(os.path.join(tmp, name), 'w', encoding='ascii'):
                pass
        os.mkdir(os.path.join(tmp, 'guests'))
        tap.equal(offered('lower', 'g', cwd=tmp), ['guest two.xml', 'guest.xml', 'guests'],
                  'XML files and directories')
        tap.equal(offered('lower', '--launch-dir', '', cwd=tmp), ['guests'], 'directories')
        tap.equal(offered('lower', '--qemu-dir', os.path.join(tmp, 'gu')),
                  [os.path.join(tmp, 'guests')], 'directories elsewhere')

    installed = os.path.join(os.environ['abs_top_builddir'], 'tools', 'bash-completion',
                             'virt-emulatedpci')
    with open(SCRIPT, 'rb') as source, open(installed, 'rb') as copy:
        tap.ok(source.read() == copy.read(), "what is installed has the command's name")
    if shutil.which('shellcheck'):
        result = subprocess.run(['shellcheck', '-s', 'bash', SCRIPT], stdout=subprocess.PIPE, check=False)
        tap.ok(result.returncode == 0, 'shellcheck', result.stdout.decode())


if __name__ == '__main__':
    needs('bash')
    sys.exit(run_tests(main))
