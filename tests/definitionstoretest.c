/*
 * definitionstoretest.c: definitions in memory and on disk
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <config.h>

#include "definition_store.h"
#include "testutils.h"

#include <glib/gstdio.h>
#include <libxml/parser.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define UUID_A "11111111-2222-3333-4444-555555555555"
#define UUID_B "aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee"

#define CAPABILITY(attrs, config) \
    "<capability type='emulatedpci' " attrs "><config " config "/></capability>"
#define IDS "vendorid='0x5853' deviceid='0xc000'"
#define SIMPLE(name) \
    "<device><name>" name "</name>" CAPABILITY("devicename='dev'", IDS) "</device>"

typedef struct {
    char *dir;      /* the store's directory, which the store creates */
    char *base;
} Fixture;


static void
setUp(Fixture *fixture,
      gconstpointer data G_GNUC_UNUSED)
{
    fixture->base = g_dir_make_tmp("definitionstoretest-XXXXXX", NULL);
    g_assert_nonnull(fixture->base);
    fixture->dir = g_build_filename(fixture->base, "libvirt", "emulatedpci", NULL);
}


static void
removeTree(const char *path)
{
    GDir *dir = g_dir_open(path, 0, NULL);
    const char *name;

    while (dir && (name = g_dir_read_name(dir))) {
        g_autofree char *child = g_build_filename(path, name, NULL);

        removeTree(child);
    }
    g_clear_pointer(&dir, g_dir_close);
    g_remove(path);
}


static void
tearDown(Fixture *fixture,
         gconstpointer data G_GNUC_UNUSED)
{
    removeTree(fixture->base);
    g_free(fixture->base);
    g_free(fixture->dir);
}


static char *
pathOf(const Fixture *fixture,
       const char *file)
{
    return g_build_filename(fixture->dir, file, NULL);
}


static gboolean
hasFile(const Fixture *fixture,
        const char *file)
{
    g_autofree char *path = pathOf(fixture, file);

    return g_file_test(path, G_FILE_TEST_EXISTS);
}


static void
putFile(const Fixture *fixture,
        const char *file,
        const char *content)
{
    g_autofree char *path = pathOf(fixture, file);

    g_assert_cmpint(g_mkdir_with_parents(fixture->dir, 0755), ==, 0);
    g_assert_true(g_file_set_contents(path, content, -1, NULL));
}


static DefinitionStore *
load(const Fixture *fixture)
{
    g_autofree char *builtin = testSourcePath("src/definitions/built-in");
    g_autoptr(GError) err = NULL;
    DefinitionStore *store = definitionStoreNew();
    gboolean ok = definitionStoreLoad(store, builtin, fixture->dir, &err);

    g_assert_no_error(err);
    g_assert_true(ok);
    return store;
}


static const StoredDefinition *
define(DefinitionStore *store,
       const char *xml)
{
    g_autoptr(GError) err = NULL;
    const StoredDefinition *definition = definitionStoreDefine(store, xml, strlen(xml), NULL, &err);

    g_assert_no_error(err);
    g_assert_nonnull(definition);
    return definition;
}


static void
assertDefineFails(DefinitionStore *store,
                  const char *xml,
                  int code,
                  const char *words)
{
    g_autoptr(GError) err = NULL;

    g_assert_null(definitionStoreDefine(store, xml, strlen(xml), NULL, &err));
    g_assert_error(err, EMULATED_PCI_ERROR, code);
    if (!strstr(err->message, words)) {
        g_test_message("'%s' is not in '%s'", words, err->message);
        g_test_fail();
    }
}


