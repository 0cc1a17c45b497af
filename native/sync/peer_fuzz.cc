// Whatever comes to a master or a backup from its peer, signed or not: each reads within the datagram, a backup without
// the key learns nothing, and two who believe each other get on again when the noise has ended.
//
// An input is a byte of settings, and datagrams: two bytes of length, with the direction in the highest bit, and the
// bytes. A first byte of 0 in a datagram stands for one that was sent before, which the second byte chooses, with a
// byte of it changed where the third says so.
#include <cstdlib>

#include "support/peer_link.h"

using namespace tunvs;
using namespace tunvs::testing;

namespace {

void require(bool holds) {
  if (!holds) std::abort();
}

Bytes chosen(const PeerLink& link, std::span<const uint8_t> given) {
  if (given.size() < 4 || given[0] != 0 || link.recorded.empty()) return bytesOf(given);
  Bytes datagram = link.recorded[given[1] % link.recorded.size()].second;
  if (given[2] != 0)
    datagram[given[2] % datagram.size()] = static_cast<uint8_t>(datagram[given[2] % datagram.size()] ^ given[3]);
  return datagram;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  const bool isSigned = (data[0] & 1) != 0;
  PeerLink link(data[0], isSigned ? PeerLink::kKeys : std::vector<std::string>{});
  for (int i = 0; i < 5; i++) link.addUntold();
  link.pass(data[0] & 2 ? 300 : 1, 1);
  std::span<const uint8_t> rest(data + 1, size - 1);
  for (int i = 0; i < 64 && rest.size() >= 2; i++) {
    const size_t head = loadBe16(rest.data());
    rest = rest.subspan(2);
    const auto given = rest.first(std::min<size_t>(head & 0x7fff, rest.size()));
    rest = rest.subspan(given.size());
    const Bytes datagram = chosen(link, given);
    if ((head & 0x8000) != 0) {
      link.toMaster(datagram);
    } else {
      link.toBackup(datagram);
    }
    link.pass(1);
  }
  if (!isSigned) return 0;
  // Nothing was learned that the master has not told.
  for (const auto& [number, count] : link.had) require(number >= 1 && number <= link.told());
  link.pass(PeerListener::kAgainMs + 5000);
  require(link.hasAll());
  return 0;
}
