/*
 * relay_marker.h: whether a running domain has a relay
 *
 * Without emulatedpci-monitor between libvirt and QEMU, an attached device would become a SCSI
 * controller, which libvirt requests from QEMU. A domain has no relay if an older version of the
 * launcher has started it, or if the relay could not be started on the host. A relay of version 2
 * also checks whether QEMU can unplug a device (src/monitor/monitor_detach.h).
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include <sys/types.h>

#include "emulatedpci_error.h"

typedef enum {
    RELAY_NONE = 0,
    RELAY_ATTACH,               /* the first version: it attaches devices */
    RELAY_DETACH,               /* version 2: it also checks devices that are detached */
} RelayVersion;

/**
 * relayMarkerFind:
 * @uuid: the domain's, 16 bytes
 * @qemu: the user of the domain's QEMU, or (uid_t) -1 if it is unknown
 *
 * Looks for the abstract socket "emulatedpci-monitor/UUID/PID/VERSION", which the relay has while
 * it runs, in /proc/self/net/unix (proc_pid_net(5)). The first version has no "/VERSION". A later
 * one than those that are known here is taken for the last of them.
 *
 * Any user can create such a socket. It is only a relay's if it was created by @qemu, because the
 * relay runs as QEMU's user; by the user of this process, as whom QEMU runs in session mode; or by
 * root. If the kernel cannot report who has created a socket, it is ignored, with a
 * warning in the log.
 *
 * Returns the version, or RELAY_NONE if there is none.
 */
RelayVersion relayMarkerFind(const guint8 *uuid, uid_t qemu);

/**
 * relayMarkerCheckAttach:
 * @uuid: the domain's, 16 bytes
 * @qemu: see relayMarkerFind()
 * @err: set to VIR_ERR_OPERATION_UNSUPPORTED if no device can be attached
 *
 * Returns TRUE if the domain has a relay, or FALSE with @err set.
 */
gboolean relayMarkerCheckAttach(const guint8 *uuid, uid_t qemu, GError **err);

/**
 * relayMarkerCheckDetach:
 * @uuid: the domain's, 16 bytes
 * @qemu: see relayMarkerFind()
 * @alias: the alias of a device that only its relay can detach
 * @err: set to VIR_ERR_OPERATION_UNSUPPORTED if the device cannot be detached
 *
 * Returns TRUE if the domain has a relay that checks whether QEMU can unplug the device, or FALSE
 * with @err set.
 */
gboolean relayMarkerCheckDetach(const guint8 *uuid,
                                uid_t qemu,
                                const char *alias,
                                GError **err);
