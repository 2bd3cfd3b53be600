/*
 * emulatedpci_driver.c: the <driver> of an <emulatedpci>
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <config.h>

#include "emulatedpci_driver.h"
#include "emulatedpci_fields.h"

#include <string.h>

#include "gettext.h"

#define _(s) gettext(s)

static const char *const attrs[EMULATED_PCI_DRIVER_LAST] = {
    [EMULATED_PCI_DRIVER_EMULATOR] = "emulator",
    [EMULATED_PCI_DRIVER_VERSION] = "version",
    [EMULATED_PCI_DRIVER_STUBDOMAIN] = "stubdomain",
    [EMULATED_PCI_DRIVER_MODEL] = "model",
    [EMULATED_PCI_DRIVER_PID] = "pid",
    [EMULATED_PCI_DRIVER_SOCKET] = "socket",
};

static const char *const versions[EMULATED_PCI_VERSION_LAST] = {
    [EMULATED_PCI_VERSION_NONE] = "",
    [EMULATED_PCI_VERSION_MPQEMU] = "mpqemu",
    [EMULATED_PCI_VERSION_VFIO_USER] = "vfio-user",
};


const char *
emulatedPCIDriverAttrToString(EmulatedPCIDriverAttr attr)
{
    return attrs[attr];
}


int
emulatedPCIDriverAttrFromString(const char *name)
{
    int i;

    for (i = 0; i < EMULATED_PCI_DRIVER_LAST; i++) {
        if (strcmp(attrs[i], name) == 0)
            return i;
    }
    return -1;
}


const char *
emulatedPCIVersionToString(EmulatedPCIVersion version)
{
    return versions[version];
}


EmulatedPCIVersion
emulatedPCIVersionFromString(const char *name)
{
    int i;

    for (i = EMULATED_PCI_VERSION_NONE + 1; i < EMULATED_PCI_VERSION_LAST; i++) {
        if (strcmp(versions[i], name) == 0)
            return i;
    }
    return EMULATED_PCI_VERSION_NONE;
}


EmulatedPCIDriver *
emulatedPCIDriverNew(void)
{
    EmulatedPCIDriver *driver = g_new0(EmulatedPCIDriver, 1);

    driver->stubdomain = -1;
    return driver;
}


EmulatedPCIDriver *
emulatedPCIDriverCopy(const EmulatedPCIDriver *driver)
{
    EmulatedPCIDriver *copy = g_memdup2(driver, sizeof(*driver));
    gsize i;

    copy->emulator = g_strdup(driver->emulator);
    copy->model = g_strdup(driver->model);
    copy->socket = g_strdup(driver->socket);
    for (i = 0; i < EMULATED_PCI_DRIVER_ARGS_MAX; i++)
        copy->args[i] = g_strdup(driver->args[i]);
    return copy;
}


/* --- values */

static gboolean
emulatorIsValid(const char *name)
{
    return emulatedPCINameIsValid(name, EMULATED_PCI_DRIVER_EMULATOR_MAX);
}


/* Returns TRUE if the text is valid in a command line and in a log. */
static gboolean
textIsValid(const char *text)
{
    const char *p;

    if (strlen(text) > EMULATED_PCI_DRIVER_TEXT_MAX || !g_utf8_validate(text, -1, NULL))
        return FALSE;

    for (p = text; *p; p = g_utf8_next_char(p)) {
        if (g_unichar_iscntrl(g_utf8_get_char(p)))
            return FALSE;
    }
    return TRUE;
}


/* Returns whether the text is an absolute path of at most MAX bytes. */
static gboolean
pathIsValid(const char *path,
            size_t max)
{
    return path[0] == '/' && path[1] != '\0' && strlen(path) <= max && textIsValid(path);
}


