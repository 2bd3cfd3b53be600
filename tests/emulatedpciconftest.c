/*
 * emulatedpciconftest.c: parse, format, validate of <emulatedpci>
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <config.h>

#include "emulatedpci_conf.h"
#include "emulatedpci_uuid.h"
#include "testutils.h"

#include <libvirt/libvirt.h>
#include <libxml/parser.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* Longer than any message, whatever the XML. */
#define MESSAGE_MAX 600

#define CONFIG "<config vendorid='0x5853' deviceid='0xc000'/>"
#define DEVICE(content) "<emulatedpci devicename='dev'>" content "</emulatedpci>"
#define FIELDS(attributes) \
    DEVICE("<config vendorid='0x5853' deviceid='0xc000' " attributes "/>")

#define XML VIR_ERR_XML_ERROR
#define UNSUPPORTED VIR_ERR_CONFIG_UNSUPPORTED


/* Parses and validates XML. On failure, CODE and MESSAGE (newly allocated) are those of the error;
 * on success, 0 and NULL. */
static EmulatedPCIDef *
load(const char *xml,
     gsize len,
     int *code,
     char **message)
{
    g_autoptr(EmulatedPCIDef) def = NULL;
    g_autoptr(GError) err = NULL;

    *code = 0;
    *message = NULL;

    def = emulatedPCIDefParseString(xml, len, &err);
    if (def) {
        g_assert_no_error(err);
        if (emulatedPCIDefValidate(def, &err)) {
            g_assert_no_error(err);
            return g_steal_pointer(&def);
        }
    }

    g_assert_nonnull(err);
    g_assert_true(err->domain == EMULATED_PCI_ERROR);
    g_assert_cmpuint(strlen(err->message), <, MESSAGE_MAX);
    g_assert_true(g_utf8_validate(err->message, -1, NULL));
    g_assert_null(strchr(err->message, '\n'));
    *code = err->code;
    *message = g_strdup(err->message);
    return NULL;
}


static EmulatedPCIDef *
loadOK(const char *xml)
{
    g_autofree char *message = NULL;
    EmulatedPCIDef *def;
    int code;

    def = load(xml, strlen(xml), &code, &message);
    if (!def)
        g_error("%s: %s", xml, message);
    return def;
}


/* Checks that XML is rejected with CODE and a message that contains TEXT. */
static void
assertRefused(const char *xml,
              int code,
              const char *text)
{
    g_autoptr(EmulatedPCIDef) def = NULL;
    g_autofree char *message = NULL;
    int got;

    def = load(xml, strlen(xml), &got, &message);
    if (def)
        g_error("accepted: %s", xml);
    if (got != code || !strstr(message, text))
        g_error("%s: expected %d '%s', got %d '%s'", xml, code, text, got, message);
}


/* A part of the error about bytes that are not UTF-8. The message is libxml2's, which changed it in
 * version 2.14. */
static const char *
notUTF8(void)
{
    return LIBXML_VERSION < 21400 ?
        "malformed XML at line 1: Input is not proper UTF-8" :
        "malformed XML at line 1: Invalid bytes in character encoding";
}


/* Returns HEAD, COUNT times FILL, and TAIL. Newly allocated. */
static char *
repeat(const char *head,
       const char *fill,
       gsize count,
       const char *tail)
{
    GString *xml = g_string_new(head);

    while (count-- > 0)
        g_string_append(xml, fill);
    g_string_append(xml, tail);
    return g_string_free(xml, FALSE);
}


/* --- the exact messages of errors */

