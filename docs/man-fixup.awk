# man-fixup.awk: removes constructs of rst2man's output that groff and mandoc warn about
#
# A paragraph macro directly after a heading has no effect, and "C" is not the name of a
# font: "CR" is.
#
# SPDX-License-Identifier: LGPL-2.1-or-later

/^\.sp$/ && heading { heading = 0; next }
{ heading = /^\.S[HS] / }
/^\.ft C$/ { print ".ft CR"; next }
{ print }
