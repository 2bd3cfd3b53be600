/*
 * projection_domain.c: what lowering and lifting decide the same way
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <config.h>

#include "projection_domain.h"
#include "qemu_machine.h"

#include <string.h>
#include <sys/utsname.h>

#include "gettext.h"

#define _(s) gettext(s)

#define ALIAS_STEM EMULATED_PCI_ALIAS_PREFIX "emulatedpci"

/* How much of what the user wrote a message repeats, in bytes. */
#define QUOTE_MAX 64

#define ARCH_CHARS "abcdefghijklmnopqrstuvwxyz0123456789_"

/* Which machine types of an architecture libvirt gives a PCI bus. */
typedef enum {
    MACHINES_NONE = 0,
    MACHINES_LISTED,        /* those in the list, or with "*" such that begin so */
    MACHINES_NOT_LISTED,
} MachineRule;

typedef struct {
    const char *arch;       /* libvirt's name */
    const char *qemuArch;   /* QEMU's, where that differs, or NULL */
    MachineRule rule;
    const char *machines;   /* the list, with spaces between */
} ArchInfo;

#define X86_WITHOUT_PCI "isapc none microvm xenpv"
#define ARM_WITH_PCI "virt virt-* versatilepb realview-eb*"
#define RISCV_WITH_PCI "virt virt-*"

/* From what libvirt's QEMU driver does for each when it adds a domain's
 * default devices. One that is not here is libvirt's to judge. */
static const ArchInfo archs[] = {
    { "x86_64", NULL, MACHINES_NOT_LISTED, X86_WITHOUT_PCI },
    { "i686", "i386", MACHINES_NOT_LISTED, X86_WITHOUT_PCI },
    { "aarch64", NULL, MACHINES_LISTED, ARM_WITH_PCI },
    { "armv6l", "arm", MACHINES_LISTED, ARM_WITH_PCI },
    { "armv7l", "arm", MACHINES_LISTED, ARM_WITH_PCI },
    { "armv7b", NULL, MACHINES_LISTED, ARM_WITH_PCI },
    { "riscv32", NULL, MACHINES_LISTED, RISCV_WITH_PCI },
    { "riscv64", NULL, MACHINES_LISTED, RISCV_WITH_PCI },
    { "loongarch64", NULL, MACHINES_NOT_LISTED, "none" },
    { "ppc64", NULL, MACHINES_NOT_LISTED, "none" },
    { "ppc64le", "ppc64", MACHINES_NOT_LISTED, "none" },
    { "ppc", NULL, MACHINES_NOT_LISTED, "none" },
    { "ppcemb", NULL, MACHINES_NOT_LISTED, "none" },
    { "alpha", NULL, MACHINES_NOT_LISTED, "none" },
    { "sh4", NULL, MACHINES_NOT_LISTED, "none" },
    { "sh4eb", NULL, MACHINES_NOT_LISTED, "none" },
    { "sparc64", NULL, MACHINES_NOT_LISTED, "none" },
    { "mips", NULL, MACHINES_LISTED, "malta" },
    { "mipsel", NULL, MACHINES_LISTED, "malta" },
    { "mips64", NULL, MACHINES_LISTED, "malta" },
    { "mips64el", NULL, MACHINES_LISTED, "malta" },
    { "cris", NULL, MACHINES_NONE, NULL },
    { "itanium", NULL, MACHINES_NONE, NULL },
    { "lm32", NULL, MACHINES_NONE, NULL },
    { "m68k", NULL, MACHINES_NONE, NULL },
    { "microblaze", NULL, MACHINES_NONE, NULL },
    { "microblazeel", NULL, MACHINES_NONE, NULL },
    { "or32", NULL, MACHINES_NONE, NULL },
    { "parisc", NULL, MACHINES_NONE, NULL },
    { "parisc64", NULL, MACHINES_NONE, NULL },
    { "ppcle", NULL, MACHINES_NONE, NULL },
    { "s390", NULL, MACHINES_NONE, NULL },
    { "s390x", NULL, MACHINES_NONE, NULL },
    { "sparc", NULL, MACHINES_NONE, NULL },
    { "unicore32", NULL, MACHINES_NONE, NULL },
    { "xtensa", NULL, MACHINES_NONE, NULL },
    { "xtensaeb", NULL, MACHINES_NONE, NULL },
};


static const ArchInfo *
findArch(const char *arch)
{
    gsize i;

    for (i = 0; i < G_N_ELEMENTS(archs); i++) {
        if (strcmp(archs[i].arch, arch) == 0)
            return &archs[i];
    }
    return NULL;
}


