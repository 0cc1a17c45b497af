// A TcpEvent or SctpEvent is what a packet means to its connection's state: a column of the TCP and SCTP state tables.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace tunvs {

enum class TcpEvent : uint8_t { syn, fin, ack, rst, none, kCount };

// RST decides before SYN, SYN before FIN, FIN before ACK.
constexpr TcpEvent tcpEventOf(uint8_t flags) {
  if ((flags & 0x04) != 0) return TcpEvent::rst;
  if ((flags & 0x02) != 0) return TcpEvent::syn;
  if ((flags & 0x01) != 0) return TcpEvent::fin;
  if ((flags & 0x10) != 0) return TcpEvent::ack;
  return TcpEvent::none;
}

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
