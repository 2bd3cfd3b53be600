/*
 * qemu_programs.c: a cache of the features of QEMU programs
 *
 * The cache has one word for each program: the upper bits identify the file, the lower bits are its
 * features.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <config.h>

#include "qemu_programs.h"

#include <sys/mman.h>
#include <sys/stat.h>

#define PROGRAMS 16

/* The lower bits: whether it is a QEMU, three of its flags, and its version. */
#define FOUND_IS_QEMU (1u << 0)
#define FOUND_KNOWN (1u << 1)
#define FOUND_PROXY (1u << 2)
#define FOUND_VFIO_USER (1u << 3)
#define FOUND_MINOR_SHIFT 4
#define FOUND_MAJOR_SHIFT 12
#define FOUND_NUMBER_MAX 0xff
#define FOUND_MASK 0xfffffu

static guint64 *programs;


void
qemuProgramsInit(void)
{
    void *shared = mmap(NULL, PROGRAMS * sizeof(guint64), PROT_READ | PROT_WRITE,
                        MAP_SHARED | MAP_ANONYMOUS, -1, 0);

    if (shared != MAP_FAILED)
        programs = shared;
}


/* Returns the FNV-1a hash of the values that change with the file, or 0 on failure. */
static guint64
programsFileKey(const char *path)
{
    guint64 hash = G_GUINT64_CONSTANT(0xcbf29ce484222325);
    guint64 part[5];
    struct stat sb;
    gsize i;

    if (stat(path, &sb) < 0)
        return 0;
    part[0] = sb.st_dev;
    part[1] = sb.st_ino;
    part[2] = sb.st_size;
    part[3] = sb.st_mtim.tv_sec;
    part[4] = sb.st_mtim.tv_nsec;
    for (i = 0; i < sizeof(part); i++) {
        hash ^= ((const guint8 *) part)[i];
        hash *= G_GUINT64_CONSTANT(0x100000001b3);
    }
    return hash & ~(guint64) FOUND_MASK;
}


static guint
programsPack(const QEMUProgram *qemu)
{
    return FOUND_IS_QEMU | (qemu->known ? FOUND_KNOWN : 0) | (qemu->proxy ? FOUND_PROXY : 0) |
        (qemu->vfioUser ? FOUND_VFIO_USER : 0) |
        (guint) MIN(qemu->minor, FOUND_NUMBER_MAX) << FOUND_MINOR_SHIFT |
        (guint) MIN(qemu->major, FOUND_NUMBER_MAX) << FOUND_MAJOR_SHIFT;
}


static gboolean
programsUnpack(guint found, QEMUProgram *qemu)
{
    *qemu = (QEMUProgram) {
        .major = found >> FOUND_MAJOR_SHIFT & FOUND_NUMBER_MAX,
        .minor = found >> FOUND_MINOR_SHIFT & FOUND_NUMBER_MAX,
        .known = (found & FOUND_KNOWN) != 0,
        .proxy = (found & FOUND_PROXY) != 0,
        .vfioUser = (found & FOUND_VFIO_USER) != 0,
    };
    return (found & FOUND_IS_QEMU) != 0;
}


gboolean
qemuProgramsGet(const char *path, QEMUProgram *qemu, void *opaque G_GNUC_UNUSED)
{
    guint64 key = programs ? programsFileKey(path) : 0;
    guint64 *slot;
    guint64 known;
    guint found;

    if (key == 0)
        return qemuProgramReadFile(qemu, path);

    slot = &programs[(key >> 32) % PROGRAMS];
    known = __atomic_load_n(slot, __ATOMIC_RELAXED);
    if ((known & ~(guint64) FOUND_MASK) == key)
        return programsUnpack(known & FOUND_MASK, qemu);

    found = qemuProgramReadFile(qemu, path) ? programsPack(qemu) : 0;
    __atomic_store_n(slot, key | found, __ATOMIC_RELAXED);
    return programsUnpack(found, qemu);
}
