/*
 * projectiontest.c: lowering and lifting
 *
 * Every tests/projectiondata/NAME.xml is a separate case, with these files:
 *
 *   NAME.err        the error of lowering, "CODE: MESSAGE"; otherwise:
 *   NAME.lowered    the lowered document; missing: lowering changes nothing
 *   NAME.lifted     the lowered document after lifting; missing: it is NAME.xml
 *   NAME.relowered  NAME.lifted after lowering; missing: it is NAME.lowered
 *
 * testCase() also checks the rules that apply to all cases.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <config.h>

#include "emulatedpci_error.h"
#include "projection.h"
#include "projection_devices.h"
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


/* Projects XML, which must succeed. The result is newly allocated. */
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


/* Compares TEXT with the file with BASE and SUFFIX; if there is no such file, TEXT must be
 * DEFAULTTEXT. */
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
 * For every document:
 *
 * - lowering or lifting twice has the same result as once;
 * - lifting the lowered document gives the document again, or NAME.lifted;
 * - lowering that again gives the lowered document, or NAME.relowered;
 * - further projections change nothing.
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
    g_autofree char *liftedAgain = NULL;

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
    compareOptional(base, ".relowered", loweredAgain, lowered);
    liftedAgain = project(projectionLift, loweredAgain);
    compareTexts("lifted again", lifted, liftedAgain);
}


/* --- tests that are not in files */

#define CONFIG "<config vendorid='0x5853' deviceid='0xc000'/>"
#define DEVICE "<emulatedpci devicename='citrix-pv-bus'>" CONFIG "</emulatedpci>"
#define DOMAIN(inside) "<domain type='qemu'>\n  <devices>\n    " inside "\n  </devices>\n</domain>\n"


static ProjectionResult
projectBytes(Projection projection,
             const char *xml,
             gsize len,
             char **out,
             GError **err)
{
    /* The exact size, so that valgrind and AddressSanitizer detect a read beyond the end. */
    g_autofree char *copy = g_malloc(MAX(len, 1));
    gsize outlen = 0;

    if (len > 0)
        memcpy(copy, xml, len);
    return projection(copy, len, &options, out, &outlen, err);
}


/* Only the text is searched: it need not even be XML. */
static void
testNoWord(void)
{
    static const char *const texts[] = {
        "", "x", "<", "<domain", "emulatedpci", "< emulatedpci/>", "</emulatedpci>",
        "<x:emulatedpci/>", "<emulated\0pci/>",
    };
    gsize i;

    for (i = 0; i < G_N_ELEMENTS(texts); i++) {
        g_autoptr(GError) err = NULL;
        char *out = NULL;

        g_assert_cmpint(projectBytes(projectionLower, texts[i], strlen(texts[i]), &out, &err), ==,
                        PROJECTION_UNCHANGED);
        g_assert_cmpint(projectBytes(projectionLift, texts[i], strlen(texts[i]), &out, &err), ==,
                        PROJECTION_UNCHANGED);
        g_assert_no_error(err);
        g_assert_null(out);
    }
}


/* The device is lifted even if libvirt has renamed parts of the domain. */
static void
testLiftRenamed(void)
{
    static const char *const machines[] = {
        "pc-i440fx-rhel7.6.0", "pc-i440fx-5.2", "pc-1.0", "pc-q35-focal", "pc-i440fx-99.0",
        "isapc", "something",
    };
    g_autofree char *lowered =
        project(projectionLower, "<domain type='kvm'><os><type arch='x86_64' machine='pc'>hvm"
                "</type></os><devices>" DEVICE "</devices></domain>");
    gsize i;

    for (i = 0; i < G_N_ELEMENTS(machines); i++) {
        g_auto(GStrv) parts = g_strsplit(lowered, "'pc'", 2);
        g_autofree char *quoted = g_strdup_printf("'%s'", machines[i]);
        g_autofree char *renamed = g_strjoinv(quoted, parts);
        g_autofree char *lifted = project(projectionLift, renamed);

        g_assert_cmpuint(g_strv_length(parts), ==, 2);
        g_assert_nonnull(strstr(lifted, "<emulatedpci devicename='citrix-pv-bus'>"));
        g_assert_nonnull(strstr(lifted, "<emulator>/usr/bin/qemu-system-x86_64</emulator>"));
        g_assert_null(strstr(lifted, "qemu:"));
    }
}


static char *askedMachine;

static const char *
resolveMachine(const char *type, const char *arch, const char *machine, const char *emulator,
               void *opaque)
{
    g_free(askedMachine);
    askedMachine = g_strdup_printf("%s %s %s %s", type ? type : "-", arch ? arch : "-",
                                   machine ? machine : "-", emulator ? emulator : "-");
    return opaque;
}


