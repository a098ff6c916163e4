// AlterConfigs, AlterReassignments, ElectLeaders, ElectUncleanLeader, RemoveGroupMembers, AlterClientQuota and
// AbortTransaction over a KafkaClient. Waits for the answer: on a thread of its own.
#pragma once

#include "agent/world/operation.h"
#include "agent/world/real/kafka_client.h"

namespace medic {

[[nodiscard]] Result<std::string> change_kafka(KafkaClient& client, const Operation& operation);

}  // namespace medic
