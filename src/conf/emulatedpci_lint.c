/*
 * emulatedpci_lint.c: warnings about valid but probably unintended values
 *
 * The rules about registers are from the PCI Local Bus Specification 3.0, chapter 6.2; the class
 * codes are from the PCI Code and ID Assignment Specification.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <config.h>

#include "emulatedpci_lint.h"

#include <string.h>

#include "gettext.h"

#define _(s) gettext(s)

/* INTA# to INTD#; 0 is none. */
#define INTERRUPTPIN_MAX 4

/* "Unknown" or "not connected" on x86, which has the same meaning as 0 */
#define INTERRUPTLINE_UNKNOWN 0xff

/* The bits of the command register that a current endpoint can have set (also with PCI Express,
 * where the other bits are hardwired to 0): I/O space, memory space, bus master, parity error
 * response, SERR# enable, interrupt disable */
#define COMMAND_ENDPOINT 0x0547

#define STATUS_CAPABILITIES 0x0010
/* The bits of the status register that events set: interrupt status, and the errors that software
 * clears */
#define STATUS_EVENTS 0xf908
#define STATUS_RESERVED 0x0047

static const char *const kinds[EMULATED_PCI_LINT_LAST] = {
    [EMULATED_PCI_LINT_INTERRUPTPIN_RANGE] = "interruptpin-range",
    [EMULATED_PCI_LINT_INTERRUPTLINE_UNUSED] = "interruptline-unused",
    [EMULATED_PCI_LINT_STATUS_CAPABILITIES] = "status-capabilities",
    [EMULATED_PCI_LINT_STATUS_EVENTS] = "status-events",
    [EMULATED_PCI_LINT_STATUS_RESERVED] = "status-reserved",
    [EMULATED_PCI_LINT_COMMAND_RESERVED] = "command-reserved",
    [EMULATED_PCI_LINT_CLASSCODE_BRIDGE] = "classcode-bridge",
    [EMULATED_PCI_LINT_HEADERTYPE_MULTIFUNCTION] = "headertype-multifunction",
    [EMULATED_PCI_LINT_ADDRESS_IGNORED] = "address-ignored",
    [EMULATED_PCI_LINT_MULTIFUNCTION_ALONE] = "multifunction-alone",
    [EMULATED_PCI_LINT_FUNCTION_ALONE] = "function-alone",
    [EMULATED_PCI_LINT_DUPLICATE_DEVICE] = "duplicate-device",
    [EMULATED_PCI_LINT_DRIVER_PID] = "driver-pid",
    [EMULATED_PCI_LINT_DRIVER_ARGUMENTS] = "driver-arguments",
    [EMULATED_PCI_LINT_QEMU_UNSUPPORTED] = "qemu-unsupported",
    [EMULATED_PCI_LINT_MEMORY_NOT_SHARED] = "memory-not-shared",
};

/* The base class and subclass of devices that cannot have the header of an endpoint */
static const guint32 bridgeClasses[] = {
    0x0604,     /* PCI-to-PCI bridge */
    0x0607,     /* CardBus bridge */
    0x0609,     /* semi-transparent PCI-to-PCI bridge */
};


const char *
emulatedPCILintKindToString(EmulatedPCILintKind kind)
{
    return kinds[kind];
}


int
emulatedPCILintKindFromString(const char *name)
{
    int i;

    for (i = 0; i < EMULATED_PCI_LINT_LAST; i++) {
        if (strcmp(kinds[i], name) == 0)
            return i;
    }
    return -1;
}


static void
lintFree(gpointer opaque)
{
    EmulatedPCILint *lint = opaque;

    g_free(lint->message);
    g_free(lint);
}


static void G_GNUC_PRINTF(4, 5)
lintAdd(GPtrArray *lints,
        EmulatedPCILintKind kind,
        gsize device,
        const char *format,
        ...)
{
    EmulatedPCILint *lint = g_new0(EmulatedPCILint, 1);
    va_list args;

    va_start(args, format);
    lint->kind = kind;
    lint->device = device;
    lint->message = g_strdup_vprintf(format, args);
    va_end(args);
    g_ptr_array_add(lints, lint);
}


static gboolean
isMultifunction(const EmulatedPCIDef *def)
{
    return def->hasAddress && def->multifunction == 1;
}


/* Returns TRUE if the device has an address that libvirt does not assign. */
static gboolean
isPlaced(const EmulatedPCIDef *def)
{
    return def->hasAddress &&
        emulatedPCIAddressGetSlot(def->domain, def->bus, def->slot) > 0;
}


