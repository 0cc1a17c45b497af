#include "binding/bench_kernel.h"

#include <deque>

#include "bench/program_time.h"
#include "bench/redirect.h"
#include "binding/arguments.h"
#include "binding/errors.h"

namespace tunvs::binding {
namespace {

// It stays until the process ends.
Napi::Value redirect(const Napi::CallbackInfo& info) {
  static std::deque<TcAttachment> redirections;
  ObjectReader reader(info[0], "bench.redirect");
  const std::string from = reader.string("from"), to = reader.string("to");
  const IpAddress address = reader.address("address");
  if (!reader.ok()) return info.Env().Undefined();
  auto made = bench::redirect(from, to, address);
  if (made) {
    redirections.push_back(std::move(made).value());
  } else {
    throwError(info.Env(), made.error());
  }
  return info.Env().Undefined();
}

// From the first call on, the kernel measures programs until the process ends.
Napi::Value programTime(const Napi::CallbackInfo& info) {
  static UniqueFd measuring;
  const Napi::Env env = info.Env();
  if (!measuring) {
    auto begun = bench::measurePrograms();
    if (!begun) {
      throwError(env, begun.error());
      return env.Undefined();
    }
    measuring = std::move(begun).value();
  }
  if (!info[0].IsString()) {
    throwInvalidArgument(env, "bench.programTime takes a program's name");
    return env.Undefined();
  }
  const bench::ProgramTime time = bench::programTime(info[0].As<Napi::String>().Utf8Value());
  Napi::Object answer = Napi::Object::New(env);
  answer.Set("runs", Napi::Number::New(env, static_cast<double>(time.runs)));
  answer.Set("ns", Napi::Number::New(env, static_cast<double>(time.ns)));
  return answer;
}

}  // namespace

void registerKernel(Napi::Env env, Napi::Object bench) {
  bench.Set("redirect", Napi::Function::New<redirect>(env, "redirect"));
  bench.Set("programTime", Napi::Function::New<programTime>(env, "programTime"));
}

}  // namespace tunvs::binding
