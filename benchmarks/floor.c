/* floor: the least that one cold container start costs on this machine.
 *
 *     floor once  LOWERS FOLDER CGROUP... -- PROGRAM [ARGUMENT...]
 *     floor serve LOWERS FOLDER CGROUP... -- PROGRAM [ARGUMENT...]
 *     floor steps LOWERS FOLDER CGROUP... -- PROGRAM [ARGUMENT...]
 *
 * LOWERS: overlay lower folders, top first, parted by colons.  FOLDER: where upper, work and the
 * mount point are made and removed.  CGROUP: a folder in a cgroup hierarchy below which a
 * group is made, joined and removed; name one for each v1 hierarchy that the runtime
 * uses, or the one of v2.
 *
 * `serve` makes one start for each line on its standard input and answers with the nanoseconds it
 * took and the exit status, measured inside this process from before the first mkdir to after the
 * last rmdir.  That is the fair opponent of `Engine.run(remove=True)` in a warm process: both are
 * long-lived, both are asked from outside, neither pays for its own exec.  `once` is the opponent
 * of a whole command.  `steps` serves too, and says where the time went.
 *
 * It makes the namespaces (mount, pid, uts, ipc, net, cgroup), the cgroups, a writable overlay,
 * /proc, /dev with its nodes, pts, shm and mqueue, /sys, the host name, pivots and executes.  It
 * leaves out what a runtime adds to be safe and useful: masked paths, `lo`, user, capabilities,
 * descriptors, output, log, record.  What those cost is part of the ratio.
 *
 * FLOOR_JOIN=cgroup.procs in the environment: v1 groups are joined by that file, as crun, runc and every ordinary
 * program does.  Without it:
 *
 * A v1 group is joined by writing "0" to `tasks` from inside the child.  A task that moves itself
 * alone needs no lock over all thread groups, whose other way (a pid, or `cgroup.procs`) waits for
 * an RCU grace period: several milliseconds on an idle machine.  A v2 group is joined by clone3.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { MOST_GROUPS = 24, MOST_STEPS = 32, PATH = 4096 };

static const char *lowers, *folder, **groups;
static char **program;
static int group_count;
static const char *join = "tasks";
static int tasks[MOST_GROUPS];
static int into = -1; /* the group's folder, where it is a v2 group */

/* Written by parent and child alike, so it lives in shared memory. */
static struct {
    int count;
    struct { char name[24]; long long at; } step[MOST_STEPS];
} *clock_of;

static long long now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1000000000LL + t.tv_nsec;
}

static void passed(const char *name)
{
    if (clock_of->count == MOST_STEPS)
        return;
    clock_of->step[clock_of->count].at = now();
    strncpy(clock_of->step[clock_of->count++].name, name, sizeof clock_of->step->name - 1);
}

static void check(long result, const char *what)
{
    if (result < 0) {
        fprintf(stderr, "floor: %s: %s\n", what, strerror(errno));
        _exit(125);
    }
}

static const char *below(const char *top, const char *name)
{
    static char path[PATH];
    snprintf(path, sizeof path, "%s/%s", top, name);
    return path;
}

static void remove_tree(int parent, const char *name)
{
    int here = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    check(here, name);
    DIR *list = fdopendir(here);
    for (struct dirent *entry; (entry = readdir(list));) {
        if (!strcmp(entry->d_name, ".") || !strcmp(entry->d_name, ".."))
            continue;
        if (unlinkat(here, entry->d_name, 0) < 0)
            remove_tree(here, entry->d_name);
    }
    closedir(list);
    check(unlinkat(parent, name, AT_REMOVEDIR), name);
}

static int is_v2(const char *group)
{
    char file[PATH + 32];
    snprintf(file, sizeof file, "%s/tasks", group);
    return access(file, F_OK) < 0;
}

static void make_outside(void)
{
    check(mkdir(folder, 0700), folder);
    check(mkdir(below(folder, "upper"), 0755), "upper");
    check(mkdir(below(folder, "work"), 0700), "work");
    check(mkdir(below(folder, "root"), 0755), "root");
    passed("folders");
    for (int i = 0; i < group_count; i++) {
        char name[32];
        snprintf(name, sizeof name, "floor-%d", getpid());
        const char *group = below(groups[i], name);
        check(mkdir(group, 0755), group);
        char file[PATH + 32];
        snprintf(file, sizeof file, "%s/%s", group, join);
        tasks[i] = is_v2(group) ? -1 : open(file, O_WRONLY | O_CLOEXEC);
        if (tasks[i] < 0)
            check(into = open(group, O_PATH | O_DIRECTORY | O_CLOEXEC), group);
    }
    passed("cgroups made");
}

static void remove_outside(void)
{
    for (int i = 0; i < group_count; i++) {
        char name[32];
        snprintf(name, sizeof name, "floor-%d", getpid());
        close(tasks[i] < 0 ? into : tasks[i]);
        const char *group = below(groups[i], name);
        check(rmdir(group), group);
    }
    passed("cgroups removed");
    remove_tree(AT_FDCWD, folder);
    passed("folders removed");
}

