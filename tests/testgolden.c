/*
 * testgolden.c: golden files for versions of libvirt and QEMU
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <config.h>

#include "testgolden.h"

#include <string.h>

static const char *const programPrefix[TEST_GOLDEN_LAST] = {
    [TEST_GOLDEN_ANY] = "",
    [TEST_GOLDEN_LIBVIRT] = "libvirt-",
    [TEST_GOLDEN_QEMU] = "qemu-",
};


/* One to three digits, without a leading zero. */
static gboolean
parseNumber(const char *text, guint *number)
{
    guint64 value;

    if (!g_ascii_string_to_unsigned(text, 10, 0, 999, &value, NULL) ||
        (text[0] == '0' && text[1] != '\0'))
        return FALSE;
    *number = value;
    return TRUE;
}


gboolean
testGoldenVersionParse(const char *text, TestGoldenVersion *version)
{
    int program;

    memset(version, 0, sizeof(*version));
    if (*text == '\0')
        return TRUE;

    for (program = TEST_GOLDEN_LIBVIRT; program < TEST_GOLDEN_LAST; program++) {
        g_auto(GStrv) numbers = NULL;

        if (!g_str_has_prefix(text, programPrefix[program]))
            continue;
        version->program = program;
        numbers = g_strsplit(text + strlen(programPrefix[program]), ".", 3);
        return g_strv_length(numbers) == 2 &&
            parseNumber(numbers[0], &version->major) && parseNumber(numbers[1], &version->minor);
    }
    return FALSE;
}


char *
testGoldenVersionFormat(const TestGoldenVersion *version)
{
    if (version->program == TEST_GOLDEN_ANY)
        return g_strdup("");
    return g_strdup_printf("%s%u.%u", programPrefix[version->program],
                           version->major, version->minor);
}


gboolean
testGoldenVersionHolds(const TestGoldenVersion *version,
                       const TestGoldenInstalled installed)
{
    return version->program == TEST_GOLDEN_ANY ||
        installed[version->program] >= version->major * 1000000UL + version->minor * 1000UL;
}


int
testGoldenVersionCompare(const TestGoldenVersion *a, const TestGoldenVersion *b)
{
    if (a->program != b->program)
        return a->program < b->program ? -1 : 1;
    if (a->major != b->major)
        return a->major < b->major ? -1 : 1;
    if (a->minor != b->minor)
        return a->minor < b->minor ? -1 : 1;
    return 0;
}


gboolean
testGoldenRegenerateAs(TestGoldenVersion *version)
{
    const char *text = g_getenv("VIR_TEST_REGENERATE_VARIANT");
    TestGoldenVersion ignored;

    if (!text || *text == '\0')
        return FALSE;
    if (!testGoldenVersionParse(text, version ? version : &ignored))
        g_error("VIR_TEST_REGENERATE_VARIANT='%s': must be like libvirt-11.3 or qemu-11.1", text);
    return TRUE;
}
