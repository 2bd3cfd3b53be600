/*
 * fuzz-definition-store.c: any bytes as a definition
 *
 * Each accepted definition must be unchanged after it has been written and read again, and must be
 * small enough for a file.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <config.h>

#include "definition_store.h"
#include "fuzz.h"

#include <string.h>

/* Longer than any message of this project. */
#define MESSAGE_MAX 2000


static void
checkError(const GError *err)
{
    g_assert_nonnull(err);
    g_assert_true(err->domain == EMULATED_PCI_ERROR);
    g_assert_cmpuint(strlen(err->message), >, 0);
    g_assert_cmpuint(strlen(err->message), <, MESSAGE_MAX);
    g_assert_true(g_utf8_validate(err->message, -1, NULL));
    g_assert_null(strchr(err->message, '\n'));
}


static void
checkStored(const char *xml,
            gsize len)
{
    g_autoptr(EmulatedPCIDefinition) definition = NULL;
    g_autoptr(EmulatedPCIDefinition) again = NULL;
    g_autofree char *first = NULL;
    g_autofree char *second = NULL;
    g_autoptr(GError) err = NULL;

    definition = emulatedPCIDefinitionParse(xml, len, TRUE, &err);
    if (!definition || definition->basis ||
        !emulatedPCIDefinitionFill(definition, NULL, &err)) {
        g_assert_true(err || definition->basis);
        return;
    }

    first = emulatedPCIDefinitionFormat(definition, TRUE);
    if (strlen(first) > EMULATED_PCI_DEFINITION_XML_MAX)
        return;
    again = emulatedPCIDefinitionParse(first, strlen(first), TRUE, &err);
    g_assert_no_error(err);
    g_assert_true(emulatedPCIDefinitionFill(again, NULL, &err));
    g_assert_cmpstr(definition->name, ==, again->name);
    g_assert_cmpstr(definition->uuid, ==, again->uuid);
    g_assert_cmpstr(definition->description, ==, again->description);
    g_assert_cmpint(definition->autostart, ==, again->autostart);
    g_assert_true(emulatedPCIDefEqualFields(definition->def, again->def));
    second = emulatedPCIDefinitionFormat(again, TRUE);
    g_assert_cmpstr(first, ==, second);
}


int
LLVMFuzzerTestOneInput(const uint8_t *data,
                       size_t size)
{
    static const char basis[] =
        "<device><name>emulatedpci_basis</name><uuid>11111111-2222-3333-4444-555555555555</uuid>"
        "<capability type='emulatedpci' devicename='basis'><config vendorid='1' deviceid='2'/>"
        "</capability></device>";
    g_autoptr(DefinitionStore) store = definitionStoreNew();
    const StoredDefinition *definition;
    g_autofree char *copy = g_strndup((const char *) data, size);
    g_autofree char *shown = NULL;
    g_autoptr(GError) err = NULL;

    checkStored((const char *) data, size);

    g_assert_nonnull(definitionStoreCreate(store, basis, strlen(basis), NULL));
    definition = definitionStoreCreate(store, (const char *) data, size, &err);
    if (definition) {
        g_assert_no_error(err);
        g_assert_true(emulatedPCIDefinitionNameIsValid(definition->name));
        g_assert_true(definitionStoreFind(store, definition->uuid) == definition);
        g_assert_true(definitionStoreFind(store, definition->name) == definition);
        g_assert_true(definitionStoreResolve(definition->name, store, NULL) == definition->def);
        g_assert_true(emulatedPCIDefValidateFields(definition->def, NULL));
        shown = storedDefinitionFormat(definition);
        g_assert_true(g_utf8_validate(shown, -1, NULL));
    } else {
        checkError(err);
    }

    /* any bytes as a name */
    g_clear_error(&err);
    if (!definitionStoreResolve(copy, store, &err))
        checkError(err);
    return 0;
}
