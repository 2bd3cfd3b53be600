/*
 * xenserver_input.h: the devices in a text of any of XenServer's formats
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include "xenserver_vm.h"

/**
 * xenserverReadText:
 * @text: records as xe prints them, or any number of lines, each being a
 *        device's string, a platform map or a command line of QEMU's; empty
 *        lines, those that begin with # and the heading of a list of
 *        processes are ignored
 * @options: what the user says about the input
 * @vms: a XenserverVM with its devices is appended for every VM; devices that
 *       stand alone are in one without name and uuid
 * @err: set to VIR_ERR_XML_ERROR or VIR_ERR_CONFIG_UNSUPPORTED
 *
 * Returns FALSE on error.
 */
gboolean xenserverReadText(const char *text,
                           const XenserverOptions *options,
                           GPtrArray *vms,
                           GError **err);

/**
 * xenserverAddAllDevices:
 * @vms: VMs without their devices
 * @options: what the user says about the input
 * @err: set as by xenserverVMAddDevices(), the name of the VM being prefixed
 *
 * Only the VM that @options selects gets its devices, if there is a selection.
 *
 * Returns FALSE on error.
 */
gboolean xenserverAddAllDevices(GPtrArray *vms, const XenserverOptions *options, GError **err);
