/*
 * monitor_lines.h: the few things that the relay reads in QMP
 *
 * A line of libvirt's is a command, a line of QEMU's a reply or an event (QEMU:
 * docs/interop/qmp-spec). The relay looks for one command, and for the replies to it; it is no
 * parser of JSON. The launcher, which is asked about each command that is found here, is one.
 *
 * Pure: makes no system call, allocates nothing, and reads no byte behind LEN.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "monitor_status.h"

/**
 * monitorLineLength:
 * @data: data of a connection
 * @len: its length, in bytes
 *
 * Returns the length of the first line with its line break, in bytes; 0 if there is no complete
 * line.
 */
size_t monitorLineLength(const char *data, size_t len);

/**
 * monitorLineIsAttach:
 * @line: a whole line of libvirt's
 * @len: its length in bytes
 * @id: set to the command's id
 *
 * Returns whether the line can be a device_add command whose alias has the fields of an
 * emulated PCI device, with an id by which its reply can be known.
 */
bool monitorLineIsAttach(const char *line, size_t len, char id[MONITOR_ID_MAX + 1]);

/**
 * monitorLineMayBeAttach:
 * @data: the beginning of a line
 * @len: its length, in bytes
 *
 * Returns TRUE if the line can be a device_add command in libvirt's format.
 */
bool monitorLineMayBeAttach(const char *data, size_t len);

/**
 * monitorLineIsReply:
 * @line: a complete line of QEMU
 * @len: its length, in bytes
 * @id: the id of a command
 * @error: set to whether the reply is an error, if it is a reply to the command
 *
 * Returns TRUE if the line is the reply to the command.
 */
bool monitorLineIsReply(const char *line, size_t len, const char *id, bool *error);
