/*
 * launcher_accel.h: the accelerator in QEMU's command line
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include <glib.h>

/**
 * launcherAccelIsKVM:
 * @argc: number of arguments
 * @argv: QEMU's command line
 *
 * Returns TRUE if KVM is the only accelerator that @argv allows. If there is
 * another one beside it ("-accel kvm -accel tcg", accel=kvm:tcg), QEMU may fall back
 * to that; if there is none, QEMU's default is TCG.
 */
gboolean launcherAccelIsKVM(int argc, char *const *argv);