static void make_devices(void)
{
    static const struct { const char *name; int major, minor; } node[] = {
        {"dev/null", 1, 3}, {"dev/zero", 1, 5}, {"dev/full", 1, 7},
        {"dev/random", 1, 8}, {"dev/urandom", 1, 9}, {"dev/tty", 5, 0},
    };
    static const char *link[][2] = {
        {"/proc/self/fd", "dev/fd"}, {"/proc/self/fd/0", "dev/stdin"}, {"/proc/self/fd/1", "dev/stdout"},
        {"/proc/self/fd/2", "dev/stderr"}, {"pts/ptmx", "dev/ptmx"},
    };
    check(mount("tmpfs", "dev", "tmpfs", MS_NOSUID | MS_STRICTATIME, "mode=755,size=65536k"), "dev");
    for (unsigned i = 0; i < sizeof node / sizeof *node; i++)
        check(mknod(node[i].name, S_IFCHR | 0666, makedev(node[i].major, node[i].minor)), node[i].name);
    for (unsigned i = 0; i < sizeof link / sizeof *link; i++)
        check(symlink(link[i][0], link[i][1]), link[i][1]);
    check(mkdir("dev/pts", 0755), "pts");
    check(mkdir("dev/shm", 01777), "shm");
    check(mkdir("dev/mqueue", 01777), "mqueue");
    passed("dev");
    unsigned long safe = MS_NOSUID | MS_NOEXEC;
    check(mount("devpts", "dev/pts", "devpts", safe, "newinstance,ptmxmode=0666,mode=0620,gid=5"), "devpts");
    check(mount("shm", "dev/shm", "tmpfs", safe | MS_NODEV, "mode=1777,size=65536k"), "shm");
    check(mount("mqueue", "dev/mqueue", "mqueue", safe | MS_NODEV, NULL), "mqueue");
    passed("pts, shm, mqueue");
}

static void be_the_container(void)
{
    passed("cloned");
    for (int i = 0; i < group_count; i++)
        if (tasks[i] >= 0)
            check(write(tasks[i], "0", 1), groups[i]);
    check(unshare(CLONE_NEWCGROUP), "unshare cgroup");
    passed("cgroups joined");
    check(mount(NULL, "/", NULL, MS_REC | MS_SLAVE, NULL), "slave");
    check(chdir(folder), folder);
    char options[PATH];
    snprintf(options, sizeof options, "lowerdir=%s,upperdir=upper,workdir=work,volatile", lowers);
    check(mount("overlay", "root", "overlay", 0, options), "overlay");
    check(chdir("root"), "root");
    passed("overlay");
    if (mkdir("proc", 0555) | mkdir("sys", 0555) | mkdir("dev", 0755))
        errno = 0; /* the image mostly has them */
    unsigned long safe = MS_NOSUID | MS_NOEXEC | MS_NODEV;
    check(mount("proc", "proc", "proc", safe, NULL), "proc");
    check(mount("sysfs", "sys", "sysfs", safe | MS_RDONLY, NULL), "sys");
    passed("proc, sys");
    make_devices();
    check(sethostname("floor", 5), "sethostname");
    check(syscall(SYS_pivot_root, ".", "."), "pivot_root");
    check(umount2(".", MNT_DETACH), "umount");
    check(chdir("/"), "chdir");
    passed("pivot_root");
    char *environment[] = {"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", NULL};
    execvpe(program[0], program, environment);
    check(-1, program[0]);
}

static int start(void)
{
    make_outside();
    struct clone_args how = {
        .flags = CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWNET,
        .exit_signal = SIGCHLD,
    };
    if (into >= 0) {
        how.flags |= CLONE_INTO_CGROUP;
        how.cgroup = into;
    }
    long child = syscall(SYS_clone3, &how, sizeof how);
    check(child, "clone");
    if (!child)
        be_the_container();
    int status;
    check(waitpid(child, &status, 0), "waitpid");
    passed("exec and end");
    remove_outside();
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static void read_words(int count, char **words)
{
    lowers = words[2];
    folder = words[3];
    groups = (const char **)words + 4;
    int i = 4;
    while (i < count && strcmp(words[i], "--"))
        i++;
    group_count = i - 4;
    program = words + i + 1;
    if (i + 1 >= count || group_count > MOST_GROUPS) {
        fprintf(stderr, "floor: no program after --, or more than %d cgroups\n", MOST_GROUPS);
        exit(2);
    }
}

int main(int count, char **words)
{
    if (count < 5) {
        fprintf(stderr, "usage: floor once|serve|steps LOWERS FOLDER CGROUP... -- PROGRAM [ARGUMENT...]\n");
        return 2;
    }
    read_words(count, words);
    if (getenv("FLOOR_JOIN"))
        join = getenv("FLOOR_JOIN");
    umask(0);
    clock_of = mmap(NULL, sizeof *clock_of, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (clock_of == MAP_FAILED)
        check(-1, "mmap");
    if (!strcmp(words[1], "once"))
        return start();
    while (getchar() == '\n') {
        clock_of->count = 0;
        long long began = now();
        int status = start();
        printf("%lld %d", now() - began, status);
        for (int i = 0; !strcmp(words[1], "steps") && i < clock_of->count; i++) {
            printf("\t%s=%lld", clock_of->step[i].name, clock_of->step[i].at - began);
            began = clock_of->step[i].at;
        }
        puts("");
        fflush(stdout);
    }
    return 0;
}
