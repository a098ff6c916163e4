// A member of a consumer group with librdkafka, as a client that is not ours: it reads a batch, commits it, and only
// then reads on. One caller at a time.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "agent/base/result.h"
#include "agent/base/time.h"

namespace medic::engine::workload {

struct GroupReadingOptions {
    std::string topic, group;
};

class KafkaGroupReading {
public:
    [[nodiscard]] static Result<std::unique_ptr<KafkaGroupReading>> join(const std::string& bootstrap,
                                                                         const GroupReadingOptions& options);
    ~KafkaGroupReading();
    KafkaGroupReading(const KafkaGroupReading&) = delete;
    KafkaGroupReading& operator=(const KafkaGroupReading&) = delete;

    // New records, read within that time, once they are committed; 0: none came, or the commit failed, and they count
    // with the next one that succeeds.
    [[nodiscard]] std::uint64_t take(Duration time);

private:
    struct Impl;
    explicit KafkaGroupReading(std::unique_ptr<Impl> impl);
    std::unique_ptr<Impl> impl_;
};

}  // namespace medic::engine::workload
