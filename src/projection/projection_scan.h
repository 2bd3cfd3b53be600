/*
 * projection_scan.h: reading a document
 *
 * Parses a document once with libxml2's SAX2 interface, and fills in the structures of
 * projection_document.h for each domain. It only validates that the document is
 * well-formed, and does not change it.
 *
 * Network access and document type declarations are not supported, so no entity is
 * declared. A reference to an entity is represented in values by the character
 * PROJECTION_ENTITY, which cannot occur in XML text.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include "projection_document.h"

/**
 * projectionScan:
 * @text: a document, which must exist as long as the result
 * @len: its length, in bytes
 * @err: return location for an error
 *
 * Returns the parsed document, to be freed with projectionDocumentFree(), or NULL with @err set to
 * VIR_ERR_XML_ERROR if it is malformed, has a document type declaration, or exceeds the limits of
 * emulatedpci_xml_limits.h.
 */
ProjectionDocument *projectionScan(const char *text, gsize len, GError **err);

/**
 * projectionScanDomain:
 * @text: a document, which must exist as long as the result
 * @len: its length, in bytes
 * @err: set to VIR_ERR_XML_ERROR on failure
 *
 * The same as projectionScan() for a document with exactly one domain. Another document is an
 * error.
 *
 * Returns as projectionScan().
 */
ProjectionDocument *projectionScanDomain(const char *text, gsize len, GError **err);

/**
 * projectionScanAccepted:
 * @text: a document, which must exist as long as the result
 * @len: its length, in bytes
 * @err: set to VIR_ERR_XML_ERROR on failure
 *
 * The same as projectionScan() for a document that emulatedPCIXMLAccept() has accepted.
 *
 * Returns as projectionScan().
 */
ProjectionDocument *projectionScanAccepted(const char *text, gsize len, GError **err);
