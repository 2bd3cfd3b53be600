/*
 * emulatedpci_driver.h: the <driver> of an <emulatedpci>
 *
 * The emulator of a device: a name that is shared by devices of a domain, with a
 * description of the emulator; the process ID of a running emulator; or the socket of
 * a vfio-user server, which also defines the device.
 *
 * Every value has a text format, which is the same in XML, in libvirt's override and in
 * QEMU's command line. The parsers and formatters of these use the functions below for
 * each attribute.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include "emulatedpci_error.h"

#include <glib.h>

/* emulator: 1 to 64 characters of [A-Za-z0-9_.-] */
#define EMULATED_PCI_DRIVER_EMULATOR_MAX 64

/* model, an absolute path, and each argument: the maximum number of bytes of UTF-8 without
 * control characters */
#define EMULATED_PCI_DRIVER_TEXT_MAX 1024
#define EMULATED_PCI_DRIVER_ARGS_MAX 32

/* Linux's PID_MAX_LIMIT */
#define EMULATED_PCI_DRIVER_PID_MAX 4194304

/* socket, an absolute path: the size of sun_path of a UNIX socket's address (unix(7)) without
 * the NUL, in bytes */
#define EMULATED_PCI_DRIVER_SOCKET_MAX 107

/* The protocol between QEMU and the emulator */
typedef enum {
    EMULATED_PCI_VERSION_NONE = 0,      /* not given: QEMU determines the protocol */
    EMULATED_PCI_VERSION_MPQEMU,        /* "mpqemu" */
    EMULATED_PCI_VERSION_VFIO_USER,     /* "vfio-user" */

    EMULATED_PCI_VERSION_LAST
} EmulatedPCIVersion;

/* In the order of the formatted XML */
typedef enum {
    EMULATED_PCI_DRIVER_EMULATOR = 0,
    EMULATED_PCI_DRIVER_VERSION,
    EMULATED_PCI_DRIVER_STUBDOMAIN,
    EMULATED_PCI_DRIVER_MODEL,
    EMULATED_PCI_DRIVER_PID,
    EMULATED_PCI_DRIVER_SOCKET,

    EMULATED_PCI_DRIVER_LAST
} EmulatedPCIDriverAttr;

typedef struct _EmulatedPCIDriver EmulatedPCIDriver;
struct _EmulatedPCIDriver {
    char *emulator;             /* or NULL: the domain's default one */
    EmulatedPCIVersion version;
    int stubdomain;             /* 1 yes, 0 no, -1 not given: no */
    char *model;                /* program, or NULL: pci-emulator */
    char *args[EMULATED_PCI_DRIVER_ARGS_MAX + 1];   /* up to the first NULL */
    guint32 pid;                /* 0: not given */
    char *socket;               /* or NULL: not given */
};

/* The maximum number of devices of one emulator, and of a domain */
#define EMULATED_PCI_EMULATOR_DEVICES_MAX 256
#define EMULATED_PCI_DEVICES_MAX 1024

/* The devices of a domain that one emulator serves. */
typedef struct {
    const EmulatedPCIDriver *driver;    /* the one that describes the emulator, or NULL */
    GArray *devices;                    /* of gsize: the numbers of the devices, ascending */
} EmulatedPCIDriverGroup;

/**
 * emulatedPCIDriverAttrToString:
 * @attr: an attribute, below EMULATED_PCI_DRIVER_LAST
 *
 * Returns the name of the attribute. It must not be freed.
 */
const char *emulatedPCIDriverAttrToString(EmulatedPCIDriverAttr attr);

/**
 * emulatedPCIDriverAttrFromString:
 * @name: the name of an attribute
 *
 * Returns the attribute, or -1 if there is none with this name.
 */
int emulatedPCIDriverAttrFromString(const char *name);

/**
 * emulatedPCIVersionToString:
 * @version: a version, below EMULATED_PCI_VERSION_LAST
 *
 * Returns the name of the version, or "" for EMULATED_PCI_VERSION_NONE. It must not be freed.
 */
const char *emulatedPCIVersionToString(EmulatedPCIVersion version);

/**
 * emulatedPCIVersionFromString:
 * @name: the name of a version
 *
 * Returns the version, or EMULATED_PCI_VERSION_NONE if there is none with this name.
 */
EmulatedPCIVersion emulatedPCIVersionFromString(const char *name);

