/*
 * projection_scan.c: where in a document the things are that we rewrite
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <config.h>

#include "projection_scan.h"

#include "emulatedpci_conf.h"
#include "emulatedpci_xml.h"
#include "emulatedpci_xml_feed.h"
#include "emulatedpci_xml_limits.h"
#include "projection_encoding.h"

#include <libxml/parser.h>
#include <libxml/parserInternals.h>
#include <string.h>

#include "gettext.h"

#define _(s) gettext(s)

/* An element's place, as far as we care. */
typedef enum {
    PLACE_NONE = 0,         /* and everything in it */
    PLACE_DOCUMENT,
    PLACE_FRAGMENT,         /* our own wrapper around a lowered device */
    PLACE_SNAPSHOT,         /* <domainsnapshot>, <domaincheckpoint> */
    PLACE_DOMAIN,
    PLACE_OS,
    PLACE_DEVICES,
    PLACE_EMULATOR,
    PLACE_EMULATED,         /* <emulatedpci>, and everything in it */
    PLACE_DEVICE,           /* any other device */
    PLACE_CONTROLLER,       /* a device that can be a reservation */
    PLACE_CONTROLLER_CHILD,
    PLACE_OVERRIDE,
    PLACE_OVERRIDE_DEVICE,
    PLACE_OVERRIDE_FRONTEND,
    PLACE_OVERRIDE_PROPERTY,
} Place;

/* Places are known down to here: domainsnapshot, domain, override, device,
 * frontend, property and the document itself. */
#define PLACE_DEPTH_MAX 8

/* How many of the elements around a misplaced one a message names, and up to how many
 * bytes of each name. */
#define PATH_DEPTH_MAX 6
#define PATH_NAME_MAX 32

/* The root element that is added for the parser around a lowered device, which has two elements */
#define FRAGMENT_OPEN "<x>"
#define FRAGMENT_CLOSE "</x>"

/* How much text of an <emulatedpci> is kept, in bytes. There should be none
 * at all; what there is gets quoted in the error. */
#define TREE_TEXT_MAX 1024

/* What is kept of a document, in elements and attributes, so that memory stays in
 * proportion: a device with all its fields and address is some 25. A domain counts
 * for as many as it has tables and namespaces in scope; and an entity, whose name
 * libxml2 keeps, has no place in a document at all. */
#define OBJECTS_MAX 262144
#define OBJECTS_DOMAIN 256
#define OBJECTS_ENTITY 64
#define OBJECTS_ELEMENT 4

/* How much of a line, and of what libxml2 says, an error message repeats, in
 * bytes. */
#define ERROR_LINE_MAX 160
#define ERROR_TEXT_MAX 500

/* A prefix that is declared at <domain> or around it. */
typedef struct {
    char *prefix;
    gboolean isQEMU;
} Binding;

typedef struct {
    xmlParserCtxtPtr ctxt;
    ProjectionDocument *doc;
    gboolean fragment;
    gssize shift;               /* from the parser's offsets to the text's */

    guint depth;                /* of the element being read; the document is 0 */
    Place places[PLACE_DEPTH_MAX];
    gboolean offsetsLost;       /* the parser is not where we think; nothing more is read */
    guint objects;              /* what has been kept */
    gboolean tooMany;           /* more than OBJECTS_MAX; nothing more is read */

    GArray *bindings;           /* of Binding */
    guint outerBindings;        /* how many of them are from around <domain> */
    const xmlChar *names[PATH_DEPTH_MAX + 1];   /* of the element of that depth; the parser's */
    guint foreign;              /* depth of the outermost element that is not ours, or 0 */
    guint shadow;               /* depth of the element that redeclares ownPrefix, or 0 */

    /* Where we are; NULL outside of such an element. */
    ProjectionDomain *domain;
    ProjectionEmulated *emulated;
    xmlNodePtr node;            /* in the tree of emulated */
    gsize treeText;             /* bytes of text in that tree */
    ProjectionController *controller;
    ProjectionOverride *override;
    ProjectionOverrideDevice *device;
    gboolean hasFrontend;       /* device has had one */
    gboolean inEmulator;
    gsize devicesTagEnd;

    xmlEntity entity;

    char *error;                /* the first one */
} Scan;

/* A start tag as SAX2 hands it over. */
typedef struct {
    const xmlChar *name;
    const xmlChar *prefix;
    const xmlChar *URI;
    int nNamespaces;
    const xmlChar **namespaces;     /* prefix and URI of each */
    int nAttrs;
    const xmlChar **attrs;          /* ATTR_LAST of each */

    guint prefixUses;               /* whether its own name uses the domain's ownPrefix */
} Tag;

