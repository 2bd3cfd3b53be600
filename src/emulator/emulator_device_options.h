/*
 * emulator_device_options.h: the description of a device as text
 *
 * The format KEY=VALUE,... is that of --device, and of a message to an emulator with --listen,
 * which contains the socket itself instead of its number. It is stable and documented in
 * docs/pci-emulator.rst.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include <stdint.h>
#include <sys/un.h>

#include "emulatedpci_fields.h"

/* The protocol between QEMU and the device */
typedef enum {
    EMULATOR_TRANSPORT_MPQEMU = 0,      /* over a connected socket */
    EMULATOR_TRANSPORT_VFIO_USER,       /* over the first connection to a listening one */

    EMULATOR_TRANSPORT_LAST
} EmulatorTransport;

typedef struct {
    EmulatorTransport transport;
    int fd;                                     /* a UNIX stream socket, or -1: see path */
    char path[sizeof(((struct sockaddr_un *) 0)->sun_path)];  /* where to listen, or "" */
    EmulatedPCIFields fields;
} EmulatorDeviceOptions;

/* An error message of one line */
typedef struct {
    char text[512];
} EmulatorDeviceError;

/**
 * emulatorDeviceOptionsParseFd:
 * @str: a decimal number
 *
 * Returns the number of a descriptor above standard error, or -1.
 */
int emulatorDeviceOptionsParseFd(const char *str);

/**
 * emulatorDeviceOptionsParse:
 * @device: filled in
 * @arg: KEY=VALUE,..., which is written to
 * @fd: the device's socket, or -1 if @arg names it. It is not closed.
 * @error: set on failure
 *
 * Returns 0, or -1 if @arg is invalid, is incomplete, or names a socket although
 * @fd is one.
 */
int emulatorDeviceOptionsParse(EmulatorDeviceOptions *device,
                               char *arg,
                               int fd,
                               EmulatorDeviceError *error);
