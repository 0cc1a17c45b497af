#include "io/port_list.h"

#include <optional>

#include "io/port/openers.h"
#include "io/ring_port.h"
#include "io/tun_port.h"

namespace tunvs {
namespace {

struct PortEntry {
  std::string_view name;
  Result<std::unique_ptr<Port>> (*open)(const PortOptions& options, PortContext& context);  // context as for an egress
  bool isAutomatic;
};

// The ports stand in order of preference. A ring reads beside another port, so nobody gets it unasked.
constexpr PortEntry kPorts[] = {
    {"tun", openTunPort, true},
    {"ring", openRingPort, false},
};

constexpr auto kPortNames = namesOf(kPorts);

}  // namespace

std::span<const std::string_view> portNames() { return kPortNames; }

Result<std::unique_ptr<Port>> openPort(const PortOptions& options, PortContext& context) {
  const bool isAuto = options.kind == "auto";
  std::optional<Result<std::unique_ptr<Port>>> last;
  for (const PortEntry& entry : kPorts) {
    if (isAuto ? !entry.isAutomatic : entry.name != options.kind) continue;
    last = entry.open(options, context);
    if (last->ok()) break;
  }
  // When none works, the host has to be given what the last one lacks, because that one wants least.
  if (last) return std::move(*last);
  return noSuchOpener("port", options.kind, kPortNames);
}

}  // namespace tunvs
