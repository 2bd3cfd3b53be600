/*
 * checksum-engine.c: an emulator of a PCI device that computes
 *
 * The guest passes it a buffer. The device reads the buffer from the guest's memory, stores its
 * CRC-32 in a register, and raises an interrupt. docs/guide-device.md explains the program.
 *
 * As a server, for any number of guests one after another:
 *
 *   checksum-engine --socket=/run/checksum.sock
 *
 *   <emulatedpci devicename='checksum'>
 *     <driver socket='/run/checksum.sock'/>
 *   </emulatedpci>
 *
 * Or started with the guest, as docs/pci-emulator-contract.rst describes:
 *
 *   <emulatedpci devicename='checksum'>
 *     <config vendorid='0x1234' deviceid='0xc5c5'/>
 *     <driver model='/usr/local/libexec/checksum-engine' version='vfio-user'/>
 *   </emulatedpci>
 *
 * It requires only the C library:
 *
 *   cc -O2 -o checksum-engine checksum-*.c
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#if __has_include(<config.h>)
# include <config.h>
#endif

#include "checksum-engine.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define DEVICES_MAX 16

/* The longest time to wait until QEMU connects, in milliseconds */
#define CONNECT_TIMEOUT 300000

static Device devices[DEVICES_MAX];
static size_t ndevices;


static void
fail(const char *what,
     const char *text)
{
    fprintf(stderr, "checksum-engine: %s '%s'\n", what, text);
    exit(EXIT_FAILURE);
}


static uint32_t
parseNumber(const char *text)
{
    char *end;
    const unsigned long number = strtoul(text, &end, 0);

    if (*text < '0' || *text > '9' || *end != '\0' || number > UINT32_MAX)
        fail("this is not a number:", text);
    return (uint32_t) number;
}


static Device *
addDevice(const char *path)
{
    Device *device = &devices[ndevices];

    if (ndevices == DEVICES_MAX)
        fail("there are too many devices at", path);
    deviceInit(device);
    device->path = path;
    if ((device->listener = protocolListen(path)) < 0)
        fail("cannot listen on", path);
    ndevices++;
    return device;
}


/* Sets an ID of the device, from the domain's XML. All other fields are ignored. */
static void
setField(Device *device,
         const char *name,
         const char *value)
{
    static const struct { const char *name; unsigned int offset; } fields[] = {
        { "vendorid", 0x00 }, { "deviceid", 0x02 }, { "subvendorid", 0x2c }, { "subsystemid", 0x2e },
    };
    size_t i;

    for (i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
        if (strcmp(name, fields[i].name) == 0) {
            const uint32_t number = parseNumber(value);

            device->powerOn[fields[i].offset] = number & 0xff;
            device->powerOn[fields[i].offset + 1] = number >> 8 & 0xff;
        }
    }
}


/* Adds the device TEXT, which is modified: socket=/…,devicename=…,vendorid=0x1234,…. The socket has
 * to be first. */
static void
addModel(char *text)
{
    Device *device = NULL;
    char *save = NULL;
    char *word;

    for (word = strtok_r(text, ",", &save); word; word = strtok_r(NULL, ",", &save)) {
        char *value = strchr(word, '=');

        if (!value)
            fail("a value is missing:", word);
        *value++ = '\0';
        if (strcmp(word, "socket") == 0)
            device = addDevice(value);
        else if (!device)
            fail("version='vfio-user' is required, but the device begins with", word);
        else
            setField(device, word, value);
    }
    if (!device)
        fail("a device is missing after", "--device");
    deviceReset(device);
}


/* Accepts the connection of QEMU. No other one is accepted until it is closed. */
static void
acceptClient(Device *device)
{
    device->fd = accept(device->listener, NULL, NULL);
}


/* Serves the sockets that are ready. Returns the number of sockets that are left, 0 if QEMU has not
 * connected in time. With ONCE, each device accepts only one connection. */
static size_t
serveDevices(bool once)
{
    struct pollfd polls[DEVICES_MAX];
    int timeout = -1;
    size_t left = 0;
    size_t i;

    for (i = 0; i < ndevices; i++) {
        polls[i] = (struct pollfd) {
            .fd = devices[i].fd >= 0 ? devices[i].fd : devices[i].listener,
            .events = POLLIN,
        };
        if (once && devices[i].fd < 0 && devices[i].listener >= 0)
            timeout = CONNECT_TIMEOUT;
    }
    if (poll(polls, ndevices, timeout) <= 0)
        return 0;

    for (i = 0; i < ndevices; i++) {
        Device *device = &devices[i];

        if (device->fd >= 0) {
            if (polls[i].revents && protocolServe(device) < 0)
                protocolClose(device);
        } else if (device->listener >= 0 && polls[i].revents) {
            acceptClient(device);
            if (once && device->fd >= 0) {
                close(device->listener);
                device->listener = -1;
                unlink(device->path);
            }
        }
        left += device->fd >= 0 || device->listener >= 0;
    }
    return left;
}


int
main(int argc,
     char **argv)
{
    static const char readyOption[] = "--ready-fd=";
    static const char socketOption[] = "--socket=";
    bool once = false;
    int ready = -1;
    int i;

    for (i = 1; i < argc; i++) {
        if (strncmp(argv[i], readyOption, strlen(readyOption)) == 0) {
            ready = (int) parseNumber(argv[i] + strlen(readyOption));
        } else if (strncmp(argv[i], socketOption, strlen(socketOption)) == 0) {
            addDevice(argv[i] + strlen(socketOption));
        } else if (strcmp(argv[i], "--device") == 0 && i + 1 < argc) {
            addModel(argv[++i]);
            once = true;
        } else {
            fail("unknown option", argv[i]);
        }
    }
    if (ndevices == 0)
        fail("missing option", "--socket=PATH");

    if (once) {
        /* QEMU's process group receives these, but the guest still requires its devices. */
        signal(SIGINT, SIG_IGN);
        signal(SIGQUIT, SIG_IGN);
        signal(SIGHUP, SIG_IGN);
        signal(SIGTERM, SIG_IGN);
    }
    if (ready >= 0) {
        if (write(ready, "", 1) != 1)
            fail("cannot write to", "--ready-fd");
        close(ready);
    }

    while (serveDevices(once) > 0)
        ;
    return EXIT_SUCCESS;
}
