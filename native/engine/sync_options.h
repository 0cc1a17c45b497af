// How a role of connection sync runs.
#pragma once

#include <algorithm>
#include <string>
#include <vector>

#include "core/inet.h"
#include "core/result.h"
#include "io/multicast/multicast_socket.h"
#include "io/os/udp_socket.h"
#include "sync/peer_datagram.h"
#include "sync/sync_sender.h"

namespace tunvs {

struct SyncOptions {
  std::string interface;
  uint8_t syncid = 0;   // a backup with 0 takes messages of any
  size_t maxBytes = 0;  // of a message; 0: as many as go unfragmented
  IpAddress group = IpAddress::v4(224, 0, 0, 81);
  uint16_t port = 8848;  // the first of `ports`
  uint8_t ttl = 1;       // [1, 255]
  size_t ports = 1;      // a power of two, <= SyncSender::kMaxPorts; port + ports <= 65536
  int bufferBytes = 0;   // of each socket; 0: the host's default
  // With peers there is no group: a master sends to each, and a backup takes what comes from each, at `port`. `ports`
  // is 1 then, and the interface may be "", for any.
  std::vector<PeerAddress> peers;
  std::vector<std::string> keys;  // the first signs, and all are believed; empty: nothing is signed
};

inline MulticastOptions socketOptions(const SyncOptions& options, size_t port) {
  return {options.interface, options.group, static_cast<uint16_t>(options.port + port), options.ttl,
          options.bufferBytes};
}

// Returns how long a message may be, on an interface of this MTU: no longer than goes unfragmented.
inline size_t messageBytes(const SyncOptions& options, uint32_t mtu) {
  const size_t headers = options.group.isV4() ? kIpv4UdpBytes : kIpv6UdpBytes;
  const size_t most = std::clamp<size_t>(mtu, SyncSender::kLeastBytes + headers, 65535 + headers) - headers;
  return options.maxBytes == 0 ? most : std::clamp(options.maxBytes, SyncSender::kLeastBytes, most);
}

}  // namespace tunvs
