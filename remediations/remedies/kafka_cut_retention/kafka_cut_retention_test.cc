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

}  // namespace
}  // namespace medic
