/*
 * monitor_attach.h: device_add and device_del for an emulated PCI device
 *
 * For an emulated PCI device, libvirt sends device_add for the controller that reserves the
 * address. The alias of the controller contains the fields of the device (qemu_props_alias.h). The
 * guard requests an emulator from the launcher, which also translates the command for QEMU: id,
 * bus, addr and the id of the command are the same, so that QEMU's reply is the reply to libvirt's
 * command. If there is no emulator, libvirt gets an error, and QEMU gets no command.
 *
 * x-pci-proxy-dev requires a socket that QEMU has received with getfd. QEMU's replies to getfd, and
 * to closefd after an error, are not forwarded.
 *
 * A device_del waits until QEMU has replied to questions about the device: monitor_detach.h.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include "monitor_flow.h"
#include "monitor_status.h"

typedef struct {
    MonitorStatus *status;
    int libvirt;                /* the connections to libvirt and QEMU */
    int qemu;
    int guard;                  /* the worker's socket to the guard; or -1 */
    int link;                   /* QEMU's end of an emulator's socket; or -1 */
    bool asked;                 /* this worker has notified the guard of the request */
} MonitorSession;

/**
 * monitorAttachRun:
 * @session: the connections
 * @result: set to the result of sending the current text, in the direction @direction
 * @direction: set to the direction in which the text is sent
 *
 * Continues with a command that is being translated or checked.
 */
void monitorAttachRun(MonitorSession *session, MonitorFlowResult *result, MonitorDirection *direction);

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
 * A MonitorFlowJudge: finds commands that attach an emulated device, or detach one.
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
 * monitorAttachHear:
 * @session: the connections; its link is set if QEMU's end of a socket was received
 *
 * Receives the messages of the guard, without waiting for one.
 */
void monitorAttachHear(MonitorSession *session);

/**
 * monitorAttachCloseLink:
 * @session: the connections
 *
 * Closes QEMU's end of the socket of an emulator, if there is one.
 */
void monitorAttachCloseLink(MonitorSession *session);

/**
 * monitorAttachRefuse:
 * @attach: the command that is being translated or checked
 * @reason: the reason, plain text without quotes
 *
 * Creates the reply that tells libvirt that its command has failed.
 */
void monitorAttachRefuse(MonitorAttach *attach, const char *reason);
