/*
 * projection.h: conversion between a user's XML and the XML of a stock libvirt
 *
 * Lowering converts every <emulatedpci> of a document to elements that a stock libvirt
 * supports: a controller that reserves the address, a <qemu:override>, and the launcher
 * as <emulator>. Lifting is the inverse conversion. The functions use no connection, no
 * file and no global state.
 *
 * A document without emulated devices is returned unchanged, byte for byte, after a
 * scan of the memory. In other documents, every byte outside the converted elements is
 * kept.
 *
 * Documents are <domain>, <domainsnapshot> and <domaincheckpoint> with <domain> and
 * <inactiveDomain> elements, and a single <emulatedpci>, which is converted to a
 * <controller> followed by a <qemu:override>.
 *
 * The following properties hold for every document x (tests/projectiontest.c and
 * tests/fuzz/fuzz-projection.c check them):
 *
 * - If there is nothing to convert, the result is x.
 * - lower(lower(x)) is lower(x), lift(lift(x)) is lift(x).
 * - lower(lift(x)) is x, if x is libvirt's XML of a domain that was lowered: inactive, live or
 *   migratable, or in a snapshot.
 * - lift(lower(x)) is in normal form, and it is x if x is in normal form. Conversion to
 *   normal form changes only:
 *     - The text of <emulatedpci> gets its canonical form, with all twelve fields and the alias;
 *       an index only if it differs from the one that lowering would assign (see
 *       projection_domain.h); multifunction='on' and bit 7 of headertype if the device is at
 *       function 0 of a slot with other functions.
 *     - The fields that <emulatedpci definition='…'> omits are added, and a UUID there is
 *       replaced by the name.
 *     - <emulator> is added if there is none; otherwise it becomes plain text.
 *     - Beside virtio-mmio devices, an <address type='pci'/> without numbers, which has no
 *       meaning, is removed.
 *     - A single empty <qemu:override>, which libvirt would not write, is removed, and the
 *       declaration of its prefix at the end of <domain>'s start tag if it is not used otherwise.
 * - An <emulatedpci> outside <devices> of a <domain>, where libvirt would drop it, is an
 *   error of lowering. In <metadata>, and in elements that have a namespace, it is
 *   ignored.
 * - A device that libvirt has not put on a PCI bus is an error of lifting.
 * - Lifting converts only a controller and an override that are exactly as lowering writes
 *   them, in any layout. It does not check whether lowering would accept the domain,
 *   because libvirt may have resolved its machine type to another name.
 *
 * ProjectionOptions.hideDetached is an exception. When a device is detached from a running domain,
 * libvirt keeps its override until the domain stops. With this option, lifting removes such an
 * override if no device has its alias and the <domain> has an id. lower(lift(x)) is not x then, so
 * that the result should not be used to define the domain again.
 *
 * A document type declaration is an error in a document with an <emulatedpci>. Other documents with
 * one are returned unchanged. No external file is loaded. Time and memory are proportional to the
 * length of a document: see emulatedpci_xml_limits.h. Lifting searches for the name of the driver
 * as libvirt writes it, without character references. Documents must be UTF-8, or contain only
 * ASCII characters in an encoding that extends ASCII.
 *
 * A program with several threads must call xmlInitParser() before it creates them.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include "emulatedpci_conf.h"
#include "qemu_machine.h"
#include "qemu_program.h"

#include <glib.h>

typedef enum {
    PROJECTION_ERROR = -1,      /* err is set */
    PROJECTION_UNCHANGED = 0,   /* the result is the input */
    PROJECTION_CHANGED = 1,     /* the result is in out */
} ProjectionResult;

