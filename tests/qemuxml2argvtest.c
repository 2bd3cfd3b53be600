/*
 * qemuxml2argvtest.c: from the user's XML to QEMU's command line, with golden files
 *
 * Runs every NAME.xml of tests/qemuxml2argvdata. The README there describes the other files, and
 * testgolden.h how they are selected by the versions of libvirt and QEMU. The command line and the
 * addresses come from the real libvirt QEMU driver, which runs inside this process (qemu:///embed).
 * No libvirtd, guest or privileges are required.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <config.h>

#include "definition_store.h"
#include "emulatedpci_error.h"
#include "error_name.h"
#include "projection.h"
#include "qemu_props.h"
#include "testembed.h"
#include "testgolden.h"
#include "testutils.h"

#include <json-c/json.h>
#include <libxml/parser.h>
#include <libxml/tree.h>
#include <stdlib.h>
#include <string.h>

/* The placeholder for the launch directory in golden files */
#define LAUNCH_TOKEN "/LAUNCH"

#define DATA_DIR "tests/qemuxml2argvdata"

/* The files of a case, in the order of their suffixes */
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

/* One file: NAME.ext, or NAME.VERSION.ext. */
typedef struct {
    Golden kind;
    TestGoldenVersion version;
    char *content;
} GoldenFile;

typedef struct {
    char *name;
    char *xml;
    gsize len;
    gboolean ran;
    const char *unknown[GOLDEN_LAST];           /* the reason for a missing result, or NULL */
    GPtrArray *files;                           /* GoldenFile: all files of the case */
    const GoldenFile *expected[GOLDEN_LAST];    /* those for the installed versions; NULL: none */
    char *actual[GOLDEN_LAST];                  /* NULL: the case has no such result */
} Case;

static GPtrArray *cases;
static TestGoldenInstalled installed;
static char *dataDir;
static char *readme;
static TestEmbed *embed;
static ProjectionOptions options;
static DefinitionStore *definitions;

/* The properties of native devices that determine their address and how a guest sees them. The
 * other ones depend on the version of libvirt. */
static const char *const nativeProperties[] = {
    "driver", "id", "bus", "addr", "multifunction",
    "chassis", "chassis_nr", "port", "bus_nr", "masterbus", "firstport",
    "host", "scsi-id", "lun", "unit", "max-bytes", "period",
};


static void
goldenFileFree(gpointer opaque)
{
    GoldenFile *file = opaque;

    g_free(file->content);
    g_free(file);
}


/* Returns the name of a golden file of CASE, without its directory. */
static char *
goldenFileName(const Case *c, Golden kind, const TestGoldenVersion *version)
{
    g_autofree char *text = testGoldenVersionFormat(version);

    return g_strconcat(c->name, *text ? "." : "", text, goldenSuffix[kind], NULL);
}


static void
caseFree(gpointer opaque)
{
    Case *c = opaque;
    int i;

    for (i = 0; i < GOLDEN_LAST; i++)
        g_free(c->actual[i]);
    g_ptr_array_unref(c->files);
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


/* Returns the first line of a message. In the following lines, libxml2 shows the place. */
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


/* Returns libvirt's message without the quotation marks that libvirt 9 added, and without the path
 * of the schema. */
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


/* Splits the output of libvirt: an element of <devices> starts and ends with four spaces before its
 * tag. Calls FUNC for each of these elements with its first LINE and its whole TEXT. */
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
            /* its end tag, or the whole element on one line */
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


/* Appends a device of another kind, reduced to its PCI address. */
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


/* Returns the output of "virsh dumpxml", reduced to the devices with PCI addresses and to the
 * elements in libvirt's QEMU namespace. */
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
    /* <seclabel>, which a privileged driver adds, depends on the system */
    while (*tail) {
        const char *end = strchr(tail, '\n') + 1;

        if (!g_str_has_prefix(tail, "  <seclabel"))
            g_string_append_len(out, tail, end - tail);
        tail = end;
    }
    return g_string_free(g_steal_pointer(&out), FALSE);
}


/* Returns the -device argument of a native device, reduced to nativeProperties. */
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


/* Returns the reduced command line of native XML, and counts the emulated devices in it. */
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

    /* the environment precedes the program */
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

                /* the argument must be valid for the launcher */
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

    /* with libvirt's indentation of devices, not those in <metadata> */
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


/* Whether two command lines contain the same arguments, in any order. */
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


/* Returns the domain without its emulated devices, as libvirt defines it. NULL if libvirt rejects
 * it. */
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


/* Emulated devices take addresses, but no other device may be added, missing or different because
 * of them. */
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


