/*
 * launcher.c: the program in a domain's <emulator>
 *
 * If it is called by the name of a link in the launch directory, it starts the emulators and
 * becomes QEMU. If it is called by its own name, it processes the administrator's options.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <config.h>

#include "launcher_admin.h"
#include "launcher_live.h"
#include "launcher_run.h"
#include "qemu_launcher_path.h"

#include "gettext.h"

#include <locale.h>
#include <string.h>


int
main(int argc,
     char **argv)
{
    const char *name = argc > 0 ? argv[0] : "";
    const char *slash = strrchr(name, '/');

    if (slash)
        name = slash + 1;

    setlocale(LC_ALL, "");
    bindtextdomain(PACKAGE, LOCALEDIR);
    textdomain(PACKAGE);

    if (strcmp(name, QEMU_LAUNCHER_PROGRAM) == 0 && launcherLiveIsMeant(argc, argv))
        return launcherLive(argc, argv);
    if (strcmp(name, QEMU_LAUNCHER_PROGRAM) == 0)
        return launcherAdmin(argc, argv);
    return launcherRun(argc, argv);
}
