/*
 * monitor_starter.c: requests an emulator from the launcher
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <config.h>

#include "monitor_starter.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "monitor_attach.h"


static long long
starterNow(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000LL + now.tv_nsec / 1000000;
}


static bool
starterInherit(int fd)
{
    return fd < 0 || fcntl(fd, F_SETFD, 0) == 0;
}


/* The child process, which becomes the launcher. */
__attribute__((noreturn)) static void
starterExec(const MonitorOptions *options,
            const MonitorAttach *attach,
            unsigned long number,
            int link,
            int output)
{
    char linkArg[32];
    char stateArg[32];
    char numberArg[48];
    char transportArg[64];
    char *args[] = {
        (char *) options->launcher, (char *) "--attach", transportArg, linkArg, stateArg, numberArg,
        (char *) attach->line, NULL,
    };

    snprintf(transportArg, sizeof(transportArg), "--transport=%s", options->transport);
    snprintf(linkArg, sizeof(linkArg), "--link-fd=%d", link);
    snprintf(stateArg, sizeof(stateArg), "--state-fd=%d", options->stateFd);
    snprintf(numberArg, sizeof(numberArg), "--number=%lu", number);

    if (dup2(output, STDOUT_FILENO) >= 0 && starterInherit(link) && starterInherit(options->stateFd))
        execv(options->launcher, args);
    _exit(EXIT_FAILURE);
}


/* Reads the answer, of up to SIZE bytes, from FD. Returns its length, or -1. */
static ssize_t
starterRead(int fd,
            char *buf,
            size_t size)
{
    const long long deadline = starterNow() + MONITOR_STARTER_TIMEOUT;
    size_t len = 0;

    for (;;) {
        struct pollfd pfd = { .fd = fd, .events = POLLIN };
        const long long left = deadline - starterNow();
        ssize_t got;

        if (left <= 0)
            return -1;
        if (poll(&pfd, 1, left) <= 0)
            continue;
        got = read(fd, buf + len, size - len);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0 || len + got == size)
            return -1;
        if (got == 0)
            return len;
        len += got;
    }
}


/* Parses the answer of LEN bytes, whose first byte is its kind. */
static bool
starterTake(MonitorAttach *attach,
            ssize_t len)
{
    const char kind = len > 0 ? attach->text[0] : '\0';

    if (kind != MONITOR_ANSWER_REFUSE && kind != MONITOR_ANSWER_PASS &&
        kind != MONITOR_ANSWER_SEND && kind != MONITOR_ANSWER_SEND_FD)
        return false;
    if (kind != MONITOR_ANSWER_PASS &&
        (len < 2 || memchr(attach->text + 1, '\n', len - 1) != attach->text + len - 1))
        return false;

    memmove(attach->text, attach->text + 1, len - 1);
    attach->textLen = len - 1;
    attach->answer = kind;
    return true;
}


/* Runs the launcher, which inherits LINK. Returns whether it has answered. */
static bool
starterAsk(const MonitorOptions *options,
           MonitorAttach *attach,
           unsigned long number,
           int link)
{
    int output[2];
    ssize_t len;
    int status = -1;
    pid_t pid;

    if (pipe2(output, O_CLOEXEC) < 0)
        return false;

    pid = fork();
    if (pid == 0)
        starterExec(options, attach, number, link, output[1]);
    close(output[1]);
    len = pid < 0 ? -1 : starterRead(output[0], attach->text, sizeof(attach->text));
    close(output[0]);
    if (pid < 0)
        return false;
    if (len < 0)
        kill(pid, SIGKILL);
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
        ;
    return len > 0 && WIFEXITED(status) && WEXITSTATUS(status) == 0 && starterTake(attach, len);
}


int
monitorStarterRun(const MonitorOptions *options,
                  MonitorAttach *attach,
                  unsigned long number)
{
    int link[2] = { -1, -1 };
    bool answered;

    attach->line[sizeof(attach->line) - 1] = '\0';
    attach->id[sizeof(attach->id) - 1] = '\0';
    if (!options->launcher || !options->transport) {
        monitorAttachRefuse(attach, "emulated PCI devices cannot be attached to this domain while "
                            "it is running");
        return -1;
    }
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, link) < 0) {
        monitorAttachRefuse(attach, "cannot create a socket for the emulated PCI device");
        return -1;
    }

    answered = starterAsk(options, attach, number, link[1]);
    close(link[1]);
    if (!answered)
        monitorAttachRefuse(attach, "cannot start the emulator of the PCI device: the domain's log "
                            "can tell why");
    if (answered && (attach->answer == MONITOR_ANSWER_SEND ||
                     attach->answer == MONITOR_ANSWER_SEND_FD))
        return link[0];
    close(link[0]);
    return -1;
}
