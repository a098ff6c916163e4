#include <algorithm>
#include <set>

#include "agent/discovery/draw_internal.h"

namespace medic::discovery {
namespace {

struct Reader {
    const ClusterLook& look;
    const Observation& seen;
    Picture& picture;

    // One pass over the samples: there may be hundreds of thousands.
    std::map<std::string, double> bytes_of_broker, bytes_of_topic, lag_of_group, partitions_of, leaders_of;
    std::map<std::string, std::size_t> replication;
    std::map<std::string, bool> reachable;
    std::string controller;

    void gather() {
        for (const auto& [labels, value] : seen.samples) {
            const std::string_view name = labels.name();
            const std::string topic(labels.get("topic")), broker(labels.get("broker"));
            if (name == "kafka_replica_size_bytes") {
                bytes_of_broker[broker] += value;
                bytes_of_topic[topic] += value;
            } else if (name == "kafka_partition_replicas") {
                replication[topic] = std::max(replication[topic], static_cast<std::size_t>(value));
            } else if (name == "kafka_group_lag_records") {
                lag_of_group[std::string(labels.get("group"))] += value;
            } else if (name == "kafka_broker_reachable") {
                reachable[broker] = value == 1;
            } else if (name == "kafka_broker_partitions") {
                partitions_of[broker] = value;
            } else if (name == "kafka_broker_leaders") {
                leaders_of[broker] = value;
            } else if (name == "kafka_active_controller") {
                controller = std::to_string(static_cast<std::int64_t>(value));
            }
        }
    }

    static std::optional<double> known(const std::map<std::string, double>& values, const std::string& key) {
        const auto found = values.find(key);
        return found == values.end() ? std::nullopt : std::optional(found->second);
    }

    void brokers() const {
        const Facts facts(seen);
        for (const std::string& id : facts.names("broker")) {
            const Subject subject{look.cluster, "broker", id};
            Broker broker{.id = id,
                          .address = facts.attribute(subject, "address"),
                          .rack = facts.attribute(subject, "rack"),
                          .version = "",
                          .controller = id == controller};
            const auto release = look.broker_versions.find(std::atoi(id.c_str()));
            if (release != look.broker_versions.end()) broker.version = release->second;
            if (const auto found = reachable.find(id); found != reachable.end()) broker.reachable = found->second;
            broker.partitions = known(partitions_of, id);
            broker.leaders = known(leaders_of, id);
            broker.bytes = known(bytes_of_broker, id);
            picture.brokers.push_back(std::move(broker));
        }
        std::ranges::sort(picture.brokers, {}, [](const Broker& one) { return std::atoi(one.id.c_str()); });
    }

    void topics() const {
        const Facts facts(seen);
        const bool all_answered =
            !reachable.empty() && std::ranges::all_of(reachable, [](const auto& one) { return one.second; });
        for (const std::string& name : facts.names("topic")) {
            const Subject subject{look.cluster, "topic", name};
            const std::string partitions = facts.attribute(subject, "partitions");
            if (partitions.empty()) continue;  // Only its settings are known.
            Topic topic{.name = name,
                        .partitions = static_cast<std::size_t>(std::atoll(partitions.c_str())),
                        .internal = facts.attribute(subject, "internal") == "true" || name.starts_with("__")};
            if (const auto found = replication.find(name); found != replication.end())
                topic.replication = found->second;
            if (all_answered) topic.bytes = known(bytes_of_topic, name);
            picture.topics.push_back(std::move(topic));
        }
    }

    void groups() const {
        const Facts facts(seen);
        for (const auto& [id, told] : look.groups) {
            Group group{.id = id,
                        .state = told.state,
                        .protocol = told.protocol_type,
                        .members = told.members.size(),
                        .belongs_to = ""};
            group.topics = facts.related({look.cluster, "group", id}, "reads");
            group.lag = known(lag_of_group, id);
            std::set<std::string> clients;
            constexpr std::size_t clients_max = 64;
            for (const auto& member : told.members) {
                if (clients.size() >= clients_max) break;
                std::string host = member.client_host;
                if (host.starts_with('/')) host.erase(0, 1);
                clients.insert(member.client_id + " @ " + host);
            }
            group.clients.assign(clients.begin(), clients.end());
            if (group.protocol == "connect") group.belongs_to = "the Connect workers";
            picture.groups.push_back(std::move(group));
        }
    }
};

}  // namespace

void draw_kafka(const ClusterLook& look, Picture& picture) {
    const Observation* seen = look.observation("/kafka");
    if (seen == nullptr || seen->outcome == ScrapeOutcome::failed) return;
    Reader reader{.look = look,
                  .seen = *seen,
                  .picture = picture,
                  .bytes_of_broker = {},
                  .bytes_of_topic = {},
                  .lag_of_group = {},
                  .partitions_of = {},
                  .leaders_of = {},
                  .replication = {},
                  .reachable = {},
                  .controller = ""};
    reader.gather();
    reader.brokers();
    reader.topics();
    reader.groups();
    if (picture.topics.empty())
        picture.notes.emplace_back(
            "no topic is visible: either there is none, or the agent's principal may not DESCRIBE topics (medic doctor "
            "tells)");
    std::set<std::string> releases;
    for (const Broker& broker : picture.brokers)
        if (!broker.version.empty()) releases.insert(broker.version);
    if (releases.size() > 1)
        picture.notes.emplace_back(
            "brokers speak like different releases: an upgrade is under way, or was not finished");
}

}  // namespace medic::discovery