static const struct {
    const char *name;
    const char *xml;
    int code;
    const char *message;
} errors[] = {
    { "not-xml", "hello", XML,
      "malformed XML at line 1: Start tag expected, '<' not found" },
    { "empty", "", XML, NULL },
    { "truncated", "<emulatedpci devicename='a'", XML, NULL },
    { "two-roots", DEVICE(CONFIG) DEVICE(CONFIG), XML,
      "malformed XML at line 1: Extra content at the end of the document" },
    { "duplicate-attribute", "<emulatedpci devicename='a' devicename='b'/>", XML,
      "malformed XML at line 1: Attribute devicename redefined" },
    { "other-element", "<disk/>", XML, "unexpected element <disk>, expecting <emulatedpci>" },
    { "other-namespace", "<emulatedpci xmlns='urn:x'/>", XML,
      "unexpected element <emulatedpci xmlns='urn:x'>, expecting <emulatedpci>" },

    { "no-devicename", "<emulatedpci>" CONFIG "</emulatedpci>", XML,
      "missing attribute 'devicename' in <emulatedpci>" },
    { "empty-devicename", "<emulatedpci devicename=''>" CONFIG "</emulatedpci>", XML,
      "invalid value '' for attribute 'devicename': "
      "1 to 31 characters of A-Z a-z 0-9 . _ - are expected" },
    { "long-devicename", "<emulatedpci devicename='a123456789b123456789c123456789d1'>" CONFIG
      "</emulatedpci>", XML,
      "invalid value 'a123456789b123456789c123456789d1' for attribute 'devicename': "
      "1 to 31 characters of A-Z a-z 0-9 . _ - are expected" },
    { "space-devicename", "<emulatedpci devicename='a b'>" CONFIG "</emulatedpci>", XML, NULL },
    { "comma-devicename", "<emulatedpci devicename='a,b'>" CONFIG "</emulatedpci>", XML, NULL },
    { "utf8-devicename", "<emulatedpci devicename='\303\251'>" CONFIG "</emulatedpci>", XML,
      "invalid value '\303\251' for attribute 'devicename': "
      "1 to 31 characters of A-Z a-z 0-9 . _ - are expected" },

    { "unknown-attribute", "<emulatedpci devicename='a' colour='red'>" CONFIG "</emulatedpci>",
      XML, "unknown attribute 'colour' in <emulatedpci>" },
    { "namespaced-attribute", "<emulatedpci devicename='a' xml:lang='en'>" CONFIG
      "</emulatedpci>", XML, "unknown attribute 'lang' in <emulatedpci>" },
    { "namespaced-known-attribute", "<emulatedpci xmlns:x='urn:x' x:devicename='a'>" CONFIG
      "</emulatedpci>", XML, "unknown attribute 'devicename' in <emulatedpci>" },
    { "unknown-element", DEVICE(CONFIG "<boot order='1'/>"), XML,
      "unknown element <boot> in <emulatedpci>" },
    { "namespaced-element", DEVICE("<config xmlns='urn:x' vendorid='1' deviceid='1'/>"), XML,
      "unknown element <config xmlns='urn:x'> in <emulatedpci>" },
    { "two-configs", DEVICE(CONFIG CONFIG), XML, "more than one <config> in <emulatedpci>" },
    { "two-aliases", DEVICE(CONFIG "<alias name='ua-a'/><alias name='ua-a'/>"), XML,
      "more than one <alias> in <emulatedpci>" },
    { "two-addresses", DEVICE(CONFIG "<address type='pci'/><address type='pci'/>"), XML,
      "more than one <address> in <emulatedpci>" },
    { "text", DEVICE("hello" CONFIG), XML, "unexpected text 'hello' in <emulatedpci>" },
    { "cdata", DEVICE(CONFIG "<![CDATA[hello]]>"), XML,
      "unexpected text 'hello' in <emulatedpci>" },
    { "no-break-space", DEVICE(CONFIG "\302\240"), XML, NULL },
    { "text-in-config", DEVICE("<config vendorid='1' deviceid='1'>x</config>"), XML,
      "unexpected text 'x' in <config>" },
    { "element-in-config", DEVICE("<config vendorid='1' deviceid='1'><x/></config>"), XML,
      "unknown element <x> in <config>" },
    { "text-in-alias", DEVICE(CONFIG "<alias name='ua-a'>x</alias>"), XML,
      "unexpected text 'x' in <alias>" },
    { "text-in-address", DEVICE(CONFIG "<address type='pci'>x</address>"), XML,
      "unexpected text 'x' in <address>" },
    { "undeclared-entity", DEVICE(CONFIG "&x;"), XML,
      "malformed XML at line 1: Entity 'x' not defined" },
    { "doctype", "<!DOCTYPE emulatedpci>" DEVICE(CONFIG), XML,
      "a document type declaration is not allowed" },
    { "doctype-system", "<!DOCTYPE emulatedpci SYSTEM 'file:///etc/passwd'>" DEVICE(CONFIG), XML,
      "a document type declaration is not allowed" },

    { "index-range", "<emulatedpci devicename='a' index='10000'>" CONFIG "</emulatedpci>", XML,
      "invalid value '10000' for attribute 'index': a number from 0 to 9999 is expected" },
    { "index-negative", "<emulatedpci devicename='a' index='-1'>" CONFIG "</emulatedpci>", XML,
      "invalid value '-1' for attribute 'index': a number from 0 to 9999 is expected" },
    { "index-empty", "<emulatedpci devicename='a' index=''>" CONFIG "</emulatedpci>", XML, NULL },
    { "definition-slash", "<emulatedpci devicename='a' definition='../x'>" CONFIG
      "</emulatedpci>", XML,
      "invalid value '../x' for attribute 'definition': "
      "1 to 255 characters of A-Z a-z 0-9 . _ - are expected" },
    { "definition-empty", "<emulatedpci devicename='a' definition=''>" CONFIG "</emulatedpci>",
      XML, NULL },

    { "no-config", DEVICE(""), XML, "missing element <config> in <emulatedpci>" },
    { "no-vendorid", DEVICE("<config deviceid='1'/>"), XML,
      "missing attribute 'vendorid' in <config>" },
    { "no-deviceid", DEVICE("<config vendorid='1'/>"), XML,
      "missing attribute 'deviceid' in <config>" },
    { "unknown-field", FIELDS("bar0='1'"), XML, "unknown attribute 'bar0' in <config>" },
    { "devicename-in-config", FIELDS("devicename='a'"), XML,
      "unknown attribute 'devicename' in <config>" },
    { "vendorid-range", DEVICE("<config vendorid='0x10000' deviceid='1'/>"), XML,
      "invalid value '0x10000' for attribute 'vendorid': "
      "a decimal or 0x-hexadecimal number from 0x1 to 0xfffe is expected" },
    { "vendorid-none", DEVICE("<config vendorid='65535' deviceid='1'/>"), UNSUPPORTED,
      "unsupported value '65535' for attribute 'vendorid': guests interpret it as an empty slot; "
      "0x0001 to 0xfffe is allowed" },
    { "vendorid-zero", DEVICE("<config vendorid='0x0' deviceid='1'/>"), UNSUPPORTED,
      "unsupported value '0x0' for attribute 'vendorid': guests interpret it as an empty slot; "
      "0x0001 to 0xfffe is allowed" },
    { "octal", FIELDS("revision='010'"), XML,
      "invalid value '010' for attribute 'revision': "
      "a decimal or 0x-hexadecimal number from 0x0 to 0xff is expected" },
    { "classcode-range", FIELDS("classcode='16777216'"), XML,
      "invalid value '16777216' for attribute 'classcode': "
      "a decimal or 0x-hexadecimal number from 0x0 to 0xffffff is expected" },

    { "headertype-bridge", FIELDS("headertype='0x01'"), UNSUPPORTED,
      "unsupported value '0x01' for attribute 'headertype': the layout bits (6-0) of an "
      "endpoint must be 0; 0x00 and 0x80 are allowed" },
    { "headertype-bit6", FIELDS("headertype='192'"), UNSUPPORTED,
      "unsupported value '192' for attribute 'headertype': the layout bits (6-0) of an "
      "endpoint must be 0; 0x00 and 0x80 are allowed" },
    { "multifunction-no-address", FIELDS("headertype='0x80'"), UNSUPPORTED,
      "unsupported value '0x80' for attribute 'headertype': bit 7 requires "
      "multifunction='on' in the <address>; 0x00 is allowed" },
    { "multifunction-off", DEVICE("<config vendorid='1' deviceid='1' headertype='128'/>"
      "<address type='pci' multifunction='off'/>"), UNSUPPORTED,
      "unsupported value '128' for attribute 'headertype': bit 7 requires "
      "multifunction='on' in the <address>; 0x00 is allowed" },
    { "multifunction-on", DEVICE("<config vendorid='1' deviceid='1' headertype='0'/>"
      "<address type='pci' slot='5' multifunction='on'/>"), UNSUPPORTED,
      "unsupported value '0' for attribute 'headertype': bit 7 is clear, "
      "but the <address> has multifunction='on'; 0x80 is allowed" },

    { "alias-no-name", DEVICE(CONFIG "<alias/>"), XML, "missing attribute 'name' in <alias>" },
    { "alias-libvirts", DEVICE(CONFIG "<alias name='scsi0'/>"), XML,
      "invalid value 'scsi0' for the name of <alias>: 'ua-' followed by "
      "characters of A-Z a-z 0-9 _ - is expected, at most 255 characters in total" },
    { "alias-bare", DEVICE(CONFIG "<alias name='ua-'/>"), XML, NULL },
    { "alias-empty", DEVICE(CONFIG "<alias name=''/>"), XML, NULL },
    { "alias-dot", DEVICE(CONFIG "<alias name='ua-a.b'/>"), XML, NULL },
    { "alias-case", DEVICE(CONFIG "<alias name='UA-a'/>"), XML, NULL },
    { "alias-attribute", DEVICE(CONFIG "<alias name='ua-a' x='y'/>"), XML,
      "unknown attribute 'x' in <alias>" },

    { "address-no-type", DEVICE(CONFIG "<address slot='5'/>"), XML,
      "missing attribute 'type' in <address>" },
    { "address-drive", DEVICE(CONFIG "<address type='drive' slot='1'/>"), UNSUPPORTED,
      "unsupported value 'drive' for attribute 'type' of <address>: "
      "an emulated PCI device requires an address of type 'pci'" },
    { "address-usb", DEVICE(CONFIG "<address type='usb' bus='0' port='1'/>"), UNSUPPORTED,
      "unsupported value 'usb' for attribute 'type' of <address>: "
      "an emulated PCI device requires an address of type 'pci'" },
    { "address-ccw", DEVICE(CONFIG "<address type='ccw'/>"), UNSUPPORTED, NULL },
    { "address-zpci", DEVICE(CONFIG "<address type='pci'><zpci uid='1' fid='2'/></address>"),
      UNSUPPORTED, "<zpci> in <address> is not supported: "
      "emulated PCI devices are not supported on s390" },
    { "address-attribute", DEVICE(CONFIG "<address type='pci' target='1'/>"), XML,
      "unknown attribute 'target' in <address>" },
    { "address-domain", DEVICE(CONFIG "<address type='pci' domain='0x10000'/>"), XML,
      "invalid value '0x10000' for attribute 'domain': "
      "a decimal or 0x-hexadecimal number from 0x0 to 0xffff is expected" },
    { "address-bus", DEVICE(CONFIG "<address type='pci' bus='256'/>"), XML,
      "invalid value '256' for attribute 'bus': "
      "a decimal or 0x-hexadecimal number from 0x0 to 0xff is expected" },
    { "address-slot", DEVICE(CONFIG "<address type='pci' slot='0x20'/>"), XML,
      "invalid value '0x20' for attribute 'slot': "
      "a decimal or 0x-hexadecimal number from 0x0 to 0x1f is expected" },
    { "address-function", DEVICE(CONFIG "<address type='pci' function='8'/>"), XML,
      "invalid value '8' for attribute 'function': "
      "a decimal or 0x-hexadecimal number from 0x0 to 0x7 is expected" },
    { "address-function-alone", DEVICE(CONFIG "<address type='pci' function='0x9'/>"), XML,
      NULL },
    { "address-bare-hex", DEVICE(CONFIG "<address type='pci' slot='1f'/>"), XML, NULL },
    { "address-multifunction", DEVICE(CONFIG "<address type='pci' multifunction='yes'/>"), XML,
      "invalid value 'yes' for attribute 'multifunction': 'on' or 'off' is expected" },

    { "driver-empty", DEVICE(CONFIG "<driver/>"), XML,
      "<driver> is empty: an attribute or <arg> is required" },
    { "driver-twice", DEVICE(CONFIG "<driver emulator='a'/><driver emulator='a'/>"), XML,
      "more than one <driver> in <emulatedpci>" },
    { "driver-attribute", DEVICE(CONFIG "<driver name='qemu'/>"), XML,
      "unknown attribute 'name' in <driver>" },
    { "driver-emulator", DEVICE(CONFIG "<driver emulator='a b'/>"), XML,
      "invalid value 'a b' for attribute 'emulator': "
      "1 to 64 characters of A-Z a-z 0-9 . _ - are expected" },
    { "driver-emulator-empty", DEVICE(CONFIG "<driver emulator=''/>"), XML, NULL },
    { "driver-version", DEVICE(CONFIG "<driver version='2'/>"), XML,
      "invalid value '2' for attribute 'version': 'mpqemu' or 'vfio-user' is expected" },
    { "driver-version-empty", DEVICE(CONFIG "<driver version=''/>"), XML, NULL },
    { "driver-stubdomain", DEVICE(CONFIG "<driver stubdomain='on'/>"), XML,
      "invalid value 'on' for attribute 'stubdomain': 'yes' or 'no' is expected" },
    { "driver-model", DEVICE(CONFIG "<driver model='bin/x'/>"), XML,
      "invalid value 'bin/x' for attribute 'model': an absolute path of at most 1024 bytes "
      "without control characters is expected" },
    { "driver-model-root", DEVICE(CONFIG "<driver model='/'/>"), XML, NULL },
    { "driver-model-control", DEVICE(CONFIG "<driver model='/a&#9;b'/>"), XML, NULL },
    { "driver-arg", DEVICE(CONFIG "<driver><arg value='a&#10;b'/></driver>"), XML,
      "invalid value 'a?b' for an emulator's <arg>: at most 1024 bytes "
      "without control characters are expected" },
    { "driver-arg-c1", DEVICE(CONFIG "<driver><arg value='&#133;'/></driver>"), XML, NULL },
    { "driver-arg-none", DEVICE(CONFIG "<driver><arg/></driver>"), XML,
      "missing attribute 'value' in <arg>" },
    { "driver-arg-child", DEVICE(CONFIG "<driver><arg value='a'><b/></arg></driver>"), XML,
      "unknown element <b> in <arg>" },
    { "driver-arg-text", DEVICE(CONFIG "<driver><arg>a</arg></driver>"), XML, NULL },
    { "driver-child", DEVICE(CONFIG "<driver><args/></driver>"), XML,
      "unknown element <args> in <driver>" },
    { "driver-pid", DEVICE(CONFIG "<driver pid='0'/>"), XML,
      "invalid value '0' for attribute 'pid': a number from 1 to 4194304 is expected" },
    { "driver-pid-large", DEVICE(CONFIG "<driver pid='4194305'/>"), XML, NULL },
    { "driver-pid-octal", DEVICE(CONFIG "<driver pid='07'/>"), XML, NULL },
    { "driver-pid-and-emulator", DEVICE(CONFIG "<driver pid='1' emulator='a'/>"), XML,
      "attribute 'emulator' of <driver> cannot be combined with 'pid', which selects a "
      "running emulator" },
    { "driver-pid-and-stubdomain", DEVICE(CONFIG "<driver pid='1' stubdomain='no'/>"), XML, NULL },
    { "driver-pid-and-arg", DEVICE(CONFIG "<driver pid='1'><arg value=''/></driver>"), XML,
      "<arg> in <driver> cannot be combined with 'pid', which selects a running emulator" },
    { "driver-socket", DEVICE("<driver socket='run/x'/>"), XML,
      "invalid value 'run/x' for attribute 'socket': an absolute path of at most 107 bytes "
      "without control characters is expected" },
    { "driver-socket-empty", DEVICE("<driver socket=''/>"), XML, NULL },
    { "driver-socket-and-pid", DEVICE("<driver socket='/x' pid='1'/>"), XML,
      "attribute 'pid' of <driver> cannot be combined with 'socket', which selects a running server" },
    { "driver-socket-and-arg", DEVICE("<driver socket='/x'><arg value=''/></driver>"), XML,
      "<arg> in <driver> cannot be combined with 'socket', which selects a running server" },
    { "driver-socket-version", DEVICE("<driver socket='/x' version='mpqemu'/>"), XML,
      "attribute 'version' of <driver> cannot be 'mpqemu' with 'socket', which selects a running server: 'vfio-user' is allowed" },
    { "socket-field", DEVICE("<config deviceid='1' interruptpin='1'/><driver socket='/x'/>"), UNSUPPORTED,
      "attribute 'interruptpin' of <config> cannot be given for the device of a server ('socket' of "
      "<driver>), because QEMU cannot override it: vendorid, deviceid, classcode, subvendorid, "
      "subsystemid are allowed" },
    { "socket-definition", "<emulatedpci definition='a'><driver socket='/x'/></emulatedpci>", UNSUPPORTED,
      "attribute 'definition' of <emulatedpci> cannot be combined with 'socket' of <driver>: the server defines the device" },
    { "socket-range", DEVICE("<config deviceid='0x10000'/><driver socket='/x'/>"), XML, NULL },
    { "socket-vendorid", DEVICE("<config vendorid='0xffff'/><driver socket='/x'/>"), UNSUPPORTED, NULL },
    { "socket-no-name", "<emulatedpci><driver socket='/x'/></emulatedpci>", XML,
      "missing attribute 'devicename' in <emulatedpci>" },
};


