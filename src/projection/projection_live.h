/*
 * projection_live.h: a device that is attached to a running domain
 *
 * libvirt applies an override only when it starts a domain. Therefore the controller that reserves
 * the address of such a device has an alias with all its fields (qemu_props_alias.h), from which
 * lifting restores the device.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include "projection.h"

/**
 * projectionLiveLower:
 * @xml: the running domain, as libvirt shows it
 * @len: its length in bytes
 * @def: the device, complete and valid; gets an alias if it has none
 * @other: another document whose aliases a new one is to differ from, lifted or not; or NULL
 * @opts: the options of lowering
 * @err: set on failure
 *
 * Returns the controller that libvirt is to attach, newly allocated; NULL if the domain was not
 * started by the launcher, or the device's alias is in use.
 */
char *projectionLiveLower(const char *xml,
                          gsize len,
                          EmulatedPCIDef *def,
                          const char *other,
                          const ProjectionOptions *opts,
                          GError **err);

/**
 * projectionLiveFindAlias:
 * @xml: the XML of the running domain, as libvirt knows it
 * @len: its length, in bytes
 * @alias: the alias of a device, as the user knows it
 *
 * Returns the alias of the controller that represents the device, to be freed with g_free();
 * @alias if the device was not attached to the running domain.
 */
char *projectionLiveFindAlias(const char *xml, gsize len, const char *alias);
