/*
 * emulator_loop.c: serves the sockets of all devices of the process
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <config.h>

#include "emulator_loop.h"

#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "emulator_log.h"
#include "emulator_state.h"
#include "emulator_transport.h"
#include "gettext.h"

#define _(s) gettext(s)

/* The maximum number of reads of a device's socket before its registers are returned */
#define LOOP_DRAIN_TURNS 64

/* The data of a device that a process does not read from the shared memory, because another
 * process could have changed them */
typedef struct {
    int fd;                 /* or -1 */
    bool listening;         /* FD is a listening socket for one connection */
    char path[sizeof(((EmulatorDeviceOptions *) 0)->path)];     /* the path of the listening socket,
                                                                 * or "" */
    bool blocked;           /* waits until the peer reads a reply */
    const EmulatorProtocol *protocol;
    char devicename[EMULATED_PCI_DEVICENAME_MAX + 1];
    EmulatorStatusDevice *status;
} LoopDevice;

struct _EmulatorLoop {
    int epfd;               /* connections */
    int listenFd;           /* another epoll, of listening sockets; or -1 */
    int stateFd;            /* the socket through which registers are requested, or -1 */
    size_t nlistening;
    bool met;               /* a device has or had a connection */
    size_t nopen;           /* devices that are not closed, connected or not */
    bool waiting;           /* pauses before the next attempt to accept a connection */
    size_t ndevices;
    EmulatorStatus *status;
    LoopDevice devices[];
};


/* Adds the socket of a device to its epoll instance. */
static bool
loopAdd(EmulatorLoop *loop,
        const LoopDevice *device)
{
    struct epoll_event event = { .events = EPOLLIN, .data.u64 = device - loop->devices };

    if (device->listening && loop->listenFd < 0)
        loop->listenFd = epoll_create1(EPOLL_CLOEXEC);

    return epoll_ctl(device->listening ? loop->listenFd : loop->epfd, EPOLL_CTL_ADD,
                     device->fd, &event) == 0;
}


/* The data of epoll events that do not belong to a device, added to the number of devices */
enum {
    LOOP_EVENT_LISTEN = 0,
    LOOP_EVENT_STATE,
};


static bool
loopAddState(EmulatorLoop *loop,
             size_t ndevices)
{
    struct epoll_event event = { .events = EPOLLIN, .data.u64 = ndevices + LOOP_EVENT_STATE };

    return epoll_ctl(loop->epfd, EPOLL_CTL_ADD, loop->stateFd, &event) == 0;
}


EmulatorLoop *
emulatorLoopNew(const EmulatorOptions *options,
                EmulatorStatus *status)
{
    EmulatorLoop *loop = calloc(1, sizeof(*loop) + options->ndevices * sizeof(*loop->devices));
    size_t i;

    if (!loop)
        return NULL;

    loop->listenFd = -1;
    loop->stateFd = options->stateFd;
    loop->epfd = epoll_create1(EPOLL_CLOEXEC);
    if (loop->epfd < 0 || (loop->stateFd >= 0 && !loopAddState(loop, options->ndevices))) {
        close(loop->epfd);
        free(loop);
        return NULL;
    }

    for (i = 0; i < options->ndevices; i++) {
        const EmulatorDeviceOptions *from = &options->devices[i];
        LoopDevice *device = &loop->devices[i];

        device->fd = from->fd;
        device->listening = from->transport == EMULATOR_TRANSPORT_VFIO_USER;
        device->protocol = emulatorTransportGet(from->transport);
        memcpy(device->path, from->path, sizeof(device->path));
        memcpy(device->devicename, from->fields.devicename, sizeof(device->devicename));
        device->status = &status->devices[i];

        if (!loopAdd(loop, device)) {
            close(loop->listenFd);
            close(loop->epfd);
            free(loop);
            return NULL;
        }
        if (device->listening)
            loop->nlistening++;
        else
            loop->met = true;
    }
    loop->status = status;
    loop->ndevices = loop->nopen = options->ndevices;

    return loop;
}


