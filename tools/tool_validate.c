/*
 * tool_validate.c: virt-emulatedpci validate
 *
 * The parser and its rules are applied first, because their messages name the field, the value and
 * the allowed values. The schema then validates the rest of the document, as libvirt's "define
 * --validate".
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <config.h>

#include "tool_options.h"
#include "tool_output.h"
#include "tool_schema.h"

#include "emulatedpci_definition.h"

#include <string.h>

typedef struct {
    ToolSchema *schema;     /* NULL: do not use the schema */
    const ProjectionOptions *projection;
    gboolean quiet;
} ToolValidate;


static gboolean
toolValidateDevice(const ToolValidate *validate, const ToolInput *input, GError **err)
{
    g_autoptr(EmulatedPCIDef) def = emulatedPCIDefParseString(input->data, input->len, err);

    return def && projectionResolve(def, validate->projection, err) &&
        emulatedPCIDefValidate(def, err);
}


/* Validates a definition, with the fields of its basis. */
static gboolean
toolValidateDefinition(const ToolValidate *validate, const ToolInput *input, GError **err)
{
    const ProjectionOptions *projection = validate->projection;
    g_autoptr(EmulatedPCIDefinition) definition =
        emulatedPCIDefinitionParse(input->data, input->len, FALSE, err);
    const EmulatedPCIDef *basis = NULL;

    if (!definition)
        return FALSE;
    if (definition->basis &&
        !(basis = projection->definition(definition->basis, projection->definitionOpaque, err)))
        return FALSE;
    return emulatedPCIDefinitionFill(definition, basis, err);
}


/* Lowering validates a whole domain; its result is discarded. */
static gboolean
toolValidateDomains(const ToolValidate *validate, const ToolInput *input, GError **err)
{
    g_autofree char *out = NULL;
    gsize outlen;

    return projectionLower(input->data, input->len, validate->projection, &out, &outlen, err) != PROJECTION_ERROR;
}


static gboolean
toolValidateDocument(const ToolValidate *validate, const ToolInput *input, GError **err)
{
    g_autoptr(ToolXMLDoc) doc = toolXMLParse(input, err);

    if (!doc || (!toolXMLIs(xmlDocGetRootElement(doc), "device") && !toolXMLCheckRoot(doc, err)))
        return FALSE;

    if (toolXMLIs(xmlDocGetRootElement(doc), "device")) {
        if (!toolValidateDefinition(validate, input, err))
            return FALSE;
    } else if (toolXMLIs(xmlDocGetRootElement(doc), "emulatedpci")) {
        if (!toolValidateDevice(validate, input, err))
            return FALSE;
    } else if (!toolValidateDomains(validate, input, err)) {
        return FALSE;
    }
    return !validate->schema || toolSchemaValidate(validate->schema, doc, err);
}


static gboolean
toolValidateInput(const ToolInput *input, void *opaque)
{
    const ToolValidate *validate = opaque;
    g_autoptr(GError) err = NULL;

    if (!toolValidateDocument(validate, input, &err)) {
        toolOutputError(input->name, err);
        return FALSE;
    }
    if (!validate->quiet) {
        g_autofree char *text = g_strdup_printf(_("%1$s validates\n"), input->name);

        toolOutputWrite(text, strlen(text));
    }
    return TRUE;
}


static ToolExit
toolValidate(const ToolCommand *command, int argc, char **argv)
{
    g_auto(ToolOptions) options = { 0 };
    g_autoptr(ToolSchema) schema = NULL;
    g_autofree char *schemaDir = NULL;
    ToolValidate validate = { NULL, &options.projection, FALSE };
    gboolean noSchema = FALSE;
    const GOptionEntry entries[] = {
        TOOL_OPTION_DEFINITIONS(&options),
        { "no-schema", 0, 0, G_OPTION_ARG_NONE, &noSchema,
          N_("Do not validate against the RELAX NG schemas"), NULL },
        { "schema-dir", 0, 0, G_OPTION_ARG_FILENAME, &schemaDir,
          N_("Directory of the schemas"), N_("DIR") },
        { "quiet", 'q', 0, G_OPTION_ARG_NONE, &validate.quiet,
          N_("Do not print a line for valid documents"), NULL },
        { NULL, 0, 0, 0, NULL, NULL, NULL },
    };

    if (!toolOptionsParse(&options, command, entries, FALSE, TOOL_FILES_ANY, argc, argv))
        return TOOL_EXIT_USAGE;
    if (!noSchema)
        validate.schema = schema = toolSchemaNew(schemaDir);

    return toolInputForEach(options.files, toolValidateInput, &validate) ? TOOL_EXIT_OK
                                                                         : TOOL_EXIT_FAILED;
}


const ToolCommand toolCommandValidate = {
    .name = "validate",
    .operands = N_("[FILE…]"),
    .summary = N_("Validate documents by rules and schema"),
    .description = N_("Reads <domain>, <domainsnapshot>, <domaincheckpoint> or <emulatedpci>\n"
                      "documents, or definitions (<device>), from every FILE, or from standard\n"
                      "input. The exit status is 0 if all are valid."),
    .run = toolValidate,
};
