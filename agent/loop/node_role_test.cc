// Which role a node has from a start on, also when nobody has answered it: a pool that was refilled is drawn from
// again.
#include <algorithm>

#include <gtest/gtest.h>

#include "agent/loop/loop_bench.h"

namespace medic {
namespace {

using namespace loop_bench;

// tm-3 takes tm-1's place; the start that puts tm-1 into the pool is not answered.
class Refill : public testing::Test {
protected:
    Refill() : bench(options(Mode::auto_)) {
        bench.on_send = [this](const Operation& operation) {
            if (const auto* start = std::get_if<StartNode>(&operation.body); start == nullptr || !start->as_spare)
                return obey(bench, operation);
            ++refills;
            if (comes_at_once) bench.set({node("tm-1"), "process_up"}, 1);
        };
        bench.run(3);
    }
    void until_it_is_tried_again() {
        lose_node(bench);
        for (int i = 0; i < 200 && (bench.loop().incidents().empty() || !is_second_try()); ++i) bench.tick();
        ASSERT_TRUE(is_second_try()) << bench.story();
    }
    [[nodiscard]] bool is_second_try() const {
        return bench.incident().attempt == 2 && bench.incident().state == IncidentState::waiting_guard;
    }
    void comes_up() {
        bench.set({node("tm-1"), "process_up"}, 1);
        bench.run(5);
        ASSERT_EQ(bench.incident().state, IncidentState::healed) << bench.story();
    }
    // nullopt: as it is configured.
    [[nodiscard]] std::optional<bool> is_spare(const std::string& name) {
        const auto roles = bench.journal().load(bench.wall()).node_roles;
        const auto found = std::ranges::find(roles, name, &NodeRoleRow::node);
        return found == roles.end() ? std::nullopt : std::optional(found->spare);
    }
    Bench bench;
    int refills = 0;
    bool comes_at_once = false;
};

TEST_F(Refill, that_comes_late_makes_it_a_spare) {
    until_it_is_tried_again();
    EXPECT_EQ(is_spare("tm-1"), std::nullopt) << bench.story();
    comes_up();
    EXPECT_EQ(refills, 1) << bench.story();
    EXPECT_EQ(is_spare("tm-1"), true) << bench.story();
    EXPECT_EQ(is_spare("tm-3"), false) << bench.story();
}

TEST_F(Refill, that_comes_late_is_known_to_the_next_agent_too) {
    until_it_is_tried_again();
    bench.restart();
    comes_up();
    EXPECT_EQ(refills, 1) << bench.story();
    EXPECT_EQ(is_spare("tm-1"), true) << bench.story();
}

TEST_F(Refill, that_is_seen_needs_no_answer) {
    comes_at_once = true;
    lose_node(bench);
    bench.run(100);
    EXPECT_EQ(refills, 1) << bench.story();
    EXPECT_EQ(is_spare("tm-1"), true) << bench.story();
}

TEST_F(Refill, that_somebody_else_was_quicker_with_makes_it_nothing) {
    bench.on_send = [this](const Operation& operation) {
        obey(bench, operation);
        bench.set({node("tm-1"), "process_up"}, 1);
    };
    lose_node(bench);
    bench.run(20);
    ASSERT_EQ(bench.incident().state, IncidentState::healed) << bench.story();
    EXPECT_EQ(refills, 0) << bench.story();
    EXPECT_EQ(is_spare("tm-1"), std::nullopt) << bench.story();
}

TEST_F(Refill, that_never_left_makes_it_nothing) {
    bench.on_send = [this](const Operation& operation) {
        obey(bench, operation);
        bench.door_says = "the lease is another agent's";
    };
    until_it_is_tried_again();
    comes_up();
    EXPECT_EQ(refills, 0) << bench.story();
    EXPECT_EQ(is_spare("tm-1"), std::nullopt) << bench.story();
}

}  // namespace
}  // namespace medic
