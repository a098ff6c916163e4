// Which processes of the real products run, with which arguments and ports. Pure: options in, plan out. The plan is a
// lab's (engine/lab), so that starting, stopping, killing and describing processes is the lab's, too.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "engine/lab/plan.h"
#include "tests/live/maven.h"

namespace medic::live {

// Keys of all brokers that differ from their defaults.
using BrokerKeys = std::map<std::string, std::string>;

struct LiveOptions {
    std::string data_dir;  // Absolute.
    std::string program;   // medic-live, absolute: the nodes' driver.
    Pair pair;
    int connect_workers = 1;
    BrokerKeys kafka;
    bool application_cluster = false;  // One more Flink cluster that runs a single job.
    bool small_disk = false;           // The last broker's log directory is a file system of its own: needs root.
    bool tuned = false;                // Shorter time-outs than the defaults that the products and the agent ship.
    bool adaptive = false;             // Flink's adaptive scheduler, under which jobs are rescaled in place.
    double records_per_second = 100;   // Orders; the connectors move a tenth of it.

    // As reports name it.
    [[nodiscard]] std::string engines() const {
        return pair.name() + (tuned ? " tuned" : "") + (adaptive ? " adaptive" : "");
    }
};

// What is compiled or fetched before a plan can be made.
struct Artifacts {
    std::string java;
    std::string kafka_class_path, flink_class_path;
    std::string jmx_exporter;  // The agent's jar, of the Kafka class path.
    std::string job_jar, connector_jar;
};

// The broker whose disk can run full, and how much room it has: some fifteen times what these topics take.
constexpr const char* small_disk_broker = "broker-3";
constexpr std::uint64_t small_disk_bytes = 512ULL << 20U;
[[nodiscard]] inline std::string small_disk_folder(const std::string& data_dir) {
    return data_dir + "/data/" + small_disk_broker;
}

[[nodiscard]] Result<engine::lab::LabPlan> make_plan(const LiveOptions& options, const Artifacts& artifacts);

// Versions of the trial job: v1 is right, v2 fails at its first record, v3 keeps its state as another type.
constexpr const char* job_versions[] = {"v1", "v2", "v3"};
constexpr const char* job_entry = "org.example.orders.OrdersJob";
constexpr const char* bounded_job_entry = "org.example.orders.BoundedJob";
constexpr const char* bounded_job_name = "order-count";
// The file that a version is uploaded as; all are the same jar, and the version is an argument.
[[nodiscard]] std::string job_artifact(const std::string& data_dir, const std::string& version);
[[nodiscard]] std::vector<std::string> job_arguments(const engine::lab::LabPlan& plan, const std::string& version);

// Of a process with a REST API.
[[nodiscard]] std::string rest_url(const engine::lab::ProcessPlan& process, const std::string& path);

constexpr const char* cluster_name = "live";
constexpr const char* zookeeper_name = "zookeeper";
constexpr const char* job_name = "order-totals";
constexpr const char* application_job_name = "order-totals-application";

}  // namespace medic::live
