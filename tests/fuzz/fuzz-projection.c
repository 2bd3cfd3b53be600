/*
 * fuzz-projection.c: any bytes as a document to lower and to lift
 *
 * Tests the promises of projection.h for any document: lowering or lifting twice has the same
 * result as once, lifting reverses lowering, a lifted document can be lowered again, and each
 * result is well-formed XML.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <config.h>

#include "emulatedpci_error.h"
#include "fuzz.h"
#include "projection.h"
#include "projection_scan.h"

#include <string.h>

/* Longer than any message of this project, including the line of XML that it shows. */
#define MESSAGE_MAX 2000

/* All names with this prefix have the same definition. */
#define DEFINED "emulatedpci_"


static const EmulatedPCIDef *
findDefinition(const char *name,
               void *opaque G_GNUC_UNUSED,
               GError **err)
{
    static EmulatedPCIDef def = {
        .fields.devicename = "defined",
        .fields.value = {
            [EMULATED_PCI_FIELD_VENDORID] = 0x5853,
            [EMULATED_PCI_FIELD_DEVICEID] = 0xc000,
            [EMULATED_PCI_FIELD_CLASSCODE] = 0xff8000,
        },
        .definition = (char *) "emulatedpci_defined",
    };

    if (g_str_has_prefix(name, DEFINED))
        return &def;
    emulatedPCIReportError(err, VIR_ERR_CONFIG_UNSUPPORTED, "no definition");
    return NULL;
}


static const ProjectionOptions options = {
    .launchDir = "/launch",
    .qemuDir = "/usr/bin",
    .definition = findDefinition,
};

typedef ProjectionResult (*Projection)(const char *xml,
                                       gsize len,
                                       const ProjectionOptions *opts,
                                       char **out,
                                       gsize *outlen,
                                       GError **err);


static void
checkError(const GError *err)
{
    g_assert_nonnull(err);
    g_assert_true(err->domain == EMULATED_PCI_ERROR);
    g_assert_true(err->code == VIR_ERR_XML_ERROR || err->code == VIR_ERR_CONFIG_UNSUPPORTED);
    g_assert_cmpuint(strlen(err->message), >, 0);
    g_assert_cmpuint(strlen(err->message), <, MESSAGE_MAX);
    g_assert_true(g_utf8_validate(err->message, -1, NULL));
}


/* The result of a projection, newly allocated; NULL if there is none. */
static GString *
project(Projection projection,
        const char *xml,
        gsize len)
{
    g_autofree char *out = NULL;
    g_autoptr(GError) err = NULL;
    gsize outlen = 0;

    switch (projection(xml, len, &options, &out, &outlen, &err)) {
    case PROJECTION_ERROR:
        checkError(err);
        g_assert_null(out);
        return NULL;
    case PROJECTION_UNCHANGED:
        g_assert_no_error(err);
        g_assert_null(out);
        return g_string_new_len(xml, len);
    case PROJECTION_CHANGED:
        break;
    }

    g_assert_no_error(err);
    g_assert_cmpuint(strlen(out), ==, outlen);
    g_assert_false(outlen == len && memcmp(out, xml, len) == 0);
    return g_string_new_len(out, outlen);
}


static void
checkSame(const GString *a,
          const GString *b)
{
    g_assert_nonnull(a);
    g_assert_nonnull(b);
    g_assert_cmpmem(a->str, a->len, b->str, b->len);
}


static void
checkIsXML(const GString *text)
{
    g_autoptr(ProjectionDocument) doc = NULL;
    g_autoptr(GError) err = NULL;

    doc = projectionScan(text->str, text->len, &err);
    g_assert_no_error(err);
}


static void
freeString(GString *str)
{
    if (str)
        g_string_free(str, TRUE);
}


/* Returns the lifted XML, or NULL if it is unchanged. */
static void
checkLift(const char *xml,
          gsize len)
{
    GString *lifted = project(projectionLift, xml, len);
    GString *again = NULL;

    if (lifted && (lifted->len != len || memcmp(lifted->str, xml, len) != 0)) {
        checkIsXML(lifted);
        again = project(projectionLift, lifted->str, lifted->len);
        checkSame(lifted, again);
    }
    freeString(again);
    freeString(lifted);
}


static void
checkLower(const char *xml,
           gsize len)
{
    GString *lowered = project(projectionLower, xml, len);
    GString *loweredTwice = NULL;
    GString *lifted = NULL;
    GString *again = NULL;
    GString *end = NULL;

    if (!lowered || (lowered->len == len && memcmp(lowered->str, xml, len) == 0)) {
        freeString(lowered);
        return;
    }

    checkIsXML(lowered);
    loweredTwice = project(projectionLower, lowered->str, lowered->len);
    checkSame(lowered, loweredTwice);

    /* The lowered document must be lifted. */
    lifted = project(projectionLift, lowered->str, lowered->len);
    g_assert_nonnull(lifted);
    checkIsXML(lifted);
    g_assert_nonnull(memmem(lifted->str, lifted->len, "<emulatedpci", strlen("<emulatedpci")));

    /* It can be lowered again, unless the original document contained devices that lowering does
     * not create: two functions of a slot without multifunction. */
    again = project(projectionLower, lifted->str, lifted->len);
    if (again) {
        end = project(projectionLift, again->str, again->len);
        checkSame(lifted, end);
    }

    freeString(lowered);
    freeString(loweredTwice);
    freeString(lifted);
    freeString(again);
    freeString(end);
}


int
LLVMFuzzerTestOneInput(const uint8_t *data,
                       size_t size)
{
    checkLower((const char *) data, size);
    checkLift((const char *) data, size);
    return 0;
}
