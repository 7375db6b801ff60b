/* SPDX-License-Identifier: Apache-2.0 */
#include "remote/loop.h"

#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "base/clock.h"
#include "tests/support/cmocka.h"

struct watcher {
	struct loop_source *source;
	struct watcher *other;
	int calls;
	short revents;
};

static void count(void *ctx, short revents)
{
	struct watcher *watcher = ctx;
	watcher->calls++;
	watcher->revents = revents;
}

static void remove_both(void *ctx, short revents)
{
	struct watcher *watcher = ctx;
	count(ctx, revents);
	loop_remove(watcher->other->source);
	loop_remove(watcher->source);
}

static struct loop *new_loop(void)
{
	struct error err = ERROR_INIT;
	struct loop *loop = loop_new(&err);
	assert_non_null(loop);
	return loop;
}

static void test_socket_and_deadline(void **state)
{
	struct loop *loop = new_loop();
	struct watcher watcher = {0};
	int pair[2];
	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	watcher.source = loop_add(loop, count, &watcher);
	loop_set(watcher.source, pair[0], POLLIN, -1);
	loop_wait(loop, 0);
	assert_int_equal(watcher.calls, 0);

	assert_int_equal(write(pair[1], "x", 1), 1);
	loop_wait(loop, -1);
	assert_int_equal(watcher.calls, 1);
	assert_int_equal(watcher.revents, POLLIN);

	int64_t start = clock_monotonic_ms();
	loop_set(watcher.source, -1, 0, start + 30);
	while (watcher.calls == 1)
		loop_wait(loop, -1);
	assert_in_range(clock_monotonic_ms() - start, 30, 30000);
	assert_int_equal(watcher.revents, 0);
	loop_wait(loop, 20); /* a deadline fires once */
	assert_int_equal(watcher.calls, 2);

	loop_set(watcher.source, -1, 0, clock_monotonic_ms() - 5); /* one that is past already */
	loop_wait(loop, -1);
	assert_int_equal(watcher.calls, 3);
	loop_remove(watcher.source);
	loop_remove(NULL);
	loop_free(loop);
	close(pair[0]);
	close(pair[1]);
}

static void test_removal_during_dispatch(void **state)
{
	struct loop *loop = new_loop();
	int pair[2];
	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	struct watcher a = {0}, b = {0};
	a.other = &b;
	b.other = &a;
	a.source = loop_add(loop, remove_both, &a);
	b.source = loop_add(loop, remove_both, &b);
	loop_set(a.source, pair[0], POLLOUT, -1);
	loop_set(b.source, pair[1], POLLOUT, -1);
	loop_wait(loop, 0);
	loop_wait(loop, 0);
	assert_int_equal(a.calls + b.calls, 1); /* the one that came first took the other away */
	loop_free(loop);
	close(pair[0]);
	close(pair[1]);
}

struct grower {
	struct loop *loop;
	struct watcher watchers[100];
	size_t count;
};

static void add_many(void *ctx, short revents)
{
	struct grower *grower = ctx;
	(void)revents;
	for (; grower->count < 100; grower->count++) {
		struct watcher *watcher = &grower->watchers[grower->count];
		watcher->source = loop_add(grower->loop, count, watcher);
		loop_set(watcher->source, -1, 0, 0);
	}
}

static void test_adding_during_dispatch(void **state)
{
	struct grower grower = {.loop = new_loop()};
	(void)state;
	struct loop_source *source = loop_add(grower.loop, add_many, &grower);
	loop_set(source, -1, 0, 0);
	loop_wait(grower.loop, -1);
	assert_int_equal(grower.count, 100);
	assert_int_equal(grower.watchers[0].calls, 0);
	loop_wait(grower.loop, -1);
	for (size_t i = 0; i < 100; i++) {
		assert_int_equal(grower.watchers[i].calls, 1);
		loop_remove(grower.watchers[i].source);
	}
	loop_remove(source);
	loop_free(grower.loop);
}

/* What poll found on one socket is not told of the next one. */
struct mover {
	struct watcher victim;
	int fd;
};

static void move_victim(void *ctx, short revents)
{
	struct mover *mover = ctx;
	(void)revents;
	loop_set(mover->victim.source, mover->fd, POLLIN, -1);
}

static void test_changed_socket_forgets_what_was_found(void **state)
{
	struct loop *loop = new_loop();
	struct mover mover = {.victim = {0}};
	int a[2], b[2];
	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, a), 0);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, b), 0);
	struct loop_source *source = loop_add(loop, move_victim, &mover);
	mover.victim.source = loop_add(loop, count, &mover.victim);
	mover.fd = b[0];
	loop_set(source, -1, 0, 0);
	loop_set(mover.victim.source, a[0], POLLIN, -1);
	assert_int_equal(write(a[1], "x", 1), 1);
	loop_wait(loop, 0);
	assert_int_equal(mover.victim.calls, 0);
	assert_int_equal(write(b[1], "x", 1), 1);
	loop_wait(loop, 0);
	assert_int_equal(mover.victim.calls, 1);
	loop_remove(source);
	loop_remove(mover.victim.source);
	loop_free(loop);
	for (int i = 0; i < 2; i++) {
		close(a[i]);
		close(b[i]);
	}
}

static struct loop *woken;

static void on_alarm(int number)
{
	(void)number;
	loop_wake(woken);
}

static void test_wake(void **state)
{
	(void)state;
	woken = new_loop();
	loop_wake(woken);
	loop_wake(woken);
	int64_t start = clock_monotonic_ms();
	loop_wait(woken, -1); /* a wake before the wait is not lost */
	loop_wait(woken, 30); /* two wakes are one */
	assert_in_range(clock_monotonic_ms() - start, 30, 30000);

	struct sigaction action = {.sa_handler = on_alarm, .sa_flags = SA_RESTART};
	struct itimerval timer = {.it_value = {.tv_usec = 20000}};
	sigaction(SIGALRM, &action, NULL);
	setitimer(ITIMER_REAL, &timer, NULL);
	loop_wait(woken, 10000);
	assert_in_range(clock_monotonic_ms() - start, 40, 9000);
	loop_free(woken);
	loop_free(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_socket_and_deadline),
		cmocka_unit_test(test_removal_during_dispatch),
		cmocka_unit_test(test_adding_during_dispatch),
		cmocka_unit_test(test_changed_socket_forgets_what_was_found),
		cmocka_unit_test(test_wake),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
