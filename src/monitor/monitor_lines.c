/*
 * monitor_lines.c: the parts of QMP that the relay reads
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <config.h>

#include "monitor_lines.h"

#include <stdio.h>
#include <string.h>

#include "qemu_props_marker.h"

/* The beginning of the command: libvirt writes JSON without spaces, and the driver first */
#define LINE_ATTACH "{\"execute\":\"device_add\",\"arguments\":{\"driver\":\"lsi\""

#define LINE_COMMAND "\"device_add\""
#define LINE_ID "\"id\":\""
#define LINE_ID_CHARS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-"


size_t
monitorLineLength(const char *data,
                  size_t len)
{
    const char *end = memchr(data, '\n', len);

    return end ? end - data + 1 : 0;
}


static bool
lineHas(const char *line,
        size_t len,
        const char *text)
{
    return memmem(line, len, text, strlen(text)) != NULL;
}


/* Finds the value of the last "id" in LINE, which is that of the command: libvirt writes it after
 * the arguments. */
static bool
lineReadId(const char *line,
           size_t len,
           char id[MONITOR_ID_MAX + 1])
{
    const char *found = NULL;
    const char *next = line;
    const char *const end = line + len;
    size_t n = 0;

    while ((next = memmem(next, end - next, LINE_ID, strlen(LINE_ID)))) {
        next += strlen(LINE_ID);
        found = next;
    }
    if (!found)
        return false;

    while (found + n < end && n <= MONITOR_ID_MAX && found[n] != '\0' &&
           strchr(LINE_ID_CHARS, found[n]))
        n++;
    if (n == 0 || n > MONITOR_ID_MAX || found + n == end || found[n] != '"')
        return false;
    memcpy(id, found, n);
    id[n] = '\0';
    return true;
}


bool
monitorLineIsAttach(const char *line,
                    size_t len,
                    char id[MONITOR_ID_MAX + 1])
{
    return len <= MONITOR_COMMAND_MAX && !memchr(line, '\0', len) &&
        lineHas(line, len, LINE_COMMAND) && lineHas(line, len, QEMU_PROPS_ALIAS_MARKER) &&
        lineReadId(line, len, id);
}


bool
monitorLineMayBeAttach(const char *data,
                       size_t len)
{
    const size_t known = strlen(LINE_ATTACH);

    return memcmp(data, LINE_ATTACH, len < known ? len : known) == 0;
}


bool
monitorLineIsReply(const char *line,
                   size_t len,
                   const char *id,
                   bool *error)
{
    char text[sizeof("\"id\": \"\"") + MONITOR_ID_MAX];

    snprintf(text, sizeof(text), "\"id\": \"%s\"", id);
    if (!lineHas(line, len, text) ||
        (!lineHas(line, len, "\"return\": ") && !lineHas(line, len, "\"error\": ")))
        return false;
    *error = !lineHas(line, len, "\"return\": ");
    return true;
}
