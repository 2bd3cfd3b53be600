/*
 * pciconfigtest.c: the configuration space's rules, every register and width
 *
 * Compares src/emulator/pci_config.c with a second, slower implementation of the rules (the model
 * below, bit by bit). emulatorqtesttest.py compares it with QEMU's own devices.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <config.h>

#include "pci_config.h"
#include "testutils.h"

#include <string.h>

/* The example of the documentation, with a value in every register. */
static const uint32_t example[EMULATED_PCI_FIELD_LAST] = {
    [EMULATED_PCI_FIELD_VENDORID] = 0x5853,
    [EMULATED_PCI_FIELD_DEVICEID] = 0xc000,
    [EMULATED_PCI_FIELD_COMMAND] = 0x0103,
    [EMULATED_PCI_FIELD_STATUS] = 0x0290,
    [EMULATED_PCI_FIELD_REVISION] = 0x01,
    [EMULATED_PCI_FIELD_CLASSCODE] = 0xff8002,
    [EMULATED_PCI_FIELD_HEADERTYPE] = 0x80,
    [EMULATED_PCI_FIELD_SUBVENDORID] = 0x1af4,
    [EMULATED_PCI_FIELD_SUBSYSTEMID] = 0x1100,
    [EMULATED_PCI_FIELD_INTERRUPTLINE] = 0x0b,
    [EMULATED_PCI_FIELD_INTERRUPTPIN] = 0x09,
};

static const uint32_t patterns[] = {
    0x00000000, 0xffffffff, 0xa5a5a5a5, 0x5a5a5a5a, 0x01020408, 0x80402010,
};


/* Returns the type of bit BIT of register REG: 'w' can be written, 'c' is cleared by writing a
 * one, 'r' is read-only. */
static char
bitKind(unsigned int reg,
        unsigned int bit)
{
    switch (reg) {
    case 0x04: /* command: I/O, memory, master, parity */
        return bit <= 2 || bit == 6 ? 'w' : 'r';
    case 0x05: /* command: SERR# enable (8), interrupt disable (10) */
        return bit == 0 || bit == 2 ? 'w' : 'r';
    case 0x07: /* status: bits 8 and 11-15 */
        return bit == 0 || bit >= 3 ? 'c' : 'r';
    case 0x0c: /* cache line size */
    case 0x3c: /* interrupt line */
        return 'w';
    default:
        return 'r';
    }
}


static void
modelWrite(uint8_t *model,
           unsigned int addr,
           uint32_t val,
           unsigned int len)
{
    unsigned int i;

    for (i = 0; i < 8 * len && addr + i / 8 < PCI_CONFIG_SIZE; i++) {
        const unsigned int reg = addr + i / 8;
        const uint8_t bit = 1 << (i % 8);
        const bool one = val >> i & 1;

        switch (bitKind(reg, i % 8)) {
        case 'w':
            model[reg] = one ? model[reg] | bit : model[reg] & ~bit;
            break;
        case 'c':
            if (one)
                model[reg] &= ~bit;
            break;
        default:
            break;
        }
    }
}


static uint32_t
modelRead(const uint8_t *model,
          unsigned int addr,
          unsigned int len)
{
    uint32_t val = 0;
    unsigned int i;

    for (i = 0; i < len; i++)
        val |= (uint32_t) (addr + i < PCI_CONFIG_SIZE ? model[addr + i] : 0) << (8 * i);
    return val;
}


static void
testPowerOn(void)
{
    static const uint8_t expected[PCI_CONFIG_SIZE] = {
        0x53, 0x58, 0x00, 0xc0, 0x03, 0x01, 0x90, 0x02,
        0x01, 0x02, 0x80, 0xff, 0x00, 0x00, 0x80, 0x00,
        [0x2c] = 0xf4, 0x1a, 0x00, 0x11,
        [0x3c] = 0x0b, 0x09,
    };
    PCIConfig config;
    unsigned int reg;

    memset(&config, 0xee, sizeof(config));
    pciConfigInit(&config, example);

    for (reg = 0; reg < PCI_CONFIG_SIZE; reg++)
        g_assert_cmphex(pciConfigRead(&config, reg, 1), ==, expected[reg]);
}


