/*
 * relay_marker.c: whether a running domain has a relay
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <config.h>

#include "relay_marker.h"

#include "gettext.h"

#include <string.h>

#define _(s) gettext(s)

#define MARKER_SOCKETS "/proc/self/net/unix"


gboolean
relayMarkerCheck(const guint8 *uuid,
                 GError **err)
{
    g_autoptr(GString) name = g_string_new("@emulatedpci-monitor/");
    g_autofree char *sockets = NULL;
    guint i;

    for (i = 0; i < 16; i++)
        g_string_append_printf(name, "%s%02x", i == 4 || i == 6 || i == 8 || i == 10 ? "-" : "",
                               uuid[i]);
    g_string_append_c(name, '/');

    if (g_file_get_contents(MARKER_SOCKETS, &sockets, NULL, NULL) && strstr(sockets, name->str))
        return TRUE;
    emulatedPCIReportError(err, VIR_ERR_OPERATION_UNSUPPORTED,
                           _("an emulated PCI device cannot be attached to this running domain: it "
                             "has no emulatedpci-monitor; the domain's log can tell why, or it was "
                             "started by an older version; with --config the device is there from "
                             "the next start on"));
    return FALSE;
}
