/*
 * bench-projection.c: the speed of lowering and lifting
 *
 * Uses documents of 8 KB, as libvirt formats them, with and without emulated
 * devices, on one core. The times are compared with a plain search of the
 * text (the expected cost of a document without such devices) and with
 * libxml2's own parsers (the minimum for a document that is parsed).
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <config.h>

#include "projection.h"

#include <libxml/parser.h>
#include <libxml/parserInternals.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* A document's size, in bytes, and how long one measurement takes. */
#define DOCUMENT_SIZE 8192
#define MEASURE_USEC 300000
#define MEASURE_ROUNDS 5

/* The required rate, in documents per second */
#define TARGET 10000

static const ProjectionOptions options = {
    .launchDir = "/launch",
    .qemuDir = "/usr/bin",
};


/* A domain with N emulated devices, filled up with disks to DOCUMENT_SIZE. */
static char *
makeDocument(unsigned int n)
{
    static const char tail[] = "  </devices>\n</domain>\n";
    GString *xml = g_string_new("<domain type='kvm'>\n"
                                "  <name>demo</name>\n"
                                "  <uuid>4dea22b3-1d52-d8f3-2516-782e98ab3fa0</uuid>\n"
                                "  <memory unit='KiB'>1048576</memory>\n"
                                "  <os>\n"
                                "    <type arch='x86_64' machine='pc-q35-7.2'>hvm</type>\n"
                                "  </os>\n"
                                "  <devices>\n"
                                "    <emulator>/usr/bin/qemu-system-x86_64</emulator>\n");
    unsigned int i;

    for (i = 0; i < n; i++) {
        g_string_append_printf(xml,
                               "    <emulatedpci devicename='citrix-pv-bus'>\n"
                               "      <config vendorid='0x5853' deviceid='0xc%03x' command='0x0000'"
                               " status='0x0000' revision='0x01' classcode='0xff8000'"
                               " headertype='0x00' subvendorid='0x5853' subsystemid='0xc000'"
                               " interruptline='0x00' interruptpin='0x01'/>\n"
                               "      <alias name='ua-emulatedpci%u'/>\n"
                               "      <address type='pci' domain='0x0000' bus='0x%02x' slot='0x01'"
                               " function='0x0'/>\n"
                               "    </emulatedpci>\n", i, i, i + 64);
    }

    for (i = 0; xml->len < DOCUMENT_SIZE; i++) {
        g_string_append_printf(xml,
                               "    <disk type='file' device='disk'>\n"
                               "      <driver name='qemu' type='qcow2'/>\n"
                               "      <source file='/var/lib/libvirt/images/disk%u.qcow2'/>\n"
                               "      <target dev='vd%c' bus='virtio'/>\n"
                               "      <alias name='virtio-disk%u'/>\n"
                               "      <address type='pci' domain='0x0000' bus='0x%02x' slot='0x00'"
                               " function='0x0'/>\n"
                               "    </disk>\n", i, 'a' + (int) (i % 26), i, i);
    }
    g_string_append(xml, tail);
    return g_string_free(xml, FALSE);
}


typedef void (*Work)(const char *xml, gsize len);

static volatile gsize sink;


static void
workSearch(const char *xml,
           gsize len)
{
    sink += memmem(xml, len, "<emulatedpci", strlen("<emulatedpci")) != NULL;
}


static void
run(ProjectionResult (*projection)(const char *, gsize, const ProjectionOptions *,
                                   char **, gsize *, GError **),
    const char *xml,
    gsize len)
{
    g_autoptr(GError) err = NULL;
    g_autofree char *out = NULL;
    gsize outlen = 0;

    if (projection(xml, len, &options, &out, &outlen, &err) == PROJECTION_ERROR)
        g_error("%s", err->message);
    sink += outlen;
}


static void
workLower(const char *xml,
          gsize len)
{
    run(projectionLower, xml, len);
}


static void
workLift(const char *xml,
         gsize len)
{
    run(projectionLift, xml, len);
}


