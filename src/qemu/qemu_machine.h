/*
 * qemu_machine.h: the versions of QEMU's machine types
 *
 * A machine type describes a domain's virtual hardware. Its version is the version of
 * QEMU whose hardware it preserves. Distributions add their own names: the releases of
 * Ubuntu, and the version numbers of Red Hat.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include <glib.h>

/* A version of QEMU */
typedef struct {
    unsigned int major;
    unsigned int minor;
} QEMUMachineVersion;

/**
 * qemuMachineVersion:
 * @machine: a machine type ("pc-q35-5.2", "pc-i440fx-focal-hpb", "virt-rhel8.2.0")
 * @version: filled in with the version of QEMU
 *
 * Returns FALSE if @machine has no version ("pc", "q35") or an unknown one.
 */
gboolean qemuMachineVersion(const char *machine, QEMUMachineVersion *version);

/**
 * qemuMachineVersionParse:
 * @str: "MAJOR.MINOR", two decimal numbers from 0 to 9999
 * @version: filled in
 *
 * Returns FALSE if @str has another format.
 */
gboolean qemuMachineVersionParse(const char *str, QEMUMachineVersion *version);

/**
 * qemuMachineIsBelow:
 * @machine: a machine type
 * @min: a version
 *
 * Returns TRUE if the version of @machine is known and older than @min.
 */
gboolean qemuMachineIsBelow(const char *machine, const QEMUMachineVersion *min);

/**
 * qemuMachineFamily:
 * @machine: a machine type
 * @newest: filled in with QEMU's alias for the newest version of the family ("pc", "q35"),
 *          or NULL
 *
 * Returns the family of @machine ("pc-i440fx", "pc-q35", "pseries"), a string that must not be
 * freed, or NULL if @machine belongs to no family that has versions.
 */
const char *qemuMachineFamily(const char *machine, const char **newest);
