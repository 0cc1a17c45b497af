#include "binding/sync_binding.h"

#include <bit>

#include "binding/arguments.h"
#include "binding/convert.h"

namespace tunvs::binding {
namespace {

void set(Napi::Object& object, const char* name, uint64_t value) {
  object.Set(name, Napi::Number::New(object.Env(), static_cast<double>(value)));
}

Napi::Object roleToJs(Napi::Env env, const SyncOptions& options) {
  Napi::Object role = Napi::Object::New(env);
  role.Set("interface", toJs(env, options.interface));
  set(role, "syncid", options.syncid);
  set(role, "maxMessageBytes", options.maxBytes);
  set(role, "port", options.port);
  set(role, "ports", options.ports);
  role.Set("isSigned", !options.keys.empty());
  if (options.peers.empty()) {
    role.Set("group", toJs(env, toString(options.group)));
    set(role, "ttl", options.ttl);
  }
  return role;
}

// What both roles count.
template <typename Counts>
void setCommon(Napi::Object& role, const Counts& counts) {
  set(role, "messages", counts.messages);
  set(role, "bytes", counts.bytes);
  set(role, "records", counts.records);
}

std::vector<PeerAddress> readPeers(ObjectReader& reader) {
  std::vector<PeerAddress> peers;
  for (ObjectReader& each : reader.objects("peers")) {
    const IpAddress address = each.address("address");
    peers.push_back({address, static_cast<uint16_t>(each.integer("port", 1, 65535))});
  }
  return peers;
}

Napi::Object peerToJs(Napi::Env env, const IpAddress& address, PeerState state, const PeerRefusals& refusals) {
  Napi::Object peer = Napi::Object::New(env);
  peer.Set("address", toJs(env, toString(address)));
  peer.Set("state", toJs(env, toString(state)));
  set(peer, "refused", refusals.count);
  if (refusals.last) peer.Set("lastRefusal", toJs(env, toString(*refusals.last)));
  return peer;
}

Napi::Array peersToJs(Napi::Env env, const std::vector<PeerOutlet::Report>& reports) {
  Napi::Array peers = Napi::Array::New(env);
  for (const auto& [at, told, refusals] : reports) {
    Napi::Object peer = peerToJs(env, at.address, told.state, refusals);
    set(peer, "port", at.port);
    set(peer, "messages", told.messages);
    set(peer, "bytes", told.bytes);
    set(peer, "lost", told.lost);
    set(peer, "transfers", told.transfers);
    set(peer, "transferred", told.transferred);
    set(peer, "resent", told.resent);
    set(peer, "lagMs", told.lagMs);
    peers.Set(peers.Length(), peer);
  }
  return peers;
}

Napi::Array peersToJs(Napi::Env env, const std::vector<PeerInlet::Report>& reports) {
  Napi::Array peers = Napi::Array::New(env);
  for (const auto& [address, heard, refusals] : reports) {
    Napi::Object peer = peerToJs(env, address, heard.state, refusals);
    peer.Set("isCaughtUp", heard.isCaughtUp);
    set(peer, "messages", heard.messages);
    set(peer, "lost", heard.lost);
    set(peer, "sessions", heard.sessions);
    set(peer, "transfers", heard.transfers);
    if (heard.heardMsAgo) set(peer, "heardMsAgo", *heard.heardMsAgo);
    peers.Set(peers.Length(), peer);
  }
  return peers;
}

template <typename Infos, typename Counts>
Napi::Object countsToJs(Napi::Env env, const Infos& infos, const Counts& counts) {
  Napi::Object object = Napi::Object::New(env);
  for (size_t i = 0; i < std::size(infos); i++) {
    object.Set(toJs(env, infos[i].name), Napi::Number::New(env, static_cast<double>(counts[i])));
  }
  return object;
}

template <typename Infos>
Napi::Object sentencesToJs(Napi::Env env, const Infos& infos) {
  Napi::Object object = Napi::Object::New(env);
  for (const auto& info : infos) object.Set(toJs(env, info.name), toJs(env, info.sentence));
  return object;
}

}  // namespace

std::optional<SyncOptions> readSyncOptions(Napi::Value given, const Tunables& tunables) {
  ObjectReader reader(given, "options");
  SyncOptions options;
  options.interface = reader.string("interface");
  options.syncid = static_cast<uint8_t>(reader.integer("syncid", 0, 255));
  options.maxBytes = static_cast<size_t>(reader.integer("maxMessageBytes", 0, 65507));
  options.group = reader.address("group");
  options.port = static_cast<uint16_t>(reader.integer("port", 1, 65535));
  options.ttl = static_cast<uint8_t>(reader.integer("ttl", 1, 255));
  options.peers = readPeers(reader);
  options.keys = reader.strings("keys");
  if (!reader.ok()) return std::nullopt;
  // What is beyond the last port would be another's.
  const auto ports = static_cast<size_t>(tunables.syncPorts);
  options.ports = !options.peers.empty() ? 1 : std::bit_floor(std::min<size_t>(ports, 65536 - size_t{options.port}));
  options.bufferBytes = tunables.syncSockSize;
  return options;
}

Napi::Value syncToJs(Napi::Env env, const Engine& engine) {
  Napi::Object state = Napi::Object::New(env);
  if (const SyncMaster* master = engine.master()) {
    Napi::Object role = roleToJs(env, master->options());
    const SyncMasterCounts counts = master->counts();
    setCommon(role, counts);
    set(role, "notesLost", counts.notesLost);
    set(role, "recordsLost", counts.recordsLost);
    set(role, "messagesFailed", counts.messagesFailed);
    if (!master->options().peers.empty()) role.Set("peers", peersToJs(env, master->peers()));
    state.Set("master", role);
  }
  if (const SyncBackup* backup = engine.backup()) {
    Napi::Object role = roleToJs(env, backup->options());
    const SyncBackupCounts counts = backup->counts();
    setCommon(role, counts);
    set(role, "messagesLost", counts.messagesLost);
    set(role, "pauses", counts.pauses);
    set(role, "waiting", backup->waiting());
    if (!backup->options().peers.empty()) role.Set("peers", peersToJs(env, backup->peers()));
    role.Set("refused", countsToJs(env, kSyncRefusalInfos, counts.refused));
    role.Set("outcomes", countsToJs(env, kSyncOutcomeInfos, counts.outcomes));
    state.Set("backup", role);
  }
  return state;
}

void defineSync(Napi::Env env, Napi::Object exports) {
  exports.Set("syncRefusals", sentencesToJs(env, kSyncRefusalInfos));
  exports.Set("syncOutcomes", sentencesToJs(env, kSyncOutcomeInfos));
}

}  // namespace tunvs::binding