/* Each field alone, with all its bits: nothing else changes, and no value overflows. */
static void
testFieldWidths(void)
{
    int field;

    for (field = 0; field < EMULATED_PCI_FIELD_LAST; field++) {
        uint32_t values[EMULATED_PCI_FIELD_LAST] = { 0 };
        PCIConfig config;
        unsigned int ones = 0;
        unsigned int reg;

        values[field] = UINT32_MAX;
        pciConfigInit(&config, values);
        for (reg = 0; reg < PCI_CONFIG_SIZE; reg++) {
            const uint32_t val = pciConfigRead(&config, reg, 1);

            g_assert_true(val == 0 || val == 0xff);
            ones += val == 0xff;
        }
        g_assert_cmpuint(8 * ones, ==, emulatedPCIFieldGetInfo(field)->bits);
    }
}


static void
assertSame(const PCIConfig *config,
           const uint8_t *model)
{
    unsigned int reg;

    for (reg = 0; reg < PCI_CONFIG_SIZE; reg++)
        g_assert_cmphex(pciConfigRead(config, reg, 1), ==, model[reg]);
}


/* Every address, width and pattern, starting from the state of each other pattern. */
static void
testExhaustive(gconstpointer opaque)
{
    const uint32_t *values = opaque;
    unsigned int addr, len;
    size_t first, second;

    for (len = 1; len <= 4; len++) {
        for (addr = 0; addr < PCI_CONFIG_SIZE; addr++) {
            for (first = 0; first < G_N_ELEMENTS(patterns); first++) {
                for (second = 0; second < G_N_ELEMENTS(patterns); second++) {
                    uint8_t model[PCI_CONFIG_SIZE];
                    PCIConfig config;

                    pciConfigInit(&config, values);
                    memcpy(model, config.powerOn, sizeof(model));

                    pciConfigWrite(&config, addr, patterns[first], len);
                    modelWrite(model, addr, patterns[first], len);
                    g_assert_cmphex(pciConfigRead(&config, addr, len), ==,
                                    modelRead(model, addr, len));
                    pciConfigWrite(&config, addr, patterns[second], len);
                    modelWrite(model, addr, patterns[second], len);
                    g_assert_cmphex(pciConfigRead(&config, addr, len), ==,
                                    modelRead(model, addr, len));
                    g_assert_cmpmem(config.now, sizeof(config.now), model, sizeof(model));

                    pciConfigReset(&config);
                    g_assert_cmpmem(config.now, sizeof(config.now),
                                    config.powerOn, sizeof(config.powerOn));
                }
            }
        }
    }
}


static void
testRandom(void)
{
    int round;

    for (round = 0; round < 200; round++) {
        uint32_t values[EMULATED_PCI_FIELD_LAST] = { 0 };
        uint8_t model[PCI_CONFIG_SIZE];
        PCIConfig config;
        int i;

        for (i = 1; i < EMULATED_PCI_FIELD_LAST; i++)
            values[i] = (uint32_t) g_test_rand_int() & emulatedPCIFieldMax(i);
        pciConfigInit(&config, values);
        memcpy(model, config.powerOn, sizeof(model));

        for (i = 0; i < 2000; i++) {
            const unsigned int addr = g_test_rand_int_range(0, i % 2 ? 0x40 : PCI_CONFIG_SIZE);
            const unsigned int len = g_test_rand_int_range(1, 5);
            const uint32_t val = g_test_rand_int();

            pciConfigWrite(&config, addr, val, len);
            modelWrite(model, addr, val, len);
            g_assert_cmphex(pciConfigRead(&config, addr, len), ==, modelRead(model, addr, len));
        }
        assertSame(&config, model);
    }
}


/* Bits that are set at power-on and are neither writable nor cleared by writing keep their value
 * after any write, because the user requested them. */
