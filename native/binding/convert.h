// Converts between native values and JavaScript objects: operations, rows, counters.
#pragma once

#include <napi.h>

#include <optional>
#include <span>
#include <vector>

#include "binding/arguments.h"
#include "director/director.h"

namespace tunvs::binding {

// Reads a NativeServiceKey or a NativeServerKey. An exception is pending when something is wrong.
ServiceKey readServiceKey(ObjectReader reader);
ServerKey readServerKey(ObjectReader reader);
// Reads a NativeOperation[]. Returns false, with an exception pending, when something is wrong.
bool readOperations(Napi::Value value, std::vector<Operation>& operations);
Napi::Object serviceKeyToJs(Napi::Env env, const ServiceKey& key);
Napi::Object serverToJs(Napi::Env env, const ServerRow& row);
Napi::Object serviceToJs(Napi::Env env, const ServiceRow& row);
Napi::Array servicesToJs(Napi::Env env, const std::vector<ServiceRow>& rows);
Napi::Object connectionToJs(Napi::Env env, const ConnectionRow& row);
Napi::Array namesToJs(Napi::Env env, std::span<const std::string_view> names);

// What a name stands for, as a verdict or a counter.
struct Info {
  std::string_view kind, sentence;
};
Napi::Array infosToJs(Napi::Env env, std::span<const Info> infos);

// Copies the bytes. Returns nothing when no array can be made, as when the environment ends.
std::optional<Napi::Uint8Array> bytesToJs(Napi::Env env, std::span<const uint8_t> bytes);

inline Napi::String toJs(Napi::Env env, std::string_view text) {
  return Napi::String::New(env, text.data(), text.size());
}

}  // namespace tunvs::binding
