/*
 * launcher_live_state.c: tells emulatedpci-vmstate about a device of a running domain
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <config.h>

#include "launcher_live_state.h"
#include "launcher_child.h"
#include "launcher_emulator.h"
#include "pass_descriptors.h"

#include "gettext.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#define _(s) gettext(s)


gboolean
launcherLiveStateAdd(int control,
                     int emulator,
                     const char *alias,
                     const char *path,
                     const QEMUProps *props,
                     GError **err)
{
    g_autofree char *device = launcherEmulatorFormatDevice(props);
    g_autofree char *text = g_strdup_printf("%s\nsocket=%s,%s", alias, path, device);
    char answer[512];
    ssize_t got = -1;

    if (passDescriptorsSend(control, text, strlen(text), &emulator, 1, MSG_DONTWAIT) == (ssize_t) strlen(text))
        got = launcherChildRead(control, answer, sizeof(answer) - 1, g_get_monotonic_time() +
                                LAUNCHER_LIVE_STATE_TIMEOUT * INT64_C(1000));
    if (got <= 0) {
        emulatedPCIReportError(err, VIR_ERR_CONFIG_UNSUPPORTED,
                               _("the process that saves the registers of emulated PCI devices does not answer: %1$s"),
                               got == 0 ? _("it has ended") : g_strerror(errno));
        return FALSE;
    }
    answer[got] = '\0';
    if (strcmp(answer, "ok") == 0)
        return TRUE;
    emulatedPCIReportError(err, VIR_ERR_CONFIG_UNSUPPORTED, "%s", answer);
    return FALSE;
}
