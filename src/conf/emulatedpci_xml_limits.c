/*
 * emulatedpci_xml_limits.c: limits of documents
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <config.h>

#include "emulatedpci_xml_limits.h"

#include "emulatedpci_error.h"

#include <string.h>

#include "gettext.h"

#define _(s) gettext(s)

/* Bits of the set of names */
#define NAME_BITS 65536

typedef struct {
    const char *pos;
    const char *end;
    const char *xml;
    const char *element;
    gsize elementLen;
    EmulatedPCIXMLFacts *facts;
    gboolean isInRoot;          /* a start tag has been found */

    guint depth;                /* the number of open elements */
    guint namespaces;           /* declarations in scope */
    guint16 declared[EMULATED_PCI_XML_DEPTH_MAX + 1];   /* the number of declarations at each depth */

    guint64 seed;               /* of the hash of names: a client cannot choose names with the same
                                 * hash */
    guint names;                /* bits in nameSet */
    guint32 nameSet[NAME_BITS / 32];
} Look;


static gboolean
lookIsBlank(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}


static gboolean
lookingAt(const Look *look, const char *word)
{
    const gsize len = strlen(word);

    return (gsize) (look->end - look->pos) >= len && memcmp(look->pos, word, len) == 0;
}


/* Moves after the next WORD, or to the end if there is none. */
static void
lookBehind(Look *look, const char *word)
{
    const gsize len = strlen(word);
    const char *found = memmem(look->pos, look->end - look->pos, word, len);

    look->pos = found ? found + len : look->end;
}


/* Moves after the quoted text that begins here. */
static void
lookBehindQuoted(Look *look)
{
    const char *close = memchr(look->pos + 1, *look->pos, look->end - look->pos - 1);

    look->pos = close ? close + 1 : look->end;
}


static void
lookExceeds(Look *look, EmulatedPCIXMLLimit limit, const char *tag)
{
    if (look->facts->exceeded != EMULATED_PCI_XML_LIMIT_NONE)
        return;
    look->facts->exceeded = limit;
    look->facts->offset = tag - look->xml;
}


/* Counts a name in the document, which is a part of TAG. */
static void
lookNote(Look *look, const char *name, gsize len, const char *tag)
{
    guint64 hash = look->seed;
    guint32 *word;
    guint32 bit;
    gsize i;

    for (i = 0; i < len; i++)
        hash = (hash ^ (guint8) name[i]) * G_GUINT64_CONSTANT(0x100000001b3);
    hash = (hash ^ hash >> 32) * G_GUINT64_CONSTANT(0x9e3779b97f4a7c15) >> 48;

    word = &look->nameSet[hash / 32];
    bit = (guint32) 1 << hash % 32;
    if (*word & bit)
        return;
    *word |= bit;
    if (++look->names > EMULATED_PCI_XML_NAMES_MAX)
        lookExceeds(look, EMULATED_PCI_XML_LIMIT_NAMES, tag);
}


/* Moves after the name that begins here. */
static void
lookBehindName(Look *look)
{
    while (look->pos < look->end && !lookIsBlank(*look->pos) && !strchr("=/>?\"'<", *look->pos))
        look->pos++;
}


static void
lookBehindBlank(Look *look)
{
    while (look->pos < look->end && lookIsBlank(*look->pos))
        look->pos++;
}


/* --- the document type declaration */

static void
lookMarkupDeclaration(Look *look)
{
    while (look->pos < look->end) {
        if (*look->pos == '"' || *look->pos == '\'') {
            lookBehindQuoted(look);
        } else if (*look->pos++ == '>') {
            return;
        }
    }
}


static void
lookInternalSubset(Look *look)
{
    while (look->pos < look->end) {
        if (lookingAt(look, "<!--")) {
            look->pos += strlen("<!--");
            lookBehind(look, "-->");
        } else if (lookingAt(look, "<?")) {
            lookBehind(look, "?>");
        } else if (lookingAt(look, "<!")) {
            lookMarkupDeclaration(look);
        } else if (*look->pos++ == ']') {
            return;
        }
    }
}


/* An entity can contain the element. Entities are not expanded. */
static void
lookDoctype(Look *look)
{
    const char *begin = look->pos;

    look->facts->hasDoctype = TRUE;
    while (look->pos < look->end) {
        if (*look->pos == '"' || *look->pos == '\'') {
            lookBehindQuoted(look);
        } else if (*look->pos == '[') {
            look->pos++;
            lookInternalSubset(look);
        } else if (*look->pos++ == '>') {
            break;
        }
    }

    if (memmem(begin, look->pos - begin, look->element, look->elementLen))
        look->facts->hasElement = TRUE;
}


/* --- tags */

/* Skips the attribute of @tag that begins here. Returns whether it is a namespace declaration. */
static gboolean
lookAttribute(Look *look, const char *tag)
{
    const char *name = look->pos;
    const char *value;
    gboolean isNamespace;
    gsize len;

    lookBehindName(look);
    len = look->pos - name;
    isNamespace = len >= 5 && memcmp(name, "xmlns", 5) == 0 && (len == 5 || name[5] == ':');
    lookNote(look, name, len, tag);

    lookBehindBlank(look);
    if (look->pos < look->end && *look->pos == '=')
        look->pos++;
    lookBehindBlank(look);

    value = look->pos;
    if (value < look->end && (*value == '"' || *value == '\'')) {
        lookBehindQuoted(look);
        if (isNamespace)
            lookNote(look, value, look->pos - value, tag);
    } else if (look->pos == name) {
        look->pos++;    /* malformed XML; the parser will stop here */
    }
    return isNamespace;
}