static void
testDefine(Fixture *fixture,
           gconstpointer data G_GNUC_UNUSED)
{
    const char *xml =
        "<device><path>/anything</path><name>emulatedpci_one</name><parent>computer</parent>"
        "<uuid>" UUID_A "</uuid><description>a &lt;b&gt;</description>"
        CAPABILITY("devicename='one'", IDS " interruptpin='9'") "</device>";
    const char *expected =
        "<device>\n"
        "  <name>emulatedpci_one</name>\n"
        "  <parent>computer</parent>\n"
        "  <uuid>" UUID_A "</uuid>\n"
        "  <description>a &lt;b&gt;</description>\n"
        "  <capability type='emulatedpci' devicename='one'>\n"
        "    <config vendorid='0x5853' deviceid='0xc000' command='0x0000' status='0x0000' "
        "revision='0x00' classcode='0xff0000' headertype='0x00' subvendorid='0x5853' "
        "subsystemid='0xc000' interruptline='0x00' interruptpin='0x09'/>\n"
        "  </capability>\n"
        "</device>\n";
    g_autoptr(DefinitionStore) store = load(fixture);
    g_autoptr(DefinitionStore) again = NULL;
    const StoredDefinition *definition;
    g_autofree char *shown = NULL;
    g_autofree char *file = NULL;
    g_autofree char *stored = NULL;
    struct stat st;
    mode_t mask;
    gboolean created = FALSE;

    mask = umask(077);
    definition = definitionStoreDefine(store, xml, strlen(xml), &created, NULL);
    umask(mask);
    g_assert_nonnull(definition);
    g_assert_true(created);
    g_assert_true(definition->active && definition->persistent && definition->autostart);
    g_assert_false(definition->builtIn);
    shown = storedDefinitionFormat(definition);
    g_assert_cmpstr(shown, ==, expected);
    g_assert_true(definitionStoreFind(store, "emulatedpci_one") == definition);
    g_assert_true(definitionStoreFind(store, UUID_A) == definition);
    g_assert_null(definitionStoreFind(store, "emulatedpci_two"));

    file = pathOf(fixture, "emulatedpci_one.xml");
    stored = testReadFile(file, NULL);
    g_assert_cmpstr(stored, ==, expected);
    g_assert_cmpint(stat(file, &st), ==, 0);
    g_assert_cmpint(st.st_mode & 07777, ==, 0644);
    g_assert_cmpint(stat(fixture->dir, &st), ==, 0);
    g_assert_cmpint(st.st_mode & 07777, ==, 0755);

    again = load(fixture);
    definition = definitionStoreFind(again, "emulatedpci_one");
    g_assert_nonnull(definition);
    g_free(shown);
    shown = storedDefinitionFormat(definition);
    g_assert_cmpstr(shown, ==, expected);
    g_assert_true(definition->active && definition->persistent && definition->autostart);
}


static void
testRedefine(Fixture *fixture,
             gconstpointer data G_GNUC_UNUSED)
{
    g_autoptr(DefinitionStore) store = load(fixture);
    const StoredDefinition *first = define(store, SIMPLE("emulatedpci_one"));
    g_autofree char *uuid = g_strdup(first->uuid);
    const StoredDefinition *second;
    gboolean created = TRUE;
    const char *other =
        "<device><name>emulatedpci_one</name>"
        CAPABILITY("devicename='other'", IDS) "</device>";

    g_assert_true(emulatedPCIUUIDParse(uuid, (char[EMULATED_PCI_UUID_LEN + 1]) { 0 }));
    second = definitionStoreDefine(store, other, strlen(other), &created, NULL);
    g_assert_nonnull(second);
    g_assert_false(created);
    g_assert_cmpstr(second->uuid, ==, uuid);
    g_assert_cmpstr(second->def->fields.devicename, ==, "other");
    g_assert_true(definitionStoreFind(store, uuid) == second);
}


static void
testUnique(Fixture *fixture,
           gconstpointer data G_GNUC_UNUSED)
{
    g_autoptr(DefinitionStore) store = load(fixture);
    const char *named = "<device><name>emulatedpci_one</name><uuid>" UUID_A "</uuid>"
        CAPABILITY("devicename='dev'", IDS) "</device>";
    const StoredDefinition *definition;

    define(store, named);
    assertDefineFails(store,
                      "<device><name>emulatedpci_one</name><uuid>" UUID_B "</uuid>"
                      CAPABILITY("devicename='dev'", IDS) "</device>",
                      VIR_ERR_OPERATION_FAILED, UUID_A);
    assertDefineFails(store,
                      "<device><name>emulatedpci_two</name><uuid>" UUID_A "</uuid>"
                      CAPABILITY("devicename='dev'", IDS) "</device>",
                      VIR_ERR_OPERATION_FAILED, "emulatedpci_one");

    /* The same UUID in another spelling, and no name: the same definition is changed. */
    definition = define(store,
                        "<device><uuid>11111111222233334444555555555555</uuid>"
                        CAPABILITY("devicename='new'", IDS) "</device>");
    g_assert_cmpstr(definition->name, ==, "emulatedpci_one");
    g_assert_cmpstr(definition->def->fields.devicename, ==, "new");
}


