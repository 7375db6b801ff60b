/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/fake_master.h"

#include <jansson.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/buffer.h"
#include "mesos/pb.h"
#include "schema/mesos.pb-c.h"
#include "tests/support/scratch.h"

static char *captured(const char *name, size_t *len)
{
	char *path = xasprintf("mesos/captured/%s", name);
	char *whole = test_data(path);
	char *text = scratch_read(whole, len);
	free(path);
	free(whole);
	return text;
}

/* ---- the servers */

static void redirect(const struct fake_master *fake, const struct server_request *request, int fd)
{
	char header[2048];
	const char *prefix = fake->behaviour == REDIRECT_MASTER ? "/master" : "";
	if (fake->behaviour == REDIRECT_LOGIN)
		snprintf(header, sizeof(header), "Location: http://127.0.0.1:%d/login\r\n", fake->other);
	else
		snprintf(header, sizeof(header), "Location: //127.0.0.1:%d%s%s\r\n", fake->other, prefix,
			 request->path);
	server_answer(fd, "307 Temporary Redirect", fake->behaviour == REDIRECT_NOWHERE ? "" : header, "", 0);
}

static const struct fake_call *call_in(const struct fake_master *fake, const char *body)
{
	for (size_t i = 0; i < 4; i++) {
		char expected[64];
		snprintf(expected, sizeof(expected), "{\"type\":\"%s\"}", fake->calls[i].type);
		if (strcmp(body, expected) == 0)
			return &fake->calls[i];
	}
	return NULL;
}

static bool wants_protobuf(const struct server_request *request)
{
	return strstr(request->head, "Accept: application/x-protobuf") != NULL;
}

static void answer_api(const struct fake_master *fake, const struct server_request *request, int fd)
{
	const struct fake_call *call = call_in(fake, request->body);
	bool protobuf = wants_protobuf(request);
	if (fake->behaviour == NO_API || fake->behaviour == NO_API_AND_NO_FLAGS_IN_STATE)
		server_answer(fd, "404 Not Found", "", "", 0);
	else if (call == NULL)
		server_answer(fd, "418 I'm a Teapot", "", "", 0);
	else if (protobuf && fake->behaviour == NO_PROTOBUF_406)
		server_answer(fd, "406 Not Acceptable", "", "no", 2);
	else if (protobuf && fake->behaviour == NO_PROTOBUF_415)
		server_answer(fd, "415 Unsupported Media Type", "", "no", 2);
	else if (protobuf && fake->behaviour == NO_PROTOBUF_400)
		server_answer(fd, "400 Bad Request", "", "no", 2);
	else if (protobuf && fake->behaviour != JSON_ANYWAY)
		server_answer(fd, "200 OK", "Content-Type: application/x-protobuf\r\n", call->pb, call->pb_len);
	else
		server_answer(fd, "200 OK", "Content-Type: application/json\r\n", call->json, strlen(call->json));
}

static void answer_document(int fd, const char *text)
{
	server_answer(fd, "200 OK", "Content-Type: application/json\r\n", text, strlen(text));
}

static const char *document_for(const struct fake_master *fake, const char *path)
{
	bool bare = fake->behaviour == NO_API_AND_NO_FLAGS_IN_STATE;
	if (strcmp(path, "/slaves") == 0)
		return fake->slaves;
	if (strcmp(path, "/state") == 0)
		return bare ? fake->state_without_flags : fake->state;
	if (strcmp(path, "/version") == 0)
		return fake->version;
	return strcmp(path, "/flags") == 0 ? fake->flags : NULL;
}

static void answer_well(const struct fake_master *fake, const struct server_request *request, int fd)
{
	const char *document = document_for(fake, request->path);
	if (strcmp(request->path, "/api/v1") == 0)
		answer_api(fake, request, fd);
	else if (strcmp(request->path, "/flags") == 0 && fake->behaviour == NO_FLAGS_AT_ALL)
		server_answer(fd, "403 Forbidden", "", "", 0);
	else if (document != NULL)
		answer_document(fd, document);
	else
		server_answer(fd, "404 Not Found", "", "", 0);
}

static void answer_half(const struct fake_master *fake, const struct server_request *request, int fd)
{
	const struct fake_call *call = call_in(fake, request->body);
	bool protobuf = wants_protobuf(request);
	const char *body = protobuf ? call->pb : call != NULL ? call->json : document_for(fake, request->path);
	size_t len = protobuf ? call->pb_len : strlen(body);
	char head[200];
	snprintf(head, sizeof(head), "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: %zu\r\n\r\n",
		 fake->behaviour == HALF ? len : len / 2);
	server_puts(fd, head);
	server_write(fd, body, len / 2);
}

static void serve(struct http_server *server, const struct server_request *request, int fd)
{
	const struct fake_master *fake = server->ctx;
	bool own = strcmp(request->path, "/version") == 0 || strcmp(request->path, "/flags") == 0;
	enum fake_behaviour behaviour = fake->behaviour;
	if (own && (behaviour == REDIRECT || behaviour == REDIRECT_MASTER)) {
		answer_document(fd, document_for(fake, request->path)); /* every master answers that itself */
		return;
	}
	switch (behaviour) {
	case ERROR_500:
		server_answer(fd, "500 Internal Server Error", "", "it broke\nmore", 13);
		break;
	case NO_LEADER:
		server_answer(fd, "503 Service Unavailable", "", "No leader elected", 17);
		break;
	case FORBIDDEN:
		server_answer(fd, "403 Forbidden", "", "", 0);
		break;
	case HALF:
	case HALF_WHOLE:
		answer_half(fake, request, fd);
		break;
	case NONSENSE:
		server_answer(fd, "200 OK", "", "<html>hello</html>", 18);
		break;
	case EMPTY:
		server_answer(fd, "200 OK", "", "", 0);
		break;
	case SILENT:
		poll(&(struct pollfd){.fd = fd, .events = POLLIN}, 1, 20000);
		break;
	case REDIRECT:
	case REDIRECT_MASTER:
	case REDIRECT_LOGIN:
	case REDIRECT_NOWHERE:
		redirect(fake, request, fd);
		break;
	default:
		answer_well(fake, request, fd);
	}
}

