/*
 * schematest.c: the RELAX NG schemas against the parser and libvirt's own
 *
 * The parser and emulatedpci.rng accept the same documents, except for those in exceptions[]. The
 * grammars that extend libvirt's accept the same documents as libvirt's, and <emulatedpci>.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <config.h>

#include "emulatedpci_definition.h"
#include "testutils.h"

#include <libxml/parser.h>
#include <libxml/relaxng.h>
#include <string.h>

#define CONFIG "<config vendorid='0x5853' deviceid='0xc000'/>"
#define DEVICE(content) "<emulatedpci devicename='dev'>" content "</emulatedpci>"

#define BYTES_18 "\303\251\303\251\303\251\303\251\303\251\303\251\303\251\303\251\303\251"
#define BYTES_54 BYTES_18 BYTES_18 BYTES_18
#define BYTES_1026 \
    BYTES_54 BYTES_54 BYTES_54 BYTES_54 BYTES_54 BYTES_54 BYTES_54 BYTES_54 BYTES_54 BYTES_54 \
    BYTES_54 BYTES_54 BYTES_54 BYTES_54 BYTES_54 BYTES_54 BYTES_54 BYTES_54 BYTES_54
#define ARG "<arg value=''/>"
#define ARGS_11 ARG ARG ARG ARG ARG ARG ARG ARG ARG ARG ARG

typedef struct {
    const char *name;       /* the name of the file, for messages */
    xmlRelaxNGPtr schema;
} Grammar;

static Grammar device;


/* --- loading grammars */

static void G_GNUC_PRINTF(2, 3)
ignoreError(void *opaque G_GNUC_UNUSED,
            const char *format G_GNUC_UNUSED,
            ...)
{
}


static void G_GNUC_PRINTF(2, 3)
collectError(void *opaque,
             const char *format,
             ...)
{
    va_list args;

    va_start(args, format);
    g_string_append_vprintf(opaque, format, args);
    va_end(args);
}


static Grammar
grammarLoad(const char *dir,
            const char *name)
{
    g_autofree char *path = g_build_filename(dir, name, NULL);
    g_autoptr(GString) errors = g_string_new(NULL);
    xmlRelaxNGParserCtxtPtr ctxt = xmlRelaxNGNewParserCtxt(path);
    Grammar grammar = { name, NULL };

    g_assert_nonnull(ctxt);
    xmlRelaxNGSetParserErrors(ctxt, collectError, collectError, errors);
    grammar.schema = xmlRelaxNGParse(ctxt);
    xmlRelaxNGFreeParserCtxt(ctxt);
    if (!grammar.schema || errors->len > 0)
        g_error("%s: %s", path, errors->str);
    return grammar;
}


static Grammar
grammarLoadOurs(const char *name)
{
    const char *top = g_getenv("abs_top_builddir");
    g_autofree char *dir = NULL;

    if (!top)
        g_error("abs_top_builddir is not set; run the tests with make check");
    dir = g_build_filename(top, "docs", "schemas", NULL);
    return grammarLoad(dir, name);
}


static Grammar
grammarLoadLibvirts(const char *name)
{
    const char *dir = g_getenv("LIBVIRT_SCHEMAS");

    if (!dir)
        g_error("LIBVIRT_SCHEMAS is not set; run the tests with make check");
    return grammarLoad(dir, name);
}


static void
grammarFree(Grammar *grammar)
{
    xmlRelaxNGFree(grammar->schema);
    grammar->schema = NULL;
}


/* Whether XML is well-formed and GRAMMAR accepts it. */
static gboolean
grammarAccepts(const Grammar *grammar,
               const char *xml)
{
    xmlDocPtr doc = xmlReadMemory(xml, strlen(xml), "test.xml", NULL,
                                  XML_PARSE_NONET | XML_PARSE_NOERROR | XML_PARSE_NOWARNING);
    xmlRelaxNGValidCtxtPtr ctxt;
    int result;

    if (!doc)
        return FALSE;
    ctxt = xmlRelaxNGNewValidCtxt(grammar->schema);
    xmlRelaxNGSetValidErrors(ctxt, ignoreError, ignoreError, NULL);
    result = xmlRelaxNGValidateDoc(ctxt, doc);
    xmlRelaxNGFreeValidCtxt(ctxt);
    xmlFreeDoc(doc);
    g_assert_cmpint(result, >=, 0);
    return result == 0;
}


static void
assertVerdict(const Grammar *grammar,
              const char *xml,
              gboolean accepted)
{
    if (grammarAccepts(grammar, xml) != accepted)
        g_error("%s %s: %s", grammar->name, accepted ? "refuses" : "accepts", xml);
}


/* --- schema and parser */

static gboolean
parserAccepts(const char *xml)
{
    g_autoptr(EmulatedPCIDef) def = emulatedPCIDefParseString(xml, strlen(xml), NULL);

    return def && emulatedPCIDefValidate(def, NULL);
}


/* Whether XML only violates the one rule that a grammar cannot express: bit 7 of headertype and
 * multifunction must agree. */
static gboolean
breaksOnlyMultifunctionRule(const char *xml)
{
    g_autoptr(EmulatedPCIDef) def = emulatedPCIDefParseString(xml, strlen(xml), NULL);

    if (!def || emulatedPCIDefValidate(def, NULL))
        return FALSE;
    def->fields.value[EMULATED_PCI_FIELD_HEADERTYPE] ^= EMULATED_PCI_HEADERTYPE_MULTIFUNCTION;
    return emulatedPCIDefValidate(def, NULL);
}


/* Checks that the parser and the schema agree on XML, except for that rule. Returns the result. */
static gboolean
assertAgree(const char *xml)
{
    const gboolean parser = parserAccepts(xml);
    const gboolean schema = grammarAccepts(&device, xml);

    if (parser != schema && !(schema && breaksOnlyMultifunctionRule(xml)))
        g_error("the parser %s, the schema %s: %s", parser ? "accepts" : "refuses",
                schema ? "accepts" : "refuses", xml);
    return parser;
}


/* All documents on which they may differ. The test fails if they agree on one of these. */
static const struct {
    const char *why;
    const char *xml;
} exceptions[] = {
    { "bit 7 of headertype without multifunction",
      DEVICE("<config vendorid='1' deviceid='1' headertype='0x80'/>") },
    { "bit 7 of headertype with multifunction off",
      DEVICE("<config vendorid='1' deviceid='1' headertype='0x80'/>"
             "<address type='pci' multifunction='off'/>") },
    { "no bit 7 of headertype with multifunction on",
      DEVICE("<config vendorid='1' deviceid='1' headertype='0x00'/>"
             "<address type='pci' multifunction='on'/>") },
    { "a schema sees no document type declaration",
      "<!DOCTYPE emulatedpci>" DEVICE(CONFIG) },
    { "a schema sees the value of an entity",
      "<!DOCTYPE emulatedpci [<!ENTITY one '1'>]>"
      DEVICE("<config vendorid='&one;' deviceid='1'/>") },
    { "a schema counts characters, not bytes",
      DEVICE(CONFIG "<driver><arg value='" BYTES_1026 "'/></driver>") },
    { "a schema does not count elements",
      DEVICE(CONFIG "<driver>" ARGS_11 ARGS_11 ARGS_11 "</driver>") },
    { "a schema sees no size", NULL },
};


