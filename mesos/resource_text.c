/* SPDX-License-Identifier: Apache-2.0 */
/* A resource in the agent's text, out and in. */
#include <string.h>

#include "base/alloc.h"
#include "mesos/pb.h"
#include "mesos/resource.h"
#include "mesos/value.h"

/* ---- out */

static const char *or_empty(const char *text)
{
	return text != NULL ? text : "";
}

static void print_labels(const Mesos__Labels *labels, struct buffer *out)
{
	buffer_putc(out, '{');
	for (size_t i = 0; i < labels->n_labels; i++) {
		const Mesos__Label *label = labels->labels[i];

		buffer_printf(out, "%s%s", i > 0 ? ", " : "", label->key);
		if (label->value != NULL)
			buffer_printf(out, ": %s", label->value);
	}
	buffer_putc(out, '}');
}

static void print_reservation(const Mesos__Resource__ReservationInfo *reservation, struct buffer *out)
{
	const char *type = pb_enum_name(&mesos__resource__reservation_info__type__descriptor, (int)reservation->type);

	buffer_printf(out, "(%s,%s", or_empty(type), or_empty(reservation->role));
	if (reservation->principal != NULL)
		buffer_printf(out, ",%s", reservation->principal);
	if (reservation->labels != NULL) {
		buffer_putc(out, ',');
		print_labels(reservation->labels, out);
	}
	buffer_putc(out, ')');
}

static void print_source(const Mesos__Resource__DiskInfo__Source *source, struct buffer *out)
{
	const char *type = pb_enum_name(&mesos__resource__disk_info__source__type__descriptor, (int)source->type);
	const char *root = NULL;

	buffer_puts(out, type != NULL ? type : "UNKNOWN");
	if (source->type == MESOS__RESOURCE__DISK_INFO__SOURCE__TYPE__UNKNOWN)
		return;
	if (source->type == MESOS__RESOURCE__DISK_INFO__SOURCE__TYPE__MOUNT && source->mount != NULL)
		root = source->mount->root;
	if (source->type == MESOS__RESOURCE__DISK_INFO__SOURCE__TYPE__PATH && source->path != NULL)
		root = source->path->root;
	if (source->id != NULL || source->profile != NULL)
		buffer_printf(out, "(%s,%s,%s)", or_empty(source->vendor), or_empty(source->id),
			      or_empty(source->profile));
	else if (root != NULL)
		buffer_printf(out, ":%s", root);
}

static void print_volume(const Mesos__Volume *volume, struct buffer *out)
{
	buffer_putc(out, ':');
	if (volume->host_path == NULL) {
		buffer_puts(out, volume->container_path);
		return;
	}
	buffer_printf(out, "%s:%s:%s", volume->host_path, volume->container_path,
		      volume->mode == MESOS__VOLUME__MODE__RO ? "ro" : "rw");
}

static void print_disk(const Mesos__Resource__DiskInfo *disk, struct buffer *out)
{
	buffer_putc(out, '[');
	if (disk->source != NULL)
		print_source(disk->source, out);
	if (disk->persistence != NULL)
		buffer_printf(out, "%s%s", disk->source != NULL ? "," : "", disk->persistence->id);
	if (disk->volume != NULL)
		print_volume(disk->volume, out);
	buffer_putc(out, ']');
}

void resource_value_print(const Mesos__Resource *resource, struct buffer *out)
{
	if (resource->type == MESOS__VALUE__TYPE__SCALAR && resource->scalar != NULL)
		scalar_print(resource->scalar->value, out);
	else if (resource->type == MESOS__VALUE__TYPE__RANGES && resource->ranges != NULL)
		ranges_print(resource->ranges, out);
	else if (resource->type == MESOS__VALUE__TYPE__SET && resource->set != NULL)
		set_print(resource->set, out);
}

void resource_print(const Mesos__Resource *resource, struct buffer *out)
{
	buffer_puts(out, resource->name);
	if (resource->allocation_info != NULL)
		buffer_printf(out, "(allocated: %s)", or_empty(resource->allocation_info->role));
	if (resource->n_reservations > 0) {
		buffer_puts(out, "(reservations: [");
		for (size_t i = 0; i < resource->n_reservations; i++) {
			if (i > 0)
				buffer_putc(out, ',');
			print_reservation(resource->reservations[i], out);
		}
		buffer_puts(out, "])");
	}
	if (resource->disk != NULL)
		print_disk(resource->disk, out);
	if (resource->revocable != NULL)
		buffer_puts(out, "{REV}");
	if (resource->shared != NULL)
		buffer_puts(out, "<SHARED>");
	buffer_putc(out, ':');
	resource_value_print(resource, out);
}

