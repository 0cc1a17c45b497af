#include "binding/director_calls.h"

#include <cmath>

#include "binding/convert.h"
#include "binding/errors.h"
#include "binding/explain_binding.h"
#include "binding/pin_binding.h"
#include "binding/timeouts.h"
#include "engine/page_use.h"

namespace tunvs::binding {

Result<void> DirectorCalls::check(std::span<const Operation>, size_t&) const { return {}; }
void DirectorCalls::applied(std::span<const Operation>) {}

bool DirectorCalls::isOpen(Napi::Env env) const {
  if (!isClosing_ && openDirector() != nullptr) return true;
  throwError(env, Error::make(ErrorCode::closed, "the director was closed"));
  return false;
}

Napi::Value DirectorCalls::close(const Napi::CallbackInfo& info) {
  if (isHeld_) {
    isClosing_ = true;
  } else {
    shutDown();
  }
  return info.Env().Undefined();
}

Napi::Value DirectorCalls::apply(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  std::vector<Operation> operations;
  if (!readOperations(info[0], operations) || !isOpen(env)) return env.Undefined();  // reading may have closed it
  size_t failedAt = 0;
  director().collect(now());  // this tells it the time, too
  auto done = check(operations, failedAt);
  if (done) done = director().apply(operations, &failedAt);
  if (done) applied(operations);
  director().collect(now());
  if (!done) {
    throwError(env, done.error());
    Napi::Error thrown = env.GetAndClearPendingException();
    thrown.Set("operation", Napi::Number::New(env, static_cast<double>(failedAt)));
    thrown.ThrowAsJavaScriptException();
    return env.Undefined();
  }
  return Napi::Boolean::New(env, director().hasRemoved());
}

Napi::Value DirectorCalls::services(const Napi::CallbackInfo& info) {
  if (!isOpen(info.Env())) return info.Env().Undefined();
  director().collect(now());
  return servicesToJs(info.Env(), director().control().rows(now()));
}

Napi::Value DirectorCalls::service(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const ServiceKey key = readServiceKey(ObjectReader(info[0], "service"));
  if (env.IsExceptionPending() || !isOpen(env)) return env.Undefined();
  director().collect(now());
  const auto row = director().control().row(key, now());
  return row ? serviceToJs(env, *row) : env.Undefined();
}

Napi::Value DirectorCalls::server(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const ServiceKey service = readServiceKey(ObjectReader(info[0], "service"));
  const ServerKey server = readServerKey(ObjectReader(info[1], "server"));
  if (env.IsExceptionPending() || !isOpen(env)) return env.Undefined();
  director().collect(now());
  const auto row = director().control().row(service, server, now());
  return row ? serverToJs(env, *row) : env.Undefined();
}

Napi::Value DirectorCalls::endRemoved(const Napi::CallbackInfo& info) {
  return isOpen(info.Env()) ? Napi::Boolean::New(info.Env(), director().endRemoved()) : info.Env().Undefined();
}

Napi::Value DirectorCalls::settle(const Napi::CallbackInfo& info) {
  if (!isOpen(info.Env())) return info.Env().Undefined();
  director().settle();
  return Napi::Boolean::New(info.Env(), director().hasRemoved());
}

Napi::Value DirectorCalls::connections(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  if (!isOpen(env)) return env.Undefined();
  if (!info[0].IsNumber() || !info[1].IsNumber()) {
    throwInvalidArgument(env, "connections takes a cursor and a limit");
    return env.Undefined();
  }
  const auto cursor = static_cast<uint64_t>(std::max<int64_t>(0, info[0].As<Napi::Number>().Int64Value()));
  const auto limit = static_cast<size_t>(std::max<int64_t>(1, info[1].As<Napi::Number>().Int64Value()));
  // JavaScript objects are made only after the walk: a setter there may take long or close the director, and nothing
  // that was removed is reused while the table is walked.
  std::vector<ConnectionRow> found;
  const uint64_t next =
      director().forEachConnection(cursor, limit, now(), [&](const ConnectionRow& row) { found.push_back(row); });
  Napi::Array rows = Napi::Array::New(env);
  for (uint32_t i = 0; i < found.size(); i++) {
    Napi::HandleScope scope(env);
    rows.Set(i, connectionToJs(env, found[i]));
  }
  Napi::Object result = Napi::Object::New(env);
  result.Set("rows", rows);
  result.Set("next", Napi::Number::New(env, next == UINT64_MAX ? -1 : static_cast<double>(next)));
  return result;
}

Napi::Value DirectorCalls::explain(const Napi::CallbackInfo& info) {
  if (!isOpen(info.Env())) return info.Env().Undefined();
  return explainToJs(info.Env(), director(), now(), info[0], info[1]);
}

Napi::Value DirectorCalls::endConnections(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const ServiceKey service = readServiceKey(ObjectReader(info[0], "service"));
  const ServerKey server = readServerKey(ObjectReader(info[1], "server"));
  if (env.IsExceptionPending() || !isOpen(env)) return env.Undefined();
  if (!info[2].IsNumber()) {
    throwInvalidArgument(env, "endConnections takes a service, a server and a cursor");
    return env.Undefined();
  }
  const auto cursor = static_cast<uint64_t>(std::max<int64_t>(0, info[2].As<Napi::Number>().Int64Value()));
  const auto some = director().endConnections(service, server, cursor);
  if (!some) {
    throwError(env, some.error());
    return env.Undefined();
  }
  const auto [ended, next] = some.value();
  Napi::Object result = Napi::Object::New(env);
  result.Set("ended", Napi::Number::New(env, static_cast<double>(ended)));
  result.Set("next", Napi::Number::New(env, next == UINT64_MAX ? -1 : static_cast<double>(next)));
  return result;
}

Napi::Value DirectorCalls::pinTarget(const Napi::CallbackInfo& info) { return pinTargetToJs(info); }

Napi::Value DirectorCalls::pin(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const auto request = readPin(info);
  if (!request || !isOpen(env)) return env.Undefined();  // reading may have closed it
  director().collect(now());
  const auto name = director().pin(*request, now());
  if (name) return Napi::Number::New(env, name.value());
  throwError(env, name.error());
  return env.Undefined();
}

Napi::Value DirectorCalls::releasePin(const Napi::CallbackInfo& info) {
  if (!isOpen(info.Env())) return info.Env().Undefined();
  if (!info[0].IsNumber()) return info.Env().Undefined();
  const uint32_t name = info[0].As<Napi::Number>().Uint32Value();
  const auto report = director().pinReport(name);
  director().releasePin(name, now());
  return pinReportToJs(info.Env(), report);
}

Napi::Value DirectorCalls::pinReport(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  if (!isOpen(env) || !info[0].IsNumber()) return env.Undefined();
  return pinReportToJs(env, director().pinReport(info[0].As<Napi::Number>().Uint32Value()));
}

Napi::Value DirectorCalls::collect(const Napi::CallbackInfo& info) {
  if (isOpen(info.Env())) director().collect(now());
  return info.Env().Undefined();
}

Napi::Value DirectorCalls::natServers(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  if (!isOpen(env)) return env.Undefined();
  const std::vector<NatServerRow> rows = director().control().natServers();
  Napi::Array result = Napi::Array::New(env, rows.size());
  for (uint32_t i = 0; i < rows.size(); i++) {
    Napi::Object row = Napi::Object::New(env);
    row.Set("address", toString(rows[i].server.address));
    row.Set("port", rows[i].server.port);
    row.Set("protocol", rows[i].protocol);
    row.Set("isFtp", Napi::Boolean::New(env, rows[i].isFtp));
    result.Set(i, row);
  }
  return result;
}

Napi::Value DirectorCalls::setTimeouts(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  TimeoutOverrides given;
  if (!readTimeouts(ObjectReader(info[0], "timeouts"), given) || !isOpen(env)) return env.Undefined();
  Tunables tunables = director().control().tunables();
  for (size_t i = 0; i < kTimeoutStates; i++) {
    if (given.seconds[i] != 0) tunables.setTimeout(i, given.seconds[i]);
  }
  director().setTunables(tunables);
  applied({});
  return env.Undefined();
}

Napi::Value DirectorCalls::timeouts(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  if (!isOpen(env)) return env.Undefined();
  TimeoutOverrides all;
  for (size_t i = 0; i < kTimeoutStates; i++)
    all.seconds[i] = director().control().tunables().timeouts[i] / kTicksPerSecond;
  return timeoutsToJs(env, all);
}

Napi::Value DirectorCalls::setSysctl(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  if (!isOpen(env)) return env.Undefined();
  const double value = info[1].IsNumber() ? info[1].As<Napi::Number>().DoubleValue() : NAN;
  if (!info[0].IsString() || value != std::floor(value) || std::abs(value) > 1e15) {
    throwInvalidArgument(env, "setSysctl takes a name and a whole number");
    return env.Undefined();
  }
  Tunables tunables = director().control().tunables();
  if (auto set = tunvs::setSysctl(tunables, info[0].As<Napi::String>().Utf8Value(), static_cast<int64_t>(value));
      !set) {
    throwError(env, set.error());
    return env.Undefined();
  }
  director().setTunables(tunables);
  applied({});
  return env.Undefined();
}

Napi::Value DirectorCalls::sysctls(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  if (!isOpen(env)) return env.Undefined();
  std::vector<std::pair<std::string_view, int64_t>> values;
  for (const auto& sysctl : kSysctls) values.emplace_back(sysctl.name, director().sysctl(sysctl));
  const InertSysctls& inert = director().control().tunables().inert;
  for (size_t i = 0; i < std::size(kInertSysctls); i++) values.emplace_back(kInertSysctls[i].name, inert.values[i]);
  Napi::Object object = Napi::Object::New(env);
  for (const auto& [name, value] : values)
    object.Set(toJs(env, name), Napi::Number::New(env, static_cast<double>(value)));
  return object;
}

Napi::Value DirectorCalls::readCounters(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  if (!isOpen(env)) return env.Undefined();
  if (!info[0].IsTypedArray() || info[0].As<Napi::TypedArray>().TypedArrayType() != napi_biguint64_array ||
      info[0].As<Napi::TypedArray>().ElementLength() < kCounters) {
    throwInvalidArgument(env,
                         "readCounters takes a BigUint64Array of at least " + std::to_string(kCounters) + " elements");
    return env.Undefined();
  }
  director().readCounters({info[0].As<Napi::BigUint64Array>().Data(), kCounters});
  return env.Undefined();
}

Napi::Value DirectorCalls::tableInfo(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  if (!isOpen(env)) return env.Undefined();
  const Director& open = director();
  const std::pair<const char*, uint64_t> values[] = {{"ipv4", open.connectionCount(Family::ipv4)},
                                                     {"ipv6", open.connectionCount(Family::ipv6)},
                                                     {"capacity", open.connectionCapacity()},
                                                     {"bytes", tableBytes_},
                                                     {"persistenceDataBytes", open.persistenceDataBytes()}};
  Napi::Object object = Napi::Object::New(env);
  for (const auto& [name, value] : values) object.Set(name, Napi::Number::New(env, static_cast<double>(value)));
  return object;
}

Napi::Value DirectorCalls::tablePages(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  if (!isOpen(env)) return env.Undefined();
  const Result<std::string> smaps = readSmaps();
  if (!smaps.ok()) {
    throwError(env, smaps.error());
    return env.Undefined();
  }
  PageUse sum;
  for (const Family family : {Family::ipv4, Family::ipv6}) {
    const PageUse use = pageUseIn(smaps.value(), director().connTable(family).memory());
    sum.residentBytes += use.residentBytes;
    sum.hugeBytes += use.hugeBytes;
  }
  Napi::Object object = Napi::Object::New(env);
  object.Set("residentBytes", Napi::Number::New(env, static_cast<double>(sum.residentBytes)));
  object.Set("hugeBytes", Napi::Number::New(env, static_cast<double>(sum.hugeBytes)));
  return object;
}

}  // namespace tunvs::binding
