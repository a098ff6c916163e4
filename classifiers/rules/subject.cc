#include <array>

#include "classifiers/rules/rule_engine.h"

namespace medic {
namespace {

struct Known {
    std::string_view kind;
    std::string_view label;
    std::string_view second = {};  // A further label that the name needs.
    char joint = '/';
};

// From the most specific to the least.
constexpr std::array known_labels{
    Known{"connector-task", "connector", "task"},
    Known{"log-dir", "broker", "log_dir", ':'},
    Known{"vertex", "job", "vertex"},
    Known{"taskmanager", "taskmanager"},
    Known{"connector", "connector"},
    Known{"job", "job"},
    Known{"group", "group"},
    Known{"topic", "topic"},
    Known{"worker", "worker"},
    Known{"broker", "broker"},
    Known{"node", "node"},
    Known{"node", "instance"},
};

}  // namespace

Subject subject_of(const Labels& labels, std::string_view medic_subject, std::string_view cluster_default) {
    const std::string_view named = labels.get("cluster");
    const std::string cluster(named.empty() ? cluster_default : named);
    if (Subject subject = parse_subject(cluster, medic_subject); !subject.kind.empty()) return subject;
    for (const auto& known : known_labels) {
        const std::string_view first = labels.get(known.label);
        const std::string_view second = known.second.empty() ? std::string_view() : labels.get(known.second);
        if (first.empty() || (!known.second.empty() && second.empty())) continue;
        std::string name(first);
        if (!second.empty()) (name += known.joint) += second;
        return {cluster, std::string(known.kind), std::move(name)};
    }
    return {cluster, "cluster", cluster};
}

}  // namespace medic
