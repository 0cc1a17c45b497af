// The sysctls of IPVS that mean nothing to this director. They are accepted, kept and shown, so that a sysctl.conf
// written for IPVS can be used, and whoever sets one is told why nothing changes.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

namespace tunvs {

struct InertSysctlInfo {
  std::string_view name;  // below net.ipv4.vs
  int32_t initial, minimum, maximum;
  std::string_view why;  // follows "has no effect here: "
};

namespace inert_sysctls_detail {

inline constexpr std::string_view kNoEstimation = "rates are worked out by whoever reads them";

}  // namespace inert_sysctls_detail

inline constexpr InertSysctlInfo kInertSysctls[] = {
    {"conntrack", 0, 0, 1, "packets leave without passing netfilter's connection tracking"},
    {"est_nice", 0, -20, 19, inert_sysctls_detail::kNoEstimation},
    {"ignore_tunneled", 0, 0, 1, "packets that are neither TCP, UDP, SCTP nor ICMP are never looked into"},
    {"run_estimation", 1, 0, 1, inert_sysctls_detail::kNoEstimation},
    {"snat_reroute", 1, 0, 1, "the host routes real servers' replies by the address that they leave with, always"},
};

struct InertSysctls {
  std::array<int32_t, std::size(kInertSysctls)> values = [] {
    std::array<int32_t, std::size(kInertSysctls)> initial{};
    for (size_t i = 0; i < initial.size(); i++) initial[i] = kInertSysctls[i].initial;
    return initial;
  }();
};

}  // namespace tunvs
