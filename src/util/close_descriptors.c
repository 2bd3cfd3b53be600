/*
 * close_descriptors.c: closing the descriptors that a program has inherited
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <config.h>

#include "close_descriptors.h"

#include <errno.h>
#include <limits.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

/* The number of the system call on all architectures, for older headers. */
#ifndef SYS_close_range
# define SYS_close_range 436
#endif

/* The number of descriptors that are closed one by one if the process has no limit, and the
 * maximum number */
#define CLOSE_UNLIMITED 65536
#define CLOSE_MAX (4 * 1024 * 1024)


bool
closeDescriptorsExceptSlowly(const int *keep,
                             size_t n)
{
    struct rlimit limit;
    int max = CLOSE_UNLIMITED;
    int fd;

    /* A descriptor can be above the limit if the limit was higher when it was opened. libvirt
     * does not lower the hard limit. */
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_max != RLIM_INFINITY)
        max = limit.rlim_max < CLOSE_MAX ? (int) limit.rlim_max : CLOSE_MAX;

    for (fd = STDERR_FILENO + 1; fd < max; fd++) {
        for (; n > 0 && *keep < fd; n--)
            keep++;
        if (n == 0 || *keep != fd)
            close(fd);
    }
    return true;
}


/* Returns whether the error means that close_range() is unsupported. Some containers report
 * system calls that their filter does not know with EPERM. */
static bool
isUnsupported(void)
{
    return errno == ENOSYS || errno == EPERM;
}


bool
closeDescriptorsExcept(const int *keep,
                       size_t n)
{
    unsigned int first = STDERR_FILENO + 1;
    size_t i;

    for (i = 0; i < n; i++) {
        const unsigned int fd = keep[i];

        if (first < fd && syscall(SYS_close_range, first, fd - 1, 0) < 0)
            return isUnsupported() && closeDescriptorsExceptSlowly(keep, n);
        first = fd + 1;
    }
    if (syscall(SYS_close_range, first, UINT_MAX, 0) < 0)
        return isUnsupported() && closeDescriptorsExceptSlowly(keep, n);
    return true;
}
