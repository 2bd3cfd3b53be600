/*
 * projection_encoding.h: documents that are not UTF-8
 *
 * The projection replaces bytes, so it requires an encoding in which the bytes of each
 * character are known. Documents with emulated devices must be UTF-8, or contain only
 * ASCII and declare an encoding that extends ASCII. (libvirt's API does not accept other
 * documents either, because its strings are NUL-terminated.)
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include <glib.h>

/**
 * projectionForeignEncoding:
 * @text: a document
 * @len: its length, in bytes
 *
 * Returns the encoding in the XML declaration, to be freed with g_free(), if the text differs when
 * it is read as UTF-8; otherwise NULL.
 */
char *projectionForeignEncoding(const char *text, gsize len);

/**
 * projectionWideContains:
 * @text: a document
 * @len: its length, in bytes
 * @word: an ASCII string
 *
 * Returns TRUE if @text is UTF-16 or UTF-32 and contains @word.
 */
gboolean projectionWideContains(const char *text, gsize len, const char *word);

/**
 * projectionForeignContains:
 * @text: a document
 * @len: its length, in bytes
 * @element: the name of an element
 *
 * Returns the encoding of @text, to be freed with g_free(), if it is EBCDIC or a declared encoding
 * in which bytes of ASCII can have another meaning (such as UTF-7), and if it contains an element
 * of that name; otherwise NULL.
 */
char *projectionForeignContains(const char *text, gsize len, const char *element);

/**
 * projectionReportEncoding:
 * @encoding: an unsupported encoding
 * @err: return location for an error
 *
 * Sets @err for a document in this encoding.
 */
void projectionReportEncoding(const char *encoding, GError **err);
