/*
 * qemu_props_json.h: -device arguments in the JSON form, for src/qemu and src/launcher
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include <glib.h>
#include <json.h>

typedef struct json_object JSONObject;
G_DEFINE_AUTOPTR_CLEANUP_FUNC(JSONObject, json_object_put)

/* Returns the object that ARG is, or NULL. Only white space may follow it, as for QEMU. */
JSONObject *qemuPropsReadJSON(const char *arg);

/* Returns the string property KEY of OBJECT, which owns it, or NULL; one with a NUL in it is
 * none. */
const char *qemuPropsGetStringProperty(JSONObject *object, const char *key);

/* OBJECT without spaces, newly allocated. */
char *qemuPropsJSONToString(JSONObject *object);
