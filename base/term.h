/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BASE_TERM_H
#define BASE_TERM_H
/* What people see: tables that line up, colour only on terminals, widths in UTF-8 columns. */
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

enum term_style { TERM_PLAIN, TERM_BOLD, TERM_DIM, TERM_GREEN, TERM_YELLOW, TERM_RED };

/* Colour on this stream? Honours --no-color (term_forbid_color), NO_COLOR, TERM=dumb, and isatty. */
void term_forbid_color(void);
bool term_has_color(FILE *stream);
/* Columns of the terminal behind stream; 80 when it is none. */
int term_width(FILE *stream);
/* Its lines; 24 when it is none. */
int term_height(FILE *stream);
/* "" when there is no colour on stream. */
const char *term_on(FILE *stream, enum term_style style);
const char *term_off(FILE *stream);

struct table;                                                          /* rows of cells, printed with aligned columns */
struct table *table_new(const char *const headings[], size_t columns); /* headings may be NULL */
void table_free(struct table *table);
void table_align_right(struct table *table, size_t column);
/* Cells are copied. Control characters are shown as '?': hosts' words never reach the terminal raw. */
void table_add(struct table *table, const char *const cells[]);
void table_set_style(struct table *table, size_t column, enum term_style style); /* of the last row */
void table_print(const struct table *table, FILE *stream);
/* As CSV (RFC 4180), headings first. */
void table_print_csv(const struct table *table, FILE *stream);

#endif
