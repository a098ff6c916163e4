// What a sidecar (`scope: node`) tells of the nodes of its host, as the document that GET /api/v1/nodes answers.
// Written by agent/node from the observations of its own process collector, read by NodeCollector (node_collector.h).
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "agent/base/result.h"
#include "agent/collectors/observation.h"

namespace medic {

// Of one cluster's nodes on that host.
struct NodesTold {
    std::string cluster;
    Observation observation;                                    // The newest one.
    Duration age{0};                                            // Of it, by the sidecar's monotonic clock.
    std::map<std::string, std::vector<std::string>> actions{};  // By node: what its driver has commands for.
};

// {"schema": 1, "clusters": [{"cluster", "taken_at_ms", "age_ms", "outcome", "error", "nodes": [{"node", "actions"}],
//   "samples": [{"name", "labels", "value"}], "relations": [{"from", "kind", "to"}],
//   "attributes": [{"subject", "values"}]}]}
// Samples that are no finite numbers are left out: JSON has none.
[[nodiscard]] std::string nodes_document(const std::vector<NodesTold>& all);

// The part of one cluster, with nothing believed yet but its form. Errors: invalid (no such document, another schema,
// or nothing of that cluster). Bounded.
[[nodiscard]] Result<NodesTold> read_nodes_document(std::string_view text, const std::string& cluster);

}  // namespace medic
