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
 * Creates the epoll instance, which the sandbox does not allow.
 *
 * Returns a descriptor for monitorWorkerRun(), or -1 with errno set.
 */
int monitorWorkerOpen(const MonitorSession *session);

/**
 * monitorWorkerRun:
 * @session: the connections
 * @epfd: the descriptor that monitorWorkerOpen() returned
 *
 * Relays, and continues where the previous worker stopped.
 *
 * Returns the exit status.
 */
int monitorWorkerRun(MonitorSession *session, int epfd);
