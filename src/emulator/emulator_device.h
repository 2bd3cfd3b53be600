/*
 * emulator_device.h: a device that survives its process
 *
 * A device is its registers and a journal of the request in flight, in memory
 * that outlives the process that serves it. That process may be killed between
 * any two instructions; the next one goes on from here, and no request is
 * lost, none is acted on twice, and no answer is sent twice or left out.
 *
 * There are two states, the current one and the next. A step reads the current
 * one, writes the next one, and makes it the current one by a single store, so
 * a process that is killed on the way has done nothing. What cannot be done
 * again is taking bytes from the socket and giving bytes to it. Both are done
 * by recvmmsg() and sendmmsg(), with message headers that lie in the current
 * state: the kernel takes the bytes and stores msg_len there within one system
 * call, which a signal, even SIGKILL, can only precede or follow. So what has
 * come and what has gone stands in the state itself.
 *
 * The order of a process's own stores is all that matters (a process that has
 * died is read after its end), so it is for the compiler only to keep it.
 *
 * The memory may have been written to by a process that a guest had taken
 * over: every number in it is checked before it is used, and addresses in it
 * are written anew, never followed.
 *
 * Pure: makes no system call, allocates nothing. emulator_loop.c has the
 * sockets.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include "emulator_protocol.h"
#include "pci_config.h"

/* One recvmmsg() or sendmmsg(). */
typedef struct {
    struct mmsghdr message;     /* msg_len is the kernel's: bytes that came, or went */
    struct iovec vector;
} EmulatorTransfer;

typedef struct {
    EmulatorTransfer received;
    EmulatorTransfer sent;
    uint64_t served;            /* requests since power-on */
    EmulatorSession session;
    uint32_t inLen;             /* of what is there, without what RECEIVED counts */
    uint32_t outLen;            /* of the answer */
    uint32_t outSent;           /* of that, without what SENT counts */
    PCIConfig config;
    uint8_t out[EMULATOR_REPLY_MAX];
    uint8_t in[EMULATOR_REQUEST_MAX];
} EmulatorState;

typedef struct {
    uint32_t current;           /* which state counts: the lowest bit */
    EmulatorState states[2];
} EmulatorDevice;

typedef enum {
    EMULATOR_DEVICE_RECEIVE = 0,    /* needs bytes: emulatorDeviceReceiving() */
    EMULATOR_DEVICE_SEND,           /* has an answer: emulatorDeviceSending() */
    EMULATOR_DEVICE_VIOLATION,      /* the stream cannot be trusted any more */
} EmulatorDeviceNext;

/* Powers DEVICE, which is all zeros, up. VALUES as for pciConfigInit(). */
void emulatorDeviceInit(EmulatorDevice *device,
                        const uint32_t values[EMULATED_PCI_FIELD_LAST]);

/* Goes on as far as that is possible without the socket: from a fresh device,
 * after a transfer of whatever outcome, or from what a process left that was
 * killed. With EMULATOR_DEVICE_VIOLATION *WHY is a static string in English. */
EmulatorDeviceNext emulatorDeviceStep(EmulatorDevice *device,
                                      const EmulatorProtocol *protocol,
                                      const char **why);

/* Returns the header for recvmmsg() or sendmmsg(), one message, after a step asked for it. There is
 * no room for control data in it, so the kernel closes the descriptors that ride on a message
 * before this process has them: unix(7), SCM_RIGHTS. Only emulatorDeviceStep() may follow. */
struct mmsghdr *emulatorDeviceReceiving(EmulatorDevice *device);
struct mmsghdr *emulatorDeviceSending(EmulatorDevice *device);

/* The registers that DEVICE has now, and those that it had in another process,
 * as for pciConfigRestore(). For the process that serves, between two steps.
 * One that is killed while it restores leaves some of the registers restored:
 * the next one has to do it again. */
void emulatorDeviceGetRegisters(EmulatorDevice *device,
                                uint8_t registers[PCI_CONFIG_SIZE]);
bool emulatorDeviceRestore(EmulatorDevice *device,
                           const uint8_t registers[PCI_CONFIG_SIZE]);

/* Requests that were acted on since power-on. */
uint64_t emulatorDeviceServed(const EmulatorDevice *device);

typedef enum {
    EMULATOR_DEVICE_IDLE = 0,       /* at most a part of a request has come */
    EMULATOR_DEVICE_IN_HAND,        /* bytes came that were not looked at yet */
    EMULATOR_DEVICE_ANSWERING,      /* an answer is not sent yet */
} EmulatorDeviceProgress;

/* Returns the progress of another process, which may have continued in the meantime. */
EmulatorDeviceProgress emulatorDeviceGetProgress(const EmulatorDevice *device);