/* The administrator's minimum applies to the machine type to which libvirt resolves a name. */
static void
testMachineMin(void)
{
    static const struct {
        const char *machine;    /* attribute in the document */
        const char *resolved;   /* the name to which libvirt resolves it */
        gboolean asked;
        gboolean refused;
    } cases[] = {
        { "machine='pc-i440fx-5.2'", NULL, FALSE, TRUE },
        { "machine='pc-i440fx-6.0'", NULL, FALSE, FALSE },
        { "machine='pc'", "pc-i440fx-5.2", TRUE, TRUE },
        { "machine='pc'", "pc-i440fx-rhel7.6.0", TRUE, TRUE },
        { "machine='pc'", "pc-i440fx-7.2", TRUE, FALSE },
        { "machine='pc'", NULL, TRUE, FALSE },
        { "", "pc-i440fx-5.2", TRUE, TRUE },
        { "", "pc-q35-6.2", TRUE, FALSE },
    };
    gsize i;

    for (i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *xml =
            g_strdup_printf("<domain type='kvm'><os><type arch='x86_64' %s>hvm</type></os>"
                            "<devices>" DEVICE "</devices></domain>", cases[i].machine);
        ProjectionOptions opts = options;
        g_autoptr(GPtrArray) definitions = g_ptr_array_new_with_free_func(g_free);
        g_autoptr(GError) err = NULL;
        g_autofree char *collected = NULL;
        g_autofree char *out = NULL;
        ProjectionResult result;
        gsize len;

        opts.machineMin = (QEMUMachineVersion) { 6, 0 };
        opts.machine = resolveMachine;
        opts.machineOpaque = (void *) cases[i].resolved;

        g_clear_pointer(&askedMachine, g_free);
        projectionCollect(xml, strlen(xml), &opts, definitions);
        collected = g_steal_pointer(&askedMachine);
        result = projectionLower(xml, strlen(xml), &opts, &out, &len, &err);
        if (cases[i].refused) {
            g_assert_cmpint(result, ==, PROJECTION_ERROR);
            g_assert_error(err, EMULATED_PCI_ERROR, VIR_ERR_CONFIG_UNSUPPORTED);
        } else {
            g_assert_cmpint(result, ==, PROJECTION_CHANGED);
        }
        g_assert_cmpint(askedMachine != NULL, ==, cases[i].asked);
        g_assert_cmpstr(collected, ==, askedMachine);
        if (cases[i].asked && *cases[i].machine)
            g_assert_cmpstr(askedMachine, ==, "kvm x86_64 pc /launch/qemu-system-x86_64");
        else if (cases[i].asked)
            g_assert_cmpstr(askedMachine, ==, "kvm x86_64 - /launch/qemu-system-x86_64");
    }
    g_clear_pointer(&askedMachine, g_free);
}


/* Each definition is collected once, and only if lowering requires it. */
static void
testCollect(void)
{
    const char *xml =
        "<domain type='kvm'><os><type arch='x86_64' machine='pc'>hvm</type></os><devices>"
        "<emulatedpci definition='one'/><emulatedpci definition='two'/>"
        "<emulatedpci definition='one'><config revision='0x01'/></emulatedpci>"
        DEVICE "<emulatedpci definition='bad' other='x'/></devices></domain>";
    g_autoptr(GPtrArray) definitions = g_ptr_array_new_with_free_func(g_free);

    projectionCollect(xml, strlen(xml), NULL, definitions);
    g_assert_cmpuint(definitions->len, ==, 2);
    g_assert_cmpstr(g_ptr_array_index(definitions, 0), ==, "one");
    g_assert_cmpstr(g_ptr_array_index(definitions, 1), ==, "two");

    projectionCollect("<emulatedpci definition='x'", 27, NULL, definitions);
    g_assert_cmpuint(definitions->len, ==, 2);
}


/* The messages for malformed XML are those of libvirt. */
static void
testMalformed(void)
{
    static const struct {
        const char *xml;
        int line;
    } cases[] = {
        { "<emulatedpci", 1 },
        { "<emulatedpci>", 1 },
        { "<emulatedpci a='", 1 },
        { "<emulatedpci a=b/>", 1 },
        { "<emulatedpci a='<'/>", 1 },
        { "<emulatedpci a='1' a='2'/>", 1 },
        { "<domain>\n<emulatedpci/>\n</domain", 3 },
        { "<domain>\n<emulatedpci/>\n</devices>", 3 },
        { "<domain>\n<emulatedpci/>\n</domain>\n<domain/>", 4 },
        { "<domain>\n<emulatedpci/>&\n</domain>", 2 },
        { "<domain>\n<name>\xe9</name><emulatedpci/></domain>", 2 },
        { "<domain>\n<name>\x02</name><emulatedpci/></domain>", 2 },
        { "<controller>\n<emulatedpci/>\n", 3 },
        { "\n\n  <?xml version='1.0'?><emulatedpci/>", 3 },
    };
    gsize i;

    for (i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *prefix = g_strdup_printf("(domain_definition):%d: ", cases[i].line);
        g_autoptr(GError) err = NULL;
        char *out = NULL;

        g_assert_cmpint(projectBytes(projectionLower, cases[i].xml, strlen(cases[i].xml),
                                     &out, &err), ==, PROJECTION_ERROR);
        g_assert_error(err, EMULATED_PCI_ERROR, VIR_ERR_XML_ERROR);
        g_assert_null(out);
        g_assert_true(g_utf8_validate(err->message, -1, NULL));
        if (!g_str_has_prefix(err->message, prefix) || !g_str_has_suffix(err->message, "^")) {
            g_test_message("%s: %s", cases[i].xml, err->message);
            g_test_fail();
        }
    }
}


