#include "realserver/decap.h"

#include <algorithm>
#include <optional>

#include "core/checksum.h"

namespace tunvs {
namespace {

constexpr uint8_t kEcnMask = 0x03;
enum Ecn : uint8_t { notEct = 0, ect1 = 1, ect0 = 2, ce = 3 };

struct Ipv4View {
  size_t headerBytes;
  size_t totalBytes;  // [headerBytes, bytes there]
};

// nullopt when the header and its lengths do not hold together.
std::optional<Ipv4View> viewIpv4(std::span<const uint8_t> bytes) {
  if (bytes.size() < 20 || bytes[0] >> 4 != 4) return std::nullopt;
  const Ipv4View view{size_t{bytes[0] & 0x0fu} * 4, loadBe16(bytes.data() + 2)};
  if (view.headerBytes < 20 || view.totalBytes < view.headerBytes || view.totalBytes > bytes.size())
    return std::nullopt;
  return view;
}

Be32 addressAt(const uint8_t* from) { return {loadUnaligned<uint32_t>(from)}; }

bool isFragment(const uint8_t* header) { return (loadBe16(header + 6) & 0x3fff) != 0; }

// The inner ECN bits after decapsulation (RFC 6040 figure 4); nullopt: the packet has to be dropped.
std::optional<uint8_t> innerEcn(uint8_t outer, uint8_t inner) {
  if (outer == ce) return inner == notEct ? std::nullopt : std::optional<uint8_t>(ce);
  return outer == ect1 && inner == ect0 ? static_cast<uint8_t>(ect1) : inner;
}

// TOS and its header's checksum.
void setEcn(uint8_t* header, uint8_t ecn) {
  const Be16 before{loadUnaligned<uint16_t>(header)};
  header[1] = static_cast<uint8_t>((header[1] & ~kEcnMask) | ecn);
  const Be16 after{loadUnaligned<uint16_t>(header)};
  const Be16 check = checksumReplace({loadUnaligned<uint16_t>(header + 10)}, before, after);
  std::memcpy(header + 10, &check.raw, sizeof check.raw);
}

// Receive offload leaves the pseudo header's sum where the checksum belongs, expecting that somebody finishes it. A raw
// socket hands that out unchanged and without a mark (measured on Linux 6.18), but the value is recognisable. On a
// packet whose checksum is right already, finishing gives the same checksum.
void finishTcpChecksum(std::span<uint8_t> packet, size_t headerBytes) {
  constexpr size_t kTcpHeaderBytes = 20, kCheckAt = 16;
  if (packet[9] != static_cast<uint8_t>(IpProtocol::tcp) || isFragment(packet.data())) return;
  const std::span<uint8_t> segment = packet.subspan(headerBytes);
  if (segment.size() < kTcpHeaderBytes) return;
  const uint64_t pseudoSum =
      pseudoHeaderSum(IpAddress::v4(addressAt(packet.data() + 12)), IpAddress::v4(addressAt(packet.data() + 16)),
                      static_cast<uint8_t>(IpProtocol::tcp), static_cast<uint32_t>(segment.size()));
  uint8_t* const field = segment.data() + kCheckAt;
  if (loadUnaligned<uint16_t>(field) != checksumFold(pseudoSum)) return;
  // The pseudo sum is in the field, so summing the segment as it is covers it.
  const Be16 check = checksum(segment.data(), segment.size());
  std::memcpy(field, &check.raw, sizeof check.raw);
}

constexpr std::string_view kVerdictNames[] = {
    "accepted",         "badOuter",          "unknownDirector",          "badInner",
    "badInnerChecksum", "notVirtualAddress", "congestionNotSignallable",
};
static_assert(std::size(kVerdictNames) == kDecapVerdicts);

Result<std::vector<uint32_t>> sortedIpv4(std::span<const IpAddress> addresses, const char* what) {
  if (addresses.empty())
    return Error::make(ErrorCode::invalidArgument, std::string("at least one ") + what + " is needed");
  std::vector<uint32_t> list;
  for (const IpAddress& address : addresses) {
    if (!address.isV4() || !isUnicast(address)) {
      return Error::make(ErrorCode::invalidArgument,
                         toString(address) + " can't be a " + what + ": IPIP takes IPv4 unicast addresses");
    }
    list.push_back(address.asV4().raw);
  }
  std::ranges::sort(list);
  return list;
}

}  // namespace

std::string_view toString(DecapVerdict verdict) { return kVerdictNames[static_cast<size_t>(verdict)]; }

Result<DecapRules> DecapRules::make(std::span<const IpAddress> directors, std::span<const IpAddress> virtualAddresses) {
  auto sources = sortedIpv4(directors, "director");
  if (!sources) return sources.error();
  auto destinations = sortedIpv4(virtualAddresses, "virtual address");
  if (!destinations) return destinations.error();
  DecapRules rules;
  rules.directors_ = std::move(sources).value();
  rules.virtualAddresses_ = std::move(destinations).value();
  return rules;
}

bool DecapRules::isDirector(Be32 address) const { return std::ranges::binary_search(directors_, address.raw); }
bool DecapRules::isVirtualAddress(Be32 address) const {
  return std::ranges::binary_search(virtualAddresses_, address.raw);
}

Decapsulated decapsulate(std::span<uint8_t> packet, const DecapRules& rules) {
  const auto outer = viewIpv4(packet);
  if (!outer || packet[9] != static_cast<uint8_t>(IpProtocol::ipip) || isFragment(packet.data())) {
    return {DecapVerdict::badOuter};
  }
  if (!rules.isDirector(addressAt(packet.data() + 12))) return {DecapVerdict::unknownDirector};

  std::span<uint8_t> inner = packet.subspan(outer->headerBytes, outer->totalBytes - outer->headerBytes);
  const auto view = viewIpv4(inner);
  if (!view) return {DecapVerdict::badInner};
  inner = inner.first(view->totalBytes);  // what lies behind is padding
  if (checksumFold(checksumAdd(inner.data(), view->headerBytes)) != 0xffff) return {DecapVerdict::badInnerChecksum};
  if (!rules.isVirtualAddress(addressAt(inner.data() + 16))) return {DecapVerdict::notVirtualAddress};

  const uint8_t was = inner[1] & kEcnMask;
  const auto ecn = innerEcn(packet[1] & kEcnMask, was);
  if (!ecn) return {DecapVerdict::congestionNotSignallable};
  if (*ecn != was) setEcn(inner.data(), *ecn);
  finishTcpChecksum(inner, view->headerBytes);
  return {DecapVerdict::accepted, inner};
}

}  // namespace tunvs