/* The five values for an attribute. */
enum {
    ATTR_NAME = 0,
    ATTR_PREFIX,
    ATTR_URI,
    ATTR_VALUE,
    ATTR_END,
    ATTR_LAST
};


/* --- small readers */

static gboolean
nameIs(const xmlChar *name,
       const char *expected)
{
    return strcmp((const char *) name, expected) == 0;
}


/* Whether the element is NAME and in no namespace. */
static gboolean
tagIs(const Tag *tag,
      const char *name)
{
    return !tag->prefix && !tag->URI && nameIs(tag->name, name);
}


/* Whether the element is NAME in libvirt's QEMU namespace. */
static gboolean
tagIsQEMU(const Tag *tag,
          const char *name)
{
    return nameIs(tag->name, name) && tag->URI && nameIs(tag->URI, PROJECTION_QEMU_NAMESPACE);
}


/* The value of the attribute NAME, in no namespace, or NULL; *LEN is its
 * length. */
static const char *
attrFind(const Tag *tag,
         const char *name,
         gsize *len)
{
    const xmlChar **attrs = tag->attrs;
    int i;

    for (i = 0; i < tag->nAttrs; i++, attrs += ATTR_LAST) {
        if (!attrs[ATTR_PREFIX] && nameIs(attrs[ATTR_NAME], name)) {
            *len = attrs[ATTR_END] - attrs[ATTR_VALUE];
            return (const char *) attrs[ATTR_VALUE];
        }
    }
    return NULL;
}


static char *
attrDup(const Tag *tag,
        const char *name)
{
    gsize len;
    const char *value = attrFind(tag, name, &len);

    return value ? g_strndup(value, len) : NULL;
}


static gboolean
attrIs(const Tag *tag,
       const char *name,
       const char *expected)
{
    gsize len;
    const char *value = attrFind(tag, name, &len);

    return value && len == strlen(expected) && memcmp(value, expected, len) == 0;
}


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

        if (!nameIs(attr[ATTR_NAME], numbers[i].name))
            continue;
        if (emulatedPCINumberParse(value, numbers[i].max, &number) != EMULATED_PCI_NUMBER_OK)
            return FALSE;
        *numbers[i].value = number;
        return TRUE;
    }

    if (nameIs(attr[ATTR_NAME], "multifunction")) {
        address->multifunction = strcmp(value, "on") == 0;
        return address->multifunction || strcmp(value, "off") == 0;
    }
    return nameIs(attr[ATTR_NAME], "type") && strcmp(value, "pci") == 0;
}


/* Parses <address type='pci'>; returns FALSE for another type or an unknown attribute. */
static gboolean
readAddress(const Tag *tag,
            ProjectionAddress *address)
{
    int i;

    address->domain = address->bus = address->slot = address->function = -1;
    address->multifunction = -1;

    if (!attrIs(tag, "type", "pci"))
        return FALSE;
    for (i = 0; i < tag->nAttrs; i++) {
        if (!readAddressAttr(tag->attrs + i * ATTR_LAST, address))
            return FALSE;
    }
    return TRUE;
}


static gboolean
scanStopped(const Scan *scan)
{
    return scan->offsetsLost || scan->tooMany;
}


/* Called for everything that is kept, which is OBJECTS. */
static void
scanCount(Scan *scan,
          guint objects)
{
    scan->objects += objects;
    if (scan->objects <= OBJECTS_MAX)
        return;
    scan->tooMany = TRUE;
    xmlStopParser(scan->ctxt);
}


/* --- offsets */

/* The parser's position in the text. Before an element's start event that is
 * the '>' or '/>' of its start tag, before its end event the byte behind it. */
static gsize
scanOffset(Scan *scan)
{
#if LIBXML_VERSION >= 21500
    unsigned long consumed = 0;

    xmlCtxtGetInputPosition(scan->ctxt, 0, NULL, NULL, NULL, &consumed);
#else
    long consumed = xmlByteConsumed(scan->ctxt);
#endif

    return consumed + scan->shift;
}


/* The '<' of the tag that ends before END. No tag has another '<' in it. */
static gsize
scanTagStart(Scan *scan,
             gsize end)
{
    const char *lt = memrchr(scan->doc->text, '<', end);

    if (!lt) {
        scan->offsetsLost = TRUE;
        return 0;
    }
    return lt - scan->doc->text;
}


