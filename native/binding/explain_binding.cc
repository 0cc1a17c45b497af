#include "binding/explain_binding.h"

#include <vector>

#include "binding/convert.h"
#include "binding/errors.h"

namespace tunvs::binding {

namespace {

// Without a port where the packet has none.
Napi::Object endpointToJs(Napi::Env env, const Endpoint& endpoint) {
  Napi::Object object = Napi::Object::New(env);
  object.Set("address", toString(endpoint.address));
  if (endpoint.port.host() != 0) object.Set("port", endpoint.port.host());
  return object;
}

}  // namespace

Napi::Value explainToJs(Napi::Env env, Director& director, Tick now, Napi::Value packet, Napi::Value mark) {
  if (!packet.IsTypedArray() || packet.As<Napi::TypedArray>().TypedArrayType() != napi_uint8_array ||
      !mark.IsNumber()) {
    throwInvalidArgument(env, "explain takes a Uint8Array that holds a packet, and a mark");
    return env.Undefined();
  }
  const auto given = packet.As<Napi::Uint8Array>();
  // The packet is copied: parsing may read a few bytes beyond its end, and nobody else may write there.
  std::vector<uint8_t> bytes(given.Data(), given.Data() + std::min<size_t>(given.ByteLength(), 65535));
  bytes.resize(bytes.size() + 64);
  ParsedPacket parsed;
  parsePacket({bytes.data(), static_cast<uint32_t>(bytes.size() - 64)}, parsed);
  const Explanation said = director.explain(parsed, now, mark.As<Napi::Number>().Uint32Value());

  Napi::Object object = Napi::Object::New(env);
  object.Set("verdict", toJs(env, kVerdictNames[static_cast<size_t>(said.verdict)]));
  object.Set("by", toJs(env, kDecidedByNames[static_cast<size_t>(said.by)]));
  object.Set("endsConnection", Napi::Boolean::New(env, said.endsConnection));
  if (!said.connectionState.empty()) object.Set("connectionState", toJs(env, said.connectionState));
  if (said.service) object.Set("service", serviceKeyToJs(env, *said.service));
  if (said.server) {
    Napi::Object server = Napi::Object::New(env);
    server.Set("address", toString(said.server->address));
    server.Set("port", said.server->port);
    object.Set("server", server);
  }
  if (said.becomes) {
    Napi::Object becomes = Napi::Object::New(env);
    if (!said.sourceIsOpen) becomes.Set("source", endpointToJs(env, said.becomes->source));
    becomes.Set("destination", endpointToJs(env, said.becomes->destination));
    object.Set("becomes", becomes);
  }
  return object;
}

}  // namespace tunvs::binding
