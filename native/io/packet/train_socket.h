// A TrainSocket sends trains of GUE datagrams (packet/gue_train.h) through an AF_PACKET socket with PACKET_VNET_HDR:
// one call sends up to 64 datagrams, and whoever is last able to cut them does, which may be the network card.
//
// A UDP socket with UDP_SEGMENT has its kernel do the same, but takes source port and hop limit from the socket. Here
// they are the flow's, as with every other egress.
//
// Thread safety: none; it belongs to one worker.
// Invariants:
//  1. A train that the kernel does not take is never lost for being a train: send() says how far it came, and the
//     caller cuts the rest.
//  2. A kernel that can't cut trains gets no more of them, nor does a way out that takes segments alone.
#pragma once

#include <sys/socket.h>

#include <atomic>
#include <cstdint>
#include <memory>

#include "core/result.h"
#include "io/os/unique_fd.h"
#include "io/port/egress.h"
#include "io/route/next_hop_table.h"
#include "packet/packet_vector.h"

namespace tunvs {

class TrainSocket {
 public:
  using SendTo = ssize_t (*)(int fd, const void* bytes, size_t length, int flags, const sockaddr* to,
                             socklen_t toBytes);

  // Needs CAP_NET_RAW. `sendTo` is sendto(2), or a test's stand-in for it.
  static Result<std::unique_ptr<TrainSocket>> open(bool bypassesQdisc = false, SendTo sendTo = ::sendto);

  // Sends segments of `packet` (packet/segmenter.h), and returns how many: those are counted in `result`, sent or
  // dropped. The caller is to cut and send all others. Those are all of them when the packet can't go as a train, is
  // too long for the path, or the kernel can't cut trains.
  size_t send(const OutputPacket& packet, const LinkHop& hop, SendResult& result);
  // The caller has sent all the segments that the last send() left to it, and none was dropped. When that happens time
  // and again after a refusal, it was the train that stood in the way, and no full queue.
  void segmentsWent();

  bool isOn() const { return isOn_; }
  // Counts the packets of which the kernel did not take a train.
  uint64_t refused() const { return refused_.load(std::memory_order_relaxed); }

 private:
  TrainSocket(UniqueFd socket, SendTo sendTo);
  // Sends the train at the front of room_ and returns 0 or an errno.
  int sendTrain(const Packet& train, const LinkHop& hop, bool isV6);
  void countRefusal();

  UniqueFd socket_;
  SendTo sendTo_;
  std::unique_ptr<uint8_t[]> room_;  // virtio header, Ethernet header, train
  bool isOn_ = true;
  bool wasRefused_ = false;           // a train of the last send()
  int inRow_ = 0;                     // refusals whose segments went, since a train was sent
  std::atomic<uint64_t> refused_{0};  // written by the worker, read by the control thread
};

}  // namespace tunvs
