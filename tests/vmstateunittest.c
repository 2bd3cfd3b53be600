/*
 * vmstateunittest.c: the registers of a domain's devices, saved and restored
 *
 * Tests the format, byte by byte; the reasons for which a malicious state is rejected; emulators
 * that exit, reply late or reply incorrectly; and the D-Bus messages of QEMU, without QEMU.
 * vfiouserqemutest.py tests the same with QEMU, and statetest.py with libvirt.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <config.h>

#include "emulator_state.h"
#include "testutils.h"
#include "vmstate_bus.h"
#include "vmstate_domain.h"
#include "vmstate_emulator.h"
#include "vmstate_format.h"

#include <errno.h>
#include <gio/gio.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

static const guint32 example[EMULATED_PCI_FIELD_LAST] = {
    [EMULATED_PCI_FIELD_VENDORID] = 0x5853,
    [EMULATED_PCI_FIELD_DEVICEID] = 0xc000,
    [EMULATED_PCI_FIELD_STATUS] = 0xf900,
    [EMULATED_PCI_FIELD_REVISION] = 0x01,
    [EMULATED_PCI_FIELD_CLASSCODE] = 0xff8000,
    [EMULATED_PCI_FIELD_SUBVENDORID] = 0x5853,
    [EMULATED_PCI_FIELD_SUBSYSTEMID] = 0xc000,
    [EMULATED_PCI_FIELD_INTERRUPTPIN] = 0x09,
};


/* Returns a device whose registers have their power-on values. */
static VMStateDevice *
newDevice(const char *alias,
          const char *devicename)
{
    VMStateDevice *device = g_new0(VMStateDevice, 1);
    PCIConfig config;

    device->alias = g_strdup(alias);
    g_strlcpy(device->fields.devicename, devicename, sizeof(device->fields.devicename));
    memcpy(device->fields.value, example, sizeof(example));
    pciConfigInit(&config, example);
    vmstateDeviceSetRegisters(device, config.now, sizeof(config.now));
    return device;
}


static GPtrArray *
newDevices(void)
{
    GPtrArray *devices = g_ptr_array_new_with_free_func((GDestroyNotify) vmstateDeviceFree);
    VMStateDevice *second = newDevice("ua-b", "b");

    second->registers[PCI_CONFIG_INTERRUPTLINE] = 0x5a;
    g_ptr_array_add(devices, newDevice("ua-a", "citrix-pv-bus"));
    g_ptr_array_add(devices, second);
    return devices;
}


static void
assertSame(const VMStateDevice *a,
           const VMStateDevice *b)
{
    g_assert_cmpstr(a->alias, ==, b->alias);
    g_assert_cmpstr(a->fields.devicename, ==, b->fields.devicename);
    g_assert_cmpmem(a->fields.value + 1, sizeof(a->fields.value) - 4, b->fields.value + 1,
                    sizeof(b->fields.value) - 4);
    g_assert_cmpmem(a->registers, a->nregisters, b->registers, b->nregisters);
}


static GPtrArray *
parse(GBytes *bytes,
      gsize len,
      GError **err)
{
    gsize size;
    gconstpointer data = g_bytes_get_data(bytes, &size);
    /* The exact size, so that AddressSanitizer detects a read beyond the end. */
    g_autofree guint8 *copy = g_malloc(MIN(len, size) + 1);

    memcpy(copy + 1, data, MIN(len, size));
    return vmstateParse(copy + 1, MIN(len, size), err);
}


static void
testFormat(void)
{
    g_autoptr(GPtrArray) devices = newDevices();
    g_autoptr(GBytes) bytes = vmstateFormat(devices);
    g_autoptr(GError) err = NULL;
    g_autoptr(GPtrArray) again = parse(bytes, G_MAXSIZE, &err);
    guint i;

    g_assert_no_error(err);
    g_assert_cmpuint(again->len, ==, devices->len);
    for (i = 0; i < devices->len; i++)
        assertSame(devices->pdata[i], again->pdata[i]);
}


