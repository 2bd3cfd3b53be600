/*
 * monitor_lines.h: the parts of QMP that the relay reads
 *
 * A line of libvirt is a command, a line of QEMU is a reply or an event (QEMU:
 * docs/interop/qmp-spec). The relay looks for two commands, for the replies to them and for the
 * replies to its own commands, without a JSON parser. The launcher parses each device_add that is
 * found here.
 *
 * These functions make no system calls, do not allocate memory, and do not read beyond the given
 * length.
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
 * @line: a complete line of libvirt
 * @len: its length, in bytes
 * @id: set to the id of the command
 *
 * Returns TRUE if the line can be a device_add command whose alias contains the fields of an
 * emulated PCI device, and that has an id by which its reply can be recognized.
 */
bool monitorLineIsAttach(const char *line, size_t len, char id[MONITOR_ID_MAX + 1]);

/**
 * monitorLineIsDetach:
 * @line: a complete line of libvirt
 * @len: its length, in bytes
 * @id: set to the id of the command
 * @device: set to the id of the device, which is a part of @line
 * @deviceLen: set to its length, in bytes
 *
 * Returns TRUE if the line is a device_del command, in libvirt's format, for a device whose alias
 * the user can choose ("ua-…"), as all emulated PCI devices have one.
 */
bool monitorLineIsDetach(const char *line, size_t len, char id[MONITOR_ID_MAX + 1],
                         const char **device, size_t *deviceLen);

/**
 * monitorLineMayBeCommand:
 * @data: the beginning of a line
 * @len: its length, in bytes
 *
 * Returns TRUE if the line can become one of both commands, in libvirt's format.
 */
bool monitorLineMayBeCommand(const char *data, size_t len);

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

/**
 * monitorLineHas:
 * @line: a line
 * @len: its length, in bytes
 * @text: a text
 *
 * Returns TRUE if the line contains the text.
 */
bool monitorLineHas(const char *line, size_t len, const char *text);
