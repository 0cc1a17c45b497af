// Reads JavaScript values. A reader remembers the first mistake: every later call returns a default, and ok() is false.
#pragma once

#include <napi.h>

#include <optional>
#include <string>
#include <vector>

#include "core/address_prefix.h"
#include "core/inet.h"

namespace tunvs::binding {

// The largest whole number that a JavaScript number holds with all whole numbers below it.
constexpr int64_t kMaxSafeInteger = (int64_t{1} << 53) - 1;

class ObjectReader {
 public:
  // `what` names the object in error messages.
  ObjectReader(Napi::Value value, std::string what);

  bool ok() const { return ok_; }
  Napi::Env env() const { return env_; }

  bool has(const char* name) const;
  std::string string(const char* name);
  bool boolean(const char* name);
  // Reads a whole number in [minimum, maximum], both at most 2^53.
  int64_t integer(const char* name, int64_t minimum, int64_t maximum);
  double number(const char* name);  // a finite one
  std::optional<uint64_t> optionalBigInt(const char* name);
  IpAddress address(const char* name);
  std::vector<IpAddress> addresses(const char* name);
  std::vector<AddressPrefix> prefixes(const char* name);
  // Each port is in [1, 65535].
  std::vector<uint16_t> ports(const char* name);
  std::vector<int> descriptors(const char* name);
  // Each CPU is in [0, 1023].
  std::vector<unsigned> cpus(const char* name);
  std::vector<std::string> strings(const char* name);
  ObjectReader object(const char* name);
  std::optional<Napi::TypedArray> typedArray(const char* name, napi_typedarray_type type);
  std::vector<ObjectReader> objects(const char* name);

 private:
  Napi::Value get(const char* name);
  // Reads an array of whole numbers in [least, most].
  template <typename Number>
  std::vector<Number> numbers(const char* name, double least, double most, const char* expected);
  void fail(const char* name, const std::string& expected);

  Napi::Env env_;
  std::string what_;
  Napi::Object object_;
  bool ok_ = true;
};

}  // namespace tunvs::binding