typedef struct {
    const char *launchDir;      /* the directory of the launchers; NULL: LAUNCH_DIR */
    const char *qemuDir;        /* the directory of the distribution's QEMU programs; NULL: QEMU_DIR */
    gboolean hideDetached;      /* for lifting a running domain: see above */

    /* Gets the definition with this name or UUID: its fields, and its name in the member
     * definition. The result is valid until the next call. Returns NULL with ERR set (to
     * VIR_ERR_NO_NODE_DEVICE) if there is none. If NULL, there are no definitions. */
    const EmulatedPCIDef *(*definition)(const char *name, void *opaque, GError **err);
    void *definitionOpaque;

    /* The oldest version of a machine type that can have devices; 0.0: any. */
    QEMUMachineVersion machineMin;
    /* Gets libvirt's name for a machine type whose name has no version, for example
     * "pc-i440fx-7.2" for "pc" or for NULL, the default. It is called only if machineMin is set.
     * Each argument can be NULL if the domain does not contain it. The result is valid until the
     * next call; NULL: unknown, which is not an error. */
    const char *(*machine)(const char *type, const char *arch, const char *machine,
                           const char *emulator, void *opaque);
    void *machineOpaque;

    /* Makes sure that the launcher of the domain's QEMU exists, which has not been created yet if
     * this QEMU was not used before. Returns FALSE with ERR set on failure. If NULL, the launcher
     * can be missing. */
    gboolean (*launcher)(const char *qemu, const char *launcher, void *opaque, GError **err);
    void *launcherOpaque;

    /* Gets the properties of the QEMU program PATH; returns FALSE if they are unknown. Lowering
     * reports an error for a <domain> that cannot start with this QEMU. If NULL, QEMU is not
     * checked. */
    gboolean (*program)(const char *path, QEMUProgram *qemu, void *opaque);
    void *programOpaque;
} ProjectionOptions;

/**
 * projectionResolve:
 * @def: a device
 * @opts: the options with the callback for definitions
 * @err: return location for an error
 *
 * Sets the omitted fields of a device to those of its definition. A device that has all fields
 * does not require its definition to exist. Lowering calls this for every device.
 *
 * Returns TRUE, or FALSE with @err set.
 */
gboolean projectionResolve(EmulatedPCIDef *def, const ProjectionOptions *opts, GError **err);

/**
 * projectionIsSupported:
 * @type: the domain type, or NULL
 * @arch: the architecture, or NULL
 * @machine: libvirt's name of the machine type, which is not resolved, or NULL
 * @opts: the options, or NULL
 * @err: return location for an error
 *
 * Checks whether lowering accepts emulated PCI devices in such a domain.
 *
 * Returns TRUE, or FALSE with @err set to VIR_ERR_CONFIG_UNSUPPORTED.
 */
gboolean projectionIsSupported(const char *type, const char *arch, const char *machine,
                               const ProjectionOptions *opts, GError **err);

/**
 * projectionCheckProgram:
 * @type, @arch, @machine: the domain, as above
 * @path: the path of its QEMU program, or NULL
 * @wanted: the protocol of the emulator, or EMULATED_PCI_VERSION_NONE for the best one
 * @opts: the options with the callback for programs, or NULL
 * @err: return location for an error
 *
 * Checks whether QEMU supports a device in such a domain, with the rules that the launcher applies
 * when the domain is started.
 *
 * Returns TRUE, also if it is unknown, or FALSE with @err set to VIR_ERR_CONFIG_UNSUPPORTED.
 */
gboolean projectionCheckProgram(const char *type, const char *arch, const char *machine,
                                const char *path, EmulatedPCIVersion wanted,
                                const ProjectionOptions *opts, GError **err);

/**
 * projectionLower:
 * @xml: a document
 * @len: its length, in bytes
 * @opts: the options, or NULL
 * @out: on PROJECTION_CHANGED, set to the new document, NUL-terminated, to be freed with g_free()
 * @outlen: on PROJECTION_CHANGED, set to its length, in bytes
 * @err: return location for an error
 *
 * Converts a document with <emulatedpci> to one that a stock libvirt accepts.
 *
 * Returns the result. On PROJECTION_ERROR, @err is set: to VIR_ERR_XML_ERROR for a malformed
 * document (in libvirt's format: "(domain_definition):LINE: …", the line, and a caret), for an
 * invalid element, and for an alias or index that another device has; or to
 * VIR_ERR_CONFIG_UNSUPPORTED for an unsupported device, or a domain that does not support such
 * devices because of its type, machine type, emulator or encoding.
 */
ProjectionResult projectionLower(const char *xml, gsize len,
                                 const ProjectionOptions *opts,
                                 char **out, gsize *outlen,
                                 GError **err);

/**
 * projectionLift:
 * @xml: a document
 * @len: its length, in bytes
 * @opts: the options, or NULL
 * @out: on PROJECTION_CHANGED, set to the new document, NUL-terminated, to be freed with g_free()
 * @outlen: on PROJECTION_CHANGED, set to its length, in bytes
 * @err: return location for an error
 *
 * Converts a document of libvirt to one with <emulatedpci>. Anything that lowering has not written
 * remains unchanged.
 *
 * Returns as projectionLower().
 */
ProjectionResult projectionLift(const char *xml, gsize len,
                                const ProjectionOptions *opts,
                                char **out, gsize *outlen,
                                GError **err);