static void
testError(gconstpointer opaque)
{
    const gsize i = GPOINTER_TO_SIZE(opaque);
    g_autoptr(EmulatedPCIDef) def = NULL;
    g_autofree char *message = NULL;
    int code;

    def = load(errors[i].xml, strlen(errors[i].xml), &code, &message);
    g_assert_null(def);
    if (errors[i].message)
        g_assert_cmpstr(message, ==, errors[i].message);
    g_assert_cmpint(code, ==, errors[i].code);
}


/* --- accepted documents, and the format in which they are written */

static const struct {
    const char *name;
    const char *xml;
    const char *canonical;      /* with no white space between the elements */
} goldens[] = {
    { "socket", DEVICE("<driver socket='/run/x'/>"),
      "<emulatedpci devicename='dev'><driver socket='/run/x'/></emulatedpci>" },
    { "socket-version", DEVICE("<driver socket='/run/x' version='vfio-user'/><config/>"),
      "<emulatedpci devicename='dev'><driver version='vfio-user' socket='/run/x'/></emulatedpci>" },
    { "socket-some", DEVICE("<config subsystemid='1' classcode='0xff0000'/><driver socket='/x'/>"
      "<address type='pci' multifunction='on'/>"),
      "<emulatedpci devicename='dev'><config classcode='0xff0000' subsystemid='0x0001'/>"
      "<driver socket='/x'/><address type='pci' multifunction='on'/></emulatedpci>" },
    { "minimal", DEVICE(CONFIG),
      "<emulatedpci devicename='dev'><config vendorid='0x5853' deviceid='0xc000' "
      "command='0x0000' status='0x0000' revision='0x00' classcode='0xff0000' headertype='0x00' "
      "subvendorid='0x5853' subsystemid='0xc000' interruptline='0x00' interruptpin='0x00'/>"
      "</emulatedpci>" },
    { "decimal", DEVICE("<config interruptpin='9' interruptline='10' subsystemid='11' "
      "subvendorid='12' headertype='0' classcode='13' revision='14' status='15' command='16' "
      "deviceid='17' vendorid='18'/>"),
      "<emulatedpci devicename='dev'><config vendorid='0x0012' deviceid='0x0011' "
      "command='0x0010' status='0x000f' revision='0x0e' classcode='0x00000d' headertype='0x00' "
      "subvendorid='0x000c' subsystemid='0x000b' interruptline='0x0a' interruptpin='0x09'/>"
      "</emulatedpci>" },
    { "largest", "<emulatedpci definition='x' index='9999' devicename='Z9._-'><config "
      "vendorid='0xfffe' deviceid='0xffff' command='0xffff' status='0xffff' revision='0xff' "
      "classcode='0xffffff' headertype='0x80' subvendorid='0xffff' subsystemid='0xffff' "
      "interruptline='0xff' interruptpin='0xff'/><alias name='ua-a'/><address type='pci' "
      "domain='0xffff' bus='0xff' slot='0x1f' function='7' multifunction='on'/></emulatedpci>",
      "<emulatedpci devicename='Z9._-' index='9999' definition='x'><config vendorid='0xfffe' "
      "deviceid='0xffff' command='0xffff' status='0xffff' revision='0xff' classcode='0xffffff' "
      "headertype='0x80' subvendorid='0xffff' subsystemid='0xffff' interruptline='0xff' "
      "interruptpin='0xff'/><alias name='ua-a'/><address type='pci' domain='0xffff' bus='0xff' "
      "slot='0x1f' function='0x7' multifunction='on'/></emulatedpci>" },
    { "order-and-space", "\n<!-- a --><emulatedpci\tdevicename = \"dev\" >\r\n<?pi?>"
      "<address type='pci' slot='31'>\n</address><!-- b --><alias name='ua--_9'> </alias>\n"
      "<config deviceid='2' vendorid='1'/></emulatedpci>\n",
      "<emulatedpci devicename='dev'><config vendorid='0x0001' deviceid='0x0002' "
      "command='0x0000' status='0x0000' revision='0x00' classcode='0xff0000' headertype='0x00' "
      "subvendorid='0x0001' subsystemid='0x0002' interruptline='0x00' interruptpin='0x00'/>"
      "<alias name='ua--_9'/><address type='pci' domain='0x0000' bus='0x00' slot='0x1f' "
      "function='0x0'/></emulatedpci>" },
};

