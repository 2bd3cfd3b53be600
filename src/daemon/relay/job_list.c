/*
 * job_list.c: the jobs of one connection
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <config.h>

#include "job_list.h"

typedef struct {
    RelayJob *job;
    EventSource source;
} JobEntry;

struct _JobList {
    EventLoop *loop;
    GPtrArray *entries;
};


JobList *
jobListNew(EventLoop *loop)
{
    JobList *list = g_new0(JobList, 1);

    list->loop = loop;
    list->entries = g_ptr_array_new();
    return list;
}


static void
jobListRemove(JobList *list, guint index)
{
    JobEntry *entry = g_ptr_array_remove_index(list->entries, index);

    eventLoopRemove(list->loop, &entry->source);
    entry->job->ops->free(entry->job);
    g_free(entry);
}


void
jobListFree(JobList *list)
{
    if (!list)
        return;
    while (list->entries->len > 0)
        jobListRemove(list, list->entries->len - 1);
    g_ptr_array_unref(list->entries);
    g_free(list);
}


void
jobListAdd(JobList *list, RelayJob *job)
{
    JobEntry *entry = g_new0(JobEntry, 1);

    g_assert(list->entries->len < JOB_LIST_MAX);
    entry->job = job;
    g_ptr_array_add(list->entries, entry);
}


void
jobListReap(JobList *list)
{
    guint i = 0;

    while (i < list->entries->len) {
        const JobEntry *entry = g_ptr_array_index(list->entries, i);

        if (entry->job->ended)
            jobListRemove(list, i);
        else
            i++;
    }
}


gboolean
jobListWatch(JobList *list)
{
    guint i;

    for (i = 0; i < list->entries->len; i++) {
        JobEntry *entry = g_ptr_array_index(list->entries, i);
        const RelayJobOps *ops = entry->job->ops;

        if (!eventLoopWatch(list->loop, &entry->source,
                            ops->descriptor ? ops->descriptor(entry->job) : -1, EPOLLIN))
            return FALSE;
    }
    return TRUE;
}


int
jobListTimeout(const JobList *list)
{
    int timeout = -1;
    guint i;

    for (i = 0; i < list->entries->len; i++) {
        const JobEntry *entry = g_ptr_array_index(list->entries, i);

        if (entry->job->ops->deadline)
            timeout = eventSooner(timeout, entry->job->ops->deadline(entry->job));
    }
    return timeout;
}


gboolean
jobListOthersWait(const JobList *list)
{
    guint i;

    for (i = 0; i < list->entries->len; i++) {
        const JobEntry *entry = g_ptr_array_index(list->entries, i);

        if (entry->job->othersWait)
            return TRUE;
    }
    return FALSE;
}


gboolean
jobListRead(JobList *list, gboolean *any)
{
    guint i;

    /* A step may add a job, but only jobListReap() removes any. */
    for (i = 0; i < list->entries->len; i++) {
        JobEntry *entry = g_ptr_array_index(list->entries, i);

        if (!entry->source.ready || entry->job->ended)
            continue;
        *any = TRUE;
        if (!entry->job->ops->step(entry->job, RELAY_JOB_READABLE))
            return FALSE;
    }
    return TRUE;
}


gboolean
jobListTick(JobList *list, gboolean unsent)
{
    guint i;

    for (i = 0; i < list->entries->len; i++) {
        RelayJob *job = ((JobEntry *) g_ptr_array_index(list->entries, i))->job;

        if (!job->ended && job->ops->deadline &&
            !job->ops->step(job, unsent ? RELAY_JOB_UNSENT : 0))
            return FALSE;
    }
    return TRUE;
}