static void
testDerivedName(Fixture *fixture,
                gconstpointer data G_GNUC_UNUSED)
{
    g_autoptr(DefinitionStore) store = load(fixture);
    const char *xml = "<device>" CAPABILITY("devicename='my-dev.2'", IDS) "</device>";

    g_assert_cmpstr(define(store, xml)->name, ==, "emulatedpci_my_dev_2");
    assertDefineFails(store, xml, VIR_ERR_OPERATION_FAILED, "emulatedpci_my_dev_2");
}


static void
testBasis(Fixture *fixture,
          gconstpointer data G_GNUC_UNUSED)
{
    g_autoptr(DefinitionStore) store = load(fixture);
    const StoredDefinition *copy =
        define(store,
               "<device><name>emulatedpci_copy</name>"
               CAPABILITY("basis='emulatedpci_citrix_pv_bus'", "interruptpin='9'") "</device>");
    g_autofree char *byUUID = NULL;

    g_assert_cmpstr(copy->def->fields.devicename, ==, "citrix-pv-bus");
    g_assert_cmphex(copy->def->fields.value[EMULATED_PCI_FIELD_CLASSCODE], ==, 0xff8000);
    g_assert_cmphex(copy->def->fields.value[EMULATED_PCI_FIELD_REVISION], ==, 1);
    g_assert_cmphex(copy->def->fields.value[EMULATED_PCI_FIELD_INTERRUPTPIN], ==, 9);
    g_assert_false(copy->builtIn);

    byUUID = g_strdup_printf("<device><name>emulatedpci_again</name>"
                             "<capability type='emulatedpci' devicename='x' basis='%s'/>"
                             "</device>", copy->uuid);
    copy = define(store, byUUID);
    g_assert_cmpstr(copy->def->fields.devicename, ==, "x");
    g_assert_cmphex(copy->def->fields.value[EMULATED_PCI_FIELD_INTERRUPTPIN], ==, 9);

    assertDefineFails(store,
                      "<device><name>emulatedpci_third</name>"
                      "<capability type='emulatedpci' basis='emulatedpci_none'/></device>",
                      VIR_ERR_NO_NODE_DEVICE, "emulatedpci_none");

    /* A definition is its own basis: the other fields are unchanged. */
    copy = define(store,
                  "<device><name>emulatedpci_copy</name>"
                  CAPABILITY("basis='emulatedpci_copy'", "revision='7'") "</device>");
    g_assert_cmphex(copy->def->fields.value[EMULATED_PCI_FIELD_REVISION], ==, 7);
    g_assert_cmphex(copy->def->fields.value[EMULATED_PCI_FIELD_INTERRUPTPIN], ==, 9);
}


static void
testBuiltIn(Fixture *fixture,
            gconstpointer data G_GNUC_UNUSED)
{
    g_autoptr(DefinitionStore) store = load(fixture);
    const char *name = "emulatedpci_citrix_pv_bus";
    const StoredDefinition *definition = definitionStoreFind(store, name);
    g_autofree char *xml = NULL;
    g_autoptr(GError) err = NULL;

    g_assert_nonnull(definition);
    g_assert_true(definition->builtIn && definition->active && definition->persistent);
    xml = storedDefinitionFormat(definition);
    g_assert_nonnull(strstr(xml, " built_in='yes'>"));

    assertDefineFails(store, xml, VIR_ERR_OPERATION_DENIED, name);
    g_assert_false(definitionStoreUndefine(store, name, &err));
    g_assert_error(err, EMULATED_PCI_ERROR, VIR_ERR_OPERATION_DENIED);
    g_clear_error(&err);
    g_assert_false(definitionStoreDestroy(store, definition->uuid, &err));
    g_assert_error(err, EMULATED_PCI_ERROR, VIR_ERR_OPERATION_DENIED);
    g_clear_error(&err);
    g_assert_false(definitionStoreSetAutostart(store, name, FALSE, &err));
    g_assert_error(err, EMULATED_PCI_ERROR, VIR_ERR_OPERATION_DENIED);
    g_clear_error(&err);
    g_assert_false(definitionStoreStart(store, name, &err));
    g_assert_error(err, EMULATED_PCI_ERROR, VIR_ERR_OPERATION_INVALID);
}


