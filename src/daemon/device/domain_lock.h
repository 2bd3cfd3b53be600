/*
 * domain_lock.h: a lock for changes of a domain's persistent XML
 *
 * The lock is a byte in a file that all connections of a daemon share. The domain's UUID selects
 * the byte. The process owns the lock, which is released when the process exits. Two domains can
 * have the same byte; their changes then wait for each other. The time to wait for the lock and the
 * time to hold it are limited.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include <glib.h>

/* The longest time that a call waits for a lock, and that it may hold it, in milliseconds. The
 * second is less than the first, so that a call can wait for the holder of the lock. */
#define DOMAIN_LOCK_WAIT 30000
#define DOMAIN_LOCK_HOLD 25000

typedef struct _DomainLock DomainLock;

/**
 * domainLockNew:
 * @fd: the file, which stays the caller's; -1: there is nobody to exclude
 * @uuid: the domain's UUID, 16 bytes
 *
 * Returns a lock that is not held.
 */
DomainLock *domainLockNew(int fd, const guint8 *uuid);

/**
 * domainLockFree:
 * @lock: the lock, or NULL
 *
 * Releases the lock if it is held, and frees it.
 */
void domainLockFree(DomainLock *lock);

/**
 * domainLockTry:
 * @lock: the lock
 * @err: set on failure
 *
 * Returns 1 if the lock is held now; 0 if it has to be tried again, when
 * domainLockTimeout() says; -1 with ERR set to VIR_ERR_OPERATION_TIMEOUT if that has
 * taken DOMAIN_LOCK_WAIT, or to VIR_ERR_INTERNAL_ERROR.
 */
int domainLockTry(DomainLock *lock, GError **err);

/**
 * domainLockIsHeld:
 * @lock: the lock
 *
 * Returns TRUE if the lock is held.
 */
gboolean domainLockIsHeld(const DomainLock *lock);

/**
 * domainLockRelease:
 * @lock: the lock
 *
 * Releases the lock if it is held, or stops waiting for it.
 */
void domainLockRelease(DomainLock *lock);

/**
 * domainLockHasExpired:
 * @lock: the lock
 *
 * Returns whether it is held, and has been for DOMAIN_LOCK_HOLD.
 */
gboolean domainLockHasExpired(const DomainLock *lock);

/**
 * domainLockTimeout:
 * @lock: the lock
 *
 * Returns in how many ms it is to be tried again or expires; -1 if neither.
 */
int domainLockTimeout(const DomainLock *lock);
