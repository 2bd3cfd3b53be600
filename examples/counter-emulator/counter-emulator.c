/*
 * counter-emulator.c: an emulator of PCI devices that count
 *
 * An example of a program for <driver model='…'>, which follows
 * docs/pci-emulator-contract.rst. In addition to the registers in the domain's
 * XML, its devices have a counter, 32 bits at offset 0x40, where the vendor's
 * own registers begin: each read increments it by 1, or by the value of --step,
 * and a write sets it.
 *
 *   <emulatedpci devicename='counter'>
 *     <config vendorid='0x1234' deviceid='0xc0de'/>
 *     <driver emulator='counter' model='/usr/local/libexec/counter-emulator'>
 *       <arg value='--step=5'/>
 *     </driver>
 *   </emulatedpci>
 *
 * The counters are saved and migrated with the guest. The program supports both
 * protocols of QEMU, and requires only the C library:
 *
 *   cc -O2 -o counter-emulator counter-*.c
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#if __has_include(<config.h>)
# include <config.h>
#endif

#include "counter-emulator.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define DEVICES_MAX 256
#define COUNTER 0x40

/* The longest time to wait until QEMU connects, in milliseconds */
#define CONNECT_TIMEOUT 300000

/* The messages in "State" of docs/pci-emulator-contract.rst */
enum {
    STATE_GET = 1,
    STATE_SET = 2,
};

typedef struct {
    uint32_t command;
    uint32_t device;
    uint32_t sequence;
    uint32_t reserved;
} StateRequest;

typedef struct {
    uint32_t sequence;
    uint32_t error;
    uint32_t closed;
    uint32_t reserved;
} StateReply;

/* A message with the registers of a device, including the counter */
typedef struct {
    union {
        StateRequest request;
        StateReply reply;
    };
    uint8_t registers[CONFIG_SIZE];
} StateMessage;

static Device devices[DEVICES_MAX];
static int stateFd = -1;        /* the socket for requests of the state, or -1 */
static uint32_t stateTaken;     /* sequence of the last request that set a state */
static size_t ndevices;
static uint32_t step = 1;


/* The fields of a device, and their places in the configuration space. */
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
        fail("this is not a number:", text);
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


static uint32_t
get(const uint8_t *at)
{
    return at[0] | at[1] << 8 | at[2] << 16 | (uint32_t) at[3] << 24;
}


/* Adds the device TEXT, which is modified: fd=7,devicename=…,vendorid=0x5853,… */
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
            fail("a value is missing:", word);
        *value++ = '\0';

        if (strcmp(word, "socket") == 0) {
            device->path = value;
            device->serve = vfioUserAccept;
            if ((device->fd = vfioUserListen(device)) < 0)
                fail("cannot listen on", value);
        } else if (strcmp(word, "fd") == 0) {
            device->fd = (int) parseNumber(value);
            device->serve = mpqemuServe;
        }
        for (i = 0; i < NFIELDS; i++) {
            if (strcmp(word, fields[i].name) == 0)
                put(device->powerOn + fields[i].offset, parseNumber(value), fields[i].bytes);
        }
    }
    if (device->fd <= STDERR_FILENO)
        fail("missing in --device:", "fd or socket");
    memcpy(device->now, device->powerOn, CONFIG_SIZE);
    ndevices++;
}


/* ADDRESS and LENGTH are within the configuration space. */
void
deviceRead(Device *device,
           uint32_t address,
           void *data,
           uint32_t length)
{
    if (address == COUNTER) {
        device->counter += step;
        put(device->now + COUNTER, device->counter, 4);
    }
    memcpy(data, device->now + address, length);
}


/* A guest can write to the counter, the cache line size and the interrupt line. */
void
deviceWrite(Device *device,
            uint32_t address,
            const void *data,
            uint32_t length)
{
    const uint8_t *bytes = data;

    if (address == COUNTER && length == 4)
        device->counter = get(bytes);
    else if ((address == 0x0c || address == 0x3c) && length == 1)
        device->now[address] = bytes[0];
}


void
deviceReset(Device *device)
{
    memcpy(device->now, device->powerOn, CONFIG_SIZE);
    device->counter = 0;
}


/* Sets the registers of DEVICE to REGISTERS, which may differ from power-on only where a guest
 * can write. Returns 0 or an errno. */
