/*
 * stubdomain_namespaces.c: creates the namespaces of a process
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <config.h>

#include "stubdomain_namespaces.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "gettext.h"

#define _(s) gettext(s)

/* The user nobody inside of the namespace: a program that is not root there loses all privileges
 * in the namespaces when it is executed. */
#define STUBDOMAIN_ID 65534

/* A directory of every system, on which the empty root is mounted temporarily */
#define STUBDOMAIN_MOUNT_POINT "/proc"

#define STUBDOMAIN_MOUNT_FLAGS (MS_NOSUID | MS_NODEV | MS_NOEXEC)


static int
failed(const char **what,
       const char *message)
{
    *what = message;
    return -1;
}


static int
writeFile(const char *path,
          const char *text)
{
    const int fd = open(path, O_WRONLY | O_CLOEXEC);
    const ssize_t len = strlen(text);
    int saved;
    int rc;

    if (fd < 0)
        return -1;
    rc = write(fd, text, len) == len ? 0 : -1;
    saved = errno;
    close(fd);
    errno = saved;
    return rc;
}


/* Maps user and group to nobody. user_namespaces(7) tells why this is all
 * that a process without privileges can do, and why setgroups comes first. */
static int
mapIds(uid_t uid,
       gid_t gid)
{
    char map[64];

    if (writeFile("/proc/self/setgroups", "deny") < 0)
        return -1;
    snprintf(map, sizeof(map), "%u %u 1", (unsigned int) STUBDOMAIN_ID, (unsigned int) gid);
    if (writeFile("/proc/self/gid_map", map) < 0)
        return -1;
    snprintf(map, sizeof(map), "%u %u 1", (unsigned int) STUBDOMAIN_ID, (unsigned int) uid);
    return writeFile("/proc/self/uid_map", map);
}


int
stubdomainEnter(const char **what)
{
    static const char hostname[] = "stubdomain";
    const uid_t uid = geteuid();
    const gid_t gid = getegid();

    if (unshare(CLONE_NEWUSER) < 0)
        return failed(what, _("cannot create a user namespace"));
    if (mapIds(uid, gid) < 0)
        return failed(what, _("cannot set up the user namespace"));
    if (unshare(CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS) < 0)
        return failed(what, _("cannot create mount, pid, network, IPC and UTS namespaces"));

    if (sethostname(hostname, strlen(hostname)) < 0)
        return failed(what, _("cannot set the host name"));

    /* Mounts in this namespace are not visible outside of it. */
    if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
        return failed(what, _("cannot detach the mount namespace"));
    return 0;
}


int
stubdomainEmptyRoot(const char **what)
{
    /* pivot_root() moves all processes whose root, or working directory, is
     * the old one. Both places being the same directory, the old root comes
     * to lie over the new one, from where it is taken away: pivot_root(2),
     * NOTES. */
    if (mount("none", STUBDOMAIN_MOUNT_POINT, "tmpfs", STUBDOMAIN_MOUNT_FLAGS,
              "size=4k,nr_inodes=4,mode=0555") < 0)
        return failed(what, _("cannot mount an empty root directory"));
    if (chdir(STUBDOMAIN_MOUNT_POINT) < 0 || syscall(SYS_pivot_root, ".", ".") < 0 ||
        umount2(".", MNT_DETACH) < 0 || chdir("/") < 0 ||
        mount(NULL, "/", NULL, MS_REMOUNT | MS_BIND | MS_RDONLY | STUBDOMAIN_MOUNT_FLAGS, NULL) < 0)
        return failed(what, _("cannot change to an empty root directory"));
    return 0;
}


int
stubdomainDropPrivileges(const char **what)
{
    struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
    struct __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3];

    memset(none, 0, sizeof(none));
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ||
        syscall(SYS_capset, &header, none) < 0)
        return failed(what, _("cannot give up privileges"));
    return 0;
}
