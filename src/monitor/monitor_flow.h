/*
 * monitor_flow.h: one direction of the relay
 *
 * Forwards bytes and descriptors from one socket to another, in the same order, and with the
 * boundaries that descriptors create. It only uses the system calls recvmmsg(), sendmmsg() and
 * poll(), does not block and does not allocate memory.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "monitor_status.h"

typedef enum {
    MONITOR_FLOW_MOVED = 0,     /* there was progress, and there may be more data */
    MONITOR_FLOW_EMPTY,         /* there is no data */
    MONITOR_FLOW_FULL,          /* the receiver's socket is full */
    MONITOR_FLOW_LATER,         /* memory or descriptors are missing */
    MONITOR_FLOW_END,           /* the connection has ended, and all data has been sent */
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
 * @flow: the direction, in the state that the previous worker has left
 *
 * Completes a step during which the previous worker was killed.
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
 * @text: the text, which must be the same until all of it has been sent, also for the next worker
 * @len: its length, in bytes
 * @fd: a descriptor that is sent with the first byte, or -1
 *
 * Sends a text of the relay when flow->inLine is not set. No other bytes may be sent before
 * flow->textSent is @len.
 *
 * Returns MONITOR_FLOW_MOVED, MONITOR_FLOW_FULL or MONITOR_FLOW_LATER.
 */
MonitorFlowResult monitorFlowText(MonitorFlow *flow,
                                  int to,
                                  const char *text,
                                  size_t len,
                                  int fd);
