#include "binding/bench_sending.h"

#include <array>
#include <cstdio>

#include "bench/delay.h"
#include "bench/flood.h"
#include "binding/arguments.h"
#include "binding/errors.h"

namespace tunvs::binding {
namespace {

bool parseMac(const std::string& text, std::array<uint8_t, 6>& mac) {
  unsigned parts[6];
  char rest;
  if (std::sscanf(text.c_str(), "%2x:%2x:%2x:%2x:%2x:%2x%c", &parts[0], &parts[1], &parts[2], &parts[3], &parts[4],
                  &parts[5], &rest) != 6) {
    return false;
  }
  for (size_t i = 0; i < mac.size(); i++) mac[i] = static_cast<uint8_t>(parts[i]);
  return true;
}

// Throws and returns false when `text` is no address of a link layer.
bool readMac(Napi::Env env, const std::string& call, const std::string& text, std::array<uint8_t, 6>& mac) {
  if (parseMac(text, mac)) return true;
  throwInvalidArgument(env, call + ": destinationMac is like 02:00:00:00:00:01, not \"" + text + "\"");
  return false;
}

// Reads what flood and delay both take of the packets that are sent. Returns false, with an exception pending, when
// something of the object, as far as it was read, is wrong.
template <typename Options>
bool readPackets(Napi::Env env, const std::string& call, ObjectReader& reader, Options& options) {
  options.interfaceName = reader.string("interfaceName");
  const std::string mac = reader.string("destinationMac");
  options.virtualAddress = reader.address("virtualAddress");
  options.port = static_cast<uint16_t>(reader.integer("port", 1, 65535));
  options.packetsPerSecond = static_cast<uint32_t>(reader.integer("packetsPerSecond", 0, UINT32_MAX));
  options.flows = static_cast<uint32_t>(reader.integer("flows", 1, UINT32_MAX));
  options.packetBytes = static_cast<uint32_t>(reader.integer("packetBytes", 0, UINT32_MAX));
  options.durationMs = static_cast<uint32_t>(reader.integer("durationMs", 0, UINT32_MAX));
  return reader.ok() && readMac(env, call, mac, options.destinationMac);
}

Napi::Value flood(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  ObjectReader reader(info[0], "bench.flood");
  bench::FloodOptions options;
  const std::string protocol = reader.string("protocol");
  const bool isAck = protocol == "tcp-ack";
  options.protocol = protocol == "udp"            ? IpProtocol::udp
                     : protocol == "tcp" || isAck ? IpProtocol::tcp
                                                  : IpProtocol::icmp;
  if (isAck) options.tcpFlags = kTcpAck;
  options.maxPackets = static_cast<uint64_t>(reader.integer("maxPackets", 1, kMaxSafeInteger));
  if (!readPackets(env, "bench.flood", reader, options)) return env.Undefined();
  const auto result = bench::flood(options);
  if (!result.ok()) {
    throwError(env, result.error());
    return env.Undefined();
  }
  Napi::Object answer = Napi::Object::New(env);
  answer.Set("packets", Napi::BigInt::New(env, result.value().packets));
  answer.Set("ns", Napi::BigInt::New(env, result.value().ns));
  return answer;
}

Napi::Object quantiles(Napi::Env env, std::span<const uint32_t> ascending) {
  Napi::Object answer = Napi::Object::New(env);
  for (const auto& [name, share] : {std::pair{"p50", 0.5}, {"p99", 0.99}, {"p999", 0.999}, {"most", 1.0}})
    answer.Set(name, Napi::Number::New(env, bench::quantile(ascending, share)));
  return answer;
}

Napi::Value delay(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  ObjectReader reader(info[0], "bench.delay");
  bench::DelayOptions options;
  options.receiverNamespace = reader.string("receiverNamespace");
  options.receiverInterface = reader.string("receiverInterface");
  if (!readPackets(env, "bench.delay", reader, options)) return env.Undefined();
  const auto result = bench::measureDelay(options);
  if (!result.ok()) {
    throwError(env, result.error());
    return env.Undefined();
  }
  Napi::Object answer = Napi::Object::New(env);
  answer.Set("sent", Napi::BigInt::New(env, result.value().sent));
  answer.Set("received", Napi::BigInt::New(env, result.value().received));
  answer.Set("ns", Napi::BigInt::New(env, result.value().ns));
  answer.Set("delaysNs", quantiles(env, result.value().delays));
  answer.Set("latenessNs", quantiles(env, result.value().lateness));
  return answer;
}

}  // namespace

void registerSending(Napi::Env env, Napi::Object bench) {
  bench.Set("flood", Napi::Function::New(env, flood, "flood"));
  bench.Set("delay", Napi::Function::New(env, delay, "delay"));
}

}  // namespace tunvs::binding
