/*
 * monitor_detach.c: device_del for an emulated PCI device
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <config.h>

#include "monitor_detach.h"

#include <stdio.h>

#include "monitor_lines.h"

/* The types and errors in QEMU's replies; QEMU writes a space after a colon */
#define DETACH_TYPE "\"return\": \"vfio-user-pci\""
#define DETACH_ABSENT "\"class\": \"DeviceNotFound\""

/* The objects whose type is requested, below the device; indexed by MonitorQuestion */
static const char *const children[] = { "", "/VFIO MSIX PBA[0]", "/msix-table[0]" };


void
monitorDetachAsk(MonitorAttach *attach)
{
    char id[MONITOR_ID_MAX + 1];
    const char *device = "";
    size_t len = 0;

    /* The line was recognized before. */
    if (!monitorLineIsDetach(attach->line, attach->lineLen, id, &device, &len) ||
        len > MONITOR_COMMAND_MAX)
        len = 0;
    attach->textLen =
        snprintf(attach->text, sizeof(attach->text),
                 "{\"execute\":\"qom-get\",\"arguments\":{\"path\":\"/machine/peripheral/%.*s%s\","
                 "\"property\":\"type\"},\"id\":\"" MONITOR_DETACH_ID "\"}\r\n",
                 (int) len, device, children[attach->question]);
}


MonitorQuestion
monitorDetachJudge(MonitorQuestion question,
                   const char *reply,
                   size_t len)
{
    switch (question) {
    case MONITOR_QUESTION_TYPE:
        return monitorLineHas(reply, len, DETACH_TYPE) ? MONITOR_QUESTION_PENDING :
            MONITOR_QUESTION_PASS;
    case MONITOR_QUESTION_PENDING:
    case MONITOR_QUESTION_TABLE:
        if (!monitorLineHas(reply, len, DETACH_ABSENT))
            return MONITOR_QUESTION_REFUSE;
        return question == MONITOR_QUESTION_PENDING ? MONITOR_QUESTION_TABLE : MONITOR_QUESTION_PASS;
    case MONITOR_QUESTION_PASS:
    case MONITOR_QUESTION_REFUSE:
    default:
        return MONITOR_QUESTION_REFUSE;
    }
}
