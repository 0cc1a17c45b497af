#include "table/flow_hash.h"

#include <set>
#include <vector>

#include "support/random.h"
#include "support/testing.h"

namespace tunvs::flow_hash_test {
namespace {

FlowKey flow(uint32_t client, uint16_t port, uint8_t protocol = 6) {
  return FlowKey::make(IpAddress::v4(Be32::from(client)), Be16::from(port), IpAddress::v4(192, 0, 2, 10),
                       Be16::from(80), protocol);
}

FlowKey flow6(uint32_t client, uint16_t port) {
  uint8_t bytes[16] = {0x20, 0x01, 0x0d, 0xb8};
  storeBe32(bytes + 12, client);
  const uint8_t virtualBytes[16] = {0x20, 0x01, 0x0d, 0xb8, 1};
  return FlowKey::make(IpAddress::v6(bytes), Be16::from(port), IpAddress::v6(virtualBytes), Be16::from(80), 6);
}

// Returns Pearson's statistic of `counts` against an even spread; its mean is counts.size() - 1, its variance twice
// that.
double chiSquared(const std::vector<uint32_t>& counts, double expected) {
  double sum = 0;
  for (const uint32_t count : counts) sum += (count - expected) * (count - expected) / expected;
  return sum;
}

// Real clients come like this: few addresses with consecutive ports, or many addresses with one port.
template <typename KeyOf>
void checkSpread(const char* what, KeyOf&& keyOf, unsigned shift, size_t buckets) {
  constexpr uint32_t kFlows = 1 << 17;
  const HashSecret secret = HashSecret::fromSeed(42);
  std::vector<uint32_t> counts(buckets);
  for (uint32_t i = 0; i < kFlows; i++) counts[(flowHash(keyOf(i), secret) >> shift & 0xffffffff) * buckets >> 32]++;
  const double statistic = chiSquared(counts, double{kFlows} / static_cast<double>(buckets));
  const double freedom = static_cast<double>(buckets - 1);
  // The limit is eight standard deviations: a good hash fails once in 10^15 secrets, a poor one always.
  if (statistic > freedom + 8 * __builtin_sqrt(2 * freedom))
    testing::fail(__FILE__, __LINE__, std::string(what) + " spread badly");
}

TEST("likely flows spread evenly over shards, buckets and tags") {
  const auto byPort = [](uint32_t i) { return flow(0xc6336407 + i / 60000, static_cast<uint16_t>(1024 + i % 60000)); };
  const auto byClient = [](uint32_t i) { return flow(0x0a000000 + i, 40000); };
  const auto bySubnet = [](uint32_t i) { return flow(0x0a000000 + i * 256, 40000); };
  const auto byClient6 = [](uint32_t i) { return flow6(i, 40000); };
  const auto byPort6 = [](uint32_t i) { return flow6(i >> 14, static_cast<uint16_t>(i & 0x3fff)); };
  for (const unsigned shift : {0u, 32u}) {  // the low half chooses the bucket, the high half the shard
    for (const size_t buckets : {32, 1000, 4096}) {
      checkSpread("consecutive ports", byPort, shift, buckets);
      checkSpread("consecutive clients", byClient, shift, buckets);
      checkSpread("one client per subnet", bySubnet, shift, buckets);
      checkSpread("consecutive IPv6 clients", byClient6, shift, buckets);
      checkSpread("consecutive IPv6 ports", byPort6, shift, buckets);
    }
  }
}

TEST("flows that share a shard spread over its buckets") {
  const HashSecret secret = HashSecret::fromSeed(7);
  std::vector<uint32_t> counts(256);
  uint32_t taken = 0;
  for (uint32_t i = 0; taken < 1 << 15; i++) {
    const uint64_t hash = flowHash(flow(0x0a000000 + i, 40000), secret);
    if (hash >> 59 != 0) continue;  // the first of 32 shards
    counts[(hash & 0xffffffff) >> 24]++;
    taken++;
  }
  CHECK(chiSquared(counts, 128) < 255 + 8 * __builtin_sqrt(2.0 * 255));
}

TEST("every part of the key affects the hash") {
  const HashSecret secret = HashSecret::fromSeed(1);
  for (const FlowKey& base : {flow(0x0a000001, 1000), flow6(1, 1000)}) {
    std::vector<FlowKey> keys = {base};
    const size_t words = base.isV4() ? 1 : 4;
    for (size_t word = 0; word < words; word++) {
      for (int bit = 0; bit < 64; bit++) {
        keys.push_back(base);
        keys.back().words[word] ^= uint64_t{1} << bit;
      }
    }
    for (int bit = 0; bit < 48; bit++) {  // ports, protocol and kind
      keys.push_back(base);
      keys.back().tail ^= uint64_t{1} << bit;
    }
    std::set<uint64_t> hashes;
    for (const auto& key : keys) hashes.insert(flowHash(key, secret));
    CHECK_EQ(hashes.size(), keys.size());
  }
}

TEST("keys that collide under one secret do not collide under another") {
  const HashSecret first = HashSecret::fromSeed(1), second = HashSecret::fromSeed(2);
  std::vector<FlowKey> sameBucket;
  for (uint32_t i = 0; sameBucket.size() < 512; i++) {
    const FlowKey key = flow(0x0a000000 + i, 40000);
    if ((flowHash(key, first) & 0xffffffff) >> 24 == 0) sameBucket.push_back(key);
  }
  std::vector<uint32_t> counts(256);
  for (const auto& key : sameBucket) counts[(flowHash(key, second) & 0xffffffff) >> 24]++;
  CHECK(chiSquared(counts, 2) < 255 + 8 * __builtin_sqrt(2.0 * 255));
}

TEST("equal seeds give equal secrets, and other seeds others") {
  const HashSecret a = HashSecret::fromSeed(5), b = HashSecret::fromSeed(5), c = HashSecret::fromSeed(6);
  CHECK(std::memcmp(&a, &b, sizeof a) == 0);
  for (size_t i = 0; i < 6; i++) CHECK(a.words[i] != c.words[i]);
  CHECK_EQ(a.finish & 1, 1u);
}

TEST("a flow key is split again into what made it") {
  const FlowKey v4 = flow(0xc6336407, 40000, 17);
  CHECK_EQ(v4.clientPort().host(), 40000);
  CHECK_EQ(v4.virtualPort().host(), 80);
  CHECK_EQ(v4.protocol(), 17);
  CHECK(v4.kind() == FlowKind::connection);
  CHECK_EQ(toString(v4.client()), "198.51.100.7");
  CHECK_EQ(toString(v4.virtualAddress()), "192.0.2.10");
  const FlowKey v6 = flow6(9, 1);
  CHECK_EQ(toString(v6.client()), "2001:db8::9");
  CHECK_EQ(toString(v6.virtualAddress()), "2001:db8:100::");
  CHECK(!(v4 == v6));
}

}  // namespace
}  // namespace tunvs::flow_hash_test
