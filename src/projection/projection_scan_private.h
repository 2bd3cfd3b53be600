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
} ScanPlace;

/* Places are known down to here: domainsnapshot, domain, override, device,
 * frontend, property and the document itself. */
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

/* A prefix that is declared at <domain> or around it. */
typedef struct {
    char *prefix;
    gboolean isQEMU;
} ScanBinding;

typedef struct {
    xmlParserCtxtPtr ctxt;
    ProjectionDocument *doc;
    gboolean fragment;
    gssize shift;               /* from the parser's offsets to the text's */

    guint depth;                /* of the element being read; the document is 0 */
    ScanPlace places[PLACE_DEPTH_MAX];
    gboolean offsetsLost;       /* the parser is not where we think; nothing more is read */
    guint objects;              /* what has been kept */
    gboolean tooMany;           /* more than OBJECTS_MAX; nothing more is read */

    GArray *bindings;           /* of ScanBinding */
    guint outerBindings;        /* how many of them are from around <domain> */
    const xmlChar *names[PATH_DEPTH_MAX + 1];   /* of the element of that depth; the parser's */
    guint foreign;              /* depth of the outermost element that is not ours, or 0 */
    guint shadow;               /* depth of the element that redeclares ownPrefix, or 0 */

    /* The current elements, or NULL outside of such an element */
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

gboolean scanNameIs(const xmlChar *name, const char *expected);

/* Return whether the element is NAME and in no namespace, or in libvirt's QEMU namespace. */
gboolean scanTagIs(const ScanTag *tag, const char *name);
gboolean scanTagIsQEMU(const ScanTag *tag, const char *name);

/* Returns the value of the attribute NAME, in no namespace, which is not terminated; NULL: none.
 * LEN is set to its length in bytes. */
const char *scanAttrFind(const ScanTag *tag, const char *name, gsize *len);

/* Returns the same as a new string, or NULL. */
char *scanAttrDup(const ScanTag *tag, const char *name);

/* Returns whether the attribute NAME is EXPECTED. */
gboolean scanAttrIs(const ScanTag *tag, const char *name, const char *expected);

/* Returns whether nothing more is to be read. */
gboolean scanStopped(const Scan *scan);

/* Counts OBJECTS that are kept, and stops the parser if they are too many. */
void scanCount(Scan *scan, guint objects);

/* Returns the parser's position in the text. Before an element's start event that is the '>' or
 * '/>' of its start tag, before its end event the byte after it. */
gsize scanOffset(Scan *scan);

/* Note where the element begins or ends whose event is being handled. */
void scanElementStart(Scan *scan, ProjectionElement *where);
void scanElementEnd(Scan *scan, ProjectionElement *where);

/* --- projection_scan_namespaces.c --- */

/* Clears a ScanBinding of an array. */
void scanBindingClear(void *opaque);

/* Adds the prefixes that TAG declares. */
void scanBindings(Scan *scan, const ScanTag *tag);

/* Notes the meaning of the prefixes at the start tag of DOMAIN. */
void scanBindPrefixes(Scan *scan, ProjectionDomain *domain);

/* Notes which prefixes an element in the domain needs. */
void scanPrefixes(Scan *scan, ScanTag *tag);

/* --- projection_scan_facts.c --- */

/* Returns the place of the element TAG, whose parent is at the place PARENT, and keeps what is
 * needed of it. */
ScanPlace scanStartElement(Scan *scan, ScanPlace parent, const ScanTag *tag);

/* Handles the end of the element at PLACE. */
void scanEndElement(Scan *scan, ScanPlace place);

/* Notes something that would be lost if the element that it belongs to or stands in were
 * rewritten: text, a comment, a namespace declaration. */
void scanAside(Scan *scan);

/* --- projection_scan_tree.c --- */

/* Adds the element TAG to the tree of the <emulatedpci>. */
void scanTreeStart(Scan *scan, const ScanTag *tag);

/* --- projection_scan_device.c --- */

/* Stores a <controller type='scsi'> whose index is reserved for emulated devices. Returns its
 * place. */
ScanPlace scanStartController(Scan *scan, const ScanTag *tag);

/* Stores the alias or the address of a device. Other children make a controller one that lowering
 * did not write. */
void scanStartDeviceChild(Scan *scan, const ScanTag *tag);

/* --- projection_scan_override.c --- */

/* Store <qemu:override>, <qemu:device>, <qemu:frontend> and <qemu:property>. A device with other
 * content than one <qemu:frontend> with properties is one that lowering did not write. */
ScanPlace scanStartOverride(Scan *scan, const ScanTag *tag);
ScanPlace scanStartOverrideDevice(Scan *scan, const ScanTag *tag);
ScanPlace scanStartOverrideFrontend(Scan *scan, const ScanTag *tag);
void scanStartOverrideProperty(Scan *scan, const ScanTag *tag);

/* --- projection_scan_fragment.c --- */

/* Returns 1 + the position of the first element if that is <controller>, else 0. Such a document
 * can be a lowered device. BEGIN is the position after a byte order mark. */
gsize scanFindFragment(const char *text, gsize begin, gsize len);
