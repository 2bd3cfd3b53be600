/*
 * xmllimitstest.c: the limits of documents
 *
 * Tests each limit: a document at the limit passes, and one beyond it does not. An error or a
 * comment before the part that exceeds the limit makes no difference.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <config.h>

#include "emulatedpci_error.h"
#include "emulatedpci_xml.h"
#include "emulatedpci_xml_limits.h"
#include "projection.h"
#include "testutils.h"

#include <string.h>

#define MAX_LEN (64 * 1024 * 1024)


static void
testFacts(void)
{
    static const struct {
        const char *xml;
        const char *found;      /* d: a document type, e: the element, r: the element is the root */
    } cases[] = {
        { "", "" },
        { "x", "" },
        { "<", "" },
        { "<a", "" },
        { "<e", "er" },
        { "<e/>", "er" },
        { "<e>", "er" },
        { "<e\n>", "er" },
        { "<e a='1'/>", "er" },
        { "<ee/>", "" },
        { "<x:e/>", "" },
        { "</e>", "" },
        { "<a><e/></a>", "e" },
        { "<a b='<'><e/></a>", "e" },
        { "<a b='>' c=\"'>\"><e/></a>", "e" },
        { "<a b='<e/>'/>", "" },
        { "<a/><e/>", "e" },
        { "<!-- <e/> --><a/>", "" },
        { "<!-- <e/> --><e/>", "er" },
        { "<!--> <e/> --><a/>", "" },
        { "<!-- <e/> ", "" },
        { "<?p <e/> ?><a/>", "" },
        { "<?p?><e/>", "er" },
        { "<?xml version='1.0'?>\n<e/>", "er" },
        { "<a><![CDATA[<e/>]]></a>", "" },
        { "<a><![CDATA[<a>]]><e/></a>", "e" },
        { "<a><![CDATA[ ]]", "" },
        { "<!DOCTYPE a><a/>", "d" },
        { "<!DOCTYPE a><e/>", "der" },
        { "<!DOCTYPE e><a/>", "de" },
        { "<!DOCTYPE a", "d" },
        { "<!DOCTYPE a SYSTEM '>'><a/>", "d" },
        { "<!DOCTYPE a SYSTEM '[' []><e/>", "der" },
        { "<!DOCTYPE a [<!ENTITY x ']>'>]><e/>", "der" },
        { "<!DOCTYPE a [<!ENTITY x '<e/>'>]><a/>", "de" },
        { "<!DOCTYPE a [<!ENTITY x '<!--'>]><e/>", "der" },
        { "<!DOCTYPE a [<!-- ]> ' -->]><e/>", "der" },
        { "<!DOCTYPE a [<?p ]> ' ?>]><e/>", "der" },
        { "<!DOCTYPE a [%p;]><e/>", "der" },
        { "<!-- <!DOCTYPE a> --><e/>", "er" },
        { "<!doctype a><e/>", "e" },
    };
    gsize i;

    for (i = 0; i < G_N_ELEMENTS(cases); i++) {
        const gsize len = strlen(cases[i].xml);
        /* The exact size, so that AddressSanitizer detects a read beyond the end. */
        g_autofree char *copy = len > 0 ? g_memdup2(cases[i].xml, len) : g_strdup("");
        EmulatedPCIXMLFacts facts;
        char found[4] = "";

        emulatedPCIXMLLook(copy, len, "e", &facts);
        g_snprintf(found, sizeof(found), "%s%s%s", facts.hasDoctype ? "d" : "",
                   facts.hasElement ? "e" : "", facts.isRoot ? "r" : "");
        g_assert_cmpint(facts.exceeded, ==, EMULATED_PCI_XML_LIMIT_NONE);
        if (strcmp(found, cases[i].found) != 0) {
            g_test_message("%s: '%s', not '%s'", cases[i].xml, found, cases[i].found);
            g_test_fail();
        }
    }
}


/* Returns HEAD, COUNT times PIECE (with %u replaced by the number), and TAIL. */
static char *
makeDocument(const char *head, const char *piece, guint count, const char *tail)
{
    g_auto(GStrv) parts = g_strsplit(piece, "%u", -1);
    GString *xml = g_string_new(head);
    guint i;

    for (i = 0; i < count; i++) {
        g_autofree char *number = g_strdup_printf("%u", i);
        g_autofree char *text = g_strjoinv(number, parts);

        g_string_append(xml, text);
    }
    g_string_append(xml, tail);
    return g_string_free(xml, FALSE);
}


