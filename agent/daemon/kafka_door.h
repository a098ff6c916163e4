// AlterConfigs, AlterReassignments, ElectLeaders, ElectUncleanLeader, RemoveGroupMembers, AlterClientQuota and
// AbortTransaction over a KafkaClient. Waits for the answer: on a thread of its own.
#pragma once

#include "agent/daemon/time_left.h"
#include "agent/world/operation.h"
#include "agent/world/real/kafka_client.h"

namespace medic {

// What takes several calls is broken off between them when its time is over; what was done till then stays done.
[[nodiscard]] Result<std::string> change_kafka(KafkaClient& client, const Operation& operation, const TimeLeft& time);
// Its time begins now.
[[nodiscard]] Result<std::string> change_kafka(KafkaClient& client, const Operation& operation);

}  // namespace medic
