# tally.sh: counts the results of a series of steps, and prints the failures. Sourced
# by .ci/run and quickcheck.
#
# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash

tally_passed=0
tally_failed=0
tally_skipped=0

# tally_tap LOG: adds the counts that `make check` has written to LOG. The last
# counts are used, because test-suite.log, which may precede them, contains them too.
# A log without counts is a failure: nothing was tested.
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

# tally_step STATUS: counts one step that is not a test suite.
tally_step() {
    if test "$1" -eq 0; then
        tally_passed=$((tally_passed + 1))
    else
        tally_failed=$((tally_failed + 1))
    fi
}

# tally_failures LOG...: prints, from each test-suite.log of `make check`, the lines around
# every failed test point (its details or traceback follow it), or the end of the output of
# a failed test without one; then a list of all failed test points.
tally_failures() {
    local log

    for log; do
        test -f "$log" || continue
        awk '
            function show(line) { print substr(line, 1, 300) }
            function flush_section(  i) {
                if (failing && !points)
                    for (i = kept > 40 ? kept - 39 : 1; i <= kept; i++)
                        show(lines[i])
            }
            # A title is underlined.
            /^=+$/ && previous ~ /^(FAIL|ERROR|XPASS|SKIP|PASS|XFAIL): / {
                flush_section()
                failing = previous ~ /^(FAIL|ERROR|XPASS)/
                kept = shown = points = after = 0
                if (failing) {
                    print ""
                    print "--- " previous
                }
                previous = ""
                next
            }
            { previous = $0 }
            # The driver adds these lines to the output of the test.
            /^(FAIL|ERROR|XPASS): [^ ]+ / && failing { all[++count] = $0; if (/^FAIL/) next }
            !failing || /^(PASS|SKIP|XFAIL): / || /^(FAIL|ERROR|XPASS): [^ ]+$/ { next }
            { lines[++kept] = $0 }
            /^(not ok |Bail out!|==[0-9]+==ERROR: )|: runtime error: / && !/# TODO/ {
                if (++points > 8)
                    next
                for (i = kept > 4 ? kept - 4 : 1; i < kept; i++)
                    if (i > shown)
                        show(lines[i])
                show($0)
                shown = kept
                after = 60
                next
            }
            after > 0 && !/^ok / { show($0); shown = kept; after--; next }
            { after = 0 }
            END {
                flush_section()
                if (count)
                    print ""
                for (i = 1; i <= count; i++)
                    show(all[i])
            }' "$log"
    done
}

tally_print() {
    echo "$tally_passed passed, $tally_failed failed, $tally_skipped skipped"
}
