"""configguest.py: a guest that does nothing but configuration accesses

Creates 64 KiB of firmware for an x86 PC, byte by byte, so that no compiler or boot loader is
required. In an endless loop, the firmware writes the interrupt line register of the device in slot
5, reads the ids, and reads the interrupt line. It writes '.' to the debug console (port 0xe9) after
each 256 rounds, and 'E' immediately after it has read a wrong value.

SPDX-License-Identifier: LGPL-2.1-or-later
"""

import struct

SIZE = 0x10000
SELECT = 0x80000000 | 5 << 11
IDS = 0x00
INTERRUPT_LINE = 0x3c


def _select(register):
    """mov eax, ...; mov dx, 0xcf8; out dx, eax; mov dx, 0xcfc"""
    return b'\x66\xb8' + struct.pack('<I', SELECT | register) + b'\xba\xf8\x0c\x66\xef\xba\xfc\x0c'


def firmware(ids):
    """IDS: the expected value of the first register"""
    code = b''
    code += _select(INTERRUPT_LINE) + b'\x88\xd8\xee'               # mov al, bl; out dx, al
    code += _select(IDS) + b'\x66\xed'                              # in eax, dx
    code += b'\x66\x3d' + struct.pack('<I', ids)                    # cmp eax, ids
    code += b'\x75WRONG'
    code += _select(INTERRUPT_LINE) + b'\xec\x38\xd8'               # in al, dx; cmp al, bl
    code += b'\x75WRONG'
    code += b'\xfe\xc3\x75AGAIN'                                    # inc bl; jnz
    code += b'\xb0.\xe6\xe9\xebAGAIN'                               # mov al, '.'; out 0xe9, al; jmp
    wrong = code
    code += b'\xb0E\xe6\xe9\xebAGAIN'

    # The target of a jump is one byte: the distance from the next instruction.
    def length(part):
        return len(part) - 4 * (part.count(b'WRONG') + part.count(b'AGAIN'))
    result = b''
    target = length(wrong)
    while code:
        if code.startswith((b'WRONG', b'AGAIN')):
            distance = (target if code.startswith(b'WRONG') else 0) - (len(result) + 1)
            result += struct.pack('b', distance)
            code = code[5:]
        else:
            result += code[:1]
            code = code[1:]

    # The processor starts 16 bytes before the end: jmp 0xf000:0
    return result.ljust(SIZE - 16, b'\xf4') + b'\xea\x00\x00\x00\xf0'.ljust(16, b'\xf4')
