// One replica's log on disk: segments, leader epochs, producer state. It stores what it is told to; who may write and
// what is committed is the business of partition.h. Errors: `unavailable` = the disk failed or is full (the log dir
// goes offline), `invalid` = damaged content.
#pragma once

#include <memory>
#include <ranges>
#include <span>

#include "engine/broker/epoch_cache.h"
#include "engine/broker/producer_state.h"
#include "engine/broker/segment.h"

namespace medic::engine::broker {

struct LogOptions {
    std::int64_t segment_bytes = 1 << 30;
    std::int64_t segment_ms = 604'800'000;
    std::int64_t index_interval_bytes = 4'096;
    std::int64_t message_bytes_max = 1'048'588;
    std::int64_t retention_ms = 604'800'000;  // -1: no limit
    std::int64_t retention_bytes = -1;        // -1: no limit
    bool delete_old = true;                   // cleanup.policy names "delete"; a compacted topic is kept whole.
    bool log_append_time = false;
};

enum class Shutdown : std::uint8_t { clean, unclean };
enum class Origin : std::uint8_t { client, broker };  // Only brokers write markers of transactions.

class Log {
public:
    // Opens or creates the folder. After an unclean stop every segment is checked and cut at the first bad batch.
    [[nodiscard]] static Result<std::unique_ptr<Log>> open(const std::filesystem::path& folder, LogOptions options,
                                                           DiskSpace* space, Shutdown last_stop);

    struct Appended {
        wire::KafkaError fault = wire::KafkaError::none;  // Set: refused, nothing was written.
        std::string message;
        std::int64_t base_offset = -1;
        std::int64_t records = 0;
        std::int64_t append_time = no_timestamp;  // Under LogAppendTime.
        bool duplicate = false;                   // Already stored under base_offset.
    };
    // `batches` are checked, get their offsets and epoch written in place, and are appended.
    [[nodiscard]] Result<Appended> append_as_leader(std::span<char> batches, std::int32_t leader_epoch,
                                                    std::int64_t wall_ms, Origin origin = Origin::client);
    [[nodiscard]] Result<std::int64_t> append_as_follower(std::string_view batches, std::int64_t wall_ms);  // Records.

    [[nodiscard]] Result<std::string> read(std::int64_t offset, const ReadLimits& limits) const;
    [[nodiscard]] Status truncate_to(std::int64_t offset);
    [[nodiscard]] Status restart_at(std::int64_t offset);  // Empties the log; the next record gets this offset.
    [[nodiscard]] Status raise_start(
        std::int64_t offset);  // Records below are gone for readers; whole segments are removed.

    // Removes segments that retention has given up, never at or above `removable_end` (the high watermark). Returns how
    // many.
    [[nodiscard]] Result<int> apply_retention(std::int64_t wall_ms, std::int64_t removable_end);
    [[nodiscard]] Status flush();  // Indexes and producer snapshot, for a clean stop.

    struct TimedOffset {
        std::int64_t offset = -1;
        std::int64_t timestamp_ms = no_timestamp;
    };
    // The first batch that may hold a record at or after the time, and the batch with the largest timestamp.
    [[nodiscard]] std::optional<BatchHeader> find_timestamp(std::int64_t timestamp_ms) const;
    [[nodiscard]] std::int64_t max_timestamp() const;

    [[nodiscard]] std::int64_t start_offset() const { return start_offset_; }
    [[nodiscard]] std::int64_t end_offset() const { return segments_.back()->next_offset(); }
    [[nodiscard]] std::int64_t size_bytes() const;
    [[nodiscard]] std::size_t segment_count() const { return segments_.size(); }
    [[nodiscard]] EpochCache::End end_of_epoch(std::int32_t epoch) const { return epochs_.end_of(epoch, end_offset()); }
    [[nodiscard]] std::int32_t latest_epoch() const { return epochs_.latest(); }
    [[nodiscard]] Status note_epoch(std::int32_t epoch) { return epochs_.note(epoch, end_offset()); }
    // Reigns without a record: a follower must not name them as its last epoch.
    [[nodiscard]] Status forget_empty_epochs() { return epochs_.truncate_to(end_offset()); }
    // Below it every transaction has ended, and its marker is on all replicas in sync.
    [[nodiscard]] std::int64_t last_stable_offset(std::int64_t high_watermark) const;
    void note_high_watermark(std::int64_t offset) { producers_.note_high_watermark(offset); }
    [[nodiscard]] const ProducerState& producers() const { return producers_; }
    [[nodiscard]] std::size_t producer_count() const { return producers_.size(); }
    void expire_producers(std::int64_t before_ms) { producers_.expire_before(before_ms); }
    void set_options(LogOptions options) { options_ = options; }
    [[nodiscard]] const LogOptions& options() const { return options_; }
    [[nodiscard]] const std::filesystem::path& folder() const { return folder_; }

private:
    Log(std::filesystem::path folder, LogOptions options, DiskSpace* space);

    struct Parsed {  // Headers of the batches in one append.
        std::vector<BatchHeader> headers;
        std::int64_t records = 0;
        std::int64_t max_timestamp = no_timestamp;
    };
    [[nodiscard]] Appended check_batches(std::string_view batches, Origin origin, Parsed& parsed) const;
    [[nodiscard]] Status load_segments(Shutdown last_stop);
    [[nodiscard]] Status rebuild_producers();
    [[nodiscard]] Status replay_producers(const Segment& segment, std::int64_t from);
    [[nodiscard]] Status write_producer_snapshot(std::int64_t offset);
    void remove_producer_snapshots(std::int64_t from_offset);
    [[nodiscard]] Status add_segment(std::int64_t base_offset);
    [[nodiscard]] Status roll_if_needed(std::int64_t bytes, std::int64_t next_base, std::int64_t wall_ms);
    [[nodiscard]] Status write(std::string_view bytes, const Parsed& parsed, std::int64_t wall_ms);
    [[nodiscard]] Status store_start_offset() const;

    std::filesystem::path folder_;
    LogOptions options_;
    DiskSpace* space_;
    EpochCache epochs_;
    ProducerState producers_;
    std::vector<std::unique_ptr<Segment>> segments_;  // Never empty once open; the last one is written to.
    std::int64_t start_offset_ = 0;
};

}  // namespace medic::engine::broker
