/*
 * xenserver_xe.h: the VM records that xe prints
 *
 * The format is that of print_field in ocaml/xapi-cli-server/cli_operations.ml and
 * multi_line_record in cli_printer.ml of xapi-project/xen-api: a line is "NAME ( RO): VALUE", with
 * RW in place of RO, S or M in place of the space before it, and optionally " [DEPRECATED]" after
 * the parenthesis; an empty line ends a record.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include "xenserver_vm.h"

/**
 * xenserverIsRecord:
 * @line: one line
 *
 * Returns whether @line is a parameter of a record.
 */
gboolean xenserverIsRecord(const char *line);

/**
 * xenserverReadRecords:
 * @lines: the lines of "xe vm-list params=all" or "xe vm-param-list"
 * @vms: a XenserverVM is appended for every record, without its devices
 * @err: set to VIR_ERR_XML_ERROR
 *
 * A line that is no parameter continues the value of the one before it.
 *
 * Returns FALSE on error.
 */
gboolean xenserverReadRecords(char **lines, GPtrArray *vms, GError **err);

/**
 * xenserverVMSetParameter:
 * @vm: the VM
 * @name: the name of a parameter, as xe prints it
 * @value: its value, as xe prints it
 * @err: set to VIR_ERR_XML_ERROR if @value is malformed
 *
 * Notes the parameter if the devices of @vm depend on it.
 *
 * Returns FALSE on error.
 */
gboolean xenserverVMSetParameter(XenserverVM *vm,
                                 const char *name,
                                 const char *value,
                                 GError **err);
