/*
 * vmstate_domain.h: the emulated devices of one domain, saved and loaded together
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include "vmstate_device.h"

typedef struct _VMStateDomain VMStateDomain;

VMStateDomain *vmstateDomainNew(void);
void vmstateDomainFree(VMStateDomain *domain);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(VMStateDomain, vmstateDomainFree)

/**
 * vmstateDomainAdd:
 * @device: a device, which is the domain's from here on
 * @fd: the socket of its emulator, which several devices may have
 * @number: what the device's number is there, from 0
 * @alone: no other device has @fd, which is the domain's from here on if this succeeds
 *
 * Returns FALSE with @err set if there is one of that alias, or there are too
 * many; @device is freed then.
 */
gboolean vmstateDomainAdd(VMStateDomain *domain,
                          VMStateDevice *device,
                          int fd,
                          guint number,
                          gboolean alone,
                          GError **err);

/**
 * vmstateDomainSave:
 *
 * Collects the registers of all devices. One that was unplugged is left out. The
 * guest must not run.
 *
 * Returns the bytes to save, newly allocated; or NULL with @err set if there is
 * a device whose registers are not to be had: whatever the others tell, it would
 * be lost.
 */
GBytes *vmstateDomainSave(VMStateDomain *domain, GError **err);

/**
 * vmstateDomainLoad:
 * @data: what was saved, possibly hostile
 * @len: its length in bytes
 *
 * Gives all devices the registers that they had. Nothing is changed before all
 * of @data was found to be of just these devices. The guest must not run.
 *
 * Returns FALSE with @err set. The message names the device.
 */
gboolean vmstateDomainLoad(VMStateDomain *domain,
                           gconstpointer data,
                           gsize len,
                           GError **err);
