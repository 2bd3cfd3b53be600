/*
 * emulator_main.c: pci-emulator, the process that emulates the PCI devices of a domain
 *
 * Parses the options, enters the sandbox, and runs the loop. docs/pci-emulator.rst describes the
 * interface to the launcher. The program uses only the C library and libseccomp, because a process
 * runs for every guest with an emulated device and must remain small.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <config.h>

#include <errno.h>
#include <fcntl.h>
#include <locale.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "emulator_capabilities.h"
#include "emulator_guard.h"
#include "emulator_listen.h"
#include "emulator_log.h"
#include "emulator_loop.h"
#include "emulator_options.h"
#include "emulator_socket.h"
#include "emulator_status.h"
#include "emulator_requests.h"
#include "gettext.h"
#include "sandbox.h"

#define _(s) gettext(s)


static void
initLocale(void)
{
    setlocale(LC_ALL, "");
    bindtextdomain(PACKAGE, LOCALEDIR);
    textdomain(PACKAGE);

    /* Lets gettext open its message catalog, because it cannot do so in the sandbox. */
    (void) _("pci-emulator");
}


static void
initSignals(void)
{
    /* A terminal or an ending session sends these signals to the whole process group of QEMU.
     * QEMU then shuts the guest down, which still requires its devices. This process exits when
     * its sockets are closed. */
    static const int ignored[] = { SIGINT, SIGQUIT, SIGHUP, SIGTERM, SIGPIPE };
    size_t i;

    for (i = 0; i < sizeof(ignored) / sizeof(ignored[0]); i++)
        signal(ignored[i], SIG_IGN);
}


static int
closeOthers(const EmulatorOptions *options)
{
    int *fds = calloc(options->ndevices + 3, sizeof(*fds));
    size_t nfds = 0;
    size_t i;
    int rc;

    if (!fds)
        return -1;

    for (i = 0; i < options->ndevices; i++) {
        if (options->devices[i].fd >= 0)
            fds[nfds++] = options->devices[i].fd;
    }
    if (options->readyFd >= 0)
        fds[nfds++] = options->readyFd;
    if (options->clientFd >= 0 && !options->noGuard)
        fds[nfds++] = options->clientFd;
    if (options->stateFd >= 0)
        fds[nfds++] = options->stateFd;

    rc = sandboxCloseOthers(fds, nfds);
    free(fds);
    return rc;
}


/* Removes the files of the sockets of the first N devices. */
static void
unlinkAll(const EmulatorOptions *options,
          size_t n)
{
    size_t i;

    for (i = 0; i < n; i++) {
        if (*options->devices[i].path)
            unlink(options->devices[i].path);
    }
}


/* Creates the listening sockets. */
static int
listenAll(EmulatorOptions *options)
{
    size_t i;

    for (i = 0; i < options->ndevices; i++) {
        EmulatorDeviceOptions *device = &options->devices[i];

        if (device->fd >= 0)
            continue;

        device->fd = emulatorSocketListen(device->path, SOCK_STREAM, 0600);
        if (device->fd < 0) {
            emulatorLog(_("device %1$s: cannot listen on '%2$s': %3$s"),
                        device->fields.devicename, device->path, strerror(errno));
            unlinkAll(options, i);
            return -1;
        }
    }
    return 0;
}


/* Returns the limit of descriptors for sandboxEnter(): 0 if no client can connect, otherwise more
 * than the number of any descriptor. */
static unsigned int
acceptBelow(const EmulatorOptions *options)
{
    bool accepting = false;
    int highest = dup(STDERR_FILENO);
    size_t i;

    close(highest);
    for (i = 0; i < options->ndevices; i++) {
        accepting |= options->devices[i].transport == EMULATOR_TRANSPORT_VFIO_USER;
        if (options->devices[i].fd > highest)
            highest = options->devices[i].fd;
    }
    if (options->stateFd > highest)
        highest = options->stateFd;
    return accepting ? highest + 2 : 0;
}


static int
notifyReady(int fd)
{
    ssize_t rc;

    if (fd < 0)
        return 0;

    do {
        rc = write(fd, "", 1);
    } while (rc < 0 && errno == EINTR);

    close(fd);
    return rc == 1 ? 0 : -1;
}


/* Returns the name of an errno rather than its text, which could require a message catalog. */
static int
fail(const char *what)
{
    emulatorLog("%s: %s", what, strerrorname_np(errno));
    return EXIT_FAILURE;
}


/* The data that all processes of the program use */
typedef struct {
    EmulatorGuard guard;
    SandboxProgram serving;
} Emulator;

/* The filters for the processes of --requests-fd, prepared before their command lines arrive */
typedef struct {
    bool made;
    SandboxProgram serving;
    SandboxProgram guarding[2];     /* [1]: of a process that accepts connections */
} Template;

static Template template;


/* Prepares the filters for OPTIONS, or uses the ones that have been prepared. BELOW: see
 * acceptBelow(). Returns 0, or -1 with errno set. */
