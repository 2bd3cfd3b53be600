/*
 * projection_scan_facts.c: stores the elements of a domain
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <config.h>

#include "projection_scan_private.h"


void
scanAside(Scan *scan)
{
    if (scan->controller)
        scan->controller->plain = FALSE;
    if (scan->device)
        scan->device->plain = FALSE;
}


static ProjectionDomain *
scanAddDomain(Scan *scan,
              gboolean isDevice)
{
    ProjectionDomain *domain = projectionDomainNew();

    scanCount(scan, OBJECTS_DOMAIN);
    domain->isDevice = isDevice;
    g_ptr_array_add(scan->doc->domains, domain);
    scan->domain = domain;
    return domain;
}


static ScanPlace
startDomain(Scan *scan,
            const ScanTag *tag)
{
    ProjectionDomain *domain = scanAddDomain(scan, FALSE);
    ScanTag own = *tag;
    gsize len;

    scanElementStart(scan, &domain->where);
    if (scan->offsetsLost)
        return PLACE_NONE;

    domain->type = scanAttrDup(tag, "type");
    domain->isLive = scanAttrFind(tag, "id", &len) != NULL;
    scan->outerBindings = scan->bindings->len;
    scanBindings(scan, tag);
    scanBindPrefixes(scan, domain);

    /* The declarations of this element are stored in the bindings; only its uses are counted. */
    own.nNamespaces = 0;
    scanPrefixes(scan, &own);
    return PLACE_DOMAIN;
}


static ScanPlace
startEmulated(Scan *scan)
{
    ProjectionEmulated *emulated = g_new0(ProjectionEmulated, 1);

    scanCount(scan, OBJECTS_ELEMENT);
    scanElementStart(scan, &emulated->where);
    emulated->devicesTagEnd = scan->devicesTagEnd;
    g_ptr_array_add(scan->domain->emulated, emulated);
    scan->emulated = emulated;
    scan->treeText = 0;
    return PLACE_EMULATED;
}


static ScanPlace
startRoot(Scan *scan,
          const ScanTag *tag)
{
    if (scan->fragment) {
        scanAddDomain(scan, TRUE);
        return PLACE_FRAGMENT;
    }

    if (scanTagIs(tag, "domain"))
        return startDomain(scan, tag);

    if (scanTagIs(tag, "emulatedpci")) {
        scanAddDomain(scan, TRUE);
        return startEmulated(scan);
    }

    if (scanTagIs(tag, "domainsnapshot") || scanTagIs(tag, "domaincheckpoint")) {
        scanBindings(scan, tag);
        scan->doc->isRecord = TRUE;
        return PLACE_SNAPSHOT;
    }
    return PLACE_NONE;
}


static ScanPlace
startDevice(Scan *scan,
            const ScanTag *tag)
{
    ProjectionDomain *domain = scan->domain;

    if (scanTagIs(tag, "emulatedpci"))
        return startEmulated(scan);

    if (scanTagIs(tag, "emulator") && !domain->emulator) {
        domain->emulator = g_string_new(NULL);
        scanElementStart(scan, &domain->emulatorWhere);
        scan->inEmulator = TRUE;
        return PLACE_EMULATOR;
    }

    if (scanTagIs(tag, "controller") && scanAttrIs(tag, "type", "scsi"))
        return scanStartController(scan, tag);
    return tag->prefix || tag->URI ? PLACE_NONE : PLACE_DEVICE;
}


static ScanPlace
startDomainChild(Scan *scan,
                 const ScanTag *tag)
{
    scanElementStart(scan, &scan->domain->lastChild);
    scan->domain->lastIsDeprecation = scanTagIsQEMU(tag, "deprecation");

    if (scanTagIsQEMU(tag, "override"))
        return scanStartOverride(scan, tag);

    if (scanTagIs(tag, "devices")) {
        scan->devicesTagEnd = scan->domain->lastChild.tagEnd;
        return PLACE_DEVICES;
    }
    return scanTagIs(tag, "os") ? PLACE_OS : PLACE_NONE;
}


