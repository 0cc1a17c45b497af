#include "binding/engine_wrap.h"

#include <algorithm>

#include "binding/call.h"
#include "binding/director_options.h"
#include "binding/engine_events.h"
#include "binding/engine_start.h"
#include "binding/errors.h"
#include "binding/sync_binding.h"
#include "engine/clock.h"

namespace tunvs::binding {

void EngineWrap::define(Napi::Env env, Napi::Object exports) {
  exports.Set("Engine", DefineClass(env, "NativeEngine",
                                    withMethods<EngineWrap>({
                                        InstanceMethod<&EngineWrap::start>("start"),
                                        InstanceMethod<&EngineWrap::onEvents>("onEvents"),
                                        InstanceMethod<&EngineWrap::onPolicies>("onPolicies"),
                                        InstanceMethod<&EngineWrap::putQuestions>("putQuestions"),
                                        InstanceMethod<&EngineWrap::workerCpu>("workerCpu"),
                                        InstanceMethod<&EngineWrap::workersTurned>("workersTurned"),
                                        InstanceMethod<&EngineWrap::fastPath>("fastPath"),
                                        InstanceMethod<&EngineWrap::takenOver>("takenOver"),
                                        InstanceMethod<&EngineWrap::resume>("resume"),
                                        InstanceMethod<&EngineWrap::holdWorkers>("hold"),
                                        InstanceMethod<&EngineWrap::deviceQueues>("deviceQueues"),
                                        InstanceMethod<&EngineWrap::setRingPrefixes>("setRingPrefixes"),
                                        InstanceMethod<&EngineWrap::rings>("rings"),
                                        InstanceMethod<&EngineWrap::startSync>("startSync"),
                                        InstanceMethod<&EngineWrap::stopSync>("stopSync"),
                                        InstanceMethod<&EngineWrap::sync>("sync"),
                                    })));
}

EngineWrap::EngineWrap(const Napi::CallbackInfo& info) : ObjectWrap(info) {
  DirectorOptions options;
  ObjectReader reader(info[0], "options");
  options.workers = static_cast<size_t>(reader.integer("workers", 1, Epochs::kMaxWorkers));
  if (!readDirectorOptions(reader, options)) return;
  options.settings.returnsHop = true;
  const std::string wish = reader.has("fastPath") ? reader.string("fastPath") : "off";
  const std::string state = reader.has("state") ? reader.string("state") : "";
  if (!reader.ok()) return;
  auto made = Engine::create(options,
                             wish == "off"    ? FastPathWish::off
                             : wish == "auto" ? FastPathWish::automatic
                                              : FastPathWish::required,
                             state);
  if (!made) {
    throwError(info.Env(), made.error());
    return;
  }
  engine_ = std::move(made).value();
  tableBytes_ = Director::tableBytes(options);
}

EngineWrap::~EngineWrap() {
  shutDown();
  *self_ = nullptr;
}

void EngineWrap::endOfEnvironment(void* self) {
  static_cast<EngineWrap*>(self)->hasHook_ = false;
  static_cast<EngineWrap*>(self)->shutDown();
}

void EngineWrap::shutDown() {
  engine_.reset();  // joins the workers: nobody calls notify_ after this
  if (hasNotify_) {
    notify_.Release();
    hasNotify_ = false;
  }
  if (hasPolicyNotify_) {
    policyNotify_.Release();
    hasPolicyNotify_ = false;
  }
  policies_.reset();
  if (hasHook_) napi_remove_env_cleanup_hook(Env(), endOfEnvironment, this);
  hasHook_ = false;
}

// The hook that was added last runs first: the workers must be gone when the thread-safe functions clean up.
void EngineWrap::hookEnd() {
  if (hasHook_) napi_remove_env_cleanup_hook(Env(), endOfEnvironment, this);
  napi_add_env_cleanup_hook(Env(), endOfEnvironment, this);
  hasHook_ = true;
}

Director* EngineWrap::openDirector() const { return engine_ == nullptr ? nullptr : &engine_->director(); }

Tick EngineWrap::now() const { return coarseNow(); }

Result<void> EngineWrap::check(std::span<const Operation> operations, size_t& failedAt) const {
  for (size_t i = 0; i < operations.size(); i++) {
    const auto* added = std::get_if<AddServer>(&operations[i]);
    const auto* edited = std::get_if<EditServer>(&operations[i]);
    if (added == nullptr && edited == nullptr) continue;
    const ServerConfig& config = added != nullptr ? added->config : edited->config;
    if (traitsOf(config.tunnel.method).delivery != Delivery::link) continue;
    auto checked = engine_->checkDirectRouting(added != nullptr ? added->server.address : edited->server.address);
    failedAt = i;
    if (!checked) return checked;
  }
  return {};
}

void EngineWrap::applied(std::span<const Operation> operations) {
  const auto isAboutServers = [](const Operation& operation) {
    return std::holds_alternative<AddServer>(operation) || std::holds_alternative<DeleteServer>(operation) ||
           std::holds_alternative<EditServer>(operation) || std::holds_alternative<DeleteService>(operation) ||
           std::holds_alternative<ClearServices>(operation);
  };
  if (std::any_of(operations.begin(), operations.end(), isAboutServers)) engine_->watchRoutes();
  engine_->refreshFastPath();
  engine_->refreshSync();
}

Napi::Value EngineWrap::start(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  if (!isOpen(env)) return env.Undefined();
  if (ranBefore_) {
    throwError(env, Error::make(ErrorCode::busy, "the director was started already"));
    return env.Undefined();
  }
  const auto options = readStartOptions(info[0], director().workers());
  if (!options || !isOpen(env)) return env.Undefined();  // reading may have closed it
  auto started = engine_->start(*options);
  closeGiven(*options);
  if (!started) {
    throwError(env, started.error());
    return env.Undefined();
  }
  ranBefore_ = true;
  return startedToJs(env, started.value());
}

// The workers' events wake the event loop through one thread-safe function. One call there drains them.
Napi::Value EngineWrap::onEvents(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  if (!isOpen(env)) return env.Undefined();
  if (!info[0].IsFunction() || hasNotify_ || ranBefore_) {
    throwInvalidArgument(env, "onEvents takes a function, once, before start()");
    return env.Undefined();
  }
  notify_ = Napi::ThreadSafeFunction::New(env, info[0].As<Napi::Function>(), "tunvs events", 0, 1);
  notify_.Unref(env);
  hasNotify_ = true;
  hookEnd();
  engine_->events().notify([this] {
    notify_.NonBlockingCall([self = self_](Napi::Env callEnv, Napi::Function callback) {
      if (*self == nullptr || (*self)->engine_ == nullptr) return;  // it was collected or closed meanwhile
      const auto events = (*self)->engine_->events().drain();
      const napi_value array = eventsToJs(callEnv, events);
      if (array == nullptr) return;  // there is nobody left to tell
      const napi_value arguments[] = {array};
      callFunction(callEnv, callback, arguments);  // Node handles what it throws
    });
  });
  return env.Undefined();
}

// The callback is told that there are questions, and calls putQuestions() in its turn.
Napi::Value EngineWrap::onPolicies(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  if (!isOpen(env)) return env.Undefined();
  if (!info[0].IsFunction() || !info[1].IsFunction() || policies_ != nullptr || ranBefore_) {
    throwInvalidArgument(env, "onPolicies takes two functions, once, before start()");
    return env.Undefined();
  }
  auto binding = std::make_unique<PolicyBinding>(info[0].As<Napi::Function>());
  const Napi::Value columns = binding->columns(env);
  if (!columns.IsObject()) return env.Undefined();
  policies_ = std::move(binding);
  policyNotify_ = Napi::ThreadSafeFunction::New(env, info[1].As<Napi::Function>(), "tunvs policies", 0, 1);
  policyNotify_.Unref(env);
  hasPolicyNotify_ = true;
  hookEnd();
  engine_->policies().notify([this] { tellOfQuestions(); });
  return columns;
}

// Any thread may call this.
void EngineWrap::tellOfQuestions() {
  policyNotify_.NonBlockingCall(
      [](Napi::Env env, Napi::Function called) { callFunction(env, called, {}); });  // Node handles what it throws
}

// Takes one turn: it puts questions and hands the answers over, a few at a time, until there are none left or the time
// is over. When the time is over, it tells of questions once more, and so comes back behind the event loop's other
// work.
Napi::Value EngineWrap::putQuestions(const Napi::CallbackInfo& info) {
  constexpr uint64_t kTurnUs = 4000;
  const Napi::Env env = info.Env();
  if (engine_ == nullptr || policies_ == nullptr || isHeld()) return env.Undefined();
  const uint64_t beginUs = monotonicUs();
  engine_->policies().beginRound();
  for (uint64_t nowUs = beginUs; batch_.take(engine_->policies(), coarseNow());) {
    bool goesOn = false;
    hold([&] { goesOn = policies_->decide(env, batch_.questions(), batch_.answers()); });
    if (!goesOn || engine_ == nullptr) return env.Undefined();
    batch_.handOver(engine_->policies());
    for (size_t worker = 0; worker < director().workers(); worker++) engine_->wakeForAnswers(worker);
    const uint64_t tookUs = monotonicUs() - nowUs;
    nowUs += tookUs;
    batch_.took(tookUs);
    if (nowUs - beginUs < kTurnUs) continue;
    tellOfQuestions();
    break;
  }
  return env.Undefined();
}

Napi::Value EngineWrap::workerCpu(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  if (!isOpen(env)) return env.Undefined();
  const auto times = engine_->cpu();
  Napi::Array array = Napi::Array::New(env, times.size());
  for (uint32_t i = 0; i < times.size(); i++) {
    Napi::Object object = Napi::Object::New(env);
    object.Set("userNs", Napi::BigInt::New(env, times[i].userNs));
    object.Set("systemNs", Napi::BigInt::New(env, times[i].systemNs));
    array.Set(i, object);
  }
  return array;
}

Napi::Value EngineWrap::workersTurned(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  if (!isOpen(env)) return env.Undefined();
  const auto turned = engine_->workersTurned();
  Napi::Array array = Napi::Array::New(env, turned.size());
  for (uint32_t i = 0; i < turned.size(); i++) array.Set(i, Napi::Boolean::New(env, turned[i]));
  return array;
}

Napi::Value EngineWrap::fastPath(const Napi::CallbackInfo& info) {
  if (!isOpen(info.Env())) return info.Env().Undefined();
  return fastPathToJs(info.Env(), engine_->fastPath());
}

Napi::Value EngineWrap::takenOver(const Napi::CallbackInfo& info) {
  if (!isOpen(info.Env())) return info.Env().Undefined();
  return takenOverToJs(info.Env(), director().takenOver(), engine_->whyNotTaken());
}

Napi::Value EngineWrap::resume(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  if (!isOpen(env)) return env.Undefined();
  if (const auto resumed = engine_->resume(); !resumed) throwError(env, resumed.error());
  return env.Undefined();
}

Napi::Value EngineWrap::holdWorkers(const Napi::CallbackInfo& info) {
  if (isOpen(info.Env())) engine_->hold();
  return info.Env().Undefined();
}

Napi::Value EngineWrap::deviceQueues(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  if (!isOpen(env)) return env.Undefined();
  Napi::Array devices = Napi::Array::New(env);
  for (const std::vector<int>& queues : engine_->deviceQueues()) {
    Napi::Array row = Napi::Array::New(env);
    for (uint32_t i = 0; i < queues.size(); i++) row.Set(i, Napi::Number::New(env, queues[i]));
    devices.Set(devices.Length(), row);
  }
  return devices;
}

Napi::Value EngineWrap::setRingPrefixes(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  if (!isOpen(env)) return env.Undefined();
  std::vector<AddressPrefix> prefixes;
  const auto given = info[0].As<Napi::Array>();
  for (uint32_t i = 0; i < given.Length(); i++) {
    const auto prefix = parseAddressPrefix(given.Get(i).ToString().Utf8Value());
    if (!prefix) {
      throwError(env, prefix.error());
      return env.Undefined();
    }
    prefixes.push_back(prefix.value());
  }
  engine_->setRingPrefixes(prefixes);
  return env.Undefined();
}

Napi::Value EngineWrap::startSync(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  if (!isOpen(env)) return env.Undefined();
  const bool isMaster = info[0].ToString().Utf8Value() == "master";
  const auto options = readSyncOptions(info[1], director().control().tunables());
  if (!options || !isOpen(env)) return env.Undefined();  // reading may have closed it
  if (auto started = isMaster ? engine_->startMaster(*options) : engine_->startBackup(*options); !started)
    throwError(env, started.error());
  return env.Undefined();
}

Napi::Value EngineWrap::stopSync(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  if (!isOpen(env)) return env.Undefined();
  const bool isMaster = info[0].ToString().Utf8Value() == "master";
  return Napi::Boolean::New(env, isMaster ? engine_->stopMaster() : engine_->stopBackup());
}

Napi::Value EngineWrap::sync(const Napi::CallbackInfo& info) {
  if (!isOpen(info.Env())) return info.Env().Undefined();
  return syncToJs(info.Env(), *engine_);
}

Napi::Value EngineWrap::rings(const Napi::CallbackInfo& info) {
  if (!isOpen(info.Env())) return info.Env().Undefined();
  return ringsToJs(info.Env(), engine_->lookAtRings());
}

}  // namespace tunvs::binding