/* libxml2 would not read beyond a NUL. The part after it must not be forwarded. */
static void
testNul(void)
{
    static const char document[] = DOMAIN(DEVICE) "\0" "<more/>";
    g_autoptr(GError) err = NULL;
    char *out = NULL;

    g_assert_cmpint(projectBytes(projectionLower, document, sizeof(document) - 1, &out, &err), ==,
                    PROJECTION_ERROR);
    g_assert_error(err, EMULATED_PCI_ERROR, VIR_ERR_XML_ERROR);
    g_assert_null(out);
}


/* A part of a document is never treated as the whole document. */
static void
testTruncated(void)
{
    static const char document[] = DOMAIN(DEVICE);
    g_autofree char *lowered = project(projectionLower, document);
    gsize end = strlen(lowered) - 1;
    gsize len;

    for (len = 0; len < strlen(document) - 1; len++) {
        g_autoptr(GError) err = NULL;
        char *out = NULL;

        g_assert_cmpint(projectBytes(projectionLower, document, len, &out, &err), !=,
                        PROJECTION_CHANGED);
        g_assert_null(out);
    }
    for (len = 0; len < end; len++) {
        g_autoptr(GError) err = NULL;
        char *out = NULL;

        g_assert_cmpint(projectBytes(projectionLift, lowered, len, &out, &err), !=,
                        PROJECTION_CHANGED);
        g_assert_null(out);
    }
}


static void
testWide(void)
{
    static const char *const encodings[] = { "UTF-16LE", "UTF-16BE", "UTF-16", "UTF-32LE" };
    gsize i;

    for (i = 0; i < G_N_ELEMENTS(encodings); i++) {
        g_autoptr(GError) err = NULL;
        g_autofree char *with = NULL;
        g_autofree char *without = NULL;
        char *out = NULL;
        gsize len;

        with = g_convert(DOMAIN(DEVICE), -1, encodings[i], "UTF-8", NULL, &len, &err);
        g_assert_no_error(err);
        g_assert_cmpint(projectBytes(projectionLower, with, len, &out, &err), ==, PROJECTION_ERROR);
        g_assert_error(err, EMULATED_PCI_ERROR, VIR_ERR_CONFIG_UNSUPPORTED);
        g_clear_error(&err);

        without = g_convert(DOMAIN("<hub/>"), -1, encodings[i], "UTF-8", NULL, &len, &err);
        g_assert_no_error(err);
        g_assert_cmpint(projectBytes(projectionLower, without, len, &out, &err), ==,
                        PROJECTION_UNCHANGED);
        g_assert_no_error(err);
    }
}


/* Encodings that use the bytes of ASCII for other characters, or other bytes for the characters of
 * ASCII: libvirt reads them, so a device in such a document must not be ignored. */
static void
testForeignEncodings(void)
{
    static const struct {
        const char *declaration;    /* in ASCII; the rest is in ENCODING */
        const char *head;           /* in ENCODING */
        const char *encoding;
        gboolean found;
    } cases[] = {
        { "<?xml version='1.0' encoding='UTF-7'", "?>", "UTF-7", TRUE },
        { "<?xml version=\"1.0\" encoding=\"utf-7\"", "?>", "UTF-7", TRUE },
        { "<?xml version='1.0' encoding='IBM037'", "?>", "IBM037", TRUE },
        { "<?xml version='1.0' encoding='ISO-2022-KR'", "?>", "ISO-2022-KR", TRUE },
        { "", "<?xml version='1.0' encoding='IBM037'?>", "IBM037", TRUE },
        { "", "<?xml version='1.0' encoding='IBM273'?>", "IBM273", TRUE },
        { "", "<?xml version='1.0'?>", "IBM037", TRUE },
        { "<?xml version='1.0' encoding='no-such'", "?>", "UTF-7", FALSE },
        { "<?xml version='1.0'", "?>", "UTF-7", FALSE },
        { "", "<?xml version='1.0' encoding='no-such'?>", "IBM037", FALSE },
    };
    gsize i;

    for (i = 0; i < G_N_ELEMENTS(cases); i++) {
        static const char *const devices[] = { DEVICE, "<!-- " DEVICE " -->", "<hub type='usb'/>" };
        gsize j;

        for (j = 0; j < G_N_ELEMENTS(devices); j++) {
            g_autofree char *text = g_strdup_printf("%s" DOMAIN("%s"), cases[i].head, devices[j]);
            g_autoptr(GString) xml = g_string_new(cases[i].declaration);
            g_autoptr(GError) err = NULL;
            g_autofree char *converted = NULL;
            char *out = NULL;
            gsize len;

            converted = g_convert(text, -1, cases[i].encoding, "UTF-8", NULL, &len, &err);
            g_assert_no_error(err);
            g_string_append_len(xml, converted, len);
            if (j == 0 && cases[i].found) {
                g_assert_cmpint(projectBytes(projectionLower, xml->str, xml->len, &out, &err), ==,
                                PROJECTION_ERROR);
                g_assert_error(err, EMULATED_PCI_ERROR, VIR_ERR_CONFIG_UNSUPPORTED);
                g_assert_nonnull(strstr(err->message, "must be encoded in UTF-8, not in '"));
            } else {
                g_assert_cmpint(projectBytes(projectionLower, xml->str, xml->len, &out, &err), ==,
                                PROJECTION_UNCHANGED);
                g_assert_no_error(err);
            }
        }
    }
}


