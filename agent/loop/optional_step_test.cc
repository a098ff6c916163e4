// A step that only saves time: whatever becomes of it, the plan goes on, and it is never tried twice.
#include <gtest/gtest.h>

#include "agent/loop/loop_bench.h"

namespace medic {
namespace {

using namespace loop_bench;

const Subject worker{"lab", "worker", "127.0.0.1:8083"};
const FactKey answers{worker, "connect_worker_reachable"};
const FactKey node_up{node("connect-1"), "process_up"};
const FactKey members{{"lab", "group", "connect-orders"}, "kafka_group_members"};

class OptionalStep : public testing::Test {
protected:
    OptionalStep() : bench(options(Mode::auto_)) {
        bench.set(node_up, 0);
        bench.set(answers, 0);
        bench.set(members, 1);
        Diagnosis lost = node_lost();
        lost.cause = "connect.worker-lost";
        lost.subject = worker;
        lost.remedies = {"node.start-again"};
        lost.facts = {{"node", "connect-1"}, {"worker", worker.name}, {"sink_tasks", "orders/0"}};
        bench.diagnoses = {lost};
        bench.on_send = [this](const Operation& operation) { obey_but_for_removal(operation); };
    }

    void obey_but_for_removal(const Operation& operation) {
        if (std::holds_alternative<RemoveGroupMembers>(operation.body)) return on_removal(operation);
        if (std::holds_alternative<StartNode>(operation.body)) {
            bench.set(answers, 1);
            bench.diagnoses.clear();
        }
        obey(bench, operation);
    }

    void expect_healed_by(const std::vector<std::string>& sent) {
        for (int i = 0; i < 100 && (bench.loop().incidents().empty() || bench.incident().outcome.empty()); ++i)
            bench.tick();
        EXPECT_EQ(bench.sent_names(), sent) << bench.story();
        EXPECT_EQ(bench.incident().outcome, "healed") << bench.story();
    }

    const std::string removal = "I1/2/1 lab: remove-group-members connector-consumer-orders-0 from connect-orders";
    Bench bench;
    std::function<void(const Operation&)> on_removal = [this](const Operation& operation) {
        bench.set(members, 0);
        bench.reply(operation.key, std::string("1 members removed"));
    };
};

// The groups were looked at a minute ago for another incident, and not since.
TEST_F(OptionalStep, is_planned_from_what_is_so_now) {
    const auto once_more = std::exchange(bench.diagnoses, {});
    bench.set(members, 0);
    bench.diagnoses = once_more;
    bench.run(3);
    bench.diagnoses.clear();
    bench.run(700);  // The cool-down has passed.
    bench.sent.clear();
    bench.set(node_up, 0);
    bench.set(answers, 0);
    bench.set(members, 1);
    bench.diagnoses = once_more;
    for (int i = 0; i < 20 && bench.sent.empty(); ++i) bench.tick();
    ASSERT_FALSE(bench.sent.empty()) << bench.story();
    EXPECT_TRUE(std::holds_alternative<RemoveGroupMembers>(bench.sent.front().body)) << bench.story();
}

TEST_F(OptionalStep, is_done_in_its_turn) { expect_healed_by({removal, "I1/3/1 lab: start-node connect-1"}); }

class Refused : public OptionalStep, public testing::WithParamInterface<ErrorCode> {};

TEST_P(Refused, by_the_other_side_it_holds_up_nothing) {
    on_removal = [this](const Operation& operation) {
        bench.reply(operation.key, fail(GetParam(), "GROUP_AUTHORIZATION_FAILED"));
    };
    expect_healed_by({removal, "I1/3/1 lab: start-node connect-1"});
}
INSTANTIATE_TEST_SUITE_P(Codes, Refused,
                         testing::Values(ErrorCode::invalid, ErrorCode::unavailable, ErrorCode::internal));

TEST_F(OptionalStep, of_which_nobody_knows_what_became_holds_up_nothing) {
    on_removal = [this](const Operation& operation) {
        bench.reply(operation.key, fail(ErrorCode::outcome_unknown, "no answer"));
    };
    expect_healed_by({removal, "I1/3/1 lab: start-node connect-1"});
}

TEST_F(OptionalStep, that_has_no_effect_holds_up_nothing) {
    on_removal = [this](const Operation& operation) { bench.reply(operation.key, std::string("0 members removed")); };
    expect_healed_by({removal, "I1/3/1 lab: start-node connect-1"});
}

// Whatever a guard has against it.
TEST_F(OptionalStep, that_a_guard_refuses_holds_up_nothing) {
    bench.run(2);
    bench.under_way = {{.subject = worker, .kind = "roll", .by = "ana", .since = bench.wall()}};
    bench.run(3);
    bench.under_way.clear();
    expect_healed_by({"I1/3/1 lab: start-node connect-1"});
}

TEST_F(OptionalStep, with_nothing_to_do_is_passed_over) {
    bench.run(2);
    bench.set(members, 0);  // The sessions have ended meanwhile.
    expect_healed_by({"I1/3/1 lab: start-node connect-1"});
}

}  // namespace
}  // namespace medic
