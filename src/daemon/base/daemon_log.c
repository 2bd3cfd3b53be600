/*
 * daemon_log.c: the log of the daemon
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <config.h>

#include "daemon_log.h"
#include "emulatedpci_error.h"

#include "full-write.h"
#include "gettext.h"
#include "ignore-value.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#define _(s) gettext(s)

typedef struct {
    int level;
    char *match;
} LogFilter;

typedef struct {
    int level;
    int fd;                     /* -1: the journal */
    gboolean owned;             /* this module has opened the file */
} LogOutput;

struct _DaemonLog {
    int level;
    GArray *filters;            /* of LogFilter */
    GArray *outputs;            /* of LogOutput */
};

static DaemonLog *config;

static const char *const levels[] = { "", "debug", "info", "warning", "error" };


static void
logFilterClear(void *data)
{
    g_free(((LogFilter *) data)->match);
}


static void
logOutputClear(void *data)
{
    LogOutput *output = data;

    if (output->owned)
        close(output->fd);
}


void
daemonLogFree(DaemonLog *cfg)
{
    if (!cfg)
        return;

    g_array_unref(cfg->filters);
    g_array_unref(cfg->outputs);
    g_free(cfg);
}


static DaemonLog *
logConfigNew(int level)
{
    DaemonLog *cfg = g_new0(DaemonLog, 1);

    cfg->level = level;
    cfg->filters = g_array_new(FALSE, FALSE, sizeof(LogFilter));
    g_array_set_clear_func(cfg->filters, logFilterClear);
    cfg->outputs = g_array_new(FALSE, FALSE, sizeof(LogOutput));
    g_array_set_clear_func(cfg->outputs, logOutputClear);
    return cfg;
}


/* Parses "LEVEL:" at *STR and moves *STR after it. Returns 0 if it is malformed. */
static int
logParseLevel(const char **str)
{
    if ((*str)[0] < '1' || (*str)[0] > '4' || (*str)[1] != ':')
        return 0;
    *str += 2;
    return (*str)[-2] - '0';
}


static gboolean
logParseFilters(DaemonLog *cfg, const char *filters, GError **err)
{
    g_auto(GStrv) words = g_strsplit(filters ? filters : "", " ", -1);
    gsize i;

    for (i = 0; words[i]; i++) {
        const char *word = words[i];
        LogFilter filter;

        if (!*word)
            continue;
        filter.level = logParseLevel(&word);
        if (!filter.level || !*word) {
            emulatedPCIReportError(err, VIR_ERR_INVALID_ARG,
                                   _("malformed log filter '%1$s': LEVEL:MATCH, LEVEL being "
                                     "1 to 4, was expected"), words[i]);
            return FALSE;
        }
        filter.match = g_strdup(word);
        g_array_append_val(cfg->filters, filter);
    }
    return TRUE;
}


