/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/libvirt/loader.h"

#include <dlfcn.h>
#include <stdlib.h>
#include <unistd.h>

#include "agent/migration/error.h"
#include "agent/trust.h"

#define FILE_NAME "libvirt.so"

/* Beside the program where it was built, or beside the folder of the helpers; installed, that could
 * be anybody's. */
static char *
build_tree_file (void)
{
    g_autofree char *program = g_file_read_link ("/proc/self/exe", NULL);
    g_autofree char *dir = program ? g_path_get_dirname (program) : NULL;
    const char *place = dir && g_str_has_suffix (dir, "/helpers") ? "../libvirt" : "libvirt";
    g_autofree char *file = dir ? g_build_filename (dir, place, FILE_NAME, NULL) : NULL;

    if (!file || g_str_equal (dir, QMPMIG_BINDIR) || g_str_equal (dir, QMPMIG_HELPERDIR) ||
        !g_file_test (file, G_FILE_TEST_EXISTS))
        return NULL;
    return g_steal_pointer (&file);
}

static char *
find_file (GError **error)
{
    g_autofree char *built = build_tree_file ();
    const char *file = built ? built : QMPMIG_MODULEDIR "/" FILE_NAME;
    g_autoptr (GError) why = NULL;
    char *found;

    if (!g_file_test (file, G_FILE_TEST_EXISTS)) {
        migrate_fail (error, EXIT_USAGE,
                      "libvirt: %s is not there: install the package qmpmig-libvirt", file);
        return NULL;
    }
    found = trust_resolve (file, geteuid (), &why);
    if (!found)
        migrate_fail (error, EXIT_USAGE, "libvirt: the module is not loaded: %s", why->message);
    return found;
}

static const LibvirtModule *
check_table (const LibvirtModule *module, const char *file, GError **error)
{
    if (module && module->abi == LIBVIRT_MODULE_ABI && module->size == sizeof (LibvirtModule))
        return module;
    migrate_fail (error, EXIT_USAGE,
                  "libvirt: %s is of another version than this qmpmig: install the same version of "
                  "the packages qmpmig and qmpmig-libvirt",
                  file);
    return NULL;
}

static const LibvirtModule *
load (GError **error)
{
    char *file = find_file (error);
    const LibvirtModule *module = NULL;
    void *library;

    if (!file)
        return NULL;
    library = dlopen (file, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
    if (library)
        module = check_table (dlsym (library, LIBVIRT_MODULE_SYMBOL), file, error);
    else
        migrate_fail (error, EXIT_USAGE,
                      "libvirt: its library is not here: install the package libvirt0 (Debian) or "
                      "libvirt-libs (Fedora): %s",
                      dlerror ());
    free (file);
    return module;
}

const LibvirtModule *
libvirt_load (GError **error)
{
    static GMutex lock;
    static const LibvirtModule *loaded;
    const LibvirtModule *module;

    g_mutex_lock (&lock);
    if (!loaded)
        loaded = load (error);
    module = loaded;
    g_mutex_unlock (&lock);
    return module;
}
