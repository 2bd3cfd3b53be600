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

/* The controllers' index that stands for our index 0 */
#define PROJECTION_CONTROLLER_INDEX 32000

/* An element's bytes. Of <a/>, endTag is tagEnd is end. */
typedef struct {
    gsize start;    /* of the '<' */
    gsize tagEnd;   /* behind the '>' of the start tag */
    gsize endTag;   /* of the '<' of the end tag */
    gsize end;      /* behind the element */
} ProjectionElement;

/* Of an <address type='pci'>; -1 where not given */
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
    gboolean hasEntity;         /* somewhere in it is a PROJECTION_ENTITY */
    gsize devicesTagEnd;        /* of the <devices> it stands in */
} ProjectionEmulated;

/* A <controller type='scsi' model='lsilogic'> with an index that can be ours */
typedef struct {
    ProjectionElement where;
    int index;                  /* from 0: without the 32000 */
    char *alias;                /* or NULL */
    gboolean hasAddress;
    ProjectionAddress address;
    char *otherAddress;         /* the type of an <address> that is not 'pci', or NULL */
    gboolean plain;             /* nothing but <alias name> and <address type='pci'> in it */
} ProjectionController;

/* A <qemu:device> of an override */
typedef struct {
    ProjectionElement where;
    char *alias;                /* or NULL */
    QEMUPropsOverride props;
    gboolean plain;             /* one <frontend> with properties that props took, no more */
    guint prefixUses;           /* how often it uses the domain's ownPrefix */
} ProjectionOverrideDevice;

/* A <qemu:override> */
typedef struct {
    ProjectionElement where;
    char *prefix;               /* its own, or NULL */
    gboolean hasAttributes;     /* namespace declarations do not count */
    guint prefixUses;           /* its own use of the domain's ownPrefix: 0 or 1 */
    GPtrArray *devices;         /* of ProjectionOverrideDevice */
} ProjectionOverride;

/* A domain; or a single device, which has all but the elements of a domain */
typedef struct {
    gboolean isDevice;          /* a single <emulatedpci>, or what it was lowered to */
    gboolean hasOthers;         /* … where something else stands beside those elements */
    ProjectionElement where;

    char *type;                 /* attribute; this and all strings: NULL if not there */
    gboolean isLive;            /* has an id, as libvirt prints it of a running domain */
    char *arch;                 /* of <os><type> */
    char *machine;

    GString *emulator;          /* path in the first <emulator>, or NULL */
    ProjectionElement emulatorWhere;

    GPtrArray *emulated;        /* of ProjectionEmulated */
    GPtrArray *controllers;     /* of ProjectionController */
    GPtrArray *overrides;       /* of ProjectionOverride */
    GHashTable *aliases;        /* alias -> how many devices have it; not <emulatedpci> */
    GArray *addresses;          /* of ProjectionAddress: of all devices but <emulatedpci> */
    gboolean hasVirtioMMIO;     /* a device has an <address type='virtio-mmio'> */
    GArray *indexes;            /* of int: SCSI controllers' in our range, from 0 */

    ProjectionElement lastChild;    /* last element in the domain */
    gboolean lastIsDeprecation;     /* … which is libvirt's <qemu:deprecation> */

    /* Prefixes of the QEMU namespace. */
    char *boundPrefix;          /* one that is bound to it at <domain>, or NULL */
    guint boundPrefixes;        /* how many are */
    char *ownPrefix;            /* the one whose declaration ends <domain>'s start tag, in
                                 * the very form that libvirt gives it; or NULL */
    guint ownPrefixUses;        /* elements and attributes in the domain that need it */
    GHashTable *foreignPrefixes;    /* set: cannot be declared, mean something else */
} ProjectionDomain;

typedef struct {
    const char *text;           /* the caller's */
    gsize len;
    gsize begin;                /* behind a byte order mark */
    char *encoding;             /* declared one in which we cannot work, or NULL */
    GPtrArray *domains;         /* of ProjectionDomain */
    gboolean isRecord;          /* a snapshot or a checkpoint */
    char *misplaced;            /* what is around the first <emulatedpci> that stands where it
                                 * is none, "/domain/devices/disk"; or NULL */
    gsize misplacedAt;          /* where that one is */
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
