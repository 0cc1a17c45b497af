#include "scheduler/table.h"

#include <map>

#include "support/test_flows.h"
#include "support/test_servers.h"
#include "support/testing.h"

namespace tunvs::table_test {
namespace {

using testing::TestServers;

FlowKey flowOf(uint32_t client, uint16_t port) {
  return FlowKey::make(IpAddress::v4(Be32::from(0xc6336400 + client)), Be16::from(port), IpAddress::v4(192, 0, 2, 1),
                       Be16::from(80), 6);
}

// Makes slots that name the servers in turn.
IndexTable turns(size_t slots, uint32_t servers) {
  IndexTable table(slots);
  for (size_t i = 0; i < slots; i++) table.slots[i] = static_cast<uint32_t>(i % servers);
  return table;
}

char letterOf(const Candidate* server) { return server == nullptr ? '-' : static_cast<char>(server->id); }

TEST("a table gives a client the same server whatever its port, unless the port is hashed too") {
  TestServers servers{{'A', 1}, {'B', 1}, {'C', 1}};
  const IndexTable table = turns(999, 3);
  std::map<char, int> byPort;
  for (uint16_t port = 1024; port < 1324; port++) {
    CHECK_EQ(letterOf(pickFromTable(table, servers.list(), flowOf(7, port), false)),
             letterOf(pickFromTable(table, servers.list(), flowOf(7, 1), false)));
    byPort[letterOf(pickFromTable(table, servers.list(), flowOf(7, port), true))]++;
  }
  for (const char name : {'A', 'B', 'C'}) CHECK(byPort[name] > 60);
}

TEST("a table gives the servers their shares of its slots") {
  TestServers servers{{'A', 1}, {'B', 1}};
  IndexTable table(10);
  for (size_t i = 0; i < 10; i++) table.slots[i] = i < 3 ? 0 : 1;
  int ofA = 0;
  for (uint32_t client = 0; client < 10000; client++)
    ofA += letterOf(pickFromTable(table, servers.list(), flowOf(client, 1), false)) == 'A' ? 1 : 0;
  CHECK(ofA > 2800 && ofA < 3200);
}

TEST("a table never gives a server of weight 0 or an overloaded one, and moves no others' clients") {
  TestServers servers{{'A', 1}, {'B', 1}, {'C', 1}, {'D', 1}};
  const IndexTable table = turns(400, 4);
  std::map<uint32_t, char> before;
  for (uint32_t client = 0; client < 2000; client++)
    before[client] = letterOf(pickFromTable(table, servers.list(), flowOf(client, 1), false));
  servers.setWeight('B', 0);
  servers.overload('C');
  std::map<char, int> moved;
  for (const auto& [client, name] : before) {
    const char now = letterOf(pickFromTable(table, servers.list(), flowOf(client, 1), false));
    if (name == 'A' || name == 'D') {
      if (!CHECK_EQ(now, name)) return;
    } else {
      moved[now]++;
    }
  }
  CHECK_EQ(moved['B'] + moved['C'] + moved['-'], 0);
  CHECK(moved['A'] > 350 && moved['D'] > 350);
}

TEST("a table whose neighbouring slots name one server still spreads its clients when it may not be chosen") {
  TestServers servers{{'A', 1}, {'B', 1}};
  IndexTable table(100000);
  for (size_t i = 0; i < table.slots.size(); i++) table.slots[i] = i < table.slots.size() / 2 ? 0 : 1;
  servers.setWeight('A', 0);
  for (uint32_t client = 0; client < 500; client++)
    if (!CHECK_EQ(letterOf(pickFromTable(table, servers.list(), flowOf(client, 1), false)), 'B')) return;
}

TEST("a table without a usable server chooses nobody") {
  TestServers servers{{'A', 0}};
  CHECK_EQ(letterOf(pickFromTable(turns(10, 1), servers.list(), flowOf(1, 1), false)), '-');
  CHECK_EQ(letterOf(pickFromTable(IndexTable(10), servers.list(), flowOf(1, 1), false)), '-');
}

}  // namespace
}  // namespace tunvs::table_test
