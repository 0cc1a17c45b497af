// Finds the recorded traces in test/golden, wherever the test binary was built.
#pragma once

#include <optional>
#include <string>

namespace tunvs::testing {

// Returns the text of test/golden/`name`, looked for above the working directory and above this program; nullopt when
// it is not there.
std::optional<std::string> goldenText(const std::string& name);

}  // namespace tunvs::testing
