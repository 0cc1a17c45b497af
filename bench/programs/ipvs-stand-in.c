/*
 * A stand-in for the kernel's IPVS, for a keepalived that only checks: LD_PRELOAD puts it between keepalived and the
 * socket options of linux/ip_vs.h, which keepalived uses where the kernel has no netlink family IPVS. Every command
 * succeeds, and those that add or remove a real server are printed with the monotonic clock, in nanoseconds:
 *
 *     ipvs add|remove ADDRESS TIME
 *
 * The checks are keepalived's own: nothing else of it is touched.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <dlfcn.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

/* linux/ip_vs.h */
enum { kBase = 64 + 1024 + 64, kEnd = kBase + 64, kAddServer = kBase + 7, kRemoveServer = kBase + 8 };
enum { kServerOffset = 44 }; /* behind struct ip_vs_service_user stands the real server, its address first */

static int isIpvs(int level, int name) { return level == IPPROTO_IP && name >= kBase && name < kEnd; }

int getsockopt(int fd, int level, int name, void* value, socklen_t* length) {
  static int (*real)(int, int, int, void*, socklen_t*);
  if (isIpvs(level, name)) {
    memset(value, 0, *length);
    return 0;
  }
  if (real == NULL) real = (int (*)(int, int, int, void*, socklen_t*))dlsym(RTLD_NEXT, "getsockopt");
  return real(fd, level, name, value, length);
}

int setsockopt(int fd, int level, int name, const void* value, socklen_t length) {
  static int (*real)(int, int, int, const void*, socklen_t);
  if (isIpvs(level, name)) {
    if ((name == kAddServer || name == kRemoveServer) && length >= kServerOffset + 4) {
      struct timespec now;
      char address[INET_ADDRSTRLEN];
      clock_gettime(CLOCK_MONOTONIC, &now);
      inet_ntop(AF_INET, (const char*)value + kServerOffset, address, sizeof address);
      dprintf(1, "ipvs %s %s %lld\n", name == kAddServer ? "add" : "remove", address,
              now.tv_sec * 1000000000LL + now.tv_nsec);
    }
    return 0;
  }
  if (real == NULL) real = (int (*)(int, int, int, const void*, socklen_t))dlsym(RTLD_NEXT, "setsockopt");
  return real(fd, level, name, value, length);
}