/* Each version must be able to read the format of the others, so these bytes must never change. */
static void
testGolden(void)
{
    static const guint8 head[] = {
        'E', 'P', 'C', 'I', 'S', 'T', 'A', 'T', 0, 0, 0, 1,
        'u', 'a', '-', 'a', 0, 'c', 'i', 't', 'r', 'i', 'x', '-', 'p', 'v', '-', 'b', 'u', 's', 0, 0,
        0x53, 0x58, 0, 0, 0x00, 0xc0, 0, 0, 0, 0, 0, 0, 0x00, 0xf9, 0, 0, 1, 0, 0, 0,
        0x00, 0x80, 0xff, 0, 0, 0, 0, 0, 0x53, 0x58, 0, 0, 0x00, 0xc0, 0, 0, 0, 0, 0, 0, 9, 0, 0, 0,
        0x53, 0x58, 0x00, 0xc0, 0x00, 0x00, 0x00, 0xf9, 0x01, 0x00, 0x80, 0xff,
    };
    g_autoptr(GPtrArray) devices = newDevices();
    g_autoptr(GBytes) bytes = NULL;
    const guint8 *data;
    gsize len;

    g_ptr_array_remove_index(devices, 1);
    bytes = vmstateFormat(devices);
    data = g_bytes_get_data(bytes, &len);
    g_assert_cmpuint(len, >, sizeof(head));
    g_assert_cmpmem(data, sizeof(head), head, sizeof(head));
    /* The header, the strings with padding, the numbers, the registers, and the lengths of the
     * parts */
    g_assert_cmpuint(len, ==, 12 + 20 + 44 + 256 + 6 + 2);
}


static void
assertRefused(GBytes *bytes,
              gsize len,
              const char *message)
{
    g_autoptr(GError) err = NULL;

    g_assert_null(parse(bytes, len, &err));
    g_assert_error(err, EMULATED_PCI_ERROR, VIR_ERR_CONFIG_UNSUPPORTED);
    g_assert_nonnull(strstr(err->message, message));
}


static GBytes *
changed(GBytes *bytes,
        gsize at,
        guint8 value)
{
    gsize len;
    gconstpointer data = g_bytes_get_data(bytes, &len);
    guint8 *copy = g_malloc(len);

    memcpy(copy, data, len);
    g_assert_cmpuint(at, <, len);
    copy[at] = value;
    return g_bytes_new_take(copy, len);
}


static void
testHostile(void)
{
    g_autoptr(GPtrArray) devices = newDevices();
    g_autoptr(GBytes) bytes = vmstateFormat(devices);
    g_autoptr(GBytes) big = g_bytes_new_take(g_malloc0(VMSTATE_FORMAT_MAX + 1), VMSTATE_FORMAT_MAX + 1);
    g_autoptr(GBytes) version = changed(bytes, 11, 2);
    g_autoptr(GBytes) future = changed(bytes, 8, 0xff);
    g_autoptr(GBytes) magic = changed(bytes, 0, 'e');
    const gsize len = g_bytes_get_size(bytes);
    gsize i;

    for (i = 0; i < len; i++) {
        g_autoptr(GError) err = NULL;
        g_autoptr(GPtrArray) part = parse(bytes, i, &err);

        /* A state without devices is valid. */
        if (i != VMSTATE_FORMAT_HEADER)
            g_assert_null(part);
        else
            g_assert_cmpuint(part->len, ==, 0);
    }
    for (i = 0; i < len * 8; i++) {
        g_autoptr(GBytes) flipped =
            changed(bytes, i / 8, ((const guint8 *) g_bytes_get_data(bytes, NULL))[i / 8] ^ 1 << i % 8);
        g_autoptr(GPtrArray) result = parse(flipped, len, NULL);

        g_assert_true(!result || result->len <= 2);
    }
    assertRefused(version, len, "version 2: version 1 is required");
    assertRefused(future, len, "version 4278190081");
    assertRefused(magic, len, "not one of emulated PCI devices");
    assertRefused(big, G_MAXSIZE, "not one of emulated PCI devices");
    assertRefused(bytes, len - 1, "damaged");
}


