/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the Linux guest does all day: dirties memory at a given rate and in a given shape, says
 * every 20 ms on its console how far it is, and can tell at any time whether its memory is still
 * what it wrote.
 *
 * Every byte of the working set follows from (seed, page, generation of the page); the generations
 * lie in an array of their own, so that a page that arrived stale disagrees with it, and their sum
 * is the work done. A second region is written once at boot and never again; its pages begin with a
 * magic by which they are found in a migration stream. With lab.disk_ws, a second thread does the
 * same to the first blocks of /dev/vda.
 *
 * The kernel command line says lab.NAME=VALUE (see the table in parameters_read); the console takes
 * one word a line: check, stop, start, rate BYTES, suspend, poweroff, panic.
 *
 * Time that the guest did not get is work that it does not do: there is no catching up, so that a
 * throttled guest dirties less, as a busy one does.
 */
#define _GNU_SOURCE /* O_DIRECT */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/reboot.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

enum { PAGE = 4096, WORDS = PAGE / 8 };

enum shape { SHAPE_UNIFORM, SHAPE_SEQUENTIAL, SHAPE_HOT, SHAPE_BURSTS };
enum content { CONTENT_RANDOM, CONTENT_TEXT, CONTENT_ZERO };

static const char *const shape_names[] = { "uniform", "sequential", "hot", "bursts", NULL };
static const char *const content_names[] = { "random", "text", "zero", NULL };

struct parameters {
    uint64_t working_set; /* bytes */
    uint64_t rate;        /* bytes/s, each page written counts as a whole one */
    uint64_t density;     /* bytes written in a page: 8, 512, 4096 or what lies between */
    uint64_t fixed;       /* bytes of the region that is written once */
    uint64_t seed;
    uint64_t beat_ms;
    uint64_t disk_working_set; /* bytes of the disk that are written, none by default */
    uint64_t disk_rate;        /* bytes/s */
    int shape;
    int content;
};

/* Held while a block and its generation may disagree. */
struct disk {
    pthread_mutex_t lock;
    const struct parameters *parameters;
    int fd;
    uint64_t block_count;
    uint32_t *generations;
};

struct workload {
    struct parameters parameters;
    struct disk disk;
    uint64_t *pages;
    uint64_t page_count;
    uint32_t *generations;
    uint64_t *fixed_pages;
    uint64_t fixed_count;

    bool working;
    uint64_t written; /* pages, since boot */
    uint64_t cursor;
    uint64_t random;
    uint64_t credit; /* bytes times microseconds that may still be written */
    uint64_t last_us;

    uint64_t beats;
    uint64_t next_beat_us;
    char line[64];
    size_t line_length;
};

static const char fixed_magic[16] = "QMPMIG-LAB-PAGE";

