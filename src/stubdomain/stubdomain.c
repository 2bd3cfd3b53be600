/*
 * stubdomain.c: emulatedpci-stubdomain, which isolates an emulator with stubdomain='yes'
 *
 *   emulatedpci-stubdomain --ready-fd=N PROGRAM [ARGUMENT…]
 *
 * Runs PROGRAM in separate namespaces. The program is loaded from the file system as usual. After
 * it has reported on descriptor N that it is ready, and before this is passed to the launcher, its
 * root directory is replaced by an empty one. The program requires no changes for this, but must
 * have opened all its files by then.
 *
 * This process waits for the exit of the program, without open files and privileges. If it is
 * killed, the program is killed, too.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <config.h>

#include "close_descriptors.h"
#include "stubdomain_namespaces.h"

#include <errno.h>
#include <fcntl.h>
#include <locale.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "gettext.h"
#include "ignore-value.h"

#define _(s) gettext(s)

/* The exit status of a program that was killed by signal N, as in shells */
#define EXIT_SIGNAL 128

/* Writes one line to standard error. */
__attribute__((format(printf, 1, 2))) static int
fail(const char *format, ...)
{
    char line[1024];
    va_list args;

    va_start(args, format);
    vsnprintf(line, sizeof(line), format, args);
    va_end(args);
    dprintf(STDERR_FILENO, "emulatedpci-stubdomain: %s\n", line);
    return EXIT_FAILURE;
}


/* Returns a descriptor above standard error, decimal. Returns -1 for anything else. */
static int
parseFd(const char *str)
{
    const size_t len = strlen(str);
    int fd;

    if (len < 1 || len > 8 || strspn(str, "0123456789") != len || *str == '0')
        return -1;
    fd = strtol(str, NULL, 10);
    return fd > STDERR_FILENO ? fd : -1;
}


/* The process that becomes the program. The program reports that it is ready on INNER[1], which
 * has the number FD for it. It is killed when its parent exits, which reads from INNER[0]. */
__attribute__((noreturn)) static void
runProgram(char **argv,
           const int inner[2],
           int fd)
{
    struct pollfd p = { .fd = inner[1] };

    /* Otherwise, this process itself would keep the read end open. */
    close(inner[0]);

    if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) < 0 ||
        prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ||
        dup2(inner[1], fd) < 0 || chdir("/") < 0)
        _exit(fail(_("cannot prepare a process: %1$s"), strerror(errno)));

    /* Check that the parent did not exit before the first call. */
    if (poll(&p, 1, 0) > 0 && (p.revents & POLLERR))
        _exit(EXIT_FAILURE);

    execv(argv[0], argv);
    _exit(fail(_("cannot run '%1$s': %2$s"), argv[0], strerror(errno)));
}


/* Waits until the program is ready. Returns 1, 0 if it exited before, or -1 after an error
 * message. */
static int
waitReady(int inner,
          int outer)
{
    const char *what = "";
    char byte;
    ssize_t got;

    do {
        got = read(inner, &byte, 1);
    } while (got < 0 && errno == EINTR);
    close(inner);
    if (got != 1)
        return 0;

    if (stubdomainEmptyRoot(&what) < 0 || stubdomainDropPrivileges(&what) < 0) {
        fail("%s: %s", what, strerror(errno));
        return -1;
    }
    ignore_value(write(outer, &byte, 1));
    close(outer);
    return 1;
}


static int
waitEnd(pid_t pid)
{
    int status;
    pid_t rc;

    do {
        rc = waitpid(pid, &status, 0);
    } while (rc < 0 && errno == EINTR);

    if (rc < 0)
        return EXIT_FAILURE;
    return WIFSIGNALED(status) ? EXIT_SIGNAL + WTERMSIG(status) : WEXITSTATUS(status);
}


/* Ignores signals that a terminal or an ending session sends to the whole process group of QEMU,
 * as the emulator does: see pci-emulator(8). */
static void
ignoreSignals(void)
{
    static const int ignored[] = { SIGINT, SIGQUIT, SIGHUP, SIGTERM, SIGPIPE };
    size_t i;

    for (i = 0; i < sizeof(ignored) / sizeof(ignored[0]); i++)
        signal(ignored[i], SIG_IGN);
}


static int
run(char **argv,
    int fd)
{
    const char *what = "";
    int keep[2];
    int inner[2];
    int outer;
    pid_t pid;

    if ((outer = fcntl(fd, F_DUPFD_CLOEXEC, STDERR_FILENO + 1)) < 0 ||
        pipe2(inner, O_CLOEXEC) < 0)
        return fail("--ready-fd: %s", strerror(errno));

    if (stubdomainEnter(&what) < 0)
        return fail("%s: %s", what, strerror(errno));

    signal(SIGCHLD, SIG_DFL);
    pid = fork();
    if (pid < 0)
        return fail(_("cannot start a process: %1$s"), strerror(errno));
    if (pid == 0)
        runProgram(argv, inner, fd);

    ignoreSignals();
    keep[0] = inner[0] < outer ? inner[0] : outer;
    keep[1] = inner[0] < outer ? outer : inner[0];
    closeDescriptorsExcept(keep, 2);

    if (waitReady(inner[0], outer) < 0)
        kill(pid, SIGKILL);
    return waitEnd(pid);
}


int
main(int argc,
     char **argv)
{
    static const char option[] = "--ready-fd=";
    int fd = -1;

    setlocale(LC_ALL, "");
    bindtextdomain(PACKAGE, LOCALEDIR);
    textdomain(PACKAGE);

    if (argc >= 3 && strncmp(argv[1], option, strlen(option)) == 0)
        fd = parseFd(argv[1] + strlen(option));
    if (fd < 0 || fcntl(fd, F_GETFD) < 0 || argv[2][0] != '/')
        return fail(_("invalid command line: %1$s is required"),
                    "emulatedpci-stubdomain --ready-fd=FD /PROGRAM [ARGUMENT...]");

    /* No functions are run at exit, because a sanitizer would require /proc. */
    _exit(run(argv + 2, fd));
}
