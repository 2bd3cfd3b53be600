/*
 * testutils.c: functions of all GLib tests
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <config.h>

#include "testutils.h"

#include <string.h>

void
testInit(int *argc, char ***argv)
{
    static char *args[64];
    static char tap[] = "--tap";
    static char keepGoing[] = "--keep-going";
    int n = 0;

    for (; n < *argc && n < (int) G_N_ELEMENTS(args) - 3; n++)
        args[n] = (*argv)[n];
    args[n++] = tap;
    args[n++] = keepGoing;
    args[n] = NULL;
    *argc = n;
    *argv = args;
    g_test_init(argc, argv, NULL);
}


char *
testSourcePath(const char *relative)
{
    const char *top = g_getenv("abs_top_srcdir");

    if (!top)
        g_error("abs_top_srcdir is not set; run the tests with make check");
    return g_build_filename(top, relative, NULL);
}


char *
testReadFile(const char *path, gsize *len)
{
    g_autoptr(GError) err = NULL;
    char *content = NULL;

    if (!g_file_get_contents(path, &content, len, &err))
        g_error("%s", err->message);
    return content;
}


gboolean
testRegenerate(void)
{
    const char *value = g_getenv("VIR_TEST_REGENERATE_OUTPUT");

    return value && strcmp(value, "1") == 0;
}


/* Shows the lines between the common start and the common end. */
static void
testShowDifference(const char *expected, const char *actual)
{
    g_auto(GStrv) a = g_strsplit(expected, "\n", -1);
    g_auto(GStrv) b = g_strsplit(actual, "\n", -1);
    guint na = g_strv_length(a);
    guint nb = g_strv_length(b);
    guint head = 0;
    guint tail = 0;
    guint i;

    while (head < na && head < nb && strcmp(a[head], b[head]) == 0)
        head++;
    while (tail < na - head && tail < nb - head &&
           strcmp(a[na - 1 - tail], b[nb - 1 - tail]) == 0)
        tail++;

    for (i = head; i < na - tail; i++)
        g_test_message("line %u: -%s", i + 1, a[i]);
    for (i = head; i < nb - tail; i++)
        g_test_message("line %u: +%s", i + 1, b[i]);
}


void
testCompareStrings(const char *actual, const char *expected, const char *name)
{
    if (strcmp(expected, actual) == 0)
        return;

    testShowDifference(expected, actual);
    g_test_message("differs from %s; VIR_TEST_REGENERATE_OUTPUT=1 rewrites it", name);
    g_test_fail();
}


void
testCompareToFile(const char *actual, const char *path)
{
    g_autoptr(GError) err = NULL;
    g_autofree char *expected = NULL;

    if (testRegenerate()) {
        if (!g_file_set_contents(path, actual, -1, &err))
            g_error("%s", err->message);
        return;
    }

    if (!g_file_get_contents(path, &expected, NULL, &err)) {
        g_test_message("%s", err->message);
        g_test_fail();
        return;
    }

    testCompareStrings(actual, expected, path);
}