/* Lifting changes only elements that are exactly as lowering writes them. */
static void
testLiftForeign(void)
{
    static const struct {
        const char *from;
        const char *to;
    } changes[] = {
        { "index='32000'", "index='31999'" },
        { "index='32000'", "index='42000'" },
        { "index='32000'", "index='0x7d00'" },
        { "index='32000'", "" },
        { " model='lsilogic'", "" },
        { "model='lsilogic'", "model='lsisas1068'" },
        { "model='lsilogic'", "model='lsilogic' ports='1'" },
        { "type='scsi'", "type='sata'" },
        { "<controller ", "<controller xmlns:x='urn:x' " },
        { "</controller>", "<driver/></controller>" },
        { "</controller>", "<!-- mine --></controller>" },
        { "</controller>", "<?mine?></controller>" },
        { "</controller>", "mine</controller>" },
        { "</controller>", "<alias name='ua-b'/></controller>" },
        { "</controller>", "<address type='pci' slot='0x5' x='y'/></controller>" },
        { "</controller>", "<address type='pci' slot='0x20'/></controller>" },
        { "</controller>", "<address type='pci' slot='5'><zpci uid='1'/></address></controller>" },
        { "</controller>", "<address type='pci'/><address type='pci'/></controller>" },
        { "<alias name='ua-emulatedpci0'/>", "" },
        { "<alias name='ua-emulatedpci0'/>", "<alias name='ua-emulatedpci0' x='y'/>" },
        { "<alias name='ua-emulatedpci0'/>", "<alias name='ua-emulatedpci1'/>" },
        { "</devices>", "<input><alias name='ua-emulatedpci0'/></input></devices>" },
        { "</devices>", "<controller type='scsi' index='32000'/></devices>" },
        { "ua-emulatedpci0", "scsi32000" },
        { "<devices>", "<!--" "--><x>" },
        { "device alias='ua-emulatedpci0'", "device alias='ua-emulatedpci1'" },
        { "device alias='ua-emulatedpci0'", "device alias='ua-emulatedpci0' x='y'" },
        { "device alias='ua-emulatedpci0'", "device" },
        { "</qemu:override>", "<qemu:device alias='ua-emulatedpci0'/></qemu:override>" },
        { "</qemu:device>", "<qemu:backend/></qemu:device>" },
        { "</qemu:device>", "<qemu:frontend/></qemu:device>" },
        { "</qemu:device>", "<!-- mine --></qemu:device>" },
        { "<qemu:frontend>", "<qemu:frontend x='y'>" },
        { "<qemu:frontend>", "<qemu:frontend/><qemu:frontend>" },
        { "</qemu:frontend>", "mine</qemu:frontend>" },
        { "</qemu:frontend>", "<frontend/></qemu:frontend>" },
        { "</qemu:frontend>", "<qemu:property name='x' type='string' value='y'/></qemu:frontend>" },
        { "</qemu:frontend>", "<qemu:property name='revision' type='remove'/></qemu:frontend>" },
        { "</qemu:frontend>",
          "<qemu:property name='revision' type='unsigned' value='0'/></qemu:frontend>" },
        { "'revision' type='unsigned'", "'revision' type='signed'" },
        { "'revision' type='unsigned' value='0'", "'revision' type='unsigned' value='256'" },
        { "'revision' type='unsigned' value='0'", "'revision' type='unsigned' value='0x0'" },
        { "'revision' type='unsigned' value='0'", "'revision' type='unsigned' value='00'" },
        { "'revision' type='unsigned' value='0'", "'revision' type='unsigned' value=''" },
        { "'headertype' type='unsigned' value='0'", "'headertype' type='unsigned' value='1'" },
        { "'headertype' type='unsigned' value='0'", "'headertype' type='unsigned' value='128'" },
        { "'vendorid' type='unsigned' value='22611'", "'vendorid' type='unsigned' value='65535'" },
        { "name='revision'", "name='reversion'" },
        { "value='citrix-pv-bus'", "value='citrix pv bus'" },
        { "value='emulated-pci'", "value='emulated-pci2'" },
        { "'emulated-pci'/>", "'emulated-pci'><x/></qemu:property>" },
        { "schemas/domain/qemu/1.0", "schemas/domain/qemu/2.0" },
    };
    g_autofree char *lowered = project(projectionLower, DOMAIN(DEVICE));
    gsize i;

    for (i = 0; i < G_N_ELEMENTS(changes); i++) {
        g_auto(GStrv) parts = g_strsplit(lowered, changes[i].from, 2);
        g_autofree char *changed = g_strjoinv(changes[i].to, parts);
        g_autoptr(GError) err = NULL;
        char *out = NULL;

        g_assert_cmpuint(g_strv_length(parts), ==, 2);
        if (strcmp(changes[i].to, "<!--" "--><x>") == 0) {
            g_auto(GStrv) ends = g_strsplit(changed, "</devices>", 2);

            g_free(changed);
            changed = g_strjoinv("</x>", ends);
        }
        if (projectBytes(projectionLift, changed, strlen(changed), &out, &err) !=
            PROJECTION_UNCHANGED) {
            g_test_message("%s -> %s: %s", changes[i].from, changes[i].to, err ? err->message : out);
            g_test_fail();
        }
        g_free(out);
    }
}


/* A lowered device with another element beside it is not lifted, because the result would not be a
 * document. */
