/* RUNDIR/plan: records `key=value`, each closed by a NUL, the last one `end=`. Values are taken verbatim. */
#include "supervise.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PLAN_BYTES_MAX = 64 << 20 };

static void *grown(void *array, size_t count, size_t size)
{
    /* Room doubles at powers of two, so the count alone tells when it is used up. */
    if (count & (count - 1))
        return array;
    void *room = realloc(array, (count ? 2 * count : 1) * size);
    if (!room)
        abort();
    return room;
}

static void list_append(struct list *list, char *item)
{
    list->items = grown(list->items, list->count + 1, sizeof *list->items);
    list->items[list->count++] = item;
    list->items[list->count] = NULL;
}

static bool number(const char *text, int base, int64_t low, int64_t high, int64_t *value)
{
    char *rest;
    errno = 0;
    long long parsed = strtoll(text, &rest, base);
    if (errno || rest == text || *rest || parsed < low || parsed > high)
        return false;
    *value = parsed;
    return true;
}

static const struct {
    const char *key;
    size_t offset;
    int base;
    int64_t low, high;
} numbers[] = {
    {"uid", offsetof(struct plan, uid), 10, 0, UINT32_MAX - 1},
    {"gid", offsetof(struct plan, gid), 10, 0, UINT32_MAX - 1},
    {"umask", offsetof(struct plan, umask), 8, 0, 0777},
    {"append", offsetof(struct plan, append), 10, 0, 1},
    {"output_cap_bytes", offsetof(struct plan, output_cap), 10, 0, INT64_MAX},
    {"nice", offsetof(struct plan, nice), 10, -20, 19},
    {"oom_score_adj", offsetof(struct plan, oom_score_adj), 10, -1000, 1000},
    {"time_limit_ms", offsetof(struct plan, time_limit_ms), 10, 0, INT64_MAX / 4},
    {"grace_ms", offsetof(struct plan, grace_ms), 10, 0, INT64_MAX / 4},
    {"sandbox", offsetof(struct plan, sandbox), 10, 0, 1},
    {"no_new_privs", offsetof(struct plan, no_new_privs), 10, 0, 1},
};

static const struct {
    const char *key;
    size_t offset;
} paths[] = {
    {"stdout", offsetof(struct plan, stdout_path)},
    {"stderr", offsetof(struct plan, stderr_path)},
    {"directory", offsetof(struct plan, directory)},
    {"doorbell", offsetof(struct plan, doorbell)},
};

static const struct {
    const char *name;
    int resource;
} resources[] = {
    {"AS", RLIMIT_AS},           {"CORE", RLIMIT_CORE},   {"CPU", RLIMIT_CPU},   {"DATA", RLIMIT_DATA},
    {"FSIZE", RLIMIT_FSIZE},     {"NOFILE", RLIMIT_NOFILE}, {"NPROC", RLIMIT_NPROC}, {"STACK", RLIMIT_STACK},
    {"MEMLOCK", RLIMIT_MEMLOCK},
};

static const char *const mount_kinds[] = {[COVER] = "cover", [KEEP] = "keep", [TMP] = "tmp", [MASK] = "mask"};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static char *split(char *text)
{
    char *equals = strchr(text, '=');
    if (!equals)
        return NULL;
    *equals = '\0';
    return equals + 1;
}

static bool take_limit(struct plan *plan, char *value)
{
    char *amount = split(value);
    int64_t parsed;
    if (!amount || plan->limit_count == LIMITS_MAX)
        return false;
    for (size_t i = 0; i < COUNT(resources); i++) {
        if (strcmp(value, resources[i].name) != 0)
            continue;
        bool unlimited = strcmp(amount, "unlimited") == 0;
        if (!unlimited && !number(amount, 10, 0, INT64_MAX, &parsed))
            return false;
        plan->limits[plan->limit_count].resource = resources[i].resource;
        plan->limits[plan->limit_count++].value = unlimited ? RLIM_INFINITY : (rlim_t)parsed;
        return true;
    }
    return false;
}

static bool take_setting(struct plan *plan, char *file)
{
    char *value = split(file);
    if (!value || strchr(file, '/') || plan->cgroups.count == 0)
        return false;
    plan->settings = grown(plan->settings, plan->setting_count, sizeof *plan->settings);
    plan->settings[plan->setting_count++] =
        (struct setting){.cgroup = plan->cgroups.count - 1, .file = file, .value = value};
    return true;
}

static bool take_mount(struct plan *plan, enum mount_kind kind, char *path)
{
    plan->mounts = grown(plan->mounts, plan->mount_count, sizeof *plan->mounts);
    plan->mounts[plan->mount_count++] = (struct mount){.kind = kind, .path = path};
    return path[0] == '/';
}

static bool take_group(struct plan *plan, const char *value)
{
    int64_t group;
    if (!number(value, 10, 0, UINT32_MAX - 1, &group))
        return false;
    plan->groups = grown(plan->groups, plan->group_count, sizeof *plan->groups);
    plan->groups[plan->group_count++] = (gid_t)group;
    return true;
}

static bool take_cpu(struct plan *plan, const char *value)
{
    enum { BITS = 8 * sizeof(unsigned long) };
    int64_t cpu;
    if (!number(value, 10, 0, CPU_WORDS * BITS - 1, &cpu))
        return false;
    plan->cpus[cpu / BITS] |= 1UL << (cpu % BITS);
    return plan->pinned = true;
}

