// DirectorWrap: packets and time, and what the workers tell.
#include <cmath>

#include "binding/call.h"
#include "binding/convert.h"
#include "binding/director_wrap.h"
#include "binding/errors.h"
#include "engine/clock.h"

namespace tunvs::binding {

namespace {

// Packets as they were when process() was called: a policy that it asks may do with the caller's buffers as it likes.
struct PacketCopies {
  std::vector<uint8_t> bytes;
  std::vector<TimedPacket> packets;

  void add(const uint8_t* data, size_t length, double atMs) {
    packets.push_back({{static_cast<const uint8_t*>(nullptr), length}, atMs});
    bytes.insert(bytes.end(), data, data + length);
  }
  std::span<const TimedPacket> finish() {
    size_t offset = 0;
    for (TimedPacket& packet : packets) {
      const size_t length = packet.bytes.size();
      packet.bytes = {bytes.data() + offset, length};
      offset += length;
    }
    return packets;
  }
};

Napi::Value processed(Napi::Env env, const std::vector<OfflineOutput>& outputs, const std::vector<Verdict>& verdicts) {
  Napi::Array outputArray = Napi::Array::New(env, outputs.size());
  for (uint32_t i = 0; i < outputs.size(); i++) {
    Napi::HandleScope scope(env);
    const auto data = bytesToJs(env, outputs[i].bytes);
    if (!data) return env.Undefined();
    Napi::Object object = Napi::Object::New(env);
    object.Set("data", *data);
    object.Set("cause", Napi::Number::New(env, static_cast<double>(outputs[i].cause)));
    outputArray.Set(i, object);
  }
  static_assert(sizeof(Verdict) == 1);
  const auto verdictArray = bytesToJs(env, {reinterpret_cast<const uint8_t*>(verdicts.data()), verdicts.size()});
  if (!verdictArray) return env.Undefined();
  Napi::Object result = Napi::Object::New(env);
  result.Set("outputs", outputArray);
  result.Set("verdicts", *verdictArray);
  return result;
}

}  // namespace

Napi::Value DirectorWrap::process(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  if (!isOffline(env)) return env.Undefined();
  if (!info[0].IsArray() || !info[1].IsTypedArray() ||
      info[1].As<Napi::TypedArray>().TypedArrayType() != napi_float64_array) {
    throwInvalidArgument(env, "process takes an array of packets and a Float64Array with a time for each");
    return env.Undefined();
  }
  if (isProcessing_) {
    throwError(env, Error::make(ErrorCode::busy, "a policy can't have its own director process packets"));
    return env.Undefined();
  }
  const auto list = info[0].As<Napi::Array>();
  const auto times = info[1].As<Napi::Float64Array>();
  PacketCopies copies;
  const uint32_t count = list.Length();
  for (uint32_t i = 0; i < count; i++) {
    Napi::HandleScope scope(env);
    const Napi::Value item = list.Get(i);  // a getter may do anything: what is read is read after it
    if (item.IsEmpty() || !item.IsTypedArray() || item.As<Napi::TypedArray>().TypedArrayType() != napi_uint8_array) {
      if (!env.IsExceptionPending()) throwInvalidArgument(env, "every packet must be a Uint8Array");
      return env.Undefined();
    }
    const double atMs = i < times.ElementLength() ? times[i] : NAN;
    if (!(atMs >= 0 && atMs < 9007199254740992.0)) {
      throwInvalidArgument(env, "every time must be a number of milliseconds from 0 on");
      return env.Undefined();
    }
    const auto bytes = item.As<Napi::Uint8Array>();
    copies.add(bytes.Data(), bytes.ElementLength(), atMs);
  }
  if (!isOpen(env)) return env.Undefined();
  std::vector<OfflineOutput> outputs;
  std::vector<Verdict> verdicts(count);
  environmentEnds_ = false;
  isProcessing_ = true;
  offline_->process(copies.finish(), outputs, verdicts);
  isProcessing_ = false;
  if (isClosing_) shutDown();
  return environmentEnds_ ? env.Undefined() : processed(env, outputs, verdicts);
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
  const auto workers = static_cast<int64_t>(director().workers());
  ObjectReader reader(info[0], "options");
  ObjectReader device = reader.object("device");
  EngineStartOptions options;
  options.port.device = device.string("name");
  options.port.queues = static_cast<size_t>(device.integer("queues", 1, workers));
  options.port.maxPacketBytes = static_cast<size_t>(device.integer("maxPacketBytes", 576, kMaxPacketBytes));
  size_t queues = options.port.queues;
  for (ObjectReader& marked : reader.objects("markDevices")) {
    MarkPort& made = options.markPorts.emplace_back();
    made.port.device = marked.string("name");
    made.port.queues = static_cast<size_t>(marked.integer("queues", 1, workers));
    made.port.maxPacketBytes = options.port.maxPacketBytes;
    made.mark = static_cast<uint32_t>(marked.integer("mark", 1, UINT32_MAX));
    queues += made.port.queues;
    if (!marked.ok()) return env.Undefined();
  }
  options.port.egress = reader.string("egress");
  options.busyPollUs = static_cast<uint32_t>(reader.integer("busyPollUs", 0, 1000000));
  if (!device.ok() || !reader.ok() || !isOpen(env)) return env.Undefined();  // reading may have closed it
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

// Null where the environment ends: it still makes the calls that wait, and lets them run no JavaScript. It may begin to
// end between any two steps, and then napi::Object::Set() makes an error of it that nobody can throw, which ends the
// process; so each step's status is looked at.
static napi_value eventsToJs(napi_env env, std::span<const Event> events) {
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
    notify_.NonBlockingCall([self = self_](Napi::Env callEnv, Napi::Function callback) {
      if (*self == nullptr || (*self)->engine_ == nullptr) return;  // gone, or closed, since
      const auto events = (*self)->engine_->events().drain();
      const napi_value array = eventsToJs(callEnv, events);
      if (array == nullptr) return;  // there is nobody to tell any more
      const napi_value arguments[] = {array};
      callFunction(callEnv, callback, arguments);  // what it throws is left to Node
    });
  });
  return env.Undefined();
}

