/*
 * tool_schema.c: documents against the RELAX NG grammars
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <config.h>

#include "tool_schema.h"

#include "emulatedpci_error.h"

#include <libxml/relaxng.h>

struct _ToolSchema {
    char *dir;
    GHashTable *grammars;   /* root element's name -> xmlRelaxNG */
};


ToolSchema *
toolSchemaNew(const char *dir)
{
    ToolSchema *schema = g_new0(ToolSchema, 1);

    schema->dir = g_strdup(dir ? dir : PKGDATA_DIR "/schemas");
    schema->grammars = g_hash_table_new_full(g_str_hash, g_str_equal, g_free,
                                             (GDestroyNotify) xmlRelaxNGFree);
    return schema;
}


void
toolSchemaFree(ToolSchema *schema)
{
    g_hash_table_unref(schema->grammars);
    g_free(schema->dir);
    g_free(schema);
}


static xmlRelaxNGPtr
toolSchemaLoad(ToolSchema *schema, const char *root, GError **err)
{
    g_autofree char *path = g_strdup_printf("%s/%s.rng", schema->dir, root);
    g_autoptr(GPtrArray) messages = g_ptr_array_new_with_free_func(g_free);
    ToolXMLMessages collected = { messages };
    xmlRelaxNGPtr grammar = g_hash_table_lookup(schema->grammars, root);
    xmlRelaxNGParserCtxtPtr ctxt;

    if (grammar)
        return grammar;

    ctxt = xmlRelaxNGNewParserCtxt(path);
    if (ctxt) {
        xmlSetStructuredErrorFunc(&collected, toolXMLCollect);
        grammar = xmlRelaxNGParse(ctxt);
        xmlSetStructuredErrorFunc(NULL, NULL);
        xmlRelaxNGFreeParserCtxt(ctxt);
    }
    if (!grammar) {
        g_autofree char *reasons = toolXMLJoin(&collected);

        emulatedPCIReportError(err, VIR_ERR_XML_ERROR,
                               _("cannot load schema '%1$s': %2$s; use --no-schema to skip the schema"),
                               path, reasons);
        return NULL;
    }
    g_hash_table_insert(schema->grammars, g_strdup(root), grammar);
    return grammar;
}


/* Returns the file name of the schema for @root. */
static const char *
toolSchemaName(const char *root)
{
    return g_str_equal(root, "device") ? "nodedev" : root;
}


gboolean
toolSchemaValidate(ToolSchema *schema, xmlDocPtr doc, GError **err)
{
    const char *root = (const char *) xmlDocGetRootElement(doc)->name;
    g_autoptr(GPtrArray) messages = g_ptr_array_new_with_free_func(g_free);
    ToolXMLMessages collected = { messages };
    xmlRelaxNGPtr grammar = toolSchemaLoad(schema, toolSchemaName(root), err);
    g_autofree char *reasons = NULL;
    xmlRelaxNGValidCtxtPtr ctxt;
    int result;

    if (!grammar)
        return FALSE;

    ctxt = xmlRelaxNGNewValidCtxt(grammar);
    g_assert(ctxt);
    xmlRelaxNGSetValidStructuredErrors(ctxt, toolXMLCollect, &collected);
    result = xmlRelaxNGValidateDoc(ctxt, doc);
    xmlRelaxNGFreeValidCtxt(ctxt);

    if (result == 0)
        return TRUE;
    reasons = toolXMLJoin(&collected);
    emulatedPCIReportError(err, VIR_ERR_XML_INVALID_SCHEMA,
                           _("does not validate against the schema of <%1$s>: %2$s"), root,
                           reasons);
    return FALSE;
}
