/*
 * launcherhelper.c: stands in for QEMU and for pci-emulator
 *
 * As qemu-*: writes its pid, arguments, descriptors and /proc/self/status to the file
 * $HELPER_QEMU. Sends "hello" on the socket of each emulated device, to which it connects if the
 * socket is a path, and writes the reply to the file. Then exits with status $HELPER_STATUS, or
 * sends itself the signal $HELPER_SIGNAL.
 *
 * As pci-emulator, or with a name that ends in this: writes the same data to $HELPER_EMULATOR
 * followed by its pid, misbehaves as $HELPER_MODE requests ("die", "hang" or "silent"), reports
 * that it is ready, and replies on each socket with the device's name until all sockets end.
 * An argument --mode=MODE replaces the variable.
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
#include <sys/param.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define DEVICES_MAX 300

/* "hello", or a device's name, and NULs */
#define WORD 32

/* The strings that a QEMU program contains; the test creates other versions of it. */
static const char *const version = "QEMU emulator version 7.2.99 (stand-in)\n";
static const char *const driver = "x-pci-proxy-dev";
/* volatile: the program must contain the string, so that the test can change it */
static const char *const volatile vfioUser = "vfio-user-xxx";


/* Returns the decimal number at the start of TEXT, or 0. */
static int
number(const char *text)
{
    return (int) strtol(text, NULL, 10);
}


static void
dumpDescriptors(FILE *out)
{
    DIR *dir = opendir("/proc/self/fd");
    struct dirent *entry;

    while (dir && (entry = readdir(dir))) {
        char path[300];
        char target[300];
        int fd = number(entry->d_name);
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


/* Writes NUL-terminated records, each with its kind as first word. */
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


/* Returns a UNIX socket for the path that starts at FROM and ends with END: a listening one if
 * SERVER, otherwise a connected one. */
static int
openSocket(const char *from,
           const char *end,
           int server)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    memcpy(address.sun_path, from, strcspn(from, end));
    if (server ? bind(fd, (struct sockaddr *) &address, sizeof(address)) < 0 || listen(fd, 1) < 0
               : connect(fd, (struct sockaddr *) &address, sizeof(address)) < 0) {
        perror(address.sun_path);
        exit(EXIT_FAILURE);
    }
    return fd;
}


/* Returns the socket of the emulated device in ARG; -1 if it is not one. */
static int
deviceConnect(const char *arg)
{
    const char *at = strstr(arg, driver);

    if (at) {
        at += strlen(driver);
        at += strcspn(at, "0123456789");
        if (*at)
            return number(at);
    }
    at = strstr(arg, "\"socket\":{\"type\":\"unix\",\"path\":\"");
    if (at && strstr(arg, vfioUser))
        return openSocket(strchr(at, '/'), "\"", 0);
    return -1;
}


static int
runQEMU(int argc,
        char **argv)
{
    const char *status = getenv("HELPER_STATUS");
    const char *signal = getenv("HELPER_SIGNAL");
    FILE *out;
    int i;

    if (argc == 3 && strcmp(argv[1], "-device") == 0 && strstr(argv[2], ",help")) {
        printf("%s options:\n  x-y=<bool>\n", vfioUser);
        return 0;
    }
    if (argc == 2 && strcmp(argv[1], "--version") == 0) {
        fputs(version, stdout);
        return 0;
    }

    dump(getenv("HELPER_QEMU"), argc, argv);

    out = getenv("HELPER_QEMU") ? fopen(getenv("HELPER_QEMU"), "ae") : NULL;
    for (i = 2; i < argc; i++) {
        char word[WORD] = "hello";
        int fd;

        if (strcmp(argv[i - 1], "-device") != 0 || (fd = deviceConnect(argv[i])) == -1)
            continue;
        if (write(fd, word, WORD) != WORD || read(fd, word, WORD) != WORD) {
            fprintf(stderr, "%s: no answer on %d\n", argv[i], fd);
            return 99;
        }
        if (out) {
            fprintf(out, "answer %s", word);
            fputc('\0', out);
        }
    }
    if (out)
        fclose(out);

    if (getenv("HELPER_WAIT"))
        pause();
    if (signal)
        raise(number(signal));
    return status ? number(status) : 0;
}


static int
runEmulator(int argc,
            char **argv)
{
    const char *mode = getenv("HELPER_MODE");
    struct pollfd polls[DEVICES_MAX];
    char words[DEVICES_MAX][WORD];
    char file[300];
    int ready = -1;
    int n = 0;
    int left;
    int i;

    snprintf(file, sizeof(file), "%s.%d", getenv("HELPER_EMULATOR"), (int) getpid());
    if (getenv("HELPER_EMULATOR"))
        dump(file, argc, argv);
    for (i = 1; i < argc; i++) {
        if (strncmp(argv[i], "--mode=", 7) == 0)
            mode = argv[i] + 7;
    }
    if (mode && strcmp(mode, "die") == 0) {
        fputs("pci-emulator: says why it dies\n", stderr);
        return 3;
    }
    if (mode && strcmp(mode, "hang") == 0)
        pause();

    for (i = 1; i < argc && n < DEVICES_MAX; i++) {
        const char *name;

        if (strncmp(argv[i], "--ready-fd=", 11) == 0) {
            ready = number(argv[i] + 11);
            continue;
        }
        if (strncmp(argv[i], "socket=", 7) == 0)
            polls[n].fd = openSocket(argv[i] + 7, ",", 1);
        else if (strncmp(argv[i], "fd=", 3) == 0)
            polls[n].fd = number(argv[i] + 3);
        else
            continue;
        memset(words[n], 0, WORD);
        name = strstr(argv[i], "devicename=") + 11;
        memcpy(words[n], name, MIN(strcspn(name, ","), WORD - 1));
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
            char word[WORD];
            int fd;

            if (polls[i].fd < 0 || polls[i].revents == 0)
                continue;
            fd = accept(polls[i].fd, NULL, NULL);
            if (fd >= 0) {
                close(polls[i].fd);
                polls[i].fd = fd;
                continue;
            }
            if (read(polls[i].fd, word, WORD) == WORD && strcmp(word, "hello") == 0 &&
                write(polls[i].fd, words[i], WORD) == WORD)
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
    const size_t len = strlen(argv[0]);

    if (len >= 12 && strcmp(argv[0] + len - 12, "pci-emulator") == 0)
        return runEmulator(argc, argv);
    return runQEMU(argc, argv);
}
