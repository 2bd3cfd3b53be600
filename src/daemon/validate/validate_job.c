/*
 * validate_job.c: validates a document by the project's schema
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <config.h>

#include "emulatedpci_error.h"
#include "emulatedpci_xml.h"
#include "event_loop.h"
#include "rpc_frame.h"
#include "validate_job.h"

#include "full-read.h"
#include "full-write.h"
#include "gettext.h"

#include <errno.h>
#include <fcntl.h>
#include <libxml/relaxng.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#define _(s) gettext(s)

/* The maximum length of a message, in bytes: a pipe accepts it in one write. */
#define VALIDATE_MESSAGE_MAX 3072

/* The longest time that the process may take, in milliseconds. It usually takes a fraction of a
 * second, but the client can stop it because both have the same user. */
#define VALIDATE_TIMEOUT 60000

/* The time of libxml2's RELAX NG is quadratic in the number of some elements. Existing documents of
 * several megabytes take a second and 100 MiB. */
#define VALIDATE_CPU_MAX 10             /* seconds */
#define VALIDATE_MEMORY_MAX 256         /* MiB, beyond what the process has already */

typedef struct {
    RelayJob base;
    pid_t pid;                          /* 0: it has been reaped */
    gint64 deadline;                    /* monotonic, us */
    int fd;                             /* the pipe for the result */
    ValidateFunc done;
    void *opaque;
} ValidateJob;

/* A result, as it is written to the pipe */
typedef struct {
    int code;                           /* 0: valid */
    char message[VALIDATE_MESSAGE_MAX];
} ValidateResult;


static void G_GNUC_PRINTF(2, 3)
validateCollectMessage(void *opaque, const char *format, ...)
{
    GString *messages = opaque;
    va_list ap;

    va_start(ap, format);
    g_string_append_vprintf(messages, format, ap);
    va_end(ap);
}


static void G_GNUC_PRINTF(2, 3)
validateIgnoreMessage(void *opaque G_GNUC_UNUSED, const char *format G_GNUC_UNUSED, ...)
{
}


static gboolean
validateTree(const char *path, xmlDocPtr doc, GError **err)
{
    g_autoptr(GString) messages = g_string_new(NULL);
    xmlRelaxNGParserCtxtPtr parser = xmlRelaxNGNewParserCtxt(path);
    xmlRelaxNGPtr grammar;
    xmlRelaxNGValidCtxtPtr valid;
    int rc;

    xmlRelaxNGSetParserErrors(parser, validateCollectMessage, validateIgnoreMessage, messages);
    grammar = xmlRelaxNGParse(parser);
    xmlRelaxNGFreeParserCtxt(parser);
    if (!grammar) {
        emulatedPCIReportError(err, VIR_ERR_INTERNAL_ERROR,
                               _("Unable to parse RNG %1$s: %2$s"), path, messages->str);
        return FALSE;
    }

    valid = xmlRelaxNGNewValidCtxt(grammar);
    xmlRelaxNGSetValidErrors(valid, validateCollectMessage, validateIgnoreMessage, messages);
    rc = xmlRelaxNGValidateDoc(valid, doc);
    xmlRelaxNGFreeValidCtxt(valid);
    xmlRelaxNGFree(grammar);

    if (rc != 0) {
        g_strchomp(messages->str);
        emulatedPCIReportError(err, VIR_ERR_XML_INVALID_SCHEMA,
                               _("Unable to validate doc against %1$s\n%2$s"),
                               path, messages->str);
        return FALSE;
    }
    return TRUE;
}


