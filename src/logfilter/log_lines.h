/*
 * log_lines.h: removes lines that QEMU repeats
 *
 * x-pci-proxy-dev sends the descriptors of the guest's memory to its process whenever the memory
 * map changes. Ordinary guest memory has no descriptors. Therefore QEMU logs the following line for
 * each device and each change, thousands of times during a start,
 *
 *   qemu-system-x86_64: Unable to write to socket: Bad file descriptor
 *
 * (hw/remote/proxy-memory-listener.c in QEMU), with a time and the option, or without a prefix. The
 * error is harmless, because pci-emulator does not use guest memory. Only the first of these lines
 * is kept; all other lines are kept unchanged and in order.
 *
 * The functions make no system call and allocate nothing.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include <stdbool.h>
#include <stddef.h>

/* The lines of which only the first one is kept: the whole line, or its end after a space */
#define LOG_LINES_REPEATED "Unable to write to socket: Bad file descriptor"

/* The maximum number of bytes that are held back until a line is complete. A longer line is
 * written in pieces, and is not removed. */
#define LOG_LINES_MAX 4096

typedef struct {
    bool seen;              /* one of the LOG_LINES_REPEATED */
    bool inside;            /* the beginning of the line has been written already */
    size_t len;             /* the number of bytes in TEXT */
    char text[LOG_LINES_MAX];
} LogLines;

/* Writes LEN bytes, at most LOG_LINES_MAX. OPAQUE is the argument of the caller. */
typedef void (*LogLinesWrite)(const char *data, size_t len, void *opaque);

/**
 * logLinesAdd:
 * @lines: all zeros at first
 * @data: what QEMU has written
 * @len: its length in bytes
 * @write: called with what is to be in the log: a line, or a piece of one
 * @opaque: passed to @write
 *
 * Passes on all lines that @data completes. What comes after the last newline
 * is held back.
 */
void logLinesAdd(LogLines *lines,
                 const char *data,
                 size_t len,
                 LogLinesWrite write,
                 void *opaque);

/**
 * logLinesFlush:
 * @lines: as above
 * @write: as above
 * @opaque: as above
 *
 * Passes on what is held back, for there may be no newline any more.
 */
void logLinesFlush(LogLines *lines,
                   LogLinesWrite write,
                   void *opaque);
