# What gnulib's maint.mk (make syntax-check) runs here: our own rules and
# those of its rules that apply.
# SPDX-License-Identifier: LGPL-2.1-or-later

include $(srcdir)/build-aux/syntax-check.mk
