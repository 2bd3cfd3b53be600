/*
 * guardunittest.c: when the guard replaces a worker
 *
 * The workers of these tests only exit. Each guard runs in a separate process.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <config.h>

#include "emulator_guard.h"
#include "emulator_state.h"
#include "testutils.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

typedef struct {
    EmulatorGuard guard;
    EmulatorOptions options;
    EmulatorDeviceOptions devices[2];
    int peers[2];
    int ready[2];
} Setup;


static void
setupInit(Setup *setup,
          int (*serve)(void *opaque))
{
    EmulatorGuard *guard = &setup->guard;
    size_t i;

    memset(setup, 0, sizeof(*setup));
    for (i = 0; i < G_N_ELEMENTS(setup->devices); i++) {
        int pair[2];

        g_assert_cmpint(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), ==, 0);
        setup->devices[i].fd = pair[0];
        setup->peers[i] = pair[1];
        g_snprintf(setup->devices[i].fields.devicename, sizeof(setup->devices[i].fields.devicename),
                   "device%zu", i);
    }
    g_assert_cmpint(pipe2(setup->ready, O_CLOEXEC), ==, 0);

    setup->options.ndevices = G_N_ELEMENTS(setup->devices);
    setup->options.devices = setup->devices;
    setup->options.stateFd = -1;

    guard->status = emulatorStatusNew(&setup->options);
    g_assert_nonnull(guard->status);
    guard->loop = emulatorLoopNew(&setup->options, guard->status);
    g_assert_nonnull(guard->loop);
    guard->ndevices = setup->options.ndevices;
    guard->readyFd = setup->ready[1];
    guard->clientFd = -1;
    guard->serve = serve;
    guard->opaque = setup;
}


static void
setupClear(Setup *setup)
{
    size_t i;

    for (i = 0; i < G_N_ELEMENTS(setup->devices); i++) {
        close(setup->devices[i].fd);
        if (setup->peers[i] >= 0)
            close(setup->peers[i]);
    }
    close(setup->ready[0]);
    close(setup->ready[1]);
    free(setup->guard.loop);
}


/* Starts a guard, whose messages are discarded. PROCESSES is the limit of its number of processes,
 * or NULL. */
static pid_t
setupStart(Setup *setup,
           const struct rlimit *processes)
{
    const pid_t pid = fork();

    g_assert_cmpint(pid, >=, 0);
    if (pid == 0) {
        const int null = open("/dev/null", O_WRONLY);

        if (null < 0 || dup2(null, STDERR_FILENO) < 0)
            _exit(255);
        close(setup->peers[0]);
        close(setup->peers[1]);
        /* The limit does not apply to root. */
        if (processes &&
            (setrlimit(RLIMIT_NPROC, processes) < 0 || (geteuid() == 0 && setuid(65534) < 0)))
            _exit(255);
        emulatorGuardInit();
        _exit(emulatorGuardRun(&setup->guard));
    }
    return pid;
}


/* Waits for the guard, and returns its exit status. */
static int
setupWait(pid_t pid)
{
    int status = 0;

    g_assert_cmpint(waitpid(pid, &status, 0), ==, pid);
    g_assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}


static int
setupRun(Setup *setup)
{
    return setupWait(setupStart(setup, NULL));
}


G_GNUC_NORETURN static void
die(void)
{
    kill(getpid(), SIGKILL);
    _exit(254);
}


/* Sets the number of requests that a device has served, as a worker does. */
static void
setServed(EmulatorStatus *status,
          size_t i,
          uint64_t served)
{
    EmulatorDevice *device = &status->devices[i].device;

    device->states[device->current & 1].served = served;
}


static int
serveEnd(void *opaque)
{
    const Setup *setup = opaque;

    return setup->guard.readyFd == setup->ready[1] ? 7 : 8;
}


static void
testEnd(void)
{
    Setup setup;

    setupInit(&setup, serveEnd);
    g_assert_cmpint(setupRun(&setup), ==, 7);
    g_assert_cmpuint(setup.guard.status->restarts, ==, 0);
    setupClear(&setup);
}


/* Is killed once. The next worker checks that no process waits for readiness any more. */
static int
serveDieOnce(void *opaque)
{
    const Setup *setup = opaque;

    if (setup->guard.status->restarts == 0)
        die();
    return setup->guard.readyFd == -1 ? 5 : 6;
}


static void
testDieOnce(void)
{
    Setup setup;

    setupInit(&setup, serveDieOnce);
    g_assert_cmpint(setupRun(&setup), ==, 5);
    g_assert_cmpuint(setup.guard.status->restarts, ==, 1);
    setupClear(&setup);
}


