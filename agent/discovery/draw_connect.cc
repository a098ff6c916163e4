#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "agent/base/url.h"
#include "agent/collectors/connect/connect.h"
#include "agent/discovery/draw_internal.h"

namespace medic::discovery {

using json_read::array;
using json_read::Json;
using json_read::member;
using json_read::text;

namespace {

void workers(const ClusterConfig& cluster, const ClusterLook& look, const Facts& facts, Picture& picture) {
    std::map<std::string, ConnectWorker> all;
    for (const std::string& url : cluster.connect_urls) {
        const std::string address = shown_address(url);
        const Json root = body_of(look, url + "/");
        ConnectWorker worker{.address = address, .version = text(root, "version")};
        worker.reachable = facts.value("connect_worker_reachable", {{"worker", authority_of(url)}}).value_or(0) == 1;
        const std::string kafka = text(root, "kafka_cluster_id");
        if (!kafka.empty() && !look.kafka_cluster_id.empty() && kafka != look.kafka_cluster_id)
            picture.notes.push_back(
                fmt::format("Connect at {} works on Kafka cluster {}, --kafka leads to {}: they belong into two "
                            "clusters of medic.yaml",
                            address, kafka, look.kafka_cluster_id));
        all[address] = std::move(worker);
    }
    for (const std::string& task : facts.names("connector-task")) {
        const std::string address = facts.attribute({look.cluster, "connector-task", task}, "worker");
        if (address.empty()) continue;
        ConnectWorker& worker =
            all.try_emplace(address, ConnectWorker{.address = address, .version = "", .listed = false}).first->second;
        ++worker.tasks;
    }
    for (auto& [address, worker] : all) picture.workers.push_back(std::move(worker));
}

// Connect's own record of the topics that a connector has used (since 2.5, KIP-558; may be switched off).
void active_topics(Outside& outside, const std::string& base, Picture& picture) {
    constexpr std::size_t asked_max = 1'000;
    std::vector<Get> requests;
    for (const Connector& one : picture.connectors)
        if (requests.size() < asked_max)
            requests.push_back(
                {.url = base + "/connectors/" + url_encode(one.name) + "/topics", .cluster = picture.cluster});
    const auto answers = outside.get(requests);
    for (std::size_t i = 0; i < answers.size(); ++i) {
        const auto parsed = json_read::document(answers[i].answer);
        Connector& connector = picture.connectors[i];
        const Json* own = parsed ? member(*parsed, connector.name) : nullptr;
        if (own == nullptr) continue;
        auto& links = connector.type == "sink" ? connector.reads : connector.writes;
        for (const Json& topic : array(*own, "topics")) {
            if (!topic.is_string()) continue;
            const std::string name = topic.get<std::string>();
            if (std::ranges::find(links, name, &Link::name) == links.end())
                links.push_back({name, Sure::told, "Connect says that it has used it"});
        }
    }
}

}  // namespace

void draw_connect(Outside& outside, const ClusterConfig& cluster, const ClusterLook& look, Picture& picture) {
    const Observation* seen = look.observation("/connect");
    if (seen == nullptr) return;
    const Facts facts(*seen);
    workers(cluster, look, facts, picture);
    std::string base;
    for (const std::string& url : cluster.connect_urls)
        if (look.bodies.contains(url + "/connectors")) base = url;
    for (const std::string& name : facts.names("connector")) {
        const Subject subject{look.cluster, "connector", name};
        Connector connector{.name = name,
                            .type = facts.attribute(subject, "type"),
                            .class_name = facts.attribute(subject, "class"),
                            .state = facts.attribute(subject, "state")};
        for (const std::string& topic : facts.related(subject, "reads"))
            connector.reads.push_back({topic, Sure::told, "its setting `topics`"});
        for (const std::string& topic : facts.related(subject, "writes"))
            connector.writes.push_back({topic, Sure::told, "its setting `topic`"});
        for (const std::string& task : facts.names("connector-task")) {
            if (!task.starts_with(name + "/") || task.find('/', name.size() + 1) != std::string::npos) continue;
            ++connector.tasks;
            connector.tasks_running += facts.attribute({look.cluster, "connector-task", task}, "state") == "RUNNING";
        }
        picture.connectors.push_back(std::move(connector));
    }
    if (!base.empty()) active_topics(outside, base, picture);
}

}  // namespace medic::discovery
