/*
 * fuzz-conf.c: any bytes as the XML of a device
 *
 * Each device that is parsed can be formatted, and parsing the result gives the same device. An
 * error has a message of one line and limited length.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <config.h>

#include "emulatedpci_lint.h"
#include "fuzz.h"

#include <string.h>

/* Longer than any message of this project, and shorter than a message that repeats a malicious
 * document. */
#define MESSAGE_MAX 600


static void
checkError(const GError *err)
{
    g_assert_nonnull(err);
    g_assert_true(err->domain == EMULATED_PCI_ERROR);
    g_assert_true(err->code == VIR_ERR_XML_ERROR || err->code == VIR_ERR_CONFIG_UNSUPPORTED);
    g_assert_cmpuint(strlen(err->message), >, 0);
    g_assert_cmpuint(strlen(err->message), <, MESSAGE_MAX);
    g_assert_true(g_utf8_validate(err->message, -1, NULL));
    g_assert_null(strchr(err->message, '\n'));
}


int
LLVMFuzzerTestOneInput(const uint8_t *data,
                       size_t size)
{
    g_autoptr(EmulatedPCIDef) def = NULL;
    g_autoptr(EmulatedPCIDef) again = NULL;
    g_autoptr(GString) first = g_string_new(NULL);
    g_autoptr(GString) second = g_string_new(NULL);
    g_autoptr(GPtrArray) lints = NULL;
    g_autoptr(GError) err = NULL;

    def = emulatedPCIDefParseString((const char *) data, size, &err);
    if (!def) {
        checkError(err);
        return 0;
    }
    g_assert_no_error(err);

    if (!emulatedPCIDefValidate(def, &err)) {
        checkError(err);
        g_clear_error(&err);
    }
    lints = emulatedPCIDefLint(def);

    emulatedPCIDefFormat(def, "", size & 1 ? "\n" : "", first);
    again = emulatedPCIDefParseString(first->str, first->len, &err);
    g_assert_no_error(err);
    g_assert_true(emulatedPCIDefEqualFields(def, again));
    g_assert_true((def->driver == NULL) == (again->driver == NULL));
    g_assert_true(emulatedPCIDefValidate(def, NULL) == emulatedPCIDefValidate(again, NULL));

    emulatedPCIDefFormat(again, "", size & 1 ? "\n" : "", second);
    g_assert_cmpstr(first->str, ==, second->str);
    return 0;
}
