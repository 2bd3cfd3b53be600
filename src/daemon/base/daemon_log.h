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

/* LEVEL is what is logged unless FILTERS ("LEVEL:MATCH …", MATCH being part of a source's name) say
 * otherwise; OUTPUTS ("LEVEL:stderr", "LEVEL:journald", "LEVEL:file:PATH", separated by spaces) say
 * where. NULL or "" is no filter, and stderr, or the journal where stderr leads there. Returns
 * FALSE with ERR set, and nothing changed, if they are malformed. */
gboolean daemonLogSetup(int level, const char *filters, const char *outputs, GError **err);

typedef struct _DaemonLog DaemonLog;

/* daemonLogPrepare:
 * @level, @filters, @outputs: see daemonLogSetup()
 * @err: set on failure
 *
 * Returns a log that daemonLogUse() takes or daemonLogFree() frees; NULL with ERR set. What is
 * logged goes where it went until then. */
DaemonLog *daemonLogPrepare(int level, const char *filters, const char *outputs, GError **err);
void daemonLogFree(DaemonLog *logs);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(DaemonLog, daemonLogFree)

/* From now on what is logged goes to LOGS, which now belongs to this module. */
void daemonLogUse(DaemonLog *logs);

gboolean daemonLogWanted(const char *source, DaemonLogLevel level);

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
