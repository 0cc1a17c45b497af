// A call that can fail returns a Result<T>: a value, or an Error with a code and a sentence.
//
// Per-packet outcomes are not errors: they are a Verdict (director/counters/verdict.h), counted and never logged.
#pragma once

#include <cassert>
#include <cstring>
#include <string>
#include <utility>
#include <variant>

namespace tunvs {

// An ErrorCode says what went wrong in terms that a caller can act on. binding/errors turns each into an ERR_TUNVS_*
// code.
enum class ErrorCode : uint8_t {
  invalidArgument,  // a value that no retry will make right
  exists,           // a virtual service or real server that is there already
  notFound,         // a virtual service or real server that is not there
  unsupported,      // a feature that this build or kernel does not have
  permission,       // a privilege is missing
  busy,             // the device or queue is in use by somebody else
  noDevice,         // /dev/net/tun or the named device does not exist
  limit,            // a fixed capacity is used up
  closed,           // the handle was closed
  system,           // any other failed system call
};

struct Error {
  ErrorCode code = ErrorCode::system;
  std::string message;       // one sentence, with the mend where there is one
  int errnoValue = 0;        // 0: no system call was involved
  const char* syscall = "";  // static storage; "" when errnoValue is 0

  static Error make(ErrorCode code, std::string message) { return {code, std::move(message), 0, ""}; }
  // Takes the code from errno; `message` says what was being done.
  static Error fromErrno(int errnoValue, const char* syscall, std::string message);
};

template <typename T>
class [[nodiscard]] Result {
 public:
  Result(T value) : state_(std::in_place_index<0>, std::move(value)) {}
  Result(Error error) : state_(std::in_place_index<1>, std::move(error)) {}

  bool ok() const { return state_.index() == 0; }
  explicit operator bool() const { return ok(); }

  // REQUIRES: ok()
  T& value() & {
    assert(ok());
    return *std::get_if<0>(&state_);
  }
  const T& value() const& {
    assert(ok());
    return *std::get_if<0>(&state_);
  }
  T&& value() && {
    assert(ok());
    return std::move(*std::get_if<0>(&state_));
  }
  T* operator->() { return &value(); }
  const T* operator->() const { return &value(); }
  // REQUIRES: !ok()
  const Error& error() const {
    assert(!ok());
    return *std::get_if<1>(&state_);
  }

 private:
  std::variant<T, Error> state_;
};

template <>
class [[nodiscard]] Result<void> {
 public:
  Result() = default;
  Result(Error error) : error_(std::move(error)), ok_(false) {}

  bool ok() const { return ok_; }
  explicit operator bool() const { return ok_; }
  const Error& error() const {
    assert(!ok_);
    return error_;
  }

 private:
  Error error_;
  bool ok_ = true;
};

}  // namespace tunvs
