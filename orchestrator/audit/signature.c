/* SPDX-License-Identifier: Apache-2.0 */
#include "orchestrator/audit/signature.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/file.h"
#include "orchestrator/audit/child.h"

#define KEY_FILE_MAX (1u << 20)

int signature_make(const char *path, const char *key, struct error *err)
{
	const char *argv[] = {"ssh-keygen", "-q", "-Y", "sign", "-n", SIGNATURE_NAMESPACE, "-f", key, path, NULL};
	struct buffer out = BUFFER_INIT(4096);
	char *signature = xasprintf("%s.sig", path);
	int status = 0, result;

	if (file_exists(signature))
		result = error_set(err, ERROR_REFUSED, "%s: is there already and was left as it is", signature);
	else
		result = child_run(argv, NULL, &out, NULL, &status, err);
	if (result == 0 && (status != 0 || !file_exists(signature)))
		result = error_set(
			err, ERROR_UNREACHABLE,
			"ssh-keygen could not sign with %s (exit status %d): give the file of a private key, or "
			"of a public key whose other half your agent has",
			key, status);
	free(signature);
	buffer_clear(&out);
	return result;
}

/* ---- checking */

/* The first line, without its end. */
static void chomp(struct buffer *text)
{
	if (!text->data)
		return;
	text->len = strcspn(buffer_text(text), "\r\n");
	text->data[text->len] = '\0';
}

static bool is_public_key(const char *text)
{
	return strncmp(text, "ssh-", 4) == 0 || strncmp(text, "ecdsa-", 6) == 0 || strncmp(text, "sk-", 3) == 0;
}

/* Who is allowed to sign: a file of that kind, for this check. */
struct signers {
	char *path;
	bool is_ours; /* made from a public key, to be removed */
};

static int write_signers(const char *key_text, struct signers *out, struct error *err)
{
	const char *tmp = getenv("TMPDIR");
	char *path = xasprintf("%s/rollcall-signers-XXXXXX", tmp && *tmp ? tmp : "/tmp");
	int fd = mkstemp(path), result = -1;

	if (fd >= 0) {
		result = dprintf(fd, "rollcall namespaces=\"" SIGNATURE_NAMESPACE "\" %s\n", key_text) < 0 ? -1 : 0;
		close(fd);
	}
	if (result < 0) {
		error_set(err, ERROR_SYSTEM, "%s: cannot be written", path);
		free(path);
		return -1;
	}
	*out = (struct signers){.path = path, .is_ours = true};
	return 0;
}

static int open_signers(const char *key, struct signers *out, struct error *err)
{
	struct buffer text = BUFFER_INIT(KEY_FILE_MAX);
	int result = file_read(key, &text, err);

	if (result == 0 && strstr(buffer_text(&text), "PRIVATE KEY-----")) {
		result = error_set(err, ERROR_USAGE,
				   "%s: is a private key; to check a signature give the public one (%s.pub), or an "
				   "allowed_signers file",
				   key, key);
	} else if (result == 0 && is_public_key(buffer_text(&text))) {
		chomp(&text);
		result = write_signers(buffer_text(&text), out, err);
	} else if (result == 0) {
		*out = (struct signers){.path = xstrdup(key)};
	}
	buffer_clear(&text);
	return result;
}

static void signers_clear(struct signers *signers)
{
	if (signers->is_ours)
		unlink(signers->path);
	free(signers->path);
}

/* The name under which the key that signed stands in the file. 0: it does not. */
static int find_signer(const struct signers *signers, const char *signature, struct buffer *name, struct buffer *why,
		       struct error *err)
{
	const char *argv[] = {"ssh-keygen", "-Y", "find-principals", "-s", signature, "-f", signers->path, NULL};
	int status = 0;

	if (child_run(argv, "/dev/null", name, why, &status, err) < 0)
		return -1;
	chomp(name);
	return status == 0 && name->len > 0;
}

static int verify(const struct signers *signers, const char *path, const char *signature, const char *name,
		  struct buffer *out, struct buffer *why, struct error *err)
{
	const char *argv[] = {"ssh-keygen",  "-Y", "verify", "-n", SIGNATURE_NAMESPACE, "-f",
			      signers->path, "-I", name,     "-s", signature,           NULL};
	int status = 0;

	if (child_run(argv, path, out, why, &status, err) < 0)
		return -1;
	return status == 0;
}

static void name_signer(const struct signers *signers, const struct buffer *name, const char *said, struct buffer *out)
{
	const char *fingerprint = strstr(said, "SHA256:");

	if (!signers->is_ours)
		buffer_printf(out, "%s%s", buffer_text(name), fingerprint ? " " : "");
	if (fingerprint)
		buffer_append(out, fingerprint, strcspn(fingerprint, " \r\n"));
}

int signature_check(const char *path, const char *signature_path, const char *key, struct buffer *signer,
		    struct buffer *why, struct error *err)
{
	struct buffer name = BUFFER_INIT(4096), said = BUFFER_INIT(4096);
	struct signers signers = {NULL, false};
	int result;

	if (open_signers(key, &signers, err) < 0)
		return -1;
	result = find_signer(&signers, signature_path, &name, why, err);
	if (result > 0)
		result = verify(&signers, path, signature_path, buffer_text(&name), &said, why, err);
	if (result > 0)
		name_signer(&signers, &name, buffer_text(&said), signer);
	else if (result == 0 && why->len == 0)
		buffer_puts(why, "no key there has made it");
	chomp(why);
	signers_clear(&signers);
	buffer_clear(&name);
	buffer_clear(&said);
	return result;
}
