/*
 * fleet_select.h: selection of domains
 *
 * A selection is a list of conditions KEY=GLOB or KEY!=GLOB; a domain is selected if all of them
 * are true. The values are requested from libvirt when they are required, the XML last.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include "tool_connect.h"
#include "tool_xml.h"

typedef struct _FleetSelect FleetSelect;

/* Reads WHERE (NULL: no condition, every domain is meant). Returns NULL with ERR set: an unknown
 * key, a state that no domain can have, or an XPath expression that is none. */
FleetSelect *fleetSelectNew(char **where, GError **err);
void fleetSelectFree(FleetSelect *select);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(FleetSelect, fleetSelectFree)

typedef enum {
    FLEET_SELECT_ERROR = -1,
    FLEET_SELECT_NO = 0,
    FLEET_SELECT_YES = 1,
} FleetSelectResult;

/* Returns whether @domain is selected, or FLEET_SELECT_ERROR with @err set on failure. Several
 * threads can call this at the same time. */
FleetSelectResult fleetSelectMatch(const FleetSelect *select, virDomainPtr domain, GError **err);

/* Returns the domain of that id, uuid or name, in virsh's order. Returns NULL if there is none. */
virDomainPtr fleetDomainLookup(virConnectPtr conn, const char *name);

/* Returns the domain's XML, parsed, or NULL with ERR set. */
xmlDocPtr fleetDomainXML(virDomainPtr domain, unsigned int flags, GError **err);

/* Returns the name of a state, as --where and JSON have it. */
const char *fleetStateName(int state);
