// How many of full NAT's pairs of address and port are taken at each real server. A real server knows a connection by
// its own address, port and protocol and by the pair, whichever service it is of: so services that have one server
// share its pairs, and so does a server that is removed and still has connections.
//
// What is counted are the connections of such servers. A server that was edited from NAT to full NAT counts those that
// it had before as well, and one of every port counts those of all ports: there may be fewer pairs taken.
#pragma once

#include <map>
#include <vector>

#include "director/config/service_view.h"

namespace tunvs {

class SourceUse {
 public:
  void add(const ServiceKey& service, const ServerView& server);
  // REQUIRES: all servers were added.
  uint64_t of(const ServiceKey& service, const ServerKey& server) const;

 private:
  struct Part {
    uint8_t protocol;  // 0: any
    uint64_t connections;
  };
  std::map<ServerKey, std::vector<Part>> parts_;
};

}  // namespace tunvs
