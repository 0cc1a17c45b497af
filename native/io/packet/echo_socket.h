// An EchoSocket sends one echo request (ping) to an address and reads what comes of it.
//
// Thread safety: one thread at a time.
// Invariants:
//  1. Only the pinged address answers: the socket is connected, and the kernel keeps the messages of others away.
//  2. An answer or an ICMP error counts only if it has the identifier, the sequence number and (an answer) the payload
//     of the request, as a raw socket also sees what belongs to the pings of others.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "core/inet.h"
#include "io/os/unique_fd.h"

namespace tunvs {

struct EchoOutcome {
  bool isAnswered = false;
  // The rest is of an error.
  int errnoValue = 0;
  bool isIcmp = false;  // somebody has said it by ICMP
  uint8_t type = 0;
  uint8_t code = 0;
  IpAddress from;  // of the ICMP error
};

class EchoSocket {
 public:
  enum class Kind : uint8_t {
    any,  // a datagram socket if net.ipv4.ping_group_range allows it, or else a raw one
    raw,  // needs CAP_NET_RAW
  };

  // Opens the socket and sends the request. `identifier` is that of a raw socket; the kernel chooses another for a
  // datagram socket.
  static Result<EchoSocket> send(const IpAddress& to, uint16_t identifier, uint16_t sequence,
                                 std::span<const uint8_t> payload, Kind kind = Kind::any);

  // Returns nothing while nothing has come of it. A call reads a bounded number of messages; the descriptor stays
  // readable if there are more.
  std::optional<EchoOutcome> receive();
  // Is readable, or in error, when receive() has something to read.
  int descriptor() const { return socket_.get(); }
  bool isRaw() const { return isRaw_; }

 private:
  EchoSocket() = default;
  Result<void> prepare();
  Result<void> connect();
  Result<void> transmit();
  bool isAnswer(std::span<const uint8_t> message) const;
  bool isRequest(std::span<const uint8_t> quoted) const;
  std::optional<EchoOutcome> readError();
  std::optional<EchoOutcome> readMessage(bool& isEmpty);

  UniqueFd socket_;
  IpAddress to_;
  bool isRaw_ = false;
  std::vector<uint8_t> request_;  // with its header
  std::vector<uint8_t> room_;
};

}  // namespace tunvs
