/*
 * counter-emulator.c: an emulator of PCI devices that count
 *
 * An example of a program for <driver model='…'>; docs/pci-emulator-contract.rst
 * is what it keeps to. Beyond the registers that the domain's XML asks for,
 * its devices have a counter, 32 bits at offset 0x40, where the vendor's own
 * registers begin: each read gives more than the one before, by 1 or by what
 * --step says, and a write sets it.
 *
 *   <emulatedpci devicename='counter'>
 *     <config vendorid='0x1234' deviceid='0xc0de'/>
 *     <driver emulator='counter' version='mpqemu' model='/usr/local/libexec/counter-emulator'>
 *       <arg value='--step=5'/>
 *     </driver>
 *   </emulatedpci>
 *
 * It needs nothing but the C library:
 *
 *   cc -O2 -o counter-emulator counter-emulator.c
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#if __has_include(<config.h>)
# include <config.h>
#endif

#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define DEVICES_MAX 256
#define CONFIG_SIZE 256
#define COUNTER 0x40

/* What QEMU's x-pci-proxy-dev sends and receives (include/hw/remote/mpqemu-link.h
 * in QEMU), as far as a device without memory and interrupts needs it. */
enum {
    SYNC_SYSMEM = 0,
    RET,
    PCI_CFGWRITE,
    PCI_CFGREAD,
    BAR_WRITE,
    BAR_READ,
    SET_IRQFD,
    DEVICE_RESET,
    COMMANDS
};

typedef struct {
    int32_t command;
    uint32_t padding;
    uint64_t size;
} Header;

typedef struct {
    Header header;
    union {
        struct {
            uint32_t address;
            uint32_t value;
            int32_t length;
        } config;
        uint64_t value;
        uint8_t space[192];
    } payload;
} Message;

/* The size of each command's payload */
static const uint64_t sizes[COMMANDS] = { 192, 8, 12, 12, 24, 24, 0, 0 };

typedef struct {
    int fd;
    uint32_t counter;
    uint8_t powerOn[CONFIG_SIZE];
    uint8_t now[CONFIG_SIZE];
} Device;

static Device devices[DEVICES_MAX];
static struct pollfd polls[DEVICES_MAX];
static nfds_t ndevices;
static uint32_t step = 1;


/* The fields of a device: where each is in the configuration space. */
static const struct {
    const char *name;
    unsigned int offset;
    unsigned int bytes;
} fields[] = {
    { "vendorid", 0x00, 2 },
    { "deviceid", 0x02, 2 },
    { "command", 0x04, 2 },
    { "status", 0x06, 2 },
    { "revision", 0x08, 1 },
    { "classcode", 0x09, 3 },
    { "headertype", 0x0e, 1 },
    { "subvendorid", 0x2c, 2 },
    { "subsystemid", 0x2e, 2 },
    { "interruptline", 0x3c, 1 },
    { "interruptpin", 0x3d, 1 },
};

#define NFIELDS (sizeof(fields) / sizeof(fields[0]))


static void
fail(const char *what,
     const char *text)
{
    fprintf(stderr, "counter-emulator: %s '%s'\n", what, text);
    exit(EXIT_FAILURE);
}


static uint32_t
parseNumber(const char *text)
{
    char *end;
    const unsigned long number = strtoul(text, &end, 0);

    if (*text < '0' || *text > '9' || *end != '\0' || number > UINT32_MAX)
        fail("no number:", text);
    return number;
}


static void
put(uint8_t *at,
    uint32_t value,
    unsigned int bytes)
{
    while (bytes-- > 0) {
        *at++ = value & 0xff;
        value >>= 8;
    }
}


/* fd=7,devicename=…,vendorid=0x5853,…; TEXT is taken apart. */
static void
addDevice(char *text)
{
    Device *device = &devices[ndevices];
    char *save = NULL;
    char *word;

    if (ndevices == DEVICES_MAX)
        fail("too many devices:", text);

    for (word = strtok_r(text, ",", &save); word; word = strtok_r(NULL, ",", &save)) {
        char *value = strchr(word, '=');
        size_t i;

        if (!value)
            fail("no value:", word);
        *value++ = '\0';

        if (strcmp(word, "socket") == 0)
            fail("vfio-user is not supported, use version='mpqemu':", value);
        if (strcmp(word, "fd") == 0) {
            device->fd = (int) parseNumber(value);
            polls[ndevices] = (struct pollfd) { .fd = device->fd, .events = POLLIN };
        }
        for (i = 0; i < NFIELDS; i++) {
            if (strcmp(word, fields[i].name) == 0)
                put(device->powerOn + fields[i].offset, parseNumber(value), fields[i].bytes);
        }
    }
    if (device->fd <= STDERR_FILENO)
        fail("a device without", "fd");
    memcpy(device->now, device->powerOn, CONFIG_SIZE);
    ndevices++;
}


