/*
 * configguest.S: the guest of bench-config.py
 *
 * Reads the first register of the PCI devices in slots 5 to 8 in turns,
 * forever, and times batches of READS reads with the timestamp counter. It
 * writes records of nine bytes to the debug console (port 0xe9): the slot's
 * digit and the ticks of a batch, and before each round a 'T' and the counter
 * itself, which the reader compares with its own clock. It is a multiboot kernel,
 * so that no firmware code runs beside it and no boot loader is needed.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#define MULTIBOOT_MAGIC 0x1badb002
#define READS 1000

        .text
        .code32
        .globl  _start
        .align  4
        .long   MULTIBOOT_MAGIC, 0, -MULTIBOOT_MAGIC

/* Writes the byte %cl and the number %edx:%eax, low byte first. */
record:
        pushl   %eax
        movb    %cl, %al
        outb    %al, $0xe9
        popl    %eax
        movl    $4, %ecx
1:      outb    %al, $0xe9
        shrl    $8, %eax
        loop    1b
        movl    %edx, %eax
        movl    $4, %ecx
2:      outb    %al, $0xe9
        shrl    $8, %eax
        loop    2b
        ret

_start:
        cli
        movl    $stack, %esp

slots:
        rdtsc
        movb    $'T', %cl
        call    record
        movl    $5, %ebx

slot:
        /* The address register is written for each read, as guests do. */
        movl    %ebx, %esi
        shll    $11, %esi
        orl     $0x80000000, %esi
        rdtsc
        movl    %eax, %edi
        movl    %edx, %ebp
        movl    $READS, %ecx
read:
        movl    %esi, %eax
        movw    $0xcf8, %dx
        outl    %eax, %dx
        movw    $0xcfc, %dx
        inl     %dx, %eax
        decl    %ecx
        jnz     read

        rdtsc
        subl    %edi, %eax
        sbbl    %ebp, %edx
        leal    '0'(%ebx), %ecx
        call    record

        incl    %ebx
        cmpl    $8, %ebx
        jbe     slot
        jmp     slots

        .bss
        .skip   4096
stack:

        .section .note.GNU-stack, "", @progbits
