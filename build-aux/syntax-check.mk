# Our own rules of `make syntax-check`. Each is a make target sc_NAME; what it
# looks for is a regular expression over the files that git tracks.
# SPDX-License-Identifier: LGPL-2.1-or-later

_c_files = (^|/)(src|tools|tests|bench|examples)/.*\.[ch]$$

# --- libvirt's habits

sc_prohibit_TAB_in_indentation:
	@prohibit='^ *	' in_vc_files='\.([ch]|py|rng|rng\.in|xml|rst)$$' \
	halt='indent with spaces' \
	  $(_sc_search_regexp)

sc_prohibit_cleanup_label:
	@prohibit='^(cleanup|error|out|fail):' in_vc_files='$(_c_files)' \
	halt='use g_autofree and g_autoptr instead of cleanup labels' \
	  $(_sc_search_regexp)

sc_prohibit_long_lines:
	@prohibit='^.{116,}$$' in_vc_files='$(_c_files)' \
	halt='keep lines below 100 columns or so' \
	  $(_sc_search_regexp)

sc_require_pragma_once:
	@require='^#pragma once' in_vc_files='(^|/)(src|tools|tests|bench)/.*\.h$$' \
	halt='every header says #pragma once' \
	  $(_sc_search_regexp)

sc_require_spdx:
	@require='SPDX-License-Identifier: LGPL-2\.1-or-later' \
	in_vc_files='(\.([ch]|py|sh|rng|rng\.in|ac)|Makefile\.(am|inc)|/bootstrap|quickstart|quickcheck|\.ci/run)$$' \
	halt='every source file names its licence' \
	  $(_sc_search_regexp)

# An error is translatable, and its arguments are numbered so that a
# translator may reorder them.
sc_require_translated_errors:
	@prohibit='emulatedPCIReportError\(.*, *"' in_vc_files='$(_c_files)' \
	halt='wrap the message of an error in _()' \
	  $(_sc_search_regexp)

sc_prohibit_unnumbered_arguments:
	@prohibit='\<_\("[^"]*%[-+0 #]*[0-9]*l*[sdiuxXc]' in_vc_files='$(_c_files)' \
	halt='number the arguments of translatable messages: %1$$s' \
	  $(_sc_search_regexp)

# --- functions that have a better one

sc_prohibit_unbounded_string_functions:
	@prohibit='\<(sprintf|vsprintf|strcpy|strcat|gets|strtok|alloca|mktemp|tmpnam) *\(' \
	in_vc_files='$(_c_files)' \
	halt='use a function that knows its limit' \
	  $(_sc_search_regexp)

sc_prohibit_unchecked_numbers:
	@prohibit='\<(atoi|atol|atoll|sscanf) *\(' in_vc_files='$(_c_files)' \
	halt='use a conversion that notices overflow and trailing characters' \
	  $(_sc_search_regexp)

sc_prohibit_shell_from_c:
	@prohibit='\<(system|popen) *\(' in_vc_files='(^|/)(src|tools)/.*\.[ch]$$' \
	halt='start programs without a shell' \
	  $(_sc_search_regexp)

# --- layers: dependencies point downwards only (docs/design in README)

sc_emulator_uses_only_the_c_library:
	@prohibit='include *[<"](glib|gio/|libxml/|libvirt/|json|qemu_|projection|emulatedpci_conf|emulatedpci_error)' \
	in_vc_files='(^|/)src/emulator/.*\.[ch]$$' \
	halt='the emulator links the C library and libseccomp only' \
	  $(_sc_search_regexp)

sc_launcher_knows_no_libvirt:
	@prohibit='include *[<"](libvirt/|libxml/|projection|emulatedpci_conf)' \
	in_vc_files='(^|/)src/launcher/.*\.[ch]$$' \
	halt='the launcher links neither libvirt nor the XML code' \
	  $(_sc_search_regexp)

sc_conf_knows_no_higher_layer:
	@prohibit='include *[<"](libvirt/libvirt\.h|projection|qemu_|launcher)' \
	in_vc_files='(^|/)src/conf/.*\.[ch]$$' \
	halt='src/conf is the lowest layer' \
	  $(_sc_search_regexp)

sc_qemu_knows_no_higher_layer:
	@prohibit='include *[<"](libvirt/libvirt\.h|projection|launcher_)' \
	in_vc_files='(^|/)src/qemu/.*\.[ch]$$' \
	halt='src/qemu stands on src/conf only' \
	  $(_sc_search_regexp)

sc_catalog_knows_no_higher_layer:
	@prohibit='include *[<"](libvirt/libvirt\.h|projection|qemu_|launcher|daemon|session)' \
	in_vc_files='(^|/)src/catalog/.*\.[ch]$$' \
	halt='src/catalog stands on src/conf only' \
	  $(_sc_search_regexp)

# --- a repository for everyone

sc_prohibit_machine_paths:
	@prohibit='/(work|home/[a-z]+|root/[a-z])/' \
	in_vc_files='.' exclude='/home/user/' \
	halt='no path of a machine of ours' \
	  $(_sc_search_regexp)

# --- shell

sc_shellcheck:
	@shellcheck --version >/dev/null 2>&1 || \
	  { echo 'shellcheck is not installed' >&2; exit 1; }; \
	cd $(srcdir) && \
	shellcheck -x $$(git ls-files bootstrap quickstart quickcheck .ci/run 'build-aux/*.sh' 'tests/*.sh')