#define REST "command='0x0000' status='0x0000' revision='0x00' classcode='0xff0000' "
#define TAIL "subvendorid='0x5853' subsystemid='0xc000' interruptline='0x00' interruptpin='0x00'/>"
#define HEAD "<emulatedpci devicename='dev'><config vendorid='0x5853' deviceid='0xc000' " REST
#define SINGLE HEAD "headertype='0x00' " TAIL
#define MULTI HEAD "headertype='0x80' " TAIL

/* An <address> in a document, and in the output of libvirt */
static const struct {
    const char *written;
    const char *printed;
    gboolean multifunction;
} addresses[] = {
    { "<address type='pci'/>", "<address type='pci'/>", FALSE },
    { "<address type='pci' slot='5'/>",
      "<address type='pci' domain='0x0000' bus='0x00' slot='0x05' function='0x0'/>", FALSE },
    { "<address type='pci' slot='0x1f' function='7'/>",
      "<address type='pci' domain='0x0000' bus='0x00' slot='0x1f' function='0x7'/>", FALSE },
    { "<address type='pci' bus='1'/>",
      "<address type='pci' domain='0x0000' bus='0x01' slot='0x00' function='0x0'/>", FALSE },
    { "<address type='pci' domain='1'/>",
      "<address type='pci' domain='0x0001' bus='0x00' slot='0x00' function='0x0'/>", FALSE },
    { "<address function='0x1' slot='10' bus='255' domain='65535' type='pci'/>",
      "<address type='pci' domain='0xffff' bus='0xff' slot='0x0a' function='0x1'/>", FALSE },
    { "<address type='pci' function='3'/>", "<address type='pci'/>", FALSE },
    { "<address type='pci' domain='0' bus='0x0' slot='0x00' function='0'/>",
      "<address type='pci'/>", FALSE },
    { "<address type='pci' multifunction='on'/>",
      "<address type='pci' multifunction='on'/>", TRUE },
    { "<address type='pci' slot='5' multifunction='on'/>",
      "<address type='pci' domain='0x0000' bus='0x00' slot='0x05' function='0x0' "
      "multifunction='on'/>", TRUE },
    { "<address multifunction='off' type='pci' slot='5'/>",
      "<address type='pci' domain='0x0000' bus='0x00' slot='0x05' function='0x0' "
      "multifunction='off'/>", FALSE },
};


static char *
format(const EmulatedPCIDef *def)
{
    GString *buf = g_string_new(NULL);

    emulatedPCIDefFormat(def, "", "", buf);
    return g_string_free(buf, FALSE);
}


static void
testGolden(gconstpointer opaque)
{
    const gsize i = GPOINTER_TO_SIZE(opaque);
    g_autoptr(EmulatedPCIDef) def = NULL;
    g_autoptr(EmulatedPCIDef) again = NULL;
    g_autofree char *first = NULL;
    g_autofree char *second = NULL;

    def = loadOK(goldens[i].xml);
    first = format(def);
    g_assert_cmpstr(first, ==, goldens[i].canonical);

    again = loadOK(first);
    second = format(again);
    g_assert_cmpstr(second, ==, first);
}


static void
testIndent(void)
{
    g_autoptr(EmulatedPCIDef) def =
        loadOK("<emulatedpci devicename='citrix-pv-bus'><config vendorid='0x5853' "
               "deviceid='0xc000' revision='1' classcode='0xff8000' interruptpin='1'/>"
               "<alias name='ua-emulatedpci0'/><address type='pci' slot='5'/></emulatedpci>");
    g_autoptr(GString) buf = g_string_new("    ");

    emulatedPCIDefFormat(def, "    ", "\r\n", buf);
    g_assert_cmpstr(buf->str, ==,
                    "    <emulatedpci devicename='citrix-pv-bus'>\r\n"
                    "      <config vendorid='0x5853' deviceid='0xc000' command='0x0000' "
                    "status='0x0000' revision='0x01' classcode='0xff8000' headertype='0x00' "
                    "subvendorid='0x5853' subsystemid='0xc000' interruptline='0x00' "
                    "interruptpin='0x01'/>\r\n"
                    "      <alias name='ua-emulatedpci0'/>\r\n"
                    "      <address type='pci' domain='0x0000' bus='0x00' slot='0x05' "
                    "function='0x0'/>\r\n"
                    "    </emulatedpci>");

    g_string_assign(buf, "\t");
    g_clear_pointer(&def->alias, g_free);
    def->hasAddress = FALSE;
    emulatedPCIDefFormat(def, "\t", "\n", buf);
    g_assert_cmpstr(buf->str, ==,
                    "\t<emulatedpci devicename='citrix-pv-bus'>\n"
                    "\t  <config vendorid='0x5853' deviceid='0xc000' command='0x0000' "
                    "status='0x0000' revision='0x01' classcode='0xff8000' headertype='0x00' "
                    "subvendorid='0x5853' subsystemid='0xc000' interruptline='0x00' "
                    "interruptpin='0x01'/>\n"
                    "\t</emulatedpci>");

    /* Without alias and address, these functions write nothing. */
    g_string_truncate(buf, 0);
    emulatedPCIDefFormatAlias(def, buf);
    emulatedPCIDefFormatAddress(def, buf);
    g_assert_cmpstr(buf->str, ==, "");
}


static void
testAddresses(void)
{
    gsize i;

    for (i = 0; i < G_N_ELEMENTS(addresses); i++) {
        g_autofree char *xml = g_strdup_printf(DEVICE(CONFIG "%s"), addresses[i].written);
        g_autofree char *expected = g_strdup_printf("%s%s</emulatedpci>",
                                                    addresses[i].multifunction ? MULTI : SINGLE,
                                                    addresses[i].printed);
        g_autoptr(EmulatedPCIDef) def = loadOK(xml);
        g_autoptr(EmulatedPCIDef) again = NULL;
        g_autofree char *first = format(def);
        g_autofree char *second = NULL;
        g_autoptr(GString) address = g_string_new(NULL);

        g_assert_cmpstr(first, ==, expected);
        emulatedPCIDefFormatAddress(def, address);
        g_assert_cmpstr(address->str, ==, addresses[i].printed);

        again = loadOK(first);
        second = format(again);
        g_assert_cmpstr(second, ==, first);
    }
}


/* Checks the table above: libvirt's test driver writes the same addresses. */
static void
testAddressesLibvirt(void)
{
    virConnectPtr conn = virConnectOpen("test:///default");
    gsize i;

    g_assert_nonnull(conn);
    for (i = 0; i < G_N_ELEMENTS(addresses); i++) {
        g_autofree char *xml =
            g_strdup_printf("<domain type='test'><name>address%zu</name><memory>1024</memory>"
                            "<os><type>hvm</type></os><devices><controller type='scsi' "
                            "index='32000' model='lsilogic'><alias name='ua-a'/>%s</controller>"
                            "</devices></domain>", i, addresses[i].written);
        g_autofree char *expected =
            g_strdup_printf("<controller type='scsi' index='32000' model='lsilogic'>\n"
                            "      <alias name='ua-a'/>\n"
                            "      %s\n", addresses[i].printed);
        virDomainPtr dom = virDomainDefineXML(conn, xml);
        char *got;

        g_assert_nonnull(dom);
        got = virDomainGetXMLDesc(dom, 0);
        g_assert_nonnull(got);
        if (!strstr(got, expected))
            g_error("expected %s in %s", expected, got);
        free(got);
        virDomainUndefine(dom);
        virDomainFree(dom);
    }
    virConnectClose(conn);
}


