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

/* A set of indexes: a bit each, for every document with a device needs some. */
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

/* A device's place in the numbering. */
typedef struct {
    const char *alias;      /* the user's, or NULL */
    int wanted;             /* explicit index, or -1 */
    int index;              /* result */
    char *newAlias;         /* result where alias is NULL; the caller's */
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

/* Returns whether DOMAIN's declaration of the QEMU namespace is the only one, and the very one that
 * lowering would have made. */
gboolean projectionOwnsDeclaration(const ProjectionDomain *domain);

/* Returns a message about the misplaced <emulatedpci> of DOC, to be freed with g_free(). */
char *projectionDescribeMisplaced(const ProjectionDocument *doc);

/* Gives each of N devices its index, and an alias if it has none:
 *
 * - an explicit index is taken as it is,
 * - alias ua-emulatedpciN means index N, if that is free,
 * - other aliases, in their order, get the lowest free index,
 * - then come the devices without an alias: with an explicit index N they are
 *   ua-emulatedpciN, without one, N is the lowest number for which alias and
 *   index are free (so that a new device moves none that is there).
 *
 * TAKEN are indexes that others have; ALIASES maps others' aliases. Returns
 * FALSE with ERR set if an explicit index is not free, or none is left. */
gboolean projectionAssign(ProjectionSlot *slots,
                          gsize n,
                          const GArray *taken,
                          GHashTable *aliases,
                          GError **err);

/* N if ALIAS is ua-emulatedpciN, else -1. */
int projectionAliasNumber(const char *alias);

/* Returns the prefix that lowering declares for the QEMU namespace in a DOMAIN where none is bound:
 * "qemu", or the first of "qemu1", "qemu2" … that means nothing else there. The caller frees the
 * result. */
char *projectionFreePrefix(const ProjectionDomain *domain);
