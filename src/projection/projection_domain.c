/*
 * projection_domain.c: rules that lowering and lifting share
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <config.h>

#include "projection_domain.h"
#include "qemu_arch.h"
#include "qemu_launcher_path.h"
#include "qemu_machine.h"

#include <string.h>

#include "gettext.h"

#define _(s) gettext(s)

#define ALIAS_STEM EMULATED_PCI_ALIAS_PREFIX "emulatedpci"

/* The maximum length of a user's value in a message, in bytes */
#define QUOTE_MAX 64

/* Returns the beginning of the user's text, for a message. */
static char *
quote(const char *str)
{
    return g_utf8_make_valid(str, MIN(strlen(str), QUOTE_MAX));
}


static gboolean
checkType(const char *type,
          GError **err)
{
    static const char *const types[] = { "qemu", "kvm", "hvf", NULL };
    g_autofree char *shown = NULL;

    if (!type || g_strv_contains(types, type))
        return TRUE;

    shown = quote(type);
    emulatedPCIReportError(err, VIR_ERR_CONFIG_UNSUPPORTED,
                           _("emulated PCI devices are not supported for domain type '%1$s': "
                             "'qemu', 'kvm' or 'hvf' is required"), shown);
    return FALSE;
}


/* Compares MACHINE, which can be NULL, with the oldest version that OPTS allows. */
static gboolean
checkVersion(const char *machine,
             const ProjectionOptions *opts,
             GError **err)
{
    g_autofree char *shown = NULL;

    if (!machine || !opts || !qemuMachineIsBelow(machine, &opts->machineMin))
        return TRUE;

    shown = quote(machine);
    emulatedPCIReportError(err, VIR_ERR_CONFIG_UNSUPPORTED,
                           _("machine type '%1$s' is too old for emulated PCI devices: the "
                             "administrator of this host requires version %2$u.%3$u or newer; "
                             "change <type machine='…'>, or use 'virt-emulatedpci attach "
                             "--raise-machine'"),
                           shown, opts->machineMin.major, opts->machineMin.minor);
    return FALSE;
}


gboolean
projectionIsSupported(const char *type,
                      const char *arch,
                      const char *machine,
                      const ProjectionOptions *opts,
                      GError **err)
{
    return checkType(type, err) &&
        qemuArchCheckMachine(arch, machine, err) &&
        checkVersion(machine, opts, err);
}


gboolean
projectionCheckProgram(const char *type,
                       const char *arch,
                       const char *machine,
                       const char *path,
                       EmulatedPCIVersion wanted,
                       const ProjectionOptions *opts,
                       GError **err)
{
    /* Domains of other types can use KVM. An unknown type is not refused. */
    const gboolean kvm = g_strcmp0(type, "qemu") != 0;
    const char *program = qemuArchProgram(arch);
    QEMUProgram qemu;

    if (!opts || !opts->program || !path || !opts->program(path, &qemu, opts->programOpaque))
        return TRUE;

    /* libvirt's default for this architecture */
    if (!machine && g_strcmp0(program, "ppc64") == 0)
        machine = "pseries";
    return qemuProgramChoose(&qemu, path, machine, kvm, wanted, err) != EMULATED_PCI_VERSION_NONE;
}


void
projectionDomainFindEmulator(const ProjectionDomain *domain,
                             const ProjectionOptions *opts,
                             char **qemu,
                             char **launcher)
{
    const char *launchDir = opts ? opts->launchDir : NULL;
    const char *qemuDir = opts ? opts->qemuDir : NULL;
    const char *arch = qemuArchProgram(domain->arch);

    *qemu = *launcher = NULL;
    if (domain->emulator && domain->emulator->len > 0) {
        if (strchr(domain->emulator->str, PROJECTION_ENTITY))
            return;
        *qemu = qemuLauncherPathToQEMU(launchDir, qemuDir, domain->emulator->str);
        if (*qemu) {
            *launcher = g_strdup(domain->emulator->str);
            return;
        }
        *qemu = g_strdup(domain->emulator->str);
    } else if (arch) {
        *qemu = g_strdup_printf("%s/qemu-system-%s", qemuDir ? qemuDir : QEMU_DIR, arch);
    } else {
        return;
    }
    *launcher = qemuLauncherPathFromQEMU(launchDir, qemuDir, *qemu);
}


const char *
projectionDomainGetMachine(const ProjectionDomain *domain,
                           const ProjectionOptions *opts,
                           const char *emulator)
{
    QEMUMachineVersion version;
    const char *canonical;

    if (!opts || opts->machineMin.major == 0 || !opts->machine ||
        (domain->machine && qemuMachineVersion(domain->machine, &version)))
        return domain->machine;

    canonical = opts->machine(domain->type, domain->arch, domain->machine, emulator,
                              opts->machineOpaque);
    return canonical ? canonical : domain->machine;
}


gboolean
projectionDomainCheck(const ProjectionDomain *domain,
                      const ProjectionOptions *opts,
                      const char *emulator,
                      GError **err)
{
    return domain->isDevice ||
        projectionIsSupported(domain->type, domain->arch,
                              projectionDomainGetMachine(domain, opts, emulator), opts, err);
}


char *
projectionDescribeMisplaced(const ProjectionDocument *doc)
{
    return g_strdup_printf(_("misplaced element <%1$s> at line %2$u: it is in '%3$s', but must be "
                             "a child of <devices> of a <domain>"),
                           "emulatedpci", projectionDocumentLine(doc, doc->misplacedAt),
                           doc->misplaced);
}


