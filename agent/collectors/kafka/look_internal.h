// One look at a Kafka cluster while it goes on. Only for .cc files of agent/collectors/kafka.
#pragma once

#include <algorithm>

#include "agent/collectors/kafka/kafka.h"

namespace medic {

[[nodiscard]] inline double seconds_since(std::int64_t unix_ms, WallTime at) {
    return static_cast<double>(std::max<std::int64_t>(0, at.unix_ms - unix_ms)) / 1'000;
}

// "orders:0,3;logs:1": partitions by name, as many as remedies may be told of. To be added topic by topic.
class NamedPartitions {
public:
    explicit NamedPartitions(std::size_t named_max) : named_max_(named_max) {}

    void add(const std::string& topic, std::int32_t partition) {
        if (++count_ > named_max_) return;
        if (topic == topic_) {
            text_ += ',';
        } else {
            text_ += (text_.empty() ? "" : ";") + topic + ":";
            topic_ = topic;
        }
        text_ += std::to_string(partition);
    }
    [[nodiscard]] double count() const { return static_cast<double>(count_); }
    [[nodiscard]] const std::string& text() const { return text_; }

private:
    std::size_t named_max_, count_ = 0;
    std::string text_, topic_;
};

struct KafkaCollector::Look {
    const std::string& cluster;
    Observation& observation;
    wire::MetadataResponse metadata;
    std::map<PartitionKey, std::int64_t> end_offsets;
    std::string not_visible;                // What these brokers don't tell, or don't tell us.
    std::set<std::int32_t> answering{};     // Brokers that have told of their log dirs.
    std::map<std::int32_t, bool> voters{};  // Of the controllers' quorum, and whether each keeps up; empty: not known.
    std::string quorum_problem{};           // Why nobody knows whether it holds; "" also where there is no such quorum.
    std::map<std::int32_t, bool>
        coordinators{};  // By partition of __consumer_offsets: whether it answers for its groups.

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
    // The partition of __consumer_offsets whose leader coordinates the group; nullopt: there is no such topic yet.
    [[nodiscard]] std::optional<std::int32_t> coordinated_in(std::string_view group) const;
    void quorum_unread(const Error& why, wire::KafkaError error = wire::KafkaError::none);
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