/* Every file that is shipped can be loaded, and has the format in which the store writes it. */
static void
testShipped(Fixture *fixture,
            gconstpointer data G_GNUC_UNUSED)
{
    g_autofree char *path = testSourcePath("src/definitions/built-in");
    g_autoptr(GDir) dir = g_dir_open(path, 0, NULL);
    g_autoptr(DefinitionStore) store = load(fixture);
    const char *file;
    guint n = 0;

    g_assert_nonnull(dir);
    while ((file = g_dir_read_name(dir))) {
        g_autofree char *name = NULL;
        g_autofree char *full = g_build_filename(path, file, NULL);
        g_autofree char *text = NULL;
        g_autofree char *shown = NULL;
        g_auto(GStrv) parts = NULL;

        if (!g_str_has_suffix(file, ".xml"))
            continue;
        name = g_strndup(file, strlen(file) - strlen(".xml"));
        g_assert_nonnull(definitionStoreFind(store, name));
        shown = storedDefinitionFormat(definitionStoreFind(store, name));
        parts = g_strsplit(shown, " built_in='yes'", -1);
        g_free(shown);
        shown = g_strjoinv("", parts);
        text = testReadFile(full, NULL);
        g_assert_cmpstr(strstr(text, "<device>"), ==, shown);
        n++;
    }
    g_assert_cmpuint(n, >=, 6);
}


static void
testStates(Fixture *fixture,
           gconstpointer data G_GNUC_UNUSED)
{
    g_autoptr(DefinitionStore) store = load(fixture);
    g_autoptr(DefinitionStore) again = NULL;
    const char *transient = SIMPLE("emulatedpci_brief");
    const StoredDefinition *definition;
    g_autoptr(GError) err = NULL;

    define(store, SIMPLE("emulatedpci_one"));
    g_assert_nonnull(definitionStoreResolve("emulatedpci_one", store, NULL));
    g_assert_true(definitionStoreDestroy(store, "emulatedpci_one", NULL));
    g_assert_null(definitionStoreResolve("emulatedpci_one", store, &err));
    g_assert_error(err, EMULATED_PCI_ERROR, VIR_ERR_NO_NODE_DEVICE);
    g_clear_error(&err);
    g_assert_false(definitionStoreDestroy(store, "emulatedpci_one", &err));
    g_assert_error(err, EMULATED_PCI_ERROR, VIR_ERR_OPERATION_INVALID);
    g_clear_error(&err);

    /* a redefinition does not start it */
    g_assert_false(define(store, SIMPLE("emulatedpci_one"))->active);
    g_assert_true(definitionStoreStart(store, "emulatedpci_one", NULL));
    g_assert_false(definitionStoreStart(store, "emulatedpci_one", &err));
    g_assert_error(err, EMULATED_PCI_ERROR, VIR_ERR_OPERATION_INVALID);
    g_clear_error(&err);
    g_assert_true(definitionStoreSetAutostart(store, "emulatedpci_one", FALSE, NULL));

    definition = definitionStoreCreate(store, transient, strlen(transient), NULL);
    g_assert_nonnull(definition);
    g_assert_true(definition->active);
    g_assert_false(definition->persistent);
    g_assert_false(hasFile(fixture, "emulatedpci_brief.xml"));
    g_assert_null(definitionStoreCreate(store, transient, strlen(transient), &err));
    g_assert_error(err, EMULATED_PCI_ERROR, VIR_ERR_OPERATION_FAILED);
    g_clear_error(&err);
    g_assert_false(definitionStoreUndefine(store, "emulatedpci_brief", &err));
    g_assert_error(err, EMULATED_PCI_ERROR, VIR_ERR_OPERATION_INVALID);
    g_clear_error(&err);
    g_assert_false(definitionStoreSetAutostart(store, "emulatedpci_brief", FALSE, &err));
    g_assert_error(err, EMULATED_PCI_ERROR, VIR_ERR_OPERATION_INVALID);
    g_clear_error(&err);

    again = load(fixture);
    g_assert_null(definitionStoreFind(again, "emulatedpci_brief"));
    definition = definitionStoreFind(again, "emulatedpci_one");
    g_assert_nonnull(definition);
    g_assert_false(definition->active);
    g_assert_false(definition->autostart);
    g_assert_true(definitionStoreSetAutostart(again, "emulatedpci_one", TRUE, NULL));

    g_assert_true(definitionStoreDestroy(store, "emulatedpci_brief", NULL));
    g_assert_null(definitionStoreFind(store, "emulatedpci_brief"));
    g_assert_true(definitionStoreUndefine(store, "emulatedpci_one", NULL));
    g_assert_null(definitionStoreFind(store, "emulatedpci_one"));
    g_assert_false(hasFile(fixture, "emulatedpci_one.xml"));
    g_assert_false(definitionStoreUndefine(store, "emulatedpci_one", &err));
    g_assert_error(err, EMULATED_PCI_ERROR, VIR_ERR_NO_NODE_DEVICE);
    g_assert_nonnull(strstr(err->message, "'emulatedpci_citrix_pv_bus', "));
}