/* Returns the reason why this machine cannot run a case, or NULL if it can: the QEMU of the case is
 * not installed. */
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


/* libvirt's results for the case are not available on this system. */
static void
caseUnknown(Case *c, const char *why)
{
    c->unknown[GOLDEN_ARGS] = c->unknown[GOLDEN_OUT] = c->unknown[GOLDEN_ERR] = why;
}


/* Defines the native domain, and compares libvirt's XML, lifted, and the command line. */
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

    if (!dom && !c->expected[GOLDEN_ERR] && !testGoldenRegenerateAs(NULL) &&
        strstr(virGetLastErrorMessage(), "does not support machine type")) {
        caseUnknown(c, "this QEMU does not have the machine type");
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

    /* To print the command line, libvirt opens a tap device for every <interface>, of any type,
     * which requires privileges. The addresses in the dump are final already. */
    forEachDevice(dump, appendUnlessInterface, noNics);
    args = buildArgs(noNics->str, &ndevices);
    if (!args && strstr(virGetLastErrorMessage(), "VFIO PCI device assignment is not supported")) {
        /* Newer versions of libvirt look for VFIO on the host even to print the command line. */
        c->unknown[GOLDEN_ARGS] = "this host has no VFIO";
        return;
    }
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

        /* libvirt writes devices of one kind in the order of their controllers in the XML, and adds
         * its own controllers at the end */
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
        const char *missing = missingQEMU(native);

        if (missing)
            caseUnknown(c, missing);
        else
            runDomain(c, native);
    } else {
        c->actual[GOLDEN_OUT] = replaceAll(lifted, options.launchDir, LAUNCH_TOKEN);
    }
}


static void
testCase(const void *opaque)
{
    Case *c = (Case *) opaque;
    const char *unknown = NULL;
    int i;

    runCase(c);
    c->ran = TRUE;
    if (testRegenerate())
        return;

    for (i = 0; i < GOLDEN_LAST; i++) {
        const GoldenFile *expected = c->expected[i];
        g_autofree char *file = goldenFileName(c, i, expected ? &expected->version :
                                                                &(TestGoldenVersion) { 0 });

        if (c->unknown[i]) {
            unknown = c->unknown[i];
        } else if (c->actual[i] && !expected) {
            g_test_message("%s is missing; VIR_TEST_REGENERATE_OUTPUT=1 writes it:\n%s",
                           file, c->actual[i]);
            g_test_fail();
        } else if (!c->actual[i] && expected) {
            g_test_message("there is %s, but the case gives nothing of that kind; it gives:\n%s",
                           file, c->actual[GOLDEN_ERR] ? c->actual[GOLDEN_ERR] : "(no error)");
            g_test_fail();
        } else if (c->actual[i]) {
            testCompareStrings(c->actual[i], expected->content, file);
        }
    }
    /* The files of other kinds have been compared. */
    if (unknown && !g_test_failed())
        g_test_skip(unknown);
}


/* Returns the kind of the golden file FILE, or GOLDEN_LAST. */
static Golden
goldenKind(const char *file)
{
    int i;

    for (i = 0; i < GOLDEN_LAST; i++) {
        if (g_str_has_suffix(file, goldenSuffix[i]))
            return i;
    }
    return GOLDEN_LAST;
}


static int
compareNames(const void *a, const void *b)
{
    const Case *const *x = a;
    const Case *const *y = b;

    return strcmp((*x)->name, (*y)->name);
}


static Case *
findCase(const char *name)
{
    gsize i;

    for (i = 0; i < cases->len; i++) {
        Case *c = g_ptr_array_index(cases, i);

        if (strcmp(c->name, name) == 0)
            return c;
    }
    return NULL;
}


/* Reads a golden file. A file without a NAME.xml is an error, because no test uses it. */
static void
readGolden(const char *file)
{
    const Golden kind = goldenKind(file);
    g_autofree char *path = g_build_filename(dataDir, file, NULL);
    g_autofree char *stem = g_strndup(file, strlen(file) - strlen(goldenSuffix[kind]));
    const char *variant = strstr(stem, ".libvirt-") ? strstr(stem, ".libvirt-") :
                                                      strstr(stem, ".qemu-");
    g_autofree char *name = g_strndup(stem, variant ? (gsize) (variant - stem) : strlen(stem));
    GoldenFile *golden = g_new0(GoldenFile, 1);
    Case *c = findCase(name);

    if (!c)
        g_error("%s/%s has no %s.xml", DATA_DIR, file, name);
    if (!testGoldenVersionParse(variant ? variant + 1 : "", &golden->version))
        g_error("%s/%s: '%s' is not like libvirt-11.3 or qemu-11.1", DATA_DIR, file, variant + 1);
    golden->kind = kind;
    golden->content = testReadFile(path, NULL);
    g_ptr_array_add(c->files, golden);
}


