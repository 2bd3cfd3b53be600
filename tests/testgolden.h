/*
 * testgolden.h: golden files for versions of libvirt and QEMU
 *
 * A golden file NAME.args contains the result that is expected with every version. If the correct
 * result of a newer libvirt or QEMU is different, there is a variant of the file:
 *
 *   NAME.libvirt-11.3.args      from libvirt 11.3 on
 *   NAME.qemu-11.1.err          from QEMU 11.1 on
 *
 * Of the files that apply to the installed versions, the last one in this order is used: the one
 * without a version, those of libvirt from the oldest to the newest, those of QEMU in the same
 * order. These functions do not depend on the content of the files.
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

/* The program, and its first version to which a golden file applies. */
typedef struct {
    TestGoldenProgram program;
    guint major;
    guint minor;
} TestGoldenVersion;

/* The installed versions, in libvirt's format (major * 1000000 + minor * 1000 + release); the one
 * of TEST_GOLDEN_ANY is ignored. */
typedef unsigned long TestGoldenInstalled[TEST_GOLDEN_LAST];

/**
 * testGoldenVersionParse:
 * @text: "libvirt-11.3", "qemu-11.1", or "" for every version
 * @version: set to the version in @text
 *
 * Returns: whether @text is one of these
 */
gboolean testGoldenVersionParse(const char *text, TestGoldenVersion *version);

/* Returns @version in the format of testGoldenVersionParse(), to be freed with g_free(). */
char *testGoldenVersionFormat(const TestGoldenVersion *version);

/* Whether a file of VERSION applies to the INSTALLED versions. */
gboolean testGoldenVersionHolds(const TestGoldenVersion *version,
                                const TestGoldenInstalled installed);

/* Compares the precedence of two files as strcmp() does, if both apply. */
int testGoldenVersionCompare(const TestGoldenVersion *a, const TestGoldenVersion *b);

/**
 * testGoldenRegenerateAs:
 * @version: set to the version that VIR_TEST_REGENERATE_VARIANT asks for; may be NULL
 *
 * With this variable and VIR_TEST_REGENERATE_OUTPUT=1, a difference is written to a new variant,
 * and the files for older versions are kept. The test ends if the variable is not a valid version.
 *
 * Returns: whether the variable is set
 */
gboolean testGoldenRegenerateAs(TestGoldenVersion *version);
