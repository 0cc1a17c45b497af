#include "binding/file_lock_binding.h"

#include "binding/errors.h"
#include "io/os/file_lock.h"

namespace tunvs::binding {
namespace {

Napi::Value tryLock(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  if (!info[0].IsNumber()) {
    throwInvalidArgument(env, "tryLockFile takes a file descriptor");
    return env.Undefined();
  }
  const auto locked = tryLockFile(info[0].As<Napi::Number>().Int32Value());
  if (!locked) {
    throwError(env, locked.error());
    return env.Undefined();
  }
  return Napi::Boolean::New(env, locked.value());
}

Napi::Value namespaceName(const Napi::CallbackInfo& info) {
  const auto name = networkNamespaceName();
  if (!name) {
    throwError(info.Env(), name.error());
    return info.Env().Undefined();
  }
  return Napi::String::New(info.Env(), name.value());
}

}  // namespace

void defineFileLock(Napi::Env env, Napi::Object exports) {
  exports.Set("tryLockFile", Napi::Function::New<tryLock>(env, "tryLockFile"));
  exports.Set("networkNamespaceName", Napi::Function::New<namespaceName>(env, "networkNamespaceName"));
}

}  // namespace tunvs::binding
