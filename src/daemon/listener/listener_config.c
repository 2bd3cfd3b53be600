/*
 * listener_config.c: the configuration, at the start and when it is loaded again
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <config.h>

#include "daemon_log.h"
#include "daemon_systemd.h"
#include "listener_private.h"
#include "upstream.h"

#include <sys/resource.h>
#include <unistd.h>

/* The number of descriptors besides those of clients */
#define LISTENER_DESCRIPTORS 64


/* Reads the configuration, and applies the options. An error has no side effects. */
static DaemonConfig *
listenerReadConfig(const ListenerOptions *opts, GError **err)
{
    g_autoptr(DaemonConfig) config = NULL;
    g_auto(GStrv) paths = NULL;

    if (opts->configPath &&
        (opts->configRequired || access(opts->configPath, F_OK) == 0)) {
        config = daemonConfigLoad(opts->configPath, err);
        if (!config)
            return NULL;
    } else {
        config = daemonConfigNew();
    }

    if (opts->upstream) {
        g_free(config->upstream);
        config->upstream = g_strdup(opts->upstream);
    }
    if (opts->definitionsDir || !config->definitionsDir) {
        g_free(config->definitionsDir);
        config->definitionsDir = g_strdup(opts->definitionsDir ? opts->definitionsDir :
                                          opts->defaultDefinitionsDir);
    }
    paths = upstreamPaths(config->upstream, opts->system, FALSE, err);
    if (!paths)
        return NULL;

    if (opts->verbose)
        config->logLevel = MIN(config->logLevel, DAEMON_LOG_INFO);
    return g_steal_pointer(&config);
}


DaemonConfig *
listenerConfigure(const ListenerOptions *opts, GError **err)
{
    g_autoptr(DaemonConfig) config = listenerReadConfig(opts, err);

    if (!config ||
        !daemonLogSetup(config->logLevel, config->logFilters, config->logOutputs, err))
        return NULL;
    return g_steal_pointer(&config);
}


/* Sets the libvirtd that the definitions service uses, from a configuration whose upstream is
 * valid. */
static void
listenerSetUpstream(Listener *listener)
{
    const ListenerOptions *opts = listener->opts;
    const char *name = listener->config->upstream;
    GStrv paths = upstreamPaths(name, opts->system, FALSE, NULL);

    definitionServiceSetLauncher(listener->definitions, opts->launchDir, opts->qemuDir);
    definitionServiceSetUpstream(listener->definitions, paths, opts->path,
                              upstreamMayStart(name, opts->system));
}


gboolean
listenerLoadDefinitions(Listener *listener, GError **err)
{
    listenerSetUpstream(listener);
    return definitionServiceLoad(listener->definitions, listener->opts->builtinDir,
                              listener->config->definitionsDir, err);
}


/* Each connected client requires a descriptor. */
void
listenerRaiseLimit(const DaemonConfig *config)
{
    struct rlimit limit;
    rlim_t wanted = (rlim_t) config->maxClients + LISTENER_DESCRIPTORS;

    if (getrlimit(RLIMIT_NOFILE, &limit) < 0 || limit.rlim_cur >= wanted)
        return;
    limit.rlim_cur = MIN(limit.rlim_max, wanted);
    setrlimit(RLIMIT_NOFILE, &limit);
}


/* Applies the current configuration. All steps that can fail come first, so that a failure changes
 * nothing. */
static gboolean
listenerTakeConfig(Listener *listener, GError **err)
{
    const ListenerOptions *opts = listener->opts;
    g_autoptr(DaemonConfig) config = listenerReadConfig(opts, err);
    g_autoptr(DefinitionStore) store = NULL;
    g_autoptr(DaemonLog) logs = NULL;

    if (!config)
        return FALSE;
    store = definitionServiceRead(opts->builtinDir, config->definitionsDir, err);
    if (!store)
        return FALSE;
    logs = daemonLogPrepare(config->logLevel, config->logFilters, config->logOutputs, err);
    if (!logs || !listenerSetAllAccess(listener, config, err))
        return FALSE;

    daemonLogUse(g_steal_pointer(&logs));
    daemonConfigFree(listener->config);
    listener->config = g_steal_pointer(&config);
    listenerRaiseLimit(listener->config);
    listenerSetUpstream(listener);
    definitionServiceReplace(listener->definitions, g_steal_pointer(&store));
    return TRUE;
}


void
listenerReload(Listener *listener)
{
    g_autoptr(GError) err = NULL;

    daemonSystemdNotify("RELOADING=1");
    if (listenerTakeConfig(listener, &err))
        daemonInfo("listener", "configuration loaded");
    else
        daemonError("listener", "configuration not loaded: %s", err->message);
    daemonSystemdNotify("READY=1");
}
