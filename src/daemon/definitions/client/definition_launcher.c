/*
 * definition_launcher.c: requests the launcher of a QEMU from the service
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <config.h>

#include "definition_private.h"
#include "emulatedpci_error.h"
#include "launch_link.h"

#include "gettext.h"

#include <errno.h>
#include <poll.h>
#include <unistd.h>

#define _(s) gettext(s)


/* The result of a DEFINITION_LINK request */
typedef struct {
    gboolean done;
    char *error;                /* NULL: success */
} LinkResult;


static void
definitionGotLink(DefinitionClient *client G_GNUC_UNUSED,
                  DefinitionCall *call,
                  const DefinitionMessage *reply)
{
    LinkResult *result = call->opaque;

    result->done = TRUE;
    if (reply->kind != DEFINITION_DONE)
        result->error = g_strndup(reply->text, reply->textLen);
}


/* Requests the launcher of QEMU from the service. Returns NULL, or the reason of a failure, to be
 * freed with g_free(). */
static char *
definitionMakeLink(DefinitionClient *client, const char *qemu)
{
    const gint64 deadline = g_get_monotonic_time() + client->linkTimeout * 1000LL;
    DefinitionCall *call = g_new0(DefinitionCall, 1);
    LinkResult result = { 0 };
    guint32 serial;

    call->client = client;
    call->opaque = &result;
    serial = definitionAsk(client, call, DEFINITION_LINK, qemu, NULL, 0, definitionGotLink);
    while (!result.done) {
        struct pollfd fd = { .fd = client->fd, .events = POLLIN };
        const gint64 left = deadline - g_get_monotonic_time();

        if (left <= 0)
            break;
        if (poll(&fd, 1, left / 1000 + 1) > 0)
            definitionClientRead(client);
    }
    if (result.done)
        return result.error;

    /* A late reply must not be used as the reply to another request. */
    g_hash_table_remove(client->calls, GUINT_TO_POINTER(serial));
    return g_strdup(_("no reply from the definitions service"));
}


gboolean
definitionClientLauncher(const char *qemu, const char *launcher, void *opaque, GError **err)
{
    DefinitionClient *client = opaque;
    g_autofree char *failure = NULL;

    if (access(launcher, F_OK) == 0)
        return TRUE;
    if (access(qemu, X_OK) < 0) {
        emulatedPCIReportError(err, VIR_ERR_CONFIG_UNSUPPORTED,
                               _("cannot run QEMU '%1$s': %2$s"), qemu, g_strerror(errno));
        return FALSE;
    }
    failure = client && !client->gone ? definitionMakeLink(client, qemu) :
        g_strdup(_("no reply from the definitions service"));
    if (!failure)
        return TRUE;
    launchLinkReport(qemu, launcher, failure, err);
    return FALSE;
}
