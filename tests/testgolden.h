/*
 * testgolden.h: golden files that know versions of libvirt and QEMU
 *
 * A golden file NAME.args holds what is expected everywhere. Where a newer libvirt
 * or QEMU rightly gives something else, a variant stands beside it:
 *
 *   NAME.libvirt-11.3.args      from libvirt 11.3 on
 *   NAME.qemu-11.1.err          from QEMU 11.1 on
 *
 * Of the files that hold for the installed versions the last in this order counts: the
 * one without a version, those of libvirt from the oldest to the newest, those of QEMU
 * likewise. Knows nothing about what the files contain.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include <glib.h>

/* The type of a variant; a later one takes precedence. */
typedef enum {
    TEST_GOLDEN_ANY = 0,        /* no variant: for every version */
    TEST_GOLDEN_LIBVIRT,
    TEST_GOLDEN_QEMU,

    TEST_GOLDEN_LAST
} TestGoldenProgram;

/* From which version of which program on a golden file holds. */
typedef struct {
    TestGoldenProgram program;
    guint major;
    guint minor;
} TestGoldenVersion;

/* The installed versions, as libvirt counts them (major * 1000000 + minor * 1000 +
 * release); the one of TEST_GOLDEN_ANY is not looked at. */
typedef unsigned long TestGoldenInstalled[TEST_GOLDEN_LAST];

/**
 * testGoldenVersionParse:
 * @text: "libvirt-11.3", "qemu-11.1", or "" for every version
 * @version: set to what @text means
 *
 * Returns: whether @text is one of these
 */
gboolean testGoldenVersionParse(const char *text, TestGoldenVersion *version);

/* Returns @version in the format of testGoldenVersionParse(), to be freed with g_free(). */
char *testGoldenVersionFormat(const TestGoldenVersion *version);

/* Whether a file of that VERSION holds for what is INSTALLED. */
gboolean testGoldenVersionHolds(const TestGoldenVersion *version,
                                const TestGoldenInstalled installed);

/* As strcmp(): which of two files counts less, if both hold. */
int testGoldenVersionCompare(const TestGoldenVersion *a, const TestGoldenVersion *b);

/**
 * testGoldenRegenerateAs:
 * @version: set to the version that VIR_TEST_REGENERATE_VARIANT asks for; may be NULL
 *
 * With that variable beside VIR_TEST_REGENERATE_OUTPUT=1 a difference goes into a new
 * variant, and what older versions expect is kept. The test ends if the variable is not readable as a version.
 *
 * Returns: whether the variable is set
 */
gboolean testGoldenRegenerateAs(TestGoldenVersion *version);
