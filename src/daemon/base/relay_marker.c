/*
 * relay_marker.c: whether a running domain has a relay
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <config.h>

#include "relay_marker.h"

#include "gettext.h"

#include <stdio.h>
#include <string.h>

#define _(s) gettext(s)

#define MARKER_SOCKETS "/proc/self/net/unix"

/* The maximum length of a line, in bytes: it has eight short columns and a name of up to 108
 * bytes. */
#define MARKER_LINE_MAX 512


/* Returns whether a line of the list of UNIX sockets contains NAME. There can be very many sockets,
 * but no line is longer than MARKER_LINE_MAX. */
static gboolean
markerFind(const char *name)
{
    char line[MARKER_LINE_MAX];
    gboolean found = FALSE;
    FILE *file = fopen(MARKER_SOCKETS, "re");

    if (!file)
        return FALSE;
    while (!found && fgets(line, sizeof(line), file))
        found = strstr(line, name) != NULL;
    fclose(file);
    return found;
}


gboolean
relayMarkerCheck(const guint8 *uuid,
                 GError **err)
{
    g_autoptr(GString) name = g_string_new(" @emulatedpci-monitor/");
    guint i;

    for (i = 0; i < 16; i++)
        g_string_append_printf(name, "%s%02x", i == 4 || i == 6 || i == 8 || i == 10 ? "-" : "",
                               uuid[i]);
    g_string_append_c(name, '/');

    if (markerFind(name->str))
        return TRUE;
    emulatedPCIReportError(err, VIR_ERR_OPERATION_UNSUPPORTED,
                           _("an emulated PCI device cannot be attached to this running domain: it "
                             "has no emulatedpci-monitor; the domain's log may contain the reason, or "
                             "the domain was started by an older version; use --config to attach it "
                             "at the next start"));
    return FALSE;
}
