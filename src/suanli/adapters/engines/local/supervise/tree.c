/* The supervisor is a child subreaper: every process of the run descends from it, even one that left its session. */
#include "supervise.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

struct crowd {
    pid_t *pids;
    size_t count, room;
};

static void crowd_add(struct crowd *crowd, pid_t pid)
{
    if (crowd->count == crowd->room) {
        crowd->room = crowd->room ? 2 * crowd->room : 64;
        crowd->pids = realloc(crowd->pids, crowd->room * sizeof *crowd->pids);
        if (!crowd->pids)
            abort();
    }
    crowd->pids[crowd->count++] = pid;
}

static void add_children_of_thread(struct crowd *crowd, int threads, const char *thread)
{
    char path[64], buffer[1024];
    long pid = 0;
    ssize_t got;
    if (snprintf(path, sizeof path, "%.20s/children", thread) < 0)
        return;
    int descriptor = openat(threads, path, O_RDONLY | O_CLOEXEC);
    if (descriptor < 0)
        return;
    while ((got = read(descriptor, buffer, sizeof buffer)) > 0)
        for (ssize_t i = 0; i < got; i++) {
            if (buffer[i] >= '0' && buffer[i] <= '9')
                pid = 10 * pid + (buffer[i] - '0');
            else if (pid)
                crowd_add(crowd, (pid_t)pid), pid = 0;
        }
    close(descriptor);
}

static void add_children(struct crowd *crowd, pid_t pid)
{
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/task", (int)pid);
    DIR *threads = opendir(path);
    if (!threads)
        return;
    for (struct dirent *entry; (entry = readdir(threads));)
        if (entry->d_name[0] != '.')
            add_children_of_thread(crowd, dirfd(threads), entry->d_name);
    closedir(threads);
}

static struct crowd descendants(pid_t pid)
{
    struct crowd crowd = {0};
    add_children(&crowd, pid);
    for (size_t i = 0; i < crowd.count; i++)
        add_children(&crowd, crowd.pids[i]);
    return crowd;
}

void tree_kill_unready(const struct run *run)
{
    for (size_t i = 0; i < run->plan.task_count; i++) {
        if (run->tasks[i].ended)
            continue;
        struct crowd crowd = descendants(run->tasks[i].pid);
        if (crowd.count == 0)
            kill(run->tasks[i].pid, SIGKILL);
        free(crowd.pids);
    }
}

void tree_signal(const struct run *run, int signal_number)
{
    struct crowd crowd = descendants(run->supervisor);
    for (size_t i = 0; i < crowd.count; i++)
        kill(crowd.pids[i], signal_number);
    free(crowd.pids);
}
