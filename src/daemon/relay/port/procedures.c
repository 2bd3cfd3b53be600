/*
 * procedures.c: the procedures that carry what is rewritten
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <config.h>

#include "procedures.h"

#include <libvirt/libvirt.h>
#include <string.h>

/* VIR_NODE_DEVICE_{CREATE,DEFINE}_XML_VALIDATE, since 8.10.0 */
#define DEFINITION_VALIDATE 1

#define PROC(number, name, action, layout, validate) \
    [number] = { name, PROCEDURE_ ## action, layout, validate }

static const Procedure procedures[] = {
    PROC(1, "CONNECT_OPEN", OPEN, "Xf", 0),

    /* a domain */
    PROC(10, "DOMAIN_CREATE_XML", LOWER, "xf", VIR_DOMAIN_START_VALIDATE),
    PROC(309, "DOMAIN_CREATE_XML_WITH_FILES", LOWER, "xf", VIR_DOMAIN_START_VALIDATE),
    PROC(11, "DOMAIN_DEFINE_XML", LOWER, "x", 0),
    PROC(350, "DOMAIN_DEFINE_XML_FLAGS", LOWER, "xf", VIR_DOMAIN_DEFINE_VALIDATE),
    PROC(14, "DOMAIN_GET_XML_DESC", LIFT, "x", 0),
    PROC(135, "CONNECT_DOMAIN_XML_FROM_NATIVE", LIFT, "x", 0),
    PROC(136, "CONNECT_DOMAIN_XML_TO_NATIVE", LOWER, "sx", 0),
    PROC(342, "CONNECT_GET_DOMAIN_CAPABILITIES", DOMCAPS, "x", 0),

    /* what changes a domain's persistent XML otherwise, or can */
    PROC(30, "DOMAIN_SET_MAX_MEMORY", CHANGE, "d", 0),
    PROC(35, "DOMAIN_UNDEFINE", CHANGE, "d", 0),
    PROC(58, "DOMAIN_SET_SCHEDULER_PARAMETERS", CHANGE, "d", 0),
    PROC(192, "DOMAIN_REVERT_TO_SNAPSHOT", CHANGE, "sd", 0),
    PROC(197, "DOMAIN_SET_MEMORY_PARAMETERS", CHANGE, "d", 0),
    PROC(199, "DOMAIN_SET_VCPUS_FLAGS", CHANGE, "d", 0),
    PROC(204, "DOMAIN_SET_MEMORY_FLAGS", CHANGE, "d", 0),
    PROC(205, "DOMAIN_SET_BLKIO_PARAMETERS", CHANGE, "d", 0),
    PROC(219, "DOMAIN_SET_SCHEDULER_PARAMETERS_FLAGS", CHANGE, "d", 0),
    PROC(225, "DOMAIN_PIN_VCPU_FLAGS", CHANGE, "d", 0),
    PROC(231, "DOMAIN_UNDEFINE_FLAGS", CHANGE, "d", 0),
    PROC(252, "DOMAIN_SET_BLOCK_IO_TUNE", CHANGE, "d", 0),
    PROC(254, "DOMAIN_SET_NUMA_PARAMETERS", CHANGE, "d", 0),
    PROC(256, "DOMAIN_SET_INTERFACE_PARAMETERS", CHANGE, "d", 0),
    PROC(264, "DOMAIN_SET_METADATA", CHANGE, "d", 0),
    PROC(279, "DOMAIN_PIN_EMULATOR", CHANGE, "d", 0),
    PROC(308, "DOMAIN_SET_MEMORY_STATS_PERIOD", CHANGE, "d", 0),
    PROC(352, "DOMAIN_PIN_IOTHREAD", CHANGE, "d", 0),
    PROC(355, "DOMAIN_ADD_IOTHREAD", CHANGE, "d", 0),
    PROC(356, "DOMAIN_DEL_IOTHREAD", CHANGE, "d", 0),
    PROC(358, "DOMAIN_RENAME", CHANGE, "d", 0),
    PROC(366, "DOMAIN_SET_PERF_EVENTS", CHANGE, "d", 0),
    PROC(384, "DOMAIN_SET_VCPU", CHANGE, "d", 0),
    PROC(390, "DOMAIN_SET_LIFECYCLE_ACTION", CHANGE, "d", 0),
    PROC(402, "DOMAIN_SET_IOTHREAD_PARAMS", CHANGE, "d", 0),

    /* a device */
    PROC(8, "DOMAIN_ATTACH_DEVICE", DEVICE, "dx", 0),
    PROC(160, "DOMAIN_ATTACH_DEVICE_FLAGS", DEVICE, "dxf", 0),
    PROC(13, "DOMAIN_DETACH_DEVICE", DEVICE, "dx", 0),
    PROC(161, "DOMAIN_DETACH_DEVICE_FLAGS", DEVICE, "dxf", 0),
    PROC(392, "DOMAIN_DETACH_DEVICE_ALIAS", DEVICE, "dxf", 0),     /* not XML: the alias */
    PROC(174, "DOMAIN_UPDATE_DEVICE_FLAGS", DEVICE, "dxf", 0),

    /* saved domains */
    PROC(232, "DOMAIN_SAVE_FLAGS", LOWER, "dsX", 0),
    PROC(233, "DOMAIN_RESTORE_FLAGS", LOWER, "sX", 0),
    PROC(440, "DOMAIN_SAVE_PARAMS", LOWER, "dp", 0),
    PROC(441, "DOMAIN_RESTORE_PARAMS", LOWER, "p", 0),
    PROC(235, "DOMAIN_SAVE_IMAGE_GET_XML_DESC", LIFT, "x", 0),
    PROC(236, "DOMAIN_SAVE_IMAGE_DEFINE_XML", LOWER, "sx", 0),
    PROC(388, "DOMAIN_MANAGED_SAVE_GET_XML_DESC", LIFT, "x", 0),
    PROC(389, "DOMAIN_MANAGED_SAVE_DEFINE_XML", LOWER, "dX", 0),

    /* snapshots and checkpoints, with the domain in them */
    PROC(185, "DOMAIN_SNAPSHOT_CREATE_XML", LOWER, "dxf", VIR_DOMAIN_SNAPSHOT_CREATE_VALIDATE),
    PROC(186, "DOMAIN_SNAPSHOT_GET_XML_DESC", LIFT, "x", 0),
    PROC(411, "DOMAIN_CHECKPOINT_CREATE_XML", LOWER, "dxf",
         VIR_DOMAIN_CHECKPOINT_CREATE_REDEFINE_VALIDATE),
    PROC(412, "DOMAIN_CHECKPOINT_GET_XML_DESC", LIFT, "x", 0),

    /* Migration. What BEGIN3 returns is what the client carries to the other
     * host, in stock libvirt's terms: it stays lowered. */
    PROC(108, "DOMAIN_MIGRATE_PREPARE2", LOWER, "ShShx", 0),
    PROC(148, "DOMAIN_MIGRATE_PREPARE_TUNNEL", LOWER, "hShx", 0),
    PROC(213, "DOMAIN_MIGRATE_BEGIN3", LOWER, "dX", 0),
    PROC(214, "DOMAIN_MIGRATE_PREPARE3", LOWER, "oShShx", 0),
    PROC(215, "DOMAIN_MIGRATE_PREPARE_TUNNEL3", LOWER, "ohShx", 0),
    PROC(216, "DOMAIN_MIGRATE_PERFORM3", LOWER, "dX", 0),
    PROC(302, "DOMAIN_MIGRATE_BEGIN3_PARAMS", LOWER, "dp", 0),
    PROC(303, "DOMAIN_MIGRATE_PREPARE3_PARAMS", LOWER, "p", 0),
    PROC(304, "DOMAIN_MIGRATE_PREPARE_TUNNEL3_PARAMS", LOWER, "p", 0),
    PROC(305, "DOMAIN_MIGRATE_PERFORM3_PARAMS", LOWER, "dSp", 0),
    PROC(306, "DOMAIN_MIGRATE_FINISH3_PARAMS", LOWER, "p", 0),
    PROC(307, "DOMAIN_MIGRATE_CONFIRM3_PARAMS", LOWER, "dp", 0),

    /* node devices: lists, one by its name, XML, events */
    PROC(111, "NODE_NUM_OF_DEVICES", DEFINITION, "Sf", 0),
    PROC(112, "NODE_LIST_DEVICES", DEFINITION, "Suf", 0),
    PROC(285, "CONNECT_LIST_ALL_NODE_DEVICES", DEFINITION, "uf", 0),
    PROC(113, "NODE_DEVICE_LOOKUP_BY_NAME", DEFINITION, "s", 0),
    PROC(114, "NODE_DEVICE_GET_XML_DESC", DEFINITION, "sf", 0),
    PROC(115, "NODE_DEVICE_GET_PARENT", DEFINITION, "s", 0),
    PROC(116, "NODE_DEVICE_NUM_OF_CAPS", DEFINITION, "s", 0),
    PROC(117, "NODE_DEVICE_LIST_CAPS", DEFINITION, "su", 0),
    PROC(118, "NODE_DEVICE_DETTACH", DEFINITION, "s", 0),
    PROC(119, "NODE_DEVICE_RE_ATTACH", DEFINITION, "s", 0),
    PROC(120, "NODE_DEVICE_RESET", DEFINITION, "s", 0),
    PROC(301, "NODE_DEVICE_DETACH_FLAGS", DEFINITION, "sSf", 0),
    PROC(124, "NODE_DEVICE_DESTROY", DEFINITION, "s", 0),
    PROC(429, "NODE_DEVICE_UNDEFINE", DEFINITION, "sf", 0),
    PROC(430, "NODE_DEVICE_CREATE", DEFINITION, "sf", 0),
    PROC(433, "NODE_DEVICE_GET_AUTOSTART", DEFINITION, "s", 0),
    PROC(434, "NODE_DEVICE_SET_AUTOSTART", DEFINITION, "su", 0),
    PROC(435, "NODE_DEVICE_IS_PERSISTENT", DEFINITION, "s", 0),
    PROC(436, "NODE_DEVICE_IS_ACTIVE", DEFINITION, "s", 0),
    PROC(447, "NODE_DEVICE_UPDATE", DEFINITION, "sxf", 0),
    PROC(123, "NODE_DEVICE_CREATE_XML", DEFINITION, "xf", DEFINITION_VALIDATE),
    PROC(428, "NODE_DEVICE_DEFINE_XML", DEFINITION, "xf", DEFINITION_VALIDATE),
    PROC(374, "CONNECT_NODE_DEVICE_EVENT_REGISTER_ANY", DEFINITION, "uS", 0),
    PROC(375, "CONNECT_NODE_DEVICE_EVENT_DEREGISTER_ANY", DEFINITION, "u", 0),
};

/* The names of typed parameters that hold domain XML. */
static const char *const parameters[] = {
    "dxml",                                 /* VIR_DOMAIN_SAVE_PARAM_DXML, since 8.4.0 */
    VIR_MIGRATE_PARAM_DEST_XML,
    VIR_MIGRATE_PARAM_PERSIST_XML,
};


const Procedure *
procedureLookup(guint32 number)
{
    if (number >= G_N_ELEMENTS(procedures) || procedures[number].action == PROCEDURE_NONE)
        return NULL;
    return &procedures[number];
}


gboolean
procedureParameterIsXML(const char *name, gsize len)
{
    gsize i;

    for (i = 0; i < G_N_ELEMENTS(parameters); i++) {
        if (strlen(parameters[i]) == len && memcmp(parameters[i], name, len) == 0)
            return TRUE;
    }
    return FALSE;
}
