#include "io/os/ambient_capabilities.h"

#include <sys/prctl.h>

namespace tunvs {
namespace {

constexpr int kMostCapabilities = 64;

}  // namespace

uint64_t giveUpAmbientCapabilities() {
  uint64_t held = 0;
  for (int capability = 0; capability < kMostCapabilities; capability++) {
    const int isSet = ::prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_IS_SET, capability, 0, 0);
    // The kernel does not know this one, nor those behind it.
    if (isSet < 0) break;
    if (isSet == 1) held |= uint64_t{1} << capability;
  }
  if (held != 0) ::prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
  return held;
}

void takeBackAmbientCapabilities(uint64_t capabilities) {
  for (int capability = 0; capability < kMostCapabilities; capability++) {
    if ((capabilities >> capability & 1) != 0) ::prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, capability, 0, 0);
  }
}

}  // namespace tunvs
