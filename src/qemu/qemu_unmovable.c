/*
 * qemu_unmovable.c: the reasons why a guest cannot be saved or migrated
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <config.h>

#include "qemu_unmovable.h"
#include "qemu_program.h"

#include "gettext.h"

#include <string.h>

#define _(s) gettext(s)
#define N_(s) s

#define UNMOVABLE_OF "-of-"

/* QEMU's messages: block/vdi.c and hw/remote/proxy.c */
#define UNMOVABLE_NODE_BEFORE "The vdi format used by node '"
#define UNMOVABLE_NODE_AFTER "' does not support live migration"
#define UNMOVABLE_PROXY QEMU_PROGRAM_PROXY " does not support migration"

static const struct {
    const char *name;       /* the beginning of the node's name, before UNMOVABLE_OF and the alias */
    const char *text;       /* the text of the explanation */
} reasons[QEMU_UNMOVABLE_LAST] = {
    [QEMU_UNMOVABLE_OTHER] = {
        "emulated-pci-device-registers",
        N_("the registers of the emulated PCI devices cannot be saved: the domain's log tells the reason"),
    },
    [QEMU_UNMOVABLE_MODEL] = {
        "model",
        N_("the emulator of emulated PCI device '%1$s' ('model' of <driver>) does not save its "
           "registers: a program that does is required"),
    },
    [QEMU_UNMOVABLE_PID] = {
        "pid",
        N_("the emulator of emulated PCI device '%1$s' ('pid' of <driver>) does not save its "
           "registers: a program that does is required"),
    },
    [QEMU_UNMOVABLE_SOCKET] = {
        "socket",
        N_("the server of emulated PCI device '%1$s' ('socket' of <driver>) cannot save its registers"),
    },
    [QEMU_UNMOVABLE_MPQEMU] = {
        "mpqemu",
        N_("QEMU cannot save emulated PCI device '%1$s' because of version 'mpqemu' of its "
           "<driver>: version 'vfio-user' is required"),
    },
};


char *
qemuUnmovableFormatNode(QEMUUnmovable reason,
                        const char *alias)
{
    char *name;

    if (reason == QEMU_UNMOVABLE_OTHER || !alias)
        return g_strdup(reasons[QEMU_UNMOVABLE_OTHER].name);

    name = g_strconcat(reasons[reason].name, UNMOVABLE_OF, alias, NULL);
    if (strlen(name) > QEMU_UNMOVABLE_NODE_MAX)
        name[QEMU_UNMOVABLE_NODE_MAX] = '\0';
    return name;
}


/* Returns the explanation for the node NAME of LEN bytes, to be freed with g_free(), or NULL if
 * it is another node. */
static char *
unmovableExplainNode(const char *name,
                     gsize len)
{
    g_autofree char *node = g_strndup(name, len);
    int i;

    if (strcmp(node, reasons[QEMU_UNMOVABLE_OTHER].name) == 0)
        return g_strdup(_(reasons[QEMU_UNMOVABLE_OTHER].text));

    for (i = QEMU_UNMOVABLE_OTHER + 1; i < QEMU_UNMOVABLE_LAST; i++) {
        g_autofree char *before = g_strconcat(reasons[i].name, UNMOVABLE_OF, NULL);

        if (g_str_has_prefix(node, before)) {
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
            return g_strdup_printf(_(reasons[i].text), node + strlen(before));
#pragma GCC diagnostic pop
        }
    }
    return NULL;
}


/* Returns TEXT with the part from BEGIN to END replaced, newly allocated. */
static char *
unmovableReplace(const char *text,
                 const char *begin,
                 const char *end,
                 const char *replacement)
{
    return g_strdup_printf("%.*s%s%s", (int) (begin - text), text, replacement, end);
}


char *
qemuUnmovableExplain(const char *text)
{
    const char *begin = strstr(text, UNMOVABLE_NODE_BEFORE);
    const char *node;
    const char *end;

    if (begin) {
        g_autofree char *explanation = NULL;

        node = begin + strlen(UNMOVABLE_NODE_BEFORE);
        end = strstr(node, UNMOVABLE_NODE_AFTER);
        if (!end)
            return NULL;
        explanation = unmovableExplainNode(node, end - node);
        return explanation ?
            unmovableReplace(text, begin, end + strlen(UNMOVABLE_NODE_AFTER), explanation) : NULL;
    }

    begin = strstr(text, UNMOVABLE_PROXY);
    if (begin) {
        g_autofree char *explanation =
            g_strdup_printf(_("%1$s: '%2$s' of QEMU 10.1 or newer is required"), UNMOVABLE_PROXY,
                            QEMU_PROGRAM_VFIO_USER);

        /* libvirt's message contains the same text for every device. */
        end = begin + strlen(UNMOVABLE_PROXY);
        while (g_str_has_prefix(end, "; " UNMOVABLE_PROXY))
            end += strlen("; " UNMOVABLE_PROXY);
        return unmovableReplace(text, begin, end, explanation);
    }
    return NULL;
}
