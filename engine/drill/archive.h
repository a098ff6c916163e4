// An application that puts a topic's records away: it reads them as a group of its own and commits every second, as one
// does that writes files. Retention must not overtake it: what is gone before it was read, nobody has any more.
// librdkafka, as a client that is not ours; a thread beside librdkafka's own.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <thread>

#include "agent/base/result.h"
#include "engine/workload/kafka_group_reading.h"

namespace medic::engine::drill {

class Archive {
public:
    // Reads the topic from its beginning.
    [[nodiscard]] static Result<std::unique_ptr<Archive>> open(const std::string& bootstrap, const std::string& topic);
    ~Archive();
    Archive(const Archive&) = delete;
    Archive& operator=(const Archive&) = delete;

    [[nodiscard]] std::uint64_t records() const { return records_; }  // Different ones, read and committed.

private:
    Archive() = default;
    void run();

    std::unique_ptr<workload::KafkaGroupReading> reading_;
    std::atomic<bool> stopping_ = false;
    std::atomic<std::uint64_t> records_ = 0;
    std::thread thread_;
};

}  // namespace medic::engine::drill
