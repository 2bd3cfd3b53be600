/*
 * tool_lower.c: virt-emulatedpci lower and lift
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <config.h>

#include "tool_input.h"
#include "tool_launcher.h"
#include "tool_options.h"
#include "tool_output.h"

#include <unistd.h>

typedef ProjectionResult (*ToolProjectFunc)(const char *xml, gsize len,
                                            const ProjectionOptions *opts,
                                            char **out, gsize *outlen,
                                            GError **err);


static ToolExit
toolProject(const ToolCommand *command, ToolProjectFunc project, int argc, char **argv)
{
    g_auto(ToolOptions) options = { 0 };
    g_auto(ToolInput) input = { NULL, NULL, 0 };
    g_autoptr(GError) err = NULL;
    g_autofree char *out = NULL;
    gsize outlen = 0;

    if (!toolOptionsParse(&options, command, NULL, TRUE, 1, argc, argv))
        return TOOL_EXIT_USAGE;
    if (!toolInputRead(&input, options.files ? options.files[0] : NULL))
        return TOOL_EXIT_FAILED;

    switch (project(input.data, input.len, &options.projection, &out, &outlen, &err)) {
    case PROJECTION_ERROR:
        toolOutputError(input.name, err);
        return TOOL_EXIT_FAILED;
    case PROJECTION_UNCHANGED:
        toolOutputWrite(input.data, input.len);
        break;
    case PROJECTION_CHANGED:
        toolOutputWrite(out, outlen);
        if (project == projectionLower)
            toolLauncherWarn(input.name, out, outlen, &options.projection);
        break;
    }
    return TOOL_EXIT_OK;
}


static ToolExit
toolLower(const ToolCommand *command, int argc, char **argv)
{
    return toolProject(command, projectionLower, argc, argv);
}


static ToolExit
toolLift(const ToolCommand *command, int argc, char **argv)
{
    return toolProject(command, projectionLift, argc, argv);
}


const ToolCommand toolCommandLower = {
    .name = "lower",
    .operands = N_("[FILE]"),
    .summary = N_("Convert a document to XML that a stock libvirt accepts"),
    .description = N_("Reads a <domain>, <domainsnapshot>, <domaincheckpoint> or single\n"
                      "<emulatedpci> from FILE or standard input and writes XML that a stock\n"
                      "libvirt accepts to standard output, for example for \"virsh define\". A\n"
                      "document without emulated devices is written unchanged."),
    .run = toolLower,
};

const ToolCommand toolCommandLift = {
    .name = "lift",
    .operands = N_("[FILE]"),
    .summary = N_("Convert XML from a stock libvirt back to <emulatedpci>"),
    .description = N_("Reverts \"lower\": reads XML from a stock libvirt, for example from\n"
                      "\"virsh dumpxml\", from FILE or standard input, and writes it to standard\n"
                      "output with <emulatedpci> elements."),
    .run = toolLift,
};
