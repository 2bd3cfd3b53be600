/*
 * daemon_log.h: the log of the daemon
 *
 * Levels (1 debug, 2 information, 3 warnings, 4 errors), filters by source, and outputs with a
 * level each, as in libvirt's daemons.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include <glib.h>

typedef enum {
    DAEMON_LOG_DEBUG = 1,
    DAEMON_LOG_INFO = 2,
    DAEMON_LOG_WARNING = 3,
    DAEMON_LOG_ERROR = 4,
} DaemonLogLevel;

/**
 * daemonLogSetup:
 * @level: the minimum level of messages, 1 to 4, unless a filter applies
 * @filters: filters "LEVEL:MATCH", separated by spaces; MATCH is a part of a source's name. NULL
 *           or "": no filters
 * @outputs: outputs "LEVEL:stderr", "LEVEL:journald" or "LEVEL:file:/PATH", separated by spaces.
 *           NULL or "": standard error, or the journal if standard error is connected to it
 * @err: set to VIR_ERR_INVALID_ARG if an argument is malformed, or to VIR_ERR_SYSTEM_ERROR if a
 *       file cannot be opened
 *
 * Sets up the log. The first filter that matches a source applies. Before the first call, messages
 * from DAEMON_LOG_WARNING on are written to standard error.
 *
 * Returns TRUE, or FALSE with @err set; then the log is unchanged.
 */
gboolean daemonLogSetup(int level, const char *filters, const char *outputs, GError **err);

typedef struct _DaemonLog DaemonLog;

/**
 * daemonLogPrepare:
 * @level: the minimum level of messages, 1 to 4, unless a filter applies
 * @filters: filters "LEVEL:MATCH", separated by spaces; MATCH is a part of a source's name. NULL
 *           or "": no filters
 * @outputs: outputs "LEVEL:stderr", "LEVEL:journald" or "LEVEL:file:/PATH", separated by spaces.
 *           NULL or "": standard error, or the journal if standard error is connected to it
 * @err: set to VIR_ERR_INVALID_ARG if an argument is malformed, or to VIR_ERR_SYSTEM_ERROR if a
 *       file cannot be opened
 *
 * Opens the outputs of a log without using them yet; see daemonLogSetup().
 *
 * Returns the log, to be passed to daemonLogUse() or freed with daemonLogFree(), or NULL with @err
 * set.
 */
DaemonLog *daemonLogPrepare(int level, const char *filters, const char *outputs, GError **err);

/**
 * daemonLogFree:
 * @logs: a log that is not used, or NULL
 *
 * Closes the files of a log and frees it.
 */
void daemonLogFree(DaemonLog *logs);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(DaemonLog, daemonLogFree)

/**
 * daemonLogUse:
 * @logs: the log; this module takes ownership
 *
 * Writes all further messages to this log.
 */
void daemonLogUse(DaemonLog *logs);

/**
 * daemonLogWanted:
 * @source: the name of the source, such as "listener"
 * @level: the level of the message
 *
 * Returns TRUE if the filters and the minimum level allow such a message.
 */
gboolean daemonLogWanted(const char *source, DaemonLogLevel level);

/**
 * daemonLog:
 * @source: the name of the source, such as "listener"
 * @level: the level of the message
 * @format: the message, as for printf(); not translated
 *
 * Writes a message to all outputs whose level allows it. Control characters in the message are
 * replaced by spaces, so that it remains one line. errno is preserved.
 */
void daemonLog(const char *source, DaemonLogLevel level, const char *format, ...)
    G_GNUC_PRINTF(3, 4);

#define daemonDebug(source, ...) \
    (daemonLogWanted(source, DAEMON_LOG_DEBUG) ? \
     daemonLog(source, DAEMON_LOG_DEBUG, __VA_ARGS__) : (void) 0)
#define daemonInfo(source, ...) \
    (daemonLogWanted(source, DAEMON_LOG_INFO) ? \
     daemonLog(source, DAEMON_LOG_INFO, __VA_ARGS__) : (void) 0)
#define daemonWarning(source, ...) daemonLog(source, DAEMON_LOG_WARNING, __VA_ARGS__)
#define daemonError(source, ...) daemonLog(source, DAEMON_LOG_ERROR, __VA_ARGS__)
