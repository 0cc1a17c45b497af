#include "binding/timeouts.h"

namespace tunvs::binding {

bool readTimeouts(ObjectReader reader, TimeoutOverrides& timeouts) {
  for (size_t i = 0; i < kTimeoutStates; i++) {
    const std::string name(kTimeoutNames[i]);
    if (reader.has(name.c_str()))
      timeouts.seconds[i] = static_cast<uint32_t>(reader.integer(name.c_str(), 1, kMaxTimeoutSeconds));
  }
  return reader.ok();
}

Napi::Object timeoutsToJs(Napi::Env env, const TimeoutOverrides& timeouts) {
  Napi::Object object = Napi::Object::New(env);
  for (size_t i = 0; i < kTimeoutStates; i++) {
    if (timeouts.seconds[i] != 0) object.Set(std::string(kTimeoutNames[i]), timeouts.seconds[i]);
  }
  return object;
}

}  // namespace tunvs::binding
