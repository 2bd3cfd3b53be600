/*
 * emulators.c: the emulator processes of this machine
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <config.h>

#include "emulators.h"

#include "emulator_status.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define EMULATORS_LINK "/memfd:" EMULATOR_STATUS_NAME


static void
emulatorsDeviceFree(void *opaque)
{
    EmulatorsDevice *device = opaque;

    g_free(device->devicename);
    g_free(device->transport);
    g_free(device->domain);
    g_free(device);
}


static void
emulatorsFree(void *opaque)
{
    Emulator *emulator = opaque;

    g_ptr_array_unref(emulator->devices);
    g_free(emulator);
}


/* Returns a string from an untrusted process, with only printable ASCII characters. */
static char *
emulatorsCopyString(const char *str, gsize max)
{
    char *copy = g_strndup(str, max);

    return g_strcanon(copy, G_CSET_A_2_Z G_CSET_a_2_z G_CSET_DIGITS "._-", '?');
}


/* Returns the name that libvirt gave to the QEMU process PID: -name guest=NAME,... with commas
 * doubled. Returns NULL if it is none of libvirt's. */
static char *
emulatorsReadDomain(gint64 pid)
{
    g_autofree char *path = g_strdup_printf("/proc/%" G_GINT64_FORMAT "/cmdline", pid);
    g_autofree char *cmdline = NULL;
    GString *name = NULL;
    const char *p;
    gsize len;

    if (!g_file_get_contents(path, &cmdline, &len, NULL))
        return NULL;

    for (p = cmdline; p < cmdline + len; p += strlen(p) + 1) {
        if (strcmp(p, "-name") == 0)
            break;
    }
    if (p >= cmdline + len)
        return NULL;
    p += strlen(p) + 1;
    if (p >= cmdline + len || !g_str_has_prefix(p, "guest="))
        return NULL;

    name = g_string_new(NULL);
    for (p += strlen("guest="); *p; p++) {
        if (*p == ',' && *++p != ',')
            break;
        g_string_append_c(name, g_ascii_iscntrl(*p) ? '?' : *p);
    }
    return g_string_free(name, FALSE);
}


/* Returns a number in /proc/PID/status: the last one of the line that begins with NAME, such as
 * "\nPPid:". Returns 0 if there is none. */
static guint64
emulatorsReadStatus(gint64 pid,
                    const char *name)
{
    g_autofree char *path = g_strdup_printf("/proc/%" G_GINT64_FORMAT "/status", pid);
    g_autofree char *status = NULL;
    g_auto(GStrv) numbers = NULL;
    guint64 number = 0;
    const char *found;
    gsize i;

    if (!g_file_get_contents(path, &status, NULL, NULL) || !(found = strstr(status, name)))
        return 0;

    found += strlen(name);
    status[found - status + strcspn(found, "\n")] = '\0';
    numbers = g_strsplit_set(found, " \t", -1);
    for (i = 0; numbers[i]; i++) {
        if (g_ascii_isdigit(*numbers[i]))
            number = g_ascii_strtoull(numbers[i], NULL, 10);
    }
    return number;
}


/* Returns the size of the anonymous and shared memory of the process PID, in KiB. */
static guint64
emulatorsReadMemory(gint64 pid)
{
    return emulatorsReadStatus(pid, "\nRssAnon:") + emulatorsReadStatus(pid, "\nRssShmem:");
}


/* Returns the pid of the child of the guard PID that has the number WORKER in their pid namespace,
 * where the guard has the number INNER. Returns 0 if there is none. */
static gint64
emulatorsFindWorker(gint64 pid, gint64 inner, gint64 worker)
{
    g_autofree char *path = NULL;
    g_autofree char *children = NULL;
    g_auto(GStrv) pids = NULL;
    gsize i;

    if (inner == pid)
        return worker;

    path = g_strdup_printf("/proc/%" G_GINT64_FORMAT "/task/%" G_GINT64_FORMAT "/children", pid, pid);
    if (!g_file_get_contents(path, &children, NULL, NULL))
        return 0;
    pids = g_strsplit(children, " ", -1);
    for (i = 0; pids[i]; i++) {
        const gint64 child = g_ascii_strtoll(pids[i], NULL, 10);

        if (child > 0 && emulatorsReadStatus(child, "\nNSpid:") == (guint64) worker)
            return child;
    }
    return 0;
}


static void
emulatorsAddDevice(Emulator *emulator, const EmulatorStatusDevice *from)
{
    EmulatorsDevice *device = g_new0(EmulatorsDevice, 1);

    device->devicename = emulatorsCopyString(from->devicename, sizeof(from->devicename));
    device->transport = emulatorsCopyString(from->transport, sizeof(from->transport));
    device->requests = emulatorDeviceServed(&from->device);
    device->closed = from->closed != 0;
    if (from->peer > 0 && from->peer != emulator->pid &&
        (device->domain = emulatorsReadDomain(from->peer)))
        device->qemu = from->peer;
    g_ptr_array_add(emulator->devices, device);
}