static void
testHostileDevices(void)
{
    static const struct {
        const char *alias;
        const char *devicename;
        guint32 vendorid;
        const char *message;
    } cases[] = {
        { "", "a", 1, "invalid alias ''" },
        { "0", "a", 1, "invalid alias '0'" },
        { "ua-\n", "a", 1, "invalid alias" },
        { "ua-a", "a", 1, "two emulated PCI devices 'ua-a'" },
        { "ua-c", "", 1, "'ua-c': invalid devicename ''" },
        { "ua-c", "a b", 1, "'ua-c': invalid devicename 'a b'" },
        { "ua-c", "a", 0x10000, "'ua-c': invalid vendorid 0x10000 in the saved state: 0 to 0xffff" },
    };
    gsize i;
    guint n;

    for (i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(GPtrArray) devices = newDevices();
        g_autoptr(GBytes) bytes = NULL;
        VMStateDevice *device = newDevice(cases[i].alias, cases[i].devicename);

        device->fields.value[EMULATED_PCI_FIELD_VENDORID] = cases[i].vendorid;
        g_ptr_array_add(devices, device);
        bytes = vmstateFormat(devices);
        assertRefused(bytes, G_MAXSIZE, cases[i].message);
    }

    for (n = VMSTATE_DEVICES_MAX; n <= VMSTATE_DEVICES_MAX + 1; n++) {
        g_autoptr(GPtrArray) devices =
            g_ptr_array_new_with_free_func((GDestroyNotify) vmstateDeviceFree);
        g_autoptr(GBytes) bytes = NULL;

        while (devices->len < n) {
            g_autofree char *alias = g_strdup_printf("ua-%u", devices->len);

            g_ptr_array_add(devices, newDevice(alias, "a"));
        }
        bytes = vmstateFormat(devices);
        if (n > VMSTATE_DEVICES_MAX) {
            assertRefused(bytes, G_MAXSIZE, "has 257 emulated PCI devices: up to 256");
        } else {
            g_autoptr(GPtrArray) again = parse(bytes, G_MAXSIZE, NULL);

            g_assert_cmpuint(again->len, ==, n);
        }
    }
}


/* The state of another emulator can have any number of registers, which only that emulator
 * interprets. */
static void
testOwn(void)
{
    static const gsize sizes[] = { 0, 1, 255, 257, EMULATOR_STATE_MAX };
    guint8 bytes[EMULATOR_STATE_MAX + 1];
    gsize i;

    memset(bytes, 0xff, sizeof(bytes));
    for (i = 0; i < G_N_ELEMENTS(sizes); i++) {
        g_autoptr(GPtrArray) devices = newDevices();
        g_autoptr(VMStateDevice) here = newDevice("ua-a", "citrix-pv-bus");
        g_autoptr(GPtrArray) again = NULL;
        g_autoptr(GBytes) state = NULL;
        g_autoptr(GError) err = NULL;

        vmstateDeviceSetRegisters(devices->pdata[0], bytes, sizes[i]);
        state = vmstateFormat(devices);
        again = parse(state, G_MAXSIZE, &err);
        g_assert_no_error(err);
        assertSame(devices->pdata[0], again->pdata[0]);
        g_assert_false(vmstateDeviceCheck(here, again->pdata[0], &err));
        g_assert_nonnull(strstr(err->message, "'ua-a': the saved state has "));
        g_clear_error(&err);
        here->own = TRUE;
        g_assert_true(vmstateDeviceCheck(here, again->pdata[0], &err));
        here->fields.value[EMULATED_PCI_FIELD_DEVICEID]++;
        g_assert_false(vmstateDeviceCheck(here, again->pdata[0], &err));
        g_assert_nonnull(strstr(err->message, "deviceid"));
    }

    {
        g_autoptr(GPtrArray) devices = newDevices();
        g_autoptr(GBytes) state = NULL;

        vmstateDeviceSetRegisters(devices->pdata[0], bytes, sizeof(bytes));
        state = vmstateFormat(devices);
        assertRefused(state, G_MAXSIZE, "'ua-a': the saved state has 11 numbers and 4097 registers");
    }
}


static void
testCheck(void)
{
    g_autoptr(VMStateDevice) here = newDevice("ua-a", "a");
    PCIConfig config;
    int i;

    pciConfigInit(&config, example);
    for (i = EMULATED_PCI_FIELD_DEVICENAME; i < EMULATED_PCI_FIELD_LAST; i++) {
        g_autoptr(VMStateDevice) there = newDevice("ua-a", i == 0 ? "b" : "a");
        g_autoptr(GError) err = NULL;

        there->fields.value[i] ^= i > 0;
        g_assert_false(vmstateDeviceCheck(here, there, &err));
        g_assert_nonnull(strstr(err->message, "'ua-a'"));
        g_assert_nonnull(strstr(err->message, emulatedPCIFieldGetInfo(i)->name));
    }

    /* Every bit of every register: only changes that a guest can make are accepted. */
    for (i = 0; i < PCI_CONFIG_SIZE * 8; i++) {
        g_autoptr(VMStateDevice) there = newDevice("ua-a", "a");
        g_autoptr(GError) err = NULL;
        PCIConfig guest = config;

        there->registers[i / 8] ^= 1 << i % 8;
        pciConfigWrite(&guest, i / 8, config.now[i / 8] ^ 1 << i % 8, 1);
        if (!vmstateDeviceCheck(here, there, &err)) {
            g_assert_nonnull(strstr(err->message, "register 0x"));
            continue;
        }
        if (guest.now[i / 8] != there->registers[i / 8]) {
            /* A bit that is cleared by writing a one */
            guest = config;
            pciConfigWrite(&guest, i / 8, 1 << i % 8, 1);
        }
        g_assert_cmphex(guest.now[i / 8], ==, there->registers[i / 8]);
    }
}


