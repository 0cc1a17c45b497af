#include "director/connection/foresee_source.h"

#include <algorithm>

#include "core/split_mix.h"
#include "director/connection/translations.h"

namespace tunvs {

Verdict foreseeSource(const NatSources& sources, const ConnTable& conns, const NewSource& wanted) {
  const auto& [server, at, protocol, over] = wanted;
  const uint64_t capacity = sources.capacity(at.address.family);
  if (capacity == 0) return Verdict::dropNoSource;
  const bool isGiven = over != nullptr && isTranslated(*over);
  const Conn* const given = isGiven ? conns.named(over->control.load(std::memory_order_relaxed)) : nullptr;
  const auto tries = static_cast<uint32_t>(std::min<uint64_t>(capacity, Translations::kTries));
  const uint64_t next = server.state->nextSource.load(std::memory_order_relaxed);
  SplitMix64 places(next);
  for (uint32_t i = 0; i < tries; i++) {
    const bool jumps = i >= Translations::kTriesInTurn && capacity > Translations::kTries;
    const Endpoint source = sources.at(at.address.family, jumps ? places.below(capacity) : (next + i) % capacity);
    const FlowKey key = FlowKey::make(at.address, at.port, source.address, source.port, protocol);
    const Conn* const found = conns.find(key, conns.hash(key));
    if (found == nullptr || found == given) return Verdict::forwarded;
  }
  return Verdict::dropNoPort;
}

}  // namespace tunvs
