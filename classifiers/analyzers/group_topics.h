// Which topics a consumer group reads at present, by what it was seen to commit. Offsets of a topic that it no longer
// reads stay for a week (offsets.retention.minutes), so that one that stands still may be left behind, or be stuck. For
// analyzers only.
#pragma once

#include <map>
#include <set>
#include <string>
#include <utility>

#include "classifiers/analyzers/lookup.h"

namespace medic::analyzers {

// For one run of an analyzer: each group is looked up once.
class GroupTopics {
public:
    GroupTopics(const Lookup& lookup, Duration window) : lookup_(lookup), window_(window) {}

    // It committed on another topic within the window, and nowhere on this one. One that commits nowhere has left none:
    // it may be stuck, or be seen for too short a time.
    [[nodiscard]] bool left(const std::string& cluster, const std::string& group, const std::string& topic);
    [[nodiscard]] bool left(SeriesId committed);  // A series of kafka_group_committed_offset.

private:
    const Lookup& lookup_;
    Duration window_;
    std::map<std::pair<std::string, std::string>, std::set<std::string>> moving_;  // By cluster and group.
};

}  // namespace medic::analyzers
