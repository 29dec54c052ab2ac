/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The bare-metal guest: for QEMUs whose TCG loses pages of a Linux guest during migration. Flat
 * 32-bit, no paging, one interrupt (a 1 kHz tick to sleep on). Loops over its working set and
 * counts up the first and the last word of each page, so that at any instant the counters step down
 * at most once across the range, and by exactly one: from outside, a memory dump of a paused
 * machine shows whether that holds. A static region is filled once, each page headed by a magic and
 * its number.
 *
 * Parameters by fw_cfg, opt/qmpmig/lab: "ws=BYTES rate=BYTES static=BYTES seed=N beat_ms=N". On the
 * serial port, as the Linux guest: READY, heartbeats, and the commands check, stop, start, panic.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { PAGE = 4096, WORDS = PAGE / 4 };
enum { WORK_AT = 0x200000 };
enum { COM1 = 0x3f8, FW_CFG = 0x510, PIC1 = 0x20, PIC2 = 0xa0, PIT = 0x40, PVPANIC = 0x505 };

static const char fixed_magic[16] = "QMPMIG-LAB-PAGE";

static uint32_t working_set = 16u << 20;
static uint32_t rate = 1u << 20;
static uint32_t fixed = 8u << 20;
static uint32_t seed = 1;
static uint32_t beat_ms = 20;

static uint32_t loops;  /* finished passes over the working set */
static uint32_t cursor; /* the page that is written next; those before it are one ahead */
static bool working = true;

void bare_main (void);

__asm__(".section .text.start\n"
        ".globl bare_start\n"
        "bare_start: call bare_main\n"
        ".globl on_tick\n"
        "on_tick: pushl %eax\n"
        "movb $0x20, %al\n"
        "outb %al, $0x20\n"
        "popl %eax\n"
        "iret\n"
        ".text\n");
extern char on_tick[];

static inline void
out8 (uint16_t port, uint8_t value)
{
    __asm__ volatile("outb %0, %1" ::"a"(value), "Nd"(port));
}

static inline uint8_t
in8 (uint16_t port)
{
    uint8_t value;

    __asm__ volatile("inb %1, %0" : "=a"(value) : "Nd"(port));
    return value;
}

/* The compiler may call these. */
void *memset (void *to, int c, size_t n);
void *memcpy (void *to, const void *from, size_t n);

void *
memset (void *to, int c, size_t n)
{
    void *at = to;

    __asm__ volatile("rep stosb" : "+D"(at), "+c"(n) : "a"(c) : "memory");
    return to;
}

void *
memcpy (void *to, const void *from, size_t n)
{
    void *at = to;

    __asm__ volatile("rep movsb" : "+D"(at), "+S"(from), "+c"(n)::"memory");
    return to;
}

/* --- serial port --- */

static void
say_char (char c)
{
    while ((in8 (COM1 + 5) & 0x20) == 0)
        ;
    out8 (COM1, (uint8_t)c);
}

static void
say (const char *text)
{
    while (*text != '\0')
        say_char (*text++);
}

static void
say_number (uint32_t n, unsigned width)
{
    char digits[10];
    unsigned length = 0;

    do {
        digits[length++] = (char)('0' + n % 10);
        n /= 10;
    } while (n > 0 || length < width);
    while (length > 0)
        say_char (digits[--length]);
}

/* --- clock: the HPET, which counts 10 ns whatever the processor does --- */

static volatile uint32_t *const hpet = (volatile uint32_t *)0xfed00000u;
static volatile uint32_t *const local_apic = (volatile uint32_t *)0xfee00000u;
static uint32_t hpet_last;
static uint32_t clock_s, clock_us;

/* Microseconds since it was last asked; right as long as that was not 40 s ago. */
static uint32_t
clock_advance (void)
{
    uint32_t passed = (hpet[0xf0 / 4] - hpet_last) / 100;

    hpet_last += passed * 100;
    clock_us += passed;
    while (clock_us >= 1000000) {
        clock_us -= 1000000;
        clock_s++;
    }
    return passed;
}

