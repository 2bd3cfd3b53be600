/*
 * deviceguest.c: the guest of bench-device.py
 *
 * Started by Linux as /init, it drives the device of examples/checksum-engine and QEMU's own "edu"
 * (docs/specs/edu.rst in QEMU) from user space, as tests/guest/checksum.c does, and prints the
 * times: BARs are files in sysfs, buffers are in a huge page whose physical address is read from
 * /proc, and interrupts are messages (MSI, MSI-X) that are written into a page of this process.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <config.h>

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#define DEVICES "/sys/bus/pci/devices"
#define PAGE 4096
#define HUGE (2 << 20)

#define BATCHES 15
#define ACCESSES 1000           /* in a batch */
#define INTERRUPTS 300          /* in a batch */
#define JOBS 20                 /* buffers of HUGE, or of PAGE */
#define EDU_JOBS 5              /* each waits for a timer */
#define TIMEOUT 60              /* seconds */
#define MESSAGE 0x1234
#define MEMORY (MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE)

/* checksum-engine's registers, in words */
enum { CHECKSUM_ID = 0, CHECKSUM_ADDRESS_LOW, CHECKSUM_ADDRESS_HIGH, CHECKSUM_LENGTH, CHECKSUM_START,
       CHECKSUM_STATUS, CHECKSUM_INTERRUPT = 8 };

/* edu's registers, in words */
enum { EDU_LIVENESS = 1, EDU_RAISE = 0x60 / 4, EDU_ACKNOWLEDGE = 0x64 / 4, EDU_DMA_SOURCE = 0x80 / 4,
       EDU_DMA_TARGET = 0x88 / 4, EDU_DMA_COUNT = 0x90 / 4, EDU_DMA_COMMAND = 0x98 / 4 };
#define EDU_BUFFER 0x40000
#define EDU_RUN 1

typedef struct {
    const char *name;
    uint32_t ids;               /* vendor and device */
    size_t size;                /* of BAR 0 */
    unsigned int read;          /* a register to read, and one to write */
    unsigned int write;
    int config;
    volatile uint32_t *registers;
} Device;

static Device checksum = { "checksum", 0xc5c51234, PAGE, CHECKSUM_ID, CHECKSUM_LENGTH, -1, NULL };
static Device edu = { "edu", 0x11e81234, 1 << 20, 0, EDU_LIVENESS, -1, NULL };

static uint8_t *huge;
static volatile uint32_t *message;


static void
die(const char *what)
{
    printf("=== bench: error: %s\n", what);
    fflush(stdout);
    tcdrain(STDOUT_FILENO);
    reboot(RB_POWER_OFF);
    for (;;)
        pause();
}


static double
now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double) t.tv_sec * 1e9 + (double) t.tv_nsec;
}


static int
compare(const void *a,
        const void *b)
{
    const double x = *(const double *) a;
    const double y = *(const double *) b;

    return (x > y) - (x < y);
}


static void
report(const char *what,
       const Device *device,
       double *values,
       size_t count)
{
    qsort(values, count, sizeof(*values), compare);
    printf("=== bench: %s %s %.1f\n", what, device->name, values[count / 2]);
    fflush(stdout);
}


static uint64_t
physical(const volatile void *at)
{
    const int fd = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
    uint64_t entry = 0;

    if (pread(fd, &entry, sizeof(entry), (off_t) ((uintptr_t) at / PAGE * 8)) != sizeof(entry) || !(entry >> 63))
        die("a page has no address");
    close(fd);
    return (entry & ((UINT64_C(1) << 55) - 1)) * PAGE + (uintptr_t) at % PAGE;
}


static void
waitFor(const volatile uint32_t *word,
        uint32_t mask,
        uint32_t wanted)
{
    const time_t end = time(NULL) + TIMEOUT;

    while ((*word & mask) != wanted) {
        if (time(NULL) > end)
            die("timeout");
    }
}


/* --- the devices */

