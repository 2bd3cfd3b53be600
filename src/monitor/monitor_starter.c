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
#include "pass_descriptors.h"


static long long
starterNow(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000LL + now.tv_nsec / 1000000;
}


/* The child process, which becomes the launcher. SOCKET is its standard input and output. */
__attribute__((noreturn)) static void
starterExec(const MonitorOptions *options,
            unsigned long number,
            int socket)
{
    char stateArg[32];
    char numberArg[48];
    char transportArg[64];
    char *args[] = {
        (char *) options->launcher, (char *) "--attach", transportArg, stateArg, numberArg, NULL,
    };

    snprintf(transportArg, sizeof(transportArg), "--transport=%s", options->transport);
    snprintf(stateArg, sizeof(stateArg), "--state-fd=%d", options->stateFd);
    snprintf(numberArg, sizeof(numberArg), "--number=%lu", number);

    if (dup2(socket, STDIN_FILENO) >= 0 && dup2(socket, STDOUT_FILENO) >= 0 &&
        (options->stateFd < 0 || fcntl(options->stateFd, F_SETFD, 0) == 0))
        execv(options->launcher, args);
    _exit(EXIT_FAILURE);
}


/* Starts the launcher. Returns false on failure. */
static bool
starterStart(const MonitorOptions *options,
             MonitorStarter *starter)
{
    int pair[2];
    pid_t pid;

    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
        return false;

    /* The child process shares the memory of STARTER, and must not change it. */
    pid = fork();
    if (pid == 0)
        starterExec(options, starter->number, pair[1]);
    close(pair[1]);
    if (pid < 0) {
        close(pair[0]);
        return false;
    }
    starter->pid = pid;
    starter->fd = pair[0];
    return true;
}


/* Kills the launcher. */
static void
starterEnd(MonitorStarter *starter)
{
    if (starter->pid > 0) {
        kill(starter->pid, SIGKILL);
        while (waitpid(starter->pid, NULL, 0) < 0 && errno == EINTR)
            ;
    }
    monitorStarterForget(starter);
}


void
monitorStarterForget(MonitorStarter *starter)
{
    const int fd = starter->fd;

    starter->fd = -1;
    starter->pid = 0;
    if (fd >= 0)
        close(fd);
}


/* Reads an answer, one line of up to SIZE bytes, from FD. Returns its length; 0 if the launcher
 * has ended, or -1. */
static ssize_t
starterRead(int fd,
            char *buf,
            size_t size)
{
    const long long deadline = starterNow() + MONITOR_STARTER_TIMEOUT;
    size_t len = 0;

    while (len < size) {
        struct pollfd pfd = { .fd = fd, .events = POLLIN };
        const long long left = deadline - starterNow();
        ssize_t got;

        if (left <= 0)
            return -1;
        if (poll(&pfd, 1, left) <= 0)
            continue;
        got = recv(fd, buf + len, size - len, MSG_DONTWAIT);
        if (got < 0 && (errno == EINTR || errno == EAGAIN))
            continue;
        if (got <= 0)
            return len > 0 ? -1 : 0;
        len += got;
        if (buf[len - 1] == '\n')
            return len;
    }
    return -1;
}


/* Parses the answer of LEN bytes, whose first byte is its kind. */
static bool
starterTake(MonitorAttach *attach,
            ssize_t len)
{
    const char kind = attach->text[0];

    if (kind != MONITOR_ANSWER_REFUSE && kind != MONITOR_ANSWER_PASS &&
        kind != MONITOR_ANSWER_SEND && kind != MONITOR_ANSWER_SEND_FD)
        return false;
    if (kind != MONITOR_ANSWER_PASS &&
        (len < 3 || memchr(attach->text, '\n', len) != attach->text + len - 1))
        return false;

    memmove(attach->text, attach->text + 1, len - 1);
    attach->textLen = len - 1;
    attach->answer = kind;
    return true;
}


/* Sends the command with LINK to the launcher and waits for the answer. Returns 1 if there is one, 0
 * if the launcher had exited before, or -1. */
static int
starterAsk(MonitorStarter *starter,
           MonitorAttach *attach,
           int link)
{
    const size_t size = strlen(attach->line);
    ssize_t len = 0;

    if (passDescriptorsSend(starter->fd, attach->line, size, &link, 1, MSG_DONTWAIT) == (ssize_t) size)
        len = starterRead(starter->fd, attach->text, sizeof(attach->text));
    if (len > 0 && starterTake(attach, len))
        return 1;
    starterEnd(starter);
    return len == 0 ? 0 : -1;
}


/* Sends the command with one end of a new pair of sockets. Returns the other end, which is for QEMU;
 * -1 if there is no answer. ENDED is set if the launcher had exited before. */
static int
starterTry(MonitorStarter *starter,
           MonitorAttach *attach,
           bool *ended)
{
    int link[2] = { -1, -1 };
    int rc;

    *ended = false;
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, link) < 0)
        return -1;
    starter->number++;
    rc = starterAsk(starter, attach, link[1]);
    close(link[1]);
    if (rc > 0)
        return link[0];
    close(link[0]);
    *ended = rc == 0;
    return -1;
}


int
monitorStarterRun(const MonitorOptions *options,
                  MonitorStarter *starter,
                  MonitorAttach *attach)
{
    bool ended = starter->fd < 0;
    int link = -1;

    attach->line[sizeof(attach->line) - 1] = '\0';
    attach->id[sizeof(attach->id) - 1] = '\0';
    if (!options->launcher || !options->transport) {
        monitorAttachRefuse(attach, "emulated PCI devices cannot be attached to this domain while "
                            "it is running");
        return -1;
    }

    /* A launcher that has waited for a minute exits. */
    if (starter->fd >= 0)
        link = starterTry(starter, attach, &ended);
    if (ended && starterStart(options, starter))
        link = starterTry(starter, attach, &ended);
    if (link < 0) {
        monitorAttachRefuse(attach, "cannot start the emulator of the PCI device: the domain's log "
                            "may contain the reason");
    } else if (attach->answer != MONITOR_ANSWER_SEND && attach->answer != MONITOR_ANSWER_SEND_FD) {
        close(link);
        link = -1;
    }
    return link;
}