/* The state of a principal that may not see the flags. */
static char *without_flags(const char *state)
{
	json_t *root = json_loads(state, 0, NULL);
	json_object_del(root, "flags");
	char *text = json_dumps(root, JSON_COMPACT);
	json_decref(root);
	return text;
}

/* The JSON of the API says agent_id, the messages slave_id. */
static void use_wire_names(json_t *value)
{
	size_t i;
	const char *key;
	json_t *item, *agent_id = json_object_get(value, "agent_id");
	if (agent_id != NULL)
		json_object_set(value, "slave_id", agent_id);
	json_array_foreach(value, i, item) use_wire_names(item);
	json_object_foreach(value, key, item) use_wire_names(item);
}

/* Of GET_AGENTS there are the master's own bytes; the others are made of its JSON. */
static struct fake_call load_call(const char *type, json_t *root)
{
	struct fake_call call = {.type = type, .json = json_dumps(root, JSON_COMPACT)};
	struct buffer bytes = BUFFER_INIT((size_t)1 << 24);
	struct error err = ERROR_INIT;
	use_wire_names(root);
	void *message = pb_from_json(&mesos__master__response__descriptor, root, &err);
	if (message == NULL) {
		fprintf(stderr, "%s: %s\n", type, err.text);
		abort();
	}
	pb_pack(message, &bytes);
	pb_free(message);
	json_decref(root);
	call.pb_len = bytes.len;
	call.pb = buffer_take(&bytes);
	return call;
}

static json_t *captured_json(const char *name)
{
	char *text = captured(name, NULL);
	json_t *root = json_loads(text, 0, NULL);
	free(text);
	return root;
}

static json_t *get_frameworks(void)
{
	json_t *state = captured_json("master-v1-GET_STATE.json");
	json_t *frameworks = json_object_get(json_object_get(state, "get_state"), "get_frameworks");
	json_t *root = json_pack("{s:s, s:O}", "type", "GET_FRAMEWORKS", "get_frameworks", frameworks);
	json_decref(state);
	return root;
}

static void load(struct fake_master *fake)
{
	fake->calls[0] = load_call("GET_AGENTS", captured_json("master-v1-GET_AGENTS.json"));
	free(fake->calls[0].pb);
	fake->calls[0].pb = captured("master-v1-GET_AGENTS.pb", &fake->calls[0].pb_len);
	fake->calls[1] = load_call("GET_TASKS", captured_json("master-v1-GET_TASKS.json"));
	fake->calls[2] = load_call("GET_FRAMEWORKS", get_frameworks());
	fake->calls[3] = load_call("GET_MASTER", captured_json("master-v1-GET_MASTER.json"));
	fake->slaves = captured("master-slaves.json", NULL);
	fake->state = captured("master-state.json", NULL);
	fake->flags = captured("master-flags.json", NULL);
	fake->version = captured("master-version.json", NULL);
	fake->state_without_flags = without_flags(fake->state);
}

static void unload(struct fake_master *fake)
{
	for (size_t i = 0; i < 4; i++) {
		free(fake->calls[i].pb);
		free(fake->calls[i].json);
	}
	free(fake->slaves);
	free(fake->state);
	free(fake->state_without_flags);
	free(fake->flags);
	free(fake->version);
}

int fake_masters_set_up(void **state)
{
	struct fake_masters *masters = xcalloc(1, sizeof(*masters));
	struct error err = ERROR_INIT;
	masters->loop = loop_new(&err);
	masters->http = http_new(masters->loop, &err);
	for (size_t i = 0; i < FAKE_MASTERS; i++) {
		struct fake_master *fake = &masters->fakes[i];
		load(fake);
		server_start(&fake->server, serve, fake);
		masters->urls[i] = fake->server.url;
	}
	*state = masters;
	return 0;
}

int fake_masters_tear_down(void **state)
{
	struct fake_masters *masters = *state;
	http_free(masters->http);
	loop_free(masters->loop);
	for (size_t i = 0; i < FAKE_MASTERS; i++) {
		server_stop(&masters->fakes[i].server);
		unload(&masters->fakes[i]);
	}
	free(masters);
	return 0;
}

struct master_source *fake_masters_source(struct fake_masters *masters, size_t count, int64_t timeout_ms)
{
	return master_http_new(masters->http, masters->urls, count, timeout_ms);
}

struct master_snapshot *fake_masters_ask(struct fake_masters *masters, enum fake_behaviour behaviour, unsigned want,
					 struct error *err)
{
	masters->fakes[0].behaviour = behaviour;
	struct master_source *source = fake_masters_source(masters, 1, behaviour == SILENT ? 300 : 20000);
	struct master_snapshot *snapshot = master_ask_now(source, masters->loop, want, err);
	master_source_free(source);
	return snapshot;
}
