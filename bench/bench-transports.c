/*
 * bench-transports.c: configuration reads and writes over both transports
 *
 * Two pci-emulators, one with a guard and one without, have a device of each
 * transport. One client sends them requests that were prepared before, and
 * waits for each answer, as QEMU does.
 *
 * The processes are bound to CPUs, because this has the largest effect: a
 * request to a process on another, idle CPU takes at least twice as long,
 * and the scheduler keeps a placement for seconds. (Linux wakes a process on
 * the CPU where it ran if that CPU is idle, and else on the CPU of its waker.
 * In a virtual machine, a CPU does not count as idle if the host has descheduled
 * it because it was idle for long; it does if it was idle for microseconds, as
 * between two requests from another CPU. So either placement persists. With
 * a pause of 300 us or more before each batch, all processes were on the client's
 * CPU, and a request took 20 us, wherever they were at the beginning.)
 *
 * So each emulator runs twice: on the client's CPU, and on another one. Batches
 * are short; each round measures all of them, in alternating order, and only
 * batches of the same round are compared: other load affects them equally.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <config.h>

#include <glib.h>
#include <glib/gstdio.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "mpqemu.h"
#include "vfio_user.h"

#define ACCESSES 250
#define WARMUP 8

/* The limit of the time with a guard, relative to the time without */
#define GUARD_RATIO 1.10

/* A request, and the length of its reply */
typedef struct {
    guint8 data[64];
    gsize len;
    gsize reply;
} Request;

typedef enum {
    KIND_READ = 0,
    KIND_WRITE,

    KIND_LAST
} Kind;

/* The CPU on which an emulator runs */
typedef enum {
    PLACE_SAME = 0,     /* on the client's CPU */
    PLACE_OTHER,

    PLACE_LAST
} Place;

typedef enum {
    TRANSPORT_MPQEMU = 0,
    TRANSPORT_VFIO_USER,

    TRANSPORT_LAST
} Transport;

/* A device of a running emulator */
typedef struct {
    int fd;
    const Request *requests;            /* by kind */
    GArray *times[KIND_LAST];           /* double: ns per access of each batch */
} Target;

static const char *const transportNames[TRANSPORT_LAST] = {
    [TRANSPORT_MPQEMU] = "mpqemu",
    [TRANSPORT_VFIO_USER] = "vfio-user",
};

/* The devices of one place: [0] without a guard, [1] with a guard */
typedef Target Targets[2][TRANSPORT_LAST];


static void
fail(const char *what)
{
    g_printerr("%s: %s\n", what, g_strerror(errno));
    exit(EXIT_FAILURE);
}


static void
append(Request *request,
       gconstpointer data,
       gsize len)
{
    g_assert(request->len + len <= sizeof(request->data));
    memcpy(request->data + request->len, data, len);
    request->len += len;
}


/* Prepares requests that read the first register and write the interrupt line. */
static void
makeMPQemu(Request requests[KIND_LAST])
{
    const struct { gint32 cmd; guint32 padding; guint64 size; guint32 addr, val; gint32 len; } messages[] = {
        [KIND_READ] = { MPQEMU_CMD_PCI_CFGREAD, 0, 12, 0x00, 0, 4 },
        [KIND_WRITE] = { MPQEMU_CMD_PCI_CFGWRITE, 0, 12, 0x3c, 7, 1 },
    };
    int i;

    for (i = 0; i < KIND_LAST; i++) {
        requests[i] = (Request) { .reply = MPQEMU_REPLY_SIZE };
        append(&requests[i], &messages[i], 28);
    }
}


static void
makeVFIOUser(Request *request,
             guint16 command,
             guint64 offset,
             guint32 count,
             gconstpointer data,
             gsize len)
{
    const guint16 id[] = { 1, command };
    const guint32 header[] = { VFIO_USER_HEADER_SIZE + 16 + len, VFIO_USER_FLAGS_COMMAND, 0 };
    const guint32 where[] = { VFIO_USER_REGION_CONFIG, count };

    *request = (Request) { .reply = VFIO_USER_HEADER_SIZE + 16 + (data ? 0 : count) };
    append(request, id, sizeof(id));
    append(request, header, sizeof(header));
    append(request, &offset, sizeof(offset));
    append(request, where, sizeof(where));
    append(request, data ? data : "", len);
}


static void
transact(int fd,
         const guint8 *data,
         gsize len,
         gsize reply)
{
    guint8 buf[1024];
    gsize got = 0;

    if (send(fd, data, len, MSG_NOSIGNAL) != (gssize) len)
        fail("send");
    while (got < reply) {
        const ssize_t rc = recv(fd, buf + got, reply - got, 0);

        if (rc <= 0)
            fail("recv");
        got += rc;
    }
}


static void
negotiate(int fd)
{
    static const char answer[] = "{\"capabilities\":{}}";
    const guint16 message[] = { 1, VFIO_USER_VERSION, 20, 0, 0, 0, 0, 0, 0, 0 };

    transact(fd, (const guint8 *) message, sizeof(message), 20 + sizeof(answer));
}


