/*
 * tool_launcher.c: checks that the launcher in a lowered <emulator> exists
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <config.h>

#include "tool_launcher.h"
#include "tool_output.h"
#include "tool_xml.h"

#include "qemu_launcher_path.h"

#include <libxml/xmlmemory.h>
#include <string.h>
#include <unistd.h>

typedef struct {
    const char *file;
    const ProjectionOptions *options;
} ToolLauncherWarn;


static void
toolLauncherWarnEmulator(xmlNodePtr node, void *opaque)
{
    const ToolLauncherWarn *warn = opaque;
    xmlChar *content = xmlNodeGetContent(node);
    g_autofree char *path = g_strstrip(g_strdup(content ? (char *) content : ""));
    g_autofree char *qemu = NULL;

    xmlFree(content);
    qemu = qemuLauncherPathToQEMU(warn->options->launchDir, warn->options->qemuDir, path);
    if (!qemu || access(path, X_OK) == 0)
        return;

    if (access(qemu, X_OK) < 0) {
        toolOutputWarning(warn->file, _("QEMU '%1$s' does not exist on this machine"), qemu);
    } else {
        g_autofree char *quoted = g_shell_quote(qemu);

        toolOutputWarning(warn->file,
                          _("launcher '%1$s' does not exist on this machine; create it with: %2$s --add %3$s"),
                          path, PKGLIBEXEC_DIR "/" QEMU_LAUNCHER_PROGRAM, quoted);
    }
}


static void
toolLauncherWarnDomain(xmlNodePtr node, void *opaque)
{
    toolXMLForEachChild(node, "devices", "emulator", toolLauncherWarnEmulator, opaque);
}


void
toolLauncherWarn(const char *file,
                 const char *xml,
                 gsize len,
                 const ProjectionOptions *options)
{
    ToolLauncherWarn warn = { file, options };
    ToolInput input = { file, (char *) xml, len };
    g_autoptr(ToolXMLDoc) doc = toolXMLParse(&input, NULL);

    /* a lowered single device is two elements: no document, and no emulator */
    if (doc)
        toolXMLForEachDomain(doc, toolLauncherWarnDomain, &warn);
}
