// SPDX-License-Identifier: Apache-2.0
// What a stretch of time cost; see usage.h.

#include "usage.h"

#include "clock.h"

#include <dirent.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

// The kernel's schedstat line: nanoseconds on a core, nanoseconds waiting for one, number of slices.
static void add_schedstat(const char *path, uint64_t *running, uint64_t *waiting) {
    FILE *file = fopen(path, "r");
    if (file == NULL) return;
    uint64_t on_core, in_queue;
    if (fscanf(file, "%" SCNu64 " %" SCNu64, &on_core, &in_queue) == 2) {
        *running += on_core;
        *waiting += in_queue;
    }
    fclose(file);
}

static void add_threads(pid_t process, uint64_t *running, uint64_t *waiting) {
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/task", (int)process);
    DIR *tasks = opendir(path);
    if (tasks == NULL) return;
    for (struct dirent *task; (task = readdir(tasks)) != NULL;) {
        if (task->d_name[0] == '.') continue;
        char file[sizeof path + sizeof task->d_name + sizeof "/schedstat"];
        snprintf(file, sizeof file, "%s/%s/schedstat", path, task->d_name);
        add_schedstat(file, running, waiting);
    }
    closedir(tasks);
}

static uint64_t stolen_nanoseconds(void) {
    FILE *file = fopen("/proc/stat", "r");
    if (file == NULL) return 0;
    uint64_t ticks = 0;
    if (fscanf(file, "cpu %*u %*u %*u %*u %*u %*u %*u %" SCNu64, &ticks) != 1) ticks = 0;
    fclose(file);
    return ticks * (1000000000u / (uint64_t)sysconf(_SC_CLK_TCK));
}

struct usage usage_sample(pid_t broker) {
    struct usage sample = {.stolen = stolen_nanoseconds()};
    uint64_t coarse_load_cpu = 0;
    add_schedstat("/proc/thread-self/schedstat", &coarse_load_cpu, &sample.load_waiting);
    if (broker > 0) add_threads(broker, &sample.broker_cpu, &sample.broker_waiting);
    struct timespec cpu;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &cpu);
    sample.load_cpu = (uint64_t)cpu.tv_sec * 1000000000u + (uint64_t)cpu.tv_nsec;
    sample.wall = clock_now();
    return sample;
}

struct usage usage_between(const struct usage *before, const struct usage *after) {
    return (struct usage){
        .wall = after->wall - before->wall,
        .load_cpu = after->load_cpu - before->load_cpu,
        .load_waiting = after->load_waiting - before->load_waiting,
        .broker_cpu = after->broker_cpu - before->broker_cpu,
        .broker_waiting = after->broker_waiting - before->broker_waiting,
        .stolen = after->stolen - before->stolen,
    };
}

struct usage usage_sum(const struct usage *one, const struct usage *other) {
    return (struct usage){
        .wall = one->wall + other->wall,
        .load_cpu = one->load_cpu + other->load_cpu,
        .load_waiting = one->load_waiting + other->load_waiting,
        .broker_cpu = one->broker_cpu + other->broker_cpu,
        .broker_waiting = one->broker_waiting + other->broker_waiting,
        .stolen = one->stolen + other->stolen,
    };
}

static uint64_t status_bytes(pid_t process, const char *name) {
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/status", (int)process);
    FILE *file = fopen(path, "r");
    if (file == NULL) return 0;
    uint64_t kilobytes = 0;
    char line[256] = "";
    while (fgets(line, sizeof line, file) != NULL && strncmp(line, name, strlen(name)) != 0) continue;
    if (sscanf(line + strlen(name), ": %" SCNu64, &kilobytes) != 1) kilobytes = 0;
    fclose(file);
    return kilobytes * 1024;
}

uint64_t resident_bytes(pid_t process) { return status_bytes(process, "VmRSS"); }

uint64_t resident_peak_bytes(pid_t process) { return status_bytes(process, "VmHWM"); }