static gboolean
logParseOutput(DaemonLog *cfg, const char *text, GError **err)
{
    LogOutput output = { .fd = STDERR_FILENO };
    const char *word = text;

    output.level = logParseLevel(&word);
    if (output.level && strcmp(word, "stderr") == 0) {
        g_array_append_val(cfg->outputs, output);
        return TRUE;
    }
    if (output.level && strcmp(word, "journald") == 0) {
        output.fd = -1;
        g_array_append_val(cfg->outputs, output);
        return TRUE;
    }
    if (output.level && g_str_has_prefix(word, "file:/")) {
        word += strlen("file:");
        output.fd = open(word, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
        if (output.fd < 0) {
            emulatedPCIReportError(err, VIR_ERR_SYSTEM_ERROR,
                                   _("cannot open log file '%1$s': %2$s"), word,
                                   g_strerror(errno));
            return FALSE;
        }
        output.owned = TRUE;
        g_array_append_val(cfg->outputs, output);
        return TRUE;
    }

    emulatedPCIReportError(err, VIR_ERR_INVALID_ARG,
                           _("malformed log output '%1$s': LEVEL:stderr, LEVEL:journald or "
                             "LEVEL:file:/PATH, LEVEL being 1 to 4, was expected"), text);
    return FALSE;
}


static gboolean
logParseOutputs(DaemonLog *cfg, const char *outputs, GError **err)
{
    g_auto(GStrv) words = g_strsplit(outputs ? outputs : "", " ", -1);
    gsize i;

    for (i = 0; words[i]; i++) {
        if (*words[i] && !logParseOutput(cfg, words[i], err))
            return FALSE;
    }

    if (cfg->outputs->len == 0) {
        LogOutput output = { .level = DAEMON_LOG_DEBUG, .fd = STDERR_FILENO };

        if (g_log_writer_is_journald(STDERR_FILENO))
            output.fd = -1;
        g_array_append_val(cfg->outputs, output);
    }
    return TRUE;
}


DaemonLog *
daemonLogPrepare(int level, const char *filters, const char *outputs, GError **err)
{
    g_autoptr(DaemonLog) cfg = logConfigNew(level);

    if (level < DAEMON_LOG_DEBUG || level > DAEMON_LOG_ERROR) {
        emulatedPCIReportError(err, VIR_ERR_INVALID_ARG,
                               _("invalid log level '%1$d': 1 to 4 was expected"), level);
        return NULL;
    }

    if (!logParseFilters(cfg, filters, err) || !logParseOutputs(cfg, outputs, err))
        return NULL;
    return g_steal_pointer(&cfg);
}


void
daemonLogUse(DaemonLog *logs)
{
    daemonLogFree(config);
    config = logs;
}


gboolean
daemonLogSetup(int level, const char *filters, const char *outputs, GError **err)
{
    DaemonLog *logs = daemonLogPrepare(level, filters, outputs, err);

    if (!logs)
        return FALSE;
    daemonLogUse(logs);
    return TRUE;
}


gboolean
daemonLogWanted(const char *source, DaemonLogLevel level)
{
    guint i;

    if (!config)
        return level >= DAEMON_LOG_WARNING;

    for (i = 0; i < config->filters->len; i++) {
        const LogFilter *filter = &g_array_index(config->filters, LogFilter, i);

        if (strstr(source, filter->match))
            return (int) level >= filter->level;
    }
    return (int) level >= config->level;
}


static void
logToJournal(const char *source, DaemonLogLevel level, const char *message)
{
    static const char *const priorities[] = { "", "7", "6", "4", "3" };
    const GLogField fields[] = {
        { "MESSAGE", message, -1 },
        { "PRIORITY", priorities[level], -1 },
        { "SYSLOG_IDENTIFIER", "virtemulatedpcid", -1 },
        { "EMULATEDPCI_SOURCE", source, -1 },
    };

    g_log_writer_journald(G_LOG_LEVEL_MESSAGE, fields, G_N_ELEMENTS(fields), NULL);
}


/* The line has libvirt's format. */
static void
logToFile(int fd, const char *source, DaemonLogLevel level, const char *message)
{
    g_autoptr(GDateTime) now = g_date_time_new_now_utc();
    g_autofree char *when = g_date_time_format(now, "%Y-%m-%d %H:%M:%S");
    g_autofree char *line = NULL;

    line = g_strdup_printf("%s.%03d+0000: %d: %s : %s: %s\n", when,
                           g_date_time_get_microsecond(now) / 1000, (int) getpid(),
                           levels[level], source, message);
    ignore_value(full_write(fd, line, strlen(line)));
}


void
daemonLog(const char *source, DaemonLogLevel level, const char *format, ...)
{
    static const LogOutput fallback = { .level = DAEMON_LOG_DEBUG, .fd = STDERR_FILENO };
    guint count = config ? config->outputs->len : 1;
    g_autofree char *message = NULL;
    int saved = errno;
    va_list ap;
    char *p;
    guint i;

    if (!daemonLogWanted(source, level))
        return;

    va_start(ap, format);
    message = g_strdup_vprintf(format, ap);
    va_end(ap);

    /* The message can contain text of a client. It must remain one line. */
    for (p = message; *p; p++) {
        if (g_ascii_iscntrl(*p))
            *p = ' ';
    }

    for (i = 0; i < count; i++) {
        const LogOutput *output = config ? &g_array_index(config->outputs, LogOutput, i) :
            &fallback;

        if ((int) level < output->level)
            continue;
        if (output->fd < 0)
            logToJournal(source, level, message);
        else
            logToFile(output->fd, source, level, message);
    }
    errno = saved;
}
