/*
 * error_name.h: the names of libvirt's error codes
 *
 * libvirt has messages for its codes, but no names of them. Documentation and scripts use the
 * names.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

/* "VIR_ERR_XML_ERROR" for that CODE; "VIR_ERR" for one that is newer than
 * this program. */
const char *errorCodeName(int code);
