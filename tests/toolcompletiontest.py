#!/usr/bin/env python3
# toolcompletiontest.py: the completion of virt-emulatedpci in bash
#
# Loads the completions into a separate bash, as bash-completion would, and checks the candidates
# for command lines. The names of definitions and domains are tested with a real libvirtd and
# virtemulatedpcid, and without them.
#
# SPDX-License-Identifier: LGPL-2.1-or-later

import os
import re
import shutil
import subprocess
import sys
import tempfile

from emulatedpcistack import needs, run_tests
from fleetstack import FleetStack

SCRIPT = os.path.join(os.environ['abs_top_srcdir'], 'tools', 'virt-emulatedpci.bash-completion')
PACKAGE = '/usr/share/bash-completion/bash_completion'
TOOL = os.path.join(os.environ['abs_top_builddir'], 'tools', 'virt-emulatedpci')

# Sets the variables that bash sets for a completion function, calls the function that is registered
# for the command, and prints the candidates.
ASK = '''
[[ -z $1 ]] || source "$1"
source "$2" || exit 3
_virt_emulatedpci_patience=180
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


def test_names(tap, stack):
    """Completes the names of definitions and domains."""
    script = stack.copy(SCRIPT, 'tmp/completion')

    def names(*words, package='', uri=None):
        result = stack.run(['bash', '--norc', '--noprofile', '-c', ASK, 'bash', package, script, stack.tool, *words],
                           env={'LIBVIRT_DEFAULT_URI': uri or stack.uri})
        if result.stderr:
            raise RuntimeError(result.stderr)
        return sorted(line for line in result.stdout.split('\n') if line)

    stack.fleet('clone', 'test', 'mine')
    stack.fleet('clone', 'citrix_pv_bus', 'my-bus')
    for name in ('web-1', 'web-2', 'two words'):
        stack.define(name)

    tap.ok({'mine', 'my-bus', 'test'} < set(names('show', '')), 'definitions, as one types them')
    tap.equal(names('show', 'm'), ['mine', 'my-bus'], 'with a beginning')
    tap.equal(names('show', 'emulatedpci_m'), ['emulatedpci_mine', 'emulatedpci_my-bus'], 'with the whole name')
    tap.ok('emulatedpci_mine' in names('show', 'em'), 'with the beginning of the whole name')
    tap.equal(names('show', 'test', 'mi'), ['mine'], 'a second one to show')
    tap.equal(names('undefine', ''), ['mine', 'my-bus'], 'none that is built in to undefine')
    tap.equal((names('clone', 'mi'), names('clone', 'mine', 'm')), (['mine'], []), 'what to clone, not what to call it')
    tap.equal(names('list', ''), [], 'list has no operands')

    tap.equal(names('attach', 'mi'), ['mine'], 'what to attach')
    tap.equal(names('attach', 'mine', ''), ['two\\ words', 'web-1', 'web-2'], 'to which domains')
    tap.equal(names('attach', '-j', '2', '--where', '=', 'name', '=', 'web', 'mi'), ['mine'],
              'options and their values are no operands')
    tap.equal(names('attach', '--jobs', '2', 'mine', 'web-1', 'w'), ['web-1', 'web-2'], 'more domains')
    tap.equal(names('detach', '-f', 'device.xml', 'w'), ['web-1', 'web-2'], 'domains alone, for a file')
    tap.equal((names('check', ''), names('emulators', '')), ([], []), 'no domain is running')

    nowhere = 'qemu:///session?socket=/nonexistent'
    split = [stack.uri.partition(':')[0], ':', *re.split('(=)', stack.uri.partition(':')[2])]
    for package in [''] + [PACKAGE] * os.path.exists(PACKAGE):
        which = ' (with bash-completion)' if package else ''
        tap.equal(names('show', '-c', *split, 'mi', package=package, uri=nowhere), ['mine'], '-c' + which)
        tap.equal(names('attach', '--connect', '=', *split, 'mine', 'w', package=package, uri=nowhere),
                  ['web-1', 'web-2'], '--connect=' + which)
    tap.equal(names('show', '-c', 'qemu+ssh', ':', '//host.invalid/system', ''), [], 'no other machine is asked')

    tap.equal((names('show', '', uri=nowhere), names('attach', 'test', '', uri=nowhere)), ([], []),
              'nothing, and silent, without a libvirt')
    stack.stop_daemon()
    tap.equal((names('show', ''), names('attach', 'test', '')), ([], []), 'nothing, and silent, without our daemon')


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

    with FleetStack() as stack:
        stack.begin()
        test_names(tap, stack)


if __name__ == '__main__':
    needs('bash', 'libvirtd', 'virsh', 'timeout')
    sys.exit(run_tests(main))
