/*
 * job_list.h: the jobs of one connection
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include "event_loop.h"
#include "relay_job.h"

/* Jobs of a connection at once. The relay starts at most one of each kind. */
#define JOB_LIST_MAX 8

typedef struct _JobList JobList;

/* jobListNew:
 * @loop: watches the jobs' descriptors; stays the caller's and must outlive the list
 *
 * Returns an empty list, which jobListFree() frees together with its jobs. */
JobList *jobListNew(EventLoop *loop);
void jobListFree(JobList *list);

/* Adds JOB, which now belongs to the list. */
void jobListAdd(JobList *list, RelayJob *job);

/* Frees the jobs that have ended. No function of theirs may be active. */
void jobListReap(JobList *list);

/* Prepares eventLoopWait(). Returns FALSE with errno set if a descriptor cannot be watched. */
gboolean jobListWatch(JobList *list);

/* Returns the ms until the first deadline of a job, or -1. */
int jobListTimeout(const JobList *list);

/* Returns whether a job holds something that other connections may wait for. */
gboolean jobListOthersWait(const JobList *list);

/* jobListRead:
 * @list: the jobs
 * @any: set to TRUE if there was one, else left alone
 *
 * Lets those jobs go on whose descriptor is ready.
 *
 * Returns FALSE if the connection has to be closed. */
gboolean jobListRead(JobList *list, gboolean *any);

/* jobListTick:
 * @list: the jobs
 * @unsent: whether calls to libvirtd have not been sent yet
 *
 * Lets those jobs go on that have a deadline.
 *
 * Returns FALSE if the connection has to be closed. */
gboolean jobListTick(JobList *list, gboolean unsent);
