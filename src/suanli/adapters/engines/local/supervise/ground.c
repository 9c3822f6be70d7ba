/* What every part stands on: clocks, failures, descriptors, whole writes. */
#include "supervise.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

const int ignored_signals[IGNORED_COUNT] = {SIGHUP, SIGINT, SIGPIPE, SIGXFSZ};

static int64_t clock_read(clockid_t clock, int64_t per_second)
{
    struct timespec now;
    clock_gettime(clock, &now);
    return (int64_t)now.tv_sec * per_second + now.tv_nsec / (1000000000 / per_second);
}

int64_t realtime_us(void)
{
    return clock_read(CLOCK_REALTIME, 1000000);
}

int64_t monotonic_ms(void)
{
    return clock_read(CLOCK_MONOTONIC, 1000);
}

bool fail(struct failure *failure, int error, const char *step, const char *subject)
{
    failure->error = error;
    snprintf(failure->what, sizeof failure->what, "%s %s", step, subject);
    return false;
}

void close_from(int first)
{
    if (syscall(SYS_close_range, (unsigned)first, ~0U, 0) < 0)
        for (int descriptor = first, last = (int)sysconf(_SC_OPEN_MAX); descriptor < last; descriptor++)
            close(descriptor);
}

bool write_all(int descriptor, const char *bytes, size_t count)
{
    while (count > 0) {
        ssize_t put = write(descriptor, bytes, count);
        if (put < 0 && errno != EINTR)
            return false;
        if (put > 0) {
            bytes += put;
            count -= (size_t)put;
        }
    }
    return true;
}