static void
testTransientToPersistent(Fixture *fixture,
                          gconstpointer data G_GNUC_UNUSED)
{
    g_autoptr(DefinitionStore) store = load(fixture);
    const char *xml = SIMPLE("emulatedpci_one");
    const StoredDefinition *definition = definitionStoreCreate(store, xml, strlen(xml), NULL);
    g_autofree char *uuid = g_strdup(definition->uuid);

    definition = define(store, xml);
    g_assert_true(definition->persistent);
    g_assert_cmpstr(definition->uuid, ==, uuid);
    g_assert_true(hasFile(fixture, "emulatedpci_one.xml"));
}


static void
assertDamaged(const Fixture *fixture,
              const char *file,
              const char *aside,
              const char *reason)
{
    g_autoptr(DefinitionStore) store = NULL;
    g_autofree char *pattern = g_strdup_printf("*%s*%s*%s*", file, aside, reason);

    g_test_expect_message(NULL, G_LOG_LEVEL_WARNING, pattern);
    store = load(fixture);
    g_test_assert_expected_messages();
    g_assert_nonnull(definitionStoreFind(store, "emulatedpci_good"));
    g_assert_false(hasFile(fixture, file));
    g_assert_true(hasFile(fixture, aside));
}


static void
testDamaged(Fixture *fixture,
            gconstpointer data G_GNUC_UNUSED)
{
    g_autofree char *huge = g_strnfill(EMULATED_PCI_DEFINITION_XML_MAX + 1, ' ');
    g_autoptr(DefinitionStore) store = NULL;
    g_autofree char *path = NULL;
    char longest[249];

    putFile(fixture, "emulatedpci_good.xml",
            "<device><name>emulatedpci_good</name><uuid>" UUID_A "</uuid>"
            CAPABILITY("devicename='dev'", IDS) "</device>");
    putFile(fixture, "README", "not a definition");

    putFile(fixture, "emulatedpci_x.xml", "");
    assertDamaged(fixture, "emulatedpci_x.xml", "emulatedpci_x.xml.damaged", "malformed XML");
    putFile(fixture, "emulatedpci_x.xml", "<device><name>emulatedpci_x</na");
    assertDamaged(fixture, "emulatedpci_x.xml", "emulatedpci_x.xml.damaged.1", "malformed XML");
    putFile(fixture, "emulatedpci_x.xml", SIMPLE("emulatedpci_y"));
    assertDamaged(fixture, "emulatedpci_x.xml", "emulatedpci_x.xml.damaged.2", "emulatedpci_y");
    putFile(fixture, "emulatedpci_x.xml",
            "<device><name>emulatedpci_x</name><uuid>" UUID_A "</uuid>"
            CAPABILITY("devicename='dev'", IDS) "</device>");
    assertDamaged(fixture, "emulatedpci_x.xml", "emulatedpci_x.xml.damaged.3", "emulatedpci_good");
    putFile(fixture, "emulatedpci_x.xml", huge);
    assertDamaged(fixture, "emulatedpci_x.xml", "emulatedpci_x.xml.damaged.4", "too long");
    putFile(fixture, "emulatedpci_x.xml",
            "<device><name>emulatedpci_x</name>"
            CAPABILITY("basis='emulatedpci_test'", "revision='1'") "</device>");
    assertDamaged(fixture, "emulatedpci_x.xml", "emulatedpci_x.xml.damaged.5", "missing");
    putFile(fixture, "emulatedpci_test.xml", SIMPLE("emulatedpci_test"));
    assertDamaged(fixture, "emulatedpci_test.xml", "emulatedpci_test.xml.damaged", "built-in");

    path = pathOf(fixture, "emulatedpci_dir.xml");
    g_assert_cmpint(g_mkdir(path, 0755), ==, 0);
    assertDamaged(fixture, "emulatedpci_dir.xml", "emulatedpci_dir.xml.damaged", "regular");
    g_free(path);
    path = pathOf(fixture, "emulatedpci_fifo.xml");
    g_assert_cmpint(mkfifo(path, 0644), ==, 0);
    assertDamaged(fixture, "emulatedpci_fifo.xml", "emulatedpci_fifo.xml.damaged", "regular");

    /* The name is too long for the suffix: the file is reported and not renamed. */
    memset(longest, 'x', sizeof(longest));
    g_strlcpy(longest + 248 - strlen(".xml"), ".xml", strlen(".xml") + 1);
    putFile(fixture, longest, "");
    g_test_expect_message(NULL, G_LOG_LEVEL_WARNING, "*malformed*File name too long*");
    store = load(fixture);
    g_test_assert_expected_messages();
    g_assert_true(hasFile(fixture, longest));
}


