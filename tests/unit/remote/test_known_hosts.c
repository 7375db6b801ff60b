/* SPDX-License-Identifier: Apache-2.0 */
#include "remote/known_hosts.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/digest.h"
#include "tests/support/cmocka.h"
#include "tests/support/scratch.h"

/* Three keys; the file has them in base64. */
#define K1 "AAAAC3NzaC1lZDI1NTE5AAAAIAEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEB"
#define K2 "AAAAC3NzaC1lZDI1NTE5AAAAIAICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgIC"
#define K3 "AAAAC3NzaC1lZDI1NTE5AAAAIAMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMD"

static const char file[] = "# a comment\n"
			   "\n"
			   "alpha,10.0.0.1 ssh-ed25519 " K1 " with a comment\n" /* line 3 */
			   "alpha ssh-rsa AAAAB3NzaC1yc2EAAAA\r\n"
			   "[alpha]:2222 ssh-ed25519 " K2 "\n"
			   "*.example.com,!bad.example.com ssh-ed25519 " K1 "\n"
			   "n?de ssh-ed25519 " K2 "\n"
			   "@cert-authority * ssh-ed25519 " K3 "\n"
			   "@revoked alpha ssh-ed25519 " K3 "\n" /* line 9 */
			   "broken\n"
			   "broken too\n"
			   "|1|nonsense ssh-ed25519 " K1 "\n"
			   /* HMAC-SHA1 of "hidden" with the salt 0102…14 */
			   "|1|AQIDBAUGBwgJCgsMDQ4PEBESExQ=|WrSft9pgJoZYs1Mn+pVe04vXo7M= ssh-ed25519 " K2 "\n"
			   "last ssh-ed25519 " K1;

static enum known_host_verdict check(const struct known_hosts *hosts, const char *host, int port, const char *key,
				     size_t *line)
{
	unsigned char *bytes = NULL;
	size_t len = 0;
	struct error err = ERROR_INIT;
	assert_ok(base64_decode(key, &bytes, &len, &err), &err);
	enum known_host_verdict verdict = known_hosts_check(hosts, host, port, bytes, len, line);
	free(bytes);
	return verdict;
}

static void test_verdicts(void **state)
{
	static const struct {
		const char *host;
		int port;
		const char *key;
		enum known_host_verdict verdict;
		size_t line;
	} cases[] = {
		{"alpha", 22, K1, KNOWN_HOST_MATCHES, 0},
		{"ALPHA", 22, K1, KNOWN_HOST_MATCHES, 0},
		{"alpha", 0, K1, KNOWN_HOST_MATCHES, 0},
		{"10.0.0.1", 22, K1, KNOWN_HOST_MATCHES, 0},
		{"alpha", 22, K2, KNOWN_HOST_CHANGED, 3},
		{"alpha", 22, K3, KNOWN_HOST_REVOKED, 9},
		{"alpha", 2222, K2, KNOWN_HOST_MATCHES, 0},
		{"alpha", 2222, K1, KNOWN_HOST_CHANGED, 5},
		{"alpha", 2223, K1, KNOWN_HOST_UNKNOWN, 0}, /* another port is another server */
		{"beta", 22, K1, KNOWN_HOST_UNKNOWN, 0},
		{"beta", 22, K3, KNOWN_HOST_UNKNOWN, 0}, /* neither a certificate's authority nor beta's revocation */
		{"good.example.com", 22, K1, KNOWN_HOST_MATCHES, 0},
		{"bad.example.com", 22, K1, KNOWN_HOST_UNKNOWN, 0},
		{"example.com", 22, K1, KNOWN_HOST_UNKNOWN, 0},
		{"node", 22, K2, KNOWN_HOST_MATCHES, 0},
		{"nde", 22, K2, KNOWN_HOST_UNKNOWN, 0},
		{"nodee", 22, K2, KNOWN_HOST_UNKNOWN, 0},
		{"broken", 22, K1, KNOWN_HOST_UNKNOWN, 0},
		{"hidden", 22, K2, KNOWN_HOST_MATCHES, 0},
		{"hidden", 22, K1, KNOWN_HOST_CHANGED, 13},
		{"last", 22, K1, KNOWN_HOST_MATCHES, 0},
		{"", 22, K1, KNOWN_HOST_UNKNOWN, 0},
	};
	char *folder = scratch_new();
	char *path = scratch_write(folder, "known_hosts", file);
	(void)state;
	struct known_hosts *hosts = known_hosts_new(path);
	struct error err = ERROR_INIT;
	assert_ok(known_hosts_refresh(hosts, &err), &err);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		size_t line = 0;
		enum known_host_verdict verdict = check(hosts, cases[i].host, cases[i].port, cases[i].key, &line);
		if (verdict != cases[i].verdict || line != cases[i].line)
			fail_msg("case %zu (%s): verdict %d, line %zu", i, cases[i].host, verdict, line);
	}
	known_hosts_free(hosts);
	free(path);
	scratch_remove(folder);
}

static void assert_types(const struct known_hosts *hosts, const char *host, int port, const char *expected)
{
	struct buffer types = BUFFER_INIT(1000);
	known_hosts_types(hosts, host, port, &types);
	assert_string_equal(buffer_text(&types), expected);
	buffer_clear(&types);
}

static void test_types(void **state)
{
	char *folder = scratch_new();
	char *path = scratch_write(folder, "known_hosts",
				   "a ssh-ed25519 " K1 "\na ssh-rsa AAAAB3NzaC1yc2EAAAA\na ssh-ed25519 " K2
				   "\n[a]:2 ecdsa-sha2-nistp256 AAAAE2VjZHNh\n@revoked a ssh-dss AAAA\n");
	struct known_hosts *hosts = known_hosts_new(path);
	struct error err = ERROR_INIT;
	(void)state;
	assert_string_equal(known_hosts_path(hosts), path);
	assert_types(hosts, "a", 22, ""); /* nothing read yet */
	assert_ok(known_hosts_refresh(hosts, &err), &err);
	assert_types(hosts, "a", 22, "ssh-ed25519,ssh-rsa");
	assert_types(hosts, "a", 2, "ecdsa-sha2-nistp256");
	assert_types(hosts, "b", 22, "");
	known_hosts_free(hosts);
	free(path);
	scratch_remove(folder);
}

static void test_refresh(void **state)
{
	char *folder = scratch_new();
	char *path = scratch_write(folder, "known_hosts", "a ssh-ed25519 " K1 "\n");
	struct known_hosts *hosts = known_hosts_new(path);
	struct error err = ERROR_INIT;
	(void)state;
	assert_ok(known_hosts_refresh(hosts, &err), &err);
	free(scratch_write(folder, "known_hosts", "b ssh-rsa AAAAB3NzaC1yc2EAAAA\n"));
	assert_types(hosts, "a", 22, "ssh-ed25519");
	assert_ok(known_hosts_refresh(hosts, &err), &err);
	assert_types(hosts, "a", 22, "");
	assert_types(hosts, "b", 22, "ssh-rsa");
	remove(path);
	assert_int_equal(known_hosts_refresh(hosts, &err), -1);
	assert_error(&err, ERROR_UNREACHABLE, path);
	known_hosts_free(hosts);
	known_hosts_free(NULL);
	free(path);
	scratch_remove(folder);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_verdicts),
		cmocka_unit_test(test_types),
		cmocka_unit_test(test_refresh),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
