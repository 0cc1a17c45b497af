/* A program that may outlive its process looks whether that is alive: it says so again and again, a few times a second.
 * Both C and C++ read this file. */
#ifndef TUNVS_IO_TC_LIFE_H
#define TUNVS_IO_TC_LIFE_H

/* The one line of a map. */
struct TcLife {
  unsigned long long aliveUntil; /* by the coarse monotonic clock, ns */
  unsigned long long padding[7];
};

#endif
