/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_SUPPORT_CLUSTER_TEXT_H
#define TESTS_SUPPORT_CLUSTER_TEXT_H
/* A cluster file that holds a text. */
#include "inventory/cluster.h"

/* Reads it from FOLDER/rollcall.json, whose folder is gone afterwards. NULL with err. */
struct cluster_file *cluster_text(const char *text, struct error *err);

#endif
