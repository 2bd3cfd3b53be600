/*
 * projection_domain.h: rules that lowering and lifting share
 *
 * Decides whether a domain can have emulated devices, and assigns the alias and index of each
 * device and the prefix of the QEMU namespace. Lifting uses these functions to find out how
 * lowering would process its result.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include "emulatedpci_conf.h"
#include "projection.h"
#include "projection_document.h"

#include <glib.h>

/* A set of indexes, with one bit for each */
typedef struct {
    guint32 words[EMULATED_PCI_INDEX_MAX / 32 + 1];
} ProjectionIndexes;

static inline gboolean
projectionIndexesHas(const ProjectionIndexes *set, int index)
{
    return (set->words[index / 32] >> index % 32) & 1;
}

static inline void
projectionIndexesSet(ProjectionIndexes *set, int index, gboolean isIn)
{
    const guint32 bit = (guint32) 1 << index % 32;

    if (isIn)
        set->words[index / 32] |= bit;
    else
        set->words[index / 32] &= ~bit;
}

/* A device to which an index is assigned */
typedef struct {
    const char *alias;      /* the user's, or NULL */
    int wanted;             /* explicit index, or -1 */
    int index;              /* result */
    char *newAlias;         /* the result if alias is NULL; it belongs to the caller */
} ProjectionSlot;

/**
 * projectionDomainFindEmulator:
 * @domain: a domain
 * @opts: options, or NULL
 * @qemu: set to the path of the domain's QEMU, to be freed with g_free(), or to NULL if it is
 *        unknown
 * @launcher: set to the path of the launcher for that QEMU, to be freed with g_free(), or to NULL
 *
 * Finds the program in <emulator>, or the default one of the architecture.
 */
void projectionDomainFindEmulator(const ProjectionDomain *domain,
                                  const ProjectionOptions *opts,
                                  char **qemu,
                                  char **launcher);

/**
 * projectionDomainGetMachine:
 * @domain: a domain
 * @opts: options, or NULL
 * @emulator: the domain's <emulator> in the lowered document, or NULL
 *
 * Returns libvirt's name of the domain's machine type, from ProjectionOptions.machine if the
 * document's name has no version; the document's name if libvirt's is unknown or not required;
 * or NULL.
 */
const char *projectionDomainGetMachine(const ProjectionDomain *domain,
                                       const ProjectionOptions *opts,
                                       const char *emulator);

/**
 * projectionDomainCheck:
 * @domain: a domain
 * @opts: options, or NULL
 * @emulator: the domain's <emulator> in the lowered document, or NULL
 * @err: return location for an error
 *
 * Checks whether the domain can have emulated PCI devices: projectionIsSupported() with libvirt's
 * name of the machine type.
 *
 * Returns TRUE, or FALSE with @err set to VIR_ERR_CONFIG_UNSUPPORTED.
 */
gboolean projectionDomainCheck(const ProjectionDomain *domain,
                               const ProjectionOptions *opts,
                               const char *emulator,
                               GError **err);

/**
 * projectionOwnsDeclaration:
 * @domain: a domain
 *
 * Returns TRUE if the domain has only one declaration of the QEMU namespace, and lowering would
 * have added the same one.
 */
gboolean projectionOwnsDeclaration(const ProjectionDomain *domain);

/**
 * projectionDescribeMisplaced:
 * @doc: a document with a misplaced <emulatedpci>
 *
 * Returns a message about the misplaced element, to be freed with g_free().
 */
char *projectionDescribeMisplaced(const ProjectionDocument *doc);

/**
 * projectionAssign:
 * @slots: the devices; their members index and newAlias are set
 * @n: the number of devices
 * @taken: the indexes of other controllers (int)
 * @aliases: a table whose keys are the aliases of other devices
 * @err: set to VIR_ERR_XML_ERROR if an explicit index is not free, or to
 *       VIR_ERR_CONFIG_UNSUPPORTED if no index is free
 *
 * Assigns an index to each device, and an alias if it has none:
 *
 *   - An explicit index is used.
 *   - The alias ua-emulatedpciN requests index N, if that is free.
 *   - Devices with other aliases, in their order, get the lowest free index.
 *   - Devices without an alias follow. With an explicit index N, their alias is ua-emulatedpciN;
 *     otherwise, N is the lowest number for which alias and index are free. The indexes of existing
 *     devices do not change when such a device is added.
 *
 * Returns TRUE, or FALSE with @err set.
 */
gboolean projectionAssign(ProjectionSlot *slots,
                          gsize n,
                          const GArray *taken,
                          GHashTable *aliases,
                          GError **err);

/**
 * projectionAliasNumber:
 * @alias: an alias
 *
 * Returns N if the alias is ua-emulatedpciN, otherwise -1.
 */
int projectionAliasNumber(const char *alias);

/**
 * projectionFreePrefix:
 * @domain: a domain
 *
 * Chooses the prefix that lowering declares for the QEMU namespace if the domain has none: "qemu",
 * or the first of "qemu1", "qemu2" … that has no other meaning in the domain.
 *
 * Returns the prefix, to be freed with g_free().
 */
char *projectionFreePrefix(const ProjectionDomain *domain);
