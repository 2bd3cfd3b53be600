/*
 * qemu_machine.h: the versions of QEMU's machine types
 *
 * A machine type is a domain's virtual hardware; its version is that of the
 * QEMU whose hardware it keeps. Distributions have names of their own:
 * Ubuntu's releases, Red Hat's numbers.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include <glib.h>

/* A version of QEMU's. */
typedef struct {
    unsigned int major;
    unsigned int minor;
} QEMUMachineVersion;

/* The QEMU version of MACHINE ("pc-q35-5.2", "pc-i440fx-focal-hpb",
 * "virt-rhel8.2.0"). FALSE if it has none ("pc", "q35") or one that is not
 * known. */
gboolean qemuMachineVersion(const char *machine, QEMUMachineVersion *version);

/* Reads "MAJOR.MINOR", each from 0 to 9999 in decimal. FALSE if STR is anything else. */
gboolean qemuMachineVersionParse(const char *str, QEMUMachineVersion *version);

/* Whether MACHINE has a version that is known, and that is older than MIN. */
gboolean qemuMachineIsBelow(const char *machine, const QEMUMachineVersion *min);

/* The family that MACHINE is a version of: "pc-i440fx", "pc-q35", "pseries" … or
 * NULL if it is none of those that have versions. NEWEST, unless NULL, gets the name
 * that QEMU has for the family's newest: "pc", "q35" … */
const char *qemuMachineFamily(const char *machine, const char **newest);
