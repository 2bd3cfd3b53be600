/*
 * vmstate_domain.c: the emulated devices of one domain, saved and loaded together
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <config.h>

#include "vmstate_domain.h"
#include "vmstate_emulator.h"
#include "vmstate_format.h"

#include "gettext.h"

#include <string.h>
#include <unistd.h>

#define _(s) gettext(s)

/* The maximum number of requests that are sent before the reply to the first of them is received */
#define DOMAIN_SENT_MAX 32

typedef struct {
    VMStateDevice *device;
    int fd;
    guint number;
    gboolean gone;          /* the device was unplugged */
    gboolean left;          /* its emulator has exited because of that */
    gboolean alone;         /* only this device uses FD, which is closed with it */
} DomainDevice;

struct _VMStateDomain {
    GArray *devices;        /* DomainDevice */
};


VMStateDomain *
vmstateDomainNew(void)
{
    VMStateDomain *domain = g_new0(VMStateDomain, 1);

    domain->devices = g_array_new(FALSE, FALSE, sizeof(DomainDevice));
    return domain;
}


void
vmstateDomainFree(VMStateDomain *domain)
{
    guint i;

    if (!domain)
        return;
    for (i = 0; i < domain->devices->len; i++)
        vmstateDeviceFree(g_array_index(domain->devices, DomainDevice, i).device);
    g_array_unref(domain->devices);
    g_free(domain);
}


/* Marks the devices of the emulator FD, which has exited because all of them were unplugged. */
static void
domainSetLeft(VMStateDomain *domain,
              int fd)
{
    guint i;

    for (i = 0; i < domain->devices->len; i++) {
        DomainDevice *entry = &g_array_index(domain->devices, DomainDevice, i);

        if (entry->fd == fd)
            entry->gone = entry->left = TRUE;
    }
}


/* Requests the registers of ENTRY, and checks whether it was unplugged. SENT is the sequence number
 * of the request if it was sent already, or 0. *REPEATED is set if the request was repeated. */
static gboolean
domainGet(VMStateDomain *domain,
          DomainDevice *entry,
          guint32 sent,
          gboolean *repeated,
          GError **err)
{
    VMStateReply reply;

    *repeated = FALSE;
    if (entry->left)
        return TRUE;
    if (!vmstateEmulatorCall(entry->fd, EMULATOR_STATE_GET, entry->number, NULL, 0, sent, &reply, err)) {
        g_prefix_error(err, _("emulated PCI device '%1$s': "), entry->device->alias);
        return FALSE;
    }
    *repeated = reply.repeated;
    if (reply.closed != EMULATOR_STATUS_OPEN && reply.closed != EMULATOR_STATUS_GONE) {
        emulatedPCIReportError(err, VIR_ERR_OPERATION_FAILED,
                               _("emulated PCI device '%1$s': its emulator does not serve it any more, and its registers are lost"),
                               entry->device->alias);
        return FALSE;
    }
    entry->gone = reply.closed == EMULATOR_STATUS_GONE;
    if (entry->gone && reply.sequence == 0)
        domainSetLeft(domain, entry->fd);
    if (entry->gone)
        return TRUE;
    if (!entry->device->own && reply.nregisters != PCI_CONFIG_SIZE) {
        emulatedPCIReportError(err, VIR_ERR_OPERATION_FAILED,
                               _("emulated PCI device '%1$s': its emulator has %2$zu registers: %3$d are required"),
                               entry->device->alias, reply.nregisters, PCI_CONFIG_SIZE);
        return FALSE;
    }
    vmstateDeviceSetRegisters(entry->device, reply.registers, reply.nregisters);
    return TRUE;
}


/* Returns whether the device still exists. This is assumed if its emulator does not answer. */
static gboolean
domainIsThere(VMStateDomain *domain,
              DomainDevice *entry)
{
    gboolean repeated;

    return !domainGet(domain, entry, 0, &repeated, NULL) || !entry->gone;
}


/* Removes unplugged devices that were attached to the running domain, because their number is not
 * limited. */
