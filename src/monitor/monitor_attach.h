/*
 * monitor_attach.h: device_add for an emulated PCI device
 *
 * libvirt sends device_add for the controller that reserves the device's place; its alias holds
 * the device's fields (qemu_props_alias.h). The guard has the launcher start an emulator and
 * make the command that QEMU gets instead, with the same id, bus, addr and command id, so that
 * QEMU's reply is the reply to libvirt's command. If there is no emulator, libvirt gets an error
 * instead, and QEMU nothing.
 *
 * x-pci-proxy-dev takes its socket from the monitor: QEMU gets it by getfd before. The replies
 * to that, and to closefd after an error, are not passed on.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include "monitor_flow.h"
#include "monitor_status.h"

typedef struct {
    MonitorStatus *status;
    int libvirt;                /* the connections */
    int qemu;
    int guard;                  /* reading ends when the guard does; or -1 */
    int link;                   /* QEMU's end of an emulator's socket; or -1 */
} MonitorSession;

/**
 * monitorAttachRun:
 * @session: the connections
 * @result: set to how far the text got that is being sent, in flow @direction
 * @direction: the flow that it is sent in
 *
 * Goes on with a command that is being translated.
 *
 * Returns -1, or the exit status by which the guard is to be asked.
 */
int monitorAttachRun(MonitorSession *session, MonitorFlowResult *result, MonitorDirection *direction);

/* Returns whether what has come for @direction must wait for a text of the relay's own. */
bool monitorAttachIsPaused(const MonitorStatus *status, MonitorDirection direction);

/* MonitorFlowJudges; OPAQUE is the MonitorSession. */
size_t monitorAttachJudgeLibvirt(MonitorFlow *flow, const char *data, size_t len, bool ended,
                                 void *opaque);
size_t monitorAttachJudgeQEMU(MonitorFlow *flow, const char *data, size_t len, bool ended,
                              void *opaque);

/* Makes the reply that tells libvirt that its command has failed because of REASON, which
 * is plain text without quotes. */
void monitorAttachRefuse(MonitorAttach *attach, const char *reason);
