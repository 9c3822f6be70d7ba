/* A task's own view of the machine: process ids of its own, and mounts that cover what is not its business. All of it
 * goes with the last process of the task. */
#include "supervise.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/fsuid.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { PATH_BYTES = 4096 };

struct fd_path {
    char text[32];
};

/* Names what a descriptor has open, whatever has been put over its path meanwhile. */
static struct fd_path path_of(int descriptor)
{
    struct fd_path path;
    snprintf(path.text, sizeof path.text, "/proc/self/fd/%d", descriptor);
    return path;
}

static bool write_file(const char *path, const char *text)
{
    int descriptor = open(path, O_WRONLY | O_CLOEXEC);
    bool written = descriptor >= 0 && write(descriptor, text, strlen(text)) == (ssize_t)strlen(text);
    if (descriptor >= 0)
        close(descriptor);
    return written;
}

/* Without root the namespaces belong to one of users, in which this account is the only one and keeps its number. */
static bool map_account(uid_t uid, gid_t gid)
{
    char users[64], groups[64];
    snprintf(users, sizeof users, "%u %u 1", (unsigned)uid, (unsigned)uid);
    snprintf(groups, sizeof groups, "%u %u 1", (unsigned)gid, (unsigned)gid);
    return write_file("/proc/self/uid_map", users) && write_file("/proc/self/setgroups", "deny") &&
           write_file("/proc/self/gid_map", groups);
}

/* Whether a mount shows something that is there; the others hide it. */
static bool is_shown(enum mount_kind kind)
{
    return kind == KEEP || kind == TMP;
}

/* Opens what is to stay visible, before anything is covered and with the user's own rights: a mount would lead past
 * folders that he may not enter. -1 where he can reach nothing. */
static void open_sources(const struct plan *plan, int *sources)
{
    bool switched = plan->uid >= 0;
    if (switched) {
        if (setgroups(plan->group_count, plan->groups) < 0)
            abort();
        setfsgid((gid_t)plan->gid);
        setfsuid((uid_t)plan->uid);
    }
    for (size_t i = 0; i < plan->mount_count; i++)
        sources[i] = !is_shown(plan->mounts[i].kind) ? -1 : open(plan->mounts[i].path, O_PATH | O_CLOEXEC);
    if (switched) {
        setfsuid(geteuid());
        setfsgid(getegid());
    }
}

/* Opens the place of a mount, made where it is missing. It follows no link: of a folder that the run can write to,
 * another of its tasks may have made anything by now. */
static int reach(const char *path, bool folder)
{
    char parts[PATH_BYTES], *rest = NULL;
    int at = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (strlen(path) >= sizeof parts)
        return close(at), errno = ENAMETOOLONG, -1;
    strcpy(parts, path);
    for (char *part = strtok_r(parts, "/", &rest), *next; at >= 0 && part; part = next) {
        next = strtok_r(NULL, "/", &rest);
        bool inner = next || folder;
        int flags = O_PATH | O_NOFOLLOW | O_CLOEXEC | (inner ? O_DIRECTORY : 0);
        int below = openat(at, part, flags);
        /* Another task may be making the same one. */
        if (below < 0 && errno == ENOENT &&
            ((inner ? mkdirat(at, part, 0755) : mknodat(at, part, S_IFREG | 0644, 0)) == 0 || errno == EEXIST))
            below = openat(at, part, flags);
        int error = errno;
        close(at);
        errno = error;
        at = below;
    }
    return at;
}

static bool cover(const char *path)
{
    int place = reach(path, true);
    if (place < 0)
        return false;
    bool done = mount("suanli", path_of(place).text, "tmpfs", MS_NOSUID | MS_NODEV, "mode=1777") == 0;
    int error = errno;
    close(place);
    errno = error;
    return done;
}

