// kafka.throttle-client: whom it holds back, to how much, and what is kept for the way back.
#include "remediations/remedies/remedy_test_internal.h"

namespace medic {
namespace {

using remedy_test::RemedyTest;

constexpr const char* remedy = "kafka.throttle-client";

class ThrottleClient : public RemedyTest {
protected:
    void SetUp() override {
        about(subject_, 90'000'000);
        held_to(std::nullopt);
    }
    // It produces so much of 100 MB/s to a broker that is busy all the time; three write.
    void about(const Subject& who, double bytes_per_second) {
        RemedyTest::about("kafka.noisy-client", who,
                          {{who.kind, who.name},
                           {"broker", "1"},
                           {"busy_percent", "100"},
                           {"bytes_per_second", std::to_string(std::lround(bytes_per_second))},
                           {"broker_bytes_per_second", "100000000"},
                           {"producers", "3"},
                           {"brokers", "2"}});
    }
    void held_to(std::optional<double> value) {
        view_.facts.clear();
        const FactKey key = quota_key(diagnosis_.subject, "producer_byte_rate");
        view_.facts.push_back({key.subject, key.name, value, value ? "set" : std::string(no_quota), remedy_test::now});
    }
    const Subject subject_{"lab", "client", "replay"};
};

TEST_F(ThrottleClient, gets_what_the_others_leave_of_the_headroom) {
    EXPECT_EQ(operations(remedy),
              std::vector<std::string>{"lab: alter-client-quota client replay producer_byte_rate=40000000"})
        << "half of 100 MB/s is bearable, of which others use 10";
    const auto made = plan(remedy);
    const Step& step = made->steps.at(0);
    EXPECT_EQ(describe(step.precondition.at(0)), "client/replay quota:producer_byte_rate is none");
    EXPECT_EQ(describe(step.done.at(0)), "client/replay quota:producer_byte_rate = 40000000");
    ASSERT_EQ(step.expectation.all.size(), 3U);
    EXPECT_EQ(describe(step.expectation.all[1]), "client/replay kafka_client_produce_bytes_per_second ≤ 88000000")
        << "on two brokers, and a tenth";
    EXPECT_EQ(describe(step.expectation.all[2]), "broker/1 kafka_broker_request_handler_idle_ratio ≥ 0.3");
    ASSERT_EQ(made->undo_steps.size(), 1U);
    EXPECT_EQ(describe(Operation{.key = {}, .cluster = "lab", .body = made->undo_steps[0].operation}),
              "lab: alter-client-quota client replay producer_byte_rate=(none)");
}

TEST_F(ThrottleClient, never_gets_less_than_its_fair_share) {
    about(subject_, 60'000'000);
    EXPECT_EQ(operations(remedy),
              std::vector<std::string>{"lab: alter-client-quota client replay producer_byte_rate=16666666"})
        << "a third of the bearable half; the others leave 10 MB/s";
}

TEST_F(ThrottleClient, what_stood_there_is_kept_for_the_way_back) {
    held_to(70'000'000);
    const auto made = plan(remedy);
    ASSERT_TRUE(made) << made.error().message;
    EXPECT_EQ(describe(made->steps[0].precondition.at(0)), "client/replay quota:producer_byte_rate = 70000000");
    EXPECT_EQ(describe(Operation{.key = {}, .cluster = "lab", .body = made->undo_steps.at(0).operation}),
              "lab: alter-client-quota client replay producer_byte_rate=70000000");
    const Step& back = made->undo_steps.at(0);
    EXPECT_EQ(describe(back.precondition.at(0)), "client/replay quota:producer_byte_rate = 40000000")
        << "a quota that a person has set meanwhile stays";
    EXPECT_TRUE(back.skip_if.empty()) << "quotas are read now and then: what stood there before may be told still";
    held_to(30'000'000);
    EXPECT_EQ(refusal(remedy), ErrorCode::invalid) << "it would get more";
}

TEST_F(ThrottleClient, a_user_where_quotas_go_by_user) {
    about({"lab", "user", "alice"}, 90'000'000);
    held_to(std::nullopt);
    EXPECT_EQ(operations(remedy),
              std::vector<std::string>{"lab: alter-client-quota user alice producer_byte_rate=40000000"});
}

TEST_F(ThrottleClient, whom_others_may_be_or_depend_on_is_left_alone) {
    for (const char* name : {"<default>", "rdkafka", "producer-1", "console-producer", "connector-producer-orders-0",
                             "connect-cluster-offsets", "connect-cluster-statuses", "streammedic", "\"odd name\""}) {
        about({"lab", "client", name}, 90'000'000);
        held_to(std::nullopt);
        EXPECT_EQ(refusal(remedy), ErrorCode::invalid) << name;
    }
    about({"lab", "user", "ANONYMOUS"}, 90'000'000);
    held_to(std::nullopt);
    EXPECT_EQ(refusal(remedy), ErrorCode::invalid);
}

TEST_F(ThrottleClient, nothing_is_set_blindly) {
    view_.facts.clear();
    EXPECT_EQ(refusal(remedy), ErrorCode::not_ready) << "who knows what stands there";
    held_to(std::nullopt);
    diagnosis_.facts.erase("broker_bytes_per_second");
    EXPECT_EQ(refusal(remedy), ErrorCode::invalid);
}

}  // namespace
}  // namespace medic