/* Waits until the peer has sent data, or until it has read the reply. */
static bool
deviceWatch(EmulatorLoop *loop,
            LoopDevice *device,
            bool blocked)
{
    struct epoll_event event = {
        .events = blocked ? EPOLLOUT : EPOLLIN,
        .data.u64 = device - loop->devices,
    };

    device->blocked = blocked;
    return epoll_ctl(loop->epfd, EPOLL_CTL_MOD, device->fd, &event) == 0;
}


/* Closes a device. Other processes have its socket, too, so that it is shut down for the peer. Data
 * that the peer has sent are discarded. */
static void
deviceClose(EmulatorLoop *loop,
            LoopDevice *device,
            EmulatorStatusClosed why)
{
    char bytes[256];

    if (device->status->closed == EMULATOR_STATUS_OPEN)
        device->status->closed = why;
    epoll_ctl(loop->epfd, EPOLL_CTL_DEL, device->fd, NULL);
    shutdown(device->fd, SHUT_RDWR);
    while (recv(device->fd, bytes, sizeof(bytes), MSG_DONTWAIT) > 0)
        ;
    close(device->fd);
    device->fd = -1;
    loop->nopen--;
}


typedef enum {
    DEVICE_OPEN = 0,    /* continue */
    DEVICE_WAIT,        /* continue when the peer reads a reply */
    DEVICE_GONE,        /* the peer has closed the connection */
    DEVICE_FAILED,      /* the peer has violated the protocol */
} DeviceState;


/* Processes received data, and reads once more if RECEIVE is set: one turn of a socket is one
 * read. */
static DeviceState
deviceServe(LoopDevice *device,
            bool receive)
{
    EmulatorDevice *journal = &device->status->device;
    const char *why = NULL;

    for (;;) {
        struct mmsghdr *message;

        switch (emulatorDeviceStep(journal, device->protocol, &why)) {
        case EMULATOR_DEVICE_RECEIVE:
            if (!receive)
                return DEVICE_OPEN;
            receive = false;

            message = emulatorDeviceReceiving(journal);
            if (recvmmsg(device->fd, message, 1, MSG_DONTWAIT, NULL) < 0)
                return errno == EAGAIN || errno == EINTR ? DEVICE_OPEN : DEVICE_GONE;
            if (message->msg_len == 0)
                return DEVICE_GONE;
            break;

        case EMULATOR_DEVICE_SEND:
            message = emulatorDeviceSending(journal);
            if (sendmmsg(device->fd, message, 1, MSG_DONTWAIT | MSG_NOSIGNAL) < 0) {
                if (errno == EAGAIN)
                    return DEVICE_WAIT;
                if (errno != EINTR)
                    return DEVICE_GONE;
            }
            break;

        case EMULATOR_DEVICE_VIOLATION:
        default:
            emulatorLog(_("device %1$s (fd %2$d): closed: not the %3$s protocol: %4$s"),
                        device->devicename, device->fd, device->protocol->name, why);
            return DEVICE_FAILED;
        }
    }
}


static void
loopServe(EmulatorLoop *loop,
          LoopDevice *device,
          bool receive)
{
    DeviceState state;

    loop->status->serving = 1 + (device - loop->devices);
    state = deviceServe(device, receive);

    if (state == DEVICE_GONE)
        deviceClose(loop, device, EMULATOR_STATUS_GONE);
    else if (state == DEVICE_FAILED ||
             ((state == DEVICE_WAIT) != device->blocked &&
              !deviceWatch(loop, device, state == DEVICE_WAIT)))
        deviceClose(loop, device, EMULATOR_STATUS_FAILED);
    loop->status->serving = 0;
}


/* Continues where an earlier process was killed. */
static void
loopRecover(EmulatorLoop *loop)
{
    size_t i;

    for (i = 0; i < loop->ndevices; i++) {
        LoopDevice *device = &loop->devices[i];

        if (device->listening)
            continue;

        /* The earlier process may have waited for any event. */
        if (device->status->closed || !deviceWatch(loop, device, false))
            deviceClose(loop, device, EMULATOR_STATUS_FAILED);
        else
            loopServe(loop, device, false);
    }
}


