/*
 * vmstate_control.h: devices that are attached to the running domain
 *
 * The launcher sends a message for each device on a SOCK_SEQPACKET socket: its alias, a line feed
 * and the value of pci-emulator's option --device, together with the socket of its emulator. The
 * answer is "ok" or an error. The device is saved from then on, until its emulator reports that it
 * was unplugged.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include "vmstate_domain.h"

/**
 * vmstateControlServe:
 * @fd: the socket, on which a message waits
 * @domain: gets the device
 *
 * Serves one message.
 *
 * Returns FALSE at the end of the connection.
 */
gboolean vmstateControlServe(int fd, VMStateDomain *domain);
