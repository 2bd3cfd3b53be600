/*
 * qemu_arch.c: architectures, their QEMU programs, and which machines have a PCI bus
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <config.h>

#include "qemu_arch.h"

#include "gettext.h"

#include <string.h>
#include <sys/utsname.h>

#define _(s) gettext(s)

#define ARCH_CHARS "abcdefghijklmnopqrstuvwxyz0123456789_"

/* The maximum length of a user's value in a message, in bytes */
#define QUOTE_MAX 64

/* The machine types of each architecture to which libvirt adds a PCI bus */
typedef enum {
    MACHINES_NONE = 0,
    MACHINES_LISTED,        /* the names in the list; with "*", all names with this beginning */
    MACHINES_NOT_LISTED,
} MachineRule;

typedef struct {
    const char *arch;       /* libvirt's name */
    const char *qemuArch;   /* QEMU's name if it differs, or NULL */
    MachineRule rule;
    const char *machines;   /* the list, separated by spaces */
} ArchInfo;

#define X86_WITHOUT_PCI "isapc none microvm xenpv"
#define ARM_WITH_PCI "virt virt-* versatilepb realview-eb*"
#define RISCV_WITH_PCI "virt virt-*"

/* The architectures, from the default devices that libvirt's QEMU driver adds to a domain.
 * libvirt checks architectures that are not in this table. */
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


/* Returns the default architecture of a domain: that of the host, with libvirt's name. */
static const char *
hostArch(void)
{
    static GOnce once = G_ONCE_INIT;

    return g_once(&once, readHostArch, NULL);
}


const char *
qemuArchProgram(const char *arch)
{
    const ArchInfo *info;

    if (!arch)
        arch = hostArch();
    info = findArch(arch);
    if (info)
        return info->qemuArch ? info->qemuArch : arch;

    /* An unknown architecture whose name is valid */
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


gboolean
qemuArchCheckMachine(const char *arch,
                     const char *machine,
                     GError **err)
{
    const ArchInfo *info;

    if (!arch)
        arch = hostArch();
    info = findArch(arch);
    if (!info || machineHasPCI(info, machine))
        return TRUE;

    if (info->rule == MACHINES_NONE) {
        emulatedPCIReportError(err, VIR_ERR_CONFIG_UNSUPPORTED,
                               _("emulated PCI devices are not supported for architecture '%1$s'"),
                               arch);
    } else {
        g_autofree char *shown = g_utf8_make_valid(machine, MIN(strlen(machine), QUOTE_MAX));

        emulatedPCIReportError(err, VIR_ERR_CONFIG_UNSUPPORTED,
                               _("emulated PCI devices are not supported for machine type '%1$s' "
                                 "of architecture '%2$s': it has no PCI bus"), shown, arch);
    }
    return FALSE;
}
