#include "io/tun/tun_offload.h"

#include <cerrno>

#include "io/os/tun_uapi.h"
#include "io/os/unique_fd.h"
#include "packet/vnet_header.h"

namespace tunvs {
namespace {

constexpr unsigned kTso = uapi::kOffloadChecksum | uapi::kOffloadTso4 | uapi::kOffloadTso6 | uapi::kOffloadTsoEcn;
constexpr unsigned kUso = uapi::kOffloadChecksum | uapi::kOffloadUso4 | uapi::kOffloadUso6;

constexpr char kNotAsked[] = "not asked for";

bool set(int fd, unsigned offloads) {
  return retryOnInterrupt([&] { return ::ioctl(fd, uapi::kTunSetOffload, static_cast<unsigned long>(offloads)); }) == 0;
}

// The header's length and byte order belong to the device as well, and stay set.
Result<void> setHeader(int fd) {
  int bytes = kVnetHeaderBytes;
  int isLittle = 1;
  if (::ioctl(fd, uapi::kTunSetVnetHeaderBytes, &bytes) < 0 || ::ioctl(fd, uapi::kTunSetVnetLittle, &isLittle) < 0)
    return Error::fromErrno(errno, "ioctl", "can't set the virtio header of a TUN device; open it with offloads 'off'");
  return {};
}

OffloadState stateOf(OffloadFeature feature, OffloadChoice choice, bool isAgreed, const std::string& refusal) {
  OffloadState state{std::string(kOffloadFeatureNames[static_cast<size_t>(feature)]), isAgreed, ""};
  if (!isAgreed) state.reason = choice.allows(feature) ? refusal : kNotAsked;
  return state;
}

}  // namespace

Result<TunOffloads> agreeOnOffloads(int fd, OffloadChoice choice) {
  TunOffloads agreed;
  agreed.hasHeader = !choice.isOff();
  if (agreed.hasHeader) {
    if (auto done = setHeader(fd); !done) return done.error();
  }
  const bool wantsTso = choice.allows(OffloadFeature::tso), wantsUso = choice.allows(OffloadFeature::uso);
  // The ioctl takes all or nothing, so that each is tried on top of what was taken before.
  unsigned taken = 0;
  set(fd, taken);
  if (wantsTso && set(fd, taken | kTso)) {
    agreed.tso = true;
    taken |= kTso;
  }
  if (wantsUso && set(fd, taken | kUso)) agreed.uso = true;

  const std::string noTso = "this kernel's TUN driver refuses TCP segmentation (Linux 2.6.27)";
  const std::string noUso = "this kernel's TUN driver refuses UDP segmentation (Linux 6.2)";
  agreed.states = {stateOf(OffloadFeature::tso, choice, agreed.tso, noTso),
                   stateOf(OffloadFeature::uso, choice, agreed.uso, noUso)};
  const std::string mend = ": leave it out of the offloads, or give 'auto'";
  if (choice.demands(OffloadFeature::tso) && !agreed.tso)
    return Error::make(ErrorCode::unsupported, "offload 'tso' does not work here: " + noTso + mend);
  if (choice.demands(OffloadFeature::uso) && !agreed.uso)
    return Error::make(ErrorCode::unsupported, "offload 'uso' does not work here: " + noUso + mend);
  return agreed;
}

void clearOffloads(int fd) { set(fd, 0); }

}  // namespace tunvs
