/*
 * answer.c: the smallest program that QEMU's x-pci-proxy-dev can work with
 *
 *   answer FD...
 *
 * bench-start.py compares the emulator with it, to find the part of the start time that QEMU
 * itself needs. A thread for each socket answers each request at once, without evaluating it.
 * There are no registers, no sandbox and no guard. It ends when QEMU has closed all sockets.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <config.h>

#include <glib.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "mpqemu.h"

typedef struct {
    gint32 cmd;
    guint32 padding;
    guint64 size;
} Header;


static gpointer
serve(gpointer opaque)
{
    const int fd = GPOINTER_TO_INT(opaque);
    const struct {
        Header header;
        guint64 value;
    } reply = { { MPQEMU_CMD_RET, 0, sizeof(guint64) }, 0 };
    guint8 data[1024];
    gsize len = 0;

    for (;;) {
        const ssize_t got = recv(fd, data + len, sizeof(data) - len, 0);
        Header header;

        if (got <= 0)
            return NULL;
        len += got;

        while (len >= sizeof(header)) {
            gsize size;

            memcpy(&header, data, sizeof(header));
            if (header.size > sizeof(data) - sizeof(header))
                return NULL;
            size = sizeof(header) + header.size;
            if (len < size)
                break;
            len -= size;
            memmove(data, data + size, len);
            if (header.cmd != MPQEMU_CMD_SYNC_SYSMEM && header.cmd != MPQEMU_CMD_SET_IRQFD &&
                send(fd, &reply, sizeof(reply), MSG_NOSIGNAL) < 0)
                return NULL;
        }
    }
}


int
main(int argc,
     char **argv)
{
    g_autoptr(GPtrArray) threads = g_ptr_array_new();
    guint i;

    for (i = 1; i < (guint) argc; i++) {
        gint64 fd;

        if (!g_ascii_string_to_signed(argv[i], 10, 0, G_MAXINT, &fd, NULL))
            return EXIT_FAILURE;
        g_ptr_array_add(threads, g_thread_new("answer", serve, GINT_TO_POINTER((gint) fd)));
    }
    for (i = 0; i < threads->len; i++)
        g_thread_join(g_ptr_array_index(threads, i));
    return EXIT_SUCCESS;
}
