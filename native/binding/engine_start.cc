#include "binding/engine_start.h"

#include "binding/arguments.h"
#include "binding/errors.h"

namespace tunvs::binding {

std::optional<EngineStartOptions> readStartOptions(Napi::Value given, size_t workers) {
  const Napi::Env env = given.Env();
  EngineStartOptions options;
  const auto most = static_cast<int64_t>(workers);
  ObjectReader reader(given, "options");
  ObjectReader device = reader.object("device");
  options.port.device = device.string("name");
  options.port.queues = static_cast<size_t>(device.integer("queues", 1, most));
  options.port.maxPacketBytes = static_cast<size_t>(device.integer("maxPacketBytes", 576, kMaxPacketBytes));
  size_t queues = options.port.queues;
  for (ObjectReader& marked : reader.objects("markDevices")) {
    MarkPort& made = options.markPorts.emplace_back();
    made.port.device = marked.string("name");
    made.port.queues = static_cast<size_t>(marked.integer("queues", 1, most));
    made.port.maxPacketBytes = options.port.maxPacketBytes;
    made.mark = static_cast<uint32_t>(marked.integer("mark", 1, UINT32_MAX));
    queues += made.port.queues;
    if (!marked.ok()) return std::nullopt;
  }
  options.port.egress = reader.string("egress");
  options.busyPollUs = static_cast<uint32_t>(reader.integer("busyPollUs", 0, 1000000));
  if (!device.ok() || !reader.ok()) return std::nullopt;
  if (queues != workers) {
    throwInvalidArgument(env, "the queues of all devices must be the director's number of workers");
    return std::nullopt;
  }
  return options;
}

Napi::Value startedToJs(Napi::Env env, const EngineStarted& started) {
  Napi::Object result = Napi::Object::New(env);
  result.Set("device", started.device);
  result.Set("attached", Napi::Boolean::New(env, started.attached));
  Napi::Array markDevices = Napi::Array::New(env);
  for (uint32_t i = 0; i < started.markDevices.size(); i++) {
    Napi::Object row = Napi::Object::New(env);
    row.Set("name", started.markDevices[i].name);
    row.Set("attached", Napi::Boolean::New(env, started.markDevices[i].attached));
    markDevices.Set(i, row);
  }
  result.Set("markDevices", markDevices);
  result.Set("egress", started.egress);
  Napi::Array passedOver = Napi::Array::New(env);
  for (uint32_t i = 0; i < started.passedOver.size(); i++) {
    Napi::Object row = Napi::Object::New(env);
    row.Set("egress", started.passedOver[i].egress);
    row.Set("reason", started.passedOver[i].reason);
    passedOver.Set(i, row);
  }
  result.Set("passedOver", passedOver);
  Napi::Array warnings = Napi::Array::New(env);
  for (uint32_t i = 0; i < started.warnings.size(); i++) warnings.Set(i, started.warnings[i]);
  result.Set("warnings", warnings);
  return result;
}

}  // namespace tunvs::binding
