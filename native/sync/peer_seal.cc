#include "sync/peer_seal.h"

#include <algorithm>

namespace tunvs {

PeerSeal::PeerSeal(std::span<const std::string> keys) {
  for (const std::string& key : keys)
    keys_.emplace_back(std::span(reinterpret_cast<const uint8_t*>(key.data()), key.size()));
}

void PeerSeal::seal(std::span<uint8_t> datagram) const {
  if (!isSigning()) return;
  const auto digest = keys_.front().of(datagram.first(datagram.size() - kBytes));
  std::ranges::copy(std::span(digest).first(kBytes), datagram.last(kBytes).begin());
}

bool PeerSeal::holds(std::span<const uint8_t> datagram) const {
  if (!isSigning()) return true;
  const auto given = datagram.last(kBytes);
  bool isAny = false;
  for (const HmacSha256& key : keys_) {
    const auto digest = key.of(datagram.first(datagram.size() - kBytes));
    // It takes as long for a wrong byte at the end as for one at the beginning.
    uint8_t difference = 0;
    for (size_t i = 0; i < kBytes; i++) difference = static_cast<uint8_t>(difference | (digest[i] ^ given[i]));
    isAny = isAny || difference == 0;
  }
  return isAny;
}

}  // namespace tunvs