static void
workSAX(const char *xml,
        gsize len)
{
    xmlParserCtxtPtr ctxt = xmlCreateMemoryParserCtxt(xml, len);

    memset(ctxt->sax, 0, sizeof(*ctxt->sax));
    ctxt->sax->initialized = XML_SAX2_MAGIC;
    xmlParseDocument(ctxt);
    sink += ctxt->wellFormed;
    xmlFreeParserCtxt(ctxt);
}


static void
workTree(const char *xml,
         gsize len)
{
    xmlDocPtr doc = xmlReadMemory(xml, len, NULL, NULL, XML_PARSE_NONET);

    sink += doc != NULL;
    xmlFreeDoc(doc);
}


/* Returns the CPU time of this process in microseconds. Unlike the elapsed time, it
 * excludes the time of other processes. */
static gint64
cpuTime(void)
{
    struct timespec now;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (gint64) now.tv_sec * G_USEC_PER_SEC + now.tv_nsec / 1000;
}


/* Returns the seconds for one document: the minimum of several measurements, because
 * other load on the machine can only increase the time. */
static double
measure(Work work,
        const char *xml)
{
    const gsize len = strlen(xml);
    double best = 0;
    int i;

    for (i = 0; i < MEASURE_ROUNDS; i++) {
        gint64 start = cpuTime();
        gint64 elapsed = 0;
        gint64 n = 0;
        double one;

        while (elapsed < MEASURE_USEC / MEASURE_ROUNDS) {
            int batch;

            for (batch = 0; batch < 50; batch++)
                work(xml, len);
            n += batch;
            elapsed = cpuTime() - start;
        }
        one = elapsed / 1e6 / n;
        if (i == 0 || one < best)
            best = one;
    }
    return best;
}


static double
report(const char *what,
       Work work,
       const char *xml)
{
    double seconds = measure(work, xml);

    printf("%-44s %6zu bytes %9.2f us %10.0f docs/s %8.0f MB/s\n", what, strlen(xml),
           seconds * 1e6, 1 / seconds, strlen(xml) / seconds / 1e6);
    return seconds;
}


int
main(void)
{
    static const unsigned int devices[] = { 1, 2, 8 };
    g_autofree char *plain = makeDocument(0);
    double search;
    double pass;
    double sax;
    double tree;
    gsize i;

    xmlInitParser();

    search = report("memmem() in a document without devices", workSearch, plain);
    pass = report("lower a document without devices", workLower, plain);
    printf("  ratio to memmem(): %.2f\n", pass / search);
    pass = report("lift a document without devices", workLift, plain);
    printf("  ratio to memmem(): %.2f\n", pass / search);
    sax = report("libxml2 SAX2 without handlers", workSAX, plain);
    tree = report("libxml2 tree", workTree, plain);

    for (i = 0; i < G_N_ELEMENTS(devices); i++) {
        g_autofree char *xml = makeDocument(devices[i]);
        g_autofree char *lowered = NULL;
        g_autofree char *label = g_strdup_printf("lower a document with %u device(s)", devices[i]);
        g_autofree char *liftLabel = g_strdup_printf("lift the lowered document");
        gsize loweredLen = 0;
        double lower;
        double lift;

        if (projectionLower(xml, strlen(xml), &options, &lowered, &loweredLen, NULL) !=
            PROJECTION_CHANGED)
            g_error("nothing was lowered");

        lower = report(label, workLower, xml);
        lift = report(liftLabel, workLift, lowered);
        printf("  ratio to libxml2 SAX2: lower %.2f, lift %.2f; to its tree: %.2f, %.2f\n",
               lower / sax, lift / sax, lower / tree, lift / tree);
        printf("  ratio to the required %d docs/s: lower %.2f, lift %.2f, both in sequence %.2f\n",
               TARGET, 1 / lower / TARGET, 1 / lift / TARGET, 1 / (lower + lift) / TARGET);
    }

    xmlCleanupParser();
    return EXIT_SUCCESS;
}
