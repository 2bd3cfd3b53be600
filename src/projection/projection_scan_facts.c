/*
 * projection_scan_facts.c: keeps what is needed of the elements of a domain
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <config.h>

#include "projection_scan_private.h"

#include "emulatedpci_conf.h"

#include <string.h>


/* Parses one attribute of <address type='pci'>; returns FALSE if it is unknown. */
static gboolean
readAddressAttr(const xmlChar **attr,
                ProjectionAddress *address)
{
    const struct {
        const char *name;
        int *value;
        guint32 max;
    } numbers[] = {
        { "domain", &address->domain, EMULATED_PCI_ADDRESS_DOMAIN_MAX },
        { "bus", &address->bus, EMULATED_PCI_ADDRESS_BUS_MAX },
        { "slot", &address->slot, EMULATED_PCI_ADDRESS_SLOT_MAX },
        { "function", &address->function, EMULATED_PCI_ADDRESS_FUNCTION_MAX },
    };
    const gsize len = attr[ATTR_END] - attr[ATTR_VALUE];
    char value[16];
    gsize i;

    if (attr[ATTR_PREFIX] || len >= sizeof(value))
        return FALSE;
    memcpy(value, attr[ATTR_VALUE], len);
    value[len] = '\0';

    for (i = 0; i < G_N_ELEMENTS(numbers); i++) {
        guint32 number;

        if (!scanNameIs(attr[ATTR_NAME], numbers[i].name))
            continue;
        if (emulatedPCINumberParse(value, numbers[i].max, &number) != EMULATED_PCI_NUMBER_OK)
            return FALSE;
        *numbers[i].value = number;
        return TRUE;
    }

    if (scanNameIs(attr[ATTR_NAME], "multifunction")) {
        address->multifunction = strcmp(value, "on") == 0;
        return address->multifunction || strcmp(value, "off") == 0;
    }
    return scanNameIs(attr[ATTR_NAME], "type") && strcmp(value, "pci") == 0;
}


/* Parses <address type='pci'>; returns FALSE for another type or an unknown attribute. */
static gboolean
readAddress(const ScanTag *tag,
            ProjectionAddress *address)
{
    int i;

    address->domain = address->bus = address->slot = address->function = -1;
    address->multifunction = -1;

    if (!scanAttrIs(tag, "type", "pci"))
        return FALSE;
    for (i = 0; i < tag->nAttrs; i++) {
        if (!readAddressAttr(tag->attrs + i * ATTR_LAST, address))
            return FALSE;
    }
    return TRUE;
}


static void
treeAddAttribute(Scan *scan,
                 xmlNodePtr node,
                 const xmlChar **attr)
{
    const int len = attr[ATTR_END] - attr[ATTR_VALUE];
    g_autofree char *name = NULL;
    xmlAttrPtr prop;

    if (memchr(attr[ATTR_VALUE], PROJECTION_ENTITY, len))
        scan->emulated->hasEntity = TRUE;

    if (attr[ATTR_PREFIX]) {
        name = g_strdup_printf("%s:%s", (const char *) attr[ATTR_PREFIX],
                               (const char *) attr[ATTR_NAME]);
    }
    prop = xmlNewProp(node, name ? BAD_CAST name : attr[ATTR_NAME], NULL);
    prop->children = prop->last = xmlNewTextLen(attr[ATTR_VALUE], len);
    prop->children->parent = (xmlNodePtr) prop;
}


void
scanTreeStart(Scan *scan,
              const ScanTag *tag)
{
    xmlNodePtr node = xmlNewNode(NULL, tag->name);
    int i;

    scanCount(scan, 1 + tag->nAttrs);
    if (tag->URI || tag->prefix)
        xmlSetNs(node, xmlNewNs(node, tag->URI ? tag->URI : BAD_CAST "", tag->prefix));
    for (i = 0; i < tag->nAttrs; i++)
        treeAddAttribute(scan, node, tag->attrs + i * ATTR_LAST);

    if (scan->node)
        xmlAddChild(scan->node, node);
    else
        scan->emulated->node = node;
    scan->node = node;
}


/* Something that would be lost if the element it belongs to or stands in were
 * rewritten: text, a comment, a namespace declaration. */
void
scanAside(Scan *scan)
{
    if (scan->controller)
        scan->controller->plain = FALSE;
    if (scan->device)
        scan->device->plain = FALSE;
}


