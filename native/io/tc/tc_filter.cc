#include "io/tc/tc_filter.h"

#include <linux/if_ether.h>
#include <linux/pkt_cls.h>
#include <linux/pkt_sched.h>
#include <linux/rtnetlink.h>
#include <net/if.h>

#include <cerrno>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "io/netlink/netlink_exchange.h"
#include "io/netlink/netlink_messages.h"
#include "io/netlink/netlink_request.h"
#include "io/netlink/netlink_socket.h"

namespace tunvs {
namespace {

constexpr uint32_t kDiscipline = 0xffff0000;  // its handle, whatever its kind
const std::string kWhat = "TC filters";

// A filter in a list; only a program's has a name.
struct Seen {
  uint32_t priority, handle;
  std::string name;
};

tcmsg about(int interfaceIndex, bool isIngress) {
  tcmsg fixed{};
  fixed.tcm_ifindex = interfaceIndex;
  fixed.tcm_parent = TC_H_MAKE(TC_H_CLSACT, isIngress ? TC_H_MIN_INGRESS : TC_H_MIN_EGRESS);
  return fixed;
}

std::optional<Seen> readFilter(std::span<const uint8_t> message) {
  const auto body = netlinkBodyOf<tcmsg>(message, RTM_NEWTFILTER);
  if (!body) return std::nullopt;
  Seen seen{TC_H_MAJ(body->fixed.tcm_info) >> 16, body->fixed.tcm_handle, ""};
  bool isProgram = false;
  forEachAttribute(body->attributes, [&](const NetlinkAttribute& attribute) {
    if (attribute.type == TCA_KIND) isProgram = attribute.text() == "bpf";
    if (attribute.type != TCA_OPTIONS) return;
    forEachAttribute(attribute.value, [&](const NetlinkAttribute& option) {
      if (option.type == TCA_BPF_NAME) seen.name = option.text();
    });
  });
  if (!isProgram) seen.name.clear();
  return seen;
}

class Filters {
 public:
  static std::optional<Filters> open() {
    auto socket = openRtnetlink();
    return socket ? std::optional<Filters>(std::move(socket).value()) : std::nullopt;
  }
  Filters(UniqueFd socket) : exchange_(std::make_unique<NetlinkExchange>(std::move(socket))) {}

  std::vector<Seen> list(int interfaceIndex, bool isIngress) {
    NetlinkRequest request(RTM_GETTFILTER, NLM_F_DUMP, about(interfaceIndex, isIngress));
    std::vector<Seen> all;
    const auto asked = exchange_->askForAll(request.bytes(), kWhat, [&](std::span<const uint8_t> message) {
      if (auto seen = readFilter(message)) all.push_back(std::move(*seen));
    });
    return asked ? all : std::vector<Seen>();
  }
  void remove(int interfaceIndex, bool isIngress, const Seen& seen) {
    tcmsg fixed = about(interfaceIndex, isIngress);
    fixed.tcm_handle = seen.handle;
    fixed.tcm_info = TC_H_MAKE(seen.priority << 16, Be16::from(ETH_P_ALL).raw);
    NetlinkRequest request(RTM_DELTFILTER, NLM_F_ACK, fixed);
    request.add(TCA_KIND, std::string_view("bpf"));
    (void)exchange_->ask(request.bytes(), kWhat);  // it may be gone already
  }
  // Returns true when it was added, false when there is one.
  Result<bool> addDiscipline(int interfaceIndex) {
    tcmsg fixed{};
    fixed.tcm_ifindex = interfaceIndex;
    fixed.tcm_parent = TC_H_CLSACT;
    fixed.tcm_handle = kDiscipline;
    NetlinkRequest request(RTM_NEWQDISC, NLM_F_CREATE | NLM_F_EXCL | NLM_F_ACK, fixed);
    request.add(TCA_KIND, std::string_view("clsact"));
    const auto asked = exchange_->ask(request.bytes(), kWhat);
    if (!asked && asked.error().errnoValue != EEXIST) return asked.error();
    return asked.ok();
  }
  // Returns "clsact", or "ingress", which sees only what comes in.
  std::string disciplineKind(int interfaceIndex) {
    tcmsg fixed{};
    fixed.tcm_ifindex = interfaceIndex;
    NetlinkRequest request(RTM_GETQDISC, NLM_F_DUMP, fixed);
    std::string kind;
    // Without an answer the kind is not known.
    (void)exchange_->askForAll(request.bytes(), kWhat, [&](std::span<const uint8_t> message) {
      const auto body = netlinkBodyOf<tcmsg>(message, RTM_NEWQDISC);
      if (!body || body->fixed.tcm_ifindex != interfaceIndex || body->fixed.tcm_handle != kDiscipline) return;
      forEachAttribute(body->attributes, [&](const NetlinkAttribute& attribute) {
        if (attribute.type == TCA_KIND) kind = attribute.text();
      });
    });
    return kind;
  }
  Result<Seen> add(int program, const std::string& name, int interfaceIndex, bool isIngress) {
    tcmsg fixed = about(interfaceIndex, isIngress);
    // Without a priority the kernel puts it in front of others that have been given none.
    fixed.tcm_info = TC_H_MAKE(0, Be16::from(ETH_P_ALL).raw);
    NetlinkRequest request(RTM_NEWTFILTER, NLM_F_CREATE | NLM_F_EXCL | NLM_F_ECHO, fixed);
    request.add(TCA_KIND, std::string_view("bpf"));
    request.nest(TCA_OPTIONS, [&] {
      request.add(TCA_BPF_FD, static_cast<uint32_t>(program));
      request.add(TCA_BPF_NAME, name);
      request.add(TCA_BPF_FLAGS, uint32_t{TCA_BPF_FLAG_ACT_DIRECT});
    });
    const auto asked = exchange_->ask(request.bytes(), kWhat);
    if (!asked) return asked.error();
    if (auto seen = readFilter(asked.value())) return *seen;
    return Error::make(ErrorCode::system, "the kernel does not say what it has added");
  }

