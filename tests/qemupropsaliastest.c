/*
 * qemupropsaliastest.c: the device's properties as part of its alias
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <config.h>

#include "qemu_props_alias.h"
#include "testutils.h"

#include <string.h>

static const char plain[] = "ua-disk.1--pci1-5853c14700000010070a0b0c001234abcd0501-live_5f1_2ex";

static const guint32 values[EMULATED_PCI_FIELD_LAST] = {
    0, 0x5853, 0xc147, 0, 0x10, 7, 0x0a0b0c, 0, 0x1234, 0xabcd, 5, 1
};


static QEMUProps
makeProps(void)
{
    QEMUProps props = { .fields.devicename = "live_1.x" };

    memcpy(props.fields.value, values, sizeof(values));
    return props;
}


/* A <driver> that has every attribute and two arguments, of any bytes. */
static EmulatedPCIDriver *
makeDriver(void)
{
    EmulatedPCIDriver *driver = emulatedPCIDriverNew();

    g_assert_true(emulatedPCIDriverSet(driver, EMULATED_PCI_DRIVER_EMULATOR, "net_1", NULL));
    g_assert_true(emulatedPCIDriverSet(driver, EMULATED_PCI_DRIVER_VERSION, "mpqemu", NULL));
    g_assert_true(emulatedPCIDriverSet(driver, EMULATED_PCI_DRIVER_STUBDOMAIN, "yes", NULL));
    g_assert_true(emulatedPCIDriverSet(driver, EMULATED_PCI_DRIVER_MODEL, "/a'b", NULL));
    g_assert_true(emulatedPCIDriverSetArg(driver, 0, "<\"&>_A_E\303\244", NULL));
    g_assert_true(emulatedPCIDriverSetArg(driver, 1, "", NULL));
    return driver;
}


/* Reads ALIAS, which must be valid, and writes it again. */
static void
checkRoundTrip(const char *alias)
{
    QEMUPropsOverride override;
    g_autofree char *name = qemuPropsAliasGetName(alias);
    g_autofree char *again = NULL;
    QEMUProps props;

    g_assert_true(qemuPropsAliasRead(alias, &override));
    props = (QEMUProps) {
        .fields = override.fields,
        .definition = *override.definition ? (char *) override.definition : NULL,
        .driver = override.driver,
    };
    again = qemuPropsAliasFormat(name, &props, NULL);
    g_assert_cmpstr(again, ==, alias);
    qemuPropsOverrideClear(&override);
}


static void
testPlain(void)
{
    QEMUProps props = makeProps();
    QEMUPropsOverride override;
    g_autofree char *alias = qemuPropsAliasFormat("ua-disk.1", &props, NULL);
    g_autofree char *name = qemuPropsAliasGetName(plain);
    g_autofree char *same = qemuPropsAliasGetName("ua-disk.1");
    int i;

    g_assert_cmpstr(alias, ==, plain);
    g_assert_cmpstr(name, ==, "ua-disk.1");
    g_assert_cmpstr(same, ==, "ua-disk.1");
    g_assert_true(qemuPropsAliasIsMarked(plain));
    g_assert_false(qemuPropsAliasIsMarked("ua-disk.1--pci2-"));

    g_assert_true(qemuPropsAliasRead(plain, &override));
    g_assert_cmpstr(override.fields.devicename, ==, "live_1.x");
    for (i = EMULATED_PCI_FIELD_DEVICENAME + 1; i < EMULATED_PCI_FIELD_LAST; i++)
        g_assert_cmpuint(override.fields.value[i], ==, values[i]);
    g_assert_null(override.driver);
    qemuPropsOverrideClear(&override);
    checkRoundTrip(plain);
}


/* The alias contains every property, and only characters that libvirt and QEMU allow. */
static void
testAll(void)
{
    QEMUProps props = makeProps();
    g_autoptr(EmulatedPCIDriver) driver = makeDriver();
    g_autofree char *alias = NULL;

    props.definition = (char *) "emulatedpci_a.b-c";
    props.driver = driver;
    alias = qemuPropsAliasFormat("ua-x", &props, NULL);
    g_assert_nonnull(alias);
    g_assert_cmpuint(strspn(alias, G_CSET_a_2_z G_CSET_A_2_Z G_CSET_DIGITS "-_."), ==, strlen(alias));
    checkRoundTrip(alias);
}


static void
testLimits(void)
{
    QEMUProps props = makeProps();
    g_autoptr(EmulatedPCIDriver) driver = emulatedPCIDriverNew();
    g_autofree char *arg = g_strnfill(1000, '_');
    g_autoptr(GError) err = NULL;
    int i;

    g_assert_null(qemuPropsAliasFormat("ua-a--pci1-b", &props, &err));
    g_assert_nonnull(strstr(err->message, "--pci1-"));
    g_clear_error(&err);

    for (i = 0; i < 2; i++)
        g_assert_true(emulatedPCIDriverSetArg(driver, i, arg, NULL));
    props.driver = driver;
    g_assert_null(qemuPropsAliasFormat("ua-a", &props, &err));
    g_assert_nonnull(strstr(err->message, "too long"));
}


