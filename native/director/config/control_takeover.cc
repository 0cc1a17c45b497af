// Servers that outlive the process, in a directory.
#include "director/config/control.h"

#include "director/config/control_draft.h"

namespace tunvs {

Result<void> Control::noteIn(const Draft& draft, std::span<const Operation> operations) {
  if (directory_ == nullptr) return {};
  for (const uint32_t id : draft.newIds) {
    if (id < ServerDirectory::kMaxServers) continue;
    return Error::make(ErrorCode::limit, "a director that keeps its state has at most " +
                                             std::to_string(ServerDirectory::kMaxServers) +
                                             " real servers; remove some first, or run it without state");
  }
  const auto note = [&](const ServiceKey& service, const ServerKey& server) {
    const size_t i = draft.find(service);
    const auto at = i == SIZE_MAX ? std::nullopt : draft.services[i]->indexOf(server);
    if (!at) return;  // a later operation has deleted it
    const ServerView& view = *draft.services[i]->owned[*at];
    const ServerDirectory::Entry entry{service, server, view.config.tunnel};
    if (directory_->read(view.id) != entry) directory_->write(view.id, entry);
  };
  for (const Operation& operation : operations) {
    if (const auto* add = std::get_if<AddServer>(&operation)) note(add->service, add->server);
    if (const auto* edit = std::get_if<EditServer>(&operation)) note(edit->service, edit->server);
  }
  return {};
}

std::vector<uint32_t> Control::takeOver() {
  std::vector<uint32_t> found;
  for (uint32_t id = 0; id < ServerDirectory::kMaxServers; id++) {
    if (directory_->read(id)) found.push_back(id);
  }
  pool_.adopt(found);
  std::vector<uint32_t> taken;
  for (const uint32_t id : found) {
    const auto entry = directory_->read(id);
    ServerConfig config;
    config.tunnel = entry->tunnel;
    auto made = makeServer(id, entry->server, config, {}, entry->service);
    if (!made) {
      // It can't be a server of this director any more, and what it had ends.
      directory_->erase(id);
      pool_.release(id);
      continue;
    }
    made.value()->available = false;
    made.value()->carries = false;
    made.value()->isAwaited = true;
    removed_.push_back({entry->service, std::move(made).value(), /*epoch=*/0, std::nullopt});
    taken.push_back(id);
  }
  isAwaiting_ = true;
  publish(current_->services(), current_->tunables(), current_->marks());
  return taken;
}

bool Control::settle() {
  if (!isAwaiting_) return false;
  isAwaiting_ = false;
  bool isAnyLeft = false;
  for (Removed& removed : removed_) {
    if (!removed.view->isAwaited || removed.isOfPeer) continue;
    auto gone = std::make_shared<ServerView>(*removed.view);
    gone->isAwaited = false;
    removed.view = std::move(gone);
    removed.epoch = 0;
    isAnyLeft = true;
  }
  publish(current_->services(), current_->tunables(), current_->marks());
  return isAnyLeft;
}

void Control::await(std::span<const Awaiting> servers) {
  const auto isOfPeer = [](const Removed& removed) { return removed.isOfPeer; };
  auto count = static_cast<size_t>(std::ranges::count_if(removed_, isOfPeer));
  bool isAnyNew = false;
  for (const Awaiting& each : servers) {
    const ServiceView* const service = find(each.service);
    const auto isThis = [&](const Removed& removed) {
      return removed.service == each.service && removed.view->key() == each.server;
    };
    if (service == nullptr || service->indexOf(each.server) || count >= kMostOfPeers) continue;
    if (std::ranges::any_of(removed_, isThis)) continue;  // somebody has removed it
    const auto id = pool_.add();
    if (!id) break;
    const bool isKnowable = directory_ == nullptr || id.value() < ServerDirectory::kMaxServers;
    auto made = makeServer(id.value(), each.server, each.config, {}, each.service);
    if (!made || !isKnowable) {
      pool_.release(id.value());
      continue;
    }
    service->tell(*made.value());
    made.value()->available = false;
    made.value()->carries = false;
    made.value()->isAwaited = true;
    removed_.push_back({each.service, std::move(made).value(), /*epoch=*/0, std::nullopt, /*isOfPeer=*/true});
    count++;
    isAnyNew = true;
  }
  if (isAnyNew) publish(current_->services(), current_->tunables(), current_->marks());
}

}  // namespace tunvs
