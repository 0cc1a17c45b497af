#include "engine/peer_outlet.h"

#include <sys/socket.h>
#include <time.h>

#include <algorithm>

namespace tunvs {
namespace {

constexpr size_t kUsualBytes = 1400;  // which goes through most networks; longer messages gain little
constexpr uint64_t kReconnectMs = 2000;
constexpr size_t kAnswerRoomBytes = 2048;  // more than any answer of a peer
constexpr size_t kAnswersPerTurn = 64;     // of each peer

// Returns a number that is greater than that of a master that was here before, unless the clock was put back.
uint64_t drawSession() {
  timespec now{};
  ::clock_gettime(CLOCK_REALTIME, &now);
  return static_cast<uint64_t>(now.tv_sec) * 1'000'000'000 + static_cast<uint64_t>(now.tv_nsec);
}

}  // namespace

Result<std::unique_ptr<PeerOutlet>> PeerOutlet::open(Director& director, const SyncOptions& options) {
  std::vector<UniqueFd> sockets;
  for (const PeerAddress& peer : options.peers) {
    auto opened = openUdpFor({peer.address, peer.port, options.interface, options.bufferBytes});
    if (!opened) return opened.error();
    sockets.push_back(std::move(opened).value());
  }
  return std::unique_ptr<PeerOutlet>(new PeerOutlet(director, options, std::move(sockets), drawSession()));
}

PeerOutlet::PeerOutlet(Director& director, const SyncOptions& options, std::vector<UniqueFd> sockets, uint64_t session)
    : seal_(options.keys), maxBytes_(options.maxBytes == 0 ? kUsualBytes : options.maxBytes) {
  for (size_t i = 0; i < sockets.size(); i++)
    maxBytes_ =
        std::min(maxBytes_, unfragmentedBytes(sockets[i].get(), options.peers[i].address) - peerOverhead(seal_));
  maxBytes_ = std::max(maxBytes_, SyncSender::kLeastBytes);
  for (size_t i = 0; i < sockets.size(); i++) {
    const auto& [address, port] = options.peers[i];
    Peer& peer = peers_.emplace_back(
        Peer{{address, port, options.interface, options.bufferBytes}, std::move(sockets[i]), {}, {}});
    peer.reader = std::make_unique<TableReader>(director, options.syncid, maxBytes_);
    peer.teller = std::make_unique<PeerTeller>(
        options.syncid, seal_, session + i, *peer.reader,
        [this, fd = peer.socket.get()](std::span<const uint8_t> datagram) { return sendTo(fd, datagram); });
  }
}

bool PeerOutlet::sendTo(int socket, std::span<const uint8_t> datagram) {
  const auto sent =
      retryOnInterrupt([&] { return ::send(socket, datagram.data(), datagram.size(), MSG_DONTWAIT | MSG_NOSIGNAL); });
  // A peer that is not there is its report's matter.
  const bool isNobodyThere =
      errno == ECONNREFUSED || errno == EDESTADDRREQ || errno == ENETUNREACH || errno == EHOSTUNREACH;
  if (sent < 0 && !isNobodyThere) raise(counts.messagesFailed);
  if (sent < 0) return false;
  raise(counts.messages);
  raise(counts.bytes, datagram.size());
  return true;
}

void PeerOutlet::send(size_t, std::span<const uint8_t> message, size_t records, uint64_t nowMs) {
  const std::scoped_lock guard(mutex_);
  for (Peer& peer : peers_) peer.teller->tell(message, nowMs);
  raise(counts.records, records);
}

void PeerOutlet::skip() {
  const std::scoped_lock guard(mutex_);
  for (Peer& peer : peers_) peer.teller->skip();
}

void PeerOutlet::turn(uint64_t nowMs) {
  const std::scoped_lock guard(mutex_);
  for (Peer& peer : peers_) {
    receive(peer, nowMs);
    keepConnected(peer, nowMs);
    peer.teller->turn(nowMs);
  }
}

// What a peer is reached by may have changed since.
void PeerOutlet::keepConnected(Peer& peer, uint64_t nowMs) {
  if (peer.teller->report(nowMs).state != PeerState::away || nowMs - peer.connectedMs < kReconnectMs) return;
  peer.connectedMs = nowMs;
  reconnectUdp(peer.socket.get(), peer.to);
}

void PeerOutlet::receive(Peer& peer, uint64_t nowMs) {
  uint8_t room[kAnswerRoomBytes];
  for (size_t i = 0; i < kAnswersPerTurn; i++) {
    const auto received =
        retryOnInterrupt([&] { return ::recv(peer.socket.get(), room, sizeof room, MSG_DONTWAIT | MSG_TRUNC); });
    if (received < 0) return;
    const auto bytes = static_cast<size_t>(received);
    const std::optional<SyncRefusal> refusal =
        bytes > sizeof room ? SyncRefusal::peerCut : peer.teller->take({room, bytes}, nowMs);
    if (refusal) peer.refusals.add(*refusal);
  }
}

void PeerOutlet::addWaits(std::vector<pollfd>& waits) const {
  for (const Peer& peer : peers_) waits.push_back({peer.socket.get(), POLLIN, 0});
}

uint64_t PeerOutlet::waitMs(uint64_t nowMs) const {
  uint64_t least = UINT64_MAX;
  for (const Peer& peer : peers_) least = std::min(least, peer.teller->waitMs(nowMs));
  return least;
}

std::vector<PeerOutlet::Report> PeerOutlet::reports(uint64_t nowMs) const {
  const std::scoped_lock guard(mutex_);
  std::vector<Report> reports;
  for (const Peer& peer : peers_)
    reports.push_back({{peer.to.address, peer.to.port}, peer.teller->report(nowMs), peer.refusals});
  return reports;
}

}  // namespace tunvs
