#include "engine/peer_inlet.h"

#include <sys/random.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>

#include "io/os/socket_address.h"
#include "io/os/udp_socket.h"

namespace tunvs {
namespace {

// A host draws its numbers for good at its boot, so this does not fail while a director runs; and without randomness
// there must be no session.
uint64_t drawNumber() {
  uint64_t number = 0;
  while (::getrandom(&number, sizeof number, 0) != static_cast<ssize_t>(sizeof number)) {
  }
  return number;
}

// Tells whether a socket of IPv4 is enough.
bool areAllV4(const std::vector<PeerAddress>& peers) {
  return std::ranges::all_of(peers, [](const PeerAddress& peer) { return peer.address.isV4(); });
}

// Writes an address of IPv4 as a socket of IPv6 has it.
socklen_t toAddressOf(bool isV4Socket, sockaddr_storage& storage, const PeerAddress& to) {
  if (isV4Socket || !to.address.isV4()) return toSocketAddress(storage, to.address, to.port);
  auto& in = reinterpret_cast<sockaddr_in6&>(storage);
  in.sin6_family = AF_INET6;
  in.sin6_port = htons(to.port);
  in.sin6_addr = toIn6(to.address);
  return sizeof in;
}

}  // namespace

Result<std::unique_ptr<PeerInlet>> PeerInlet::open(const SyncOptions& options) {
  IpAddress any;
  any.family = areAllV4(options.peers) ? Family::ipv4 : Family::ipv6;
  auto opened = openUdpAt({any, options.port, options.interface, options.bufferBytes});
  if (!opened) return opened.error();
  return std::unique_ptr<PeerInlet>(new PeerInlet(options, std::move(opened).value()));
}

PeerInlet::PeerInlet(const SyncOptions& options, UniqueFd socket)
    : socket_(std::move(socket)), isV4_(areAllV4(options.peers)), seal_(options.keys) {
  peers_.reserve(options.peers.size());
  for (const PeerAddress& each : options.peers) {
    Peer& peer = peers_.emplace_back(Peer{each.address, {}, {}, {}});
    peer.listener = std::make_unique<PeerListener>(
        options.syncid, seal_, drawNumber,
        [this, &peer](std::span<const uint8_t> datagram, const PeerAddress& to) { send(datagram, to, peer.local); });
  }
}

void PeerInlet::send(std::span<const uint8_t> datagram, const PeerAddress& to, const std::optional<IpAddress>& from) {
  sockaddr_storage address{};
  iovec data{const_cast<uint8_t*>(datagram.data()), datagram.size()};
  alignas(cmsghdr) std::array<uint8_t, kPacketInfoBytes> control;
  msghdr header{};
  header.msg_name = &address;
  header.msg_namelen = toAddressOf(isV4_, address, to);
  header.msg_iov = &data;
  header.msg_iovlen = 1;
  if (from) {
    header.msg_control = control.data();
    header.msg_controllen = writeLocalAddress(control, *from, isV4_);
  }
  // What is lost is asked for again.
  static_cast<void>(retryOnInterrupt([&] { return ::sendmsg(socket_.get(), &header, MSG_DONTWAIT | MSG_NOSIGNAL); }));
}

std::optional<SyncRefusal> PeerInlet::take(std::span<const uint8_t> datagram, const PeerAddress& from,
                                           const std::optional<IpAddress>& local, uint64_t nowMs,
                                           const PeerListener::Apply& apply) {
  const std::scoped_lock guard(mutex_);
  const auto peer = std::ranges::find(peers_, from.address, &Peer::address);
  if (peer == peers_.end()) return SyncRefusal::senderUnknown;
  peer->local = local;
  const auto refusal = peer->listener->take(datagram, from, nowMs, apply);
  if (refusal) peer->refusals.add(*refusal);
  return refusal;
}

void PeerInlet::turn(uint64_t nowMs) {
  const std::scoped_lock guard(mutex_);
  for (Peer& peer : peers_) peer.listener->turn(nowMs);
}

uint64_t PeerInlet::waitMs(uint64_t nowMs) const {
  const std::scoped_lock guard(mutex_);
  uint64_t least = UINT64_MAX;
  for (const Peer& peer : peers_) least = std::min(least, peer.listener->waitMs(nowMs).value_or(UINT64_MAX));
  return least;
}

std::vector<PeerInlet::Report> PeerInlet::reports(uint64_t nowMs) const {
  const std::scoped_lock guard(mutex_);
  std::vector<Report> reports;
  for (const Peer& peer : peers_) reports.push_back({peer.address, peer.listener->report(nowMs), peer.refusals});
  return reports;
}

}  // namespace tunvs
