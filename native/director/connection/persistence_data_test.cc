#include "director/connection/persistence_data.h"

#include "support/testing.h"

namespace tunvs::persistence_data_test {
namespace {

constexpr uint32_t kReferences = 100 * PersistenceData::kPage;

TEST("engine data is kept by family and reference, replaced and forgotten") {
  PersistenceData data(kReferences);
  const uint64_t empty = data.bytes();
  for (const uint32_t reference : {1u, PersistenceData::kPage - 1, PersistenceData::kPage, kReferences - 1}) {
    data.set(Family::ipv4, reference, "four");
    data.set(Family::ipv6, reference, "six");
    CHECK(data.is(Family::ipv4, reference, "four"));
    CHECK(!data.is(Family::ipv6, reference, "four"));
    data.set(Family::ipv4, reference, "another");
    CHECK_EQ(data.get(Family::ipv4, reference), "another");
    CHECK_EQ(data.get(Family::ipv4, reference - 1), "");
    data.erase(Family::ipv4, reference);
    data.erase(Family::ipv4, reference);
    CHECK_EQ(data.get(Family::ipv4, reference), "");
    CHECK_EQ(data.get(Family::ipv6, reference), "six");
    data.erase(Family::ipv6, reference);
    CHECK_EQ(data.bytes(), empty);
  }
}

TEST("a piece of engine data costs at most the making of a page, however many there are, and its bytes are counted") {
  PersistenceData data(kReferences);
  const std::string callId(40, 'a');
  const uint64_t pageBytes = PersistenceData::kPage * sizeof(void*) + 64,
                 pieceBytes = callId.size() + sizeof callId + 64;
  uint64_t largest = 0, before = data.bytes();
  const uint64_t empty = before;
  for (uint32_t reference = 0; reference < kReferences; reference++) {
    data.set(Family::ipv4, reference, callId);
    largest = std::max(largest, data.bytes() - before);
    before = data.bytes();
  }
  CHECK(largest <= pageBytes + pieceBytes);
  CHECK(before - empty >= kReferences * callId.size());
  for (uint32_t reference = 0; reference < kReferences; reference++) data.erase(Family::ipv4, reference);
  CHECK_EQ(data.bytes(), empty);
}

}  // namespace
}  // namespace tunvs::persistence_data_test