static void
testLiftFragment(void)
{
    static const struct {
        const char *from;
        const char *to;
    } changes[] = {
        { "</controller>", "</controller>mine" },
        { "</controller>", "</controller><![CDATA[mine]]>" },
        { "</controller>", "</controller><mine/>" },
        { "</controller>", "</controller><controller type='usb'/>" },
        { "</controller>", "</controller><emulatedpci/>" },
        { "</controller>", "</controller><controller type='scsi' index='32001'/>" },
        { "</qemu:device>", "</qemu:device>mine" },
        { "</qemu:device>", "</qemu:device><!-- mine -->" },
        { "</qemu:device>", "</qemu:device><qemu:device alias='ua-b'/>" },
        { "<qemu:override", "<qemu:override mine='x'" },
        { "</qemu:override>", "</qemu:override><qemu:override"
          " xmlns:qemu='http://libvirt.org/schemas/domain/qemu/1.0'/>" },
    };
    g_autofree char *lowered = project(projectionLower, DEVICE);
    gsize i;

    for (i = 0; i < G_N_ELEMENTS(changes); i++) {
        g_auto(GStrv) parts = g_strsplit(lowered, changes[i].from, 2);
        g_autofree char *changed = g_strjoinv(changes[i].to, parts);
        g_autofree char *lifted = project(projectionLift, changed);

        compareTexts(changes[i].to, changed, lifted);
    }
}


/* One device is lifted, the others are not. */
static void
testLiftSome(void)
{
    g_autofree char *lowered = project(projectionLower, DOMAIN(DEVICE DEVICE DEVICE));
    g_auto(GStrv) parts = g_strsplit(lowered, "'lsilogic'><alias name='ua-emulatedpci1'", 2);
    g_autofree char *changed = g_strjoinv("'buslogic'><alias name='ua-emulatedpci1'", parts);
    g_autofree char *lifted = project(projectionLift, changed);
    g_autofree char *again = project(projectionLower, lifted);

    g_assert_cmpuint(g_strv_length(parts), ==, 2);
    g_assert_nonnull(strstr(lifted, "<alias name='ua-emulatedpci0'/>\n    </emulatedpci>"));
    g_assert_nonnull(strstr(lifted, "<alias name='ua-emulatedpci1'/></controller>"));
    g_assert_nonnull(strstr(lifted, "<alias name='ua-emulatedpci2'/></emulatedpci>"));
    g_assert_nonnull(strstr(lifted, "<qemu:device alias='ua-emulatedpci1'>"));
    g_assert_null(strstr(lifted, "<qemu:device alias='ua-emulatedpci0'>"));
    g_assert_null(strstr(lifted, "<qemu:device alias='ua-emulatedpci2'>"));
    g_assert_null(strstr(again, "<emulatedpci"));
}


/* Returns DOMAIN with three devices, lowered, without the controllers before the one with the index
 * KEEP. */
static char *
detachBefore(const char *domain,
             const char *keep)
{
    g_autofree char *lowered = project(projectionLower, domain);
    g_auto(GStrv) parts = g_strsplit(lowered, "    <controller type='scsi'", -1);
    const char *end = strstr(parts[3], "</controller>\n") + strlen("</controller>\n");
    g_autoptr(GString) result = g_string_new(parts[0]);
    int i;

    g_assert_cmpuint(g_strv_length(parts), ==, 4);
    for (i = 1; i < 4; i++) {
        if (strncmp(parts[i], keep, strlen(keep)) == 0)
            g_string_append_printf(result, "    <controller type='scsi'%s", parts[i]);
        else if (i == 3)
            g_string_append(result, end);
    }
    return g_string_free(g_steal_pointer(&result), FALSE);
}


/* The remains of detached devices in a running domain are hidden only if the option is set. */
static void
testHideDetached(void)
{
#define THREE(id) "<domain type='qemu'" id ">\n  <devices>\n" \
    "    <emulator>/usr/bin/qemu-system-x86_64</emulator>\n" \
    "    " DEVICE "\n    " DEVICE "\n    " DEVICE "\n    <memballoon model='none'/>\n" \
    "  </devices>\n</domain>\n"
    const ProjectionOptions hide = {
        .launchDir = options.launchDir, .qemuDir = options.qemuDir, .hideDetached = TRUE,
    };
    static const char *const keeps[] = { " index='32002'", "none" };
    gsize i;

    for (i = 0; i < G_N_ELEMENTS(keeps); i++) {
        g_autofree char *live = detachBefore(THREE(" id='1'"), keeps[i]);
        g_autofree char *inactive = detachBefore(THREE(""), keeps[i]);
        g_autofree char *shown = project(projectionLift, live);
        g_autoptr(GError) err = NULL;
        g_autofree char *out = NULL;
        g_autofree char *same = NULL;
        gsize outlen = 0;

        g_assert_nonnull(strstr(shown, "<qemu:device alias='ua-emulatedpci0'>"));
        g_assert_cmpint(projectionLift(live, strlen(live), &hide, &out, &outlen, &err), ==,
                        PROJECTION_CHANGED);
        g_assert_null(strstr(out, "qemu:"));
        g_assert_nonnull(strstr(out, "<emulator>/usr/bin/qemu-system-x86_64</emulator>"));
        g_assert_true((strstr(out, "<alias name='ua-emulatedpci2'/>") != NULL) == (i == 0));

        if (projectionLift(inactive, strlen(inactive), &hide, &same, &outlen, &err) ==
            PROJECTION_CHANGED) {
            g_assert_nonnull(strstr(same, "<qemu:device alias='ua-emulatedpci0'>"));
        }
        g_assert_no_error(err);
    }
#undef THREE
}


