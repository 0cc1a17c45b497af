#include "binding/decapsulator_wrap.h"

#include "binding/arguments.h"
#include "binding/convert.h"
#include "binding/errors.h"
#include "realserver/decapsulator.h"

namespace tunvs::binding {
namespace {

class DecapsulatorWrap : public Napi::ObjectWrap<DecapsulatorWrap> {
 public:
  static Napi::Function define(Napi::Env env) {
    return DefineClass(
        env, "NativeDecapsulator",
        {InstanceMethod<&DecapsulatorWrap::readCounters>("readCounters"),
         InstanceMethod<&DecapsulatorWrap::close>("close"), InstanceAccessor<&DecapsulatorWrap::device>("device"),
         InstanceAccessor<&DecapsulatorWrap::failure>("failure")});
  }

  explicit DecapsulatorWrap(const Napi::CallbackInfo& info) : ObjectWrap(info) {
    ObjectReader reader(info[0], "options");
    DecapsulatorOptions options;
    options.device = reader.string("device");
    options.directors = reader.prefixes("directors");
    options.virtualAddresses = reader.addresses("virtualAddresses");
    options.encapsulations = reader.strings("encapsulations");
    options.guePorts = reader.ports("guePorts");
    options.usesOffloads = reader.boolean("usesOffloads");
    options.usesProgram = reader.boolean("usesProgram");
    if (!reader.ok()) return;
    auto started = Decapsulator::start(options);
    if (!started) {
      throwError(info.Env(), started.error());
      return;
    }
    decapsulator_ = std::move(started).value();
    device_ = decapsulator_->device();
  }

 private:
  Napi::Value readCounters(const Napi::CallbackInfo& info) {
    const Napi::Env env = info.Env();
    constexpr std::span kInfos = kDecapCounterInfos;
    if (decapsulator_ == nullptr) {
      throwError(env, Error::make(ErrorCode::closed, "the decapsulator was closed"));
    } else if (!info[0].IsTypedArray() || info[0].As<Napi::TypedArray>().TypedArrayType() != napi_biguint64_array ||
               info[0].As<Napi::TypedArray>().ElementLength() < kInfos.size()) {
      throwInvalidArgument(
          env, "readCounters takes a BigUint64Array of at least " + std::to_string(kInfos.size()) + " elements");
    } else {
      const DecapCounters counters = decapsulator_->counters();
      auto target = info[0].As<Napi::BigUint64Array>();
      for (size_t i = 0; i < kInfos.size(); i++) target[i] = counters.*kInfos[i].field;
    }
    return env.Undefined();
  }

  Napi::Value device(const Napi::CallbackInfo& info) { return Napi::String::New(info.Env(), device_); }

  Napi::Value failure(const Napi::CallbackInfo& info) {
    return Napi::String::New(info.Env(), decapsulator_ == nullptr ? "" : decapsulator_->failure());
  }

  Napi::Value close(const Napi::CallbackInfo& info) {
    decapsulator_.reset();
    return info.Env().Undefined();
  }

  std::unique_ptr<Decapsulator> decapsulator_;
  std::string device_;
};

}  // namespace

void defineDecapsulator(Napi::Env env, Napi::Object exports) {
  exports.Set("Decapsulator", DecapsulatorWrap::define(env));
  std::vector<std::string_view> names;
  std::vector<Info> infos;
  for (const auto& info : kDecapCounterInfos) {
    names.push_back(info.name);
    infos.push_back({kDecapCounterKindNames[static_cast<size_t>(info.kind)], info.sentence});
  }
  exports.Set("decapCounters", namesToJs(env, names));
  exports.Set("decapCounterInfos", infosToJs(env, infos));
}

}  // namespace tunvs::binding
