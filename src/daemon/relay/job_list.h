/*
 * job_list.h: the jobs of one connection
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include "event_loop.h"
#include "relay_job.h"

/* The maximum number of jobs of a connection. The relay starts at most one of each kind. */
#define JOB_LIST_MAX 8

typedef struct _JobList JobList;

/**
 * jobListNew:
 * @loop: watches the descriptors of the jobs; it must outlive the list
 *
 * Returns an empty list, to be freed with jobListFree(). Never NULL.
 */
JobList *jobListNew(EventLoop *loop);

/**
 * jobListFree:
 * @list: the list, or NULL
 *
 * Frees the list and its jobs.
 */
void jobListFree(JobList *list);

/**
 * jobListAdd:
 * @list: the list
 * @job: the job; the list takes ownership
 *
 * Adds a job. The list must have less than JOB_LIST_MAX jobs.
 */
void jobListAdd(JobList *list, RelayJob *job);

/**
 * jobListReap:
 * @list: the list
 *
 * Frees the jobs that have ended. None of their functions may be active.
 */
void jobListReap(JobList *list);

/**
 * jobListWatch:
 * @list: the list
 *
 * Watches the descriptors of the jobs, in preparation for eventLoopWait().
 *
 * Returns TRUE, or FALSE with errno set if a descriptor cannot be watched.
 */
gboolean jobListWatch(JobList *list);

/**
 * jobListTimeout:
 * @list: the list
 *
 * Returns the time until the first deadline of a job, in ms; -1: none.
 */
int jobListTimeout(const JobList *list);

/**
 * jobListOthersWait:
 * @list: the list
 *
 * Returns TRUE if a job holds something that other connections may wait for.
 */
gboolean jobListOthersWait(const JobList *list);

/**
 * jobListRead:
 * @list: the list
 * @any: set to TRUE if there was such a job, otherwise not changed
 *
 * Runs the jobs whose descriptor is ready.
 *
 * Returns TRUE, or FALSE if the connection has to be closed.
 */
gboolean jobListRead(JobList *list, gboolean *any);

/**
 * jobListTick:
 * @list: the list
 * @unsent: whether there are calls to libvirtd that have not been sent yet
 *
 * Runs the jobs that have a deadline.
 *
 * Returns TRUE, or FALSE if the connection has to be closed.
 */
gboolean jobListTick(JobList *list, gboolean unsent);
