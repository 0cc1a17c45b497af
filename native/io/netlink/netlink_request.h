// A NetlinkRequest is one message to the kernel: a header, a fixed part, and attributes, which may hold others.
//
// Thread safety: none; it is a value.
#pragma once

#include <linux/netlink.h>
#include <linux/rtnetlink.h>

#include <cassert>
#include <cstring>
#include <span>
#include <string_view>
#include <vector>

#include "core/inet.h"

namespace tunvs {

class NetlinkRequest {
 public:
  // `flags` beside NLM_F_REQUEST.
  template <typename Fixed>
  NetlinkRequest(uint16_t type, uint16_t flags, const Fixed& fixed) {
    nlmsghdr header{};
    header.nlmsg_type = type;
    header.nlmsg_flags = static_cast<uint16_t>(NLM_F_REQUEST | flags);
    append(&header, sizeof header);
    append(&fixed, sizeof fixed);
  }

  NetlinkRequest& add(uint16_t type, const void* value, size_t length) {
    assert(RTA_LENGTH(length) <= UINT16_MAX);
    const rtattr attribute{static_cast<uint16_t>(RTA_LENGTH(length)), type};
    append(&attribute, sizeof attribute);
    append(value, length);
    return *this;
  }
  NetlinkRequest& add(uint16_t type, const IpAddress& address) {
    return add(type, address.bytes.data(), address.isV4() ? 4 : 16);
  }
  // With the zero behind it.
  NetlinkRequest& add(uint16_t type, std::string_view text) {
    std::vector<char> terminated(text.begin(), text.end());
    terminated.push_back('\0');
    return add(type, terminated.data(), terminated.size());
  }
  template <typename Number>
  requires std::is_arithmetic_v<Number> NetlinkRequest& add(uint16_t type, Number value) {
    return add(type, &value, sizeof value);
  }
  // Adds an attribute that holds what `fill` adds.
  template <typename Fill>
  NetlinkRequest& nest(uint16_t type, Fill&& fill) {
    const size_t at = bytes_.size();
    const rtattr attribute{0, static_cast<uint16_t>(type | NLA_F_NESTED)};
    append(&attribute, sizeof attribute);
    fill();
    const auto length = static_cast<uint16_t>(bytes_.size() - at);
    assert(bytes_.size() - at <= UINT16_MAX);
    std::memcpy(bytes_.data() + at, &length, sizeof length);
    return *this;
  }

  // Returns the whole message, until something is added.
  std::span<uint8_t> bytes() {
    const auto length = static_cast<uint32_t>(bytes_.size());
    std::memcpy(bytes_.data() + offsetof(nlmsghdr, nlmsg_len), &length, sizeof length);
    return bytes_;
  }

 private:
  void append(const void* value, size_t length) {
    const size_t at = bytes_.size();
    bytes_.resize(at + NLMSG_ALIGN(length));
    if (length != 0) std::memcpy(bytes_.data() + at, value, length);
  }

  std::vector<uint8_t> bytes_;
};

}  // namespace tunvs
