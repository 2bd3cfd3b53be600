/*
 * vfio_user_json.c: the capabilities in vfio-user's VERSION message
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <config.h>

#include "vfio_user_json.h"

#include <string.h>

/* The rest of the text. Each function below consumes its beginning, and returns false if it does
 * not have the expected form. */
typedef struct {
    const char *at;
    const char *end;
    unsigned int depth;
} JSONReader;

typedef struct {
    const char *text;       /* the text between the quotes, with escapes */
    size_t len;
} JSONString;

/* Handles the value of the member NAME. */
typedef bool (*JSONMemberFunc)(JSONReader *reader,
                               const JSONString *name,
                               void *opaque);

static bool readValue(JSONReader *reader);


static void
skipSpace(JSONReader *reader)
{
    while (reader->at < reader->end && memchr(" \t\r\n", *reader->at, 4))
        reader->at++;
}


/* Consumes the character C, with white space around it. */
static bool
readChar(JSONReader *reader,
         char c)
{
    skipSpace(reader);
    if (reader->at == reader->end || *reader->at != c)
        return false;

    reader->at++;
    skipSpace(reader);
    return true;
}


static bool
readWord(JSONReader *reader,
         const char *word)
{
    const size_t len = strlen(word);

    if ((size_t) (reader->end - reader->at) < len || memcmp(reader->at, word, len) != 0)
        return false;

    reader->at += len;
    return true;
}


/* Consumes one or more digits; *COUNT is set to their number if it is not NULL. */
static bool
readDigits(JSONReader *reader,
           size_t *count)
{
    const char *start = reader->at;

    while (reader->at < reader->end && *reader->at >= '0' && *reader->at <= '9')
        reader->at++;
    if (count)
        *count = reader->at - start;
    return reader->at > start;
}


static bool
readNumber(JSONReader *reader)
{
    const char *first;
    size_t count;

    readWord(reader, "-");
    first = reader->at;
    if (!readDigits(reader, &count) || (*first == '0' && count > 1))
        return false;

    if (readWord(reader, ".") && !readDigits(reader, NULL))
        return false;

    if (readWord(reader, "e") || readWord(reader, "E")) {
        if (!readWord(reader, "+"))
            readWord(reader, "-");
        return readDigits(reader, NULL);
    }
    return true;
}


/* Consumes the characters after a backslash. */
static bool
readEscape(JSONReader *reader)
{
    int i;

    if (reader->at == reader->end)
        return false;

    if (*reader->at != 'u')
        return memchr("\"\\/bfnrt", *reader->at++, 8) != NULL;

    reader->at++;
    for (i = 0; i < 4; i++) {
        if (reader->at == reader->end || !memchr("0123456789abcdefABCDEF", *reader->at, 22))
            return false;
        reader->at++;
    }
    return true;
}


static bool
readString(JSONReader *reader,
           JSONString *string)
{
    const char *start;

    if (!readWord(reader, "\""))
        return false;

    start = reader->at;
    while (reader->at < reader->end) {
        const unsigned char c = *reader->at++;

        if (c == '"') {
            if (string)
                *string = (JSONString) { start, reader->at - 1 - start };
            return true;
        }
        if (c < 0x20 || (c == '\\' && !readEscape(reader)))
            return false;
    }
    return false;
}


static bool
skipMember(JSONReader *reader,
           const JSONString *name _GL_UNUSED,
           void *opaque _GL_UNUSED)
{
    return readValue(reader);
}


/* Consumes an object, or an array, whose elements are members without names. */
static bool
readContainer(JSONReader *reader,
              char open,
              JSONMemberFunc func,
              void *opaque)
{
    const char close = open == '{' ? '}' : ']';

    if (reader->depth == VFIO_USER_JSON_DEPTH_MAX || !readChar(reader, open))
        return false;

    reader->depth++;
    if (!readChar(reader, close)) {
        do {
            JSONString name = { 0 };

            if (open == '{' && (!readString(reader, &name) || !readChar(reader, ':')))
                return false;
            if (!func(reader, &name, opaque))
                return false;
        } while (readChar(reader, ','));

        if (!readChar(reader, close))
            return false;
    }
    reader->depth--;
    return true;
}


static bool
readValue(JSONReader *reader)
{
    if (reader->at == reader->end)
        return false;

    switch (*reader->at) {
    case '{':
    case '[':
        return readContainer(reader, *reader->at, skipMember, NULL);
    case '"':
        return readString(reader, NULL);
    case 't':
        return readWord(reader, "true");
    case 'f':
        return readWord(reader, "false");
    case 'n':
        return readWord(reader, "null");
    default:
        return readNumber(reader);
    }
}


/* Parses a number without fraction and exponent that fits. */
static bool
readUnsigned(JSONReader *reader,
             uint64_t *value)
{
    const char *start = reader->at;
    const char *p;

    if (!readNumber(reader))
        return false;

    *value = 0;
    for (p = start; p < reader->at; p++) {
        if (*p < '0' || *p > '9' ||
            __builtin_mul_overflow(*value, 10, value) ||
            __builtin_add_overflow(*value, *p - '0', value))
            return false;
    }
    return true;
}


static bool
nameIs(const JSONString *name,
       const char *what)
{
    return name->len == strlen(what) && memcmp(name->text, what, name->len) == 0;
}


static bool
readCapability(JSONReader *reader,
               const JSONString *name,
               void *opaque)
{
    VFIOUserCapabilities *capabilities = opaque;

    if (nameIs(name, "max_msg_fds")) {
        capabilities->hasMaxMsgFds = true;
        return readUnsigned(reader, &capabilities->maxMsgFds);
    }
    if (nameIs(name, "max_data_xfer_size")) {
        capabilities->hasMaxDataXferSize = true;
        return readUnsigned(reader, &capabilities->maxDataXferSize);
    }
    return readValue(reader);
}


static bool
readTopLevel(JSONReader *reader,
             const JSONString *name,
             void *opaque)
{
    if (nameIs(name, "capabilities")) {
        *(VFIOUserCapabilities *) opaque = (VFIOUserCapabilities) { 0 };
        return readContainer(reader, '{', readCapability, opaque);
    }
    return readValue(reader);
}


int
vfioUserCapabilitiesParse(VFIOUserCapabilities *capabilities,
                          const char *text,
                          size_t len)
{
    JSONReader reader = { .at = text, .end = text + len };

    *capabilities = (VFIOUserCapabilities) { 0 };

    if (!readContainer(&reader, '{', readTopLevel, capabilities))
        return -1;
    return reader.at == reader.end ? 0 : -1;
}
