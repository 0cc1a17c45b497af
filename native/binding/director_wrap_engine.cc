// DirectorWrap: packets and time, and what the workers tell.
#include <cmath>
#include "binding/convert.h"
#include "binding/director_wrap.h"
#include "binding/errors.h"
#include "engine/clock.h"

namespace tunvs::binding {

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

}  // namespace tunvs::binding
