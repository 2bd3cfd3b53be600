/*
 * emulator_socket.c: UNIX sockets with a name in the file system
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <config.h>

#include "emulator_socket.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>


/* The file never has other permissions than MODE, not even for a moment. */
static int
bindWithMode(int fd,
             const struct sockaddr_un *address,
             mode_t mode)
{
    const mode_t mask = umask(~mode & 0777);
    const int rc = bind(fd, (const struct sockaddr *) address, sizeof(*address));
    const int error = errno;

    umask(mask);
    errno = error;
    return rc;
}


int
emulatorSocketListen(const char *path,
                     int type,
                     mode_t mode)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    int error;
    int fd;

    if (strlen(path) >= sizeof(address.sun_path)) {
        errno = ENAMETOOLONG;
        return -1;
    }
    memcpy(address.sun_path, path, strlen(path));

    fd = socket(AF_UNIX, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return -1;

    if (bindWithMode(fd, &address, mode) == 0) {
        if (listen(fd, 16) == 0)
            return fd;

        error = errno;
        unlink(path);
        errno = error;
    }

    error = errno;
    close(fd);
    errno = error;
    return -1;
}