static void
testGiven(void)
{
    g_autoptr(EmulatedPCIDef) def = loadOK(DEVICE("<config vendorid='1' deviceid='0x02' "
                                                  "subsystemid='3'/>"));
    int i;

    for (i = 0; i < EMULATED_PCI_FIELD_LAST; i++) {
        gboolean given = i == EMULATED_PCI_FIELD_DEVICENAME || i == EMULATED_PCI_FIELD_VENDORID ||
            i == EMULATED_PCI_FIELD_DEVICEID || i == EMULATED_PCI_FIELD_SUBSYSTEMID;

        g_assert_cmpint(def->given[i], ==, given);
    }
    g_assert_cmpuint(def->fields.value[EMULATED_PCI_FIELD_SUBVENDORID], ==, 1);
    g_assert_cmpuint(def->fields.value[EMULATED_PCI_FIELD_SUBSYSTEMID], ==, 3);
    g_assert_cmpstr(def->text[EMULATED_PCI_FIELD_DEVICEID], ==, "0x02");
    g_assert_cmpint(def->index, ==, -1);
    g_assert_null(def->alias);
    g_assert_null(def->definition);
    g_assert_false(def->hasAddress);
    g_assert_cmpint(def->slot, ==, -1);
    g_assert_cmpint(def->multifunction, ==, -1);

    /* A caller can change the address and then set the defaults again. */
    def->hasAddress = TRUE;
    def->multifunction = 1;
    def->fields.value[EMULATED_PCI_FIELD_VENDORID] = 0x1af4;
    emulatedPCIDefSetDefaults(def);
    g_assert_cmpuint(def->fields.value[EMULATED_PCI_FIELD_HEADERTYPE], ==, 0x80);
    g_assert_cmpuint(def->fields.value[EMULATED_PCI_FIELD_SUBVENDORID], ==, 0x1af4);
    g_assert_cmpuint(def->fields.value[EMULATED_PCI_FIELD_SUBSYSTEMID], ==, 3);
}


/* --- every bound of every number */

/* Returns a document that is valid except for VALUE in attribute NAME, in the element that has this
 * attribute. */
static char *
withNumber(const char *name,
           const char *value)
{
    const int field = emulatedPCIFieldFromString(name);

    if (strcmp(name, "index") == 0)
        return g_strdup_printf("<emulatedpci devicename='d' index='%s'>" CONFIG "</emulatedpci>",
                               value);
    if (field < 0)
        return g_strdup_printf(DEVICE(CONFIG "<address type='pci' %s='%s'/>"), name, value);
    if (field == EMULATED_PCI_FIELD_VENDORID)
        return g_strdup_printf(DEVICE("<config vendorid='%s' deviceid='1'/>"), value);
    if (field == EMULATED_PCI_FIELD_DEVICEID)
        return g_strdup_printf(DEVICE("<config vendorid='1' deviceid='%s'/>"), value);
    return g_strdup_printf(FIELDS("%s='%s'"), name, value);
}


static guint32
readNumber(const EmulatedPCIDef *def,
           const char *name)
{
    const int field = emulatedPCIFieldFromString(name);

    if (field >= 0)
        return def->fields.value[field];
    if (strcmp(name, "index") == 0)
        return def->index;
    if (strcmp(name, "domain") == 0)
        return def->domain;
    if (strcmp(name, "bus") == 0)
        return def->bus;
    if (strcmp(name, "slot") == 0)
        return def->slot;
    g_assert_cmpstr(name, ==, "function");
    return def->function;
}


static const struct {
    const char *name;
    guint32 min;
    guint32 max;
    int below;      /* the error's code for min - 1, if min is above 0 */
    int above;      /* the error's code for max + 1 */
} numbers[] = {
    { "vendorid", 1, 0xfffe, UNSUPPORTED, UNSUPPORTED },
    { "deviceid", 0, 0xffff, 0, XML },
    { "command", 0, 0xffff, 0, XML },
    { "status", 0, 0xffff, 0, XML },
    { "revision", 0, 0xff, 0, XML },
    { "classcode", 0, 0xffffff, 0, XML },
    { "headertype", 0, 0, 0, UNSUPPORTED },
    { "subvendorid", 0, 0xffff, 0, XML },
    { "subsystemid", 0, 0xffff, 0, XML },
    { "interruptline", 0, 0xff, 0, XML },
    { "interruptpin", 0, 0xff, 0, XML },
    { "index", 0, 9999, 0, XML },
    { "domain", 0, 0xffff, 0, XML },
    { "bus", 0, 0xff, 0, XML },
    { "slot", 0, 0x1f, 0, XML },
    { "function", 0, 7, 0, XML },
};


static void
assertNumber(const char *name,
             const char *text,
             guint32 value)
{
    g_autofree char *xml = withNumber(name, text);
    g_autoptr(EmulatedPCIDef) def = loadOK(xml);

    g_assert_cmpuint(readNumber(def, name), ==, value);
}


static void
testNumbers(gconstpointer opaque)
{
    static const char *const malformed[] = {
        "", " ", "0x", "0X1", "x1", "00", "01", "-0", "-1", "+1", " 1", "1 ", "1\n", "&#9;1",
        "1.0", "1e1", "0b1", "1,", "0x0x1", "0xg", "ff", "one", "\357\274\221", "0x-1", "0 1",
        "1&#0;", "&lt;",
    };
    static const char *const huge[] = {
        "4294967296", "4294967297", "0x100000000", "0x100000001", "18446744073709551616",
        "18446744073709551617", "0x10000000000000001",
        "99999999999999999999999999999999999999999999",
    };
    const gsize i = GPOINTER_TO_SIZE(opaque);
    const char *name = numbers[i].name;
    guint32 value;
    gsize j;

    for (j = 0; j < G_N_ELEMENTS(malformed); j++) {
        g_autofree char *xml = withNumber(name, malformed[j]);

        assertRefused(xml, XML, "");
    }
    for (j = 0; j < G_N_ELEMENTS(huge); j++) {
        g_autofree char *xml = withNumber(name, huge[j]);

        assertRefused(xml, XML, "invalid value '");
    }

    /* All small values, then the powers of two and their neighbours, up to the maximum. */
    value = numbers[i].min;
    for (;;) {
        g_autofree char *decimal = g_strdup_printf("%u", value);
        g_autofree char *lower = g_strdup_printf("0x%x", value);
        g_autofree char *upper = g_strdup_printf("0x%X", value);
        g_autofree char *padded = g_strdup_printf("0x0000000000000000000%x", value);

        assertNumber(name, decimal, value);
        assertNumber(name, lower, value);
        assertNumber(name, upper, value);
        assertNumber(name, padded, value);

        if (value == numbers[i].max)
            break;
        if (value < 300 || value + 1 == numbers[i].max)
            value++;
        else
            value = MIN(value * 2 - 1, numbers[i].max - 1);
    }

    for (j = 0; j < 2; j++) {
        g_autofree char *above = j ? g_strdup_printf("0x%x", numbers[i].max + 1)
                                   : g_strdup_printf("%u", numbers[i].max + 1);
        g_autofree char *xml = withNumber(name, above);

        assertRefused(xml, numbers[i].above, name);
        assertRefused(xml, numbers[i].above, above);
        if (numbers[i].min > 0) {
            g_autofree char *below = g_strdup_printf("%u", numbers[i].min - 1);
            g_autofree char *belowXML = withNumber(name, below);

            assertRefused(belowXML, numbers[i].below, name);
        }
    }
}


static void
testHeadertype(void)
{
    guint32 value;

    /* All 256 values, with and without multifunction. */
    for (value = 0; value <= 0xff; value++) {
        g_autofree char *off = g_strdup_printf(FIELDS("headertype='0x%02x'"), value);
        g_autofree char *on =
            g_strdup_printf(DEVICE("<config vendorid='1' deviceid='1' headertype='%u'/>"
                                   "<address type='pci' slot='1' multifunction='on'/>"), value);

        if (value == 0x00) {
            g_autoptr(EmulatedPCIDef) def G_GNUC_UNUSED = loadOK(off);
        } else {
            assertRefused(off, UNSUPPORTED, "headertype");
        }
        if (value == 0x80) {
            g_autoptr(EmulatedPCIDef) def G_GNUC_UNUSED = loadOK(on);
        } else {
            assertRefused(on, UNSUPPORTED, "headertype");
        }
    }
}


static void
testLengths(void)
{
    const gsize limits[] = { EMULATED_PCI_DEVICENAME_MAX, EMULATED_PCI_DEFINITION_MAX,
                             EMULATED_PCI_ALIAS_MAX };
    const char *const heads[] = { "<emulatedpci devicename='",
                                  "<emulatedpci devicename='d' definition='",
                                  "<emulatedpci devicename='d'>" CONFIG "<alias name='ua-" };
    const char *const tails[] = { "'>" CONFIG "</emulatedpci>", "'>" CONFIG "</emulatedpci>",
                                  "'/></emulatedpci>" };
    gsize i;

    for (i = 0; i < G_N_ELEMENTS(limits); i++) {
        const gsize len = limits[i] - (i == 2 ? strlen(EMULATED_PCI_ALIAS_PREFIX) : 0);
        g_autofree char *right = repeat(heads[i], "a", len, tails[i]);
        g_autofree char *wrong = repeat(heads[i], "a", len + 1, tails[i]);
        g_autoptr(EmulatedPCIDef) def G_GNUC_UNUSED = loadOK(right);

        assertRefused(wrong, XML, "invalid value");
    }
}


