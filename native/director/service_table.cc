#include "director/service_table.h"

#include <bit>

namespace tunvs {

void ServiceTable::index() {
  slots_.clear();
  mask_ = 0;
  if (services_.empty()) return;
  const size_t size = std::bit_ceil(services_.size() * 2 + 1);
  slots_.assign(size, nullptr);
  mask_ = size - 1;
  for (const auto& service : services_) {
    const FlowKey key =
        FlowKey::make(service->key.address, {}, service->key.address, Be16::from(service->key.port), service->key.protocol);
    size_t i = hashOf(key.words, key.virtualPort(), key.protocol(), key.family) & mask_;
    while (slots_[i] != nullptr) i = (i + 1) & mask_;
    slots_[i] = service.get();
  }
}

}  // namespace tunvs
