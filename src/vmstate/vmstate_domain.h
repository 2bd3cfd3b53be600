/*
 * vmstate_domain.h: the emulated devices of one domain, saved and loaded together
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include "vmstate_device.h"

typedef struct _VMStateDomain VMStateDomain;

/**
 * vmstateDomainNew:
 *
 * Returns a domain without devices, to be freed with vmstateDomainFree(). Never NULL.
 */
VMStateDomain *vmstateDomainNew(void);

/**
 * vmstateDomainFree:
 * @domain: a domain, or NULL
 *
 * Frees the domain and its devices. The sockets remain open.
 */
void vmstateDomainFree(VMStateDomain *domain);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(VMStateDomain, vmstateDomainFree)

/**
 * vmstateDomainAdd:
 * @domain: a domain
 * @device: a device; the domain takes ownership, and frees it on failure
 * @fd: the socket of its emulator, which can be that of other devices, too
 * @number: the number of the device in that emulator, from 0
 * @alone: whether no other device has @fd; then the domain takes ownership of it, unless this
 *         fails
 * @err: set to VIR_ERR_CONFIG_UNSUPPORTED if another device has the same alias, or if there are
 *       too many devices
 *
 * Adds a device.
 *
 * Returns TRUE, or FALSE with @err set.
 */
gboolean vmstateDomainAdd(VMStateDomain *domain,
                          VMStateDevice *device,
                          int fd,
                          guint number,
                          gboolean alone,
                          GError **err);

/**
 * vmstateDomainSave:
 * @domain: a domain
 * @err: set on failure
 *
 * Collects the registers of all devices, except for devices that were unplugged. The guest must
 * not run.
 *
 * Returns the bytes to save, to be freed with g_bytes_unref(), or NULL with @err set if the
 * registers of a device cannot be read: a state without them would be incomplete.
 */
GBytes *vmstateDomainSave(VMStateDomain *domain, GError **err);

/**
 * vmstateDomainLoad:
 * @domain: a domain
 * @data: the saved bytes, which may be malicious
 * @len: their number
 * @err: set on failure; the message names the device
 *
 * Restores the registers of all devices. Nothing is changed before the data has been found to
 * belong to exactly these devices. The guest must not run.
 *
 * Returns TRUE, or FALSE with @err set.
 */
gboolean vmstateDomainLoad(VMStateDomain *domain,
                           gconstpointer data,
                           gsize len,
                           GError **err);