static void
domainForget(VMStateDomain *domain)
{
    guint i;

    for (i = domain->devices->len; i > 0; i--) {
        DomainDevice *entry = &g_array_index(domain->devices, DomainDevice, i - 1);

        if (!entry->alone || (!entry->left && !vmstateEmulatorHasLeft(entry->fd)))
            continue;
        close(entry->fd);
        vmstateDeviceFree(entry->device);
        g_array_remove_index(domain->devices, i - 1);
    }
}


gboolean
vmstateDomainAdd(VMStateDomain *domain,
                 VMStateDevice *device,
                 int fd,
                 guint number,
                 gboolean alone,
                 GError **err)
{
    g_autoptr(VMStateDevice) added = device;
    DomainDevice entry = { .device = device, .fd = fd, .number = number, .alone = alone };
    guint i;

    domainForget(domain);

    if (domain->devices->len == VMSTATE_DEVICES_MAX) {
        emulatedPCIReportError(err, VIR_ERR_CONFIG_UNSUPPORTED,
                               _("more than %1$d emulated PCI devices"), VMSTATE_DEVICES_MAX);
        return FALSE;
    }
    for (i = 0; i < domain->devices->len; i++) {
        DomainDevice *other = &g_array_index(domain->devices, DomainDevice, i);

        if (strcmp(other->device->alias, device->alias) == 0 && !other->gone &&
            (!alone || domainIsThere(domain, other))) {
            emulatedPCIReportError(err, VIR_ERR_CONFIG_UNSUPPORTED,
                                   _("two emulated PCI devices have the alias '%1$s'"), device->alias);
            return FALSE;
        }
    }
    g_array_append_val(domain->devices, entry);
    g_steal_pointer(&added);
    return TRUE;
}


/* Returns the saved device with this alias, or NULL. */
static const VMStateDevice *
domainFind(GPtrArray *devices,
           const char *alias)
{
    guint i;

    for (i = 0; i < devices->len; i++) {
        const VMStateDevice *device = g_ptr_array_index(devices, i);

        if (strcmp(device->alias, alias) == 0)
            return device;
    }
    return NULL;
}


/* Returns the saved registers for ENTRY, or NULL if there are none to restore. */
static const VMStateDevice *
domainFindSaved(const DomainDevice *entry,
                GPtrArray *saved)
{
    return entry->gone ? NULL : domainFind(saved, entry->device->alias);
}


/* Sends a request for the registers of ENTRY, or to restore them if SAVED is not NULL. Returns its
 * sequence number, or 0 if none was sent. */
static guint32
domainSend(const DomainDevice *entry,
           GPtrArray *saved)
{
    const VMStateDevice *there;

    if (entry->left || entry->device->own)
        return 0;
    if (!saved)
        return vmstateEmulatorSend(entry->fd, EMULATOR_STATE_GET, entry->number, NULL, 0);
    there = domainFindSaved(entry, saved);
    return there ? vmstateEmulatorSend(entry->fd, EMULATOR_STATE_SET, entry->number,
                                       there->registers, there->nregisters) : 0;
}


/* Restores the registers of ENTRY. SENT and REPEATED are those of domainGet(). */
static gboolean
domainSet(DomainDevice *entry,
          GPtrArray *saved,
          guint32 sent,
          gboolean *repeated,
          GError **err)
{
    const VMStateDevice *there = domainFindSaved(entry, saved);
    VMStateReply reply;

    *repeated = FALSE;
    if (!there)
        return TRUE;
    if (!vmstateEmulatorCall(entry->fd, EMULATOR_STATE_SET, entry->number, there->registers,
                             there->nregisters, sent, &reply, err)) {
        g_prefix_error(err, _("emulated PCI device '%1$s': "), entry->device->alias);
        return FALSE;
    }
    *repeated = reply.repeated;
    return TRUE;
}


/* Requests the registers of all devices, or restores them if SAVED is not NULL. Requests to
 * pci-emulator are sent before the replies to the earlier ones are received, because it replies to
 * several in less time. Other emulators can rely on growing sequence numbers, also when a request
 * is repeated. */
