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

void checkPlaceFree(CheckPlace *place);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(CheckPlace, checkPlaceFree)

/* Returns the place of DEVICE, an element of the domain at ROOT with a PCI address. Returns NULL if
 * it has none. */
CheckPlace *checkPlaceInXML(xmlNodePtr root, xmlNodePtr device);

/* Returns the places of all devices with an id in the reply to query-pci: the user's alias ->
 * CheckPlace. Returns NULL with ERR set if it is no such reply. */
GHashTable *checkPlacesInQEMU(const char *answer, GError **err);
