/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LAB_MASTER_METRICS_H
#define LAB_MASTER_METRICS_H
/* What metrics.c (the master's own) and metrics_others.c (the allocator's, frameworks') share. */
#include <jansson.h>

#include "lab/master/master.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

void metrics_put(json_t *metrics, double value, const char *format, ...) __attribute__((format(printf, 3, 4)));
void metrics_put_zeros(json_t *metrics, const char *prefix, const char *const names[], size_t count);
void metrics_put_timer(json_t *metrics, const char *name); /* its value and its percentiles, all 0 */

void metrics_put_allocator(const struct master *master, const struct resources *total, const struct resources *used,
			   json_t *metrics);
void metrics_put_frameworks(const struct master *master, json_t *metrics);

/* "master/frameworks/NAME/ID/" */
#define METRICS_PREFIX_MAX 384
void metrics_framework_prefix(const struct master_framework *framework, char out[METRICS_PREFIX_MAX]);

#endif