/* --- parsing a formatted definition gives the same definition */

static void
testRoundTrip(void)
{
    int n;

    for (n = 0; n < 3000; n++) {
        g_autoptr(EmulatedPCIDef) def = emulatedPCIDefNew();
        g_autoptr(EmulatedPCIDef) again = NULL;
        g_autofree char *first = NULL;
        g_autofree char *second = NULL;
        int i;

        g_snprintf(def->fields.devicename, sizeof(def->fields.devicename), "dev%d",
                   g_test_rand_int_range(0, 1000000));
        for (i = 1; i < EMULATED_PCI_FIELD_LAST; i++)
            def->fields.value[i] = (guint32) g_test_rand_int() & emulatedPCIFieldMax(i);
        def->fields.value[EMULATED_PCI_FIELD_VENDORID] = g_test_rand_int_range(1, 0xffff);
        def->fields.value[EMULATED_PCI_FIELD_HEADERTYPE] = 0;
        if (g_test_rand_bit())
            def->index = g_test_rand_int_range(0, EMULATED_PCI_INDEX_MAX + 1);
        if (g_test_rand_bit())
            def->alias = g_strdup_printf("ua-%d", g_test_rand_int_range(0, 1000));
        if (g_test_rand_bit())
            def->definition = g_strdup_printf("_.-%d", g_test_rand_int_range(0, 1000));
        if (g_test_rand_bit()) {
            def->hasAddress = TRUE;
            def->domain = g_test_rand_int_range(0, 0x10000);
            def->bus = g_test_rand_int_range(0, 0x100);
            def->slot = g_test_rand_int_range(1, 0x20);
            def->function = g_test_rand_int_range(0, 8);
            def->multifunction = g_test_rand_int_range(-1, 2);
            if (def->multifunction == 1)
                def->fields.value[EMULATED_PCI_FIELD_HEADERTYPE] = 0x80;
        }

        first = format(def);
        again = loadOK(first);
        second = format(again);
        g_assert_cmpstr(second, ==, first);
        g_assert_true(emulatedPCIDefEqualFields(def, again));
        g_assert_cmpstr(again->fields.devicename, ==, def->fields.devicename);
        g_assert_cmpstr(again->alias, ==, def->alias);
        g_assert_cmpstr(again->definition, ==, def->definition);
        g_assert_cmpint(again->index, ==, def->index);
        g_assert_cmpint(again->hasAddress, ==, def->hasAddress);
        g_assert_cmpint(again->domain, ==, def->domain);
        g_assert_cmpint(again->bus, ==, def->bus);
        g_assert_cmpint(again->slot, ==, def->slot);
        g_assert_cmpint(again->function, ==, def->function);
        g_assert_cmpint(again->multifunction, ==, def->multifunction);
        for (i = 0; i < EMULATED_PCI_FIELD_LAST; i++)
            g_assert_true(again->given[i]);
    }
}


/* --- definitions that were not parsed */

static void
assertInvalid(EmulatedPCIDef *def,
              int code,
              const char *text)
{
    g_autoptr(GError) err = NULL;

    g_assert_false(emulatedPCIDefValidate(def, &err));
    g_assert_error(err, EMULATED_PCI_ERROR, code);
    if (!strstr(err->message, text))
        g_error("expected '%s', got '%s'", text, err->message);
}


static void
testValidateBuilt(void)
{
    g_autoptr(EmulatedPCIDef) def = emulatedPCIDefNew();
    int i;

    assertInvalid(def, XML, "missing attribute 'devicename'");
    g_strlcpy(def->fields.devicename, "a b", sizeof(def->fields.devicename));
    assertInvalid(def, XML, "invalid value 'a b' for attribute 'devicename'");
    g_strlcpy(def->fields.devicename, "ab", sizeof(def->fields.devicename));
    assertInvalid(def, UNSUPPORTED, "unsupported value '0x0000' for attribute 'vendorid'");
    def->fields.value[EMULATED_PCI_FIELD_VENDORID] = 0xffff;
    assertInvalid(def, UNSUPPORTED, "unsupported value '0xffff' for attribute 'vendorid'");
    def->fields.value[EMULATED_PCI_FIELD_VENDORID] = 0x5853;
    g_assert_true(emulatedPCIDefValidate(def, NULL));

    for (i = 1; i < EMULATED_PCI_FIELD_LAST; i++) {
        const guint32 value = def->fields.value[i];

        def->fields.value[i] = emulatedPCIFieldMax(i) + 1;
        assertInvalid(def, XML, emulatedPCIFieldGetInfo(i)->name);
        def->fields.value[i] = G_MAXUINT32;
        assertInvalid(def, XML, "0xffffffff");
        def->fields.value[i] = value;
    }

    def->index = 10000;
    assertInvalid(def, XML, "invalid value '10000' for attribute 'index'");
    def->index = -1;
    def->alias = g_strdup("scsi0");
    assertInvalid(def, XML, "scsi0");
    g_clear_pointer(&def->alias, g_free);
    def->definition = g_strdup("a/b");
    assertInvalid(def, XML, "a/b");
    g_clear_pointer(&def->definition, g_free);

    def->slot = 32;     /* no address: the slot is not checked */
    g_assert_true(emulatedPCIDefValidate(def, NULL));
    def->hasAddress = TRUE;
    assertInvalid(def, XML, "invalid value '0x20' for attribute 'slot'");
    def->slot = 31;
    def->function = 8;
    assertInvalid(def, XML, "'function'");
    def->function = 7;
    def->bus = 256;
    assertInvalid(def, XML, "'bus'");
    def->bus = 255;
    def->domain = 65536;
    assertInvalid(def, XML, "'domain'");
    def->domain = 65535;
    g_assert_true(emulatedPCIDefValidate(def, NULL));

    def->multifunction = 1;
    assertInvalid(def, UNSUPPORTED, "unsupported value '0x00' for attribute 'headertype'");
    def->fields.value[EMULATED_PCI_FIELD_HEADERTYPE] = 0x80;
    g_assert_true(emulatedPCIDefValidate(def, NULL));
    def->hasAddress = FALSE;
    assertInvalid(def, UNSUPPORTED, "unsupported value '0x80' for attribute 'headertype'");
}


/* A definition that Validate would reject is still formatted as well-formed XML. */
static void
testFormatEscapes(void)
{
    g_autoptr(EmulatedPCIDef) def = emulatedPCIDefNew();
    g_autofree char *xml = NULL;
    xmlDocPtr doc;
    xmlChar *value;

    g_strlcpy(def->fields.devicename, "<a&b>'\"", sizeof(def->fields.devicename));
    xml = format(def);
    doc = xmlReadMemory(xml, strlen(xml), NULL, NULL, XML_PARSE_NONET);
    g_assert_nonnull(doc);
    value = xmlGetProp(xmlDocGetRootElement(doc), BAD_CAST "devicename");
    g_assert_cmpstr((const char *) value, ==, def->fields.devicename);
    xmlFree(value);
    xmlFreeDoc(doc);
}


static void
testEqualFields(void)
{
    g_autoptr(EmulatedPCIDef) a = loadOK(DEVICE(CONFIG));
    g_autoptr(EmulatedPCIDef) b = loadOK(DEVICE("<config vendorid='22611' deviceid='49152' "
                                                "command='0'/><alias name='ua-b'/>"
                                                "<address type='pci' slot='9'/>"));
    int i;

    g_assert_true(emulatedPCIDefEqualFields(a, b));
    for (i = 1; i < EMULATED_PCI_FIELD_LAST; i++) {
        b->fields.value[i] ^= 1;
        g_assert_false(emulatedPCIDefEqualFields(a, b));
        b->fields.value[i] ^= 1;
    }
    b->fields.devicename[0] = 'D';
    g_assert_false(emulatedPCIDefEqualFields(a, b));
}


/* --- a node of a document of the caller */

