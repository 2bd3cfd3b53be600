/*
 * relay_job.h: jobs of a connection besides relaying
 *
 * The relay owns a list of jobs. It waits for their descriptors and deadlines, runs them, and frees
 * jobs that have ended.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include <glib.h>

typedef struct _RelayJob RelayJob;

typedef enum {
    RELAY_JOB_READABLE = 1 << 0,        /* the job's descriptor can be read */
    RELAY_JOB_UNSENT = 1 << 1,          /* calls to libvirtd have not been sent yet */
} RelayJobEvents;

typedef struct {
    /* Returns the descriptor to wait for, or -1. It must not be closed before free(). NULL: the
     * job has none. */
    int (*descriptor)(const RelayJob *job);

    /* Returns the time until step() must be called, in ms, or -1. NULL: the job has no
     * deadline. */
    int (*deadline)(const RelayJob *job);

    /* step:
     * @job: a job that has not ended
     * @events: RelayJobEvents
     *
     * Goes on with the job, if there is something to do.
     *
     * Returns FALSE if the connection has to be closed. */
    gboolean (*step)(RelayJob *job, guint events);

    void (*free)(RelayJob *job);
} RelayJobOps;

/* The first member of the struct of each job */
struct _RelayJob {
    const RelayJobOps *ops;
    gboolean ended;             /* set by the job; the relay then frees it */
    gboolean othersWait;        /* set while it holds a resource that other connections may wait for */
};
