/*
 * vmstate_bus.c: the D-Bus interface for QEMU's dbus-vmstate object
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <config.h>

#include "vmstate_bus.h"

#include <gio/gio.h>
#include <string.h>

#define BUS_NAME "org.freedesktop.DBus"
#define BUS_STATE "org.qemu.VMState1"

/* The names of the two connections on the bus */
#define BUS_CLIENT ":1.0"
#define BUS_SERVICE ":1.1"

/* StartServiceByName: it runs already (D-Bus Specification, Message Bus Messages). */
#define BUS_ALREADY_RUNNING 2

static const char busXML[] =
    "<node>"
    "<interface name='" BUS_NAME "'>"
    "<method name='Hello'><arg type='s' direction='out'/></method>"
    "<method name='AddMatch'><arg type='s' direction='in'/></method>"
    "<method name='RemoveMatch'><arg type='s' direction='in'/></method>"
    "<method name='StartServiceByName'><arg type='s' direction='in'/>"
    "<arg type='u' direction='in'/><arg type='u' direction='out'/></method>"
    "<method name='NameHasOwner'><arg type='s' direction='in'/>"
    "<arg type='b' direction='out'/></method>"
    "<method name='GetNameOwner'><arg type='s' direction='in'/>"
    "<arg type='s' direction='out'/></method>"
    "<method name='ListQueuedOwners'><arg type='s' direction='in'/>"
    "<arg type='as' direction='out'/></method>"
    "</interface>"
    "<interface name='" BUS_STATE "'>"
    "<property name='Id' type='s' access='read'/>"
    "<method name='Load'><arg type='ay' direction='in'/></method>"
    "<method name='Save'><arg type='ay' direction='out'/></method>"
    "</interface>"
    "</node>";

typedef struct {
    VMStateDomain *domain;
    GBytes *state;          /* the state that the next Save returns; or NULL */
    GMainLoop *loop;
} Bus;

static GDBusNodeInfo *busInfo;
static char *busGuid;


void
vmstateBusInit(void)
{
    if (busInfo)
        return;
    busInfo = g_dbus_node_info_new_for_xml(busXML, NULL);
    busGuid = g_dbus_generate_guid();
    g_type_ensure(G_TYPE_DBUS_CONNECTION);
}


static void
busFail(GDBusMethodInvocation *call,
        const GError *error)
{
    g_dbus_method_invocation_return_dbus_error(call, BUS_STATE ".Error", error->message);
}


/* Collects the registers before a save or a load. */
static void
busListOwners(Bus *bus,
              GDBusMethodInvocation *call,
              const char *name)
{
    const char *owners[] = { BUS_SERVICE, NULL };
    g_autoptr(GError) error = NULL;

    if (strcmp(name, BUS_STATE) != 0) {
        g_dbus_method_invocation_return_error(call, G_DBUS_ERROR, G_DBUS_ERROR_NAME_HAS_NO_OWNER,
                                              "nobody has the name '%s'", name);
        return;
    }
    g_clear_pointer(&bus->state, g_bytes_unref);
    bus->state = vmstateDomainSave(bus->domain, &error);
    if (bus->state)
        g_dbus_method_invocation_return_value(call, g_variant_new("(^as)", owners));
    else
        busFail(call, error);
}


static void
busCall(GDBusConnection *connection G_GNUC_UNUSED,
        const char *sender G_GNUC_UNUSED,
        const char *path G_GNUC_UNUSED,
        const char *interface G_GNUC_UNUSED,
        const char *method,
        GVariant *arguments,
        GDBusMethodInvocation *call,
        gpointer opaque)
{
    const char *name = NULL;

    /* GDBus has compared the arguments with their declarations. */
    if (g_variant_n_children(arguments) > 0)
        g_variant_get_child(arguments, 0, "&s", &name);

    if (strcmp(method, "Hello") == 0)
        g_dbus_method_invocation_return_value(call, g_variant_new("(s)", BUS_CLIENT));
    else if (strcmp(method, "StartServiceByName") == 0)
        g_dbus_method_invocation_return_value(call, g_variant_new("(u)", BUS_ALREADY_RUNNING));
    else if (strcmp(method, "NameHasOwner") == 0)
        g_dbus_method_invocation_return_value(call, g_variant_new("(b)", TRUE));
    else if (strcmp(method, "GetNameOwner") == 0)
        g_dbus_method_invocation_return_value(call, g_variant_new("(s)", BUS_SERVICE));
    else if (strcmp(method, "ListQueuedOwners") == 0)
        busListOwners(opaque, call, name);
    else
        g_dbus_method_invocation_return_value(call, NULL);
}