static int
compareVersions(const void *a, const void *b)
{
    const GoldenFile *const *x = a;
    const GoldenFile *const *y = b;

    return testGoldenVersionCompare(&(*x)->version, &(*y)->version);
}


static void
readCases(void)
{
    g_autoptr(GError) err = NULL;
    g_autoptr(GDir) dir = g_dir_open(dataDir, 0, &err);
    g_autofree char *readmePath = g_build_filename(dataDir, "README", NULL);
    const char *file;
    gsize i;

    if (!dir)
        g_error("%s", err->message);

    while ((file = g_dir_read_name(dir))) {
        g_autofree char *path = g_build_filename(dataDir, file, NULL);
        Case *c;

        if (!g_str_has_suffix(file, ".xml") || goldenKind(file) != GOLDEN_LAST)
            continue;

        c = g_new0(Case, 1);
        c->name = g_strndup(file, strlen(file) - strlen(".xml"));
        c->xml = testReadFile(path, &c->len);
        c->files = g_ptr_array_new_with_free_func(goldenFileFree);
        g_ptr_array_add(cases, c);
    }

    g_dir_rewind(dir);
    while ((file = g_dir_read_name(dir))) {
        if (goldenKind(file) != GOLDEN_LAST)
            readGolden(file);
    }

    readme = testReadFile(readmePath, NULL);
    g_ptr_array_sort(cases, compareNames);
    for (i = 0; i < cases->len; i++)
        g_ptr_array_sort(((Case *) g_ptr_array_index(cases, i))->files, compareVersions);
}


/* Selects the golden files for the installed versions. If a version rejects a case that another one
 * accepts, a variant of only one kind exists; older files of the other kind are then ignored. */
static void
selectGolden(Case *c)
{
    const GoldenFile *err;
    const GoldenFile *args;
    const GoldenFile *out;
    gsize i;

    for (i = 0; i < c->files->len; i++) {
        const GoldenFile *file = g_ptr_array_index(c->files, i);

        if (testGoldenVersionHolds(&file->version, installed))
            c->expected[file->kind] = file;
    }

    err = c->expected[GOLDEN_ERR];
    args = c->expected[GOLDEN_ARGS];
    out = c->expected[GOLDEN_OUT];
    if (err && args && testGoldenVersionCompare(&args->version, &err->version) > 0)
        c->expected[GOLDEN_ERR] = NULL;
    if (err && args && testGoldenVersionCompare(&args->version, &err->version) < 0)
        c->expected[GOLDEN_ARGS] = NULL;
    if (err && out && testGoldenVersionCompare(&out->version, &err->version) < 0)
        c->expected[GOLDEN_OUT] = NULL;
}


/* A variant must differ from the file before it, and the README must describe the changes of each
 * version. */
static void
testVariants(void)
{
    gsize i;
    gsize j;

    for (i = 0; i < cases->len; i++) {
        const Case *c = g_ptr_array_index(cases, i);
        const GoldenFile *before[GOLDEN_LAST] = { NULL };

        for (j = 0; j < c->files->len; j++) {
            const GoldenFile *file = g_ptr_array_index(c->files, j);
            g_autofree char *name = goldenFileName(c, file->kind, &file->version);
            g_autofree char *version = testGoldenVersionFormat(&file->version);
            g_autofree char *entry = g_strdup_printf("\n%s: ", version);

            if (before[file->kind] && strcmp(before[file->kind]->content, file->content) == 0) {
                g_test_message("%s says the same as the file for older versions", name);
                g_test_fail();
            }
            if (*version && !strstr(readme, entry)) {
                g_test_message("%s: the README does not tell what '%s' changed", name, version);
                g_test_fail();
            }
            before[file->kind] = file;
        }
    }
}


