#include "engine/offline.h"

#include <cmath>
#include <cstring>

namespace tunvs {
namespace {

constexpr double kMsPerTick = 1000.0 / kTicksPerSecond;

Tick tickAt(double atMs) { return static_cast<Tick>(static_cast<uint64_t>(atMs / kMsPerTick)); }

struct Collector {
  std::vector<OfflineOutput>& outputs;
  size_t begin;  // index of the vector's first packet

  static void take(void* context, OutputVector& out) {
    auto& self = *static_cast<Collector*>(context);
    for (size_t i = 0; i < out.count(); i++) {
      self.outputs.push_back({{out[i].data, out[i].data + out[i].length}, self.begin + out.cause(i)});
    }
  }
};

}  // namespace

Result<std::unique_ptr<Offline>> Offline::create(const DirectorOptions& options) {
  auto region = TableRegion::anonymous(Director::tableBytes(options));
  if (!region) return region.error();
  return std::unique_ptr<Offline>(new Offline(std::move(region).value(), options));
}

Offline::Offline(TableRegion region, const DirectorOptions& options)
    : region_(std::move(region)),
      director_(std::make_unique<Director>(options, region_.span())),
      vector_(kMaxPacketBytes) {}

void Offline::advance(double atMs) {
  // What ends during a leap may let something else end later on, so the leap is taken in steps as long as there are
  // connections. Ticks compare within half their range, so a leap of years is always taken in steps.
  constexpr double kStepMs = 1000, kEmptyStepMs = (1u << 30) * kMsPerTick, kTurnMs = 4 * kEmptyStepMs;
  for (;;) {
    // Once the ticks have gone round with no connection left, further rounds change nothing and are skipped.
    if (director_->connectionCount() == 0 && atMs - nowMs_ > 2 * kTurnMs)
      nowMs_ += (std::floor((atMs - nowMs_) / kTurnMs) - 1) * kTurnMs;
    const double step = director_->connectionCount() > 0 ? kStepMs : kEmptyStepMs;
    if (atMs - nowMs_ <= step) break;
    nowMs_ += step;
    director_->expire(0, tickAt(nowMs_), /*exact=*/true, SIZE_MAX);
  }
  nowMs_ = std::max(nowMs_, atMs);
  now_ = tickAt(nowMs_);
  director_->expire(0, now_, /*exact=*/true, SIZE_MAX);
  director_->collect(now_);
}

// Policies are asked at once: what a vector has parked goes on before the next vector is looked at.
void Offline::consultPolicies(OutputVector& out) {
  std::vector<PolicyQuestion> questions;
  for (PolicyQuestion question; director_->takeQuestion(0, question);) questions.push_back(question);
  std::vector<PolicyAnswer> answers;
  for (const PolicyQuestion& question : questions) answers.push_back({question.flow, question.sequence});
  if (ask_) ask_(questions, answers);
  director_->resume(0, answers, now_, out);
  out.flush();
}

void Offline::process(std::span<const TimedPacket> packets, std::vector<OfflineOutput>& outputs,
                      std::span<Verdict> verdicts) {
  assert(verdicts.size() == packets.size());
  Collector collector{outputs, 0};
  OutputVector out(&Collector::take, &collector);
  for (size_t begin = 0; begin < packets.size();) {
    const Tick tick = tickAt(packets[begin].atMs);
    if (tick != now_) advance(packets[begin].atMs);
    vector_.reset();
    size_t count = 0;
    while (count < kVectorSize && begin + count < packets.size()) {
      const TimedPacket& packet = packets[begin + count];
      if (count > 0 && tickAt(packet.atMs) != tick) break;
      // A packet longer than any IP packet is cut; its header then states more than there is.
      const size_t bytes = std::min(packet.bytes.size(), kMaxPacketBytes);
      if (bytes > 0) std::memcpy(vector_[count].data, packet.bytes.data(), bytes);
      vector_[count].length = static_cast<uint32_t>(bytes);
      count++;
    }
    vector_.setCount(count);
    collector.begin = begin;
    director_->process(0, vector_.packets(), now_, out, verdicts.data() + begin);
    out.flush();
    if (director_->hasParked(0)) consultPolicies(out);
    begin += count;
  }
}

}  // namespace tunvs
