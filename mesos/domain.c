/* SPDX-License-Identifier: Apache-2.0 */
#include "mesos/domain.h"

#include <string.h>

#include "base/alloc.h"
#include "mesos/pb.h"
#include "mesos/text_json.h"

Mesos__DomainInfo *domain_parse(const char *text, struct error *err)
{
	Mesos__DomainInfo *domain = NULL;
	json_t *json = text_json_parse(text, err);

	if (json == NULL)
		return NULL;
	if (json_is_object(json))
		domain = pb_from_json(&mesos__domain_info__descriptor, json, err);
	else
		error_set(err, ERROR_USAGE, "Unexpected JSON type parsed");
	json_decref(json);
	return domain;
}

Mesos__DomainInfo *domain_make(const char *region, const char *zone)
{
	Mesos__DomainInfo *domain = pb_new(&mesos__domain_info__descriptor);
	Mesos__DomainInfo__FaultDomain *fault = pb_new(&mesos__domain_info__fault_domain__descriptor);

	domain->fault_domain = fault;
	fault->region = pb_new(&mesos__domain_info__fault_domain__region_info__descriptor);
	fault->region->name = xstrdup(region);
	fault->zone = pb_new(&mesos__domain_info__fault_domain__zone_info__descriptor);
	fault->zone->name = xstrdup(zone);
	return domain;
}

const char *domain_region(const Mesos__DomainInfo *domain)
{
	return domain != NULL && domain->fault_domain != NULL ? domain->fault_domain->region->name : "";
}

const char *domain_zone(const Mesos__DomainInfo *domain)
{
	return domain != NULL && domain->fault_domain != NULL ? domain->fault_domain->zone->name : "";
}

bool domain_equal(const Mesos__DomainInfo *a, const Mesos__DomainInfo *b)
{
	return strcmp(domain_region(a), domain_region(b)) == 0 && strcmp(domain_zone(a), domain_zone(b)) == 0;
}

void domain_print(const Mesos__DomainInfo *domain, const struct mesos_version *version, struct buffer *out)
{
	json_t *json = domain != NULL ? pb_to_json(domain) : json_object();

	text_json_write(json, version, out);
	json_decref(json);
}