static bool show(int source, const char *path)
{
    struct stat status;
    if (fstat(source, &status) < 0)
        return false;
    int place = reach(path, S_ISDIR(status.st_mode));
    if (place < 0)
        return false;
    bool done = mount(path_of(source).text, path_of(place).text, NULL, MS_BIND | MS_REC, NULL) == 0;
    int error = errno;
    close(place);
    errno = error;
    return done;
}

/* Closes a device: bound over itself without the right to be one, its file is seen and cannot be opened. What is not
 * there needs no closing. All that its mount forbids already must be said again: without root it is locked. */
static bool mask(const char *path)
{
    struct statvfs there;
    if (statvfs(path, &there) < 0)
        return errno == ENOENT || errno == ENOTDIR;
    unsigned long flags = MS_NODEV | (there.f_flag & (ST_RDONLY | ST_NOSUID | ST_NOEXEC | ST_NOATIME | ST_NODIRATIME));
    if (there.f_flag & ST_RELATIME)
        flags |= MS_RELATIME;
    return mount(path, path, NULL, MS_BIND, NULL) == 0 &&
           mount(NULL, path, NULL, MS_REMOUNT | MS_BIND | flags, NULL) == 0;
}

static bool placed(const struct mount *mount, int source)
{
    if (mount->kind == COVER)
        return cover(mount->path);
    if (mount->kind == MASK)
        return mask(mount->path);
    return source < 0 || show(source, mount->kind == TMP ? "/tmp" : mount->path);
}

static bool arrange(const struct plan *plan, const int *sources, struct failure *failure)
{
    for (size_t i = 0; i < plan->mount_count; i++) {
        const struct mount *mount = &plan->mounts[i];
        if (!placed(mount, sources[i]))
            return fail(failure, errno, is_shown(mount->kind) ? "show" : mount->kind == MASK ? "mask" : "cover", mount->path);
        if (sources[i] >= 0)
            close(sources[i]);
    }
    return true;
}

pid_t sandbox_fork(void)
{
    unsigned long flags = CLONE_NEWPID | CLONE_NEWNS | SIGCHLD;
    if (geteuid() != 0)
        flags |= CLONE_NEWUSER;
    return (pid_t)syscall(SYS_clone, flags, 0, 0, 0, 0);
}

bool sandbox_enter(const struct plan *plan, uid_t uid, gid_t gid, struct failure *failure)
{
    int *sources = calloc(plan->mount_count + 1, sizeof *sources);
    if (!sources)
        return fail(failure, ENOMEM, "enter", "sandbox");
    if (uid != 0 && !map_account(uid, gid))
        return fail(failure, errno, "map", "the account");
    umask(0);
    /* What is mounted on the machine later shows up here too, and nothing of this outside. */
    if (mount(NULL, "/", NULL, MS_REC | MS_SLAVE, NULL) < 0)
        return fail(failure, errno, "part from", "the machine's mounts");
    open_sources(plan, sources);
    bool arranged = arrange(plan, sources, failure);
    free(sources);
    if (!arranged)
        return false;
    return mount("proc", "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL) == 0 ||
           fail(failure, errno, "mount", "/proc");
}

void sandbox_init(pid_t command)
{
    int status = 0;
    pid_t pid;
    /* Whoever is let in here must find nothing of the supervisor's: no descriptor, no folder. */
    close_from(0);
    if (chdir("/") < 0)
        _exit(127);
    do
        pid = wait(&status);
    while (pid != command && (pid > 0 || errno == EINTR));
    _exit(WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status));
}

bool sandbox_possible(void)
{
    int status = 1;
    uid_t uid = geteuid();
    gid_t gid = getegid();
    pid_t pid = sandbox_fork();
    if (pid == 0) {
        static struct plan nothing = {.uid = -1, .gid = -1};
        struct failure failure;
        _exit(!sandbox_enter(&nothing, uid, gid, &failure));
    }
    return pid > 0 && waitpid(pid, &status, 0) == pid && status == 0;
}