 private:
  std::unique_ptr<NetlinkExchange> exchange_;
};

bool isSame(const Seen& seen, uint32_t priority, uint32_t handle, const std::string& name) {
  return seen.priority == priority && seen.handle == handle && seen.name == name;
}

Error explained(const std::string& what, const Error& error) {
  if (error.errnoValue == ENOENT || error.errnoValue == EOPNOTSUPP)
    return Error{ErrorCode::unsupported,
                 what + ": this kernel has neither tcx (Linux 6.6) nor the modules sch_ingress and cls_bpf",
                 error.errnoValue, error.syscall};
  return Error::fromErrno(error.errnoValue, "rtnetlink", what);
}

}  // namespace

Result<TcFilter> TcFilter::add(const std::string& what, int program, const std::string& name, int interfaceIndex,
                               bool isIngress) {
  auto filters = Filters::open();
  if (!filters) return Error::fromErrno(errno, "socket", what);
  removeDead(name, interfaceIndex);
  auto token = LifeToken::make();
  if (!token) return token.error();
  const auto discipline = filters->addDiscipline(interfaceIndex);
  if (!discipline) return explained(what, discipline.error());
  if (!discipline.value() && !isIngress && filters->disciplineKind(interfaceIndex) == "ingress")
    return Error::make(ErrorCode::unsupported, what +
                                                   ": the device has the queueing discipline 'ingress', which sees " +
                                                   "nothing that leaves; remove it (tc qdisc del dev DEVICE ingress)");
  std::string whole = name + "@" + token.value().name();
  const auto added = filters->add(program, whole, interfaceIndex, isIngress);
  if (!added) return explained(what, added.error());
  TcFilter made(std::move(token).value(), std::move(whole), interfaceIndex, isIngress);
  made.priority_ = added.value().priority;
  made.handle_ = added.value().handle;
  return made;
}

TcFilter::TcFilter(TcFilter&& other) noexcept
    : token_(std::move(other.token_)),
      name_(std::move(other.name_)),
      interfaceIndex_(std::exchange(other.interfaceIndex_, 0)),
      isIngress_(other.isIngress_),
      priority_(other.priority_),
      handle_(other.handle_) {}

TcFilter::~TcFilter() {
  if (interfaceIndex_ == 0) return;
  auto filters = Filters::open();
  if (!filters) return;
  // Another may have its number and its place by now, if somebody has removed it.
  for (const Seen& seen : filters->list(interfaceIndex_, isIngress_)) {
    if (isSame(seen, priority_, handle_, name_)) filters->remove(interfaceIndex_, isIngress_, seen);
  }
}

bool TcFilter::isThere() const {
  auto filters = Filters::open();
  if (!filters) return true;  // nobody knows
  for (const Seen& seen : filters->list(interfaceIndex_, isIngress_)) {
    if (isSame(seen, priority_, handle_, name_)) return true;
  }
  return false;
}

void TcFilter::removeDead(const std::string& name, int interfaceIndex) {
  auto filters = Filters::open();
  if (!filters) return;
  const std::string start = name + "@";
  for (const bool isIngress : {true, false}) {
    for (const Seen& seen : filters->list(interfaceIndex, isIngress)) {
      if (!seen.name.starts_with(start) || LifeToken::isHeld(std::string_view(seen.name).substr(start.size())))
        continue;
      filters->remove(interfaceIndex, isIngress, seen);
    }
  }
}

void TcFilter::removeDead(const std::string& name) {
  struct if_nameindex* const devices = ::if_nameindex();
  if (devices == nullptr) return;
  for (const struct if_nameindex* device = devices; device->if_index != 0; device++)
    removeDead(name, static_cast<int>(device->if_index));
  ::if_freenameindex(devices);
}

}  // namespace tunvs
