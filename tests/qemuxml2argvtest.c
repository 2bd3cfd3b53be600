/*
 * qemuxml2argvtest.c: from the user's XML to QEMU's command line, by data
 *
 * Runs every NAME.xml of tests/qemuxml2argvdata; the README there says what
 * the files beside it hold. The command line and the addresses are those of
 * the real libvirt QEMU driver, which runs inside this process
 * (qemu:///embed): no libvirtd, no guest, no privileges.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <config.h>

#include "catalog.h"
#include "emulatedpci_error.h"
#include "error_name.h"
#include "projection.h"
#include "qemu_props.h"
#include "testembed.h"
#include "testutils.h"

#include <json-c/json.h>
#include <libxml/parser.h>
#include <libxml/tree.h>
#include <stdlib.h>
#include <string.h>

/* What stands for the launch directory of this run in golden files. */
#define LAUNCH_TOKEN "/LAUNCH"

#define DATA_DIR "tests/qemuxml2argvdata"

/* What a case leads to, in the order of the suffixes. */
typedef enum {
    GOLDEN_NATIVE = 0,
    GOLDEN_ARGS,
    GOLDEN_OUT,
    GOLDEN_ERR,

    GOLDEN_LAST
} Golden;

static const char *const goldenSuffix[GOLDEN_LAST] = {
    [GOLDEN_NATIVE] = ".native.xml",
    [GOLDEN_ARGS] = ".args",
    [GOLDEN_OUT] = ".out.xml",
    [GOLDEN_ERR] = ".err",
};

typedef struct {
    char *name;
    char *xml;
    gsize len;
    gboolean ran;
    const char *skipped;            /* why, or NULL */
    char *expected[GOLDEN_LAST];    /* NULL: no such file */
    char *actual[GOLDEN_LAST];      /* NULL: the case has none */
} Case;

static GPtrArray *cases;
static char *dataDir;
static TestEmbed *embed;
static ProjectionOptions options;
static Catalog *definitions;

/* Properties of native devices that say where a device is and what it is to
 * the guest; the others are libvirt's business and change with its version. */
static const char *const nativeProperties[] = {
    "driver", "id", "bus", "addr", "multifunction",
    "chassis", "chassis_nr", "port", "bus_nr", "masterbus", "firstport",
    "host", "scsi-id", "lun", "unit", "max-bytes", "period",
};


static void
caseFree(gpointer opaque)
{
    Case *c = opaque;
    int i;

    for (i = 0; i < GOLDEN_LAST; i++) {
        g_free(c->expected[i]);
        g_free(c->actual[i]);
    }
    g_free(c->name);
    g_free(c->xml);
    g_free(c);
}


static char *
replaceAll(const char *str, const char *from, const char *to)
{
    g_auto(GStrv) parts = g_strsplit(str, from, -1);

    return g_strjoinv(to, parts);
}


static char *
rootName(const char *xml, gsize len)
{
    xmlDocPtr doc = xmlReadMemory(xml, len, NULL, NULL, XML_PARSE_NONET | XML_PARSE_NOERROR);
    char *name;

    g_assert_nonnull(doc);
    name = g_strdup((const char *) xmlDocGetRootElement(doc)->name);
    xmlFreeDoc(doc);
    return name;
}


/* The first line of a message: in the next, libxml2 shows the place. */
static char *
formatMessage(const char *stage, int code, const char *message)
{
    return g_strdup_printf("%s: %s: %.*s\n", stage, errorCodeName(code),
                           (int) strcspn(message, "\n"), message);
}


static char *
formatError(const char *stage, const GError *err)
{
    g_assert_true(err->domain == EMULATED_PCI_ERROR);
    return formatMessage(stage, err->code, err->message);
}


/* libvirt's message without its quotation marks, which came with libvirt 9,
 * and without the schema's path. */
static char *
formatVirError(const char *stage)
{
    virErrorPtr err = virGetLastError();
    g_autofree char *unquoted = NULL;
    g_autofree char *message = NULL;
    char *path;

    g_assert_nonnull(err);
    unquoted = replaceAll(err->message, "'", "");
    message = replaceAll(unquoted, options.launchDir, LAUNCH_TOKEN);
    path = strstr(message, ": Unable to validate doc against ");
    if (path)
        *path = '\0';
    return formatMessage(stage, err->code, message);
}


