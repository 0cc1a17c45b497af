#include "director/config/policy.h"

#include "support/test_director.h"
#include "support/testing.h"

namespace tunvs::policy_test {
namespace {

using testing::Bytes;
using testing::HeldPacket;
using testing::PacketBuilder;
using testing::TestDirector;

std::shared_ptr<const ConnectionPolicy> someConnectionPolicy(Tick deadline = 12, uint16_t packetBytes = 0) {
  auto policy = std::make_shared<ConnectionPolicy>();
  policy->id = 9;
  policy->deadline = deadline;
  policy->packetBytes = packetBytes;
  return policy;
}

// A director whose web service has servers 11 and 12 and asks about each connection; rr decides without an answer.
class Asking {
 public:
  explicit Asking(const ServiceKey& service = TestDirector::kWeb) : service_(service) {
    t.addService("rr", service);
    for (const uint8_t lastByte : {11, 12}) t.addServer(lastByte, {}, service);
    ask();
  }

  void ask(Policy policy = {nullptr, someConnectionPolicy()}) {
    counters = policy.connection;
    CHECK(t.apply(SetPolicy{service_, std::move(policy)}).ok());
  }
  std::vector<PolicyQuestion> questions(size_t worker = 0) {
    std::vector<PolicyQuestion> all;
    for (PolicyQuestion question; t.director.takeQuestion(worker, question);) all.push_back(question);
    return all;
  }
  PolicyAnswer to(const PolicyQuestion& question, uint8_t lastByte) {
    return {question.flow, question.sequence, t.row(lastByte, service_).id, PolicyAnswer::Kind::server};
  }
  // Returns where each resumed packet goes, and from which client port: "2000>11".
  std::vector<std::string> resume(const std::vector<PolicyAnswer>& answers, size_t worker = 0) {
    OutputVector out;
    t.director.resume(worker, answers, t.now, out);
    std::vector<std::string> sent;
    for (const OutputPacket& packet : out.packets())
      sent.push_back(std::to_string(loadBe16(packet.data + 40)) + ">" + std::to_string(packet.nextHop.bytes[3]));
    return sent;
  }
  std::string counts() const {
    std::string text;
    const auto values = valuesOf(counters->counters);
    for (size_t i = 0; i < values.size(); i++)
      if (values[i] != 0)
        text += (text.empty() ? "" : " ") + std::string(kPolicyCounterNames[i]) + "=" + std::to_string(values[i]);
    return text;
  }

  TestDirector t;
  std::shared_ptr<const ConnectionPolicy> counters;

