#include "binding/offline_wrap.h"

#include <cmath>

#include "binding/convert.h"
#include "binding/director_options.h"
#include "binding/errors.h"

namespace tunvs::binding {
namespace {

// Copies of the packets as they were when process() was called: a policy may change the caller's buffers while it is
// asked.
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

void OfflineWrap::define(Napi::Env env, Napi::Object exports) {
  exports.Set("Offline", DefineClass(env, "NativeOffline",
                                     withMethods<OfflineWrap>({
                                         InstanceMethod<&OfflineWrap::process>("process"),
                                         InstanceMethod<&OfflineWrap::advance>("advance"),
                                         InstanceMethod<&OfflineWrap::onPolicies>("onPolicies"),
                                     })));
}

OfflineWrap::OfflineWrap(const Napi::CallbackInfo& info) : ObjectWrap(info) {
  DirectorOptions options;
  ObjectReader reader(info[0], "options");
  if (!readDirectorOptions(reader, options)) return;
  auto made = Offline::create(options);
  if (!made) {
    throwError(info.Env(), made.error());
    return;
  }
  offline_ = std::move(made).value();
  tableBytes_ = Director::tableBytes(options);
}

OfflineWrap::~OfflineWrap() { shutDown(); }

void OfflineWrap::shutDown() {
  offline_.reset();
  policies_.reset();
}

Director* OfflineWrap::openDirector() const { return offline_ == nullptr ? nullptr : &offline_->director(); }

Napi::Value OfflineWrap::process(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  if (!isOpen(env)) return env.Undefined();
  if (!info[0].IsArray() || !info[1].IsTypedArray() ||
      info[1].As<Napi::TypedArray>().TypedArrayType() != napi_float64_array) {
    throwInvalidArgument(env, "process takes an array of packets and a Float64Array with a time for each");
    return env.Undefined();
  }
  if (isHeld()) {
    throwError(env, Error::make(ErrorCode::busy, "a policy can't have its own director process packets"));
    return env.Undefined();
  }
  const auto list = info[0].As<Napi::Array>();
  const auto times = info[1].As<Napi::Float64Array>();
  PacketCopies copies;
  const uint32_t count = list.Length();
  for (uint32_t i = 0; i < count; i++) {
    Napi::HandleScope scope(env);
    const Napi::Value item = list.Get(i);  // a getter may do anything, so the rest is read after it
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
  hold([&] { offline_->process(copies.finish(), outputs, verdicts); });
  return environmentEnds_ ? env.Undefined() : processed(env, outputs, verdicts);
}

Napi::Value OfflineWrap::advance(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  if (!isOpen(env)) return env.Undefined();
  const double atMs = info[0].IsNumber() ? info[0].As<Napi::Number>().DoubleValue() : NAN;
  if (isHeld()) {
    throwError(env, Error::make(ErrorCode::busy, "a policy can't let its own director's time pass"));
  } else if (!(atMs >= 0 && atMs < 9007199254740992.0)) {
    throwInvalidArgument(env, "advance takes a number of milliseconds from 0 on");
  } else {
    offline_->advance(atMs);
  }
  return env.Undefined();
}

Napi::Value OfflineWrap::onPolicies(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  if (!isOpen(env)) return env.Undefined();
  if (!info[0].IsFunction() || policies_ != nullptr) {
    throwInvalidArgument(env, "onPolicies takes a function, once");
    return env.Undefined();
  }
  auto binding = std::make_unique<PolicyBinding>(info[0].As<Napi::Function>());
  const Napi::Value columns = binding->columns(env);
  if (!columns.IsObject()) return env.Undefined();
  policies_ = std::move(binding);
  offline_->onQuestions([this](std::span<const PolicyQuestion> questions, std::span<PolicyAnswer> answers) {
    Napi::HandleScope scope(Env());
    if (environmentEnds_ || isClosing()) return;  // the schedulers of those services decide
    environmentEnds_ = !policies_->decide(Env(), questions, answers);
  });
  return columns;
}

}  // namespace tunvs::binding
