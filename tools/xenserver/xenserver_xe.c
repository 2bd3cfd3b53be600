/*
 * xenserver_xe.c: the VM records that xe prints
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <config.h>

#include "xenserver_xe.h"

#include "gettext.h"

#include <string.h>

#define _(s) gettext(s)


/* Returns the value of the parameter in LINE and sets NAME and LEN to its name, or returns NULL
 * if LINE is not a parameter. */
static const char *
xenserverRecordValue(const char *line, const char **name, gsize *len)
{
    static const char deprecated[] = " [DEPRECATED]";
    const char *p = line + strspn(line, " \t");

    *name = p;
    *len = strspn(p, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_");
    p += *len;
    if (*len == 0 || !g_str_has_prefix(p, " ("))
        return NULL;
    p += 2;
    if (!*p || !strchr(" SM", *p) || p[1] != 'R' || (p[2] != 'O' && p[2] != 'W') || p[3] != ')')
        return NULL;
    p += 4;
    if (g_str_has_prefix(p, deprecated))
        p += strlen(deprecated);
    p += strspn(p, " \t");
    if (*p != ':')
        return NULL;
    p++;
    return p + strspn(p, " \t");
}


gboolean
xenserverIsRecord(const char *line)
{
    const char *name;
    gsize len;

    return xenserverRecordValue(line, &name, &len) != NULL;
}


static gboolean
xenserverParseBoolean(const char *name, const char *value, gboolean *result, GError **err)
{
    g_autofree char *quoted = NULL;

    *result = strcmp(value, "true") == 0;
    if (*result || strcmp(value, "false") == 0)
        return TRUE;
    quoted = emulatedPCIErrorQuote(value);
    emulatedPCIReportError(err, VIR_ERR_XML_ERROR,
                           _("invalid value '%1$s' for the parameter '%2$s': 'true' or 'false' "
                             "is expected"), quoted, name);
    return FALSE;
}


/* VALUE is the map HVM-boot-params, which has no firmware where that is BIOS. */
static gboolean
xenserverSetBootParams(XenserverVM *vm, const char *value, GError **err)
{
    g_autofree char *firmware = NULL;
    g_autofree char *quoted = NULL;

    if (!*value)
        return TRUE;
    if (!xenserverPlatformGet(value, "firmware", &firmware, err))
        return FALSE;
    vm->firmware = firmware ? xenserverFirmwareFromString(firmware) : XENSERVER_FIRMWARE_BIOS;
    if (vm->firmware != XENSERVER_FIRMWARE_UNKNOWN)
        return TRUE;
    quoted = emulatedPCIErrorQuote(firmware);
    emulatedPCIReportError(err, VIR_ERR_XML_ERROR,
                           _("invalid value '%1$s' for the key 'firmware' of 'HVM-boot-params': "
                             "'bios' or 'uefi' is expected"), quoted);
    return FALSE;
}


gboolean
xenserverVMSetParameter(XenserverVM *vm, const char *name, const char *value, GError **err)
{
    gboolean yes;

    if (strcmp(name, "uuid") == 0) {
        vm->uuid = g_strdup(value);
    } else if (strcmp(name, "name-label") == 0) {
        vm->name = g_strdup(value);
    } else if (strcmp(name, "platform") == 0) {
        vm->platform = g_strdup(value);
    } else if (strcmp(name, "HVM-boot-params") == 0) {
        return xenserverSetBootParams(vm, value, err);
    } else if (strcmp(name, "has-vendor-device") == 0) {
        return xenserverParseBoolean(name, value, &vm->vendorDevice, err);
    } else if (strcmp(name, "domain-type") == 0) {
        vm->hvm &= strcmp(value, "hvm") == 0 || strcmp(value, "unspecified") == 0;
    } else if (strcmp(name, "HVM-boot-policy") == 0) {
        vm->hvm &= *value != '\0';
    } else if (strcmp(name, "is-control-domain") == 0 || strcmp(name, "is-a-snapshot") == 0) {
        if (!xenserverParseBoolean(name, value, &yes, err))
            return FALSE;
        vm->hvm &= !yes;
    }
    return TRUE;
}


gboolean
xenserverReadRecords(char **lines, GPtrArray *vms, GError **err)
{
    g_autoptr(GHashTable) seen = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    XenserverVM *vm = NULL;
    gsize i;

    for (i = 0; lines[i]; i++) {
        g_autofree char *name = NULL;
        g_autofree char *value = NULL;
        const char *start;
        gsize len;

        if (!*g_strchomp(lines[i])) {
            vm = NULL;
            continue;
        }
        value = g_strdup(xenserverRecordValue(lines[i], &start, &len));
        if (!value)
            continue;

        name = g_strndup(start, len);
        if (!vm) {
            vm = xenserverVMNew();
            g_ptr_array_add(vms, vm);
            g_hash_table_remove_all(seen);
        }
        if (!g_hash_table_add(seen, g_strdup(name))) {
            emulatedPCIReportError(err, VIR_ERR_XML_ERROR,
                                   _("the parameter '%1$s' is given more than once in one record"),
                                   name);
            return FALSE;
        }
        if (!xenserverVMSetParameter(vm, name, value, err))
            return FALSE;
    }
    return TRUE;
}
