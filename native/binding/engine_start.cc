#include "binding/engine_start.h"

#include <unistd.h>

#include <algorithm>

#include "binding/arguments.h"
#include "binding/errors.h"

namespace tunvs::binding {
namespace {

// The queues that another process has handed over.
void readGiven(ObjectReader& device, PortOptions& port) {
  if (!device.has("given")) return;
  port.given = device.descriptors("given");
  port.wasAttached = device.boolean("wasAttached");
}

}  // namespace

std::optional<EngineStartOptions> readStartOptions(Napi::Value given, size_t workers) {
  const Napi::Env env = given.Env();
  EngineStartOptions options;
  const auto most = static_cast<int64_t>(workers);
  ObjectReader reader(given, "options");
  ObjectReader device = reader.object("device");
  options.port.device = device.string("name");
  options.port.queues = static_cast<size_t>(device.integer("queues", 1, most));
  options.port.maxPacketBytes = static_cast<size_t>(device.integer("maxPacketBytes", 576, kMaxPacketBytes));
  readGiven(device, options.port);
  size_t queues = options.port.queues;
  for (ObjectReader& marked : reader.objects("markDevices")) {
    MarkPort& made = options.markPorts.emplace_back();
    made.port.device = marked.string("name");
    made.port.queues = static_cast<size_t>(marked.integer("queues", 1, most));
    made.port.maxPacketBytes = options.port.maxPacketBytes;
    readGiven(marked, made.port);
    made.mark = static_cast<uint32_t>(marked.integer("mark", 1, UINT32_MAX));
    queues += made.port.queues;
    if (!marked.ok()) return std::nullopt;
  }
  for (ObjectReader& each : reader.objects("rings")) {
    PortOptions& made = options.rings.emplace_back();
    made.kind = "ring";
    made.device = each.string("device");
    made.queues = static_cast<size_t>(each.integer("queues", 1, most));
    made.maxPacketBytes = options.port.maxPacketBytes;
    queues += made.queues;
    if (!each.ok()) return std::nullopt;
  }
  options.port.steersByProgram = reader.boolean("steersByProgram");
  options.port.egress = reader.string("egress");
  const std::vector<std::string> offloads = reader.strings("offloads");
  options.bypassesQdisc = reader.boolean("bypassesQdisc");
  options.isHeld = reader.has("isHeld") && reader.boolean("isHeld");
  if (const auto told = reader.integer("busyPollUs", -1, 1000000); told >= 0)
    options.busyPollUs = static_cast<uint32_t>(told);
  options.cpus = reader.cpus("cpus");
  options.fastIngress = reader.strings("fastPathIngress");
  if (!device.ok() || !reader.ok()) return std::nullopt;
  const auto choice = OffloadChoice::parse(offloads);
  if (!choice) {
    throwInvalidArgument(env, choice.error().message);
    return std::nullopt;
  }
  options.port.offloads = choice.value();
  for (MarkPort& marked : options.markPorts) {
    marked.port.offloads = options.port.offloads;
    marked.port.steersByProgram = options.port.steersByProgram;
  }
  for (PortOptions& ring : options.rings) ring.offloads = options.port.offloads;
  const auto fits = [](const PortOptions& port) { return port.given.empty() || port.given.size() == port.queues; };
  if (!fits(options.port) ||
      !std::ranges::all_of(options.markPorts, [&](const MarkPort& marked) { return fits(marked.port); })) {
    throwInvalidArgument(env, "as many queues have to be given as the device is to have");
    return std::nullopt;
  }
  if (queues != workers) {
    throwInvalidArgument(env, "the queues of all devices must be the director's number of workers");
    return std::nullopt;
  }
  return options;
}

void closeGiven(const EngineStartOptions& options) {
  const auto close = [](const PortOptions& port) {
    for (const int given : port.given) ::close(given);
  };
  close(options.port);
  for (const MarkPort& marked : options.markPorts) close(marked.port);
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
  result.Set("steering", started.steering);
  result.Set("egress", started.egress);
  Napi::Array passedOver = Napi::Array::New(env);
  for (uint32_t i = 0; i < started.passedOver.size(); i++) {
    Napi::Object row = Napi::Object::New(env);
    row.Set("egress", started.passedOver[i].egress);
    row.Set("reason", started.passedOver[i].reason);
    passedOver.Set(i, row);
  }
  result.Set("passedOver", passedOver);
  Napi::Array offloads = Napi::Array::New(env);
  for (uint32_t i = 0; i < started.offloads.size(); i++) {
    Napi::Object row = Napi::Object::New(env);
    row.Set("name", started.offloads[i].name);
    row.Set("isInForce", Napi::Boolean::New(env, started.offloads[i].isInForce));
    row.Set("reason", started.offloads[i].reason);
    offloads.Set(i, row);
  }
  result.Set("offloads", offloads);
  Napi::Array warnings = Napi::Array::New(env);
  for (uint32_t i = 0; i < started.warnings.size(); i++) warnings.Set(i, started.warnings[i]);
  result.Set("warnings", warnings);
  return result;
}

Napi::Value ringsToJs(Napi::Env env, const std::vector<RingState>& rings) {
  Napi::Array result = Napi::Array::New(env);
  for (uint32_t i = 0; i < rings.size(); i++) {
    Napi::Object row = Napi::Object::New(env);
    row.Set("device", rings[i].device);
    row.Set("isTaking", Napi::Boolean::New(env, rings[i].state.isTaking));
    row.Set("reason", rings[i].state.reason);
    row.Set("prefixes", Napi::Number::New(env, static_cast<double>(rings[i].state.prefixes)));
    row.Set("dropped", Napi::Number::New(env, static_cast<double>(rings[i].state.dropped)));
    result.Set(i, row);
  }
  return result;
}

Napi::Value takenOverToJs(Napi::Env env, const Entries::TakenOver& taken, const std::string& why) {
  Napi::Object result = Napi::Object::New(env);
  result.Set("connections", Napi::Number::New(env, static_cast<double>(taken.connections)));
  result.Set("templates", Napi::Number::New(env, static_cast<double>(taken.templates)));
  result.Set("ended", Napi::Number::New(env, static_cast<double>(taken.ended)));
  result.Set("reason", why);
  return result;
}

Napi::Value fastPathToJs(Napi::Env env, const FastPathState& state) {
  Napi::Object result = Napi::Object::New(env);
  result.Set("isInForce", Napi::Boolean::New(env, state.isInForce));
  result.Set("reason", state.reason);
  Napi::Array hooks = Napi::Array::New(env);
  for (uint32_t i = 0; i < state.hooks.size(); i++) {
    Napi::Object row = Napi::Object::New(env);
    row.Set("device", state.hooks[i].device);
    row.Set("hook", state.hooks[i].isIngress ? "ingress" : "egress");
    row.Set("isAttached", Napi::Boolean::New(env, state.hooks[i].isAttached));
    row.Set("reason", state.hooks[i].reason);
    hooks.Set(i, row);
  }
  result.Set("hooks", hooks);
  return result;
}

}  // namespace tunvs::binding
