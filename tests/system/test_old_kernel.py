#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""agentctl on a kernel before 5.6, which does not know openat2: it changes an agent as ever, and no link leads it away."""
import ctypes
import errno
import os
import struct
import unittest

import test_links
from on_host import OnHost

SYS_OPENAT2 = 437
PR_SET_NO_NEW_PRIVS, PR_SET_SECCOMP, SECCOMP_MODE_FILTER = 38, 22, 2
# Load the call's number; when it is openat2, fail with ENOSYS; allow everything else.
RULES = struct.pack("=" + "HBBI" * 4,
                    0x20, 0, 0, 0,
                    0x15, 0, 1, SYS_OPENAT2,
                    0x06, 0, 0, 0x00050000 | errno.ENOSYS,
                    0x06, 0, 0, 0x7fff0000)
LIBC = ctypes.CDLL(None, use_errno=True)


class Program(ctypes.Structure):
    _fields_ = [("length", ctypes.c_ushort), ("rules", ctypes.c_char_p)]


def setUpModule():
    """For this process and everything it starts, for good."""
    program = Program(len(RULES) // 8, RULES)
    if LIBC.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 or \
            LIBC.prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, ctypes.byref(program), 0, 0) != 0:
        raise unittest.SkipTest("this kernel filters no calls: " + os.strerror(ctypes.get_errno()))


class OldKernel(OnHost):
    def test_the_call_is_not_there(self):
        how = ctypes.create_string_buffer(24)
        self.assertEqual(LIBC.syscall(SYS_OPENAT2, -100, b"/", how, ctypes.c_size_t(24)), -1)
        self.assertEqual(ctypes.get_errno(), errno.ENOSYS)

    def test_change_and_settle(self):
        self.host.run("apply", self.host.apply_request(self.operation, "rack:r2;tier:web", verdict_timeout_ms=100))
        self.assertEqual(self.host.settle(self.operation, status_only=True)[-1]["event"], "done")
        self.assert_state("rack:r2;tier:web", 2)


class Links(test_links.Links):
    pass


if __name__ == "__main__":
    unittest.main()
