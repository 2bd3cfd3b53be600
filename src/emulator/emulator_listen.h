/*
 * emulator_listen.h: pci-emulator --listen, one emulator for several domains
 *
 * A connection to the control socket transfers the devices of a domain, one in each message. A
 * separate process, which works as any other emulator, serves these devices after the end of the
 * connection. Therefore domains do not affect each other, and the listening process does not read
 * any data of a guest.
 *
 * docs/pci-emulator.rst, ATTACHING, describes the protocol.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include "emulator_options.h"

/* The maximum number of domains, including connections that are still transferring devices */
#define EMULATOR_DOMAINS_MAX 64

/* The longest time that a peer may take to send a request, in seconds */
#define EMULATOR_LISTEN_TIMEOUT 30

/* The time until the next attempt to accept a connection after a failure, in milliseconds: memory
 * or descriptors are missing. */
#define EMULATOR_LISTEN_ACCEPT_PAUSE 100

/* The maximum length of a message, in bytes. The longest useful one has about 350. */
#define EMULATOR_LISTEN_MESSAGE_MAX 1024

/**
 * emulatorListenRun:
 * @options: where to listen, and who may attach
 * @serve: called in a child for each domain, with the options of its devices. Its
 *         result is the child's exit status. Descriptors besides the devices' may
 *         be open.
 *
 * Listens until SIGTERM or SIGINT. Domains that are being served are not ended.
 *
 * Returns 0, or -1 after a message on standard error.
 */
int emulatorListenRun(const EmulatorOptions *options,
                      int (*serve)(EmulatorOptions *domain));
