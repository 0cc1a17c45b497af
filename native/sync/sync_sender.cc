#include "sync/sync_sender.h"

#include <algorithm>
#include <bit>
#include <cassert>
#include <cstring>
#include <utility>

namespace tunvs {
namespace {

// Returns a number that is as good for any mask.
uint64_t spreadOf(const IpAddress& client) {
  uint64_t words[2];
  std::memcpy(words, client.bytes.data(), sizeof words);
  return (words[0] ^ words[1] * 31) * 0x9e3779b97f4a7c15 >> 32;
}

}  // namespace

SyncSender::SyncSender(const Options& options, Send send) : options_(options), send_(std::move(send)) {
  assert(options.maxBytes >= kLeastBytes && std::has_single_bit(options.ports) && options.ports <= kMaxPorts);
  for (size_t i = 0; i < options.ports; i++) {
    Port& port = ports_.emplace_back();
    port.room = std::make_unique<uint8_t[]>(options.maxBytes);
    open(port, SyncVersion::v1);
  }
}

void SyncSender::open(Port& port, SyncVersion version) {
  port.version = version;
  port.writer = std::make_unique<SyncWriter>(std::span(port.room.get(), options_.maxBytes), version, options_.syncid);
}

void SyncSender::send(Port& port) {
  if (port.records == 0) return;
  send_(static_cast<size_t>(&port - ports_.data()), port.writer->message(), std::exchange(port.records, 0));
  port.writer->start();
}

bool SyncSender::add(const SyncRecord& record, SyncVersion version, uint64_t nowMs) {
  Port& port = ports_[spreadOf(record.client) & (ports_.size() - 1)];
  if (port.version != version) {
    send(port);
    open(port, version);
  }
  SyncAdded added = port.writer->add(record);
  if (added == SyncAdded::full) {
    send(port);
    added = port.writer->add(record);
  }
  if (added != SyncAdded::yes) return false;
  if (port.records++ == 0) port.since = nowMs;
  return true;
}

void SyncSender::flush(uint64_t nowMs) {
  for (Port& port : ports_) {
    if (port.records != 0 && nowMs - port.since >= options_.waitMs) send(port);
  }
}

void SyncSender::flushAll() {
  for (Port& port : ports_) send(port);
}

std::optional<uint64_t> SyncSender::waitMs(uint64_t nowMs) const {
  std::optional<uint64_t> least;
  for (const Port& port : ports_) {
    if (port.records == 0) continue;
    const uint64_t waited = nowMs - port.since;
    const uint64_t left = waited >= options_.waitMs ? 0 : options_.waitMs - waited;
    least = std::min(least.value_or(left), left);
  }
  return least;
}

}  // namespace tunvs
