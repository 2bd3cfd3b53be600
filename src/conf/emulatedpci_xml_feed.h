/*
 * emulatedpci_xml_feed.h: giving a document to libxml2 bit by bit
 *
 * libxml2 2.9 goes on parsing behind a fatal error, though nothing of it is
 * reported any more, and what emulatedpci_xml_limits.h has found of a document
 * does not hold there. So the parser gets the document in small pieces, and no
 * more of them after the first error.
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
