# Configuration of gnulib's maint.mk (make syntax-check): its rules that do not
# apply here, and our own rules. maint.mk finds our rules only in this file, and
# only where a line begins with their name: sc_NAME. Each is a make target; most
# search the files that git tracks for a regular expression.
# tests/syntaxchecktest.py has a file for every rule that violates it.
# SPDX-License-Identifier: LGPL-2.1-or-later

# Rules for GNU programs, or against libvirt's coding style.
local-checks-to-skip = \
	changelog-check \
	check-AUTHORS \
	sc_GPL_version \
	sc_bindtextdomain \
	sc_cast_of_argument_to_free \
	sc_error_message_period \
	sc_error_message_uppercase \
	sc_file_system \
	sc_immutable_NEWS \
	sc_makefile_at_at_check \
	sc_prohibit_always-defined_macros \
	sc_prohibit_atoi_atof \
	sc_prohibit_path_max_allocation \
	sc_prohibit_strcmp \
	sc_prohibit_strncpy \
	sc_unmarked_diagnostics \
	sc_unportable_grep_q \
	sc_useless_cpp_parens

# Test data are exempt from the rules.
VC_LIST_ALWAYS_EXCLUDE_REGEX = ^tests/(fuzz/corpus-[a-z-]*|projectiondata|qemuxml2argvdata)/

# The text of the licence contains the postal address.
exclude_file_name_regexp--sc_fsf_postal = ^COPYING$$

# The names of the files begin with $(srcdir)/.
_c_files = ^$(_dot_escaped_srcdir)/(src|tools|tests|bench|examples)/.*\.[ch]$$

# --- libvirt's coding style

sc_prohibit_TAB_in_indentation:
	@prohibit='^ *	' in_vc_files='\.([ch]|py|rng|rng\.in|xml|rst)$$' \
	halt='indent with spaces' \
	  $(_sc_search_regexp)

sc_prohibit_cleanup_label:
	@prohibit='^(cleanup|error|out|fail):' in_vc_files='$(_c_files)' \
	halt='use g_autofree and g_autoptr instead of cleanup labels' \
	  $(_sc_search_regexp)

# A message is not split into lines, so that a search finds it.
sc_prohibit_long_lines:
	@prohibit='^.{116,}$$' exclude=':[0-9]+: *(_\()?"' in_vc_files='$(_c_files)' \
	halt='keep lines below 100 columns or so' \
	  $(_sc_search_regexp)

sc_require_pragma_once:
	@require='^#pragma once' in_vc_files='^$(_dot_escaped_srcdir)/(src|tools|tests|bench)/.*\.h$$' \
	halt='every header requires #pragma once' \
	  $(_sc_search_regexp)

sc_require_spdx:
	@require='SPDX-License-Identifier: LGPL-2\.1-or-later' \
	in_vc_files='(\.([ch]|py|sh|rng|rng\.in|ac)|Makefile\.(am|inc)|/bootstrap|quickstart|quickcheck|\.ci/run)$$' \
	halt='every source file names its licence' \
	  $(_sc_search_regexp)

# An error is translatable, and its arguments are numbered so that a
# translator may reorder them.
sc_require_translated_errors:
	@prohibit='emulatedPCIReportError\(.*, *"[^"]*[a-z]{2}' \
	in_vc_files='^$(_dot_escaped_srcdir)/(src|tools)/.*\.[ch]$$' \
	halt='wrap the message of an error in _()' \
	  $(_sc_search_regexp)

sc_prohibit_unnumbered_arguments:
	@prohibit='\<_\("[^"]*%[-+0 #]*[0-9]*l*[sdiuxXc]' in_vc_files='$(_c_files)' \
	halt='number the arguments of translatable messages: %1$$s' \
	  $(_sc_search_regexp)

# --- functions that have a safer replacement

sc_prohibit_unbounded_string_functions:
	@prohibit='\<(sprintf|vsprintf|strcpy|strcat|gets|strtok|alloca|mktemp|tmpnam) *\(' \
	in_vc_files='$(_c_files)' \
	halt='use a function with a length limit' \
	  $(_sc_search_regexp)

sc_prohibit_unchecked_numbers:
	@prohibit='\<(atoi|atol|atoll|sscanf) *\(' in_vc_files='$(_c_files)' \
	halt='use a conversion that detects overflow and trailing characters' \
	  $(_sc_search_regexp)

sc_prohibit_shell_from_c:
	@prohibit='\<(system|popen) *\(' in_vc_files='^$(_dot_escaped_srcdir)/(src|tools)/.*\.[ch]$$' \
	halt='start programs without a shell' \
	  $(_sc_search_regexp)

# --- layers: dependencies point downwards only

# build-aux/layers.txt lists the headers that each directory may include.
sc_layers:
	@cd $(srcdir) && git ls-files 'src/*.[ch]' 'tools/*.[ch]' | \
	  $(PYTHON3) -B build-aux/check-layers.py build-aux/layers.txt

# --- comments

# The comment of a function in a header names each argument.
sc_function_comments:
	@cd $(srcdir) && git ls-files 'src/*.h' 'tools/*.h' | \
	  $(PYTHON3) -B build-aux/check-comments.py

# --- no private paths in the repository

sc_prohibit_machine_paths:
	@prohibit='/(work|home/[a-z]+|root/[a-z])/' \
	in_vc_files='.' exclude='/home/user/' \
	halt='remove the path of a private machine' \
	  $(_sc_search_regexp)

# --- shell

sc_shellcheck:
	@shellcheck --version >/dev/null 2>&1 || \
	  { echo 'shellcheck is not installed' >&2; exit 1; }; \
	cd $(srcdir) && \
	shellcheck -x $$(git ls-files bootstrap quickstart quickcheck .ci/run 'build-aux/*.sh' 'tests/*.sh')
