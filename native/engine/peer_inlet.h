// Takes what masters send to this host as their peer, by one socket, and answers them.
//
// Thread safety: the backup's thread calls everything but reports(), which any thread calls.
#pragma once

#include <memory>
#include <mutex>
#include <optional>
#include <vector>

#include "core/result.h"
#include "engine/sync_options.h"
#include "io/os/unique_fd.h"
#include "sync/peer_listener.h"

namespace tunvs {

class PeerInlet {
 public:
  static Result<std::unique_ptr<PeerInlet>> open(const SyncOptions& options);

  int socket() const { return socket_.get(); }
  // Takes a datagram for the address `local` of this host, from which it is answered, and gives the message in it to
  // `apply`, if there is one. Returns why not.
  std::optional<SyncRefusal> take(std::span<const uint8_t> datagram, const PeerAddress& from,
                                  const std::optional<IpAddress>& local, uint64_t nowMs,
                                  const PeerListener::Apply& apply);
  // Sends what is due.
  void turn(uint64_t nowMs);
  // Returns how long until turn() has something to do, unless something comes.
  uint64_t waitMs(uint64_t nowMs) const;

  struct Report {
    IpAddress peer;
    PeerListener::Report heard;
    PeerRefusals refusals;
  };
  std::vector<Report> reports(uint64_t nowMs) const;

 private:
  struct Peer {
    IpAddress address;
    std::unique_ptr<PeerListener> listener;
    std::optional<IpAddress> local;  // at which the peer has spoken last
    PeerRefusals refusals;
  };
  PeerInlet(const SyncOptions& options, UniqueFd socket);
  void send(std::span<const uint8_t> datagram, const PeerAddress& to, const std::optional<IpAddress>& from);

  UniqueFd socket_;
  bool isV4_;  // the socket
  const PeerSeal seal_;
  mutable std::mutex mutex_;
  std::vector<Peer> peers_;
};

}  // namespace tunvs
