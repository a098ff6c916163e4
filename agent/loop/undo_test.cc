// What did not help is taken back, and not blindly.
#include <algorithm>

#include <gtest/gtest.h>

#include "agent/loop/loop_bench.h"
#include "agent/store/kafka_words.h"

namespace medic {
namespace {

using namespace loop_bench;

const FactKey quota = quota_key(noisy, "producer_byte_rate");

class TakenBack : public testing::Test {
protected:
    TakenBack() : bench(options(Mode::auto_)) {
        bench.set(quota, 1'000);
        bench.set({noisy, "kafka_client_produce_bytes_per_second"}, 80);  // It goes on as before.
        bench.set({told.subject, "kafka_broker_request_handler_idle_ratio"}, 0);
        bench.on_send = [this](const Operation& operation) {
            bench.set(quota, *std::get<AlterClientQuota>(operation.body).set.at("producer_byte_rate"));
            bench.reply(operation.key, std::string("set"));
        };
        bench.diagnoses = {told};
    }
    const Diagnosis told = noisy_client();
    Bench bench;
};

TEST_F(TakenBack, AtOnceWhereASecondTryWouldFindItDone) {
    constexpr int felt = 4 * 60 * 2 + 10;  // Ticks.
    bench.run(felt);
    ASSERT_EQ(bench.sent.size(), 2U) << bench.story();
    EXPECT_EQ(std::get<AlterClientQuota>(bench.sent[1].body).set.at("producer_byte_rate"), 1'000);
}

TEST_F(TakenBack, OnceItIsKnownHowItStands) {
    bench.run(10);
    ASSERT_EQ(bench.sent.size(), 1U) << bench.story();
    bench.tick({OperatorCommand{OperatorCommand::Kind::pause, "lab", "patches", "ann"}});
    for (int ticks = 0; ticks < 1'000 && !bench.incident().undoing; ++ticks) bench.run(1);
    bench.unknown(quota);
    bench.run(60);
    bench.tick({OperatorCommand{OperatorCommand::Kind::resume, "lab", "", "ann"}});
    bench.run(60);
    EXPECT_EQ(bench.sent.size(), 1U) << "nobody knows what it would change\n" << bench.story();
    bench.set(quota, 30);
    bench.run(60);
    EXPECT_EQ(bench.sent.size(), 2U) << bench.story();
}

}  // namespace
}  // namespace medic
