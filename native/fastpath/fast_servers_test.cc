#include "fastpath/fast_servers.h"

#include "support/testing.h"

namespace tunvs::fast_servers_test {
namespace {

using namespace tunvs::testing;

std::vector<FastServer> lines;
std::vector<std::vector<uint32_t>> seenWaiting;  // ifindex of each line, at each wait
bool waitFails = false;

Result<void> wait() {
  if (waitFails) return Error::make(ErrorCode::system, "no barrier");
  auto& seen = seenWaiting.emplace_back();
  for (const FastServer& line : lines) seen.push_back(line.ifindex);
  return {};
}

FastServer lineTo(uint32_t ifindex, uint8_t mac, uint32_t longest = 1480) {
  FastServer line{};
  line.ifindex = ifindex;
  line.longest = longest;
  line.macs[0] = mac;
  return line;
}

FastServers fresh(size_t count) {
  lines.assign(count, FastServer{});
  seenWaiting.clear();
  waitFails = false;
  return FastServers(lines, wait);
}

TEST("a server's new line needs no wait, as no program has read it") {
  FastServers servers = fresh(2);
  CHECK_EQ(servers.set({{lineTo(3, 1)}}), 1u);
  CHECK_EQ(lines[0].ifindex, 3u);
  CHECK_EQ(seenWaiting.size(), 0u);
}

TEST("a server's line is away while the programs that may have read it end") {
  FastServers servers = fresh(2);
  servers.set({{lineTo(3, 1), lineTo(3, 2)}});
  servers.set({{lineTo(3, 9), lineTo(3, 2)}});
  REQUIRE(seenWaiting.size() == 1);
  CHECK_EQ(seenWaiting[0][0], 0u);
  CHECK_EQ(seenWaiting[0][1], 3u);
  CHECK_EQ(lines[0].macs[0], 9);
  CHECK_EQ(lines[0].ifindex, 3u);
}

TEST("a line that was taken away comes back only after a wait") {
  FastServers servers = fresh(1);
  servers.set({{lineTo(3, 1)}});
  servers.set({});
  CHECK_EQ(lines[0].ifindex, 0u);
  CHECK_EQ(seenWaiting.size(), 0u);
  servers.set({{lineTo(3, 1)}});
  CHECK_EQ(seenWaiting.size(), 1u);
  CHECK_EQ(lines[0].ifindex, 3u);
}

TEST("what is one word of a line changes at once") {
  FastServers servers = fresh(1);
  servers.set({{lineTo(3, 1)}});
  servers.set({{lineTo(3, 1, 900)}});
  CHECK_EQ(lines[0].longest, 900u);
  CHECK_EQ(lines[0].ifindex, 3u);
  CHECK_EQ(seenWaiting.size(), 0u);
}

TEST("without a wait no line is changed, and its packets take the slow path until there is one") {
  FastServers servers = fresh(1);
  servers.set({{lineTo(3, 1)}});
  waitFails = true;
  CHECK_EQ(servers.set({{lineTo(3, 9)}}), 0u);
  CHECK_EQ(lines[0].ifindex, 0u);
  waitFails = false;
  CHECK_EQ(servers.set({{lineTo(3, 9)}}), 1u);
  CHECK_EQ(lines[0].macs[0], 9);
}

}  // namespace
}  // namespace tunvs::fast_servers_test
