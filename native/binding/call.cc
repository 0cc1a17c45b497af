#include "binding/call.h"

namespace tunvs::binding {

CallEnd callFunction(Napi::Env env, napi_value function, std::span<const napi_value> arguments) {
  napi_value receiver, result, thrown;
  if (napi_get_undefined(env, &receiver) != napi_ok) return CallEnd::environmentEnds;
  const napi_status status = napi_call_function(env, receiver, function, arguments.size(), arguments.data(), &result);
  if (status == napi_ok) return CallEnd::returned;
  bool isPending = false;
  if (napi_is_exception_pending(env, &isPending) != napi_ok || !isPending) return CallEnd::environmentEnds;
  // A termination is shown as null. It can't be caught: it unwinds whatever is up the stack.
  napi_valuetype type = napi_undefined;
  if (napi_get_and_clear_last_exception(env, &thrown) != napi_ok || napi_typeof(env, thrown, &type) != napi_ok ||
      type == napi_null)
    return CallEnd::environmentEnds;
  if (napi_throw(env, thrown) != napi_ok) return CallEnd::environmentEnds;
  return CallEnd::threw;
}

}  // namespace tunvs::binding
