/*
 * projection_scan_private.h: shared by the files that read a document
 *
 * projection_scan.c runs the parser and contains its callbacks. projection_scan_tag.c reads tags
 * and their positions, projection_scan_namespaces.c prefixes. projection_scan_facts.c stores the
 * elements of a domain, with projection_scan_tree.c, projection_scan_device.c and
 * projection_scan_override.c. projection_scan_fragment.c finds a lowered device without a domain.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include "projection_document.h"

#include <libxml/parser.h>

/* The place of an element in the document */
typedef enum {
    PLACE_NONE = 0,         /* an element that is ignored, with everything in it */
    PLACE_DOCUMENT,
    PLACE_FRAGMENT,         /* the root element that is added around a lowered device */
    PLACE_SNAPSHOT,         /* <domainsnapshot>, <domaincheckpoint> */
    PLACE_DOMAIN,
    PLACE_OS,
    PLACE_DEVICES,
    PLACE_EMULATOR,
    PLACE_EMULATED,         /* <emulatedpci>, and everything in it */
    PLACE_DEVICE,           /* any other device */
    PLACE_CONTROLLER,       /* a controller that can reserve an address */
    PLACE_CONTROLLER_CHILD,
    PLACE_OVERRIDE,
    PLACE_OVERRIDE_DEVICE,
    PLACE_OVERRIDE_FRONTEND,
    PLACE_OVERRIDE_PROPERTY,
} ScanPlace;

/* The depth to which places are known: domainsnapshot, domain, override, device, frontend,
 * property and the document itself */
#define PLACE_DEPTH_MAX 8

/* The maximum number of parent elements of a misplaced element in a message, and the maximum
 * length of each name, in bytes */
#define PATH_DEPTH_MAX 6
#define PATH_NAME_MAX 32

/* The maximum number of elements and attributes of a document that are stored, which limits the
 * memory. A device with all fields and an address has about 25. A domain counts as
 * OBJECTS_DOMAIN because of its tables and namespaces, and an entity as OBJECTS_ENTITY because
 * libxml2 stores its name. */
#define OBJECTS_MAX 262144
#define OBJECTS_DOMAIN 256
#define OBJECTS_ENTITY 64
#define OBJECTS_ELEMENT 4

/* A prefix that is declared at <domain> or at one of its parents */
typedef struct {
    char *prefix;
    gboolean isQEMU;
} ScanBinding;

typedef struct {
    xmlParserCtxtPtr ctxt;
    ProjectionDocument *doc;
    gboolean fragment;
    gssize shift;               /* the difference between offsets in the text and in the parser's
                                 * input */

    guint depth;                /* the depth of the current element; that of the document is 0 */
    ScanPlace places[PLACE_DEPTH_MAX];
    gboolean offsetsLost;       /* positions are not valid; the rest is ignored */
    guint objects;              /* the number of stored objects */
    gboolean tooMany;           /* there are more than OBJECTS_MAX; the rest is ignored */

    GArray *bindings;           /* of ScanBinding */
    guint outerBindings;        /* the number of bindings outside of <domain> */
    const xmlChar *names[PATH_DEPTH_MAX + 1];   /* the name of the current element at each depth; it
                                                 * belongs to the parser */
    guint foreign;              /* the depth of the outermost element with a namespace, or 0 */
    guint shadow;               /* depth of the element that redeclares ownPrefix, or 0 */

    /* The current elements, or NULL outside of such an element */
    ProjectionDomain *domain;
    ProjectionEmulated *emulated;
    xmlNodePtr node;            /* the current node in the tree of emulated */
    gsize treeText;             /* bytes of text in that tree */
    ProjectionController *controller;
    ProjectionOverride *override;
    ProjectionOverrideDevice *device;
    gboolean hasFrontend;       /* device has a <qemu:frontend> */
    gboolean inEmulator;
    gsize devicesTagEnd;

    xmlEntity entity;

    char *error;                /* the first one */
} Scan;

