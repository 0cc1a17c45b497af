// What tests of a director have in common whose workers are threads.
#pragma once

#include <atomic>
#include <thread>
#include <vector>

#include "support/random.h"
#include "support/test_director.h"
#include "support/testing.h"

namespace tunvs::testing {

// Runs `work(worker)` in a thread each, for workers from 0 on. The control thread goes on meanwhile.
//
// Thread safety: none; it belongs to the control thread.
class WorkerThreads {
 public:
  template <typename Work>
  WorkerThreads(size_t workers, const Work& work) : working_(workers) {
    for (size_t worker = 0; worker < workers; worker++) {
      threads_.emplace_back([this, work, worker] {
        work(worker);
        working_--;
      });
    }
  }
  ~WorkerThreads() { join(); }
  WorkerThreads(const WorkerThreads&) = delete;
  WorkerThreads& operator=(const WorkerThreads&) = delete;

  bool areWorking() const { return working_.load() > 0; }
  void join() {
    for (auto& thread : threads_) thread.join();
    threads_.clear();
  }

 private:
  std::atomic<size_t> working_;
  std::vector<std::thread> threads_;
};

// Leaves and enters again, as a worker does that has to wait for packets.
inline void pauseWorker(Director& director, size_t worker) {
  director.leave(worker);
  std::this_thread::yield();
  director.enter(worker);
}

// Does what a worker thread does, without the device, for so many vectors of the packets that `somePacket(random)`
// makes.
template <typename SomePacket>
void workThrough(Director& director, size_t worker, const std::atomic<Tick>& clock, int vectors,
                 const SomePacket& somePacket) {
  Random random(worker + 1);
  OutputVector out;
  for (int i = 0; i < vectors; i++) {
    std::vector<HeldPacket> held;
    std::vector<Packet> packets;
    for (uint32_t left = random.below(kVectorSize + 1); left > 0; left--) held.emplace_back(somePacket(random));
    for (auto& packet : held) packets.push_back(packet.packet());
    const Tick now = clock.load(std::memory_order_relaxed);
    director.process(worker, packets, now, out);
    if (random.oneIn(4)) director.expire(worker, now, random.oneIn(2), 200);
    if (random.oneIn(16)) pauseWorker(director, worker);
  }
  director.leave(worker);
}

// Checks that no connection is left, nor a count of one.
inline void checkNothingLeft(const TestDirector& t) {
  CHECK_EQ(t.director.connectionCount(), 0u);
  for (const auto& service : t.rows()) {
    for (const auto& server : service.servers) {
      CHECK_EQ((Counts{server.active, server.inactive}), Counts{});
      CHECK_EQ(server.persistent, 0);
      CHECK(!server.overloaded);
    }
  }
}

}  // namespace tunvs::testing
