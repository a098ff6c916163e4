// What a symptom, a finding, a cause or a step is about: `job/fleet-monitor`, `taskmanager/tm-2`,
// `connector-task/orders-sink/0`, `broker/2`, `log-dir/2:/data/kafka`, `topic/events`, `worker/connect-1`, `group/g`,
// `cluster/lab`, `node/tm-2`.
#pragma once

#include <compare>
#include <functional>
#include <string>
#include <string_view>

namespace medic {

struct Subject {
    std::string cluster;  // A name under `clusters:` in medic.yaml; every subject belongs to one.
    std::string kind;     // job, vertex, taskmanager, connector, connector-task, worker, broker, log-dir, topic, group,
                          // node, cluster
    std::string name;     // Unique within cluster and kind.

    auto operator<=>(const Subject&) const = default;
};

// "cluster:kind/name", for keys and for people.
[[nodiscard]] std::string to_string(const Subject& subject);

// Reads that form back. Without a colon, no cluster is named: "kind/name". What is no subject gives an empty one.
[[nodiscard]] Subject subject_of(std::string_view text);

// Reads "kind/name" (the form of the rule annotation `medic_subject`). Empty kind or name gives an empty Subject.
[[nodiscard]] Subject parse_subject(std::string_view cluster, std::string_view text);

}  // namespace medic

template <>
struct std::hash<medic::Subject> {
    std::size_t operator()(const medic::Subject& subject) const noexcept {
        const std::hash<std::string> of;
        return (of(subject.cluster) * 31 + of(subject.kind)) * 31 + of(subject.name);
    }
};