static void
openDevice(Device *device,
           const char *name)
{
    const uint16_t command = 0x0006;    /* memory, bus master */
    char path[PATH_MAX];
    uint32_t ids = 0;
    int fd;

    snprintf(path, sizeof(path), DEVICES "/%s/config", name);
    fd = open(path, O_RDWR | O_CLOEXEC);
    if (pread(fd, &ids, sizeof(ids), 0) != sizeof(ids) || ids != device->ids) {
        close(fd);
        return;
    }
    device->config = fd;
    snprintf(path, sizeof(path), DEVICES "/%s/enable", name);
    fd = open(path, O_WRONLY | O_CLOEXEC);
    if (write(fd, "1", 1) != 1)
        die("a device cannot be enabled");
    close(fd);
    if (pwrite(device->config, &command, sizeof(command), 0x04) != sizeof(command))
        die("the command register cannot be written");
    snprintf(path, sizeof(path), DEVICES "/%s/resource0", name);
    fd = open(path, O_RDWR | O_SYNC | O_CLOEXEC);
    device->registers = mmap(NULL, device->size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    close(fd);
    if (device->registers == MAP_FAILED)
        die("a BAR cannot be mapped");
}


static void
openDevices(void)
{
    struct dirent **names = NULL;
    const int n = scandir(DEVICES, &names, NULL, alphasort);
    int i;

    for (i = 0; i < n; i++) {
        if (names[i]->d_name[0] != '.') {
            openDevice(&checksum, names[i]->d_name);
            openDevice(&edu, names[i]->d_name);
        }
        free(names[i]);
    }
    free(names);
    if (!checksum.registers || !edu.registers)
        die("a device is missing");
}


/* Returns the offset of the capability ID in the configuration space, 0 if it is missing. */
static unsigned int
findCapability(const Device *device,
               uint8_t id)
{
    uint8_t at[2] = { 0, 0x34 };
    int i;

    if (pread(device->config, &at[1], 1, 0x34) != 1)
        return 0;
    for (i = 0; i < 48 && at[1]; i++) {
        const uint8_t offset = at[1];

        if (pread(device->config, at, 2, offset) != 2)
            return 0;
        if (at[0] == id)
            return offset;
    }
    return 0;
}


static void
putConfig(const Device *device,
          unsigned int offset,
          uint32_t value,
          size_t size)
{
    if (pwrite(device->config, &value, size, offset) != (ssize_t) size)
        die("the configuration space cannot be written");
}


/* MSI (PCI Local Bus Specification 3.0, 6.8.1): 64-bit address, one vector */
static void
enableEdu(void)
{
    const unsigned int msi = findCapability(&edu, 0x05);
    const uint64_t address = physical(message);

    if (!msi)
        die("edu has no MSI");
    putConfig(&edu, msi + 4, (uint32_t) address, 4);
    putConfig(&edu, msi + 8, (uint32_t) (address >> 32), 4);
    putConfig(&edu, msi + 12, MESSAGE, 2);
    putConfig(&edu, msi + 2, 0x0081, 2);
}


/* MSI-X (6.8.2): the table is in BAR 2 */
static void
enableChecksum(const char *path)
{
    const unsigned int msix = findCapability(&checksum, 0x11);
    const uint64_t address = physical(message);
    const int fd = open(path, O_RDWR | O_SYNC | O_CLOEXEC);
    volatile uint32_t *table = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    unsigned int i;

    if (!msix || table == MAP_FAILED)
        die("checksum has no MSI-X");
    for (i = 0; i < 2; i++) {
        table[4 * i] = (uint32_t) address;
        table[4 * i + 1] = (uint32_t) (address >> 32);
        table[4 * i + 2] = MESSAGE + i;
        table[4 * i + 3] = 0;
    }
    putConfig(&checksum, msix + 2, 0x8000, 2);
}


static void
enableInterrupts(void)
{
    struct dirent **names = NULL;
    const int n = scandir(DEVICES, &names, NULL, alphasort);
    char path[PATH_MAX];
    uint32_t ids = 0;
    int fd;
    int i;

    for (i = 0; i < n; i++) {
        snprintf(path, sizeof(path), DEVICES "/%s/config", names[i]->d_name);
        fd = open(path, O_RDONLY | O_CLOEXEC);
        if (pread(fd, &ids, sizeof(ids), 0) == sizeof(ids) && ids == checksum.ids) {
            snprintf(path, sizeof(path), DEVICES "/%s/resource2", names[i]->d_name);
            enableChecksum(path);
        }
        close(fd);
        free(names[i]);
    }
    free(names);
    enableEdu();
}


/* --- measurements */

/* Returns the nanoseconds of a read. */
static double
measureReads(const Device *device)
{
    const double start = now();
    unsigned int i;

    for (i = 0; i < ACCESSES; i++)
        (void) device->registers[device->read];
    return (now() - start) / ACCESSES;
}


/* Returns the nanoseconds of a write. All writes have arrived when the read is answered. */
static double
measureWrites(const Device *device)
{
    const double start = now();
    unsigned int i;

    for (i = 0; i < ACCESSES; i++)
        device->registers[device->write] = i;
    (void) device->registers[device->read];
    return (now() - start) / ACCESSES;
}


/* Returns the nanoseconds of an interrupt: the request, the interrupt and its acknowledgement. */
static double
measureInterrupts(const Device *device)
{
    const double start = now();
    unsigned int i;

    for (i = 0; i < INTERRUPTS; i++) {
        *message = 0;
        if (device == &edu) {
            edu.registers[EDU_RAISE] = 1;
            waitFor(message, UINT32_MAX, MESSAGE);
            edu.registers[EDU_ACKNOWLEDGE] = 1;
        } else {
            checksum.registers[CHECKSUM_LENGTH] = 0;
            checksum.registers[CHECKSUM_START] = 1;
            waitFor(message, UINT32_MAX, MESSAGE);
            checksum.registers[CHECKSUM_INTERRUPT] = 0;
        }
    }
    return (now() - start) / INTERRUPTS;
}


/* Returns the nanoseconds of a buffer of LENGTH bytes. */
static double
measureChecksum(uint32_t length)
{
    const uint64_t address = physical(huge);
    const double start = now();
    unsigned int i;

    for (i = 0; i < JOBS; i++) {
        *message = 0;
        checksum.registers[CHECKSUM_ADDRESS_LOW] = (uint32_t) address;
        checksum.registers[CHECKSUM_ADDRESS_HIGH] = (uint32_t) (address >> 32);
        checksum.registers[CHECKSUM_LENGTH] = length;
        checksum.registers[CHECKSUM_START] = 1;
        waitFor(message, UINT32_MAX, MESSAGE);
        checksum.registers[CHECKSUM_INTERRUPT] = 0;
    }
    return (now() - start) / JOBS;
}


static double
measureEdu(void)
{
    const uint64_t address = physical(huge);
    const double start = now();
    unsigned int i;

    for (i = 0; i < EDU_JOBS; i++) {
        edu.registers[EDU_DMA_SOURCE] = (uint32_t) address;
        edu.registers[EDU_DMA_TARGET] = EDU_BUFFER;
        edu.registers[EDU_DMA_COUNT] = PAGE;
        edu.registers[EDU_DMA_COMMAND] = EDU_RUN;
        waitFor(&edu.registers[EDU_DMA_COMMAND], EDU_RUN, 0);
    }
    return (now() - start) / EDU_JOBS;
}


static void
measure(const char *what,
        double (*func)(const Device *device))
{
    double ours[BATCHES];
    double theirs[BATCHES];
    size_t i;

    for (i = 0; i < BATCHES; i++) {
        ours[i] = func(&checksum);
        theirs[i] = func(&edu);
    }
    report(what, &checksum, ours, BATCHES);
    report(what, &edu, theirs, BATCHES);
}


static void
measureDMA(void)
{
    double small[BATCHES];
    double large[BATCHES];
    double theirs;
    size_t i;

    for (i = 0; i < BATCHES; i++) {
        small[i] = measureChecksum(PAGE);
        large[i] = measureChecksum(HUGE);
    }
    report("dma-4096", &checksum, small, BATCHES);
    report("dma-2097152", &checksum, large, BATCHES);
    theirs = measureEdu();
    report("dma-4096", &edu, &theirs, 1);
}


int
main(void)
{
    mkdir("/proc", 0755);
    mkdir("/sys", 0755);
    mount("proc", "/proc", "proc", 0, NULL);
    mount("sysfs", "/sys", "sysfs", 0, NULL);

    huge = mmap(NULL, HUGE, PROT_READ | PROT_WRITE, MEMORY | MAP_HUGETLB, -1, 0);
    message = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MEMORY, -1, 0);
    if (huge == MAP_FAILED || message == MAP_FAILED || mlock((void *) (uintptr_t) message, PAGE) < 0)
        die("no memory");
    memset(huge, 0x5a, HUGE);
    *message = 0;

    openDevices();
    enableInterrupts();
    measure("read", measureReads);
    measure("write", measureWrites);
    measure("interrupt", measureInterrupts);
    measureDMA();
    printf("=== bench: end\n");
    fflush(stdout);
    tcdrain(STDOUT_FILENO);
    reboot(RB_POWER_OFF);
    for (;;)
        pause();
}
