#include "io/port_list.h"

#include "io/port/openers.h"
#include "io/tun_port.h"

namespace tunvs {
namespace {

struct PortEntry {
  std::string_view name;
  Result<std::unique_ptr<Port>> (*open)(const PortOptions& options, PortContext& context);  // context as for an egress
};

// The ports stand in order of preference.
constexpr PortEntry kPorts[] = {
    {"tun", openTunPort},
};

constexpr auto kPortNames = namesOf(kPorts);

}  // namespace

std::span<const std::string_view> portNames() { return kPortNames; }

Result<std::unique_ptr<Port>> openPort(const PortOptions& options, PortContext& context) {
  const bool isAuto = options.kind == "auto";
  for (const PortEntry& entry : kPorts) {
    if (!isAuto && entry.name != options.kind) continue;
    auto opened = entry.open(options, context);
    // When none works, the host has to be given what the last one lacks, because that one wants least.
    if (opened || !isAuto || &entry == &kPorts[std::size(kPorts) - 1]) return opened;
  }
  return noSuchOpener("port", options.kind, kPortNames);
}

}  // namespace tunvs
