/*
 * connect_uri.h: the URI that a client opens
 *
 * libvirt's clients find a daemon's socket by the URI's scheme: they, and
 * virt-ssh-helper on another host, look for virtSCHEMEd-sock. So
 * emulatedpci:///system leads to this daemon without naming its socket, and
 * means qemu:///system to the libvirtd behind it.
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
