#!/usr/bin/env python3
# check-comments.py: checks that the functions in headers have libvirt's kind of comment
#
# Usage: check-comments.py < NAMES
# NAMES: the headers to check, one in each line, relative to the current directory.
#
# The comment of a function contains the line "NAME:", a line "@ARGUMENT: ..." for each argument,
# and the word "Returns" unless the function returns nothing. Declarations that follow one another
# without an empty line share a comment: "NAME, NAME:", and "@ARGUMENT, @ARGUMENT: ...". Exit
# status 0: every function has such a comment.
#
# SPDX-License-Identifier: LGPL-2.1-or-later

import re
import sys

# The parts of a header that end or separate declarations, and all other text.
TOKEN = re.compile(r'''
    (?P<comment>/\*.*?\*/)
  | (?P<cleanup>^G_DEFINE_AUTO\w+\([^()]*\);?)
  | (?P<preprocessor>^[ \t]*\#(?:\\\n|[^\n])*)
  | (?P<empty>\n[ \t]*(?=\n))
  | (?P<open>\{)
  | (?P<close>\})
  | (?P<end>;)
  | (?P<space>\s+)
  | (?P<text>[^;{}/\s]+|/)
''', re.VERBOSE | re.DOTALL | re.MULTILINE)

ATTRIBUTE = re.compile(r'\b(?:G_GNUC_\w+|__attribute__)\s*(?:\((?:[^()]|\((?:[^()]|\([^()]*\))*\))*\))?')
FUNCTION = re.compile(r'^(?P<type>[\w\s*]*?[\s*])(?P<name>\w+)\s*\((?P<arguments>.*)\)$', re.DOTALL)
POINTER = re.compile(r'\(\s*\*\s*(\w+)\s*\)\s*\(')


def declarations(source):
    """The pairs (comment, declaration) of the functions in the text of a header."""
    comment = ''
    statement = []
    depth = 0
    for token in TOKEN.finditer(source):
        kind, text = token.lastgroup, token.group()
        if kind == 'open':
            depth += 1
        elif kind == 'close':
            depth -= 1
        if kind == 'comment' and not statement:
            comment = text
        elif kind == 'empty' and not statement:
            comment = ''
        elif kind == 'end' and depth == 0:
            yield comment, ' '.join(statement)
            statement = []
        elif kind in ('text', 'open', 'close', 'end'):
            statement.append(text)
            if depth == 0 and kind == 'close' and '(' in ' '.join(statement).split('{')[0]:
                statement = []


def split_arguments(text):
    arguments = ['']
    depth = 0
    for character in text:
        depth += {'(': 1, ')': -1}.get(character, 0)
        if character == ',' and depth == 0:
            arguments.append('')
        else:
            arguments[-1] += character
    return [argument.strip() for argument in arguments]


def argument_name(argument):
    if argument in ('void', '...'):
        return None
    pointer = POINTER.search(argument)
    if pointer:
        return pointer.group(1)
    return re.findall(r'\w+', re.sub(r'\[[^]]*\]', '', argument))[-1]


def described(comment):
    """The names in the lines "NAME, NAME:" and "@ARGUMENT, @ARGUMENT: ..." of a comment."""
    names = set()
    for heading in re.findall(r'^\s*/?\*+ ((?:@?[\w.]+,\s*(?:\* )?)*@?[\w.]+):', comment, re.MULTILINE):
        names.update(re.findall(r'@?[\w.]+', heading))
    return names


def complaints(name, source):
    for comment, declaration in declarations(source):
        declaration = ATTRIBUTE.sub('', declaration).strip()
        match = FUNCTION.match(declaration)
        if not match or match.group('type').split()[0] in ('typedef', 'static', 'struct{'):
            continue
        names = described(comment)
        function = match.group('name')
        wanted = [function] + ['@' + argument for argument in map(
            argument_name, split_arguments(match.group('arguments'))) if argument]
        missing = [word + ':' for word in wanted if word not in names]
        if match.group('type').split() != ['void'] and not re.search(r'\b[Rr]eturns?\b', comment):
            missing.append('Returns')
        if not comment.startswith('/**'):
            missing.insert(0, '/**')
        if missing:
            yield '%s: the comment of %s() lacks %s' % (name, function, ' '.join(missing))


def main():
    names = sys.stdin.read().split()
    found = [] if names else ['no header to check']
    for name in names:
        with open(name, encoding='utf-8') as file:
            found += complaints(name, file.read())
    for complaint in found:
        print(complaint, file=sys.stderr)
    return 1 if found else 0


sys.exit(main())