/* --- an emulator that behaves as a test requires */

typedef enum {
    EMULATOR_GOOD = 0,
    EMULATOR_DIES,          /* does not reply to the first of every three requests */
    EMULATOR_LATE,          /* replies to the first request twice, and only after the second one */
    EMULATOR_LOSES,         /* loses the first request to restore registers, and executes the next one */
    EMULATOR_SILENT,
    EMULATOR_ENDS,
    EMULATOR_LIES,          /* sends short and incorrect replies first */
    EMULATOR_LEFT,          /* exits, because its devices were unplugged */
    EMULATOR_LEAVES,        /* the same after a request, which it does not read */
} EmulatorMode;

typedef struct {
    int fds[2];             /* the test's end, and the emulator's end */
    EmulatorMode mode;
    EmulatorStatus *status;
    guint requests;
    gboolean lost;
    GThread *thread;
} TestEmulator;


/* The last message of an emulator whose devices were unplugged, and its exit. */
static void
emulatorLeave(TestEmulator *emulator)
{
    const EmulatorStateReply farewell = { .closed = EMULATOR_STATUS_GONE };

    g_assert_cmpint(send(emulator->fds[1], &farewell, sizeof(farewell), MSG_NOSIGNAL), ==, sizeof(farewell));
    close(emulator->fds[1]);
    emulator->fds[1] = -1;
}


static gpointer
emulatorRun(gpointer opaque)
{
    TestEmulator *emulator = opaque;
    EmulatorStateRequest request;
    EmulatorStateReply reply;
    ssize_t got;

    if (emulator->mode == EMULATOR_LEFT || emulator->mode == EMULATOR_LEAVES) {
        struct pollfd p = { .fd = emulator->fds[1], .events = POLLIN };

        if (emulator->mode == EMULATOR_LEAVES)
            g_assert_cmpint(poll(&p, 1, -1), ==, 1);
        emulatorLeave(emulator);
        return NULL;
    }
    while ((got = recv(emulator->fds[1], &request, sizeof(request), 0)) > 0) {
        emulator->requests++;
        if (emulator->mode == EMULATOR_SILENT ||
            (emulator->mode == EMULATOR_DIES && emulator->requests % 3 == 1))
            continue;
        if (emulator->mode == EMULATOR_LOSES && request.command == EMULATOR_STATE_SET && !emulator->lost) {
            emulator->lost = TRUE;
            continue;
        }
        if (emulator->mode == EMULATOR_ENDS)
            break;
        if (emulatorStateAnswer(emulator->status, emulator->status->ndevices, &request, got, &reply) < 0)
            continue;
        if (emulator->mode == EMULATOR_LATE && emulator->requests == 1)
            g_usleep((VMSTATE_EMULATOR_REPEAT + 100) * 1000);
        if (emulator->mode == EMULATOR_LIES) {
            EmulatorStateReply wrong = reply;

            wrong.sequence++;
            send(emulator->fds[1], &wrong, sizeof(wrong), MSG_NOSIGNAL);
            send(emulator->fds[1], &reply, EMULATOR_STATE_HEADER - 1, MSG_NOSIGNAL);
        }
        send(emulator->fds[1], &reply, sizeof(reply), MSG_NOSIGNAL);
    }
    shutdown(emulator->fds[1], SHUT_RDWR);
    return NULL;
}


static void
emulatorStart(TestEmulator *emulator,
              EmulatorMode mode)
{
    EmulatorDeviceOptions devices[2] = {
        { .transport = EMULATOR_TRANSPORT_VFIO_USER, .fd = -1, .fields.devicename = "a" },
        { .transport = EMULATOR_TRANSPORT_VFIO_USER, .fd = -1, .fields.devicename = "b" },
    };
    const EmulatorOptions options = { .ndevices = 2, .devices = devices };

    memcpy(devices[0].fields.value, example, sizeof(example));
    memcpy(devices[1].fields.value, example, sizeof(example));
    *emulator = (TestEmulator) { .mode = mode, .status = emulatorStatusNew(&options) };
    g_assert_nonnull(emulator->status);
    g_assert_cmpint(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, emulator->fds), ==, 0);
    emulator->thread = g_thread_new("emulator", emulatorRun, emulator);
}


