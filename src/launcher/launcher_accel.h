/*
 * launcher_accel.h: which accelerator QEMU's command line asks for
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include <glib.h>

/* Whether QEMU, given ARGV, runs with KVM or not at all. Any other
 * accelerator beside it ("-accel kvm -accel tcg", accel=kvm:tcg) may be the
 * one that QEMU falls back to, so then the answer is FALSE; and so it is
 * without any, where QEMU's own default is TCG. */
gboolean launcherAccelIsKVM(int argc, char *const *argv);
