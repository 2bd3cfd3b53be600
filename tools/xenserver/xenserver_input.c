/*
 * xenserver_input.c: the devices in a text of any of XenServer's formats
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <config.h>

#include "xenserver_input.h"
#include "xenserver_qemu.h"
#include "xenserver_xe.h"

#include "gettext.h"

#include <string.h>

#define _(s) gettext(s)

static const char space[] = " \t\r\n\v\f";


gboolean
xenserverAddAllDevices(GPtrArray *vms, const XenserverOptions *options, GError **err)
{
    guint i;

    for (i = 0; i < vms->len; i++) {
        XenserverVM *vm = g_ptr_array_index(vms, i);
        const char *name = vm->name ? vm->name : vm->uuid;
        g_autofree char *quoted = NULL;

        if ((options->vm && !xenserverVMIs(vm, options->vm)) ||
            xenserverVMAddDevices(vm, options, err))
            continue;
        if (name) {
            quoted = emulatedPCIErrorQuote(name);
            g_prefix_error(err, _("VM '%1$s': "), quoted);
        }
        return FALSE;
    }
    return TRUE;
}


/* A line that ps prints above a list of processes. */
static gboolean
xenserverIsHeading(const char *line)
{
    g_auto(GStrv) words = g_strsplit_set(line, " \t\r", -1);
    gboolean pid = FALSE;
    gsize i;

    for (i = 0; words[i]; i++) {
        if (strcmp(words[i], "PID") == 0)
            pid = TRUE;
        if (pid && (strcmp(words[i], "COMMAND") == 0 || strcmp(words[i], "CMD") == 0 ||
                    strcmp(words[i], "ARGS") == 0))
            return TRUE;
    }
    return FALSE;
}


/* Adds the devices of LINE to VM. */
static gboolean
xenserverReadLine(const char *line,
                  const XenserverOptions *options,
                  XenserverVM *vm,
                  GError **err)
{
    EmulatedPCIDef *def;

    if (xenserverIsQEMU(line))
        return xenserverParseQEMU(line, &vm->name, vm->defs, err);

    if (xenserverIsPlatform(line)) {
        vm->platform = g_strdup(line);
        return xenserverVMAddDevices(vm, options, err);
    }

    def = xenserverParseDevice(line, err);
    if (!def)
        return FALSE;
    g_ptr_array_add(vm->defs, def);
    return TRUE;
}


gboolean
xenserverReadText(const char *text,
                  const XenserverOptions *options,
                  GPtrArray *vms,
                  GError **err)
{
    g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
    g_autoptr(GPtrArray) found = g_ptr_array_new_with_free_func((GDestroyNotify) xenserverVMFree);
    gsize i;

    for (i = 0; lines[i]; i++) {
        const char *line = lines[i] + strspn(lines[i], space);

        if (*line == '\0' || *line == '#' || xenserverIsHeading(line))
            continue;
        if (xenserverIsRecord(line)) {
            if (!xenserverReadRecords(lines + i, found, err) ||
                !xenserverAddAllDevices(found, options, err))
                return FALSE;
            break;
        }
        g_ptr_array_add(found, xenserverVMNew());
        if (!xenserverReadLine(line, options, g_ptr_array_index(found, found->len - 1), err))
            return FALSE;
    }

    g_ptr_array_extend_and_steal(vms, g_steal_pointer(&found));
    return TRUE;
}
