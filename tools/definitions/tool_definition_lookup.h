/*
 * tool_definition_lookup.h: definitions, which a connection shows as node devices
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include "tool_connect.h"

/**
 * toolDefinitionFullName:
 * @name: the name of a definition, with or without its prefix
 *
 * Returns the name with the prefix, to be freed with g_free().
 */
char *toolDefinitionFullName(const char *name);

/**
 * toolDefinitionLookup:
 * @conn: a connection to the daemon
 * @nameOrUUID: the name of a definition, with or without its prefix, or its UUID
 * @err: set to VIR_ERR_NO_NODE_DEVICE if there is none, or to libvirt's error
 *
 * Returns the definition, to be freed with virNodeDeviceFree(), or NULL with @err set.
 */
virNodeDevicePtr toolDefinitionLookup(virConnectPtr conn, const char *nameOrUUID, GError **err);

/**
 * toolDefinitionLookupAll:
 * @conn: a connection to the daemon
 * @err: set to libvirt's error on failure
 *
 * Returns all definitions, active or not, sorted by name, to be freed with g_ptr_array_unref(), or
 * NULL with @err set.
 */
GPtrArray *toolDefinitionLookupAll(virConnectPtr conn, GError **err);