static void
testReadOnly(Fixture *fixture,
             gconstpointer data G_GNUC_UNUSED)
{
    g_autoptr(DefinitionStore) store = definitionStoreNew();
    g_autoptr(GError) err = NULL;

    putFile(fixture, "emulatedpci_x.xml", "damaged");
    putFile(fixture, "emulatedpci_y.xml", SIMPLE("emulatedpci_y"));
    putFile(fixture, ".emulatedpci_z.xml.new", "half");
    definitionStoreSetReadOnly(store);
    g_test_expect_message(NULL, G_LOG_LEVEL_WARNING, "*emulatedpci_x.xml*");
    g_assert_true(definitionStoreLoad(store, NULL, fixture->dir, NULL));
    g_test_assert_expected_messages();

    g_assert_true(hasFile(fixture, "emulatedpci_x.xml"));
    g_assert_true(hasFile(fixture, ".emulatedpci_z.xml.new"));
    g_assert_nonnull(definitionStoreFind(store, "emulatedpci_y"));
    g_assert_false(definitionStoreUndefine(store, "emulatedpci_y", &err));
    g_assert_error(err, EMULATED_PCI_ERROR, VIR_ERR_OPERATION_UNSUPPORTED);
    g_assert_true(hasFile(fixture, "emulatedpci_y.xml"));
}


/* A file that a user wrote has no UUID; the store adds one, which does not change later. */
static void
testHandWritten(Fixture *fixture,
                gconstpointer data G_GNUC_UNUSED)
{
    g_autoptr(DefinitionStore) store = NULL;
    g_autoptr(DefinitionStore) again = NULL;

    putFile(fixture, "emulatedpci_x.xml", SIMPLE("emulatedpci_x"));
    putFile(fixture, ".emulatedpci_z.xml.new", "half");
    store = load(fixture);
    again = load(fixture);
    g_assert_cmpstr(definitionStoreFind(store, "emulatedpci_x")->uuid, ==,
                    definitionStoreFind(again, "emulatedpci_x")->uuid);
    g_assert_false(hasFile(fixture, ".emulatedpci_z.xml.new"));
}


