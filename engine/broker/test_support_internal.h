// Shared by this room's tests: a folder that goes away, and batches as a producer sends them.
#pragma once

#include <cstdlib>
#include <filesystem>
#include <span>
#include <string>

#include "agent/wire/records.h"

namespace medic::engine::broker {

class TemporaryFolder {
public:
    TemporaryFolder() {
        std::string pattern = (std::filesystem::temp_directory_path() / "medic-broker-XXXXXX").string();
        path_ = ::mkdtemp(pattern.data());
    }
    TemporaryFolder(const TemporaryFolder&) = delete;
    TemporaryFolder& operator=(const TemporaryFolder&) = delete;
    ~TemporaryFolder() { std::filesystem::remove_all(path_); }
    [[nodiscard]] const std::filesystem::path& path() const { return path_; }

private:
    std::filesystem::path path_;
};

struct TestBatch {
    int records = 1;
    std::int64_t timestamp_ms = 1'000;
    std::int64_t producer_id = wire::kNoProducerId;
    std::int16_t epoch = wire::kNoProducerEpoch;
    std::int32_t sequence = wire::kNoSequence;
    std::string value = "value";
    std::int64_t base_offset = 0;
    std::int32_t leader_epoch = -1;
    bool transactional = false;
};

inline std::string make_batch(const TestBatch& wanted = {}) {
    wire::BatchBuilder builder({.base_offset = wanted.base_offset,
                                .leader_epoch = wanted.leader_epoch,
                                .producer_id = wanted.producer_id,
                                .producer_epoch = wanted.epoch,
                                .base_sequence = wanted.sequence,
                                .transactional = wanted.transactional});
    for (int i = 0; i < wanted.records; ++i) builder.append(wanted.timestamp_ms + i, std::nullopt, wanted.value);
    std::string batch;
    if (!builder.finish(batch)) std::abort();
    return batch;
}

// The end of a producer's transaction, as its coordinator has it written.
struct TestMarker {
    std::int64_t producer_id = 7;
    std::int16_t epoch = 0;
    wire::ControlType type = wire::ControlType::abort;
    std::int32_t coordinator_epoch = 0;
    std::int64_t base_offset = 0;
};

inline std::string make_marker(const TestMarker& wanted = {}) {
    wire::BatchBuilder builder({.base_offset = wanted.base_offset,
                                .producer_id = wanted.producer_id,
                                .producer_epoch = wanted.epoch,
                                .transactional = true,
                                .control = true});
    wire::append_control(builder, wanted.type, 1'000, wanted.coordinator_epoch);
    std::string batch;
    if (!builder.finish(batch)) std::abort();
    return batch;
}

inline std::span<char> as_span(std::string& bytes) { return {bytes.data(), bytes.size()}; }

}  // namespace medic::engine::broker