/* The lines of NODE's element in what libvirt printed: an element of
 * <devices> begins and ends with four spaces before its tag. Calls FUNC for
 * every one with its first LINE and its whole TEXT. */
typedef void (*DeviceFunc)(const char *line, const char *text, GString *out);

static void
forEachDevice(const char *xml, DeviceFunc func, GString *out)
{
    g_auto(GStrv) lines = g_strsplit(xml, "\n", -1);
    g_autoptr(GString) text = g_string_new(NULL);
    const char *first = NULL;
    gboolean inside = FALSE;
    gsize i;

    for (i = 0; lines[i]; i++) {
        const char *line = lines[i];

        if (strcmp(line, "  </devices>") == 0)
            inside = FALSE;

        if (!inside) {
            func(NULL, line, out);
        } else {
            if (!first)
                first = line;
            g_string_append_printf(text, "%s\n", line);
            /* its end tag, or all of it on one line */
            if (strncmp(line, "    </", 6) == 0 ||
                (strncmp(line, "    <", 5) == 0 &&
                 (g_str_has_suffix(line, "/>") || strstr(line, "</")))) {
                func(first, text->str, out);
                g_string_truncate(text, 0);
                first = NULL;
            }
        }

        if (strcmp(line, "  <devices>") == 0)
            inside = TRUE;
    }
}


static void
appendPlaced(const char *line, const char *text, GString *out)
{
    if (line &&
        (g_str_has_prefix(line, "    <emulator>") ||
         g_str_has_prefix(line, "    <emulatedpci ") ||
         g_str_has_prefix(line, "    <controller type='pci'") ||
         g_str_has_prefix(line, "    <controller type='scsi'") ||
         g_str_has_prefix(line, "    <hostdev ") ||
         strstr(text, "<address type='pci'")))
        g_string_append(out, text);
}


static void
appendUnlessInterface(const char *line, const char *text, GString *out)
{
    if (!line)
        g_string_append_printf(out, "%s\n", text);
    else if (!g_str_has_prefix(line, "    <interface "))
        g_string_append(out, text);
}


/* A device of somebody else's, but for where it is on the PCI bus. */
static void
appendNeighbour(const char *line, const char *text, GString *out)
{
    g_auto(GStrv) lines = NULL;
    gsize i;

    if (!line ||
        g_str_has_prefix(line, "    <emulator>") ||
        g_str_has_prefix(line, "    <emulatedpci ") ||
        g_str_has_prefix(line, "    <controller type='pci'"))
        return;

    lines = g_strsplit(text, "\n", -1);
    for (i = 0; lines[i]; i++) {
        if (!strstr(lines[i], "<address type='pci'"))
            g_string_append_printf(out, "%s\n", lines[i]);
    }
}


/* What the user sees in "virsh dumpxml", cut to the devices that PCI
 * addressing is about and to what is there of libvirt's QEMU namespace. */
static char *
cutLifted(const char *lifted)
{
    g_autoptr(GString) out = g_string_new(NULL);
    const char *root = strstr(lifted, "<domain ");
    const char *tail = strstr(lifted, "  </devices>\n");

    g_assert_nonnull(root);
    g_assert_nonnull(tail);
    g_string_append_len(out, root, strchr(root, '\n') + 1 - root);
    g_string_append(out, "  <devices>\n");
    forEachDevice(lifted, appendPlaced, out);
    /* <seclabel>, which a driver with privileges adds, is the machine's */
    while (*tail) {
        const char *end = strchr(tail, '\n') + 1;

        if (!g_str_has_prefix(tail, "  <seclabel"))
            g_string_append_len(out, tail, end - tail);
        tail = end;
    }
    return g_string_free(g_steal_pointer(&out), FALSE);
}


/* A native device's -device argument, cut to nativeProperties. */
static char *
cutNativeDevice(const char *arg)
{
    json_object *full = json_tokener_parse(arg);
    json_object *cut = json_object_new_object();
    char *result;

    g_assert_nonnull(full);
    json_object_object_foreach(full, key, value) {
        gsize i;

        for (i = 0; i < G_N_ELEMENTS(nativeProperties); i++) {
            if (strcmp(key, nativeProperties[i]) == 0)
                json_object_object_add(cut, key, json_object_get(value));
        }
    }
    result = g_strdup(json_object_to_json_string_ext(cut, JSON_C_TO_STRING_PLAIN |
                                                          JSON_C_TO_STRING_NOSLASHESCAPE));
    json_object_put(cut);
    json_object_put(full);
    return result;
}