/* --- what begins */

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

    /* Its own declarations are what is bound; what it uses counts. */
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
startOverride(Scan *scan,
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


static ScanPlace
startOverrideDevice(Scan *scan,
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


/* A child of an override's device: its one front end is what counts. */
static ScanPlace
startOverrideFrontend(Scan *scan,
                      const ScanTag *tag)
{
    const gboolean isFrontend = scanTagIsQEMU(tag, "frontend");

    if (!isFrontend || tag->nAttrs > 0 || scan->hasFrontend)
        scan->device->plain = FALSE;
    scan->hasFrontend = TRUE;
    return isFrontend ? PLACE_OVERRIDE_FRONTEND : PLACE_NONE;
}


static void
startOverrideProperty(Scan *scan,
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


/* <controller type='scsi'>: notes its index, if that is in our range. */
static ScanPlace
startScsiController(Scan *scan,
                    const ScanTag *tag)
{
    g_autofree char *index = scanAttrDup(tag, "index");
    ProjectionController *controller;
    guint32 number;
    int ours;

    if (!index || index[strspn(index, "0123456789")] != '\0' ||
        emulatedPCINumberParse(index, PROJECTION_CONTROLLER_INDEX + EMULATED_PCI_INDEX_MAX,
                               &number) != EMULATED_PCI_NUMBER_OK ||
        number < PROJECTION_CONTROLLER_INDEX)
        return PLACE_DEVICE;

    ours = number - PROJECTION_CONTROLLER_INDEX;
    g_array_append_val(scan->domain->indexes, ours);
    if (tag->nAttrs != 3 || !scanAttrIs(tag, "model", "lsilogic"))
        return PLACE_DEVICE;

    controller = g_new0(ProjectionController, 1);
    scanCount(scan, OBJECTS_ELEMENT);
    scanElementStart(scan, &controller->where);
    controller->index = ours;
    controller->plain = TRUE;
    g_ptr_array_add(scan->domain->controllers, controller);
    scan->controller = controller;
    return PLACE_CONTROLLER;
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
        return startScsiController(scan, tag);
    return tag->prefix || tag->URI ? PLACE_NONE : PLACE_DEVICE;
}


/* A child of a device: its alias and its address are what counts. */
static void
startDeviceChild(Scan *scan,
                 const ScanTag *tag)
{
    ProjectionController *controller = scan->controller;
    ProjectionAddress address;

    if (scanTagIs(tag, "alias")) {
        g_autofree char *alias = scanAttrDup(tag, "name");

        if (controller) {
            controller->plain = controller->plain && tag->nAttrs == 1 && alias && !controller->alias;
            g_free(controller->alias);
            controller->alias = g_strdup(alias);
        }
        if (alias) {
            gpointer count = g_hash_table_lookup(scan->domain->aliases, alias);

            g_hash_table_replace(scan->domain->aliases, g_steal_pointer(&alias),
                                 GUINT_TO_POINTER(GPOINTER_TO_UINT(count) + 1));
        }
        return;
    }

    if (scanTagIs(tag, "address") && scanAttrIs(tag, "type", "virtio-mmio"))
        scan->domain->hasVirtioMMIO = TRUE;

    if (scanTagIs(tag, "address") && readAddress(tag, &address)) {
        g_array_append_val(scan->domain->addresses, address);
        if (controller) {
            controller->plain = controller->plain && !controller->hasAddress;
            controller->hasAddress = TRUE;
            controller->address = address;
        }
    } else if (controller) {
        controller->plain = FALSE;
        if (scanTagIs(tag, "address") && !scanAttrIs(tag, "type", "pci") && !controller->otherAddress)
            controller->otherAddress = scanAttrDup(tag, "type");
    }
}


static ScanPlace
startDomainChild(Scan *scan,
                 const ScanTag *tag)
{
    scanElementStart(scan, &scan->domain->lastChild);
    scan->domain->lastIsDeprecation = scanTagIsQEMU(tag, "deprecation");

    if (scanTagIsQEMU(tag, "override"))
        return startOverride(scan, tag);

    if (scanTagIs(tag, "devices")) {
        scan->devicesTagEnd = scan->domain->lastChild.tagEnd;
        return PLACE_DEVICES;
    }
    return scanTagIs(tag, "os") ? PLACE_OS : PLACE_NONE;
}


/* A root of a lowered device, of which there should be two. */
static ScanPlace
startFragmentChild(Scan *scan,
                   const ScanTag *tag)
{
    ScanPlace place = PLACE_NONE;

    if (scanTagIsQEMU(tag, "override"))
        return startOverride(scan, tag);

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
        startDeviceChild(scan, tag);
        return PLACE_CONTROLLER_CHILD;

    case PLACE_CONTROLLER_CHILD:
        scan->controller->plain = FALSE;
        return PLACE_NONE;

    case PLACE_DEVICE:
        startDeviceChild(scan, tag);
        return PLACE_NONE;

    case PLACE_OVERRIDE:
        return scanTagIsQEMU(tag, "device") ? startOverrideDevice(scan, tag) : PLACE_NONE;

    case PLACE_OVERRIDE_DEVICE:
        return startOverrideFrontend(scan, tag);

    case PLACE_OVERRIDE_FRONTEND:
        startOverrideProperty(scan, tag);
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


/* --- what ends */

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
