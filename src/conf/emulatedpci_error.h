/*
 * emulatedpci_error.h: errors that carry libvirt's error codes
 *
 * All of our library code reports through GError. The domain is
 * EMULATED_PCI_ERROR and the code is libvirt's virErrorNumber, so that
 * whoever shows it to a libvirt client has nothing to translate:
 *
 *   VIR_ERR_XML_ERROR            what was written is malformed
 *   VIR_ERR_CONFIG_UNSUPPORTED   well-formed, but impossible
 *   VIR_ERR_INTERNAL_ERROR       our fault
 *
 * A message names the field, the value as the user wrote it and what is
 * allowed, and is translatable.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include <glib.h>
#include <libvirt/virterror.h>

#define EMULATED_PCI_ERROR (emulatedPCIErrorQuark())

GQuark emulatedPCIErrorQuark(void);

/* What the user wrote, made fit for a message: one line, of at most 64
 * characters. Newly allocated. */
char *emulatedPCIErrorQuote(const char *str);

/* Sets ERR to libvirt's error CODE and a formatted, translated message. */
#define emulatedPCIReportError(err, code, ...) \
    g_set_error((err), EMULATED_PCI_ERROR, (code), __VA_ARGS__)
