#include "scheduler/options.h"

#include "support/testing.h"

namespace tunvs::options_test {
namespace {

using Names = std::vector<std::string>;

TEST("a scheduler's flags have its own names, and IPVS's general ones") {
  for (const char* scheduler : {"sh", "mh"}) {
    const std::string name(scheduler);
    CHECK_EQ(schedulerFlagByName(name, name + "-fallback").value_or(0), kFallbackFlag);
    CHECK_EQ(schedulerFlagByName(name, name + "-port").value_or(0), kPortFlag);
    CHECK(schedulerFlagNames(name, 7) == (Names{name + "-fallback", name + "-port", "flag-3"}));
  }
  CHECK_EQ(schedulerFlagByName("rr", "flag-1").value_or(0), 1);
  CHECK_EQ(schedulerFlagByName("sh", "flag-2").value_or(0), 2);
  CHECK_EQ(schedulerFlagByName("rr", "flag-3").value_or(0), 4);
  CHECK(schedulerFlagNames("rr", 7) == (Names{"flag-1", "flag-2", "flag-3"}));
  CHECK(schedulerFlagNames("maglev", 3) == (Names{"flag-1", "maglev-port"}));
  CHECK(schedulerFlagNames("sh", 0).empty());
}

TEST("a name that is no flag of the scheduler is not found") {
  for (const auto& [scheduler, name] : {std::pair{"sh", "mh-port"},
                                        {"rr", "rr-port"},
                                        {"maglev", "maglev-fallback"},
                                        {"sh", ""},
                                        {"sh", "sh-"},
                                        {"sh", "port"}}) {
    CHECK(!schedulerFlagByName(scheduler, name).has_value());
  }
}

}  // namespace
}  // namespace tunvs::options_test
