/*
 * launcher_template.c: processes of pci-emulator that are started in advance
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <config.h>

#include "launcher_template.h"
#include "launcher_fds.h"
#include "launcher_process.h"
#include "pass_descriptors.h"

#include <sys/socket.h>


int
launcherTemplateStart(const char *program,
                      const char *qemu)
{
    LauncherProcessError error;
    g_autofree char *option = NULL;
    char *args[] = { (char *) program, NULL, NULL };
    int pair[2];
    int pidfd = -1;
    gboolean ok;

    if (!launcherFdsPacketpair(pair))
        return -1;
    args[1] = option = g_strdup_printf("--requests-fd=%d", pair[1]);
    if (qemu)
        g_setenv(LAUNCHER_EMULATOR_QEMU_ENV, qemu, TRUE);
    ok = launcherProcessStart(args, &pair[1], 1, -1, &pidfd, &error);
    launcherFdsClose(&pidfd);
    launcherFdsClose(&pair[1]);
    if (!ok)
        launcherFdsClose(&pair[0]);
    return pair[0];
}


/* Appends an argument, with its final NUL byte. */
G_GNUC_PRINTF(2, 3) static void
templateAppend(GString *text,
               const char *format, ...)
{
    va_list ap;

    va_start(ap, format);
    g_string_append_vprintf(text, format, ap);
    va_end(ap);
    g_string_append_c(text, '\0');
}


/* Appends FD to FDS, which has N elements. Returns its number in the other process. */
static int
templateAdd(int *fds,
            size_t *n,
            int fd)
{
    fds[*n] = fd;
    return LAUNCHER_TEMPLATE_FD + (*n)++;
}


gboolean
launcherTemplateServe(LauncherEmulator *emulator,
                      int template,
                      const LauncherEmulatorSpec *spec)
{
    g_autoptr(GString) text = g_string_new(NULL);
    g_autofree char *device = launcherEmulatorFormatDevice(spec->props[0]);
    LauncherSocket *socket = spec->sockets[0];
    int fds[LAUNCHER_TEMPLATE_FDS];
    int ready[2];
    size_t n = 0;
    gboolean ok;

    if (!launcherFdsPipe(ready))
        return FALSE;
    templateAppend(text, "--ready-fd=%d", templateAdd(fds, &n, ready[1]));
    if (socket->path)
        templateAppend(text, "--client-fd=%d", templateAdd(fds, &n, spec->clientFd));
    if (spec->state >= 0)
        templateAppend(text, "--state-fd=%d", templateAdd(fds, &n, spec->state));
    templateAppend(text, "--device");
    if (socket->path)
        templateAppend(text, "socket=%s,%s", socket->path, device);
    else
        templateAppend(text, "fd=%d,%s", templateAdd(fds, &n, socket->theirs), device);

    ok = passDescriptorsSend(template, text->str, text->len, fds, n, MSG_DONTWAIT) == (ssize_t) text->len;
    launcherFdsClose(&ready[1]);
    if (!ok) {
        launcherFdsClose(&ready[0]);
        return FALSE;
    }
    launcherFdsClose(&socket->theirs);
    *emulator = (LauncherEmulator) { .name = spec->name, .pidfd = -1, .ready = ready[0],
                                     .state = -1, .travels = spec->state >= 0 };
    return TRUE;
}