 private:
  ServiceKey service_;
};

using Sent = std::vector<std::string>;

TEST("a new connection waits for its policy's answer and goes where that says") {
  Asking a;
  CHECK_EQ(a.t.tcp(0, kTcpSyn), "parked");
  const auto questions = a.questions();
  REQUIRE(questions.size() == 1);
  CHECK_EQ(toString(questions[0].key.client()), "198.51.100.7");
  CHECK_EQ(questions[0].policy, 9u);
  CHECK_EQ(a.t.director.connectionCount(), 0u);
  CHECK_EQ(a.resume({a.to(questions[0], 12)}), Sent{"1024>12"});
  CHECK_EQ(a.t.tcp(0, kTcpAck), "12");
  CHECK_EQ(a.t.counts(12), (testing::Counts{1, 0}));
  CHECK(!a.t.director.hasParked(0));
  CHECK_EQ(a.counts(), "asked=1 answered=1 parked=1");
  CHECK_EQ(a.t.counter("parked"), 1u);
  CHECK_EQ(a.t.counter("parkedReleased"), 1u);
}

TEST("packets behind a waiting one of their flow wait too, and leave in order; other flows do not wait for them") {
  Asking a(TestDirector::kNames);
  CHECK_EQ(a.t.udp(1), "parked");
  CHECK_EQ(a.t.udp(2), "parked");
  CHECK_EQ(a.t.udp(1), "parked");
  const auto questions = a.questions();
  REQUIRE(questions.size() == 2);
  CHECK_EQ(a.resume({a.to(questions[1], 11)}), Sent{"1026>11"});
  CHECK_EQ(a.t.udp(2), "11");
  CHECK_EQ(a.resume({a.to(questions[0], 12)}), (Sent{"1025>12", "1025>12"}));
  CHECK_EQ(a.counts(), "asked=2 answered=2 parked=3");
}

TEST("a packet that waits keeps what its sender left to be done") {
  Asking a(TestDirector::kNames);
  const Bytes bytes = PacketBuilder().udp(2000, 53).dontFragment().payload(4000).build();
  HeldPacket held(bytes), behind(bytes);
  Packet packets[] = {held.packet(), behind.packet()};
  packets[0].offload = {.segmentBytes = 1000, .checksumStart = 20, .kind = OffloadKind::udp};
  packets[1].offload = {.segmentBytes = 1200, .checksumStart = 20, .kind = OffloadKind::udp};
  OutputVector out;
  a.t.director.process(0, packets, a.t.now, out);
  const auto questions = a.questions();
  REQUIRE(questions.size() == 1);
  const PolicyAnswer answer = a.to(questions[0], 12);
  a.t.director.resume(0, {&answer, 1}, a.t.now, out);
  REQUIRE(out.count() == 2);
  for (size_t i = 0; i < 2; i++) {
    CHECK(out.way(i) == OutputWay::server);
    CHECK(out[i].offload == packets[i].offload.behind(20));
    CHECK_EQ(out[i].length, bytes.size() + 20);
    CHECK(std::equal(bytes.begin(), bytes.end(), out[i].data + 20));
  }
}

TEST("the scheduler decides at the deadline if there is no answer in time") {
  Asking a;
  for (uint32_t client = 0; client < 3; client++) CHECK_EQ(a.t.tcp(client, kTcpSyn), "parked");
  const auto questions = a.questions();
  a.t.now += 11;
  CHECK_EQ(a.resume({}), Sent{});
  CHECK_EQ(a.resume({a.to(questions[1], 11)}), Sent{"1025>11"});
  a.t.now += 1;
  CHECK_EQ(a.resume({}), (Sent{"1024>12", "1026>11"}));
  CHECK_EQ(a.resume({a.to(questions[0], 11)}), Sent{});  // too late
  CHECK_EQ(a.counts(), "asked=3 answered=1 late=2 parked=3");
}

TEST("an answer with a server that may not be chosen or is not the service's is refused; the scheduler decides") {
  Asking a;
  a.t.addService("rr", TestDirector::kNames);
  a.t.addServer(13, {}, TestDirector::kNames);
  const uint32_t foreign = a.t.row(13, TestDirector::kNames).id;
  for (uint32_t client = 0; client < 4; client++) a.t.tcp(client, kTcpSyn);
  const auto questions = a.questions();
  a.t.setWeight(12, 0);
  const auto kind = PolicyAnswer::Kind::server;
  CHECK_EQ(a.resume({a.to(questions[0], 12),
                     {questions[1].flow, questions[1].sequence, foreign, kind},
                     {questions[2].flow, questions[2].sequence, 1u << 20, kind},
                     {questions[3].flow, questions[3].sequence, 0, PolicyAnswer::Kind::failed}}),
           (Sent{"1024>11", "1025>11", "1026>11", "1027>11"}));
  CHECK_EQ(a.counts(), "asked=4 failed=4 parked=4");
}

TEST("a policy may leave a connection to the scheduler") {
  Asking a;
  a.t.tcp(0, kTcpSyn);
  const auto questions = a.questions();
  CHECK_EQ(a.resume({{questions[0].flow, questions[0].sequence}}).size(), 1u);
  CHECK_EQ(a.counts(), "asked=1 answered=1 parked=1");
}

TEST("an answer that was under way can't choose a removed server") {
  Asking a;
  a.t.tcp(0, kTcpSyn);
  const auto answer = a.to(a.questions()[0], 12);
  a.t.deleteServer(12);
  CHECK_EQ(a.resume({answer}), Sent{"1024>11"});
  CHECK_EQ(a.counts(), "asked=1 failed=1 parked=1");
}

TEST("packets that wait when their service is deleted are refused as any packet would be") {
  Asking a;
  a.t.tcp(0, kTcpSyn);
  const auto answer = a.to(a.questions()[0], 12);
  CHECK(a.t.apply(DeleteService{TestDirector::kWeb}, AddService{TestDirector::kNames, {"rr"}}).ok());
  a.resume({answer});
  CHECK_EQ(a.t.counter("parkedRefused"), 1u);
  CHECK_EQ(a.t.counter("parkedReleased"), 0u);
  CHECK_EQ(a.t.director.connectionCount(), 0u);
}

TEST("a policy that is taken away leaves waiting packets to the scheduler") {
  Asking a;
  a.t.tcp(0, kTcpSyn);
  const auto counters = a.counters;
  a.ask({});
  a.t.now += 12;
  CHECK_EQ(a.resume({}).size(), 1u);
  CHECK(counters->counters.late.load() == 1);
  a.counters = counters;
  CHECK(a.t.tcp(1, kTcpSyn) != "parked");
}

TEST("established connections, and those that another worker opened meanwhile, never wait") {
  DirectorOptions options = TestDirector::defaultOptions();
  options.workers = 2;
  TestDirector t(options);
  t.addService("rr");
  for (const uint8_t lastByte : {11, 12}) t.addServer(lastByte);
  const std::string before = t.establish(7);
  const auto policy = someConnectionPolicy();
  CHECK(t.apply(SetPolicy{TestDirector::kWeb, {nullptr, policy}}).ok());
  CHECK_EQ(t.tcp(7, kTcpAck), before);

  CHECK_EQ(t.tcp(8, kTcpSyn, 0), "parked");
  CHECK_EQ(t.tcp(8, kTcpSyn, 1), "parked");
  PolicyQuestion first, second;
  REQUIRE(t.director.takeQuestion(0, first) && t.director.takeQuestion(1, second));
  const auto answer = [&](size_t worker, const PolicyQuestion& question, uint8_t lastByte) {
    OutputVector out;
    const PolicyAnswer given{question.flow, question.sequence, t.row(lastByte).id, PolicyAnswer::Kind::server};
    t.director.resume(worker, {&given, 1}, t.now, out);
    return out.count() == 1 ? int{out[0].nextHop.bytes[3]} : 0;
  };
  CHECK_EQ(answer(1, second, 12), 12);
  CHECK_EQ(t.tcp(8, kTcpAck, 0), "12");  // the SYN on worker 0 waits; the connection is there
  CHECK_EQ(answer(0, first, 11), 12);    // the connection is there
  CHECK_EQ(t.director.connectionCount(), 2u);
}

TEST("a packet that may not begin a connection is refused without asking") {
  Asking a;
  CHECK_EQ(a.t.tcp(0, kTcpAck), "dropNotScheduled");
  CHECK_EQ(a.counts(), "");
}

TEST("where there is no room to wait, the scheduler decides at once, and no packet is lost") {
  Asking a(TestDirector::kNames);
  for (uint32_t client = 0; client < Parking::kMaxFlows; client++)
    if (!CHECK_EQ(a.t.udp(client), "parked")) return;
  CHECK_EQ(a.t.udp(Parking::kMaxFlows), "12");
  CHECK_EQ(a.t.udp(Parking::kMaxFlows), "12");
  CHECK(valuesOf(a.counters->counters)[4] == 1);
  uint32_t behind = 1;
  while (a.t.udp(5) == "parked") behind++;
  CHECK_EQ(behind, Parking::kMaxPacketsPerFlow);
  CHECK_EQ(a.t.counter("dropParkingFull"), 1u);
  CHECK(a.counters->counters.dropped.load() == 1);
}

TEST("a persistent client's next connections follow its template without asking") {
  TestDirector t;
  ServiceConfig config{"rr"};
  config.persistence.timeoutSeconds = 300;
  CHECK(t.apply(AddService{TestDirector::kWeb, config}).ok());
  for (const uint8_t lastByte : {11, 12}) t.addServer(lastByte);
  CHECK(t.apply(SetPolicy{TestDirector::kWeb, {nullptr, someConnectionPolicy()}}).ok());
  CHECK_EQ(t.tcp(0, kTcpSyn), "parked");
  PolicyQuestion question;
  REQUIRE(t.director.takeQuestion(0, question));
  const PolicyAnswer answer{question.flow, question.sequence, t.row(12).id, PolicyAnswer::Kind::server};
  OutputVector out;
  t.director.resume(0, {&answer, 1}, t.now, out);
  for (uint32_t client = 1; client < 5; client++) CHECK_EQ(t.tcp(client, kTcpSyn), "12");
}

TEST("a first fragment does not wait: the scheduler decides") {
  Asking a(TestDirector::kNames);
  const Bytes first =
      PacketBuilder().ip("198.51.100.7", "192.0.2.10").moreFragments().udp(2000, 53).payload(64).build();
  const std::string to = a.t.send(first);
  CHECK(to == "11" || to == "12");
  CHECK_EQ(a.counts(), "");
}

TEST("a table decides before the scheduler, which decides where none of the table's servers may be chosen") {
  TestDirector t;
  t.addService("rr");
  for (const uint8_t lastByte : {11, 12, 13}) t.addServer(lastByte);
  auto table = std::make_shared<TablePolicy>();
  table->servers = {TestDirector::server(13), TestDirector::server(99)};
  table->slots = {0, 1, 0};
  CHECK(t.apply(SetPolicy{TestDirector::kWeb, {table, nullptr}}).ok());
  for (uint32_t client = 0; client < 20; client++) CHECK_EQ(t.tcp(client, kTcpSyn), "13");
  t.deleteServer(13);
  std::string after;
  for (uint32_t client = 20; client < 24; client++) after += t.tcp(client, kTcpSyn) + " ";
  CHECK_EQ(after, "12 11 12 11 ");
  t.addServer(13);
  CHECK_EQ(t.tcp(30, kTcpSyn), "13");
}

TEST("a policy that makes no sense is refused, and nothing changes") {
  Asking a;
  const auto refused = [&](Policy policy) { return !a.t.apply(SetPolicy{TestDirector::kWeb, std::move(policy)}).ok(); };
  const auto table = [](std::vector<uint32_t> slots) {
    auto made = std::make_shared<TablePolicy>();
    made->servers = {TestDirector::server(11)};
    made->slots = std::move(slots);
    return made;
  };
  CHECK(refused({table({}), nullptr}));
  CHECK(refused({table({0, 1}), nullptr}));
  CHECK(refused({table({0}), someConnectionPolicy()}));
  CHECK(refused({nullptr, someConnectionPolicy(0)}));
  CHECK(refused({nullptr, someConnectionPolicy(ConnectionPolicy::kMaxDeadline + 1)}));
  CHECK(refused({nullptr, someConnectionPolicy(12, ConnectionPolicy::kMaxPacketBytes + 1)}));
  CHECK(!a.t.apply(SetPolicy{TestDirector::kNames, {}}).ok());
  CHECK_EQ(a.t.tcp(0, kTcpSyn), "parked");
}

}  // namespace
}  // namespace tunvs::policy_test