/* A start tag, as libxml2's SAX2 interface passes it */
typedef struct {
    const xmlChar *name;
    const xmlChar *prefix;
    const xmlChar *URI;
    int nNamespaces;
    const xmlChar **namespaces;     /* prefix and URI of each */
    int nAttrs;
    const xmlChar **attrs;          /* ATTR_LAST of each */

    guint prefixUses;               /* whether its own name uses the domain's ownPrefix */
} ScanTag;

/* The five values for an attribute. */
enum {
    ATTR_NAME = 0,
    ATTR_PREFIX,
    ATTR_URI,
    ATTR_VALUE,
    ATTR_END,
    ATTR_LAST
};


/* --- projection_scan_tag.c --- */

/**
 * scanNameIs:
 * @name: a name
 * @expected: the expected name
 *
 * Returns TRUE if the names are equal.
 */
gboolean scanNameIs(const xmlChar *name, const char *expected);

/**
 * scanTagIs:
 * @tag: the start tag of the current element
 * @name: a name
 *
 * Returns TRUE if the element has this name and is in no namespace.
 */
gboolean scanTagIs(const ScanTag *tag, const char *name);

/**
 * scanTagIsQEMU:
 * @tag: the start tag of the current element
 * @name: a name
 *
 * Returns TRUE if the element has this name and is in libvirt's QEMU namespace.
 */
gboolean scanTagIsQEMU(const ScanTag *tag, const char *name);

/**
 * scanAttrFind:
 * @tag: the start tag of the current element
 * @name: the name of an attribute without a namespace
 * @len: set to the length of the value, in bytes
 *
 * Returns the value of the attribute, which is not terminated and belongs to the parser, or NULL
 * if there is none.
 */
const char *scanAttrFind(const ScanTag *tag, const char *name, gsize *len);

/**
 * scanAttrDup:
 * @tag: the start tag of the current element
 * @name: the name of an attribute without a namespace
 *
 * Returns the value of the attribute, to be freed with g_free(), or NULL if there is none.
 */
char *scanAttrDup(const ScanTag *tag, const char *name);

/**
 * scanAttrIs:
 * @tag: the start tag of the current element
 * @name: the name of an attribute without a namespace
 * @expected: the expected value
 *
 * Returns TRUE if the attribute has this value.
 */
gboolean scanAttrIs(const ScanTag *tag, const char *name, const char *expected);

/**
 * scanStopped:
 * @scan: the scan
 *
 * Returns TRUE if the rest of the document must be ignored.
 */
gboolean scanStopped(const Scan *scan);

/**
 * scanCount:
 * @scan: the scan
 * @objects: the number of elements and attributes that are stored in addition
 *
 * Counts stored objects, and stops the parser if there are more than OBJECTS_MAX.
 */
void scanCount(Scan *scan, guint objects);

/**
 * scanOffset:
 * @scan: the scan
 *
 * Returns the position of the parser in the text, in bytes: in the start event of an element, that
 * of the '>' or '/>' of its start tag; in its end event, that of the byte after the element.
 */
gsize scanOffset(Scan *scan);

/**
 * scanElementStart:
 * @scan: the scan
 * @where: set to the positions of the start tag
 *
 * Stores the position of the start tag, in the start event of an element.
 */
void scanElementStart(Scan *scan, ProjectionElement *where);

/**
 * scanElementEnd:
 * @scan: the scan
 * @where: the positions of the start tag; those of the end tag are set
 *
 * Stores the position of the end tag, in the end event of an element.
 */
void scanElementEnd(Scan *scan, ProjectionElement *where);

/* --- projection_scan_namespaces.c --- */

/**
 * scanBindingClear:
 * @opaque: a ScanBinding of an array
 *
 * Frees the prefix, as a GDestroyNotify of an array.
 */
void scanBindingClear(void *opaque);

/**
 * scanBindings:
 * @scan: the scan
 * @tag: the start tag of the current element
 *
 * Adds the prefixes that the start tag declares.
 */
