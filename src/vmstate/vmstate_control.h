/*
 * vmstate_control.h: devices that are attached to the running domain
 *
 * The launcher tells of each in one message on a SOCK_SEQPACKET socket: its alias, a line feed
 * and the value of pci-emulator's --device option, and with it the socket of its emulator. The
 * answer is "ok" or an error. The device counts at once; that it is gone, its emulator tells.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include "vmstate_domain.h"

/**
 * vmstateControlWatch:
 * @fd: the socket, or -1
 * @domain: gets the devices
 *
 * Has the default main context serve @fd.
 */
void vmstateControlWatch(int fd, VMStateDomain *domain);

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
