// A PacketEgress sends frames through an AF_PACKET socket. They bypass the kernel's IP output path, which is most of
// what sending costs.
//
// Thread safety: as Egress; the resolver is shared.
//
// Because of the bypass, netfilter's output rules, IPsec policies and socket accounting do not see these packets; use
// the raw egress where those are needed. Some packets go through a raw egress even here: those whose next hop is not
// resolved, lies behind a link without Ethernet addresses or is this host itself, those that need fragmenting, and
// answers to clients. So no packet waits here, and only real servers have a place in the resolver and in `slots_`.
#pragma once

#include <linux/if_packet.h>

#include <array>
#include <memory>
#include <vector>

#include "io/os/unique_fd.h"
#include "io/packet/raw_egress.h"
#include "io/packet/train_socket.h"
#include "io/port/egress.h"
#include "io/port/segment_burst.h"
#include "io/port/send_each.h"
#include "io/route/next_hop_resolver.h"
#include "packet/packet_vector.h"

namespace tunvs {

struct PacketEgressOptions {
  // Bypasses the queueing discipline too: this is cheaper, but traffic shaping is lost and a full driver ring drops at
  // once.
  bool bypassesQdisc = false;
  // Sends GUE in trains (io/packet/train_socket.h) where the kernel takes them.
  bool sendsTrains = false;
  TrainSocket::SendTo sendTrain = ::sendto;  // or a test's stand-in for it
};

class PacketEgress final : public Egress {
 public:
  // Needs CAP_NET_RAW.
  static Result<std::unique_ptr<PacketEgress>> open(std::shared_ptr<NextHopResolver> resolver,
                                                    const PacketEgressOptions& options = {});

  std::string_view name() const override { return "packet"; }
  // Writes a link header in front of each packet.
  SendResult send(std::span<const OutputPacket> packets) override;
  // Takes GUE packets that are still to be cut and want outer checksums, while trains work.
  bool canOffload(const OutputPacket& packet) const override { return packet.sealsOuter && trains_ && trains_->isOn(); }
  bool sendsTrains() const override { return trains_ != nullptr; }
  uint64_t offloadsRefused() const override { return trains_ ? trains_->refused() : 0; }
  SendResult sendAnswers(std::span<const OutputPacket> packets) override { return raw_->send(packets); }

 private:
  // A Slot is a worker's own copy of an answer of the resolver.
  struct Slot {
    IpAddress nextHop;
    uint64_t generation = 0;  // valid while this is the resolver's ...
    uint64_t expiresMs = 0;   // ... and until then
    bool isResolved = false;
    LinkHop hop;
  };
  static constexpr size_t kWays = 4;
  static constexpr size_t kSets = 256;

  PacketEgress(UniqueFd socket, std::unique_ptr<RawEgress> raw, std::shared_ptr<NextHopResolver> resolver);
  const Slot& slotFor(const IpAddress& nextHop, uint64_t generation, uint64_t nowMs);
  // REQUIRES: packets.size() <= kVectorSize
  void sendVector(std::span<const OutputPacket> packets, SendResult& result);

  // Sends a packet that is still to be cut as trains, and cuts what can't go so.
  void sendWhole(const OutputPacket& packet, uint64_t generation, uint64_t nowMs, SendResult& result);

  UniqueFd socket_;
  std::unique_ptr<TrainSocket> trains_;  // null: none are sent
  SegmentRoom room_;
  std::unique_ptr<RawEgress> raw_;
  std::shared_ptr<NextHopResolver> resolver_;
  std::vector<Slot> slots_;  // kSets sets of kWays
  // There is one message per frame; only addresses and lengths change from send to send.
  std::array<mmsghdr, kVectorSize> messages_{};
  std::array<iovec, kVectorSize> parts_{};
  std::array<sockaddr_ll, kVectorSize> addresses_{};
};

}  // namespace tunvs
