#include "remediations/verification/verification.h"

#include <gtest/gtest.h>

namespace medic {
namespace {

constexpr WallTime acted{1'700'000'000'000};
const Subject job{"lab", "job", "fleet"};

class VerificationTest : public testing::Test {
protected:
    VerificationTest() {
        expectation_.all = {text_in(job, "state", {"RUNNING"})};
        expectation_.worse_if = {text_in(job, "state", {"FAILED"})};
        expectation_.within = Duration{10'000};
    }
    void state(std::string text, Duration after) {
        book_.record({job, "state", 1, std::move(text), acted + after}, acted + after);
    }
    Verification judge(Duration after) {
        return verify({.expectation = &expectation_,
                       .book = &book_,
                       .baseline = baseline_,
                       .acted_at = acted,
                       .now = acted + after,
                       .holds_since = holds_since_,
                       .cause_present = cause_present_});
    }
    Expectation expectation_;
    FactBook book_;
    std::vector<Fact> baseline_;
    std::optional<WallTime> holds_since_;
    std::optional<bool> cause_present_;
};

TEST_F(VerificationTest, healed_when_the_expectation_holds_in_facts_seen_after_the_act) {
    state("RUNNING", Duration{1'000});
    EXPECT_EQ(judge(Duration{1'000}).outcome, Outcome::healed);
}

TEST_F(VerificationTest, facts_from_before_the_act_prove_nothing) {
    state("RUNNING", Duration{-1'000});
    EXPECT_EQ(judge(Duration{1'000}).outcome, Outcome::pending);
    EXPECT_EQ(judge(Duration{11'000}).outcome, Outcome::cannot_tell);
}

TEST_F(VerificationTest, no_effect_when_facts_say_so_until_the_end) {
    state("RESTARTING", Duration{9'000});
    EXPECT_EQ(judge(Duration{9'000}).outcome, Outcome::pending);
    EXPECT_EQ(judge(Duration{10'000}).outcome, Outcome::no_effect);
}

TEST_F(VerificationTest, worse_when_something_bad_is_new) {
    baseline_ = {{job, "state", 1, "RESTARTING", acted}};
    state("FAILED", Duration{1'000});
    EXPECT_EQ(judge(Duration{1'000}).outcome, Outcome::worse);
}

TEST_F(VerificationTest, what_was_bad_before_is_not_worse) {
    baseline_ = {{job, "state", 1, "FAILED", acted}};
    state("FAILED", Duration{1'000});
    EXPECT_EQ(judge(Duration{1'000}).outcome, Outcome::pending);
}

TEST_F(VerificationTest, in_vain_is_told_at_once_and_not_from_what_was_so_before) {
    expectation_.in_vain_if = {text_in(job, "state", {"FAILED"})};
    expectation_.worse_if.clear();
    state("FAILED", in_vain_after);
    EXPECT_EQ(judge(in_vain_after).outcome, Outcome::pending) << "it may still be the state of before";
    state("RESTARTING", in_vain_after + Duration{500});
    EXPECT_EQ(judge(in_vain_after + Duration{500}).outcome, Outcome::pending);
    state("FAILED", in_vain_after + Duration{1'000});
    const auto verdict = judge(in_vain_after + Duration{1'000});
    EXPECT_EQ(verdict.outcome, Outcome::no_effect);
    EXPECT_EQ(verdict.text, "in vain: job/fleet state is FAILED");
}

TEST_F(VerificationTest, it_must_hold_for_its_stable_time) {
    expectation_.stable_for = Duration{2'000};
    state("RUNNING", Duration{1'000});
    const auto first = judge(Duration{1'000});
    EXPECT_EQ(first.outcome, Outcome::pending);
    holds_since_ = first.holds_since;
    state("RUNNING", Duration{3'000});
    EXPECT_EQ(judge(Duration{3'000}).outcome, Outcome::healed);
}

TEST_F(VerificationTest, a_cause_that_must_be_gone_needs_a_look) {
    expectation_.cause_gone = true;
    state("RUNNING", Duration{9'000});
    EXPECT_EQ(judge(Duration{10'000}).outcome, Outcome::cannot_tell);
    cause_present_ = true;
    EXPECT_EQ(judge(Duration{10'000}).outcome, Outcome::no_effect);
    cause_present_ = false;
    EXPECT_EQ(judge(Duration{10'000}).outcome, Outcome::healed);
}

class AnyOf : public VerificationTest {
protected:
    AnyOf() { expectation_.any = {progressing(job, "checkpoints"), progressing(job, "records")}; }
    void counts(std::string name, double value, Duration after) {
        book_.record({job, std::move(name), value, "", acted + after}, acted + after);
    }
};

TEST_F(AnyOf, one_of_them_is_enough) {
    state("RUNNING", Duration{4'000});
    counts("checkpoints", 1, Duration{1'000});
    counts("checkpoints", 2, Duration{4'000});
    EXPECT_EQ(judge(Duration{4'000}).outcome, Outcome::healed);
}

TEST_F(AnyOf, those_that_are_known_decide) {
    state("RUNNING", Duration{9'000});
    counts("records", 5, Duration{4'000});
    counts("records", 5, Duration{9'000});
    EXPECT_EQ(judge(Duration{9'000}).outcome, Outcome::pending);
    EXPECT_EQ(judge(Duration{10'000}).outcome, Outcome::no_effect);
}

TEST_F(AnyOf, where_none_is_known_it_cannot_be_told) {
    state("RUNNING", Duration{9'000});
    EXPECT_EQ(judge(Duration{9'000}).outcome, Outcome::pending);
    EXPECT_EQ(judge(Duration{10'000}).outcome, Outcome::cannot_tell);
}

}  // namespace
}  // namespace medic
