/*
 * projection_scan.h: reading a document
 *
 * Reads a document once, with libxml2's SAX2 interface, and notes for each
 * domain in it what projection_document.h has. Judges nothing but
 * well-formedness, changes nothing.
 *
 * No network and no document type declaration, so no entity is declared: a
 * reference to one stands in values as the character PROJECTION_ENTITY, which
 * XML text cannot hold otherwise.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include "projection_document.h"

/* Reads TEXT, which must outlive the result. Returns NULL with ERR set to
 * VIR_ERR_XML_ERROR if it is not well-formed (in libvirt's own form), has a
 * document type declaration, or exceeds the limits of emulatedpci_xml_limits.h. */
ProjectionDocument *projectionScan(const char *text, gsize len, GError **err);

/* The same, for a caller that has had emulatedPCIXMLAccept() accept TEXT. */
ProjectionDocument *projectionScanAccepted(const char *text, gsize len, GError **err);
