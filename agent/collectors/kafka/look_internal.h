// One look at a Kafka cluster while it goes on. Only for .cc files of agent/collectors/kafka.
#pragma once

#include "agent/collectors/kafka/kafka.h"

namespace medic {

struct KafkaCollector::Look {
    const std::string& cluster;
    Observation& observation;
    wire::MetadataResponse metadata;
    std::map<PartitionKey, std::int64_t> end_offsets;
    std::string not_visible;                // What these brokers don't tell, or don't tell us.
    std::map<std::int32_t, bool> voters{};  // Of the controllers' quorum, and whether each keeps up; empty: not known.

    [[nodiscard]] Subject subject(std::string kind, std::string name) const {
        return {cluster, std::move(kind), std::move(name)};
    }
    void sample(std::string_view name, std::vector<LabelPair> labels, double value) const {
        labels.emplace_back("cluster", cluster);
        observation.sample(name, std::move(labels), value);
    }
    void partition_sample(std::string_view name, const std::string& topic, std::int32_t partition, double value) const {
        sample(name, {{"topic", topic}, {"partition", std::to_string(partition)}}, value);
    }
    // "" where the quorum survives it, or it is no voter.
    [[nodiscard]] std::string quorum_without(std::int32_t id) const;
    // An older broker doesn't know the question, or we may not ask it: that is said, and is no fault of the look.
    void missing(std::string_view what, const Error& why) {
        if (why.code != ErrorCode::invalid) return observation.lacks(std::string(what) + ": " + why.message);
        if (not_visible.size() > Observation::errors_bytes_max) return;
        if (!not_visible.empty()) not_visible += "; ";
        (not_visible += what) += ": " + why.message;
    }
};

}  // namespace medic