static int
serveDie(void *opaque G_GNUC_UNUSED)
{
    die();
}


/* The workers are killed as soon as they start. *RESTARTS is the number of workers that were
 * started in two seconds. Then closes the peers of all devices, and returns the guard's exit
 * status. */
static int
setupRunFor2Seconds(Setup *setup,
                    uint64_t *restarts)
{
    const pid_t pid = setupStart(setup, NULL);

    g_usleep(2 * G_USEC_PER_SEC);
    *restarts = setup->guard.status->restarts;
    g_assert_cmpint(waitpid(pid, NULL, WNOHANG), ==, 0);
    close(setup->peers[0]);
    close(setup->peers[1]);
    setup->peers[0] = setup->peers[1] = -1;
    return setupWait(pid);
}


static void
testPersistent(void)
{
    Setup setup;
    uint64_t restarts;

    setupInit(&setup, serveDie);
    g_assert_cmpint(setupRunFor2Seconds(&setup, &restarts), ==, EXIT_SUCCESS);
    /* At once, then after 10, 20, 40, 80, 160, 320 and 640 ms, and after a second */
    g_assert_cmpuint(restarts, >, EMULATOR_GUARD_FAILURES);
    g_assert_cmpuint(restarts, <=, EMULATOR_GUARD_FAILURES + 9);
    g_assert_cmpint(setup.guard.status->devices[0].closed, ==, 0);
    g_assert_cmpint(setup.guard.status->devices[1].closed, ==, 0);
    setupClear(&setup);
}


/* As the user of the process PID, whom setupStart() has changed */
static void
setLimit(pid_t pid,
         const struct rlimit *processes)
{
    const pid_t child = fork();

    g_assert_cmpint(child, >=, 0);
    if (child == 0) {
        if ((geteuid() == 0 && setuid(65534) < 0) ||
            prlimit(pid, RLIMIT_NPROC, processes, NULL) < 0)
            _exit(255);
        _exit(0);
    }
    g_assert_cmpint(setupWait(child), ==, 0);
}


/* No worker can be started for longer than the first eight pauses. */
static void
testNoProcess(void)
{
    struct rlimit some;
    struct rlimit none;
    Setup setup;
    pid_t pid;

    g_assert_cmpint(getrlimit(RLIMIT_NPROC, &some), ==, 0);
    some.rlim_cur = some.rlim_max;
    none = (struct rlimit) { 0, some.rlim_max };
    setupInit(&setup, serveEnd);
    pid = setupStart(&setup, &none);
    g_usleep(3 * G_USEC_PER_SEC);
    g_assert_cmpint(waitpid(pid, NULL, WNOHANG), ==, 0);
    setLimit(pid, &some);
    g_assert_cmpint(setupWait(pid), ==, 7);
    g_assert_cmpuint(setup.guard.status->restarts, ==, 0);
    setupClear(&setup);

    /* The guest ends meanwhile. */
    setupInit(&setup, serveEnd);
    pid = setupStart(&setup, &none);
    close(setup.peers[0]);
    close(setup.peers[1]);
    g_assert_cmpint(setupWait(pid), ==, EXIT_SUCCESS);
    setup.peers[0] = setup.peers[1] = -1;
    setupClear(&setup);
}


/* Each worker serves one request and is killed. */
static int
serveProgress(void *opaque)
{
    const Setup *setup = opaque;
    EmulatorStatus *status = setup->guard.status;

    setServed(status, 0, status->restarts + 1);
    if (status->restarts < 5 * EMULATOR_GUARD_FAILURES)
        die();
    return 3;
}


static void
testProgress(void)
{
    Setup setup;

    setupInit(&setup, serveProgress);
    g_assert_cmpint(setupRun(&setup), ==, 3);
    g_assert_cmpuint(setup.guard.status->restarts, ==, 5 * EMULATOR_GUARD_FAILURES);
    setupClear(&setup);
}


/* A request of one device kills each worker, while each worker serves one request of the other
 * device. */
static int
servePoison(void *opaque)
{
    const Setup *setup = opaque;
    EmulatorStatus *status = setup->guard.status;

    setServed(status, 0, status->restarts + 1);
    if (status->devices[1].closed)
        return 4;
    status->serving = 2;
    die();
}


