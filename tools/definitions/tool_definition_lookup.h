/*
 * tool_definition_lookup.h: definitions, which a connection shows as node devices
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include "tool_connect.h"

/* Returns NAME with the prefix that definitions' names have. The caller frees the result. */
char *toolDefinitionFullName(const char *name);

/* Returns the definition of that name (with or without the prefix) or uuid. Returns NULL with ERR
 * set, to VIR_ERR_NO_NODE_DEVICE if there is none. */
virNodeDevicePtr toolDefinitionLookup(virConnectPtr conn, const char *nameOrUUID, GError **err);

/* Returns all definitions, active or not, sorted by name: a new array that frees them. Returns NULL
 * with ERR set. */
GPtrArray *toolDefinitionLookupAll(virConnectPtr conn, GError **err);
