/* stopwatch: how long a whole process takes, from before it is spawned to after it was reaped.
 *
 *     stopwatch PROGRAM [ARGUMENT...]
 *
 * Spawns the program once for each line on its standard input and answers with the nanoseconds and
 * the exit status.  A process of its own, because it is small (nothing of a big parent is copied)
 * and can be started in the mount namespace that a program needs; entering it costs no round then.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>

extern char **environ;

static long long now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1000000000LL + t.tv_nsec;
}

int main(int count, char **words)
{
    if (count < 2) {
        fprintf(stderr, "usage: stopwatch PROGRAM [ARGUMENT...]\n");
        return 2;
    }
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", O_WRONLY, 0);
    while (getchar() == '\n') {
        pid_t child;
        int status = 0;
        long long began = now();
        int refused = posix_spawnp(&child, words[1], &actions, NULL, words + 1, environ);
        if (refused) {
            fprintf(stderr, "stopwatch: %s: %s\n", words[1], strerror(refused));
            return 1;
        }
        waitpid(child, &status, 0);
        printf("%lld %d\n", now() - began, WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status));
        fflush(stdout);
    }
    return 0;
}
