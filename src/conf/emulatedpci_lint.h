/*
 * emulatedpci_lint.h: what is legal in an <emulatedpci>, but unwise
 *
 * Judges definitions only: knows no domain document and no native device.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include "emulatedpci_conf.h"

/* What lint looks for. The names are stable: scripts may rely on them. */
typedef enum {
    EMULATED_PCI_LINT_INTERRUPTPIN_RANGE = 0,   /* "interruptpin-range" */
    EMULATED_PCI_LINT_INTERRUPTLINE_UNUSED,     /* "interruptline-unused" */
    EMULATED_PCI_LINT_STATUS_CAPABILITIES,      /* "status-capabilities" */
    EMULATED_PCI_LINT_STATUS_EVENTS,            /* "status-events" */
    EMULATED_PCI_LINT_STATUS_RESERVED,          /* "status-reserved" */
    EMULATED_PCI_LINT_COMMAND_RESERVED,         /* "command-reserved" */
    EMULATED_PCI_LINT_CLASSCODE_BRIDGE,         /* "classcode-bridge" */
    EMULATED_PCI_LINT_HEADERTYPE_MULTIFUNCTION, /* "headertype-multifunction" */
    EMULATED_PCI_LINT_ADDRESS_IGNORED,          /* "address-ignored" */
    EMULATED_PCI_LINT_MULTIFUNCTION_ALONE,      /* "multifunction-alone" */
    EMULATED_PCI_LINT_FUNCTION_ALONE,           /* "function-alone" */
    EMULATED_PCI_LINT_DUPLICATE_DEVICE,         /* "duplicate-device" */
    EMULATED_PCI_LINT_DRIVER_PID,               /* "driver-pid" */
    EMULATED_PCI_LINT_DRIVER_ARGUMENTS,         /* "driver-arguments" */
    EMULATED_PCI_LINT_QEMU_UNSUPPORTED,         /* "qemu-unsupported": for who knows the QEMU */

    EMULATED_PCI_LINT_LAST
} EmulatedPCILintKind;

typedef struct {
    EmulatedPCILintKind kind;
    gsize device;       /* which definition of the array, from 0 */
    char *message;      /* translated; names field and value */
} EmulatedPCILint;

/* The name of KIND, and the KIND of that name (or -1). */
const char *emulatedPCILintKindToString(EmulatedPCILintKind kind);
int emulatedPCILintKindFromString(const char *name);

/* What is unwise in DEF: a new array, possibly empty, of EmulatedPCILint,
 * which it frees with itself. DEF may come from Parse alone; what Validate
 * refuses is not repeated here, but for the multifunction bit. */
GPtrArray *emulatedPCIDefLint(const EmulatedPCIDef *def);

/* The same for the NDEFS definitions of a domain's devices, in document
 * order, and what is unwise among them. */
GPtrArray *emulatedPCIDefLintAll(const EmulatedPCIDef *const *defs, gsize ndefs);
