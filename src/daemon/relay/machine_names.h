/*
 * machine_names.h: what upstream makes of a machine type's name
 *
 * "pc", or no name at all, is another machine type with every libvirt and QEMU.
 * Upstream is asked, through its domain capabilities, for those names that a domain
 * is lowered with; nothing is remembered beyond the call.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include "session_private.h"

/* For ProjectionOptions.machine, whose opaque is the session: the machine type that
 * upstream gives such a domain. The first time it is NULL, and machineNamesWants(). */
const char *machineNamesGet(const char *type, const char *arch, const char *machine,
                            const char *emulator, void *opaque);

/* Whether one was asked for that is not known yet. */
gboolean machineNamesWants(const Session *session);

typedef void (*MachineNamesReadyFunc)(Session *session, const RPCHeader *header, RPCFrame *call);

/* Asks upstream for it, and then has READY, which now owns CALL, go on with it. What
 * upstream does not tell is not known, and not asked for again. */
void machineNamesFetch(Session *session,
                       const RPCHeader *header,
                       RPCFrame *call,
                       MachineNamesReadyFunc ready);

/* Forgets all. */
void machineNamesForget(Session *session);
