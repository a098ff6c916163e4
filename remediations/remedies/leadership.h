// Whom a broker leads, as the Kafka collector tells it (agent/collectors/kafka/leadership.cc), for remedies that have
// others lead. Only for this folder.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "agent/base/result.h"
#include "agent/world/operation.h"

namespace medic::remedies {

struct LedPartition {
    PartitionOfTopic partition;
    int leader = -1;
    std::vector<int> replicas, in_sync;  // The preferred leader first.
    [[nodiscard]] bool is_in_sync(int broker) const;
};

// Of "orders:0=2|2,1,3|2,1;…"; invalid when it is something else.
[[nodiscard]] Result<std::vector<LedPartition>> read_leadership(std::string_view text);

// As the fact {partition/TOPIC-N, "replicas"} tells it: "2,1,3".
[[nodiscard]] std::string text_of(const std::vector<int>& replicas);

}  // namespace medic::remedies
