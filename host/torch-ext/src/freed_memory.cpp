// What the C library does with memory that tensors on the CPU gave back. libtorch has no cache of its own there.
#include <cstdlib>

#ifdef __GLIBC__
#include <malloc.h>
#endif

extern "C" {

void ext_keep_freed_memory() {
#ifdef __GLIBC__
  mallopt(M_MMAP_MAX, 0);
  mallopt(M_TRIM_THRESHOLD, -1);
#endif
}

} // extern "C"
