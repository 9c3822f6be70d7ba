/* What the run prints goes through pipes into files that are opened with the user's own rights. */
#include "supervise.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { BUFFER_BYTES = 64 << 10, DISCARD_BYTES = 1 << 20 };

bool outputs_pipe(struct run *run, struct failure *failure)
{
    const struct plan *plan = &run->plan;
    run->output_count = strcmp(plan->stdout_path, plan->stderr_path) == 0 ? 1 : 2;
    for (size_t i = 0; i < run->output_count; i++) {
        int ends[2];
        if (pipe2(ends, O_CLOEXEC) < 0 || fcntl(ends[0], F_SETFL, O_NONBLOCK) < 0)
            return fail(failure, errno, "make", "pipe");
        /* The user's program may reopen /dev/stdout, which asks for rights on the pipe itself. */
        if (plan->uid >= 0 && fchown(ends[1], (uid_t)plan->uid, (gid_t)plan->gid) < 0)
            return fail(failure, errno, "chown", "pipe");
        const char *path = i == 0 ? plan->stdout_path : plan->stderr_path;
        run->outputs[i] = (struct output){
            .kept = path[0] == '/' ? NULL : path, .pipe_read = ends[0], .pipe_write = ends[1], .file = -1};
    }
    return true;
}

static int open_with_rights_of_user(const struct plan *plan, const char *path)
{
    int flags = O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOCTTY | O_NONBLOCK | (plan->append ? 0 : O_TRUNC);
    bool switched = plan->uid >= 0;
    if (switched && (setgroups(plan->group_count, plan->groups) < 0 || setegid((gid_t)plan->gid) < 0 ||
                     seteuid((uid_t)plan->uid) < 0))
        abort();
    mode_t own = umask((mode_t)plan->umask);
    int descriptor = open(path, flags, 0666);
    int error = errno;
    umask(own);
    if (switched && (seteuid(getuid()) < 0 || setegid(getgid()) < 0 || setgroups(0, NULL) < 0))
        abort();
    errno = error;
    return descriptor;
}

bool outputs_open(struct run *run, struct failure *failure)
{
    const char *paths[2] = {run->plan.stdout_path, run->plan.stderr_path};
    for (size_t i = 0; i < run->output_count; i++) {
        struct stat status;
        if (run->outputs[i].kept)
            continue;
        int descriptor = open_with_rights_of_user(&run->plan, paths[i]);
        if (descriptor < 0 || fstat(descriptor, &status) < 0)
            return fail(failure, errno, "open", paths[i]);
        /* Writing to a user's FIFO or terminal could block, and the supervisor must never block. */
        if (!S_ISREG(status.st_mode) && strcmp(paths[i], "/dev/null") != 0)
            return fail(failure, EINVAL, "not a regular file:", paths[i]);
        run->outputs[i].file = descriptor;
    }
    return true;
}

static ssize_t discard(int pipe_read)
{
    static int null = -1;
    if (null < 0)
        null = open("/dev/null", O_WRONLY | O_CLOEXEC);
    return splice(pipe_read, NULL, null, NULL, DISCARD_BYTES, SPLICE_F_NONBLOCK);
}

/* Many runs never print, and what they do not need is not made. Whoever counts the user's space counts this. */
static bool ready(const struct run *run, struct output *output)
{
    const struct plan *plan = &run->plan;
    int flags = O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW | (plan->append ? 0 : O_TRUNC);
    if (output->file >= 0)
        return true;
    output->file = openat(run->directory, output->kept, flags, 0600);
    return output->file >= 0 &&
           (plan->uid < 0 || fchown(output->file, (uid_t)plan->uid, (gid_t)plan->gid) == 0);
}

static ssize_t copy(const struct run *run, struct output *output)
{
    static char buffer[BUFFER_BYTES];
    ssize_t got = read(output->pipe_read, buffer, sizeof buffer);
    if (got <= 0)
        return got;
    uint64_t cap = (uint64_t)run->plan.output_cap;
    size_t keep = (size_t)got;
    if (cap && output->written + keep > cap) {
        keep = (size_t)(cap - output->written);
        output->truncated = true;
    }
    if (ready(run, output) && write_all(output->file, buffer, keep))
        output->written += keep;
    else
        output->truncated = true;
    return got;
}

/* Moves what the pipe holds now; false when it holds nothing or was closed. */
bool output_pump(struct run *run, struct output *output)
{
    bool lost = output->truncated || (output->file < 0 && !output->kept);
    ssize_t got = lost ? discard(output->pipe_read) : copy(run, output);
    if (got == 0 || (got < 0 && errno != EAGAIN && errno != EINTR)) {
        close(output->pipe_read);
        output->pipe_read = -1;
    }
    return got > 0;
}
