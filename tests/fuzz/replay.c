/*
 * replay.c: the main() of a libFuzzer target in builds without libFuzzer
 *
 * The program tests/fuzz/fuzz-NAME runs its function over every file of
 * tests/fuzz/corpus-NAME, one test each. It is the same for all targets.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <config.h>

#include "fuzz.h"
#include "testutils.h"

#include <string.h>


static void
replay(gconstpointer opaque)
{
    const char *path = opaque;
    gsize len;
    g_autofree char *data = testReadFile(path, &len);
    /* The exact size, so that AddressSanitizer detects a read beyond the end. */
    g_autofree guint8 *copy = g_memdup2(data, len);
    guint8 nothing = 0;

    g_assert_cmpint(LLVMFuzzerTestOneInput(copy ? copy : &nothing, len), ==, 0);
}


static int
compareNames(gconstpointer a,
             gconstpointer b)
{
    return strcmp(*(const char *const *) a, *(const char *const *) b);
}


int
main(int argc,
     char **argv)
{
    g_autofree char *name = g_path_get_basename(argv[0]);
    g_autofree char *relative = NULL;
    g_autofree char *corpus = NULL;
    g_autoptr(GPtrArray) paths = g_ptr_array_new_with_free_func(g_free);
    g_autoptr(GError) err = NULL;
    g_autoptr(GDir) dir = NULL;
    const char *file;
    guint i;

    testInit(&argc, &argv);

    g_assert_true(g_str_has_prefix(name, "fuzz-"));
    relative = g_strdup_printf("tests/fuzz/corpus-%s", name + strlen("fuzz-"));
    corpus = testSourcePath(relative);
    dir = g_dir_open(corpus, 0, &err);
    g_assert_no_error(err);
    while ((file = g_dir_read_name(dir)))
        g_ptr_array_add(paths, g_build_filename(corpus, file, NULL));
    g_assert_cmpuint(paths->len, >, 0);
    g_ptr_array_sort(paths, compareNames);

    for (i = 0; i < paths->len; i++) {
        g_autofree char *base = g_path_get_basename(g_ptr_array_index(paths, i));
        g_autofree char *test = g_strdup_printf("/%s/%s", name, base);

        g_test_add_data_func(test, g_ptr_array_index(paths, i), replay);
    }
    return g_test_run();
}
