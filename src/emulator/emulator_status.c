/*
 * emulator_status.c: the memory of the devices of a process
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <config.h>

#include "emulator_status.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "emulator_transport.h"

/* F_SEAL_FUTURE_WRITE requires Linux 5.1. With older kernels, processes of the same user can write
 * to the file. */
#ifndef F_SEAL_FUTURE_WRITE
# define F_SEAL_FUTURE_WRITE 0x0010
#endif


/* Returns a memory file of SIZE bytes, mapped. */
static void *
statusMap(size_t size)
{
    const int fd = memfd_create(EMULATOR_STATUS_NAME, MFD_CLOEXEC | MFD_ALLOW_SEALING);
    const int seals = F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL;
    void *memory = MAP_FAILED;
    int saved;

    if (fd < 0)
        return NULL;

    if (ftruncate(fd, size) == 0 &&
        (memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0)) != MAP_FAILED &&
        (fcntl(fd, F_ADD_SEALS, seals | F_SEAL_FUTURE_WRITE) == 0 ||
         fcntl(fd, F_ADD_SEALS, seals) == 0))
        return memory;

    saved = errno;
    if (memory != MAP_FAILED)
        munmap(memory, size);
    close(fd);
    errno = saved;
    return NULL;
}


int32_t
emulatorStatusPeer(int fd)
{
    struct ucred peer = { 0 };
    socklen_t len = sizeof(peer);
    const char *told = getenv(EMULATOR_STATUS_PEER);

    if (told && *told && strlen(told) < 10 && strspn(told, "0123456789") == strlen(told))
        return strtol(told, NULL, 10);
    return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) < 0 ? 0 : peer.pid;
}


EmulatorStatus *
emulatorStatusNew(const EmulatorOptions *options)
{
    EmulatorStatus *status = statusMap(sizeof(*status) +
                                       options->ndevices * sizeof(*status->devices));
    struct timespec now;
    size_t i;

    if (!status)
        return NULL;

    for (i = 0; i < options->ndevices; i++) {
        const EmulatorDeviceOptions *from = &options->devices[i];
        EmulatorStatusDevice *to = &status->devices[i];

        snprintf(to->devicename, sizeof(to->devicename), "%s", from->fields.devicename);
        snprintf(to->transport, sizeof(to->transport), "%s",
                 emulatorTransportGet(from->transport)->name);
        /* The peer of a listening socket would be this process. */
        if (from->transport == EMULATOR_TRANSPORT_MPQEMU)
            to->peer = emulatorStatusPeer(from->fd);
        emulatorDeviceInit(&to->device, from->fields.value);
    }

    clock_gettime(CLOCK_BOOTTIME, &now);
    status->started = now.tv_sec * UINT64_C(1000000000) + now.tv_nsec;
    status->worker = getpid();
    status->ndevices = options->ndevices;
    status->deviceSize = sizeof(*status->devices);
    status->version = EMULATOR_STATUS_VERSION;
    memcpy(status->magic, EMULATOR_STATUS_MAGIC, sizeof(status->magic));
    return status;
}


uint64_t
emulatorStatusServed(const EmulatorStatus *status,
                     size_t ndevices)
{
    uint64_t served = 0;
    size_t i;

    for (i = 0; i < ndevices; i++)
        served += emulatorDeviceServed(&status->devices[i].device);
    return served;
}
