/*
 * emulator_transport.h: the protocols that a device can speak, by name
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include "emulator_device_options.h"
#include "emulator_protocol.h"

/**
 * emulatorTransportGet:
 * @transport: which one
 *
 * Returns the protocol of that transport, never NULL.
 */
const EmulatorProtocol *emulatorTransportGet(EmulatorTransport transport);
