#include "binding/descriptor_passing_binding.h"

#include "binding/errors.h"
#include "io/os/descriptor_passing.h"

namespace tunvs::binding {
namespace {

constexpr size_t kMaxLineBytes = 1u << 20;

Napi::Value connect(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  if (!info[0].IsString()) {
    throwInvalidArgument(env, "connectLocal takes a path");
    return env.Undefined();
  }
  auto fd = connectLocal(info[0].As<Napi::String>().Utf8Value());
  if (!fd) {
    throwError(env, fd.error());
    return env.Undefined();
  }
  return Napi::Number::New(env, fd.value().release());
}

Napi::Value send(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  if (!info[0].IsNumber() || !info[1].IsString() || !info[2].IsArray() || !info[3].IsNumber()) {
    throwInvalidArgument(env, "sendLine takes a descriptor, a line, descriptors to pass and milliseconds");
    return env.Undefined();
  }
  const Napi::Array given = info[2].As<Napi::Array>();
  std::vector<int> descriptors;
  for (uint32_t i = 0; i < given.Length(); i++) {
    const Napi::Value each = given[i];
    descriptors.push_back(each.IsNumber() ? each.As<Napi::Number>().Int32Value() : -1);
  }
  const auto sent =
      sendDescriptors(info[0].As<Napi::Number>().Int32Value(), info[1].As<Napi::String>().Utf8Value() + "\n",
                      descriptors, info[3].As<Napi::Number>().Int32Value());
  if (!sent) throwError(env, sent.error());
  return env.Undefined();
}

Napi::Value receive(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  if (!info[0].IsNumber() || !info[1].IsNumber()) {
    throwInvalidArgument(env, "receiveLine takes a descriptor and milliseconds");
    return env.Undefined();
  }
  auto line =
      receiveLine(info[0].As<Napi::Number>().Int32Value(), kMaxLineBytes, info[1].As<Napi::Number>().Int32Value());
  if (!line) {
    throwError(env, line.error());
    return env.Undefined();
  }
  Napi::Array descriptors = Napi::Array::New(env);
  for (uint32_t i = 0; i < line.value().descriptors.size(); i++)
    descriptors.Set(i, Napi::Number::New(env, line.value().descriptors[i].release()));
  Napi::Object result = Napi::Object::New(env);
  result.Set("text", line.value().text);
  result.Set("descriptors", descriptors);
  return result;
}

}  // namespace

void defineDescriptorPassing(Napi::Env env, Napi::Object exports) {
  exports.Set("connectLocal", Napi::Function::New<connect>(env, "connectLocal"));
  exports.Set("sendLine", Napi::Function::New<send>(env, "sendLine"));
  exports.Set("receiveLine", Napi::Function::New<receive>(env, "receiveLine"));
}

}  // namespace tunvs::binding
