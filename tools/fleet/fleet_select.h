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

/**
 * fleetSelectNew:
 * @where: conditions KEY=GLOB or KEY!=GLOB, terminated by NULL; NULL: none, so that all domains
 *         are selected
 * @err: set on failure
 *
 * Returns the selection, to be freed with fleetSelectFree(), or NULL with @err set if a key is
 * unknown, a state does not exist, or an XPath expression is malformed.
 */
FleetSelect *fleetSelectNew(char **where, GError **err);

/**
 * fleetSelectFree:
 * @select: the selection, or NULL
 *
 * Frees the selection.
 */
void fleetSelectFree(FleetSelect *select);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(FleetSelect, fleetSelectFree)

typedef enum {
    FLEET_SELECT_ERROR = -1,
    FLEET_SELECT_NO = 0,
    FLEET_SELECT_YES = 1,
} FleetSelectResult;

/**
 * fleetSelectMatch:
 * @select: the selection
 * @domain: a domain
 * @err: set to libvirt's error if a value cannot be read
 *
 * Checks the conditions. Several threads can call this at the same time.
 *
 * Returns FLEET_SELECT_YES if the domain is selected, FLEET_SELECT_NO if it is not, or
 * FLEET_SELECT_ERROR with @err set.
 */
FleetSelectResult fleetSelectMatch(const FleetSelect *select, virDomainPtr domain, GError **err);

/**
 * fleetDomainLookup:
 * @conn: a connection to the host
 * @name: the id, UUID or name of a domain, which are tried in this order, as virsh does
 *
 * Returns the domain, to be freed with virDomainFree(), or NULL if there is none.
 */
virDomainPtr fleetDomainLookup(virConnectPtr conn, const char *name);

/**
 * fleetDomainXML:
 * @domain: a domain
 * @flags: virDomainXMLFlags
 * @err: set to libvirt's error, or to VIR_ERR_XML_ERROR
 *
 * Returns the parsed XML of the domain, to be freed with xmlFreeDoc(), or NULL with @err set.
 */
xmlDocPtr fleetDomainXML(virDomainPtr domain, unsigned int flags, GError **err);

/**
 * fleetStateName:
 * @state: a state (virDomainState)
 *
 * Returns the name of the state in conditions and in JSON; "nostate" for a state that this program
 * does not know.
 */
const char *fleetStateName(int state);
