/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_SUPPORT_OLD_KERNEL_H
#define TESTS_SUPPORT_OLD_KERNEL_H
/* Kernels before 5.6, and containers whose filter forbids what it does not know. */
#include <stdbool.h>

/* From now on openat2 fails with that error in this process and all its children: there is no way back. false: this kernel filters
 * no calls. */
bool old_kernel_without_openat2(int error);

#endif
