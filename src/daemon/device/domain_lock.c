/*
 * domain_lock.c: a lock for changes of a domain's persistent XML
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <config.h>

#include "domain_lock.h"
#include "emulatedpci_error.h"
#include "rpc_frame.h"

#include "gettext.h"

#include <errno.h>
#include <fcntl.h>

#define _(s) gettext(s)

/* The time between two attempts to get the lock, in milliseconds: at first, and later */
#define LOCK_INTERVAL_MIN 5
#define LOCK_INTERVAL_MAX 80

typedef enum {
    LOCK_FREE = 0,
    LOCK_WAITING,
    LOCK_HELD,
} DomainLockState;

struct _DomainLock {
    int fd;
    off_t offset;
    DomainLockState state;
    gint64 since;               /* the time since which it waits or is held, monotonic, in us */
    int interval;               /* ms */
};


/* Returns the offset of the byte for the domain with this UUID. */
static off_t
domainLockOffset(const guint8 *uuid)
{
    return (off_t) (((guint64) rpcGetU32(uuid) << 30 ^ rpcGetU32(uuid + 4) ^
                     (guint64) rpcGetU32(uuid + 8) << 15 ^ rpcGetU32(uuid + 12)) &
                    G_GINT64_CONSTANT(0x3fffffffffffffff));
}


static gboolean
domainLockSet(const DomainLock *lock, short type)
{
    struct flock flock = {
        .l_type = type, .l_whence = SEEK_SET, .l_start = lock->offset, .l_len = 1,
    };

    return fcntl(lock->fd, F_SETLK, &flock) == 0;
}


DomainLock *
domainLockNew(int fd, const guint8 *uuid)
{
    DomainLock *lock = g_new0(DomainLock, 1);

    lock->fd = fd;
    lock->offset = domainLockOffset(uuid);
    return lock;
}


void
domainLockFree(DomainLock *lock)
{
    if (!lock)
        return;

    domainLockRelease(lock);
    g_free(lock);
}


static void
domainLockEnter(DomainLock *lock, DomainLockState state)
{
    lock->state = state;
    lock->since = g_get_monotonic_time();
}


int
domainLockTry(DomainLock *lock, GError **err)
{
    if (lock->state == LOCK_HELD)
        return 1;
    if (lock->fd < 0 || domainLockSet(lock, F_WRLCK)) {
        domainLockEnter(lock, LOCK_HELD);
        return 1;
    }

    if (errno != EAGAIN && errno != EACCES) {
        emulatedPCIReportError(err, VIR_ERR_INTERNAL_ERROR, _("cannot lock the domain: %1$s"),
                               g_strerror(errno));
        return -1;
    }

    if (lock->state == LOCK_FREE) {
        domainLockEnter(lock, LOCK_WAITING);
        lock->interval = LOCK_INTERVAL_MIN;
        return 0;
    }
    if (g_get_monotonic_time() - lock->since > DOMAIN_LOCK_WAIT * 1000LL) {
        emulatedPCIReportError(err, VIR_ERR_OPERATION_TIMEOUT, "%s",
                               _("timed out waiting for another operation on this domain"));
        return -1;
    }
    lock->interval = MIN(2 * lock->interval, LOCK_INTERVAL_MAX);
    return 0;
}


gboolean
domainLockIsHeld(const DomainLock *lock)
{
    return lock->state == LOCK_HELD;
}


void
domainLockRelease(DomainLock *lock)
{
    if (lock->state == LOCK_HELD && lock->fd >= 0)
        domainLockSet(lock, F_UNLCK);
    lock->state = LOCK_FREE;
}


static int
domainLockLeft(const DomainLock *lock)
{
    return (int) (DOMAIN_LOCK_HOLD - (g_get_monotonic_time() - lock->since) / 1000);
}


gboolean
domainLockHasExpired(const DomainLock *lock)
{
    return lock->state == LOCK_HELD && domainLockLeft(lock) <= 0;
}


int
domainLockTimeout(const DomainLock *lock)
{
    switch (lock->state) {
    case LOCK_WAITING:
        return lock->interval;
    case LOCK_HELD:
        return MAX(0, domainLockLeft(lock));
    case LOCK_FREE:
    default:
        return -1;
    }
}
