/*
 * daemon_config.c: the configuration file
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <config.h>

#include "daemon_config.h"
#include "emulatedpci_error.h"

#include "gettext.h"

#include <string.h>

#define _(s) gettext(s)

/* libvirtd's default. */
#define CONFIG_MAX_CLIENTS 5000
#define CONFIG_MAX_CLIENTS_LIMIT 100000

typedef enum {
    KEY_STRING,
    KEY_MODE,                   /* a string of octal digits */
    KEY_NUMBER,
    KEY_VERSION,                /* a string, MAJOR.MINOR; "" is 0.0 */
} ConfigKeyType;

typedef struct {
    const char *name;
    ConfigKeyType type;
    gsize offset;               /* in DaemonConfig */
    int min;
    int max;
} ConfigKey;

static const ConfigKey keys[] = {
    { "unix_sock_group", KEY_STRING, offsetof(DaemonConfig, group), 0, 0 },
    { "unix_sock_ro_perms", KEY_MODE, offsetof(DaemonConfig, roPerms), 0, 0777 },
    { "unix_sock_rw_perms", KEY_MODE, offsetof(DaemonConfig, rwPerms), 0, 0777 },
    { "upstream", KEY_STRING, offsetof(DaemonConfig, upstream), 0, 0 },
    { "definitions_dir", KEY_STRING, offsetof(DaemonConfig, definitionsDir), 0, 0 },
    { "machine_version_min", KEY_VERSION, offsetof(DaemonConfig, machineMin), 0, 0 },
    { "max_clients", KEY_NUMBER, offsetof(DaemonConfig, maxClients), 1,
      CONFIG_MAX_CLIENTS_LIMIT },
    { "log_level", KEY_NUMBER, offsetof(DaemonConfig, logLevel), 1, 4 },
    { "log_filters", KEY_STRING, offsetof(DaemonConfig, logFilters), 0, 0 },
    { "log_outputs", KEY_STRING, offsetof(DaemonConfig, logOutputs), 0, 0 },
};


DaemonConfig *
daemonConfigNew(void)
{
    DaemonConfig *config = g_new0(DaemonConfig, 1);

    config->roPerms = -1;
    config->rwPerms = -1;
    config->maxClients = CONFIG_MAX_CLIENTS;
    config->logLevel = 3;
    return config;
}


void
daemonConfigFree(DaemonConfig *config)
{
    if (!config)
        return;

    g_free(config->group);
    g_free(config->upstream);
    g_free(config->definitionsDir);
    g_free(config->logFilters);
    g_free(config->logOutputs);
    g_free(config);
}


static const ConfigKey *
configFindKey(const char *name)
{
    gsize i;

    for (i = 0; i < G_N_ELEMENTS(keys); i++) {
        if (strcmp(keys[i].name, name) == 0)
            return &keys[i];
    }
    return NULL;
}


/* Returns the content of "…" or '…'; *REST gets what follows. */
static char *
configParseString(const char *text, const char **rest)
{
    const char *end;

    if (*text != '"' && *text != '\'')
        return NULL;

    end = strchr(text + 1, *text);
    if (!end)
        return NULL;
    *rest = end + 1;
    return g_strndup(text + 1, end - text - 1);
}


/* Sets the key's value from TEXT; *REST gets what follows it. */
static gboolean
configSet(DaemonConfig *config, const ConfigKey *key, const char *text, const char **rest)
{
    void *where = (char *) config + key->offset;
    g_autofree char *str = NULL;
    char *end = NULL;
    guint64 number;

    if (key->type == KEY_NUMBER) {
        if (!g_ascii_isdigit(*text))
            return FALSE;
        number = g_ascii_strtoull(text, &end, 10);
        if (number < (guint64) key->min || number > (guint64) key->max)
            return FALSE;
        *(int *) where = (int) number;
        *rest = end;
        return TRUE;
    }

    str = configParseString(text, rest);
    if (!str)
        return FALSE;

    if (key->type == KEY_MODE) {
        if (!g_ascii_isdigit(*str))
            return FALSE;
        number = g_ascii_strtoull(str, &end, 8);
        if (*end || number > (guint64) key->max)
            return FALSE;
        *(int *) where = (int) number;
        return TRUE;
    }

    if (key->type == KEY_VERSION) {
        *(QEMUMachineVersion *) where = (QEMUMachineVersion) { 0, 0 };
        return *str == '\0' || qemuMachineVersionParse(str, where);
    }

    g_free(*(char **) where);
    *(char **) where = g_steal_pointer(&str);
    return TRUE;
}


static const char *
configExpected(const ConfigKey *key)
{
    switch (key->type) {
    case KEY_STRING:
        return _("a string in quotes");
    case KEY_MODE:
        return _("permissions in quotes, such as \"0770\"");
    case KEY_NUMBER:
        return _("a number within its limits");
    case KEY_VERSION:
        return _("a version of QEMU in quotes, such as \"6.0\"");
    default:
        g_return_val_if_reached("");
    }
}


static gboolean
configParseLine(DaemonConfig *config, char *line, const char *path, gsize number, GError **err)
{
    const ConfigKey *key;
    const char *rest = NULL;
    char *value;

    g_strstrip(line);
    if (!*line || *line == '#')
        return TRUE;

    value = strchr(line, '=');
    if (!value) {
        emulatedPCIReportError(err, VIR_ERR_CONF_SYNTAX,
                               _("%1$s:%2$zu: KEY = VALUE was expected"), path, number);
        return FALSE;
    }
    *value++ = '\0';
    g_strchomp(line);
    g_strchug(value);

    key = configFindKey(line);
    if (!key) {
        emulatedPCIReportError(err, VIR_ERR_CONF_SYNTAX,
                               _("%1$s:%2$zu: unknown key '%3$s'"), path, number, line);
        return FALSE;
    }

    if (configSet(config, key, value, &rest)) {
        while (g_ascii_isspace(*rest))
            rest++;
        if (!*rest || *rest == '#')
            return TRUE;
    }

    emulatedPCIReportError(err, VIR_ERR_CONF_SYNTAX,
                           _("%1$s:%2$zu: invalid value %3$s of '%4$s': %5$s was expected"),
                           path, number, value, line, configExpected(key));
    return FALSE;
}


DaemonConfig *
daemonConfigParse(const char *text, const char *path, GError **err)
{
    g_autoptr(DaemonConfig) config = daemonConfigNew();
    g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
    gsize i;

    for (i = 0; lines[i]; i++) {
        if (!configParseLine(config, lines[i], path, i + 1, err))
            return NULL;
    }
    return g_steal_pointer(&config);
}


DaemonConfig *
daemonConfigLoad(const char *path, GError **err)
{
    g_autofree char *text = NULL;

    if (!g_file_get_contents(path, &text, NULL, err))
        return NULL;
    return daemonConfigParse(text, path, err);
}
