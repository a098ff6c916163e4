// kafka.abort-hanging-transaction: which transactions it ends, and that a policy must name whose.
#include "remediations/remedies/remedy_test_internal.h"

namespace medic {
namespace {

using remedy_test::RemedyTest;

constexpr const char* remedy = "kafka.abort-hanging-transaction";
constexpr const char* series = "kafka_partition_hanging_transaction_seconds";

class AbortHangingTransaction : public RemedyTest {
protected:
    void SetUp() override {
        about("kafka.hanging-transaction", {"lab", "topic", "orders"},
              {{"topic", "orders"}, {"transactions", "0/4000/1/100/-1;3/4001/0/5/7"}});
        view_.floors["topic:orders"] = Duration{30 * 60'000};
        for (const auto& [partition, producer, epoch, start] : {std::tuple(0, 4000, 1, 100), std::tuple(3, 4001, 0, 5)})
            hangs(transaction_subject(partition_subject("lab", "orders", partition), producer, epoch, start));
    }
    void hangs(const Subject& transaction) {
        view_.facts.push_back({transaction, series, 3'600, "", remedy_test::now});
    }
};

TEST_F(AbortHangingTransaction, each_on_its_partition) {
    EXPECT_EQ(operations(remedy),
              (std::vector<std::string>{"lab: abort-transaction of producer 4000 epoch 1 on orders-0 from offset 100",
                                        "lab: abort-transaction of producer 4001 epoch 0 on orders-3 from offset 5"}));
    const auto made = plan(remedy);
    const Step& step = made->steps.at(1);
    EXPECT_EQ(std::get<AbortTransaction>(step.operation).coordinator_epoch, 7);
    ASSERT_EQ(step.precondition.size(), 1U);
    EXPECT_EQ(describe(step.precondition[0]),
              "transaction/orders-3/4001/0/5 kafka_partition_hanging_transaction_seconds ≥ 1800");
    EXPECT_EQ(describe(step.expectation.all.at(0)), "partition/orders-3 kafka_partition_last_stable_offset ≥ 6");
    EXPECT_EQ(step.destroys, Destroys::data);
    EXPECT_EQ(step.object, "topic:orders");
    EXPECT_TRUE(step.idempotent);
    EXPECT_TRUE(made->undo_steps.empty());
}

TEST_F(AbortHangingTransaction, only_of_topics_that_the_policy_names_with_a_floor) {
    view_.floors.clear();
    EXPECT_EQ(refusal(remedy), ErrorCode::invalid);
    view_.floors["topic:others"] = Duration{1};
    EXPECT_EQ(refusal(remedy), ErrorCode::invalid);
}

TEST_F(AbortHangingTransaction, what_is_not_known_to_hang_is_left_alone) {
    view_.facts.pop_back();
    EXPECT_EQ(operations(remedy).size(), 1U);
    view_.facts.clear();
    EXPECT_EQ(refusal(remedy), ErrorCode::not_ready);
}

TEST_F(AbortHangingTransaction, a_name_that_cant_be_read_ends_nothing) {
    for (const char* odd : {"0/4000/1/100", "0/4000/1/100/-1/2", "0/x/1/100/-1", "0/4000/1/100/"}) {
        diagnosis_.facts["transactions"] = odd;
        EXPECT_EQ(refusal(remedy), ErrorCode::invalid) << odd;
    }
    diagnosis_.facts.erase("transactions");
    EXPECT_EQ(refusal(remedy), ErrorCode::invalid);
}

}  // namespace
}  // namespace medic