void scanBindings(Scan *scan, const ScanTag *tag);

/**
 * scanBindPrefixes:
 * @scan: the scan
 * @domain: the domain that begins with the current element
 *
 * Stores the meaning of all prefixes in the domain.
 */
void scanBindPrefixes(Scan *scan, ProjectionDomain *domain);

/**
 * scanPrefixes:
 * @scan: the scan
 * @tag: the start tag of an element in the domain; its member prefixUses is set
 *
 * Stores which prefixes the element requires.
 */
void scanPrefixes(Scan *scan, ScanTag *tag);

/* --- projection_scan_facts.c --- */

/**
 * scanStartElement:
 * @scan: the scan
 * @parent: the place of the parent element
 * @tag: the start tag of the current element
 *
 * Handles the start of an element, and stores the required parts of it.
 *
 * Returns the place of the element.
 */
ScanPlace scanStartElement(Scan *scan, ScanPlace parent, const ScanTag *tag);

/**
 * scanEndElement:
 * @scan: the scan
 * @place: the place of the element
 *
 * Handles the end of an element.
 */
void scanEndElement(Scan *scan, ScanPlace place);

/**
 * scanAside:
 * @scan: the scan
 *
 * Handles content that would be lost if the element that contains it were rewritten: text, a
 * comment, or a namespace declaration.
 */
void scanAside(Scan *scan);

/* --- projection_scan_tree.c --- */

/**
 * scanTreeStart:
 * @scan: the scan
 * @tag: the start tag of the current element
 *
 * Adds the element to the tree of the <emulatedpci>.
 */
void scanTreeStart(Scan *scan, const ScanTag *tag);

/* --- projection_scan_device.c --- */

/**
 * scanStartController:
 * @scan: the scan
 * @tag: the start tag of the current element
 *
 * Handles a <controller type='scsi'>: stores it if its index is reserved for emulated devices.
 *
 * Returns the place of the element.
 */
ScanPlace scanStartController(Scan *scan, const ScanTag *tag);

/**
 * scanStartDeviceChild:
 * @scan: the scan
 * @tag: the start tag of the current element
 *
 * Handles a child element of a device: stores an alias or an address. A controller with other
 * children was not written by lowering.
 */
void scanStartDeviceChild(Scan *scan, const ScanTag *tag);

/* --- projection_scan_override.c --- */

/**
 * scanStartOverride:
 * @scan: the scan
 * @tag: the start tag of the current element
 *
 * Stores a <qemu:override>.
 *
 * Returns the place of the element.
 */
ScanPlace scanStartOverride(Scan *scan, const ScanTag *tag);

/**
 * scanStartOverrideDevice:
 * @scan: the scan
 * @tag: the start tag of the current element
 *
 * Stores a <qemu:device>.
 *
 * Returns the place of the element.
 */
ScanPlace scanStartOverrideDevice(Scan *scan, const ScanTag *tag);

/**
 * scanStartOverrideFrontend:
 * @scan: the scan
 * @tag: the start tag of the current element
 *
 * Handles a child element of a <qemu:device>. A device with other content than one <qemu:frontend>
 * was not written by lowering.
 *
 * Returns the place of the element.
 */
ScanPlace scanStartOverrideFrontend(Scan *scan, const ScanTag *tag);

/**
 * scanStartOverrideProperty:
 * @scan: the scan
 * @tag: the start tag of the current element
 *
 * Stores a <qemu:property>. A device with other content in its <qemu:frontend> was not written by
 * lowering.
 */
void scanStartOverrideProperty(Scan *scan, const ScanTag *tag);

/* --- projection_scan_fragment.c --- */

/**
 * scanFindFragment:
 * @text: a document
 * @begin: the offset after a byte order mark
 * @len: the length of the document, in bytes
 *
 * Checks whether the document can be a lowered device: its first element is a <controller>.
 *
 * Returns 1 + the offset of that element, or 0.
 */
gsize scanFindFragment(const char *text, gsize begin, gsize len);