gboolean
validateDocument(const char *schemaDir, const char *xml, gsize len, GError **err)
{
    g_autofree char *path = NULL;
    xmlNodePtr root;
    xmlDocPtr doc;
    gboolean ok = FALSE;

    doc = emulatedPCIXMLParse(xml, len, RPC_STRING_MAX, NULL, err);
    if (!doc)
        return FALSE;

    /* Errors in a grammar are reported in the reply, not on standard error. */
    xmlSetGenericErrorFunc(NULL, validateIgnoreMessage);
    root = xmlDocGetRootElement(doc);
    path = g_strdup_printf("%s/%s.rng", schemaDir,
                           strcmp((const char *) root->name, "device") == 0 ?
                           "nodedev" : (const char *) root->name);
    if (strcmp((const char *) root->name, "domain") != 0 &&
        strcmp((const char *) root->name, "device") != 0 &&
        strcmp((const char *) root->name, "domainsnapshot") != 0 &&
        strcmp((const char *) root->name, "domaincheckpoint") != 0) {
        g_autofree char *found = emulatedPCIXMLDescribe(root);

        emulatedPCIReportError(err, VIR_ERR_XML_ERROR, _("unexpected root element <%1$s>"), found);
    } else {
        ok = validateTree(path, doc, err);
    }
    xmlFreeDoc(doc);
    xmlSetGenericErrorFunc(NULL, NULL);
    return ok;
}


/* Returns the process's writable memory, in bytes: the sixth number of statm is in pages. */
static guint64
validateMemory(void)
{
    const guint64 pageSize = sysconf(_SC_PAGESIZE);
    g_autofree char *text = NULL;
    g_auto(GStrv) numbers = NULL;
    guint64 pages;

    if (!g_file_get_contents("/proc/self/statm", &text, NULL, NULL))
        return 0;
    numbers = g_strsplit(text, " ", 0);
    if (g_strv_length(numbers) < 6 ||
        !g_ascii_string_to_unsigned(numbers[5], 10, 0, G_MAXINT64 / pageSize, &pages, NULL))
        return 0;
    return pages * pageSize;
}


void
validateLimit(void)
{
    /* SIGXCPU at the first limit ends the process, and its parent reports it. The kernel checks
     * the second one, for SIGKILL, first. If the machine was paused, the kernel may count several
     * seconds at once, so the two are far apart. */
    struct rlimit cpu = { VALIDATE_CPU_MAX, VALIDATE_CPU_MAX + 60 };
    struct rlimit memory;
    struct rlimit core = { 0, 0 };

    memory.rlim_cur = validateMemory() + VALIDATE_MEMORY_MAX * G_GUINT64_CONSTANT(1048576);
    memory.rlim_max = memory.rlim_cur;
    if (setrlimit(RLIMIT_CORE, &core) < 0 || setrlimit(RLIMIT_CPU, &cpu) < 0 ||
        setrlimit(RLIMIT_DATA, &memory) < 0)
        _exit(1);
}


static void
validateReportMemory(GError **err)
{
    emulatedPCIReportError(err, VIR_ERR_XML_ERROR,
                           _("validating the document takes more than %1$d MiB of memory"),
                           VALIDATE_MEMORY_MAX);
}


/* The main function of the validating process. */
G_GNUC_NORETURN static void
validateChild(const char *schemaDir, const char *xml, gsize len, int fd)
{
    g_autoptr(GError) err = NULL;
    ValidateResult result = { 0 };

    validateLimit();
    if (!validateDocument(schemaDir, xml, len, &err)) {
        EmulatedPCIXMLErrorPtr last = xmlGetLastError();

        if (last && last->code == XML_ERR_NO_MEMORY) {
            g_clear_error(&err);
            validateReportMemory(&err);
        }
        g_autofree char *message = g_utf8_substring(err->message, 0,
            MIN(g_utf8_strlen(err->message, -1), VALIDATE_MESSAGE_MAX / 4 - 1));

        result.code = err->code;
        g_strlcpy(result.message, message, sizeof(result.message));
    }
    _exit(full_write(fd, &result, sizeof(result)) == sizeof(result) ? 0 : 1);
}


