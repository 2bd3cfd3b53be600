/*
 * projection_lower_private.h: the state of lowering a domain, and its steps
 *
 * A step adds its changes to the list of edits. It returns FALSE with @err set if the domain cannot
 * be lowered; the message names the device if the domain has several.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include "projection.h"
#include "projection_document.h"
#include "projection_edit.h"

typedef struct {
    const ProjectionDocument *doc;
    const ProjectionOptions *opts;
    const ProjectionDomain *domain;
    GPtrArray *defs;            /* of EmulatedPCIDef, as domain->emulated */
    char *qemu;                 /* the program's path; NULL: not known */
    char *launcher;             /* the launcher's path, the new <emulator>; or NULL */
    ProjectionEdits *edits;
} Lowering;

/* --- projection_lower_defs.c --- */

/**
 * lowerReportEntity:
 * @element: the name of the element
 * @err: set to VIR_ERR_XML_ERROR
 *
 * Reports an entity reference.
 *
 * Returns FALSE.
 */
gboolean lowerReportEntity(const char *element, GError **err);

/**
 * lowerReportDevice:
 * @lowering: the state
 * @number: the number of a device in the domain, from 0
 * @err: an error about this device
 *
 * Adds the number, the alias and the line of the device to the message, if the domain has several
 * devices.
 *
 * Returns FALSE.
 */
gboolean lowerReportDevice(const Lowering *lowering, guint number, GError **err);

/**
 * lowerReadDefs:
 * @lowering: the state; the devices are added to defs
 * @err: return location for an error
 *
 * Parses the devices, and completes them with their definitions.
 *
 * Returns TRUE, or FALSE with @err set.
 */
gboolean lowerReadDefs(Lowering *lowering, GError **err);

/**
 * lowerJoinFunctions:
 * @lowering: the state
 * @err: set to VIR_ERR_CONFIG_UNSUPPORTED if a header type contradicts the other functions
 *
 * Sets multifunction of devices at function 0 whose slot has devices at other functions.
 *
 * Returns TRUE, or FALSE with @err set.
 */
gboolean lowerJoinFunctions(Lowering *lowering, GError **err);

/**
 * lowerValidateDefs:
 * @lowering: the state
 * @err: set as for emulatedPCIDefValidate()
 *
 * Validates each device.
 *
 * Returns TRUE, or FALSE with @err set.
 */
gboolean lowerValidateDefs(Lowering *lowering, GError **err);

/**
 * lowerCheckPlaces:
 * @lowering: the state
 * @err: set to VIR_ERR_XML_ERROR
 *
 * Checks that no PCI address is used twice.
 *
 * Returns TRUE, or FALSE with @err set.
 */
gboolean lowerCheckPlaces(Lowering *lowering, GError **err);

/**
 * lowerCheckDrivers:
 * @lowering: the state
 * @err: set as for emulatedPCIDriverGroupAll() and projectionCheckProgram()
 *
 * Checks that devices of the same emulator describe it in the same way, and that QEMU supports the
 * devices.
 *
 * Returns TRUE, or FALSE with @err set.
 */
gboolean lowerCheckDrivers(Lowering *lowering, GError **err);

/* --- projection_lower_aliases.c --- */

/**
 * lowerAssignDefs:
 * @lowering: the state
 * @err: set to VIR_ERR_XML_ERROR or VIR_ERR_CONFIG_UNSUPPORTED
 *
 * Assigns an index to each device, and an alias if it has none: see projectionAssign().
 *
 * Returns TRUE, or FALSE with @err set if an alias or index is in use.
 */
gboolean lowerAssignDefs(Lowering *lowering, GError **err);

/* --- projection_lower_edits.c --- */

/**
 * lowerSingle:
 * @lowering: the state, for a document that consists of one device
 *
 * Replaces the device by a controller, which a <qemu:override> follows.
 */
void lowerSingle(Lowering *lowering);

/**
 * lowerDevices:
 * @lowering: the state
 *
 * Replaces each device by a controller.
 */
void lowerDevices(Lowering *lowering);

/**
 * lowerIntoOverride:
 * @lowering: the state
 * @override: a <qemu:override> of the domain
 *
 * Adds the properties of the devices at the end of an existing <qemu:override>.
 */
void lowerIntoOverride(Lowering *lowering, const ProjectionOverride *override);

/**
 * lowerNewOverride:
 * @lowering: the state
 *
 * Adds a <qemu:override> with the properties of the devices. It becomes the last child of the
 * domain, but stays before libvirt's <qemu:deprecation>, in libvirt's order.
 */
void lowerNewOverride(Lowering *lowering);

/* --- projection_lower_emulator.c --- */

/**
 * lowerEmulator:
 * @lowering: the state
 * @err: set to VIR_ERR_XML_ERROR or VIR_ERR_CONFIG_UNSUPPORTED
 *
 * Sets the <emulator> to the launcher of the domain's QEMU.
 *
 * Returns TRUE, or FALSE with @err set.
 */
gboolean lowerEmulator(Lowering *lowering, GError **err);
