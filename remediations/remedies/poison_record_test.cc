// What is done about a record at which a sink's task fails: set aside where Connect can do that, else skipped.
#include <nlohmann/json.hpp>

#include "agent/base/connector_settings.h"
#include "remediations/remedies/remedy_test_internal.h"

namespace medic {
namespace {

using namespace remedy_test;

constexpr std::string_view set_aside = "connect.set-aside-bad-records", skip = "connect.skip-record";

class PoisonRecord : public RemedyTest {
protected:
    void SetUp() override {
        view_.cluster.dead_letters = "bad-{connector}";
        fails_in("conversion", 42, 1);
        knows({{"topics", "t"}}, 40);
    }
    void fails_in(const std::string& stage, int offset, int records) {
        about("connect.poison-record", task_,
              {{"connector", "orders"},
               {"task", "0"},
               {"failing_in", stage},
               {"failing_topic", "t"},
               {"failing_partition", "3"},
               {"failing_offset", std::to_string(offset)},
               {"failing_records", std::to_string(records)}});
    }
    void knows(const std::map<std::string, std::string>& kept, int committed, const std::string& type = "sink") {
        ConnectorSettings settings{.kept = kept, .withheld = {"db.password"}};
        now_ = hash_of(settings);
        view_.facts.clear();
        fact(connector_, "type", 0, type);
        fact(connector_, "configuration", 0, now_);
        fact(connector_, "settings", 0,
             nlohmann::json{{"kept", settings.kept}, {"withheld", settings.withheld}}.dump());
        fact(connector_, "committed:t-3", committed, std::to_string(committed));
    }
    std::string why(std::string_view remedy) {
        const auto made = plan(remedy);
        EXPECT_FALSE(made);
        return made ? made->summary : made.error().message;
    }
    static std::vector<std::string> described(const std::vector<Step>& steps) {
        std::vector<std::string> all;
        for (const auto& step : steps)
            all.push_back(describe(Operation{.key = {}, .cluster = "lab", .body = step.operation}));
        return all;
    }
    static std::string hash_with(std::map<std::string, std::string> kept) {
        kept["topics"] = "t";
        return hash_of({.kept = std::move(kept), .withheld = {"db.password"}});
    }