static void
assertLimit(const char *xml, const char *message)
{
    g_autoptr(GError) err = NULL;
    xmlDocPtr doc = emulatedPCIXMLParse(xml, strlen(xml), MAX_LEN, NULL, &err);

    if (message) {
        g_assert_error(err, EMULATED_PCI_ERROR, VIR_ERR_XML_ERROR);
        g_assert_cmpstr(err->message, ==, message);
        g_assert_null(doc);
        return;
    }
    g_assert_no_error(err);
    g_assert_nonnull(doc);
    xmlFreeDoc(doc);
}


/* In each case, COUNT is the maximum that is accepted. */
static void
testLimits(void)
{
    static const struct {
        const char *head;
        const char *piece;
        const char *tail;
        guint count;
        const char *message;
    } cases[] = {
        { "<a>\n<b", " a%u=''", "/></a>", EMULATED_PCI_XML_ATTRIBUTES_MAX,
          "too many attributes in the element at line 2: at most 256 are allowed" },
        { "<a xmlns='u'>\n<b", " xmlns:a%u='u'", "/></a>", EMULATED_PCI_XML_NAMESPACES_MAX - 1,
          "too many namespace declarations at line 2: at most 128 in an element and its ancestors "
          "are allowed" },
        { "<a>", "<b xmlns='u%u'>", "", EMULATED_PCI_XML_NAMESPACES_MAX,
          "too many namespace declarations at line 1: at most 128 in an element and its ancestors "
          "are allowed" },
        { "", "<a>", "", EMULATED_PCI_XML_DEPTH_MAX,
          "elements are nested too deeply at line 1: at most 256 levels are allowed" },
    };
    gsize i;

    for (i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *most = makeDocument(cases[i].head, cases[i].piece, cases[i].count,
                                             cases[i].tail);
        g_autofree char *more = makeDocument(cases[i].head, cases[i].piece, cases[i].count + 1,
                                             cases[i].tail);
        EmulatedPCIXMLFacts facts;

        emulatedPCIXMLLook(most, strlen(most), "x", &facts);
        g_assert_cmpint(facts.exceeded, ==, EMULATED_PCI_XML_LIMIT_NONE);
        assertLimit(more, cases[i].message);
    }
}


/* Declarations count only while their element is open, so their total number is not limited. */
static void
testNamespaceScope(void)
{
    g_autofree char *xml = makeDocument("<a>", "<b xmlns:p='u'/><c xmlns:q='u'></c>", 10000, "</a>");

    assertLimit(xml, NULL);
}


/* A few names with equal hashes count once: a tenth more is always too many. */
static void
testNames(void)
{
    static const char *const pieces[] = {
        "<n%u/>", "<a n%u=''/>", "<p%u:a/>", "<?n%u?>", "<a xmlns:p='u%u'/>",
    };
    gsize i;

    for (i = 0; i < G_N_ELEMENTS(pieces); i++) {
        g_autofree char *most = makeDocument("<a>", pieces[i], EMULATED_PCI_XML_NAMES_MAX - 3, "</a>");
        g_autofree char *more = makeDocument("<a>", pieces[i], EMULATED_PCI_XML_NAMES_MAX * 11 / 10,
                                             "</a>");
        g_autofree char *same = makeDocument("<a>", "<b a=''/>", EMULATED_PCI_XML_NAMES_MAX * 2, "</a>");

        assertLimit(most, NULL);
        assertLimit(same, NULL);
        assertLimit(more, "too many different names in the document up to line 1: "
                    "at most 4096 are allowed");
    }
}


/* --- lowering */

#define CONFIG "<config vendorid='1' deviceid='2'/>"
#define DEVICE "<emulatedpci devicename='d'>" CONFIG "</emulatedpci>"
#define DEVICES "<devices><emulator>/usr/bin/qemu-system-x86_64</emulator>" DEVICE "</devices>"