/* Fills CPUS with CPUs that this process may run on. Returns their number, at most PLACE_LAST. */
static int
findCPUs(int cpus[PLACE_LAST])
{
    cpu_set_t set;
    int n = 0;
    int i;

    if (sched_getaffinity(0, sizeof(set), &set) < 0)
        fail("sched_getaffinity");
    for (i = 0; i < CPU_SETSIZE && n < PLACE_LAST; i++) {
        if (CPU_ISSET(i, &set))
            cpus[n++] = i;
    }
    return n;
}


/* Binds this process, and those that it starts afterwards, to CPU. */
static void
stayOn(int cpu)
{
    cpu_set_t set;

    CPU_ZERO(&set);
    CPU_SET(cpu, &set);
    if (sched_setaffinity(0, sizeof(set), &set) < 0)
        fail("sched_setaffinity");
}


/* Starts an emulator on CPU, and waits until it is ready. */
static pid_t
startEmulator(const char *program,
              int cpu,
              gboolean guarded,
              int theirs,
              const char *path)
{
    static const char fields[] = "devicename=bench,vendorid=0x5853,deviceid=0xc000,command=0,status=0,"
        "revision=1,classcode=0xff8000,headertype=0,subvendorid=1,subsystemid=1,interruptline=0,"
        "interruptpin=1";
    g_autofree char *mpqemu = g_strdup_printf("--device=fd=%d,%s", theirs, fields);
    g_autofree char *vfioUser = g_strdup_printf("--device=socket=%s,%s", path, fields);
    int ready[2];
    char byte;
    pid_t pid;

    if (pipe(ready) < 0 || (pid = fork()) < 0)
        fail("start");
    if (pid == 0) {
        g_autofree char *readyFd = g_strdup_printf("--ready-fd=%d", ready[1]);

        stayOn(cpu);
        execl(program, program, readyFd, mpqemu, vfioUser, guarded ? NULL : "--no-guard", NULL);
        _exit(127);
    }
    close(ready[1]);
    if (read(ready[0], &byte, 1) != 1) {
        g_printerr("%s does not start\n", program);
        exit(EXIT_FAILURE);
    }
    close(ready[0]);
    return pid;
}


static int
connectTo(const char *path)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    g_strlcpy(address.sun_path, path, sizeof(address.sun_path));
    if (fd < 0 || connect(fd, (struct sockaddr *) &address, sizeof(address)) < 0)
        fail(path);
    return fd;
}


/* Starts an emulator on CPU, and connects to its devices. */
static pid_t
openTargets(Target targets[TRANSPORT_LAST],
            const char *dir,
            int cpu,
            gboolean guarded)
{
    static Request requests[TRANSPORT_LAST][KIND_LAST];
    const char *top = g_getenv("abs_top_builddir");
    g_autofree char *program = g_build_filename(top ? top : ".", "src/emulator/pci-emulator", NULL);
    g_autofree char *path = g_strdup_printf("%s/socket", dir);
    int fds[2];
    pid_t pid;
    int i;
    int kind;

    makeMPQemu(requests[TRANSPORT_MPQEMU]);
    makeVFIOUser(&requests[TRANSPORT_VFIO_USER][KIND_READ], VFIO_USER_REGION_READ, 0, 4, NULL, 0);
    makeVFIOUser(&requests[TRANSPORT_VFIO_USER][KIND_WRITE], VFIO_USER_REGION_WRITE, 0x3c, 1, "\x07", 1);

    if (socketpair(AF_UNIX, SOCK_STREAM, 0, fds) < 0)
        fail("socketpair");
    targets[TRANSPORT_MPQEMU].fd = fds[0];
    pid = startEmulator(program, cpu, guarded, fds[1], path);
    close(fds[1]);
    targets[TRANSPORT_VFIO_USER].fd = connectTo(path);
    negotiate(targets[TRANSPORT_VFIO_USER].fd);
    g_unlink(path);

    for (i = 0; i < TRANSPORT_LAST; i++) {
        targets[i].requests = requests[i];
        for (kind = 0; kind < KIND_LAST; kind++)
            targets[i].times[kind] = g_array_new(FALSE, FALSE, sizeof(double));
    }
    return pid;
}


static void
closeTarget(Target *target)
{
    int kind;

    close(target->fd);
    for (kind = 0; kind < KIND_LAST; kind++)
        g_array_free(target->times[kind], TRUE);
}


static void
measure(Target *target,
        Kind kind,
        gboolean count)
{
    const Request *request = &target->requests[kind];
    struct timespec before;
    struct timespec after;
    double ns;
    int i;

    /* The first request may wait for work of the previous batch: it is not measured. */
    transact(target->fd, request->data, request->len, request->reply);

    clock_gettime(CLOCK_MONOTONIC, &before);
    for (i = 0; i < ACCESSES; i++)
        transact(target->fd, request->data, request->len, request->reply);
    clock_gettime(CLOCK_MONOTONIC, &after);

    ns = ((after.tv_sec - before.tv_sec) * 1e9 + (after.tv_nsec - before.tv_nsec)) / ACCESSES;
    if (count)
        g_array_append_val(target->times[kind], ns);
}


