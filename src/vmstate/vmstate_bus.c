/*
 * vmstate_bus.c: the D-Bus interface for QEMU's dbus-vmstate object
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <config.h>

#include "vmstate_bus.h"
#include "vmstate_control.h"

#include "gettext.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <systemd/sd-bus.h>
#include <unistd.h>

#define _(s) gettext(s)

#define BUS_NAME "org.freedesktop.DBus"
#define BUS_STATE "org.qemu.VMState1"

/* The names of the two connections on the bus */
#define BUS_CLIENT ":1.0"
#define BUS_SERVICE ":1.1"

/* StartServiceByName: it runs already (D-Bus Specification, Message Bus Messages). */
#define BUS_ALREADY_RUNNING 2

typedef struct {
    VMStateDomain *domain;
    GBytes *state;          /* the state that the next Save returns; or NULL */
} Bus;


G_DEFINE_AUTOPTR_CLEANUP_FUNC(sd_bus, sd_bus_unref)


/* The functions that answer a call return a negative errno if there is no memory for the answer;
 * QEMU gets an error then. */

static int
busFail(sd_bus_message *call,
        const GError *error)
{
    return sd_bus_reply_method_errorf(call, BUS_STATE ".Error", "%s", error->message);
}


static int
busHello(sd_bus_message *call,
         void *opaque G_GNUC_UNUSED,
         sd_bus_error *error G_GNUC_UNUSED)
{
    return sd_bus_reply_method_return(call, "s", BUS_CLIENT);
}


/* Answers AddMatch and RemoveMatch: there are no signals. */
static int
busMatch(sd_bus_message *call,
         void *opaque G_GNUC_UNUSED,
         sd_bus_error *error G_GNUC_UNUSED)
{
    return sd_bus_reply_method_return(call, NULL);
}


static int
busStartService(sd_bus_message *call,
                void *opaque G_GNUC_UNUSED,
                sd_bus_error *error G_GNUC_UNUSED)
{
    return sd_bus_reply_method_return(call, "u", BUS_ALREADY_RUNNING);
}


static int
busHasOwner(sd_bus_message *call,
            void *opaque G_GNUC_UNUSED,
            sd_bus_error *error G_GNUC_UNUSED)
{
    return sd_bus_reply_method_return(call, "b", 1);
}


static int
busGetOwner(sd_bus_message *call,
            void *opaque G_GNUC_UNUSED,
            sd_bus_error *error G_GNUC_UNUSED)
{
    return sd_bus_reply_method_return(call, "s", BUS_SERVICE);
}


/* Collects the registers before a save or a load. */
static int
busListOwners(sd_bus_message *call,
              void *opaque,
              sd_bus_error *error)
{
    Bus *bus = opaque;
    g_autoptr(GError) err = NULL;
    const char *name;
    int rc;

    if ((rc = sd_bus_message_read(call, "s", &name)) < 0)
        return rc;
    if (strcmp(name, BUS_STATE) != 0)
        return sd_bus_error_setf(error, SD_BUS_ERROR_NAME_HAS_NO_OWNER, "nobody has the name '%s'", name);

    g_clear_pointer(&bus->state, g_bytes_unref);
    bus->state = vmstateDomainSave(bus->domain, &err);
    return bus->state ? sd_bus_reply_method_return(call, "as", 1, BUS_SERVICE) : busFail(call, err);
}


static int
stateSave(sd_bus_message *call,
          void *opaque,
          sd_bus_error *error G_GNUC_UNUSED)
{
    Bus *bus = opaque;
    g_autoptr(GBytes) state = g_steal_pointer(&bus->state);
    g_autoptr(GError) err = NULL;
    sd_bus_message *reply = NULL;
    gconstpointer data;
    gsize len;
    int rc;

    if (!state && !(state = vmstateDomainSave(bus->domain, &err)))
        return busFail(call, err);

    data = g_bytes_get_data(state, &len);
    if ((rc = sd_bus_message_new_method_return(call, &reply)) >= 0 &&
        (rc = sd_bus_message_append_array(reply, 'y', data, len)) >= 0)
        rc = sd_bus_send(NULL, reply, NULL);
    sd_bus_message_unref(reply);
    return rc;
}


static int
stateLoad(sd_bus_message *call,
          void *opaque,
          sd_bus_error *error G_GNUC_UNUSED)
{
    Bus *bus = opaque;
    g_autoptr(GError) err = NULL;
    const void *data;
    size_t len;
    int rc;

    if ((rc = sd_bus_message_read_array(call, 'y', &data, &len)) < 0)
        return rc;
    if (!vmstateDomainLoad(bus->domain, data, len, &err))
        return busFail(call, err);
    return sd_bus_reply_method_return(call, NULL);
}