static void
testException(gconstpointer opaque)
{
    const gsize i = GPOINTER_TO_SIZE(opaque);
    g_autofree char *space = g_strnfill(EMULATED_PCI_XML_MAX, ' ');
    g_autofree char *large = g_strconcat(space, DEVICE(CONFIG), NULL);
    const char *xml = exceptions[i].xml ? exceptions[i].xml : large;

    if (parserAccepts(xml) || !grammarAccepts(&device, xml))
        g_error("no exception any more: %s", exceptions[i].why);
}


static const struct {
    const char *name;
    gboolean accepted;
    const char *xml;
} documents[] = {
    { "minimal", TRUE, DEVICE(CONFIG) },
    { "declaration", TRUE, "<?xml version='1.0' encoding='UTF-8'?>\n" DEVICE(CONFIG) "\n" },
    { "order", TRUE, DEVICE("<address type='pci'/><alias name='ua-a'/>" CONFIG) },
    { "white-space", TRUE, DEVICE("\n \t" CONFIG "\r\n<alias name='ua-a'> </alias>\n") },
    { "space-in-config", TRUE, DEVICE("<config vendorid='1' deviceid='1'>\n</config>") },
    { "space-in-address", TRUE, DEVICE(CONFIG "<address type='pci'>\n</address>") },
    { "comments", TRUE, "<!-- a -->" DEVICE("<!-- b -->" CONFIG "<!-- c -->") "<!-- d -->" },
    { "comment-in-config", TRUE, DEVICE("<config vendorid='1' deviceid='1'><!-- a --></config>") },
    { "instructions", TRUE, "<?a b?>" DEVICE("<?c d?>" CONFIG) },
    { "character-references", TRUE, "<emulatedpci devicename='&#97;&#x62;'>" CONFIG "&#32;"
      "</emulatedpci>" },
    { "cdata-space", TRUE, DEVICE(CONFIG "<![CDATA[ ]]>") },
    { "unused-prefix", TRUE, "<emulatedpci xmlns:q='urn:q' devicename='a'>" CONFIG
      "</emulatedpci>" },
    { "prefixed", FALSE, "<q:emulatedpci xmlns:q='urn:q' devicename='a'>" CONFIG
      "</q:emulatedpci>" },
    { "default-namespace", FALSE, "<emulatedpci xmlns='urn:q' devicename='a'>" CONFIG
      "</emulatedpci>" },
    { "no-namespace-again", TRUE, "<emulatedpci xmlns='' devicename='a'>" CONFIG
      "</emulatedpci>" },
    { "xml-lang", FALSE, "<emulatedpci xml:lang='en' devicename='a'>" CONFIG "</emulatedpci>" },
    { "xml-space", FALSE, "<emulatedpci xml:space='preserve' devicename='a'>" CONFIG
      "</emulatedpci>" },
    { "prefixed-attribute", FALSE, "<emulatedpci xmlns:q='urn:q' q:devicename='a'>" CONFIG
      "</emulatedpci>" },
    { "prefixed-attribute-too", FALSE, "<emulatedpci xmlns:q='urn:q' devicename='a' q:x='a'>"
      CONFIG "</emulatedpci>" },
    { "no-break-space", FALSE, DEVICE(CONFIG "\302\240") },
    { "text", FALSE, DEVICE(CONFIG "x") },
    { "cdata", FALSE, DEVICE(CONFIG "<![CDATA[x]]>") },
    { "text-in-config", FALSE, DEVICE("<config vendorid='1' deviceid='1'>x</config>") },
    { "text-in-alias", FALSE, DEVICE(CONFIG "<alias name='ua-a'>x</alias>") },
    { "text-in-address", FALSE, DEVICE(CONFIG "<address type='pci'>x</address>") },
    { "element-in-alias", FALSE, DEVICE(CONFIG "<alias name='ua-a'><x/></alias>") },
    { "zpci", FALSE, DEVICE(CONFIG "<address type='pci'><zpci uid='1'/></address>") },
    { "driver", TRUE, DEVICE(CONFIG "<driver emulator='x'/>") },
    { "driver-full", TRUE, DEVICE("<driver emulator='x' version='vfio-user' stubdomain='no' "
      "model='/usr/bin/x'><arg value=''/><arg value='&lt;\303\244'/></driver>" CONFIG) },
    { "driver-version", TRUE, DEVICE(CONFIG "<driver version='mpqemu' model='/x'/>") },
    { "driver-stubdomain", TRUE, DEVICE(CONFIG "<driver stubdomain='yes'/>") },
    { "driver-model", TRUE, DEVICE(CONFIG "<driver model='/x'><arg value='a'/></driver>") },
    { "driver-arg", TRUE, DEVICE(CONFIG "<driver><arg value='a'/></driver>") },
    { "driver-pid", TRUE, DEVICE(CONFIG "<driver pid='1'/>") },
    { "driver-empty", FALSE, DEVICE(CONFIG "<driver/>") },
    { "driver-twice", FALSE, DEVICE(CONFIG "<driver pid='1'/><driver pid='1'/>") },
    { "driver-unknown", FALSE, DEVICE(CONFIG "<driver name='x'/>") },
    { "driver-child", FALSE, DEVICE(CONFIG "<driver pid='1'><x/></driver>") },
    { "driver-pid-and-version", FALSE, DEVICE(CONFIG "<driver pid='1' version='mpqemu'/>") },
    { "driver-pid-and-arg", FALSE, DEVICE(CONFIG "<driver pid='1'><arg value=''/></driver>") },
    { "socket", TRUE, DEVICE("<driver socket='/x'/>") },
    { "socket-version", TRUE, DEVICE("<driver socket='/x' version='vfio-user'/>") },
    { "socket-config", TRUE, DEVICE("<driver socket='/x'/><config/><alias name='ua-a'/>") },
    { "socket-fields", TRUE, DEVICE("<config vendorid='1' deviceid='1' classcode='1' subvendorid='1' "
      "subsystemid='1'/><driver socket='/x'/><address type='pci'/>") },
    { "socket-some", TRUE, DEVICE("<driver socket='/x'/><config deviceid='0xffff'/>") },
    { "socket-vendor", FALSE, DEVICE("<driver socket='/x'/><config vendorid='0'/>") },
    { "socket-other-field", FALSE, DEVICE("<driver socket='/x'/>"
      "<config vendorid='1' deviceid='1' revision='1'/>") },
    { "socket-relative", FALSE, DEVICE("<driver socket='x'/>") },
    { "socket-root", FALSE, DEVICE("<driver socket='/'/>") },
    { "socket-mpqemu", FALSE, DEVICE("<driver socket='/x' version='mpqemu'/>") },
    { "socket-and-emulator", FALSE, DEVICE(CONFIG "<driver socket='/x' emulator='x'/>") },
    { "socket-and-model", FALSE, DEVICE(CONFIG "<driver socket='/x' model='/x'/>") },
    { "socket-and-stubdomain", FALSE, DEVICE(CONFIG "<driver socket='/x' stubdomain='no'/>") },
    { "socket-and-pid", FALSE, DEVICE(CONFIG "<driver socket='/x' pid='1'/>") },
    { "socket-and-arg", FALSE, DEVICE(CONFIG "<driver socket='/x'><arg value=''/></driver>") },
    { "socket-definition", FALSE, "<emulatedpci definition='a'><driver socket='/x'/></emulatedpci>" },
    { "socket-no-name", FALSE, "<emulatedpci><driver socket='/x'/></emulatedpci>" },
    { "arg-without-value", FALSE, DEVICE(CONFIG "<driver><arg/></driver>") },
    { "arg-with-text", FALSE, DEVICE(CONFIG "<driver><arg value=''>x</arg></driver>") },
    { "arg-control", FALSE, DEVICE(CONFIG "<driver><arg value='&#9;'/></driver>") },
    { "arg-control-c1", FALSE, DEVICE(CONFIG "<driver><arg value='&#133;'/></driver>") },
    { "arg-delete", FALSE, DEVICE(CONFIG "<driver><arg value='&#127;'/></driver>") },
    { "definition-only", TRUE, "<emulatedpci definition='emulatedpci_a'/>" },
    { "definition-no-name", TRUE, "<emulatedpci definition='a'>" CONFIG "</emulatedpci>" },
    { "definition-no-config", TRUE, "<emulatedpci definition='a' devicename='d'>"
      "<alias name='ua-a'/><address type='pci'/></emulatedpci>" },
    { "definition-some", TRUE, "<emulatedpci definition='a'><alias name='ua-a'/>"
      "<config interruptpin='9'/></emulatedpci>" },
    { "definition-empty-config", TRUE, "<emulatedpci definition='a' index='1'><config/>"
      "</emulatedpci>" },
    { "definition-wrong-vendor", FALSE, "<emulatedpci definition='a'>"
      "<config vendorid='0xffff'/></emulatedpci>" },
    { "definition-wrong-name", FALSE, "<emulatedpci definition='a' devicename=''/>" },
    { "definition-two-configs", FALSE, "<emulatedpci definition='a'><config/><config/>"
      "</emulatedpci>" },
    { "definition-text", FALSE, "<emulatedpci definition='a'>x</emulatedpci>" },
    { "nothing", FALSE, "<emulatedpci/>" },
    { "drive-address", FALSE, DEVICE(CONFIG "<address type='drive'/>") },
    { "no-config", FALSE, DEVICE("") },
    { "nested", FALSE, DEVICE(CONFIG DEVICE(CONFIG)) },
    { "other-root", FALSE, CONFIG },
    { "not-xml", FALSE, "x" },
    { "unclosed", FALSE, "<emulatedpci devicename='a'>" CONFIG },
    { "line-break-in-value", FALSE, "<emulatedpci devicename='a\n'>" CONFIG "</emulatedpci>" },
};


