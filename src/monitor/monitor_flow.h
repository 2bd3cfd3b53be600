/*
 * monitor_flow.h: one direction of the relay
 *
 * Gives to one socket what has come from the other: bytes and descriptors, in the order and
 * with the boundaries that descriptors make. Needs recvmmsg() and sendmmsg() and nothing else,
 * waits for nothing, allocates nothing.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "monitor_status.h"

typedef enum {
    MONITOR_FLOW_MOVED = 0,     /* something was done: there may be more */
    MONITOR_FLOW_EMPTY,         /* nothing has come */
    MONITOR_FLOW_FULL,          /* the other side does not take more now */
    MONITOR_FLOW_LATER,         /* no memory, or no descriptors */
    MONITOR_FLOW_END,           /* the connection has ended, and all is sent */
} MonitorFlowResult;

/**
 * MonitorFlowJudge:
 * @data: what has come, from the beginning of a line unless flow->inLine is set
 * @len: number of bytes, at least 1
 * @ended: nothing more will come
 *
 * Returns how many bytes are to be sent as they are; 0: none now.
 */
typedef size_t (*MonitorFlowJudge)(MonitorFlow *flow,
                                   const char *data,
                                   size_t len,
                                   bool ended,
                                   void *opaque);

/**
 * monitorFlowSettle:
 * @flow: the direction, as the last worker has left it
 *
 * Makes good what a worker could not do any more that was killed in the middle of a step.
 */
void monitorFlowSettle(MonitorFlow *flow);

/**
 * monitorFlowRun:
 * @flow: the direction
 * @from: the socket to read from
 * @to: the socket to write to; if its peer has gone, bytes for it are dropped
 * @judge: decides how many bytes are sent
 * @opaque: passed to @judge
 *
 * Moves at most MONITOR_CHUNK bytes.
 *
 * Returns the result of the step.
 */
MonitorFlowResult monitorFlowRun(MonitorFlow *flow,
                                 int from,
                                 int to,
                                 MonitorFlowJudge judge,
                                 void *opaque);

/**
 * monitorFlowText:
 * @flow: the direction
 * @to: the socket to write to
 * @text: the same until all of it is sent, for the next worker too
 * @len: number of bytes
 * @fd: goes along with the first byte; or -1
 *
 * Sends a text of the relay's own, once flow->inLine is not set. No other bytes are to be sent
 * before flow->textSent is @len.
 *
 * Returns MONITOR_FLOW_MOVED, _FULL or _LATER.
 */
MonitorFlowResult monitorFlowText(MonitorFlow *flow,
                                  int to,
                                  const char *text,
                                  size_t len,
                                  int fd);