static void
appendArgument(GString *out, const char *option, const char *value)
{
    g_autofree char *quoted = NULL;

    if (value && !value[strspn(value, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                      "0123456789/_.,:=+-")])
        quoted = g_strdup(value);
    else if (value)
        quoted = g_shell_quote(value);

    g_string_append_printf(out, "%s%s%s%s", out->len ? " \\\n" : "",
                           option, value ? " " : "", value ? quoted : "");
}


/* The command line of native XML, cut; counts the emulated devices in it. */
static char *
buildArgs(const char *xml, gsize *ndevices)
{
    g_autoptr(GString) out = g_string_new(NULL);
    g_auto(GStrv) argv = NULL;
    g_autofree char *native = virConnectDomainXMLToNative(testEmbedConnection(embed),
                                                          "qemu-argv", xml, 0);
    g_autoptr(GError) err = NULL;
    gsize i;

    *ndevices = 0;
    if (!native)
        return NULL;

    if (!g_shell_parse_argv(native, NULL, &argv, &err))
        g_error("libvirt's command line: %s", err->message);

    /* the environment stands before the program */
    for (i = 0; argv[i] && argv[i][0] != '/'; i++)
        ;
    if (!argv[i])
        g_error("no program in %s", native);
    appendArgument(out, argv[i], NULL);

    for (i++; argv[i]; i++) {
        g_autofree char *written = g_strdup_printf("arg value='%s'", argv[i]);

        if (strcmp(argv[i], "-device") == 0 && argv[i + 1] && argv[i + 1][0] == '{') {
            const char *value = argv[++i];

            if (qemuPropsIsEmulatedPCI(value)) {
                g_autoptr(GError) bad = NULL;
                g_autoptr(QEMUProps) props = qemuPropsParse(value, &bad);

                /* as the launcher will read it */
                if (!props) {
                    g_test_message("the launcher refuses %s: %s", value, bad->message);
                    g_test_fail();
                }
                (*ndevices)++;
                appendArgument(out, "-device", value);
            } else {
                g_autofree char *cut = cutNativeDevice(value);

                appendArgument(out, "-device", cut);
            }
        } else if (strstr(xml, written)) {
            /* the user's <qemu:commandline> */
            appendArgument(out, argv[i], NULL);
        }
    }
    g_string_append(out, "\n");
    return g_string_free(g_steal_pointer(&out), FALSE);
}


static gsize
countDevices(const char *lifted)
{
    gsize n = 0;

    /* as libvirt indents devices, and not what is in <metadata> */
    while ((lifted = strstr(lifted, "\n    <emulatedpci "))) {
        n++;
        lifted++;
    }
    return n;
}


static int
compareLines(const void *a, const void *b)
{
    return strcmp(*(char *const *) a, *(char *const *) b);
}


/* Whether two command lines hold the same, in any order. */
static gboolean
sameLines(const char *a, const char *b)
{
    g_autofree char *plainA = replaceAll(a, " \\\n", "\n");
    g_autofree char *plainB = replaceAll(b, " \\\n", "\n");
    g_auto(GStrv) x = g_strsplit(plainA, "\n", -1);
    g_auto(GStrv) y = g_strsplit(plainB, "\n", -1);

    qsort(x, g_strv_length(x), sizeof(*x), compareLines);
    qsort(y, g_strv_length(y), sizeof(*y), compareLines);
    return g_strv_equal((const char *const *) x, (const char *const *) y);
}


