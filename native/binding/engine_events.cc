#include "binding/engine_events.h"

namespace tunvs::binding {

// The environment may begin to end between any two steps. Napi::Object::Set() would then make an error that nobody can
// throw, which ends the process; so each step's status is checked.
napi_value eventsToJs(napi_env env, std::span<const Event> events) {
  napi_value array = nullptr;
  if (napi_create_array_with_length(env, events.size(), &array) != napi_ok) return nullptr;
  for (uint32_t i = 0; i < events.size(); i++) {
    const std::string_view type = nameOf(events[i].type);
    const std::string_view message = events[i].message;
    napi_value object, typeText, value, messageText;
    const bool isMade = napi_create_object(env, &object) == napi_ok &&
                        napi_create_string_utf8(env, type.data(), type.size(), &typeText) == napi_ok &&
                        napi_create_double(env, static_cast<double>(events[i].value), &value) == napi_ok &&
                        napi_create_string_utf8(env, message.data(), message.size(), &messageText) == napi_ok &&
                        napi_set_named_property(env, object, "type", typeText) == napi_ok &&
                        napi_set_named_property(env, object, "value", value) == napi_ok &&
                        napi_set_named_property(env, object, "message", messageText) == napi_ok &&
                        napi_set_element(env, array, i, object) == napi_ok;
    if (!isMade) return nullptr;
  }
  return array;
}

}  // namespace tunvs::binding
