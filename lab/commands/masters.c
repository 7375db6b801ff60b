/* SPDX-License-Identifier: Apache-2.0 */
#include "lab/commands/masters.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/file.h"
#include "base/process.h"
#include "lab/core/files.h"
#include "lab/core/link.h"
#include "lab/host/masters.h"
#include "mesos/version.h"

#define MASTER_PORT      5050
#define ZOOKEEPER_PORT   2181
#define ZOOKEEPER_LAST   252
#define OPENSSL_TIMEOUT  30000
#define CERTIFICATE_DAYS "30" /* a lab is thrown away */
#define PRINCIPAL        "operator"

/* The last part of each master's address: above those of the hosts. */
static const int lasts[MASTERS_MAX] = {254, 253, 251, 255, 252};

/* ---- what was asked for */

/* The version of the index-th master; the last one named counts for those after it. Caller frees. */
static char *version_of(const struct masters_request *request, size_t index)
{
	const char *at = request->versions != NULL ? request->versions : LAB_MESOS_VERSION;
	for (const char *comma; index > 0 && (comma = strchr(at, ',')) != NULL; index--)
		at = comma + 1;
	return xstrndup(at, strcspn(at, ","));
}

static int check_versions(const struct masters_request *request, struct error *err)
{
	int result = 0;
	for (int64_t i = 0; i < request->count && result == 0; i++) {
		char *text = version_of(request, (size_t)i);
		struct mesos_version version;
		result = mesos_version_parse(text, &version, err);
		if (result == 0 && !mesos_version_is_known(&version))
			result = error_set(
				err, ERROR_USAGE,
				"--master-version takes versions from 1.4 to " LAB_MESOS_VERSION ", not \"%s\"", text);
		free(text);
	}
	return result;
}

int masters_check(const struct masters_request *request, struct error *err)
{
	if (request->without_domain >= request->count && request->without_domain > 0)
		return error_set(err, ERROR_USAGE,
				 "one master at least needs a domain: the lab's agents have one, and a master without "
				 "ignores them");
	if (request->client_certificates && !request->tls)
		return error_set(err, ERROR_USAGE, "--client-certificates needs --tls: add it");
	if (request->count > 1 && access(ZOOKEEPER_JAR, R_OK) < 0)
		return error_set(err, ERROR_SYSTEM,
				 "%s is missing: several masters elect their leader by ZooKeeper; install the packages "
				 "libzookeeper-java and default-jre-headless",
				 ZOOKEEPER_JAR);
	return check_versions(request, err);
}

void masters_place(struct lab *lab, const struct masters_request *request, int net)
{
	for (int64_t i = 0; i < request->count; i++) {
		char *address = xasprintf("127.%d.%d.%d:%d", net / 256, net % 256, lasts[i], MASTER_PORT);
		char *version = version_of(request, (size_t)i);
		lab_add_master(lab, address, version, i < request->count - request->without_domain);
		free(version);
		free(address);
	}
	if (request->count > 1)
		lab->zookeeper = xasprintf("127.%d.%d.%d:%d", net / 256, net % 256, ZOOKEEPER_LAST, ZOOKEEPER_PORT);
	lab->tls = request->tls;
	lab->client_certificates = request->client_certificates;
	lab->authenticate = request->authenticate;
}

/* ---- certificates */

static int openssl(const char *const argv[], struct error *err)
{
	struct buffer said = BUFFER_INIT(16u << 10);
	int status = 0;
	int result = process_run(argv, NULL, OPENSSL_TIMEOUT, NULL, &said, &status, err);
	if (result == 0 && status != 0)
		result = error_set(err, ERROR_SYSTEM, "openssl cannot make a certificate (exit status %d): %s", status,
				   buffer_text(&said));
	buffer_clear(&said);
	return result;
}

/* What the certificates are for, in openssl's own configuration. */
static int write_configuration(const struct lab *lab, const char *path, struct error *err)
{
	struct buffer text = BUFFER_INIT(16u << 10);
	buffer_puts(&text, "[req]\ndistinguished_name = name\nprompt = no\n[name]\nO = rollcall-lab\n"
			   "[ca]\nbasicConstraints = critical,CA:TRUE\nkeyUsage = critical,keyCertSign,cRLSign\n"
			   "subjectKeyIdentifier = hash\n"
			   "[client]\nbasicConstraints = CA:FALSE\nextendedKeyUsage = clientAuth\n"
			   "[master]\nbasicConstraints = CA:FALSE\nextendedKeyUsage = serverAuth\n"
			   "subjectAltName = DNS:localhost,IP:127.0.0.1");
	for (size_t i = 0; i < lab->master_count; i++)
		buffer_printf(&text, ",IP:%.*s", (int)strcspn(lab->masters[i].address, ":"), lab->masters[i].address);
	buffer_printf(&text, ",IP:%.*s\n", (int)strcspn(lab->master_other, ":"), lab->master_other);
	int result = files_write_text(path, buffer_text(&text), err);
	buffer_clear(&text);
	return result;
}

