// Sends a master's messages to its peers, each by a socket of its own, and hears from them.
//
// Thread safety: the master's thread calls everything but reports(), which any thread calls.
#pragma once

#include <memory>
#include <mutex>
#include <vector>

#include "engine/sync_options.h"
#include "engine/sync_outlet.h"
#include "engine/table_reader.h"
#include "io/os/udp_socket.h"
#include "io/os/unique_fd.h"

namespace tunvs {

class PeerOutlet final : public SyncOutlet {
 public:
  // REQUIRES: the director outlives this
  static Result<std::unique_ptr<PeerOutlet>> open(Director& director, const SyncOptions& options);

  // Returns how long messages may be.
  size_t maxBytes() const { return maxBytes_; }

  void send(size_t port, std::span<const uint8_t> message, size_t records, uint64_t nowMs) override;
  void skip() override;
  void turn(uint64_t nowMs) override;
  void addWaits(std::vector<pollfd>& waits) const override;
  uint64_t waitMs(uint64_t nowMs) const override;

  struct Report {
    PeerAddress peer;
    PeerTeller::Report told;
    PeerRefusals refusals;
  };
  std::vector<Report> reports(uint64_t nowMs) const;

 private:
  struct Peer {
    UdpOptions to;
    UniqueFd socket;
    std::unique_ptr<TableReader> reader;
    std::unique_ptr<PeerTeller> teller;
    uint64_t connectedMs = 0;
    PeerRefusals refusals;
  };
  PeerOutlet(Director& director, const SyncOptions& options, std::vector<UniqueFd> sockets, uint64_t session);
  bool sendTo(int socket, std::span<const uint8_t> datagram);
  void receive(Peer& peer, uint64_t nowMs);
  static void keepConnected(Peer& peer, uint64_t nowMs);

  const PeerSeal seal_;
  size_t maxBytes_;
  mutable std::mutex mutex_;
  std::vector<Peer> peers_;
};

}  // namespace tunvs
