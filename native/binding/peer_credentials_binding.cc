#include "binding/peer_credentials_binding.h"

#include "binding/errors.h"
#include "io/os/peer_credentials.h"

namespace tunvs::binding {
namespace {

Napi::Value read(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  if (!info[0].IsNumber()) {
    throwInvalidArgument(env, "peerCredentials takes a file descriptor");
    return env.Undefined();
  }
  const auto peer = peerCredentials(info[0].As<Napi::Number>().Int32Value());
  if (!peer) {
    throwError(env, peer.error());
    return env.Undefined();
  }
  const auto& [user, group, process, groups] = peer.value();
  Napi::Array others = Napi::Array::New(env, groups.size());
  for (uint32_t i = 0; i < groups.size(); i++) others.Set(i, Napi::Number::New(env, groups[i]));
  Napi::Object result = Napi::Object::New(env);
  result.Set("uid", Napi::Number::New(env, user));
  result.Set("gid", Napi::Number::New(env, group));
  result.Set("pid", Napi::Number::New(env, process));
  result.Set("groups", others);
  return result;
}

}  // namespace

void definePeerCredentials(Napi::Env env, Napi::Object exports) {
  exports.Set("peerCredentials", Napi::Function::New<read>(env, "peerCredentials"));
}

}  // namespace tunvs::binding
