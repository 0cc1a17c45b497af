#include "director/config/server_pool.h"

namespace tunvs {

Result<uint32_t> ServerPool::add() {
  uint32_t id;
  if (!free_.empty()) {
    id = free_.back();
    free_.pop_back();
    Chunk& chunk = chunkOf(id);
    new (&chunk.states[id % kChunk]) ServerState();
    for (size_t worker = 0; worker < workers_; worker++) new (&counters(worker, id)) ServerCounters();
    kernel_.clear(id);
    chunk.pathMtus[id % kChunk].forget();
    chunk.references[id % kChunk].store(0, std::memory_order_relaxed);
    return id;
  }
  if (used_ == kMaxServers) {
    return Error::make(ErrorCode::limit,
                       "there are " + std::to_string(kMaxServers) + " real servers already; remove some first");
  }
  id = used_++;
  auto& chunk = chunks_[id / kChunk];
  if (chunk == nullptr) chunk = std::make_unique<Chunk>(workers_);
  return id;
}

void ServerPool::adopt(std::span<const uint32_t> ids) {
  for (const uint32_t id : ids) {
    for (; used_ < id; used_++) free_.push_back(used_);
    used_ = id + 1;
    for (uint32_t chunk = 0; chunk <= id / kChunk; chunk++) {
      if (chunks_[chunk] == nullptr) chunks_[chunk] = std::make_unique<Chunk>(workers_);
    }
  }
}

}  // namespace tunvs
