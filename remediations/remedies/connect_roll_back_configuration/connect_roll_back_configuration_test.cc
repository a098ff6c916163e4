#include "remediations/remedies/remedy_test_internal.h"

namespace medic {
namespace {

using namespace remedy_test;

constexpr std::string_view remedy = "connect.roll-back-configuration";
constexpr Duration minute{60'000};

// Connector orders: its topics were changed a minute before it failed.
class RollBackConfiguration : public RemedyTest {
protected:
    void SetUp() override {
        about("connect.option-invalid", connector_, {{"connector", "orders"}});
        diagnosis_.since = now - minute;
        knows(change());
    }
    struct Told {
        std::string subject = "orders", back = R"({"topics":"a","old":"x"})", forth = R"({"topics":"b","old":null})",
                    withheld = "[]", worked = "true", withheld_known = "true";
        int changes = 1;
        WallTime changed_at = now - 2 * minute;
    };
    static Told change() { return {}; }
    void knows(const Told& told) {
        view_.facts.clear();
        const Subject subject{"lab", "connector", told.subject};
        fact(subject, "configuration", 0, "bad");
        fact(subject, "settings_change", 0,
             R"({"from":"bad","to":"good","tasks":2,"back":)" + told.back + R"(,"forth":)" + told.forth +
                 R"(,"withheld":)" + told.withheld + R"(,"worked":)" + told.worked + R"(,"withheld_known":)" +
                 told.withheld_known + R"(,"changes":)" + std::to_string(told.changes) + R"(,"changed_at":)" +
                 std::to_string(told.changed_at.unix_ms) + "}");
    }
    std::string why() {
        const auto made = plan(remedy);
        EXPECT_FALSE(made);
        return made ? made->summary : made.error().message;
    }

    const Subject connector_{"lab", "connector", "orders"};
};

TEST_F(RollBackConfiguration, changes_back_what_was_changed_and_restarts_what_is_still_failed) {
    EXPECT_EQ(operations(remedy),
              (std::vector<std::string>{"lab: change-connector-configuration orders from bad to good: old=x topics=a",
                                        "lab: restart-connector orders (include tasks: true, only failed: true)"}));
    const auto made = plan(remedy);
    EXPECT_EQ(made->summary, "orders fails since old, topics was changed: change it back to how orders last worked");
    EXPECT_EQ(made->needs_approval, "");
    const Step& back = made->steps[0];
    EXPECT_TRUE(back.idempotent);
    EXPECT_EQ(describe(back.precondition.at(0)), "connector/orders configuration is bad");
    EXPECT_EQ(describe(back.done.at(0)), "connector/orders configuration is good");
    const Expectation& hoped = made->steps[1].expectation;
    EXPECT_EQ(describe(hoped.all.at(1)), "connector/orders state_of_all is RUNNING");
    EXPECT_TRUE(hoped.any.empty()) << "on a quiet topic no record comes";
    EXPECT_EQ(hoped.stable_for, Duration{45'000});
}
TEST_F(RollBackConfiguration, puts_back_what_stood_there_where_it_did_not_help) {
    const auto made = plan(remedy);
    ASSERT_EQ(made->undo_steps.size(), 1U);
    EXPECT_EQ(describe(Operation{.key = {}, .cluster = "lab", .body = made->undo_steps[0].operation}),
              "lab: change-connector-configuration orders from good to bad: old=(none) topics=b");
}
TEST_F(RollBackConfiguration, of_a_task_looks_at_its_connector) {
    about("connect.converter-mismatch", {"lab", "connector-task", "orders/1"},
          {{"connector", "orders"}, {"task", "1"}});
    EXPECT_EQ(operations(remedy).size(), 2U);
}
TEST_F(RollBackConfiguration, settings_that_were_rolled_back_before_are_a_persons) {
    const auto made = plan(remedy);
    ASSERT_TRUE(made->quarantine);
    EXPECT_EQ(made->quarantine->version, "bad");
    view_.quarantined.insert({made->quarantine->job, "bad"});
    diagnosis_.since = now - 8 * minute;  // Within the episode that the roll-back ended.
    EXPECT_NE(why().find("were rolled back before"), std::string::npos) << why();
    diagnosis_.since = now - minute;
    view_.quarantined = {{made->quarantine->job, "good"}};
    EXPECT_EQ(refusal(remedy), ErrorCode::invalid);
    view_.quarantined = {{"lab:connector/other", "bad"}};
    EXPECT_TRUE(plan(remedy));
}
TEST_F(RollBackConfiguration, a_change_long_before_the_failure_is_not_its_reason) {
    auto told = change();
    told.changed_at = diagnosis_.since - 6 * minute;
    knows(told);
    EXPECT_NE(why().find("6 min before"), std::string::npos) << why();
}
TEST_F(RollBackConfiguration, a_change_after_the_failure_is_not_its_reason) {
    auto told = change();
    told.changed_at = diagnosis_.since + minute;
    knows(told);
    EXPECT_NE(why().find("after it had begun to fail"), std::string::npos) << why();
}
TEST_F(RollBackConfiguration, a_connector_that_did_not_run_before_the_change_fails_of_something_else) {
    auto told = change();
    told.worked = "false";
    knows(told);
    EXPECT_NE(why().find("did not run before"), std::string::npos) << why();
}
TEST_F(RollBackConfiguration, a_change_of_another_connector_is_none_of_this_one) {
    auto told = change();
    told.subject = "other";
    knows(told);
    EXPECT_EQ(refusal(remedy), ErrorCode::not_ready);
    fact(connector_, "configuration", 0, "good");
    EXPECT_NE(why().find("those under which it worked"), std::string::npos) << why();
}
TEST_F(RollBackConfiguration, without_settings_that_were_seen_to_work_there_is_nothing_to_go_back_to) {
    view_.facts.clear();
    fact(connector_, "configuration", 0, "bad");
    fact(connector_, "settings_change", 0, "unknown");
    EXPECT_NE(why().find("has not been seen to work"), std::string::npos) << why();
}
TEST_F(RollBackConfiguration, a_change_that_nobody_saw_has_no_time) {
    auto told = change();
    told.changed_at = {};
    knows(told);
    EXPECT_NE(why().find("while nobody looked"), std::string::npos) << why();
}
TEST_F(RollBackConfiguration, a_changed_secret_is_a_persons_to_change_back) {
    auto told = change();
    told.withheld = R"(["db.password"])";
    knows(told);
    EXPECT_NE(why().find("(db.password)"), std::string::npos) << why();
    told = change();
    told.withheld_known = "false";
    knows(told);
    EXPECT_NE(why().find("is not known since the agent was started"), std::string::npos) << why();
    told = change();
    told.forth = R"({"topics":"b","url":"x://me:plum@h"})";
    knows(told);
    EXPECT_EQ(refusal(remedy), ErrorCode::invalid);
    EXPECT_EQ(why().find("plum"), std::string::npos) << why();
}
TEST_F(RollBackConfiguration, several_changes_are_taken_back_only_when_a_person_agrees) {
    auto told = change();
    told.changes = 2;
    knows(told);
    EXPECT_NE(plan(remedy)->needs_approval.find("2 times"), std::string::npos);
}
TEST_F(RollBackConfiguration, what_cannot_be_read_is_not_acted_on) {
    auto told = change();
    told.back = "7";
    knows(told);
    EXPECT_FALSE(plan(remedy));
}

}  // namespace
}  // namespace medic