/**
 * emulatedPCIDriverNew:
 *
 * Returns a driver without attributes, to be freed with emulatedPCIDriverFree(). Never NULL.
 */
EmulatedPCIDriver *emulatedPCIDriverNew(void);

/**
 * emulatedPCIDriverCopy:
 * @driver: a driver
 *
 * Returns a copy of the driver, to be freed with emulatedPCIDriverFree(). Never NULL.
 */
EmulatedPCIDriver *emulatedPCIDriverCopy(const EmulatedPCIDriver *driver);

/**
 * emulatedPCIDriverSet, emulatedPCIDriverSetArg:
 * @driver: a driver
 * @attr: the attribute
 * @number: the number of the argument, from 0
 * @value: its text
 * @err: return location for an error
 *
 * Sets an attribute or an argument.
 *
 * Returns TRUE, or FALSE with @err set to VIR_ERR_XML_ERROR if the value is invalid or was set
 * before.
 */
gboolean emulatedPCIDriverSet(EmulatedPCIDriver *driver,
                              EmulatedPCIDriverAttr attr,
                              const char *value,
                              GError **err);
gboolean emulatedPCIDriverSetArg(EmulatedPCIDriver *driver,
                                 gsize number,
                                 const char *value,
                                 GError **err);

/**
 * emulatedPCIDriverGet:
 * @driver: a driver
 * @attr: an attribute
 *
 * Returns the text of the attribute, to be freed with g_free(), or NULL if it is not given.
 */
char *emulatedPCIDriverGet(const EmulatedPCIDriver *driver, EmulatedPCIDriverAttr attr);

/**
 * emulatedPCIDriverCountArgs:
 * @driver: a driver
 *
 * Returns the number of arguments before the first one that is not given.
 */
gsize emulatedPCIDriverCountArgs(const EmulatedPCIDriver *driver);

/**
 * emulatedPCIDriverFree:
 * @driver: a driver, or NULL
 *
 * Frees the driver.
 */
void emulatedPCIDriverFree(EmulatedPCIDriver *driver);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(EmulatedPCIDriver, emulatedPCIDriverFree)

/**
 * emulatedPCIDriverGetVersion:
 * @driver: a driver, or NULL
 *
 * Returns the requested protocol: the version, or vfio-user if a socket is given, or
 * EMULATED_PCI_VERSION_NONE if it is not specified.
 */
EmulatedPCIVersion emulatedPCIDriverGetVersion(const EmulatedPCIDriver *driver);

/**
 * emulatedPCIDriverGetOther:
 * @driver: a driver, or NULL
 *
 * Returns the attribute because of which the device's emulator is not pci-emulator as the launcher
 * starts it, EMULATED_PCI_DRIVER_MODEL, EMULATED_PCI_DRIVER_PID or EMULATED_PCI_DRIVER_SOCKET; or
 * -1.
 */
int emulatedPCIDriverGetOther(const EmulatedPCIDriver *driver);

/**
 * emulatedPCIDriverValidate:
 * @driver: a driver
 * @err: return location for an error
 *
 * Validates the combination of attributes: at least one is required, a pid excludes all others, a
 * socket excludes all others except for version 'vfio-user', and no argument may be missing
 * between others.
 *
 * Returns TRUE, or FALSE with @err set to VIR_ERR_XML_ERROR.
 */
gboolean emulatedPCIDriverValidate(const EmulatedPCIDriver *driver, GError **err);

/**
 * emulatedPCIDriverGroupAll:
 * @drivers: the drivers of a domain's devices; an entry is NULL for a device without one
 * @names: the names of the devices, for messages
 * @n: the number of devices
 * @err: return location for an error
 *
 * Groups the devices by their emulators: a group for each emulator name, for each pid, for each
 * socket, and for all devices without these, in the order of their first devices. In a group,
 * each device has only the name, or the same attributes as the others that have more.
 *
 * Returns an array of EmulatedPCIDriverGroup, which owns them, or NULL with @err set: to
 * VIR_ERR_XML_ERROR if two devices of a group differ (the message names them and the attribute)
 * or have the same socket, or to VIR_ERR_CONFIG_UNSUPPORTED if a limit above is exceeded.
 */
GPtrArray *emulatedPCIDriverGroupAll(const EmulatedPCIDriver *const *drivers,
                                     const char *const *names,
                                     gsize n,
                                     GError **err);
