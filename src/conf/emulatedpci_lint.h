/*
 * emulatedpci_lint.h: warnings about valid but probably unintended values
 *
 * This file checks emulated devices only, but not domain documents or native devices.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include "emulatedpci_conf.h"

/* The kinds of warnings. The names are stable, because scripts can depend on them. */
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
    EMULATED_PCI_LINT_QEMU_UNSUPPORTED,         /* "qemu-unsupported": for callers that know the
                                                 * QEMU program */
    EMULATED_PCI_LINT_MEMORY_NOT_SHARED,        /* "memory-not-shared": for callers that know the
                                                 * domain */

    EMULATED_PCI_LINT_LAST
} EmulatedPCILintKind;

typedef struct {
    EmulatedPCILintKind kind;
    gsize device;       /* the number of the device in the array, from 0 */
    char *message;      /* translated; names the field and its value */
} EmulatedPCILint;

/**
 * emulatedPCILintKindToString:
 * @kind: a kind, below EMULATED_PCI_LINT_LAST
 *
 * Returns the name of the kind. It must not be freed.
 */
const char *emulatedPCILintKindToString(EmulatedPCILintKind kind);

/**
 * emulatedPCILintKindFromString:
 * @name: the name of a kind
 *
 * Returns the kind, or -1 if there is none with this name.
 */
int emulatedPCILintKindFromString(const char *name);

/**
 * emulatedPCIDefLint:
 * @def: a parsed device, which need not be validated
 *
 * Errors that emulatedPCIDefValidate() reports are not repeated, except for the multifunction bit.
 *
 * Returns the warnings: an array of EmulatedPCILint, which owns them and can be empty.
 */
GPtrArray *emulatedPCIDefLint(const EmulatedPCIDef *def);

/**
 * emulatedPCIDefLintAll:
 * @defs: the devices of a domain, in document order
 * @ndefs: their number
 *
 * The same for all devices of a domain, including warnings about their combination.
 *
 * Returns as emulatedPCIDefLint().
 */
GPtrArray *emulatedPCIDefLintAll(const EmulatedPCIDef *const *defs, gsize ndefs);
