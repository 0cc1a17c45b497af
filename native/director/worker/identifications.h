// Chooses where identifications of the director's own packets begin. Everybody may see them, so they must not reveal
// the hash's secret. Each purpose has a stream of its own.
//
// Thread safety: none; each worker has one.
#pragma once

#include <cstring>

#include "core/siphash.h"
#include "table/flow_hash.h"

namespace tunvs {

// Derives 64 bits for one purpose of one worker. It uses SipHash-2-4: whoever knows all of them but one, and the
// purpose, learns nothing of the key.
inline uint64_t derive(const HashSecret& secret, uint32_t purpose, uint32_t worker) {
  uint8_t label[8];
  std::memcpy(label, &purpose, 4);
  std::memcpy(label + 4, &worker, 4);
  return sipHash24({secret.words[2], secret.words[3]}, label);
}

// The identifications of answers. They are not consecutive: an echo reply would tell how many answers others had since
// the last (RFC 7739 section 5.3 has such a keyed stream).
class AnswerIdentifications {
 public:
  AnswerIdentifications() = default;
  AnswerIdentifications(const HashSecret& secret, uint32_t worker)
      : key_{derive(secret, 1, worker), derive(secret, 2, worker)} {}

  // Returns an identification that is never 0.
  uint16_t next() {
    const auto id = static_cast<uint16_t>(sipHash13(key_, count_++));
    return id != 0 ? id : uint16_t{1};
  }

 private:
  SipKey key_;
  uint32_t count_ = 0;
};

}  // namespace tunvs
