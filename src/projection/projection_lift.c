/*
 * projection_lift.c: from stock libvirt's XML to the user's
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <config.h>

#include "projection.h"


ProjectionResult
projectionLift(const char *xml G_GNUC_UNUSED,
               gsize len G_GNUC_UNUSED,
               const ProjectionOptions *opts G_GNUC_UNUSED,
               char **out G_GNUC_UNUSED,
               gsize *outlen G_GNUC_UNUSED,
               GError **err G_GNUC_UNUSED)
{
    return PROJECTION_UNCHANGED;
}
