/*
 * connect_uri.h: the URI that a client opens
 *
 * Libvirt's clients derive a daemon's socket from the scheme of the URI: they look for
 * virtSCHEMEd-sock, as virt-ssh-helper does on another host. Therefore emulatedpci:///system
 * connects to this daemon without the name of its socket; libvirtd gets qemu:///system.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include "projection.h"

/* Returns the URI for upstream; PROJECTION_UNCHANGED if it is the same. A RewriteFunc: OPTS is not
 * used, and there are no errors. */
ProjectionResult connectURI(const char *uri, gsize len,
                            const ProjectionOptions *opts,
                            char **out, gsize *outlen,
                            GError **err);
