#include "binding/errors.h"

namespace tunvs::binding {
namespace {

const char* codeOf(ErrorCode code) {
  switch (code) {
    case ErrorCode::invalidArgument: return "ERR_TUNVS_INVALID_ARGUMENT";
    case ErrorCode::exists: return "ERR_TUNVS_EXISTS";
    case ErrorCode::notFound: return "ERR_TUNVS_NOT_FOUND";
    case ErrorCode::unsupported: return "ERR_TUNVS_UNSUPPORTED";
    case ErrorCode::permission: return "ERR_TUNVS_PERMISSION";
    case ErrorCode::busy: return "ERR_TUNVS_BUSY";
    case ErrorCode::noDevice: return "ERR_TUNVS_NO_DEVICE";
    case ErrorCode::limit: return "ERR_TUNVS_LIMIT";
    case ErrorCode::closed: return "ERR_TUNVS_CLOSED";
    case ErrorCode::system: return "ERR_TUNVS_SYSTEM";
  }
  return "ERR_TUNVS_SYSTEM";
}

}  // namespace

void throwError(Napi::Env env, const Error& error) {
  if (env.IsExceptionPending()) return;
  Napi::Error thrown = Napi::Error::New(env, error.message);
  thrown.Set("code", Napi::String::New(env, codeOf(error.code)));
  if (error.errnoValue != 0) {
    thrown.Set("errno", Napi::Number::New(env, error.errnoValue));
    thrown.Set("syscall", Napi::String::New(env, error.syscall));
  }
  thrown.ThrowAsJavaScriptException();
}

void throwInvalidArgument(Napi::Env env, const std::string& message) {
  throwError(env, Error::make(ErrorCode::invalidArgument, message));
}

}  // namespace tunvs::binding
