/*
 * tool_xml2argv.c: virt-emulatedpci xml2argv
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <config.h>

#include "tool_argv.h"
#include "tool_input.h"
#include "tool_options.h"
#include "tool_output.h"

#include <libvirt/libvirt.h>
#include <libvirt/virterror.h>
#include <string.h>

typedef struct {
    const char *uri;        /* NULL: libvirt's default */
    gboolean launched;
    gboolean null;
} ToolXML2Argv;


/* Callers print errors; libvirt would print them a second time. */
static void
toolXML2ArgvIgnoreError(void *opaque G_GNUC_UNUSED, virErrorPtr err G_GNUC_UNUSED)
{
}


static void *
toolXML2ArgvRunEvents(void *opaque)
{
    const gint *quit = opaque;

    while (!g_atomic_int_get(quit))
        virEventRunDefaultImpl();
    return NULL;
}


static void
toolXML2ArgvTick(int timer G_GNUC_UNUSED, void *opaque G_GNUC_UNUSED)
{
}


static void
toolXML2ArgvReport(const char *name)
{
    virErrorPtr err = virGetLastError();

    toolOutputErrorCode(name, err ? err->code : VIR_ERR_INTERNAL_ERROR, virGetLastErrorMessage());
}


/* Returns libvirt's command line for the lowered XML, or NULL after printing an error. */
static char *
toolXML2ArgvConvert(const char *name, const char *uri, const char *xml)
{
    virConnectPtr conn = virConnectOpen(uri);
    char *native;

    if (!conn) {
        toolXML2ArgvReport(uri ? uri : name);
        return NULL;
    }
    native = virConnectDomainXMLToNative(conn, "qemu-argv", xml, 0);
    if (!native)
        toolXML2ArgvReport(name);
    virConnectClose(conn);
    return native;
}


/* The same, with the event loop that qemu:///embed requires. */
static char *
toolXML2ArgvConvertWithEvents(const char *name, const char *uri, const char *xml)
{
    gint quit = 0;
    GThread *thread;
    char *native;

    virSetErrorFunc(NULL, toolXML2ArgvIgnoreError);
    if (virInitialize() < 0 || virEventRegisterDefaultImpl() < 0 ||
        virEventAddTimeout(50, toolXML2ArgvTick, NULL, NULL) < 0) {
        toolXML2ArgvReport(name);
        return NULL;
    }
    thread = g_thread_new("events", toolXML2ArgvRunEvents, &quit);
    native = toolXML2ArgvConvert(name, uri, xml);
    g_atomic_int_set(&quit, 1);
    g_thread_join(thread);
    return native;
}


static gboolean
toolXML2ArgvShow(const ToolXML2Argv *show,
                 const ToolInput *input,
                 const ProjectionOptions *projection)
{
    g_autoptr(GError) err = NULL;
    g_autofree char *lowered = NULL;
    g_autofree char *native = NULL;
    g_autoptr(GString) out = g_string_new(NULL);
    g_auto(GStrv) argv = NULL;
    gsize len;
    gsize i;

    if (projectionLower(input->data, input->len, projection, &lowered, &len, &err) ==
        PROJECTION_ERROR) {
        toolOutputError(input->name, err);
        return FALSE;
    }
    native = toolXML2ArgvConvertWithEvents(input->name, show->uri,
                                           lowered ? lowered : input->data);
    if (!native)
        return FALSE;

    argv = toolArgvParse(native, &err);
    if (argv && argv[0] && show->launched) {
        char **launched = toolArgvLaunched(argv, projection->launchDir, projection->qemuDir, &err);

        g_strfreev(argv);
        argv = launched;
    }
    if (!argv) {
        toolOutputError(input->name, err);
        return FALSE;
    }

    for (i = 0; argv[i]; i++) {
        if (show->null)
            g_string_append(out, argv[i]);
        else
            toolArgvAppendQuoted(out, argv[i]);
        g_string_append_c(out, show->null ? '\0' : '\n');
    }
    return toolOutputWrite(out->str, out->len);
}


static ToolExit
toolXML2Argv(const ToolCommand *command, int argc, char **argv)
{
    g_auto(ToolOptions) options = { 0 };
    g_auto(ToolInput) input = { NULL, NULL, 0 };
    g_autofree char *uri = NULL;
    ToolXML2Argv show = { NULL, FALSE, FALSE };
    const GOptionEntry entries[] = {
        { "connect", 'c', 0, G_OPTION_ARG_STRING, &uri,
          N_("Connect to the libvirt at URI"), N_("URI") },
        { "launched", 0, 0, G_OPTION_ARG_NONE, &show.launched,
          N_("Print the arguments that QEMU gets from the launcher"), NULL },
        { "null", '0', 0, G_OPTION_ARG_NONE, &show.null,
          N_("Terminate arguments with a NUL byte, and do not quote them"), NULL },
        { NULL, 0, 0, 0, NULL, NULL, NULL },
    };

    if (!toolOptionsParse(&options, command, entries, TRUE, 1, argc, argv))
        return TOOL_EXIT_USAGE;
    show.uri = uri;
    if (!toolInputRead(&input, options.files ? options.files[0] : NULL))
        return TOOL_EXIT_FAILED;
    return toolXML2ArgvShow(&show, &input, &options.projection) ? TOOL_EXIT_OK : TOOL_EXIT_FAILED;
}


const ToolCommand toolCommandXML2Argv = {
    .name = "xml2argv",
    .operands = N_("[FILE]"),
    .summary = N_("Print the QEMU command line that libvirt creates for a domain"),
    .description = N_("Reads a <domain> from FILE or standard input, lowers it, requests its command\n"
                      "line from libvirt and prints one argument on each line, quoted for a shell if\n"
                      "required. No domain is defined or started."),
    .run = toolXML2Argv,
};
