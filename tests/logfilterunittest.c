/*
 * logfilterunittest.c: the lines of QEMU that are omitted from the log
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <config.h>

#include "log_lines.h"
#include "testutils.h"

#include <string.h>

#define REPEATED "qemu-system-x86_64: Unable to write to socket: Bad file descriptor\n"


static void
addToString(const char *data,
            size_t len,
            void *opaque)
{
    GString *string = opaque;

    g_assert_cmpuint(len, >, 0);
    g_assert_cmpuint(len, <=, LOG_LINES_MAX);
    g_string_append_len(string, data, len);
}


/* Returns the filtered text of the LEN bytes of TEXT, which arrive in pieces of up to MOST
 * bytes. */
static GString *
filter(const char *text,
       size_t len,
       size_t most)
{
    g_autofree LogLines *lines = g_new0(LogLines, 1);
    GString *result = g_string_new(NULL);
    size_t done = 0;

    while (done < len) {
        size_t piece = g_test_rand_int_range(1, most + 1);

        piece = MIN(piece, len - done);
        logLinesAdd(lines, text + done, piece, addToString, result);
        done += piece;
    }
    logLinesFlush(lines, addToString, result);
    g_assert_cmpuint(lines->len, ==, 0);
    return result;
}


static void
check(const char *text,
      const char *expected)
{
    static const size_t most[] = { 1, 2, 7, 100, 100000 };
    size_t i;

    for (i = 0; i < G_N_ELEMENTS(most); i++) {
        GString *result = filter(text, strlen(text), most[i]);

        g_assert_cmpstr(result->str, ==, expected);
        g_string_free(result, TRUE);
    }
}


static void
testLines(void)
{
    check("", "");
    check("one", "one");
    check("one\n\ntwo\n", "one\n\ntwo\n");
    check(REPEATED, REPEATED);
    check(REPEATED REPEATED REPEATED, REPEATED);
    check("a\n" REPEATED "b\n" REPEATED "c", "a\n" REPEATED "b\nc");
    /* with a different time, and for a device on the command line */
    check("2026-11-29T18:25:22.587013Z " REPEATED "2026-11-29T18:25:22.587099Z " REPEATED,
          "2026-11-29T18:25:22.587013Z " REPEATED);
    check(REPEATED "qemu-system-x86_64: -device {\"driver\":\"x-pci-proxy-dev\"}: "
          "Unable to write to socket: Bad file descriptor\nend\n", REPEATED "end\n");
    /* in a monitor command */
    check("Unable to write to socket: Bad file descriptor\n" REPEATED
          "2026-11-29T18:25:22.587013Z Unable to write to socket: Bad file descriptor\n",
          "Unable to write to socket: Bad file descriptor\n");
    /* other messages */
    check(REPEATED "qemu: Unable to write to socket: Broken pipe\n",
          REPEATED "qemu: Unable to write to socket: Broken pipe\n");
    check(REPEATED "xUnable to write to socket: Bad file descriptor\n",
          REPEATED "xUnable to write to socket: Bad file descriptor\n");
    check(REPEATED "x" REPEATED "y", REPEATED "y");
    check(REPEATED "a: Unable to write to socket: Bad file descriptor", REPEATED
          "a: Unable to write to socket: Bad file descriptor");
    check(REPEATED "a: Unable to write to socket: Bad file descriptor.\n", REPEATED
          "a: Unable to write to socket: Bad file descriptor.\n");
}


/* Lines with about the maximum length that can be held back, and lines with NUL bytes */
static void
testLong(void)
{
    size_t size;

    for (size = LOG_LINES_MAX - 3; size <= LOG_LINES_MAX + 3; size++) {
        g_autofree char *line = g_strnfill(size, 'x');
        g_autofree char *text = g_strconcat(line, REPEATED, REPEATED, line, "\n", REPEATED, NULL);
        /* The first message counts unless its line was too long. */
        g_autofree char *expected = g_strconcat(line, REPEATED, REPEATED, line, "\n", NULL);

        check(text, expected);
    }
    for (size = 1; size < 3; size++) {
        static const char bytes[] = "a\0b\n\0\n" REPEATED "\0" REPEATED "c\0";
        static const char expected[] = "a\0b\n\0\n" REPEATED "c\0";
        GString *result = filter(bytes, sizeof(bytes) - 1, size);

        g_assert_cmpmem(result->str, result->len, expected, sizeof(expected) - 1);
        g_string_free(result, TRUE);
    }
}


/* The beginning of a line was written to the log already, since the rest came late: the line is
 * kept. */
static void
testFlush(void)
{
    static const char end[] = "to socket: Bad file descriptor\n";
    g_autofree LogLines *lines = g_new0(LogLines, 1);
    GString *result = g_string_new(NULL);

    logLinesAdd(lines, REPEATED, strlen(REPEATED), addToString, result);
    logLinesAdd(lines, "qemu: Unable to write ", 22, addToString, result);
    logLinesFlush(lines, addToString, result);
    logLinesFlush(lines, addToString, result);
    logLinesAdd(lines, end, strlen(end), addToString, result);
    logLinesAdd(lines, REPEATED "z", strlen(REPEATED) + 1, addToString, result);
    logLinesFlush(lines, addToString, result);
    g_assert_cmpstr(result->str, ==, REPEATED "qemu: Unable to write to socket: Bad file descriptor\nz");
    g_string_free(result, TRUE);
}


/* Lines of all kinds, in pieces of all sizes */
static void
testRandom(void)
{
    static const char *const kinds[] = {
        "\n", "x\n", REPEATED, ("time " REPEATED), "another line\n", "qemu: Bad file descriptor\n",
    };
    int i;

    for (i = 0; i < 200; i++) {
        GString *text = g_string_new(NULL);
        GString *expected = g_string_new(NULL);
        gboolean seen = FALSE;
        GString *result;
        int n = g_test_rand_int_range(0, 300);

        while (n-- > 0) {
            const char *line = kinds[g_test_rand_int_range(0, G_N_ELEMENTS(kinds))];

            g_string_append(text, line);
            if (!g_str_has_suffix(line, REPEATED) || !seen)
                g_string_append(expected, line);
            seen = seen || g_str_has_suffix(line, REPEATED);
        }
        result = filter(text->str, text->len, g_test_rand_int_range(1, 9000));
        g_assert_cmpmem(result->str, result->len, expected->str, expected->len);
        g_string_free(text, TRUE);
        g_string_free(expected, TRUE);
        g_string_free(result, TRUE);
    }
}


int
main(int argc,
     char **argv)
{
    testInit(&argc, &argv);

    g_test_add_func("/logfilter/lines", testLines);
    g_test_add_func("/logfilter/long", testLong);
    g_test_add_func("/logfilter/flush", testFlush);
    g_test_add_func("/logfilter/random", testRandom);

    return g_test_run();
}