static void
testNode(void)
{
    static const char xml[] =
        "<!DOCTYPE domain [<!ENTITY v '1'><!ENTITY c \"<config vendorid='1' deviceid='1'/>\">]>"
        "<domain xmlns:q='urn:q'><emulatedpci devicename='a'>" CONFIG "</emulatedpci>"
        "<emulatedpci devicename='a&v;'>" CONFIG "</emulatedpci>"
        "<emulatedpci devicename='a'>&c;</emulatedpci>"
        "<emulatedpci devicename='a'><config vendorid='&v;' deviceid='1'/></emulatedpci>"
        "<q:emulatedpci devicename='a'>" CONFIG "</q:emulatedpci>"
        "<emulatedpci devicename='&#97;&#x62;&amp;'>" CONFIG "</emulatedpci></domain>";
    static const char *const messages[] = {
        NULL,
        "entity reference '&v;' in attribute 'devicename' of <emulatedpci> is not supported",
        "entity reference '&c;' in <emulatedpci> is not supported",
        "entity reference '&v;' in attribute 'vendorid' of <config> is not supported",
        "unexpected element <q:emulatedpci xmlns:q='urn:q'>, expecting <emulatedpci>",
        "invalid value 'ab&' for attribute 'devicename': "
        "1 to 31 characters of A-Z a-z 0-9 . _ - are expected",
    };
    xmlDocPtr doc = xmlReadMemory(xml, strlen(xml), NULL, NULL, XML_PARSE_NONET);
    xmlNodePtr node;
    gsize i = 0;

    g_assert_nonnull(doc);
    for (node = xmlDocGetRootElement(doc)->children; node; node = node->next, i++) {
        g_autoptr(GError) err = NULL;
        g_autoptr(EmulatedPCIDef) def = emulatedPCIDefParseNode(node, &err);

        g_assert_cmpuint(i, <, G_N_ELEMENTS(messages));
        if (messages[i]) {
            g_assert_null(def);
            g_assert_error(err, EMULATED_PCI_ERROR, VIR_ERR_XML_ERROR);
            g_assert_cmpstr(err->message, ==, messages[i]);
        } else {
            g_assert_no_error(err);
            g_assert_nonnull(def);
        }
    }
    g_assert_cmpuint(i, ==, G_N_ELEMENTS(messages));
    xmlFreeDoc(doc);
}


/* --- malicious XML */

static void
testHostileSize(void)
{
    const gsize room = EMULATED_PCI_XML_MAX - strlen("<!---->" DEVICE(CONFIG));
    g_autofree char *fits = repeat("<!--", "x", room, "-->" DEVICE(CONFIG));
    g_autofree char *exceeds = repeat("<!--", "x", room + 1, "-->" DEVICE(CONFIG));
    g_autoptr(EmulatedPCIDef) def G_GNUC_UNUSED = loadOK(fits);
    g_autoptr(EmulatedPCIDef) none = NULL;
    g_autofree char *message = NULL;
    int code;

    assertRefused(exceeds, XML, "device XML of 262145 bytes is too long: at most 262144 are allowed");

    /* The length is checked before the content. */
    none = load("<emulatedpci/>", G_MAXSIZE, &code, &message);
    g_assert_null(none);
    g_assert_cmpint(code, ==, XML);
}


static void
testHostileNesting(void)
{
    g_autofree char *open = repeat("", "<emulatedpci devicename='a'>", 2000, "");
    g_autofree char *closed = NULL;
    g_autofree char *config = repeat(DEVICE("") "<!--", "<config>", 200, "-->");
    GString *xml = g_string_new(NULL);
    int i;

    assertRefused(open, XML,
                  "elements are nested too deeply at line 1: at most 256 levels are allowed");

    for (i = 0; i < 4000; i++)
        g_string_append(xml, "<a>");
    for (i = 0; i < 4000; i++)
        g_string_append(xml, "</a>");
    closed = g_string_free(xml, FALSE);
    assertRefused(closed, XML,
                  "elements are nested too deeply at line 1: at most 256 levels are allowed");
    assertRefused(config, XML, "missing element <config>");
}


static void
testHostileLengths(void)
{
    static const struct {
        const char *head;
        const char *tail;
    } places[] = {
        { "<emulatedpci devicename='", "'>" CONFIG "</emulatedpci>" },
        { "<emulatedpci devicename='a' index='", "'>" CONFIG "</emulatedpci>" },
        { "<emulatedpci devicename='a' definition='/", "'>" CONFIG "</emulatedpci>" },
        { "<emulatedpci devicename='a' ", "='1'>" CONFIG "</emulatedpci>" },
        { "<emulatedpci devicename='a'><config vendorid='", "' deviceid='1'/></emulatedpci>" },
        { "<emulatedpci devicename='a'><", "/></emulatedpci>" },
        { "<emulatedpci devicename='a'>", "</emulatedpci>" },
        { "<emulatedpci devicename='a'><![CDATA[", "]]></emulatedpci>" },
        { "<emulatedpci devicename='a'>&", ";</emulatedpci>" },
        { "<emulatedpci devicename='&", ";'/>" },
        { "<", "/>" },
        { "", "" },
        { "<emulatedpci devicename='a'>" CONFIG "<alias name='", "'/></emulatedpci>" },
        { "<emulatedpci devicename='a'>" CONFIG "<address type='", "'/></emulatedpci>" },
        { "<emulatedpci devicename='a'>" CONFIG "<address type='pci' slot='", "'/></emulatedpci>" },
        { "<emulatedpci devicename='a'>" CONFIG "<address type='pci' multifunction='",
          "'/></emulatedpci>" },
    };
    static const char *const fills[] = { "9", "a", "\360\237\230\200", "\303\251" };
    gsize i;
    gsize j;

    /* load() checks that the message stays short, and UTF-8. */
    for (i = 0; i < G_N_ELEMENTS(places); i++) {
        for (j = 0; j < G_N_ELEMENTS(fills); j++) {
            g_autofree char *xml = repeat(places[i].head, fills[j], 60000 / strlen(fills[j]),
                                          places[i].tail);
            g_autoptr(EmulatedPCIDef) def = NULL;
            g_autofree char *message = NULL;
            int code;

            def = load(xml, strlen(xml), &code, &message);
            g_assert_null(def);
        }
    }

    /* Messages do not contain line breaks or control characters from the document either. */
    assertRefused("<emulatedpci devicename='a&#10;b&#13;&#x85;&#x2028;'>" CONFIG "</emulatedpci>",
                  XML, "invalid value 'a?b?" "?" "?' for attribute 'devicename'");
}


static void
testHostileEntities(void)
{
    g_autofree char *cwd = g_get_current_dir();
    g_autofree char *name = NULL;
    g_autofree char *external = NULL;
    g_autofree char *parameter = NULL;
    g_autofree char *quadratic = NULL;
    g_autofree char *references = repeat("", "&a;", 5000, "");
    g_autofree char *fill = g_strnfill(20000, 'x');
    GString *bomb = g_string_new("<!DOCTYPE e [<!ENTITY e0 'aaaaaaaaaaaaaaaaaaaa'>");
    g_autofree char *bombXML = NULL;
    clock_t start = clock();     /* processor time, independent of the machine's load */
    int i;

    for (i = 1; i < 30; i++) {
        int j;

        g_string_append_printf(bomb, "<!ENTITY e%d '", i);
        for (j = 0; j < 10; j++)
            g_string_append_printf(bomb, "&e%d;", i - 1);
        g_string_append(bomb, "'>");
    }
    g_string_append(bomb, "]><emulatedpci devicename='&e29;'>&e29;</emulatedpci>");
    bombXML = g_string_free(bomb, FALSE);
    assertRefused(bombXML, XML, "a document type declaration is not allowed");

    quadratic = g_strconcat("<!DOCTYPE e [<!ENTITY a '", fill, "'>]><emulatedpci devicename='",
                            references, "'/>", NULL);
    assertRefused(quadratic, XML, "a document type declaration is not allowed");

    /* A file and a network address, neither of which may be opened. */
    name = g_build_filename(cwd, "nonesuch.dtd", NULL);
    external = g_strdup_printf("<!DOCTYPE e SYSTEM '%s'>" DEVICE(CONFIG), name);
    assertRefused(external, XML, "a document type declaration is not allowed");
    parameter = g_strdup("<!DOCTYPE e [<!ENTITY % p SYSTEM 'http://127.0.0.1:9/x'>%p;]>"
                         DEVICE(CONFIG));
    assertRefused(parameter, XML, "a document type declaration is not allowed");
    assertRefused("<!DOCTYPE e PUBLIC '-//X//Y' 'http://127.0.0.1:9/x' [<!ATTLIST emulatedpci "
                  "devicename CDATA 'a'>]><emulatedpci>" CONFIG "</emulatedpci>", XML,
                  "a document type declaration is not allowed");
    assertRefused("<xi:include xmlns:xi='http://www.w3.org/2001/XInclude' href='/etc/passwd'/>",
                  XML, "unexpected element <xi:include xmlns:xi='http://www.w3.org/2001/XInclude'>");
    assertRefused(DEVICE("<xi:include xmlns:xi='http://www.w3.org/2001/XInclude' "
                         "href='/etc/passwd' parse='text'/>" CONFIG), XML,
                  "unknown element <xi:include xmlns:xi='http://www.w3.org/2001/XInclude'>");

    g_assert_cmpint(clock() - start, <, 10 * CLOCKS_PER_SEC);
}