static uint32_t
readConfig(Device *device,
           uint32_t address,
           uint32_t length)
{
    uint32_t value = 0;
    uint32_t i;

    if (address == COUNTER) {
        device->counter += step;
        put(device->now + COUNTER, device->counter, 4);
    }
    for (i = 0; i < length && address + i < CONFIG_SIZE; i++)
        value |= (uint32_t) device->now[address + i] << (8 * i);
    return value;
}


/* A guest can write to the counter and to the interrupt line, nothing else. */
static void
writeConfig(Device *device,
            uint32_t address,
            uint32_t value,
            uint32_t length)
{
    if (address == COUNTER && length == 4)
        device->counter = value;
    else if (address == 0x3c && length == 1)
        device->now[address] = value & 0xff;
}


/* LEN bytes, whatever it takes. Descriptors that come along (guest memory,
 * interrupts) are closed by the kernel, as no room is made for them. */
static int
receiveAll(int fd,
           void *buf,
           size_t len)
{
    char *at = buf;

    while (len > 0) {
        const ssize_t got = recv(fd, at, len, 0);

        if (got <= 0)
            return -1;
        at += got;
        len -= (size_t) got;
    }
    return 0;
}


/* One message, and its answer. Returns -1 when QEMU has gone, or is not to be
 * understood. */
static int
serve(Device *device)
{
    Message message;
    Message answer = { .header = { RET, 0, sizes[RET] } };
    const size_t length = sizeof(answer.header) + sizes[RET];

    if (receiveAll(device->fd, &message.header, sizeof(message.header)) < 0 ||
        message.header.command < 0 || message.header.command >= COMMANDS ||
        message.header.size != sizes[message.header.command] ||
        receiveAll(device->fd, &message.payload, message.header.size) < 0)
        return -1;

    switch (message.header.command) {
    case PCI_CFGREAD:
    case PCI_CFGWRITE:
        if (message.payload.config.address >= CONFIG_SIZE || message.payload.config.length < 1 ||
            message.payload.config.length > 4)
            return -1;
        if (message.header.command == PCI_CFGREAD)
            answer.payload.value = readConfig(device, message.payload.config.address,
                                              (uint32_t) message.payload.config.length);
        else
            writeConfig(device, message.payload.config.address, message.payload.config.value,
                        (uint32_t) message.payload.config.length);
        break;

    case BAR_READ:
        answer.payload.value = UINT64_MAX;
        break;

    case BAR_WRITE:
        break;

    case DEVICE_RESET:
        memcpy(device->now, device->powerOn, CONFIG_SIZE);
        device->counter = 0;
        break;

    case SYNC_SYSMEM:
    case SET_IRQFD:
        return 0;       /* these are not answered */

    default:
        return -1;
    }

    return send(device->fd, &answer, length, MSG_NOSIGNAL) == (ssize_t) length ? 0 : -1;
}


int
main(int argc,
     char **argv)
{
    static const char readyOption[] = "--ready-fd=";
    static const char stepOption[] = "--step=";
    nfds_t open;
    int ready = -1;
    int i;

    for (i = 1; i < argc; i++) {
        if (strncmp(argv[i], readyOption, strlen(readyOption)) == 0)
            ready = (int) parseNumber(argv[i] + strlen(readyOption));
        else if (strncmp(argv[i], stepOption, strlen(stepOption)) == 0)
            step = parseNumber(argv[i] + strlen(stepOption));
        else if (strcmp(argv[i], "--device") == 0 && i + 1 < argc)
            addDevice(argv[++i]);
        else
            fail("unknown option", argv[i]);
    }
    if (ndevices == 0)
        fail("missing option", "--device");

    /* QEMU's process group gets these; the guest needs its devices still. */
    signal(SIGINT, SIG_IGN);
    signal(SIGQUIT, SIG_IGN);
    signal(SIGHUP, SIG_IGN);
    signal(SIGTERM, SIG_IGN);

    if (ready >= 0) {
        if (write(ready, "", 1) != 1)
            fail("cannot write to", "--ready-fd");
        close(ready);
    }

    /* Until QEMU has closed the last socket. */
    for (open = ndevices; open > 0;) {
        nfds_t n;

        if (poll(polls, ndevices, -1) < 0)
            continue;
        for (n = 0; n < ndevices; n++) {
            if (polls[n].fd >= 0 && polls[n].revents && serve(&devices[n]) < 0) {
                close(polls[n].fd);
                polls[n].fd = -1;
                open--;
            }
        }
    }
    return EXIT_SUCCESS;
}
