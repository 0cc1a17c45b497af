// Calls JavaScript where the call may end the environment: worker.terminate(), process.exit() in a worker, a vm's
// timeout. node-addon-api's Call() makes an error of whatever a call ends with, and aborts the process when it can't.
#pragma once

#include <napi.h>

#include <span>

namespace tunvs::binding {

enum class CallEnd : uint8_t {
  returned,
  threw,            // an exception is pending
  environmentEnds,  // JavaScript is being terminated: no function can be called, and few values can be made
};

CallEnd callFunction(Napi::Env env, napi_value function, std::span<const napi_value> arguments);

inline void forgetException(Napi::Env env) {
  napi_value ignored;
  // This fails when none is pending or none can be fetched any more. Then there is nothing to forget.
  static_cast<void>(napi_get_and_clear_last_exception(env, &ignored));
}

}  // namespace tunvs::binding
