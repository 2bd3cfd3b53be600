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

/**
 * connectURI:
 * @uri: the URI in the client's CONNECT_OPEN call, not terminated
 * @len: its length, in bytes
 * @opts: not used
 * @out: set to the new URI, to be freed with g_free()
 * @outlen: set to its length, in bytes
 * @err: not used
 *
 * A RewriteFunc: replaces the scheme of a connection to this daemon by that of libvirtd.
 *
 * Returns PROJECTION_CHANGED, or PROJECTION_UNCHANGED if the URI has another scheme.
 */
ProjectionResult connectURI(const char *uri, gsize len,
                            const ProjectionOptions *opts,
                            char **out, gsize *outlen,
                            GError **err);
