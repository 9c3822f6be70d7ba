/* One loop from the user's first instruction until nothing of the run is left: output, control words, deadlines,
 * deaths. */
#include "supervise.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { RETRY_KILL_MS = 1000, FIRST_PAUSE_NS = 1000000, LONGEST_PAUSE_NS = 32000000 };

static void resume(struct run *run)
{
    if (!run->suspended_at_ms)
        return;
    run->suspended_ms += monotonic_ms() - run->suspended_at_ms;
    run->suspended_at_ms = 0;
    tree_signal(run, SIGCONT);
}

/* Asks everything of the run to end and sets the moment from which it is killed. The first cause stands; a later
 * word can only bring that moment forward. */
static void terminate(struct run *run, enum cause cause, int64_t grace_ms)
{
    int64_t kill_at_ms = monotonic_ms() + grace_ms;
    if (run->terminating) {
        if (kill_at_ms < run->kill_at_ms)
            run->kill_at_ms = kill_at_ms;
        return;
    }
    run->terminating = true;
    run->cause = cause;
    run->kill_at_ms = kill_at_ms;
    /* Who has not begun ends at the shut gate. */
    if (run->gate >= 0)
        close(run->gate);
    run->gate = -1;
    if (run->plan.sandbox)
        tree_kill_unready(run);
    if (grace_ms > 0)
        tree_signal(run, SIGTERM);
    resume(run);
}

static const struct {
    const char *word;
    enum cause cause;
} stops[] = {{"cancel", CANCELLED}, {"preempt", PREEMPTED}, {"requeue", REQUEUED}};

static bool obey(struct run *run, char *line)
{
    char *rest = NULL, *end = NULL;
    char *word = strtok_r(line, " ", &rest), *text = strtok_r(NULL, " ", &rest);
    errno = 0;
    int64_t amount = text ? strtoll(text, &end, 10) : -1;
    if (!word || (text && (*end || errno || amount < 0 || amount > INT64_MAX / 4)) || strtok_r(NULL, " ", &rest))
        return false;
    for (size_t i = 0; i < sizeof stops / sizeof stops[0]; i++)
        if (strcmp(word, stops[i].word) == 0)
            return terminate(run, stops[i].cause, text ? amount : run->plan.grace_ms), true;
    if (strcmp(word, "signal") == 0 && amount > 0 && amount < NSIG)
        return tree_signal(run, (int)amount), true;
    if (strcmp(word, "limit") == 0 && text)
        return run->time_limit_ms = amount, true;
    if (text || run->terminating)
        return false;
    if (strcmp(word, "resume") == 0)
        return resume(run), true;
    if (strcmp(word, "suspend") != 0)
        return false;
    if (!run->suspended_at_ms)
        run->suspended_at_ms = monotonic_ms();
    tree_signal(run, SIGSTOP);
    return true;
}

static void take_words(struct run *run, const char *bytes, ssize_t count)
{
    for (ssize_t i = 0; i < count; i++) {
        if (bytes[i] != '\n') {
            if (run->line_length + 1 < sizeof run->line)
                run->line[run->line_length++] = bytes[i];
            else
                run->line_overlong = true;
            continue;
        }
        run->line[run->line_length] = '\0';
        if (run->line_overlong || strlen(run->line) != run->line_length || !obey(run, run->line))
            run->control_ignored++;
        run->line_length = 0;
        run->line_overlong = false;
    }
}

static void hear(struct run *run)
{
    char bytes[512];
    ssize_t got;
    if (run->control < 0)
        run->control = openat(run->directory, "control", O_RDONLY | O_NONBLOCK | O_NOFOLLOW | O_CLOEXEC);
    while (run->control >= 0 && (got = read(run->control, bytes, sizeof bytes)) > 0)
        take_words(run, bytes, got);
}

static int64_t microseconds(struct timeval time)
{
    return (int64_t)time.tv_sec * 1000000 + time.tv_usec;
}

static struct process *task_of(struct run *run, pid_t pid)
{
    for (size_t i = 0; i < run->plan.task_count; i++)
        if (run->tasks[i].pid == pid && !run->tasks[i].ended)
            return &run->tasks[i];
    return NULL;
}

