#include "support/program_operations.h"

namespace tunvs::testing {
namespace {

ServerConfig readServerConfig(ProgramReader& reader, const ServerKey& server) {
  ServerConfig made;
  if (server.address.bytes[3] >= kFirstNatServer) made.tunnel.method = ForwardingMethod::nat;
  const uint8_t bits = reader.byte();
  made.weight = bits & 0x0f;
  made.upperThreshold = bits >> 4;
  made.lowerThreshold = (bits & 0x10) != 0 ? made.upperThreshold / 2 : 0;
  return made;
}

ServerCondition readCondition(ProgramReader& reader) {
  ServerCondition made;
  const uint8_t bits = reader.byte();
  made.health.isUp = (bits & 1) != 0;
  made.health.isOut = (bits & 2) != 0;
  made.health.onDown = static_cast<OnDown>(bits >> 2 & 3);
  if ((bits & 0x10) != 0) made.health.weight = bits >> 6;
  if ((bits & 0x20) != 0) made.health.factor = (bits >> 6) / 2.0;
  return made;
}

// `beyond`, in [0, 5], chooses what IPVS does not have.
ServiceConfig serviceConfig(uint8_t argument, int beyond, uint8_t protocol) {
  static constexpr const char* kSchedulerNames[] = {"rr", "wrr", "lc", "wlc", "maglev", "rendezvous", "p2c", "sh"};
  ServiceConfig made{kSchedulerNames[argument % (beyond == 0 ? 4 : 8)]};
  if ((argument & 0x10) != 0) made.persistence.timeoutSeconds = 1 + argument % 100;
  if ((argument & 0x20) != 0) made.persistence.mask4 = Be32::from(0xffffff00);
  made.onePacket = (argument & 0x40) != 0 && protocol == kUdpProtocol;
  const SchedulerTraits traits = schedulerByName(made.scheduler)->traits();
  made.schedulerOptions.stableCursor = traits.stableCursor && beyond % 2 == 1;
  made.schedulerOptions.randomStart = traits.randomStart && beyond > 2;
  made.rescheduleUdp = beyond > 1;
  if (traits.agrees && beyond > 3) made.midStream = MidStream::hash;
  if (traits.ramps && !made.hashesMidStream() && beyond > 0) made.slowStartSeconds = 20;
  return made;
}

}  // namespace

Operation readOperation(ProgramReader& reader, ProgramServers& after) {
  const uint8_t code = reader.byte();
  const ServiceKey& service = kProgramServiceKeys[(code >> 4) % kProgramServices];
  const uint8_t argument = reader.byte();
  const ServerKey server = programServer(service, argument);
  ServiceConfig scheduler = serviceConfig(argument, code / 48, service.protocol);
  // Sometimes this sets a timeout of another protocol's state, which is refused.
  if (argument >= 0x80) scheduler.timeouts.seconds[argument % kTimeoutStates] = 1 + argument / 8;
  switch (code % 16) {
    case 0:
    case 1: after.try_emplace(service); return AddService{service, scheduler};
    case 2: return EditService{service, scheduler};
    case 3: after.erase(service); return DeleteService{service};
    case 4:
    case 5:
    case 6:
    case 7:
      after[service].insert(server.address.bytes[3]);
      return AddServer{service, server, readServerConfig(reader, server)};
    case 8:
    case 9: return EditServer{service, server, readServerConfig(reader, server)};
    case 12: return EditServer{service, server, {}, readCondition(reader)};
    case 10:
    case 11: after[service].erase(server.address.bytes[3]); return DeleteServer{service, server};
    case 13:
      if (argument != 0) return ZeroCounters{service};
      after.clear();
      return ClearServices{};
    case 14: return ZeroCounters{};
    default:
      scheduler.persistence = {};
      scheduler.timeouts = {};
      return AddService{{service.address, 0, service.protocol}, scheduler};  // always refused
  }
}

}  // namespace tunvs::testing
