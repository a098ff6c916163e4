// Makes one topic grow until it would not fit its brokers' disks: a debug topic that somebody forgot, with all its
// partitions on one broker, if nothing else is said. Fast up to a share of the capacity that harms nobody, then slowly
// enough that a person could watch. Runs one thread.
#pragma once

#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "agent/base/result.h"

namespace medic::engine::drill {

struct DiskFillerOptions {
    std::vector<std::string> bootstrap;
    std::string topic = "events-debug";
    std::vector<std::int32_t> brokers = {1};  // Each holds a replica of every partition in the beginning.
    int partitions = 4;
    std::map<std::string, std::string> configs = {{"segment.bytes", "8388608"}};  // Of the topic.
    std::int64_t capacity_bytes = 0;                                              // Of a log directory.
    double fast_until = 0.5;                                                      // Share of the capacity.
    double fast_bytes_per_second = 40e6;
    double slow_bytes_per_second = 10e6;
    double stop_at = 1.15;  // More than the disk holds.
};

class DiskFiller {
public:
    [[nodiscard]] static Result<std::unique_ptr<DiskFiller>> start(DiskFillerOptions options);
    ~DiskFiller();
    DiskFiller(const DiskFiller&) = delete;
    DiskFiller& operator=(const DiskFiller&) = delete;

    [[nodiscard]] const std::string& topic() const { return options_.topic; }
    [[nodiscard]] bool done() const { return done_; }  // All of it was written, or writing failed.
    [[nodiscard]] std::uint64_t acknowledged() const { return acknowledged_; }  // Records.
    void stop() { stopping_ = true; }
    // Acknowledged records that can no longer be read.
    [[nodiscard]] Result<std::uint64_t> lost() const;

private:
    explicit DiskFiller(DiskFillerOptions options) : options_(std::move(options)) {}
    [[nodiscard]] Status create_topic() const;
    void run();

    const DiskFillerOptions options_;
    std::atomic<bool> stopping_ = false, done_ = false;
    std::atomic<std::uint64_t> acknowledged_ = 0;
    std::thread thread_;
};

}  // namespace medic::engine::drill
