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

/**
 * checkProcessStart:
 * @opts: what to ask; not needed afterwards
 * @err: set on failure
 *
 * Returns the process, which checkProcessFree() ends; NULL with ERR set if it cannot be
 * started.
 */
CheckProcess *checkProcessStart(const DefinitionCheckOptions *opts, GError **err);

/**
 * checkProcessFree:
 * @process: the process, or NULL
 *
 * Kills the process if it still runs, and frees the state. The listener reaps it.
 */
void checkProcessFree(CheckProcess *process);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(CheckProcess, checkProcessFree)

/**
 * checkProcessFD:
 * @process: the process
 *
 * Returns the descriptor that becomes readable when the process has finished. It belongs to
 * @process.
 */
int checkProcessFD(const CheckProcess *process);

/**
 * checkProcessTimeout:
 * @process: the process
 *
 * Returns the time in which the process must have finished, in ms; 0 if that time is over.
 */
int checkProcessTimeout(const CheckProcess *process);

/**
 * checkProcessResult:
 * @process: one that has finished, or has had its time
 * @result: is filled in
 */
void checkProcessResult(const CheckProcess *process, DefinitionCheckResult *result);

/**
 * checkProcessReaped:
 * @process: the process
 * @pid: the process ID of a child that the caller has reaped
 *
 * Notes that the process has been reaped if @pid is its ID, so that it is not killed later: the ID
 * can belong to another process then.
 */
void checkProcessReaped(CheckProcess *process, pid_t pid);

/**
 * checkProcessForget:
 * @process: the process
 *
 * Closes the descriptor in a process that was forked.
 */
void checkProcessForget(const CheckProcess *process);
