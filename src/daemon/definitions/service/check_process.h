/*
 * check_process.h: the process that makes a check with libvirtd
 *
 * The process runs definition_check.h with a deadline. It has the user of the client, who can
 * therefore stop it; in this case it is killed.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include "definition_check.h"

/* The longest time that the process may take, in milliseconds: slightly more than its own limit */
#define CHECK_PROCESS_TIMEOUT 35000

typedef struct _CheckProcess CheckProcess;

/* checkProcessStart:
 * @opts: what to ask; not needed afterwards
 * @err: set on failure
 *
 * Returns the process, which checkProcessFree() ends; NULL with ERR set if it cannot be
 * started. */
CheckProcess *checkProcessStart(const DefinitionCheckOptions *opts, GError **err);

/* Kills the process if it still runs. The caller reaps it. */
void checkProcessFree(CheckProcess *process);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(CheckProcess, checkProcessFree)

/* Becomes readable when the process has finished. */
int checkProcessFD(const CheckProcess *process);

/* In how many ms it must have finished; 0 if that time is over. */
int checkProcessTimeout(const CheckProcess *process);

/* checkProcessResult:
 * @process: one that has finished, or has had its time
 * @result: is filled in
 */
void checkProcessResult(const CheckProcess *process, DefinitionCheckResult *result);

/* The caller has reaped its child PID: if it was this one, its number may soon be another
 * process's. */
void checkProcessReaped(CheckProcess *process, pid_t pid);

/* In a process that was forked: closes the descriptor. */
void checkProcessForget(const CheckProcess *process);