static void
testHostile(Fixture *fixture,
            gconstpointer data G_GNUC_UNUSED)
{
    static const struct {
        const char *xml;
        int code;
        const char *words;
    } cases[] = {
        { "", VIR_ERR_XML_ERROR, "malformed XML" },
        { "<domain/>", VIR_ERR_XML_ERROR, "<domain>" },
        { "<device/>", VIR_ERR_XML_ERROR, "capability" },
        { "<device><name>eth0</name>" CAPABILITY("devicename='d'", IDS) "</device>",
          VIR_ERR_XML_ERROR, "eth0" },
        { "<device><name>emulatedpci_../../etc/passwd</name>"
          CAPABILITY("devicename='d'", IDS) "</device>", VIR_ERR_XML_ERROR, "../../etc" },
        { "<device><name>emulatedpci_</name>" CAPABILITY("devicename='d'", IDS) "</device>",
          VIR_ERR_XML_ERROR, "'emulatedpci_'" },
        { "<device><name>emulatedpci_a</name><name>emulatedpci_b</name>"
          CAPABILITY("devicename='d'", IDS) "</device>", VIR_ERR_XML_ERROR, "more than one" },
        { "<device><uuid>12</uuid>" CAPABILITY("devicename='d'", IDS) "</device>",
          VIR_ERR_XML_ERROR, "'12'" },
        { "<device autostart='no'>" CAPABILITY("devicename='d'", IDS) "</device>",
          VIR_ERR_XML_ERROR, "autostart" },
        { "<device><capability type='pci'/></device>", VIR_ERR_XML_ERROR, "'pci'" },
        { "<device><capability/></device>", VIR_ERR_XML_ERROR, "type" },
        { "<device>" CAPABILITY("devicename='d' color='red'", IDS) "</device>",
          VIR_ERR_XML_ERROR, "color" },
        { "<device>" CAPABILITY("", IDS) "</device>", VIR_ERR_XML_ERROR, "devicename" },
        { "<device>" CAPABILITY("devicename='a b'", IDS) "</device>", VIR_ERR_XML_ERROR, "a b" },
        { "<device>" CAPABILITY("devicename='d'", "vendorid='1'") "</device>",
          VIR_ERR_XML_ERROR, "deviceid" },
        { "<device>" CAPABILITY("devicename='d'", IDS " command='0x10000'") "</device>",
          VIR_ERR_XML_ERROR, "0x10000" },
        { "<device>" CAPABILITY("devicename='d'", "vendorid='0xffff' deviceid='1'") "</device>",
          VIR_ERR_CONFIG_UNSUPPORTED, "0xffff" },
        { "<device>" CAPABILITY("devicename='d'", IDS " headertype='1'") "</device>",
          VIR_ERR_CONFIG_UNSUPPORTED, "headertype" },
        { "<!DOCTYPE device [<!ENTITY a 'b'>]><device><description>&a;</description>"
          CAPABILITY("devicename='d'", IDS) "</device>", VIR_ERR_XML_ERROR, "document type" },
        { "<device><description><b/></description>"
          CAPABILITY("devicename='d'", IDS) "</device>", VIR_ERR_XML_ERROR, "'b'" },
        { "<device>text" CAPABILITY("devicename='d'", IDS) "</device>",
          VIR_ERR_XML_ERROR, "'text'" },
        { "<device xmlns='urn:x'>" CAPABILITY("devicename='d'", IDS) "</device>",
          VIR_ERR_XML_ERROR, "<device>" },
    };
    g_autoptr(DefinitionStore) store = load(fixture);
    g_autofree char *many = g_strnfill(12000, '<');
    g_autofree char *grows = g_strdup_printf("<device><description><![CDATA[%s]]></description>"
                                             CAPABILITY("devicename='d'", IDS) "</device>", many);
    g_autofree char *big = g_strnfill(EMULATED_PCI_DEFINITION_XML_MAX + 1, 'x');
    g_autofree char *longest = g_strnfill(EMULATED_PCI_DEFINITION_NAME_MAX - 12, 'n');
    g_autofree char *fits = g_strdup_printf("<device><name>emulatedpci_%s</name>"
                                            CAPABILITY("devicename='d'", IDS) "</device>",
                                            longest);
    g_autofree char *over = g_strdup_printf("<device><name>emulatedpci_%sn</name>"
                                            CAPABILITY("devicename='d'", IDS) "</device>",
                                            longest);
    gsize i;

    for (i = 0; i < G_N_ELEMENTS(cases); i++)
        assertDefineFails(store, cases[i].xml, cases[i].code, cases[i].words);
    assertDefineFails(store, big, VIR_ERR_XML_ERROR, "too long");
    assertDefineFails(store, grows, VIR_ERR_XML_ERROR, "too long");
    assertDefineFails(store, over, VIR_ERR_XML_ERROR, "240");
    g_assert_false(g_file_test(fixture->dir, G_FILE_TEST_EXISTS));
    define(store, fits);
}


