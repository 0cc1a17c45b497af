// A TcpEvent or SctpEvent is what a packet means to its connection's state: a column of the TCP and SCTP state tables.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

namespace tunvs {

enum class TcpEvent : uint8_t { syn, fin, ack, rst, none, kCount };

// RST decides before SYN, SYN before FIN, FIN before ACK.
constexpr TcpEvent judgeTcpFlags(uint8_t flags) {
  if ((flags & 0x04) != 0) return TcpEvent::rst;
  if ((flags & 0x02) != 0) return TcpEvent::syn;
  if ((flags & 0x01) != 0) return TcpEvent::fin;
  if ((flags & 0x10) != 0) return TcpEvent::ack;
  return TcpEvent::none;
}
// A look-up takes the packet path fewer instructions than the questions do.
inline constexpr auto kTcpEvents = [] {
  std::array<TcpEvent, 32> events{};
  for (uint8_t flags = 0; flags < events.size(); flags++) events[flags] = judgeTcpFlags(flags);
  return events;
}();
constexpr TcpEvent tcpEventOf(uint8_t flags) { return kTcpEvents[flags & 0x1f]; }

enum class SctpEvent : uint8_t {
  data,
  init,
  initAck,
  cookieEcho,
  cookieAck,
  shutdown,
  shutdownAck,
  shutdownComplete,
  error,
  abort,
  kCount,
};

// Takes the event from the first chunk's type (RFC 9260 section 3.2); an ABORT bundled behind COOKIE ECHO or COOKIE ACK
// counts as one. `segment` begins with the common header. REQUIRES: segment.size() >= 16
SctpEvent sctpEventOf(std::span<const uint8_t> segment);

}  // namespace tunvs