static void
testDocument(gconstpointer opaque)
{
    const gsize i = GPOINTER_TO_SIZE(opaque);

    g_assert_cmpint(assertAgree(documents[i].xml), ==, documents[i].accepted);
}


/* --- every value of every attribute */

/* All attributes, each with a document that is valid except for its value, and a valid value. */
static const struct {
    const char *name;
    const char *head;
    const char *tail;
    guint32 max;        /* of a number; 0: not a number */
    const char *right;
} attributes[] = {
#define IN_CONFIG "<emulatedpci devicename='d'><config vendorid='1' deviceid='1' "
#define AFTER_CONFIG "/></emulatedpci>"
#define IN_ADDRESS "<emulatedpci devicename='d'>" CONFIG "<address type='pci' "
#define IN_DRIVER "<emulatedpci devicename='d'>" CONFIG "<driver "
    { "devicename", "<emulatedpci ", ">" CONFIG "</emulatedpci>", 0, "citrix-pv-bus" },
    { "index", "<emulatedpci devicename='d' ", ">" CONFIG "</emulatedpci>", 9999, "5" },
    { "definition", "<emulatedpci devicename='d' ", ">" CONFIG "</emulatedpci>", 0, "a.b_c-d" },
    { "vendorid", "<emulatedpci devicename='d'><config deviceid='1' ", AFTER_CONFIG, 0xffff, "1" },
    { "deviceid", "<emulatedpci devicename='d'><config vendorid='1' ", AFTER_CONFIG, 0xffff, "0" },
    { "command", IN_CONFIG, AFTER_CONFIG, 0xffff, "0" },
    { "status", IN_CONFIG, AFTER_CONFIG, 0xffff, "0" },
    { "revision", IN_CONFIG, AFTER_CONFIG, 0xff, "0" },
    { "classcode", IN_CONFIG, AFTER_CONFIG, 0xffffff, "0" },
    { "headertype", IN_CONFIG, AFTER_CONFIG, 0xff, "0" },
    { "subvendorid", IN_CONFIG, AFTER_CONFIG, 0xffff, "0" },
    { "subsystemid", IN_CONFIG, AFTER_CONFIG, 0xffff, "0" },
    { "interruptline", IN_CONFIG, AFTER_CONFIG, 0xff, "0" },
    { "interruptpin", IN_CONFIG, AFTER_CONFIG, 0xff, "0" },
    { "name", "<emulatedpci devicename='d'>" CONFIG "<alias ", AFTER_CONFIG, 0, "ua-x" },
    { "type", "<emulatedpci devicename='d'>" CONFIG "<address ", AFTER_CONFIG, 0, "pci" },
    { "domain", IN_ADDRESS, AFTER_CONFIG, 0xffff, "0" },
    { "bus", IN_ADDRESS, AFTER_CONFIG, 0xff, "0" },
    { "slot", IN_ADDRESS, AFTER_CONFIG, 0x1f, "0" },
    { "function", IN_ADDRESS, AFTER_CONFIG, 7, "0" },
    { "multifunction", IN_ADDRESS, AFTER_CONFIG, 0, "on" },
    { "emulator", IN_DRIVER, AFTER_CONFIG, 0, "a.b_c-d" },
    { "version", IN_DRIVER, AFTER_CONFIG, 0, "vfio-user" },
    { "stubdomain", IN_DRIVER, AFTER_CONFIG, 0, "yes" },
    { "model", IN_DRIVER, AFTER_CONFIG, 0, "/usr/bin/x" },
    { "pid", IN_DRIVER, AFTER_CONFIG, 4194304, "1" },
    { "value", "<emulatedpci devicename='d'>" CONFIG "<driver><arg ", "/></driver></emulatedpci>",
      0, "a" },
};

