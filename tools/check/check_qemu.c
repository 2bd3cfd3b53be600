/*
 * check_qemu.c: a running domain's PCI configuration space, through QEMU's monitor
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <config.h>

#include "check_qemu.h"
#include "tool_connect.h"

#include "emulatedpci_error.h"
#include "qemu_unmovable.h"

#include <json-c/json.h>
#include <libvirt/libvirt-qemu.h>
#include <libvirt/virterror.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

/* QEMU's name of the memory map in "info mtree" (hw/pci/pcie_host.c) */
#define CHECK_QEMU_MAP "pcie-mmcfg-mmio"

#define CHECK_QEMU_ENABLE 0x80000000U


/* Returns the human monitor's answer to COMMAND, or NULL with ERR set. */
static char *
checkQEMUCommand(virDomainPtr domain, GError **err, const char *format, ...) G_GNUC_PRINTF(3, 4);

static char *
checkQEMUCommand(virDomainPtr domain, GError **err, const char *format, ...)
{
    g_autofree char *command = NULL;
    char *answer = NULL;
    va_list args;

    va_start(args, format);
    command = g_strdup_vprintf(format, args);
    va_end(args);
    if (virDomainQemuMonitorCommand(domain, command, &answer,
                                    VIR_DOMAIN_QEMU_MONITOR_COMMAND_HMP) < 0) {
        toolConnectReport(err);
        return NULL;
    }
    return answer;
}


char *
checkQEMUQueryPCI(virDomainPtr domain, GError **err)
{
    char *answer = NULL;

    if (virDomainQemuMonitorCommand(domain, "{\"execute\":\"query-pci\"}", &answer, 0) == 0)
        return answer;
    toolConnectReport(err);
    return NULL;
}


GPtrArray *
checkQEMUGetBlockers(virDomainPtr domain, GError **err)
{
    g_autoptr(GPtrArray) result = g_ptr_array_new_with_free_func(g_free);
    json_object *reasons = NULL;
    json_object *root;
    char *answer = NULL;
    gsize i;

    if (virDomainQemuMonitorCommand(domain, "{\"execute\":\"query-migrate\"}", &answer, 0) < 0) {
        toolConnectReport(err);
        return NULL;
    }
    root = json_tokener_parse(answer);
    free(answer);
    if (root && json_object_object_get_ex(root, "return", &reasons) &&
        json_object_object_get_ex(reasons, "blocked-reasons", &reasons) &&
        json_object_is_type(reasons, json_type_array)) {
        for (i = 0; i < json_object_array_length(reasons); i++) {
            const char *reason = json_object_get_string(json_object_array_get_idx(reasons, i));
            char *explained = reason ? qemuUnmovableExplain(reason) : NULL;

            /* With x-pci-proxy-dev there is one for each device. */
            if (explained && !g_ptr_array_find_with_equal_func(result, explained, g_str_equal, NULL))
                g_ptr_array_add(result, explained);
            else
                g_free(explained);
        }
    }
    json_object_put(root);
    return g_steal_pointer(&result);
}


/* Returns the start of the map from a line "START-END (prio 0, i/o): pcie-mmcfg-mmio". */
static gboolean
checkQEMUFindMap(CheckQEMU *qemu, GError **err)
{
    g_autofree char *tree = checkQEMUCommand(qemu->domain, err, "info mtree");
    char *name;
    char *line;

    if (!tree)
        return FALSE;
    name = strstr(tree, CHECK_QEMU_MAP);
    if (!name)
        return TRUE;
    *name = '\0';
    line = strrchr(tree, '\n');
    line = line ? line + 1 : tree;
    qemu->mapped = !strstr(line, "[disabled]");
    qemu->base = g_ascii_strtoull(g_strchug(line), NULL, 16);
    return TRUE;
}


/* The number after BEFORE in the answer. */
static gboolean
checkQEMUNumber(const char *answer, const char *before, guint32 *value, const char **rest, GError **err)
{
    const char *found = strstr(answer, before);
    char *end = NULL;
    guint64 number = 0;

    if (found) {
        found += strlen(before);
        number = g_ascii_strtoull(found, &end, 16);
    }
    if (!found || end == found || number > G_MAXUINT32) {
        g_autofree char *quoted = emulatedPCIErrorQuote(answer);

        emulatedPCIReportError(err, VIR_ERR_INTERNAL_ERROR,
                               _("unexpected reply of QEMU: %1$s"), quoted);
        return FALSE;
    }
    *value = number;
    if (rest)
        *rest = end;
    return TRUE;
}


