// What a running task counts and measures. Written by the task's thread, read by any other; nothing here is derived.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "engine/flow/api/operator.h"

namespace medic::engine::flow {

[[nodiscard]] inline std::int64_t steady_ns() {
    return std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::steady_clock::now().time_since_epoch())
        .count();
}
[[nodiscard]] inline std::int64_t steady_ms() { return steady_ns() / 1'000'000; }
[[nodiscard]] inline std::int64_t unix_ms_now() {
    return std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::system_clock::now().time_since_epoch())
        .count();
}

// One writer: a plain add, visible to readers, without the cost of a locked instruction.
class Counter {
public:
    void add(std::uint64_t by = 1) {
        value_.store(value_.load(std::memory_order_relaxed) + by, std::memory_order_relaxed);
    }
    [[nodiscard]] std::uint64_t get() const { return value_.load(std::memory_order_relaxed); }

private:
    std::atomic<std::uint64_t> value_ = 0;
};

// Time spent waiting, with a wait that is still under way counted up to now.
class WaitClock {
public:
    void begin() { since_ns_.store(steady_ns(), std::memory_order_release); }
    void end() {
        total_ns_.add(static_cast<std::uint64_t>(steady_ns() - since_ns_.load(std::memory_order_relaxed)));
        since_ns_.store(0, std::memory_order_release);
    }
    [[nodiscard]] std::int64_t total_ns() const {
        const std::int64_t since = since_ns_.load(std::memory_order_acquire);
        const auto total = static_cast<std::int64_t>(total_ns_.get());
        return since == 0 ? total : total + std::max<std::int64_t>(0, steady_ns() - since);
    }

private:
    Counter total_ns_;
    std::atomic<std::int64_t> since_ns_ = 0;
};

class Waiting {
public:
    explicit Waiting(WaitClock& clock) : clock_(clock) { clock_.begin(); }
    Waiting(const Waiting&) = delete;
    Waiting& operator=(const Waiting&) = delete;
    ~Waiting() { clock_.end(); }

private:
    WaitClock& clock_;
};

struct OperatorMetrics {
    std::string name, id;
    Counter records_in, records_out, late_records_dropped;
};

struct PartitionMetrics {
    std::string topic;
    int partition = 0;
    std::atomic<std::int64_t> current_offset = -1;    // Last one emitted; -1: none yet.
    std::atomic<std::int64_t> committed_offset = -1;  // As acknowledged by the group's coordinator.
    std::atomic<std::int64_t> end_offset = -1;        // High watermark last seen; -1: not known.
};

struct SourceMetrics {
    Counter commits_succeeded, commits_failed;
    std::atomic<std::int64_t> last_record_ns = 0;  // steady_ns() of the last record; 0: none yet.
    std::atomic<std::int64_t> emit_event_time_lag_ms = no_time;
    std::vector<std::unique_ptr<PartitionMetrics>> partitions;  // Complete before the task is RUNNING, then fixed.
};

struct TaskMetrics {
    Counter records_in, records_out, bytes_in, bytes_out, buffers_in, buffers_out;
    WaitClock idle, backpressured;
    std::atomic<std::int64_t> running_since_ns = 0;
    std::atomic<EventTime> input_watermark = no_time, output_watermark = no_time;
    std::atomic<std::int64_t> alignment_ns = 0, start_delay_ns = 0;  // Of the last checkpoint.
    std::atomic<std::int64_t> initialization_ms = 0;
    std::vector<std::unique_ptr<OperatorMetrics>> operators;
    SourceMetrics source;
};

}  // namespace medic::engine::flow