/* Invalid numbers, and invalid words */
static const char *const oddities[] = {
    "", " ", "0x", "0X1", "x1", "00", "01", "007", "-0", "-1", "+1", " 1", "1 ", "\t1", "1\n",
    "&#9;1", "1&#10;", "1.0", "1e1", "0b1", "0o7", "1,", "0x0x1", "0xg", "0x 1", "ff", "1f", "one",
    "\357\274\221", "\331\241", "0x-1", "0 1", "0x00000000000000000000000000000000001",
    "4294967295", "4294967296", "4294967297", "18446744073709551616", "0x100000000",
    "0xffffffffffffffffff", "on", "off", "On", "ON", " on", "on ", "yes", "no", "true", "pci",
    "PCI", " pci", "pci ", "drive", "ccw", "none", "ua", "ua-", "ua-a", "UA-a", "ua-a.b", "ua-a b",
    "ua-\303\251", " ua-a", "ua-a ", "scsi0", "-", ".", "_", "..", "a/b", "a b", "a:b", "a+b",
    "&lt;a", "a&amp;b", "a&apos;b", "a&quot;b", "\303\251", "a\\", "[a]", "a|b", "(a)", "^", "$",
    "a123456789b123456789c123456789d", "a123456789b123456789c123456789d1",
};


static void
assertValueAgrees(gsize i,
                  const char *value)
{
    g_autofree char *xml = g_strdup_printf("%s%s='%s'%s", attributes[i].head, attributes[i].name,
                                           value, attributes[i].tail);

    assertAgree(xml);
}


static void
assertNumberAgrees(gsize i,
                   guint32 number)
{
    g_autofree char *decimal = g_strdup_printf("%u", number);
    g_autofree char *lower = g_strdup_printf("0x%x", number);
    g_autofree char *upper = g_strdup_printf("0x%06X", number);

    assertValueAgrees(i, decimal);
    assertValueAgrees(i, lower);
    assertValueAgrees(i, upper);
}


static void
testAttribute(gconstpointer opaque)
{
    const gsize i = GPOINTER_TO_SIZE(opaque);
    g_autofree char *right = g_strdup_printf("%s%s='%s'%s", attributes[i].head,
                                             attributes[i].name, attributes[i].right,
                                             attributes[i].tail);
    g_autofree char *without = g_strconcat(attributes[i].head, attributes[i].tail, NULL);
    g_autofree char *unknown = g_strdup_printf("%s%s='%s' unknown='1'%s", attributes[i].head,
                                               attributes[i].name, attributes[i].right,
                                               attributes[i].tail);
    guint32 number;
    gsize j;

    g_assert_true(assertAgree(right));
    g_assert_false(assertAgree(unknown));
    assertAgree(without);

    for (j = 0; j < G_N_ELEMENTS(oddities); j++)
        assertValueAgrees(i, oddities[j]);

    /* Lengths around the limits of the strings */
    for (j = 25; j < 40; j++) {
        g_autofree char *value = g_strnfill(j, 'a');

        assertValueAgrees(i, value);
    }
    for (j = 245; j < 260; j++) {
        g_autofree char *value = g_strnfill(j, 'a');
        g_autofree char *alias = g_strconcat("ua-", value, NULL);

        assertValueAgrees(i, value);
        assertValueAgrees(i, alias);
    }
    for (j = 60; j < 70; j++) {
        g_autofree char *value = g_strnfill(j, 'a');

        assertValueAgrees(i, value);
    }

    for (j = 1020; j < 1028; j++) {
        g_autofree char *value = g_strnfill(j, 'a');
        g_autofree char *path = g_strconcat("/", value, NULL);

        assertValueAgrees(i, value);
        assertValueAgrees(i, path);
    }

    /* Every character */
    for (j = 0x20; j < 0x180; j++) {
        g_autofree char *value = g_strdup_printf("ua-&#%zu;", j);

        assertValueAgrees(i, value);
    }

    if (attributes[i].max == 0)
        return;

    /* Small numbers, numbers near the powers of ten and of two, numbers near the maximum, and
     * random ones. */
    for (number = 0; number < 300; number++)
        assertNumberAgrees(i, number);
    for (j = 10; j <= 1000000000; j *= 10) {
        for (number = j - 2; number <= j + 2; number++)
            assertNumberAgrees(i, number);
    }
    for (j = 2; j < 32; j++) {
        for (number = (1U << j) - 2; number <= (1U << j) + 2; number++)
            assertNumberAgrees(i, number);
    }
    for (number = attributes[i].max - MIN(attributes[i].max, 300);
         number < attributes[i].max + 300; number++)
        assertNumberAgrees(i, number);
    for (j = 0; j < 1000; j++)
        assertNumberAgrees(i, (guint32) g_test_rand_int() % (2 * attributes[i].max));
}


/* --- random documents */

static const char *
pick(const char *const *from,
     gsize n)
{
    return from[g_test_rand_int_range(0, n)];
}


/* Appends NAME='VALUE', with small probabilities of an error and of a duplicate. */
static void
appendAttribute(GString *xml,
                const char *name,
                const char *value)
{
    const int chance = g_test_rand_int_range(0, 100);

    if (chance == 0)
        value = pick(oddities, G_N_ELEMENTS(oddities));
    if (chance == 1)
        return;
    g_string_append_printf(xml, " %s='%s'", name, value);
    if (chance == 2)
        g_string_append_printf(xml, " %s2='%s'", name, value);
}


static void
appendBetween(GString *xml)
{
    static const char *const between[] = {
        "", "", "", "", "", "", " ", "\n", "<!-- a -->", "<?a b?>", "<![CDATA[ ]]>", "&#32;",
    };

    g_string_append(xml, pick(between, G_N_ELEMENTS(between)));
    if (g_test_rand_int_range(0, 200) == 0)
        g_string_append(xml, "x");
}


static void
appendElement(GString *xml,
              int which)
{
    static const char *const ids[] = { "1", "0x5853", "65534", "0xfffe", "0x0001", "0xffff" };
    static const char *const bytes[] = { "0", "0x00", "255", "0xFF", "0x7f", "9" };
    static const char *const headers[] = { "0", "0x80", "128", "0x00" };
    static const char *const classes[] = { "0xff8000", "0", "16777215", "0x060400" };
    static const char *const aliases[] = { "ua-a", "ua-emulatedpci0", "ua-_-9" };
    static const char *const onOff[] = { "on", "off" };
    static const char *const small[] = { "0", "1", "0x1", "7", "0x07" };
    static const char *const names[] = { "config", "alias", "address" };
    int i;

    g_string_append_printf(xml, "<%s", names[which]);
    if (which == 0) {
        for (i = EMULATED_PCI_FIELD_VENDORID; i < EMULATED_PCI_FIELD_LAST; i++) {
            const EmulatedPCIFieldInfo *info = emulatedPCIFieldGetInfo(i);

            if (!info->required && g_test_rand_bit())
                continue;
            if (i == EMULATED_PCI_FIELD_HEADERTYPE)
                appendAttribute(xml, info->name, pick(headers, G_N_ELEMENTS(headers)));
            else if (i == EMULATED_PCI_FIELD_CLASSCODE)
                appendAttribute(xml, info->name, pick(classes, G_N_ELEMENTS(classes)));
            else if (info->bits == 8)
                appendAttribute(xml, info->name, pick(bytes, G_N_ELEMENTS(bytes)));
            else
                appendAttribute(xml, info->name,
                                pick(ids, G_N_ELEMENTS(ids) - (i == EMULATED_PCI_FIELD_VENDORID)));
        }
    } else if (which == 1) {
        appendAttribute(xml, "name", pick(aliases, G_N_ELEMENTS(aliases)));
    } else {
        static const char *const parts[] = { "domain", "bus", "slot", "function" };

        appendAttribute(xml, "type", "pci");
        for (i = 0; i < (int) G_N_ELEMENTS(parts); i++) {
            if (g_test_rand_bit())
                appendAttribute(xml, parts[i], pick(small, G_N_ELEMENTS(small)));
        }
        if (g_test_rand_bit())
            appendAttribute(xml, "multifunction", pick(onOff, G_N_ELEMENTS(onOff)));
    }

    if (g_test_rand_bit()) {
        g_string_append(xml, "/>");
        return;
    }
    g_string_append_c(xml, '>');
    appendBetween(xml);
    g_string_append_printf(xml, "</%s>", names[which]);
}


