// The fast path: a program in the kernel that sends packets of established connections on, by the director's own table
// (bpf/fast_path.c), and what keeps it up to date.
//
// The table lies in a map that the program reads, so it is made before the director. A thread of its own announces for
// the program that it has been quiescent, and follows next hops and path MTUs; whoever changes services or servers
// calls refresh(), so that a removed or failed server takes effect at once.
//
// Thread safety: one control thread calls everything; refresh() and counts() may come from any thread.
// Invariants:
//  1. The program sees no server's line while that is changed (fast_servers.h).
//  2. A removed connection is reused only when no program can hold it: the program is one more reader of the epochs.
//  3. When the object goes, the program does, before the table.
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "director/director.h"
#include "fastpath/fast_servers.h"
#include "io/os/loop_thread.h"
#include "io/route/next_hop_resolver.h"
#include "io/tc/bpf_array.h"
#include "io/tc/life_line.h"
#include "io/tc/tc_hooks.h"

namespace tunvs {

class FastPath {
 public:
  // Makes the maps, with room for `tableBytes` bytes of connection tables.
  static Result<std::unique_ptr<FastPath>> create(size_t tableBytes);
  ~FastPath();

  std::span<std::byte> table() const { return table_; }

  // Loads the program for this director, whose tables lie in table(), and joins it. Programs run nowhere yet.
  Result<void> load(Director& director, TcPlace place = {});
  // Says by which frames a real server is reached; for refresh(). start() takes the resolver's answers.
  using NextHops = std::function<std::optional<LinkHop>(const IpAddress&)>;
  void setNextHops(NextHops nextHops) { nextHops_ = std::move(nextHops); }
  // Attaches the program to the egress of TUN devices and to the ingress of others, and hands connections over from now
  // on. REQUIRES: load()
  Result<void> start(std::span<const std::string> egress, std::span<const std::string> ingress,
                     std::shared_ptr<NextHopResolver> resolver);
  // Takes the program away. Everything goes by the slow path again, and no connection is lost. REQUIRES: called before
  // the director goes
  void stop();

  void refresh();
  // Has the thread refresh as soon as it can: a path has become too narrow. Any thread may call this, and it takes no
  // time.
  void hurry();
  // Returns what the program has counted, summed over CPUs.
  KernelSums counts() const;
  bool isLoaded() const { return program_ >= 0; }
  int program() const { return program_; }
  // Returns where the program is to run, and whether it does now.
  std::vector<TcHook> hooks() const { return hooks_.list(); }

 private:
  struct alignas(64) Line {
    std::byte bytes[64];
  };
  FastPath(BpfArray<Line> region, BpfArray<FastServer> servers, BpfArray<FastSource> sources,
           BpfArray<FastTally> tallies, BpfArray<FastCounts> counts, BpfArray<FastState> state, LifeLine life,
           UniqueFd hurries, size_t cpus, TcWay way);
  Result<void> startKeeper();
  Result<UniqueFd> loadFor(TcPlace place);
  void run();
  bool lacksHops();
  void announce();

  BpfArray<Line> region_;
  BpfArray<FastServer> serverMap_;
  BpfArray<FastSource> sourceMap_;
  BpfArray<FastTally> tallyMap_;
  BpfArray<FastCounts> countMap_;
  BpfArray<FastState> stateMap_;
  LifeLine life_;
  std::span<std::byte> table_;
  const size_t cpus_;
  Director* director_ = nullptr;
  NextHops nextHops_;  // empty while it does not run
  TcHooks hooks_;
  int program_ = -1;
  UniqueFd hurries_;  // an eventfd, readable after hurry()
  std::mutex lock_;   // of the next few
  FastServers servers_;
  std::vector<FastServer> wanted_;
  size_t lacking_ = 0;  // servers whose next hops are not resolved
  uint64_t lackingUntilMs_ = 0;
  uint64_t announced_ = 0;            // the thread's own
  std::unique_ptr<LoopThread> loop_;  // null while it does not run; last: it uses all the others
};

}  // namespace tunvs