static void
scanElementStart(Scan *scan,
                 ProjectionElement *where)
{
    gsize offset = scanOffset(scan);

    if (offset + 1 >= scan->doc->len ||
        (scan->doc->text[offset] != '>' && scan->doc->text[offset] != '/')) {
        scan->offsetsLost = TRUE;
        return;
    }

    where->start = scanTagStart(scan, offset);
    where->tagEnd = offset + (scan->doc->text[offset] == '/' ? 2 : 1);
    where->endTag = where->tagEnd;
    where->end = where->tagEnd;
}


static void
scanElementEnd(Scan *scan,
               ProjectionElement *where)
{
    gsize offset = scanOffset(scan);

    if (offset > scan->doc->len || offset < where->tagEnd || scan->doc->text[offset - 1] != '>') {
        scan->offsetsLost = TRUE;
        return;
    }

    if (offset > where->tagEnd) {
        where->end = offset;
        where->endTag = scanTagStart(scan, offset);
    }
}


/* --- namespaces */

static void
bindingClear(void *opaque)
{
    Binding *binding = opaque;

    g_free(binding->prefix);
}


static void
scanBindings(Scan *scan,
             const Tag *tag)
{
    const xmlChar **namespaces = tag->namespaces;
    int i;

    for (i = 0; i < tag->nNamespaces; i++) {
        Binding binding = { .isQEMU = nameIs(namespaces[2 * i + 1], PROJECTION_QEMU_NAMESPACE) };

        if (!namespaces[2 * i])
            continue;
        binding.prefix = g_strdup((const char *) namespaces[2 * i]);
        g_array_append_val(scan->bindings, binding);
    }
}


/* The declaration that DOMAIN's start tag ends in, if libvirt (or lowering) could
 * have written it: its prefix, newly allocated; else NULL. */
static char *
domainLastDeclaration(Scan *scan,
                      const ProjectionDomain *domain)
{
    static const char begin[] = " xmlns:";
    static const char rest[] = "='" PROJECTION_QEMU_NAMESPACE "'";
    const gsize restLen = sizeof(rest) - 1;
    const char *text = scan->doc->text + domain->where.start;
    const char *end = scan->doc->text + domain->where.tagEnd - 1;
    const char *space;

    while (end > text && strchr(" \t\r\n", end[-1]))
        end--;
    if ((gsize) (end - text) <= restLen || memcmp(end - restLen, rest, restLen) != 0)
        return NULL;
    end -= restLen;

    space = memrchr(text, ' ', end - text);
    if (!space || (gsize) (end - space) < sizeof(begin) - 1 ||
        memcmp(space, begin, sizeof(begin) - 1) != 0)
        return NULL;
    space += sizeof(begin) - 1;
    return g_strndup(space, end - space);
}


/* Records the namespaces of the prefixes at the domain's start tag. */
static void
domainBindPrefixes(Scan *scan,
                   ProjectionDomain *domain)
{
    g_autoptr(GHashTable) seen = g_hash_table_new(g_str_hash, g_str_equal);
    g_autofree char *last = domainLastDeclaration(scan, domain);
    guint i;

    /* The innermost declaration of a prefix is what counts. */
    for (i = scan->bindings->len; i > 0; i--) {
        const Binding *binding = &g_array_index(scan->bindings, Binding, i - 1);

        if (!g_hash_table_add(seen, binding->prefix))
            continue;

        if (!binding->isQEMU) {
            g_hash_table_add(domain->foreignPrefixes, g_strdup(binding->prefix));
            continue;
        }

        domain->boundPrefixes++;
        /* "qemu" if it is one of them, or else the first. */
        if (!domain->boundPrefix || strcmp(domain->boundPrefix, "qemu") != 0) {
            g_free(domain->boundPrefix);
            domain->boundPrefix = g_strdup(binding->prefix);
        }
        if (i > scan->outerBindings && g_strcmp0(last, binding->prefix) == 0)
            domain->ownPrefix = g_strdup(binding->prefix);
    }
}


static guint
countPrefixUse(Scan *scan,
               const xmlChar *prefix,
               const xmlChar *URI)
{
    ProjectionDomain *domain = scan->domain;

    if (!prefix)
        return 0;

    if (!URI) {
        /* Declaring it would give it a meaning that it does not have now. */
        if (!g_hash_table_contains(domain->foreignPrefixes, prefix))
            g_hash_table_add(domain->foreignPrefixes, g_strdup((const char *) prefix));
        return 0;
    }
    return domain->ownPrefix && !scan->shadow && nameIs(prefix, domain->ownPrefix);
}


