/*
 * launcher_qemu.c: determines the version and the devices of QEMU
 *
 * Running QEMU to get its version takes 10 to 50 ms, mainly to load its libraries. Therefore the
 * file of the program is read first.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <config.h>

#include "launcher_qemu.h"
#include "launcher_child.h"
#include "launcher_fds.h"
#include "launcher_process.h"

#include "gettext.h"
#include "ignore-value.h"

#include <string.h>

#define _(s) gettext(s)

/* QEMU prints its version in the first hundred bytes, and the name of a device before its
 * properties. */
#define LAUNCHER_QEMU_OUTPUT_MAX 512
#define LAUNCHER_QEMU_TIMEOUT 10000


/* Runs PROGRAM with OPTION and VALUE (or NULL), and stores the first bytes of its output in
 * BUF. */
static gboolean
launcherQEMURun(const char *program,
                const char *option,
                const char *value,
                char *buf,
                size_t size)
{
    const gint64 deadline = g_get_monotonic_time() + LAUNCHER_QEMU_TIMEOUT * INT64_C(1000);
    const char *args[] = { program, option, value, NULL };
    LauncherProcessError error;
    int fds[2];
    int pidfd;
    size_t len = 0;
    ssize_t got;

    if (!launcherFdsPipe(fds))
        return FALSE;

    ignore_value(launcherProcessStart((char **) args, NULL, 0, fds[1], &pidfd, &error));
    launcherFdsClose(&fds[1]);

    /* If no process was started, this is the end of the pipe. */
    while (len < size - 1 &&
           (got = launcherChildRead(fds[0], buf + len, size - 1 - len, deadline)) > 0)
        len += got;
    buf[len] = '\0';
    launcherFdsClose(&fds[0]);

    /* The rest of its output is not required. */
    if (pidfd >= 0)
        launcherChildKill(pidfd);
    launcherFdsClose(&pidfd);
    return len > 0;
}


gboolean
launcherQEMUInspect(QEMUProgram *qemu,
                    const char *program,
                    GError **err)
{
    char output[LAUNCHER_QEMU_OUTPUT_MAX];

    if (qemuProgramReadFile(qemu, program))
        return TRUE;

    if (!launcherQEMURun(program, "--version", NULL, output, sizeof(output)) ||
        !qemuProgramRead(qemu, output, strlen(output))) {
        emulatedPCIReportError(err, VIR_ERR_CONFIG_UNSUPPORTED,
                               _("cannot determine the version of '%1$s': its --version output has none"),
                               program);
        return FALSE;
    }
    qemu->known = FALSE;
    qemu->vfioUser = qemuProgramIsSince(qemu, 10, 1) &&
        launcherQEMURun(program, "-device", QEMU_PROGRAM_VFIO_USER ",help",
                        output, sizeof(output)) &&
        strstr(output, QEMU_PROGRAM_VFIO_USER " options") != NULL;
    return TRUE;
}
