/*
 * emulators.h: the emulator processes of this machine
 *
 * The data come from /proc and from the memory that pci-emulator shares with processes of the same
 * user (emulator_status.h). Therefore root sees the emulators of all users, and other users see
 * their own. A guest may have taken over the process that writes the memory, so each number and
 * string is checked.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include <glib.h>

typedef struct {
    char *devicename;
    char *transport;
    char *domain;           /* or NULL: QEMU is unknown, or has exited */
    gint64 qemu;            /* its pid, or 0 */
    gboolean closed;        /* the device is not served any more */
    guint64 requests;
} EmulatorsDevice;

typedef struct {
    gint64 pid;             /* process ID of the guard, or of the only process */
    gint64 worker;          /* the process that serves */
    gboolean guarded;       /* whether guard and worker are separate processes */
    guint64 uptime;         /* seconds */
    guint64 restarts;
    guint64 memory;         /* anonymous and shared memory of these processes, in KiB */
    GPtrArray *devices;     /* of EmulatorsDevice */
} Emulator;

/**
 * emulatorsFind:
 *
 * Returns all emulators on this host whose status the caller can read, sorted by process ID; to be
 * freed with g_ptr_array_unref(). Never NULL.
 */
GPtrArray *emulatorsFind(void);
