// While a FailingThreads lives, no thread can be made, as when the limit of a user or a container is reached.
//
// Thread safety: none; tests that need it run one after the other.
#pragma once

#include <cerrno>

#include "io/os/thread.h"

namespace tunvs::testing {

class FailingThreads {
 public:
  // So many threads can be made first.
  explicit FailingThreads(int made = 0) {
    left_ = made;
    Thread::create = [](pthread_t* thread, const pthread_attr_t* attributes, void* (*run)(void*), void* argument) {
      return left_-- > 0 ? pthread_create(thread, attributes, run, argument) : EAGAIN;
    };
  }
  ~FailingThreads() { Thread::create = pthread_create; }
  FailingThreads(const FailingThreads&) = delete;
  FailingThreads& operator=(const FailingThreads&) = delete;

 private:
  static inline int left_ = 0;
};

// Returns true when an error says that a thread could not be made.
inline bool saysThreads(const Error& error) {
  return error.errnoValue == EAGAIN && error.message.find("ulimit -u") != std::string::npos;
}

}  // namespace tunvs::testing