static void
lookStartTag(Look *look)
{
    const char *tag = look->pos - 1;
    const char *name = look->pos;
    guint attributes = 0;
    guint namespaces = 0;
    gboolean isEmpty;

    lookBehindName(look);
    lookNote(look, name, look->pos - name, tag);
    if ((gsize) (look->pos - name) == look->elementLen &&
        memcmp(name, look->element, look->elementLen) == 0) {
        look->facts->hasElement = TRUE;
        look->facts->isRoot |= !look->isInRoot;
    }
    look->isInRoot = TRUE;

    for (lookBehindBlank(look);
         look->pos < look->end && *look->pos != '/' && *look->pos != '>';
         lookBehindBlank(look)) {
        attributes++;
        namespaces += lookAttribute(look, tag);
    }
    isEmpty = look->pos < look->end && *look->pos == '/';

    if (attributes > EMULATED_PCI_XML_ATTRIBUTES_MAX)
        lookExceeds(look, EMULATED_PCI_XML_LIMIT_ATTRIBUTES, tag);
    else if (namespaces > EMULATED_PCI_XML_NAMESPACES_MAX - look->namespaces)
        lookExceeds(look, EMULATED_PCI_XML_LIMIT_NAMESPACES, tag);
    else if (look->depth >= EMULATED_PCI_XML_DEPTH_MAX)
        lookExceeds(look, EMULATED_PCI_XML_LIMIT_DEPTH, tag);

    if (isEmpty || look->facts->exceeded != EMULATED_PCI_XML_LIMIT_NONE)
        return;
    look->declared[++look->depth] = namespaces;
    look->namespaces += namespaces;
}


static void
lookEndTag(Look *look)
{
    lookBehind(look, ">");
    if (look->depth > 0 && look->facts->exceeded == EMULATED_PCI_XML_LIMIT_NONE)
        look->namespaces -= look->declared[look->depth--];
}


static void
lookInstruction(Look *look)
{
    const char *tag = look->pos;

    look->pos += strlen("<?");
    lookBehindName(look);
    lookNote(look, tag, look->pos - tag, tag);
    lookBehind(look, "?>");
}


void
emulatedPCIXMLLook(const char *xml,
                   gsize len,
                   const char *element,
                   EmulatedPCIXMLFacts *facts)
{
    Look look = {
        .pos = xml,
        .end = xml + len,
        .xml = xml,
        .element = element,
        .elementLen = strlen(element),
        .facts = facts,
        .seed = (guint64) g_random_int() << 32 | g_random_int(),
    };

    *facts = (EmulatedPCIXMLFacts) { 0 };
    while ((look.pos = memchr(look.pos, '<', look.end - look.pos))) {
        if (lookingAt(&look, "<!--")) {
            look.pos += strlen("<!--");
            lookBehind(&look, "-->");
        } else if (lookingAt(&look, "<![CDATA[")) {
            lookBehind(&look, "]]>");
        } else if (lookingAt(&look, "<?")) {
            lookInstruction(&look);
        } else if (lookingAt(&look, "<!DOCTYPE")) {
            lookDoctype(&look);
        } else if (lookingAt(&look, "</")) {
            lookEndTag(&look);
        } else {
            look.pos++;
            lookStartTag(&look);
        }
    }
}


/* --- the error */

static guint
lineOf(const char *xml, gsize offset)
{
    guint line = 1;
    gsize i;

    for (i = 0; i < offset; i++)
        line += xml[i] == '\n';
    return line;
}


gboolean
emulatedPCIXMLAccept(const char *xml, const EmulatedPCIXMLFacts *facts, GError **err)
{
    if (facts->hasDoctype) {
        emulatedPCIReportError(err, VIR_ERR_XML_ERROR, "%s",
                               _("a document type declaration is not allowed"));
        return FALSE;
    }

    switch (facts->exceeded) {
    case EMULATED_PCI_XML_LIMIT_NONE:
        return TRUE;
    case EMULATED_PCI_XML_LIMIT_ATTRIBUTES:
        emulatedPCIReportError(err, VIR_ERR_XML_ERROR,
                               _("too many attributes in the element at line %1$u: "
                                 "at most %2$d are allowed"),
                               lineOf(xml, facts->offset), EMULATED_PCI_XML_ATTRIBUTES_MAX);
        break;
    case EMULATED_PCI_XML_LIMIT_NAMESPACES:
        emulatedPCIReportError(err, VIR_ERR_XML_ERROR,
                               _("too many namespace declarations at line %1$u: at most %2$d in an "
                                 "element and its ancestors are allowed"),
                               lineOf(xml, facts->offset), EMULATED_PCI_XML_NAMESPACES_MAX);
        break;
    case EMULATED_PCI_XML_LIMIT_DEPTH:
        emulatedPCIReportError(err, VIR_ERR_XML_ERROR,
                               _("elements are nested too deeply at line %1$u: "
                                 "at most %2$d levels are allowed"),
                               lineOf(xml, facts->offset), EMULATED_PCI_XML_DEPTH_MAX);
        break;
    case EMULATED_PCI_XML_LIMIT_NAMES:
        emulatedPCIReportError(err, VIR_ERR_XML_ERROR,
                               _("too many different names in the document up to line %1$u: "
                                 "at most %2$d are allowed"),
                               lineOf(xml, facts->offset), EMULATED_PCI_XML_NAMES_MAX);
        break;
    }
    return FALSE;
}
