// Where each leader's reign begins in a partition's log: how a returning replica finds the point from which its log and
// the leader's differ. Stored as Kafka's `leader-epoch-checkpoint`.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <vector>

#include "agent/base/result.h"

namespace medic::engine::broker {

class EpochCache {
public:
    struct Entry {
        std::int32_t epoch = 0;
        std::int64_t start_offset = 0;
    };
    struct End {
        // The largest epoch at or below the one asked for. When all are newer, the one asked for: it ended where the
        // first of them begins. -1: nothing is known.
        std::int32_t epoch = -1;
        std::int64_t end_offset = -1;  // One past its last record.
    };

    explicit EpochCache(std::filesystem::path file) : file_(std::move(file)) {}

    [[nodiscard]] Status load();                                               // A missing file is an empty cache.
    [[nodiscard]] Status note(std::int32_t epoch, std::int64_t start_offset);  // Ignored unless newer than the latest.
    [[nodiscard]] Status truncate_to(std::int64_t end_offset);    // Forgets epochs that begin at or after it.
    [[nodiscard]] Status raise_start(std::int64_t start_offset);  // The log now begins here.
    [[nodiscard]] Status clear();

    [[nodiscard]] std::int32_t latest() const { return entries_.empty() ? -1 : entries_.back().epoch; }
    [[nodiscard]] End end_of(std::int32_t epoch, std::int64_t log_end) const;

private:
    [[nodiscard]] Status store() const;

    std::filesystem::path file_;
    std::vector<Entry> entries_;  // Ascending by epoch and offset.
};

// Replaces a small file atomically (write beside it, rename).
[[nodiscard]] Status replace_file(const std::filesystem::path& path, std::string_view content);
[[nodiscard]] std::optional<std::string> read_file(
    const std::filesystem::path& path);  // Nothing when it can't be read.

}  // namespace medic::engine::broker
