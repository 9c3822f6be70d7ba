/* Control groups, version 1 (one directory per controller) or 2 (one directory). Which limits to write is the
 * plan's business; here they are created, joined, read, emptied and removed. */
#include "supervise.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { TEXT_BYTES = 4096, REMOVE_TRIES = 50 };

static int cgroup_open(int group, const char *file, int flags)
{
    return openat(group, file, flags | O_CLOEXEC | O_NOFOLLOW);
}

static bool cgroup_write(int group, const char *file, const char *value)
{
    int descriptor = cgroup_open(group, file, O_WRONLY);
    if (descriptor < 0)
        return false;
    bool written = write(descriptor, value, strlen(value)) >= 0;
    int error = errno;
    close(descriptor);
    errno = error;
    return written;
}

static bool cgroup_text(int group, const char *file, char *text)
{
    int descriptor = cgroup_open(group, file, O_RDONLY);
    if (descriptor < 0)
        return false;
    ssize_t got = read(descriptor, text, TEXT_BYTES - 1);
    close(descriptor);
    text[got > 0 ? got : 0] = '\0';
    return got > 0;
}

/* The number after `key` in a flat keyed file, or the file's only number when key is empty; -1 without the file. */
static int64_t cgroup_number(int group, const char *file, const char *key)
{
    char text[TEXT_BYTES];
    size_t length = strlen(key);
    if (!cgroup_text(group, file, text))
        return -1;
    for (char *rest, *line = strtok_r(text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest))
        if (length == 0 || (strncmp(line, key, length) == 0 && line[length] == ' '))
            return strtoll(line + length, NULL, 10);
    return 0;
}

bool cgroups_create(struct plan *plan, struct failure *failure)
{
    for (size_t i = 0; i < plan->cgroups.count; i++) {
        const char *path = plan->cgroups.items[i];
        if (mkdir(path, 0755) < 0 && errno != EEXIST)
            return fail(failure, errno, "mkdir", path);
        plan->groups_open[i] = open(path, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        if (plan->groups_open[i] < 0)
            return fail(failure, errno, "open", path);
        plan->groups_made++;
    }
    for (size_t i = 0; i < plan->setting_count; i++)
        if (!cgroup_write(plan->groups_open[plan->settings[i].cgroup], plan->settings[i].file, plan->settings[i].value))
            return fail(failure, errno, "write cgroup", plan->settings[i].file);
    return true;
}

/* Moves the caller, which must have one thread. Version 1 can be asked to move just that: a move of a whole process
 * waits until every processor has been through a quiet state, 7 ms on an idle machine and much more on a busy one. */
static bool join(const char *path)
{
    /* The task was forked before the groups were made, so it has none of them open. */
    int group = open(path, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    bool joined = group >= 0 && (cgroup_write(group, "tasks", "0") ||
                                 (errno == ENOENT && cgroup_write(group, "cgroup.procs", "0")));
    int error = errno;
    close(group);
    errno = error;
    return joined;
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
    for (size_t i = 0; i < plan->groups_made; i++) {
        if (!cgroup_text(plan->groups_open[i], "cgroup.procs", text))
            continue;
        found = true;
        if (cgroup_write(plan->groups_open[i], "cgroup.kill", "1"))
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

static void measure(int group, struct usage *usage)
{
    int64_t kills = cgroup_number(group, "memory.events", "oom_kill"), peak, user, system;
    if (kills >= 0) {
        peak = cgroup_number(group, "memory.peak", "");
        user = cgroup_number(group, "cpu.stat", "user_usec");
        system = cgroup_number(group, "cpu.stat", "system_usec");
    } else {
        /* Version 1: what this group's controllers have of it. */
        peak = cgroup_number(group, "memory.max_usage_in_bytes", "");
        kills = peak < 0 ? 0 : cgroup_number(group, "memory.oom_control", "oom_kill");
        user = cgroup_number(group, "cpuacct.usage_user", "");
        system = user < 0 ? 0 : cgroup_number(group, "cpuacct.usage_sys", "") / 1000;
        user /= 1000;
    }
    usage->peak_cgroup_bytes = larger(usage->peak_cgroup_bytes, peak);
    usage->user_us = larger(usage->user_us, user);
    usage->system_us = larger(usage->system_us, system);
    usage->oom_kills += larger(0, kills);
}

void cgroups_measure(const struct plan *plan, struct usage *usage)
{
    for (size_t i = 0; i < plan->groups_made; i++)
        measure(plan->groups_open[i], usage);
}

void cgroups_remove(const struct plan *plan)
{
    for (size_t i = 0; i < plan->cgroups.count; i++)
        /* The kernel lets go of the last process a moment after it was reaped. */
        for (int tries = 0; tries < REMOVE_TRIES && rmdir(plan->cgroups.items[i]) < 0 && errno == EBUSY; tries++)
            nanosleep(&(struct timespec){.tv_nsec = 2000000}, NULL);
}