static int
deviceRestore(Device *device,
              const uint8_t registers[CONFIG_SIZE])
{
    uint8_t wanted[CONFIG_SIZE];

    memcpy(wanted, device->powerOn, CONFIG_SIZE);
    wanted[0x0c] = registers[0x0c];
    wanted[0x3c] = registers[0x3c];
    memcpy(wanted + COUNTER, registers + COUNTER, 4);
    if (memcmp(wanted, registers, CONFIG_SIZE) != 0)
        return EPERM;

    memcpy(device->now, wanted, CONFIG_SIZE);
    device->counter = get(wanted + COUNTER);
    return 0;
}


/* Handles one request about a device's state. Returns 0, or -1 if the socket has to be
 * closed. */
static int
serveState(void)
{
    StateMessage message;
    const ssize_t got = recv(stateFd, &message, sizeof(message), 0);
    size_t len = sizeof(message.reply);
    StateRequest request;
    Device *device;

    if (got < (ssize_t) sizeof(request))
        return -1;
    request = message.request;
    message.reply = (StateReply) { .sequence = request.sequence, .error = EINVAL };
    if (request.device < ndevices) {
        device = &devices[request.device];
        message.reply.closed = device->fd < 0;
        if (request.command == STATE_GET) {
            message.reply.error = 0;
            memcpy(message.registers, device->now, CONFIG_SIZE);
            put(message.registers + COUNTER, device->counter, 4);
            len = sizeof(message);
        } else if (request.command == STATE_SET && got == sizeof(message)) {
            /* A repeated request changes nothing, because the guest may run already. */
            message.reply.error = request.sequence <= stateTaken ? 0 :
                (uint32_t) deviceRestore(device, message.registers);
            if (message.reply.error == 0 && request.sequence > stateTaken)
                stateTaken = request.sequence;
        }
    }
    return sendAll(stateFd, &message, len);
}


/* Receives exactly LEN bytes. The kernel closes descriptors that are sent with
 * them (guest memory, interrupts), because recv() has no buffer for these. */
int
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


/* QEMU waits for every answer, so that the socket always has room for it. */
int
sendAll(int fd,
        const void *buf,
        size_t len)
{
    return send(fd, buf, len, MSG_NOSIGNAL) == (ssize_t) len ? 0 : -1;
}


/* Serves the devices whose sockets are ready. Returns the number of devices that
 * are left, 0 if QEMU has not connected to one in time. */
static size_t
serveDevices(void)
{
    struct pollfd polls[DEVICES_MAX + 1];
    int timeout = -1;
    int busy = 0;
    size_t open = 0;
    size_t i;

    for (i = 0; i < ndevices; i++) {
        polls[i] = (struct pollfd) { .fd = devices[i].fd, .events = POLLIN };
        if (devices[i].serve == vfioUserAccept)
            timeout = CONNECT_TIMEOUT;
    }
    polls[ndevices] = (struct pollfd) { .fd = stateFd, .events = POLLIN };
    if (poll(polls, ndevices + 1, timeout) <= 0)
        return 0;

    for (i = 0; i < ndevices; i++) {
        Device *device = &devices[i];

        busy |= polls[i].revents;
        if (device->fd >= 0 && polls[i].revents && device->serve(device) < 0) {
            close(device->fd);
            device->fd = -1;
        }
        open += device->fd >= 0;
    }

    /* The state includes register writes that are pending, which are handled first. */
    if (!busy && polls[ndevices].revents && serveState() < 0) {
        close(stateFd);
        stateFd = -1;
    }
    return open;
}


int
main(int argc,
     char **argv)
{
    static const char readyOption[] = "--ready-fd=";
    static const char stepOption[] = "--step=";
    const char *state = getenv("EMULATEDPCI_STATE_FD");
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

    /* QEMU's process group receives these, but the guest still requires its devices. */
    signal(SIGINT, SIG_IGN);
    signal(SIGQUIT, SIG_IGN);
    signal(SIGHUP, SIG_IGN);
    signal(SIGTERM, SIG_IGN);

    if (state)
        stateFd = (int) parseNumber(state);
    if (ready >= 0) {
        /* "S": requests about the state are supported. */
        if (write(ready, state ? "S" : "", 1) != 1)
            fail("cannot write to", "--ready-fd");
        close(ready);
    }

    /* Until QEMU has closed the last socket */
    while (serveDevices() > 0)
        ;
    return EXIT_SUCCESS;
}