static ProjectionResult
lower(const char *xml, GError **err)
{
    g_autofree char *out = NULL;
    gsize outlen;

    return projectionLower(xml, strlen(xml), NULL, &out, &outlen, err);
}


/* Documents without the element pass with any size. The part that the parser does not read
 * because of an earlier error is not counted. */
static void
testOthersPass(void)
{
    g_autofree char *many = makeDocument("<domain type='qemu'", " a%u=''", 1000, "");
    g_autofree char *without = g_strconcat(many, "><!-- " DEVICE " --></domain>", NULL);
    g_autofree char *with = g_strconcat(many, ">" DEVICES "</domain>", NULL);
    g_autoptr(GError) err = NULL;

    g_assert_cmpint(lower(without, &err), ==, PROJECTION_UNCHANGED);
    g_assert_no_error(err);
    g_assert_cmpint(lower(with, &err), ==, PROJECTION_ERROR);
    g_assert_error(err, EMULATED_PCI_ERROR, VIR_ERR_XML_ERROR);
}


/* The stored elements of a document have a limit, too. */
static void
testObjects(void)
{
    static const struct {
        const char *head;
        const char *piece;
        const char *tail;
    } cases[] = {
        { "<domain type='qemu'><devices><emulatedpci>", "<a/>", "</emulatedpci></devices></domain>" },
        { "<domain type='qemu'><devices><emulatedpci>", "<a b='' c='' d='' e=''/>",
          "</emulatedpci></devices></domain>" },
        { "<domain type='qemu'><devices>", "<emulatedpci/>", "</devices></domain>" },
        { "<domain type='qemu' xmlns:q='http://libvirt.org/schemas/domain/qemu/1.0'>" DEVICES,
          "<q:override/>", "</domain>" },
        { "<domain type='qemu' xmlns:q='http://libvirt.org/schemas/domain/qemu/1.0'>" DEVICES
          "<q:override>", "<q:device/>", "</q:override></domain>" },
        { "<domainsnapshot><domain type='qemu'>" DEVICES "</domain>", "<domain/>",
          "</domainsnapshot>" },
        { "<domain type='qemu'>" DEVICES "<name>", "&e%u;", "</name></domain>" },
        { "<domain type='qemu'>" DEVICES "<name a='", "&e%u;", "'/></domain>" },
    };
    gsize i;

    for (i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *xml = makeDocument(cases[i].head, cases[i].piece, 300000, cases[i].tail);
        g_autoptr(GError) err = NULL;

        g_assert_cmpint(lower(xml, &err), ==, PROJECTION_ERROR);
        g_assert_error(err, EMULATED_PCI_ERROR, VIR_ERR_XML_ERROR);
        g_assert_cmpstr(err->message, ==,
                        "too many elements for emulated PCI devices in the document");
    }
}


/* The indentation of a line is repeated on every line that is written. One indentation must not
 * become thousands of times as long. */
static void
testIndentation(void)
{
    g_autofree char *blank = g_strnfill(1000000, ' ');
    g_autofree char *devices = makeDocument("<devices><emulator>/usr/bin/qemu-system-x86_64</emulator>",
                                            DEVICE, 100, "</devices>");
    g_autofree char *xml = g_strconcat("<domain type='qemu'>", devices, "\n", blank,
                                       "<name>x</name>\n</domain>", NULL);
    g_autoptr(GError) err = NULL;
    g_autofree char *out = NULL;
    gsize outlen;

    g_assert_cmpint(projectionLower(xml, strlen(xml), NULL, &out, &outlen, &err), ==,
                    PROJECTION_CHANGED);
    g_assert_no_error(err);
    g_assert_cmpuint(outlen, <, strlen(xml) + 100 * 20 * 500);
}


int
main(int argc, char **argv)
{
    testInit(&argc, &argv);

    g_test_add_func("/xml-limits/facts", testFacts);
    g_test_add_func("/xml-limits/limits", testLimits);
    g_test_add_func("/xml-limits/namespace-scope", testNamespaceScope);
    g_test_add_func("/xml-limits/names", testNames);
    g_test_add_func("/xml-limits/others-pass", testOthersPass);
    g_test_add_func("/xml-limits/objects", testObjects);
    g_test_add_func("/xml-limits/indentation", testIndentation);
    return g_test_run();
}
