// What a log knows of transactions: how far committed records may be read, what was aborted, and who may end it.
#include <gtest/gtest.h>

#include "engine/broker/log.h"
#include "engine/broker/test_support_internal.h"

namespace medic::engine::broker {
namespace {

using wire::ControlType;
using wire::KafkaError;

class Transactions : public ::testing::Test {
protected:
    std::unique_ptr<Log> open(LogOptions options = {}, Shutdown last_stop = Shutdown::unclean) {
        auto log = Log::open(folder_.path() / "t-0", options, &space_, last_stop);
        EXPECT_TRUE(log) << (log ? "" : log.error().message);
        return log ? *std::move(log) : nullptr;
    }
    static KafkaError append(Log& log, std::string bytes, Origin origin = Origin::client) {
        const auto appended = log.append_as_leader(as_span(bytes), 0, 1'000, origin);
        EXPECT_TRUE(appended);
        return appended ? appended->fault : KafkaError::unknown_server_error;
    }
    static KafkaError write(Log& log, std::int32_t sequence, std::int64_t producer = 7) {
        return append(log,
                      make_batch({.producer_id = producer, .epoch = 0, .sequence = sequence, .transactional = true}));
    }
    static KafkaError end(Log& log, const TestMarker& marker) {
        return append(log, make_marker(marker), Origin::broker);
    }
    // With everything replicated.
    static std::int64_t stable(Log& log) {
        log.note_high_watermark(log.end_offset());
        return log.last_stable_offset(log.end_offset());
    }
    static std::vector<std::int64_t> open_ones(const Log& log) {
        std::vector<std::int64_t> starts;
        for (const auto& one : log.producers().describe())
            if (one.transaction_start >= 0) starts.push_back(one.transaction_start);
        return starts;
    }

    TemporaryFolder folder_;
    DiskSpace space_;
};

TEST_F(Transactions, hold_back_what_is_stable_until_they_end) {
    auto log = open();
    append(*log, make_batch({}));
    EXPECT_EQ(stable(*log), 1);
    EXPECT_EQ(write(*log, 0), KafkaError::none);
    append(*log, make_batch({}));
    EXPECT_EQ(write(*log, 1), KafkaError::none);
    EXPECT_EQ(stable(*log), 1) << "where the transaction begins";
    EXPECT_EQ(write(*log, 0, 8), KafkaError::none);
    EXPECT_EQ(end(*log, {.type = ControlType::commit}), KafkaError::none);
    EXPECT_EQ(stable(*log), 4) << "the other one's begin";
    EXPECT_TRUE(log->producers().aborted(0, 10).empty()) << "it was committed";
    EXPECT_EQ(end(*log, {.producer_id = 8}), KafkaError::none);
    EXPECT_EQ(stable(*log), 7);
    const auto aborted = log->producers().aborted(0, 10);
    ASSERT_EQ(aborted.size(), 1U);
    EXPECT_EQ(aborted[0].producer_id, 8);
    EXPECT_EQ(aborted[0].first_offset, 4);
    EXPECT_TRUE(log->producers().aborted(0, 4).empty()) << "it begins there";
    EXPECT_TRUE(log->producers().aborted(7, 10).empty()) << "it ends before";
}

TEST_F(Transactions, are_stable_once_the_marker_is_replicated) {
    auto log = open();
    write(*log, 0);
    end(*log, {});
    log->note_high_watermark(1);
    EXPECT_EQ(log->last_stable_offset(1), 0) << "the marker may be lost yet";
    log->note_high_watermark(2);
    EXPECT_EQ(log->last_stable_offset(2), 2);
}

TEST_F(Transactions, are_known_after_a_crash_a_clean_stop_and_a_cut) {
    {
        auto log = open();
        write(*log, 0, 8);
        end(*log, {.producer_id = 8});
        write(*log, 0);
    }
    {
        auto log = open();
        EXPECT_EQ(open_ones(*log), std::vector<std::int64_t>{2});
        EXPECT_EQ(log->producers().aborted(0, 10).size(), 1U);
        EXPECT_EQ(stable(*log), 2);
        ASSERT_TRUE(log->flush());
    }
    auto log = open({}, Shutdown::clean);
    EXPECT_EQ(open_ones(*log), std::vector<std::int64_t>{2});
    EXPECT_EQ(log->producers().aborted(0, 10).size(), 1U);
    EXPECT_EQ(end(*log, {}), KafkaError::none);
    EXPECT_EQ(stable(*log), 4);
    ASSERT_TRUE(log->truncate_to(3));
    EXPECT_EQ(open_ones(*log), std::vector<std::int64_t>{2}) << "its marker was cut off";
    ASSERT_TRUE(log->raise_start(2));
    EXPECT_TRUE(log->producers().aborted(0, 10).empty()) << "nobody reads there any more";
}

TEST_F(Transactions, are_known_to_followers) {
    auto leader = open();
    write(*leader, 0);
    write(*leader, 0, 8);
    end(*leader, {});
    auto follower = Log::open(folder_.path() / "t-1", {}, &space_, Shutdown::unclean);
    ASSERT_TRUE(follower);
    ASSERT_TRUE((*follower)->append_as_follower(*leader->read(0, {}), 1'000));
    EXPECT_EQ(open_ones(**follower), std::vector<std::int64_t>{1});
    EXPECT_EQ((*follower)->producers().aborted(0, 10).size(), 1U);
}

TEST_F(Transactions, are_ended_by_brokers_only_and_by_nobody_older) {
    auto log = open();
    EXPECT_EQ(append(*log, make_marker({})), KafkaError::invalid_record) << "sent by a client";
    write(*log, 0);
    EXPECT_EQ(append(*log, make_batch({.producer_id = 7, .epoch = 0, .sequence = 1})), KafkaError::invalid_txn_state);
    EXPECT_EQ(end(*log, {.epoch = 1, .coordinator_epoch = 5}), KafkaError::none);
    EXPECT_EQ(end(*log, {.epoch = 0, .coordinator_epoch = 5}), KafkaError::invalid_producer_epoch);
    EXPECT_EQ(end(*log, {.epoch = 1, .coordinator_epoch = 4}), KafkaError::transaction_coordinator_fenced);
    EXPECT_EQ(end(*log, {.epoch = 1, .coordinator_epoch = 5}), KafkaError::none) << "nothing is open: it ends nothing";
    EXPECT_EQ(log->producers().aborted(0, 10).size(), 1U);
}

TEST_F(Transactions, are_not_forgotten_while_they_are_open) {
    auto log = open();
    write(*log, 0);
    log->expire_producers(1'000'000);
    EXPECT_EQ(open_ones(*log).size(), 1U);
    end(*log, {});
    log->expire_producers(1'000'000);
    EXPECT_EQ(log->producer_count(), 0U);
}

}  // namespace
}  // namespace medic::engine::broker
