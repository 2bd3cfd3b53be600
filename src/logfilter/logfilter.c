/*
 * logfilter.c: emulatedpci-logfilter, between QEMU and the domain's log
 *
 *   emulatedpci-logfilter --input-fd=N [--qemu-fd=N] [--monitor-fd=N] [--ready-fd=N]
 *
 * Reads the standard error of QEMU from the pipe N, and writes it to its own standard error, the
 * domain's log, without the lines that log_lines.h describes. Exits when no process can write to
 * the pipe any more.
 *
 * libvirt reads the log when QEMU exits during its start, and shows it to the user. libvirt notices
 * the exit through its connection to QEMU's monitor, which QEMU accepts only when it runs.
 * Therefore this process also keeps the listening socket of the monitor, and with it the waiting
 * connection, until all output of QEMU is in the log. If the log is a pipe to virtlogd, this
 * process also waits until virtlogd has read the pipe, at most LOGFILTER_DRAIN.
 *
 * A process that QEMU has started can have the pipe longer than QEMU. Its output is still filtered,
 * but the monitor's socket is closed as soon as QEMU has exited and the pipe is empty.
 *
 * If this process is killed, QEMU continues, because it ignores SIGPIPE.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <config.h>

#include "log_lines.h"
#include "sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ignore-value.h"

/* The delay before the pipe is read, in milliseconds. QEMU writes a line in several pieces, each
 * of which would wake this process up. */
#define LOGFILTER_GATHER 5

/* The longest time to wait until virtlogd has read its pipe, and the time between two checks, in
 * milliseconds */
#define LOGFILTER_DRAIN 2000
#define LOGFILTER_DRAIN_INTERVAL 2

/* The time after which an incomplete line is written to the log, in milliseconds */
#define LOGFILTER_PATIENCE 100

typedef struct {
    int input;
    int qemu;           /* a pidfd, or -1 */
    int monitor;        /* or -1 */
    int ready;          /* or -1 */
} LogfilterOptions;

typedef struct {
    LogfilterOptions options;
    bool logIsPipe;         /* the reader of the log is virtlogd */
    LogLines lines;
    char output[PIPE_BUF];  /* the maximum size of a write() to a pipe that is not split */
    size_t len;
} Logfilter;


/* Writes to the log. Output that cannot be written, because the log has no reader or the disk is
 * full, is lost, as it would be without this process. */
static void
logfilterWrite(Logfilter *filter)
{
    size_t done = 0;

    while (done < filter->len) {
        struct pollfd log = { .fd = STDERR_FILENO, .events = POLLOUT };
        const ssize_t rc = write(STDERR_FILENO, filter->output + done, filter->len - done);

        if (rc >= 0)
            done += rc;
        else if (errno == EAGAIN)
            ignore_value(poll(&log, 1, -1));
        else if (errno != EINTR)
            break;
    }
    filter->len = 0;
}


/* A LogLinesWrite: collects lines, and writes as many as fit in one write. */
static void
logfilterAdd(const char *data,
             size_t len,
             void *opaque)
{
    Logfilter *filter = opaque;

    if (len > sizeof(filter->output) - filter->len)
        logfilterWrite(filter);
    memcpy(filter->output + filter->len, data, len);
    filter->len += len;
}


/* Reads the pipe until it is empty. Returns false at its end. */
static bool
logfilterRead(Logfilter *filter)
{
    static char data[65536];
    ssize_t got;
    bool open;

    do {
        got = read(filter->options.input, data, sizeof(data));
        if (got > 0)
            logLinesAdd(&filter->lines, data, got, logfilterAdd, filter);
    } while (got > 0 || (got < 0 && errno == EINTR));

    open = got < 0 && errno == EAGAIN;
    logfilterWrite(filter);
    return open;
}


static void
logfilterFlush(Logfilter *filter)
{
    logLinesFlush(&filter->lines, logfilterAdd, filter);
    logfilterWrite(filter);
}


/* Waits until the reader of the log's pipe has read all data. */
static void
logfilterDrain(void)
{
    int left = 0;
    int i;

    for (i = 0; i < LOGFILTER_DRAIN / LOGFILTER_DRAIN_INTERVAL; i++) {
        if (ioctl(STDERR_FILENO, FIONREAD, &left) < 0 || left == 0)
            return;
        ignore_value(poll(NULL, 0, LOGFILTER_DRAIN_INTERVAL));
    }
}


/* Writes the rest of QEMU's output to the log after QEMU has exited, and closes the monitor's
 * socket afterwards. */
static void
logfilterForgetQEMU(Logfilter *filter)
{
    logfilterFlush(filter);
    if (filter->options.monitor >= 0) {
        if (filter->logIsPipe)
            logfilterDrain();
        close(filter->options.monitor);
    }
    close(filter->options.qemu);
    filter->options.monitor = filter->options.qemu = -1;
}


