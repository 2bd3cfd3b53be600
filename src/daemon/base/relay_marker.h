/*
 * relay_marker.h: whether a running domain has a relay
 *
 * Without emulatedpci-monitor between libvirt and QEMU, an attached device would become a SCSI
 * controller, which libvirt requests from QEMU. A domain has no relay if an older version of the
 * launcher has started it, or if the relay could not be started on the host.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include "emulatedpci_error.h"

/**
 * relayMarkerCheck:
 * @uuid: the domain's, 16 bytes
 * @err: set on failure
 *
 * Looks for the abstract socket "emulatedpci-monitor/UUID/PID", which the relay has while it
 * runs, in /proc/self/net/unix (proc_pid_net(5)).
 *
 * Returns FALSE if there is none.
 */
gboolean relayMarkerCheck(const guint8 *uuid, GError **err);
