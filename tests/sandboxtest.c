/*
 * sandboxtest.c: the system calls that pci-emulator's sandbox allows, and those for which it kills
 * the process
 *
 * Each case runs in a child of its own, which enters the sandbox and makes
 * one system call.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <config.h>

#include "sandbox.h"
#include "testutils.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/* The descriptors of the child: a socket with a byte to read, and a pipe */
typedef struct {
    int sock;
    int notify;
    pid_t pid;
    const SandboxProgram *serving;
} Child;

typedef struct {
    const char *name;
    long (*call)(const Child *child);
    bool allowed;
} Case;


static long
callRecv(const Child *child)
{
    char byte;

    return recv(child->sock, &byte, 1, 0);
}


static long
callRecvmmsg(const Child *child)
{
    char byte;
    struct iovec vector = { &byte, 1 };
    struct mmsghdr message = { .msg_hdr = { .msg_iov = &vector, .msg_iovlen = 1 } };

    return recvmmsg(child->sock, &message, 1, MSG_DONTWAIT, NULL);
}


static long
callSendmmsg(const Child *child)
{
    char byte = 'x';
    struct iovec vector = { &byte, 1 };
    struct mmsghdr message = { .msg_hdr = { .msg_iov = &vector, .msg_iovlen = 1 } };

    return sendmmsg(child->sock, &message, 1, MSG_NOSIGNAL);
}


static long
callShutdown(const Child *child)
{
    return shutdown(child->sock, SHUT_RDWR);
}


static long
callSend(const Child *child)
{
    return send(child->sock, "x", 1, MSG_NOSIGNAL);
}


static long
callClose(const Child *child)
{
    return close(child->sock);
}


static long
callPoll(const Child *child)
{
    struct pollfd pfd = { .fd = child->sock, .events = POLLIN };

    return poll(&pfd, 1, 0);
}


static long
callWriteNotify(const Child *child)
{
    return write(child->notify, "x", 1);
}


static long
callWriteStderr(const Child *child G_GNUC_UNUSED)
{
    return write(STDERR_FILENO, "", 0);
}


static long
callWriteSocket(const Child *child)
{
    return write(child->sock, "x", 1);
}


static long
callReadSocket(const Child *child)
{
    char byte;

    return read(child->sock, &byte, 1);
}


static long
callRecvmsg(const Child *child)
{
    struct msghdr msg = { 0 };

    return recvmsg(child->sock, &msg, 0);
}


static long
callOpen(const Child *child G_GNUC_UNUSED)
{
    return open("/dev/null", O_RDONLY | O_CLOEXEC);
}


static long
callMmap(const Child *child G_GNUC_UNUSED)
{
    return mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED ? -1 : 0;
}


static long
callMprotect(const Child *child)
{
    return mprotect((void *) ((uintptr_t) child & ~(uintptr_t) 4095), 4096, PROT_READ | PROT_WRITE);
}


static long
callSocket(const Child *child G_GNUC_UNUSED)
{
    return socket(AF_INET, SOCK_STREAM, 0);
}


static long
callFork(const Child *child G_GNUC_UNUSED)
{
    return fork();
}


static long
callClone(const Child *child G_GNUC_UNUSED)
{
#ifdef __s390__
    const long pid = syscall(SYS_clone, 0, SIGCHLD, 0, 0, 0);
#else
    const long pid = syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0);
#endif

    if (pid == 0)
        syscall(SYS_exit_group, 0);
    return pid < 0 || waitpid(pid, NULL, 0) != pid ? -1 : 0;
}


static long
callCloneNamespace(const Child *child G_GNUC_UNUSED)
{
#ifdef __s390__
    return syscall(SYS_clone, 0, SIGCHLD | 0x10000000, 0, 0, 0);
#else
    return syscall(SYS_clone, SIGCHLD | 0x10000000, 0, 0, 0, 0);
#endif
}


/* Clones a child with a separate filter, as the guard does */
static long
callCloneServe(const Child *child)
{
    int status = 0;
    long pid;

#ifdef __s390__
    pid = syscall(SYS_clone, 0, SIGCHLD, 0, 0, 0);
#else
    pid = syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0);
#endif
    if (pid == 0) {
        if (sandboxApply(child->serving) < 0)
            syscall(SYS_exit_group, 1);
        syscall(SYS_kill, 1, 0);
        syscall(SYS_exit_group, 1);
    }
    return waitpid(pid, &status, 0) == pid && WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS
        ? 0 : -1;
}


/* These calls fail, but not because of the filter. */
static long
callAccept(const Child *child)
{
    accept4(child->sock, NULL, NULL, SOCK_CLOEXEC);
    return 0;
}


static long
callUnlink(const Child *child G_GNUC_UNUSED)
{
    unlink("/nonexistent/emulatedpci");
    return 0;
}


static long
callCloneAccept(const Child *child)
{
    int status = 0;
    long pid;

#ifdef __s390__
    pid = syscall(SYS_clone, 0, SIGCHLD, 0, 0, 0);
#else
    pid = syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0);
