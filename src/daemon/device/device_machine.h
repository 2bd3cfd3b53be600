/*
 * device_machine.h: the machine type of a domain, which can be too old for a device
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include <glib.h>

/**
 * deviceMachineCheck:
 * @machine: the value of the attribute "machine" of an element to attach
 * @err: set to VIR_ERR_XML_ERROR if it cannot be a machine type
 *
 * Returns whether it can.
 */
gboolean deviceMachineCheck(const char *machine, GError **err);

/**
 * deviceMachineRaise:
 * @xml: a domain's XML, as libvirt formats it
 * @machine: a machine type
 * @err: set on failure
 *
 * If the domain's machine type is an older version of the family of @machine, @machine takes
 * its place.
 *
 * Returns the XML, a new string; NULL with ERR set if it cannot be changed.
 */
char *deviceMachineRaise(const char *xml, const char *machine, GError **err);
