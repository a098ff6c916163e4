// Nodes of another host, as their sidecar tells of them: the same series that the process collector gives of nodes on
// this host. A sidecar is believed about the nodes that are configured with its address, in series of processes and
// hosts, and about nothing else. One that does not answer, or whose newest look is old, leaves its nodes unknown.
#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "agent/collectors/look.h"
#include "agent/collectors/process/process.h"
#include "agent/config/config.h"

namespace medic {

struct NodeCollectorOptions {
    std::string cluster;
    std::string url;                 // Of the sidecar.
    std::string target;              // "lab/node/tm-1:9470"
    std::vector<WatchedNode> nodes;  // Those that are configured with this address; role and zone count as given here.
    Duration timeout{3'000};
    Duration age_max{5'000};  // Of the sidecar's newest look.
};

// One for each address that nodes of the cluster name as their driver's.
[[nodiscard]] std::vector<NodeCollectorOptions> sidecars_of(const ClusterConfig& cluster);

class NodeCollector : public HttpCollector {
public:
    explicit NodeCollector(NodeCollectorOptions options) : options_(std::move(options)) {}

    [[nodiscard]] const std::string& target() const override { return options_.target; }
    [[nodiscard]] std::vector<HttpAsk> begin(WallTime at) override;
    [[nodiscard]] std::vector<HttpAsk> answer(const HttpAsk& ask, const Result<HttpAnswer>& answer) override;
    [[nodiscard]] Observation finish() override;

private:
    [[nodiscard]] Status read(const Result<HttpAnswer>& answer);
    void take_samples(const Observation& said);
    void take_disk(const Labels& said, double value);
    void take_attributes(const Observation& said);
    void note_missing();
    [[nodiscard]] const WatchedNode* node(std::string_view name) const;

    NodeCollectorOptions options_;
    Observation observation_;
    std::map<std::string, std::set<std::string>> disks_;  // Paths of the look, by node.
};

}  // namespace medic
