/*
 * emulatedpci_error.h: errors that carry libvirt's error codes
 *
 * Library functions report errors through GError. The domain is EMULATED_PCI_ERROR,
 * and the code is a virErrorNumber of libvirt, which can be sent to a libvirt client
 * without conversion:
 *
 *   VIR_ERR_XML_ERROR            the document is malformed
 *   VIR_ERR_CONFIG_UNSUPPORTED   the document is well-formed, but not supported
 *   VIR_ERR_INTERNAL_ERROR       an error in this project
 *
 * A message names the field, the value as the user wrote it and the allowed values.
 * It is translatable.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include <glib.h>
#include <libvirt/virterror.h>

#define EMULATED_PCI_ERROR (emulatedPCIErrorQuark())

/**
 * emulatedPCIErrorQuark:
 *
 * Returns the error domain of errors whose codes are libvirt's (virErrorNumber).
 */
GQuark emulatedPCIErrorQuark(void);

/**
 * emulatedPCIErrorQuote:
 * @str: text from a document
 *
 * Returns the text for a message: one line of at most 64 characters, to be freed with g_free().
 */
char *emulatedPCIErrorQuote(const char *str);

/* Sets @err to libvirt's error @code and a formatted, translated message. */
#define emulatedPCIReportError(err, code, ...) \
    g_set_error((err), EMULATED_PCI_ERROR, (code), __VA_ARGS__)