/* Only the form in which an alias is written can be read. */
static void
testRefused(void)
{
    static const char *const refused[] = {
        "ua-a",
        "ua-a--pci1-",
        "ua-a--pci1-5853c14700000010070a0b0c001234abcd0501",
        "ua-a--pci1-5853c14700000010070a0b0c001234abcd0501-",
        "ua-a--pci1-5853c14700000010070a0b0c001234abcd050-x",
        "ua-a--pci1-5853c14700000010070a0b0c001234abcd05011-x",
        "ua-a--pci1-5853C14700000010070a0b0c001234abcd0501-x",
        "ua-a--pci1-585gc14700000010070a0b0c001234abcd0501-x",
        "ua-a--pci1-5853c14700000010070a0b0c001234abcd0501-x.y",
        "ua-a--pci1-5853c14700000010070a0b0c001234abcd0501-x_2E",
        "ua-a--pci1-5853c14700000010070a0b0c001234abcd0501-x_61",
        "ua-a--pci1-5853c14700000010070a0b0c001234abcd0501-x_00",
        "ua-a--pci1-5853c14700000010070a0b0c001234abcd0501-x_",
        "ua-a--pci1-5853c14700000010070a0b0c001234abcd0501-x_A",
        "ua-a--pci1-5853c14700000010070a0b0c001234abcd0501-x_Adefinition",
        "ua-a--pci1-5853c14700000010070a0b0c001234abcd0501-x_Afrob_E1",
        "ua-a--pci1-5853c14700000010070a0b0c001234abcd0501-x_Apid_E",
        "ua-a--pci1-5853c14700000010070a0b0c001234abcd0501-x_Aarg1_Ea",
        ("ua-a--pci1-5853c14700000010070a0b0c001234abcd0501-"
         "aaaaaaaaaabbbbbbbbbbccccccccccddddddddddee"),
    };
    QEMUPropsOverride override;
    size_t i;

    for (i = 0; i < G_N_ELEMENTS(refused); i++) {
        g_test_message("%s", refused[i]);
        g_assert_false(qemuPropsAliasRead(refused[i], &override));
        qemuPropsOverrideClear(&override);
    }
}


/* Changes an alias at random: the result is rejected, or is the alias of another device. */
static void
testRandom(void)
{
    static const char chars[] = "0123456789abcdefAEgx_-.";
    QEMUProps props = makeProps();
    g_autoptr(EmulatedPCIDriver) driver = makeDriver();
    g_autofree char *alias = NULL;
    int i;

    props.driver = driver;
    alias = qemuPropsAliasFormat("ua-x", &props, NULL);
    for (i = 0; i < 20000; i++) {
        g_autofree char *changed = g_strdup(alias);
        const gsize len = strlen(changed);
        QEMUPropsOverride override;
        int j;

        for (j = g_test_rand_int_range(1, 4); j > 0; j--)
            changed[g_test_rand_int_range(0, len)] = chars[g_test_rand_int_range(0, strlen(chars))];
        if (g_test_rand_bit())
            changed[g_test_rand_int_range(1, len)] = '\0';
        if (qemuPropsAliasRead(changed, &override))
            checkRoundTrip(changed);
        qemuPropsOverrideClear(&override);
    }
}


static void
testExpand(void)
{
    g_autofree char *arg = g_strdup_printf("{\"driver\":\"lsi\",\"id\":\"%s\",\"bus\":\"pci.0\","
                                           "\"addr\":\"0x3\"}", plain);
    g_autofree char *other = g_strdup_printf("{\"driver\":\"e1000\",\"id\":\"%s\"}", plain);
    g_autofree char *damaged = g_strdup_printf("{\"driver\":\"lsi\",\"id\":\"%s_\"}", plain);
    g_autoptr(GError) err = NULL;
    g_autofree char *expanded = NULL;
    g_autofree char *id = NULL;
    g_autoptr(QEMUProps) props = NULL;

    g_assert_true(qemuPropsAliasIsReservation(arg));
    g_assert_false(qemuPropsAliasIsReservation(other));
    g_assert_false(qemuPropsAliasIsReservation("{\"driver\":\"lsi\",\"id\":\"scsi0\"}"));
    g_assert_false(qemuPropsAliasIsReservation("{\"driver\":\"lsi\",\"id\":\"--pci1-"));
    g_assert_true(qemuPropsAliasIsReservation("lsi,id=ua-a--pci1-b"));

    expanded = qemuPropsAliasExpand(arg, &err);
    g_assert_no_error(err);
    g_assert_nonnull(strstr(expanded, "\"bus\":\"pci.0\""));
    g_assert_nonnull(strstr(expanded, "\"addr\":\"0x3\""));
    id = qemuPropsGetId(expanded);
    g_assert_cmpstr(id, ==, plain);
    props = qemuPropsParse(expanded, &err);
    g_assert_no_error(err);
    g_assert_cmpstr(props->fields.devicename, ==, "live_1.x");
    g_assert_cmpuint(props->fields.value[EMULATED_PCI_FIELD_CLASSCODE], ==, 0x0a0b0c);

    g_assert_null(qemuPropsAliasExpand(damaged, &err));
    g_assert_error(err, EMULATED_PCI_ERROR, VIR_ERR_CONFIG_UNSUPPORTED);
}


int
main(int argc, char **argv)
{
    testInit(&argc, &argv);
    g_test_add_func("/alias/plain", testPlain);
    g_test_add_func("/alias/all", testAll);
    g_test_add_func("/alias/limits", testLimits);
    g_test_add_func("/alias/refused", testRefused);
    g_test_add_func("/alias/random", testRandom);
    g_test_add_func("/alias/expand", testExpand);
    return g_test_run();
}
