/*
 * vmstate_control.c: devices that are attached to the running domain
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <config.h>

#include "vmstate_control.h"
#include "pass_descriptors.h"

#include "gettext.h"
#include "ignore-value.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define _(s) gettext(s)

#define CONTROL_MESSAGE_MAX 4096


/* Adds the device that TEXT describes. */
static gboolean
controlAdd(VMStateDomain *domain,
           char *text,
           int emulator,
           GError **err)
{
    char *device = strchr(text, '\n');
    VMStateDevice *added;

    if (!device || emulator < 0) {
        emulatedPCIReportError(err, VIR_ERR_INTERNAL_ERROR,
                               _("cannot read the message about an emulated PCI device"));
        return FALSE;
    }
    *device++ = '\0';
    added = vmstateDeviceParse(text, device, err);
    return added && vmstateDomainAdd(domain, added, emulator, 0, TRUE, err);
}


gboolean
vmstateControlServe(int fd,
                    VMStateDomain *domain)
{
    g_autoptr(GError) err = NULL;
    char text[CONTROL_MESSAGE_MAX + 1];
    const char *answer = "ok";
    int emulator = -1;
    size_t n = 1;
    const ssize_t got = passDescriptorsReceive(fd, text, sizeof(text) - 1, &emulator, &n, MSG_DONTWAIT);

    if (got <= 0)
        return got < 0 && (errno == EAGAIN || errno == EINTR);
    text[got] = '\0';
    if (!controlAdd(domain, text, emulator, &err)) {
        answer = err->message;
        if (emulator >= 0)
            close(emulator);
    }
    ignore_value(send(fd, answer, strlen(answer), MSG_DONTWAIT | MSG_NOSIGNAL));
    return TRUE;
}