static char *
randomDocument(void)
{
    GString *xml = g_string_new("<emulatedpci");
    int order[] = { 0, 1, 2 };
    int n = 1 + g_test_rand_int_range(0, 3);
    int i;

    appendAttribute(xml, "devicename", "dev");
    if (g_test_rand_bit())
        appendAttribute(xml, "index", "31");
    if (g_test_rand_bit())
        appendAttribute(xml, "definition", "a_b");
    g_string_append_c(xml, '>');

    /* N of the three elements, one of which is <config>, in random order */
    for (i = n - 1; i > 0; i--) {
        const int j = g_test_rand_int_range(0, i + 1);
        const int swapped = order[i];

        order[i] = order[j];
        order[j] = swapped;
    }
    for (i = 0; i < n; i++) {
        appendBetween(xml);
        appendElement(xml, order[i]);
        if (g_test_rand_int_range(0, 100) == 0)
            appendElement(xml, g_test_rand_int_range(0, 3));
    }
    appendBetween(xml);
    g_string_append(xml, "</emulatedpci>");
    return g_string_free(xml, FALSE);
}


static void
testRandom(void)
{
    /* libxml2 takes a millisecond for each document, or ten in a build with sanitizers. Every run
     * has other documents; -m thorough tests more of them. */
    const int total = g_test_thorough() ? 20000 : 3000;
    int accepted = 0;
    int n;

    for (n = 0; n < total; n++) {
        g_autofree char *xml = randomDocument();

        accepted += assertAgree(xml);
    }
    g_test_message("accepted %d of %d", accepted, n);
    g_assert_cmpint(accepted, >, n / 10);
    g_assert_cmpint(accepted, <, n - n / 10);
}


/* --- whole domains */

/* The XML before, between and after the devices */
#define DOMAIN_HEAD(type) \
    "<" type " type='kvm'><name>guest</name>" \
    "<uuid>c7a5fdbd-edaf-9455-926a-d65c16db1809</uuid><memory unit='KiB'>1048576</memory>" \
    "<vcpu placement='static'>2</vcpu>" \
    "<os><type arch='x86_64' machine='pc'>hvm</type><boot dev='hd'/></os>" \
    "<features><acpi/><apic/></features><clock offset='utc'/>"
#define DOMAIN_TAIL(type) "</" type ">"

static const char *const natives[] = {
    "<emulator>/usr/bin/qemu-system-x86_64</emulator>",
    "<disk type='file' device='disk'><driver name='qemu' type='qcow2'/>"
    "<source file='/var/lib/libvirt/images/guest.qcow2'/><target dev='vda' bus='virtio'/>"
    "<address type='pci' domain='0x0000' bus='0x00' slot='0x04' function='0x0'/></disk>",
    "<controller type='scsi' index='32000' model='lsilogic'><alias name='ua-emulatedpci0'/>"
    "<address type='pci' domain='0x0000' bus='0x00' slot='0x05' function='0x0'/></controller>",
    "<interface type='network'><mac address='52:54:00:12:34:56'/><source network='default'/>"
    "<model type='virtio'/></interface>",
    "<lease><lockspace>somearea</lockspace><key>somekey</key>"
    "<target path='/some/lease/path' offset='1024'/></lease>",
    "<hostdev mode='subsystem' type='pci' managed='yes'><source>"
    "<address domain='0x0000' bus='0x06' slot='0x02' function='0x0'/></source></hostdev>",
    "<memballoon model='none'/>",
    "<rng model='virtio'><backend model='random'>/dev/urandom</backend></rng>",
    "<watchdog model='i6300esb' action='reset'/>",
    "<vsock model='virtio'><cid auto='yes'/></vsock>",
};

#define RIGHT \
    "<emulatedpci devicename='citrix-pv-bus'>" \
    "<config vendorid='0x5853' deviceid='0xc000' command='0x0000' status='0x0000' " \
    "revision='0x01' classcode='0xff8000' headertype='0x00' subvendorid='0x5853' " \
    "subsystemid='0xc000' interruptline='0x00' interruptpin='0x01'/>" \
    "<alias name='ua-emulatedpci0'/>" \
    "<address type='pci' domain='0x0000' bus='0x00' slot='0x05' function='0x0'/></emulatedpci>"
#define MINIMAL DEVICE(CONFIG)

static const char *const wrongs[] = {
    "<emulatedpci/>",
    DEVICE(""),
    DEVICE("<config vendorid='0xffff' deviceid='0xc000'/>"),
    DEVICE("<config vendorid='0x5853'/>"),
    DEVICE(CONFIG CONFIG),
    DEVICE(CONFIG "<alias name='scsi0'/>"),
    DEVICE(CONFIG "<address type='drive' controller='0' bus='0' target='0' unit='0'/>"),
    DEVICE(CONFIG "<boot order='1'/>"),
    DEVICE(CONFIG "x"),
    "<emulatedpci devicename='a b'>" CONFIG "</emulatedpci>",
    "<emulatedPCI devicename='a'>" CONFIG "</emulatedPCI>",
};


/* --- definitions */

#define NAMED(content) "<device><name>emulatedpci_a</name>" content "</device>"
#define CAPABILITY "<capability type='emulatedpci' devicename='d'>" CONFIG "</capability>"

