/* suanli-supervise RUNDIR...: one detached supervisor for each run directory. It prints one line for each and exits
 * when every supervisor has recorded its start or said why it cannot. specs/3-run-directory.md is the contract.
 * suanli-supervise --sandbox-possible: ends with 0 where plans may ask for a sandbox. */
#include "supervise.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <unistd.h>

enum verdict { SILENT, OK, BUSY, ALREADY, ERROR };

struct report {
    uint32_t index;
    enum verdict verdict;
    struct failure failure;
};

static void detach(struct run *run)
{
    sigset_t watched;
    setsid();
    umask(077);
    for (size_t i = 0; i < IGNORED_COUNT; i++)
        signal(ignored_signals[i], SIG_IGN);
    sigemptyset(&watched);
    sigaddset(&watched, SIGCHLD);
    sigaddset(&watched, SIGTERM);
    sigaddset(&watched, SIGUSR1);
    sigprocmask(SIG_SETMASK, &watched, NULL);
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    run->signals = signalfd(-1, &watched, SFD_CLOEXEC | SFD_NONBLOCK);
    if (null < 0 || run->signals < 0 || prctl(PR_SET_CHILD_SUBREAPER, 1) < 0)
        abort();
    for (int standard = 0; standard <= 2; standard++)
        dup2(null, standard);
    close(null);
    run->supervisor = getpid();
    run->account = geteuid();
    run->account_group = getegid();
}

static bool enter(struct run *run, const char *path, struct failure *failure)
{
    struct stat status;
    run->directory = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (run->directory < 0 || fstat(run->directory, &status) < 0)
        return fail(failure, errno, "open", "run directory");
    if (status.st_uid != geteuid() || (status.st_mode & 066))
        return fail(failure, EPERM, "owner and mode of", "run directory");
    run->control = run->bell = -1;
    return fchdir(run->directory) == 0 || fail(failure, errno, "enter", "run directory");
}

/* Everything up to the durable record of the start; from then on the run exists and is never started again. */
static enum verdict begin(struct run *run, const char *path, struct failure *failure)
{
    if (!enter(run, path, failure))
        return ERROR;
    if (flock(run->directory, LOCK_EX | LOCK_NB) < 0)
        return errno == EWOULDBLOCK ? BUSY : (fail(failure, errno, "lock", "run directory"), ERROR);
    if (faccessat(run->directory, "started", F_OK, 0) == 0 || faccessat(run->directory, "ended", F_OK, 0) == 0)
        return ALREADY;
    if (!plan_read(run->directory, &run->plan, failure) || !outputs_pipe(run, failure) || !tasks_fork(run, failure))
        return ERROR;
    if (record_started(run, failure))
        return OK;
    return failure->error == EEXIST ? ALREADY : ERROR;
}

static _Noreturn void supervise(const char *path, uint32_t index, int reports)
{
    static struct run run;
    struct report report = {.index = index};
    const char *slash = strrchr(path, '/');
    run.name = slash ? slash + 1 : path;
    run.reports = reports;
    detach(&run);
    report.verdict = begin(&run, path, &report.failure);
    write_all(reports, (char *)&report, sizeof report);
    close(reports);
    if (report.verdict != OK)
        _exit(1);
    doorbell_ring(&run, "started");
    run.begun_ms = monotonic_ms();
    run.time_limit_ms = run.plan.time_limit_ms;
    if (!cgroups_create(&run.plan, &run.failure) || !outputs_open(&run, &run.failure)) {
        run.terminating = true;
        run.cause = LAUNCH_FAILED;
        run.kill_at_ms = run.begun_ms;
    } else if (!steps_release(&run)) {
        abort();
    }
    watch(&run);
    record_ended(&run);
    doorbell_ring(&run, "ended");
    _exit(0);
}

static void print_report(const char *path, const struct report *report)
{
    static const char *const words[] = {[OK] = "ok", [BUSY] = "busy", [ALREADY] = "already"};
    const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
    if (report->verdict == ERROR)
        printf("%s error %d %s\n", name, report->failure.error, report->failure.what);
    else if (report->verdict == SILENT)
        printf("%s error %d died before its start was recorded\n", name, ECHILD);
    else
        printf("%s %s\n", name, words[report->verdict]);
}

static void close_inherited(void)
{
    int null;
    do
        null = open("/dev/null", O_RDWR);
    while (null >= 0 && null <= 2);
    close_from(3);
}

int main(int count, char **paths)
{
    int ends[2];
    struct report report, *reports = calloc((size_t)count, sizeof *reports);
    close_inherited();
    for (int number = 1; number < NSIG; number++)
        signal(number, SIG_DFL);
    if (count == 2 && strcmp(paths[1], "--sandbox-possible") == 0)
        return !sandbox_possible();
    if (!reports || pipe2(ends, O_CLOEXEC) < 0) {
        perror("suanli-supervise");
        return 1;
    }
    for (int i = 1; i < count; i++) {
        pid_t pid = fork();
        if (pid == 0) {
            close(ends[0]);
            supervise(paths[i], (uint32_t)i, ends[1]);
        }
        if (pid < 0) {
            reports[i].verdict = ERROR;
            fail(&reports[i].failure, errno, "fork", "supervisor");
        }
    }
    close(ends[1]);
    while (read(ends[0], &report, sizeof report) == (ssize_t)sizeof report)
        reports[report.index] = report;
    for (int i = 1; i < count; i++)
        print_report(paths[i], &reports[i]);
    return 0;
}
