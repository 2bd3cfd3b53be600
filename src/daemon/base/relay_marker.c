/*
 * relay_marker.c: whether a running domain has a relay
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <config.h>

#include "relay_marker.h"
#include "daemon_log.h"
#include "socket_owner.h"

#include "gettext.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define _(s) gettext(s)

#define MARKER_SOCKETS "/proc/self/net/unix"

/* The maximum length of a line, in bytes: it has eight short columns and a name of up to 108
 * bytes. */
#define MARKER_LINE_MAX 512


/* Returns the version in PID[/VERSION], the end of a name. */
static RelayVersion
markerReadVersion(const char *text)
{
    const char *version = strchr(text, '/');

    return version && g_ascii_strtoull(version + 1, NULL, 10) >= 2 ? RELAY_DETACH : RELAY_ATTACH;
}


/* Returns whether the socket NAME was created by the user QEMU or another one who is trusted. The
 * digits before NAME in its LINE are the inode. */
static gboolean
markerIsTrusted(const char *line,
                const char *name,
                uid_t qemu)
{
    const char *digits = name;
    uid_t uid;

    while (digits > line && g_ascii_isdigit(digits[-1]))
        digits--;
    /* The text is a part of another name. */
    if (digits == name)
        return FALSE;
    if (socketOwnerGet(g_ascii_strtoull(digits, NULL, 10), name + strlen(" @"), &uid) == 0)
        return uid == qemu || uid == geteuid() || uid == 0;
    if (errno != ENOENT)
        daemonWarning("relay", "cannot find the owner of the socket '%s': %s",
                      name + strlen(" @"), g_strerror(errno));
    return FALSE;
}


/* Looks for lines with NAME in the list of UNIX sockets. There can be very many sockets, but no
 * line is longer than MARKER_LINE_MAX. Returns the highest version of those that are trusted. */
static RelayVersion
markerFind(const char *name,
           uid_t qemu)
{
    char line[MARKER_LINE_MAX];
    RelayVersion version = RELAY_NONE;
    FILE *file = fopen(MARKER_SOCKETS, "re");

    if (!file)
        return RELAY_NONE;
    while (fgets(line, sizeof(line), file)) {
        char *found = strstr(line, name);

        if (!found)
            continue;
        found[strcspn(found, "\n")] = '\0';
        if (markerIsTrusted(line, found, qemu))
            version = MAX(version, markerReadVersion(found + strlen(name)));
    }
    fclose(file);
    return version;
}


RelayVersion
relayMarkerFind(const guint8 *uuid,
                uid_t qemu)
{
    g_autoptr(GString) name = g_string_new(" @emulatedpci-monitor/");
    guint i;

    for (i = 0; i < 16; i++)
        g_string_append_printf(name, "%s%02x", i == 4 || i == 6 || i == 8 || i == 10 ? "-" : "",
                               uuid[i]);
    g_string_append_c(name, '/');
    return markerFind(name->str, qemu);
}


gboolean
relayMarkerCheckAttach(const guint8 *uuid,
                       uid_t qemu,
                       GError **err)
{
    if (relayMarkerFind(uuid, qemu) != RELAY_NONE)
        return TRUE;
    emulatedPCIReportError(err, VIR_ERR_OPERATION_UNSUPPORTED,
                           _("an emulated PCI device cannot be attached to this running domain: it "
                             "has no emulatedpci-monitor; the domain's log may contain the reason, or "
                             "the domain was started by an older version; use --config to attach it "
                             "at the next start"));
    return FALSE;
}


gboolean
relayMarkerCheckDetach(const guint8 *uuid,
                       uid_t qemu,
                       const char *alias,
                       GError **err)
{
    switch (relayMarkerFind(uuid, qemu)) {
    case RELAY_DETACH:
        return TRUE;
    case RELAY_ATTACH:
        emulatedPCIReportError(err, VIR_ERR_OPERATION_UNSUPPORTED,
                               _("emulated PCI device '%1$s' cannot be detached from this running "
                                 "domain: QEMU may abort when it unplugs the device of a server "
                                 "('socket' of <driver>), and the domain's emulatedpci-monitor, which "
                                 "an older version has started, does not check this; use --config to "
                                 "detach it at the next start"), alias);
        return FALSE;
    case RELAY_NONE:
    default:
        emulatedPCIReportError(err, VIR_ERR_OPERATION_UNSUPPORTED,
                               _("emulated PCI device '%1$s' cannot be detached from this running "
                                 "domain: QEMU may abort when it unplugs the device of a server "
                                 "('socket' of <driver>), and the domain has no emulatedpci-monitor "
                                 "that checks this; the domain's log may contain the reason; use "
                                 "--config to detach it at the next start"), alias);
        return FALSE;
    }
}
