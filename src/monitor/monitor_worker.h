/*
 * monitor_worker.h: the process that relays
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include "monitor_attach.h"

/**
 * monitorWorkerOpen:
 * @session: the connections
 *
 * Prepares what a sandbox would not allow.
 *
 * Returns a descriptor for monitorWorkerRun(), or -1 with errno set.
 */
int monitorWorkerOpen(const MonitorSession *session);

/**
 * monitorWorkerRun:
 * @session: the connections
 * @epfd: what monitorWorkerOpen() returned
 *
 * Relays, beginning where the worker before was.
 *
 * Returns the exit status.
 */
int monitorWorkerRun(MonitorSession *session, int epfd);
