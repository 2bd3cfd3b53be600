/*
 * emulatedpci_driver.h: the <driver> of an <emulatedpci>
 *
 * Which emulator serves a device: a name that devices of a domain share, and
 * what the emulator of that name is; or the pid of one that already runs; or the
 * socket of any vfio-user server, which also decides what the device is.
 *
 * Every value also has a text form, the same in XML, in libvirt's override
 * and in QEMU's command line: whoever reads or writes one of those does it
 * attribute by attribute. Knows none of them, and no process either.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include "emulatedpci_error.h"

#include <glib.h>

/* emulator: 1 to 64 characters of [A-Za-z0-9_.-] */
#define EMULATED_PCI_DRIVER_EMULATOR_MAX 64

/* model, an absolute path, and each argument: bytes of UTF-8 without control
 * characters */
#define EMULATED_PCI_DRIVER_TEXT_MAX 1024
#define EMULATED_PCI_DRIVER_ARGS_MAX 32

/* Linux's PID_MAX_LIMIT */
#define EMULATED_PCI_DRIVER_PID_MAX 4194304

/* socket, an absolute path: the bytes that Linux has room for in a UNIX socket's
 * address (unix(7)), but for the NUL at the end */
#define EMULATED_PCI_DRIVER_SOCKET_MAX 107

/* The link between QEMU and the emulator. */
typedef enum {
    EMULATED_PCI_VERSION_NONE = 0,      /* not given: what QEMU has */
    EMULATED_PCI_VERSION_MPQEMU,        /* "mpqemu" */
    EMULATED_PCI_VERSION_VFIO_USER,     /* "vfio-user" */

    EMULATED_PCI_VERSION_LAST
} EmulatedPCIVersion;

/* In the order in which they are written. */
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

/* Devices that one emulator serves at most, and that a domain has at most. */
#define EMULATED_PCI_EMULATOR_DEVICES_MAX 256
#define EMULATED_PCI_DEVICES_MAX 1024

/* The devices of a domain that one emulator serves. */
typedef struct {
    const EmulatedPCIDriver *driver;    /* that describes it; NULL: none does */
    GArray *devices;                    /* gsize: which ones, ascending */
} EmulatedPCIDriverGroup;

/* An attribute's name, and the attribute of that name (or -1). */
const char *emulatedPCIDriverAttrToString(EmulatedPCIDriverAttr attr);
int emulatedPCIDriverAttrFromString(const char *name);

/* The name of VERSION; "" for NONE. */
const char *emulatedPCIVersionToString(EmulatedPCIVersion version);

/* New, nothing given. Never NULL. */
EmulatedPCIDriver *emulatedPCIDriverNew(void);
EmulatedPCIDriver *emulatedPCIDriverCopy(const EmulatedPCIDriver *driver);

/* Sets an attribute, or argument NUMBER, from its text. FALSE, with ERR set
 * (VIR_ERR_XML_ERROR; it names attribute, value and what is allowed), if the
 * text is none of its values, or it was set before. */
gboolean emulatedPCIDriverSet(EmulatedPCIDriver *driver,
                              EmulatedPCIDriverAttr attr,
                              const char *value,
                              GError **err);
gboolean emulatedPCIDriverSetArg(EmulatedPCIDriver *driver,
                                 gsize number,
                                 const char *value,
                                 GError **err);

/* The text of an attribute, newly allocated; NULL if it is not given. */
char *emulatedPCIDriverGet(const EmulatedPCIDriver *driver, EmulatedPCIDriverAttr attr);

/* How many arguments there are. */
gsize emulatedPCIDriverCountArgs(const EmulatedPCIDriver *driver);

void emulatedPCIDriverFree(EmulatedPCIDriver *driver);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(EmulatedPCIDriver, emulatedPCIDriverFree)

/* The protocol that DRIVER (NULL: none) asks for: its version, or the only one that
 * a socket can have; NONE if it leaves the choice open. */
EmulatedPCIVersion emulatedPCIDriverGetVersion(const EmulatedPCIDriver *driver);

/* Judges the values and how they go together: something must be given, a pid
 * excludes everything else, a socket everything but version 'vfio-user', and no
 * argument is left out between others.
 * Returns TRUE, or FALSE with ERR set to VIR_ERR_XML_ERROR. */
gboolean emulatedPCIDriverValidate(const EmulatedPCIDriver *driver, GError **err);

/* Puts the N devices of a domain, DRIVERS (NULL: none) with NAMES for
 * messages, into groups: one for each emulator's name, one for each pid, one
 * for each socket, one for all that name none; in the order of their first devices. In a group
 * each device either gives no more than the name, or what every other one
 * that does gives: else NULL, and ERR (VIR_ERR_XML_ERROR) names two devices
 * and the attribute in which they differ. Two
 * devices with one socket are the same error. More devices than the limits above are NULL
 * with VIR_ERR_CONFIG_UNSUPPORTED. The result, of EmulatedPCIDriverGroup, frees them. */
GPtrArray *emulatedPCIDriverGroupAll(const EmulatedPCIDriver *const *drivers,
                                     const char *const *names,
                                     gsize n,
                                     GError **err);
