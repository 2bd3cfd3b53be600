/*
 * vmstate_main.c: emulatedpci-vmstate, which saves and restores registers with a guest
 *
 * The program runs between QEMU, which uses D-Bus, and the emulators of one domain. It has no state
 * that a running guest requires: if it is killed, only later saves fail.
 * docs/emulatedpci-vmstate.rst describes its interface.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <config.h>

#include "vmstate_bus.h"
#include "vmstate_options.h"
#include "vmstate_sandbox.h"

#include "gettext.h"

#include <errno.h>
#include <locale.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#define _(s) gettext(s)
#define VMSTATE_PROGRAM "emulatedpci-vmstate"


static int
fail(const char *message)
{
    fprintf(stderr, VMSTATE_PROGRAM ": %s\n", message);
    return EXIT_FAILURE;
}


/* Returns QEMU's connection, or -1 if none will come. Only this user's processes are accepted. */
static int
acceptQEMU(const VMStateOptions *options)
{
    for (;;) {
        struct pollfd fds[] = {
            { .fd = options->listenFd, .events = POLLIN },
            { .fd = options->clientFd, .events = POLLIN },
        };
        struct ucred peer = { .uid = (uid_t) -1 };
        socklen_t len = sizeof(peer);
        int fd;

        if (poll(fds, G_N_ELEMENTS(fds), -1) < 0 && errno != EINTR)
            return -1;
        if (!fds[0].revents) {
            if (fds[1].revents)
                return -1;
            continue;
        }

        fd = accept4(options->listenFd, NULL, NULL, SOCK_CLOEXEC);
        if (fd < 0)
            continue;
        if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) == 0 && peer.uid == geteuid())
            return fd;
        close(fd);
    }
}


static int
run(VMStateOptions *options)
{
    g_autoptr(GError) error = NULL;
    int fd;

    if (sandboxCloseOthers((int *) (void *) options->fds->data, options->fds->len) < 0 ||
        vmstateSandboxEnter(options->filter) < 0)
        return fail(g_strerror(errno));

    fd = acceptQEMU(options);
    if (options->path)
        unlink(options->path);
    close(options->listenFd);
    if (options->clientFd >= 0)
        close(options->clientFd);
    if (fd < 0)
        return EXIT_SUCCESS;

    if (!vmstateBusServe(fd, options->controlFd, options->domain, &error))
        return fail(error->message);
    return EXIT_SUCCESS;
}


int
main(int argc,
     char **argv)
{
    /* A terminal sends these signals to the process group of QEMU: see emulator_main.c. */
    static const int ignored[] = { SIGINT, SIGQUIT, SIGHUP, SIGTERM, SIGPIPE };
    g_auto(VMStateOptions) options = { 0 };
    g_autoptr(GError) error = NULL;
    gsize i;

    setlocale(LC_ALL, "");
    bindtextdomain(PACKAGE, LOCALEDIR);
    textdomain(PACKAGE);

    if (!vmstateOptionsParse(&options, argc, argv, &error))
        return fail(error->message);

    switch (options.action) {
    case VMSTATE_ACTION_RUN:
        for (i = 0; i < G_N_ELEMENTS(ignored); i++)
            signal(ignored[i], SIG_IGN);
        return run(&options);

    case VMSTATE_ACTION_HELP:
        vmstateOptionsHelp();
        break;

    case VMSTATE_ACTION_VERSION:
    default:
        printf(VMSTATE_PROGRAM " (%s) %s\n", PACKAGE_NAME, PACKAGE_VERSION);
        break;
    }
    return fflush(stdout) == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
