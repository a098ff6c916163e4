// The controller's durable record of all decisions: a file of checksummed records, replaced by a snapshot of the image
// when it has grown. A half-written record at its end (a crash) is cut off: nobody was told of it.
#pragma once

#include <filesystem>
#include <functional>
#include <span>

#include "agent/base/result.h"
#include "engine/broker/cluster_image.h"

namespace medic::engine::broker {

class MetadataLog {
public:
    explicit MetadataLog(std::filesystem::path folder) : folder_(std::move(folder)) {}
    MetadataLog(const MetadataLog&) = delete;
    MetadataLog& operator=(const MetadataLog&) = delete;
    ~MetadataLog();

    // Errors: unavailable (disk), invalid (a snapshot that can't be read).
    [[nodiscard]] Status open(const std::function<void(const MetadataRecord&)>& replay);
    // On disk when it returns.
    [[nodiscard]] Status append(std::span<const MetadataRecord> records);
    // Starts the file anew from the image when it has grown beyond its bound.
    [[nodiscard]] Status compact_if_large(const ClusterImage& image);

    [[nodiscard]] std::int64_t end_offset() const { return first_offset_ + static_cast<std::int64_t>(tail_.size()); }
    // Encoded records from `offset` on; nothing when they were compacted away.
    [[nodiscard]] std::optional<std::vector<std::string>> since(std::int64_t offset) const;

private:
    static constexpr std::size_t tail_records_max = 20'000;  // Some MB; brokers further behind get the whole image.

    std::filesystem::path folder_;
    int fd_ = -1;
    std::int64_t first_offset_ = 0;  // Of tail_.
    std::vector<std::string> tail_;  // Records in the file, encoded.
};

}  // namespace medic::engine::broker
