/*
 * emulator_transport.c: the protocols that a device can speak, by name
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <config.h>

#include "emulator_transport.h"

#include "mpqemu.h"
#include "vfio_user.h"


const EmulatorProtocol *
emulatorTransportGet(EmulatorTransport transport)
{
    static const EmulatorProtocol *const all[EMULATOR_TRANSPORT_LAST] = {
        [EMULATOR_TRANSPORT_MPQEMU] = &mpqemuProtocol,
        [EMULATOR_TRANSPORT_VFIO_USER] = &vfioUserProtocol,
    };

    return all[transport];
}
