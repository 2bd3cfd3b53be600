/*
 * launcherhelper.c: stands in for QEMU and for pci-emulator
 *
 * As qemu-*: writes what it finds itself to be (pid, arguments, descriptors,
 * /proc/self/status) to the file $HELPER_QEMU, says "hello N" on the N-th
 * emulated device's socket and reads the answer; then exits with
 * $HELPER_STATUS, or sends itself the signal $HELPER_SIGNAL.
 *
 * As pci-emulator: writes the same to $HELPER_EMULATOR, does what
 * $HELPER_MODE says ("die", "hang", "silent" or nothing), gets ready, and answers on its sockets
 * until they all end.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <config.h>

#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#define DEVICES_MAX 300

/* What a QEMU program has in it; the test makes other versions of it. */
static const char *const version = "QEMU emulator version 7.2.99 (stand-in)\n";
static const char *const driver = "x-pci-proxy-dev";


static void
dumpDescriptors(FILE *out)
{
    DIR *dir = opendir("/proc/self/fd");
    struct dirent *entry;

    while (dir && (entry = readdir(dir))) {
        char path[300];
        char target[300];
        int fd = atoi(entry->d_name);
        ssize_t len;

        if (entry->d_name[0] == '.' || fd == dirfd(dir) || fd == fileno(out))
            continue;
        snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
        len = readlink(path, target, sizeof(target) - 1);
        target[len > 0 ? len : 0] = '\0';
        fprintf(out, "fd %d %s", fd, target);
        fputc('\0', out);
    }
    if (dir)
        closedir(dir);
}


/* NUL-terminated records, each with its kind as first word. */
static void
dump(const char *file,
     int argc,
     char **argv)
{
    FILE *out;
    FILE *status;
    char line[300];
    struct rlimit limit;
    mode_t mask = umask(0);
    int i;

    umask(mask);
    if (!file || !(out = fopen(file, "we")))
        return;

    for (i = 0; i < argc; i++) {
        fprintf(out, "arg %s", argv[i]);
        fputc('\0', out);
    }
    dumpDescriptors(out);
    getrlimit(RLIMIT_NOFILE, &limit);
    fprintf(out, "pid %ld%cppid %ld%cumask %o%cnofile %ld%ccwd %s", (long) getpid(), 0,
            (long) getppid(), 0, mask, 0, (long) limit.rlim_cur, 0,
            getcwd(line, sizeof(line)) ? line : "");
    fputc('\0', out);
    status = fopen("/proc/self/status", "re");
    while (status && fgets(line, sizeof(line), status)) {
        line[strcspn(line, "\n")] = '\0';
        fprintf(out, "status %s", line);
        fputc('\0', out);
    }
    if (status)
        fclose(status);
    fclose(out);
}


static int
runQEMU(int argc,
        char **argv)
{
    const char *status = getenv("HELPER_STATUS");
    const char *signal = getenv("HELPER_SIGNAL");
    int device = 0;
    int i;

    if (argc == 2 && strcmp(argv[1], "--version") == 0) {
        fputs(version, stdout);
        return 0;
    }

    dump(getenv("HELPER_QEMU"), argc, argv);

    for (i = 2; i < argc; i++) {
        const char *at = strstr(argv[i], driver);
        char question[20];
        char answer[20];
        int fd = -1;

        if (!at || strcmp(argv[i - 1], "-device") != 0 ||
            sscanf(at + strlen(driver), "%*[^0-9]%d", &fd) != 1)
            continue;
        snprintf(question, sizeof(question), "hello %03d", device++);
        memset(answer, 0, sizeof(answer));
        if (write(fd, question, 9) != 9 || read(fd, answer, 9) != 9 || strcmp(question, answer) != 0) {
            fprintf(stderr, "device %d: no answer on %d\n", device - 1, fd);
            return 99;
        }
    }

    if (getenv("HELPER_WAIT"))
        pause();
    if (signal)
        raise(atoi(signal));
    return status ? atoi(status) : 0;
}


static int
runEmulator(int argc,
            char **argv)
{
    const char *mode = getenv("HELPER_MODE");
    struct pollfd polls[DEVICES_MAX];
    int ready = -1;
    int n = 0;
    int left;
    int i;

    dump(getenv("HELPER_EMULATOR"), argc, argv);
    if (mode && strcmp(mode, "die") == 0) {
        fputs("pci-emulator: says why it dies\n", stderr);
        return 3;
    }
    if (mode && strcmp(mode, "hang") == 0)
        pause();

    for (i = 1; i < argc && n < DEVICES_MAX; i++) {
        if (sscanf(argv[i], "--ready-fd=%d", &ready) == 1)
            continue;
        if (sscanf(argv[i], "fd=%d,", &polls[n].fd) == 1)
            polls[n++].events = POLLIN;
    }
    if (!mode || strcmp(mode, "silent") != 0) {
        if (write(ready, "R", 1) != 1)
            return 4;
    }
    close(ready);

    for (left = n; left > 0;) {
        if (poll(polls, n, -1) < 0)
            return 5;
        for (i = 0; i < n; i++) {
            char buf[10] = "";      /* "hello N" in nine bytes */

            if (polls[i].fd < 0 || polls[i].revents == 0)
                continue;
            if (read(polls[i].fd, buf, 9) == 9 && atoi(buf + 6) == i &&
                write(polls[i].fd, buf, 9) == 9)
                continue;
            close(polls[i].fd);
            polls[i].fd = -1;
            left--;
        }
    }
    return 0;
}


int
main(int argc,
     char **argv)
{
    if (strstr(argv[0], "pci-emulator"))
        return runEmulator(argc, argv);
    return runQEMU(argc, argv);
}
