/*
 * tool_connect.c: connections to libvirt, for subcommands that need one
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <config.h>

#include "tool_connect.h"
#include "tool_output.h"

#include "emulatedpci_error.h"

#include <libvirt/virterror.h>
#include <string.h>
#include <unistd.h>

/* The element in the domain capabilities that virtemulatedpcid adds */
#define TOOL_CONNECT_MARK "<emulatedpci "

#define TOOL_CONNECT_SCHEME "emulatedpci"

/* Only one thread at a time prompts the user. */
static GMutex toolConnectAsking;


/* Callers print errors; libvirt would print them a second time. */
static void
toolConnectIgnoreError(void *opaque G_GNUC_UNUSED, virErrorPtr err G_GNUC_UNUSED)
{
}


void
toolConnectReport(GError **err)
{
    virErrorPtr last = virGetLastError();

    g_set_error_literal(err, EMULATED_PCI_ERROR, last ? last->code : VIR_ERR_INTERNAL_ERROR,
                        virGetLastErrorMessage());
}


gboolean
toolConnectInit(void)
{
    g_autoptr(GError) err = NULL;

    virSetErrorFunc(NULL, toolConnectIgnoreError);
    if (virInitialize() == 0)
        return TRUE;
    toolConnectReport(&err);
    toolOutputError(NULL, err);
    return FALSE;
}


const char *
toolConnectDefaultURI(void)
{
    const char *uri = g_getenv("LIBVIRT_DEFAULT_URI");

    if (uri && *uri)
        return uri;
    return geteuid() == 0 ? TOOL_CONNECT_SCHEME ":///system" : TOOL_CONNECT_SCHEME ":///session";
}


static int
toolConnectAsk(virConnectCredentialPtr cred, unsigned int ncred, void *opaque)
{
    G_GNUC_UNUSED g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&toolConnectAsking);

    return virConnectAuthPtrDefault->cb(cred, ncred, opaque);
}


virConnectPtr
toolConnectOpen(const char *uri, GError **err)
{
    virConnectAuth auth = *virConnectAuthPtrDefault;
    virConnectPtr conn;

    auth.cb = toolConnectAsk;
    conn = virConnectOpenAuth(uri, &auth, 0);
    if (!conn)
        toolConnectReport(err);
    return conn;
}


gboolean
toolConnectCheckDaemon(virConnectPtr conn, const char *uri, GError **err)
{
    g_autofree char *caps = virConnectGetDomainCapabilities(conn, NULL, NULL, NULL, NULL, 0);
    const gsize len = strcspn(uri, "+:");
    g_autofree char *other = NULL;

    if (!caps) {
        toolConnectReport(err);
        return FALSE;
    }
    if (strstr(caps, TOOL_CONNECT_MARK))
        return TRUE;

    if (len == strlen("qemu") && g_str_has_prefix(uri, "qemu"))
        other = g_strdup_printf(TOOL_CONNECT_SCHEME "%.*s", (int) strcspn(uri + len, "?"), uri + len);
    g_set_error(err, EMULATED_PCI_ERROR, VIR_ERR_NO_CONNECT,
                _("'%1$s' connects to libvirt without virtemulatedpcid and does not support "
                  "<emulatedpci>; '%2$s' connects to the daemon if it is running there"),
                uri, other ? other : TOOL_CONNECT_SCHEME ":///system");
    return FALSE;
}
