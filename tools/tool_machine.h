/*
 * tool_machine.h: a domain's machine type, its virtual hardware's version
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include "tool_xml.h"

#include <libvirt/libvirt.h>

/**
 * toolMachineRaise:
 * @root: a <domain>
 * @conn: a connection to its host
 * @newest: gets the newest machine type of its family that the host has, a new string
 * @err: set on failure
 *
 * Returns 1 if the domain's own machine type is too old, 0 if it is not, -1 with ERR set.
 */
int toolMachineRaise(xmlNodePtr root, virConnectPtr conn, char **newest, GError **err);
