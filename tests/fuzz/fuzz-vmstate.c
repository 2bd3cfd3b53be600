/*
 * fuzz-vmstate.c: the saved registers of a domain's devices, from a malicious host
 *
 * Each accepted state must be unchanged after it has been written and read again. After it has been
 * compared with the devices of a domain, it must only contain registers that a guest can have
 * written.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <config.h>

#include "fuzz.h"
#include "vmstate_format.h"

#include <string.h>


static void
compare(const VMStateDevice *a,
        const VMStateDevice *b)
{
    g_assert_cmpstr(a->alias, ==, b->alias);
    g_assert_cmpstr(a->fields.devicename, ==, b->fields.devicename);
    g_assert_true(memcmp(a->fields.value + 1, b->fields.value + 1,
                         sizeof(a->fields.value) - sizeof(a->fields.value[0])) == 0);
    g_assert_cmpmem(a->registers, a->nregisters, b->registers, b->nregisters);
}


int
LLVMFuzzerTestOneInput(const uint8_t *data,
                       size_t size)
{
    g_autoptr(GError) err = NULL;
    g_autoptr(GPtrArray) devices = vmstateParse(data, size, &err);
    g_autoptr(GPtrArray) again = NULL;
    g_autoptr(GBytes) bytes = NULL;
    guint i;

    g_assert_true((devices == NULL) == (err != NULL));
    if (!devices)
        return 0;

    bytes = vmstateFormat(devices);
    again = vmstateParse(g_bytes_get_data(bytes, NULL), g_bytes_get_size(bytes), &err);
    g_assert_no_error(err);
    g_assert_cmpuint(again->len, ==, devices->len);
    for (i = 0; i < devices->len; i++) {
        const VMStateDevice *device = g_ptr_array_index(devices, i);

        compare(device, g_ptr_array_index(again, i));
        if (!vmstateDeviceCheck(device, device, &err))
            g_assert_nonnull(strstr(err->message, device->alias));
        g_clear_error(&err);
    }
    return 0;
}
