// Reads partitions of a topic from their beginning with librdkafka, as a client that is not ours would: without a group
// and without commits. One caller at a time.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "agent/base/result.h"
#include "agent/base/time.h"

namespace medic::engine::workload {

struct ReadingOptions {
    std::string topic;
    int partitions = 1;
    enum class Isolation : std::uint8_t { read_uncommitted, read_committed } isolation = Isolation::read_committed;
};

class KafkaReading {
public:
    [[nodiscard]] static Result<std::unique_ptr<KafkaReading>> begin(const std::string& bootstrap,
                                                                     const ReadingOptions& options);
    ~KafkaReading();
    KafkaReading(const KafkaReading&) = delete;
    KafkaReading& operator=(const KafkaReading&) = delete;

    // The values of what comes within that time, in each partition's order.
    [[nodiscard]] std::vector<std::string> take(Duration time);

private:
    struct Impl;
    explicit KafkaReading(std::unique_ptr<Impl> impl);
    std::unique_ptr<Impl> impl_;
};

}  // namespace medic::engine::workload
