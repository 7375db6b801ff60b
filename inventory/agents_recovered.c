/* SPDX-License-Identifier: Apache-2.0 */
#include "inventory/agents_recovered.h"

#include <stdlib.h>

#include "base/alloc.h"
#include "base/buffer.h"

/* So many are loaded at a time: memory does not grow with the fleet, and a selector has its bounds. */
#define AT_ONCE  200
#define TEXT_MAX (1u << 20)

void agents_recovered_clear(struct agents_recovered *recovered)
{
	for (size_t i = 0; i < recovered->count; i++)
		free(recovered->ids[i]);
	free(recovered->ids);
	*recovered = (struct agents_recovered){NULL, 0};
}

void agents_recovered_add(struct agents_recovered *recovered, const char *id)
{
	if ((recovered->count & (recovered->count - 1)) == 0)
		recovered->ids = xreallocarray(recovered->ids, recovered->count ? 2 * recovered->count : 1,
					       sizeof(*recovered->ids));
	recovered->ids[recovered->count++] = xstrdup(id);
}

static void put_quoted(struct buffer *text, const char *id)
{
	buffer_putc(text, '\'');
	for (; *id; id++) {
		if (*id == '\'')
			buffer_putc(text, '\'');
		buffer_putc(text, *id);
	}
	buffer_putc(text, '\'');
}

static struct selector *choose(char *const ids[], size_t count, struct error *err)
{
	struct buffer text = BUFFER_INIT(TEXT_MAX);
	struct selector *selector;

	buffer_puts(&text, "id in (");
	for (size_t i = 0; i < count; i++) {
		if (i > 0)
			buffer_putc(&text, ',');
		put_quoted(&text, ids[i]);
	}
	buffer_putc(&text, ')');
	selector = selector_parse("the IDs of recovered agents", buffer_text(&text), err);
	buffer_clear(&text);
	return selector;
}

static int put_some(char *const ids[], size_t count, struct store *store, int64_t cluster, struct agents_sink *sink,
		    struct error *err)
{
	struct selector *selector = choose(ids, count, err);
	struct agent_list list = {NULL, 0};
	int result = selector ? agents_load(store, cluster, selector, &list, err) : -1;

	for (size_t i = 0; i < list.count && result == 0; i++) {
		list.items[i].view.active = false;
		result = agents_sink_agent(sink, &list.items[i].view, NULL, 0, err);
	}
	agent_list_clear(&list);
	selector_free(selector);
	return result;
}

int agents_recovered_put(const struct agents_recovered *recovered, struct store *store, int64_t cluster,
			 struct agents_sink *sink, struct error *err)
{
	int result = 0;

	if (agents_sink_is_first(sink))
		return 0;
	for (size_t at = 0; at < recovered->count && result == 0; at += AT_ONCE) {
		size_t left = recovered->count - at;

		result = put_some(recovered->ids + at, left < AT_ONCE ? left : AT_ONCE, store, cluster, sink, err);
	}
	return result;
}