/* Notes which prefixes an element in the domain needs. */
static void
scanPrefixes(Scan *scan,
             Tag *tag)
{
    ProjectionDomain *domain = scan->domain;
    guint uses;
    int i;

    for (i = 0; i < tag->nNamespaces && !scan->shadow && domain->ownPrefix; i++) {
        if (tag->namespaces[2 * i] && nameIs(tag->namespaces[2 * i], domain->ownPrefix))
            scan->shadow = scan->depth;
    }

    tag->prefixUses = countPrefixUse(scan, tag->prefix, tag->URI);
    uses = tag->prefixUses;
    for (i = 0; i < tag->nAttrs; i++) {
        const xmlChar **attr = tag->attrs + i * ATTR_LAST;

        uses += countPrefixUse(scan, attr[ATTR_PREFIX], attr[ATTR_URI]);
    }

    domain->ownPrefixUses += uses;
    if (scan->device)
        scan->device->prefixUses += uses;
}


/* --- the tree of an <emulatedpci> */

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


static void
treeStart(Scan *scan,
          const Tag *tag)
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
static void
onAside(Scan *scan)
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


static Place
startDomain(Scan *scan,
            const Tag *tag)
{
    ProjectionDomain *domain = scanAddDomain(scan, FALSE);
    Tag own = *tag;
    gsize len;

    scanElementStart(scan, &domain->where);
    if (scan->offsetsLost)
        return PLACE_NONE;

    domain->type = attrDup(tag, "type");
    domain->isLive = attrFind(tag, "id", &len) != NULL;
    scan->outerBindings = scan->bindings->len;
    scanBindings(scan, tag);
    domainBindPrefixes(scan, domain);

    /* Its own declarations are what is bound; what it uses counts. */
    own.nNamespaces = 0;
    scanPrefixes(scan, &own);
    return PLACE_DOMAIN;
}


static Place
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


static Place
startRoot(Scan *scan,
          const Tag *tag)
{
    if (scan->fragment) {
        scanAddDomain(scan, TRUE);
        return PLACE_FRAGMENT;
    }

    if (tagIs(tag, "domain"))
        return startDomain(scan, tag);

    if (tagIs(tag, "emulatedpci")) {
        scanAddDomain(scan, TRUE);
        return startEmulated(scan);
    }

    if (tagIs(tag, "domainsnapshot") || tagIs(tag, "domaincheckpoint")) {
        scanBindings(scan, tag);
        scan->doc->isRecord = TRUE;
        return PLACE_SNAPSHOT;
    }
    return PLACE_NONE;
}


static Place
startOverride(Scan *scan,
              const Tag *tag)
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


static Place
startOverrideDevice(Scan *scan,
                    const Tag *tag)
{
    ProjectionOverrideDevice *device = g_new0(ProjectionOverrideDevice, 1);

    scanCount(scan, OBJECTS_ELEMENT);
    scanElementStart(scan, &device->where);
    device->alias = attrDup(tag, "alias");
    device->plain = device->alias && tag->nAttrs == 1;
    device->prefixUses = tag->prefixUses;
    g_ptr_array_add(scan->override->devices, device);
    scan->device = device;
    scan->hasFrontend = FALSE;
    return PLACE_OVERRIDE_DEVICE;
}


/* A child of an override's device: its one front end is what counts. */
static Place
startOverrideFrontend(Scan *scan,
                      const Tag *tag)
{
    const gboolean isFrontend = tagIsQEMU(tag, "frontend");

    if (!isFrontend || tag->nAttrs > 0 || scan->hasFrontend)
        scan->device->plain = FALSE;
    scan->hasFrontend = TRUE;
    return isFrontend ? PLACE_OVERRIDE_FRONTEND : PLACE_NONE;
}


static void
startOverrideProperty(Scan *scan,
                      const Tag *tag)
{
    static const char *const names[] = { "name", "type", "value" };
    char values[G_N_ELEMENTS(names)][QEMU_PROPS_OVERRIDE_VALUE_MAX + 1];
    gsize i;

    if (!scan->device->plain)
        return;
    scan->device->plain = FALSE;

    if (!tagIsQEMU(tag, "property") || tag->nAttrs != G_N_ELEMENTS(names))
        return;
    for (i = 0; i < G_N_ELEMENTS(names); i++) {
        gsize len;
        const char *value = attrFind(tag, names[i], &len);

        if (!value || len > QEMU_PROPS_OVERRIDE_VALUE_MAX)
            return;
        memcpy(values[i], value, len);
        values[i][len] = '\0';
    }
    scan->device->plain = qemuPropsOverrideRead(&scan->device->props,
                                                values[0], values[1], values[2]);
}