static void
testHostileBytes(void)
{
    static const struct {
        const char *xml;
        gsize len;
    } documents[] = {
        { "\0", 1 },
        { "\xff\xfe<\0a\0/\0>\0", 10 },
        { "\xfe\xff\0<\0a\0/\0>", 10 },
        { "\x1f\x8b\x08\0", 4 },
        { "<emulatedpci devicename='a\0b'/>", 31 },
        { "<emulatedpci devicename='a\xff'/>", 30 },
        { "<emulatedpci devicename='a\xc0\x80'/>", 31 },
        { "<emulatedpci devicename='\xed\xa0\x80'/>", 31 },
        { "<?xml version='1.0' encoding='EBCDIC-CP-US'?><a/>", 49 },
        { "<?xml version='1.0' encoding='nonesuch'?><a/>", 45 },
        { "<?xml version='1.0' encoding='UTF-16'?><a/>", 43 },
        { "<?xml version='9.9'?><a/>", 25 },
        { "\xff\xfe\x01\x2d\x00", 5 },
    };
    gsize i;
    gsize cut;
    static const char whole[] = DEVICE(CONFIG "<alias name='ua-a'/><address type='pci'/>");

    for (i = 0; i < G_N_ELEMENTS(documents); i++) {
        g_autoptr(EmulatedPCIDef) def = NULL;
        g_autofree char *message = NULL;
        int code;

        def = load(documents[i].xml, documents[i].len, &code, &message);
        g_assert_null(def);
        g_assert_cmpint(code, ==, XML);
    }

    /* Every proper prefix of a valid document is invalid, and the bytes after LEN are not read. */
    for (cut = 0; cut < strlen(whole); cut++) {
        g_autofree char *copy = cut ? g_memdup2(whole, cut) : g_strdup("");
        g_autoptr(EmulatedPCIDef) def = NULL;
        g_autofree char *message = NULL;
        int code;

        def = load(copy, cut, &code, &message);
        g_assert_null(def);
        g_assert_cmpint(code, ==, XML);
    }
    {
        g_autofree char *message = NULL;
        g_autoptr(EmulatedPCIDef) def = NULL;
        int code;

        def = load(DEVICE(CONFIG) "garbage", strlen(DEVICE(CONFIG)), &code, &message);
        g_assert_nonnull(def);
    }

    /* Bytes that are not UTF-8 are an error with any declared encoding. */
    {
        gsize len;
        g_autofree char *utf16 = g_convert(DEVICE(CONFIG), -1, "UTF-16", "UTF-8", NULL, &len, NULL);
        g_autofree char *message = NULL;
        g_autoptr(EmulatedPCIDef) def = NULL;
        int code;

        g_assert_nonnull(utf16);
        def = load(utf16, len, &code, &message);
        g_assert_null(def);
        g_assert_cmpint(code, ==, XML);
        assertRefused("<?xml version='1.0' encoding='ISO-8859-1'?>" DEVICE(CONFIG "<!-- \351 -->"),
                      XML, notUTF8());
    }

    /* A declaration that correctly names UTF-8, or a harmless incorrect one. */
    {
        g_autoptr(EmulatedPCIDef) a G_GNUC_UNUSED = loadOK("<?xml version='1.0' encoding='UTF-8'?>"
                                             DEVICE(CONFIG));
        g_autoptr(EmulatedPCIDef) b G_GNUC_UNUSED = loadOK("\357\273\277<?xml version='1.0'?>" DEVICE(CONFIG));
        g_autoptr(EmulatedPCIDef) c G_GNUC_UNUSED = loadOK("<?xml version='1.0' encoding='ISO-8859-1'?>"
                                             DEVICE(CONFIG));
    }
}


/* The library writes nothing to standard error. */
static void
testSilent(void)
{
    if (g_test_subprocess()) {
        testHostileBytes();
        testHostileEntities();
        testHostileLengths();
        return;
    }
    g_test_trap_subprocess(NULL, 0, 0);
    g_test_trap_assert_passed();
    g_test_trap_assert_stderr("");
}


/* Compares the accepted UUIDs with those that libvirt's virUUIDParse() accepts. */
static void
testUUID(void)
{
    static const char expected[] = "6a1b4e3c-0d5f-4a7e-8b21-3c9d0e5f7a68";
    static const char *const valid[] = {
        "6a1b4e3c-0d5f-4a7e-8b21-3c9d0e5f7a68", "6A1B4E3C0D5F4A7E8B213C9D0E5F7A68",
        " \t\r\n6a1b4e3c-0d5f-4a7e-8b21-3c9d0e5f7a68 \t\r\n",
        "6a-1b-4e-3c-0d-5f-4a-7e-8b-21-3c-9d-0e-5f-7a-68", "6a1b4e3c 0d5f--4a7e8b21 3c9d0e5f7a68",
    };
    static const char *const invalid[] = {
        "", "-", " ", "6a1b4e3c-0d5f-4a7e-8b21-3c9d0e5f7a6", "6a1b4e3c-0d5f-4a7e-8b21-3c9d0e5f7a",
        "6a1b4e3c-0d5f-4a7e-8b21-3c9d0e5f7a680", "6a1b4e3c-0d5f-4a7e-8b21-3c9d0e5f7a6x",
        "6-a1b4e3c0d5f4a7e8b213c9d0e5f7a68", "6a1b4e3c-0d5f-4a7e-8b21-3c9d0e5f7a68-",
    };
    char uuid[EMULATED_PCI_UUID_LEN + 1];
    gsize i;

    for (i = 0; i < G_N_ELEMENTS(valid); i++) {
        g_assert_true(emulatedPCIUUIDParse(valid[i], uuid));
        g_assert_cmpstr(uuid, ==, expected);
    }
    for (i = 0; i < G_N_ELEMENTS(invalid); i++)
        g_assert_false(emulatedPCIUUIDParse(invalid[i], uuid));
}


int
main(int argc,
     char **argv)
{
    gsize i;

    testInit(&argc, &argv);

    for (i = 0; i < G_N_ELEMENTS(errors); i++) {
        g_autofree char *path = g_strdup_printf("/conf/error/%s", errors[i].name);

        g_test_add_data_func(path, GSIZE_TO_POINTER(i), testError);
    }
    for (i = 0; i < G_N_ELEMENTS(goldens); i++) {
        g_autofree char *path = g_strdup_printf("/conf/format/%s", goldens[i].name);

        g_test_add_data_func(path, GSIZE_TO_POINTER(i), testGolden);
    }
    for (i = 0; i < G_N_ELEMENTS(numbers); i++) {
        g_autofree char *path = g_strdup_printf("/conf/number/%s", numbers[i].name);

        g_test_add_data_func(path, GSIZE_TO_POINTER(i), testNumbers);
    }
    g_test_add_func("/conf/format/indent", testIndent);
    g_test_add_func("/conf/format/addresses", testAddresses);
    g_test_add_func("/conf/format/addresses-libvirt", testAddressesLibvirt);
    g_test_add_func("/conf/format/escapes", testFormatEscapes);
    g_test_add_func("/conf/given", testGiven);
    g_test_add_func("/conf/headertype", testHeadertype);
    g_test_add_func("/conf/lengths", testLengths);
    g_test_add_func("/conf/round-trip", testRoundTrip);
    g_test_add_func("/conf/validate-built", testValidateBuilt);
    g_test_add_func("/conf/equal-fields", testEqualFields);
    g_test_add_func("/conf/node", testNode);
    g_test_add_func("/conf/hostile/size", testHostileSize);
    g_test_add_func("/conf/hostile/nesting", testHostileNesting);
    g_test_add_func("/conf/hostile/lengths", testHostileLengths);
    g_test_add_func("/conf/hostile/entities", testHostileEntities);
    g_test_add_func("/conf/hostile/bytes", testHostileBytes);
    g_test_add_func("/conf/silent", testSilent);
    g_test_add_func("/conf/uuid", testUUID);

    return g_test_run();
}