#endif
    if (pid == 0) {
        if (sandboxApply(child->serving) == 0)
            callAccept(child);
        syscall(SYS_exit_group, 1);
    }
    return waitpid(pid, &status, 0) == pid && WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS
        ? 0 : -1;
}


static long
callSelfKill(const Child *child)
{
    return kill(child->pid, 0);
}


static long
callExec(const Child *child G_GNUC_UNUSED)
{
    return execl("/bin/true", "true", NULL);
}


static long
callKill(const Child *child G_GNUC_UNUSED)
{
    return kill(getppid(), 0);
}


static long
callGetpid(const Child *child G_GNUC_UNUSED)
{
    return syscall(SYS_getpid);
}


static long
callIoctl(const Child *child)
{
    return syscall(SYS_ioctl, child->sock, 0x541b, NULL);
}


static long
callPrctl(const Child *child G_GNUC_UNUSED)
{
    return syscall(SYS_prctl, 3, 0, 0, 0, 0);
}


static const Case cases[] = {
    { "accept", callAccept, false },
    { "unlink", callUnlink, false },
    { "recv", callRecv, true },
    { "recvmmsg", callRecvmmsg, true },
    { "sendmmsg", callSendmmsg, true },
    { "shutdown", callShutdown, true },
    { "close", callClose, true },
    { "poll", callPoll, true },
    { "write-notify", callWriteNotify, true },
    { "write-stderr", callWriteStderr, true },
    { "write-socket", callWriteSocket, false },
    { "read-socket", callReadSocket, false },
    { "recvmsg", callRecvmsg, false },
    { "send", callSend, false },
    { "open", callOpen, false },
    { "mmap", callMmap, false },
    { "mprotect", callMprotect, false },
    { "socket", callSocket, false },
    { "fork", callFork, false },
    { "exec", callExec, false },
    { "kill", callKill, false },
    { "getpid", callGetpid, false },
    { "ioctl", callIoctl, false },
    { "prctl", callPrctl, false },
};


/* The system calls of a guard. It serves no device, but its children inherit the filter. */
static const Case guardCases[] = {
    { "accept", callAccept, false },
    { "unlink", callUnlink, false },
    { "clone", callClone, true },
    { "clone-serve", callCloneServe, true },
    { "kill", callSelfKill, true },
    { "sendmmsg", callSendmmsg, true },
    { "write-notify", callWriteNotify, true },
    { "clone-namespace", callCloneNamespace, false },
    { "prctl", callPrctl, false },
    { "open", callOpen, false },
    { "mmap", callMmap, false },
    { "socket", callSocket, false },
    { "exec", callExec, false },
    { "getpid", callGetpid, false },
};


/* A process that serves devices and accepts their connections itself */
static const Case acceptCases[] = {
    { "accept", callAccept, true },
    { "unlink", callUnlink, false },
    { "open", callOpen, false },
    { "socket", callSocket, false },
};

/* A guard that accepts connections. Its workers do not. */
static const Case guardAcceptCases[] = {
    { "accept", callAccept, true },
    { "unlink", callUnlink, true },
    { "clone-serve", callCloneAccept, true },
    { "open", callOpen, false },
    { "socket", callSocket, false },
};


/* Runs CALL in a child, in the sandbox. Returns the child's wait status: exit status 0 if the call
 * succeeded, 1 if it failed, 2 if the sandbox could not be entered. */
static int
runSandboxed(SandboxFilter filter,
             SandboxRole role,
             bool accepting,
             long (*call)(const Child *child))
{
    const unsigned int below = accepting ? 64 : 0;
    int pair[2];
    int fds[2];
    int status = 0;
    pid_t pid;

    g_assert_cmpint(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), ==, 0);
    g_assert_cmpint(pipe(fds), ==, 0);
    g_assert_cmpint(send(pair[1], "y", 1, 0), ==, 1);

    pid = fork();
    g_assert_cmpint(pid, >=, 0);
    if (pid == 0) {
        SandboxProgram serving;
        SandboxProgram guarding;
        const Child child = { pair[0], fds[1], getpid(), &serving };

        if (role == SANDBOX_ROLE_GUARD) {
            if (sandboxPrepare(&serving, SANDBOX_ROLE_SERVE, filter, -1, 0) < 0 ||
                sandboxPrepare(&guarding, role, filter, child.notify, below) < 0 ||
                sandboxConfine(filter, below) < 0 || sandboxApply(&guarding) < 0)
                syscall(SYS_exit_group, 2);
        } else if (sandboxEnter(filter, child.notify, below) < 0) {
            syscall(SYS_exit_group, 2);
        }
        syscall(SYS_exit_group, call(&child) < 0 ? 1 : 0);
    }

    g_assert_cmpint(waitpid(pid, &status, 0), ==, pid);
    close(pair[0]);
    close(pair[1]);
    close(fds[0]);
    close(fds[1]);
    return status;
}


