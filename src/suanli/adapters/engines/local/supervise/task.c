/* From fork to the user's first instruction. A forked task waits at the gate until `started` is durable and all steps
 * have ended well; steps have a gate of their own. If the supervisor dies before opening the gate, or shuts it, the
 * task ends without having run anything. */
#include "supervise.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* The kernel forgets the death signal whenever rights change, so it is set anew each time. */
static bool die_with_supervisor(int faults)
{
    /* It may have died before; then nobody would send the signal any more, and nobody would read the faults. */
    struct pollfd reader = {.fd = faults};
    return prctl(PR_SET_PDEATHSIG, SIGKILL) == 0 && poll(&reader, 1, 0) == 0;
}

static bool constrain(const struct plan *plan, struct failure *failure)
{
    if (plan->oom_score_adj) {
        char text[16];
        int length = snprintf(text, sizeof text, "%d", (int)plan->oom_score_adj);
        int descriptor = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
        if (descriptor < 0 || write(descriptor, text, (size_t)length) != length)
            return fail(failure, errno, "write", "/proc/self/oom_score_adj");
        close(descriptor);
    }
    if (plan->pinned && syscall(SYS_sched_setaffinity, 0, sizeof plan->cpus, plan->cpus) < 0)
        return fail(failure, errno, "set", "cpu affinity");
    if (plan->nice && setpriority(PRIO_PROCESS, 0, (int)plan->nice) < 0)
        return fail(failure, errno, "set", "nice");
    for (size_t i = 0; i < plan->limit_count; i++) {
        struct rlimit limit = {plan->limits[i].value, plan->limits[i].value};
        if (setrlimit(plan->limits[i].resource, &limit) < 0)
            return fail(failure, errno, "set", "resource limit");
    }
    return true;
}

static bool become_user(const struct plan *plan, struct failure *failure)
{
    if (plan->uid >= 0) {
        gid_t gid = (gid_t)plan->gid;
        uid_t uid = (uid_t)plan->uid;
        if (setgroups(plan->group_count, plan->groups) < 0 || setresgid(gid, gid, gid) < 0 ||
            setresuid(uid, uid, uid) < 0)
            return fail(failure, errno, "become", "the user");
    }
    if (plan->no_new_privs && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
        return fail(failure, errno, "set", "no_new_privs");
    return true;
}

static void restore_signals(void)
{
    sigset_t none;
    for (size_t i = 0; i < IGNORED_COUNT; i++)
        signal(ignored_signals[i], SIG_DFL);
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
}

static _Noreturn void give_up(int faults, const struct failure *failure)
{
    write_all(faults, (const char *)failure, sizeof *failure);
    _exit(127);
}

static _Noreturn void execute(const struct run *run, const struct task *task, int faults)
{
    struct failure failure = {0};
    const struct plan *plan = &run->plan;
    char **arguments = task->arguments.count ? task->arguments.items : plan->arguments.items;
    const struct output *last = &run->outputs[run->output_count - 1];
    if (!become_user(plan, &failure))
        give_up(faults, &failure);
    umask((mode_t)plan->umask);
    if (!plan->sandbox && !die_with_supervisor(faults))
        fail(&failure, EOWNERDEAD, "follow", "the supervisor");
    else if (chdir(plan->directory) < 0)
        fail(&failure, errno, "chdir", plan->directory);
    else if (dup2(run->outputs[0].pipe_write, STDOUT_FILENO) < 0 || dup2(last->pipe_write, STDERR_FILENO) < 0)
        fail(&failure, errno, "connect", "output");
    else {
        restore_signals();
        environ = plan_environment(plan, task);
        execvp(arguments[0], arguments);
        fail(&failure, errno, "exec", arguments[0]);
    }
    give_up(faults, &failure);
}

/* The init keeps the supervisor's rights: nobody in the sandbox can look into it, and it takes no signal of theirs. */
static _Noreturn void execute_in_sandbox(const struct run *run, const struct task *task, int faults)
{
    struct failure failure = {0};
    if (!sandbox_enter(&run->plan, run->account, run->account_group, &failure))
        give_up(faults, &failure);
    if (!die_with_supervisor(faults) || prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0) {
        fail(&failure, EOWNERDEAD, "follow", "the supervisor");
        give_up(faults, &failure);
    }
    pid_t command = vfork();
    if (command == 0)
        execute(run, task, faults);
    if (command < 0) {
        fail(&failure, errno, "fork", "command");
        give_up(faults, &failure);
    }
    sandbox_init(command);
}

static _Noreturn void task_main(const struct run *run, const struct task *task, int gate, int faults)
{
    struct failure failure = {0};
    char opened;
    /* Copies would outlive the supervisor's own: of the directory, whose lock says that it lives, and of its report. */
    close(run->directory);
    close(run->reports);
    close(run->gate);
    close(run->step_gate);
    close(run->faults);
    setsid();
    if (!die_with_supervisor(faults) || read(gate, &opened, 1) != 1)
        _exit(127);
    if (!cgroups_join(&run->plan, &failure) || !constrain(&run->plan, &failure))
        give_up(faults, &failure);
    if (run->plan.sandbox)
        execute_in_sandbox(run, task, faults);
    execute(run, task, faults);
}

bool tasks_fork(struct run *run, struct failure *failure)
{
    int gate[2], step_gate[2], faults[2];
    if (pipe2(gate, O_CLOEXEC) < 0 || pipe2(step_gate, O_CLOEXEC) < 0 || pipe2(faults, O_CLOEXEC) < 0)
        return fail(failure, errno, "make", "pipe");
    run->gate = gate[1];
    run->step_gate = step_gate[1];
    run->faults = faults[0];
    run->tasks = calloc(run->plan.task_count, sizeof *run->tasks);
    if (!run->tasks)
        return fail(failure, ENOMEM, "fork", "task");
    for (size_t i = 0; i < run->plan.task_count; i++) {
        pid_t pid = run->plan.sandbox ? sandbox_fork() : fork();
        if (pid < 0)
            return fail(failure, errno, "fork", "task");
        if (pid == 0)
            task_main(run, &run->plan.tasks[i], run->plan.tasks[i].step ? step_gate[0] : gate[0], faults[1]);
        run->tasks[i].pid = pid;
        run->running++;
    }
    run->steps_running = run->plan.step_count;
    close(gate[0]);
    close(step_gate[0]);
    close(faults[1]);
    for (size_t i = 0; i < run->output_count; i++)
        close(run->outputs[i].pipe_write);
    return true;
}

static bool release(int *gate, size_t count)
{
    bool released = true;
    for (size_t i = 0; i < count; i++)
        released = released && write(*gate, "", 1) == 1;
    close(*gate);
    *gate = -1;
    return released;
}

bool steps_release(struct run *run)
{
    return release(&run->step_gate, run->plan.step_count) && (run->plan.step_count || tasks_release(run));
}

bool tasks_release(struct run *run)
{
    return release(&run->gate, run->plan.task_count - run->plan.step_count);
}
