/* SPDX-License-Identifier: Apache-2.0 */
/* What an agent finds out about its machine when its flags do not say. */
#include <errno.h>
#include <stdint.h>
#include <sys/statvfs.h>
#include <sys/sysinfo.h>
#include <unistd.h>

#include "mesos/slaveinfo.h"

#define MIB (UINT64_C(1) << 20)
#define GIB (UINT64_C(1) << 30)

/* Leaves `spare` for the rest of the host when there is at least `enough`, else half; in whole MiB. */
static double share_mb(uint64_t total, uint64_t enough, uint64_t spare)
{
	uint64_t ours = (total >= enough ? total - spare : total / 2) / MIB;

	return (double)ours;
}

int detect_machine(const char *work_dir, struct detected *out, struct error *err)
{
	struct detected found = DETECTED_UNKNOWN;
	struct sysinfo memory;
	struct statvfs disk;
	long cpus = sysconf(_SC_NPROCESSORS_ONLN);

	if (cpus < 1)
		return error_set(err, ERROR_SYSTEM, "The number of CPUs cannot be found out");
	if (sysinfo(&memory) != 0)
		return error_errno(err, ERROR_SYSTEM, errno, "The size of memory cannot be found out");
	if (statvfs(work_dir, &disk) != 0)
		return error_errno(err, ERROR_UNREACHABLE, errno, "The size of the disk under %s cannot be found out",
				   work_dir);
	found.cpus = (double)cpus;
	found.mem_mb = share_mb((uint64_t)memory.totalram * memory.mem_unit, 2 * GIB, GIB);
	found.disk_mb = share_mb((uint64_t)disk.f_blocks * disk.f_frsize, 10 * GIB, 5 * GIB);
	*out = found;
	return 0;
}
