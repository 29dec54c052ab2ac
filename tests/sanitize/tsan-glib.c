/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Tells ThreadSanitizer of GLib's locks, which are made of futexes inside a library that was not
 * built for it. Linked into the program, these take the place of GLib's own for calls from our
 * code; each calls the real one. */
#include <dlfcn.h>
#include <glib.h>
#include <sanitizer/tsan_interface.h>

/* meson links it into its probes too, which have no sanitizer. */
#pragma weak __tsan_mutex_create
#pragma weak __tsan_mutex_destroy
#pragma weak __tsan_mutex_pre_lock
#pragma weak __tsan_mutex_post_lock
#pragma weak __tsan_mutex_pre_unlock
#pragma weak __tsan_mutex_post_unlock

#define REAL(name) real_##name
/* clang-format off */
#define FIND(name) \
    static __typeof__ (name) *REAL (name); \
    if (!REAL (name)) \
        *(void **)&REAL (name) = dlsym (RTLD_NEXT, #name)
/* clang-format on */

/* A GMutex may be used as it lies in zeroed memory. */
static const unsigned flags = __tsan_mutex_linker_init;

void
g_mutex_init (GMutex *mutex)
{
    FIND (g_mutex_init);
    REAL (g_mutex_init) (mutex);
    __tsan_mutex_create (mutex, 0);
}

void
g_mutex_clear (GMutex *mutex)
{
    FIND (g_mutex_clear);
    __tsan_mutex_destroy (mutex, 0);
    REAL (g_mutex_clear) (mutex);
}

void
g_mutex_lock (GMutex *mutex)
{
    FIND (g_mutex_lock);
    __tsan_mutex_pre_lock (mutex, flags);
    REAL (g_mutex_lock) (mutex);
    __tsan_mutex_post_lock (mutex, flags, 0);
}

void
g_mutex_unlock (GMutex *mutex)
{
    FIND (g_mutex_unlock);
    __tsan_mutex_pre_unlock (mutex, 0);
    REAL (g_mutex_unlock) (mutex);
    __tsan_mutex_post_unlock (mutex, 0);
}

/* Waiting gives the mutex away and takes it again. */
static void
gave_away (GMutex *mutex)
{
    __tsan_mutex_pre_unlock (mutex, 0);
    __tsan_mutex_post_unlock (mutex, 0);
}

static void
took_again (GMutex *mutex)
{
    __tsan_mutex_pre_lock (mutex, flags);
    __tsan_mutex_post_lock (mutex, flags, 0);
}

void
g_cond_wait (GCond *cond, GMutex *mutex)
{
    FIND (g_cond_wait);
    gave_away (mutex);
    REAL (g_cond_wait) (cond, mutex);
    took_again (mutex);
}

gboolean
g_cond_wait_until (GCond *cond, GMutex *mutex, gint64 end_time)
{
    gboolean signalled;

    FIND (g_cond_wait_until);
    gave_away (mutex);
    signalled = REAL (g_cond_wait_until) (cond, mutex, end_time);
    took_again (mutex);
    return signalled;
}
