/*
 * emulator_requests.c: pci-emulator --requests-fd, which starts processes in advance
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <config.h>

#include "emulator_requests.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "emulator_log.h"
#include "gettext.h"
#include "ignore-value.h"
#include "pass_descriptors.h"

#define _(s) gettext(s)

/* The time before the next attempt to start a process, in milliseconds */
#define REQUESTS_PAUSE 100

/* The maximum number of arguments, with the name of the program */
#define REQUESTS_ARGS_MAX 32


/* Moves the N descriptors in FDS to the numbers from EMULATOR_REQUESTS_FD on. Returns false on
 * failure. */
static bool
requestsMoveFds(const int *fds,
                size_t n)
{
    size_t i;

    for (i = 0; i < n; i++) {
        const int wanted = EMULATOR_REQUESTS_FD + i;

        if (fds[i] >= EMULATOR_REQUESTS_FD || dup3(fds[i], wanted, O_CLOEXEC) < 0)
            return false;
        close(fds[i]);
    }
    return true;
}


/* Receives a message with its descriptors into TEXT. Returns its length, 0 if the socket was closed,
 * or -1 if the message is invalid. */
static ssize_t
requestsReceive(int fd,
                char text[EMULATOR_REQUESTS_MAX])
{
    int fds[EMULATOR_REQUESTS_FDS];
    size_t n = EMULATOR_REQUESTS_FDS;
    const ssize_t got = passDescriptorsReceive(fd, text, EMULATOR_REQUESTS_MAX, fds, &n, MSG_TRUNC);

    if (got <= 0)
        return got;
    return got <= EMULATOR_REQUESTS_MAX && text[got - 1] == '\0' && requestsMoveFds(fds, n) ? got : -1;
}


/* Waits for a message, reports its arrival on TAKEN, and runs its command line. Returns the exit
 * status. */
static int
requestsServe(int fd,
              int taken,
              int (*serve)(EmulatorOptions *options))
{
    /* They are static because SERVE can exit the process, and leak checkers must find them. */
    static EmulatorOptions options;
    static char text[EMULATOR_REQUESTS_MAX];
    char *args[REQUESTS_ARGS_MAX + 1] = { (char *) "pci-emulator" };
    const ssize_t got = requestsReceive(fd, text);
    int argc = 1;
    char *arg;

    if (got == 0)
        return EXIT_SUCCESS;
    ignore_value(write(taken, "", 1));
    close(taken);
    close(fd);
    if (got < 0) {
        emulatorLog(_("--requests-fd: invalid message"));
        return EXIT_FAILURE;
    }

    for (arg = text; arg < text + got && argc < REQUESTS_ARGS_MAX; arg += strlen(arg) + 1)
        args[argc++] = arg;
    if (arg < text + got) {
        emulatorLog(_("--requests-fd: the command line has more than %1$d arguments"),
                    REQUESTS_ARGS_MAX - 1);
        return EXIT_FAILURE;
    }
    signal(SIGCHLD, SIG_DFL);
    if (emulatorOptionsParse(&options, argc, args) < 0)
        return EXIT_FAILURE;
    return serve(&options);
}


/* Returns whether the other end of FD is closed. Sleeps for a while if it is not. */
static bool
requestsIsOver(int fd)
{
    const struct timespec pause = { 0, REQUESTS_PAUSE * 1000000L };
    struct pollfd pfd = { .fd = fd, .events = POLLRDHUP };

    if (poll(&pfd, 1, 0) == 1)
        return true;
    nanosleep(&pause, NULL);
    return false;
}


int
emulatorRequestsRun(int fd,
                    int (*serve)(EmulatorOptions *options))
{
    /* Children are not waited for. */
    signal(SIGCHLD, SIG_IGN);

    for (;;) {
        int taken[2];
        char byte;
        ssize_t got = 0;
        pid_t pid = -1;

        if (pipe2(taken, O_CLOEXEC) == 0) {
            pid = fork();
            if (pid == 0) {
                close(taken[0]);
                return requestsServe(fd, taken[1], serve);
            }
            close(taken[1]);
            do {
                got = read(taken[0], &byte, 1);
            } while (got < 0 && errno == EINTR);
            close(taken[0]);
        }
        if ((pid < 0 || got == 0) && requestsIsOver(fd))
            return EXIT_SUCCESS;
    }
}
