# tally.sh: counts what a series of steps came to. Sourced by .ci/run and
# quickcheck.
#
# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash

tally_passed=0
tally_failed=0
tally_skipped=0

# tally_tap LOG: adds what `make check` counted, which LOG holds (the last
# count is the one: test-suite.log, which may stand before it, has it too). A
# log without a count is a failure: nothing was tested.
tally_tap() {
    local pass fail skip

    read -r pass fail skip < <(awk '
        /^# TOTAL: / { pass = fail = skip = 0; seen = 1 }
        /^# PASS: / { pass = $3 }
        /^# (FAIL|ERROR|XPASS): / { fail += $3 }
        /^# SKIP: / { skip = $3 }
        END { print pass + 0, seen ? fail + 0 : 1, skip + 0 }' "$1")
    tally_passed=$((tally_passed + pass))
    tally_failed=$((tally_failed + fail))
    tally_skipped=$((tally_skipped + skip))
}

# tally_step STATUS: adds one step that is no test suite.
tally_step() {
    if test "$1" -eq 0; then
        tally_passed=$((tally_passed + 1))
    else
        tally_failed=$((tally_failed + 1))
    fi
}

tally_print() {
    echo "$tally_passed passed, $tally_failed failed, $tally_skipped skipped"
}
