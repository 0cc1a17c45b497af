// Tests what maglev and rendezvous both promise, and what each does by itself.
#include <algorithm>
#include <cmath>
#include <map>

#include "scheduler/binary_log.h"
#include "scheduler/index_table.h"
#include "scheduler/table_size.h"
#include "support/random.h"
#include "support/test_flows.h"
#include "support/test_servers.h"
#include "support/testing.h"

namespace tunvs::consistent_test {
namespace {

using testing::flowFrom;
using testing::flowNumber;
using testing::TestServers;
using testing::TestService;

constexpr const char* kBoth[] = {"maglev", "rendezvous"};

std::string choices(TestService& service, uint32_t flows) {
  std::string text;
  for (uint32_t i = 0; i < flows; i++) {
    const Candidate* chosen = service.choose(flowNumber(i));
    text += chosen == nullptr ? '-' : static_cast<char>(chosen->id);
  }
  return text;
}

TEST("maglev and rendezvous choose the same however servers were added, removed and edited before") {
  for (const char* scheduler : kBoth) {
    TestServers ascending({{'A', 1}, {'B', 2}, {'C', 3}, {'D', 1}});
    TestServers other({{'C', 9}, {'X', 1}});
    TestService service(scheduler, other);
    service.change([](TestServers& s) { s.prepend('D', 1); });
    service.change([](TestServers& s) { s.append('A', 1); });
    choices(service, 100);
    service.change([](TestServers& s) { s.remove('X'); });
    service.change([](TestServers& s) { s.setWeight('C', 3); });
    service.change([](TestServers& s) { s.prepend('B', 2); });
    TestService expected(scheduler, ascending);
    CHECK_EQ(choices(service, 5000), choices(expected, 5000));
  }
}

// A change of these numbers makes directors of two versions disagree about a flow.
TEST("maglev and rendezvous choose as they always did") {
  const auto of = [](const char* scheduler) {
    TestServers servers({{'A', 1}, {'B', 2}, {'C', 3}, {'D', 1}});
    TestService service(scheduler, servers);
    return choices(service, 48);
  };
  CHECK_EQ(of("maglev"), "BDDBACCCCBBBBDDDBCBCBCACCDDACCDCBCCCABCBCCCDCBBC");
  CHECK_EQ(of("rendezvous"), "CCCDCCBBCBCBCCCCBBAACACCCAABBACCDDACCBDCBBDBCBDB");
}

TEST("maglev and rendezvous hash the client's port where they are asked to, and always its whole address") {
  for (const char* scheduler : kBoth) {
    TestServers servers({});
    for (char name = 'A'; name <= 'Z'; name++) servers.append(name, 1);
    TestService plain(scheduler, servers), withPort(scheduler, servers, {kPortFlag, 0});
    std::map<char, int> byPort, byPortFlag, byAddress;
    for (uint16_t i = 0; i < 500; i++) {
      byPort[plain.pick(flowFrom("198.51.100.7", i))]++;
      byPortFlag[withPort.pick(flowFrom("198.51.100.7", i))]++;
      // These addresses all fold to the same 32 bits.
      const std::string word = std::to_string(1000 + i);
      byAddress[plain.pick(flowFrom(("2001:db8:0:0:" + word + ":0:" + word + ":0").c_str()))]++;
    }
    CHECK_EQ(byPort.size(), 1u);
    CHECK_EQ(byPortFlag.size(), 26u);
    CHECK_EQ(byAddress.size(), 26u);
  }
}

TEST("maglev and rendezvous spread the flows of a server at its threshold over all others, and move no other flows") {
  for (const char* scheduler : kBoth) {
    TestServers servers({{'A', 1}, {'B', 1}, {'C', 1}, {'D', 1}});
    TestService service(scheduler, servers);
    const std::string before = choices(service, 4000);
    servers.overload('B');
    const std::string after = choices(service, 4000);
    std::map<char, int> heirs;
    for (size_t i = 0; i < before.size(); i++) {
      if (before[i] == 'B')
        heirs[after[i]]++;
      else if (!CHECK_EQ(after[i], before[i]))
        return;
    }
    CHECK(!heirs.contains('B'));
    for (const char name : {'A', 'C', 'D'}) CHECK(heirs[name] > 200);
    for (const char name : {'A', 'C', 'D'}) servers.overload(name);
    CHECK_EQ(service.pick(), '-');
  }
}

TEST("rendezvous moves the flows of a server that leaves, and those that a server wins by weight, and no others") {
  TestServers servers({{'A', 3}, {'B', 2}, {'C', 5}, {'D', 1}});
  TestService service("rendezvous", servers);
  const std::string before = choices(service, 20000);
  service.change([](TestServers& s) { s.remove('B'); });
  const std::string without = choices(service, 20000);
  service.change([](TestServers& s) { s.append('B', 4); });
  const std::string heavier = choices(service, 20000);
  for (size_t i = 0; i < before.size(); i++) {
    if (before[i] != 'B' && !CHECK_EQ(without[i], before[i])) return;
    if (heavier[i] != 'B' && !CHECK_EQ(heavier[i], before[i])) return;
    if (before[i] == 'B' && !CHECK_EQ(heavier[i], 'B')) return;
  }
}

TEST("rendezvous gives each server slots by its weight, as near as chance allows") {
  TestServers servers({{'A', 1}, {'B', 10}, {'C', 100}, {'D', 1000}, {'E', 0}});
  TestService service("rendezvous", servers, {0, 1u << 20});
  constexpr int kFlows = 200000;
  std::map<char, int> counts;
  for (const char c : choices(service, kFlows)) counts[c]++;
  for (const auto& [name, weight] : {std::pair{'A', 1}, {'B', 10}, {'C', 100}, {'D', 1000}}) {
    const double share = weight / 1111.0;
    CHECK(std::abs(counts[name] - kFlows * share) < 5 * std::sqrt(kFlows * share * (1 - share)));
  }
  CHECK_EQ(counts['E'], 0);
}

TEST("maglev gives each server its weight's share of the slots to within two") {
  testing::Random random(3);
  for (int run = 0; run < 20; run++) {
    TestServers servers({});
    double total = 0;
    std::map<char, double> weights;
    for (int i = 0; i < 20; i++) {
      const char name = static_cast<char>('A' + i);
      const int32_t weight = random.oneIn(5) ? 0 : static_cast<int32_t>(random.below(run < 10 ? 10 : 1000000));
      servers.append(name, weight);
      total += weights[name] = weight;
    }
    TestService service("maglev", servers);
    const auto& table = static_cast<const IndexTable&>(*service.prepared());
    std::map<char, int> counts;
    for (size_t i = 0; i < table.slots.size(); i++) counts[static_cast<char>(table.at(servers.list(), i)->id)]++;
    for (const auto& [name, weight] : weights) CHECK(std::abs(counts[name] - 65537 * weight / total) <= 2);
  }
}

TEST("maglev and rendezvous take the table sizes that suit them") {
  const Scheduler& maglev = *schedulerByName("maglev");
  for (const uint32_t size : {0u, 251u, 65537u, 16777213u}) CHECK(maglev.check({0, size}, 1).ok());
  for (const uint32_t size : {241u, 65536u, 65539u * 3, 16777259u}) CHECK(!maglev.check({0, size}, 1).ok());
  CHECK(!maglev.check({0, 251}, 252).ok());
  const Scheduler& rendezvous = *schedulerByName("rendezvous");
  for (const uint32_t size : {0u, 256u, 1000u, 1u << 24}) CHECK(rendezvous.check({0, size}, 1).ok());
  for (const uint32_t size : {255u, (1u << 24) + 1}) CHECK(!rendezvous.check({0, size}, 1).ok());
  for (const char* other : {"rr", "wlc", "lblc", "p2c"}) CHECK(!schedulerByName(other)->check({0, 256}, 1).ok());
}

TEST("maglev with one slot for each server uses them all") {
  TestServers servers({});
  TestService service("maglev", servers, {0, 251});
  CHECK_EQ(service.pick(), '-');
}

TEST("primes are told from other numbers") {
  std::vector<uint32_t> primes;
  for (uint32_t n = 0; n < 60; n++) {
    if (isPrime(n)) primes.push_back(n);
  }
  CHECK(primes == (std::vector<uint32_t>{2, 3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43, 47, 53, 59}));
  CHECK(isPrime(4294967291));
  CHECK(!isPrime(65521 * 65537u));
}

TEST("the binary logarithm is the real one to 31 digits, and exact for powers of two") {
  for (int i = 0; i < 64; i++) CHECK_EQ(binaryLog(uint64_t{1} << i), static_cast<uint64_t>(i) << 32);
  testing::Random random(5);
  for (int i = 0; i < 10000; i++) {
    const uint64_t x = (random.next() >> random.below(64)) | 1;
    const double exact = std::log2(static_cast<double>(x));
    const double got = static_cast<double>(binaryLog(x)) / 4294967296.0;
    if (!CHECK(got <= exact + 1e-12 && exact - got < 1e-9)) return;
  }
}

}  // namespace
}  // namespace tunvs::consistent_test