static int
prepare(Emulator *emulator,
        SandboxProgram *guarding,
        const EmulatorOptions *options,
        unsigned int below)
{
    if (template.made && !options->noGuard) {
        emulator->serving = template.serving;
        *guarding = template.guarding[below > 0];
        return 0;
    }
    if (sandboxPrepare(&emulator->serving, SANDBOX_ROLE_SERVE, options->filter, options->readyFd,
                       options->noGuard ? below : 0) < 0)
        return -1;
    return sandboxPrepare(guarding, SANDBOX_ROLE_GUARD, options->filter, options->readyFd, below);
}


/* Serves the devices, in the only process or in a worker. */
static int
serve(void *opaque)
{
    const Emulator *emulator = opaque;

    if (sandboxApply(&emulator->serving) < 0)
        return fail(_("cannot enter the sandbox"));

    if (notifyReady(emulator->guard.readyFd) < 0)
        return fail(_("cannot write to the descriptor of --ready-fd"));

    emulatorLoopRun(emulator->guard.loop);
    return EXIT_SUCCESS;
}


static int
run(EmulatorOptions *options)
{
    /* Allocated for the lifetime of the process, and always reachable. */
    static Emulator emulator;
    EmulatorGuard *guard = &emulator.guard;
    SandboxProgram guarding;
    unsigned int below;

    guard->readyFd = options->readyFd;
    guard->ndevices = options->ndevices;
    guard->clientFd = options->clientFd;
    guard->connectTimeout = options->connectTimeout;
    guard->serve = serve;
    guard->opaque = &emulator;

    initSignals();

    if (options->clientFd >= 0 && fcntl(options->clientFd, F_GETFD) < 0)
        return fail("--client-fd");
    if (options->stateFd >= 0 && fcntl(options->stateFd, F_GETFD) < 0)
        return fail("--state-fd");

    if (closeOthers(options) < 0)
        return fail(_("cannot close other descriptors"));

    if (listenAll(options) < 0)
        return EXIT_FAILURE;

    guard->status = emulatorStatusNew(options);
    if (!guard->status)
        return fail(_("cannot create the memory of the devices"));

    guard->loop = emulatorLoopNew(options, guard->status);
    if (!guard->loop)
        return fail(_("cannot watch the devices' sockets"));

    if (options->noGuard && !emulatorLoopAcceptItself(guard->loop))
        return fail(_("cannot watch the devices' sockets"));

    below = acceptBelow(options);
    free(options->devices);
    options->devices = NULL;

    emulatorGuardInit();

    if (prepare(&emulator, &guarding, options, below) < 0 ||
        sandboxConfine(options->filter, below) < 0)
        return fail(_("cannot enter the sandbox"));

    if (options->noGuard)
        return serve(&emulator);

    /* The sockets buffer QEMU's messages until the worker runs. */
    if (template.made) {
        if (notifyReady(guard->readyFd) < 0)
            return fail(_("cannot write to the descriptor of --ready-fd"));
        guard->readyFd = -1;
    }

    if (sandboxApply(&guarding) < 0)
        return fail(_("cannot enter the sandbox"));

    return emulatorGuardRun(guard);
}


/* Reads command lines and runs each in a separate process. Returns the exit status. */
static int
runTemplate(EmulatorOptions *options)
{
    initSignals();
    if (sandboxCloseOthers(&options->requestsFd, 1) < 0)
        return fail(_("cannot close other descriptors"));
    if (fcntl(options->requestsFd, F_SETFD, FD_CLOEXEC) < 0)
        return fail("--requests-fd");
    if (sandboxPrepare(&template.serving, SANDBOX_ROLE_SERVE, options->filter, -1, 0) < 0 ||
        sandboxPrepare(&template.guarding[0], SANDBOX_ROLE_GUARD, options->filter,
                       -1, 0) < 0 ||
        sandboxPrepare(&template.guarding[1], SANDBOX_ROLE_GUARD, options->filter,
                       -1, 1) < 0)
        return fail(_("cannot enter the sandbox"));
    template.made = true;
    return emulatorRequestsRun(options->requestsFd, run);
}


int
main(int argc,
     char **argv)
{
    /* Allocated for the lifetime of the process, and reachable after run() returns. */
    static EmulatorOptions options;

    initLocale();

    if (emulatorOptionsParse(&options, argc, argv) < 0) {
        free(options.devices);
        return EXIT_FAILURE;
    }

    switch (options.action) {
    case EMULATOR_ACTION_RUN:
        if (options.listen)
            return emulatorListenRun(&options, run) < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
        return options.requestsFd >= 0 ? runTemplate(&options) : run(&options);

    case EMULATOR_ACTION_CAPABILITIES:
        emulatorCapabilitiesPrint();
        break;

    case EMULATOR_ACTION_HELP:
        emulatorOptionsHelp();
        break;

    case EMULATOR_ACTION_VERSION:
    default:
        printf("pci-emulator (%s) %s\n", PACKAGE_NAME, PACKAGE_VERSION);
        break;
    }

    free(options.devices);
    return fflush(stdout) == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
