// The parts of draw(), one for each product. Only for .cc files of agent/discovery.
#pragma once

#include "agent/collectors/json_internal.h"
#include "agent/discovery/picture.h"

namespace medic::discovery {

// What an observation says, by series and labels.
class Facts {
public:
    explicit Facts(const Observation& observation) : observation_(observation) {}
    [[nodiscard]] std::optional<double> value(std::string_view name, const std::vector<LabelPair>& labels) const;
    [[nodiscard]] std::string attribute(const Subject& subject, const std::string& name) const;
    [[nodiscard]] std::vector<std::string> names(std::string_view kind) const;                         // Of subjects.
    [[nodiscard]] std::vector<std::string> related(const Subject& from, std::string_view kind) const;  // Sorted names.

private:
    const Observation& observation_;
};

void draw_kafka(const ClusterLook& look, Picture& picture);
void draw_connect(Outside& outside, const ClusterConfig& cluster, const ClusterLook& look, Picture& picture);
void draw_flink(Outside& outside, const ClusterConfig& cluster, const ClusterLook& look, Picture& picture);

// A body that is JSON, or a discarded value.
[[nodiscard]] json_read::Json body_of(const ClusterLook& look, const std::string& url);

}  // namespace medic::discovery