static void
logfilterRun(Logfilter *filter)
{
    bool open = true;

    while (open) {
        struct pollfd fds[] = {
            { .fd = filter->options.qemu, .events = POLLIN },
            { .fd = filter->options.input, .events = POLLIN },
        };
        const int n = poll(fds, 2, filter->lines.len > 0 ? LOGFILTER_PATIENCE : -1);

        if (n < 0)
            continue;
        if (n == 0)
            logfilterFlush(filter);

        /* After POLLHUP, QEMU has probably exited. */
        if (fds[1].revents == POLLIN && !fds[0].revents)
            ignore_value(poll(fds, 1, LOGFILTER_GATHER));
        if (n > 0)
            open = logfilterRead(filter);
        if (fds[0].revents)
            logfilterForgetQEMU(filter);
    }
    logfilterFlush(filter);
}


/* Returns a descriptor above standard error, decimal; -1 for anything else. */
static int
parseFd(const char *str)
{
    const size_t len = strlen(str);
    int fd;

    if (len < 1 || len > 8 || strspn(str, "0123456789") != len || *str == '0')
        return -1;
    fd = strtol(str, NULL, 10);
    return fd > STDERR_FILENO && fcntl(fd, F_GETFD) >= 0 ? fd : -1;
}


static bool
parseOptions(LogfilterOptions *options,
             int argc,
             char **argv)
{
    const struct {
        const char *name;
        int *fd;
    } names[] = {
        { "--input-fd=", &options->input },
        { "--qemu-fd=", &options->qemu },
        { "--monitor-fd=", &options->monitor },
        { "--ready-fd=", &options->ready },
    };
    int i;
    size_t j;

    *options = (LogfilterOptions) { -1, -1, -1, -1 };
    for (i = 1; i < argc; i++) {
        for (j = 0; j < sizeof(names) / sizeof(names[0]); j++) {
            if (strncmp(argv[i], names[j].name, strlen(names[j].name)) == 0)
                break;
        }
        if (j == sizeof(names) / sizeof(names[0]))
            return false;
        *names[j].fd = parseFd(argv[i] + strlen(names[j].name));
        if (*names[j].fd < 0)
            return false;
    }
    return options->input >= 0;
}


static void
ignoreSignals(void)
{
    /* A terminal, or a session that ends, sends these signals to the whole process group of QEMU,
     * which still writes while it exits. */
    static const int ignored[] = { SIGINT, SIGQUIT, SIGHUP, SIGTERM, SIGPIPE };
    size_t i;

    for (i = 0; i < sizeof(ignored) / sizeof(ignored[0]); i++)
        signal(ignored[i], SIG_IGN);
}


/* Gives up all privileges and descriptors that are not required. Returns 0, or -1 with errno
 * set. */
static int
enterSandbox(const LogfilterOptions *options)
{
    const int given[] = { options->input, options->qemu, options->monitor, options->ready };
    int flags = fcntl(options->input, F_GETFL);
    SandboxProgram program;
    int fds[sizeof(given) / sizeof(given[0])];
    size_t n = 0;
    size_t i;

    for (i = 0; i < sizeof(given) / sizeof(given[0]); i++) {
        if (given[i] >= 0)
            fds[n++] = given[i];
    }
    if (sandboxCloseOthers(fds, n) < 0 ||
        flags < 0 || fcntl(options->input, F_SETFL, flags | O_NONBLOCK) < 0)
        return -1;

    /* poll() takes as many descriptors as may be open. */
    if (sandboxPrepare(&program, SANDBOX_ROLE_LOG, SANDBOX_FILTER_DEFAULT, options->ready, 0) < 0 ||
        sandboxConfine(SANDBOX_FILTER_DEFAULT, STDERR_FILENO + 1) < 0)
        return -1;
    return sandboxApply(&program);
}


int
main(int argc,
     char **argv)
{
    static Logfilter filter;
    struct stat st;

    if (!parseOptions(&filter.options, argc, argv)) {
        dprintf(STDERR_FILENO, "emulatedpci-logfilter: invalid command line: "
                "--input-fd=FD [--qemu-fd=FD] [--monitor-fd=FD] [--ready-fd=FD] is required\n");
        return EXIT_FAILURE;
    }

    filter.logIsPipe = fstat(STDERR_FILENO, &st) == 0 && S_ISFIFO(st.st_mode);
    ignoreSignals();
    if (enterSandbox(&filter.options) < 0) {
        dprintf(STDERR_FILENO, "emulatedpci-logfilter: cannot enter the sandbox: %s\n",
                strerrorname_np(errno));
        return EXIT_FAILURE;
    }

    if (filter.options.ready >= 0) {
        ignore_value(write(filter.options.ready, "", 1));
        close(filter.options.ready);
    }
    logfilterRun(&filter);
    _exit(EXIT_SUCCESS);
}
