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
 * - lower(lift(x)) is x, if x is what libvirt prints of a domain that was
 *   lowered: inactive, live or migratable, or in a snapshot.
 * - lift(lower(x)) is in normal form, and it is x if x is in normal form. Conversion to
 *   normal form changes only:
 *     - the text of <emulatedpci>: its canonical form, with all twelve fields
 *       and the alias; an index only where numbering would not give it (see
 *       projection_domain.h); multifunction='on' and bit 7 of headertype at
 *       function 0 of a slot that has others;
 *     - the fields that <emulatedpci definition='…'> leaves out, which are
 *       written, and a uuid there, which becomes the name;
 *     - <emulator>: filled in if there is none, plain text if there is;
 *     - beside virtio-mmio devices an <address type='pci'/> without numbers,
 *       which says no more than none: gone;
 *     - a single <qemu:override> with nothing in it, which libvirt would not
 *       print either, and the declaration of its prefix at the end of <domain>'s
 *       start tag if nothing else uses it: gone.
 * - An <emulatedpci> outside <devices> of a <domain>, where libvirt would drop it, is an
 *   error of lowering. In <metadata>, and in elements that have a namespace, it is
 *   ignored.
 * - A device that libvirt has not put on a PCI bus is an error of lifting.
 * - Lifting converts only a controller and an override that are exactly as lowering writes
 *   them, in any layout. It does not check whether lowering would accept the domain,
 *   because libvirt may have resolved its machine type to another name.
 *
 * ProjectionOptions.hideDetached makes an exception. libvirt keeps the override
 * of a device that was detached from a running domain until the domain stops.
 * With it, lifting drops what is exactly such an override, of an alias that no
 * device has, in a <domain> with an id, and does then not give back what
 * lower(lift(x)) is to be. What is to be defined again should not be lifted so.
 *
 * Of XML's more remote parts: a document type declaration is an error where
 * there is an <emulatedpci>, and where there is none such a document stays what
 * it is; nothing is ever loaded. Time and memory are in proportion to a
 * document's length: see emulatedpci_xml_limits.h. Lifting looks for
 * the driver's name as libvirt writes it, not for one spelt with character
 * references. Documents are UTF-8 (or of nothing but ASCII characters, in an
 * encoding that contains ASCII).
 *
 * A program with several threads calls xmlInitParser() before it makes them.
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
    const char *launchDir;      /* where the launcher's links are; NULL: LAUNCH_DIR */
    const char *qemuDir;        /* the distribution's QEMU programs; NULL: QEMU_DIR */
    gboolean hideDetached;      /* lifting a running domain: see below */

    /* Lowering asks for the definition of that name or uuid, whose twelve
     * fields, and name in its member definition, are borrowed until the next
     * call. NULL with ERR set (to VIR_ERR_NO_NODE_DEVICE) if there is none.
     * No callback: none is there. */
    const EmulatedPCIDef *(*definition)(const char *name, void *opaque, GError **err);
    void *definitionOpaque;

    /* The oldest version of a machine type that may have devices; 0.0: any. */
    QEMUMachineVersion machineMin;
    /* Lowering asks this, if there is a machineMin, for what libvirt makes of a machine
     * type whose name tells no version: "pc-i440fx-7.2" of "pc", or of NULL, the
     * default. Each argument may be NULL: the domain does not give it. The result is
     * borrowed until the next call; NULL: not known, which is no error. */
    const char *(*machine)(const char *type, const char *arch, const char *machine,
                           const char *emulator, void *opaque);
    void *machineOpaque;

    /* Lowering calls this with the path of the domain's QEMU and that of its launcher, which
     * is not there yet if nobody has used this QEMU. FALSE with ERR set if there is none.
     * No callback: the launcher may be missing. */
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
