/*
 * projection_encoding.h: documents that are not UTF-8
 *
 * We replace bytes, so we must know where a character's bytes are: documents
 * with devices for us are UTF-8, or hold nothing but ASCII and say that they
 * are in an encoding that contains it. (libvirt's API takes nothing else
 * either: its strings end with a zero byte.)
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include <glib.h>

/* The encoding that the XML declaration at the beginning of TEXT names, if the
 * text would not be the same read as UTF-8; else NULL. Newly allocated. */
char *projectionForeignEncoding(const char *text, gsize len);

/* Whether TEXT is UTF-16 or UTF-32 and holds the ASCII string WORD in it. */
gboolean projectionWideContains(const char *text, gsize len, const char *word);

/* If TEXT is in EBCDIC, or says that it is in an encoding in which ASCII's bytes can mean
 * something else (UTF-7, for one), and has an element of that name in it: the encoding,
 * newly allocated. Else NULL. */
char *projectionForeignContains(const char *text, gsize len, const char *element);

/* Sets ERR to what is said of a document in an ENCODING that we cannot
 * work in. */
void projectionReportEncoding(const char *encoding, GError **err);
