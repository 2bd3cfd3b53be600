/*
 * device_owner.h: the user of a running domain's QEMU
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include <glib.h>
#include <sys/types.h>

/**
 * deviceOwnerRead:
 * @xml: the running domain, as libvirt shows it
 * @len: its length, in bytes
 *
 * Reads the label of the security driver "dac" (<seclabel model='dac'>), which libvirt adds to the XML
 * of a running domain: "+UID:+GID", or the names of a user and a group that the user has chosen.
 *
 * Returns the user ID, or (uid_t) -1 if there is no label, as in session mode, where QEMU runs as the
 * user of libvirtd.
 */
uid_t deviceOwnerRead(const char *xml, gsize len);
