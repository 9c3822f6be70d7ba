/* Control groups, version 1 (one directory per controller) or 2 (one directory). Which limits to write is the
 * plan's business; here they are created, joined, read, emptied and removed. */
#include "supervise.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { PATH_BYTES = 4096, TEXT_BYTES = 4096, REMOVE_TRIES = 50 };

static int cgroup_open(const char *cgroup, const char *file, int flags)
{
    char path[PATH_BYTES];
    int length = snprintf(path, sizeof path, "%s/%s", cgroup, file);
    if (length < 0 || (size_t)length >= sizeof path)
        return errno = ENAMETOOLONG, -1;
    return open(path, flags | O_CLOEXEC | O_NOFOLLOW);
}

static bool cgroup_write(const char *cgroup, const char *file, const char *value)
{
    int descriptor = cgroup_open(cgroup, file, O_WRONLY);
    if (descriptor < 0)
        return false;
    bool written = write(descriptor, value, strlen(value)) >= 0;
    int error = errno;
    close(descriptor);
    errno = error;
    return written;
}

static bool cgroup_text(const char *cgroup, const char *file, char *text)
{
    int descriptor = cgroup_open(cgroup, file, O_RDONLY);
    if (descriptor < 0)
        return false;
    ssize_t got = read(descriptor, text, TEXT_BYTES - 1);
    close(descriptor);
    text[got > 0 ? got : 0] = '\0';
    return got > 0;
}

/* The number after `key` in a flat keyed file, or the file's only number when key is empty; 0 when absent. */
static int64_t cgroup_number(const char *cgroup, const char *file, const char *key)
{
    char text[TEXT_BYTES];
    size_t length = strlen(key);
    if (!cgroup_text(cgroup, file, text))
        return 0;
    for (char *rest, *line = strtok_r(text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest))
        if (length == 0 || (strncmp(line, key, length) == 0 && line[length] == ' '))
            return strtoll(line + length, NULL, 10);
    return 0;
}

bool cgroups_create(const struct plan *plan, struct failure *failure)
{
    for (size_t i = 0; i < plan->cgroups.count; i++)
        if (mkdir(plan->cgroups.items[i], 0755) < 0 && errno != EEXIST)
            return fail(failure, errno, "mkdir", plan->cgroups.items[i]);
    for (size_t i = 0; i < plan->setting_count; i++)
        if (!cgroup_write(plan->cgroups.items[plan->settings[i].cgroup], plan->settings[i].file,
                          plan->settings[i].value))
            return fail(failure, errno, "write cgroup", plan->settings[i].file);
    return true;
}

/* Moves the caller, which must have one thread. Version 1 can be asked to move just that: a move of a whole process
 * waits until every processor has been through a quiet state, 7 ms on an idle machine and much more on a busy one. */
static bool join(const char *cgroup)
{
    return cgroup_write(cgroup, "tasks", "0") || (errno == ENOENT && cgroup_write(cgroup, "cgroup.procs", "0"));
}

bool cgroups_join(const struct plan *plan, struct failure *failure)
{
    for (size_t i = 0; i < plan->cgroups.count; i++)
        if (!join(plan->cgroups.items[i]))
            return fail(failure, errno, "join cgroup", plan->cgroups.items[i]);
    return true;
}

/* Kills what is in the groups; true when something was there. */
bool cgroups_kill(const struct plan *plan)
{
    char text[TEXT_BYTES];
    bool found = false;
    for (size_t i = 0; i < plan->cgroups.count; i++) {
        if (!cgroup_text(plan->cgroups.items[i], "cgroup.procs", text))
            continue;
        found = true;
        if (cgroup_write(plan->cgroups.items[i], "cgroup.kill", "1"))
            continue;
        /* A full buffer cuts the last number short, and half a number names a stranger. */
        strrchr(text, '\n')[1] = '\0';
        for (char *rest, *line = strtok_r(text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
            long pid = strtol(line, NULL, 10);
            if (pid > 1)
                kill((pid_t)pid, SIGKILL);
        }
    }
    return found;
}

static int64_t larger(int64_t one, int64_t other)
{
    return one > other ? one : other;
}

void cgroups_measure(const struct plan *plan, struct usage *usage)
{
    for (size_t i = 0; i < plan->cgroups.count; i++) {
        const char *cgroup = plan->cgroups.items[i];
        int64_t peak = larger(cgroup_number(cgroup, "memory.peak", ""),
                              cgroup_number(cgroup, "memory.max_usage_in_bytes", ""));
        int64_t user = larger(cgroup_number(cgroup, "cpu.stat", "user_usec"),
                              cgroup_number(cgroup, "cpuacct.usage_user", "") / 1000);
        int64_t system = larger(cgroup_number(cgroup, "cpu.stat", "system_usec"),
                                cgroup_number(cgroup, "cpuacct.usage_sys", "") / 1000);
        usage->peak_cgroup_bytes = larger(usage->peak_cgroup_bytes, peak);
        usage->user_us = larger(usage->user_us, user);
        usage->system_us = larger(usage->system_us, system);
        usage->oom_kills += cgroup_number(cgroup, "memory.events", "oom_kill") +
                            cgroup_number(cgroup, "memory.oom_control", "oom_kill");
    }
}

void cgroups_remove(const struct plan *plan)
{
    for (size_t i = 0; i < plan->cgroups.count; i++)
        /* The kernel lets go of the last process a moment after it was reaped. */
        for (int tries = 0; tries < REMOVE_TRIES && rmdir(plan->cgroups.items[i]) < 0 && errno == EBUSY; tries++)
            nanosleep(&(struct timespec){.tv_nsec = 2000000}, NULL);
}
