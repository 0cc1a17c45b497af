#include "io/tc/tc_hooks.h"

#include <net/if.h>

#include <algorithm>
#include <cerrno>

#include "io/route/ingress_device.h"
#include "io/tc/bpf_calls.h"

namespace tunvs {
namespace {

// Returns "" for a device that is not there.
std::string nameOf(int index) {
  char name[IF_NAMESIZE];
  return ::if_indextoname(static_cast<unsigned>(index), name) == nullptr ? "" : name;
}

}  // namespace

Result<int> TcHooks::program(TcPlace place) {
  const auto known =
      std::find_if(programs_.begin(), programs_.end(), [&](const auto& each) { return each.first == place; });
  if (known != programs_.end()) return known->second.get();
  auto made = load_(place);
  if (!made) return made.error();
  programs_.emplace_back(place, std::move(made).value());
  return programs_.back().second.get();
}

Result<TcPlace> TcHooks::placeOf(const std::string& device, int index, bool isIngress) const {
  if (!isIngress) return TcPlace{0, false};
  const auto linkBytes = ingressLinkBytes(owner_, device, index);
  if (!linkBytes) return linkBytes.error();
  return TcPlace{linkBytes.value(), true};
}

Result<void> TcHooks::attach(const std::string& device, bool isIngress) {
  auto made = attached(device, isIngress);
  if (!made) return made.error();
  const auto known = std::find_if(hooks_.begin(), hooks_.end(), [&](const Attached& hook) {
    return hook.index == made.value().index && hook.hook.isIngress == isIngress;
  });
  if (known == hooks_.end()) {
    hooks_.push_back(std::move(made).value());
  } else if (!known->hook.isAttached) {
    *known = std::move(made).value();
  }
  publish();
  return {};
}

Result<TcHooks::Attached> TcHooks::attached(const std::string& device, bool isIngress) {
  const auto index = static_cast<int>(::if_nametoindex(device.c_str()));
  if (index == 0)
    return Error{ErrorCode::noDevice, owner_ + " finds no device " + device + ": name one that is there (ip link)",
                 errno, "if_nametoindex"};
  const auto place = placeOf(device, index, isIngress);
  if (!place) return place.error();
  const auto made = program(place.value());
  if (!made) return made.error();
  const bool isThere = std::any_of(hooks_.begin(), hooks_.end(), [&](const Attached& hook) {
    return hook.index == index && hook.hook.isIngress == isIngress && hook.hook.isAttached;
  });
  Attached attached{device, {device, isIngress, true, ""}, index, nullptr};
  if (isThere) return attached;
  auto attachment = TcAttachment::attach(way_, "can't attach " + owner_ + "'s program to " + device, made.value(),
                                         name_, index, isIngress);
  if (!attachment) return attachment.error();
  attached.attachment = std::make_unique<TcAttachment>(std::move(attachment).value());
  return attached;
}

void TcHooks::mend(Look look) {
  for (Attached& hook : hooks_) mend(hook, look);
  publish();
}

void TcHooks::mend(Attached& hook, Look look) {
  std::string device = nameOf(hook.index);
  const std::string last = hook.hook.device;
  if (!device.empty()) {
    hook.hook.device = device;
    if (hook.hook.isAttached && (look == Look::quick || hook.attachment->interfaceIndex() == hook.index)) return;
  } else if (hook.hook.isIngress) {
    // It was wanted by one name, and may have had another when it went.
    device = ::if_nametoindex(hook.wanted.c_str()) != 0 ? hook.wanted : last;
  }
  hook.attachment.reset();  // a device that is in another namespace now is no concern of ours
  hook.hook.isAttached = false;
  hook.hook.reason = owner_ + "'s device " + hook.hook.device + " is gone";
  if (device.empty()) return;
  auto again = attached(device, hook.hook.isIngress);
  if (!again) {
    hook.hook.reason = again.error().message;
    return;
  }
  again.value().wanted = hook.wanted;
  hook = std::move(again).value();
}

void TcHooks::clear() {
  hooks_.clear();
  publish();
}

void TcHooks::publish() {
  std::vector<TcHook> all;
  for (const Attached& hook : hooks_) all.push_back(hook.hook);
  const std::lock_guard guard(lock_);
  published_ = std::move(all);
}

std::vector<TcHook> TcHooks::list() const {
  const std::lock_guard guard(lock_);
  return published_;
}

}  // namespace tunvs
