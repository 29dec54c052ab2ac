/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The bare-metal guest's firmware: all that the machine runs (-bios bare.bin). 64 KiB just below 4 GiB; the processor
 * starts in its last 16 bytes, in real mode. Goes to flat 32-bit mode, copies the program (bare.c) to 1 MiB, runs it.
 */
    .section .text
    .globl _start

    .set PROGRAM_AT, 0x100000
    .set STACK_TOP, 0x90000

program:
    .incbin "bare-program.bin"
program_end:

    .balign 8
descriptors:
    .quad 0
    .quad 0x00cf9a000000ffff        /* 8: code, flat */
    .quad 0x00cf92000000ffff        /* 16: data, flat */
descriptors_pointer:
    .word descriptors_pointer - descriptors - 1
    .long descriptors

    .code16
_start:
    cli
    lgdtl %cs:(descriptors_pointer - program)
    movl %cr0, %eax
    orl $1, %eax
    movl %eax, %cr0
    ljmpl $8, $flat

    .code32
flat:
    movw $16, %ax
    movw %ax, %ds
    movw %ax, %es
    movw %ax, %ss
    movl $STACK_TOP, %esp
    cld
    movl $program, %esi
    movl $PROGRAM_AT, %edi
    movl $(program_end - program), %ecx
    rep movsb
    movl $PROGRAM_AT, %eax
    jmp *%eax

    .code16
    .org 0xfff0
    .byte 0xe9                      /* jmp _start, within the segment */
    .word _start - . - 2
    .org 0x10000
