// Shared by this room's tests: what is built in, and a cluster on which everything is configured and answers.
#pragma once

#include <string>
#include <utility>

#include "agent/collectors/prometheus/canonical.h"
#include "agent/discovery/fake_outside_internal.h"
#include "agent/doctor/sight.h"

namespace medic::doctor {

inline const Knowing& knowing() {
    static const Knowing all = built_in_knowledge().value();
    return all;
}

inline NodeConfig watched(const std::string& name, const std::string& role) {
    NodeConfig node{.name = name, .role = role};
    node.driver.kind = NodeDriverConfig::Kind::command;
    node.driver.commands["status"] = {"true"};
    return node;
}

// Everything that can be configured, on products that answer.
inline ClusterConfig all_configured(discovery::FakeOutside& outside) {
    ClusterConfig cluster = discovery::whole_cluster();
    for (const char* role : {"broker", "connect-worker", "taskmanager"})
        cluster.nodes.push_back(watched(std::string(role) + "-1", role));
    std::string page;
    for (const CanonicalSeries& series : CanonicalNames::built_in().series())
        for (const PageOrigin& origin : series.pages) {
            if (origin.mbean.empty() || page_kind_of(origin.page) != "kafka-broker") continue;
            // Socket servers have no name: theirs are told by listener, and add up.
            std::string labels;
            std::string rest = origin.mbean;
            for (auto comma = rest.find(','); comma != std::string::npos; comma = rest.find(',')) {
                rest.erase(0, comma + 1);
                const std::string key = rest.substr(0, rest.find(','));
                const auto equals = key.find('=');
                labels += (labels.empty() ? "" : ",") + key.substr(0, equals) + "=\"" + key.substr(equals + 1) + "\"";
            }
            const std::string first = labels.empty() ? "listener=\"L\"" : labels;
            const std::string second = labels.empty() ? "listener=\"M\"" : labels;
            page += origin.page + "{" + first + "} 1\n" + origin.page + "{" + second + ",topic=\"orders\"} 1\n";
        }
    outside.bodies["http://kafka-1:7071/metrics"] = page;
    outside.bodies["http://worker-1:7072/metrics"] = recorded::file("kafka-3.9.1-flink-1.20.1/connect-worker.prom");
    // What only a task manager's page tells; all else is asked of the job manager.
    outside.bodies["http://taskmanager-1:9249/metrics"] =
        "flink_taskmanager_job_task_operator_KafkaSourceReader_topic_partition_currentOffset{job_name=\"j\","
        "topic=\"orders\",partition=\"0\",subtask_index=\"0\",tm_id=\"tm-1\"} 41\n";
    cluster.pages = {{.url = "http://kafka-1:7071/metrics", .kind = "kafka-broker", .node = "broker-1"},
                     {.url = "http://taskmanager-1:9249/metrics", .kind = "flink-taskmanager", .node = "taskmanager-1"},
                     {.url = "http://worker-1:7072/metrics", .kind = "connect-worker", .node = "connect-worker-1"}};
    return cluster;
}

}  // namespace medic::doctor
