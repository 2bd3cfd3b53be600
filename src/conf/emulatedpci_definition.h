/*
 * emulatedpci_definition.h: the definition of an emulated PCI device
 *
 * A node device of libvirt's kind: <device> with a <capability
 * type='emulatedpci'>, which holds the same twelve fields that <emulatedpci>
 * does. Parse, Format and Free, in that order. Knows XML, but neither files
 * nor other definitions: whoever keeps them (src/catalog) finds the basis.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include "emulatedpci_conf.h"

#include <glib.h>

/* name: this prefix, then characters of [A-Za-z0-9_.-], so many in all that a
 * file can have it with something added */
#define EMULATED_PCI_DEFINITION_PREFIX "emulatedpci_"
#define EMULATED_PCI_DEFINITION_NAME_MAX 240

/* Bytes in the document of a definition. Its fields have about 600. */
#define EMULATED_PCI_DEFINITION_XML_MAX (16 * 1024)

#define EMULATED_PCI_UUID_LEN 36

typedef struct _EmulatedPCIDefinition EmulatedPCIDefinition;
struct _EmulatedPCIDefinition {
    char *name;             /* NULL: to be derived */
    char uuid[EMULATED_PCI_UUID_LEN + 1];   /* "": not given */
    char *description;      /* or NULL */
    char *basis;            /* name or uuid of what the rest is copied from, or NULL */
    gboolean builtIn;       /* only ever written */
    gboolean autostart;     /* only in files; else TRUE */
    EmulatedPCIDef *def;    /* the twelve fields */
};

/* Nothing given, autostart on. Never NULL. */
EmulatedPCIDefinition *emulatedPCIDefinitionNew(void);

/* Reads LEN bytes of XML, at most EMULATED_PCI_DEFINITION_XML_MAX, as strictly
 * as the element; STORED allows what only a file holds. <path>, <parent> and
 * built_in are passed over. Fields may be missing: emulatedPCIDefinitionFill()
 * has to follow. NULL with ERR set to VIR_ERR_XML_ERROR if it is malformed. */
EmulatedPCIDefinition *emulatedPCIDefinitionParse(const char *xml,
                                                  gsize len,
                                                  gboolean stored,
                                                  GError **err);

/* Gives what is missing: fields from BASIS or, where that is NULL, their
 * defaults; the name from devicename. The uuid is left alone. Then judges the
 * fields. FALSE with ERR set to VIR_ERR_XML_ERROR or
 * VIR_ERR_CONFIG_UNSUPPORTED. */
gboolean emulatedPCIDefinitionFill(EmulatedPCIDefinition *definition,
                                   const EmulatedPCIDef *basis,
                                   GError **err);

/* The XML, with all fields; in the form for a file if STORED. Newly allocated,
 * ends in a line break. */
char *emulatedPCIDefinitionFormat(const EmulatedPCIDefinition *definition, gboolean stored);

void emulatedPCIDefinitionFree(EmulatedPCIDefinition *definition);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(EmulatedPCIDefinition, emulatedPCIDefinitionFree)

/* Whether NAME is a legal name. */
gboolean emulatedPCIDefinitionNameIsValid(const char *name);

/* Reads TEXT, 32 hexadecimal digits with any "-" between the bytes, as libvirt
 * does, and writes it to UUID in libvirt's form. FALSE if it is no uuid. */
gboolean emulatedPCIUUIDParse(const char *text, char uuid[EMULATED_PCI_UUID_LEN + 1]);
