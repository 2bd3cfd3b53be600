/*
 * emulatedpci_xml_feed.h: passing a document to libxml2 in pieces
 *
 * libxml2 2.9 continues to parse after a fatal error, although it does not report anything more,
 * and the limits that emulatedpci_xml_limits.h has checked do not apply there. Therefore the parser
 * gets the document in small pieces, and no further piece after the first error.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include <glib.h>
#include <libxml/parser.h>

/**
 * emulatedPCIXMLFeed:
 * @ctxt: the parser, with its SAX handlers set
 * @xml: the document
 * @len: its length in bytes
 * @name: what libxml2 calls it, or NULL
 * @encoding: the encoding, whatever the document itself declares; or NULL
 * @options: of xmlParserOption
 *
 * Parses a document, up to the first fatal error.
 *
 * Returns what xmlCtxtReadIO() returns: with the default SAX handlers the
 * document, which the caller frees, or NULL if it is not well-formed.
 */
xmlDocPtr emulatedPCIXMLFeed(xmlParserCtxtPtr ctxt, const char *xml, gsize len,
                             const char *name, const char *encoding, int options);
