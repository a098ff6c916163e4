#include "remediations/remedies/remedy_test_internal.h"

namespace medic {
namespace {

using namespace remedy_test;

constexpr std::string_view remedy = "kafka.restore-configuration";
constexpr Duration minute{60'000};
const Subject orders{"lab", "topic", "orders"};

// Topic orders: min.insync.replicas was raised a minute before it took no more writes.
class RestoreConfiguration : public RemedyTest {
protected:
    struct Told {
        std::string was = R"({"min.insync.replicas":"2"})", is = R"({"min.insync.replicas":"4"})", back = was,
                    forth = is, of_brokers = "[]", worked = "true";
        int changes = 1;
        WallTime changed_at = now - 2 * minute;
    };
    void SetUp() override {
        about("kafka.writes-refused", orders, {{"topic", "orders"}});
        diagnosis_.since = now - minute;
        knows({});
    }
    void knows(const Told& told) {
        view_.facts.clear();
        fact(orders, "settings_change", 0,
             R"({"was":)" + told.was + R"(,"is":)" + told.is + R"(,"back":)" + told.back + R"(,"forth":)" + told.forth +
                 R"(,"of_brokers":)" + told.of_brokers + R"(,"worked":)" + told.worked + R"(,"changes":)" +
                 std::to_string(told.changes) + R"(,"changed_at":)" + std::to_string(told.changed_at.unix_ms) + "}");
    }
    std::string why() {
        const auto made = plan(remedy);
        EXPECT_FALSE(made);
        return made ? made->summary : made.error().message;
    }
    std::vector<std::string> way_back() {
        std::vector<std::string> all;
        const auto made = plan(remedy);
        if (made)
            for (const Step& step : made->undo_steps)
                all.push_back(describe(Operation{.key = {}, .cluster = "lab", .body = step.operation}));
        return all;
    }
    bool refuses_with(const std::string& part) { return why().find(part) != std::string::npos; }
};

TEST_F(RestoreConfiguration, sets_the_value_that_was_there_and_keeps_what_it_replaces) {
    EXPECT_EQ(operations(remedy), std::vector<std::string>{"lab: alter-configs topic orders min.insync.replicas=2"});
    EXPECT_EQ(way_back(), std::vector<std::string>{"lab: alter-configs topic orders min.insync.replicas=4"});
    const auto made = plan(remedy);
    EXPECT_EQ(made->needs_approval, "");
    const Step& back = made->steps.at(0);
    EXPECT_TRUE(back.idempotent);
    EXPECT_EQ(back.object, "topic:orders");
    EXPECT_EQ(describe(back.precondition.at(0)), "topic/orders min.insync.replicas is 4");
    EXPECT_EQ(describe(back.done.at(0)), "topic/orders min.insync.replicas is 2");
    EXPECT_EQ(back.expectation.all.size(), 1U) << "nobody may write to it just then";
    EXPECT_TRUE(back.expectation.cause_gone);
    EXPECT_GT(back.expectation.within, Duration{60'000}) << "settings are read every third look";
}
TEST_F(RestoreConfiguration, what_was_taken_over_from_the_brokers_is_deleted) {
    knows({.back = R"({"min.insync.replicas":null})"});
    EXPECT_EQ(operations(remedy),
              std::vector<std::string>{"lab: alter-configs topic orders min.insync.replicas=(default)"});
}
TEST_F(RestoreConfiguration, a_retention_that_was_shortened_is_not_shortened_again) {
    about("kafka.retention-overtakes-reader", {"lab", "group", "billing"}, {{"group", "billing"}, {"topic", "orders"}});
    knows({.was = R"({"retention.ms":"604800000","min.insync.replicas":"2"})",
           .is = R"({"retention.ms":"60000","min.insync.replicas":"4"})",
           .back = R"({"retention.ms":null,"min.insync.replicas":"2"})",
           .forth = R"({"retention.ms":"60000","min.insync.replicas":"4"})"});
    EXPECT_EQ(operations(remedy), std::vector<std::string>{"lab: alter-configs topic orders retention.ms=(default)"})
        << "what does not explain the fault stays";
    EXPECT_TRUE(way_back().empty()) << "that would delete records";
    EXPECT_FALSE(plan(remedy)->steps.at(0).expectation.cause_gone) << "a reader that was overtaken stays overtaken";
}
TEST_F(RestoreConfiguration, no_limit_is_the_longest_retention) {
    about("kafka.retention-overtakes-reader", {"lab", "group", "billing"}, {{"group", "billing"}, {"topic", "orders"}});
    Told told{.was = R"({"retention.bytes":"-1"})", .is = R"({"retention.bytes":"1000"})"};
    told.back = told.was, told.forth = told.is;
    knows(told);
    EXPECT_EQ(operations(remedy), std::vector<std::string>{"lab: alter-configs topic orders retention.bytes=-1"});
    std::swap(told.was, told.is);
    knows(told);
    EXPECT_TRUE(refuses_with("no setting of topic orders was changed that explains this")) << why();
}
TEST_F(RestoreConfiguration, a_change_the_other_way_explains_nothing) {
    knows({.was = R"({"min.insync.replicas":"4"})", .is = R"({"min.insync.replicas":"2"})"});
    EXPECT_TRUE(refuses_with("no setting of topic orders was changed that explains this")) << why();
    knows({.was = R"({"retention.ms":"5"})", .is = R"({"retention.ms":"4"})"});
    EXPECT_TRUE(refuses_with("no setting of topic orders was changed that explains this")) << why();
}
TEST_F(RestoreConfiguration, a_brokers_default_is_a_persons_to_change_back) {
    knows({.back = "{}", .forth = "{}", .of_brokers = R"(["min.insync.replicas"])"});
    EXPECT_TRUE(refuses_with("follows a setting of its brokers")) << why();
}
TEST_F(RestoreConfiguration, a_change_long_before_or_after_the_fault_is_not_its_reason) {
    knows({.changed_at = diagnosis_.since - 16 * minute});
    EXPECT_TRUE(refuses_with("16 min before the fault")) << why();
    knows({.changed_at = diagnosis_.since + minute});
    EXPECT_TRUE(refuses_with("after the fault had begun")) << why();
    knows({.changed_at = diagnosis_.since + Duration{20'000}});
    EXPECT_TRUE(plan(remedy)) << "settings are read seldom: the fault was seen first";
}
TEST_F(RestoreConfiguration, without_a_value_that_was_seen_to_work_there_is_nothing_to_go_back_to) {
    knows({.worked = "false"});
    EXPECT_TRUE(refuses_with("was not written to before")) << why();
    knows({.changed_at = {}});
    EXPECT_TRUE(refuses_with("while nobody looked")) << why();
    view_.facts[0].text = "unknown";
    EXPECT_TRUE(refuses_with("has not been seen to work")) << why();
    view_.facts[0].text = "none";
    EXPECT_TRUE(refuses_with("those under which it worked")) << why();
    view_.facts.clear();
    EXPECT_EQ(refusal(remedy), ErrorCode::not_ready);
    fact(orders, "settings_change", 0, "{");
    EXPECT_EQ(refusal(remedy), ErrorCode::internal);
}
TEST_F(RestoreConfiguration, what_was_changed_back_before_is_a_persons) {
    const auto made = plan(remedy);
    ASSERT_TRUE(made && made->quarantine);
    EXPECT_EQ(made->quarantine->version, "min.insync.replicas=4");
    view_.quarantined.insert({made->quarantine->job, "min.insync.replicas=4"});
    EXPECT_TRUE(refuses_with("was changed back before")) << why();
    view_.quarantined = {{"lab:topic/other", "min.insync.replicas=4"}};
    EXPECT_TRUE(plan(remedy));
}
TEST_F(RestoreConfiguration, several_changes_are_a_persons_to_approve) {
    knows({.changes = 2});
    EXPECT_NE(plan(remedy)->needs_approval, "");
}

}  // namespace
}  // namespace medic