static void
emulatorStop(TestEmulator *emulator)
{
    close(emulator->fds[0]);
    if (emulator->thread)
        g_thread_join(emulator->thread);
    if (emulator->fds[1] >= 0)
        close(emulator->fds[1]);
}


static VMStateDomain *
newDomain(const TestEmulator *emulator)
{
    VMStateDomain *domain = vmstateDomainNew();

    g_assert_true(vmstateDomainAdd(domain, newDevice("ua-a", "a"), emulator->fds[0], 0, FALSE, NULL));
    g_assert_true(vmstateDomainAdd(domain, newDevice("ua-b", "b"), emulator->fds[0], 1, FALSE, NULL));
    return domain;
}


static uint8_t *
registersOf(TestEmulator *emulator,
            int device)
{
    EmulatorDevice *journal = &emulator->status->devices[device].device;

    return journal->states[journal->current & 1].config.now;
}


static gboolean
load(VMStateDomain *domain,
     GBytes *bytes,
     GError **err)
{
    gsize len;
    gconstpointer data = g_bytes_get_data(bytes, &len);

    return vmstateDomainLoad(domain, data, len, err);
}


static void
testDomain(void)
{
    static const EmulatorMode modes[] = {
        EMULATOR_GOOD, EMULATOR_DIES, EMULATOR_LATE, EMULATOR_LOSES, EMULATOR_LIES,
    };
    gsize i;

    for (i = 0; i < G_N_ELEMENTS(modes); i++) {
        g_autoptr(VMStateDomain) domain = NULL;
        g_autoptr(GBytes) bytes = NULL;
        g_autoptr(GError) err = NULL;
        TestEmulator emulator;

        emulatorStart(&emulator, modes[i]);
        domain = newDomain(&emulator);
        registersOf(&emulator, 0)[PCI_CONFIG_INTERRUPTLINE] = 0x5a;
        registersOf(&emulator, 1)[PCI_CONFIG_COMMAND] = 0x07;
        bytes = vmstateDomainSave(domain, &err);
        g_assert_no_error(err);

        registersOf(&emulator, 0)[PCI_CONFIG_INTERRUPTLINE] = 0;
        registersOf(&emulator, 1)[PCI_CONFIG_COMMAND] = 0;
        load(domain, bytes, &err);
        g_assert_no_error(err);
        g_assert_cmphex(registersOf(&emulator, 0)[PCI_CONFIG_INTERRUPTLINE], ==, 0x5a);
        g_assert_cmphex(registersOf(&emulator, 1)[PCI_CONFIG_COMMAND], ==, 0x07);
        emulatorStop(&emulator);
    }
}


/* A request that is repeated after the guest has gone on changes nothing. */
static void
testSetOnce(void)
{
    EmulatorStateRequest request = { EMULATOR_STATE_SET, 0, 7, 0, { 0 } };
    EmulatorStateReply reply;
    TestEmulator emulator;

    emulatorStart(&emulator, EMULATOR_GOOD);
    memcpy(request.registers, registersOf(&emulator, 0), PCI_CONFIG_SIZE);
    request.registers[PCI_CONFIG_INTERRUPTLINE] = 1;
    g_assert_cmpint(emulatorStateAnswer(emulator.status, 2, &request, sizeof(request), &reply), ==, 0);
    g_assert_cmpint(reply.error, ==, 0);
    g_assert_cmphex(registersOf(&emulator, 0)[PCI_CONFIG_INTERRUPTLINE], ==, 1);

    registersOf(&emulator, 0)[PCI_CONFIG_INTERRUPTLINE] = 2;
    g_assert_cmpint(emulatorStateAnswer(emulator.status, 2, &request, sizeof(request), &reply), ==, 0);
    g_assert_cmpint(reply.error, ==, 0);
    g_assert_cmphex(registersOf(&emulator, 0)[PCI_CONFIG_INTERRUPTLINE], ==, 2);

    /* An invalid device, an invalid command, read-only registers, and sequence number 0 */
    request.device = 2;
    request.sequence = 8;
    g_assert_cmpint(emulatorStateAnswer(emulator.status, 2, &request, sizeof(request), &reply), ==, 0);
    g_assert_cmpint(reply.error, ==, EINVAL);
    request.device = 1;
    request.command = 3;
    g_assert_cmpint(emulatorStateAnswer(emulator.status, 2, &request, sizeof(request), &reply), ==, 0);
    g_assert_cmpint(reply.error, ==, EINVAL);
    request.command = EMULATOR_STATE_SET;
    request.registers[PCI_CONFIG_VENDORID]++;
    g_assert_cmpint(emulatorStateAnswer(emulator.status, 2, &request, sizeof(request), &reply), ==, 0);
    g_assert_cmpint(reply.error, ==, EPERM);
    g_assert_cmphex(registersOf(&emulator, 1)[PCI_CONFIG_INTERRUPTLINE], ==, 0);
    request.sequence = 0;
    g_assert_cmpint(emulatorStateAnswer(emulator.status, 2, &request, sizeof(request), &reply), ==, 0);
    g_assert_cmpint(reply.error, ==, EINVAL);

    /* Only a request to restore registers must contain them. */
    request.sequence = 9;
    g_assert_cmpint(emulatorStateAnswer(emulator.status, 2, &request, EMULATOR_STATE_HEADER - 1, &reply), ==, -1);
    g_assert_cmpint(emulatorStateAnswer(emulator.status, 2, &request, sizeof(request) + 1, &reply), ==, -1);
    g_assert_cmpint(emulatorStateAnswer(emulator.status, 2, &request, sizeof(request) - 1, &reply), ==, 0);
    g_assert_cmpint(reply.error, ==, EINVAL);
    request.command = EMULATOR_STATE_GET;
    request.device = 0;
    g_assert_cmpint(emulatorStateAnswer(emulator.status, 2, &request, EMULATOR_STATE_HEADER, &reply), ==, 0);
    g_assert_cmpint(reply.error, ==, 0);
    g_assert_cmphex(reply.registers[PCI_CONFIG_INTERRUPTLINE], ==, 2);
    emulatorStop(&emulator);
}


