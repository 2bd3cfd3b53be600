/*
 * qemu_machine.c: the versions of QEMU's machine types
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <config.h>

#include "qemu_machine.h"

#include <string.h>

/* The maximum number of digits of a version */
#define NUMBER_MAX 9999

/* Machine types with versions: the text before the version, the family, and the name of its newest
 * machine type. The first match is used. */
static const struct {
    const char *prefix;
    const char *family;
    const char *newest;
} families[] = {
    { "pc-i440fx-", "pc-i440fx", "pc" },
    { "pc-q35-", "pc-q35", "q35" },
    { "pc-", "pc-i440fx", "pc" },       /* up to 1.3 */
    { "rhel", "pc-i440fx", "pc" },      /* of RHEL 6 */
    { "pseries-", "pseries", "pseries" },
    { "virt-", "virt", "virt" },
    { "s390-ccw-virtio-", "s390-ccw-virtio", "s390-ccw-virtio" },
};

/* The QEMU version of each version of a distribution's machine types */
typedef struct {
    const char *name;
    unsigned int major;
    unsigned int minor;
} Release;

/* Ubuntu, by its releases' names. */
static const Release ubuntu[] = {
    { "trusty", 2, 0 },
    { "utopic", 2, 1 },
    { "vivid", 2, 2 },
    { "wily", 2, 4 },
    { "xenial", 2, 5 },
    { "yakkety", 2, 6 },
    { "zesty", 2, 8 },
    { "artful", 2, 10 },
    { "bionic", 2, 11 },
    { "cosmic", 2, 12 },
    { "disco", 3, 1 },
    { "eoan", 4, 0 },
    { "focal", 4, 2 },
    { "groovy", 5, 0 },
    { "hirsute", 5, 2 },
    { "impish", 6, 0 },
    { "jammy", 6, 2 },
    { "kinetic", 7, 0 },
    { "lunar", 7, 2 },
    { "mantic", 8, 0 },
    { "noble", 8, 2 },
    { "oracular", 9, 0 },
    { "plucky", 9, 2 },
};

/* Red Hat: the first of its versions with each QEMU's hardware, newest first. */
static const struct {
    unsigned int rhelMajor;
    unsigned int rhelMinor;
    unsigned int major;
    unsigned int minor;
} redHat[] = {
    { 9, 4, 8, 2 },
    { 9, 2, 7, 2 },
    { 8, 6, 6, 2 },
    { 8, 5, 6, 0 },
    { 8, 4, 5, 2 },
    { 8, 3, 5, 1 },
    { 8, 2, 4, 2 },
    { 8, 1, 4, 0 },
    { 8, 0, 3, 1 },
    { 7, 6, 2, 12 },
    { 7, 5, 2, 10 },
    { 7, 4, 2, 9 },
    { 7, 3, 2, 6 },
    { 7, 2, 2, 3 },
    { 7, 1, 2, 1 },
    { 7, 0, 1, 5 },
    { 0, 0, 0, 12 },
};


/* Parses digits at *STR, and moves *STR after them. */
static gboolean
readNumber(const char **str,
           unsigned int *number)
{
    const char *p = *str;

    *number = 0;
    for (; g_ascii_isdigit(*p); p++) {
        *number = *number * 10 + (*p - '0');
        if (*number > NUMBER_MAX)
            return FALSE;
    }
    if (p == *str)
        return FALSE;
    *str = p;
    return TRUE;
}


/* Parses "MAJOR.MINOR", which other text can follow: ".1", "-sxxm". */
static gboolean
readVersion(const char *str,
            QEMUMachineVersion *version)
{
    return readNumber(&str, &version->major) && *str++ == '.' && readNumber(&str, &version->minor) &&
        (*str == '\0' || *str == '.' || *str == '-');
}


static gboolean
readRedHat(const char *str,
           QEMUMachineVersion *version)
{
    QEMUMachineVersion rhel;
    gsize i;

    if (!readVersion(str, &rhel))
        return FALSE;

    for (i = 0; i < G_N_ELEMENTS(redHat); i++) {
        if (rhel.major > redHat[i].rhelMajor ||
            (rhel.major == redHat[i].rhelMajor && rhel.minor >= redHat[i].rhelMinor))
            break;
    }
    version->major = redHat[i].major;
    version->minor = redHat[i].minor;
    return TRUE;
}


/* Parses the name of a release, which "-" and other text can follow: "-hpb". */
static gboolean
readUbuntu(const char *str,
           QEMUMachineVersion *version)
{
    const gsize len = strcspn(str, "-");
    gsize i;

    for (i = 0; i < G_N_ELEMENTS(ubuntu); i++) {
        if (strncmp(ubuntu[i].name, str, len) == 0 && ubuntu[i].name[len] == '\0') {
            version->major = ubuntu[i].major;
            version->minor = ubuntu[i].minor;
            return TRUE;
        }
    }
    return FALSE;
}


/* Returns the index of MACHINE in families[], or -1. */
static int
findFamily(const char *machine)
{
    gsize i;

    for (i = 0; i < G_N_ELEMENTS(families); i++) {
        if (g_str_has_prefix(machine, families[i].prefix))
            return i;
    }
    return -1;
}


gboolean
qemuMachineVersion(const char *machine,
                   QEMUMachineVersion *version)
{
    const int family = findFamily(machine);
    const char *rest;

    if (family < 0)
        return FALSE;
    if (g_str_has_prefix(machine, "rhel"))
        return readRedHat(machine + strlen("rhel"), version);

    rest = machine + strlen(families[family].prefix);
    if (g_str_has_prefix(rest, "rhel"))
        return readRedHat(rest + strlen("rhel"), version);
    return readVersion(rest, version) || readUbuntu(rest, version);
}


gboolean
qemuMachineVersionParse(const char *str,
                        QEMUMachineVersion *version)
{
    return readNumber(&str, &version->major) && *str++ == '.' &&
        readNumber(&str, &version->minor) && *str == '\0';
}


gboolean
qemuMachineIsBelow(const char *machine,
                   const QEMUMachineVersion *min)
{
    QEMUMachineVersion version;

    return qemuMachineVersion(machine, &version) &&
        (version.major < min->major ||
         (version.major == min->major && version.minor < min->minor));
}


const char *
qemuMachineFamily(const char *machine,
                  const char **newest)
{
    const int family = findFamily(machine);
    gsize i;

    if (family >= 0) {
        if (newest)
            *newest = families[family].newest;
        return families[family].family;
    }

    /* the newest machine type itself */
    for (i = 0; i < G_N_ELEMENTS(families); i++) {
        if (strcmp(machine, families[i].newest) == 0) {
            if (newest)
                *newest = families[i].newest;
            return families[i].family;
        }
    }
    return NULL;
}