/* Tasks begin when the last step has ended well; one that has not ends the run, unless it was to end anyway. */
static void settle_step(struct run *run, const struct task *step, int status)
{
    char how[WHAT_BYTES];
    run->steps_running--;
    if (run->terminating)
        return;
    if (status == 0) {
        if (run->steps_running == 0 && !tasks_release(run))
            abort();
        return;
    }
    snprintf(how, sizeof how, "%.200s: %s %d", step->step, WIFSIGNALED(status) ? "signal" : "exit code",
             WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
    fail(&run->failure, ECANCELED, "step", how);
    terminate(run, LAUNCH_FAILED, 0);
}

static void settle(struct run *run, struct process *task, int status)
{
    const struct task *planned = &run->plan.tasks[task - run->tasks];
    task->ended = true;
    task->status = status;
    run->running--;
    if (planned->step) {
        settle_step(run, planned, status);
        return;
    }
    if (status == 0 || run->decided)
        return;
    run->decided = true;
    run->status = status;
    if (run->running > 0)
        terminate(run, EXITED, run->plan.grace_ms);
}

/* Takes in every process that has died; false when none is left at all. */
static bool reap(struct run *run)
{
    struct rusage rusage;
    int status;
    pid_t pid;
    while ((pid = wait4(-1, &status, WNOHANG, &rusage)) > 0) {
        struct process *task = task_of(run, pid);
        int64_t rss = (int64_t)rusage.ru_maxrss * 1024;
        run->usage.user_us += microseconds(rusage.ru_utime);
        run->usage.system_us += microseconds(rusage.ru_stime);
        if (task) {
            run->usage.peak_rss_bytes += rss;
            settle(run, task, status);
        } else if (rss > run->usage.peak_rss_bytes) {
            run->usage.peak_rss_bytes = rss;
        }
    }
    return pid == 0;
}

static void take_fault(struct run *run)
{
    struct failure failure;
    ssize_t got = read(run->faults, &failure, sizeof failure);
    if (got == (ssize_t)sizeof failure && !run->terminating) {
        run->failure = failure;
        terminate(run, LAUNCH_FAILED, 0);
    } else if (got <= 0) {
        close(run->faults);
        run->faults = -1;
    }
}

static void take_signals(struct run *run)
{
    struct signalfd_siginfo info;
    while (read(run->signals, &info, sizeof info) == (ssize_t)sizeof info)
        if (info.ssi_signo == SIGTERM)
            terminate(run, CANCELLED, run->plan.grace_ms);
        else if (info.ssi_signo == SIGUSR1)
            hear(run);
    reap(run);
}

/* The next moment at which something is due, or -1. */
static int64_t deadline(const struct run *run)
{
    if (run->terminating)
        return run->kill_at_ms;
    if (!run->time_limit_ms || run->suspended_at_ms)
        return -1;
    return run->begun_ms + run->time_limit_ms + run->suspended_ms;
}

static void meet_deadline(struct run *run)
{
    int64_t due_ms = deadline(run), now_ms = monotonic_ms();
    if (due_ms < 0 || now_ms < due_ms)
        return;
    if (run->terminating) {
        cgroups_kill(&run->plan);
        tree_signal(run, SIGKILL);
        run->kill_at_ms = now_ms + RETRY_KILL_MS;
    } else {
        terminate(run, TIMEOUT, run->plan.grace_ms);
    }
}

static int patience(const struct run *run)
{
    int64_t due_ms = deadline(run), left_ms = due_ms - monotonic_ms();
    if (due_ms < 0)
        return -1;
    return left_ms < 0 ? 0 : left_ms > INT_MAX ? INT_MAX : (int)left_ms;
}

/* Kills whatever a run's tasks left behind, and waits until the kernel has let go of it. */
static void sweep(struct run *run)
{
    bool children = reap(run);
    struct timespec pause = {.tv_nsec = FIRST_PAUSE_NS};
    while (cgroups_kill(&run->plan) || children) {
        if (children)
            tree_signal(run, SIGKILL);
        nanosleep(&pause, NULL);
        if (pause.tv_nsec < LONGEST_PAUSE_NS)
            pause.tv_nsec *= 2;
        children = reap(run);
    }
}

static void conclude(struct run *run)
{
    resume(run);
    sweep(run);
    for (size_t i = 0; i < run->output_count; i++)
        while (run->outputs[i].pipe_read >= 0 && output_pump(run, &run->outputs[i]))
            ;
    run->ended_us = realtime_us();
    cgroups_measure(&run->plan, &run->usage);
    cgroups_remove(&run->plan);
    if (run->cause != EXITED)
        return;
    if (run->usage.oom_kills > 0 && run->status != 0)
        run->cause = OUT_OF_MEMORY;
    else if (WIFSIGNALED(run->status))
        run->cause = SIGNALLED;
}

void watch(struct run *run)
{
    while (run->running > 0) {
        /* A task reports its fault before it dies, so when the death is seen here the fault is there too. */
        struct pollfd watched[] = {
            {.fd = run->signals, .events = POLLIN},
            {.fd = run->faults, .events = POLLIN},
            {.fd = run->outputs[0].pipe_read, .events = POLLIN},
            {.fd = run->output_count > 1 ? run->outputs[1].pipe_read : -1, .events = POLLIN},
        };
        if (poll(watched, sizeof watched / sizeof watched[0], patience(run)) < 0 && errno != EINTR)
            abort();
        if (watched[1].revents)
            take_fault(run);
        for (size_t i = 0; i < run->output_count; i++)
            if (watched[2 + i].revents)
                output_pump(run, &run->outputs[i]);
        if (watched[0].revents)
            take_signals(run);
        meet_deadline(run);
    }
    conclude(run);
}
