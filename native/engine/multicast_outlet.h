// Sends a master's messages to a multicast group, as IPVS does, by one socket for each port.
//
// It sends without waiting. What a socket does not take waits in a queue, and what finds no room there is lost and
// counted.
#pragma once

#include <deque>
#include <memory>
#include <vector>

#include "core/result.h"
#include "engine/sync_options.h"
#include "engine/sync_outlet.h"
#include "io/os/unique_fd.h"

namespace tunvs {

class MulticastOutlet final : public SyncOutlet {
 public:
  // `queueMax`: how many messages may wait, of all ports. REQUIRES: it outlives this
  static Result<std::unique_ptr<MulticastOutlet>> open(const SyncOptions& options, const std::atomic<size_t>& queueMax);

  void send(size_t port, std::span<const uint8_t> message, size_t records, uint64_t nowMs) override;
  // Nobody would notice.
  void skip() override {}
  void turn(uint64_t nowMs) override;
  void addWaits(std::vector<pollfd>& waits) const override;
  uint64_t waitMs(uint64_t) const override { return UINT64_MAX; }

 private:
  MulticastOutlet(std::vector<UniqueFd> sockets, const std::atomic<size_t>& queueMax)
      : sockets_(std::move(sockets)), queues_(sockets_.size()), queueMax_(queueMax) {}
  // Returns false when the socket can take nothing now.
  bool sendNow(size_t port, std::span<const uint8_t> message, size_t records);

  struct Waiting {
    std::vector<uint8_t> message;
    size_t records;
  };
  std::vector<UniqueFd> sockets_;
  std::vector<std::deque<Waiting>> queues_;  // by port
  size_t queued_ = 0;
  const std::atomic<size_t>& queueMax_;
};

}  // namespace tunvs
