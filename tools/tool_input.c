/*
 * tool_input.c: the documents that the tool reads
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <config.h>

#include "tool_input.h"
#include "tool_output.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>


static GString *
toolInputReadFD(int fd, GError **err)
{
    g_autoptr(GString) data = g_string_sized_new(16 * 1024);
    char buf[8 * 1024];

    for (;;) {
        ssize_t n = read(fd, buf, sizeof(buf));

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0) {
            g_set_error_literal(err, G_FILE_ERROR, g_file_error_from_errno(errno),
                                g_strerror(errno));
            return NULL;
        }
        if (n == 0)
            break;
        if (data->len + n > TOOL_INPUT_MAX) {
            g_set_error(err, G_FILE_ERROR, G_FILE_ERROR_INVAL,
                        _("too large: at most %1$d MiB are supported"),
                        TOOL_INPUT_MAX / (1024 * 1024));
            return NULL;
        }
        g_string_append_len(data, buf, n);
    }

    if (data->len == 0) {
        g_set_error_literal(err, G_FILE_ERROR, G_FILE_ERROR_INVAL, _("empty: a document is required"));
        return NULL;
    }
    return g_steal_pointer(&data);
}


gboolean
toolInputRead(ToolInput *input, const char *file)
{
    const gboolean isStdin = !file || strcmp(file, "-") == 0;
    g_autoptr(GError) err = NULL;
    GString *data = NULL;
    int fd = STDIN_FILENO;

    input->data = NULL;
    input->name = isStdin ? _("standard input") : file;

    if (!isStdin)
        fd = open(file, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        g_set_error_literal(&err, G_FILE_ERROR, g_file_error_from_errno(errno),
                            g_strerror(errno));
    } else {
        data = toolInputReadFD(fd, &err);
        if (!isStdin)
            close(fd);
    }

    if (!data) {
        toolOutputError(input->name, err);
        return FALSE;
    }
    input->len = data->len;
    input->data = g_string_free(data, FALSE);
    return TRUE;
}


void
toolInputClear(ToolInput *input)
{
    g_clear_pointer(&input->data, g_free);
}


static gboolean
toolInputOne(const char *file, ToolInputFunc func, void *opaque)
{
    g_auto(ToolInput) input = { NULL, NULL, 0 };

    return toolInputRead(&input, file) && func(&input, opaque);
}


gboolean
toolInputForEach(char **files, ToolInputFunc func, void *opaque)
{
    gboolean ok = TRUE;
    gsize i;

    if (!files || !files[0])
        return toolInputOne(NULL, func, opaque);

    for (i = 0; files[i]; i++) {
        if (!toolInputOne(files[i], func, opaque))
            ok = FALSE;
    }
    return ok;
}