/* Lifts XML and checks that lowering that gives XML again, byte for byte. */
static char *
liftChecked(const char *xml, gsize len)
{
    g_autoptr(GError) err = NULL;
    g_autofree char *lifted = NULL;
    g_autofree char *again = NULL;
    gsize liftedlen = 0;
    gsize againlen = 0;

    switch (projectionLift(xml, len, &options, &lifted, &liftedlen, &err)) {
    case PROJECTION_ERROR:
        g_test_message("cannot be lifted: %s", err->message);
        g_test_fail();
        return NULL;
    case PROJECTION_UNCHANGED:
        return g_strndup(xml, len);
    case PROJECTION_CHANGED:
        break;
    }

    if (projectionLower(lifted, liftedlen, &options, &again, &againlen, &err) !=
        PROJECTION_CHANGED) {
        g_test_message("lifted, cannot be lowered again: %s", err ? err->message : "unchanged");
        g_test_fail();
    } else if (againlen != len || memcmp(again, xml, len) != 0) {
        testCompareStrings(again, xml, "what was lifted, when lowered again");
    }
    return g_steal_pointer(&lifted);
}


/* The domain without its emulated devices, as libvirt defines it. NULL if it
 * refuses that. */
static char *
defineWithout(const Case *c)
{
    xmlDocPtr doc = xmlReadMemory(c->xml, c->len, NULL, NULL, XML_PARSE_NONET | XML_PARSE_NOERROR);
    xmlNodePtr devices = xmlFirstElementChild(xmlDocGetRootElement(doc));
    xmlNodePtr node;
    xmlNodePtr next;
    xmlChar *xml = NULL;
    char *dump = NULL;
    virDomainPtr dom;
    int len;

    while (devices && strcmp((const char *) devices->name, "devices") != 0)
        devices = xmlNextElementSibling(devices);
    for (node = devices ? xmlFirstElementChild(devices) : NULL; node; node = next) {
        next = xmlNextElementSibling(node);
        if (strcmp((const char *) node->name, "emulatedpci") == 0) {
            xmlUnlinkNode(node);
            xmlFreeNode(node);
        }
    }
    xmlDocDumpMemory(doc, &xml, &len);
    xmlFreeDoc(doc);

    dom = virDomainDefineXML(testEmbedConnection(embed), (const char *) xml);
    xmlFree(xml);
    if (dom) {
        dump = virDomainGetXMLDesc(dom, VIR_DOMAIN_XML_INACTIVE | VIR_DOMAIN_XML_SECURE);
        virDomainUndefine(dom);
        virDomainFree(dom);
    }
    return dump;
}


/* Emulated devices take addresses; but no other device is there, is missing
 * or is another because of them. */
static void
checkNeighbours(const Case *c, const char *lifted)
{
    g_autofree char *without = defineWithout(c);
    g_autoptr(GString) expected = g_string_new(NULL);
    g_autoptr(GString) actual = g_string_new(NULL);

    if (!without) {
        g_test_message("without the emulated devices: %s", virGetLastErrorMessage());
        g_test_fail();
        return;
    }
    forEachDevice(without, appendNeighbour, expected);
    forEachDevice(lifted, appendNeighbour, actual);
    testCompareStrings(actual->str, expected->str, "the domain without the emulated devices");
}


/* Why this machine cannot run a case, or NULL: the QEMU that the case asks for
 * is not installed. */
static const char *
missingQEMU(const char *native)
{
    g_autofree char *launcher = g_strdup_printf("<emulator>%s/", options.launchDir);
    const char *name = strstr(native, launcher);
    g_autofree char *base = NULL;
    g_autofree char *path = NULL;

    if (!name)
        return NULL;
    name += strlen(launcher);
    base = g_strndup(name, strcspn(name, "<"));
    if (!g_str_has_prefix(base, "qemu-system-"))
        return NULL;
    path = g_build_filename(QEMU_DIR, base, NULL);
    return g_file_test(path, G_FILE_TEST_IS_EXECUTABLE) ? NULL : "this QEMU is not installed";
}


/* What libvirt makes of the native domain: its own XML of it, lifted, and
 * the command line. */
