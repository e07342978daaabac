// SPDX-License-Identifier: Apache-2.0
// Preloaded into a broker that runs under valgrind, which stands in the way of loading plugins at two places:
// - "/proc/self/exe" is valgrind's own program to execve, and the trial of a plugin starts that;
// - valgrind finds no names in a library that has no path, and a plugin is loaded from a sealed copy in memory. Here
//   the copy is a file, and sealing it succeeds without effect.

#include <dlfcn.h>
#include <fcntl.h>
#include <limits.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

int posix_spawn(pid_t *child, const char *path, const posix_spawn_file_actions_t *actions,
                const posix_spawnattr_t *attributes, char *const arguments[], char *const environment[])
{
    int (*next)(pid_t *, const char *, const posix_spawn_file_actions_t *, const posix_spawnattr_t *, char *const[],
                char *const[]);
    *(void **)&next = dlsym(RTLD_NEXT, "posix_spawn");
    char program[PATH_MAX] = "";
    if (strcmp(path, "/proc/self/exe") == 0 && readlink(path, program, sizeof program - 1) > 0)
        path = program;
    return next(child, path, actions, attributes, arguments, environment);
}

int memfd_create(const char *name, unsigned flags)
{
    const char *folder = getenv("COPIES_OF_PLUGINS");
    char path[PATH_MAX];
    snprintf(path, sizeof path, "%s/%s", folder ? folder : ".", name);
    return open(path, O_RDWR | O_CREAT | O_TRUNC | (flags & MFD_CLOEXEC ? O_CLOEXEC : 0), 0600);
}

int fcntl(int descriptor, int command, ...)
{
    va_list list;
    va_start(list, command);
    void *argument = va_arg(list, void *);
    va_end(list);
    if (command == F_ADD_SEALS)
        return 0;
    int (*next)(int, int, ...);
    *(void **)&next = dlsym(RTLD_NEXT, "fcntl");
    return next(descriptor, command, argument);
}
