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

/* Returns the length of the line that DATA begins with, in bytes with its end; 0 if it has none. */
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

/* Returns whether the LEN bytes of DATA can be the beginning of such a line, as libvirt writes
 * it. */
bool monitorLineMayBeAttach(const char *data, size_t len);

/* Returns whether LINE, a whole line of QEMU's, is the reply to the command ID; *ERROR: and an
 * error. */
bool monitorLineIsReply(const char *line, size_t len, const char *id, bool *error);
