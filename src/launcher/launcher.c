/*
 * launcher.c: the program in a domain's <emulator>
 *
 * By the name of a link in the launch directory it stands in for a QEMU; by
 * its own name it serves the administrator.
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