static void
lintInterrupt(GPtrArray *lints,
              gsize device,
              const EmulatedPCIDef *def)
{
    const guint32 pin = def->fields.value[EMULATED_PCI_FIELD_INTERRUPTPIN];
    const guint32 line = def->fields.value[EMULATED_PCI_FIELD_INTERRUPTLINE];

    if (pin > INTERRUPTPIN_MAX) {
        lintAdd(lints, EMULATED_PCI_LINT_INTERRUPTPIN_RANGE, device,
                _("%1$s is 0x%2$02x: the interrupt pins of a PCI device are 0x%3$02x (INTA#) to "
                  "0x%4$02x (INTD#); 0x%5$02x means no pin"),
                "interruptpin", pin, 1U, (guint32) INTERRUPTPIN_MAX, 0U);
    }

    if (pin == 0 && line != 0 && line != INTERRUPTLINE_UNKNOWN) {
        lintAdd(lints, EMULATED_PCI_LINT_INTERRUPTLINE_UNUSED, device,
                _("%1$s is 0x%2$02x, but %3$s is 0x%4$02x: a device without an interrupt pin has "
                  "no interrupt line"),
                "interruptline", line, "interruptpin", pin);
    }
}


static void
lintRegisters(GPtrArray *lints,
              gsize device,
              const EmulatedPCIDef *def)
{
    const guint32 status = def->fields.value[EMULATED_PCI_FIELD_STATUS];
    const guint32 command = def->fields.value[EMULATED_PCI_FIELD_COMMAND];

    if (status & STATUS_CAPABILITIES) {
        lintAdd(lints, EMULATED_PCI_LINT_STATUS_CAPABILITIES, device,
                _("%1$s is 0x%2$04x: bit 4 indicates a capability list, but the device has none"),
                "status", status);
    }
    if (status & STATUS_EVENTS) {
        lintAdd(lints, EMULATED_PCI_LINT_STATUS_EVENTS, device,
                _("%1$s is 0x%2$04x: the bits 0x%3$04x indicate an interrupt or an error that has "
                  "not occurred"),
                "status", status, status & STATUS_EVENTS);
    }
    if (status & STATUS_RESERVED) {
        lintAdd(lints, EMULATED_PCI_LINT_STATUS_RESERVED, device,
                _("%1$s is 0x%2$04x: the bits 0x%3$04x are reserved"),
                "status", status, status & STATUS_RESERVED);
    }
    if (command & ~(guint32) COMMAND_ENDPOINT) {
        lintAdd(lints, EMULATED_PCI_LINT_COMMAND_RESERVED, device,
                _("%1$s is 0x%2$04x: the bits 0x%3$04x are reserved, or no longer in use"),
                "command", command, command & ~(guint32) COMMAND_ENDPOINT);
    }
}


static void
lintType(GPtrArray *lints,
         gsize device,
         const EmulatedPCIDef *def)
{
    const guint32 classcode = def->fields.value[EMULATED_PCI_FIELD_CLASSCODE];
    const guint32 headertype = def->fields.value[EMULATED_PCI_FIELD_HEADERTYPE];
    const gboolean bit = (headertype & EMULATED_PCI_HEADERTYPE_MULTIFUNCTION) != 0;
    gsize i;

    for (i = 0; i < G_N_ELEMENTS(bridgeClasses); i++) {
        if (classcode >> 8 != bridgeClasses[i])
            continue;
        lintAdd(lints, EMULATED_PCI_LINT_CLASSCODE_BRIDGE, device,
                _("%1$s is 0x%2$06x, which is a bridge, but %3$s is 0x%4$02x, which is an endpoint"),
                "classcode", classcode, "headertype", headertype);
    }

    if (bit != isMultifunction(def)) {
        lintAdd(lints, EMULATED_PCI_LINT_HEADERTYPE_MULTIFUNCTION, device,
                _("%1$s is 0x%2$02x, but multifunction of the address is '%3$s'"),
                "headertype", headertype, bit ? "off" : "on");
    }
}


static void
lintAddress(GPtrArray *lints,
            gsize device,
            const EmulatedPCIDef *def)
{
    if (!def->hasAddress || isPlaced(def) || def->function <= 0)
        return;

    lintAdd(lints, EMULATED_PCI_LINT_ADDRESS_IGNORED, device,
            _("%1$s is 0x%2$x, but domain, bus and slot of the address are 0 or omitted: libvirt "
              "assigns another address"),
            "function", (guint32) def->function);
}


static void
lintDriver(GPtrArray *lints,
           gsize device,
           const EmulatedPCIDef *def)
{
    const EmulatedPCIDriver *driver = def->driver;

    if (!driver)
        return;

    if (driver->pid > 0) {
        lintAdd(lints, EMULATED_PCI_LINT_DRIVER_PID, device,
                _("%1$s is %2$u: the process ID changes when the emulator is restarted"),
                "pid", driver->pid);
    }
    if (driver->args[0] && !driver->model) {
        lintAdd(lints, EMULATED_PCI_LINT_DRIVER_ARGUMENTS, device,
                _("<%1$s> without %2$s is passed to pci-emulator, which requires no arguments"),
                "arg", "model");
    }
}


