#include "engine/broker/log.h"

#include <gtest/gtest.h>

#include <fstream>

#include "engine/broker/offset_lookup.h"
#include "engine/broker/test_support_internal.h"

namespace medic::engine::broker {
namespace {

class LogTest : public ::testing::Test {
protected:
    std::unique_ptr<Log> open(LogOptions options = {}, Shutdown last_stop = Shutdown::unclean) {
        auto log = Log::open(folder_.path() / "t-0", options, &space_, last_stop);
        if (!log) {
            ADD_FAILURE() << log.error().message;
            return nullptr;
        }
        return *std::move(log);
    }
    static Log::Appended append(Log& log, TestBatch batch, std::int32_t epoch = 0, std::int64_t wall_ms = 1'000) {
        std::string bytes = make_batch(batch);
        auto appended = log.append_as_leader(as_span(bytes), epoch, wall_ms);
        if (!appended) {
            ADD_FAILURE() << appended.error().message;
            return {};
        }
        return *appended;
    }
    static std::int64_t records_in(std::string_view bytes) {
        std::int64_t count = 0;
        wire::BatchReader reader(bytes);
        while (const auto batch = reader.next()) count += batch->record_count();
        return count;
    }

    TemporaryFolder folder_;
    DiskSpace space_;
};

TEST_F(LogTest, gives_consecutive_offsets_and_reads_them_back) {
    auto log = open();
    EXPECT_EQ(append(*log, {.records = 3}).base_offset, 0);
    EXPECT_EQ(append(*log, {.records = 2}).base_offset, 3);
    EXPECT_EQ(log->end_offset(), 5);
    const auto from_middle = log->read(4, {});
    ASSERT_TRUE(from_middle);
    EXPECT_EQ(records_in(*from_middle), 2) << "the batch that holds offset 4, whole";
    EXPECT_TRUE(log->read(5, {})->empty());
}

TEST_F(LogTest, a_read_stops_below_its_end_offset_and_returns_at_least_one_batch) {
    auto log = open();
    for (int i = 0; i < 4; ++i) append(*log, {});
    EXPECT_EQ(records_in(*log->read(0, {.offset_end = 2})), 2);
    EXPECT_EQ(records_in(*log->read(0, {.bytes_max = 1})), 1);
    EXPECT_EQ(records_in(*log->read(0, {.bytes_max = 1, .at_least_one = false})), 0);
    EXPECT_EQ(records_in(*log->read(0, {.bytes_max = -5, .at_least_one = false})), 0) << "as a malformed fetch asks";
    EXPECT_EQ(records_in(*log->read(0, {.bytes_max = -5})), 1);
}

TEST_F(LogTest, refuses_damaged_and_oversized_batches_without_writing) {
    auto log = open({.message_bytes_max = 200});
    std::string damaged = make_batch();
    damaged.back() ^= 1;
    EXPECT_EQ(log->append_as_leader(as_span(damaged), 0, 0)->fault, wire::KafkaError::corrupt_message);
    EXPECT_EQ(append(*log, {.value = std::string(500, 'x')}).fault, wire::KafkaError::message_too_large);
    std::string cut = make_batch().substr(0, 70);
    EXPECT_EQ(log->append_as_leader(as_span(cut), 0, 0)->fault, wire::KafkaError::corrupt_message);
    EXPECT_EQ(log->end_offset(), 0);
    EXPECT_EQ(log->size_bytes(), 0);
}

TEST_F(LogTest, stores_a_batch_that_was_sent_twice_once) {
    auto log = open();
    const TestBatch first{.records = 2, .producer_id = 7, .epoch = 0, .sequence = 0};
    EXPECT_EQ(append(*log, first).base_offset, 0);
    append(*log, {.producer_id = 7, .epoch = 0, .sequence = 2});
    const auto again = append(*log, first);
    EXPECT_TRUE(again.duplicate);
    EXPECT_EQ(again.base_offset, 0);
    EXPECT_EQ(log->end_offset(), 3);
    EXPECT_EQ(append(*log, {.producer_id = 7, .epoch = 0, .sequence = 9}).fault,
              wire::KafkaError::out_of_order_sequence_number);
    EXPECT_EQ(append(*log, {.producer_id = 7, .epoch = 1, .sequence = 0}).fault, wire::KafkaError::none);
    EXPECT_EQ(append(*log, {.producer_id = 7, .epoch = 0, .sequence = 3}).fault,
              wire::KafkaError::invalid_producer_epoch);
}

TEST_F(LogTest, remembers_producers_over_a_crash_and_over_a_clean_stop) {
    const TestBatch sent{.producer_id = 7, .epoch = 0, .sequence = 0};
    {
        auto log = open();
        append(*log, sent);
    }
    {
        auto log = open();
        EXPECT_TRUE(append(*log, sent).duplicate);
        ASSERT_TRUE(log->flush());
    }
    auto log = open({}, Shutdown::clean);
    EXPECT_TRUE(append(*log, sent).duplicate);
}

TEST_F(LogTest, is_cut_at_the_first_bad_batch_after_a_crash) {
    std::int64_t good = 0;
    {
        auto log = open();
        append(*log, {.records = 5});
        good = log->size_bytes();
        append(*log, {.records = 5});
    }
    const auto file = folder_.path() / "t-0" / "00000000000000000000.log";
    std::filesystem::resize_file(file, static_cast<std::uintmax_t>(good) + 40);  // A torn write.
    auto log = open();
    EXPECT_EQ(log->end_offset(), 5);
    EXPECT_EQ(std::filesystem::file_size(file), static_cast<std::uintmax_t>(good));
    EXPECT_EQ(space_.used_bytes, good);
    EXPECT_EQ(append(*log, {}).base_offset, 5);
}

TEST_F(LogTest, a_flipped_bit_in_an_old_segment_ends_the_log_there) {
    {
        auto log = open({.segment_bytes = 300});
        for (int i = 0; i < 12; ++i) append(*log, {});
        ASSERT_GT(log->segment_count(), 2u);
    }
    {
        std::fstream file(folder_.path() / "t-0" / "00000000000000000000.log",
                          std::ios::in | std::ios::out | std::ios::binary);
        file.seekp(65);
        file.put('!');
    }
    auto log = open({.segment_bytes = 300});
    EXPECT_EQ(log->end_offset(), 0) << "nothing behind a damaged batch is trusted";
    EXPECT_EQ(log->segment_count(), 1u);
}

TEST_F(LogTest, reads_across_segments_after_a_clean_stop_without_a_scan) {
    {
        auto log = open({.segment_bytes = 2'000, .index_interval_bytes = 200});
        for (int i = 0; i < 200; ++i) append(*log, {.timestamp_ms = 1'000 + i * 10});
        ASSERT_TRUE(log->flush());
    }
    auto log = open({.segment_bytes = 2'000, .index_interval_bytes = 200}, Shutdown::clean);
    EXPECT_EQ(log->end_offset(), 200);
    for (std::int64_t offset = 0; offset < 200; ++offset) {
        const auto bytes = log->read(offset, {.bytes_max = 1});
        ASSERT_TRUE(bytes && !bytes->empty()) << offset;
        EXPECT_EQ(wire::load_int64(bytes->data()), offset);
    }
}

TEST_F(LogTest, finds_the_first_record_at_or_after_a_time) {
    auto log = open({.segment_bytes = 2'000, .index_interval_bytes = 100});
    for (int i = 0; i < 100; ++i) append(*log, {.records = 2, .timestamp_ms = 1'000 + i * 10});
    const auto found = find_offset(*log, log->end_offset(), 1'501);
    ASSERT_TRUE(found);
    EXPECT_EQ(found->offset, 101) << "the second record of the batch that begins at 1,500";
    EXPECT_EQ(found->timestamp_ms, 1'501);
    EXPECT_EQ(find_offset(*log, log->end_offset(), 99'999)->offset, -1);
    EXPECT_EQ(find_offset(*log, 50, 1'501)->offset, -1) << "what is not committed is not found";
    EXPECT_EQ(find_offset(*log, log->end_offset(), -3)->offset, 199) << "largest timestamp";
}

TEST_F(LogTest, truncation_forgets_records_epochs_and_producers) {
    auto log = open();
    append(*log, {.producer_id = 7, .epoch = 0, .sequence = 0}, 1);
    append(*log, {.producer_id = 7, .epoch = 0, .sequence = 1}, 2);
    EXPECT_EQ(log->latest_epoch(), 2);
    ASSERT_TRUE(log->truncate_to(1));
    EXPECT_EQ(log->end_offset(), 1);
    EXPECT_EQ(log->latest_epoch(), 1);
    const auto again = append(*log, {.producer_id = 7, .epoch = 0, .sequence = 1}, 3);
    EXPECT_FALSE(again.duplicate);
    EXPECT_EQ(again.fault, wire::KafkaError::none);
}

TEST_F(LogTest, tells_where_each_epoch_ended) {
    auto log = open();
    append(*log, {.records = 3}, 1);
    append(*log, {.records = 2}, 4);
    EXPECT_EQ(log->end_of_epoch(1).end_offset, 3);
    EXPECT_EQ(log->end_of_epoch(3).epoch, 1) << "the largest epoch at or below the one asked for";
    EXPECT_EQ(log->end_of_epoch(4).end_offset, 5);
    EXPECT_EQ(log->end_of_epoch(0).epoch, 0);
    EXPECT_EQ(log->end_of_epoch(0).end_offset, 0) << "where the first epoch begins";
    EXPECT_EQ(log->end_of_epoch(-1).epoch, -1);
}

TEST_F(LogTest, tells_who_has_only_older_epochs_where_the_logs_part) {
    auto log = open();
    EXPECT_EQ(log->end_of_epoch(3).epoch, -1) << "an empty log knows nothing";
    ASSERT_TRUE(log->restart_at(20));
    append(*log, {.records = 2}, 5);
    EXPECT_EQ(log->end_of_epoch(3).epoch, 3);
    EXPECT_EQ(log->end_of_epoch(3).end_offset, 20) << "a follower that wrote 25 records in epoch 3 must cut there";
}

TEST_F(LogTest, a_follower_keeps_the_leaders_offsets_and_refuses_damage) {
    auto log = open();
    const std::string batch = make_batch({.records = 2, .base_offset = 10, .leader_epoch = 3});
    EXPECT_EQ(*log->append_as_follower(batch, 0), 2);
    EXPECT_EQ(log->end_offset(), 12);
    EXPECT_EQ(log->latest_epoch(), 3);
    EXPECT_FALSE(log->append_as_follower(batch, 0)) << "offsets never run backwards";
    std::string damaged = make_batch({.base_offset = 12});
    damaged.back() ^= 1;
    const auto refused = log->append_as_follower(damaged, 0);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, ErrorCode::invalid);
}

TEST_F(LogTest, retention_removes_whole_segments_but_nothing_uncommitted) {
    const LogOptions options{.segment_bytes = 300, .retention_ms = 1'000};
    auto log = open(options);
    for (int i = 0; i < 12; ++i) append(*log, {.timestamp_ms = 1'000});
    EXPECT_EQ(*log->apply_retention(1'500, 12), 0) << "nothing is old enough";
    const std::size_t before = log->segment_count();
    EXPECT_GT(*log->apply_retention(10'000, 4), 0);
    EXPECT_LE(log->start_offset(), 4);
    EXPECT_LT(log->segment_count(), before);
    EXPECT_GT(*log->apply_retention(10'000, 12), 0);
    EXPECT_EQ(log->start_offset(), 12);
    EXPECT_EQ(log->size_bytes(), 0);
    EXPECT_EQ(space_.used_bytes, 0);
}

TEST_F(LogTest, retention_by_size_keeps_the_newest_bytes) {
    auto log = open({.segment_bytes = 300, .retention_ms = -1, .retention_bytes = 700});
    for (int i = 0; i < 40; ++i) append(*log, {});
    EXPECT_GT(*log->apply_retention(1'000, 40), 0);
    EXPECT_GE(log->size_bytes(), 700);
    EXPECT_LT(log->size_bytes(), 1'000);
}

TEST_F(LogTest, retention_after_the_start_was_raised_into_the_active_segment_ends) {
    auto log = open({.retention_ms = 1'000});
    for (int i = 0; i < 4; ++i) append(*log, {.timestamp_ms = 1'000});
    ASSERT_TRUE(log->raise_start(4));
    EXPECT_GT(log->size_bytes(), 0) << "the active segment can't go yet";
    EXPECT_EQ(*log->apply_retention(10'000, 4), 1);
    EXPECT_EQ(log->size_bytes(), 0);
    EXPECT_EQ(log->segment_count(), 1u);
}

TEST_F(LogTest, the_start_offset_survives_a_restart) {
    {
        auto log = open();
        for (int i = 0; i < 5; ++i) append(*log, {});
        ASSERT_TRUE(log->raise_start(3));
    }
    EXPECT_EQ(open()->start_offset(), 3);
}

TEST_F(LogTest, a_full_disk_is_an_error_and_the_log_stays_readable) {
    space_.capacity_bytes = 200;
    auto log = open();
    append(*log, {});
    std::string large = make_batch({.value = std::string(300, 'x')});
    const auto refused = log->append_as_leader(as_span(large), 0, 0);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, ErrorCode::unavailable);
    EXPECT_EQ(log->end_offset(), 1);
    EXPECT_EQ(records_in(*log->read(0, {})), 1);
}

TEST_F(LogTest, a_slow_volume_holds_up_whoever_writes_and_nothing_else) {
    auto log = open();
    space_.write_bytes_per_second = 10'000;
    const auto began = std::chrono::steady_clock::now();
    append(*log, {.value = std::string(500, 'x')});
    EXPECT_GE(std::chrono::steady_clock::now() - began, std::chrono::milliseconds(50));
    EXPECT_EQ(records_in(*log->read(0, {})), 1);
}

TEST_F(LogTest, log_append_time_is_stamped_under_a_right_checksum) {
    auto log = open({.log_append_time = true});
    EXPECT_EQ(append(*log, {.timestamp_ms = 5}, 0, 77'000).append_time, 77'000);
    const auto bytes = log->read(0, {});
    const auto view = wire::BatchView::parse(*bytes);
    ASSERT_TRUE(view);
    EXPECT_TRUE(view->crc_matches());
    EXPECT_EQ(view->max_timestamp_ms(), 77'000);
    EXPECT_EQ(view->timestamp_type(), wire::TimestampType::log_append_time);
}

}  // namespace
}  // namespace medic::engine::broker