static void
reportValue(EmulatedPCIDriverAttr attr,
            const char *value,
            GError **err)
{
    g_autofree char *quoted = emulatedPCIErrorQuote(value);

    switch (attr) {
    case EMULATED_PCI_DRIVER_EMULATOR:
        emulatedPCIReportError(err, VIR_ERR_XML_ERROR,
                               _("invalid value '%1$s' for attribute '%2$s': "
                                 "%3$d to %4$d characters of A-Z a-z 0-9 . _ - are expected"),
                               quoted, attrs[attr], 1, EMULATED_PCI_DRIVER_EMULATOR_MAX);
        break;

    case EMULATED_PCI_DRIVER_VERSION:
        emulatedPCIReportError(err, VIR_ERR_XML_ERROR,
                               _("invalid value '%1$s' for attribute '%2$s': "
                                 "'%3$s' or '%4$s' is expected"),
                               quoted, attrs[attr], versions[EMULATED_PCI_VERSION_MPQEMU],
                               versions[EMULATED_PCI_VERSION_VFIO_USER]);
        break;

    case EMULATED_PCI_DRIVER_STUBDOMAIN:
        emulatedPCIReportError(err, VIR_ERR_XML_ERROR,
                               _("invalid value '%1$s' for attribute '%2$s': "
                                 "'%3$s' or '%4$s' is expected"),
                               quoted, attrs[attr], "yes", "no");
        break;

    case EMULATED_PCI_DRIVER_MODEL:
    case EMULATED_PCI_DRIVER_SOCKET:
        emulatedPCIReportError(err, VIR_ERR_XML_ERROR,
                               _("invalid value '%1$s' for attribute '%2$s': an absolute path of at "
                                 "most %3$d bytes without control characters is expected"),
                               quoted, attrs[attr],
                               attr == EMULATED_PCI_DRIVER_SOCKET ?
                               EMULATED_PCI_DRIVER_SOCKET_MAX : EMULATED_PCI_DRIVER_TEXT_MAX);
        break;

    case EMULATED_PCI_DRIVER_PID:
    case EMULATED_PCI_DRIVER_LAST:
    default:
        emulatedPCIReportError(err, VIR_ERR_XML_ERROR,
                               _("invalid value '%1$s' for attribute '%2$s': "
                                 "a number from %3$d to %4$d is expected"),
                               quoted, attrs[EMULATED_PCI_DRIVER_PID], 1,
                               EMULATED_PCI_DRIVER_PID_MAX);
        break;
    }
}


static void
reportTwice(const char *name,
            GError **err)
{
    emulatedPCIReportError(err, VIR_ERR_XML_ERROR, _("attribute '%1$s' of <%2$s> is specified more than once"),
                           name, "driver");
}


/* Sets *TEXT to a copy of VALUE if VALID is TRUE. */
static gboolean
setText(char **text,
        const char *value,
        gboolean valid)
{
    if (valid)
        *text = g_strdup(value);
    return valid;
}


gboolean
emulatedPCIDriverSet(EmulatedPCIDriver *driver,
                     EmulatedPCIDriverAttr attr,
                     const char *value,
                     GError **err)
{
    g_autofree char *before = emulatedPCIDriverGet(driver, attr);
    gboolean ok = FALSE;

    if (before) {
        reportTwice(attrs[attr], err);
        return FALSE;
    }

    switch (attr) {
    case EMULATED_PCI_DRIVER_EMULATOR:
        ok = setText(&driver->emulator, value, emulatorIsValid(value));
        break;

    case EMULATED_PCI_DRIVER_VERSION:
        driver->version = emulatedPCIVersionFromString(value);
        ok = driver->version != EMULATED_PCI_VERSION_NONE;
        break;

    case EMULATED_PCI_DRIVER_STUBDOMAIN:
        ok = strcmp(value, "yes") == 0 || strcmp(value, "no") == 0;
        if (ok)
            driver->stubdomain = *value == 'y';
        break;

    case EMULATED_PCI_DRIVER_MODEL:
        ok = setText(&driver->model, value, pathIsValid(value, EMULATED_PCI_DRIVER_TEXT_MAX));
        break;

    case EMULATED_PCI_DRIVER_SOCKET:
        ok = setText(&driver->socket, value, pathIsValid(value, EMULATED_PCI_DRIVER_SOCKET_MAX));
        break;

    case EMULATED_PCI_DRIVER_PID:
        ok = emulatedPCINumberParse(value, EMULATED_PCI_DRIVER_PID_MAX,
                                    &driver->pid) == EMULATED_PCI_NUMBER_OK &&
            driver->pid > 0;
        break;

    case EMULATED_PCI_DRIVER_LAST:
    default:
        break;
    }

    if (!ok)
        reportValue(attr, value, err);
    return ok;
}