static void
tick_setup (void)
{
    static uint64_t gates[33];
    static struct __attribute__ ((packed)) {
        uint16_t limit;
        uint32_t base;
    } pointer;
    const uint32_t handler = (uint32_t)on_tick;
    const uint32_t divisor = 1193;

    gates[32] = (uint64_t)(handler >> 16) << 48 | 0x00008e0000080000ull | (handler & 0xffff);
    pointer.limit = sizeof gates - 1;
    pointer.base = (uint32_t)gates;
    __asm__ volatile("lidt %0" ::"m"(pointer));
    out8 (PIC1, 0x11);
    out8 (PIC1 + 1, 32);
    out8 (PIC1 + 1, 4);
    out8 (PIC1 + 1, 1);
    out8 (PIC2, 0x11);
    out8 (PIC2 + 1, 40);
    out8 (PIC2 + 1, 2);
    out8 (PIC2 + 1, 1);
    out8 (PIC1 + 1, 0xfe);
    out8 (PIC2 + 1, 0xff);
    out8 (PIT + 3, 0x34);
    out8 (PIT, divisor & 0xff);
    out8 (PIT, divisor >> 8);
    local_apic[0xf0 / 4] = 0x1ff;  /* on, */
    local_apic[0x350 / 4] = 0x700; /* and passes on what the PIC says */
    hpet[0x10 / 4] = 1;
}

/* --- memory --- */

static uint32_t
next_random (uint32_t *state)
{
    *state = *state * 1664525u + 1013904223u;
    return *state;
}

static uint32_t *
work_page (uint32_t page)
{
    return (uint32_t *)(WORK_AT + page * PAGE);
}

static uint32_t *
fixed_page (uint32_t page)
{
    return (uint32_t *)(WORK_AT + working_set + page * PAGE);
}

static uint32_t
body_word (uint32_t page, uint32_t *state, uint32_t i)
{
    if (i == 0)
        *state = seed ^ page * 2654435761u;
    return next_random (state);
}

static void
memory_setup (void)
{
    uint32_t state;

    for (uint32_t page = 0; page < working_set / PAGE; page++) {
        for (uint32_t i = 0; i < WORDS; i++)
            work_page (page)[i] = body_word (page, &state, i);
        work_page (page)[0] = work_page (page)[WORDS - 1] = 0;
    }
    for (uint32_t page = 0; page < fixed / PAGE; page++) {
        for (uint32_t i = 0; i < WORDS; i++)
            fixed_page (page)[i] = body_word (~page, &state, i);
        memcpy (fixed_page (page), fixed_magic, sizeof fixed_magic);
        fixed_page (page)[4] = page;
        fixed_page (page)[5] = 0;
    }
}

static bool
page_is_right (const uint32_t *page, uint32_t key, uint32_t first, uint32_t last)
{
    uint32_t state;

    for (uint32_t i = 0; i < WORDS; i++) {
        uint32_t word = body_word (key, &state, i);

        if (i >= first && i < last && page[i] != word)
            return false;
    }
    return true;
}

static void
complain (const char *region, uint32_t page)
{
    say ("CHECK bad page=");
    say_number (page, 1);
    say (" region=");
    say (region);
    say ("\n");
}

static uint32_t time_pass (void);

static void
memory_check (void)
{
    uint32_t count = working_set / PAGE;

    for (uint32_t page = 0; page < count; page++) {
        uint32_t should = loops + (page < cursor);
        const uint32_t *at = work_page (page);

        if (at[0] != should || at[WORDS - 1] != should || !page_is_right (at, page, 1, WORDS - 1)) {
            complain ("work", page);
            return;
        }
        time_pass ();
    }
    for (uint32_t page = 0; page < fixed / PAGE; page++) {
        const uint32_t *at = fixed_page (page);
        bool headed = at[4] == page && at[5] == 0;

        for (uint32_t i = 0; i < 4; i++)
            headed = headed && at[i] == ((const uint32_t *)(const void *)fixed_magic)[i];
        if (!headed || !page_is_right (at, ~page, 6, WORDS)) {
            complain ("static", page);
            return;
        }
        time_pass ();
    }
    say ("CHECK ok pages=");
    say_number (count + fixed / PAGE, 1);
    say ("\n");
}

/* --- work --- */

static uint32_t credit_us; /* microseconds worked for and not yet used */
static uint32_t since_beat_us;
static uint32_t beats;

static void
page_write (void)
{
    uint32_t *page = work_page (cursor);

    page[0] = loops + 1;
    page[WORDS - 1] = loops + 1;
    if (++cursor == working_set / PAGE) {
        cursor = 0;
        loops++;
    }
}

/* A second's pages are spread evenly: page n of them is due n/rate into it. What was not due in
 * time is not caught up. */
static void
work_a_little (uint32_t passed)
{
    enum { LONGEST_CREDITED_US = 2000 };
    uint32_t pages_a_ms = rate / PAGE / 1000, rest = rate / PAGE % 1000;
    static uint32_t rest_due;

    if (!working || working_set == 0)
        return;
    credit_us += passed > LONGEST_CREDITED_US ? LONGEST_CREDITED_US : passed;
    while (credit_us >= 1000) {
        credit_us -= 1000;
        for (uint32_t n = 0; n < pages_a_ms; n++)
            page_write ();
        rest_due += rest;
        if (rest_due >= 1000) {
            rest_due -= 1000;
            page_write ();
        }
    }
}

