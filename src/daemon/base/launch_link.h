/*
 * launch_link.h: the link to the launcher for a QEMU program
 *
 * A domain's <emulator> can name any QEMU program. Each program requires a link in the launch
 * directory (qemu_launcher_path.h). The links for the distribution's programs are installed. The
 * listener, which runs as root, creates others at the request of a connection. It does not trust
 * the connection or the content of directories that other users can write to.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include <glib.h>

/* The maximum number of links that the listener creates, so that users cannot fill the directory */
#define LAUNCH_LINKS_MAX 64

/**
 * launchLinkIsTrusted:
 * @path: an absolute path
 * @err: set to VIR_ERR_OPERATION_DENIED, or to VIR_ERR_SYSTEM_ERROR if the path cannot be read
 *
 * Checks that @path is a program of root's, or of the user of this process, that nobody else
 * can replace: it is a regular file that is executable, and it and every directory on the way
 * to it, symbolic links being followed, belong to root or that user and are writable by no
 * other. Nothing below a directory that fails the check is looked at.
 *
 * Returns TRUE, or FALSE on error.
 */
gboolean launchLinkIsTrusted(const char *path, GError **err);

/**
 * launchLinkMake:
 * @launchDir: the launch directory, or NULL for the one that was configured
 * @qemuDir: the directory of the distribution's programs, or NULL likewise
 * @qemu: the path of the QEMU program
 * @err: as launchLinkIsTrusted(), or VIR_ERR_CONFIG_UNSUPPORTED if @qemu is not the
 *       absolute path of a program whose name has "qemu" or "kvm" in it, or if there are
 *       LAUNCH_LINKS_MAX links already
 *
 * Makes the link for @qemu, unless it is there.
 *
 * Returns TRUE, or FALSE on error.
 */
gboolean launchLinkMake(const char *launchDir,
                        const char *qemuDir,
                        const char *qemu,
                        GError **err);

/**
 * launchLinkReport:
 * @qemu: the path of a QEMU program
 * @launcher: the path of its link, which is missing
 * @reason: why it cannot be made
 * @err: set to VIR_ERR_CONFIG_UNSUPPORTED, with a message that says how to make the link
 */
void launchLinkReport(const char *qemu, const char *launcher, const char *reason, GError **err);
