/*
 * checksum.c: drives examples/checksum-engine from user space
 *
 * This requires no kernel module: BARs are files in sysfs, and a buffer's physical address is in
 * /proc/self/pagemap. An MSI-X message is a memory write by the device (PCI Local Bus
 * Specification 3.0, 6.8.3.5), so the table's entries point at a page of this process, which
 * sees and counts each message. INTx is counted by QEMU, which the test asks.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <config.h>

#include "guest.h"

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

/* Registers of the device, in 32-bit words */
enum { ID, ADDRESS_LOW, ADDRESS_HIGH, LENGTH, START, STATUS, RESULT, JOBS, INTERRUPT };

#define DEVICE_ID 0x4d555343
#define DONE 1
#define ERROR 2
#define PAGE 4096
#define PAGES 16
#define VECTORS 2
#define MSIX_CONTROL 0x42
#define MSIX_ENABLE 0x8000
#define COMMAND 0x04
#define COMMAND_ALL 0x07        /* I/O, memory, bus master */
#define MESSAGE 0xabcd0000U

/* The time after which QEMU has seen the interrupt, before it is acknowledged, in microseconds */
#define INTX_PAUSE 10000

/* In seconds; long enough for a slow machine and a busy device */
#define TIMEOUT 60

typedef struct {
    const char *name;
    int config;
    int ports;
    volatile uint32_t *registers;
    volatile uint32_t *table;
    unsigned int wrong;
} Engine;

/* The time between two checks of a device, and the time that the guest continues without it, in
 * microseconds */
#define WATCH_PAUSE 200000
#define WATCH_AFTER 2000000

static uint8_t *buffer;                 /* of PAGES pages */
static Engine watched;                  /* the last device that was driven, if it has registers */
static volatile uint32_t *messages;     /* the page to which interrupts are written */


static void
complain(Engine *engine,
         const char *what,
         uint32_t got,
         uint32_t wanted)
{
    printf("# %s: %s is 0x%x, not 0x%x\n", engine->name, what, got, wanted);
    engine->wrong++;
}


static uint64_t
physical(const volatile void *at)
{
    const int fd = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
    uint64_t entry = 0;

    if (pread(fd, &entry, sizeof(entry), (off_t) ((uintptr_t) at / PAGE * 8)) != sizeof(entry))
        entry = 0;
    close(fd);
    /* Bit 63: present; bits 0 to 54: the page's number */
    return entry >> 63 ? (entry & ((UINT64_C(1) << 55) - 1)) * PAGE + (uintptr_t) at % PAGE : 0;
}


static uint32_t
crc32(const uint8_t *data,
      size_t count)
{
    uint32_t crc = 0xffffffffU;
    int bit;

    while (count-- > 0) {
        crc ^= *data++;
        for (bit = 0; bit < 8; bit++)
            crc = crc >> 1 ^ (crc & 1 ? 0xedb88320U : 0);
    }
    return ~crc;
}


/* Waits until *WORD is WANTED. Returns whether that happened in time. */
static bool
waitFor(const volatile uint32_t *word,
        uint32_t wanted)
{
    const time_t end = time(NULL) + TIMEOUT;

    while (*word != wanted) {
        if (time(NULL) > end)
            return false;
    }
    return true;
}


static void
begin(Engine *engine,
      uint64_t address,
      uint32_t length)
{
    engine->registers[ADDRESS_LOW] = (uint32_t) address;
    engine->registers[ADDRESS_HIGH] = (uint32_t) (address >> 32);
    engine->registers[LENGTH] = length;
    engine->registers[START] = 1;
}


/* Processes one buffer, with an interrupt by MSI-X. Returns whether exactly the right interrupt
 * came. */
static bool
runMSIX(Engine *engine,
        uint64_t address,
        uint32_t length,
        unsigned int vector)
{
    bool came;

    messages[0] = messages[1] = 0;
    begin(engine, address, length);
    came = waitFor(&messages[vector], MESSAGE + vector);
    if (messages[!vector] != 0)
        complain(engine, "the other vector's message", messages[!vector], 0);
    if (engine->registers[STATUS] != (vector ? ERROR : DONE))
        complain(engine, "the status", engine->registers[STATUS], vector ? ERROR : DONE);
    engine->registers[INTERRUPT] = 0;
    return came;
}


static void
driveMSIX(Engine *engine)
{
    uint16_t control = MSIX_ENABLE;
    unsigned int came = 0;
    unsigned int errors = 0;
    unsigned int i;

    for (i = 0; i < VECTORS; i++) {
        const uint64_t at = physical(&messages[i]);

        engine->table[4 * i] = (uint32_t) at;
        engine->table[4 * i + 1] = (uint32_t) (at >> 32);
        engine->table[4 * i + 2] = MESSAGE + i;
        engine->table[4 * i + 3] = 0;           /* not masked */
    }
    if (pwrite(engine->config, &control, 2, MSIX_CONTROL) != 2)
        complain(engine, "writing the MSI-X control", 0, 2);

    for (i = 0; i < PAGES; i++) {
        uint8_t *page = buffer + i * PAGE;
        const uint32_t length = i == 0 ? 0 : PAGE - i;

        came += runMSIX(engine, physical(page), length, 0);
        if (engine->registers[RESULT] != crc32(page, length))
            complain(engine, "the checksum", engine->registers[RESULT], crc32(page, length));
    }
    if (engine->registers[JOBS] != PAGES)
        complain(engine, "the number of jobs", engine->registers[JOBS], PAGES);

    /* An address without memory, and a length beyond the device's limit */
    errors += runMSIX(engine, UINT64_C(1) << 45, PAGE, 1);
    errors += runMSIX(engine, physical(buffer), UINT32_MAX, 1);

    control = 0;
    if (pwrite(engine->config, &control, 2, MSIX_CONTROL) != 2)
        complain(engine, "writing the MSI-X control", 0, 2);
    printf("=== checksum: %s: %u of %d done, %u of 2 errors by MSI-X\n", engine->name, came, PAGES, errors);
}


