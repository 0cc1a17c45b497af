#include "binding/pcap_wrap.h"

#include <cmath>

#include "binding/convert.h"
#include "binding/errors.h"
#include "io/pcap/pcap_file.h"

namespace tunvs::binding {
namespace {

Error closedError() { return Error::make(ErrorCode::closed, "the capture file was closed"); }

class PcapReaderWrap : public Napi::ObjectWrap<PcapReaderWrap> {
 public:
  static Napi::Function define(Napi::Env env) {
    return DefineClass(
        env, "NativePcapReader",
        {InstanceMethod<&PcapReaderWrap::next>("next"), InstanceMethod<&PcapReaderWrap::close>("close"),
         InstanceMethod<&PcapReaderWrap::skipped>("skipped"), InstanceAccessor<&PcapReaderWrap::linkType>("linkType")});
  }

  explicit PcapReaderWrap(const Napi::CallbackInfo& info) : ObjectWrap(info) {
    if (!info[0].IsString()) {
      throwInvalidArgument(info.Env(), "a capture's path must be a string");
      return;
    }
    auto opened = PcapReader::open(info[0].As<Napi::String>().Utf8Value());
    if (!opened) {
      throwError(info.Env(), opened.error());
      return;
    }
    reader_ = std::move(opened).value();
  }

 private:
  Napi::Value next(const Napi::CallbackInfo& info) {
    const Napi::Env env = info.Env();
    if (reader_ == nullptr) {
      throwError(env, closedError());
      return env.Undefined();
    }
    const double wanted = info[0].IsNumber() ? info[0].As<Napi::Number>().DoubleValue() : NAN;
    if (!(wanted >= 1 && wanted <= 1e6)) {
      throwInvalidArgument(env, "next takes a number of packets from 1 to 1000000");
      return env.Undefined();
    }
    if (deferred_) {
      throwError(env, *deferred_);
      return env.Undefined();
    }
    Napi::Array packets = Napi::Array::New(env);
    std::vector<double> times;
    while (times.size() < static_cast<size_t>(wanted)) {
      auto read = reader_->next();
      if (!read) {
        // The packets that were read before the error are delivered first.
        deferred_ = read.error();
        if (!times.empty()) break;
        throwError(env, *deferred_);
        return env.Undefined();
      }
      if (!read.value().has_value()) break;
      const PcapPacket& packet = *read.value();
      Napi::HandleScope scope(env);
      const auto data = bytesToJs(env, packet.bytes);
      if (!data) return env.Undefined();
      packets.Set(static_cast<uint32_t>(times.size()), *data);
      times.push_back(static_cast<double>(packet.timeNs / 1000) / 1000.0);
    }
    if (times.empty()) return env.Undefined();
    Napi::Float64Array timeArray = Napi::Float64Array::New(env, times.size());
    if (timeArray.IsEmpty()) return env.Undefined();
    std::copy(times.begin(), times.end(), timeArray.Data());
    Napi::Object result = Napi::Object::New(env);
    result.Set("packets", packets);
    result.Set("timesMs", timeArray);
    return result;
  }

  Napi::Value skipped(const Napi::CallbackInfo& info) {
    const Napi::Env env = info.Env();
    if (reader_ == nullptr) {
      throwError(env, closedError());
      return env.Undefined();
    }
    const PcapSkipped& skipped = reader_->skipped();
    Napi::Object result = Napi::Object::New(env);
    const auto set = [&](const char* name, uint64_t value) {
      result.Set(name, Napi::Number::New(env, static_cast<double>(value)));
    };
    set("notIp", skipped.notIp);
    set("truncated", skipped.truncated);
    set("oversized", skipped.oversized);
    set("cutOff", reader_->isCutOff() ? 1 : 0);
    return result;
  }

  Napi::Value linkType(const Napi::CallbackInfo& info) {
    if (reader_ == nullptr) {
      throwError(info.Env(), closedError());
      return info.Env().Undefined();
    }
    return Napi::Number::New(info.Env(), static_cast<double>(reader_->linkType()));
  }

  Napi::Value close(const Napi::CallbackInfo& info) {
    reader_.reset();
    return info.Env().Undefined();
  }

  std::unique_ptr<PcapReader> reader_;
  std::optional<Error> deferred_;  // found behind packets that were delivered, or reported already
};

class PcapWriterWrap : public Napi::ObjectWrap<PcapWriterWrap> {
 public:
  static Napi::Function define(Napi::Env env) {
    return DefineClass(
        env, "NativePcapWriter",
        {InstanceMethod<&PcapWriterWrap::write>("write"), InstanceMethod<&PcapWriterWrap::close>("close")});
  }

  explicit PcapWriterWrap(const Napi::CallbackInfo& info) : ObjectWrap(info) {
    if (!info[0].IsString()) {
      throwInvalidArgument(info.Env(), "a capture's path must be a string");
      return;
    }
    auto created = PcapWriter::create(info[0].As<Napi::String>().Utf8Value());
    if (!created) {
      throwError(info.Env(), created.error());
      return;
    }
    writer_ = std::move(created).value();
  }

 private:
  Napi::Value write(const Napi::CallbackInfo& info) {
    const Napi::Env env = info.Env();
    if (writer_ == nullptr) {
      throwError(env, closedError());
      return env.Undefined();
    }
    if (!info[0].IsArray() || !info[1].IsTypedArray() ||
        info[1].As<Napi::TypedArray>().TypedArrayType() != napi_float64_array) {
      throwInvalidArgument(env, "write takes an array of packets and a Float64Array with a time for each");
      return env.Undefined();
    }
    const auto list = info[0].As<Napi::Array>();
    const auto times = info[1].As<Napi::Float64Array>();
    for (uint32_t i = 0; i < list.Length(); i++) {
      Napi::HandleScope scope(env);
      Napi::Value item = list.Get(i);  // a getter may do anything, so the rest is read after it
      const double atMs = i < times.ElementLength() ? times[i] : NAN;
      if (writer_ == nullptr || !item.IsTypedArray() ||
          item.As<Napi::TypedArray>().TypedArrayType() != napi_uint8_array || !(atMs >= 0 && atMs < 4.3e12)) {
        if (!env.IsExceptionPending())
          throwInvalidArgument(env, "every packet must be a Uint8Array with a time from 0 to 4.3e12 ms");
        return env.Undefined();
      }
      const auto bytes = item.As<Napi::Uint8Array>();
      PcapPacket packet;
      packet.timeNs = static_cast<uint64_t>(std::llround(atMs * 1000.0)) * 1000;
      packet.bytes = {bytes.Data(), bytes.ElementLength()};
      if (auto written = writer_->write(packet); !written) {
        throwError(env, written.error());
        return env.Undefined();
      }
    }
    return env.Undefined();
  }

  Napi::Value close(const Napi::CallbackInfo& info) {
    if (writer_ == nullptr) return info.Env().Undefined();
    auto closed = writer_->close();
    writer_.reset();
    if (!closed) throwError(info.Env(), closed.error());
    return info.Env().Undefined();
  }

  std::unique_ptr<PcapWriter> writer_;
};

}  // namespace

void definePcap(Napi::Env env, Napi::Object exports) {
  exports.Set("PcapReader", PcapReaderWrap::define(env));
  exports.Set("PcapWriter", PcapWriterWrap::define(env));
}

}  // namespace tunvs::binding