static void
lintDevice(GPtrArray *lints,
           gsize device,
           const EmulatedPCIDef *def)
{
    /* The registers of the device of a server are unknown. */
    if (!emulatedPCIDefHasServer(def)) {
        lintInterrupt(lints, device, def);
        lintRegisters(lints, device, def);
        lintType(lints, device, def);
    }
    lintAddress(lints, device, def);
    lintDriver(lints, device, def);
}


/* --- among the devices of a domain */

static guint
fieldsHash(gconstpointer opaque)
{
    const EmulatedPCIDef *def = opaque;
    guint hash = g_str_hash(def->fields.devicename);
    int i;

    for (i = EMULATED_PCI_FIELD_DEVICENAME + 1; i < EMULATED_PCI_FIELD_LAST; i++)
        hash = hash * 33 + def->fields.value[i];
    return hash;
}


static gboolean
fieldsEqual(gconstpointer a,
            gconstpointer b)
{
    return emulatedPCIDefEqualFields(a, b);
}


static void
lintDuplicates(GPtrArray *lints,
               const EmulatedPCIDef *const *defs,
               gsize ndefs)
{
    g_autoptr(GHashTable) seen = g_hash_table_new(fieldsHash, fieldsEqual);
    gsize i;

    for (i = 0; i < ndefs; i++) {
        gpointer first;

        if (g_hash_table_lookup_extended(seen, defs[i], NULL, &first)) {
            lintAdd(lints, EMULATED_PCI_LINT_DUPLICATE_DEVICE, i,
                    _("%1$s is '%2$s': all fields of the devices %3$zu and %4$zu are equal"),
                    "devicename", defs[i]->fields.devicename, (gsize) GPOINTER_TO_SIZE(first),
                    i + 1);
            continue;
        }
        g_hash_table_insert(seen, (gpointer) defs[i], GSIZE_TO_POINTER(i + 1));
    }
}


static gpointer
slotKey(const EmulatedPCIDef *def)
{
    return GSIZE_TO_POINTER((gsize) emulatedPCIAddressGetSlot(def->domain, def->bus, def->slot));
}


static void
lintSlots(GPtrArray *lints,
          const EmulatedPCIDef *const *defs,
          gsize ndefs)
{
    g_autoptr(GHashTable) shared = g_hash_table_new(NULL, NULL);
    g_autoptr(GHashTable) begun = g_hash_table_new(NULL, NULL);     /* there is a function 0 */
    gsize i;

    for (i = 0; i < ndefs; i++) {
        if (isPlaced(defs[i]))
            g_hash_table_add(defs[i]->function > 0 ? shared : begun, slotKey(defs[i]));
    }

    for (i = 0; i < ndefs; i++) {
        const guint32 headertype = defs[i]->fields.value[EMULATED_PCI_FIELD_HEADERTYPE];

        if (!isPlaced(defs[i]))
            continue;
        if (defs[i]->function > 0 && !g_hash_table_contains(begun, slotKey(defs[i]))) {
            lintAdd(lints, EMULATED_PCI_LINT_FUNCTION_ALONE, i,
                    _("%1$s is 0x%2$x, but there is no emulated device at function 0 of slot "
                      "0x%3$02x: guests find the device only if a native device is there"),
                    "function", (guint32) defs[i]->function, (guint32) MAX(defs[i]->slot, 0));
        }
        if (!(headertype & EMULATED_PCI_HEADERTYPE_MULTIFUNCTION) ||
            g_hash_table_contains(shared, slotKey(defs[i])))
            continue;
        lintAdd(lints, EMULATED_PCI_LINT_MULTIFUNCTION_ALONE, i,
                _("%1$s is 0x%2$02x, but there is no other emulated device in slot 0x%3$02x: bit 7 "
                  "is correct only if there is a native device"),
                "headertype", headertype, (guint32) MAX(defs[i]->slot, 0));
    }
}


GPtrArray *
emulatedPCIDefLint(const EmulatedPCIDef *def)
{
    GPtrArray *lints = g_ptr_array_new_with_free_func(lintFree);

    lintDevice(lints, 0, def);
    return lints;
}


GPtrArray *
emulatedPCIDefLintAll(const EmulatedPCIDef *const *defs,
                      gsize ndefs)
{
    GPtrArray *lints = g_ptr_array_new_with_free_func(lintFree);
    gsize i;

    for (i = 0; i < ndefs; i++)
        lintDevice(lints, i, defs[i]);

    lintSlots(lints, defs, ndefs);
    lintDuplicates(lints, defs, ndefs);
    return lints;
}
