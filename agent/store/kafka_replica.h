// The facts {replica/TOPIC-N@BROKER, …}: series of one broker's copy of a partition, by their labels. Told by
// agent/daemon/knowledge; asked for by remedies.
#pragma once

#include <string>

#include "agent/base/subject.h"

namespace medic {

[[nodiscard]] inline Subject replica_subject(const Subject& partition, int broker) {
    return {partition.cluster, "replica", partition.name + "@" + std::to_string(broker)};
}

}  // namespace medic
