// Holds what the director is told at its start and does not change: its addresses, the path's MTU, how it answers.
#pragma once

#include <optional>

#include "core/inet.h"
#include "director/config/nat_sources.h"

namespace tunvs {

// The source addresses of outer packets (DIP). If the prefix is shorter than the address, a flow's hash picks an
// address of the range, so that receive-side scaling and ECMP at the real servers see many pairs of addresses.
struct SourceRange {
  static constexpr size_t kMaxAddresses = 64;  // a longer range is used in even steps

  IpAddress base;       // host bits are zero when prefix is shorter than the address
  uint8_t prefix = 32;  // [1, 32] or [1, 128]

  bool contains(const IpAddress& address) const;
  // Returns how many addresses are used: a power of two, [1, kMaxAddresses].
  size_t count() const;
  IpAddress at(size_t index) const;  // index < count()
};

// Parses an address, or ADDRESS/PREFIX.
Result<SourceRange> parseSourceRange(std::string_view text);

enum class PingReply : uint8_t { always, whenUp, never };
enum class NoServerReply : uint8_t { unreachable, reset };
// What becomes of a packet that a real server's service sends to a client without a connection: it would show the
// server's address. IPVS lets it pass.
enum class UnmatchedReplies : uint8_t { drop, pass };

std::optional<PingReply> pingReplyByName(std::string_view name);                // always, when-up, never
std::optional<NoServerReply> noServerReplyByName(std::string_view name);        // unreachable, reset
std::optional<UnmatchedReplies> unmatchedRepliesByName(std::string_view name);  // drop, pass

struct Settings {
  std::optional<SourceRange> v4, v6;
  uint32_t pathMtu = 1500;      // bytes, to the real servers; [576, 65535]
  uint16_t pathMtuFloor = 552;  // bytes: an ICMP error makes no path narrower than this (for IPv6: than 1280 at least)
  PingReply pingReply = PingReply::always;
  NoServerReply noServerReply = NoServerReply::unreachable;
  UnmatchedReplies unmatchedReplies = UnmatchedReplies::drop;
  NatSources natSources;  // of full NAT
  // The host routes a packet to the director, and routes it on once it is rewritten. With this the director takes the
  // place of one of the two hops: it puts one back.
  bool returnsHop = false;

  const std::optional<SourceRange>& source(Family family) const { return family == Family::ipv4 ? v4 : v6; }
  // Tells whether the director itself gets packets for this address that is no virtual one.
  bool takes(const IpAddress& address) const { return isOwnAddress(address) || natSources.contains(address); }
  bool isOwnAddress(const IpAddress& address) const {
    const auto& range = source(address.family);
    return range.has_value() && range->contains(address);
  }
};

}  // namespace tunvs