static gboolean
checkQEMUIn(CheckQEMU *qemu, guint port, guint32 *value, GError **err)
{
    g_autofree char *answer = checkQEMUCommand(qemu->domain, err, "i /xw 0x%x", port);

    return answer && checkQEMUNumber(answer, "= 0x", value, NULL, err);
}


static gboolean
checkQEMUOut(CheckQEMU *qemu, guint port, guint32 value, GError **err)
{
    g_autofree char *answer = checkQEMUCommand(qemu->domain, err, "o /w 0x%x 0x%x", port, value);

    return answer != NULL;
}


static void
checkQEMUSignals(int how)
{
    sigset_t set;

    sigemptyset(&set);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGHUP);
    pthread_sigmask(how, &set, NULL);
}


static gboolean
checkQEMUSuspend(CheckQEMU *qemu, GError **err)
{
    int state;

    if (virDomainGetState(qemu->domain, &state, NULL, 0) < 0) {
        toolConnectReport(err);
        return FALSE;
    }
    if (state != VIR_DOMAIN_RUNNING)
        return TRUE;
    if (virDomainSuspend(qemu->domain) < 0) {
        toolConnectReport(err);
        return FALSE;
    }
    qemu->suspended = TRUE;
    return TRUE;
}


static gboolean
checkQEMUResume(CheckQEMU *qemu, GError **err)
{
    if (!qemu->suspended || virDomainResume(qemu->domain) == 0)
        return TRUE;
    toolConnectReport(err);
    return FALSE;
}


gboolean
checkQEMUInit(CheckQEMU *qemu, virDomainPtr domain, GError **err)
{
    memset(qemu, 0, sizeof(*qemu));
    qemu->domain = domain;
    return checkQEMUFindMap(qemu, err);
}


gboolean
checkQEMUBegin(CheckQEMU *qemu, GError **err)
{
    qemu->suspended = FALSE;

    /* This applies to mapped accesses, too: QEMU drops an access to the host bridge while
     * another one, from the guest or from this program, waits for an emulator. */
    checkQEMUSignals(SIG_BLOCK);
    if (checkQEMUSuspend(qemu, err) &&
        (qemu->mapped || checkQEMUIn(qemu, 0xcf8, &qemu->address, err)))
        return TRUE;
    checkQEMUResume(qemu, NULL);
    checkQEMUSignals(SIG_UNBLOCK);
    return FALSE;
}


static void
checkQEMUStore(guint8 *config, guint offset, guint32 value)
{
    guint i;

    for (i = 0; i < 4; i++)
        config[offset + i] = value >> (8 * i);
}


static gboolean
checkQEMUReadMap(CheckQEMU *qemu, const CheckPlace *place, guint8 *config, GError **err)
{
    const guint64 address = qemu->base + ((guint64) place->bus << 20 | place->slot << 15 |
                                          place->function << 12);
    g_autofree char *answer = checkQEMUCommand(qemu->domain, err, "xp /%dxw 0x%" G_GINT64_MODIFIER "x",
                                               CHECK_CONFIG_SIZE / 4, address);
    const char *rest = answer;
    guint offset;

    if (!answer)
        return FALSE;
    for (offset = 0; offset < CHECK_CONFIG_SIZE; offset += 4) {
        guint32 value;

        if (!checkQEMUNumber(rest, " 0x", &value, &rest, err))
            return FALSE;
        checkQEMUStore(config, offset, value);
    }
    return TRUE;
}


gboolean
checkQEMURead(CheckQEMU *qemu, const CheckPlace *place,
              guint8 config[CHECK_CONFIG_SIZE], GError **err)
{
    /* those with our fields in them */
    static const guint8 offsets[] = { 0x00, 0x04, 0x08, 0x0c, 0x2c, 0x3c };
    gsize i;

    memset(config, 0, CHECK_CONFIG_SIZE);
    if (qemu->mapped)
        return checkQEMUReadMap(qemu, place, config, err);

    for (i = 0; i < G_N_ELEMENTS(offsets); i++) {
        guint32 value;

        if (!checkQEMUOut(qemu, 0xcf8, CHECK_QEMU_ENABLE | place->bus << 16 | place->slot << 11 |
                          place->function << 8 | offsets[i], err) ||
            !checkQEMUIn(qemu, 0xcfc, &value, err))
            return FALSE;
        checkQEMUStore(config, offsets[i], value);
    }
    return TRUE;
}


gboolean
checkQEMUEnd(CheckQEMU *qemu, GError **err)
{
    gboolean ok = qemu->mapped || checkQEMUOut(qemu, 0xcf8, qemu->address, err);

    ok = checkQEMUResume(qemu, ok ? err : NULL) && ok;
    checkQEMUSignals(SIG_UNBLOCK);
    return ok;
}
