/*
 * testutils.h: functions of all GLib tests
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include <glib.h>

/* Calls g_test_init() with TAP output, which make check's driver reads; --tap is not required.
 * After a failure, the other test cases still run. */
void testInit(int *argc, char ***argv);

/* Returns the path of a file of the source tree, also in a build outside of it. Newly allocated. */
char *testSourcePath(const char *relative);

/* Returns the content of a file; the test fails if it cannot be read. */
char *testReadFile(const char *path, gsize *len);

/* Whether VIR_TEST_REGENERATE_OUTPUT asks to rewrite golden files. */
gboolean testRegenerate(void);

/* Compares ACTUAL with EXPECTED, the content of the golden file NAME. A difference fails the test
 * and is shown line by line. For tests that cannot read the file at that time; others use
 * testCompareToFile(). */
void testCompareStrings(const char *actual, const char *expected, const char *name);

/* Compares ACTUAL with the golden file PATH, or rewrites the file. A difference fails the test and
 * is shown line by line. */
void testCompareToFile(const char *actual, const char *path);
