/*
 * checksum-dma.c: the guest's memory
 *
 * QEMU announces the parts of the address space that contain the guest's memory. If the memory can
 * be shared (<memoryBacking> of the domain), each part has a descriptor, which is mapped here.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#if __has_include(<config.h>)
# include <config.h>
#endif

#include "checksum-engine.h"

#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>


int
dmaMap(Device *device,
       int fd,
       uint64_t offset,
       uint64_t address,
       uint64_t size)
{
    Window *window = &device->windows[device->nwindows];
    struct stat st;
    void *bytes = NULL;

    if (device->nwindows == WINDOWS_MAX || size == 0 || size > UINT64_MAX - address || size > SIZE_MAX)
        return -1;

    if (fd >= 0) {
        /* A read beyond the end of the file would be a fatal SIGBUS. */
        if (fstat(fd, &st) < 0 || st.st_size < 0 || offset > (uint64_t) st.st_size ||
            size > (uint64_t) st.st_size - offset)
            return -1;
        bytes = mmap(NULL, (size_t) size, PROT_READ, MAP_SHARED, fd, (off_t) offset);
        if (bytes == MAP_FAILED)
            return -1;
    }

    *window = (Window) { .address = address, .size = size, .bytes = bytes };
    device->nwindows++;
    return 0;
}


static void
drop(Window *window)
{
    if (window->bytes)
        munmap(window->bytes, (size_t) window->size);
}


void
dmaUnmap(Device *device,
         uint64_t address,
         uint64_t size)
{
    size_t i = 0;

    while (i < device->nwindows) {
        Window *window = &device->windows[i];

        if (window->address < address || window->address - address >= size) {
            i++;
            continue;
        }
        drop(window);
        *window = device->windows[--device->nwindows];
    }
}


void
dmaUnmapAll(Device *device)
{
    while (device->nwindows > 0)
        drop(&device->windows[--device->nwindows]);
}


const Window *
dmaFind(const Device *device,
        uint64_t address,
        uint64_t limit,
        uint64_t *count)
{
    size_t i;

    for (i = 0; i < device->nwindows; i++) {
        const Window *window = &device->windows[i];

        if (address < window->address || address - window->address >= window->size)
            continue;
        *count = window->size - (address - window->address);
        if (*count > limit)
            *count = limit;
        return window;
    }
    return NULL;
}