static const struct {
    gboolean accepted;
    const char *xml;
} definitions[] = {
    { TRUE, NAMED(CAPABILITY) },
    { TRUE, "<device>" CAPABILITY "</device>" },
    { TRUE, "<device>" CAPABILITY "<description>text &amp; text</description>"
      "<uuid>11111111-2222-3333-4444-555555555555</uuid><parent>computer</parent>"
      "<path>/x</path><name>emulatedpci_A.b-c_9</name></device>" },
    { TRUE, NAMED("<uuid> 11111111222233334444555555555555\n</uuid>" CAPABILITY) },
    { TRUE, NAMED("<capability type='emulatedpci' devicename='d' built_in='yes'>" CONFIG
                  "</capability>") },
    { TRUE, NAMED("<capability type='emulatedpci' basis='x'/>") },
    { TRUE, NAMED("<capability type='emulatedpci' basis='x' devicename='d'>"
                  "<config interruptpin='9'/></capability>") },
    { FALSE, "<device/>" },
    { FALSE, NAMED(CAPABILITY CAPABILITY) },
    { FALSE, NAMED("<name>emulatedpci_b</name>" CAPABILITY) },
    { FALSE, NAMED("<uuid>1</uuid>" CAPABILITY) },
    { FALSE, NAMED("<description lang='en'>x</description>" CAPABILITY) },
    { FALSE, NAMED("<description><b/></description>" CAPABILITY) },
    { FALSE, NAMED("text" CAPABILITY) },
    { FALSE, NAMED("<other/>" CAPABILITY) },
    { FALSE, NAMED("<capability type='emulatedpci'/>") },
    { FALSE, NAMED("<capability type='emulatedpci' devicename='d'/>") },
    { FALSE, NAMED("<capability type='emulatedpci'>" CONFIG "</capability>") },
    { FALSE, NAMED("<capability type='emulatedpci' devicename=''>" CONFIG "</capability>") },
    { FALSE, NAMED("<capability type='emulatedpci' devicename='d'>"
                   "<config vendorid='0' deviceid='1'/></capability>") },
    { FALSE, NAMED("<capability type='emulatedpci' devicename='d'>" CONFIG
                   "<alias name='ua-a'/></capability>") },
    { FALSE, "<device autostart='no'>" CAPABILITY "</device>" },
    { FALSE, "<device><name>emulatedpci_</name>" CAPABILITY "</device>" },
    { FALSE, "<device><name>emulatedpci_a/b</name>" CAPABILITY "</device>" },
    { FALSE, "<device><name>usb_1</name>" CAPABILITY "</device>" },
};


static gboolean
definitionAccepted(const char *xml)
{
    g_autoptr(EmulatedPCIDefinition) definition =
        emulatedPCIDefinitionParse(xml, strlen(xml), FALSE, NULL);
    g_autoptr(EmulatedPCIDef) basis = NULL;

    if (!definition)
        return FALSE;
    if (definition->basis)
        basis = emulatedPCIDefParseString(DEVICE(CONFIG), strlen(DEVICE(CONFIG)), NULL);
    return emulatedPCIDefinitionFill(definition, basis, NULL);
}


/* Tests node devices of libvirt and definitions, and that nothing else is accepted. */
static void
testDefinitions(void)
{
    const char *stock =
        "<device><name>pci_0000_00_00_0</name><path>/sys/devices/pci0000:00/0000:00:00.0</path>"
        "<parent>computer</parent><capability type='pci'><class>0x060000</class><domain>0</domain>"
        "<bus>0</bus><slot>0</slot><function>0</function>"
        "<product id='0x1237'>440FX</product><vendor id='0x8086'>Intel</vendor></capability>"
        "</device>";
    const char *wrong =
        "<device><name>pci_0000_00_00_0</name><capability type='nonesuch'/></device>";
    Grammar ours = grammarLoadOurs("nodedev.rng");
    Grammar libvirts = grammarLoadLibvirts("nodedev.rng");
    g_autofree char *longest = g_strnfill(228, 'n');
    g_autofree char *right = g_strdup_printf("<device><name>emulatedpci_%s</name>" CAPABILITY
                                             "</device>", longest);
    g_autofree char *over = g_strdup_printf("<device><name>emulatedpci_%sn</name>" CAPABILITY
                                            "</device>", longest);
    gsize i;

    assertVerdict(&libvirts, stock, TRUE);
    assertVerdict(&ours, stock, TRUE);
    assertVerdict(&ours, wrong, FALSE);
    for (i = 0; i < G_N_ELEMENTS(definitions); i++) {
        assertVerdict(&ours, definitions[i].xml, definitions[i].accepted);
        if (definitionAccepted(definitions[i].xml) != definitions[i].accepted)
            g_error("the parser does not agree: %s", definitions[i].xml);
    }
    assertVerdict(&ours, right, TRUE);
    g_assert_true(definitionAccepted(right));
    assertVerdict(&ours, over, FALSE);
    g_assert_false(definitionAccepted(over));

    grammarFree(&ours);
    grammarFree(&libvirts);
}


/* Returns a domain whose root element is TYPE ("domain" or "inactiveDomain"), with EXTRA before
 * native device AT or after the last one, and AFTER after the devices. */
static char *
makeDomain(const char *type,
           gsize at,
           const char *extra,
           const char *after)
{
    const gboolean inactive = strcmp(type, "inactiveDomain") == 0;
    GString *xml = g_string_new(inactive ? DOMAIN_HEAD("inactiveDomain") : DOMAIN_HEAD("domain"));
    gsize i;

    g_string_append(xml, "<devices>");
    for (i = 0; i <= G_N_ELEMENTS(natives); i++) {
        if (i == at)
            g_string_append(xml, extra);
        if (i < G_N_ELEMENTS(natives))
            g_string_append(xml, natives[i]);
    }
    g_string_append_printf(xml, "</devices>%s</%s>", after, type);
    return g_string_free(xml, FALSE);
}


static void
testDomains(void)
{
    Grammar ours = grammarLoadOurs("domain.rng");
    Grammar libvirts = grammarLoadLibvirts("domain.rng");
    g_autofree char *stock = makeDomain("domain", 0, "", "");
    g_autofree char *broken = makeDomain("domain", 3, "<sound/>", "");
    g_autofree char *unknown = makeDomain("domain", 3, "<nonesuch/>", "");
    g_autofree char *many = NULL;
    g_autofree char *outside = makeDomain("domain", 0, "", RIGHT);
    g_autoptr(GString) devices = g_string_new(NULL);
    gsize at;
    gsize i;

    assertVerdict(&libvirts, stock, TRUE);
    assertVerdict(&ours, stock, TRUE);
    assertVerdict(&libvirts, broken, FALSE);
    assertVerdict(&ours, broken, FALSE);
    assertVerdict(&libvirts, unknown, FALSE);
    assertVerdict(&ours, unknown, FALSE);
    assertVerdict(&ours, outside, FALSE);
    assertVerdict(&ours, RIGHT, FALSE);

    for (at = 0; at <= G_N_ELEMENTS(natives); at++) {
        g_autofree char *right = makeDomain("domain", at, RIGHT, "");
        g_autofree char *two = makeDomain("domain", at, MINIMAL RIGHT, "");

        assertVerdict(&libvirts, right, FALSE);
        assertVerdict(&ours, right, TRUE);
        assertVerdict(&ours, two, TRUE);
        for (i = 0; i < G_N_ELEMENTS(wrongs); i++) {
            g_autofree char *wrong = makeDomain("domain", at, wrongs[i], "");

            assertVerdict(&ours, wrong, FALSE);
        }
    }

    for (i = 0; i < 300; i++)
        g_string_append(devices, i % 2 ? RIGHT : MINIMAL);
    many = makeDomain("domain", 2, devices->str, "");
    assertVerdict(&ours, many, TRUE);
    g_string_append(devices, wrongs[0]);
    g_free(many);
    many = makeDomain("domain", 2, devices->str, "");
    assertVerdict(&ours, many, FALSE);

    grammarFree(&ours);
    grammarFree(&libvirts);
}


