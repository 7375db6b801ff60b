/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_SUPPORT_FAKE_MASTER_H
#define TESTS_SUPPORT_FAKE_MASTER_H
/*
 * Masters that are real HTTP servers on loopback and give the answers captured from a real master
 * (tests/data/mesos/captured), or break in some way; and a loop to ask them from.
 */
#include "remote/http.h"
#include "remote/loop.h"
#include "remote/master.h"
#include "tests/support/http_server.h"

/* How a server behaves: what it does not understand, and what is wrong with it. */
enum fake_behaviour {
	NORMAL,
	NO_PROTOBUF_406,
	NO_PROTOBUF_415,
	NO_PROTOBUF_400,
	JSON_ANYWAY, /* 200 with JSON, whatever was asked for */
	NO_API,
	NO_API_AND_NO_FLAGS_IN_STATE,
	NO_FLAGS_AT_ALL,
	ERROR_500,
	NO_LEADER,
	FORBIDDEN,
	HALF,       /* the connection ends in the middle of the body */
	HALF_WHOLE, /* a whole answer that is half a document */
	NONSENSE,
	EMPTY,
	SILENT,           /* until the client gives up */
	REDIRECT,         /* to other, as Mesos does it */
	REDIRECT_MASTER,  /* to other/master/… */
	REDIRECT_LOGIN,   /* to a page that is no answer */
	REDIRECT_NOWHERE, /* without a Location */
};

struct fake_master {
	struct http_server server;
	_Atomic enum fake_behaviour behaviour; /* tests change it while its thread serves */
	int other;                             /* the port a redirect names */
	struct fake_call {
		const char *type;
		char *pb, *json;
		size_t pb_len;
	} calls[4]; /* of the operator API */
	char *slaves, *state, *state_without_flags, *flags, *version;
};

#define FAKE_MASTERS 7

struct fake_masters {
	struct loop *loop;
	struct http *http;
	struct fake_master fakes[FAKE_MASTERS];
	const char *urls[FAKE_MASTERS];
};

/* For cmocka: *state is the struct fake_masters. */
int fake_masters_set_up(void **state);
int fake_masters_tear_down(void **state);

/* A source that knows the first count of them. */
struct master_source *fake_masters_source(struct fake_masters *masters, size_t count, int64_t timeout_ms);
/* Asks the first one alone, which behaves so. */
struct master_snapshot *fake_masters_ask(struct fake_masters *masters, enum fake_behaviour behaviour, unsigned want,
					 struct error *err);

#endif
