#include "binding/process_binding.h"

#include <string>
#include <vector>

#include "binding/errors.h"
#include "io/os/ambient_capabilities.h"
#include "io/os/become_user.h"
#include "io/os/datagram.h"

namespace tunvs::binding {
namespace {

Napi::Value send(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  if (!info[0].IsString() || !info[1].IsString()) {
    throwInvalidArgument(env, "sendDatagram takes a path and a text");
    return env.Undefined();
  }
  const auto sent = sendDatagram(info[0].As<Napi::String>().Utf8Value(), info[1].As<Napi::String>().Utf8Value());
  if (!sent) throwError(env, sent.error());
  return env.Undefined();
}

std::vector<std::string> stringsOf(const Napi::Value& value) {
  const auto array = value.As<Napi::Array>();
  std::vector<std::string> strings;
  for (uint32_t i = 0; i < array.Length(); i++) strings.push_back(array.Get(i).ToString().Utf8Value());
  return strings;
}

std::vector<char*> pointersOf(std::vector<std::string>& strings) {
  std::vector<char*> pointers;
  for (std::string& string : strings) pointers.push_back(string.data());
  pointers.push_back(nullptr);
  return pointers;
}

Napi::Value become(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  if (!info[0].IsNumber() || !info[1].IsNumber() || !info[2].IsArray() || !info[3].IsString() || !info[4].IsArray() ||
      !info[5].IsArray()) {
    throwInvalidArgument(env, "becomeUser takes a uid, a gid, groups, a path, arguments and an environment");
    return env.Undefined();
  }
  std::vector<gid_t> groups;
  const auto given = info[2].As<Napi::Array>();
  for (uint32_t i = 0; i < given.Length(); i++) groups.push_back(given.Get(i).ToNumber().Uint32Value());
  const std::string path = info[3].As<Napi::String>().Utf8Value();
  auto argv = stringsOf(info[4]), environment = stringsOf(info[5]);
  const NewUser user{info[0].As<Napi::Number>().Uint32Value(), info[1].As<Napi::Number>().Uint32Value(), groups};
  throwError(env, becomeUser(user, path.c_str(), pointersOf(argv).data(), pointersOf(environment).data()));
  return env.Undefined();
}

Napi::Value withoutCapabilities(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  if (!info[0].IsFunction()) {
    throwInvalidArgument(env, "withoutAmbientCapabilities takes a function");
    return env.Undefined();
  }
  const uint64_t held = giveUpAmbientCapabilities();
  const Napi::Value answer = info[0].As<Napi::Function>().Call({});
  takeBackAmbientCapabilities(held);
  return answer;
}

}  // namespace

void defineProcess(Napi::Env env, Napi::Object exports) {
  exports.Set("sendDatagram", Napi::Function::New<send>(env, "sendDatagram"));
  exports.Set("withoutAmbientCapabilities",
              Napi::Function::New<withoutCapabilities>(env, "withoutAmbientCapabilities"));
  exports.Set("becomeUser", Napi::Function::New<become>(env, "becomeUser"));
}

}  // namespace tunvs::binding
