#include "binding/neighbours_binding.h"

#include <vector>

#include "binding/arguments.h"
#include "binding/errors.h"
#include "io/packet/tell_neighbours.h"

namespace tunvs::binding {
namespace {

Napi::Value tell(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  ObjectReader reader(info[0], "tellNeighbours");
  const std::string name = reader.string("interfaceName");
  const auto addresses = reader.addresses("addresses");
  const bool isRouter = reader.boolean("isRouter");
  const bool hasSource = reader.has("source");
  const IpAddress source = hasSource ? reader.address("source") : IpAddress{};
  if (!reader.ok()) return env.Undefined();
  if (hasSource && source.isV4()) {
    throwInvalidArgument(env, "tellNeighbours takes an IPv6 address as source");
    return env.Undefined();
  }
  const auto sent = tellNeighbours({name, addresses, hasSource ? &source : nullptr, isRouter});
  if (!sent) {
    throwError(env, sent.error());
    return env.Undefined();
  }
  return Napi::Number::New(env, sent.value());
}

}  // namespace

void defineNeighbours(Napi::Env env, Napi::Object exports) {
  exports.Set("tellNeighbours", Napi::Function::New<tell>(env, "tellNeighbours"));
}

}  // namespace tunvs::binding