static uint64_t
now_us (void)
{
    struct timespec now;

    clock_gettime (CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

/* --- what a page holds --- */

static uint64_t
scatter (uint64_t x)
{
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
    x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
    return x ^ (x >> 31);
}

static uint64_t
next_random (uint64_t *state)
{
    *state = *state * 6364136223846793005u + 1442695040888963407u;
    return *state ^ (*state >> 32);
}

static const char text_words[16][9] = {
    "the     ",   "guest   ", "moves   ",   "from one", " host to", "another ",
    "and does",   " not    ", "notice  ",   "GET /ind", "ex.html ", "HTTP/1.1",
    "\r\nHost: ", "2024-01-", "200 OK\r\n", "        ",
};

static void
fill (uint64_t *at, size_t words, int content, uint64_t key)
{
    uint64_t state = scatter (key);

    switch (content) {
    case CONTENT_RANDOM:
        for (size_t i = 0; i < words; i++)
            at[i] = next_random (&state);
        break;
    case CONTENT_TEXT:
        /* The first word tells generations apart. */
        at[0] = state;
        for (size_t i = 1; i < words; i++)
            memcpy (&at[i], text_words[next_random (&state) & 15], 8);
        break;
    case CONTENT_ZERO:
        memset (at, 0, words * 8);
        break;
    }
}

/* The head of a page, as dense as asked for, is of its present generation; the rest is as it was at
 * boot. */
static void
page_compose (const struct parameters *p, uint64_t *at, uint64_t page, uint32_t generation)
{
    size_t head = p->density / 8;

    fill (at, head, p->content, p->seed ^ (page << 32) ^ generation);
    if (head < WORDS)
        fill (at + head, WORDS - head, p->content,
              p->seed ^ (page << 32) ^ 0x5eed0000u ^ (1ull << 63));
}

static void
page_write (struct workload *w, uint64_t page)
{
    const struct parameters *p = &w->parameters;
    uint32_t generation = ++w->generations[page];

    fill (w->pages + page * WORDS, p->density / 8, p->content, p->seed ^ (page << 32) ^ generation);
    w->written++;
}

static void
fixed_compose (const struct parameters *p, uint64_t *at, uint64_t page)
{
    memcpy (at, fixed_magic, sizeof fixed_magic);
    at[2] = page;
    fill (at + 3, WORDS - 3, CONTENT_RANDOM, ~p->seed ^ page);
}

/* --- console --- */

static void
say (const char *text)
{
    size_t left = strlen (text);

    while (left > 0) {
        ssize_t n = write (STDOUT_FILENO, text, left);

        if (n < 0 && errno != EINTR && errno != EAGAIN)
            return;
        if (n > 0) {
            text += n;
            left -= (size_t)n;
        }
    }
}

static _Noreturn void
give_up (const char *why)
{
    say (why);
    for (;;)
        pause ();
}

/* H number guest-us pages-written . (the dot says that the line is whole) */
static void
beat_when_due (struct workload *w)
{
    uint64_t now = now_us ();
    char line[96];

    if (now < w->next_beat_us)
        return;
    w->next_beat_us = now + w->parameters.beat_ms * 1000;
    snprintf (line, sizeof line, "H %llu %llu %llu .\n", (unsigned long long)++w->beats,
              (unsigned long long)now, (unsigned long long)w->written);
    say (line);
}

/* --- the disk --- */

static void
block_compose (const struct disk *disk, uint64_t *at, uint64_t block)
{
    fill (at, WORDS, CONTENT_RANDOM,
          disk->parameters->seed ^ (block << 32) ^ disk->generations[block] ^ (1ull << 62));
}

static void
block_write (struct disk *disk, uint64_t block)
{
    static _Alignas(PAGE) uint64_t data[WORDS];

    block_compose (disk, data, block);
    if (pwrite (disk->fd, data, PAGE, (off_t)(block * PAGE)) != PAGE)
        say ("DISK write failed\n");
}

/* In large pieces, for the boot's sake; a last one that is not whole counts for nothing. */
static void
disk_fill (struct disk *disk)
{
    enum { PIECE = 64 };
    static _Alignas(PAGE) uint64_t data[PIECE * WORDS];

    disk->block_count -= disk->block_count % PIECE;
    for (uint64_t block = 0; block < disk->block_count; block += PIECE) {
        for (uint64_t i = 0; i < PIECE; i++)
            block_compose (disk, data + i * WORDS, block + i);
        if (pwrite (disk->fd, data, sizeof data, (off_t)(block * PAGE)) != sizeof data)
            give_up ("DISK write failed\n");
    }
}

static void *
disk_work (void *argument)
{
    struct disk *disk = argument;
    uint64_t interval_ns = (uint64_t)PAGE * 1000000000 / disk->parameters->disk_rate;
    uint64_t state = disk->parameters->seed;

    for (;;) {
        const struct timespec pause = { (time_t)(interval_ns / 1000000000),
                                        (long)(interval_ns % 1000000000) };
        uint64_t block = (next_random (&state) & 0xffffffffu) * disk->block_count >> 32;

        nanosleep (&pause, NULL);
        pthread_mutex_lock (&disk->lock);
        disk->generations[block]++;
        block_write (disk, block);
        pthread_mutex_unlock (&disk->lock);
    }
    return NULL;
}

static void
disk_setup (struct disk *disk, const struct parameters *p)
{
    pthread_t thread;

    disk->parameters = p;
    if (p->disk_working_set == 0)
        return;
    disk->fd = open ("/dev/vda", O_RDWR | O_DIRECT);
    if (disk->fd < 0)
        give_up ("NO DISK\n");
    disk->block_count = p->disk_working_set / PAGE;
    disk->generations = calloc (disk->block_count, sizeof *disk->generations);
    disk_fill (disk);
    if (p->disk_rate > 0)
        pthread_create (&thread, NULL, disk_work, disk);
}

/* --- the memory check --- */

static bool
page_agrees (const uint64_t *is, const uint64_t *should, const char *region, uint64_t page)
{
    char line[128];
    size_t word = 0;

    if (memcmp (is, should, PAGE) == 0)
        return true;
    while (is[word] == should[word])
        word++;
    snprintf (line, sizeof line,
              "CHECK bad page=%llu region=%s offset=%zu is=%016llx should=%016llx\n",
              (unsigned long long)page, region, word * 8, (unsigned long long)is[word],
              (unsigned long long)should[word]);
    say (line);
    return false;
}

static bool
disk_agrees (struct workload *w)
{
    static _Alignas(PAGE) uint64_t is[WORDS];
    struct disk *disk = &w->disk;
    uint64_t should[WORDS];
    bool agrees = true;

    pthread_mutex_lock (&disk->lock);
    for (uint64_t block = 0; agrees && block < disk->block_count; block++) {
        block_compose (disk, should, block);
        agrees = pread (disk->fd, is, PAGE, (off_t)(block * PAGE)) == PAGE &&
                 page_agrees (is, should, "disk", block);
        beat_when_due (w);
    }
    pthread_mutex_unlock (&disk->lock);
    return agrees;
}

static void
memory_check (struct workload *w)
{
    uint64_t should[WORDS];
    uint64_t sum = 0;
    char line[96];

    for (uint64_t page = 0; page < w->page_count; page++) {
        page_compose (&w->parameters, should, page, w->generations[page]);
        if (!page_agrees (w->pages + page * WORDS, should, "work", page))
            return;
        sum += w->generations[page];
        beat_when_due (w);
    }
    for (uint64_t page = 0; page < w->fixed_count; page++) {
        fixed_compose (&w->parameters, should, page);
        if (!page_agrees (w->fixed_pages + page * WORDS, should, "static", page))
            return;
        beat_when_due (w);
    }
    if (!disk_agrees (w))
        return;
    if (sum != w->written) {
        snprintf (line, sizeof line,
                  "CHECK bad page=none region=generations sum=%llu written=%llu\n",
                  (unsigned long long)sum, (unsigned long long)w->written);
    } else {
        snprintf (line, sizeof line, "CHECK ok pages=%llu\n",
                  (unsigned long long)(w->page_count + w->fixed_count + w->disk.block_count));
    }
    say (line);
}

/* --- work --- */

static uint64_t
page_pick (struct workload *w)
{
    uint64_t random = next_random (&w->random) & 0xffffffffu;
    uint64_t hot = w->page_count / 10;

    switch ((enum shape)w->parameters.shape) {
    case SHAPE_SEQUENTIAL:
        return w->cursor++ % w->page_count;
    case SHAPE_HOT:
        if (hot > 0 && next_random (&w->random) % 10 != 0)
            return random * hot >> 32;
        break;
    case SHAPE_UNIFORM:
    case SHAPE_BURSTS:
        break;
    }
    return random * w->page_count >> 32;
}

/* Bursts: four times the rate for a quarter of each second. */
static uint64_t
rate_now (const struct workload *w, uint64_t now)
{
    if (w->parameters.shape != SHAPE_BURSTS)
        return w->parameters.rate;
    return now % 1000000 < 250000 ? w->parameters.rate * 4 : 0;
}

static void
work_a_little (struct workload *w)
{
    enum { LONGEST_CREDITED_US = 2000 };
    const uint64_t price = (uint64_t)PAGE * 1000000;
    uint64_t now = now_us ();
    uint64_t passed = now - w->last_us;

    w->last_us = now;
    if (!w->working)
        return;
    if (passed > LONGEST_CREDITED_US)
        passed = LONGEST_CREDITED_US;
    w->credit += rate_now (w, now) * passed;
    for (unsigned n = 0; w->credit >= price; n++) {
        page_write (w, page_pick (w));
        w->credit -= price;
        if ((n & 63) == 63 && now_us () - now > LONGEST_CREDITED_US) {
            w->credit = 0; /* it cannot go faster */
            break;
        }
    }
}

/* --- commands --- */

static bool
file_write (const char *path, const char *text)
{
    int fd = open (path, O_WRONLY);
    bool done;

    if (fd < 0)
        return false;
    done = write (fd, text, strlen (text)) == (ssize_t)strlen (text);
    close (fd);
    return done;
}

static void
obey (struct workload *w, const char *command)
{
    if (strcmp (command, "check") == 0) {
        memory_check (w);
    } else if (strcmp (command, "stop") == 0) {
        w->working = false;
        say ("STOPPED\n");
    } else if (strcmp (command, "start") == 0) {
        w->working = true;
        say ("STARTED\n");
    } else if (strncmp (command, "rate ", 5) == 0) {
        w->parameters.rate = strtoull (command + 5, NULL, 10);
        say ("RATE ok\n");
    } else if (strcmp (command, "suspend") == 0) {
        say ("SUSPENDING\n");
        tcdrain (STDOUT_FILENO);
        say (file_write ("/sys/power/state", "mem") ? "RESUMED\n" : "SUSPEND refused\n");
    } else if (strcmp (command, "poweroff") == 0) {
        reboot (RB_POWER_OFF);
    } else if (strcmp (command, "panic") == 0) {
        file_write ("/proc/sysrq-trigger", "c");
    } else if (*command != '\0') {
        say ("WHAT?\n");
    }
}

static void
listen_to_console (struct workload *w)
{
    char c;

    while (read (STDIN_FILENO, &c, 1) == 1) {
        if (c == '\n' || c == '\r') {
            w->line[w->line_length] = '\0';
            w->line_length = 0;
            obey (w, w->line);
        } else if (w->line_length < sizeof w->line - 1) {
            w->line[w->line_length++] = c;
        }
    }
}

/* Raw, and without waiting when there is nothing to read. */
static void
console_setup (void)
{
    struct termios raw;

    tcgetattr (STDIN_FILENO, &raw);
    cfmakeraw (&raw);
    raw.c_cc[VMIN] = 0;
    raw.c_cc[VTIME] = 0;
    tcsetattr (STDIN_FILENO, TCSANOW, &raw);
}

/* --- setting up --- */

static uint64_t
parse_size (const char *text)
{
    char *unit;
    uint64_t size = strtoull (text, &unit, 10);

    switch (*unit) {
    case 'K':
        return size << 10;
    case 'M':
        return size << 20;
    case 'G':
        return size << 30;
    default:
        return size;
    }
}

static void
parameters_read (struct parameters *p, char *command_line)
{
    const struct {
        const char *name;
        uint64_t *number;
        int *choice;
        const char *const *choices;
    } known[] = {
        { "lab.ws", &p->working_set, NULL, NULL },
        { "lab.rate", &p->rate, NULL, NULL },
        { "lab.density", &p->density, NULL, NULL },
        { "lab.static", &p->fixed, NULL, NULL },
        { "lab.seed", &p->seed, NULL, NULL },
        { "lab.beat_ms", &p->beat_ms, NULL, NULL },
        { "lab.disk_ws", &p->disk_working_set, NULL, NULL },
        { "lab.disk_rate", &p->disk_rate, NULL, NULL },
        { "lab.shape", NULL, &p->shape, shape_names },
        { "lab.content", NULL, &p->content, content_names },
    };

    for (char *word = strtok (command_line, " \n"); word != NULL; word = strtok (NULL, " \n")) {
        char *value = strchr (word, '=');

        if (value == NULL)
            continue;
        *value++ = '\0';
        for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
            if (strcmp (word, known[i].name) != 0)
                continue;
            if (known[i].number != NULL)
                *known[i].number = parse_size (value);
            for (int c = 0; known[i].choices != NULL && known[i].choices[c] != NULL; c++) {
                if (strcmp (known[i].choices[c], value) == 0)
                    *known[i].choice = c;
            }
        }
    }
    p->density = p->density < 8 ? 8 : p->density > PAGE ? PAGE : p->density & ~7ull;
}

static void *
memory_get (uint64_t size)
{
    void *memory;

    if (size == 0)
        return NULL;
    memory = mmap (NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE,
                   -1, 0);
    if (memory == MAP_FAILED)
        give_up ("NO MEMORY\n");
    return memory;
}

static void
memory_setup (struct workload *w)
{
    const struct parameters *p = &w->parameters;

    w->page_count = p->working_set / PAGE;
    w->fixed_count = p->fixed / PAGE;
    w->pages = memory_get (w->page_count * PAGE);
    w->generations = memory_get (w->page_count * sizeof *w->generations);
    w->fixed_pages = memory_get (w->fixed_count * PAGE);
    for (uint64_t page = 0; page < w->page_count; page++)
        page_compose (p, w->pages + page * WORDS, page, 0);
    for (uint64_t page = 0; page < w->fixed_count; page++)
        fixed_compose (p, w->fixed_pages + page * WORDS, page);
}

int
main (void)
{
    static struct workload w = {
        .parameters = { .working_set = 16 << 20,
                        .rate = 1 << 20,
                        .density = 8,
                        .fixed = 8 << 20,
                        .seed = 1,
                        .beat_ms = 20 },
        .disk = { .lock = PTHREAD_MUTEX_INITIALIZER },
        .random = 1,
    };
    static char command_line[4096];
    int fd = open ("/proc/cmdline", O_RDONLY);

    if (fd >= 0 && read (fd, command_line, sizeof command_line - 1) > 0)
        parameters_read (&w.parameters, command_line);
    close (fd);
    console_setup ();
    memory_setup (&w);
    disk_setup (&w.disk, &w.parameters);
    say ("READY\n");
    w.working = w.page_count > 0;
    w.last_us = now_us ();
    for (;;) {
        const struct timespec tick = { .tv_nsec = 1000000 };

        work_a_little (&w);
        beat_when_due (&w);
        listen_to_console (&w);
        nanosleep (&tick, NULL);
    }
}
