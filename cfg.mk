# What gnulib's maint.mk (make syntax-check) runs here: our own rules and
# those of its rules that apply.
# SPDX-License-Identifier: LGPL-2.1-or-later

include $(srcdir)/build-aux/syntax-check.mk

# Rules for GNU programs, or against habits that libvirt has.
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

# What is data for a program to read is not ours to tidy.
VC_LIST_ALWAYS_EXCLUDE_REGEX = ^tests/(fuzz/corpus-[a-z-]*|projectiondata|qemuxml2argvdata)/