// Offline the function is called within process(). Online, what is told of questions calls putQuestions() in its turn.
Napi::Value DirectorWrap::onPolicies(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  if (!isOpen(env)) return env.Undefined();
  if (!info[0].IsFunction() || (engine_ != nullptr && !info[1].IsFunction()) || policies_ != nullptr || ranBefore_) {
    throwInvalidArgument(env, "onPolicies takes two functions, once, before start()");
    return env.Undefined();
  }
  auto binding = std::make_unique<PolicyBinding>();
  const Napi::Value columns = binding->columns(env);
  if (!columns.IsObject()) return env.Undefined();
  policies_ = std::move(binding);
  policyCallback_ = Napi::Persistent(info[0].As<Napi::Function>());
  if (offline_ != nullptr) {
    offline_->onQuestions([this](std::span<const PolicyQuestion> questions, std::span<PolicyAnswer> answers) {
      Napi::HandleScope scope(Env());
      if (environmentEnds_ || isClosing_) return;  // their schedulers decide
      environmentEnds_ = !askPolicies(Env(), questions, answers);
    });
    return columns;
  }
  policyNotify_ = Napi::ThreadSafeFunction::New(env, info[1].As<Napi::Function>(), "tunvs policies", 0, 1);
  policyNotify_.Unref(env);
  hasPolicyNotify_ = true;
  hookEnd();
  engine_->policies().notify([this] { tellOfQuestions(); });
  return columns;
}

// False when the environment ends.
bool DirectorWrap::askPolicies(Napi::Env env, std::span<const PolicyQuestion> questions,
                               std::span<PolicyAnswer> answers) {
  isAsking_ = true;
  const bool goesOn = policies_->decide(env, policyCallback_.Value(), questions, answers);
  isAsking_ = false;
  return goesOn;
}

// By any thread.
void DirectorWrap::tellOfQuestions() {
  policyNotify_.NonBlockingCall(
      [](Napi::Env env, Napi::Function called) { callFunction(env, called, {}); });  // what it throws is left to Node
}

// As many as are put at once, of all workers by turns; false when nobody asks.
bool DirectorWrap::takeQuestions() {
  PolicyDesk& desk = engine_->policies();
  questions_.clear();
  asking_.clear();
  const Tick now = coarseNow();
  for (size_t empty = 0; empty < desk.workers() && questions_.size() < rowsAtOnce_;) {
    const size_t worker = nextWorker_++ % desk.workers();
    PolicyChannel& channel = desk.channel(worker);
    const PolicyQuestion* question = channel.nextQuestion();
    // Those that are late by now: their scheduler has decided.
    for (; question != nullptr && reached(now, question->deadline); question = channel.nextQuestion())
      channel.dropQuestion();
    empty = question == nullptr ? empty + 1 : 0;
    if (question == nullptr) continue;
    questions_.push_back(*question);
    asking_.push_back(worker);
    channel.dropQuestion();
  }
  return !questions_.empty();
}

// One turn: puts questions and hands the answers over, a few at a time, until nobody asks or the time is over. In that
// case whoever tells of questions is told again, and comes back behind the event loop's other work.
Napi::Value DirectorWrap::putQuestions(const Napi::CallbackInfo& info) {
  constexpr uint64_t kTurnUs = 4000;
  constexpr size_t kMaxRowsAtOnce = 64;
  constexpr uint64_t kManyUs = 1000, kFewUs = 250;  // that so many questions took: then there are fewer, or more
  const Napi::Env env = info.Env();
  if (engine_ == nullptr || policies_ == nullptr || isAsking_) return env.Undefined();
  const uint64_t beginUs = monotonicUs();
  engine_->policies().beginRound();
  for (uint64_t nowUs = beginUs; takeQuestions();) {
    answers_.resize(questions_.size());
    const bool goesOn = askPolicies(env, questions_, answers_);
    if (isClosing_) shutDown();
    if (!goesOn || engine_ == nullptr) return env.Undefined();
    PolicyDesk& desk = engine_->policies();
    for (size_t i = 0; i < answers_.size(); i++) desk.channel(asking_[i]).answer(answers_[i]);
    for (size_t worker = 0; worker < desk.workers(); worker++) engine_->wakeForAnswers(worker);
    const uint64_t tookUs = monotonicUs() - nowUs;
    nowUs += tookUs;
    if (tookUs > kManyUs) rowsAtOnce_ = std::max<size_t>(1, questions_.size() * kManyUs / tookUs);
    if (tookUs < kFewUs) rowsAtOnce_ = std::min(kMaxRowsAtOnce, rowsAtOnce_ * 2);
    if (nowUs - beginUs < kTurnUs) continue;
    tellOfQuestions();
    break;
  }
  return env.Undefined();
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
