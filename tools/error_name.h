/*
 * error_name.h: the names of libvirt's error codes
 *
 * libvirt has messages for its codes, but no names of them. Documentation and scripts use the
 * names.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

/**
 * errorCodeName:
 * @code: an error code of libvirt (virErrorNumber)
 *
 * Returns the name of the code, such as "VIR_ERR_XML_ERROR"; "VIR_ERR" for a code that this
 * program does not know.
 */
const char *errorCodeName(int code);
