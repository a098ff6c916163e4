// The body of PATCH /connectors/NAME/offsets for a sink:
// {"offsets":[{"partition":{"kafka_topic":…,"kafka_partition":…}, "offset":{"kafka_offset":…}}]}. Refusals are worded
// as Connect's SinkUtils.
#pragma once

#include <string_view>

#include "engine/connect/herder.h"

namespace medic::engine::connect {

[[nodiscard]] Answer<PartitionOffsets> parse_offsets(std::string_view body);

}  // namespace medic::engine::connect
