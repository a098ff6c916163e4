// A consumer of librdkafka from its settings. Only for .cc files of this folder.
#pragma once

#include <librdkafka/rdkafka.h>

#include <span>
#include <string>
#include <utility>

#include "agent/base/result.h"

namespace medic::engine::workload {

constexpr int consumer_poll_slice_ms = 50;

using ConsumerSetting = std::pair<const char*, std::string>;

// Whoever calls it destroys it. Its events come by rd_kafka_consumer_poll(). Errors: invalid (a setting that it does
// not take), unavailable.
[[nodiscard]] Result<rd_kafka_t*> new_consumer(std::span<const ConsumerSetting> settings);

}  // namespace medic::engine::workload
