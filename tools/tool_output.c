/*
 * tool_output.c: results on standard output, and errors on standard error
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <config.h>

#include "tool_output.h"

#include "emulatedpci_error.h"
#include "error_name.h"

#include <errno.h>
#include <stdio.h>

/* The errno of the first write that failed */
static int outputError;


gboolean
toolOutputWrite(const char *data, gsize len)
{
    if (outputError == 0 && fwrite(data, 1, len, stdout) != len)
        outputError = errno ? errno : EIO;
    return outputError == 0;
}


gboolean
toolOutputFinish(void)
{
    if (outputError == 0 && fflush(stdout) != 0)
        outputError = errno ? errno : EIO;
    /* some file systems report errors only now */
    if (fclose(stdout) != 0 && outputError == 0)
        outputError = errno ? errno : EIO;
    if (outputError == 0)
        return TRUE;

    g_printerr(_("%1$s: error: cannot write the output: %2$s\n"), TOOL_NAME,
               g_strerror(outputError));
    return FALSE;
}


static void
toolOutputLine(const char *file, const char *kind, const char *message, const char *code)
{
    g_printerr("%s: %s%s%s: %s%s%s%s\n", TOOL_NAME, file ? file : "", file ? ": " : "", kind,
               message, code ? " [" : "", code ? code : "", code ? "]" : "");
}


void
toolOutputError(const char *file, const GError *err)
{
    toolOutputLine(file, _("error"), err->message,
                   err->domain == EMULATED_PCI_ERROR ? errorCodeName(err->code) : NULL);
}


void
toolOutputErrorCode(const char *file, int code, const char *message)
{
    toolOutputLine(file, _("error"), message, errorCodeName(code));
}


void
toolOutputWarning(const char *file, const char *format, ...)
{
    g_autofree char *message = NULL;
    va_list args;

    va_start(args, format);
    message = g_strdup_vprintf(format, args);
    va_end(args);
    toolOutputLine(file, _("warning"), message, NULL);
}


ToolExit
toolOutputUsageError(const ToolCommand *command, const char *format, ...)
{
    g_autofree char *message = NULL;
    va_list args;

    va_start(args, format);
    message = g_strdup_vprintf(format, args);
    va_end(args);
    toolOutputLine(command ? command->name : NULL, _("error"), message, NULL);
    g_printerr(_("Try \"%1$s%2$s%3$s --help\".\n"), TOOL_NAME, command ? " " : "",
               command ? command->name : "");
    return TOOL_EXIT_USAGE;
}
