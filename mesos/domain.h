/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MESOS_DOMAIN_H
#define MESOS_DOMAIN_H
/* Fault domains: the value of --domain, and how two are compared. */
#include <stdbool.h>

#include "base/buffer.h"
#include "base/error.h"
#include "mesos/version.h"
#include "schema/mesos.pb-c.h"

/* {"fault_domain":{"region":{"name":"eu"},"zone":{"name":"eu-1a"}}}; ERROR_USAGE in the agent's words. Free with
 * pb_free. */
Mesos__DomainInfo *domain_parse(const char *text, struct error *err);
/* A domain from its two names. */
Mesos__DomainInfo *domain_make(const char *region, const char *zone);
/* Either may be NULL, which equals a domain of two empty names. */
bool domain_equal(const Mesos__DomainInfo *a, const Mesos__DomainInfo *b);
/* "" when there is none; borrowed. */
const char *domain_region(const Mesos__DomainInfo *domain);
const char *domain_zone(const Mesos__DomainInfo *domain);
/* The JSON the agent's messages show; "{}" for NULL. */
void domain_print(const Mesos__DomainInfo *domain, const struct mesos_version *version, struct buffer *out);

#endif