/* The lowered form is valid for the grammars of libvirt and of this project. */
static void
testLoweredDomain(void)
{
    static const char override[] =
        "<override xmlns='http://libvirt.org/schemas/domain/qemu/1.0'>"
        "<device alias='ua-emulatedpci0'><frontend>"
        "<property name='driver' type='string' value='emulated-pci'/>"
        "<property name='vendorid' type='unsigned' value='22611'/>"
        "</frontend></device></override>";
    Grammar ours = grammarLoadOurs("domain.rng");
    Grammar libvirts = grammarLoadLibvirts("domain.rng");
    g_autofree char *lowered = makeDomain("domain", 0, "", override);

    assertVerdict(&libvirts, lowered, TRUE);
    assertVerdict(&ours, lowered, TRUE);

    grammarFree(&ours);
    grammarFree(&libvirts);
}


/* The examples are invalid for libvirt's grammar only because of <emulatedpci>. */
static void
testExamples(void)
{
    Grammar ours = grammarLoadOurs("domain.rng");
    Grammar libvirts = grammarLoadLibvirts("domain.rng");
    g_autofree char *path = testSourcePath("examples");
    g_autoptr(GError) err = NULL;
    g_autoptr(GDir) dir = g_dir_open(path, 0, &err);
    const char *name;
    int n = 0;

    g_assert_no_error(err);
    while ((name = g_dir_read_name(dir))) {
        g_autofree char *file = g_build_filename(path, name, NULL);
        g_autofree char *xml = NULL;
        g_autoptr(GRegex) regex = NULL;
        g_autofree char *without = NULL;

        if (!g_str_has_suffix(name, ".xml"))
            continue;
        xml = testReadFile(file, NULL);
        regex = g_regex_new("<emulatedpci.*?</emulatedpci>", G_REGEX_DOTALL, 0, NULL);
        without = g_regex_replace_literal(regex, xml, -1, 0, "", 0, NULL);
        assertVerdict(&ours, xml, TRUE);
        assertVerdict(&libvirts, xml, FALSE);
        assertVerdict(&libvirts, without, TRUE);
        n++;
    }
    g_assert_cmpint(n, >, 0);

    grammarFree(&ours);
    grammarFree(&libvirts);
}


/* Whether a snapshot or a checkpoint with other children is valid. LIBVIRTS: newer versions of
 * libvirt accept them, and this project's grammar must agree with the installed version. */
typedef enum {
    WRONG,
    RIGHT_ALWAYS,
    LIBVIRTS,
} Verdict;

/* Valid and invalid other children of a snapshot or a checkpoint */
static const struct {
    const char *root;
    Verdict verdict;
    const char *children;
} siblings[] = {
    { "domainsnapshot", RIGHT_ALWAYS, "" },
    { "domainsnapshot", RIGHT_ALWAYS, "<name>s</name><description>d</description>"
      "<state>running</state><creationTime>1270477159</creationTime>"
      "<memory snapshot='internal'/><parent><name>p</name></parent>" },
    { "domainsnapshot", RIGHT_ALWAYS, "<memory snapshot='external' file='/x'/><active>1</active>" },
    { "domainsnapshot", RIGHT_ALWAYS, "<memory file='/x'/>" },
    { "domainsnapshot", RIGHT_ALWAYS, "<disks><disk name='vda' snapshot='external' type='file'>"
      "<driver type='qcow2'/><source file='/x'/></disk><disk name='vdb' snapshot='no'/></disks>" },
    { "domainsnapshot", RIGHT_ALWAYS, "<cookie><cpu mode='custom' match='exact'/></cookie>" },
    { "domainsnapshot", RIGHT_ALWAYS, "<state>disk-snapshot</state>" },
    { "domainsnapshot", LIBVIRTS, "<disks/><revertDisks><disk name='vda' snapshot='external' type='file'>"
      "<source file='/x'/></disk></revertDisks>" },
    { "domainsnapshot", WRONG, "<revertDisks><disk/></revertDisks>" },
    { "domainsnapshot", WRONG, "<name>a</name><name>b</name>" },
    { "domainsnapshot", WRONG, "<state>nonesuch</state>" },
    { "domainsnapshot", WRONG, "<memory snapshot='nonesuch'/>" },
    { "domainsnapshot", WRONG, "<memory snapshot='external'/>" },
    { "domainsnapshot", WRONG, "<active>2</active>" },
    { "domainsnapshot", WRONG, "<disks><disk/></disks>" },
    { "domainsnapshot", WRONG, "<nonesuch/>" },
    { "domainsnapshot", WRONG, "text" },
    { "domainsnapshot", WRONG, RIGHT },
    { "domaincheckpoint", RIGHT_ALWAYS, "" },
    { "domaincheckpoint", RIGHT_ALWAYS, "<name>c</name><description>d</description>"
      "<creationTime>1270477159</creationTime><parent><name>p</name></parent>" },
    { "domaincheckpoint", RIGHT_ALWAYS, "<disks><disk name='vda' checkpoint='bitmap' bitmap='b'/>"
      "<disk name='vdb' checkpoint='no'/></disks>" },
    { "domaincheckpoint", WRONG, "<name>../c</name>" },
    { "domaincheckpoint", WRONG, "<disks/>" },
    { "domaincheckpoint", WRONG, "<nonesuch/>" },
    { "domaincheckpoint", WRONG, RIGHT },
};


