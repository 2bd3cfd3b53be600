/*
 * bench-transports.c: configuration reads and writes over both transports
 *
 * One pci-emulator with a device of each transport for each way of running
 * it (with a guard and without), and one client for all: it sends a request
 * that was made before and waits for the answer, as QEMU does. Batches take
 * turns within one run, so that what disturbs one disturbs all.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <config.h>

#include <glib.h>
#include <glib/gstdio.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "mpqemu.h"
#include "vfio_user.h"

#define ACCESSES 1000
#define WARMUP 5

/* What a request is, and the length of its answer */
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

/* A device of a running emulator */
typedef struct {
    const char *name;
    gboolean guarded;
    int fd;
    const Request *requests;            /* by kind */
    GArray *times[KIND_LAST];           /* double: ns per access of each batch */
} Target;


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


/* The first register is read, the interrupt line is written. */
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


/* Waits until the emulator is ready. */
static pid_t
startEmulator(const char *program,
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


static double
median(const Target *target,
       Kind kind)
{
    g_array_sort(target->times[kind], compareDoubles);
    return g_array_index(target->times[kind], double, target->times[kind]->len / 2);
}


int
main(void)
{
    const char *top = g_getenv("abs_top_builddir");
    const char *setting = g_getenv("BENCH_ROUNDS");
    const guint64 rounds = setting ? CLAMP(g_ascii_strtoull(setting, NULL, 10), 1, 10000) : 60;
    g_autofree char *program = g_build_filename(top ? top : ".", "src/emulator/pci-emulator", NULL);
    g_autofree char *dir = g_dir_make_tmp("emulatedpci.XXXXXX", NULL);
    Request mpqemu[KIND_LAST];
    Request vfioUser[KIND_LAST];
    Target targets[4];
    pid_t pids[2];
    guint64 round;
    gsize i;
    int kind;

    if (!dir)
        fail("temporary directory");
    makeMPQemu(mpqemu);
    makeVFIOUser(&vfioUser[KIND_READ], VFIO_USER_REGION_READ, 0, 4, NULL, 0);
    makeVFIOUser(&vfioUser[KIND_WRITE], VFIO_USER_REGION_WRITE, 0x3c, 1, "\x07", 1);

    for (i = 0; i < G_N_ELEMENTS(pids); i++) {
        g_autofree char *path = g_strdup_printf("%s/%zu", dir, i);
        const gboolean guarded = i == 0;
        int fds[2];

        if (socketpair(AF_UNIX, SOCK_STREAM, 0, fds) < 0)
            fail("socketpair");
        pids[i] = startEmulator(program, guarded, fds[1], path);
        close(fds[1]);
        targets[2 * i] = (Target) { "mpqemu", guarded, fds[0], mpqemu, { NULL, NULL } };
        targets[2 * i + 1] = (Target) { "vfio-user", guarded, connectTo(path), vfioUser, { NULL, NULL } };
        negotiate(targets[2 * i + 1].fd);
        g_unlink(path);
    }
    g_rmdir(dir);
    for (i = 0; i < G_N_ELEMENTS(targets); i++) {
        for (kind = 0; kind < KIND_LAST; kind++)
            targets[i].times[kind] = g_array_new(FALSE, FALSE, sizeof(double));
    }

    for (round = 0; round < WARMUP + rounds; round++) {
        for (kind = 0; kind < KIND_LAST; kind++) {
            for (i = 0; i < G_N_ELEMENTS(targets); i++)
                measure(&targets[i], kind, round >= WARMUP);
        }
    }

    g_print("configuration accesses, median of %" G_GUINT64_FORMAT " batches of %d, ns per access\n"
            "  %-24s %8s %8s\n", rounds, ACCESSES, "", "read", "write");
    for (i = 0; i < G_N_ELEMENTS(targets); i++) {
        g_autofree char *name = g_strdup_printf("%s%s", targets[i].name,
                                                targets[i].guarded ? "" : ", no guard");

        g_print("  %-24s %8.0f %8.0f\n", name,
                median(&targets[i], KIND_READ), median(&targets[i], KIND_WRITE));
    }
    g_print("  %-24s %8.2f %8.2f\n", "vfio-user / mpqemu",
            median(&targets[1], KIND_READ) / median(&targets[0], KIND_READ),
            median(&targets[1], KIND_WRITE) / median(&targets[0], KIND_WRITE));
    for (i = 0; i < 2; i++) {
        g_autofree char *name = g_strdup_printf("%s: guard / none", targets[i].name);

        g_print("  %-24s %8.2f %8.2f\n", name,
                median(&targets[i], KIND_READ) / median(&targets[i + 2], KIND_READ),
                median(&targets[i], KIND_WRITE) / median(&targets[i + 2], KIND_WRITE));
    }

    for (i = 0; i < G_N_ELEMENTS(targets); i++) {
        close(targets[i].fd);
        for (kind = 0; kind < KIND_LAST; kind++)
            g_array_free(targets[i].times[kind], TRUE);
    }
    for (i = 0; i < G_N_ELEMENTS(pids); i++)
        waitpid(pids[i], NULL, 0);
    return EXIT_SUCCESS;
}
