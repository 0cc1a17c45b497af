#include "binding/arguments.h"

#include <cmath>

#include "binding/errors.h"

namespace tunvs::binding {

ObjectReader::ObjectReader(Napi::Value value, std::string what) : env_(value.Env()), what_(std::move(what)) {
  if (env_.IsExceptionPending()) {
    ok_ = false;
  } else if (value.IsObject()) {
    object_ = value.As<Napi::Object>();
  } else {
    ok_ = false;
    throwInvalidArgument(env_, what_ + " must be an object");
  }
}

void ObjectReader::fail(const char* name, const std::string& expected) {
  ok_ = false;
  if (!env_.IsExceptionPending()) throwInvalidArgument(env_, what_ + "." + name + " must be " + expected);
}

Napi::Value ObjectReader::get(const char* name) {
  if (!ok_) return env_.Undefined();
  Napi::Value value = object_.Get(name);
  if (env_.IsExceptionPending()) {
    ok_ = false;
    return env_.Undefined();
  }
  return value;
}

bool ObjectReader::has(const char* name) const { return ok_ && !object_.Get(name).IsUndefined(); }

std::string ObjectReader::string(const char* name) {
  Napi::Value value = get(name);
  if (!ok_) return {};
  if (!value.IsString()) {
    fail(name, "a string");
    return {};
  }
  return value.As<Napi::String>().Utf8Value();
}

bool ObjectReader::boolean(const char* name) {
  Napi::Value value = get(name);
  if (!ok_) return false;
  if (!value.IsBoolean()) {
    fail(name, "true or false");
    return false;
  }
  return value.As<Napi::Boolean>().Value();
}

int64_t ObjectReader::integer(const char* name, int64_t minimum, int64_t maximum) {
  Napi::Value value = get(name);
  if (!ok_) return minimum;
  const double number = value.IsNumber() ? value.As<Napi::Number>().DoubleValue() : NAN;
  if (!(number >= static_cast<double>(minimum) && number <= static_cast<double>(maximum)) ||
      number != std::floor(number)) {
    fail(name, "a whole number from " + std::to_string(minimum) + " to " + std::to_string(maximum));
    return minimum;
  }
  return static_cast<int64_t>(number);
}

double ObjectReader::number(const char* name) {
  Napi::Value value = get(name);
  if (!ok_) return 0;
  const double number = value.IsNumber() ? value.As<Napi::Number>().DoubleValue() : NAN;
  if (std::isfinite(number)) return number;
  fail(name, "a number");
  return 0;
}

std::optional<uint64_t> ObjectReader::optionalBigInt(const char* name) {
  Napi::Value value = get(name);
  if (!ok_ || value.IsUndefined()) return std::nullopt;
  if (!value.IsBigInt()) {
    fail(name, "a bigint");
    return std::nullopt;
  }
  bool lossless;
  return value.As<Napi::BigInt>().Uint64Value(&lossless);
}

IpAddress ObjectReader::address(const char* name) {
  const std::string text = string(name);
  if (!ok_) return {};
  auto parsed = parseIpAddress(text);
  if (!parsed) {
    fail(name, "an IPv4 or IPv6 address, not '" + text + "'");
    return {};
  }
  return parsed.value();
}

std::vector<std::string> ObjectReader::strings(const char* name) {
  std::vector<std::string> all;
  Napi::Value value = get(name);
  if (!ok_) return all;
  if (!value.IsArray()) {
    fail(name, "an array of strings");
    return all;
  }
  const auto list = value.As<Napi::Array>();
  for (uint32_t i = 0; i < list.Length(); i++) {
    Napi::Value item = list.Get(i);
    if (env_.IsExceptionPending() || !item.IsString()) {
      fail(name, "an array of strings");
      return all;
    }
    all.push_back(item.As<Napi::String>().Utf8Value());
  }
  return all;
}

std::vector<IpAddress> ObjectReader::addresses(const char* name) {
  std::vector<IpAddress> all;
  for (const std::string& text : strings(name)) {
    auto parsed = parseIpAddress(text);
    if (!parsed) {
      fail(name, "an array of addresses: " + parsed.error().message);
      return all;
    }
    all.push_back(parsed.value());
  }
  return all;
}

std::vector<AddressPrefix> ObjectReader::prefixes(const char* name) {
  std::vector<AddressPrefix> all;
  for (const std::string& text : strings(name)) {
    auto parsed = parseAddressPrefix(text);
    if (!parsed) {
      fail(name, "an array of addresses and prefixes: " + parsed.error().message);
      return all;
    }
    all.push_back(parsed.value());
  }
  return all;
}

std::vector<uint16_t> ObjectReader::ports(const char* name) {
  return numbers<uint16_t>(name, 1, 65535, "an array of ports from 1 to 65535");
}

std::vector<int> ObjectReader::descriptors(const char* name) {
  return numbers<int>(name, 0, INT32_MAX, "an array of descriptors");
}

std::vector<unsigned> ObjectReader::cpus(const char* name) {
  return numbers<unsigned>(name, 0, 1023, "an array of whole numbers from 0 to 1023");
}

template <typename Number>
std::vector<Number> ObjectReader::numbers(const char* name, double least, double most, const char* expected) {
  std::vector<Number> all;
  Napi::Value value = get(name);
  if (!ok_) return all;
  if (!value.IsArray()) {
    fail(name, expected);
    return all;
  }
  const auto list = value.As<Napi::Array>();
  for (uint32_t i = 0; i < list.Length(); i++) {
    const Napi::Value item = list.Get(i);
    const bool isNumber = !env_.IsExceptionPending() && item.IsNumber();
    const double number = isNumber ? item.As<Napi::Number>().DoubleValue() : least - 1;
    if (!(number >= least && number <= most) || number != std::floor(number)) {
      fail(name, expected);
      return all;
    }
    all.push_back(static_cast<Number>(number));
  }
  return all;
}

ObjectReader ObjectReader::object(const char* name) {
  Napi::Value value = get(name);
  ObjectReader reader(ok_ ? value : env_.Undefined(), what_ + "." + name);
  ok_ = ok_ && reader.ok();
  return reader;
}

std::optional<Napi::TypedArray> ObjectReader::typedArray(const char* name, napi_typedarray_type type) {
  Napi::Value value = get(name);
  if (!ok_) return std::nullopt;
  if (value.IsTypedArray() && value.As<Napi::TypedArray>().TypedArrayType() == type)
    return value.As<Napi::TypedArray>();
  fail(name, "a typed array of the right kind");
  return std::nullopt;
}

std::vector<ObjectReader> ObjectReader::objects(const char* name) {
  std::vector<ObjectReader> all;
  Napi::Value value = get(name);
  if (!ok_) return all;
  if (!value.IsArray()) {
    fail(name, "an array of objects");
    return all;
  }
  const auto list = value.As<Napi::Array>();
  for (uint32_t i = 0; i < list.Length(); i++) {
    all.emplace_back(list.Get(i), what_ + "." + name + "[" + std::to_string(i) + "]");
    ok_ = ok_ && all.back().ok();
    if (!ok_) break;
  }
  return all;
}

}  // namespace tunvs::binding
