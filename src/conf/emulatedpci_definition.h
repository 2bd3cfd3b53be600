/*
 * emulatedpci_definition.h: the definition of an emulated PCI device
 *
 * A definition is a libvirt node device: <device> with a <capability
 * type='emulatedpci'>, which contains the same twelve fields as <emulatedpci>.
 * This file parses and formats the XML; src/definitions stores definitions and finds
 * the basis of a definition.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include "emulatedpci_conf.h"
#include "emulatedpci_uuid.h"

#include <glib.h>

/* name: this prefix and characters of [A-Za-z0-9_.-]. The maximum length leaves space for a
 * suffix in a file name. */
#define EMULATED_PCI_DEFINITION_PREFIX "emulatedpci_"
#define EMULATED_PCI_DEFINITION_NAME_MAX 240

/* The maximum size of the document of a definition, in bytes. The fields have about 600 bytes. */
#define EMULATED_PCI_DEFINITION_XML_MAX (16 * 1024)

typedef struct _EmulatedPCIDefinition EmulatedPCIDefinition;
struct _EmulatedPCIDefinition {
    char *name;             /* NULL: to be derived */
    char uuid[EMULATED_PCI_UUID_LEN + 1];   /* "": not given */
    char *description;      /* or NULL */
    char *basis;            /* the name or UUID of the definition that provides missing fields, or
                             * NULL */
    gboolean builtIn;       /* only used by the formatter */
    gboolean autostart;     /* only in files; otherwise TRUE */
    EmulatedPCIDef *def;    /* the twelve fields */
};

/**
 * emulatedPCIDefinitionNew:
 *
 * Returns a definition without values, with autostart, to be freed with
 * emulatedPCIDefinitionFree(). Never NULL.
 */
EmulatedPCIDefinition *emulatedPCIDefinitionNew(void);

/**
 * emulatedPCIDefinitionParse:
 * @xml: the document
 * @len: its length in bytes, at most EMULATED_PCI_DEFINITION_XML_MAX
 * @stored: whether attributes are allowed that only files have
 * @err: return location for an error
 *
 * Parses a definition as strictly as the element. <path>, <parent> and built_in are ignored.
 * Fields can be missing until emulatedPCIDefinitionFill() is called.
 *
 * Returns the definition, to be freed with emulatedPCIDefinitionFree(), or NULL with @err set to
 * VIR_ERR_XML_ERROR.
 */
EmulatedPCIDefinition *emulatedPCIDefinitionParse(const char *xml,
                                                  gsize len,
                                                  gboolean stored,
                                                  GError **err);

/**
 * emulatedPCIDefinitionFill:
 * @definition: a definition
 * @basis: the fields of its basis, or NULL
 * @err: return location for an error
 *
 * Sets missing fields from @basis, or to their defaults, and a missing name from devicename. The
 * UUID is not changed. Then validates the fields.
 *
 * Returns TRUE, or FALSE with @err set to VIR_ERR_XML_ERROR or VIR_ERR_CONFIG_UNSUPPORTED.
 */
gboolean emulatedPCIDefinitionFill(EmulatedPCIDefinition *definition,
                                   const EmulatedPCIDef *basis,
                                   GError **err);

/**
 * emulatedPCIDefinitionFormat:
 * @definition: a definition
 * @stored: whether to use the format of a file
 *
 * Returns the XML with all fields and a line break at the end, to be freed with g_free().
 */
char *emulatedPCIDefinitionFormat(const EmulatedPCIDefinition *definition, gboolean stored);

/**
 * emulatedPCIDefinitionFree:
 * @definition: a definition, or NULL
 *
 * Frees the definition.
 */
void emulatedPCIDefinitionFree(EmulatedPCIDefinition *definition);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(EmulatedPCIDefinition, emulatedPCIDefinitionFree)

/**
 * emulatedPCIDefinitionNameIsValid:
 * @name: a name
 *
 * Returns TRUE if this is a valid name of a definition.
 */
gboolean emulatedPCIDefinitionNameIsValid(const char *name);
