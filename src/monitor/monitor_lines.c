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

/* The beginning of the commands: libvirt writes JSON without spaces, and the driver first */
#define LINE_ATTACH "{\"execute\":\"device_add\",\"arguments\":{\"driver\":\"lsi\""
#define LINE_DETACH "{\"execute\":\"device_del\",\"arguments\":{\"id\":\""

/* The text between the id of the device and the id of the command */
#define LINE_DETACH_ID "\"},\"id\":\""

/* The beginning of an alias that the user can choose */
#define LINE_ALIAS "ua-"

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


bool
monitorLineHas(const char *line,
               size_t len,
               const char *text)
{
    return memmem(line, len, text, strlen(text)) != NULL;
}


/* Returns whether TEXT is at POS, and skips it. */
static bool
lineSkip(const char **pos,
         const char *end,
         const char *text)
{
    const size_t len = strlen(text);

    if ((size_t) (end - *pos) < len || memcmp(*pos, text, len) != 0)
        return false;
    *pos += len;
    return true;
}


/* Returns the number of characters of an id at POS. */
static size_t
lineSpanId(const char *pos,
           const char *end)
{
    size_t n = 0;

    while (pos + n < end && pos[n] != '\0' && strchr(LINE_ID_CHARS, pos[n]))
        n++;
    return n;
}


/* Stores the id of the command, which begins at POS and ends with a quote. */
static bool
lineCopyId(const char *pos,
           const char *end,
           char id[MONITOR_ID_MAX + 1])
{
    const size_t n = lineSpanId(pos, end);

    if (n == 0 || n > MONITOR_ID_MAX || pos + n == end || pos[n] != '"')
        return false;
    memcpy(id, pos, n);
    id[n] = '\0';
    return true;
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

    while ((next = memmem(next, end - next, LINE_ID, strlen(LINE_ID)))) {
        next += strlen(LINE_ID);
        found = next;
    }
    return found && lineCopyId(found, end, id);
}


bool
monitorLineIsAttach(const char *line,
                    size_t len,
                    char id[MONITOR_ID_MAX + 1])
{
    return len <= MONITOR_COMMAND_MAX && !memchr(line, '\0', len) &&
        monitorLineHas(line, len, LINE_COMMAND) && monitorLineHas(line, len, QEMU_PROPS_ALIAS_MARKER) &&
        lineReadId(line, len, id);
}


bool
monitorLineIsDetach(const char *line,
                    size_t len,
                    char id[MONITOR_ID_MAX + 1],
                    const char **device,
                    size_t *deviceLen)
{
    const char *const end = line + len;
    const char *pos = line;
    size_t n;

    if (len > MONITOR_COMMAND_MAX || !lineSkip(&pos, end, LINE_DETACH))
        return false;
    n = lineSpanId(pos, end);
    *device = pos;
    *deviceLen = n;
    if (n < strlen(LINE_ALIAS) || memcmp(pos, LINE_ALIAS, strlen(LINE_ALIAS)) != 0)
        return false;
    pos += n;
    return lineSkip(&pos, end, LINE_DETACH_ID) && lineCopyId(pos, end, id);
}


/* Returns whether the first LEN bytes of a line, DATA, can become a line that begins with TEXT. */
static bool
lineMayBegin(const char *data,
             size_t len,
             const char *text)
{
    const size_t known = strlen(text);

    return memcmp(data, text, len < known ? len : known) == 0;
}


bool
monitorLineMayBeCommand(const char *data,
                        size_t len)
{
    return lineMayBegin(data, len, LINE_ATTACH) || lineMayBegin(data, len, LINE_DETACH LINE_ALIAS);
}


bool
monitorLineIsReply(const char *line,
                   size_t len,
                   const char *id,
                   bool *error)
{
    char text[sizeof("\"id\": \"\"") + MONITOR_ID_MAX];

    snprintf(text, sizeof(text), "\"id\": \"%s\"", id);
    if (!monitorLineHas(line, len, text) ||
        (!monitorLineHas(line, len, "\"return\": ") && !monitorLineHas(line, len, "\"error\": ")))
        return false;
    *error = !monitorLineHas(line, len, "\"return\": ");
    return true;
}