/* Tests the positions of the devices in the text, and their fields. */
static void
testDevices(void)
{
    static const char xml[] = DOMAIN("<emulator>/usr/bin/qemu</emulator>" DEVICE "<hub/>" DEVICE);
    g_autoptr(GPtrArray) devices = NULL;
    g_autoptr(GError) err = NULL;
    guint i;

    devices = projectionDevices(xml, strlen(xml), &err);
    g_assert_no_error(err);
    g_assert_cmpuint(devices->len, ==, 2);
    for (i = 0; i < devices->len; i++) {
        const ProjectionDevice *device = g_ptr_array_index(devices, i);

        g_assert_cmpmem(xml + device->start, device->end - device->start, DEVICE, strlen(DEVICE));
        g_assert_cmpstr(device->def->fields.devicename, !=, "");
    }

    g_assert_null(projectionDevices("<network/>", 10, &err));
    g_assert_error(err, EMULATED_PCI_ERROR, VIR_ERR_XML_ERROR);
    g_clear_error(&err);
    g_assert_null(projectionDevices(xml, strlen(xml) - 5, &err));
    g_assert_error(err, EMULATED_PCI_ERROR, VIR_ERR_XML_ERROR);
}


/* New devices beside lowered ones: the lowered devices keep their addresses. */
static void
testMixed(void)
{
    g_autofree char *lowered = project(projectionLower, DOMAIN(DEVICE));
    g_auto(GStrv) parts = g_strsplit(lowered, "</devices>", 2);
    g_autofree char *mixed = g_strjoinv("  " DEVICE "\n  </devices>", parts);
    g_autofree char *loweredMixed = project(projectionLower, mixed);
    g_autofree char *liftedMixed = project(projectionLift, mixed);
    g_autofree char *viaLifted = project(projectionLower, liftedMixed);
    g_autofree char *end = project(projectionLift, loweredMixed);

    g_assert_nonnull(strstr(loweredMixed, "index='32000'"));
    g_assert_nonnull(strstr(loweredMixed, "<alias name='ua-emulatedpci1'/>"));
    g_assert_nonnull(strstr(loweredMixed, "index='32001'"));
    g_assert_nonnull(strstr(loweredMixed, "<qemu:device alias='ua-emulatedpci1'>"));
    compareTexts("mixed", loweredMixed, viaLifted);
    g_assert_null(strstr(end, "controller"));
    g_assert_null(strstr(end, "override"));
}


/* A document of several megabytes, with 200 devices throughout. */
static void
testLarge(void)
{
    g_autoptr(GString) xml = g_string_new("<domain type='qemu'>\n  <metadata>\n");
    g_autofree char *lowered = NULL;
    g_autofree char *lifted = NULL;
    g_autofree char *loweredAgain = NULL;
    int i;

    for (i = 0; i < 50000; i++)
        g_string_append_printf(xml, "    <x y='%d'>&lt;emulatedpci&gt; \xc3\xa4 %d</x>\n", i, i);
    g_string_append(xml, "  </metadata>\n  <devices>\n    <emulator>/usr/bin/qemu</emulator>\n");
    for (i = 0; i < 200; i++) {
        int j;

        g_string_append_printf(xml, "    <emulatedpci devicename='n%d'>" CONFIG "</emulatedpci>\n", i);
        for (j = 0; j < 50; j++)
            g_string_append_printf(xml, "    <hub type='usb'>\n      <alias name='hub%d-%d'/>\n"
                                   "    </hub>\n", i, j);
    }
    g_string_append(xml, "  </devices>\n</domain>\n");
    g_assert_cmpuint(xml->len, >, 2 * 1024 * 1024);

    lowered = project(projectionLower, xml->str);
    g_assert_nonnull(strstr(lowered, "index='32199'"));
    lifted = project(projectionLift, lowered);
    g_assert_null(strstr(lifted, "override"));
    g_assert_nonnull(strstr(lifted, "ua-emulatedpci199"));
    loweredAgain = project(projectionLower, lifted);
    g_assert_true(strcmp(lowered, loweredAgain) == 0);
}


/* The maximum number of devices of an emulator and of a domain, and one more of each. */
static void
testTooMany(void)
{
    static const struct {
        int devices;
        int emulators;
        const char *message;    /* NULL: this number is allowed */
    } cases[] = {
        { 256, 1, NULL },
        { 257, 1, "for the emulator 'e0': at most 256 are supported" },
        { 1024, 4, NULL },
        { 1025, 5, "too many emulated PCI devices: at most 1024 are supported" },
    };
    gsize i;

    for (i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(GString) xml = g_string_new("<domain type='qemu'><devices>");
        g_autoptr(GError) err = NULL;
        g_autofree char *out = NULL;
        int j;

        for (j = 0; j < cases[i].devices; j++)
            g_string_append_printf(xml, "<emulatedpci devicename='d'>" CONFIG
                                   "<driver emulator='e%d'/></emulatedpci>", j % cases[i].emulators);
        g_string_append(xml, "</devices></domain>");

        if (!cases[i].message) {
            g_autofree char *last = g_strdup_printf("index='%d'", 32000 + cases[i].devices - 1);

            out = project(projectionLower, xml->str);
            g_assert_nonnull(strstr(out, last));
        } else {
            g_assert_cmpint(projectBytes(projectionLower, xml->str, xml->len, &out, &err), ==,
                            PROJECTION_ERROR);
            g_assert_error(err, EMULATED_PCI_ERROR, VIR_ERR_CONFIG_UNSUPPORTED);
            if (!strstr(err->message, cases[i].message))
                g_error("%s", err->message);
        }
    }
}


