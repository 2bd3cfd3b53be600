/*
 * emulator_device_options.c: the description of a device as text
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <config.h>

#include "emulator_device_options.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "gettext.h"

#define _(s) gettext(s)


__attribute__((format(printf, 2, 3))) static int
fail(EmulatorDeviceError *error,
     const char *format, ...)
{
    va_list ap;

    va_start(ap, format);
    vsnprintf(error->text, sizeof(error->text), format, ap);
    va_end(ap);
    return -1;
}


int
emulatorDeviceOptionsParseFd(const char *str)
{
    int fd = 0;

    if (*str == '\0' || (str[0] == '0' && str[1] != '\0'))
        return -1;

    for (; *str; str++) {
        if (*str < '0' || *str > '9' || fd > 99999999)
            return -1;
        fd = fd * 10 + (*str - '0');
    }
    return fd > STDERR_FILENO ? fd : -1;
}


/* Returns whether the socket option has this value. */
static bool
socketOptionIs(int fd,
               int option,
               int expected)
{
    int value = 0;
    socklen_t len = sizeof(value);

    return getsockopt(fd, SOL_SOCKET, option, &value, &len) == 0 && value == expected;
}


/* Stores FD if it is a socket that a device can use. */
static bool
deviceSetFd(EmulatorDeviceOptions *device,
            int fd)
{
    if (fd < 0 || !socketOptionIs(fd, SO_DOMAIN, AF_UNIX) ||
        !socketOptionIs(fd, SO_TYPE, SOCK_STREAM))
        return false;

    device->fd = fd;
    device->transport = socketOptionIs(fd, SO_ACCEPTCONN, 1) ?
        EMULATOR_TRANSPORT_VFIO_USER : EMULATOR_TRANSPORT_MPQEMU;
    return true;
}


static int
deviceParseSocket(EmulatorDeviceOptions *device,
                  const char *key,
                  const char *value,
                  EmulatorDeviceError *error)
{
    if (device->fd >= 0 || *device->path)
        return fail(error, _("--device: a second socket, %1$s '%2$s'"), key, value);

    if (strcmp(key, "fd") == 0) {
        if (!deviceSetFd(device, emulatorDeviceOptionsParseFd(value)))
            return fail(error, _("--device: invalid fd '%1$s': the number of an open UNIX stream "
                                 "socket above 2 is allowed"), value);
        return 0;
    }

    if (*value != '/' || strlen(value) >= sizeof(device->path))
        return fail(error, _("--device: invalid socket '%1$s': an absolute path of up to %2$zu "
                             "bytes is allowed"), value, sizeof(device->path) - 1);
    memcpy(device->path, value, strlen(value) + 1);
    device->transport = EMULATOR_TRANSPORT_VFIO_USER;
    return 0;
}


static int
deviceParseField(EmulatorDeviceOptions *device,
                 EmulatedPCIField field,
                 const char *value,
                 EmulatorDeviceError *error)
{
    const EmulatedPCIFieldInfo *info = emulatedPCIFieldGetInfo(field);

    if (info->bits == 0) {
        if (!emulatedPCIDevicenameIsValid(value))
            return fail(error, _("--device: invalid %1$s '%2$s': 1 to %3$d characters "
                                 "of A-Z, a-z, 0-9, '.', '_' and '-' are allowed"),
                        info->name, value, EMULATED_PCI_DEVICENAME_MAX);
        memcpy(device->fields.devicename, value, strlen(value) + 1);
        return 0;
    }

    if (emulatedPCIFieldParseNumber(field, value, &device->fields.value[field]) !=
        EMULATED_PCI_NUMBER_OK)
        return fail(error, _("--device: invalid %1$s '%2$s': a decimal or 0x-hexadecimal "
                             "number from 0 to 0x%3$x is allowed"),
                    info->name, value, emulatedPCIFieldMax(field));
    return 0;
}


/* Checks the rules that the widths of the fields do not express. */
static int
deviceValidate(const EmulatorDeviceOptions *device,
               EmulatorDeviceError *error)
{
    const uint32_t vendor = device->fields.value[EMULATED_PCI_FIELD_VENDORID];
    const uint32_t header = device->fields.value[EMULATED_PCI_FIELD_HEADERTYPE];

    if (!emulatedPCIVendorIDIsValid(vendor))
        return fail(error, _("--device: invalid vendorid '0x%1$04x': a guest reads it as no device; "
                             "0x0001 to 0xfffe are allowed"), vendor);
    if (header & ~EMULATED_PCI_HEADERTYPE_MULTIFUNCTION)
        return fail(error, _("--device: invalid headertype '0x%1$02x': an endpoint's layout is 0, "
                             "so 0x00 and 0x80 are allowed"), header);
    return 0;
}


int
emulatorDeviceOptionsParse(EmulatorDeviceOptions *device,
                           char *arg,
                           int fd,
                           EmulatorDeviceError *error)
{
    bool seen[EMULATED_PCI_FIELD_LAST] = { false };
    char *save = NULL;
    char *item;
    int i;

    memset(device, 0, sizeof(*device));
    device->fd = -1;
    if (fd >= 0 && !deviceSetFd(device, fd))
        return fail(error, _("the descriptor is not that of a UNIX stream socket"));

    for (item = strtok_r(arg, ",", &save); item; item = strtok_r(NULL, ",", &save)) {
        char *value = strchr(item, '=');
        int field;

        if (!value)
            return fail(error, _("--device: no value in '%1$s'"), item);
        *value++ = '\0';

        if (strcmp(item, "fd") == 0 || strcmp(item, "socket") == 0) {
            if (deviceParseSocket(device, item, value, error) < 0)
                return -1;
            continue;
        }

        if ((field = emulatedPCIFieldFromString(item)) < 0)
            return fail(error, _("--device: unknown key '%1$s'"), item);
        if (seen[field])
            return fail(error, _("--device: %1$s is given twice"), item);
        seen[field] = true;
        if (deviceParseField(device, field, value, error) < 0)
            return -1;
    }

    if (device->fd < 0 && !*device->path)
        return fail(error, _("--device: fd or socket is missing"));
    for (i = 0; i < EMULATED_PCI_FIELD_LAST; i++) {
        if (!seen[i])
            return fail(error, _("--device: %1$s is missing"), emulatedPCIFieldGetInfo(i)->name);
    }

    return deviceValidate(device, error);
}