static int
compareDoubles(gconstpointer a,
               gconstpointer b)
{
    const double x = *(const double *) a;
    const double y = *(const double *) b;

    return (x > y) - (x < y);
}


/* Returns the median of VALUES, which it frees. */
static double
median(GArray *values)
{
    double result;

    g_array_sort(values, compareDoubles);
    result = g_array_index(values, double, values->len / 2);
    g_array_free(values, TRUE);
    return result;
}


static double
medianOf(const Target *target,
         Kind kind)
{
    return median(g_array_copy(target->times[kind]));
}


/* Returns the median of the ratios of A to B in all rounds. */
static double
ratioOf(const Target *a,
        const Target *b,
        Kind kind)
{
    GArray *ratios = g_array_new(FALSE, FALSE, sizeof(double));
    guint i;

    for (i = 0; i < a->times[kind]->len; i++) {
        const double ratio = g_array_index(a->times[kind], double, i) /
            g_array_index(b->times[kind], double, i);

        g_array_append_val(ratios, ratio);
    }
    return median(ratios);
}


static void
measureTurn(Targets *places,
            int nplaces,
            guint64 number,
            gboolean count)
{
    const int n = nplaces * KIND_LAST * TRANSPORT_LAST * 2;
    int i;

    for (i = 0; i < n; i++) {
        /* Batches with and without a guard follow each other. */
        const int at = number % 2 ? n - 1 - i : i;
        const int guarded = at % 2;
        const int transport = at / 2 % TRANSPORT_LAST;
        const int kind = at / 2 / TRANSPORT_LAST % KIND_LAST;

        measure(&places[at / 2 / TRANSPORT_LAST / KIND_LAST][guarded][transport], kind, count);
    }
}


static void
printRatio(const char *name,
           const Target *a,
           const Target *b)
{
    g_print("  %-24s %8.2f %8.2f", name, ratioOf(a, b, KIND_READ), ratioOf(a, b, KIND_WRITE));
}


static void
printPlace(Targets targets,
           Place place)
{
    int transport;
    int guarded;

    g_print("%-26s %8s %8s\n", place == PLACE_SAME ? "on the client's CPU" : "on another CPU", "read", "write");
    for (guarded = 1; guarded >= 0; guarded--) {
        for (transport = 0; transport < TRANSPORT_LAST; transport++) {
            const Target *target = &targets[guarded][transport];
            g_autofree char *name = g_strdup_printf("%s%s", transportNames[transport],
                                                    guarded ? "" : ", no guard");

            g_print("  %-24s %8.0f %8.0f\n", name, medianOf(target, KIND_READ),
                    medianOf(target, KIND_WRITE));
        }
    }
    printRatio("vfio-user / mpqemu", &targets[1][TRANSPORT_VFIO_USER], &targets[1][TRANSPORT_MPQEMU]);
    g_print("\n");
    for (transport = 0; transport < TRANSPORT_LAST; transport++) {
        const Target *with = &targets[1][transport];
        const Target *without = &targets[0][transport];
        g_autofree char *name = g_strdup_printf("%s: guard / none", transportNames[transport]);

        printRatio(name, with, without);
        /* On another CPU, the kernel's wakeup takes most of the time. */
        if (place == PLACE_SAME)
            g_print(" (at most %.2f: %s)", GUARD_RATIO,
                    ratioOf(with, without, KIND_READ) <= GUARD_RATIO ? "reached" : "NOT REACHED");
        g_print("\n");
    }
}


int
main(void)
{
    const char *setting = g_getenv("BENCH_ROUNDS");
    const guint64 rounds = setting ? CLAMP(g_ascii_strtoull(setting, NULL, 10), 1, 10000) : 200;
    g_autofree char *dir = g_dir_make_tmp("emulatedpci.XXXXXX", NULL);
    Targets places[PLACE_LAST];
    pid_t pids[PLACE_LAST][2];
    int cpus[PLACE_LAST] = { 0 };
    const int nplaces = findCPUs(cpus);
    guint64 round;
    int place;
    int guarded;
    int transport;

    if (!dir)
        fail("temporary directory");
    stayOn(cpus[PLACE_SAME]);
    for (place = 0; place < nplaces; place++) {
        for (guarded = 0; guarded < 2; guarded++)
            pids[place][guarded] = openTargets(places[place][guarded], dir, cpus[place], guarded);
    }
    g_rmdir(dir);

    for (round = 0; round < WARMUP + rounds; round++)
        measureTurn(places, nplaces, round, round >= WARMUP);

    g_print("configuration accesses, median of %" G_GUINT64_FORMAT " batches of %d, ns per access\n",
            rounds, ACCESSES);
    for (place = 0; place < nplaces; place++)
        printPlace(places[place], place);

    for (place = 0; place < nplaces; place++) {
        for (guarded = 0; guarded < 2; guarded++) {
            for (transport = 0; transport < TRANSPORT_LAST; transport++)
                closeTarget(&places[place][guarded][transport]);
            waitpid(pids[place][guarded], NULL, 0);
        }
    }
    return EXIT_SUCCESS;
}