/* An <emulatedpci> in a place where libvirt would drop it. */
static void
testMisplaced(void)
{
    static const struct {
        const char *xml;
        const char *path;       /* of the parent element; NULL: not checked */
    } cases[] = {
        { "<domain>" DEVICE "<devices/></domain>", "1: it is in '/domain'," },
        { "<domain>\n<devices>\n<disk>" DEVICE "</disk></devices></domain>",
          "3: it is in '/domain/devices/disk'," },
        { "<domain><devices>" DEVICE "</devices>\n" DEVICE "</domain>", "2: it is in '/domain'," },
        { "<node>" DEVICE "</node>", "1: it is in '/node'," },
        { "<devices>" DEVICE "</devices>", "1: it is in '/devices'," },
        { "<disk>" DEVICE "</disk>", "1: it is in '/disk'," },
        { "<controller>" DEVICE "</controller>", "1: it is in '/controller'," },
        { "<domainsnapshot>" DEVICE "<domain/></domainsnapshot>", "1: it is in '/domainsnapshot'," },
        { "<domainsnapshot><devices>" DEVICE "</devices></domainsnapshot>",
          "1: it is in '/domainsnapshot/devices'," },
        { "<a><b><c><d><e><f><g><h><i>" DEVICE "</i></h></g></f></e></d></c></b></a>",
          "1: it is in '/a/b/c/d/e/f/…'," },
        { "<domain><devices><metadata>" DEVICE "</metadata></devices></domain>",
          "1: it is in '/domain/devices/metadata'," },

        { "<domain><metadata>" DEVICE "</metadata></domain>", NULL },
        { "<domain><metadata><x:a xmlns:x='urn:x'>" DEVICE "</x:a></metadata></domain>", NULL },
        { "<domain xmlns='urn:x'><devices>" DEVICE "</devices></domain>", NULL },
        { "<domain><devices><emulatedpci xmlns='urn:x'/></devices></domain>", NULL },
        { "<domain><x:a xmlns:x='urn:x'>" DEVICE "</x:a></domain>", NULL },
        { "<domain><!--" DEVICE "--></domain>", NULL },
        { "<domain><title><![CDATA[" DEVICE "]]></title></domain>", NULL },
    };
    gsize i;

    for (i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *message = projectionFindMisplaced(cases[i].xml, strlen(cases[i].xml));
        g_autoptr(GError) err = NULL;
        char *out = NULL;
        ProjectionResult result = projectBytes(projectionLower, cases[i].xml, strlen(cases[i].xml),
                                               &out, &err);

        if (!cases[i].path) {
            g_assert_null(message);
            g_assert_cmpint(result, ==, PROJECTION_UNCHANGED);
            continue;
        }
        g_assert_cmpint(result, ==, PROJECTION_ERROR);
        g_assert_error(err, EMULATED_PCI_ERROR, VIR_ERR_XML_ERROR);
        g_assert_cmpstr(message, ==, err->message);
        if (!strstr(message, cases[i].path))
            g_error("%s: %s", cases[i].path, message);
    }
}


#define MMIO_DISK "<disk type='file'><target dev='vda' bus='virtio'/>" \
    "<address type='virtio-mmio'/></disk>"

/* In a domain with virtio-mmio devices, libvirt gives a SCSI controller without an address such an
 * address. Therefore the reserved controller has one without numbers. */
static void
testVirtioMMIO(void)
{
    g_autofree char *lowered = project(projectionLower, DOMAIN(DEVICE MMIO_DISK));
    g_autofree char *lifted = project(projectionLift, lowered);
    g_autofree char *again = project(projectionLower, lifted);
    g_auto(GStrv) parts = NULL;
    g_autofree char *moved = NULL;
    g_autoptr(GError) err = NULL;
    char *out = NULL;

    g_assert_nonnull(strstr(lowered, "<alias name='ua-emulatedpci0'/>\n      <address type='pci'/>\n"
                            "    </controller>"));
    g_assert_null(strstr(lifted, "type='pci'"));
    g_assert_cmpstr(again, ==, lowered);

    /* A device that libvirt or the user has moved to another bus causes an error. */
    parts = g_strsplit(lowered, "<address type='pci'/>", -1);
    g_assert_cmpuint(g_strv_length(parts), ==, 2);
    moved = g_strjoinv("<address type='virtio-mmio'/>", parts);
    g_assert_cmpint(projectBytes(projectionLift, moved, strlen(moved), &out, &err), ==,
                    PROJECTION_ERROR);
    g_assert_error(err, EMULATED_PCI_ERROR, VIR_ERR_CONFIG_UNSUPPORTED);
    g_assert_nonnull(strstr(err->message, "'citrix-pv-bus', alias 'ua-emulatedpci0', has an address "
                            "of type 'virtio-mmio'"));
}


