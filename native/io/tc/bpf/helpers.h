/* The kernel's helpers that our programs call, by their numbers in linux/bpf.h. */
#ifndef TUNVS_IO_TC_HELPERS_H
#define TUNVS_IO_TC_HELPERS_H

#include <linux/bpf.h>

#include "io/tc/bpf/life.h"

#define INLINE static inline __attribute__((always_inline))

static void* (*const mapLookup)(const void* map, const void* key) = (void*)BPF_FUNC_map_lookup_elem;
static __u32 (*const currentCpu)(void) = (void*)BPF_FUNC_get_smp_processor_id;
static long (*const redirectTo)(__u32 ifindex, __u64 flags) = (void*)BPF_FUNC_redirect;
static long (*const growFront)(struct __sk_buff* skb, __u32 bytes, __u64 flags) = (void*)BPF_FUNC_skb_change_head;
static long (*const adjustRoom)(struct __sk_buff* skb, __s32 bytes, __u32 mode,
                                __u64 flags) = (void*)BPF_FUNC_skb_adjust_room;
static long (*const storeBytes)(struct __sk_buff* skb, __u32 at, const void* from, __u32 bytes,
                                __u64 flags) = (void*)BPF_FUNC_skb_store_bytes;
static long (*const changeTrust)(struct __sk_buff* skb, __u64 level) = (void*)BPF_FUNC_csum_level;
static __u64 (*const coarseNanoseconds)(void) = (void*)BPF_FUNC_ktime_get_coarse_ns;

static long (*const cutTail)(struct __sk_buff* skb, __u32 bytes, __u64 flags) = (void*)BPF_FUNC_skb_change_tail;
static long (*const pullData)(struct __sk_buff* skb, __u32 bytes) = (void*)BPF_FUNC_skb_pull_data;
static void (*const forgetHash)(struct __sk_buff* skb) = (void*)BPF_FUNC_set_hash_invalid;
static long (*const loadBytes)(struct __sk_buff* skb, __u32 at, void* to, __u32 bytes) = (void*)BPF_FUNC_skb_load_bytes;

/* Has the first `bytes` lie where the program can read them, whatever the device's driver left in fragments. What the
 * program knows of the packet's place is out of date then. `bytes` has to be a constant: without CAP_PERFMON the
 * verifier allows no other sums with such places. */
#define MAKE_LINEAR(skb, bytes) \
  if ((void*)(long)(skb)->data + (bytes) > (void*)(long)(skb)->data_end && (skb)->len >= (bytes)) pullData(skb, bytes)

/* Ends the program, and lets the packet go on, where a lookup can't fail. A null pointer must not live on: without
 * CAP_PERFMON the verifier also looks at what would come if the check for it were mispredicted (until Linux 6.17). */
#define LEAVE()                             \
  do {                                      \
    asm volatile("r0 = -1\nexit" ::: "r0"); \
    __builtin_unreachable();                \
  } while (0)

/* Has a number of 64 bits be one for the compiler, too. Whatever lives long is as wide as its place on the stack, which
 * may have been a pointer's before: without CAP_PERFMON the verifier lets no half of that be written. */
#define WIDE(number) asm volatile("" : "+r"(number))

/* A constant that the loader puts in, which the verifier then knows. */
#define CONSTANT(number)                                                              \
  ({                                                                                  \
    __u64 value;                                                                      \
    asm volatile("%0 = %1 ll" : "=r"(value) : "i"(0xC0FFEE0000000000ULL + (number))); \
    value;                                                                            \
  })

enum { kNanosecondsPerTick = 4000000 };

/* Tells whether the process behind a program has ended, or stands still. `life` is a map of one TcLife. */
INLINE int hasEnded(const void* life) {
  __u32 only = 0;
  const struct TcLife* read = mapLookup(life, &only);
  return !read || coarseNanoseconds() >= *(volatile __u64*)&read->aliveUntil;
}

#endif