/* Reads the memory file @fd of process @pid. Returns NULL if it is not an emulator's, or has
 * another version. */
static Emulator *
emulatorsRead(int fd, gint64 pid)
{
    const gsize max = sizeof(EmulatorStatus) + EMULATOR_DEVICES_MAX * sizeof(EmulatorStatusDevice);
    g_autofree EmulatorStatus *status = g_malloc(max);
    const ssize_t got = pread(fd, status, max, 0);
    const guint64 inner = emulatorsReadStatus(pid, "\nNSpid:");
    Emulator *emulator;
    struct timespec now;
    guint64 elapsed;
    gsize i;

    if (got < (ssize_t) sizeof(*status) ||
        memcmp(status->magic, EMULATOR_STATUS_MAGIC, sizeof(status->magic)) != 0 ||
        status->version != EMULATOR_STATUS_VERSION ||
        status->deviceSize != sizeof(*status->devices) ||
        status->ndevices > EMULATOR_DEVICES_MAX ||
        got != (ssize_t) (sizeof(*status) + status->ndevices * sizeof(*status->devices)))
        return NULL;

    clock_gettime(CLOCK_BOOTTIME, &now);
    elapsed = now.tv_sec * G_GUINT64_CONSTANT(1000000000) + now.tv_nsec;
    elapsed = elapsed > status->started ? elapsed - status->started : 0;

    emulator = g_new0(Emulator, 1);
    emulator->pid = pid;
    emulator->guarded = inner != (guint64) status->worker;
    emulator->worker = emulator->guarded ? emulatorsFindWorker(pid, inner, status->worker) : pid;
    emulator->uptime = elapsed / G_GUINT64_CONSTANT(1000000000);
    emulator->restarts = status->restarts;
    emulator->memory = emulatorsReadMemory(pid) +
        (emulator->guarded ? emulatorsReadMemory(emulator->worker) : 0);
    emulator->devices = g_ptr_array_new_with_free_func(emulatorsDeviceFree);
    for (i = 0; i < status->ndevices; i++)
        emulatorsAddDevice(emulator, &status->devices[i]);
    return emulator;
}


/* Returns the memory file that the process of the directory PROC has, or -1. */
static int
emulatorsOpen(const char *proc)
{
    g_autofree char *path = g_build_filename(proc, "fd", NULL);
    g_autoptr(GDir) dir = g_dir_open(path, 0, NULL);
    const char *name;

    while (dir && (name = g_dir_read_name(dir))) {
        g_autofree char *link = g_build_filename(path, name, NULL);
        g_autofree char *target = g_file_read_link(link, NULL);

        if (target && g_str_has_prefix(target, EMULATORS_LINK))
            return open(link, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    }
    return -1;
}


/* A guard and its worker have the same file: the guard counts. A worker that is being replaced
 * looks like a guard, but the guard is its parent. */
static void
emulatorsAdd(GPtrArray *emulators, GHashTable *seen, Emulator *emulator, ino_t inode)
{
    const gpointer key = GSIZE_TO_POINTER(inode);
    Emulator *other;
    gpointer index;

    if (!g_hash_table_lookup_extended(seen, key, NULL, &index)) {
        g_hash_table_insert(seen, key, GUINT_TO_POINTER(emulators->len));
        g_ptr_array_add(emulators, emulator);
        return;
    }

    other = emulators->pdata[GPOINTER_TO_UINT(index)];
    if (emulator->guarded &&
        !(other->guarded && emulatorsReadStatus(emulator->pid, "\nPPid:") == (guint64) other->pid)) {
        emulatorsFree(other);
        emulators->pdata[GPOINTER_TO_UINT(index)] = emulator;
    } else {
        emulatorsFree(emulator);
    }
}


static int
emulatorsCompare(const void *a, const void *b)
{
    const Emulator *x = *(Emulator *const *) a;
    const Emulator *y = *(Emulator *const *) b;

    return (x->pid > y->pid) - (x->pid < y->pid);
}


GPtrArray *
emulatorsFind(void)
{
    GPtrArray *emulators = g_ptr_array_new_with_free_func(emulatorsFree);
    g_autoptr(GHashTable) seen = g_hash_table_new(NULL, NULL);
    g_autoptr(GDir) dir = g_dir_open("/proc", 0, NULL);
    const char *name;

    while (dir && (name = g_dir_read_name(dir))) {
        const gint64 pid = g_ascii_strtoll(name, NULL, 10);
        g_autofree char *proc = g_build_filename("/proc", name, NULL);
        Emulator *emulator;
        struct stat sb;
        int fd;

        if (pid <= 0 || (fd = emulatorsOpen(proc)) < 0)
            continue;
        if (fstat(fd, &sb) == 0 && S_ISREG(sb.st_mode) && (emulator = emulatorsRead(fd, pid)))
            emulatorsAdd(emulators, seen, emulator, sb.st_ino);
        close(fd);
    }
    g_ptr_array_sort(emulators, emulatorsCompare);
    return emulators;
}