static void
runDomain(Case *c, const char *native)
{
    virConnectPtr conn = testEmbedConnection(embed);
    g_autofree char *dump = NULL;
    g_autofree char *lifted = NULL;
    g_autofree char *args = NULL;
    g_autofree char *cut = NULL;
    g_autoptr(GString) noNics = g_string_new(NULL);
    gsize ndevices;
    virDomainPtr dom = virDomainDefineXMLFlags(conn, native, VIR_DOMAIN_DEFINE_VALIDATE);

    if (!dom && !c->expected[GOLDEN_ERR] &&
        strstr(virGetLastErrorMessage(), "does not support machine type")) {
        c->skipped = "this QEMU does not have the machine type";
        return;
    }
    if (!dom) {
        c->actual[GOLDEN_ERR] = formatVirError("define");
        return;
    }
    dump = virDomainGetXMLDesc(dom, VIR_DOMAIN_XML_INACTIVE | VIR_DOMAIN_XML_SECURE);
    virDomainUndefine(dom);
    virDomainFree(dom);
    g_assert_nonnull(dump);

    lifted = liftChecked(dump, strlen(dump));
    if (!lifted)
        return;
    checkNeighbours(c, lifted);
    cut = cutLifted(lifted);
    c->actual[GOLDEN_OUT] = replaceAll(cut, options.launchDir, LAUNCH_TOKEN);

    /* libvirt opens a tap device for every <interface>, of any type, even to
     * print the command line; that takes privileges. The addresses in the
     * dump are fixed already. */
    forEachDevice(dump, appendUnlessInterface, noNics);
    args = buildArgs(noNics->str, &ndevices);
    if (!args) {
        c->actual[GOLDEN_ERR] = formatVirError("args");
        return;
    }
    if (ndevices != countDevices(lifted)) {
        g_test_message("%zu devices in the command line, %zu in the XML", ndevices,
                       countDevices(lifted));
        g_test_fail();
    }
    c->actual[GOLDEN_ARGS] = replaceAll(args, options.launchDir, LAUNCH_TOKEN);

    if (!strstr(dump, "<interface ")) {
        g_autofree char *direct = buildArgs(native, &ndevices);

        /* libvirt writes devices of a kind in the order of their controllers
         * in the XML, to which it adds its own once, last */
        if (!direct || !sameLines(direct, args))
            testCompareStrings(direct ? direct : "", args, "the defined domain's command line");
    }
}


static void
runCase(Case *c)
{
    g_autoptr(GError) err = NULL;
    g_autofree char *native = NULL;
    g_autofree char *lifted = NULL;
    g_autofree char *root = NULL;
    gsize len = 0;

    switch (projectionLower(c->xml, c->len, &options, &native, &len, &err)) {
    case PROJECTION_ERROR:
        c->actual[GOLDEN_ERR] = formatError("lower", err);
        return;
    case PROJECTION_UNCHANGED:
        native = g_strndup(c->xml, c->len);
        len = c->len;
        break;
    case PROJECTION_CHANGED:
        break;
    }
    g_assert_cmpuint(len, ==, strlen(native));
    c->actual[GOLDEN_NATIVE] = replaceAll(native, options.launchDir, LAUNCH_TOKEN);

    lifted = liftChecked(native, len);
    if (!lifted)
        return;
    root = rootName(c->xml, c->len);
    if (strcmp(root, "domain") == 0) {
        c->skipped = missingQEMU(native);
        if (!c->skipped)
            runDomain(c, native);
    } else {
        c->actual[GOLDEN_OUT] = replaceAll(lifted, options.launchDir, LAUNCH_TOKEN);
    }
}


static void
testCase(const void *opaque)
{
    Case *c = (Case *) opaque;
    int i;

    runCase(c);
    if (c->skipped) {
        g_test_skip(c->skipped);
        return;
    }
    c->ran = TRUE;
    if (testRegenerate())
        return;

    for (i = 0; i < GOLDEN_LAST; i++) {
        g_autofree char *file = g_strconcat(c->name, goldenSuffix[i], NULL);

        if (c->actual[i] && !c->expected[i]) {
            g_test_message("%s is missing; VIR_TEST_REGENERATE_OUTPUT=1 writes it:\n%s",
                           file, c->actual[i]);
            g_test_fail();
        } else if (!c->actual[i] && c->expected[i]) {
            g_test_message("there is %s, but the case gives nothing of that kind; it gives:\n%s",
                           file, c->actual[GOLDEN_ERR] ? c->actual[GOLDEN_ERR] : "(no error)");
            g_test_fail();
        } else if (c->actual[i]) {
            testCompareStrings(c->actual[i], c->expected[i], file);
        }
    }
}


