/*
 * virtemulatedpcid.c: the daemon between libvirt's clients and libvirtd
 *
 * The program: its options.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <config.h>

#include "daemon_log.h"
#include "listener.h"
#include "qemu_programs.h"

#include "gettext.h"

#include <libxml/parser.h>
#include <locale.h>
#include <stdio.h>
#include <unistd.h>

#define _(s) gettext(s)
#define N_(s) (s)

/* The sockets' directory is libvirt's own: clients look there. */
#define DAEMON_SYSTEM_DIR "/run/libvirt"
#define DAEMON_SOCKET "virtemulatedpcid-sock"
#define DAEMON_CONFIG "virtemulatedpcid.conf"
#define DAEMON_DEFINITIONS "emulatedpci"


int
main(int argc, char **argv)
{
    g_autofree char *listenPath = NULL;
    g_autofree char *listenROPath = NULL;
    g_autofree char *upstream = NULL;
    g_autofree char *configPath = NULL;
    g_autofree char *launchDir = NULL;
    g_autofree char *schemaDir = NULL;
    g_autofree char *definitionsDir = NULL;
    g_autofree char *defaultDefinitionsDir = NULL;
    g_autofree char *builtinDir = NULL;
    g_autoptr(GOptionContext) context = NULL;
    g_autoptr(GError) err = NULL;
    ListenerOptions opts = { 0 };
    DaemonConfig *config;
    gboolean version = FALSE;
    int timeout = 0;
    const GOptionEntry entries[] = {
        { "config", 'f', 0, G_OPTION_ARG_FILENAME, &configPath,
          N_("Configuration file"), N_("FILE") },
        { "listen", 'l', 0, G_OPTION_ARG_FILENAME, &listenPath,
          N_("Path of the read-write socket"), N_("PATH") },
        { "listen-ro", 0, 0, G_OPTION_ARG_FILENAME, &listenROPath,
          N_("Path of the read-only socket"), N_("PATH") },
        { "upstream", 'u', 0, G_OPTION_ARG_STRING, &upstream,
          N_("The libvirtd or virtqemud to forward calls to"), N_("URI|PATH") },
        { "definitions", 'd', 0, G_OPTION_ARG_FILENAME, &definitionsDir,
          N_("Directory of the definitions of devices"), N_("DIR") },
        { "builtin-definitions", 0, 0, G_OPTION_ARG_FILENAME, &builtinDir,
          N_("Directory of the built-in definitions"), N_("DIR") },
        { "timeout", 't', 0, G_OPTION_ARG_INT, &timeout,
          N_("Exit after this many seconds without a client"), N_("SECONDS") },
        { "launch-dir", 0, 0, G_OPTION_ARG_FILENAME, &launchDir,
          N_("Directory of the links to the launcher"), N_("DIR") },
        { "schema-dir", 0, 0, G_OPTION_ARG_FILENAME, &schemaDir,
          N_("Directory of the schemas for --validate"), N_("DIR") },
        { "no-qemu-check", 0, 0, G_OPTION_ARG_NONE, &opts.anyQEMU,
          N_("Accept domains that this host's QEMU cannot start"), NULL },
        { "verbose", 'v', 0, G_OPTION_ARG_NONE, &opts.verbose,
          N_("Also log informational messages"), NULL },
        { "version", 'V', 0, G_OPTION_ARG_NONE, &version,
          N_("Print the version and exit"), NULL },
        G_OPTION_ENTRY_NULL
    };

    setlocale(LC_ALL, "");
    bindtextdomain(PACKAGE, LOCALEDIR);
    textdomain(PACKAGE);

    context = g_option_context_new(NULL);
    g_option_context_set_summary(context, _("Runs between libvirt's clients and libvirtd, and adds "
                                            "the device <emulatedpci> to domains."));
    g_option_context_add_main_entries(context, entries, PACKAGE);
    if (!g_option_context_parse(context, &argc, &argv, &err)) {
        fprintf(stderr, "%s: %s\n", argv[0], err->message);
        return 2;
    }
    if (argc > 1) {
        fprintf(stderr, _("%1$s: unexpected argument '%2$s'\n"), argv[0], argv[1]);
        return 2;
    }
    if (version) {
        printf("%s (%s) %s\n", "virtemulatedpcid", PACKAGE_NAME, PACKAGE_VERSION);
        return 0;
    }
    if (timeout < 0) {
        fprintf(stderr, _("%1$s: invalid timeout '%2$d'\n"), argv[0], timeout);
        return 2;
    }

    opts.system = geteuid() == 0;
    opts.configRequired = configPath != NULL;
    if (!configPath) {
        configPath = opts.system ?
            g_build_filename(SYSCONF_DIR, "libvirt", DAEMON_CONFIG, NULL) :
            g_build_filename(g_get_user_config_dir(), "libvirt", DAEMON_CONFIG, NULL);
    }

    defaultDefinitionsDir = opts.system ?
        g_build_filename(SYSCONF_DIR, "libvirt", DAEMON_DEFINITIONS, NULL) :
        g_build_filename(g_get_user_config_dir(), "libvirt", DAEMON_DEFINITIONS, NULL);

    /* A user's libvirtd has no read-only socket, and so have we none there. */
    if (!listenPath && !listenROPath) {
        listenPath = opts.system ?
            g_strdup(DAEMON_SYSTEM_DIR "/" DAEMON_SOCKET) :
            g_build_filename(g_get_user_runtime_dir(), "libvirt", DAEMON_SOCKET, NULL);
        if (opts.system)
            listenROPath = g_strdup(DAEMON_SYSTEM_DIR "/" DAEMON_SOCKET "-ro");
    }

    opts.path = listenPath;
    opts.pathRO = listenROPath;
    opts.upstream = upstream;
    opts.configPath = configPath;
    opts.timeout = timeout;
    opts.launchDir = launchDir;
    opts.definitionsDir = definitionsDir;
    opts.defaultDefinitionsDir = defaultDefinitionsDir;
    opts.builtinDir = builtinDir ? builtinDir : PKGDATA_DIR "/definitions";
    opts.schemaDir = schemaDir ? schemaDir : PKGDATA_DIR "/schemas";

    config = listenerConfigure(&opts, &err);
    if (!config) {
        fprintf(stderr, "%s: %s\n", argv[0], err->message);
        return 1;
    }

    /* Once, before the first fork: every process shares it. */
    xmlInitParser();
    qemuProgramsInit();
    return listenerRun(&opts, config);
}
