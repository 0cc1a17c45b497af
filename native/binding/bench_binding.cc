#include "binding/bench_binding.h"

#include "bench/attack_bench.h"
#include "bench/memory_bench.h"
#include "bench/null_loop.h"
#include "bench/syn_flood.h"
#include "binding/arguments.h"
#include "binding/bench_kernel.h"
#include "binding/bench_sending.h"
#include "binding/engine_wrap.h"
#include "binding/errors.h"

namespace tunvs::binding {
namespace {

Napi::BigInt big(Napi::Env env, uint64_t value) { return Napi::BigInt::New(env, value); }

// ObjectReader throws at its first mistake and reads nothing behind it.
Napi::Value memory(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  ObjectReader reader(info[0], "bench.memory");
  const std::string workload = reader.string("workload");
  const std::string distribution = reader.string("distribution");
  const std::string tables = reader.string("tables");
  bench::MemoryBenchOptions options;
  options.connections = static_cast<uint32_t>(reader.integer("connections", 0, UINT32_MAX));
  options.packets = static_cast<uint64_t>(reader.integer("packets", 1, kMaxSafeInteger));
  options.packetBytes = static_cast<uint32_t>(reader.integer("packetBytes", 0, UINT32_MAX));
  options.scheduler = reader.string("scheduler");
  options.forwarding = reader.string("forwarding");
  options.servers = static_cast<uint32_t>(reader.integer("servers", 1, 10'000));
  options.weightFactor = static_cast<uint32_t>(reader.integer("weightFactor", 1, 1 << 20));
  options.tableSize = static_cast<uint32_t>(reader.integer("tableSize", 0, UINT32_MAX));
  options.hashesPort = reader.boolean("hashesPort");
  options.workers = static_cast<uint32_t>(reader.integer("workers", 1, 64));
  options.isMaster = reader.boolean("isMaster");
  options.seed = static_cast<uint64_t>(reader.integer("seed", 0, kMaxSafeInteger));
  if (!reader.ok()) return env.Undefined();

  const auto meant = bench::workloadByName(workload);
  if (!meant) {
    throwInvalidArgument(env, "bench.memory: workload is established, open or reply, not \"" + workload + "\"");
    return env.Undefined();
  }
  options.workload = *meant;
  const auto chosen = bench::distributionByName(distribution);
  if (!chosen) {
    throwInvalidArgument(env, "bench.memory: distribution is uniform or zipf, not \"" + distribution + "\"");
    return env.Undefined();
  }
  options.distribution = *chosen;
  const auto where = bench::tableMemoryByName(tables);
  if (!where) {
    throwInvalidArgument(env, "bench.memory: tables is anonymous, file or moved, not \"" + tables + "\"");
    return env.Undefined();
  }
  options.tables = *where;

  const auto result = bench::runMemoryBench(options);
  if (!result.ok()) {
    throwError(env, result.error());
    return env.Undefined();
  }
  const bench::MemoryBenchResult& run = result.value();
  Napi::Object answer = Napi::Object::New(env);
  answer.Set("ns", big(env, run.ns));
  answer.Set("packets", big(env, run.packets));
  answer.Set("connections", big(env, run.connections));
  answer.Set("tableBytes", big(env, run.tableBytes));
  answer.Set("firstNs", big(env, run.firstNs));
  answer.Set("first", big(env, run.first));
  answer.Set("decisionNs", big(env, run.decisionNs));
  answer.Set("decisions", big(env, run.decisions));
  answer.Set("configureNs", big(env, run.configureNs));
  answer.Set("clockNs", big(env, run.clockNs));
  answer.Set("cpuNs", big(env, run.cpuNs));
  answer.Set("untoldCpuNs", big(env, run.untoldCpuNs));
  answer.Set("aloneNs", big(env, run.aloneNs));
  answer.Set("aloneCpuNs", big(env, run.aloneCpuNs));
  answer.Set("alonePackets", big(env, run.alonePackets));
  return answer;
}

std::optional<bench::Flood> attackByName(std::string_view name) {
  constexpr std::string_view kNames[] = {"none", "syn", "established", "talking", "udp", "fragments", "persistent"};
  for (size_t i = 0; i < std::size(kNames); i++) {
    if (name == kNames[i]) return static_cast<bench::Flood>(i);
  }
  return std::nullopt;
}

Napi::Value attack(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  ObjectReader reader(info[0], "bench.attack");
  const std::string name = reader.string("flood");
  bench::AttackBenchOptions options;
  options.capacity = static_cast<uint32_t>(reader.integer("capacity", 1, UINT32_MAX));
  options.established = static_cast<uint32_t>(reader.integer("established", 0, UINT32_MAX));
  options.newPerSecond = static_cast<uint32_t>(reader.integer("newPerSecond", 0, UINT32_MAX));
  options.floodFactor = static_cast<uint32_t>(reader.integer("floodFactor", 0, UINT32_MAX));
  options.seconds = static_cast<uint32_t>(reader.integer("seconds", 0, UINT32_MAX));
  options.seed = static_cast<uint64_t>(reader.integer("seed", 0, kMaxSafeInteger));
  if (!reader.ok()) return env.Undefined();
  const auto flood = attackByName(name);
  if (!flood) {
    throwInvalidArgument(env, "bench.attack: there is no flood \"" + name + "\"");
    return env.Undefined();
  }
  options.flood = *flood;
  const auto result = bench::runAttackBench(options);
  if (!result.ok()) {
    throwError(env, result.error());
    return env.Undefined();
  }
  const bench::AttackBenchResult& run = result.value();
  Napi::Object answer = Napi::Object::New(env);
  const std::pair<const char*, uint64_t> figures[] = {
      {"establishedSent", run.establishedSent},
      {"establishedForwarded", run.establishedForwarded},
      {"comers", run.comers},
      {"comersServed", run.comersServed},
      {"floodPackets", run.floodPackets},
      {"establishedNs", run.establishedNs},
      {"establishedTimed", run.establishedTimed},
      {"floodNs", run.floodNs},
      {"connections", run.connections},
      {"evictedClosing", run.evictedClosing},
      {"evictedUnproven", run.evictedUnproven},
      {"evictedIdle", run.evictedIdle},
      {"refused", run.refused},
  };
  for (const auto& [key, value] : figures) answer.Set(key, big(env, value));
  return answer;
}

// Starts a director on a flood of new connections. Returns a function that tells how far it has come. The caller has to
// pass a director, which is not checked, and to keep it open for as long as it calls that function.
Napi::Value synFlood(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  ObjectReader reader(info[1], "bench.synFlood");
  bench::SynFloodOptions options;
  options.virtualAddress = reader.address("virtualAddress");
  options.port = static_cast<uint16_t>(reader.integer("port", 1, 65535));
  options.connections = static_cast<uint32_t>(reader.integer("connections", 1, 1 << 26));
  options.window = static_cast<uint32_t>(reader.integer("window", 1, 1 << 26));
  if (!reader.ok()) return env.Undefined();
  Engine* engine = EngineWrap::Unwrap(info[0].As<Napi::Object>())->engine();
  auto made = bench::SynFlood::make(options);
  if (!made.ok() || engine == nullptr || engine->isRunning()) {
    throwError(env, made.ok() ? Error::make(ErrorCode::busy, "bench.synFlood: the director runs, or is closed")
                              : made.error());
    return env.Undefined();
  }
  bench::SynFlood* flood = made.value().get();
  auto started = engine->startOn(std::move(made).value());
  if (!started.ok()) {
    throwError(env, started.error());
    return env.Undefined();
  }
  return Napi::Function::New(env, [flood](const Napi::CallbackInfo& called) {
    Napi::Object answer = Napi::Object::New(called.Env());
    answer.Set("sent", big(called.Env(), flood->sent()));
    answer.Set("ns", big(called.Env(), flood->elapsedNs()));
    return answer;
  });
}

class NullLoopWrap : public Napi::ObjectWrap<NullLoopWrap> {
 public:
  static Napi::Function define(Napi::Env env) {
    return DefineClass(
        env, "NullLoop",
        {InstanceMethod<&NullLoopWrap::readings>("readings"), InstanceMethod<&NullLoopWrap::close>("close")});
  }

  explicit NullLoopWrap(const Napi::CallbackInfo& info) : Napi::ObjectWrap<NullLoopWrap>(info) {
    ObjectReader reader(info[0], "NullLoop");
    bench::NullLoopOptions options;
    options.port.device = reader.string("device");
    options.port.queues = static_cast<size_t>(reader.integer("queues", 1, 64));
    options.port.maxPacketBytes = static_cast<size_t>(reader.integer("maxPacketBytes", 576, 65535));
    options.port.egress = reader.string("egress");
    // It cuts nothing, so it must read only what is finished.
    options.port.offloads = OffloadChoice::off();
    options.source = reader.address("source");
    options.server = reader.address("server");
    if (!reader.ok()) return;
    auto started = bench::NullLoop::start(options);
    if (!started.ok()) {
      throwError(info.Env(), started.error());
      return;
    }
    loop_ = std::move(started).value();
  }

 private:
  Napi::Value readings(const Napi::CallbackInfo& info) {
    const Napi::Env env = info.Env();
    if (loop_ == nullptr) {
      throwError(env, Error::make(ErrorCode::closed, "the null loop is closed"));
      return env.Undefined();
    }
    const CpuTime cpu = loop_->cpu();
    Napi::Object answer = Napi::Object::New(env);
    answer.Set("device", loop_->device());
    answer.Set("egress", std::string(loop_->egress()));
    answer.Set("received", big(env, loop_->received()));
    answer.Set("sent", big(env, loop_->sent()));
    answer.Set("userNs", big(env, cpu.userNs));
    answer.Set("systemNs", big(env, cpu.systemNs));
    return answer;
  }

  void close(const Napi::CallbackInfo&) { loop_.reset(); }

  std::unique_ptr<bench::NullLoop> loop_;
};

}  // namespace

void registerBench(Napi::Env env, Napi::Object exports) {
  Napi::Object bench = Napi::Object::New(env);
  bench.Set("memory", Napi::Function::New(env, memory, "memory"));
  bench.Set("attack", Napi::Function::New(env, attack, "attack"));
  registerSending(env, bench);
  registerKernel(env, bench);
  bench.Set("synFlood", Napi::Function::New(env, synFlood, "synFlood"));
  bench.Set("NullLoop", NullLoopWrap::define(env));
  exports.Set("bench", bench);
}

}  // namespace tunvs::binding
