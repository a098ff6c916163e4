// One segment of a partition's log: `<base offset>.log` with whole record batches, and its two sparse indexes.
// It knows nothing of leaders or high watermarks. Errors: `unavailable` = the disk failed or is full,
// `invalid` = the file's content is damaged.
#pragma once

#include <array>
#include <filesystem>
#include <functional>
#include <optional>

#include "engine/broker/batch.h"
#include "engine/broker/disk_space.h"
#include "engine/broker/sparse_index.h"

namespace medic::engine::broker {

struct ReadLimits {
    std::int64_t bytes_max = 1 << 20;
    std::int64_t offset_end = INT64_MAX;  // Batches at or above it stay out.
    bool at_least_one = true;             // A first batch larger than bytes_max is returned whole.
};

class Segment {
public:
    // `space` must outlive the segment and is charged for what the segment holds.
    Segment(const std::filesystem::path& folder, std::int64_t base_offset, DiskSpace* space);
    Segment(const Segment&) = delete;
    Segment& operator=(const Segment&) = delete;
    ~Segment();

    using OnBatch = std::function<void(const BatchHeader&)>;

    [[nodiscard]] Status open();  // Creates the file when missing. Trusts its content.
    // Reads every batch, cuts the file at the first one that is short, damaged or out of order, rebuilds the indexes.
    // Returns the bytes cut off.
    [[nodiscard]] Result<std::int64_t> recover(std::int64_t index_interval_bytes);
    // Headers from `offset` on, in order.
    [[nodiscard]] Status each_batch(std::int64_t offset, const OnBatch& on_batch) const;

    // `bytes` are whole batches whose headers the caller has read: `first` and `last` of them, `max_timestamp` over
    // all.
    struct Append {
        std::string_view bytes;
        std::int64_t first_offset = 0;
        std::int64_t next_offset = 0;
        std::int64_t max_timestamp = no_timestamp;
        std::int64_t index_interval_bytes = 4'096;
    };
    [[nodiscard]] Status append(const Append& batches);
    [[nodiscard]] Result<std::string> read(std::int64_t offset, const ReadLimits& limits) const;
    [[nodiscard]] Status truncate_to(std::int64_t offset);  // Removes batches that reach `offset` or beyond.
    [[nodiscard]] Status flush_indexes();
    void remove_files();  // The segment must not be used afterwards.

    // The offset of the first batch whose max timestamp is at least `timestamp_ms`.
    [[nodiscard]] std::optional<BatchHeader> find_timestamp(std::int64_t timestamp_ms) const;

    [[nodiscard]] std::int64_t base_offset() const { return base_offset_; }
    [[nodiscard]] std::int64_t next_offset() const { return next_offset_; }
    [[nodiscard]] std::int64_t size_bytes() const { return size_bytes_; }
    [[nodiscard]] std::int64_t max_timestamp() const { return max_timestamp_; }
    [[nodiscard]] std::int64_t first_timestamp() const { return first_timestamp_; }
    [[nodiscard]] int fd() const { return fd_; }

private:
    [[nodiscard]] std::optional<BatchHeader> header_at(std::int64_t position) const;
    [[nodiscard]] std::int64_t position_of(std::int64_t offset) const;
    void note_batch(const BatchHeader& header, std::int64_t position, std::int64_t index_interval_bytes);
    [[nodiscard]] Status scan(std::int64_t from_position,
                              const std::function<bool(const BatchHeader&, std::int64_t)>& see) const;
    [[nodiscard]] Status load_tail();

    std::filesystem::path path_;
    std::int64_t base_offset_ = 0;
    DiskSpace* space_ = nullptr;
    int fd_ = -1;
    SparseIndex offsets_;
    SparseIndex times_;
    std::int64_t size_bytes_ = 0;
    std::int64_t next_offset_ = 0;
    std::int64_t max_timestamp_ = no_timestamp;
    std::int64_t first_timestamp_ = no_timestamp;
    std::int64_t since_index_bytes_ = 0;

    // Where recent reads ended: followers and live consumers go on from there without a search.
    struct Cursor {
        std::int64_t offset = -1, position = 0;
    };
    mutable std::array<Cursor, 4> cursors_{};
    mutable std::size_t next_cursor_ = 0;
};

[[nodiscard]] std::string offset_file_name(std::int64_t offset, std::string_view suffix);  // 20 digits, as Kafka's.

}  // namespace medic::engine::broker
