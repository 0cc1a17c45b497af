#include "core/inet.h"

#include <arpa/inet.h>

namespace tunvs {

Result<IpAddress> parseIpAddress(std::string_view text) {
  const std::string terminated(text.substr(0, text.find('\0')));
  uint8_t bytes[16];
  if (terminated.size() != text.size()) {
    return Error::make(ErrorCode::invalidArgument,
                       "'" + terminated + "' with a NUL behind it is not an IPv4 or IPv6 address");
  }
  if (inet_pton(AF_INET, terminated.c_str(), bytes) == 1) {
    return IpAddress::v4(bytes[0], bytes[1], bytes[2], bytes[3]);
  }
  if (inet_pton(AF_INET6, terminated.c_str(), bytes) == 1) return IpAddress::v6(bytes);
  return Error::make(ErrorCode::invalidArgument, "'" + terminated + "' is not an IPv4 or IPv6 address");
}

std::string toString(const IpAddress& address) {
  char text[INET6_ADDRSTRLEN];
  inet_ntop(address.isV4() ? AF_INET : AF_INET6, address.bytes.data(), text, sizeof text);
  return text;
}

bool isUnicast(const IpAddress& address) {
  if (address.isV4()) {
    const uint8_t first = address.bytes[0];
    return first != 0 && first != 127 && first < 224;
  }
  if (address.bytes[0] == 0xff) return false;
  for (size_t i = 0; i < 15; i++) {
    if (address.bytes[i] != 0) return true;
  }
  return address.bytes[15] > 1;
}

}  // namespace tunvs
