/*
 * init.c: the only program of the test guest
 *
 * Started by the kernel as /init of an initramfs, it prints the
 * configuration space of every PCI device on the console, between two marker
 * lines, in the format of lspci -x (so that lspci -F can decode it), and then
 * continues as the kernel command line requests:
 *
 *   emulatedpci.then=poweroff    power off (the default)
 *   emulatedpci.then=wait        wait for commands on the console:
 *                                "poweroff", "print" (print everything again)
 *   emulatedpci.then=checksum    drive the devices of examples/checksum-engine, then as "wait";
 *                                print a message when the last of them is removed
 *   emulatedpci.then=count       write a growing number into the interrupt line and
 *                                the cache line size of every device of vendor 0x5853,
 *                                for ever; check each time that they still have the previous
 *                                number, and print a report from time to time
 *
 * The program is statically linked, and does not know which devices are expected.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <config.h>

#include "guest.h"

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
#define VENDOR 0x00
#define CACHE_LINE_SIZE 0x0c
#define INTERRUPT_LINE 0x3c
#define DEVICES_MAX 256


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


/* The device NAME, for reading and writing; -1 if it is not one of ours. */
static int
openOurs(const char *name)
{
    char path[PATH_MAX];
    unsigned char vendor[2];
    int fd;

    snprintf(path, sizeof(path), DEVICES "/%s/config", name);
    fd = open(path, O_RDWR | O_CLOEXEC);
    if (fd < 0)
        return -1;
    if (pread(fd, vendor, sizeof(vendor), VENDOR) == sizeof(vendor) &&
        vendor[0] == 0x53 && vendor[1] == 0x58)
        return fd;
    close(fd);
    return -1;
}


/* The registers of a device that count() writes, and its vendor */
typedef struct {
    unsigned char vendor[2];
    unsigned char line;
    unsigned char size;
} Registers;


/* Reads the registers of a device. Returns false if that fails. */
static bool
readRegisters(int fd,
              Registers *found)
{
    memset(found, 0, sizeof(*found));
    return pread(fd, found->vendor, sizeof(found->vendor), VENDOR) == sizeof(found->vendor) &&
        pread(fd, &found->line, 1, INTERRUPT_LINE) == 1 &&
        pread(fd, &found->size, 1, CACHE_LINE_SIZE) == 1;
}


/* Whether FOUND are the registers that the round with VALUE has written. */
static bool
isOfRound(const Registers *found,
          unsigned char value)
{
    return found->vendor[0] == 0x53 && found->vendor[1] == 0x58 &&
        found->line == value && found->size == (unsigned char) (value ^ 0x55);
}


typedef struct {
    char name[NAME_MAX + 1];
    int fd;
    bool isNew;                 /* no value has been written to it yet */
} Counter;

typedef struct {
    Counter counters[DEVICES_MAX];
    int n;
} Counters;


static bool
isThere(const char *name)
{
    char path[PATH_MAX];

    snprintf(path, sizeof(path), DEVICES "/%s", name);
    return access(path, F_OK) == 0;
}


static bool
isKnown(const Counters *all,
        const char *name)
{
    int i;

    for (i = 0; i < all->n; i++) {
        if (strcmp(all->counters[i].name, name) == 0)
            return true;
    }
    return false;
}


/* Adds the devices that were plugged, and removes those that were unplugged. */
static void
updateCounters(Counters *all)
{
    struct dirent **names = NULL;
    const int n = scandir(DEVICES, &names, NULL, alphasort);
    int kept = 0;
    int i;

    for (i = 0; i < all->n; i++) {
        if (isThere(all->counters[i].name))
            all->counters[kept++] = all->counters[i];
        else
            close(all->counters[i].fd);
    }
    all->n = kept;

    for (i = 0; i < n; i++) {
        const char *name = names[i]->d_name;

        if (name[0] != '.' && all->n < DEVICES_MAX && !isKnown(all, name)) {
            Counter *counter = &all->counters[all->n];

            snprintf(counter->name, sizeof(counter->name), "%s", name);
            counter->fd = openOurs(name);
            counter->isNew = true;
            if (counter->fd >= 0)
                all->n++;
        }
        free(names[i]);
    }
    free(names);
}


static void
count(void)
{
    static Counters all;
    unsigned long rounds;
    unsigned long wrong = 0;
    unsigned char value = 0;
    int i;

    for (rounds = 0;; rounds++) {
        /* Never all ones, and never a power-on value */
        const unsigned char next = 1 + rounds % 250;
        const unsigned char other = next ^ 0x55;

        if (rounds % 20 == 0)
            updateCounters(&all);
        for (i = 0; i < all.n; i++) {
            Counter *counter = &all.counters[i];
            Registers found;
            const bool got = readRegisters(counter->fd, &found);

            if (!counter->isNew && !(got && isOfRound(&found, value)) && isThere(counter->name)) {
                printf("=== emulatedpci: device %d of %d: not the values of round %lu: %s vendor %02x%02x, "
                       "interrupt line %d, cache line size %d; %d and %d were written\n",
                       i, all.n, rounds - 1, got ? "read" : "cannot read", found.vendor[1], found.vendor[0],
                       found.line, found.size, value, value ^ 0x55);
                wrong++;
            }
            counter->isNew = false;
            if ((pwrite(counter->fd, &next, 1, INTERRUPT_LINE) != 1 ||
                 pwrite(counter->fd, &other, 1, CACHE_LINE_SIZE) != 1) && isThere(counter->name))
                wrong++;
        }
        value = next;
        if (rounds % 20 == 0) {
            printf("=== emulatedpci: round %lu, %d devices, %lu wrong\n", rounds, all.n, wrong);
            fflush(stdout);
        }
        usleep(5000);
    }
}


int
main(void)
{
    char cmdline[4096] = "";
    bool wait = false;
    bool counting = false;
    bool checksum = false;
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
        checksum = strstr(cmdline, "emulatedpci.then=checksum") != NULL;
        counting = strstr(cmdline, "emulatedpci.then=count") != NULL;
        fclose(fp);
    }

    printDevices();
    if (counting)
        count();
    if (checksum) {
        checksumDrive();
        checksumWatch();
    }
    if (wait || checksum)
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