static void
testPoison(void)
{
    Setup setup;

    setupInit(&setup, servePoison);
    g_assert_cmpint(setupRun(&setup), ==, 4);
    g_assert_cmpuint(setup.guard.status->restarts, ==, EMULATOR_GUARD_FAILURES);
    g_assert_cmpint(setup.guard.status->devices[0].closed, ==, 0);
    setupClear(&setup);
}


/* Overwrites the memory, as a worker under the control of a guest could. */
static int
serveScribble(void *opaque)
{
    const Setup *setup = opaque;
    EmulatorStatus *status = setup->guard.status;
    const uint64_t restarts = status->restarts;

    memset(status, 0xff, sizeof(*status) + 2 * sizeof(*status->devices));
    status->restarts = restarts;
    die();
}


static void
testScribble(void)
{
    Setup setup;

    setupInit(&setup, serveScribble);
    /* The guard relies on a worker that has reported all devices as closed. */
    g_assert_cmpint(setupRun(&setup), ==, EXIT_SUCCESS);
    setupClear(&setup);
}


/* The next worker detects the overwritten state, and closes its devices. */
static int
serveScribbled(void *opaque)
{
    const Setup *setup = opaque;
    EmulatorStatus *status = setup->guard.status;

    if (status->restarts == 0) {
        memset(&status->devices[0].device, 0xff, sizeof(status->devices[0].device));
        memset(&status->devices[1].device.states, 0x7f, sizeof(status->devices[1].device.states));
        die();
    }
    emulatorLoopRun(setup->guard.loop);
    return status->devices[0].closed && status->devices[1].closed ? 2 : 1;
}


static void
testScribbled(void)
{
    Setup setup;
    char byte;

    setupInit(&setup, serveScribbled);
    g_assert_cmpint(setupRun(&setup), ==, 2);
    g_assert_cmpint(recv(setup.peers[0], &byte, 1, MSG_DONTWAIT), ==, 0);
    g_assert_cmpint(recv(setup.peers[1], &byte, 1, MSG_DONTWAIT), ==, 0);
    setupClear(&setup);
}


/* Hangs until it is replaced, if there is a request. */
static int
serveHang(void *opaque)
{
    const Setup *setup = opaque;

    if (setup->guard.status->restarts == 0) {
        while (TRUE)
            pause();
    }
    return 9;
}


static void
testHang(void)
{
    Setup setup;

    setupInit(&setup, serveHang);
    g_assert_cmpint(send(setup.peers[1], "x", 1, 0), ==, 1);
    g_assert_cmpint(setupRun(&setup), ==, 9);
    g_assert_cmpuint(setup.guard.status->restarts, ==, 1);
    setupClear(&setup);
}


/* QEMU ends while its devices' registers are requested: the worker learns of both at once. */
static void
testEndDuringRequest(void)
{
    const EmulatorStateRequest request = { .command = EMULATOR_STATE_GET, .sequence = 1 };
    Setup setup;
    int pair[2];
    pid_t pid;
    int status;

    g_assert_cmpint(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair), ==, 0);
    setupInit(&setup, serveEnd);
    free(setup.guard.loop);
    setup.options.stateFd = pair[0];
    setup.guard.loop = emulatorLoopNew(&setup.options, setup.guard.status);
    g_assert_nonnull(setup.guard.loop);

    g_assert_cmpint(send(pair[1], &request, sizeof(request), 0), ==, sizeof(request));
    close(setup.peers[0]);
    close(setup.peers[1]);
    setup.peers[0] = setup.peers[1] = -1;

    pid = fork();
    g_assert_cmpint(pid, >=, 0);
    if (pid == 0) {
        alarm(60);
        emulatorLoopRun(setup.guard.loop);
        _exit(3);
    }
    g_assert_cmpint(waitpid(pid, &status, 0), ==, pid);
    g_assert_cmpint(status, ==, W_EXITCODE(3, 0));

    close(pair[0]);
    close(pair[1]);
    setupClear(&setup);
}


int
main(int argc,
     char **argv)
{
    testInit(&argc, &argv);

    g_test_add_func("/guard/end", testEnd);
    g_test_add_func("/guard/die-once", testDieOnce);
    g_test_add_func("/guard/persistent", testPersistent);
    g_test_add_func("/guard/no-process", testNoProcess);
    g_test_add_func("/guard/progress", testProgress);
    g_test_add_func("/guard/poison", testPoison);
    g_test_add_func("/guard/scribble", testScribble);
    g_test_add_func("/guard/scribbled", testScribbled);
    g_test_add_func("/guard/hang", testHang);
    g_test_add_func("/loop/end-during-request", testEndDuringRequest);

    return g_test_run();
}