gboolean
emulatedPCIDriverSetArg(EmulatedPCIDriver *driver,
                        gsize number,
                        const char *value,
                        GError **err)
{
    g_autofree char *quoted = NULL;

    if (number >= EMULATED_PCI_DRIVER_ARGS_MAX) {
        emulatedPCIReportError(err, VIR_ERR_XML_ERROR,
                               _("too many arguments of an emulator: at most %1$d are allowed"),
                               EMULATED_PCI_DRIVER_ARGS_MAX);
        return FALSE;
    }
    if (driver->args[number]) {
        reportTwice("arg", err);
        return FALSE;
    }
    if (setText(&driver->args[number], value, textIsValid(value)))
        return TRUE;

    quoted = emulatedPCIErrorQuote(value);
    emulatedPCIReportError(err, VIR_ERR_XML_ERROR,
                           _("invalid value '%1$s' for an emulator's <%2$s>: at most %3$d bytes "
                             "without control characters are expected"),
                           quoted, "arg", EMULATED_PCI_DRIVER_TEXT_MAX);
    return FALSE;
}


char *
emulatedPCIDriverGet(const EmulatedPCIDriver *driver,
                     EmulatedPCIDriverAttr attr)
{
    switch (attr) {
    case EMULATED_PCI_DRIVER_EMULATOR:
        return g_strdup(driver->emulator);

    case EMULATED_PCI_DRIVER_VERSION:
        return driver->version != EMULATED_PCI_VERSION_NONE ?
            g_strdup(versions[driver->version]) : NULL;

    case EMULATED_PCI_DRIVER_STUBDOMAIN:
        return driver->stubdomain >= 0 ? g_strdup(driver->stubdomain ? "yes" : "no") : NULL;

    case EMULATED_PCI_DRIVER_MODEL:
        return g_strdup(driver->model);

    case EMULATED_PCI_DRIVER_PID:
        return driver->pid > 0 ? g_strdup_printf("%u", driver->pid) : NULL;

    case EMULATED_PCI_DRIVER_SOCKET:
        return g_strdup(driver->socket);

    case EMULATED_PCI_DRIVER_LAST:
    default:
        return NULL;
    }
}


gsize
emulatedPCIDriverCountArgs(const EmulatedPCIDriver *driver)
{
    gsize n = 0;

    while (driver->args[n])
        n++;
    return n;
}


void
emulatedPCIDriverFree(EmulatedPCIDriver *driver)
{
    gsize i;

    if (!driver)
        return;

    g_free(driver->emulator);
    g_free(driver->model);
    g_free(driver->socket);
    for (i = 0; i < EMULATED_PCI_DRIVER_ARGS_MAX; i++)
        g_free(driver->args[i]);
    g_free(driver);
}


/* --- how they go together */

/* Returns whether there are attributes other than the name. */
static gboolean
describes(const EmulatedPCIDriver *driver)
{
    return driver && (driver->version != EMULATED_PCI_VERSION_NONE || driver->stubdomain >= 0 ||
                      driver->model || driver->args[0] || driver->pid > 0 || driver->socket);
}


int
emulatedPCIDriverGetOther(const EmulatedPCIDriver *driver)
{
    if (driver && driver->model)
        return EMULATED_PCI_DRIVER_MODEL;
    if (driver && driver->pid > 0)
        return EMULATED_PCI_DRIVER_PID;
    return driver && driver->socket ? EMULATED_PCI_DRIVER_SOCKET : -1;
}


EmulatedPCIVersion
emulatedPCIDriverGetVersion(const EmulatedPCIDriver *driver)
{
    if (!driver)
        return EMULATED_PCI_VERSION_NONE;
    return driver->socket ? EMULATED_PCI_VERSION_VFIO_USER : driver->version;
}


static gboolean
validateArgs(const EmulatedPCIDriver *driver,
             GError **err)
{
    gsize i;

    for (i = emulatedPCIDriverCountArgs(driver); i < EMULATED_PCI_DRIVER_ARGS_MAX; i++) {
        if (driver->args[i]) {
            emulatedPCIReportError(err, VIR_ERR_XML_ERROR,
                                   _("argument %1$zu of an emulator is missing: it has %2$zu arguments"),
                                   emulatedPCIDriverCountArgs(driver) + 1, i + 1);
            return FALSE;
        }
    }
    return TRUE;
}


