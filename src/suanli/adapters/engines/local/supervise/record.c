/* The two durable records, `started` and `ended`: lines `key=value`, the last one `end=`. A record is either
 * absent or whole: it is written and synced under a temporary name before it takes its own. */
#include "supervise.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static const char *const causes[] = {
    [EXITED] = "exited",       [SIGNALLED] = "signal",          [TIMEOUT] = "timeout",           [CANCELLED] = "cancelled",
    [PREEMPTED] = "preempted", [REQUEUED] = "requeued",          [OUT_OF_MEMORY] = "out_of_memory", [LAUNCH_FAILED] = "launch_failed",
};

struct text {
    char *bytes;
    size_t length, room;
};

static void text_open(struct text *text, size_t room)
{
    *text = (struct text){.bytes = malloc(room), .room = room};
    if (!text->bytes)
        abort();
}

__attribute__((format(printf, 2, 3))) static void add(struct text *text, const char *format, ...)
{
    va_list values;
    va_start(values, format);
    int length = vsnprintf(text->bytes + text->length, text->room - text->length, format, values);
    va_end(values);
    if (length < 0 || text->length + (size_t)length >= text->room)
        abort();
    text->length += (size_t)length;
}

/* A path may hold any byte; `\xHH` keeps the record one printable line per value. */
static void add_escaped(struct text *text, const char *key, const char *value)
{
    add(text, "%s=", key);
    for (; *value; value++) {
        unsigned char byte = (unsigned char)*value;
        if (byte < ' ' || byte > '~' || byte == '\\')
            add(text, "\\x%02x", byte);
        else
            add(text, "%c", byte);
    }
    add(text, "\n");
}

static int64_t microseconds(struct timeval time)
{
    return (int64_t)time.tv_sec * 1000000 + time.tv_usec;
}

/* Writes `name` durably. With exclusive, an existing record wins and EEXIST is the failure. */
static bool publish(int directory, const char *name, const struct text *text, bool exclusive)
{
    char temporary[32];
    snprintf(temporary, sizeof temporary, "%s.tmp", name);
    int descriptor = openat(directory, temporary, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (descriptor < 0)
        return false;
    bool written = write_all(descriptor, text->bytes, text->length) && fsync(descriptor) == 0;
    int error = errno;
    close(descriptor);
    errno = error;
    if (!written)
        return false;
    if (!exclusive)
        return renameat(directory, temporary, directory, name) == 0 && fsync(directory) == 0;
    if (linkat(directory, temporary, directory, name, 0) < 0)
        return false;
    unlinkat(directory, temporary, 0);
    return fsync(directory) == 0;
}

static void add_boot_id(struct text *text)
{
    char id[64] = "";
    int descriptor = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);
    ssize_t got = descriptor < 0 ? 0 : read(descriptor, id, sizeof id - 1);
    if (descriptor >= 0)
        close(descriptor);
    id[got > 0 ? got : 0] = '\0';
    id[strcspn(id, "\n")] = '\0';
    add(text, "boot_id=%s\n", id);
}

bool record_started(struct run *run, struct failure *failure)
{
    struct text text;
    text_open(&text, 512 + 32 * run->plan.task_count);
    run->started_us = realtime_us();
    add(&text, "version=1\nstarted_us=%lld\nsupervisor=%d\n", (long long)run->started_us, (int)run->supervisor);
    add_boot_id(&text);
    for (size_t i = 0; i < run->plan.task_count; i++)
        add(&text, "task=%d\n", (int)run->tasks[i].pid);
    add(&text, "end=\n");
    bool done = publish(run->directory, "started", &text, true);
    int error = errno;
    free(text.bytes);
    return done || fail(failure, error, "write", "started");
}

static void add_status(struct text *text, const char *prefix, int status)
{
    if (WIFSIGNALED(status))
        add(text, "%ssignal=%d\n", prefix, WTERMSIG(status));
    else
        add(text, "%sexit_code=%d\n", prefix, WEXITSTATUS(status));
}

static void add_usage(struct text *text, const struct run *run)
{
    const struct usage *usage = &run->usage;
    struct rusage own;
    getrusage(RUSAGE_SELF, &own);
    add(text, "user_us=%lld\nsystem_us=%lld\n", (long long)usage->user_us, (long long)usage->system_us);
    add(text, "peak_rss_bytes=%lld\npeak_cgroup_bytes=%lld\noom_kills=%lld\n", (long long)usage->peak_rss_bytes,
        (long long)usage->peak_cgroup_bytes, (long long)usage->oom_kills);
    add(text, "supervisor_cpu_us=%lld\nsupervisor_peak_rss_bytes=%lld\n",
        (long long)(microseconds(own.ru_utime) + microseconds(own.ru_stime)), (long long)own.ru_maxrss * 1024);
}

void record_ended(struct run *run)
{
    struct text text;
    const struct output *out = &run->outputs[0], *err = &run->outputs[run->output_count - 1];
    text_open(&text, 2048 + 4 * WHAT_BYTES + 32 * run->plan.task_count);
    add(&text, "version=1\ncause=%s\n", causes[run->cause]);
    if (run->cause == LAUNCH_FAILED) {
        add(&text, "errno=%d\n", run->failure.error);
        add_escaped(&text, "what", run->failure.what);
    } else {
        add_status(&text, "", run->status);
    }
    add(&text, "started_us=%lld\nended_us=%lld\nsuspended_ms=%lld\n", (long long)run->started_us,
        (long long)run->ended_us, (long long)run->suspended_ms);
    add_usage(&text, run);
    add(&text, "stdout_bytes=%llu\nstdout_truncated=%d\nstderr_bytes=%llu\nstderr_truncated=%d\n",
        (unsigned long long)out->written, out->truncated, (unsigned long long)err->written, err->truncated);
    add(&text, "control_ignored=%lld\n", (long long)run->control_ignored);
    for (size_t i = 0; i < run->plan.task_count; i++)
        if (run->tasks[i].ended && !run->plan.tasks[i].step)
            add_status(&text, "task_", run->tasks[i].status);
    add(&text, "end=\n");
    /* Without the record the run would be taken for lost; a full disk may yet be cleared. */
    while (!publish(run->directory, "ended", &text, false) && errno != ENOENT)
        sleep(1);
    free(text.bytes);
}

void doorbell_ring(struct run *run, const char *event)
{
    char message[256];
    if (!run->plan.doorbell)
        return;
    /* Without a listener this fails at once; a whole line of this size is written at once or not at all. */
    if (run->bell < 0)
        run->bell = open(run->plan.doorbell, O_WRONLY | O_NONBLOCK | O_CLOEXEC | O_NOFOLLOW);
    if (run->bell < 0)
        return;
    int length = snprintf(message, sizeof message, "%.200s %s\n", run->name, event);
    (void)!write(run->bell, message, (size_t)length); /* a lost ring costs only time */
}
