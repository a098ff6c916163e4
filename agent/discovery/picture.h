// What a cluster consists of, as a value: brokers, topics, groups, workers, connectors, Flink clusters, jobs and the
// topics that they read and write, each with how sure it is. Made from one look; compared with an earlier one. It holds
// no secret: of connector settings only class, type and topics are taken.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "agent/discovery/look_once.h"

namespace medic::discovery {

// told: the product itself says so. likely: two things agree by name. guess: a name is part of another.
enum class Sure : std::uint8_t { told, likely, guess };
[[nodiscard]] std::string_view to_string(Sure sure);

// A topic that is read or written, or a group that belongs to a job.
struct Link {
    std::string name;
    Sure sure = Sure::told;
    std::string why;
    bool operator==(const Link&) const = default;
};

struct Broker {
    std::string id, address, rack, version;
    bool controller = false, reachable = true;
    std::optional<double> partitions, leaders, bytes;
};

struct Topic {
    std::string name;
    std::size_t partitions = 0, replication = 0;
    std::optional<double> bytes;  // All replicas; not known when a broker did not answer.
    bool internal = false;
};

struct Group {
    std::string id, state, protocol;
    std::size_t members = 0;
    std::optional<double> lag;
    std::vector<std::string> topics, clients;  // clients: "client-id @ host", distinct.
    std::string belongs_to;                    // connector/x, job/y, worker group; "" when nobody is known.
};

struct ConnectWorker {
    std::string address, version;
    bool listed = true;  // Its URL was given; others are known from assignments.
    bool reachable = true;
    std::size_t tasks = 0;
};

struct Connector {
    std::string name, type, class_name, state;
    std::size_t tasks = 0, tasks_running = 0;
    std::vector<Link> reads, writes;
};

struct Job {
    std::string name, id, state;
    std::size_t parallelism = 0;
    std::vector<std::string> taskmanagers;
    std::vector<Link> reads, writes, groups;
};

struct TaskManager {
    std::string id, address;
    std::size_t slots = 0, free_slots = 0;
};

struct FlinkCluster {
    std::string url, version;
    std::string mode;  // session, application; "" when it does not tell.
    bool reachable = true;
    std::vector<TaskManager> taskmanagers;
    std::vector<Job> jobs;
};

struct Picture {
    std::string cluster, kafka_cluster_id;
    WallTime at;
    std::vector<Broker> brokers;
    std::vector<Topic> topics;
    std::vector<Group> groups;
    std::vector<ConnectWorker> workers;
    std::vector<Connector> connectors;
    std::vector<FlinkCluster> flinks;
    std::vector<PageLook> pages;        // Found by probing, or configured.
    std::vector<std::string> problems;  // What could not be seen, and why.
    std::vector<std::string> notes;     // What is odd, or worth a second look.
    // Whether everything of a kind was seen: only then may something missing be called gone.
    bool kafka_whole = false, connect_whole = false, flink_whole = false;

    [[nodiscard]] const Job* job(std::string_view name) const;
    [[nodiscard]] bool empty() const {
        return brokers.empty() && connectors.empty() && workers.empty() && flinks.empty();
    }
};

// Asks a few things more than the agent does (active topics of connectors, metric names of sources), bounded.
[[nodiscard]] Picture draw(Outside& outside, const ClusterConfig& cluster, const ClusterLook& look);

// --- For draw() and its tests
// ------------------------------------------------------------------------------------------- Topics in the names of a
// source's metrics: "Source__orders.KafkaSourceReader.topic.orders.partition.0.currentOffset".
[[nodiscard]] std::vector<std::string> topics_in_metric_names(const std::vector<std::string>& names,
                                                              const std::vector<Topic>& known);
// The topic that an operator is named after; nullopt when none, or several, fit.
[[nodiscard]] std::optional<Link> topic_by_name(const std::string& operator_name, const std::vector<Topic>& known);
// Which groups belong to which jobs; fills job.groups, group.belongs_to, and reads that only a group tells.
void tie_groups(Picture& picture);

}  // namespace medic::discovery
