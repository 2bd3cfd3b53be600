/*
 * fuzz-launcher-args.c: a command line with emulated devices
 *
 * The data is the arguments, each terminated by a NUL. For any arguments, the launcher must either
 * report an error of one line, or produce a command line of the same length that contains no
 * emulated device and in which all other arguments are unchanged.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <config.h>

#include "fuzz.h"
#include "launcher_accel.h"
#include "launcher_args.h"
#include "launcher_qemu.h"

#include <string.h>

#define ARGS_MAX 64


static void
checkError(const GError *err)
{
    g_assert_nonnull(err);
    g_assert_true(err->domain == EMULATED_PCI_ERROR);
    g_assert_true(err->code == VIR_ERR_CONFIG_UNSUPPORTED || err->code == VIR_ERR_XML_ERROR);
    g_assert_cmpuint(strlen(err->message), <, 1000);
    g_assert_true(g_utf8_validate(err->message, -1, NULL));
    g_assert_null(strchr(err->message, '\n'));
}


static void
checkDriver(const EmulatedPCIDriver *a,
            const EmulatedPCIDriver *b)
{
    gsize i;

    g_assert_true((a == NULL) == (b == NULL));
    if (!a)
        return;
    for (i = 0; i < EMULATED_PCI_DRIVER_LAST; i++) {
        g_autofree char *valueA = emulatedPCIDriverGet(a, i);
        g_autofree char *valueB = emulatedPCIDriverGet(b, i);

        g_assert_cmpstr(valueA, ==, valueB);
    }
    for (i = 0; i < EMULATED_PCI_DRIVER_ARGS_MAX; i++)
        g_assert_cmpstr(a->args[i], ==, b->args[i]);
}


/* The properties survive formatting in both forms. */
static void
checkProps(const QEMUProps *props)
{
    int form;

    for (form = QEMU_PROPS_FORM_JSON; form <= QEMU_PROPS_FORM_KEYVALUE; form++) {
        g_autofree char *arg = qemuPropsFormat(props, form);
        g_autoptr(QEMUProps) again = qemuPropsParse(arg, NULL);

        g_assert_nonnull(again);
        g_assert_cmpstr(again->fields.devicename, ==, props->fields.devicename);
        g_assert_cmpstr(again->definition, ==, props->definition);
        g_assert_cmpmem(again->fields.value, sizeof(again->fields.value), props->fields.value,
                        sizeof(props->fields.value));
        checkDriver(again->driver, props->driver);
    }
}


static void
checkRewritten(const LauncherArgs *args,
               int argc,
               char **argv,
               char **result)
{
    guint device = 0;
    int i;

    g_assert_cmpint(g_strv_length(result), ==, argc);
    g_assert_cmpstr(result[0], ==, "/qemu");
    for (i = 1; i < argc; i++) {
        if (device < args->at->len && g_array_index(args->at, int, device) == i)
            device++;
        else
            g_assert_cmpstr(result[i], ==, argv[i]);
    }
    g_assert_false(launcherArgsHaveDevices(argc, result));
}


int
LLVMFuzzerTestOneInput(const uint8_t *data,
                       size_t size)
{
    g_auto(LauncherArgs) args = { NULL, NULL };
    g_autofree char *text = g_malloc(size + 1);
    g_auto(GStrv) result = NULL;
    g_autoptr(GError) err = NULL;
    char *argv[ARGS_MAX + 1] = { NULL };
    LauncherSocket sockets[ARGS_MAX];
    char socketPath[] = "/x";
    QEMUProgram qemu;
    int argc = 0;
    size_t at = 0;
    guint i;

    if (size > 0)
        memcpy(text, data, size);
    text[size] = '\0';
    while (at <= size && argc < ARGS_MAX) {
        /* Both kinds of device */
        sockets[argc] = (LauncherSocket) {
            .version = EMULATED_PCI_VERSION_MPQEMU,
            .fd = argc + 3,
            .path = size & 1 ? socketPath : NULL,
        };
        argv[argc++] = text + at;
        at += strlen(text + at) + 1;
    }

    launcherAccelIsKVM(argc, argv);
    qemuProgramReadBinary(&qemu, text, size);

    if (!launcherArgsParse(&args, argc, argv, &err)) {
        checkError(err);
        return 0;
    }
    g_assert_true(launcherArgsHaveDevices(argc, argv) == (args.at->len > 0));
    for (i = 0; i < args.props->len; i++)
        checkProps(g_ptr_array_index(args.props, i));

    result = launcherArgsRewrite(&args, argc, argv, "/qemu", sockets, &err);
    if (result)
        checkRewritten(&args, argc, argv, result);
    else
        checkError(err);
    return 0;
}
