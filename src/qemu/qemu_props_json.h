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

/**
 * qemuPropsReadJSON:
 * @arg: an argument of -device in JSON format; only white space may follow the object, as in QEMU
 *
 * Returns the object, to be freed with json_object_put(), or NULL if it is malformed.
 */
JSONObject *qemuPropsReadJSON(const char *arg);

/**
 * qemuPropsGetStringProperty:
 * @object: an object
 * @key: the name of a property
 *
 * Returns the value, which belongs to @object, or NULL if the property is missing, is not a
 * string, or contains a NUL.
 */
const char *qemuPropsGetStringProperty(JSONObject *object, const char *key);

/**
 * qemuPropsJSONToString:
 * @object: an object
 *
 * Returns the object in JSON format without spaces, to be freed with g_free().
 */
char *qemuPropsJSONToString(JSONObject *object);
