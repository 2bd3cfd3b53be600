/*
 * lint_memory.h: whether a domain's memory can be shared
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include <glib.h>
#include <libxml/tree.h>

/**
 * lintMemoryIsShared:
 * @domain: a <domain>
 *
 * Another process, such as a vfio-user server, can map the memory of a guest if it is in a
 * file (also in huge pages, or of type memfd), and accesses are shared: see "Memory Backing"
 * and "Guest NUMA Topology" in libvirt's "Domain XML format".
 *
 * Returns TRUE if it can.
 */
gboolean lintMemoryIsShared(xmlNodePtr domain);
