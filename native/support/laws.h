// Laws keeps the first law that was broken, if any; later ones are ignored.
#pragma once

#include <string>

namespace tunvs::testing {

class Laws {
 public:
  void require(bool holds, const char* law) {
    if (!holds && broken_.empty()) broken_ = law;
  }
  void require(bool holds, const std::string& law) { require(holds, law.c_str()); }
  bool hold() const { return broken_.empty(); }
  const std::string& broken() const { return broken_; }

 private:
  std::string broken_;
};

}  // namespace tunvs::testing
