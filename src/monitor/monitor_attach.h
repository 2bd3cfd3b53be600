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

/**
 * monitorAttachIsPaused:
 * @status: the state of the relay
 * @direction: a direction
 *
 * Returns TRUE if data for this direction must wait until a text of the relay has been sent. A
 * line that has been sent in part is completed first.
 */
bool monitorAttachIsPaused(const MonitorStatus *status, MonitorDirection direction);

/**
 * monitorAttachJudgeLibvirt:
 * @flow: the direction to QEMU
 * @data: the data that has come from libvirt
 * @len: its length, in bytes
 * @ended: whether no more data will come
 * @opaque: the MonitorSession
 *
 * A MonitorFlowJudge: finds commands that attach an emulated device.
 *
 * Returns the number of bytes to forward now.
 */
size_t monitorAttachJudgeLibvirt(MonitorFlow *flow, const char *data, size_t len, bool ended,
                                 void *opaque);

/**
 * monitorAttachJudgeQEMU:
 * @flow: the direction to libvirt
 * @data: the data that has come from QEMU
 * @len: its length, in bytes
 * @ended: whether no more data will come
 * @opaque: the MonitorSession
 *
 * A MonitorFlowJudge: finds the reply to a command of the relay.
 *
 * Returns the number of bytes to forward now.
 */
size_t monitorAttachJudgeQEMU(MonitorFlow *flow, const char *data, size_t len, bool ended,
                              void *opaque);

/**
 * monitorAttachRefuse:
 * @attach: the command that is being translated
 * @reason: the reason, plain text without quotes
 *
 * Creates the reply that tells libvirt that its command has failed.
 */
void monitorAttachRefuse(MonitorAttach *attach, const char *reason);
