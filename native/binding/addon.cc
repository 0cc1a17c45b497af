// The addon's entry: it exports what lib/native/ declares as Native.
#include <napi.h>

#include "binding/bench_binding.h"
#include "binding/convert.h"
#include "binding/decapsulator_wrap.h"
#include "binding/descriptor_passing_binding.h"
#include "binding/engine_wrap.h"
#include "binding/file_lock_binding.h"
#include "binding/host_monitor_wrap.h"
#include "binding/knocker_wrap.h"
#include "binding/listening_socket_wrap.h"
#include "binding/neighbours_binding.h"
#include "binding/offline_wrap.h"
#include "binding/pcap_wrap.h"
#include "binding/peer_credentials_binding.h"
#include "binding/pinger_wrap.h"
#include "binding/process_binding.h"
#include "binding/sync_binding.h"
#include "binding/tc_binding.h"
#include "engine/state_file.h"
#include "io/port/offload_choice.h"

namespace tunvs::binding {
namespace {

Napi::Array forwardingTraitsToJs(Napi::Env env) {
  Napi::Array rows = Napi::Array::New(env, kForwardingMethods);
  for (uint32_t i = 0; i < kForwardingMethods; i++) {
    const ForwardingTraits& traits = traitsOf(static_cast<ForwardingMethod>(i));
    std::vector<std::string_view> checksums;
    for (const auto& info : kTunnelChecksums)
      if (traits.knows(info.checksum)) checksums.push_back(info.name);
    Napi::Object row = Napi::Object::New(env);
    row.Set("isTunnel", traits.isTunnel());
    row.Set("needsSource", traits.needsSource);
    row.Set("keepsPorts", traits.keepsPorts);
    if (traits.takesSource) row.Set("takesSource", true);
    row.Set("hasPort", traits.hasPort);
    row.Set("takesSource", traits.takesSource);
    row.Set("checksums", namesToJs(env, checksums));
    rows.Set(i, row);
  }
  return rows;
}

Napi::Object init(Napi::Env env, Napi::Object exports) {
  EngineWrap::define(env, exports);
  OfflineWrap::define(env, exports);
  defineDecapsulator(env, exports);
  definePcap(env, exports);
  defineFileLock(env, exports);
  defineDescriptorPassing(env, exports);
  definePeerCredentials(env, exports);
  defineHostMonitor(env, exports);
  defineListeningSocket(env, exports);
  defineNeighbours(env, exports);
  definePinger(env, exports);
  defineKnocker(env, exports);
  defineProcess(env, exports);
  defineTc(env, exports);
  defineSync(env, exports);
  registerBench(env, exports);

  std::vector<std::string_view> names;
  for (const Scheduler* scheduler : schedulers()) names.push_back(scheduler->name());
  exports.Set("schedulers", namesToJs(env, names));
  names.clear();
  names.assign(std::begin(kForwardingMethodNames), std::end(kForwardingMethodNames));
  exports.Set("forwardingMethods", namesToJs(env, names));
  exports.Set("forwardingTraits", forwardingTraitsToJs(env));
  exports.Set("stateLayout", StateFile::layout());
  exports.Set("egresses", namesToJs(env, egressNames()));
  exports.Set("offloads", namesToJs(env, kOffloadFeatureNames));
  exports.Set("verdicts", namesToJs(env, kVerdictNames));
  std::vector<Info> infos;
  for (const auto& info : kVerdictInfos)
    infos.push_back({kVerdictKindNames[static_cast<size_t>(info.kind)], info.sentence});
  exports.Set("verdictInfos", infosToJs(env, infos));
  names.clear();
  std::vector<Info> counters;
  for (const auto& info : kCounterInfos) {
    names.push_back(info.name);
    counters.push_back({kCounterKindNames[static_cast<size_t>(info.kind)], info.sentence});
  }
  for (const auto& info : kVerdictInfos) {
    names.push_back(info.name);
    counters.push_back({kCounterKindNames[static_cast<size_t>(CounterKind::packets)], info.sentence});
  }
  exports.Set("counters", namesToJs(env, names));
  exports.Set("counterInfos", infosToJs(env, counters));
  names.clear();
  for (const auto& sysctl : kSysctls) names.push_back(sysctl.name);
  for (const auto& sysctl : kInertSysctls) names.push_back(sysctl.name);
  exports.Set("sysctlNames", namesToJs(env, names));
  Napi::Object inert = Napi::Object::New(env);
  for (const auto& sysctl : kInertSysctls) inert.Set(toJs(env, sysctl.name), toJs(env, sysctl.why));
  exports.Set("inertSysctls", inert);
  exports.Set("timeoutNames", namesToJs(env, kTimeoutNames));
  return exports;
}

}  // namespace
}  // namespace tunvs::binding

static Napi::Object initTunvs(Napi::Env env, Napi::Object exports) { return tunvs::binding::init(env, exports); }
NODE_API_MODULE(tunvs, initTunvs)