static void
testDomainFails(void)
{
    static const struct {
        EmulatorMode mode;
        const char *message;
    } cases[] = {
        { EMULATOR_SILENT, "'ua-a': its emulator does not answer: Connection timed out" },
        { EMULATOR_ENDS, "'ua-a': its emulator does not answer: " },
    };
    gsize i;

    for (i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(VMStateDomain) domain = NULL;
        g_autoptr(GError) err = NULL;
        TestEmulator emulator;

        emulatorStart(&emulator, cases[i].mode);
        domain = newDomain(&emulator);
        g_assert_null(vmstateDomainSave(domain, &err));
        g_assert_nonnull(strstr(err->message, cases[i].message));
        emulatorStop(&emulator);
    }
}


/* Devices that are not served any more, and devices that have changed */
static void
testDomainDevices(void)
{
    g_autoptr(VMStateDomain) domain = NULL;
    g_autoptr(GBytes) both = NULL;
    g_autoptr(GBytes) one = NULL;
    g_autoptr(GError) err = NULL;
    TestEmulator emulator;

    emulatorStart(&emulator, EMULATOR_GOOD);
    domain = newDomain(&emulator);
    both = vmstateDomainSave(domain, &err);
    g_assert_no_error(err);

    /* The unplugged device is not part of the state, and must not be part of a state to restore. */
    emulator.status->devices[1].closed = EMULATOR_STATUS_GONE;
    one = vmstateDomainSave(domain, &err);
    g_assert_no_error(err);
    g_assert_cmpuint(g_bytes_get_size(one), <, g_bytes_get_size(both));
    g_assert_true(load(domain, one, &err));
    g_assert_no_error(err);
    g_assert_false(load(domain, both, &err));
    g_assert_nonnull(strstr(err->message, "has an emulated PCI device 'ua-b', which is missing"));
    g_clear_error(&err);

    emulator.status->devices[1].closed = EMULATOR_STATUS_OPEN;
    g_assert_false(load(domain, one, &err));
    g_assert_nonnull(strstr(err->message, "'ua-b' is missing in the saved state"));
    g_clear_error(&err);

    /* The emulator does not serve this device any more. */
    emulator.status->devices[1].closed = EMULATOR_STATUS_FAILED;
    g_assert_null(vmstateDomainSave(domain, &err));
    g_assert_nonnull(strstr(err->message, "'ua-b': its emulator does not serve it any more"));
    g_clear_error(&err);

    /* When the save has failed, the reply about the next device waits in the socket. It is not
     * used later, when that device was unplugged. */
    emulator.status->devices[0].closed = EMULATOR_STATUS_FAILED;
    emulator.status->devices[1].closed = EMULATOR_STATUS_OPEN;
    g_assert_null(vmstateDomainSave(domain, NULL));
    g_assert_cmpint(poll(&(struct pollfd) { .fd = emulator.fds[0], .events = POLLIN }, 1, -1), ==, 1);
    emulator.status->devices[1].closed = EMULATOR_STATUS_GONE;
    g_assert_true(vmstateDomainAdd(domain, newDevice("ua-b", "b"), emulator.fds[0], 1, TRUE, &err));
    g_assert_no_error(err);

    g_assert_false(vmstateDomainAdd(domain, newDevice("ua-a", "a"), 0, 0, FALSE, &err));
    g_assert_nonnull(strstr(err->message, "two emulated PCI devices have the alias 'ua-a'"));
    emulatorStop(&emulator);
}


