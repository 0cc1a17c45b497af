#include "director/connection/foresee_source.h"

#include <algorithm>

#include "core/split_mix.h"
#include "director/connection/translations.h"

namespace tunvs {
namespace {

// The table says it, as it does when a pair is taken: of all pairs, or of some of many.
bool isAnyFree(const NatSources& sources, const ConnTable& conns, const NewSource& wanted, const Conn* given) {
  const Endpoint& at = wanted.at;
  const uint64_t capacity = sources.capacity(at.address.family);
  const bool isAll = Translations::looksAtAll(capacity);
  SplitMix64 places(capacity);
  for (uint64_t i = 0; i < std::min<uint64_t>(capacity, Translations::kTries); i++) {
    const Endpoint source = sources.at(at.address.family, isAll ? i : places.below(capacity));
    const FlowKey key = FlowKey::make(at.address, at.port, source.address, source.port, wanted.protocol);
    const Conn* const found = conns.find(key, conns.hash(key));
    if (found == nullptr || found == given) return true;
  }
  return false;
}

}  // namespace

Verdict foreseeSource(const NatSources& sources, const ConnTable& conns, const NewSource& wanted) {
  const Conn* const over = wanted.over;
  if (sources.capacity(wanted.at.address.family) == 0) return Verdict::dropNoSource;
  const bool isGiven = over != nullptr && isTranslated(*over);
  const Conn* const given = isGiven ? conns.named(over->control.load(std::memory_order_relaxed)) : nullptr;
  return isAnyFree(sources, conns, wanted, given) ? Verdict::forwarded : Verdict::dropNoPort;
}

}  // namespace tunvs