static void
stateSave(Bus *bus,
          GDBusMethodInvocation *call)
{
    g_autoptr(GBytes) state = g_steal_pointer(&bus->state);
    g_autoptr(GError) error = NULL;
    gconstpointer data;
    gsize len;

    if (!state && !(state = vmstateDomainSave(bus->domain, &error))) {
        busFail(call, error);
        return;
    }
    data = g_bytes_get_data(state, &len);
    g_dbus_method_invocation_return_value(
        call, g_variant_new("(@ay)", g_variant_new_fixed_array(G_VARIANT_TYPE_BYTE, data, len, 1)));
}


static void
stateLoad(Bus *bus,
          GVariant *arguments,
          GDBusMethodInvocation *call)
{
    g_autoptr(GVariant) bytes = g_variant_get_child_value(arguments, 0);
    g_autoptr(GError) error = NULL;
    gconstpointer data;
    gsize len;

    data = g_variant_get_fixed_array(bytes, &len, 1);
    if (vmstateDomainLoad(bus->domain, data, len, &error))
        g_dbus_method_invocation_return_value(call, NULL);
    else
        busFail(call, error);
}


static void
stateCall(GDBusConnection *connection G_GNUC_UNUSED,
          const char *sender G_GNUC_UNUSED,
          const char *path G_GNUC_UNUSED,
          const char *interface G_GNUC_UNUSED,
          const char *method,
          GVariant *arguments,
          GDBusMethodInvocation *call,
          gpointer opaque)
{
    if (strcmp(method, "Save") == 0)
        stateSave(opaque, call);
    else
        stateLoad(opaque, arguments, call);
}


static GVariant *
stateGetProperty(GDBusConnection *connection G_GNUC_UNUSED,
                 const char *sender G_GNUC_UNUSED,
                 const char *path G_GNUC_UNUSED,
                 const char *interface G_GNUC_UNUSED,
                 const char *property G_GNUC_UNUSED,
                 GError **err G_GNUC_UNUSED,
                 gpointer opaque G_GNUC_UNUSED)
{
    return g_variant_new_string(VMSTATE_BUS_ID);
}


static void
busClosed(GDBusConnection *connection G_GNUC_UNUSED,
          gboolean vanished G_GNUC_UNUSED,
          GError *error G_GNUC_UNUSED,
          gpointer opaque)
{
    Bus *bus = opaque;

    g_main_loop_quit(bus->loop);
}


/* EXTERNAL is sufficient, because the kernel provides the identity of the peer. */
static gboolean
busAllowMechanism(GDBusAuthObserver *observer G_GNUC_UNUSED,
                  const char *mechanism,
                  gpointer opaque G_GNUC_UNUSED)
{
    return strcmp(mechanism, "EXTERNAL") == 0;
}


static GDBusConnection *
busConnect(int fd,
           GError **err)
{
    g_autoptr(GDBusAuthObserver) observer = g_dbus_auth_observer_new();
    g_autoptr(GSocketConnection) stream = NULL;
    g_autoptr(GSocket) socket = g_socket_new_from_fd(fd, err);

    if (!socket)
        return NULL;

    g_signal_connect(observer, "allow-mechanism", G_CALLBACK(busAllowMechanism), NULL);
    stream = g_socket_connection_factory_create_connection(socket);
    return g_dbus_connection_new_sync(G_IO_STREAM(stream), busGuid,
                                      G_DBUS_CONNECTION_FLAGS_AUTHENTICATION_SERVER |
                                      G_DBUS_CONNECTION_FLAGS_DELAY_MESSAGE_PROCESSING,
                                      observer, NULL, err);
}


static gboolean
busRegister(GDBusConnection *connection,
            Bus *bus,
            GError **err)
{
    static const GDBusInterfaceVTable busTable = { .method_call = busCall };
    static const GDBusInterfaceVTable stateTable = {
        .method_call = stateCall,
        .get_property = stateGetProperty,
    };

    return g_dbus_connection_register_object(connection, "/org/freedesktop/DBus",
                                             g_dbus_node_info_lookup_interface(busInfo, BUS_NAME),
                                             &busTable, bus, NULL, err) != 0 &&
        g_dbus_connection_register_object(connection, "/org/qemu/VMState1",
                                          g_dbus_node_info_lookup_interface(busInfo, BUS_STATE),
                                          &stateTable, bus, NULL, err) != 0;
}


gboolean
vmstateBusServe(int fd,
                VMStateDomain *domain,
                GError **err)
{
    g_autoptr(GDBusConnection) connection = busConnect(fd, err);
    g_autoptr(GMainLoop) loop = g_main_loop_new(NULL, FALSE);
    Bus bus = { domain, NULL, loop };

    if (!connection || !busRegister(connection, &bus, err))
        return FALSE;

    g_signal_connect(connection, "closed", G_CALLBACK(busClosed), &bus);
    g_dbus_connection_start_message_processing(connection);
    if (!g_dbus_connection_is_closed(connection))
        g_main_loop_run(loop);

    g_clear_pointer(&bus.state, g_bytes_unref);
    return TRUE;
}
