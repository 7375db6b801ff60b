/* SPDX-License-Identifier: Apache-2.0 */
#include "remote/transport.h"

uint64_t transport_exec(struct transport *transport, const struct transport_target *target, const char *word,
			const void *input, size_t len, uint64_t tag)
{
	return transport->ops->exec(transport, target, word, input, len, tag);
}

void transport_send(struct transport *transport, uint64_t exec, const char *text)
{
	transport->ops->send(transport, exec, text);
}

void transport_cancel(struct transport *transport, uint64_t exec)
{
	transport->ops->cancel(transport, exec);
}

bool transport_next(struct transport *transport, struct exec_event *event)
{
	return transport->ops->next(transport, event);
}

void transport_free(struct transport *transport)
{
	if (transport != NULL)
		transport->ops->free(transport);
}
