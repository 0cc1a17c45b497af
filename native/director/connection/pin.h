// A Pin leads the packets of one flow to one real server, whatever the server's state: a health check takes the way of
// clients' packets that way. It also notes what became of them.
//
// Thread safety: what is not atomic is written before the pin can be found, or under `lock`.
#pragma once

#include <array>
#include <atomic>
#include <optional>

#include "core/flow_key.h"
#include "core/spin_lock.h"
#include "core/ticks.h"
#include "director/config/service_key.h"
#include "director/counters/verdict.h"
#include "packet/parse.h"
#include "packet/quote.h"

namespace tunvs {

struct PinRequest {
  FlowKey flow;  // of kind `connection`, seen from the client: the check's own socket
  ServiceKey service;
  ServerKey server;
  Tick ttl = 0;          // [1, ticksFromSeconds(kMaxPinSeconds)]
  uint8_t hopLimit = 0;  // TTL or hop limit that this host's own packets of the flow have; 0: any
  // By NAT, the key of what the server answers: its packets leave with the virtual address as their source, or with one
  // of full NAT's, so that the answers come back here and not to the host, which would not know the server.
  std::optional<FlowKey> reply = {};
};
inline constexpr uint32_t kMaxPinSeconds = 3600;

// An ICMP error about a pinned flow.
struct PinError {
  IpAddress from;
  uint8_t type = 0, code = 0;
  bool isOfTunnel = false;  // it quotes a tunnel packet; otherwise it quotes the flow's own packet

  friend bool operator==(const PinError&, const PinError&) = default;
};

struct PinReport {
  uint64_t packets = 0, bytes = 0;         // forwarded, without outer headers
  std::array<uint32_t, kVerdicts> kept{};  // packets that were not forwarded, by their verdicts
  std::optional<PinError> error;           // the last; one about the tunnel is not replaced by any other
};

class Pin {
 public:
  Pin(const PinRequest& request, uint32_t serverId, Tick deadlineAt)
      : flow(request.flow), reply(request.reply), server(serverId), hopLimit(request.hopLimit), deadline(deadlineAt) {}

  const FlowKey flow;
  const std::optional<FlowKey> reply;
  const uint32_t server;  // stable id
  const uint8_t hopLimit;
  uint32_t name = 0;           // see Pins::isName()
  std::atomic<Tick> deadline;  // from then on the pin leads nowhere
  std::atomic<Pin*> next{nullptr};
  std::atomic<Pin*> nextReply{nullptr};

  bool isOver(Tick now) const { return reached(now, deadline.load(std::memory_order_relaxed)); }

  // Tells whether a packet of the flow may be this host's own. A router lowers the TTL of what it forwards, so a packet
  // with a TTL of 255 comes from this host (RFC 5082).
  bool takes(const ParsedPacket& parsed) const { return hopLimit == 0 || parsed.ttl == hopLimit; }

  void countForwarded(const ParsedPacket& parsed) {
    packets_.fetch_add(1, std::memory_order_relaxed);
    bytes_.fetch_add(parsed.length, std::memory_order_relaxed);
    if (parsed.packetClass != PacketClass::flow || parsed.protocol != static_cast<uint8_t>(IpProtocol::tcp)) return;
    const uint32_t sequence = loadBe32(parsed.data + parsed.transport + 4);
    uint64_t none = 0;
    firstSequence_.compare_exchange_strong(none, kIsSet | sequence, std::memory_order_relaxed);
    lastSequence_.store(sequence + parsed.length - parsed.transport, std::memory_order_relaxed);
  }
  void countKept(Verdict verdict) { kept_[static_cast<size_t>(verdict)].fetch_add(1, std::memory_order_relaxed); }
  // Tells whether a packet of the flow that an error quotes may be one that was sent. In TCP nobody else knows the
  // sequence numbers. `bytes` begins with the packet's IP header.
  bool mayHaveSent(const Quote& quote, std::span<const uint8_t> bytes) const {
    if (quote.protocol != static_cast<uint8_t>(IpProtocol::tcp)) return true;
    const uint64_t first = firstSequence_.load(std::memory_order_relaxed);
    if (first == 0 || quote.quotedBytes < quote.headerBytes + 8) return false;
    const auto begin = static_cast<uint32_t>(first);
    return loadBe32(bytes.data() + quote.headerBytes + 4) - begin <=
           lastSequence_.load(std::memory_order_relaxed) - begin;
  }
  // Nobody complains of a packet that was not sent.
  void note(const PinError& error) {
    if (packets_.load(std::memory_order_relaxed) == 0) return;
    SpinGuard guard(lock_);
    if (!error_ || !error_->isOfTunnel || error.isOfTunnel) error_ = error;
  }

  PinReport report() {
    PinReport report{packets_.load(std::memory_order_relaxed), bytes_.load(std::memory_order_relaxed), {}, {}};
    for (size_t i = 0; i < kVerdicts; i++) report.kept[i] = kept_[i].load(std::memory_order_relaxed);
    SpinGuard guard(lock_);
    report.error = error_;
    return report;
  }

 private:
  std::atomic<uint64_t> packets_{0}, bytes_{0};
  std::array<std::atomic<uint32_t>, kVerdicts> kept_{};
  static constexpr uint64_t kIsSet = uint64_t{1} << 32;
  std::atomic<uint64_t> firstSequence_{0};  // TCP's, with kIsSet; 0: nothing was sent
  std::atomic<uint32_t> lastSequence_{0};   // behind the last packet
  SpinLock lock_;
  std::optional<PinError> error_;
};

}  // namespace tunvs