/* tls/NAME.pem and tls/NAME-key.pem, signed by the CA, or (NAME is "ca") by itself. */
static int make_certificate(const struct lab *lab, const char *name, struct error *err)
{
	bool is_ca = strcmp(name, "ca") == 0;
	char *configuration = lab_path(lab, "tls/openssl.cnf");
	char *certificate = lab_path(lab, "tls/%s.pem", name), *key = lab_path(lab, "tls/%s-key.pem", name);
	char *ca = lab_path(lab, "tls/ca.pem"), *ca_key = lab_path(lab, "tls/ca-key.pem");
	char *subject = xasprintf("/O=rollcall-lab/CN=%s", name);
	const char *const argv[] = {"openssl",
				    "req",
				    "-x509",
				    "-newkey",
				    "ec",
				    "-pkeyopt",
				    "ec_paramgen_curve:prime256v1",
				    "-nodes",
				    "-days",
				    CERTIFICATE_DAYS,
				    "-config",
				    configuration,
				    "-extensions",
				    name,
				    "-subj",
				    subject,
				    "-keyout",
				    key,
				    "-out",
				    certificate,
				    is_ca ? NULL : "-CA",
				    ca,
				    "-CAkey",
				    ca_key,
				    NULL};
	int result = openssl(argv, err);
	free(subject);
	free(ca_key);
	free(ca);
	free(key);
	free(certificate);
	free(configuration);
	return result;
}

static int make_certificates(const struct lab *lab, struct error *err)
{
	char *configuration = lab_path(lab, "tls/openssl.cnf");
	int result = write_configuration(lab, configuration, err);
	free(configuration);
	if (result == 0)
		result = make_certificate(lab, "ca", err);
	if (result == 0)
		result = make_certificate(lab, "master", err);
	return result == 0 ? make_certificate(lab, "client", err) : -1;
}

/* ---- credentials */

static int write_secret(const struct lab *lab, const char *name, const char *text, struct error *err)
{
	char *path = lab_path(lab, "%s", name);
	int result = files_write(path, text, strlen(text), 0600, err);
	free(path);
	return result;
}

static int make_credentials(const struct lab *lab, struct error *err)
{
	char secret[RANDOM_ID_SIZE];
	random_id(secret);
	char *text = xasprintf("{\"credentials\":[{\"principal\":\"" PRINCIPAL "\",\"secret\":\"%s\"}]}\n", secret);
	int result = write_secret(lab, "credentials.json", text, err);
	free(text);
	return result == 0 ? write_secret(lab, "master-password", secret, err) : -1;
}

int masters_make_files(const struct lab *lab, struct error *err)
{
	if (lab->tls && make_certificates(lab, err) < 0)
		return -1;
	return lab->authenticate ? make_credentials(lab, err) : 0;
}

void masters_describe(const struct lab *lab, json_t *cluster)
{
	char *flag = lab_master_flag(lab), *url = xasprintf("%s://%s", lab->tls ? "https" : "http", lab->master);
	json_t *access = json_object();
	json_object_set_new(cluster, "masters", lab->zookeeper != NULL ? json_string(flag) : json_pack("[s]", url));
	if (lab->tls)
		json_object_update_new(access, json_pack("{ss ss ss}", "ca", "tls/ca.pem", "certificate",
							 "tls/client.pem", "key", "tls/client-key.pem"));
	if (lab->tls && lab->zookeeper != NULL)
		json_object_set_new(access, "tls", json_true());
	if (lab->authenticate)
		json_object_update_new(
			access, json_pack("{ss s{ss}}", "user", PRINCIPAL, "password", "file", "master-password"));
	if (json_object_size(access) > 0)
		json_object_set(cluster, "access", access);
	json_decref(access);
	free(url);
	free(flag);
}

/* ---- a running lab */

static json_t *ask(const struct lab *lab, const char *role, int timeout_ms)
{
	return control_ask(lab, role, json_pack("{ss}", "type", "status"), timeout_ms, NULL);
}

static json_t *find_leader(const struct lab *lab, int timeout_ms, const char **role)
{
	for (size_t i = 0; i < lab->master_count; i++) {
		json_t *answer = ask(lab, lab->masters[i].role, timeout_ms);
		*role = lab->masters[i].role;
		if (json_is_true(json_object_get(answer, "leads")))
			return answer;
		json_decref(answer);
	}
	*role = NULL;
	return NULL;
}

json_t *masters_ask_leader(const struct lab *lab, int timeout_ms)
{
	const char *role = NULL;
	return find_leader(lab, timeout_ms, &role);
}

const char *masters_leader(const struct lab *lab, int timeout_ms)
{
	const char *role = NULL;
	json_decref(find_leader(lab, timeout_ms, &role));
	return role;
}