/* Without options, the default directories are those of configure. */
#define COMPLETE "devicename='d' definition='emulatedpci_none'>" \
    "<config vendorid='1' deviceid='2' command='0' status='0' revision='0' classcode='0' " \
    "headertype='0' subvendorid='1' subsystemid='2' interruptline='0' interruptpin='0'/>"

/* The caller provides the definitions. Here it has none. */
static void
testNoDefinitions(void)
{
    const char *incomplete = "<emulatedpci definition='emulatedpci_x'/>";
    const char *complete = "<emulatedpci " COMPLETE "</emulatedpci>";
    g_autofree char *lowered = project(projectionLower, complete);
    g_autofree char *out = NULL;
    g_autoptr(GError) err = NULL;
    gsize outlen;

    g_assert_nonnull(strstr(lowered, "name='definition' type='string' value='emulatedpci_none'"));
    g_assert_cmpint(projectionLower(incomplete, strlen(incomplete), &options, &out, &outlen, &err),
                    ==, PROJECTION_ERROR);
    g_assert_error(err, EMULATED_PCI_ERROR, VIR_ERR_CONFIG_UNSUPPORTED);
    g_assert_nonnull(strstr(err->message, "'emulatedpci_x' is not available"));
}


/* Tests bit 7 of headertype in the definition together with multifunction in the address. */
static void
testResolveHeadertype(void)
{
    static const struct {
        guint32 defined;
        const char *given;
        const char *address;
        int result;         /* -1: an error */
    } cases[] = {
        { 0x00, "", "", 0x00 },
        { 0x00, "", "<address type='pci' slot='1' multifunction='off'/>", 0x00 },
        { 0x00, "", "<address type='pci' slot='1' multifunction='on'/>", 0x80 },
        { 0x00, "<config headertype='0'/>", "<address type='pci' slot='1' multifunction='on'/>",
          -1 },
        { 0x80, "", "", -1 },
        { 0x80, "", "<address type='pci' slot='1' multifunction='on'/>", 0x80 },
        { 0x80, "<config headertype='0'/>", "", 0x00 },
    };
    gsize i;

    for (i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *xml = g_strconcat("<emulatedpci definition='x'>", cases[i].given,
                                           cases[i].address, "</emulatedpci>", NULL);
        g_autoptr(EmulatedPCIDef) def = emulatedPCIDefParseString(xml, strlen(xml), NULL);
        g_autoptr(EmulatedPCIDef) from = emulatedPCIDefNew();

        g_assert_nonnull(def);
        g_assert_true(def->needsDefinition);
        g_strlcpy(from->fields.devicename, "from", sizeof(from->fields.devicename));
        from->fields.value[EMULATED_PCI_FIELD_VENDORID] = 1;
        from->fields.value[EMULATED_PCI_FIELD_HEADERTYPE] = cases[i].defined;
        emulatedPCIDefFill(def, from);
        g_assert_false(def->needsDefinition);
        g_assert_cmpstr(def->fields.devicename, ==, "from");
        if (!emulatedPCIDefValidate(def, NULL))
            g_assert_cmpint(cases[i].result, ==, -1);
        else
            g_assert_cmphex(def->fields.value[EMULATED_PCI_FIELD_HEADERTYPE], ==, cases[i].result);
    }
}


static void
testDefaultDirs(void)
{
    static const char xml[] = DOMAIN("<emulator>" QEMU_DIR "/qemu-system-x86_64</emulator>" DEVICE);
    g_autoptr(GError) err = NULL;
    g_autofree char *out = NULL;
    gsize outlen = 0;

    g_assert_cmpint(projectionLower(xml, strlen(xml), NULL, &out, &outlen, &err), ==,
                    PROJECTION_CHANGED);
    g_assert_nonnull(strstr(out, "<emulator>" LAUNCH_DIR "/qemu-system-x86_64</emulator>"));
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

    g_test_add_func("/projection/no-word", testNoWord);
    g_test_add_func("/projection/malformed", testMalformed);
    g_test_add_func("/projection/truncated", testTruncated);
    g_test_add_func("/projection/misplaced", testMisplaced);
    g_test_add_func("/projection/virtio-mmio", testVirtioMMIO);
    g_test_add_func("/projection/lift-renamed", testLiftRenamed);
    g_test_add_func("/projection/machine-min", testMachineMin);
    g_test_add_func("/projection/collect", testCollect);
    g_test_add_func("/projection/nul", testNul);
    g_test_add_func("/projection/wide", testWide);
    g_test_add_func("/projection/foreign-encodings", testForeignEncodings);
    g_test_add_func("/projection/lift-foreign", testLiftForeign);
    g_test_add_func("/projection/lift-fragment", testLiftFragment);
    g_test_add_func("/projection/lift-some", testLiftSome);
    g_test_add_func("/projection/hide-detached", testHideDetached);
    g_test_add_func("/projection/devices", testDevices);
    g_test_add_func("/projection/mixed", testMixed);
    g_test_add_func("/projection/large", testLarge);
    g_test_add_func("/projection/too-many", testTooMany);
    g_test_add_func("/projection/default-dirs", testDefaultDirs);
    g_test_add_func("/projection/no-definitions", testNoDefinitions);
    g_test_add_func("/projection/resolve-headertype", testResolveHeadertype);
    return g_test_run();
}
