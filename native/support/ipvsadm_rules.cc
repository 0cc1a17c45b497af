#include "support/ipvsadm_rules.h"

#include <cstdlib>
#include <sstream>

#include "support/raw_bytes.h"

namespace tunvs::testing {
namespace {

// What a command says.
struct Rule {
  char verb = 0;
  ServiceKey service;
  ServiceConfig config;
  ServerKey server;
  ServerConfig serverConfig{.tunnel = {.method = ForwardingMethod::dr}};
};

[[noreturn]] void refuse(const std::string& command) {
  std::printf("a recording has '%s', which tests do not know\n", command.c_str());
  std::abort();
}

Rule parsed(const std::string& command) {
  std::istringstream words(command);
  std::string word, value;
  words >> word;
  Rule rule;
  const auto next = [&] {
    if (!(words >> value)) refuse(command);
    return value;
  };
  const auto service = [&](uint8_t protocol) {
    const ServerKey at = endpointOf(next());
    rule.service = {at.address, at.port, protocol};
  };
  words >> word;
  rule.verb = word.size() == 2 ? word[1] : 0;
  TunnelOptions& tunnel = rule.serverConfig.tunnel;
  while (words >> word) {
    if (word == "-t") {
      service(6);
    } else if (word == "-u") {
      service(17);
    } else if (word == "--sctp-service") {
      service(132);
    } else if (word == "-f") {
      rule.service.address = IpAddress::v4(0, 0, 0, 0);
      rule.service.mark = static_cast<uint32_t>(std::stoul(next()));
    } else if (word == "-s") {
      rule.config.scheduler = next();
    } else if (word == "-p") {
      rule.config.persistence.timeoutSeconds = static_cast<uint32_t>(std::stoul(next()));
    } else if (word == "-o") {
      rule.config.onePacket = true;
    } else if (word == "-r") {
      rule.server = endpointOf(next());
    } else if (word == "-i") {
      tunnel.method = ForwardingMethod::ipip;
    } else if (word == "-g") {
      tunnel.method = ForwardingMethod::dr;
    } else if (word == "-m") {
      tunnel.method = ForwardingMethod::nat;
    } else if (word == "-w") {
      rule.serverConfig.weight = std::stoi(next());
    } else if (word == "--tun-type") {
      if (next() != "gue") refuse(command);
      tunnel.method = ForwardingMethod::gue;
    } else if (word == "--tun-port") {
      tunnel.port = static_cast<uint16_t>(std::stoi(next()));
    } else {
      refuse(command);
    }
  }
  return rule;
}

}  // namespace

ServerKey endpointOf(const std::string& text) {
  const size_t colon = text.rfind(':');
  const std::string host = text[0] == '[' ? text.substr(1, colon - 2) : text.substr(0, colon);
  return {address(host.c_str()), static_cast<uint16_t>(std::stoi(text.substr(colon + 1)))};
}

void obeyIpvsadm(TestDirector& director, const std::string& command) {
  uint32_t tcp = 0, fin = 0, udp = 0;
  if (std::sscanf(command.c_str(), "ipvsadm --set %u %u %u", &tcp, &fin, &udp) == 3) {
    Tunables tunables = director.director.control().tunables();
    tunables.setTimeout(timeoutIndex(TcpState::established), tcp);
    tunables.setTimeout(timeoutIndex(TcpState::finWait), fin);
    tunables.setTimeout(kUdpTimeout, udp);
    director.director.setTunables(tunables);
    return;
  }
  if (command.find("-daemon ") != std::string::npos) return;
  const Rule rule = parsed(command);
  const auto apply = [&](auto operation) {
    if (const auto done = director.apply(operation); !done) {
      std::printf("%s\n", done.error().message.c_str());
      refuse(command);
    }
  };
  switch (rule.verb) {
    case 'A': return apply(AddService{rule.service, rule.config});
    case 'D': return apply(DeleteService{rule.service});
    case 'a': return apply(AddServer{rule.service, rule.server, rule.serverConfig});
    case 'e': return apply(EditServer{rule.service, rule.server, rule.serverConfig});
    case 'd': return apply(DeleteServer{rule.service, rule.server});
    default: refuse(command);
  }
}

}  // namespace tunvs::testing
