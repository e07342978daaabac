// SPDX-License-Identifier: Apache-2.0
// Linked into everything that ThreadSanitizer watches, so that it sees Swift's `Mutex`. A lock that is free is taken
// and given back in our own code, which it watches; one that is waited for is passed on by the kernel, from within the
// library Synchronization, which is not compiled for it. These two functions stand before that library's and say so.

#include <dlfcn.h>
#include <stdint.h>

#define LOCK_SLOW "$s15Synchronization12_MutexHandleV9_lockSlowyys6UInt32VF"
#define UNLOCK_SLOW "$s15Synchronization12_MutexHandleV11_unlockSlowyyF"

#define METHOD __attribute__((swiftcall))
#define SELF __attribute__((swift_context))

void __tsan_acquire(void *address);
void __tsan_release(void *address);

METHOD void lock_slow(uint32_t state, SELF void *handle) __asm__(LOCK_SLOW);
METHOD void unlock_slow(SELF void *handle) __asm__(UNLOCK_SLOW);

METHOD void lock_slow(uint32_t state, SELF void *handle)
{
    METHOD void (*next)(uint32_t, SELF void *);
    *(void **)&next = dlsym(RTLD_NEXT, LOCK_SLOW);
    next(state, handle);
    __tsan_acquire(handle);
}

METHOD void unlock_slow(SELF void *handle)
{
    METHOD void (*next)(SELF void *);
    *(void **)&next = dlsym(RTLD_NEXT, UNLOCK_SLOW);
    __tsan_release(handle);
    next(handle);
}
