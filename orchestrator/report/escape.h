/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ORCHESTRATOR_REPORT_ESCAPE_H
#define ORCHESTRATOR_REPORT_ESCAPE_H
/*
 * What hosts, masters and operators have said, on its way into a document: each function is for one place in one kind of document, and
 * there is no other way in. Control characters, direction overrides and bytes that are no UTF-8 become '?' everywhere. NULL is shown as
 * an en dash (CSV: an empty field).
 */
#include <jansson.h>

#include "base/buffer.h"

/* Text between tags, or an attribute's value in double quotes, HTML or SVG. Newlines stay. */
void escape_html(struct buffer *out, const char *text);

/* A document inside a <script> that is not run: nothing in it can end the element or begin a comment. */
void escape_script(struct buffer *out, const json_t *document);

/* A field of CSV (RFC 4180), always in quotes. What a spreadsheet would take for a formula begins with an apostrophe. */
void escape_csv(struct buffer *out, const char *text);

/* Text in a paragraph or a table's cell of GitHub's Markdown: no markup, no link, no mention, one line. */
void escape_markdown(struct buffer *out, const char *text);

#endif
