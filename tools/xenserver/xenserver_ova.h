/*
 * xenserver_ova.h: the file ova.xml of an exported VM
 *
 * An XVA file is an archive. Its first member, ova.xml, contains the exported objects as XML-RPC
 * values (ocaml/xapi/export.ml of xapi-project/xen-api).
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include "xenserver_vm.h"

#include <libxml/tree.h>

/**
 * xenserverReadOva:
 * @doc: the document
 * @vms: a XenserverVM is appended for every VM, without its devices
 * @err: set to VIR_ERR_XML_ERROR
 *
 * Snapshots of a VM are read, too, but marked as having no devices.
 *
 * Returns FALSE on error.
 */
gboolean xenserverReadOva(xmlDocPtr doc, GPtrArray *vms, GError **err);
