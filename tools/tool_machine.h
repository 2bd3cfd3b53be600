/*
 * tool_machine.h: a domain's machine type, its virtual hardware's version
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include "tool_xml.h"

#include <libvirt/libvirt.h>

/* Gives the <domain> at ROOT the newest machine type of its family that the host of
 * CONN has, if its own is too old. Returns 1 if it did, 0 if that was not needed, -1
 * with ERR set. */
int toolMachineRaise(xmlNodePtr root, virConnectPtr conn, GError **err);