void resource_label(const Mesos__Resource *resource, struct buffer *out)
{
	buffer_puts(out, resource->name);
	if (resource->n_reservations > 0)
		buffer_printf(out, "(%s)", or_empty(resource->reservations[resource->n_reservations - 1]->role));
	if (resource->disk != NULL)
		print_disk(resource->disk, out);
	if (resource->revocable != NULL)
		buffer_puts(out, "{REV}");
}

/* ---- in */

static char *trimmed(const char *text, size_t len)
{
	static const char space[] = " \t\n\r";

	while (len > 0 && strchr(space, text[len - 1]) != NULL)
		len--;
	while (len > 0 && strchr(space, *text) != NULL) {
		text++;
		len--;
	}
	return xstrndup(text, len);
}

void resource_entry_clear(struct resource_entry *entry)
{
	free(entry->name);
	free(entry->role);
	free(entry->value);
	memset(entry, 0, sizeof(*entry));
}

/* The non-empty pieces between colons have to be two; more colons around them do not matter. */
static int split_entry(const char *entry, const char **head, size_t *head_len, const char **tail, size_t *tail_len)
{
	*head = entry + strspn(entry, ":");
	*head_len = strcspn(*head, ":");
	*tail = *head + *head_len;
	*tail += strspn(*tail, ":");
	*tail_len = strcspn(*tail, ":");
	entry = *tail + *tail_len;
	return *head_len > 0 && *tail_len > 0 && entry[strspn(entry, ":")] == '\0' ? 0 : -1;
}

int resource_entry_parse(const char *entry, const char *default_role, struct resource_entry *out, struct error *err)
{
	const char *head, *tail, *open, *close;
	size_t head_len, tail_len, name_len;

	if (split_entry(entry, &head, &head_len, &tail, &tail_len) != 0)
		return error_set(err, ERROR_USAGE, "Bad value for resources, missing or extra ':' in %s", entry);
	open = memchr(head, '(', head_len);
	close = memchr(head, ')', head_len);
	if (open != NULL && (close == NULL || close < open))
		return error_set(err, ERROR_USAGE, "Bad value for resources, mismatched parentheses in %s", entry);
	name_len = open != NULL ? (size_t)(open - head) : head_len;
	out->name = trimmed(head, name_len);
	out->role = open != NULL ? trimmed(open + 1, (size_t)(close - open - 1)) : xstrdup(default_role);
	out->value = xstrndup(tail, tail_len);
	return 0;
}

static Mesos__Resource *make_resource(const char *name, struct value *value, const char *role)
{
	Mesos__Resource *resource = pb_new(&mesos__resource__descriptor);

	resource->name = xstrdup(name);
	resource->role = xstrdup(role);
	resource->type = value->type;
	resource->ranges = value->ranges;
	resource->set = value->set;
	value->ranges = NULL;
	value->set = NULL;
	if (value->type == MESOS__VALUE__TYPE__SCALAR) {
		resource->scalar = pb_new(&mesos__value__scalar__descriptor);
		resource->scalar->value = value->scalar;
	}
	resource_upgrade(resource);
	return resource;
}

Mesos__Resource *resource_parse(const char *name, const char *value, const char *role,
				const struct mesos_version *version, struct error *err)
{
	struct error cause = ERROR_INIT;
	struct value parsed = {.type = MESOS__VALUE__TYPE__TEXT};
	Mesos__Resource *resource = NULL;

	if (value_parse(value, version, &parsed, &cause) != 0)
		error_set(err, ERROR_USAGE, "Failed to parse resource %s value %s error %s", name, value, cause.text);
	else if (parsed.type == MESOS__VALUE__TYPE__TEXT)
		error_set(err, ERROR_USAGE, "Bad type for resource %s value %s type TEXT", name, value);
	else
		resource = make_resource(name, &parsed, role);
	value_clear(&parsed);
	return resource;
}