/* Stores one of the two root elements of a lowered device. */
static ScanPlace
startFragmentChild(Scan *scan,
                   const ScanTag *tag)
{
    ScanPlace place = PLACE_NONE;

    if (scanTagIsQEMU(tag, "override"))
        return scanStartOverride(scan, tag);

    if (scanTagIs(tag, "controller"))
        place = startDevice(scan, tag);
    if (place != PLACE_CONTROLLER)
        scan->domain->hasOthers = TRUE;
    return place;
}


ScanPlace
scanStartElement(Scan *scan,
                 ScanPlace parent,
                 const ScanTag *tag)
{
    switch (parent) {
    case PLACE_DOCUMENT:
        return startRoot(scan, tag);

    case PLACE_SNAPSHOT:
        if (scanTagIs(tag, "domain") || scanTagIs(tag, "inactiveDomain"))
            return startDomain(scan, tag);
        return PLACE_NONE;

    case PLACE_FRAGMENT:
        return startFragmentChild(scan, tag);

    case PLACE_DOMAIN:
        return startDomainChild(scan, tag);

    case PLACE_OS:
        if (scanTagIs(tag, "type") && !scan->domain->arch && !scan->domain->machine) {
            scan->domain->arch = scanAttrDup(tag, "arch");
            scan->domain->machine = scanAttrDup(tag, "machine");
        }
        return PLACE_NONE;

    case PLACE_DEVICES:
        return startDevice(scan, tag);

    case PLACE_CONTROLLER:
        scanStartDeviceChild(scan, tag);
        return PLACE_CONTROLLER_CHILD;

    case PLACE_CONTROLLER_CHILD:
        scan->controller->plain = FALSE;
        return PLACE_NONE;

    case PLACE_DEVICE:
        scanStartDeviceChild(scan, tag);
        return PLACE_NONE;

    case PLACE_OVERRIDE:
        return scanTagIsQEMU(tag, "device") ? scanStartOverrideDevice(scan, tag) : PLACE_NONE;

    case PLACE_OVERRIDE_DEVICE:
        return scanStartOverrideFrontend(scan, tag);

    case PLACE_OVERRIDE_FRONTEND:
        scanStartOverrideProperty(scan, tag);
        return PLACE_OVERRIDE_PROPERTY;

    case PLACE_OVERRIDE_PROPERTY:
        scan->device->plain = FALSE;
        return PLACE_NONE;

    case PLACE_EMULATED:
    case PLACE_EMULATOR:
    case PLACE_NONE:
        break;
    }
    return PLACE_NONE;
}


static void
endDomain(Scan *scan)
{
    scanElementEnd(scan, &scan->domain->where);
    g_array_set_size(scan->bindings, scan->outerBindings);
    scan->domain = NULL;
}


void
scanEndElement(Scan *scan,
               ScanPlace place)
{
    switch (place) {
    case PLACE_DOMAIN:
        endDomain(scan);
        break;
    case PLACE_EMULATED:
        scanElementEnd(scan, &scan->emulated->where);
        scan->emulated = NULL;
        scan->node = NULL;
        break;
    case PLACE_EMULATOR:
        scanElementEnd(scan, &scan->domain->emulatorWhere);
        scan->inEmulator = FALSE;
        break;
    case PLACE_CONTROLLER:
        scanElementEnd(scan, &scan->controller->where);
        scan->controller = NULL;
        break;
    case PLACE_OVERRIDE:
        scanElementEnd(scan, &scan->override->where);
        scan->override = NULL;
        break;
    case PLACE_OVERRIDE_DEVICE:
        scanElementEnd(scan, &scan->device->where);
        scan->device = NULL;
        break;
    case PLACE_NONE:
    case PLACE_DOCUMENT:
    case PLACE_FRAGMENT:
    case PLACE_SNAPSHOT:
    case PLACE_OS:
    case PLACE_DEVICES:
    case PLACE_DEVICE:
    case PLACE_CONTROLLER_CHILD:
    case PLACE_OVERRIDE_FRONTEND:
    case PLACE_OVERRIDE_PROPERTY:
        break;
    }
}