static bool take_listed(struct plan *plan, const char *key, char *value)
{
    struct task *task = plan->task_count ? &plan->tasks[plan->task_count - 1] : NULL;
    if (strcmp(key, "arg") == 0)
        return list_append(task ? &task->arguments : &plan->arguments, value), true;
    if (strcmp(key, "env") == 0)
        return strchr(value, '=') && (list_append(task ? &task->environment : &plan->environment, value), true);
    if (strcmp(key, "task") == 0 || strcmp(key, "step") == 0) {
        char *step = key[0] == 's' ? value : NULL;
        plan->tasks = grown(plan->tasks, plan->task_count, sizeof *plan->tasks);
        plan->tasks[plan->task_count++] = (struct task){.step = step};
        plan->step_count += step != NULL;
        return true;
    }
    if (strcmp(key, "cgroup") == 0)
        return value[0] == '/' && plan->cgroups.count < CGROUPS_MAX && (list_append(&plan->cgroups, value), true);
    if (strcmp(key, "cgroup_set") == 0)
        return take_setting(plan, value);
    if (strcmp(key, "limit") == 0)
        return take_limit(plan, value);
    if (strcmp(key, "cpu") == 0)
        return take_cpu(plan, value);
    if (strcmp(key, "group") == 0)
        return take_group(plan, value);
    if (strcmp(key, "end") == 0)
        return plan->complete = true;
    return strcmp(key, "note") == 0 || (strcmp(key, "version") == 0 && strcmp(value, "1") == 0);
}

/* A name of its own in the run directory for what the run prints. */
static bool may_keep(const char *name)
{
    return strcmp(name, "stdout") == 0 || strcmp(name, "stderr") == 0;
}

static bool take(struct plan *plan, const char *key, char *value)
{
    for (size_t i = 0; i < COUNT(numbers); i++)
        if (strcmp(key, numbers[i].key) == 0)
            return number(value, numbers[i].base, numbers[i].low, numbers[i].high,
                          (int64_t *)((char *)plan + numbers[i].offset));
    for (size_t i = 0; i < COUNT(paths); i++)
        if (strcmp(key, paths[i].key) == 0) {
            *(char **)((char *)plan + paths[i].offset) = value;
            return value[0] == '/' || value == plan->doorbell || (value != plan->directory && may_keep(value));
        }
    for (size_t i = 0; i < COUNT(mount_kinds); i++)
        if (strcmp(key, mount_kinds[i]) == 0)
            return take_mount(plan, (enum mount_kind)i, value);
    return take_listed(plan, key, value);
}

static char *slurp(int directory, size_t *size, struct failure *failure)
{
    int descriptor = openat(directory, "plan", O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    struct stat status;
    if (descriptor < 0 || fstat(descriptor, &status) < 0)
        return fail(failure, errno, "open", "plan"), NULL;
    if (!S_ISREG(status.st_mode) || status.st_size <= 0 || status.st_size > PLAN_BYTES_MAX)
        return fail(failure, EINVAL, "size of", "plan"), NULL;
    size_t have = 0;
    *size = (size_t)status.st_size;
    char *text = malloc(*size + 1);
    while (text && have < *size) {
        ssize_t got = read(descriptor, text + have, *size - have);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return fail(failure, got ? errno : EINVAL, "read", "plan"), NULL;
        have += (size_t)got;
    }
    /* Durable before `started` is; here many supervisors sync at once, and the disk commits them together. */
    bool synced = fsync(descriptor) == 0;
    int error = errno;
    close(descriptor);
    if (!text || !synced)
        return fail(failure, text ? error : ENOMEM, "read", "plan"), NULL;
    return text;
}

static bool sound(const struct plan *plan)
{
    if (!plan->complete || plan->task_count == plan->step_count || !plan->directory || !plan->stdout_path || !plan->stderr_path)
        return false;
    if ((plan->uid < 0) != (plan->gid < 0) || (plan->mount_count && !plan->sandbox))
        return false;
    for (size_t i = 0; i < plan->task_count; i++)
        if (plan->tasks[i].arguments.count == 0 && (plan->arguments.count == 0 || plan->tasks[i].step))
            return false;
    return true;
}

bool plan_read(int directory, struct plan *plan, struct failure *failure)
{
    size_t size = 0;
    char *text = slurp(directory, &size, failure);
    if (!text)
        return false;
    *plan = (struct plan){.uid = -1, .gid = -1, .umask = 077, .grace_ms = 10000};
    if (text[size - 1] != '\0')
        return fail(failure, EINVAL, "last record of", "plan");
    for (char *record = text, *next; record < text + size; record = next) {
        next = record + strlen(record) + 1;
        char *value = split(record);
        if (!value || plan->complete || !take(plan, record, value))
            return fail(failure, EINVAL, "record of plan", record);
    }
    return sound(plan) || fail(failure, EINVAL, "incomplete", "plan");
}

static bool overridden(const char *entry, const struct list *additions)
{
    size_t length = (size_t)(strchr(entry, '=') - entry) + 1;
    for (size_t i = 0; i < additions->count; i++)
        if (strncmp(entry, additions->items[i], length) == 0)
            return true;
    return false;
}

char **plan_environment(const struct plan *plan, const struct task *task)
{
    char **merged = calloc(plan->environment.count + task->environment.count + 1, sizeof *merged);
    size_t count = 0;
    if (!merged)
        return NULL;
    for (size_t i = 0; i < plan->environment.count; i++)
        if (!overridden(plan->environment.items[i], &task->environment))
            merged[count++] = plan->environment.items[i];
    for (size_t i = 0; i < task->environment.count; i++)
        merged[count++] = task->environment.items[i];
    return merged;
}
