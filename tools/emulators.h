/*
 * emulators.h: the emulator processes of this machine
 *
 * What is read are the memory files that pci-emulator shares with whoever may
 * look into it (emulator_status.h), and /proc. So root sees those of all
 * users, others their own. Written by processes that a guest may have taken
 * over: every number and string is checked.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include <glib.h>

typedef struct {
    char *devicename;
    char *transport;
    char *domain;           /* or NULL: QEMU is not known, or has gone */
    gint64 qemu;            /* its pid, or 0 */
    gboolean closed;        /* served no more */
    guint64 requests;
} EmulatorsDevice;

typedef struct {
    gint64 pid;             /* the guard's, or the only process's */
    gint64 worker;          /* the process that serves */
    gboolean guarded;       /* whether these are two */
    guint64 uptime;         /* seconds */
    guint64 restarts;
    guint64 memory;         /* KiB of these processes that are not of files */
    GPtrArray *devices;     /* of EmulatorsDevice */
} Emulator;

/* All emulators that the caller may look into, by pid. The array owns them. */
GPtrArray *emulatorsFind(void);
