/*
 * testutils.h: functions of all GLib tests
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include <glib.h>

/* g_test_init() with TAP output, which make check's driver reads; --tap need
 * not be given. After a failure the other test cases run, too. */
void testInit(int *argc, char ***argv);

/* A file of the source tree, found in a build outside of it too. Newly
 * allocated. */
char *testSourcePath(const char *relative);

/* The whole of a file; the test fails without it. */
char *testReadFile(const char *path, gsize *len);

/* Whether VIR_TEST_REGENERATE_OUTPUT asks to rewrite golden files. */
gboolean testRegenerate(void);

/* Compares ACTUAL with EXPECTED, what the golden file NAME holds; a difference
 * fails the test and is shown line by line. For tests that cannot read the
 * file any more at that time; others use testCompareToFile(). */
void testCompareStrings(const char *actual, const char *expected, const char *name);

/* Compares ACTUAL with the golden file PATH (or rewrites that); a difference
 * fails the test and is shown line by line. */
void testCompareToFile(const char *actual, const char *path);