static void
checkKill(const Case *c,
          SandboxRole role,
          bool accepting)
{
    const int status = runSandboxed(SANDBOX_FILTER_KILL, role, accepting, c->call);

    if (c->allowed) {
        g_assert_true(WIFEXITED(status));
        g_assert_cmpint(WEXITSTATUS(status), ==, 0);
    } else {
        g_assert_true(WIFSIGNALED(status));
        g_assert_cmpint(WTERMSIG(status), ==, SIGSYS);
        g_assert_false(WCOREDUMP(status));
    }
}


static void
testKill(gconstpointer opaque)
{
    checkKill(opaque, SANDBOX_ROLE_SERVE, false);
}


static void
testGuard(gconstpointer opaque)
{
    checkKill(opaque, SANDBOX_ROLE_GUARD, false);
}


static void
testAccept(gconstpointer opaque)
{
    checkKill(opaque, SANDBOX_ROLE_SERVE, true);
}


static void
testGuardAccept(gconstpointer opaque)
{
    checkKill(opaque, SANDBOX_ROLE_GUARD, true);
}


static void
testRelaxed(gconstpointer opaque)
{
    const int status = runSandboxed(GPOINTER_TO_INT(opaque), SANDBOX_ROLE_SERVE, false,
                                    callGetpid);

    g_assert_true(WIFEXITED(status));
    g_assert_cmpint(WEXITSTATUS(status), ==, 0);
}


static void
testNames(void)
{
    SandboxFilter filter = SANDBOX_FILTER_NONE;

    g_assert_cmpint(sandboxFilterFromString("kill", &filter), ==, 0);
    g_assert_cmpint(filter, ==, SANDBOX_FILTER_KILL);
    g_assert_cmpstr(sandboxFilterToString(SANDBOX_FILTER_LOG), ==, "log");
    g_assert_cmpint(sandboxFilterFromString("", &filter), ==, -1);
    g_assert_cmpint(sandboxFilterFromString("KILL", &filter), ==, -1);
    g_assert_cmpint(filter, ==, SANDBOX_FILTER_KILL);
}


/* Closes all descriptors except those in KEEP. Returns a bit for each of ten descriptors that is
 * still open, or -1. */
static int
closeOthers(int keep)
{
    int pid = fork();
    int status = 0;

    g_assert_cmpint(pid, >=, 0);
    if (pid == 0) {
        int kept[10];
        size_t nkept = 0;
        int left = 0;
        int i;

        for (i = 9; i >= 0; i--) {
            if (dup2(STDIN_FILENO, 100 + 3 * i) < 0)
                _exit(255);
            if (keep & 1 << i)
                kept[nkept++] = 100 + 3 * i;
        }
        if (sandboxCloseOthers(kept, nkept) < 0)
            _exit(255);
        for (i = 0; i < 10; i++)
            left |= (fcntl(100 + 3 * i, F_GETFD) >= 0) << i;
        _exit(left == keep && fcntl(STDERR_FILENO, F_GETFD) >= 0 &&
              fcntl(3, F_GETFD) < 0 ? 0 : 1);
    }
    g_assert_cmpint(waitpid(pid, &status, 0), ==, pid);
    g_assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}


static void
testCloseOthers(void)
{
    static const int keeps[] = { 0x000, 0x001, 0x200, 0x3ff, 0x155, 0x2aa, 0x018 };
    size_t i;

    for (i = 0; i < G_N_ELEMENTS(keeps); i++)
        g_assert_cmpint(closeOthers(keeps[i]), ==, 0);
}


int
main(int argc,
     char **argv)
{
    size_t i;

    testInit(&argc, &argv);

    g_test_add_func("/sandbox/names", testNames);
    g_test_add_func("/sandbox/close-others", testCloseOthers);
    g_test_add_data_func("/sandbox/log", GINT_TO_POINTER(SANDBOX_FILTER_LOG), testRelaxed);
    g_test_add_data_func("/sandbox/none", GINT_TO_POINTER(SANDBOX_FILTER_NONE), testRelaxed);
    for (i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *path = g_strdup_printf("/sandbox/kill/%s", cases[i].name);

        g_test_add_data_func(path, &cases[i], testKill);
    }
    for (i = 0; i < G_N_ELEMENTS(acceptCases); i++) {
        g_autofree char *path = g_strdup_printf("/sandbox/accept/%s", acceptCases[i].name);

        g_test_add_data_func(path, &acceptCases[i], testAccept);
    }
    for (i = 0; i < G_N_ELEMENTS(guardAcceptCases); i++) {
        g_autofree char *path = g_strdup_printf("/sandbox/guard-accept/%s", guardAcceptCases[i].name);

        g_test_add_data_func(path, &guardAcceptCases[i], testGuardAccept);
    }
    for (i = 0; i < G_N_ELEMENTS(guardCases); i++) {
        g_autofree char *path = g_strdup_printf("/sandbox/guard/%s", guardCases[i].name);

        g_test_add_data_func(path, &guardCases[i], testGuard);
    }

    return g_test_run();
}