/* H number guest-us pages-written loop . */
static void
heartbeat (void)
{
    say ("H ");
    say_number (++beats, 1);
    say (" ");
    if (clock_s > 0)
        say_number (clock_s, 1);
    say_number (clock_us, clock_s > 0 ? 6 : 1);
    say (" ");
    say_number (loops * (working_set / PAGE) + cursor, 1);
    say (" ");
    say_number (loops, 1);
    say (" .\n");
}

static uint32_t
time_pass (void)
{
    uint32_t passed = clock_advance ();

    since_beat_us += passed;
    if (since_beat_us >= beat_ms * 1000) {
        since_beat_us = 0;
        heartbeat ();
    }
    return passed;
}

/* --- commands and parameters --- */

static bool
same (const char *a, const char *b)
{
    while (*a != '\0' && *a == *b) {
        a++;
        b++;
    }
    return *a == *b;
}

static void
obey (const char *command)
{
    if (same (command, "check")) {
        memory_check ();
    } else if (same (command, "stop")) {
        working = false;
        say ("STOPPED\n");
    } else if (same (command, "start")) {
        working = true;
        say ("STARTED\n");
    } else if (same (command, "panic")) {
        out8 (PVPANIC, 1);
    } else {
        say ("WHAT?\n");
    }
}

static void
listen_to_serial (void)
{
    static char line[32];
    static unsigned length;

    while ((in8 (COM1 + 5) & 1) != 0) {
        char c = (char)in8 (COM1);

        if (c == '\n' || c == '\r') {
            line[length] = '\0';
            length = 0;
            if (line[0] != '\0')
                obey (line);
        } else if (length < sizeof line - 1) {
            line[length++] = c;
        }
    }
}

static void
fw_cfg_select (uint16_t item)
{
    __asm__ volatile("outw %0, %1" ::"a"(item), "Nd"((uint16_t)FW_CFG));
}

static uint32_t
fw_cfg_big_endian (unsigned bytes)
{
    uint32_t value = 0;

    while (bytes-- > 0)
        value = value << 8 | in8 (FW_CFG + 1);
    return value;
}

/* Leaves the parameters, NUL-terminated, in text. */
static void
fw_cfg_read (char *text, uint32_t room)
{
    uint32_t files;
    uint32_t length = 0;

    fw_cfg_select (0x19);
    files = fw_cfg_big_endian (4);
    while (files-- > 0) {
        uint32_t size = fw_cfg_big_endian (4);
        uint16_t item = (uint16_t)fw_cfg_big_endian (2);
        char name[56];

        fw_cfg_big_endian (2);
        for (unsigned i = 0; i < sizeof name; i++)
            name[i] = (char)in8 (FW_CFG + 1);
        if (same (name, "opt/qmpmig/lab")) {
            fw_cfg_select (item);
            while (length < size && length < room - 1)
                text[length++] = (char)in8 (FW_CFG + 1);
            break;
        }
    }
    text[length] = '\0';
}

static void
parameters_read (void)
{
    static const struct {
        const char *name;
        uint32_t *number;
    } known[] = {
        { "ws", &working_set }, { "rate", &rate },       { "static", &fixed },
        { "seed", &seed },      { "beat_ms", &beat_ms },
    };
    static char text[256];
    char *at = text;

    fw_cfg_read (text, sizeof text);
    while (*at != '\0') {
        char *name = at;
        uint32_t value = 0;

        while (*at != '\0' && *at != '=')
            at++;
        if (*at == '=')
            *at++ = '\0';
        for (; *at >= '0' && *at <= '9'; at++)
            value = value * 10 + (uint32_t)(*at - '0');
        while (*at == ' ')
            at++;
        for (unsigned i = 0; i < sizeof known / sizeof known[0]; i++) {
            if (same (name, known[i].name))
                *known[i].number = value;
        }
    }
    working_set -= working_set % PAGE;
}

void
bare_main (void)
{
    out8 (COM1 + 2, 0x07);
    out8 (COM1 + 3, 0x03);
    parameters_read ();
    memory_setup ();
    tick_setup ();
    say ("LAYOUT work=");
    say_number (WORK_AT, 1);
    say (" ws=");
    say_number (working_set, 1);
    say (" static=");
    say_number (fixed, 1);
    say ("\nREADY\n");
    hpet_last = hpet[0xf0 / 4];
    for (;;) {
        work_a_little (time_pass ());
        listen_to_serial ();
        __asm__ volatile("sti; hlt; cli" ::: "memory");
    }
}
