#include "engine/question_batch.h"

#include "support/test_director.h"
#include "support/testing.h"

namespace tunvs::question_batch_test {
namespace {

using testing::PacketBuilder;
using testing::TestDirector;

constexpr Tick kDeadline = 100;

// A director whose web service asks. Its worker's questions go to any of the desk's channels.
struct Asking {
  explicit Asking(size_t workers) : desk(workers) {
    t.addService("rr");
    t.addServer(11);
    auto policy = std::make_shared<ConnectionPolicy>();
    policy->id = 3;
    policy->deadline = kDeadline;
    CHECK(t.apply(SetPolicy{TestDirector::kWeb, {nullptr, policy}}).ok());
  }

  // Opens new connections of these clients; their questions then wait at this worker.
  void ask(size_t worker, uint32_t firstClient, uint32_t count) {
    for (uint32_t i = 0; i < count; i++) CHECK_EQ(t.tcp(firstClient + i, kTcpSyn), "parked");
    desk.channel(worker).ask(t.director, 0, t.now, out, [](OutputVector&) {});
  }
  // Returns the clients of the questions that are put next.
  std::vector<uint32_t> take(Tick later = 0) {
    std::vector<uint32_t> clients;
    const bool isAsked = batch.take(desk, t.now + later);
    CHECK_EQ(isAsked, !batch.questions().empty());
    for (const PolicyQuestion& question : batch.questions()) clients.push_back(question.key.clientPort().host() - 1024);
    return clients;
  }

  TestDirector t;
  OutputVector out;
  PolicyDesk desk;
  QuestionBatch batch;
};

using Clients = std::vector<uint32_t>;

TEST("workers take turns in putting questions, each worker's in their order") {
  Asking a(3);
  a.ask(0, 0, 3);
  a.ask(2, 10, 2);
  a.batch.took(0);  // two at once
  CHECK(a.take() == Clients{0, 10});
  CHECK(a.take() == Clients{1, 11});
  CHECK(a.take() == Clients{2});
  CHECK(a.take().empty());
}

TEST("a question that is late by now is not put") {
  Asking a(1);
  a.ask(0, 0, 2);
  a.t.now += 50;
  a.ask(0, 10, 1);
  CHECK(a.take(49) == Clients{0});
  CHECK(a.take(50) == Clients{10});
  CHECK(a.take(50).empty());
}

TEST("an answer goes to the worker whose question it is about") {
  Asking a(2);
  a.ask(1, 10, 1);
  a.ask(0, 0, 1);
  a.batch.took(0);
  CHECK(a.take() == Clients{0, 10});
  CHECK_EQ(a.batch.answers().size(), 2u);
  for (size_t i = 0; i < 2; i++) {
    const PolicyQuestion& question = a.batch.questions()[i];
    a.batch.answers()[i] = {question.flow, question.sequence, static_cast<uint32_t>(100 + i)};
  }
  a.batch.handOver(a.desk);
  for (size_t worker = 0; worker < 2; worker++) {
    PolicyAnswer got[2];
    CHECK_EQ(a.desk.channel(worker).takeAnswers(got), 1u);
    CHECK_EQ(got[0].server, 100 + worker);
  }
}

TEST("as many questions are put at once as are answered in about a millisecond") {
  Asking a(1);
  a.ask(0, 0, 150);
  CHECK_EQ(a.take().size(), 1u);
  for (int i = 0; i < 10; i++) a.batch.took(QuestionBatch::kFewUs - 1);
  CHECK_EQ(a.take().size(), QuestionBatch::kMostAtOnce);
  a.batch.took(QuestionBatch::kManyUs);  // neither too many nor too few
  CHECK_EQ(a.take().size(), QuestionBatch::kMostAtOnce);
  a.batch.took(4 * QuestionBatch::kManyUs);
  CHECK_EQ(a.take().size(), QuestionBatch::kMostAtOnce / 4);
  a.batch.took(1000 * QuestionBatch::kManyUs);
  CHECK_EQ(a.take().size(), 1u);
}

}  // namespace
}  // namespace tunvs::question_batch_test