bool
emulatorLoopIsOver(const EmulatorLoop *loop)
{
    size_t i;

    for (i = 0; i < loop->ndevices; i++) {
        const LoopDevice *device = &loop->devices[i];
        struct pollfd pfd = { .fd = device->fd };

        if (!device->listening && !device->status->closed &&
            (poll(&pfd, 1, 0) != 1 || !(pfd.revents & POLLHUP)))
            return false;
    }
    return loop->met;
}


int
emulatorLoopGetListenFd(const EmulatorLoop *loop)
{
    return loop->nlistening > 0 ? loop->listenFd : -1;
}


bool
emulatorLoopHasMet(const EmulatorLoop *loop)
{
    return loop->met;
}


void
emulatorLoopUnlink(const EmulatorLoop *loop)
{
    size_t i;

    for (i = 0; i < loop->ndevices; i++) {
        if (loop->devices[i].listening && *loop->devices[i].path)
            unlink(loop->devices[i].path);
    }
}


/* The connection replaces the listening socket: a device has only one connection. */
static bool
deviceAccept(EmulatorLoop *loop,
             LoopDevice *device,
             bool guarding)
{
    const int fd = accept4(device->fd, NULL, NULL, SOCK_CLOEXEC);

    if (fd < 0)
        return false;

    if (guarding) {
        if (*device->path)
            unlink(device->path);
        device->status->peer = emulatorStatusPeer(fd);
    }
    /* A worker still has the listening socket open. */
    epoll_ctl(loop->listenFd, EPOLL_CTL_DEL, device->fd, NULL);
    close(device->fd);
    device->fd = fd;
    device->listening = false;
    loop->nlistening--;
    loop->met = true;

    if (!loopAdd(loop, device))
        deviceClose(loop, device, EMULATOR_STATUS_FAILED);
    return true;
}


bool
emulatorLoopAccept(EmulatorLoop *loop,
                   bool guarding)
{
    struct epoll_event events[32];
    const int n = epoll_wait(loop->listenFd, events, sizeof(events) / sizeof(events[0]), 0);
    bool accepted = false;
    int i;

    for (i = 0; i < n; i++)
        accepted |= deviceAccept(loop, &loop->devices[events[i].data.u64], guarding);
    return accepted;
}


bool
emulatorLoopAcceptItself(EmulatorLoop *loop)
{
    struct epoll_event event = { .events = EPOLLIN, .data.u64 = loop->ndevices + LOOP_EVENT_LISTEN };

    return loop->nlistening == 0 ||
        epoll_ctl(loop->epfd, EPOLL_CTL_ADD, loop->listenFd, &event) == 0;
}


/* All devices belong to one QEMU. If it has closed the devices that it has connected to, it will
 * not connect to the others. */
static bool
loopIsDone(const EmulatorLoop *loop)
{
    return loop->nopen == (loop->met ? loop->nlistening : 0);
}


/* The socket of a device that is served, and its current request */
static bool
deviceIsPending(const LoopDevice *device)
{
    struct pollfd pfd = { .fd = device->fd };

    if (device->status->closed || device->listening)
        return false;

    switch (emulatorDeviceGetProgress(&device->status->device)) {
    case EMULATOR_DEVICE_IN_HAND:
        return true;
    case EMULATOR_DEVICE_ANSWERING:
        pfd.events = POLLOUT;
        break;
    case EMULATOR_DEVICE_IDLE:
    default:
        pfd.events = POLLIN;
        break;
    }
    return poll(&pfd, 1, 0) == 1;
}


/* Processes the data that the peers have already sent, so that the registers are those that QEMU
 * expects. Does not wait for incomplete requests. */