/* Returns whether a pid is the only attribute. */
static gboolean
validatePid(const EmulatedPCIDriver *driver,
            GError **err)
{
    gsize i;

    for (i = 0; i < EMULATED_PCI_DRIVER_PID; i++) {
        g_autofree char *value = emulatedPCIDriverGet(driver, i);

        if (value) {
            emulatedPCIReportError(err, VIR_ERR_XML_ERROR,
                                   _("attribute '%1$s' of <%2$s> cannot be combined with '%3$s', "
                                     "which selects a running emulator"),
                                   attrs[i], "driver", attrs[EMULATED_PCI_DRIVER_PID]);
            return FALSE;
        }
    }
    if (driver->args[0]) {
        emulatedPCIReportError(err, VIR_ERR_XML_ERROR,
                               _("<%1$s> in <%2$s> cannot be combined with '%3$s', which selects a "
                                 "running emulator"),
                               "arg", "driver", attrs[EMULATED_PCI_DRIVER_PID]);
        return FALSE;
    }
    return TRUE;
}


/* Returns whether a socket is the only attribute except for version 'vfio-user'. */
static gboolean
validateSocket(const EmulatedPCIDriver *driver,
               GError **err)
{
    gsize i;

    for (i = 0; i < EMULATED_PCI_DRIVER_SOCKET; i++) {
        g_autofree char *value = emulatedPCIDriverGet(driver, i);

        if (!value || (i == EMULATED_PCI_DRIVER_VERSION &&
                       driver->version == EMULATED_PCI_VERSION_VFIO_USER))
            continue;
        if (i == EMULATED_PCI_DRIVER_VERSION)
            emulatedPCIReportError(err, VIR_ERR_XML_ERROR,
                                   _("attribute '%1$s' of <%2$s> cannot be '%3$s' with '%4$s', "
                                     "which selects a running server: '%5$s' is allowed"),
                                   attrs[i], "driver", value, attrs[EMULATED_PCI_DRIVER_SOCKET],
                                   versions[EMULATED_PCI_VERSION_VFIO_USER]);
        else
            emulatedPCIReportError(err, VIR_ERR_XML_ERROR,
                                   _("attribute '%1$s' of <%2$s> cannot be combined with '%3$s', "
                                     "which selects a running server"),
                                   attrs[i], "driver", attrs[EMULATED_PCI_DRIVER_SOCKET]);
        return FALSE;
    }
    if (driver->args[0]) {
        emulatedPCIReportError(err, VIR_ERR_XML_ERROR,
                               _("<%1$s> in <%2$s> cannot be combined with '%3$s', which selects a "
                                 "running server"),
                               "arg", "driver", attrs[EMULATED_PCI_DRIVER_SOCKET]);
        return FALSE;
    }
    return TRUE;
}


gboolean
emulatedPCIDriverValidate(const EmulatedPCIDriver *driver,
                          GError **err)
{
    if (!validateArgs(driver, err))
        return FALSE;

    if (!driver->emulator && !describes(driver)) {
        emulatedPCIReportError(err, VIR_ERR_XML_ERROR,
                               _("<%1$s> is empty: an attribute or <arg> is required"),
                               "driver");
        return FALSE;
    }

    if (driver->socket)
        return validateSocket(driver, err);
    return driver->pid == 0 || validatePid(driver, err);
}


/* --- the devices of a domain */

static void
groupFree(void *opaque)
{
    EmulatedPCIDriverGroup *group = opaque;

    g_array_free(group->devices, TRUE);
    g_free(group);
}


/* Returns the name of the first attribute in which A and B differ, or NULL. */
static const char *
difference(const EmulatedPCIDriver *a,
           const EmulatedPCIDriver *b)
{
    gsize i;

    if (a->version != b->version)
        return attrs[EMULATED_PCI_DRIVER_VERSION];
    if ((a->stubdomain == 1) != (b->stubdomain == 1))
        return attrs[EMULATED_PCI_DRIVER_STUBDOMAIN];
    if (g_strcmp0(a->model, b->model) != 0)
        return attrs[EMULATED_PCI_DRIVER_MODEL];
    for (i = 0; i < EMULATED_PCI_DRIVER_ARGS_MAX; i++) {
        if (g_strcmp0(a->args[i], b->args[i]) != 0)
            return "arg";
    }
    return NULL;
}


/* Returns a key that identifies the emulator, newly allocated. */
static char *
groupKey(const EmulatedPCIDriver *driver)
{
    if (driver && driver->pid > 0)
        return g_strdup_printf("/%u", driver->pid);     /* names do not contain '/' */
    if (driver && driver->socket) {
        /* Two slashes at the beginning are equivalent to one on Linux, but not in POSIX. */
        g_autofree char *path = g_canonicalize_filename(driver->socket + strspn(driver->socket, "/"),
                                                        "/");

        return g_strdup_printf("=%s", path);            /* names do not contain '=' either */
    }
    return g_strdup(driver && driver->emulator ? driver->emulator : "");
}