/* Kills the process. Returns its status, or 0 if it has been reaped before. */
static int
validateJobEnd(ValidateJob *job)
{
    int status = 0;

    if (job->pid <= 0)
        return 0;

    kill(job->pid, SIGKILL);
    while (waitpid(job->pid, &status, 0) < 0 && errno == EINTR)
        ;
    job->pid = 0;
    return status;
}


/* Reports why the process has exited without a result. */
static void
validateReportEnd(int status, GError **err)
{
    if (WIFSIGNALED(status) && WTERMSIG(status) == SIGXCPU) {
        emulatedPCIReportError(err, VIR_ERR_XML_ERROR,
                               _("validating the document takes more than %1$d seconds of "
                                 "processor time"), VALIDATE_CPU_MAX);
    } else {
        /* GLib aborts a process whose allocation fails. */
        validateReportMemory(err);
    }
}


/* Returns the error that the process has found or that it has failed with, or NULL. READABLE: it
 * has ended, or has written its whole result. */
static GError *
validateJobResult(ValidateJob *job, gboolean readable)
{
    GError *err = NULL;
    ValidateResult result;

    if (!readable) {
        emulatedPCIReportError(&err, VIR_ERR_OPERATION_TIMEOUT, "%s",
                               _("timed out waiting for the validation of the document"));
    } else if (full_read(job->fd, &result, sizeof(result)) != sizeof(result)) {
        validateReportEnd(validateJobEnd(job), &err);
    } else if (result.code != 0) {
        result.message[sizeof(result.message) - 1] = '\0';
        emulatedPCIReportError(&err, result.code, "%s", result.message);
    }
    return err;
}


static int
validateJobDescriptor(const RelayJob *job)
{
    return ((const ValidateJob *) job)->fd;
}


static int
validateJobDeadline(const RelayJob *job)
{
    return eventTimeUntil(((const ValidateJob *) job)->deadline);
}


static gboolean
validateJobStep(RelayJob *base, guint events)
{
    ValidateJob *job = (ValidateJob *) base;
    gboolean readable = (events & RELAY_JOB_READABLE) != 0;
    g_autoptr(GError) err = NULL;

    if (!readable && g_get_monotonic_time() < job->deadline)
        return TRUE;

    base->ended = TRUE;
    err = validateJobResult(job, readable);
    job->done(err, job->opaque);
    return TRUE;
}


static void
validateJobFree(RelayJob *base)
{
    ValidateJob *job = (ValidateJob *) base;

    validateJobEnd(job);
    close(job->fd);
    g_free(job);
}


static const RelayJobOps validateJobOps = {
    .descriptor = validateJobDescriptor,
    .deadline = validateJobDeadline,
    .step = validateJobStep,
    .free = validateJobFree,
};


RelayJob *
validateJobStart(const char *schemaDir,
                 const char *xml,
                 gsize len,
                 ValidateFunc done,
                 void *opaque,
                 GError **err)
{
    ValidateJob *job;
    const pid_t parent = getpid();
    int fds[2];
    pid_t pid;

    if (pipe2(fds, O_CLOEXEC) < 0) {
        emulatedPCIReportError(err, VIR_ERR_INTERNAL_ERROR, _("cannot create a pipe: %1$s"), g_strerror(errno));
        return NULL;
    }

    pid = fork();
    if (pid == 0) {
        /* If this process is killed, its child must exit, too. */
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (getppid() != parent)
            _exit(1);
        close(fds[0]);
        validateChild(schemaDir, xml, len, fds[1]);
    }

    close(fds[1]);
    if (pid < 0) {
        close(fds[0]);
        emulatedPCIReportError(err, VIR_ERR_INTERNAL_ERROR, _("cannot start a process: %1$s"), g_strerror(errno));
        return NULL;
    }

    job = g_new0(ValidateJob, 1);
    job->base.ops = &validateJobOps;
    job->pid = pid;
    job->deadline = g_get_monotonic_time() + VALIDATE_TIMEOUT * 1000LL;
    job->fd = fds[0];
    job->done = done;
    job->opaque = opaque;
    return &job->base;
}