char *
projectionFreePrefix(const ProjectionDomain *domain)
{
    char *prefix = g_strdup("qemu");
    unsigned int i;

    for (i = 1; g_hash_table_contains(domain->foreignPrefixes, prefix); i++) {
        g_free(prefix);
        prefix = g_strdup_printf("qemu%u", i);
    }
    return prefix;
}


gboolean
projectionOwnsDeclaration(const ProjectionDomain *domain)
{
    g_autofree char *prefix = projectionFreePrefix(domain);

    return domain->boundPrefixes == 1 && g_strcmp0(domain->ownPrefix, prefix) == 0;
}


/* --- numbering */

typedef struct {
    ProjectionIndexes taken;
    int lowest;         /* the lowest index that can be free */
} Indexes;


static void
indexesTake(Indexes *indexes,
            int index)
{
    projectionIndexesSet(&indexes->taken, index, TRUE);
}


/* Returns the lowest free index, or -1. */
static int
indexesLowest(Indexes *indexes)
{
    while (indexes->lowest <= EMULATED_PCI_INDEX_MAX &&
           projectionIndexesHas(&indexes->taken, indexes->lowest))
        indexes->lowest++;
    return indexes->lowest <= EMULATED_PCI_INDEX_MAX ? indexes->lowest : -1;
}


int
projectionAliasNumber(const char *alias)
{
    const char *digits = alias + strlen(ALIAS_STEM);
    guint32 number;

    if (strncmp(alias, ALIAS_STEM, strlen(ALIAS_STEM)) != 0 ||
        digits[strspn(digits, "0123456789")] != '\0' ||
        emulatedPCINumberParse(digits, EMULATED_PCI_INDEX_MAX, &number) != EMULATED_PCI_NUMBER_OK)
        return -1;
    return number;
}


static char *
numberAlias(int number)
{
    return g_strdup_printf(ALIAS_STEM "%d", number);
}


static gboolean
aliasIsFree(int number,
            GHashTable *aliases,
            GHashTable *ours)
{
    g_autofree char *alias = numberAlias(number);

    return !g_hash_table_contains(aliases, alias) && !g_hash_table_contains(ours, alias);
}


static gboolean
reportNoIndex(GError **err)
{
    emulatedPCIReportError(err, VIR_ERR_CONFIG_UNSUPPORTED,
                           _("too many emulated PCI devices: at most %1$d are supported"),
                           EMULATED_PCI_INDEX_MAX + 1);
    return FALSE;
}


static gboolean
assignExplicit(ProjectionSlot *slots,
               gsize n,
               Indexes *indexes,
               GError **err)
{
    gsize i;

    for (i = 0; i < n; i++) {
        slots[i].index = slots[i].wanted;
        if (slots[i].wanted < 0)
            continue;
        if (projectionIndexesHas(&indexes->taken, slots[i].wanted)) {
            emulatedPCIReportError(err, VIR_ERR_XML_ERROR,
                                   _("index '%1$d' of <%2$s> is in use by another device"),
                                   slots[i].wanted, "emulatedpci");
            return FALSE;
        }
        indexesTake(indexes, slots[i].wanted);
    }
    return TRUE;
}


static gboolean
assignNamed(ProjectionSlot *slots,
            gsize n,
            Indexes *indexes,
            GError **err)
{
    gsize i;

    for (i = 0; i < n; i++) {
        int number = slots[i].alias && slots[i].index < 0 ? projectionAliasNumber(slots[i].alias) : -1;

        if (number >= 0 && !projectionIndexesHas(&indexes->taken, number)) {
            slots[i].index = number;
            indexesTake(indexes, number);
        }
    }

    for (i = 0; i < n; i++) {
        if (!slots[i].alias || slots[i].index >= 0)
            continue;
        slots[i].index = indexesLowest(indexes);
        if (slots[i].index < 0)
            return reportNoIndex(err);
        indexesTake(indexes, slots[i].index);
    }
    return TRUE;
}


static gboolean
assignNameless(ProjectionSlot *slots,
               gsize n,
               Indexes *indexes,
               GHashTable *aliases,
               GHashTable *ours,
               GError **err)
{
    int lowest = 0;
    gsize i;

    for (i = 0; i < n; i++) {
        int number = slots[i].index;

        if (slots[i].alias)
            continue;

        if (number < 0 || !aliasIsFree(number, aliases, ours)) {
            while (lowest <= EMULATED_PCI_INDEX_MAX &&
                   ((number < 0 && projectionIndexesHas(&indexes->taken, lowest)) ||
                    !aliasIsFree(lowest, aliases, ours)))
                lowest++;
            if (lowest > EMULATED_PCI_INDEX_MAX)
                return reportNoIndex(err);
            number = lowest;
        }

        slots[i].newAlias = numberAlias(number);
        g_hash_table_add(ours, slots[i].newAlias);
        if (slots[i].index < 0) {
            slots[i].index = number;
            indexesTake(indexes, number);
        }
    }
    return TRUE;
}


gboolean
projectionAssign(ProjectionSlot *slots,
                 gsize n,
                 const GArray *taken,
                 GHashTable *aliases,
                 GError **err)
{
    g_autoptr(GHashTable) ours = g_hash_table_new(g_str_hash, g_str_equal);
    Indexes indexes = { 0 };
    gsize i;

    for (i = 0; i < taken->len; i++)
        indexesTake(&indexes, g_array_index(taken, int, i));
    for (i = 0; i < n; i++) {
        if (slots[i].alias)
            g_hash_table_add(ours, (char *) slots[i].alias);
    }

    return assignExplicit(slots, n, &indexes, err) &&
        assignNamed(slots, n, &indexes, err) &&
        assignNameless(slots, n, &indexes, aliases, ours, err);
}
