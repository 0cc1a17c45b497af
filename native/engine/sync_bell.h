// Wakes the thread that takes the workers' notes, if there is one.
//
// Thread safety: any thread may call everything.
#pragma once

#include <mutex>

#include "engine/sync_master.h"

namespace tunvs {

class SyncBell {
 public:
  // From now on it wakes this one; null: nobody. What it woke before is left alone from then on.
  void hang(SyncMaster* master) {
    const std::scoped_lock guard(mutex_);
    master_ = master;
  }
  void ring() {
    const std::scoped_lock guard(mutex_);
    if (master_ != nullptr) master_->wake();
  }

 private:
  std::mutex mutex_;
  SyncMaster* master_ = nullptr;
};

}  // namespace tunvs
