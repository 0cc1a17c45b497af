// Splits a datagram of netlink into its messages, and those into their attributes, for all who read them.
#pragma once

#include <linux/netlink.h>
#include <linux/rtnetlink.h>

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <optional>
#include <span>
#include <string>

#include "core/inet.h"

namespace tunvs {

// Calls `visit(header, message)` for each whole message, as long as it returns true. Returns true when the datagram
// held nothing else and every visit returned true.
template <typename Visit>
bool forEachNetlinkMessage(std::span<const uint8_t> datagram, Visit&& visit) {
  while (datagram.size() >= NLMSG_HDRLEN) {
    const auto header = loadUnaligned<nlmsghdr>(datagram.data());
    if (header.nlmsg_len < NLMSG_HDRLEN || header.nlmsg_len > datagram.size()) return false;
    if (!visit(header, datagram.first(header.nlmsg_len))) return false;
    datagram = datagram.subspan(std::min<size_t>(NLMSG_ALIGN(header.nlmsg_len), datagram.size()));
  }
  return datagram.empty();
}

struct NetlinkAttribute {
  uint16_t type;
  std::span<const uint8_t> value;

  template <typename T>
  T as() const {
    return value.size() >= sizeof(T) ? loadUnaligned<T>(value.data()) : T{};
  }
  std::string text() const {
    const auto* begin = reinterpret_cast<const char*>(value.data());
    return {begin, strnlen(begin, value.size())};
  }
  std::optional<IpAddress> address() const {
    if (value.size() == 4) return IpAddress::v4({loadUnaligned<uint32_t>(value.data())});
    if (value.size() == 16) return IpAddress::v6(value.data());
    return std::nullopt;
  }
};

// Calls `visit` for each attribute; false when a length is inconsistent.
template <typename Visit>
bool forEachAttribute(std::span<const uint8_t> bytes, Visit visit) {
  while (bytes.size() >= sizeof(rtattr)) {
    const auto header = loadUnaligned<rtattr>(bytes.data());
    if (header.rta_len < sizeof(rtattr) || header.rta_len > bytes.size()) return false;
    visit(NetlinkAttribute{static_cast<uint16_t>(header.rta_type & NLA_TYPE_MASK),
                           bytes.subspan(sizeof(rtattr), header.rta_len - sizeof(rtattr))});
    bytes = bytes.subspan(std::min<size_t>(RTA_ALIGN(header.rta_len), bytes.size()));
  }
  return true;
}

// A NetlinkBody holds the body of a message of `type`, split into its fixed part and its attributes.
template <typename Fixed>
struct NetlinkBody {
  Fixed fixed;
  std::span<const uint8_t> attributes;
};

template <typename Fixed>
std::optional<NetlinkBody<Fixed>> netlinkBodyOf(std::span<const uint8_t> message, uint16_t type) {
  if (message.size() < NLMSG_HDRLEN + sizeof(Fixed)) return std::nullopt;
  const auto header = loadUnaligned<nlmsghdr>(message.data());
  if (header.nlmsg_type != type || header.nlmsg_len < NLMSG_HDRLEN + sizeof(Fixed) ||
      header.nlmsg_len > message.size()) {
    return std::nullopt;
  }
  const size_t start = std::min<size_t>(NLMSG_HDRLEN + NLMSG_ALIGN(sizeof(Fixed)), header.nlmsg_len);
  return NetlinkBody<Fixed>{loadUnaligned<Fixed>(message.data() + NLMSG_HDRLEN),
                            message.subspan(start, header.nlmsg_len - start)};
}

}  // namespace tunvs
