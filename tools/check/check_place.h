/*
 * check_place.h: the places of devices in the domain's XML and in QEMU
 *
 * A guest assigns bus numbers itself. Therefore paths are compared instead: the slots and functions
 * of the bridges from the root to a device, and its own.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include "tool_xml.h"

typedef struct {
    char *way;              /* "02.0/05.0"; NULL: unknown */
    guint bus;              /* in XML: libvirt's index; in QEMU: the guest's number */
    guint slot;
    guint function;
} CheckPlace;

/**
 * checkPlaceFree:
 * @place: the place, or NULL
 *
 * Frees the place.
 */
void checkPlaceFree(CheckPlace *place);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(CheckPlace, checkPlaceFree)

/**
 * checkPlaceInXML:
 * @root: the <domain>
 * @device: an element of the domain
 *
 * Returns the place of the device, to be freed with checkPlaceFree(), or NULL if it has no PCI
 * address.
 */
CheckPlace *checkPlaceInXML(xmlNodePtr root, xmlNodePtr device);

/**
 * checkPlacesInQEMU:
 * @answer: QEMU's reply to query-pci
 * @err: set to VIR_ERR_INTERNAL_ERROR if it is not such a reply
 *
 * Finds the places of all devices that have an id.
 *
 * Returns a table with the user's aliases as keys and CheckPlaces as values, to be freed with
 * g_hash_table_unref(), or NULL with @err set.
 */
GHashTable *checkPlacesInQEMU(const char *answer, GError **err);