/* <controller type='scsi'>: notes its index, if that is in our range. */
static Place
startScsiController(Scan *scan,
                    const Tag *tag)
{
    g_autofree char *index = attrDup(tag, "index");
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
    if (tag->nAttrs != 3 || !attrIs(tag, "model", "lsilogic"))
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


static Place
startDevice(Scan *scan,
            const Tag *tag)
{
    ProjectionDomain *domain = scan->domain;

    if (tagIs(tag, "emulatedpci"))
        return startEmulated(scan);

    if (tagIs(tag, "emulator") && !domain->emulator) {
        domain->emulator = g_string_new(NULL);
        scanElementStart(scan, &domain->emulatorWhere);
        scan->inEmulator = TRUE;
        return PLACE_EMULATOR;
    }

    if (tagIs(tag, "controller") && attrIs(tag, "type", "scsi"))
        return startScsiController(scan, tag);
    return tag->prefix || tag->URI ? PLACE_NONE : PLACE_DEVICE;
}


/* A child of a device: its alias and its address are what counts. */
static void
startDeviceChild(Scan *scan,
                 const Tag *tag)
{
    ProjectionController *controller = scan->controller;
    ProjectionAddress address;

    if (tagIs(tag, "alias")) {
        g_autofree char *alias = attrDup(tag, "name");

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

    if (tagIs(tag, "address") && attrIs(tag, "type", "virtio-mmio"))
        scan->domain->hasVirtioMMIO = TRUE;

    if (tagIs(tag, "address") && readAddress(tag, &address)) {
        g_array_append_val(scan->domain->addresses, address);
        if (controller) {
            controller->plain = controller->plain && !controller->hasAddress;
            controller->hasAddress = TRUE;
            controller->address = address;
        }
    } else if (controller) {
        controller->plain = FALSE;
        if (tagIs(tag, "address") && !attrIs(tag, "type", "pci") && !controller->otherAddress)
            controller->otherAddress = attrDup(tag, "type");
    }
}


static Place
startDomainChild(Scan *scan,
                 const Tag *tag)
{
    scanElementStart(scan, &scan->domain->lastChild);
    scan->domain->lastIsDeprecation = tagIsQEMU(tag, "deprecation");

    if (tagIsQEMU(tag, "override"))
        return startOverride(scan, tag);

    if (tagIs(tag, "devices")) {
        scan->devicesTagEnd = scan->domain->lastChild.tagEnd;
        return PLACE_DEVICES;
    }
    return tagIs(tag, "os") ? PLACE_OS : PLACE_NONE;
}


/* A root of a lowered device, of which there should be two. */
static Place
startFragmentChild(Scan *scan,
                   const Tag *tag)
{
    Place place = PLACE_NONE;

    if (tagIsQEMU(tag, "override"))
        return startOverride(scan, tag);

    if (tagIs(tag, "controller"))
        place = startDevice(scan, tag);
    if (place != PLACE_CONTROLLER)
        scan->domain->hasOthers = TRUE;
    return place;
}


static Place
startElementIn(Scan *scan,
               Place parent,
               const Tag *tag)
{
    switch (parent) {
    case PLACE_DOCUMENT:
        return startRoot(scan, tag);

    case PLACE_SNAPSHOT:
        if (tagIs(tag, "domain") || tagIs(tag, "inactiveDomain"))
            return startDomain(scan, tag);
        return PLACE_NONE;

    case PLACE_FRAGMENT:
        return startFragmentChild(scan, tag);

    case PLACE_DOMAIN:
        return startDomainChild(scan, tag);

    case PLACE_OS:
        if (tagIs(tag, "type") && !scan->domain->arch && !scan->domain->machine) {
            scan->domain->arch = attrDup(tag, "arch");
            scan->domain->machine = attrDup(tag, "machine");
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
        return tagIsQEMU(tag, "device") ? startOverrideDevice(scan, tag) : PLACE_NONE;

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


/* "/domain/devices/disk" for what is around the element that begins. */
static char *
scanPath(const Scan *scan)
{
    GString *path = g_string_new(NULL);
    guint i;

    for (i = scan->fragment ? 2 : 1; i < scan->depth; i++) {
        const char *name = i <= PATH_DEPTH_MAX ? (const char *) scan->names[i] : "…";
        g_autofree char *shown = g_utf8_make_valid(name, MIN(strlen(name), PATH_NAME_MAX));

        g_string_append_printf(path, "/%s", shown);
        if (i > PATH_DEPTH_MAX)
            break;
    }
    return g_string_free(path, FALSE);
}


/* Records an <emulatedpci> in the wrong place. Elements in <metadata>, or in an element with a
 * namespace, are ignored. */
static void
scanMisplaced(Scan *scan,
              const Tag *tag,
              Place parent,
              Place place)
{
    if (scan->depth <= PATH_DEPTH_MAX)
        scan->names[scan->depth] = tag->name;
    if (scan->foreign)
        return;
    if (tag->prefix || tag->URI || (parent == PLACE_DOMAIN && tagIs(tag, "metadata"))) {
        scan->foreign = scan->depth;
        return;
    }
    if (place == PLACE_EMULATED || scan->emulated || scan->doc->misplaced ||
        !tagIs(tag, "emulatedpci"))
        return;
    scan->doc->misplaced = scanPath(scan);
    scan->doc->misplacedAt = MIN(scanOffset(scan), scan->doc->len);
}


static void
onStartElement(void *opaque,
               const xmlChar *name,
               const xmlChar *prefix,
               const xmlChar *URI,
               int nNamespaces,
               const xmlChar **namespaces,
               int nAttrs,
               int nDefaulted G_GNUC_UNUSED,
               const xmlChar **attrs)
{
    Scan *scan = opaque;
    Tag tag = {
        .name = name,
        .prefix = prefix,
        .URI = URI,
        .nNamespaces = nNamespaces,
        .namespaces = namespaces,
        .nAttrs = nAttrs,
        .attrs = attrs,
    };
    Place parent = PLACE_NONE;
    Place place = PLACE_NONE;

    if (scanStopped(scan))
        return;

    scan->depth++;
    if (scan->domain)
        scanPrefixes(scan, &tag);

    if (!scan->emulated && scan->depth <= PLACE_DEPTH_MAX) {
        parent = scan->places[scan->depth - 1];
        place = startElementIn(scan, parent, &tag);
        if (nNamespaces > 0)
            onAside(scan);
    }
    scanMisplaced(scan, &tag, parent, place);
    if (scan->emulated)
        treeStart(scan, &tag);

    if (scan->depth < PLACE_DEPTH_MAX)
        scan->places[scan->depth] = place;
}


/* --- what ends */

static void
endDomain(Scan *scan)
{
    scanElementEnd(scan, &scan->domain->where);
    g_array_set_size(scan->bindings, scan->outerBindings);
    scan->domain = NULL;
}


static void
endElementOf(Scan *scan,
             Place place)
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


static void
onEndElement(void *opaque,
             const xmlChar *name G_GNUC_UNUSED,
             const xmlChar *prefix G_GNUC_UNUSED,
             const xmlChar *URI G_GNUC_UNUSED)
{
    Scan *scan = opaque;
    Place place = scan->depth < PLACE_DEPTH_MAX ? scan->places[scan->depth] : PLACE_NONE;
    Place parent = scan->depth <= PLACE_DEPTH_MAX ? scan->places[scan->depth - 1] : PLACE_NONE;

    if (scanStopped(scan))
        return;

    if (scan->node && place != PLACE_EMULATED)
        scan->node = scan->node->parent;
    endElementOf(scan, place);
    if (parent == PLACE_DOMAIN)
        scanElementEnd(scan, &scan->domain->lastChild);

    if (scan->shadow == scan->depth)
        scan->shadow = 0;
    if (scan->foreign == scan->depth)
        scan->foreign = 0;
    scan->depth--;
}


/* --- what stands between */

static gboolean
isBlank(const xmlChar *text,
        int len)
{
    int i;

    for (i = 0; i < len; i++) {
        if (!strchr(" \t\r\n", text[i]))
            return FALSE;
    }
    return TRUE;
}


static void
onCharacters(void *opaque,
             const xmlChar *text,
             int len)
{
    Scan *scan = opaque;

    if (scanStopped(scan))
        return;

    if (scan->emulated) {
        if (memchr(text, PROJECTION_ENTITY, len))
            scan->emulated->hasEntity = TRUE;
        if (!isBlank(text, len) && scan->treeText < TREE_TEXT_MAX) {
            xmlNodeAddContentLen(scan->node, text, len);
            scan->treeText += len;
        }
        return;
    }

    if (scan->inEmulator) {
        g_string_append_len(scan->domain->emulator, (const char *) text, len);
        return;
    }

    if (scan->fragment && scan->depth == 1 && !isBlank(text, len))
        scan->domain->hasOthers = TRUE;

    if ((scan->controller || scan->device) && !isBlank(text, len))
        onAside(scan);
}


static void
onComment(void *opaque,
          const xmlChar *value G_GNUC_UNUSED)
{
    onAside(opaque);
}


static void
onInstruction(void *opaque,
              const xmlChar *target G_GNUC_UNUSED,
              const xmlChar *data G_GNUC_UNUSED)
{
    onAside(opaque);
}


/* Any entity but the predefined ones, none of which is declared: as if it were
 * a predefined one for PROJECTION_ENTITY. libvirt will say what is wrong. */
static xmlEntityPtr
onEntity(void *opaque,
         const xmlChar *name G_GNUC_UNUSED)
{
    Scan *scan = opaque;

    scanCount(scan, OBJECTS_ENTITY);
    return &scan->entity;
}


/* --- errors */

/* An error as libvirt shows it: the line, with a caret under the place. */
static char *
scanFormatError(Scan *scan,
                int line,
                const char *message)
{
    const char *text = scan->doc->text;
    const gsize caret = MIN(scanOffset(scan), scan->doc->len);
    gsize pos = caret;
    g_autofree char *what = g_strchomp(g_utf8_make_valid(message,
                                                         MIN(strlen(message), ERROR_TEXT_MAX)));
    g_autofree char *context = NULL;
    g_autofree char *shown = NULL;
    g_autofree char *dashes = NULL;
    gsize start;
    gsize end;

    while (pos > 0 && (pos == scan->doc->len || text[pos] == '\n' || text[pos] == '\r'))
        pos--;
    start = pos;
    while (start > 0 && pos - start < ERROR_LINE_MAX / 2 &&
           text[start - 1] != '\n' && text[start - 1] != '\r')
        start--;
    end = start;
    while (end < scan->doc->len && end - start < ERROR_LINE_MAX &&
           text[end] != '\n' && text[end] != '\r' && text[end] != '\0')
        end++;

    context = g_strndup(text + start, end - start);
    shown = g_utf8_make_valid(context, -1);
    dashes = g_strnfill(MIN(caret - start, ERROR_LINE_MAX), '-');
    return g_strdup_printf("(domain_definition):%d: %s\n%s\n%s^", line, what, shown, dashes);
}


static void
onError(void *opaque,
        EmulatedPCIXMLErrorPtr error)
{
    Scan *scan = opaque;
    int line;

    if (scan->error || error->level != XML_ERR_FATAL || !scan->ctxt->input)
        return;

    line = error->line;
    scan->error = scanFormatError(scan, line, error->message ? error->message : "");
}


/* --- the whole */

/* If the first element is <controller>, its place; else 0. Such a document
 * can be a lowered device. */
static gsize
findFragment(const char *text,
             gsize begin,
             gsize len)
{
    static const char name[] = "<controller";
    const gsize nameLen = sizeof(name) - 1;
    gsize pos = begin;

    while (pos < len) {
        const char *end;

        if (strchr(" \t\r\n", text[pos])) {
            pos++;
            continue;
        }
        if (len - pos > 4 && memcmp(text + pos, "<!--", 4) == 0)
            end = memmem(text + pos + 4, len - pos - 4, "-->", 3);
        else if (len - pos > 2 && memcmp(text + pos, "<?", 2) == 0)
            end = memmem(text + pos, len - pos, "?>", 2);
        else
            break;
        if (!end)
            return 0;
        pos = end - text + (*end == '-' ? 3 : 2);
    }

    if (len - pos <= nameLen || memcmp(text + pos, name, nameLen) != 0)
        return 0;
    return pos + 1;
}


static void
scanInitSAX(Scan *scan)
{
    xmlSAXHandlerPtr sax = scan->ctxt->sax;

    memset(sax, 0, sizeof(*sax));
    sax->initialized = XML_SAX2_MAGIC;
    sax->startElementNs = onStartElement;
    sax->endElementNs = onEndElement;
    sax->characters = onCharacters;
    sax->ignorableWhitespace = onCharacters;
    sax->comment = onComment;
    sax->processingInstruction = onInstruction;
    sax->getEntity = onEntity;
    sax->serror = onError;

    scan->entity.type = XML_ENTITY_DECL;
    scan->entity.name = BAD_CAST "entity";
    scan->entity.content = BAD_CAST "\x01";
    scan->entity.orig = scan->entity.content;
    scan->entity.length = 1;
    scan->entity.etype = XML_INTERNAL_PREDEFINED_ENTITY;
}


/* Runs the parser over LEN bytes. Returns FALSE with ERR set if they are not
 * well-formed. */
static gboolean
scanRun(Scan *scan,
        const char *text,
        gsize len,
        GError **err)
{
    gboolean wellFormed;

    if (!(scan->ctxt = xmlNewParserCtxt())) {
        emulatedPCIReportError(err, VIR_ERR_INTERNAL_ERROR, _("cannot create an XML parser"));
        return FALSE;
    }

    scanInitSAX(scan);
    scan->ctxt->userData = scan;
    scan->places[0] = PLACE_DOCUMENT;
    scan->bindings = g_array_new(FALSE, FALSE, sizeof(Binding));
    g_array_set_clear_func(scan->bindings, bindingClear);

    /* NOENT has attribute values given as they are meant ("&", not "&#38;");
     * there is no entity that could be expanded. */
    xmlFreeDoc(emulatedPCIXMLFeed(scan->ctxt, text, len, NULL, NULL,
                                  XML_PARSE_NONET | XML_PARSE_NOENT | XML_PARSE_IGNORE_ENC));
    wellFormed = scan->ctxt->wellFormed;
    xmlFreeParserCtxt(scan->ctxt);
    g_array_free(scan->bindings, TRUE);

    /* In a tag that never ends, positions are not what they should be. */
    if (scan->tooMany) {
        emulatedPCIReportError(err, VIR_ERR_XML_ERROR,
                               _("too many elements for emulated PCI devices in the document"));
    } else if (!wellFormed) {
        emulatedPCIReportError(err, VIR_ERR_XML_ERROR, "%s",
                               scan->error ? scan->error : _("malformed XML document"));
    } else if (scan->offsetsLost) {
        emulatedPCIReportError(err, VIR_ERR_INTERNAL_ERROR,
                               _("cannot determine the position in an XML document"));
    }
    g_free(scan->error);
    return wellFormed && !scanStopped(scan);
}


ProjectionDocument *
projectionScanAccepted(const char *text,
                       gsize len,
                       GError **err)
{
    g_autoptr(ProjectionDocument) doc = projectionDocumentNew();
    Scan scan = { .doc = doc };
    gboolean ok;
    gsize fragment;

    doc->text = text;
    doc->len = len;
    doc->begin = len >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0 ? 3 : 0;

    /* libxml2 takes it for the end of the document. */
    if (memchr(text, '\0', len)) {
        emulatedPCIReportError(err, VIR_ERR_XML_ERROR, _("an XML document must not contain a NUL byte"));
        return NULL;
    }

    doc->encoding = projectionForeignEncoding(text + doc->begin, len - doc->begin);

    fragment = findFragment(text, doc->begin, len);
    if (fragment > 0) {
        g_autoptr(GString) wrapped = g_string_sized_new(len + 16);
        gsize start = fragment - 1;

        scan.fragment = TRUE;
        scan.shift = (gssize) start - (gssize) strlen(FRAGMENT_OPEN);
        g_string_append(wrapped, FRAGMENT_OPEN);
        g_string_append_len(wrapped, text + start, len - start);
        g_string_append(wrapped, FRAGMENT_CLOSE);
        ok = scanRun(&scan, wrapped->str, wrapped->len, err);
    } else {
        scan.shift = doc->begin;
        ok = scanRun(&scan, text + doc->begin, len - doc->begin, err);
    }

    if (!ok && doc->encoding) {
        g_clear_error(err);
        projectionReportEncoding(doc->encoding, err);
    }
    return ok ? g_steal_pointer(&doc) : NULL;
}


ProjectionDocument *
projectionScan(const char *text,
               gsize len,
               GError **err)
{
    EmulatedPCIXMLFacts facts;

    emulatedPCIXMLLook(text, len, "emulatedpci", &facts);
    return emulatedPCIXMLAccept(text, &facts, err) ? projectionScanAccepted(text, len, err) : NULL;
}