static int
stateGetId(sd_bus *connection G_GNUC_UNUSED,
           const char *path G_GNUC_UNUSED,
           const char *interface G_GNUC_UNUSED,
           const char *property G_GNUC_UNUSED,
           sd_bus_message *reply,
           void *opaque G_GNUC_UNUSED,
           sd_bus_error *error G_GNUC_UNUSED)
{
    return sd_bus_message_append(reply, "s", VMSTATE_BUS_ID);
}


#define BUS_METHOD(name, in, out, function) \
    SD_BUS_METHOD(name, in, out, function, SD_BUS_VTABLE_UNPRIVILEGED)

static const sd_bus_vtable busTable[] = {
    SD_BUS_VTABLE_START(0),
    BUS_METHOD("Hello", "", "s", busHello),
    BUS_METHOD("AddMatch", "s", "", busMatch),
    BUS_METHOD("RemoveMatch", "s", "", busMatch),
    BUS_METHOD("StartServiceByName", "su", "u", busStartService),
    BUS_METHOD("NameHasOwner", "s", "b", busHasOwner),
    BUS_METHOD("GetNameOwner", "s", "s", busGetOwner),
    BUS_METHOD("ListQueuedOwners", "s", "as", busListOwners),
    SD_BUS_VTABLE_END
};

static const sd_bus_vtable stateTable[] = {
    SD_BUS_VTABLE_START(0),
    SD_BUS_PROPERTY("Id", "s", stateGetId, 0, SD_BUS_VTABLE_PROPERTY_CONST),
    BUS_METHOD("Load", "ay", "", stateLoad),
    BUS_METHOD("Save", "", "ay", stateSave),
    SD_BUS_VTABLE_END
};


/* Makes CONNECTION, which closes FD when it is freed, the server of BUS. Returns 0 or a
 * negative errno. */
static int
busStart(sd_bus *connection,
         int fd,
         Bus *bus)
{
    sd_id128_t id;
    int rc;

    if ((rc = sd_bus_set_fd(connection, fd, fd)) < 0) {
        close(fd);
        return rc;
    }
    if ((rc = sd_id128_randomize(&id)) < 0 ||
        (rc = sd_bus_set_server(connection, 1, id)) < 0 ||
        (rc = sd_bus_add_object_vtable(connection, NULL, "/org/freedesktop/DBus", BUS_NAME, busTable, bus)) < 0 ||
        (rc = sd_bus_add_object_vtable(connection, NULL, "/org/qemu/VMState1", BUS_STATE, stateTable, bus)) < 0)
        return rc;
    return sd_bus_start(connection);
}


/* Waits for QEMU, and for the launcher at *CONTROL, whose request is served. *CONTROL becomes -1 if
 * the launcher has closed it. Returns 0 or a negative errno. */
static int
busWait(sd_bus *connection,
        int *control,
        VMStateDomain *domain)
{
    struct pollfd fds[] = {
        { .fd = sd_bus_get_fd(connection), .events = sd_bus_get_events(connection) },
        { .fd = *control, .events = POLLIN },
    };
    uint64_t until = UINT64_MAX;    /* microseconds of the monotonic clock */
    int timeout = -1;               /* milliseconds */
    int rc;

    if ((rc = sd_bus_get_timeout(connection, &until)) < 0)
        return rc;
    if (until != UINT64_MAX)
        timeout = CLAMP(((gint64) until - g_get_monotonic_time() + 999) / 1000, 0, G_MAXINT);

    if (poll(fds, G_N_ELEMENTS(fds), timeout) < 0)
        return errno == EINTR ? 0 : -errno;
    if (fds[1].revents && !vmstateControlServe(*control, domain))
        *control = -1;
    return 0;
}


gboolean
vmstateBusServe(int fd,
                int control,
                VMStateDomain *domain,
                GError **err)
{
    g_autoptr(sd_bus) connection = NULL;
    Bus bus = { domain, NULL };
    gboolean served = FALSE;    /* QEMU speaks D-Bus */
    int rc;

    if ((rc = sd_bus_new(&connection)) < 0)
        close(fd);
    else
        rc = busStart(connection, fd, &bus);

    while (rc >= 0) {
        served = served || sd_bus_is_ready(connection) > 0;
        rc = sd_bus_process(connection, NULL);
        if (rc == 0)
            rc = busWait(connection, &control, domain);
    }
    g_clear_pointer(&bus.state, g_bytes_unref);

    if (!served)
        emulatedPCIReportError(err, VIR_ERR_OPERATION_FAILED,
                               _("cannot connect to QEMU with D-Bus: %1$s"), g_strerror(-rc));
    return served;
}
