/*
 * projection_scan_override.c: reads <qemu:override>
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <config.h>

#include "projection_scan_private.h"

#include <string.h>


ScanPlace
scanStartOverride(Scan *scan,
                  const ScanTag *tag)
{
    ProjectionOverride *override = projectionOverrideNew();

    scanCount(scan, OBJECTS_ELEMENT);
    scanElementStart(scan, &override->where);
    override->prefix = g_strdup((const char *) tag->prefix);
    override->hasAttributes = tag->nAttrs > 0;
    override->prefixUses = tag->prefixUses;
    g_ptr_array_add(scan->domain->overrides, override);
    scan->override = override;
    return PLACE_OVERRIDE;
}


ScanPlace
scanStartOverrideDevice(Scan *scan,
                        const ScanTag *tag)
{
    ProjectionOverrideDevice *device = g_new0(ProjectionOverrideDevice, 1);

    scanCount(scan, OBJECTS_ELEMENT);
    scanElementStart(scan, &device->where);
    device->alias = scanAttrDup(tag, "alias");
    device->plain = device->alias && tag->nAttrs == 1;
    device->prefixUses = tag->prefixUses;
    g_ptr_array_add(scan->override->devices, device);
    scan->device = device;
    scan->hasFrontend = FALSE;
    return PLACE_OVERRIDE_DEVICE;
}


/* Stores a child of <qemu:device>, which should be the only <qemu:frontend>. */
ScanPlace
scanStartOverrideFrontend(Scan *scan,
                          const ScanTag *tag)
{
    const gboolean isFrontend = scanTagIsQEMU(tag, "frontend");

    if (!isFrontend || tag->nAttrs > 0 || scan->hasFrontend)
        scan->device->plain = FALSE;
    scan->hasFrontend = TRUE;
    return isFrontend ? PLACE_OVERRIDE_FRONTEND : PLACE_NONE;
}


void
scanStartOverrideProperty(Scan *scan,
                          const ScanTag *tag)
{
    static const char *const names[] = { "name", "type", "value" };
    char values[G_N_ELEMENTS(names)][QEMU_PROPS_OVERRIDE_VALUE_MAX + 1];
    gsize i;

    if (!scan->device->plain)
        return;
    scan->device->plain = FALSE;

    if (!scanTagIsQEMU(tag, "property") || tag->nAttrs != G_N_ELEMENTS(names))
        return;
    for (i = 0; i < G_N_ELEMENTS(names); i++) {
        gsize len;
        const char *value = scanAttrFind(tag, names[i], &len);

        if (!value || len > QEMU_PROPS_OVERRIDE_VALUE_MAX)
            return;
        memcpy(values[i], value, len);
        values[i][len] = '\0';
    }
    scan->device->plain = qemuPropsOverrideRead(&scan->device->props,
                                                values[0], values[1], values[2]);
}