    const Subject task_{"lab", "connector-task", "orders/0"}, connector_{"lab", "connector", "orders"};
    std::string now_;
};

TEST_F(PoisonRecord, what_can_not_be_converted_is_set_aside_in_a_dead_letter_queue) {
    const std::string after = hash_with({{"errors.tolerance", "all"},
                                         {"errors.deadletterqueue.topic.name", "bad-orders"},
                                         {"errors.deadletterqueue.context.headers.enable", "true"},
                                         {"errors.log.enable", "true"}});
    EXPECT_EQ(operations(set_aside),
              (std::vector<std::string>{
                  "lab: change-connector-configuration orders from " + now_ + " to " + after +
                      ": errors.deadletterqueue.context.headers.enable=true "
                      "errors.deadletterqueue.topic.name=bad-orders errors.log.enable=true errors.tolerance=all",
                  "lab: restart-connector orders (include tasks: true, only failed: true)"}));
    const auto made = plan(set_aside);
    EXPECT_EQ(described(made->undo_steps).at(0),
              "lab: change-connector-configuration orders from " + after + " to " + now_ +
                  ": errors.deadletterqueue.context.headers.enable=(none) errors.deadletterqueue.topic.name=(none) "
                  "errors.log.enable=(none) errors.tolerance=(none)");
    const Expectation& hoped = made->steps[1].expectation;
    EXPECT_TRUE(hoped.any.empty()) << "on a quiet topic no other record comes";
    EXPECT_EQ(describe(hoped.all.at(1)), "connector/orders state_of_all is RUNNING");
    EXPECT_EQ(hoped.stable_for, Duration{45'000});
}
TEST_F(PoisonRecord, a_queue_that_is_named_already_is_kept) {
    knows({{"topics", "t"}, {"errors.deadletterqueue.topic.name", "ours"}}, 40);
    EXPECT_EQ(plan(set_aside)->summary, "orders can't convert a record: set such records aside in ours");
}
TEST_F(PoisonRecord, no_queue_helps_in_put_nor_where_several_records_fail_nor_without_a_topic) {
    fails_in("put", 42, 1);
    EXPECT_NE(why(set_aside).find("would be in vain"), std::string::npos);
    fails_in("conversion", 42, 3);
    EXPECT_NE(why(set_aside).find("it is not the records that are wrong"), std::string::npos);
    fails_in("conversion", 42, 1);
    knows({{"topics", "t"}}, 40, "source");
    EXPECT_NE(why(set_aside).find("is no sink"), std::string::npos);
    knows({{"topics", "t"}, {"errors.tolerance", "all"}}, 40);
    EXPECT_NE(why(set_aside).find("tolerates bad records already"), std::string::npos);
    view_.cluster.dead_letters.clear();
    EXPECT_NE(why(set_aside).find("clusters.lab.connect.dead_letters"), std::string::npos);
}
// An agent that has just started may know of the failed task before it knows the connector.
TEST_F(PoisonRecord, a_connector_of_which_nobody_knows_whether_it_is_a_sink_is_waited_for) {
    knows({{"topics", "t"}}, 40, "");
    EXPECT_EQ(refusal(set_aside), ErrorCode::not_ready);
    EXPECT_EQ(refusal(skip), ErrorCode::not_ready);
}
TEST_F(PoisonRecord, settings_that_are_unknown_or_just_being_changed_are_left_alone) {
    fact(connector_, "settings", 0, "");
    view_.facts[2].text.clear();
    EXPECT_EQ(refusal(set_aside), ErrorCode::not_ready);
    knows({{"topics", "t"}}, 40);
    view_.facts[1].text = "another";
    EXPECT_EQ(refusal(set_aside), ErrorCode::not_ready);
}

TEST_F(PoisonRecord, is_skipped_alone_once_all_before_it_is_delivered) {
    fails_in("put", 42, 1);
    const std::string one_by_one = hash_with({{"consumer.override.max.poll.records", "1"}});
    EXPECT_EQ(
        operations(skip),
        (std::vector<std::string>{
            "lab: change-connector-configuration orders from " + now_ + " to " + one_by_one +
                ": consumer.override.max.poll.records=1",
            "lab: restart-connector orders (include tasks: true, only failed: true)", "lab: stop-connector orders",
            "lab: alter-connector-offset orders of t-3 from 42 to 43", "lab: resume-connector orders",
            "lab: change-connector-configuration orders from " + one_by_one + " to " + now_ +
                ": consumer.override.max.poll.records=(none)"}));
    const auto made = plan(skip);
    const Step& proof = made->steps[1];
    EXPECT_EQ(describe(proof.expectation.all.at(0)), "connector/orders committed:t-3 = 42");
    EXPECT_EQ(describe(proof.expectation.all.at(1)), "connector-task/orders/0 connect_task_state is FAILED");
    const Step& passed = made->steps[3];
    EXPECT_EQ(passed.destroys, Destroys::data);
    EXPECT_EQ(passed.object, "connector:orders");
    EXPECT_EQ(records_passed_over(passed.operation), 1);
    EXPECT_EQ(describe(passed.precondition.at(0)), "connector/orders connect_connector_state is STOPPED");
    EXPECT_EQ(describe(passed.precondition.at(1)), "connector/orders committed:t-3 = 42");
    EXPECT_TRUE(made->steps[5].after_heal);
    for (const auto& step : made->steps) EXPECT_EQ(step.object, "connector:orders");
    EXPECT_NE(passed.text.find("offset 42 of partition 3 of t"), std::string::npos);
}
TEST_F(PoisonRecord, a_group_that_stands_at_it_needs_no_reading_up_to_it) {
    fails_in("put", 42, 1);
    knows({{"topics", "t"}}, 42);
    EXPECT_EQ(operations(skip), (std::vector<std::string>{"lab: stop-connector orders",
                                                          "lab: alter-connector-offset orders of t-3 from 42 to 43",
                                                          "lab: resume-connector orders"}));
}
TEST_F(PoisonRecord, a_skip_that_lets_nothing_through_is_put_back_unless_the_group_went_on) {
    fails_in("put", 42, 1);
    const auto made = plan(skip);
    EXPECT_EQ(described(made->undo_steps).size(), 4U);
    EXPECT_EQ(described(made->undo_steps).at(1), "lab: alter-connector-offset orders of t-3 from 43 to 42");
    for (std::size_t i = 0; i < 2; ++i)
        EXPECT_EQ(describe(made->undo_steps[i].skip_if.at(0)), "connector/orders committed:t-3 ≠ 43");
}
TEST_F(PoisonRecord, nothing_is_skipped_where_each_next_record_fails_or_which_is_not_known) {
    fails_in("put", 44, 3);
    EXPECT_NE(why(skip).find("3 different records have ended task orders/0"), std::string::npos);
    fails_in("put", 44, 2);
    EXPECT_TRUE(plan(skip)) << "the second one within the hour";
    diagnosis_.facts.erase("failing_offset");
    EXPECT_NE(why(skip).find("neither the trace nor a log names the record"), std::string::npos);
    fails_in("put", 39, 1);
    EXPECT_NE(why(skip).find("is past offset 39"), std::string::npos);
    fails_in("put", 42, 1);
    view_.facts.pop_back();
    EXPECT_EQ(refusal(skip), ErrorCode::not_ready) << "nobody knows where the group stands";
}
TEST_F(PoisonRecord, a_sink_that_reads_record_by_record_and_commits_less_is_a_persons) {
    fails_in("put", 42, 1);
    knows({{"topics", "t"}, {"consumer.override.max.poll.records", "1"}}, 40);
    EXPECT_NE(why(skip).find("its group does not get to offset 42"), std::string::npos);
}

}  // namespace
}  // namespace medic
