# SPDX-License-Identifier: Apache-2.0
"""Kills a program before each of its system calls that change anything. Which these are is found by tracing it once; a call counts
as a change unless it is known to be none."""
import collections
import os
import re
import shutil
import subprocess
import tempfile

STRACE = shutil.which("strace")

# They look, wait, or concern nothing but the process itself. Of a file that is opened to be written, the first write counts.
NO_CHANGE = frozenset("""
    read readv pread64 preadv lseek close dup dup2 dup3 fcntl ioctl open openat openat2 creat access faccessat faccessat2 stat
    lstat fstat newfstatat statx statfs fstatfs readlink readlinkat getdents getdents64 getcwd getxattr lgetxattr fgetxattr flock
    poll ppoll select pselect6 epoll_create1 epoll_ctl epoll_wait wait4 waitid nanosleep clock_nanosleep clock_gettime gettimeofday time
    restart_syscall pause brk mmap munmap mprotect mremap madvise arch_prctl prctl prlimit64 getrlimit rseq set_robust_list
    set_tid_address futex getrandom getpid getppid gettid getuid geteuid getgid getegid getgroups getpgrp getpgid setpgid setsid
    umask uname sysinfo sched_yield sched_getaffinity rt_sigaction rt_sigprocmask rt_sigreturn sigaltstack pipe pipe2 close_range
    socket connect send sendto recv recvfrom getsockopt setsockopt shutdown exit exit_group
    """.split())

Point = collections.namedtuple("Point", "name count")  # the count-th call of that name


def traced(options):
    """What it starts as another program is let go."""
    return [STRACE, "-f", "-b", "execve", "-qq", *options]


def run(words, options, **more):
    return subprocess.run([*traced(options), *words], timeout=600, check=False, **more)


def points_in(trace):
    """Of the process that changes most. What fails changes nothing."""
    with open(trace, encoding="utf-8", errors="replace") as file:
        calls = re.findall(r"^(\d+) +(\w+)\((.*)", file.read(), re.M)
    found = collections.defaultdict(list)
    counts = collections.Counter()
    for pid, name, rest in calls:
        counts[pid, name] += 1
        if name not in NO_CHANGE and not re.search(r"\) += -1 E", rest):
            found[pid].append(Point(name, counts[pid, name]))
    # The first execve is strace's own.
    return [point for point in max(found.values(), key=len) if point != Point("execve", 1)]


def points(words, options=(), **more):
    """Of an apply these are the child's, otherwise the program's own."""
    with tempfile.TemporaryDirectory() as folder:
        trace = os.path.join(folder, "trace")
        run(words, ["-o", trace, *options], **more)
        return points_in(trace)


def killing(point):
    return ["-o", "/dev/null", "-e", "inject=%s:signal=KILL:when=%d" % point]


def kill_before(point):
    """What to put before a program that is to die there. The trace shows its own execve, which is not counted."""
    return traced(killing(point._replace(count=point.count - 1) if point.name == "execve" else point))


def kill_at(point, words, options=(), **more):
    return run(words, [*killing(point), *options], **more)


def every(found, step):
    """Every step-th one, from the middle of the first step on."""
    return found[min(step // 2, len(found) - 1)::step]
