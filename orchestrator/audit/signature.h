/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ORCHESTRATOR_AUDIT_SIGNATURE_H
#define ORCHESTRATOR_AUDIT_SIGNATURE_H
/*
 * Signatures in OpenSSH's format (`ssh-keygen -Y`), made and checked by ssh-keygen itself: keys may have a passphrase, lie in an agent or
 * on a token, and whoever has OpenSSH can check without rollcall. The namespace keeps a signature made here from standing for anything
 * else.
 */
#include "base/buffer.h"
#include "base/error.h"

#define SIGNATURE_NAMESPACE "rollcall"
#define SIGNATURE_MAX       65536

/* Writes path.sig, which must not be there. key: a private key's file, or a public key's whose other half an agent has. */
int signature_make(const char *path, const char *key, struct error *err);

/* key: an allowed_signers file (ssh-keygen(1)), or a public key's file. 1: signature_path is a signature of path's bytes by such a key,
 * and signer gets the name it has in allowed_signers and the key's fingerprint; 0: it is none, and why gets what ssh-keygen says; -1. */
int signature_check(const char *path, const char *signature_path, const char *key, struct buffer *signer,
		    struct buffer *why, struct error *err);

#endif
