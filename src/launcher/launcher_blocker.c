/*
 * launcher_blocker.c: makes QEMU refuse to save or migrate a guest
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <config.h>

#include "launcher_blocker.h"
#include "launcher_fds.h"

#include "full-write.h"
#include "gettext.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define _(s) gettext(s)

/* Offsets in the image. Numbers in it are little-endian. */
enum {
    IMAGE_SIGNATURE = 0x40,
    IMAGE_VERSION = 0x44,
    IMAGE_HEADER_SIZE = 0x48,
    IMAGE_TYPE = 0x4c,
    IMAGE_MAP_OFFSET = 0x154,
    IMAGE_DATA_OFFSET = 0x158,
    IMAGE_SECTOR_SIZE = 0x168,
    IMAGE_DISK_SIZE = 0x170,
    IMAGE_BLOCK_SIZE = 0x178,
    IMAGE_BLOCKS = 0x180,
    IMAGE_UUID = 0x188,
    IMAGE_MAP = 0x200,
};

#define IMAGE_BLOCK 0x100000

/* The name of the file in memory and of the descriptor set. Users do not see it. */
#define BLOCKER_NAME "emulated-pci-device-registers"


static void
imagePut(guint8 *image,
         gsize offset,
         guint32 value)
{
    const guint32 bytes = GUINT32_TO_LE(value);

    memcpy(image + offset, &bytes, sizeof(bytes));
}


void
launcherBlockerFillImage(guint8 image[LAUNCHER_BLOCKER_SIZE])
{
    memset(image, 0, LAUNCHER_BLOCKER_SIZE);
    g_strlcpy((char *) image, BLOCKER_NAME "\n", IMAGE_SIGNATURE);
    imagePut(image, IMAGE_SIGNATURE, 0xbeda107f);
    imagePut(image, IMAGE_VERSION, 0x00010001);
    imagePut(image, IMAGE_HEADER_SIZE, 0x180);
    imagePut(image, IMAGE_TYPE, 1);
    imagePut(image, IMAGE_MAP_OFFSET, IMAGE_MAP);
    imagePut(image, IMAGE_DATA_OFFSET, LAUNCHER_BLOCKER_SIZE);
    imagePut(image, IMAGE_SECTOR_SIZE, 512);
    imagePut(image, IMAGE_DISK_SIZE, IMAGE_BLOCK);
    imagePut(image, IMAGE_BLOCK_SIZE, IMAGE_BLOCK);
    imagePut(image, IMAGE_BLOCKS, 1);
    imagePut(image, IMAGE_UUID, 1);
    /* The map has one entry: a block that is not allocated. */
    imagePut(image, IMAGE_MAP, G_MAXUINT32);
}


/* Returns a read-only descriptor of the image, because QEMU checks its access mode; or -1 with
 * errno set. */
static int
launcherBlockerOpen(void)
{
    const int seals = F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE;
    guint8 image[LAUNCHER_BLOCKER_SIZE];
    g_autofree char *path = NULL;
    int fd = memfd_create(BLOCKER_NAME, MFD_CLOEXEC | MFD_ALLOW_SEALING);
    int readable = -1;

    if (fd < 0)
        return -1;

    launcherBlockerFillImage(image);
    if (full_write(fd, image, sizeof(image)) == sizeof(image) &&
        fcntl(fd, F_ADD_SEALS, seals) == 0) {
        path = g_strdup_printf("/proc/self/fd/%d", fd);
        readable = open(path, O_RDONLY | O_CLOEXEC);
    }
    launcherFdsClose(&fd);
    if (readable >= 0)
        launcherFdsRaise(&readable);
    return readable;
}


gboolean
launcherBlockerAdd(GPtrArray *args,
                   QEMUUnmovable reason,
                   const char *alias,
                   GError **err)
{
    g_autofree char *node = qemuUnmovableFormatNode(reason, alias);
    int fd = launcherBlockerOpen();

    if (fd < 0 || !launcherFdsInherit(fd)) {
        emulatedPCIReportError(err, VIR_ERR_INTERNAL_ERROR,
                               _("cannot create the image that prevents QEMU from migrating: %1$s"),
                               g_strerror(errno));
        launcherFdsClose(&fd);
        return FALSE;
    }

    g_ptr_array_add(args, g_strdup("-add-fd"));
    g_ptr_array_add(args, g_strdup_printf("fd=%d,set=%d,opaque=" BLOCKER_NAME, fd,
                                          LAUNCHER_BLOCKER_FDSET));
    g_ptr_array_add(args, g_strdup("-blockdev"));
    g_ptr_array_add(args, g_strdup_printf("{\"driver\":\"vdi\",\"node-name\":\"%s\","
                                          "\"read-only\":true,\"file\":{\"driver\":\"file\","
                                          "\"filename\":\"/dev/fdset/%d\",\"locking\":\"off\"}}",
                                          node, LAUNCHER_BLOCKER_FDSET));
    return TRUE;
}