static void
loopDrain(EmulatorLoop *loop)
{
    size_t i;
    int turns;

    for (i = 0; i < loop->ndevices; i++) {
        for (turns = 0; turns < LOOP_DRAIN_TURNS && deviceIsPending(&loop->devices[i]); turns++)
            loopServe(loop, &loop->devices[i], !loop->devices[i].blocked);
    }
}


/* Handles one request for the registers of devices. A peer that does not receive the reply repeats
 * the request. */
static void
loopServeState(EmulatorLoop *loop)
{
    EmulatorStateRequest request;
    EmulatorStateReply reply;
    struct iovec in = { &request, sizeof(request) };
    struct iovec out = { &reply, sizeof(reply) };
    struct mmsghdr received = { .msg_hdr = { .msg_iov = &in, .msg_iovlen = 1 } };
    struct mmsghdr sent = { .msg_hdr = { .msg_iov = &out, .msg_iovlen = 1 } };

    if (recvmmsg(loop->stateFd, &received, 1, MSG_DONTWAIT, NULL) < 0 &&
        (errno == EAGAIN || errno == EINTR))
        return;

    if (received.msg_len == 0) {
        epoll_ctl(loop->epfd, EPOLL_CTL_DEL, loop->stateFd, NULL);
        return;
    }

    loopDrain(loop);
    if (emulatorStateAnswer(loop->status, loop->ndevices, &request, received.msg_len, &reply) == 0)
        sendmmsg(loop->stateFd, &sent, 1, MSG_DONTWAIT | MSG_NOSIGNAL);
}


/* Accepts connections again, or pauses: a connection that cannot be accepted remains in the
 * backlog. */
static void
loopWatchListeners(EmulatorLoop *loop,
                   bool watch)
{
    struct epoll_event event = {
        .events = watch ? EPOLLIN : 0,
        .data.u64 = loop->ndevices + LOOP_EVENT_LISTEN,
    };

    epoll_ctl(loop->epfd, EPOLL_CTL_MOD, loop->listenFd, &event);
    loop->waiting = !watch;
}


void
emulatorLoopSayFarewell(EmulatorLoop *loop)
{
    EmulatorStateReply reply = { .closed = EMULATOR_STATUS_GONE };
    struct iovec out = { &reply, sizeof(reply) };
    struct mmsghdr sent = { .msg_hdr = { .msg_iov = &out, .msg_iovlen = 1 } };
    size_t i;

    for (i = 0; i < loop->ndevices; i++) {
        if (!loop->devices[i].listening && loop->devices[i].status->closed != EMULATOR_STATUS_GONE)
            return;
    }
    if (loop->stateFd >= 0)
        sendmmsg(loop->stateFd, &sent, 1, MSG_DONTWAIT | MSG_NOSIGNAL);
}


void
emulatorLoopRun(EmulatorLoop *loop)
{
    struct epoll_event events[32];

    loopRecover(loop);

    while (!loopIsDone(loop)) {
        const int n = epoll_wait(loop->epfd, events, sizeof(events) / sizeof(events[0]),
                                 loop->waiting ? EMULATOR_LOOP_ACCEPT_PAUSE : -1);
        int i;

        if (loop->waiting)
            loopWatchListeners(loop, true);

        for (i = 0; i < n; i++) {
            const uint64_t source = events[i].data.u64;

            if (source == loop->ndevices + LOOP_EVENT_STATE) {
                loopServeState(loop);
            } else if (source == loop->ndevices + LOOP_EVENT_LISTEN) {
                if (!emulatorLoopAccept(loop, false))
                    loopWatchListeners(loop, false);
            } else if (loop->devices[source].fd >= 0) {
                /* A request for registers before this event can have closed the device. A pending
                 * reply, and the requests after it, are processed before new ones. */
                loopServe(loop, &loop->devices[source], !loop->devices[source].blocked);
            }
        }
    }
    emulatorLoopSayFarewell(loop);
}


bool
emulatorLoopIsPending(const EmulatorLoop *loop)
{
    size_t i;

    for (i = 0; i < loop->ndevices; i++) {
        if (deviceIsPending(&loop->devices[i]))
            return true;
    }
    return false;
}