static gboolean
isInput(const char *file)
{
    return g_str_has_suffix(file, ".xml") &&
           !g_str_has_suffix(file, goldenSuffix[GOLDEN_NATIVE]) &&
           !g_str_has_suffix(file, goldenSuffix[GOLDEN_OUT]);
}


/* A golden file that belongs to no NAME.xml is dead: nothing looks at it. */
static void
checkOrphan(const char *file)
{
    int i;

    for (i = 0; i < GOLDEN_LAST; i++) {
        g_autofree char *stem = NULL;
        g_autofree char *input = NULL;

        if (!g_str_has_suffix(file, goldenSuffix[i]))
            continue;
        stem = g_strndup(file, strlen(file) - strlen(goldenSuffix[i]));
        input = g_strdup_printf("%s/%s.xml", dataDir, stem);
        if (!g_file_test(input, G_FILE_TEST_EXISTS))
            g_error("%s/%s has no %s.xml", DATA_DIR, file, stem);
    }
}


static int
compareNames(const void *a, const void *b)
{
    const Case *const *x = a;
    const Case *const *y = b;

    return strcmp((*x)->name, (*y)->name);
}


static void
readCases(void)
{
    g_autoptr(GError) err = NULL;
    g_autoptr(GDir) dir = g_dir_open(dataDir, 0, &err);
    const char *file;

    if (!dir)
        g_error("%s", err->message);

    while ((file = g_dir_read_name(dir))) {
        g_autofree char *path = g_build_filename(dataDir, file, NULL);
        Case *c;
        int i;

        if (!isInput(file)) {
            checkOrphan(file);
            continue;
        }

        c = g_new0(Case, 1);
        c->name = g_strndup(file, strlen(file) - strlen(".xml"));
        c->xml = testReadFile(path, &c->len);
        for (i = 0; i < GOLDEN_LAST; i++) {
            g_autofree char *golden = g_strconcat(dataDir, "/", c->name, goldenSuffix[i], NULL);

            if (g_file_test(golden, G_FILE_TEST_EXISTS))
                c->expected[i] = testReadFile(golden, NULL);
        }
        g_ptr_array_add(cases, c);
    }
    g_ptr_array_sort(cases, compareNames);
}


/* Of the cases that ran (-p names some), writes what differs from what is
 * there, and removes what is no more. */
static void
regenerate(void)
{
    gsize i;
    int j;

    for (i = 0; i < cases->len; i++) {
        Case *c = g_ptr_array_index(cases, i);

        for (j = 0; c->ran && j < GOLDEN_LAST; j++) {
            g_autofree char *golden = g_strconcat(dataDir, "/", c->name, goldenSuffix[j], NULL);
            g_autoptr(GError) err = NULL;

            if (g_strcmp0(c->actual[j], c->expected[j]) == 0)
                continue;
            if (!c->actual[j])
                remove(golden);
            else if (!g_file_set_contents(golden, c->actual[j], -1, &err))
                g_error("%s", err->message);
        }
    }
}


static Catalog *
builtInDefinitions(void)
{
    g_autofree char *dir = testSourcePath("src/catalog/definitions");
    g_autoptr(GError) err = NULL;
    Catalog *catalog = catalogNew();

    catalogLoad(catalog, dir, NULL, &err);
    g_assert_no_error(err);
    return catalog;
}


int
main(int argc, char **argv)
{
    gsize i;
    int result;

    testInit(&argc, &argv);
    cases = g_ptr_array_new_with_free_func(caseFree);
    dataDir = testSourcePath(DATA_DIR);
    readCases();
    definitions = builtInDefinitions();

    /* As nobody from here on, who may not be able to read the source tree */
    embed = testEmbedOpen();
    options.launchDir = testEmbedLaunchDir(embed);
    options.definition = catalogResolve;
    options.definitionOpaque = definitions;

    for (i = 0; i < cases->len; i++) {
        Case *c = g_ptr_array_index(cases, i);
        g_autofree char *path = g_strdup_printf("/qemuxml2argv/%s", c->name);

        g_test_add_data_func(path, c, testCase);
    }
    result = g_test_run();

    testEmbedClose(embed);
    catalogFree(definitions);
    if (testRegenerate())
        regenerate();
    g_ptr_array_unref(cases);
    g_free(dataDir);
    xmlCleanupParser();
    return result;
}
