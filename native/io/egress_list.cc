#include "io/egress_list.h"

#include "io/packet/packet_egress.h"
#include "io/packet/raw_egress.h"
#include "io/port/openers.h"
#include "io/tun/tun_egress.h"

namespace tunvs {
namespace {

using Opened = Result<std::unique_ptr<Egress>>;

template <typename T>
Opened upcast(Result<std::unique_ptr<T>> opened) {
  if (!opened) return opened.error();
  return std::unique_ptr<Egress>(std::move(opened).value());
}

Opened openPacket(EgressContext& context) {
  if (!context.resolver) {
    auto resolver = NextHopResolver::start(context.sources);
    if (!resolver) return resolver.error();
    context.resolver = std::move(resolver).value();
  }
  return upcast(PacketEgress::open(context.resolver,
                                   {.bypassesQdisc = context.bypassesQdisc, .sendsTrains = context.sendsTrains}));
}

Opened openRaw(EgressContext&) { return upcast(RawEgress::open()); }

Opened openTun(EgressContext& context) {
  if (context.tunDescriptor < 0) {
    return Error::make(ErrorCode::unsupported,
                       "the tun egress writes back into a TUN device, and this device is none: use another");
  }
  return std::unique_ptr<Egress>(std::make_unique<TunEgress>(context.tunDescriptor, context.hasVnetHeader));
}

struct EgressEntry {
  std::string_view name;
  Opened (*open)(EgressContext& context);  // only trying tells whether it works
};

// The egresses stand in order of preference.
constexpr EgressEntry kEgresses[] = {
    {"packet", openPacket},
    {"raw", openRaw},
    {"tun", openTun},
};

constexpr auto kEgressNames = namesOf(kEgresses);

}  // namespace

std::span<const std::string_view> egressNames() { return kEgressNames; }

Result<std::unique_ptr<Egress>> openEgress(std::string_view name, EgressContext& context,
                                           std::vector<PassedOver>* passedOver) {
  const bool isAuto = name == "auto";
  std::string reasons;
  for (const EgressEntry& entry : kEgresses) {
    if (!isAuto && entry.name != name) continue;
    auto opened = entry.open(context);
    if (opened || !isAuto) return opened;
    reasons += (reasons.empty() ? "" : "; ") + std::string(entry.name) + ": " + opened.error().message;
    if (passedOver != nullptr) passedOver->push_back({std::string(entry.name), opened.error().message});
  }
  if (isAuto) return Error::make(ErrorCode::permission, "no egress works here: " + reasons);
  return noSuchOpener("egress", name, kEgressNames);
}

}  // namespace tunvs
