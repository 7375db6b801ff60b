/* SPDX-License-Identifier: Apache-2.0 */
#include "agentctl/self.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/file.h"
#include "mesos/host.h"

/* The link stays valid when the file was replaced or removed meanwhile. */
#define SELF_PATH "/proc/self/exe"

/* A static build has a few MB; one with sanitizers has tens. */
#define SELF_MAX (128u << 20)

#define COMMAND_MAX 65536 /* a few paths */

/* Piece by piece: a survey asks for it, and should not need memory for the whole file. */
int self_digest(char out[DIGEST_HEX_SIZE], struct error *err)
{
	static char piece[65536];
	unsigned char raw[DIGEST_SIZE];
	struct digest_state state;
	ssize_t got = -1;
	int fd = open(SELF_PATH, O_RDONLY | O_CLOEXEC);

	digest_start(&state);
	while (fd >= 0 && (got = read(fd, piece, sizeof piece)) > 0)
		digest_add(&state, piece, (size_t)got);
	if (got < 0)
		error_errno(err, ERROR_SYSTEM, errno, "cannot read %s", SELF_PATH);
	if (fd >= 0)
		close(fd);
	if (got < 0)
		return -1;
	digest_finish(&state, raw);
	hex_encode(raw, sizeof raw, out);
	return 0;
}

/* A copy with the right name but other bytes (a write that a power cut ended) is replaced. */
static bool is_same(const char *path, const struct buffer *bytes)
{
	struct buffer there = BUFFER_INIT(SELF_MAX);
	bool same = file_exists(path) && file_read(path, &there, NULL) == 0 && there.len == bytes->len &&
		    memcmp(there.data, bytes->data, bytes->len) == 0;

	buffer_clear(&there);
	return same;
}

int self_install(const struct journal *journal, char **path, struct error *err)
{
	static const struct file_attributes attributes = {.mode = 0755};
	struct buffer bytes = BUFFER_INIT(SELF_MAX);
	char digest[DIGEST_HEX_SIZE];
	char *copy;
	int result = 0;

	if (file_read(SELF_PATH, &bytes, err) != 0) {
		buffer_clear(&bytes);
		return -1;
	}
	digest_hex(bytes.data, bytes.len, digest);
	copy = xasprintf("%s/agentctl-%s", journal->dir, digest);
	if (!is_same(copy, &bytes))
		result = file_replace(copy, bytes.data, bytes.len, &attributes, err);
	buffer_clear(&bytes);
	if (result == 0)
		*path = copy;
	else
		free(copy);
	return result;
}

/* ---- as a shell takes it */

static void put_word(struct buffer *out, const char *word)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789/._-+=:,@%";

	if (word[0] != '\0' && word[strspn(word, plain)] == '\0') {
		buffer_puts(out, word);
		return;
	}
	buffer_putc(out, '\'');
	for (const char *at = word; *at != '\0'; at++) {
		if (*at == '\'')
			buffer_puts(out, "'\\''");
		else
			buffer_putc(out, *at);
	}
	buffer_putc(out, '\'');
}

static void put_option(struct buffer *out, const char *name, const char *value, const char *usual)
{
	if (value == NULL || strcmp(value, usual) == 0)
		return;
	buffer_printf(out, " %s ", name);
	put_word(out, value);
}

char *self_command(const char *words, const char *root, const char *state_dir)
{
	struct buffer out = BUFFER_INIT(COMMAND_MAX);
	char *path = realpath(SELF_PATH, NULL);

	put_word(&out, path == NULL ? "agentctl" : path);
	buffer_printf(&out, " %s", words);
	put_option(&out, "--root", root, "/");
	put_option(&out, "--state-dir", state_dir, HOST_STATE_DIR);
	free(path);
	return buffer_take(&out);
}

int self_say_settle(const char *operation, const char *is, const char *root, const char *state_dir, struct error *err)
{
	char *command = self_command("settle", root, state_dir);

	error_set(err, ERROR_CONFLICT, "the operation %s is %s on this host: settle it first, with: %s", operation, is,
		  command);
	free(command);
	return -1;
}
