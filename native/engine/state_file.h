// The state of a director in a file on tmpfs: the connection tables, and what their servers are. The workers work in it
// as they run, so nothing is saved, and nothing can be too late. A process that is started again, or another version of
// this program, finds there what a killed one has left (Director::Memory).
//
//   header (4096 bytes) │ directory of servers │ notes of connections │ tables of IPv4 and IPv6
//
// It lies in memory as a whole from the start: whoever writes into a hole of a file whose file system is full is killed
// by SIGBUS. A lock on the file says that its director runs, and is gone with it.
//
// Thread safety: none.
#pragma once

#include <memory>
#include <stop_token>
#include <string>

#include "core/result.h"
#include "director/director.h"
#include "io/os/thread.h"
#include "io/os/unique_fd.h"

namespace tunvs {

class StateFile {
 public:
  static constexpr std::string_view kName = "state";
  // Names the way in which all of it is laid out: what has another one is not taken.
  static std::string layout();

  // Opens the file in `folder`, or makes it there. What it holds is taken if a director like this one has left it;
  // why() says so otherwise, and the file is empty then. Fails when a director has it, when others than its owner could
  // write it, and when it can't be.
  static Result<StateFile> open(const std::string& folder, const DirectorOptions& options);

  StateFile(StateFile&& other) noexcept;
  StateFile& operator=(StateFile&&) = delete;
  ~StateFile();

  const Director::Memory& memory() const { return memory_; }
  // Moves the memory into huge pages, as far as the kernel does that, in a thread of its own. Others may use it.
  void beginMoving();
  // Lets another director have the file; this one must not change what is in it any more.
  void giveUp();
  // Returns why nothing was taken although there was something, as a sentence; "" otherwise.
  const std::string& why() const { return why_; }

 private:
  StateFile(UniqueFd fd, std::span<std::byte> mapped);

  UniqueFd fd_;
  std::span<std::byte> mapped_;
  Director::Memory memory_;
  std::string why_;
  // These are there once beginMoving() was called.
  std::stop_source stop_{std::nostopstate};
  std::unique_ptr<Thread> mover_;
};

}  // namespace tunvs
