/*
 * emulator_loop.c: serves the sockets of all devices of the process
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <config.h>

#include "emulator_loop.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "emulator_log.h"
#include "gettext.h"
#include "mpqemu.h"
#include "pci_config.h"

#define _(s) gettext(s)

typedef struct {
    int fd;
    bool blocked;           /* waits until the peer takes an answer */
    char devicename[EMULATED_PCI_DEVICENAME_MAX + 1];
    PCIConfig config;
    MPQemuLink link;
} EmulatorDevice;

struct _EmulatorLoop {
    int epfd;
    size_t nopen;
    size_t ndevices;
    EmulatorDevice devices[];
};


EmulatorLoop *
emulatorLoopNew(const EmulatorOptions *options)
{
    EmulatorLoop *loop = calloc(1, sizeof(*loop) + options->ndevices * sizeof(*loop->devices));
    size_t i;

    if (!loop)
        return NULL;

    loop->epfd = epoll_create1(EPOLL_CLOEXEC);
    if (loop->epfd < 0) {
        free(loop);
        return NULL;
    }

    for (i = 0; i < options->ndevices; i++) {
        const EmulatorDeviceOptions *from = &options->devices[i];
        EmulatorDevice *device = &loop->devices[i];
        struct epoll_event event = { .events = EPOLLIN, .data.ptr = device };

        device->fd = from->fd;
        strcpy(device->devicename, from->devicename);
        pciConfigInit(&device->config, from->values);

        if (epoll_ctl(loop->epfd, EPOLL_CTL_ADD, device->fd, &event) < 0) {
            close(loop->epfd);
            free(loop);
            return NULL;
        }
    }
    loop->ndevices = loop->nopen = options->ndevices;

    return loop;
}


/* Waits for the peer's bytes, or for room for ours. */
static bool
deviceWatch(EmulatorLoop *loop,
            EmulatorDevice *device,
            bool blocked)
{
    struct epoll_event event = {
        .events = blocked ? EPOLLOUT : EPOLLIN,
        .data.ptr = device,
    };

    if (device->blocked == blocked)
        return true;

    device->blocked = blocked;
    return epoll_ctl(loop->epfd, EPOLL_CTL_MOD, device->fd, &event) == 0;
}


typedef enum {
    DEVICE_OPEN = 0,    /* go on */
    DEVICE_WAIT,        /* go on later */
    DEVICE_CLOSE,       /* the peer has gone, or is not to be trusted */
} DeviceState;


static DeviceState
deviceSend(EmulatorDevice *device)
{
    MPQemuLink *link = &device->link;

    while (link->outSent < link->outLen) {
        const ssize_t sent = send(device->fd, link->out + link->outSent,
                                  link->outLen - link->outSent, MSG_DONTWAIT | MSG_NOSIGNAL);

        if (sent < 0) {
            if (errno == EINTR)
                continue;
            return errno == EAGAIN ? DEVICE_WAIT : DEVICE_CLOSE;
        }
        link->outSent += sent;
    }
    link->outLen = 0;
    return DEVICE_OPEN;
}


/* Handles the messages that have come. */
static DeviceState
deviceHandle(EmulatorDevice *device)
{
    const char *why = NULL;

    for (;;) {
        DeviceState state;

        switch (mpqemuLinkStep(&device->link, &device->config, &why)) {
        case MPQEMU_MORE:
            return DEVICE_OPEN;

        case MPQEMU_REPLY:
            if ((state = deviceSend(device)) != DEVICE_OPEN)
                return state;
            break;

        case MPQEMU_VIOLATION:
        default:
            emulatorLog(_("device %1$s (fd %2$d): closed: not the multi-process protocol: %3$s"),
                        device->devicename, device->fd, why);
            return DEVICE_CLOSE;
        }
    }
}


/* One read. There is no room for control data in it, so the kernel closes
 * descriptors that ride on a message, those of guest memory and interrupts,
 * before this process ever has them: unix(7), SCM_RIGHTS. */
static DeviceState
deviceReceive(EmulatorDevice *device)
{
    size_t size;
    uint8_t *space = mpqemuLinkSpace(&device->link, &size);
    const ssize_t got = recv(device->fd, space, size, MSG_DONTWAIT);

    if (got > 0) {
        mpqemuLinkAdd(&device->link, got);
        return DEVICE_OPEN;
    }
    if (got < 0 && (errno == EAGAIN || errno == EINTR))
        return DEVICE_WAIT;

    return DEVICE_CLOSE;
}


static DeviceState
deviceServe(EmulatorDevice *device)
{
    DeviceState state = DEVICE_OPEN;

    /* An answer and the messages behind it come before new ones. */
    if (device->blocked) {
        if ((state = deviceSend(device)) == DEVICE_OPEN)
            state = deviceHandle(device);
        return state;
    }

    if ((state = deviceReceive(device)) == DEVICE_OPEN)
        state = deviceHandle(device);
    return state;
}


void
emulatorLoopRun(EmulatorLoop *loop)
{
    struct epoll_event events[32];

    while (loop->nopen > 0) {
        const int n = epoll_wait(loop->epfd, events, sizeof(events) / sizeof(events[0]), -1);
        int i;

        for (i = 0; i < n; i++) {
            EmulatorDevice *device = events[i].data.ptr;
            const DeviceState state = deviceServe(device);
            const bool blocked = device->link.outLen > 0;

            if (state == DEVICE_CLOSE || !deviceWatch(loop, device, blocked)) {
                close(device->fd);
                device->fd = -1;
                loop->nopen--;
            }
        }
    }
}
