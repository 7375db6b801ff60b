/* SPDX-License-Identifier: Apache-2.0 */
/* Who is who: the host proves itself with a key that known_hosts has for it, then we do with ours. */
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/alloc.h"
#include "remote/ssh_session.h"

/* ---- the host */

static const char *key_type_name(int type)
{
	switch (type) {
	case LIBSSH2_HOSTKEY_TYPE_RSA:
		return "ssh-rsa";
	case LIBSSH2_HOSTKEY_TYPE_DSS:
		return "ssh-dss";
	case LIBSSH2_HOSTKEY_TYPE_ECDSA_256:
		return "ecdsa-sha2-nistp256";
	case LIBSSH2_HOSTKEY_TYPE_ECDSA_384:
		return "ecdsa-sha2-nistp384";
	case LIBSSH2_HOSTKEY_TYPE_ECDSA_521:
		return "ecdsa-sha2-nistp521";
	case LIBSSH2_HOSTKEY_TYPE_ED25519:
		return "ssh-ed25519";
	default:
		return "unknown";
	}
}

/* "SHA256:…" as ssh-keygen -l prints it; caller frees. */
static char *fingerprint(const struct ssh_session *session)
{
	const char *hash = libssh2_hostkey_hash(session->ssh, LIBSSH2_HOSTKEY_HASH_SHA256);
	char *text = hash != NULL ? base64_encode(hash, DIGEST_SIZE) : xstrdup("");
	text[strcspn(text, "=")] = '\0';
	char *whole = xasprintf("SHA256:%s", text);
	free(text);
	return whole;
}

/* The host as known_hosts and ssh-keyscan name it. */
static char *scan_command(const struct ssh_target *target)
{
	if (target->port == 22)
		return xasprintf("ssh-keyscan %s", target->address);
	return xasprintf("ssh-keyscan -p %d %s", target->port, target->address);
}

static bool refuse_key(struct ssh_session *session, enum known_host_verdict verdict, const char *type, size_t line)
{
	const struct ssh_target *target = &session->target;
	char *print = fingerprint(session);
	char *scan = scan_command(target);
	if (verdict == KNOWN_HOST_UNKNOWN)
		ssh_fail(session, ERROR_REFUSED,
			 "the host key of %s port %d is not known: it showed the %s key %s, and %s has none for it. "
			 "Compare that with the host's own (ssh-keygen -lf /etc/ssh/ssh_host_*_key.pub there), then "
			 "add it: %s >> %s",
			 target->address, target->port, type, print, target->known_hosts, scan, target->known_hosts);
	else if (verdict == KNOWN_HOST_REVOKED)
		ssh_fail(session, ERROR_REFUSED, "the host key of %s port %d is revoked: %s key %s, %s line %zu",
			 target->address, target->port, type, print, target->known_hosts, line);
	else
		ssh_fail(session, ERROR_REFUSED,
			 "the host key of %s port %d has CHANGED: it showed the %s key %s, but %s line %zu has another "
			 "one. Somebody may be listening in. If the host was really installed anew, remove the old "
			 "line (ssh-keygen -R) and add the new key",
			 target->address, target->port, type, print, target->known_hosts, line);
	free(print);
	free(scan);
	return false;
}

/* Without this a host with several keys might show one that the file does not have. */
static bool prefer_known_types(struct ssh_session *session)
{
	const struct ssh_target *target = &session->target;
	struct error err = ERROR_INIT;
	struct known_hosts *hosts = ssh_shared_known_hosts(session->shared, target->known_hosts, &err);
	if (hosts == NULL)
		return ssh_fail(session, err.kind, "%s", err.text);
	struct buffer types = BUFFER_INIT(1024);
	known_hosts_types(hosts, target->address, target->port, &types);
	if (types.len > 0)
		libssh2_session_method_pref(session->ssh, LIBSSH2_METHOD_HOSTKEY, types.data);
	buffer_clear(&types);
	return true;
}

static bool judge_key(struct ssh_session *session)
{
	const struct ssh_target *target = &session->target;
	size_t len = 0, line = 0;
	int type = LIBSSH2_HOSTKEY_TYPE_UNKNOWN;
	struct error err = ERROR_INIT;
	struct known_hosts *hosts = ssh_shared_known_hosts(session->shared, target->known_hosts, &err);
	if (hosts == NULL)
		return ssh_fail(session, err.kind, "%s", err.text);
	const char *key = libssh2_session_hostkey(session->ssh, &len, &type);
	if (key == NULL)
		return ssh_fail_lost(session);
	enum known_host_verdict verdict = known_hosts_check(hosts, target->address, target->port, key, len, &line);
	if (verdict != KNOWN_HOST_MATCHES)
		return refuse_key(session, verdict, key_type_name(type), line);
	return ssh_enter(session, SSH_AUTHENTICATING);
}

/* No method in common, or none for which the host has a known key. */
static bool no_common_method(struct ssh_session *session)
{
	char *reason = xstrdup(ssh_reason(session));
	char *scan = scan_command(&session->target);
	ssh_fail(session, ERROR_UNREACHABLE,
		 "no way to speak with the SSH server of %s port %d (%s): it must offer an ed25519 or ecdsa host key "
		 "that is in %s (%s shows what it has), a CTR cipher and a plain HMAC",
		 session->target.address, session->target.port, reason, session->target.known_hosts, scan);
	free(reason);
	free(scan);
	return false;
}

