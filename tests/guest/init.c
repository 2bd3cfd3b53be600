/*
 * init.c: all that the test guest runs
 *
 * Started by the kernel as /init of an initramfs, it prints the
 * configuration space of every PCI device on the console, between two marker
 * lines, in the format of lspci -x (so that lspci -F can decode it), and then
 * does what the kernel command line says:
 *
 *   emulatedpci.then=poweroff    power off (the default)
 *   emulatedpci.then=wait        stay, and obey lines on the console:
 *                                "poweroff", "print" (all once more)
 *
 * Statically linked; knows nothing of what the devices should be.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <config.h>

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <termios.h>
#include <unistd.h>

#define CONFIG_SIZE 256
#define DEVICES "/sys/bus/pci/devices"


/* The whole space from sysfs, which reads it from the device. */
static void
printDevice(const char *name)
{
    unsigned char config[CONFIG_SIZE];
    char path[PATH_MAX];
    ssize_t got;
    int fd;
    int i;

    snprintf(path, sizeof(path), DEVICES "/%s/config", name);
    fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        printf("# %s: cannot open its configuration space\n", name);
        return;
    }
    got = pread(fd, config, sizeof(config), 0);
    close(fd);
    if (got != CONFIG_SIZE) {
        printf("# %s: %zd bytes of configuration space\n", name, got);
        return;
    }

    printf("%s PCI device\n", name);
    for (i = 0; i < CONFIG_SIZE; i++) {
        if (i % 16 == 0)
            printf("%02x:", (unsigned int) i);
        printf(" %02x%s", config[i], i % 16 == 15 ? "\n" : "");
    }
    printf("\n");
}


static void
printDevices(void)
{
    struct dirent **names = NULL;
    int n = scandir(DEVICES, &names, NULL, alphasort);
    int count = 0;
    int i;

    printf("\n=== emulatedpci: begin\n");
    for (i = 0; i < n; i++) {
        if (names[i]->d_name[0] != '.') {
            printDevice(names[i]->d_name);
            count++;
        }
        free(names[i]);
    }
    free(names);
    printf("=== emulatedpci: end, %d devices\n", count);
    fflush(stdout);
    tcdrain(STDOUT_FILENO);
}


/* Returns when the guest shall power off. */
static void
waitForRequest(void)
{
    char line[80];

    printf("=== emulatedpci: waiting\n");
    fflush(stdout);

    while (fgets(line, sizeof(line), stdin)) {
        if (strncmp(line, "poweroff", strlen("poweroff")) == 0)
            return;
        if (strncmp(line, "print", strlen("print")) == 0)
            printDevices();
    }
}


int
main(void)
{
    char cmdline[4096] = "";
    bool wait = false;
    FILE *fp;

    mkdir("/proc", 0755);
    mkdir("/sys", 0755);
    mkdir("/dev", 0755);
    mount("proc", "/proc", "proc", 0, NULL);
    mount("sysfs", "/sys", "sysfs", 0, NULL);
    mount("devtmpfs", "/dev", "devtmpfs", 0, NULL);

    fp = fopen("/proc/cmdline", "re");
    if (fp) {
        if (fgets(cmdline, sizeof(cmdline), fp))
            wait = strstr(cmdline, "emulatedpci.then=wait") != NULL;
        fclose(fp);
    }

    printDevices();
    if (wait)
        waitForRequest();

    printf("=== emulatedpci: powering off\n");
    fflush(stdout);
    tcdrain(STDOUT_FILENO);
    sync();
    reboot(RB_POWER_OFF);
    printf("=== emulatedpci: cannot power off\n");
    fflush(stdout);
    for (;;)
        pause();
}
