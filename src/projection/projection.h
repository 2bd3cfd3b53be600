/*
 * projection.h: between a user's XML and stock libvirt's
 *
 * Lowering turns every <emulatedpci> of a document into what a stock libvirt
 * understands (a reserving controller, a <qemu:override>, the launcher in
 * <emulator>); lifting is its inverse. Pure functions: no connection, no
 * file, no global state.
 *
 * A document without emulated devices is passed as it is, byte for byte,
 * after a mere memory scan. In others every byte outside the rewritten
 * elements stays.
 *
 * Documents: <domain>; <domainsnapshot> and <domaincheckpoint> with <domain>
 * and <inactiveDomain> in them; a single <emulatedpci> device, whose lowered
 * form is the <controller> followed by a <qemu:override> of its own.
 *
 * What holds, of every document x (tests/projectiontest.c and
 * tests/fuzz/fuzz-projection.c hold it against this):
 *
 * - If there is nothing to do, the result is x.
 * - lower(lower(x)) is lower(x), lift(lift(x)) is lift(x).
 * - lower(lift(x)) is x, if x is what libvirt prints of a domain that was
 *   lowered: inactive, live or migratable, or in a snapshot.
 * - lift(lower(x)) is x, if x is in normal form, and in normal form in any
 *   case. Into normal form go these, and nothing else:
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
 * - An <emulatedpci> that is not in <domain>'s <devices>, where libvirt would
 *   drop it, is an error of lowering; in <metadata>, and in elements that have
 *   a namespace, it is somebody else's.
 * - A device that libvirt has not put on a PCI bus is an error of lifting.
 * - Lifting never invents: a controller or override that is not exactly what
 *   lowering writes, in whatever layout, stays what it is. It does not ask whether
 *   lowering would accept the domain, whose machine type libvirt may have given
 *   another name: whatever was accepted once is lifted.
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

    /* What the QEMU program PATH is; FALSE: not known. Lowering refuses a <domain> that
     * this QEMU would surely refuse at the start. NULL: none is refused for its QEMU. */
    gboolean (*program)(const char *path, QEMUProgram *qemu, void *opaque);
    void *programOpaque;
} ProjectionOptions;

/* Gives DEF what it leaves to its definition; one that has all twelve fields
 * needs none, whether it exists or not. Lowering does this to every device.
 * TRUE, or FALSE with ERR set. */
gboolean projectionResolve(EmulatedPCIDef *def, const ProjectionOptions *opts, GError **err);

/* Whether lowering accepts emulated PCI devices in a domain of TYPE, ARCH and MACHINE. Each
 * may be NULL: not given. @machine: as libvirt calls it; it is not resolved. Returns TRUE,
 * or FALSE with ERR set (VIR_ERR_CONFIG_UNSUPPORTED). */
gboolean projectionIsSupported(const char *type, const char *arch, const char *machine,
                               const ProjectionOptions *opts, GError **err);

/* Whether the QEMU at PATH, which may be NULL, can have a device in such a domain whose
 * emulator speaks WANTED (or EMULATED_PCI_VERSION_NONE: whatever is best): what the launcher
 * will say at the start, as far as it is known now. The others may be NULL, too. Returns TRUE,
 * or FALSE with ERR set (VIR_ERR_CONFIG_UNSUPPORTED). */
gboolean projectionCheckProgram(const char *type, const char *arch, const char *machine,
                                const char *path, EmulatedPCIVersion wanted,
                                const ProjectionOptions *opts, GError **err);

/* LEN bytes of XML in; on PROJECTION_CHANGED, OUT gets a new NUL-terminated
 * string of OUTLEN bytes, else OUT is left alone. OPTS may be NULL.
 *
 * Errors: VIR_ERR_XML_ERROR for what is no XML (in libvirt's own form:
 * "(domain_definition):LINE: …", the line, and a caret), for what the element
 * must not hold, and for an alias or index that another device has;
 * VIR_ERR_CONFIG_UNSUPPORTED for a domain that cannot have such devices (its
 * type, machine type, emulator or encoding), and for what no device can be. */
ProjectionResult projectionLower(const char *xml, gsize len,
                                 const ProjectionOptions *opts,
                                 char **out, gsize *outlen,
                                 GError **err);

ProjectionResult projectionLift(const char *xml, gsize len,
                                const ProjectionOptions *opts,
                                char **out, gsize *outlen,
                                GError **err);
