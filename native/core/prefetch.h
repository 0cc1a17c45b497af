// Fetches lines of memory that will be written. Compilers make of __builtin_prefetch(p, 1) an ordinary prefetch unless
// they may assume a newer processor; then the line comes shared, and the write waits until others have given it up.
#pragma once

namespace tunvs {

// Fetches the line at `address` and takes it from other processors. x86-64 processors that do not know the instruction
// pass over it (AMD64 manual volume 3 and Intel SDM volume 2, PREFETCHW).
inline void prefetchForWrite(const void* address) {
#if defined(__x86_64__)
  asm volatile("prefetchw %0" : : "m"(*static_cast<const char*>(address)));
#else
  __builtin_prefetch(address, 1);
#endif
}

}  // namespace tunvs
