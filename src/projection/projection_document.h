/*
 * projection_document.h: the elements of a document that are rewritten
 *
 * The byte ranges and values that lowering and lifting use, for each domain of a document.
 * projection_scan.h fills in these structures.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include "qemu_props_override.h"

#include <glib.h>
#include <libxml/tree.h>

/* libvirt's QEMU namespace, https://libvirt.org/drvqemu.html */
#define PROJECTION_QEMU_NAMESPACE "http://libvirt.org/schemas/domain/qemu/1.0"

#define PROJECTION_ENTITY '\x01'

/* The index of the controller for a device with index 0 */
#define PROJECTION_CONTROLLER_INDEX 32000

/* The byte range of an element. For <a/>, endTag, tagEnd and end are equal. */
typedef struct {
    gsize start;    /* of the '<' */
    gsize tagEnd;   /* after the '>' of the start tag */
    gsize endTag;   /* of the '<' of the end tag */
    gsize end;      /* after the element */
} ProjectionElement;

/* The values of an <address type='pci'>; -1 if a value is not given */
typedef struct {
    int domain;
    int bus;
    int slot;
    int function;
    int multifunction;
} ProjectionAddress;

/* An <emulatedpci> */
typedef struct {
    ProjectionElement where;
    xmlNodePtr node;            /* the element as a tree, in no document */
    gboolean hasEntity;         /* it contains a PROJECTION_ENTITY */
    gsize devicesTagEnd;        /* tagEnd of its parent <devices> */
} ProjectionEmulated;

/* A <controller type='scsi' model='lsilogic'> with an index that is reserved for emulated
 * devices */
typedef struct {
    ProjectionElement where;
    int index;                  /* the index minus 32000 */
    char *alias;                /* or NULL */
    gboolean hasAddress;
    ProjectionAddress address;
    char *otherAddress;         /* the type of an <address> that is not 'pci', or NULL */
    gboolean plain;             /* it contains only <alias name> and <address type='pci'> */
} ProjectionController;

/* A <qemu:device> of an override */
typedef struct {
    ProjectionElement where;
    char *alias;                /* or NULL */
    QEMUPropsOverride props;
    gboolean plain;             /* it contains only one <frontend> with properties that are in props */
    guint prefixUses;           /* the number of uses of the domain's ownPrefix in it */
} ProjectionOverrideDevice;

/* A <qemu:override> */
typedef struct {
    ProjectionElement where;
    char *prefix;               /* the prefix of the element, or NULL */
    gboolean hasAttributes;     /* namespace declarations do not count */
    guint prefixUses;           /* 1 if the element itself uses the domain's ownPrefix, otherwise 0 */
    GPtrArray *devices;         /* of ProjectionOverrideDevice */
} ProjectionOverride;

/* A domain, or a single device without a domain */
typedef struct {
    gboolean isDevice;          /* a single <emulatedpci>, or what it was lowered to */
    gboolean hasOthers;         /* for a single device: there are other elements */
    ProjectionElement where;

    char *type;                 /* the attribute type. This and all strings are NULL if they are
                                 * missing. */
    gboolean isLive;            /* it has an id, which libvirt writes for a running domain */
    char *arch;                 /* the attributes of <os><type> */
    char *machine;

    GString *emulator;          /* path in the first <emulator>, or NULL */
    ProjectionElement emulatorWhere;

    GPtrArray *emulated;        /* of ProjectionEmulated */
    GPtrArray *controllers;     /* of ProjectionController */
    GPtrArray *overrides;       /* of ProjectionOverride */
    GHashTable *aliases;        /* alias -> number of devices with it, except for <emulatedpci> */
    GArray *addresses;          /* of ProjectionAddress: all devices except for <emulatedpci> */
    gboolean hasVirtioMMIO;     /* a device has an <address type='virtio-mmio'> */
    GArray *indexes;            /* of int: the indexes of SCSI controllers in the reserved range,
                                 * from 0 */

    ProjectionElement lastChild;    /* the last child element of the domain */
    gboolean lastIsDeprecation;     /* the last child is libvirt's <qemu:deprecation> */

    /* Prefixes of the QEMU namespace. */
    char *boundPrefix;          /* one of the prefixes at <domain>, or NULL */
    guint boundPrefixes;        /* the number of these prefixes */
    char *ownPrefix;            /* the one whose declaration is at the end of <domain>'s start tag,
                                 * in libvirt's format; or NULL */
    guint ownPrefixUses;        /* the number of elements and attributes in the domain that use it */
    GHashTable *foreignPrefixes;    /* set of prefixes with another meaning, which cannot be declared */
} ProjectionDomain;

typedef struct {
    const char *text;           /* the text, which belongs to the caller */
    gsize len;
    gsize begin;                /* the offset after a byte order mark */
    char *encoding;             /* the declared encoding if it is not supported, or NULL */
    GPtrArray *domains;         /* of ProjectionDomain */
    gboolean isRecord;          /* a snapshot or a checkpoint */
    char *misplaced;            /* the path of the parent of the first misplaced <emulatedpci>,
                                 * "/domain/devices/disk"; or NULL */
    gsize misplacedAt;          /* the offset of that element */
} ProjectionDocument;

/**
 * projectionDocumentNew:
 *
 * Returns an empty document, to be freed with projectionDocumentFree(). Its arrays own their
 * elements. Never NULL.
 */
ProjectionDocument *projectionDocumentNew(void);

/**
 * projectionDomainNew:
 *
 * Returns an empty domain, which is freed with the document to which it is added. Its arrays and
 * tables own their elements. Never NULL.
 */
ProjectionDomain *projectionDomainNew(void);

/**
 * projectionOverrideNew:
 *
 * Returns an empty override, which is freed with the document to which it is added. Its array owns
 * its elements. Never NULL.
 */
ProjectionOverride *projectionOverrideNew(void);

/**
 * projectionDocumentLine:
 * @doc: a document
 * @offset: the offset of a byte in its text
 *
 * Returns the number of the line that contains the byte, from 1.
 */
guint projectionDocumentLine(const ProjectionDocument *doc, gsize offset);

/**
 * projectionDocumentFree:
 * @doc: a document, or NULL
 *
 * Frees the document. The text belongs to the caller.
 */
void projectionDocumentFree(ProjectionDocument *doc);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(ProjectionDocument, projectionDocumentFree)
