/*
 * device_owner.c: the user of a running domain's QEMU
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <config.h>

#include "device_owner.h"
#include "emulatedpci_xml.h"
#include "rpc_frame.h"

#include <libxml/tree.h>
#include <pwd.h>
#include <string.h>

#define OWNER_NONE ((uid_t) -1)


/* Returns the user ID in LABEL, USER[:GROUP]. As in libvirt, a "+" precedes a number, and other texts
 * are names, or numbers if there is no such name. */
static uid_t
ownerParse(const char *label)
{
    g_autofree char *user = g_strndup(label, strcspn(label, ":"));
    const struct passwd *entry = *user == '+' ? NULL : getpwnam(user);
    guint64 number;

    if (entry)
        return entry->pw_uid;
    return g_ascii_string_to_unsigned(user + (*user == '+'), 10, 0, OWNER_NONE - 1, &number, NULL) ?
        number : OWNER_NONE;
}


/* Returns the user ID in NODE, if it is the <seclabel> of the driver. */
static uid_t
ownerReadLabel(xmlNodePtr node)
{
    g_autofree char *text = NULL;
    xmlChar *model;
    xmlNodePtr child;
    gboolean dac;

    if (node->type != XML_ELEMENT_NODE || strcmp((const char *) node->name, "seclabel") != 0)
        return OWNER_NONE;
    model = xmlGetNoNsProp(node, BAD_CAST "model");
    dac = g_strcmp0((const char *) model, "dac") == 0;
    xmlFree(model);
    for (child = dac ? node->children : NULL; child && !text; child = child->next) {
        if (child->type == XML_ELEMENT_NODE && strcmp((const char *) child->name, "label") == 0)
            text = emulatedPCIXMLReadText(child, NULL);
    }
    return text ? ownerParse(text) : OWNER_NONE;
}


uid_t
deviceOwnerRead(const char *xml, gsize len)
{
    xmlDocPtr doc = emulatedPCIXMLParse(xml, len, RPC_STRING_MAX, "domain.xml", NULL);
    xmlNodePtr node = doc ? xmlDocGetRootElement(doc) : NULL;
    uid_t uid = OWNER_NONE;

    for (node = node ? node->children : NULL; node && uid == OWNER_NONE; node = node->next)
        uid = ownerReadLabel(node);
    xmlFreeDoc(doc);
    return uid;
}
