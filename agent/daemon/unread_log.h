// How much of a topic's log its groups have still to read, partition by partition: what a shorter retention would take
// from them. For Knowledge, after a whole look at the cluster; it asks nobody.
#pragma once

#include "agent/store/fact.h"
#include "agent/store/series.h"
#include "agent/store/topology.h"

namespace medic {

struct WholeLook {
    const SeriesStore& series;
    const Topology& topology;
    WallTime at;  // Of the look at Kafka that told all that it was to tell.
};

// The fact {topic/NAME, unread_ratio_max} (agent/store/kafka_words.h). Unknown unless every group that reads the topic,
// or did within the last ten minutes, is among what the look has told.
[[nodiscard]] Fact unread_ratio_of(const FactKey& key, const WholeLook& look);

}  // namespace medic