static gpointer
readHostArch(gpointer opaque G_GNUC_UNUSED)
{
    struct utsname host;

    if (uname(&host) < 0 || strcmp(host.machine, "amd64") == 0)
        return g_strdup("x86_64");
    if (host.machine[0] == 'i' && strcmp(host.machine + 2, "86") == 0)
        return g_strdup("i686");
    return g_strdup(host.machine);
}


/* The architecture that a domain has if it names none: the host's, by
 * libvirt's name. */
static const char *
hostArch(void)
{
    static GOnce once = G_ONCE_INIT;

    return g_once(&once, readHostArch, NULL);
}


static const char *
domainArch(const ProjectionDomain *domain)
{
    return domain->arch ? domain->arch : hostArch();
}


const char *
projectionQEMUArch(const ProjectionDomain *domain)
{
    const char *arch = domainArch(domain);
    const ArchInfo *info = findArch(arch);

    if (info)
        return info->qemuArch ? info->qemuArch : arch;

    /* One that we do not know, but could be the name of one. */
    return *arch && arch[strspn(arch, ARCH_CHARS)] == '\0' ? arch : NULL;
}


static gboolean
machineIsListed(const char *machine,
                const char *list)
{
    g_auto(GStrv) names = g_strsplit(list, " ", -1);
    gsize i;

    for (i = 0; names[i]; i++) {
        const gsize len = strlen(names[i]);

        if (names[i][len - 1] == '*' ? strncmp(machine, names[i], len - 1) == 0
                                     : strcmp(machine, names[i]) == 0)
            return TRUE;
    }
    return FALSE;
}


static gboolean
machineHasPCI(const ArchInfo *info,
              const char *machine)
{
    switch (info->rule) {
    case MACHINES_LISTED:
        return !machine || machineIsListed(machine, info->machines);
    case MACHINES_NOT_LISTED:
        return !machine || !machineIsListed(machine, info->machines);
    case MACHINES_NONE:
        break;
    }
    return FALSE;
}


/* The beginning of what the user wrote, fit for a message. */
static char *
quote(const char *str)
{
    return g_utf8_make_valid(str, MIN(strlen(str), QUOTE_MAX));
}


gboolean
projectionDomainCheck(const ProjectionDomain *domain,
                      GError **err)
{
    static const char *const types[] = { "qemu", "kvm", "hvf", NULL };
    const char *arch = domainArch(domain);
    const ArchInfo *info = findArch(arch);

    if (domain->isDevice)
        return TRUE;

    if (domain->type && !g_strv_contains(types, domain->type)) {
        g_autofree char *type = quote(domain->type);

        emulatedPCIReportError(err, VIR_ERR_CONFIG_UNSUPPORTED,
                               _("emulated PCI devices are not supported for domain type '%1$s': "
                                 "'qemu', 'kvm' or 'hvf' is needed"), type);
        return FALSE;
    }

    if (!info || machineHasPCI(info, domain->machine))
        return TRUE;

    if (info->rule == MACHINES_NONE) {
        emulatedPCIReportError(err, VIR_ERR_CONFIG_UNSUPPORTED,
                               _("emulated PCI devices are not supported for architecture '%1$s'"),
                               arch);
    } else {
        g_autofree char *machine = quote(domain->machine);

        emulatedPCIReportError(err, VIR_ERR_CONFIG_UNSUPPORTED,
                               _("emulated PCI devices are not supported for machine type '%1$s' "
                                 "of architecture '%2$s': it has no PCI bus"), machine, arch);
    }
    return FALSE;
}


gboolean
projectionDomainCheckMachine(const ProjectionDomain *domain,
                             const char *devicename,
                             GError **err)
{
    const char *newest = NULL;
    g_autofree char *machine = NULL;

    if (!domain->machine || !qemuMachineIsOld(domain->machine))
        return TRUE;

    machine = quote(domain->machine);
    qemuMachineFamily(domain->machine, &newest);
    emulatedPCIReportError(err, VIR_ERR_CONFIG_UNSUPPORTED,
                           _("machine type '%1$s' is too old for emulated PCI device '%2$s': that "
                             "of QEMU %3$d.0 or a newer one is needed; give another in "
                             "<type machine='…'>, such as '%4$s', or let 'virt-emulatedpci attach "
                             "--raise-machine' do that"),
                           machine, devicename ? devicename : "", QEMU_MACHINE_MAJOR_MIN, newest);
    return FALSE;
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


/* --- numbering */

typedef struct {
    ProjectionIndexes taken;
    int lowest;         /* none below is free */
} Indexes;


static void
indexesTake(Indexes *indexes,
            int index)
{
    projectionIndexesSet(&indexes->taken, index, TRUE);
}


/* The lowest free index, or -1. */
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
