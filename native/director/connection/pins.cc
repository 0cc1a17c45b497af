#include "director/connection/pins.h"

#include <cassert>

namespace tunvs {

Pins::Pins(ServerPool& pool, Epochs& epochs)
    : pool_(pool),
      epochs_(epochs),
      buckets_(std::make_unique<std::atomic<Pin*>[]>(kBuckets)),
      replies_(std::make_unique<std::atomic<Pin*>[]>(kBuckets)),
      found_(std::make_unique<std::atomic<Pin*>[]>(kMax)) {}

Pins::~Pins() = default;

[[gnu::noinline]] Pin* Pins::search(const FlowKey& flow, uint64_t hash, Tick now) const {
  for (Pin* pin = bucketOf(hash).load(std::memory_order_acquire); pin != nullptr;
       pin = pin->next.load(std::memory_order_acquire)) {
    if (pin->flow == flow) return pin->isOver(now) ? nullptr : pin;
  }
  return nullptr;
}

[[gnu::noinline]] Pin* Pins::searchReply(const FlowKey& key, uint64_t hash, Tick now) const {
  for (Pin* pin = replyBucketOf(hash).load(std::memory_order_acquire); pin != nullptr;
       pin = pin->nextReply.load(std::memory_order_acquire)) {
    if (*pin->reply == key && !pin->isOver(now)) return pin;
  }
  return nullptr;
}

Pin* Pins::named(uint32_t name, Tick now) const {
  assert(isName(name));
  Pin* pin = found_[name & kPlaceMask].load(std::memory_order_acquire);
  return pin == nullptr || pin->name != name || pin->isOver(now) ? nullptr : pin;
}

Pins::Place* Pins::placeOf(uint32_t name) {
  const uint32_t place = name & kPlaceMask;
  if (!isName(name) || place >= places_.size()) return nullptr;
  const Pin* pin = found_[place].load(std::memory_order_relaxed);
  return pin == nullptr || pin->name != name ? nullptr : &places_[place];
}

Result<uint32_t> Pins::add(const PinRequest& request, uint32_t server, uint64_t hash, Tick now, uint64_t replyHash) {
  for (Pin* pin = bucketOf(hash).load(std::memory_order_relaxed); pin != nullptr;
       pin = pin->next.load(std::memory_order_relaxed)) {
    if (pin->flow != request.flow) continue;
    const uint32_t place = pin->name & kPlaceMask;
    if (!pin->isOver(now) && !places_[place].isReleased)
      return Error::make(ErrorCode::exists,
                         "this flow is pinned already: use another source port, or release that pin");
    takeOut(place);
    break;
  }
  if (free_.empty() && places_.size() == kMax) {
    freeSafe();
    if (free_.empty()) sweep(now, /*keepsReports=*/false);
    freeSafe();
    if (free_.empty()) {
      return Error::make(ErrorCode::limit, "there are " + std::to_string(kMax) +
                                               " pinned flows already: release some, or let fewer checks run at once");
    }
  }
  if (free_.empty()) {
    free_.push_back(static_cast<uint32_t>(places_.size()));
    places_.emplace_back();
  }
  const uint32_t at = free_.back();
  free_.pop_back();
  Place& place = places_[at];
  place.generation++;
  place.hash = hash;
  place.replyHash = replyHash;
  place.isReleased = false;
  place.pin = std::make_unique<Pin>(request, server, now + request.ttl);
  Pin* pin = place.pin.get();
  pin->name = kNamed | (place.generation << kPlaceBits & ~kNamed) | at;
  pool_.references(server).fetch_add(1, std::memory_order_relaxed);
  std::atomic<Pin*>& bucket = bucketOf(hash);
  pin->next.store(bucket.load(std::memory_order_relaxed), std::memory_order_relaxed);
  bucket.store(pin, std::memory_order_release);
  if (pin->reply) {
    std::atomic<Pin*>& replies = replyBucketOf(replyHash);
    pin->nextReply.store(replies.load(std::memory_order_relaxed), std::memory_order_relaxed);
    replies.store(pin, std::memory_order_release);
  }
  found_[at].store(pin, std::memory_order_release);
  count_.store(count() + 1, std::memory_order_release);
  return pin->name;
}

void Pins::takeOut(uint32_t at) {
  Place& place = places_[at];
  std::atomic<Pin*>* link = &bucketOf(place.hash);
  while (link->load(std::memory_order_relaxed) != place.pin.get()) link = &link->load(std::memory_order_relaxed)->next;
  link->store(place.pin->next.load(std::memory_order_relaxed), std::memory_order_release);
  if (place.pin->reply) {
    std::atomic<Pin*>* reply = &replyBucketOf(place.replyHash);
    while (reply->load(std::memory_order_relaxed) != place.pin.get())
      reply = &reply->load(std::memory_order_relaxed)->nextReply;
    reply->store(place.pin->nextReply.load(std::memory_order_relaxed), std::memory_order_release);
  }
  found_[at].store(nullptr, std::memory_order_relaxed);
  count_.store(count() - 1, std::memory_order_relaxed);
  retired_.emplace_back(epochs_.stamp(), at);
  epochs_.advance();
}

void Pins::takeBack(uint32_t name) {
  if (placeOf(name) != nullptr) takeOut(name & kPlaceMask);
}

void Pins::release(uint32_t name, Tick now) {
  Place* place = placeOf(name);
  if (place == nullptr) return;
  place->isReleased = true;
  if (!place->pin->isOver(now + kLingerTicks))
    place->pin->deadline.store(now + kLingerTicks, std::memory_order_relaxed);
}

std::optional<PinReport> Pins::report(uint32_t name) const {
  Place* place = const_cast<Pins*>(this)->placeOf(name);
  if (place == nullptr || place->isReleased) return std::nullopt;
  return place->pin->report();
}

void Pins::collect(Tick now) {
  freeSafe();
  if (count() == 0 || now - sweptAt_ < kTicksPerSecond) return;
  sweptAt_ = now;
  sweep(now, /*keepsReports=*/true);
  freeSafe();
}

void Pins::sweep(Tick now, bool keepsReports) {
  for (uint32_t at = 0; at < places_.size(); at++) {
    if (found_[at].load(std::memory_order_relaxed) == nullptr) continue;
    const bool stays = keepsReports && !places_[at].isReleased;
    if (places_[at].pin->isOver(stays ? now - ticksFromSeconds(kReportSeconds) : now)) takeOut(at);
  }
}

void Pins::freeSafe() {
  while (!retired_.empty() && epochs_.isSafe(retired_.front().first)) {
    const uint32_t at = retired_.front().second;
    pool_.references(places_[at].pin->server).fetch_sub(1, std::memory_order_release);
    places_[at].pin.reset();
    free_.push_back(at);
    retired_.pop_front();
  }
}

}  // namespace tunvs