static void
testStickyPowerOn(void)
{
    uint32_t values[EMULATED_PCI_FIELD_LAST] = {
        [EMULATED_PCI_FIELD_COMMAND] = 0xffff,
        [EMULATED_PCI_FIELD_STATUS] = 0xffff,
    };
    PCIConfig config;

    pciConfigInit(&config, values);
    g_assert_cmphex(pciConfigRead(&config, 4, 4), ==, 0xffffffff);

    pciConfigWrite(&config, 4, 0, 4);
    g_assert_cmphex(pciConfigRead(&config, 4, 4), ==, 0xffff0000 | (0xffff & ~0x0547));

    pciConfigWrite(&config, 6, 0x8000, 2);
    g_assert_cmphex(pciConfigRead(&config, 6, 2), ==, 0x7fff);
    pciConfigWrite(&config, 6, 0xffff, 2);
    g_assert_cmphex(pciConfigRead(&config, 6, 2), ==, 0x06ff);
    /* Writing does not set a cleared status bit again. */
    pciConfigWrite(&config, 6, 0xffff, 2);
    g_assert_cmphex(pciConfigRead(&config, 6, 2), ==, 0x06ff);

    pciConfigReset(&config);
    g_assert_cmphex(pciConfigRead(&config, 4, 4), ==, 0xffffffff);
}


/* Drivers, and QEMU when it realizes the device, determine the size of BARs by writing ones. The
 * BARs, register 0x28 and the expansion ROM must read as 0. */
static void
testNoBars(void)
{
    PCIConfig config;
    unsigned int reg;

    pciConfigInit(&config, example);
    for (reg = 0x10; reg <= 0x30; reg += 4) {
        if (reg == 0x2c)
            continue;
        pciConfigWrite(&config, reg, 0xffffffff, 4);
        g_assert_cmphex(pciConfigRead(&config, reg, 4), ==, 0);
    }
    g_assert_cmphex(pciConfigRead(&config, 0x2c, 4), ==, 0x11001af4);
}


static void
testEnd(void)
{
    static const struct {
        uint32_t addr;
        unsigned int len;
        uint32_t val;
    } beyond[] = {
        { 256, 1, 0xff }, { 256, 2, 0xffff }, { 256, 3, 0xffffff }, { 256, 4, 0xffffffff },
        { 4095, 4, 0xffffffff }, { UINT32_MAX, 4, 0xffffffff }, { UINT32_MAX - 3, 4, 0xffffffff },
        { INT32_MAX, 1, 0xff },
    };
    uint32_t values[EMULATED_PCI_FIELD_LAST] = { 0 };
    PCIConfig config;
    size_t i;

    pciConfigInit(&config, values);
    /* The last bytes, with a bit pattern by which they can be recognized */
    memcpy(config.now + 252, "\x11\x22\x33\x44", 4);

    g_assert_cmphex(pciConfigRead(&config, 252, 4), ==, 0x44332211);
    g_assert_cmphex(pciConfigRead(&config, 253, 4), ==, 0x00443322);
    g_assert_cmphex(pciConfigRead(&config, 254, 4), ==, 0x00004433);
    g_assert_cmphex(pciConfigRead(&config, 255, 4), ==, 0x00000044);
    g_assert_cmphex(pciConfigRead(&config, 255, 2), ==, 0x00000044);

    for (i = 0; i < G_N_ELEMENTS(beyond); i++) {
        g_assert_cmphex(pciConfigRead(&config, beyond[i].addr, beyond[i].len), ==, beyond[i].val);
        pciConfigWrite(&config, beyond[i].addr, 0, beyond[i].len);
        g_assert_cmphex(pciConfigRead(&config, 252, 4), ==, 0x44332211);
    }
}


int
main(int argc,
     char **argv)
{
    static const uint32_t zeros[EMULATED_PCI_FIELD_LAST] = { 0 };
    static const uint32_t ones[EMULATED_PCI_FIELD_LAST] = {
        0, 0xffff, 0xffff, 0xffff, 0xffff, 0xff, 0xffffff, 0xff, 0xffff, 0xffff, 0xff, 0xff,
    };

    testInit(&argc, &argv);

    g_test_add_func("/pciconfig/power-on", testPowerOn);
    g_test_add_func("/pciconfig/field-widths", testFieldWidths);
    g_test_add_data_func("/pciconfig/exhaustive/zeros", zeros, testExhaustive);
    g_test_add_data_func("/pciconfig/exhaustive/ones", ones, testExhaustive);
    g_test_add_data_func("/pciconfig/exhaustive/example", example, testExhaustive);
    g_test_add_func("/pciconfig/random", testRandom);
    g_test_add_func("/pciconfig/sticky-power-on", testStickyPowerOn);
    g_test_add_func("/pciconfig/no-bars", testNoBars);
    g_test_add_func("/pciconfig/end", testEnd);

    return g_test_run();
}
