/*
 * virtemulatedpcid.c: the daemon between libvirt's clients and libvirtd
 *
 * This file contains main() and the options.
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

/* The sockets are in libvirt's directory, because clients search it. */
#define DAEMON_SYSTEM_DIR "/run/libvirt"
#define DAEMON_SOCKET "virtemulatedpcid-sock"
#define DAEMON_CONFIG "virtemulatedpcid.conf"
#define DAEMON_DEFINITIONS "emulatedpci"


/* The options of the command line, and the values that are derived from them. */
typedef struct {
    ListenerOptions opts;
    char *listenPath;
    char *listenROPath;
    char *upstream;
    char *configPath;
    char *launchDir;
    char *schemaDir;
    char *definitionsDir;
    char *defaultDefinitionsDir;
    char *builtinDir;
    gboolean version;
} Program;


static void
programClear(Program *program)
{
    g_free(program->listenPath);
    g_free(program->listenROPath);
    g_free(program->upstream);
    g_free(program->configPath);
    g_free(program->launchDir);
    g_free(program->schemaDir);
    g_free(program->definitionsDir);
    g_free(program->defaultDefinitionsDir);
    g_free(program->builtinDir);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Program, programClear)


/* Parses the command line. Returns the exit status, or -1 if the daemon should run. */
static int
programParse(Program *program, int argc, char **argv)
{
    g_autoptr(GOptionContext) context = NULL;
    g_autoptr(GError) err = NULL;
    const GOptionEntry entries[] = {
        { "config", 'f', 0, G_OPTION_ARG_FILENAME, &program->configPath,
          N_("Configuration file"), N_("FILE") },
        { "listen", 'l', 0, G_OPTION_ARG_FILENAME, &program->listenPath,
          N_("Path of the read-write socket"), N_("PATH") },
        { "listen-ro", 0, 0, G_OPTION_ARG_FILENAME, &program->listenROPath,
          N_("Path of the read-only socket"), N_("PATH") },
        { "upstream", 'u', 0, G_OPTION_ARG_STRING, &program->upstream,
          N_("The libvirtd or virtqemud to forward calls to"), N_("URI|PATH") },
        { "definitions", 'd', 0, G_OPTION_ARG_FILENAME, &program->definitionsDir,
          N_("Directory of the definitions of devices"), N_("DIR") },
        { "builtin-definitions", 0, 0, G_OPTION_ARG_FILENAME, &program->builtinDir,
          N_("Directory of the built-in definitions"), N_("DIR") },
        { "timeout", 't', 0, G_OPTION_ARG_INT, &program->opts.timeout,
          N_("Exit after this many seconds without a client"), N_("SECONDS") },
        { "launch-dir", 0, 0, G_OPTION_ARG_FILENAME, &program->launchDir,
          N_("Directory of the links to the launcher"), N_("DIR") },
        { "schema-dir", 0, 0, G_OPTION_ARG_FILENAME, &program->schemaDir,
          N_("Directory of the schemas for --validate"), N_("DIR") },
        { "no-qemu-check", 0, 0, G_OPTION_ARG_NONE, &program->opts.anyQEMU,
          N_("Accept domains that this host's QEMU cannot start"), NULL },
        { "verbose", 'v', 0, G_OPTION_ARG_NONE, &program->opts.verbose,
          N_("Also log informational messages"), NULL },
        { "version", 'V', 0, G_OPTION_ARG_NONE, &program->version,
          N_("Print the version and exit"), NULL },
        G_OPTION_ENTRY_NULL
    };

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
    if (program->version) {
        printf("%s (%s) %s\n", "virtemulatedpcid", PACKAGE_NAME, PACKAGE_VERSION);
        return 0;
    }
    if (program->opts.timeout < 0) {
        fprintf(stderr, _("%1$s: invalid timeout '%2$d'\n"), argv[0], program->opts.timeout);
        return 2;
    }
    return -1;
}


/* Returns the path of NAME in libvirt's configuration directory, of the system or the user, to be
 * freed with g_free(). */
static char *
programConfigPath(const Program *program, const char *name)
{
    return program->opts.system ? g_build_filename(SYSCONF_DIR, "libvirt", name, NULL) :
        g_build_filename(g_get_user_config_dir(), "libvirt", name, NULL);
}


/* Sets the options that are not given on the command line. */
static void
programComplete(Program *program)
{
    ListenerOptions *opts = &program->opts;

    opts->system = geteuid() == 0;
    opts->configRequired = program->configPath != NULL;
    if (!program->configPath)
        program->configPath = programConfigPath(program, DAEMON_CONFIG);
    program->defaultDefinitionsDir = programConfigPath(program, DAEMON_DEFINITIONS);

    /* A user's libvirtd has no read-only socket, so there is none here. */
    if (!program->listenPath && !program->listenROPath) {
        program->listenPath = opts->system ?
            g_strdup(DAEMON_SYSTEM_DIR "/" DAEMON_SOCKET) :
            g_build_filename(g_get_user_runtime_dir(), "libvirt", DAEMON_SOCKET, NULL);
        if (opts->system)
            program->listenROPath = g_strdup(DAEMON_SYSTEM_DIR "/" DAEMON_SOCKET "-ro");
    }

    opts->path = program->listenPath;
    opts->pathRO = program->listenROPath;
    opts->upstream = program->upstream;
    opts->configPath = program->configPath;
    opts->launchDir = program->launchDir;
    opts->definitionsDir = program->definitionsDir;
    opts->defaultDefinitionsDir = program->defaultDefinitionsDir;
    opts->builtinDir = program->builtinDir ? program->builtinDir : PKGDATA_DIR "/definitions";
    opts->schemaDir = program->schemaDir ? program->schemaDir : PKGDATA_DIR "/schemas";
}


int
main(int argc, char **argv)
{
    g_auto(Program) program = { 0 };
    g_autoptr(GError) err = NULL;
    DaemonConfig *config;
    int status;

    setlocale(LC_ALL, "");
    bindtextdomain(PACKAGE, LOCALEDIR);
    textdomain(PACKAGE);

    status = programParse(&program, argc, argv);
    if (status >= 0)
        return status;
    programComplete(&program);

    config = listenerConfigure(&program.opts, &err);
    if (!config) {
        fprintf(stderr, "%s: %s\n", argv[0], err->message);
        return 1;
    }

    /* Called once before the first fork, so that all processes share the result. */
    xmlInitParser();
    qemuProgramsInit();
    return listenerRun(&program.opts, config);
}