/* An emulator of two devices exits because both were unplugged: before a save, or while it has
 * requests. */
static void
testDomainLeft(void)
{
    static const EmulatorMode modes[] = { EMULATOR_LEFT, EMULATOR_LEAVES };
    gsize i;

    for (i = 0; i < G_N_ELEMENTS(modes); i++) {
        g_autoptr(VMStateDomain) domain = NULL;
        g_autoptr(GBytes) bytes = NULL;
        g_autoptr(GBytes) again = NULL;
        g_autoptr(GError) err = NULL;
        TestEmulator emulator;

        emulatorStart(&emulator, modes[i]);
        domain = newDomain(&emulator);
        if (modes[i] == EMULATOR_LEFT)
            g_thread_join(g_steal_pointer(&emulator.thread));
        bytes = vmstateDomainSave(domain, &err);
        g_assert_no_error(err);
        again = vmstateDomainSave(domain, &err);
        g_assert_no_error(err);
        g_assert_cmpuint(g_bytes_get_size(bytes), ==, VMSTATE_FORMAT_HEADER);
        emulatorStop(&emulator);
    }
}


/* --- D-Bus */

/* The server is a separate process; the emulator's thread is in this one. */
static pid_t
busStart(VMStateDomain *domain,
         int *client)
{
    int fds[2];
    pid_t pid;

    g_assert_cmpint(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), ==, 0);
    pid = fork();
    g_assert_cmpint(pid, >=, 0);
    if (pid == 0) {
        close(fds[0]);
        _exit(vmstateBusServe(fds[1], -1, domain, NULL) ? EXIT_SUCCESS : EXIT_FAILURE);
    }
    close(fds[1]);
    *client = fds[0];
    return pid;
}


static GDBusConnection *
busConnectClient(int fd,
                 GError **err)
{
    g_autoptr(GSocket) socket = g_socket_new_from_fd(fd, err);
    g_autoptr(GSocketConnection) stream = g_socket_connection_factory_create_connection(socket);

    return g_dbus_connection_new_sync(G_IO_STREAM(stream), NULL,
                                      G_DBUS_CONNECTION_FLAGS_AUTHENTICATION_CLIENT |
                                      G_DBUS_CONNECTION_FLAGS_MESSAGE_BUS_CONNECTION,
                                      NULL, NULL, err);
}


static GVariant *
busCallState(GDBusConnection *connection,
             const char *method,
             GVariant *arguments,
             GError **err)
{
    return g_dbus_connection_call_sync(connection, ":1.1", "/org/qemu/VMState1", "org.qemu.VMState1",
                                       method, arguments, NULL, G_DBUS_CALL_FLAGS_NO_AUTO_START, -1,
                                       NULL, err);
}


static GVariant *
busListOwners(GDBusConnection *connection,
              const char *name,
              GError **err)
{
    return g_dbus_connection_call_sync(connection, "org.freedesktop.DBus", "/org/freedesktop/DBus",
                                       "org.freedesktop.DBus", "ListQueuedOwners",
                                       g_variant_new("(s)", name), G_VARIANT_TYPE("(as)"),
                                       G_DBUS_CALL_FLAGS_NONE, -1, NULL, err);
}