/* INTx is a level, which the device asserts until the interrupt is acknowledged. */
static void
driveINTx(Engine *engine)
{
    unsigned int came = 0;
    unsigned int i;

    for (i = 0; i < PAGES; i++) {
        begin(engine, physical(buffer), PAGE);
        usleep(INTX_PAUSE);
        if (!waitFor(&engine->registers[STATUS], DONE))
            complain(engine, "the status", engine->registers[STATUS], DONE);
        came += engine->registers[INTERRUPT] == 1;
        engine->registers[INTERRUPT] = 0;
        /* This access causes QEMU to lower the line, and to check it again. */
        if (engine->registers[INTERRUPT] != 0)
            complain(engine, "an acknowledged interrupt", engine->registers[INTERRUPT], 0);
    }
    printf("=== checksum: %s: %u of %d done by INTx\n", engine->name, came, PAGES);
}


/* Accesses the same registers through I/O ports: an index and the data. */
static void
drivePorts(Engine *engine)
{
    uint32_t index = ID * 4;
    uint32_t value = 0;

    if (pwrite(engine->ports, &index, 4, 0) != 4 || pread(engine->ports, &value, 4, 4) != 4 ||
        value != DEVICE_ID)
        complain(engine, "the id, read through I/O ports,", value, DEVICE_ID);
    index = LENGTH * 4;
    value = 0x12345678;
    if (pwrite(engine->ports, &index, 4, 0) != 4 || pwrite(engine->ports, &value, 4, 4) != 4 ||
        engine->registers[LENGTH] != value)
        complain(engine, "what was written through I/O ports", engine->registers[LENGTH], value);
}


static int
openFile(const char *name,
         const char *file)
{
    char path[PATH_MAX];

    snprintf(path, sizeof(path), DEVICES "/%s/%s", name, file);
    return open(path, O_RDWR | O_SYNC | O_CLOEXEC);
}


static void *
mapFile(const char *name,
        const char *file)
{
    const int fd = openFile(name, file);
    void *at = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

    close(fd);
    return at;
}


static void
drive(const char *name)
{
    Engine engine = { .name = name, .config = openFile(name, "config") };
    uint16_t command = COMMAND_ALL;
    uint8_t ids[4] = { 0 };
    int enable;

    if (pread(engine.config, ids, sizeof(ids), 0) != sizeof(ids) ||
        memcmp(ids, "\x34\x12\xc5\xc5", sizeof(ids)) != 0) {
        close(engine.config);
        return;
    }

    enable = openFile(name, "enable");
    if (write(enable, "1", 1) != 1)
        complain(&engine, "enabling the device", 0, 1);
    close(enable);
    if (pwrite(engine.config, &command, 2, COMMAND) != 2)
        complain(&engine, "writing the command register", 0, 2);

    engine.registers = mapFile(name, "resource0");
    engine.ports = openFile(name, "resource1");
    engine.table = mapFile(name, "resource2");
    if (engine.registers == MAP_FAILED || engine.table == MAP_FAILED || engine.ports < 0) {
        complain(&engine, "a BAR", 0, 1);
    } else {
        if (engine.registers[ID] != DEVICE_ID)
            complain(&engine, "the id", engine.registers[ID], DEVICE_ID);
        drivePorts(&engine);
        driveMSIX(&engine);
        driveINTx(&engine);
        watched = engine;
    }
    printf("=== checksum: %s: end, %u wrong\n", name, engine.wrong);
    fflush(stdout);
}


void
checksumDrive(void)
{
    struct dirent **names = NULL;
    const int n = scandir(DEVICES, &names, NULL, alphasort);
    int i;

    buffer = mmap(NULL, (PAGES + 1) * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE,
                  -1, 0);
    if (buffer == MAP_FAILED || mlock(buffer, (PAGES + 1) * PAGE) < 0) {
        printf("# no memory for a buffer\n");
        return;
    }
    messages = (uint32_t *) (void *) (buffer + PAGES * PAGE);
    for (i = 0; i < PAGES * PAGE; i++)
        buffer[i] = (uint8_t) (i * 7 + i / 251);

    for (i = 0; i < n; i++) {
        if (names[i]->d_name[0] != '.')
            drive(names[i]->d_name);
        free(names[i]);
    }
    free(names);
}


/* Reads the registers of a device that has been removed. */
static void
reportGone(void)
{
    uint32_t index = ID * 4;
    uint32_t port = 0;
    uint32_t ids = 0;

    watched.registers[LENGTH] = 1;          /* this write is lost */
    if (pwrite(watched.ports, &index, 4, 0) != 4 || pread(watched.ports, &port, 4, 4) != 4 ||
        pread(watched.config, &ids, 4, 0) != 4)
        printf("# an access fails\n");
    printf("=== gone: register 0x%x, port 0x%x, ids 0x%x\n", watched.registers[LENGTH], port, ids);
    fflush(stdout);
}


void
checksumWatch(void)
{
    if (!watched.registers || fork() != 0)
        return;
    while (watched.registers[ID] == DEVICE_ID)
        usleep(WATCH_PAUSE);
    reportGone();
    usleep(WATCH_AFTER);
    printf("=== gone: and the guest goes on\n");
    fflush(stdout);
    _exit(0);
}