/* Tests the parsing of versions in file names, and the choice between two files. */
static void
testVersions(void)
{
    static const char *const ordered[] = {
        "", "libvirt-9.0", "libvirt-9.10", "libvirt-11.3", "qemu-7.2", "qemu-10.0", "qemu-10.1",
    };
    static const char *const wrong[] = {
        "libvirt", "libvirt-", "libvirt-11", "libvirt-11.", "libvirt-11.3.0", "libvirt-011.3",
        "libvirt-11.-3", "libvirt-11.1000", "qemu-.1", "qemu-a.b", "xen-4.17", "-11.3",
    };
    const TestGoldenInstalled versions = { 0, 11003001, 7002022 };
    TestGoldenVersion a;
    TestGoldenVersion b;
    gsize i;

    for (i = 0; i < G_N_ELEMENTS(ordered); i++) {
        g_autofree char *text = NULL;

        g_assert_true(testGoldenVersionParse(ordered[i], &a));
        text = testGoldenVersionFormat(&a);
        g_assert_cmpstr(text, ==, ordered[i]);
        /* libvirt 11.3.1 and QEMU 7.2.22 are there */
        g_assert_cmpint(testGoldenVersionHolds(&a, versions), ==, i <= 4);
        if (i > 0) {
            g_assert_cmpint(testGoldenVersionCompare(&a, &b), >, 0);
            g_assert_cmpint(testGoldenVersionCompare(&b, &a), <, 0);
        }
        g_assert_cmpint(testGoldenVersionCompare(&a, &a), ==, 0);
        b = a;
    }
    for (i = 0; i < G_N_ELEMENTS(wrong); i++)
        g_assert_false(testGoldenVersionParse(wrong[i], &a));
}


/* Writes a golden file, or removes it. With VIR_TEST_REGENERATE_VARIANT, the expected results of
 * older versions are kept. */
static void
regenerateFile(const Case *c, Golden kind, const TestGoldenVersion *variant)
{
    const GoldenFile *expected = c->expected[kind];
    const TestGoldenVersion version = expected ? expected->version : (TestGoldenVersion) { 0 };
    const gboolean keep = variant && testGoldenVersionCompare(&version, variant) < 0;
    g_autofree char *name = goldenFileName(c, kind, keep ? variant : &version);
    g_autofree char *path = g_build_filename(dataDir, name, NULL);
    g_autoptr(GError) err = NULL;

    if (g_strcmp0(c->actual[kind], expected ? expected->content : NULL) == 0)
        return;
    if (c->actual[kind]) {
        if (!g_file_set_contents(path, c->actual[kind], -1, &err))
            g_error("%s", err->message);
    } else if (!keep) {
        remove(path);
    }
}


/* For the cases that ran (-p can select some), writes the golden files that have changed, and
 * removes those that are not needed any more. */
static void
regenerate(void)
{
    TestGoldenVersion wanted;
    const TestGoldenVersion *variant = testGoldenRegenerateAs(&wanted) ? &wanted : NULL;
    gsize i;
    int j;

    if (variant && !testGoldenVersionHolds(variant, installed))
        g_error("VIR_TEST_REGENERATE_VARIANT is newer than what is installed");

    for (i = 0; i < cases->len; i++) {
        const Case *c = g_ptr_array_index(cases, i);

        for (j = 0; c->ran && j < GOLDEN_LAST; j++) {
            if (!c->unknown[j])
                regenerateFile(c, j, variant);
        }
    }
}


/* Reads the versions of the libvirt and the QEMU with which the cases run. */
static void
readInstalled(void)
{
    virConnectPtr conn = testEmbedConnection(embed);

    if (virConnectGetLibVersion(conn, &installed[TEST_GOLDEN_LIBVIRT]) < 0 ||
        virConnectGetVersion(conn, &installed[TEST_GOLDEN_QEMU]) < 0)
        g_error("the versions of libvirt and QEMU: %s", virGetLastErrorMessage());
}


static DefinitionStore *
builtInDefinitions(void)
{
    g_autofree char *dir = testSourcePath("src/definitions/built-in");
    g_autoptr(GError) err = NULL;
    DefinitionStore *store = definitionStoreNew();

    definitionStoreLoad(store, dir, NULL, &err);
    g_assert_no_error(err);
    return store;
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

    /* From here on, the process is the user nobody, who may not be able to read the source tree */
    embed = testEmbedOpen();
    options.launchDir = testEmbedLaunchDir(embed);
    options.definition = definitionStoreResolve;
    options.definitionOpaque = definitions;
    readInstalled();

    g_test_add_func("/qemuxml2argv-files/versions", testVersions);
    g_test_add_func("/qemuxml2argv-files/variants", testVariants);
    for (i = 0; i < cases->len; i++) {
        Case *c = g_ptr_array_index(cases, i);
        g_autofree char *path = g_strdup_printf("/qemuxml2argv/%s", c->name);

        selectGolden(c);
        g_test_add_data_func(path, c, testCase);
    }
    result = g_test_run();

    testEmbedClose(embed);
    definitionStoreFree(definitions);
    if (testRegenerate())
        regenerate();
    g_ptr_array_unref(cases);
    g_free(dataDir);
    g_free(readme);
    xmlCleanupParser();
    return result;
}
