/*
 * projectiontest.c: lowering and lifting
 *
 * Every tests/projectiondata/NAME.xml is a case of its own; what belongs to
 * it:
 *
 *   NAME.err        the error of lowering, "CODE: MESSAGE"; else
 *   NAME.lowered    what it is lowered to; not there: lowering changes nothing
 *   NAME.lifted     what that is lifted to; not there: NAME.xml again
 *
 * What holds for every one of them is checked too, see testCase().
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <config.h>

#include "emulatedpci_error.h"
#include "projection.h"
#include "testutils.h"

#include <glib/gstdio.h>
#include <string.h>

#define DATA_DIR "tests/projectiondata"

static const ProjectionOptions options = {
    .launchDir = "/launch",
    .qemuDir = "/usr/bin",
};

typedef ProjectionResult (*Projection)(const char *xml,
                                       gsize len,
                                       const ProjectionOptions *opts,
                                       char **out,
                                       gsize *outlen,
                                       GError **err);


/* The result of projecting XML, which must succeed. Newly allocated. */
static char *
project(Projection projection,
        const char *xml)
{
    g_autoptr(GError) err = NULL;
    char *out = NULL;
    gsize outlen = 0;

    switch (projection(xml, strlen(xml), &options, &out, &outlen, &err)) {
    case PROJECTION_CHANGED:
        g_assert_no_error(err);
        g_assert_cmpuint(strlen(out), ==, outlen);
        g_assert_cmpstr(out, !=, xml);
        return out;
    case PROJECTION_UNCHANGED:
        g_assert_no_error(err);
        g_assert_null(out);
        return g_strdup(xml);
    case PROJECTION_ERROR:
        break;
    }
    g_test_message("%s", err->message);
    g_assert_no_error(err);
    return NULL;
}


static void
compareTexts(const char *what,
             const char *expected,
             const char *actual)
{
    if (strcmp(expected, actual) == 0)
        return;

    g_test_message("%s: expected\n%s\ngot\n%s", what, expected, actual);
    g_test_fail();
}


/* The file beside BASE that says what TEXT must be; if it is not there, TEXT
 * must be DEFAULTTEXT. */
static void
compareOptional(const char *base,
                const char *suffix,
                const char *text,
                const char *defaultText)
{
    g_autofree char *path = g_strconcat(base, suffix, NULL);

    if (testRegenerate()) {
        g_remove(path);
        if (strcmp(text, defaultText) != 0)
            testCompareToFile(text, path);
        return;
    }
    if (g_file_test(path, G_FILE_TEST_EXISTS))
        testCompareToFile(text, path);
    else
        compareTexts(suffix, defaultText, text);
}


static void
testError(const char *base,
          const char *xml)
{
    g_autofree char *path = g_strconcat(base, ".err", NULL);
    g_autofree char *text = NULL;
    g_autoptr(GError) err = NULL;
    char *out = NULL;
    gsize outlen = 0;

    g_assert_cmpint(projectionLower(xml, strlen(xml), &options, &out, &outlen, &err), ==,
                    PROJECTION_ERROR);
    g_assert_null(out);
    g_assert_nonnull(err);
    g_assert_true(err->domain == EMULATED_PCI_ERROR);
    text = g_strdup_printf("%d: %s\n", err->code, err->message);
    testCompareToFile(text, path);
}


/*
 * Of every document:
 *
 * - lowering twice is lowering once, and so with lifting;
 * - lowering what was lifted gives what was lifted, byte for byte;
 * - lifting what was lowered gives the document again, or NAME.lifted, and
 *   that then is the normal form: no further change either way.
 */
static void
testCase(gconstpointer opaque)
{
    const char *base = opaque;
    g_autofree char *path = g_strconcat(base, ".xml", NULL);
    g_autofree char *errPath = g_strconcat(base, ".err", NULL);
    g_autofree char *xml = testReadFile(path, NULL);
    g_autofree char *lowered = NULL;
    g_autofree char *loweredTwice = NULL;
    g_autofree char *lifted = NULL;
    g_autofree char *liftedTwice = NULL;
    g_autofree char *loweredAgain = NULL;

    if (g_file_test(errPath, G_FILE_TEST_EXISTS)) {
        testError(base, xml);
        return;
    }

    lowered = project(projectionLower, xml);
    compareOptional(base, ".lowered", lowered, xml);
    loweredTwice = project(projectionLower, lowered);
    compareTexts("lowered twice", lowered, loweredTwice);

    lifted = project(projectionLift, lowered);
    compareOptional(base, ".lifted", lifted, xml);
    liftedTwice = project(projectionLift, lifted);
    compareTexts("lifted twice", lifted, liftedTwice);

    loweredAgain = project(projectionLower, lifted);
    compareTexts("lowered again", lowered, loweredAgain);
}


static int
compareNames(const void *a,
             const void *b)
{
    return strcmp(*(char *const *) a, *(char *const *) b);
}


int
main(int argc,
     char **argv)
{
    g_autofree char *dirPath = NULL;
    g_autoptr(GDir) dir = NULL;
    g_autoptr(GError) err = NULL;
    g_autoptr(GPtrArray) names = g_ptr_array_new_with_free_func(g_free);
    const char *file;
    guint i;

    testInit(&argc, &argv);

    dirPath = testSourcePath(DATA_DIR);
    dir = g_dir_open(dirPath, 0, &err);
    g_assert_no_error(err);
    while ((file = g_dir_read_name(dir))) {
        if (g_str_has_suffix(file, ".xml"))
            g_ptr_array_add(names, g_strndup(file, strlen(file) - strlen(".xml")));
    }
    g_assert_cmpuint(names->len, >, 0);
    g_ptr_array_sort(names, compareNames);

    for (i = 0; i < names->len; i++) {
        const char *name = g_ptr_array_index(names, i);
        g_autofree char *test = g_strdup_printf("/projection/data/%s", name);

        g_test_add_data_func_full(test, g_build_filename(dirPath, name, NULL), testCase, g_free);
    }
    return g_test_run();
}
