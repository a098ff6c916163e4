// The offsets of a sink connector's consumer group, as an administrator reads and sets them while the group is empty
// (KIP-875). An interface, so that the REST contract can be tested without a broker.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "agent/base/result.h"
#include "engine/connect/plugin.h"

namespace medic::engine::connect {

using PartitionOffsets = std::map<TopicPartition, std::int64_t>;

class GroupOffsets {
public:
    virtual ~GroupOffsets() = default;
    // Next offsets; partitions without a committed one are left out.
    virtual Result<PartitionOffsets> read(const std::string& group, const std::vector<std::string>& topics) = 0;
    // Fails while the group has members.
    virtual Status alter(const std::string& group, const PartitionOffsets& next_offsets) = 0;
    virtual Status remove(const std::string& group) = 0;  // All of them; a group that is not there is fine.
};

// `bootstrap`: host:port separated by commas. Any thread; one call at a time.
[[nodiscard]] std::shared_ptr<GroupOffsets> make_group_offsets(const std::string& bootstrap);

[[nodiscard]] inline std::string group_of(const std::string& connector) { return "connect-" + connector; }

}  // namespace medic::engine::connect
