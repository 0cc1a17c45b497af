#include "bench/null_loop.h"

#include <poll.h>
#include <unistd.h>

#include "engine/clock.h"
#include "engine/cpu_time.h"
#include "engine/pace.h"
#include "engine/vector_pool.h"
#include "forward/ipip.h"
#include "io/os/loop_thread.h"

namespace tunvs::bench {
namespace {

void addOne(std::atomic<uint64_t>& counter, uint64_t n) {
  counter.store(counter.load(std::memory_order_relaxed) + n, std::memory_order_relaxed);
}

}  // namespace

class NullLoop::Thread {
 public:
  Thread(PortQueue& queue, const NullLoopOptions& options, std::unique_ptr<LoopThread> loop)
      : queue_(queue),
        outer_(makeOuterHeader({}, Family::ipv4, options.source, options.server)),
        server_(options.server),
        vectors_(options.port.maxPacketBytes),
        loop_(std::move(loop)) {}

  Result<void> start() {
    return loop_->start("tunvs/null", [this] { run(); });
  }

  std::atomic<uint64_t> received{0}, sent{0}, userNs{0}, systemNs{0};

 private:
  void run() {
    OutputPacket outputs[kVectorSize];
    Tick measuredAt = coarseNow();
    while (!loop_->isStopping()) {
      queue_.reclaim();
      PacketVector* const vector = vectors_.free();
      const auto count = vector == nullptr ? Result<size_t>(0) : queue_.receive(*vector);
      if (!count.ok()) break;
      const Tick now = coarseNow();
      if (count.value() > 0) forward(*vector, outputs);
      if (now - measuredAt >= kHousekeepTicks) {
        measure();
        measuredAt = now;
      }
      if (count.value() == 0 || queue_.isDrained()) sleep(vector == nullptr);
    }
    queue_.abandon();
    measure();
  }

  void forward(PacketVector& vector, OutputPacket* outputs) {
    size_t count = 0;
    for (Packet& packet : vector.packets()) {
      if (packet.length < kIpv4HeaderBytes) continue;
      EncapInput in;
      in.length = packet.length;
      in.trafficClass = packet.data[1];
      in.ttl = packet.data[8];
      in.dontFragment = (packet.data[6] & (kIpv4DontFragment >> 8)) != 0;
      in.identification = in.dontFragment ? 0 : ++identification_;
      const Packet sending = encapsulate(outer_, packet.data, in);
      outputs[count++] = {sending.data, sending.length, server_};
    }
    addOne(received, vector.count());
    addOne(sent, queue_.send({outputs, count}, OutputWay::server, vector).sent);
  }

  void sleep(bool isHeldBack) {
    pollfd waits[2] = {{loop_->descriptor(), POLLIN, 0}, {queue_.pollDescriptor(), POLLIN, 0}};
    poll(waits, isHeldBack ? 1 : 2, isHeldBack ? 1 : kSleepMs);
  }

  void measure() {
    const auto cpu = threadCpuTime();
    if (!cpu) return;
    userNs.store(cpu->userNs, std::memory_order_relaxed);
    systemNs.store(cpu->systemNs, std::memory_order_relaxed);
  }

  PortQueue& queue_;
  const OuterHeader outer_;
  const IpAddress server_;
  VectorPool vectors_;
  uint16_t identification_ = 0;
  std::unique_ptr<LoopThread> loop_;  // last: it uses all the others
};

NullLoop::NullLoop(std::unique_ptr<Port> port) : port_(std::move(port)) {}
NullLoop::~NullLoop() = default;

Result<std::unique_ptr<NullLoop>> NullLoop::start(const NullLoopOptions& options) {
  if (!options.source.isV4() || !options.server.isV4()) {
    return Error::make(ErrorCode::invalidArgument, "the null loop knows IPv4 only");
  }
  PortContext context;
  context.egress.sources = {options.source};
  auto port = openPort(options.port, context);
  if (!port.ok()) return port.error();
  std::unique_ptr<NullLoop> loop(new NullLoop(std::move(port).value()));
  for (size_t i = 0; i < loop->port_->queueCount(); i++) {
    auto made = LoopThread::make("can't start the null loop");
    if (!made) return made.error();
    loop->threads_.push_back(std::make_unique<Thread>(loop->port_->queue(i), options, std::move(made).value()));
    if (auto started = loop->threads_.back()->start(); !started) return started.error();
  }
  if (context.egress.resolver) context.egress.resolver->setServers({{options.server}});
  return loop;
}

uint64_t NullLoop::received() const {
  uint64_t sum = 0;
  for (const auto& thread : threads_) sum += thread->received.load(std::memory_order_relaxed);
  return sum;
}

uint64_t NullLoop::sent() const {
  uint64_t sum = 0;
  for (const auto& thread : threads_) sum += thread->sent.load(std::memory_order_relaxed);
  return sum;
}

CpuTime NullLoop::cpu() const {
  CpuTime sum;
  for (const auto& thread : threads_) {
    sum.userNs += thread->userNs.load(std::memory_order_relaxed);
    sum.systemNs += thread->systemNs.load(std::memory_order_relaxed);
  }
  return sum;
}

}  // namespace tunvs::bench
