/* The shapes that the supervisor's files share. specs/3-run-directory.md is the contract they serve. */
#ifndef SUANLI_SUPERVISE_H
#define SUANLI_SUPERVISE_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/resource.h>
#include <sys/types.h>

enum { LIMITS_MAX = 16, CGROUPS_MAX = 16, CPU_WORDS = 128, WHAT_BYTES = 240 };

/* Why something could not be done: errno and the step with the path it failed on. error 0 means nothing failed. */
struct failure {
    int error;
    char what[WHAT_BYTES];
};

/* Strings that live in the plan's own text; items is always closed by NULL, as exec wants it. */
struct list {
    char **items;
    size_t count;
};

struct setting {
    size_t cgroup;
    char *file;
    char *value;
};

enum mount_kind { COVER, KEEP, TMP, MASK };

struct mount {
    enum mount_kind kind;
    char *path;
};

/* A step is what must have ended well before the tasks begin; then step is its name, else NULL. */
struct task {
    char *step;
    struct list arguments;
    struct list environment;
};

struct plan {
    char *stdout_path, *stderr_path, *directory, *doorbell;
    int64_t uid, gid, umask, append, output_cap, nice, oom_score_adj;
    int64_t time_limit_ms, grace_ms, sandbox, no_new_privs;
    struct list arguments, environment, cgroups;
    int groups_open[CGROUPS_MAX];
    size_t groups_made;
    struct setting *settings;
    size_t setting_count;
    struct mount *mounts;
    size_t mount_count;
    struct task *tasks;
    size_t task_count, step_count;
    gid_t *groups;
    size_t group_count;
    struct {
        int resource;
        rlim_t value;
    } limits[LIMITS_MAX];
    size_t limit_count;
    unsigned long cpus[CPU_WORDS];
    bool pinned, complete;
};

/* One file that the run writes through a pipe, up to a cap. A kept one lies in the run directory, from its first byte. */
struct output {
    const char *kept;
    int pipe_read, pipe_write, file;
    uint64_t written;
    bool truncated;
};

enum cause { EXITED, SIGNALLED, TIMEOUT, CANCELLED, PREEMPTED, REQUEUED, OUT_OF_MEMORY, LAUNCH_FAILED };

struct process {
    pid_t pid;
    int status;
    bool ended;
};

struct usage {
    int64_t user_us, system_us, peak_rss_bytes, peak_cgroup_bytes, oom_kills;
};

struct run {
    const char *name;
    int reports, directory, control, signals, faults, gate, step_gate, bell;
    pid_t supervisor;
    uid_t account;
    gid_t account_group;
    struct plan plan;
    struct failure failure;
    struct output outputs[2];
    size_t output_count;
    struct process *tasks;
    size_t running, steps_running;
    struct usage usage;
    enum cause cause;
    bool decided, terminating;
    int status;
    int64_t started_us, ended_us;
    int64_t begun_ms, time_limit_ms, kill_at_ms, suspended_at_ms, suspended_ms;
    int64_t control_ignored;
    char line[128];
    size_t line_length;
    bool line_overlong;
};

/* plan.c: reads and checks RUNDIR/plan. */
bool plan_read(int directory, struct plan *plan, struct failure *failure);
char **plan_environment(const struct plan *plan, const struct task *task);

/* task.c: the way from fork to the user's first instruction. */
bool tasks_fork(struct run *run, struct failure *failure);
bool steps_release(struct run *run);
bool tasks_release(struct run *run);

/* sandbox.c: namespaces. What is forked into them is their init: it enters, forks the command, and ends as that does. */
pid_t sandbox_fork(void);
bool sandbox_enter(const struct plan *plan, uid_t uid, gid_t gid, struct failure *failure);
_Noreturn void sandbox_init(pid_t command);
bool sandbox_possible(void);

/* output.c */
bool outputs_pipe(struct run *run, struct failure *failure);
bool outputs_open(struct run *run, struct failure *failure);
bool output_pump(struct run *run, struct output *output);

/* cgroup.c: directories that the plan lists; none listed means none in force. */
bool cgroups_create(struct plan *plan, struct failure *failure);
bool cgroups_join(const struct plan *plan, struct failure *failure);
bool cgroups_kill(const struct plan *plan);
void cgroups_measure(const struct plan *plan, struct usage *usage);
void cgroups_remove(const struct plan *plan);

/* tree.c: every process that descends from the supervisor. */
void tree_signal(const struct run *run, int signal_number);
/* Kills sandboxes that have not come as far as the command: their init hears no signal. */
void tree_kill_unready(const struct run *run);

/* record.c: what outlives the supervisor. */
bool record_started(struct run *run, struct failure *failure);
void record_ended(struct run *run);
void doorbell_ring(struct run *run, const char *event);

/* watch.c: from the first instruction until nothing of the run is left. */
void watch(struct run *run);

/* ground.c: what every part stands on. */
enum { IGNORED_COUNT = 4 };
extern const int ignored_signals[IGNORED_COUNT];
int64_t realtime_us(void);
int64_t monotonic_ms(void);
bool fail(struct failure *failure, int error, const char *step, const char *subject);
void close_from(int first);
bool write_all(int descriptor, const char *bytes, size_t count);

#endif
