// Retention is cut only as far as every reader has come in every partition, when the plan is made and when it is sent.
#include "agent/store/fact_book.h"
#include "agent/store/kafka_words.h"
#include "remediations/remedies/remedy_test_internal.h"

namespace medic {
namespace {

using namespace remedy_test;

class CutRetention : public RemedyTest {
protected:
    void SetUp() override {
        about("kafka.disk-nearly-full", dir_,
              {{"broker", "2"}, {"log_dir", "/data"}, {"node", "broker-2"}, {"topic", "events"}});
        fact(dir_, "kafka_log_dir_total_bytes", 1'000);
        fact(dir_, "kafka_log_dir_usable_bytes", 150);
        fact(topic_, "retention.ms", static_cast<double>(week.count()));
        view_.floors["topic:events"] = Duration{6'000};
    }
    [[nodiscard]] static Truth at_act(const Step& step, std::optional<double> unread) {
        FactBook book;
        book.record({topic_, "retention.ms", static_cast<double>(week.count()), "", now}, now);
        book.record({topic_, std::string(unread_ratio_max), unread, "", now}, now);
        return all_hold(step.precondition, book, {.now = now}).truth;
    }
    static constexpr Duration week{7LL * 24 * 3'600'000};
    static inline const Subject dir_{"lab", "log-dir", "2:/data"}, topic_{"lab", "topic", "events"};
};

// Of ten even partitions: a sum over all would make a tenth of it.
TEST_F(CutRetention, is_refused_where_one_partition_is_wholly_unread) {
    fact(topic_, std::string(unread_ratio_max), 1);
    EXPECT_EQ(refusal("kafka.cut-retention"), ErrorCode::invalid);
}

TEST_F(CutRetention, waits_while_a_reader_is_silent) {
    EXPECT_EQ(refusal("kafka.cut-retention"), ErrorCode::not_ready);
    // What a sum over all groups and partitions tells is no answer.
    fact(topic_, "kafka_group_lag_records", 0);
    fact(topic_, "kafka_partition_log_start_offset", 0);
    fact(topic_, "kafka_partition_log_end_offset", 1'000);
    EXPECT_EQ(refusal("kafka.cut-retention"), ErrorCode::not_ready);
}

TEST_F(CutRetention, is_not_sent_once_a_reader_has_fallen_back_or_is_not_known) {
    fact(topic_, std::string(unread_ratio_max), 0.1);
    const auto made = plan("kafka.cut-retention");
    ASSERT_TRUE(made) << made.error().message;
    const Step& step = made->steps.at(0);
    EXPECT_EQ(at_act(step, 0.1), Truth::yes);
    EXPECT_EQ(at_act(step, 0.12), Truth::yes) << "readers are not always equally far";
    EXPECT_EQ(at_act(step, 0.2), Truth::no) << "as much as would be kept, without any margin";
    EXPECT_EQ(at_act(step, std::nullopt), Truth::unknown);
}

TEST_F(CutRetention, the_way_back_leaves_alone_what_a_person_has_set_meanwhile) {
    fact(topic_, std::string(unread_ratio_max), 0);
    const auto made = plan("kafka.cut-retention");
    ASSERT_TRUE(made) << made.error().message;
    const Step& back = made->undo_steps.at(0);
    ASSERT_EQ(back.precondition.size(), 1U);
    EXPECT_EQ(describe(back.precondition[0]), "topic/events retention.ms = 6000");
    EXPECT_TRUE(back.skip_if.empty()) << "settings are read now and then: what stood there before may be told still";
    EXPECT_EQ(back.destroys, Destroys::nothing);
    EXPECT_EQ(made->steps.at(0).expectation.within, Duration{8 * 60'000}) << "the cleaner, its delay, and a look";
}

TEST_F(CutRetention, what_was_taken_over_from_the_brokers_is_taken_over_again) {
    fact(topic_, std::string(unread_ratio_max), 0);
    const auto way_back = [&] {
        const auto made = plan("kafka.cut-retention");
        return std::get<AlterConfigs>(made->undo_steps.at(0).operation).set.at("retention.ms");
    };
    const auto as_it_was = std::optional(std::to_string(week.count()));
    EXPECT_EQ(way_back(), as_it_was) << "whose it was is not told";
    fact(topic_, "overridden", 0, "segment.bytes,retention.ms");
    EXPECT_EQ(way_back(), as_it_was);
    view_.facts.back().text = "segment.bytes,local.retention.ms";
    EXPECT_EQ(way_back(), std::nullopt);
    view_.facts.back().text = "none";
    EXPECT_EQ(way_back(), std::nullopt);
}

TEST_F(CutRetention, is_of_no_use_for_a_topic_that_is_only_compacted) {
    fact(topic_, std::string(unread_ratio_max), 0);
    fact(topic_, "cleanup.policy", 0, "compact,delete");
    EXPECT_TRUE(plan("kafka.cut-retention"));
    view_.facts.back().text = "compact";
    EXPECT_EQ(refusal("kafka.cut-retention"), ErrorCode::invalid);
}

}  // namespace
}  // namespace medic