/* The calls that QEMU makes when it saves and restores. */
static void
testBus(void)
{
    g_autoptr(VMStateDomain) domain = NULL;
    g_autoptr(GDBusConnection) connection = NULL;
    g_autoptr(GDBusProxy) proxy = NULL;
    g_autoptr(GVariant) owners = NULL;
    g_autoptr(GVariant) id = NULL;
    g_autoptr(GVariant) saved = NULL;
    g_autoptr(GVariant) loaded = NULL;
    g_autoptr(GVariant) state = NULL;
    g_autoptr(GError) err = NULL;
    TestEmulator emulator;
    const char **names;
    int status;
    pid_t pid;
    int fd;

    emulatorStart(&emulator, EMULATOR_GOOD);
    domain = newDomain(&emulator);
    pid = busStart(domain, &fd);
    connection = busConnectClient(fd, &err);
    g_assert_no_error(err);
    g_assert_cmpstr(g_dbus_connection_get_unique_name(connection), ==, ":1.0");

    registersOf(&emulator, 1)[PCI_CONFIG_INTERRUPTLINE] = 0x5a;
    owners = busListOwners(connection, "org.qemu.VMState1", &err);
    g_assert_no_error(err);
    g_variant_get(owners, "(^a&s)", &names);
    g_assert_cmpstr(names[0], ==, ":1.1");
    g_assert_null(names[1]);
    g_free(names);

    proxy = g_dbus_proxy_new_sync(connection, G_DBUS_PROXY_FLAGS_NONE, NULL, ":1.1", "/org/qemu/VMState1",
                                  "org.qemu.VMState1", NULL, &err);
    g_assert_no_error(err);
    id = g_dbus_proxy_get_cached_property(proxy, "Id");
    g_assert_cmpstr(g_variant_get_string(id, NULL), ==, VMSTATE_BUS_ID);

    saved = busCallState(connection, "Save", NULL, &err);
    g_assert_no_error(err);
    registersOf(&emulator, 1)[PCI_CONFIG_INTERRUPTLINE] = 0;
    state = g_variant_get_child_value(saved, 0);
    loaded = busCallState(connection, "Load", g_variant_new("(@ay)", state), &err);
    g_assert_no_error(err);
    g_assert_cmphex(registersOf(&emulator, 1)[PCI_CONFIG_INTERRUPTLINE], ==, 0x5a);

    g_assert_null(busCallState(connection, "Load", g_variant_new("(@ay)", g_variant_new_bytestring("x")),
                               &err));
    g_assert_nonnull(strstr(err->message, "not one of emulated PCI devices"));
    g_clear_error(&err);
    g_assert_null(busListOwners(connection, "org.example", &err));
    g_clear_error(&err);

    /* If registers are lost, the first call already fails. */
    emulator.status->devices[0].closed = EMULATOR_STATUS_FAILED;
    g_assert_null(busListOwners(connection, "org.qemu.VMState1", &err));
    g_assert_nonnull(strstr(err->message, "'ua-a'"));

    g_clear_object(&proxy);
    g_dbus_connection_close_sync(connection, NULL, NULL);
    g_assert_cmpint(waitpid(pid, &status, 0), ==, pid);
    g_assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    emulatorStop(&emulator);
}


/* A peer that does not use D-Bus. */
static void
testBusHostile(void)
{
    static const char *const texts[] = { "", "\0AUTH ANONYMOUS\r\n", "GET / HTTP/1.0\r\n\r\n" };
    gsize i;

    for (i = 0; i < G_N_ELEMENTS(texts); i++) {
        g_autoptr(VMStateDomain) domain = vmstateDomainNew();
        int status;
        pid_t pid;
        int fd;

        pid = busStart(domain, &fd);
        g_assert_cmpint(send(fd, texts[i], i == 1 ? 18 : strlen(texts[i]), MSG_NOSIGNAL), >=, 0);
        shutdown(fd, SHUT_WR);
        g_assert_cmpint(waitpid(pid, &status, 0), ==, pid);
        g_assert_true(WIFEXITED(status) && WEXITSTATUS(status) == EXIT_FAILURE);
        close(fd);
    }
}


int
main(int argc,
     char **argv)
{
    testInit(&argc, &argv);
    signal(SIGPIPE, SIG_IGN);

    /* These tests come first, because they fork and no threads exist yet. */
    g_test_add_func("/vmstate/bus/hostile", testBusHostile);
    g_test_add_func("/vmstate/format", testFormat);
    g_test_add_func("/vmstate/golden", testGolden);
    g_test_add_func("/vmstate/hostile", testHostile);
    g_test_add_func("/vmstate/hostile-devices", testHostileDevices);
    g_test_add_func("/vmstate/check", testCheck);
    g_test_add_func("/vmstate/own", testOwn);
    g_test_add_func("/vmstate/domain", testDomain);
    g_test_add_func("/vmstate/set-once", testSetOnce);
    g_test_add_func("/vmstate/domain/fails", testDomainFails);
    g_test_add_func("/vmstate/domain/devices", testDomainDevices);
    g_test_add_func("/vmstate/domain/left", testDomainLeft);
    g_test_add_func("/vmstate/bus", testBus);

    return g_test_run();
}
