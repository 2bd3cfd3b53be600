/*
 * emulator_device.h: a device that survives its process
 *
 * A device consists of its registers and a journal of the current request, in memory that
 * outlives the process that serves it. That process can be killed between any two
 * instructions. The next process continues from this memory: no request is lost or processed
 * twice, and no reply is lost or sent twice.
 *
 * There are two states, the current one and the next one. A step reads the current one, writes
 * the next one, and makes it the current one with a single store. A process that is killed
 * during the step has therefore changed nothing. Receiving and sending bytes cannot be repeated.
 * Therefore recvmmsg() and sendmmsg() are used, with message headers in the current state: the
 * kernel transfers the bytes and stores msg_len there in one system call, which a signal, even
 * SIGKILL, can only precede or follow. So the state itself contains the received and sent
 * lengths.
 *
 * Only the order of the stores of one process matters, because a process reads the memory of
 * another one only after the other one has ended. A compiler barrier is sufficient.
 *
 * The memory may have been written to by a process that a guest had taken
 * over: every number in it is checked before it is used, and addresses in it
 * are written anew, never followed.
 *
 * The functions make no system calls and allocate no memory. emulator_loop.c uses the sockets.
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

/* One recvmmsg() or sendmmsg() call */
typedef struct {
    struct mmsghdr message;     /* the kernel sets msg_len, the number of bytes transferred */
    struct iovec vector;
} EmulatorTransfer;

typedef struct {
    EmulatorTransfer received;
    EmulatorTransfer sent;
    uint64_t served;            /* requests since power-on */
    EmulatorSession session;
    uint32_t inLen;             /* received bytes, without those that RECEIVED counts */
    uint32_t outLen;            /* length of the reply */
    uint32_t outSent;           /* sent bytes of the reply, without those that SENT counts */
    PCIConfig config;
    uint8_t out[EMULATOR_REPLY_MAX];
    uint8_t in[EMULATOR_REQUEST_MAX];
} EmulatorState;

typedef struct {
    uint32_t current;           /* the lowest bit is the index of the current state */
    EmulatorState states[2];
} EmulatorDevice;

typedef enum {
    EMULATOR_DEVICE_RECEIVE = 0,    /* receive data: emulatorDeviceReceiving() */
    EMULATOR_DEVICE_SEND,           /* send a reply: emulatorDeviceSending() */
    EMULATOR_DEVICE_VIOLATION,      /* the peer has violated the protocol */
} EmulatorDeviceNext;

/**
 * emulatorDeviceInit:
 * @device: a device that is all zeros
 * @values: the power-on values, as for pciConfigInit()
 *
 * Sets the registers to their power-on values.
 */
void emulatorDeviceInit(EmulatorDevice *device,
                        const uint32_t values[EMULATED_PCI_FIELD_LAST]);

/**
 * emulatorDeviceStep:
 * @device: a new device, a device after a transfer with any result, or one of a process that
 *          was killed
 * @protocol: the protocol of its socket
 * @why: set to a static string in English if the result is EMULATOR_DEVICE_VIOLATION
 *
 * Continues until the socket is required.
 *
 * Returns the next operation on the socket.
 */
EmulatorDeviceNext emulatorDeviceStep(EmulatorDevice *device,
                                      const EmulatorProtocol *protocol,
                                      const char **why);

/**
 * emulatorDeviceReceiving, emulatorDeviceSending:
 * @device: a device for which emulatorDeviceStep() has requested this operation
 *
 * Return the header for recvmmsg() or sendmmsg(), with one message. It has no space for control
 * data, so that the kernel closes descriptors in a message before this process gets them
 * (unix(7), SCM_RIGHTS). emulatorDeviceStep() must be called next.
 */
struct mmsghdr *emulatorDeviceReceiving(EmulatorDevice *device);
struct mmsghdr *emulatorDeviceSending(EmulatorDevice *device);

/**
 * emulatorDeviceGetRegisters, emulatorDeviceRestore:
 * @device: a device
 * @registers: its registers
 *
 * Get the current registers, and set them as pciConfigRestore(). Only the process that serves
 * the device can call these functions, between two steps. If it is killed while it restores,
 * the next process has to restore again.
 *
 * emulatorDeviceRestore() returns false, and changes nothing, if the registers cannot be those of
 * the device.
 */
void emulatorDeviceGetRegisters(EmulatorDevice *device,
                                uint8_t registers[PCI_CONFIG_SIZE]);
bool emulatorDeviceRestore(EmulatorDevice *device,
                           const uint8_t registers[PCI_CONFIG_SIZE]);

/**
 * emulatorDeviceServed:
 * @device: a device
 *
 * Returns the number of requests that were processed since power-on.
 */
uint64_t emulatorDeviceServed(const EmulatorDevice *device);

typedef enum {
    EMULATOR_DEVICE_IDLE = 0,       /* at most a part of a request has been received */
    EMULATOR_DEVICE_IN_HAND,        /* received bytes have not been processed yet */
    EMULATOR_DEVICE_ANSWERING,      /* a reply has not been sent completely */
} EmulatorDeviceProgress;

/**
 * emulatorDeviceGetProgress:
 * @device: a device, which another process may serve
 *
 * Returns the progress of the process that serves the device. It may have continued in the
 * meantime.
 */
EmulatorDeviceProgress emulatorDeviceGetProgress(const EmulatorDevice *device);
