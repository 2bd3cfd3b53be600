/*
 * relay_marker.h: whether a running domain has a relay
 *
 * Without emulatedpci-monitor between libvirt and QEMU, a device that is attached would be what
 * libvirt takes it for: a SCSI controller. A domain has none that was started by an older version
 * of the launcher, or on a host that lacks what the relay needs.
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