static void
testDescription(Fixture *fixture,
                gconstpointer data G_GNUC_UNUSED)
{
    const char *xml =
        "<device><name>emulatedpci_text</name><description>  a&#13;\n<![CDATA[<b> & c]]>"
        "<!-- no -->\t&quot;&apos; \xc3\xa4 </description>"
        CAPABILITY("devicename='d'", IDS) "</device>";
    g_autoptr(DefinitionStore) store = load(fixture);
    g_autoptr(DefinitionStore) again = NULL;

    define(store, xml);
    again = load(fixture);
    g_assert_cmpstr(definitionStoreFind(again, "emulatedpci_text")->description, ==,
                    "  a\r\n<b> & c\t\"' \xc3\xa4 ");
}


static void
testMany(Fixture *fixture,
         gconstpointer data G_GNUC_UNUSED)
{
    g_autoptr(DefinitionStore) store = load(fixture);
    g_autoptr(GPtrArray) list = NULL;
    g_autoptr(GError) err = NULL;
    const char *over = SIMPLE("emulatedpci_over");
    guint i;

    list = definitionStoreList(store);
    for (i = list->len; i < DEFINITION_STORE_MAX; i++) {
        g_autofree char *xml = g_strdup_printf(SIMPLE("emulatedpci_%u"), i);

        g_assert_nonnull(definitionStoreCreate(store, xml, strlen(xml), NULL));
    }
    g_clear_pointer(&list, g_ptr_array_unref);
    list = definitionStoreList(store);
    g_assert_cmpuint(list->len, ==, DEFINITION_STORE_MAX);
    for (i = 1; i < list->len; i++) {
        const StoredDefinition *a = g_ptr_array_index(list, i - 1);
        const StoredDefinition *b = g_ptr_array_index(list, i);

        g_assert_cmpstr(a->name, <, b->name);
    }
    assertDefineFails(store, over, VIR_ERR_OPERATION_FAILED, "4096");
    g_assert_null(definitionStoreResolve("emulatedpci_none", store, &err));
    g_assert_nonnull(strstr(err->message, " and 4076 more"));
}


int
main(int argc, char **argv)
{
    int result;

    testInit(&argc, &argv);

#define ADD(name, function) \
    g_test_add("/definitionstore/" name, Fixture, NULL, setUp, function, tearDown)

    ADD("define", testDefine);
    ADD("redefine", testRedefine);
    ADD("unique", testUnique);
    ADD("derived-name", testDerivedName);
    ADD("basis", testBasis);
    ADD("built-in", testBuiltIn);
    ADD("shipped", testShipped);
    ADD("states", testStates);
    ADD("transient-to-persistent", testTransientToPersistent);
    ADD("damaged", testDamaged);
    ADD("read-only", testReadOnly);
    ADD("hand-written", testHandWritten);
    ADD("hostile", testHostile);
    ADD("description", testDescription);
    ADD("many", testMany);

    result = g_test_run();
    xmlCleanupParser();
    return result;
}
