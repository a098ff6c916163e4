// Looks for metric pages on hosts that are already known, at the ports where exporters usually are. Only when asked to
// (`--probe-pages`): a port scan of others' machines is nobody's default. Bounded in hosts, ports and time.
#pragma once

#include <string>
#include <vector>

#include "agent/discovery/picture.h"

namespace medic::discovery {

// jmx_exporter in the usual guides and charts (5556, 7071, 7072, 9404), Flink's reporter (9249 and up, one process each
// on a host), node_exporter (9100).
[[nodiscard]] std::vector<int> usual_page_ports();

// Pages that are ones of metrics and have a kind, each with the node that it speaks for where that is plain. Hosts come
// from the picture; pages that the configuration has already are left out.
[[nodiscard]] std::vector<PageLook> probe_pages(Outside& outside, const ClusterConfig& cluster, const Picture& picture,
                                                const std::vector<int>& ports);

// The name under `nodes` that stands for a broker: "broker-2". The agent links it to broker 2 by its number.
[[nodiscard]] std::string broker_node(const std::string& id);

// "host" of "host:port" and "[::1]:port".
[[nodiscard]] std::string host_of(const std::string& address);

}  // namespace medic::discovery
