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
 *     <driver emulator='counter' model='/usr/local/libexec/counter-emulator'>
 *       <arg value='--step=5'/>
 *     </driver>
 *   </emulatedpci>
 *
 * A guest takes the counters along when it is saved or migrated. It knows both of
 * QEMU's protocols. It needs nothing but the C library:
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

/* "State" in docs/pci-emulator-contract.rst: what a message begins with */
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

/* A device: its registers, including the counter */
typedef struct {
    union {
        StateRequest request;
        StateReply reply;
    };
    uint8_t registers[CONFIG_SIZE];
} StateMessage;

static Device devices[DEVICES_MAX];
static int stateFd = -1;        /* where state is asked for; or -1 */
static uint32_t stateTaken;     /* the last request that set a state */
static size_t ndevices;
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


static uint32_t
get(const uint8_t *at)
{
    return at[0] | at[1] << 8 | at[2] << 16 | (uint32_t) at[3] << 24;
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
        fail("a device without", "fd or socket");
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


/* Whether REGISTERS can be those of DEVICE: only what a guest can write to differs from
 * power-on. Sets them. Returns 0 or an errno. */
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


/* One request about a device's state, and its reply. 0, or -1 when nobody will ask any
 * more. */
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
            /* A repeated request is answered, but the guest may run already. */
            message.reply.error = request.sequence <= stateTaken ? 0 :
                (uint32_t) deviceRestore(device, message.registers);
            if (message.reply.error == 0 && request.sequence > stateTaken)
                stateTaken = request.sequence;
        }
    }
    return sendAll(stateFd, &message, len);
}


/* LEN bytes, whatever it takes. Descriptors that come along (guest memory,
 * interrupts) are closed by the kernel, as no room is made for them. */
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


/* QEMU waits for every answer, so there is always room for one. */
int
sendAll(int fd,
        const void *buf,
        size_t len)
{
    return send(fd, buf, len, MSG_NOSIGNAL) == (ssize_t) len ? 0 : -1;
}


/* Serves whichever device has something to say. Returns how many are left:
 * none, if QEMU has not come to one for too long. */
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

    /* The registers that the guest has written are part of the state. */
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

    /* QEMU's process group gets these; the guest needs its devices still. */
    signal(SIGINT, SIG_IGN);
    signal(SIGQUIT, SIG_IGN);
    signal(SIGHUP, SIG_IGN);
    signal(SIGTERM, SIG_IGN);

    if (state)
        stateFd = (int) parseNumber(state);
    if (ready >= 0) {
        /* With a state or without */
        if (write(ready, state ? "S" : "", 1) != 1)
            fail("cannot write to", "--ready-fd");
        close(ready);
    }

    /* Until QEMU has closed the last socket */
    while (serveDevices() > 0)
        ;
    return EXIT_SUCCESS;
}
