#include "binding/director_wrap.h"

#include <sys/random.h>

#include <cmath>

#include "binding/convert.h"
#include "binding/errors.h"
#include "binding/explain_binding.h"
#include "binding/timeouts.h"
#include "engine/clock.h"

namespace tunvs::binding {
namespace {

Result<HashSecret> drawSecret() {
  HashSecret secret;
  if (getrandom(&secret, sizeof secret, 0) != static_cast<ssize_t>(sizeof secret)) {
    return Error::fromErrno(errno, "getrandom", "could not draw the connection table's secret");
  }
  secret.finish |= 1;
  return secret;
}

}  // namespace

void DirectorWrap::define(Napi::Env env, Napi::Object exports) {
  Napi::Function constructor = DefineClass(env, "NativeDirector",
                                           {
                                               InstanceMethod<&DirectorWrap::apply>("apply"),
                                               InstanceMethod<&DirectorWrap::services>("services"),
                                               InstanceMethod<&DirectorWrap::connections>("connections"),
                                               InstanceMethod<&DirectorWrap::explain>("explain"),
                                               InstanceMethod<&DirectorWrap::endConnections>("endConnections"),
                                               InstanceMethod<&DirectorWrap::collect>("collect"),
                                               InstanceMethod<&DirectorWrap::setTimeouts>("setTimeouts"),
                                               InstanceMethod<&DirectorWrap::timeouts>("timeouts"),
                                               InstanceMethod<&DirectorWrap::setSysctl>("setSysctl"),
                                               InstanceMethod<&DirectorWrap::sysctls>("sysctls"),
                                               InstanceMethod<&DirectorWrap::readCounters>("readCounters"),
                                               InstanceMethod<&DirectorWrap::tableInfo>("tableInfo"),
                                               InstanceMethod<&DirectorWrap::process>("process"),
                                               InstanceMethod<&DirectorWrap::advance>("advance"),
                                               InstanceMethod<&DirectorWrap::start>("start"),
                                               InstanceMethod<&DirectorWrap::onEvents>("onEvents"),
                                               InstanceMethod<&DirectorWrap::onPolicies>("onPolicies"),
                                               InstanceMethod<&DirectorWrap::workerCpu>("workerCpu"),
                                               InstanceMethod<&DirectorWrap::close>("close"),
                                           });
  exports.Set("Director", constructor);
}

DirectorWrap::DirectorWrap(const Napi::CallbackInfo& info) : ObjectWrap(info) {
  const Napi::Env env = info.Env();
  ObjectReader reader(info[0], "options");
  DirectorOptions options;
  options.maxConnections =
      static_cast<uint32_t>(reader.integer("maxConnections", ConnTable::kMinCapacity, ConnTable::kMaxCapacity));
  options.workers = static_cast<size_t>(reader.integer("workers", 1, Epochs::kMaxReaders - 1));
  const auto sources = reader.strings("sources");
  options.settings.pathMtu = static_cast<uint32_t>(reader.integer("pathMtu", 576, kMaxPacketBytes));
  const std::string pingReply = reader.string("pingReply");
  const std::string noServerReply = reader.string("noServerReply");
  const auto seed = reader.optionalBigInt("seed");
  const bool offline = reader.boolean("offline");
  if (!reader.ok()) return;
  for (const std::string& text : sources) {
    auto source = parseSourceRange(text);
    if (!source) {
      throwError(env, source.error());
      return;
    }
    auto& place = source->base.isV4() ? options.settings.v4 : options.settings.v6;
    if (place) {
      throwInvalidArgument(env, "options.sources holds two addresses of one family");
      return;
    }
    place = source.value();
  }
  const auto ping = pingReplyByName(pingReply);
  const auto noServer = noServerReplyByName(noServerReply);
  if (!ping || !noServer) {
    throwInvalidArgument(env, !ping ? "options.pingReply must be 'always', 'when-up' or 'never'"
                                    : "options.noServerReply must be 'unreachable' or 'reset'");
    return;
  }
  options.settings.pingReply = *ping;
  options.settings.noServerReply = *noServer;
  if (seed) {
    options.secret = HashSecret::fromSeed(*seed);
  } else {
    auto secret = drawSecret();
    if (!secret) {
      throwError(env, secret.error());
      return;
    }
    options.secret = secret.value();
  }
  tableBytes_ = Director::tableBytes(options);
  if (offline) {
    options.workers = 1;
    auto made = Offline::create(options);
    if (!made) {
      throwError(env, made.error());
      return;
    }
    offline_ = std::move(made).value();
  } else {
    auto made = Engine::create(options);
    if (!made) {
      throwError(env, made.error());
      return;
    }
    engine_ = std::move(made).value();
  }
}

DirectorWrap::~DirectorWrap() { shutDown(); }

void DirectorWrap::endOfEnvironment(void* self) {
  static_cast<DirectorWrap*>(self)->hasHook_ = false;
  static_cast<DirectorWrap*>(self)->shutDown();
}

void DirectorWrap::shutDown() {
  engine_.reset();  // joins the workers: after this nobody calls notify_
  offline_.reset();
  if (hasNotify_) {
    notify_.Release();
    hasNotify_ = false;
  }
  if (hasPolicyNotify_) {
    policyNotify_.Release();
    hasPolicyNotify_ = false;
  }
  policyCallback_.Reset();
  policies_ = {};
  if (hasHook_) napi_remove_env_cleanup_hook(Env(), endOfEnvironment, this);
  hasHook_ = false;
}

// The hook added last runs first: the workers must be gone when the thread-safe functions clean up.
void DirectorWrap::hookEnd() {
  if (hasHook_) napi_remove_env_cleanup_hook(Env(), endOfEnvironment, this);
  napi_add_env_cleanup_hook(Env(), endOfEnvironment, this);
  hasHook_ = true;
}

bool DirectorWrap::isOpen(Napi::Env env) const {
  if (engine_ != nullptr || offline_ != nullptr) return true;
  throwError(env, Error::make(ErrorCode::closed, "the director was closed"));
  return false;
}

bool DirectorWrap::isOffline(Napi::Env env) const {
  if (!isOpen(env)) return false;
  if (offline_ != nullptr) return true;
  throwError(env, Error::make(ErrorCode::unsupported, "only an offline director is driven by hand"));
  return false;
}

Tick DirectorWrap::now() const { return offline_ != nullptr ? offline_->now() : coarseNow(); }

Napi::Value DirectorWrap::apply(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  std::vector<Operation> operations;
  if (!isOpen(env) || !readOperations(info[0], operations)) return env.Undefined();
  size_t failedAt = 0;
  director().collect(now());  // tells it the time as well
  auto done = checkDirectRouting(operations, failedAt);
  if (done) done = director().apply(operations, &failedAt);
  director().collect(now());
  if (!done) {
    throwError(env, done.error());
    Napi::Error thrown = env.GetAndClearPendingException();
    thrown.Set("operation", Napi::Number::New(env, static_cast<double>(failedAt)));
    thrown.ThrowAsJavaScriptException();
  }
  return env.Undefined();
}

// Off a device nobody's link has to be asked.
Result<void> DirectorWrap::checkDirectRouting(std::span<const Operation> operations, size_t& failedAt) const {
  if (engine_ == nullptr) return {};
  for (size_t i = 0; i < operations.size(); i++) {
    const auto* added = std::get_if<AddServer>(&operations[i]);
    const auto* edited = std::get_if<EditServer>(&operations[i]);
    if (added == nullptr && edited == nullptr) continue;
    const ServerConfig& config = added != nullptr ? added->config : edited->config;
    if (config.tunnel.method != ForwardingMethod::dr) continue;
    auto checked = engine_->checkDirectRouting(added != nullptr ? added->server.address : edited->server.address);
    failedAt = i;
    if (!checked) return checked;
  }
  return {};
}

Napi::Value DirectorWrap::services(const Napi::CallbackInfo& info) {
  if (!isOpen(info.Env())) return info.Env().Undefined();
  director().collect(now());
  return servicesToJs(info.Env(), director().control().rows(now()));
}

Napi::Value DirectorWrap::connections(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  if (!isOpen(env)) return env.Undefined();
  if (!info[0].IsNumber() || !info[1].IsNumber()) {
    throwInvalidArgument(env, "connections takes a cursor and a limit");
    return env.Undefined();
  }
  const auto cursor = static_cast<uint64_t>(std::max<int64_t>(0, info[0].As<Napi::Number>().Int64Value()));
  const auto limit = static_cast<size_t>(std::max<int64_t>(1, info[1].As<Napi::Number>().Int64Value()));
  Napi::Array rows = Napi::Array::New(env);
  uint32_t count = 0;
  const uint64_t next = director().forEachConnection(cursor, limit, now(), [&](const ConnectionRow& row) {
    Napi::HandleScope scope(env);
    rows.Set(count++, connectionToJs(env, row));
  });
  Napi::Object result = Napi::Object::New(env);
  result.Set("rows", rows);
  result.Set("next", Napi::Number::New(env, next == UINT64_MAX ? -1 : static_cast<double>(next)));
  return result;
}

Napi::Value DirectorWrap::explain(const Napi::CallbackInfo& info) {
  if (!isOpen(info.Env())) return info.Env().Undefined();
  return explainToJs(info.Env(), director(), now(), info[0], info[1]);
}

Napi::Value DirectorWrap::endConnections(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  if (!isOpen(env)) return env.Undefined();
  const ServiceKey service = readServiceKey(ObjectReader(info[0], "service"));
  const ServerKey server = readServerKey(ObjectReader(info[1], "server"));
  if (env.IsExceptionPending()) return env.Undefined();
  const auto ended = director().endConnections(service, server);
  if (ended) return Napi::Number::New(env, static_cast<double>(ended.value()));
  throwError(env, ended.error());
  return env.Undefined();
}

Napi::Value DirectorWrap::collect(const Napi::CallbackInfo& info) {
  if (isOpen(info.Env())) director().collect(now());
  return info.Env().Undefined();
}

Napi::Value DirectorWrap::setTimeouts(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  TimeoutOverrides given;
  if (!isOpen(env) || !readTimeouts(ObjectReader(info[0], "timeouts"), given)) return env.Undefined();
  Tunables tunables = director().control().tunables();
  for (size_t i = 0; i < kTimeoutStates; i++) {
    if (given.seconds[i] != 0) tunables.setTimeout(i, given.seconds[i]);
  }
  director().setTunables(tunables);
  return env.Undefined();
}

Napi::Value DirectorWrap::timeouts(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  if (!isOpen(env)) return env.Undefined();
  TimeoutOverrides all;
  for (size_t i = 0; i < kTimeoutStates; i++)
    all.seconds[i] = director().control().tunables().timeouts[i] / kTicksPerSecond;
  return timeoutsToJs(env, all);
}

Napi::Value DirectorWrap::setSysctl(const Napi::CallbackInfo& info) {
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
  return env.Undefined();
}

Napi::Value DirectorWrap::sysctls(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  if (!isOpen(env)) return env.Undefined();
  Napi::Object object = Napi::Object::New(env);
  for (const auto& sysctl : kSysctls) {
    object.Set(toJs(env, sysctl.name), Napi::Number::New(env, director().sysctl(sysctl)));
  }
  const InertSysctls& inert = director().control().tunables().inert;
  for (size_t i = 0; i < std::size(kInertSysctls); i++) {
    object.Set(toJs(env, kInertSysctls[i].name), Napi::Number::New(env, inert.values[i]));
  }
  return object;
}

Napi::Value DirectorWrap::readCounters(const Napi::CallbackInfo& info) {
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

Napi::Value DirectorWrap::tableInfo(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  if (!isOpen(env)) return env.Undefined();
  Napi::Object object = Napi::Object::New(env);
  object.Set("ipv4", Napi::Number::New(env, static_cast<double>(director().connectionCount(Family::ipv4))));
  object.Set("ipv6", Napi::Number::New(env, static_cast<double>(director().connectionCount(Family::ipv6))));
  object.Set("capacity", director().connectionCapacity());
  object.Set("bytes", Napi::Number::New(env, static_cast<double>(tableBytes_)));
  return object;
}

Napi::Value DirectorWrap::process(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  if (!isOffline(env)) return env.Undefined();
  if (!info[0].IsArray() || !info[1].IsTypedArray() ||
      info[1].As<Napi::TypedArray>().TypedArrayType() != napi_float64_array ||
      info[1].As<Napi::TypedArray>().ElementLength() < info[0].As<Napi::Array>().Length()) {
    throwInvalidArgument(env, "process takes an array of packets and a Float64Array with a time for each");
    return env.Undefined();
  }
  const auto list = info[0].As<Napi::Array>();
  const double* times = info[1].As<Napi::Float64Array>().Data();
  std::vector<TimedPacket> packets(list.Length());
  for (uint32_t i = 0; i < list.Length(); i++) {
    Napi::Value item = list.Get(i);
    if (!item.IsTypedArray() || item.As<Napi::TypedArray>().TypedArrayType() != napi_uint8_array) {
      throwInvalidArgument(env, "every packet must be a Uint8Array");
      return env.Undefined();
    }
    if (!(times[i] >= 0 && times[i] < 9007199254740992.0)) {
      throwInvalidArgument(env, "every time must be a number of milliseconds from 0 on");
      return env.Undefined();
    }
    const auto bytes = item.As<Napi::Uint8Array>();
    packets[i] = {{bytes.Data(), bytes.ElementLength()}, times[i]};
  }
  if (isProcessing_) {
    throwError(env, Error::make(ErrorCode::busy, "a policy can't have its own director process packets"));
    return env.Undefined();
  }
  std::vector<OfflineOutput> outputs;
  std::vector<Verdict> verdicts(packets.size());
  isProcessing_ = true;
  offline_->process(packets, outputs, verdicts);
  isProcessing_ = false;

  Napi::Array outputArray = Napi::Array::New(env, outputs.size());
  for (uint32_t i = 0; i < outputs.size(); i++) {
    Napi::HandleScope scope(env);
    Napi::Object object = Napi::Object::New(env);
    Napi::Uint8Array data = Napi::Uint8Array::New(env, outputs[i].bytes.size());
    std::copy(outputs[i].bytes.begin(), outputs[i].bytes.end(), data.Data());
    object.Set("data", data);
    object.Set("cause", Napi::Number::New(env, static_cast<double>(outputs[i].cause)));
    outputArray.Set(i, object);
  }
  Napi::Uint8Array verdictArray = Napi::Uint8Array::New(env, verdicts.size());
  for (size_t i = 0; i < verdicts.size(); i++) verdictArray[i] = static_cast<uint8_t>(verdicts[i]);
  Napi::Object result = Napi::Object::New(env);
  result.Set("outputs", outputArray);
  result.Set("verdicts", verdictArray);
  return result;
}

Napi::Value DirectorWrap::advance(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  if (!isOffline(env)) return env.Undefined();
  const double atMs = info[0].IsNumber() ? info[0].As<Napi::Number>().DoubleValue() : NAN;
  if (isProcessing_) {
    throwError(env, Error::make(ErrorCode::busy, "a policy can't let its own director's time pass"));
  } else if (!(atMs >= 0 && atMs < 9007199254740992.0)) {
    throwInvalidArgument(env, "advance takes a number of milliseconds from 0 on");
  } else {
    offline_->advance(atMs);
  }
  return env.Undefined();
}

Napi::Value DirectorWrap::start(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  if (!isOpen(env)) return env.Undefined();
  if (engine_ == nullptr || ranBefore_) {
    throwError(env, Error::make(ErrorCode::busy, engine_ == nullptr ? "an offline director has no device"
                                                                    : "the director was started already"));
    return env.Undefined();
  }
  ObjectReader reader(info[0], "options");
  ObjectReader device = reader.object("device");
  EngineStartOptions options;
  options.device.name = device.string("name");
  options.device.queues = static_cast<size_t>(device.integer("queues", 1, static_cast<int64_t>(director().workers())));
  options.device.maxPacketBytes = static_cast<size_t>(device.integer("maxPacketBytes", 576, kMaxPacketBytes));
  size_t queues = options.device.queues;
  for (ObjectReader& marked : reader.objects("markDevices")) {
    MarkDevice& made = options.markDevices.emplace_back();
    made.device.name = marked.string("name");
    made.device.queues = static_cast<size_t>(marked.integer("queues", 1, static_cast<int64_t>(director().workers())));
    made.device.maxPacketBytes = options.device.maxPacketBytes;
    made.mark = static_cast<uint32_t>(marked.integer("mark", 1, UINT32_MAX));
    queues += made.device.queues;
    if (!marked.ok()) return env.Undefined();
  }
  options.egress = reader.string("egress");
  options.busyPollUs = static_cast<uint32_t>(reader.integer("busyPollUs", 0, 1000000));
  if (!device.ok() || !reader.ok()) return env.Undefined();
  if (queues != director().workers()) {
    throwInvalidArgument(env, "the queues of all devices must be the director's number of workers");
    return env.Undefined();
  }
  auto started = engine_->start(options);
  if (!started) {
    throwError(env, started.error());
    return env.Undefined();
  }
  ranBefore_ = true;
  Napi::Object result = Napi::Object::New(env);
  result.Set("device", started->device);
  result.Set("attached", Napi::Boolean::New(env, started->attached));
  Napi::Array markDevices = Napi::Array::New(env);
  for (uint32_t i = 0; i < started->markDevices.size(); i++) {
    Napi::Object row = Napi::Object::New(env);
    row.Set("name", started->markDevices[i].name);
    row.Set("attached", Napi::Boolean::New(env, started->markDevices[i].attached));
    markDevices.Set(i, row);
  }
  result.Set("markDevices", markDevices);
  result.Set("egress", started->egress);
  Napi::Array passedOver = Napi::Array::New(env);
  for (uint32_t i = 0; i < started->passedOver.size(); i++) {
    Napi::Object row = Napi::Object::New(env);
    row.Set("egress", started->passedOver[i].egress);
    row.Set("reason", started->passedOver[i].reason);
    passedOver.Set(i, row);
  }
  result.Set("passedOver", passedOver);
  Napi::Array warnings = Napi::Array::New(env);
  for (uint32_t i = 0; i < started->warnings.size(); i++) warnings.Set(i, started->warnings[i]);
  result.Set("warnings", warnings);
  return result;
}

// The workers' events wake the event loop through one thread-safe function, and are drained there in one call.
Napi::Value DirectorWrap::onEvents(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  if (!isOpen(env)) return env.Undefined();
  if (!info[0].IsFunction() || engine_ == nullptr || hasNotify_ || ranBefore_) {
    throwInvalidArgument(env, "onEvents takes a function, once, before start()");
    return env.Undefined();
  }
  notify_ = Napi::ThreadSafeFunction::New(env, info[0].As<Napi::Function>(), "tunvs events", 0, 1);
  notify_.Unref(env);
  hasNotify_ = true;
  hookEnd();
  engine_->events().notify([this] {
    notify_.NonBlockingCall([this](Napi::Env callEnv, Napi::Function callback) {
      if (engine_ == nullptr) return;  // closed since
      const auto events = engine_->events().drain();
      Napi::Array array = Napi::Array::New(callEnv, events.size());
      for (uint32_t i = 0; i < events.size(); i++) {
        Napi::Object object = Napi::Object::New(callEnv);
        object.Set("type", toJs(callEnv, nameOf(events[i].type)));
        object.Set("value", Napi::Number::New(callEnv, static_cast<double>(events[i].value)));
        object.Set("message", events[i].message);
        array.Set(i, object);
      }
      callback.Call({array});
    });
  });
  return env.Undefined();
}

// Online the questions come as events do; offline, the function is called within process().
Napi::Value DirectorWrap::onPolicies(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  if (!isOpen(env)) return env.Undefined();
  if (!info[0].IsFunction() || hasPolicyNotify_ || !policyCallback_.IsEmpty() || ranBefore_) {
    throwInvalidArgument(env, "onPolicies takes a function, once, before start()");
    return env.Undefined();
  }
  const auto callback = info[0].As<Napi::Function>();
  if (offline_ != nullptr) {
    policyCallback_ = Napi::Persistent(callback);
    offline_->onQuestions([this](std::span<const PolicyQuestion> questions, std::span<PolicyAnswer> answers) {
      Napi::HandleScope scope(Env());
      policies_.decide(Env(), policyCallback_.Value(), questions, answers);
    });
    return policies_.columns(env);
  }
  policyNotify_ = Napi::ThreadSafeFunction::New(env, callback, "tunvs policies", 0, 1);
  policyNotify_.Unref(env);
  hasPolicyNotify_ = true;
  hookEnd();
  engine_->policies().notify([this] {
    policyNotify_.NonBlockingCall([this](Napi::Env callEnv, Napi::Function called) { putQuestions(callEnv, called); });
  });
  return policies_.columns(env);
}

// Rounds over all workers until nobody asks. After a few the event loop gets its turn.
void DirectorWrap::putQuestions(Napi::Env env, Napi::Function callback) {
  constexpr int kMaxRounds = 16;
  for (int round = 0; engine_ != nullptr; round++) {
    if (round == kMaxRounds) {
      policyNotify_.NonBlockingCall(
          [this](Napi::Env callEnv, Napi::Function called) { putQuestions(callEnv, called); });
      return;
    }
    PolicyDesk& desk = engine_->policies();
    desk.beginRound();
    questions_.clear();
    asking_.clear();
    const Tick now = coarseNow();
    for (size_t worker = 0; worker < desk.workers(); worker++) {
      PolicyChannel& channel = desk.channel(worker);
      const PolicyQuestion* question;
      for (uint32_t taken = 0; taken < PolicyBinding::kRows && (question = channel.nextQuestion()) != nullptr;
           channel.dropQuestion()) {
        if (reached(now, question->deadline)) continue;  // its scheduler has decided
        questions_.push_back(*question);
        asking_.push_back(worker);
        taken++;
      }
    }
    if (questions_.empty()) return;
    answers_.resize(questions_.size());
    policies_.decide(env, callback, questions_, answers_);
    if (engine_ == nullptr) return;  // closed by a policy
    for (size_t i = 0; i < answers_.size(); i++) desk.channel(asking_[i]).answer(answers_[i]);
    for (size_t worker = 0; worker < desk.workers(); worker++) engine_->wakeForAnswers(worker);
  }
}

Napi::Value DirectorWrap::workerCpu(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  if (!isOpen(env)) return env.Undefined();
  const auto times = engine_ != nullptr ? engine_->cpu() : std::vector<CpuTime>{};
  Napi::Array array = Napi::Array::New(env, times.size());
  for (uint32_t i = 0; i < times.size(); i++) {
    Napi::Object object = Napi::Object::New(env);
    object.Set("userNs", Napi::BigInt::New(env, times[i].userNs));
    object.Set("systemNs", Napi::BigInt::New(env, times[i].systemNs));
    array.Set(i, object);
  }
  return array;
}

Napi::Value DirectorWrap::close(const Napi::CallbackInfo& info) {
  if (isProcessing_) {
    throwError(info.Env(), Error::make(ErrorCode::busy, "a policy can't close its own offline director"));
    return info.Env().Undefined();
  }
  shutDown();
  return info.Env().Undefined();
}

}  // namespace tunvs::binding