/* libssh2 calls a connection that ended in the middle of the key exchange a failed exchange. */
static bool has_ended(const struct ssh_session *session)
{
	char byte;
	return recv(session->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) == 0;
}

bool ssh_step_greet(struct ssh_session *session)
{
	if (!session->greeting && !prefer_known_types(session))
		return false;
	session->greeting = true;
	switch (libssh2_session_handshake(session->ssh, session->fd)) {
	case 0:
		return judge_key(session);
	case LIBSSH2_ERROR_EAGAIN:
		return false;
	case LIBSSH2_ERROR_KEY_EXCHANGE_FAILURE:
		return has_ended(session) ? ssh_fail_lost(session) : no_common_method(session);
	case LIBSSH2_ERROR_KEX_FAILURE:
	case LIBSSH2_ERROR_METHOD_NONE:
	case LIBSSH2_ERROR_METHOD_NOT_SUPPORTED:
		return no_common_method(session);
	default:
		return ssh_fail_lost(session);
	}
}

/* ---- we */

static bool authenticated(struct ssh_session *session)
{
	char *print = fingerprint(session);
	struct exec_event event = {
		.kind = EXEC_CONNECTED,
		.exec = session->exec,
		.tag = session->tag,
		.text = print,
		.len = strlen(print),
		.exit_status = -1,
	};
	event_queue_put(&session->shared->events, &event);
	free(print);
	return ssh_start_job(session, SSH_JOB_AGENTCTL);
}

/* libssh2 calls a connection that ended while it waited for the answer "unverified" too. */
static bool is_refusal(const struct ssh_session *session, int code)
{
	if (code == LIBSSH2_ERROR_PUBLICKEY_UNVERIFIED)
		return !has_ended(session);
	return code == LIBSSH2_ERROR_AUTHENTICATION_FAILED;
}

static bool authenticate_with_file(struct ssh_session *session)
{
	const struct ssh_target *target = &session->target;
	struct error err = ERROR_INIT;
	const struct ssh_identity *identity = ssh_shared_identity(session->shared, target->identity, &err);
	if (identity == NULL)
		return ssh_fail(session, err.kind, "%s", err.text);
	int code = libssh2_userauth_publickey_frommemory(session->ssh, target->user, strlen(target->user), NULL, 0,
							 identity->bytes.data, identity->bytes.len, NULL);
	if (code == 0)
		return authenticated(session);
	if (code == LIBSSH2_ERROR_EAGAIN)
		return false;
	if (code == LIBSSH2_ERROR_FILE || code == LIBSSH2_ERROR_METHOD_NONE)
		return ssh_fail(session, ERROR_UNREACHABLE, "the SSH key %s cannot be used: %s", identity->path,
				ssh_reason(session));
	if (!is_refusal(session, code))
		return ssh_fail_lost(session);
	return ssh_fail(
		session, ERROR_UNREACHABLE, "%s port %d refused user %s with the key %s (method publickey): %s",
		target->address, target->port, target->user, identity->path,
		identity->rsa
			? "it is an RSA key, which can only be offered with SHA-1 here, and OpenSSH 8.8 and newer "
			  "refuse that: use an ed25519 key"
			: "is its public half in that user's authorized_keys?");
}

static bool open_agent(struct ssh_session *session)
{
	session->agent = libssh2_agent_init(session->ssh);
	if (session->agent == NULL || libssh2_agent_connect(session->agent) != 0 ||
	    libssh2_agent_list_identities(session->agent) != 0)
		return ssh_fail(
			session, ERROR_UNREACHABLE,
			"no key to log in as %s: no \"identity\" is given, and no SSH agent answers (SSH_AUTH_SOCK)",
			session->target.user);
	return true;
}

/* A local socket answers at once, so the agent's questions are the one thing here that waits. */
static bool authenticate_with_agent(struct ssh_session *session)
{
	const struct ssh_target *target = &session->target;
	if (session->agent == NULL && !open_agent(session))
		return false;
	if (session->agent_key == NULL && libssh2_agent_get_identity(session->agent, &session->agent_key, NULL) != 0)
		session->agent_key = NULL;
	while (session->agent_key != NULL) {
		int code = libssh2_agent_userauth(session->agent, target->user, session->agent_key);
		if (code == 0)
			return authenticated(session);
		if (code == LIBSSH2_ERROR_EAGAIN)
			return false;
		if (!is_refusal(session, code))
			return ssh_fail_lost(session);
		if (libssh2_agent_get_identity(session->agent, &session->agent_key, session->agent_key) != 0)
			break;
	}
	return ssh_fail(
		session, ERROR_UNREACHABLE,
		"%s port %d refused user %s with every key of the SSH agent (method publickey): load the right one "
		"(ssh-add), or name it as \"identity\"",
		target->address, target->port, target->user);
}

bool ssh_step_authenticate(struct ssh_session *session)
{
	return session->target.identity != NULL ? authenticate_with_file(session) : authenticate_with_agent(session);
}