static void
testNested(gconstpointer opaque)
{
    const char *root = opaque;
    const gboolean snapshot = strcmp(root, "domainsnapshot") == 0;
    g_autofree char *file = g_strconcat(root, ".rng", NULL);
    Grammar ours = grammarLoadOurs(file);
    Grammar libvirts = grammarLoadLibvirts(file);
    g_autofree char *stock = makeDomain("domain", 0, "", "");
    g_autofree char *stockInactive = makeDomain("inactiveDomain", 0, "", "");
    g_autofree char *right = makeDomain("domain", 3, RIGHT, "");
    g_autofree char *rightInactive = makeDomain("inactiveDomain", 5, MINIMAL RIGHT, "");
    gsize i;
    gsize j;

    for (i = 0; i < G_N_ELEMENTS(siblings); i++) {
        const struct {
            const char *domain;
            const char *inactive;
            gboolean emulated;
        } inner[] = {
            { "", "", FALSE },
            { "<domain><uuid>c7a5fdbd-edaf-9455-926a-d65c16db1809</uuid></domain>", "", FALSE },
            { stock, "", FALSE },
            { stock, stockInactive, FALSE },
            { right, "", TRUE },
            { right, stockInactive, TRUE },
            { stock, rightInactive, TRUE },
            { right, rightInactive, TRUE },
        };

        g_autofree char *alone = g_strdup_printf("<%s>%s</%s>", root, siblings[i].children, root);
        const gboolean accepted = siblings[i].verdict == LIBVIRTS ?
            grammarAccepts(&libvirts, alone) : siblings[i].verdict == RIGHT_ALWAYS;

        if (strcmp(siblings[i].root, root) != 0)
            continue;

        for (j = 0; j < G_N_ELEMENTS(inner); j++) {
            const gboolean possible = snapshot ||
                (*inner[j].inactive == '\0' && (j != 1));
            g_autofree char *xml = g_strdup_printf("<%s>%s%s%s</%s>", root, inner[j].domain,
                                                   siblings[i].children, inner[j].inactive, root);

            assertVerdict(&libvirts, xml,
                          accepted && possible && !inner[j].emulated);
            assertVerdict(&ours, xml, accepted && possible);
        }
    }

    for (i = 0; i < G_N_ELEMENTS(wrongs); i++) {
        g_autofree char *wrong = makeDomain("domain", 3, wrongs[i], "");
        g_autofree char *wrongInactive = makeDomain("inactiveDomain", 3, wrongs[i], "");
        g_autofree char *one = g_strdup_printf("<%s>%s</%s>", root, wrong, root);
        g_autofree char *two = g_strdup_printf("<%s>%s%s</%s>", root, right, wrongInactive, root);

        assertVerdict(&ours, one, FALSE);
        assertVerdict(&ours, two, FALSE);
    }

    grammarFree(&ours);
    grammarFree(&libvirts);
}


/* --- the parts of libvirt's grammars that are copied into those of this project */

/* Adds the names of the elements that NODE allows in its parent. */
static void
collectElements(xmlNodePtr node,
                GPtrArray *names)
{
    xmlNodePtr cur;

    for (cur = node->children; cur; cur = cur->next) {
        g_autofree char *name = NULL;
        xmlChar *value;

        if (cur->type != XML_ELEMENT_NODE)
            continue;
        if (strcmp((const char *) cur->name, "element") != 0) {
            /* An included grammar is <domain> or <inactiveDomain>; its file determines which. */
            if (strcmp((const char *) cur->name, "include") == 0 && cur->parent->parent) {
                value = xmlGetProp(cur, BAD_CAST "href");
                g_assert_nonnull(value);
                name = g_path_get_basename((const char *) value);
                xmlFree(value);
                g_ptr_array_add(names, g_steal_pointer(&name));
            }
            if (strcmp((const char *) cur->name, "ref") == 0) {
                value = xmlGetProp(cur, BAD_CAST "name");
                g_ptr_array_add(names, g_strdup((const char *) value));
                xmlFree(value);
            }
            collectElements(cur, names);
            continue;
        }
        value = xmlGetProp(cur, BAD_CAST "name");
        g_assert_nonnull(value);
        g_ptr_array_add(names, g_strdup((const char *) value));
        xmlFree(value);
    }
}


static int
compareNames(gconstpointer a,
             gconstpointer b)
{
    return strcmp(*(const char *const *) a, *(const char *const *) b);
}


/* Returns the names of the elements and attributes that the element ROOT of the grammar FILE in
 * DIR can contain: sorted, each once, separated by spaces. */
static char *
listChildren(const char *dir,
             const char *file,
             const char *root)
{
    g_autofree char *path = g_build_filename(dir, file, NULL);
    g_autoptr(GPtrArray) names = g_ptr_array_new_with_free_func(g_free);
    GString *list = g_string_new(NULL);
    xmlDocPtr doc = xmlReadFile(path, NULL, XML_PARSE_NONET);
    xmlNodePtr define;
    guint i;

    g_assert_nonnull(doc);
    for (define = xmlDocGetRootElement(doc)->children; define; define = define->next) {
        xmlChar *name = define->type == XML_ELEMENT_NODE ?
            xmlGetProp(define, BAD_CAST "name") : NULL;
        xmlNodePtr element = xmlFirstElementChild(define);

        if (name && strcmp((const char *) name, root) == 0 && element)
            collectElements(element, names);
        xmlFree(name);
    }
    xmlFreeDoc(doc);

    g_ptr_array_sort(names, compareNames);
    for (i = 0; i < names->len; i++) {
        if (i == 0 || strcmp(names->pdata[i], names->pdata[i - 1]) != 0)
            g_string_append_printf(list, "%s%s", i ? " " : "", (char *) names->pdata[i]);
    }
    return g_string_free(list, FALSE);
}


/* This project's domainsnapshot.rng and domaincheckpoint.rng must allow exactly the children that
 * those of the installed libvirt allow. */
static void
testSameChildren(void)
{
    static const char *const roots[] = { "domainsnapshot", "domaincheckpoint" };
    g_autofree char *dir = g_build_filename(g_getenv("abs_top_builddir"), "docs", "schemas", NULL);
    gsize i;

    for (i = 0; i < G_N_ELEMENTS(roots); i++) {
        g_autofree char *file = g_strconcat(roots[i], ".rng", NULL);
        g_autofree char *ours = listChildren(dir, file, roots[i]);
        g_autofree char *libvirts = listChildren(g_getenv("LIBVIRT_SCHEMAS"), file, roots[i]);

        g_assert_cmpuint(strlen(ours), >, 0);
        g_assert_cmpstr(ours, ==, libvirts);
    }
}


int
main(int argc,
     char **argv)
{
    int status;
    gsize i;

    testInit(&argc, &argv);
    device = grammarLoadOurs("emulatedpci.rng");

    for (i = 0; i < G_N_ELEMENTS(exceptions); i++) {
        g_autofree char *path = g_strdup_printf("/schema/exception/%s", exceptions[i].why);

        g_test_add_data_func(path, GSIZE_TO_POINTER(i), testException);
    }
    for (i = 0; i < G_N_ELEMENTS(documents); i++) {
        g_autofree char *path = g_strdup_printf("/schema/document/%s", documents[i].name);

        g_test_add_data_func(path, GSIZE_TO_POINTER(i), testDocument);
    }
    for (i = 0; i < G_N_ELEMENTS(attributes); i++) {
        g_autofree char *path = g_strdup_printf("/schema/attribute/%s", attributes[i].name);

        g_test_add_data_func(path, GSIZE_TO_POINTER(i), testAttribute);
    }
    g_test_add_func("/schema/random", testRandom);
    g_test_add_func("/schema/domain", testDomains);
    g_test_add_func("/schema/definitions", testDefinitions);
    g_test_add_func("/schema/domain-lowered", testLoweredDomain);
    g_test_add_func("/schema/examples", testExamples);
    g_test_add_data_func("/schema/domainsnapshot", "domainsnapshot", testNested);
    g_test_add_data_func("/schema/domaincheckpoint", "domaincheckpoint", testNested);
    g_test_add_func("/schema/same-children", testSameChildren);

    status = g_test_run();
    grammarFree(&device);
    xmlCleanupParser();
    return status;
}