static gboolean
domainCallAll(VMStateDomain *domain,
              GPtrArray *saved,
              GError **err)
{
    GArray *devices = domain->devices;
    g_autofree guint32 *sent = g_new0(guint32, devices->len);   /* sequence numbers */
    guint ahead = 0;
    guint i;
    guint j;

    for (i = 0; i < devices->len; i++) {
        DomainDevice *entry = &g_array_index(devices, DomainDevice, i);
        gboolean repeated;

        for (; ahead < devices->len && ahead < i + DOMAIN_SENT_MAX; ahead++)
            sent[ahead] = domainSend(&g_array_index(devices, DomainDevice, ahead), saved);

        if (saved ? !domainSet(entry, saved, sent[i], &repeated, err) :
            !domainGet(domain, entry, sent[i], &repeated, err))
            return FALSE;

        /* The replies to later requests may have been dropped. */
        for (j = i + 1; repeated && j < ahead; j++) {
            if (g_array_index(devices, DomainDevice, j).fd == entry->fd)
                sent[j] = 0;
        }
    }
    return TRUE;
}


GBytes *
vmstateDomainSave(VMStateDomain *domain,
                  GError **err)
{
    g_autoptr(GPtrArray) devices = g_ptr_array_new();
    g_autoptr(GBytes) bytes = NULL;
    guint i;

    if (!domainCallAll(domain, NULL, err))
        return NULL;

    for (i = 0; i < domain->devices->len; i++) {
        const DomainDevice *entry = &g_array_index(domain->devices, DomainDevice, i);

        if (!entry->gone)
            g_ptr_array_add(devices, entry->device);
    }

    bytes = vmstateFormat(devices);
    if (g_bytes_get_size(bytes) > VMSTATE_FORMAT_MAX) {
        emulatedPCIReportError(err, VIR_ERR_OPERATION_FAILED,
                               _("the state of the emulated PCI devices has %1$zu bytes: up to %2$d are allowed"),
                               g_bytes_get_size(bytes), VMSTATE_FORMAT_MAX);
        return NULL;
    }
    return g_steal_pointer(&bytes);
}


/* Returns the device of the domain with this alias, or NULL. */
static const VMStateDevice *
domainFindHere(const VMStateDomain *domain,
               const char *alias)
{
    guint i;

    for (i = 0; i < domain->devices->len; i++) {
        const DomainDevice *entry = &g_array_index(domain->devices, DomainDevice, i);

        if (!entry->gone && strcmp(entry->device->alias, alias) == 0)
            return entry->device;
    }
    return NULL;
}


/* Checks that SAVED contains exactly the devices of the domain. */
static gboolean
domainCheck(const VMStateDomain *domain,
            GPtrArray *saved,
            GError **err)
{
    guint i;

    for (i = 0; i < domain->devices->len; i++) {
        const DomainDevice *entry = &g_array_index(domain->devices, DomainDevice, i);
        const VMStateDevice *here = entry->device;
        const VMStateDevice *there = domainFind(saved, here->alias);

        if (entry->gone)
            continue;
        if (!there) {
            emulatedPCIReportError(err, VIR_ERR_CONFIG_UNSUPPORTED,
                                   _("emulated PCI device '%1$s' is missing in the saved state"),
                                   here->alias);
            return FALSE;
        }
        if (!vmstateDeviceCheck(here, there, err))
            return FALSE;
    }

    for (i = 0; i < saved->len; i++) {
        const VMStateDevice *there = g_ptr_array_index(saved, i);

        if (!domainFindHere(domain, there->alias)) {
            emulatedPCIReportError(err, VIR_ERR_CONFIG_UNSUPPORTED,
                                   _("the saved state has an emulated PCI device '%1$s', which is missing in this domain"),
                                   there->alias);
            return FALSE;
        }
    }
    return TRUE;
}


gboolean
vmstateDomainLoad(VMStateDomain *domain,
                  gconstpointer data,
                  gsize len,
                  GError **err)
{
    g_autoptr(GPtrArray) saved = vmstateParse(data, len, err);

    return saved && domainCallAll(domain, NULL, err) && domainCheck(domain, saved, err) &&
        domainCallAll(domain, saved, err);
}