static gboolean
groupDescribe(EmulatedPCIDriverGroup *group,
              const EmulatedPCIDriver *const *drivers,
              const char *const *names,
              gsize device,
              GError **err)
{
    const EmulatedPCIDriver *driver = drivers[device];
    const char *differs;
    gsize first = 0;

    if (driver && driver->socket && group->driver) {
        first = g_array_index(group->devices, gsize, 0);
        emulatedPCIReportError(err, VIR_ERR_XML_ERROR,
                               _("devices %1$zu ('%2$s') and %3$zu ('%4$s') have the same '%5$s', "
                                 "'%6$s': only one device is allowed for each socket"),
                               first + 1, names[first], device + 1, names[device],
                               attrs[EMULATED_PCI_DRIVER_SOCKET], driver->socket);
        return FALSE;
    }
    if (!describes(group->driver)) {
        if (!group->driver || describes(driver))
            group->driver = driver;
        return TRUE;
    }
    if (!describes(driver) || !(differs = difference(group->driver, driver)))
        return TRUE;

    while (drivers[first] != group->driver)
        first++;
    if (driver->emulator) {
        emulatedPCIReportError(err, VIR_ERR_XML_ERROR,
                               _("devices %1$zu ('%2$s') and %3$zu ('%4$s') have different '%5$s' "
                                 "for emulator '%6$s': the values must be equal, or specified for "
                                 "only one device"),
                               first + 1, names[first], device + 1, names[device], differs,
                               driver->emulator);
    } else {
        emulatedPCIReportError(err, VIR_ERR_XML_ERROR,
                               _("devices %1$zu ('%2$s') and %3$zu ('%4$s') have different '%5$s' "
                                 "for the domain's default emulator: the values must be equal, or "
                                 "<%6$s> specified for only one device"),
                               first + 1, names[first], device + 1, names[device], differs,
                               "driver");
    }
    return FALSE;
}


/* Adds DEVICE, unless the group has the maximum number of devices of an emulator. */
static gboolean
groupAdd(EmulatedPCIDriverGroup *group,
         const EmulatedPCIDriver *driver,
         gsize device,
         GError **err)
{
    if (group->devices->len < EMULATED_PCI_EMULATOR_DEVICES_MAX) {
        g_array_append_val(group->devices, device);
        return TRUE;
    }

    if (driver && driver->emulator)
        emulatedPCIReportError(err, VIR_ERR_CONFIG_UNSUPPORTED,
                               _("too many emulated PCI devices for the emulator '%1$s': at most %2$d "
                                 "are supported"),
                               driver->emulator, EMULATED_PCI_EMULATOR_DEVICES_MAX);
    else
        emulatedPCIReportError(err, VIR_ERR_CONFIG_UNSUPPORTED,
                               _("too many emulated PCI devices for one emulator: at most %1$d are "
                                 "supported; further devices require a <%2$s> with another '%3$s'"),
                               EMULATED_PCI_EMULATOR_DEVICES_MAX, "driver", "emulator");
    return FALSE;
}


GPtrArray *
emulatedPCIDriverGroupAll(const EmulatedPCIDriver *const *drivers,
                          const char *const *names,
                          gsize n,
                          GError **err)
{
    g_autoptr(GPtrArray) groups = g_ptr_array_new_with_free_func(groupFree);
    g_autoptr(GHashTable) byKey = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    gsize i;

    if (n > EMULATED_PCI_DEVICES_MAX) {
        emulatedPCIReportError(err, VIR_ERR_CONFIG_UNSUPPORTED,
                               _("too many emulated PCI devices: at most %1$d are supported"),
                               EMULATED_PCI_DEVICES_MAX);
        return NULL;
    }

    for (i = 0; i < n; i++) {
        g_autofree char *key = groupKey(drivers[i]);
        EmulatedPCIDriverGroup *group = g_hash_table_lookup(byKey, key);

        if (!group) {
            group = g_new0(EmulatedPCIDriverGroup, 1);
            group->devices = g_array_new(FALSE, FALSE, sizeof(gsize));
            g_ptr_array_add(groups, group);
            g_hash_table_insert(byKey, g_steal_pointer(&key), group);
        }
        if (!groupAdd(group, drivers[i], i, err) ||
            !groupDescribe(group, drivers, names, i, err))
            return NULL;
    }
    return g_steal_pointer(&groups);
}
