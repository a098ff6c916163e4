#include "agent/collectors/node/node_collector.h"

#include <algorithm>
#include <cmath>

#include "agent/collectors/connect/connect.h"
#include "agent/collectors/node/node_document.h"

namespace medic {
namespace {

constexpr std::size_t answer_bytes_max = 4 * 1024 * 1024;

// Of one node, by its label `node`.
constexpr std::string_view of_processes[] = {"process_up",
                                             "process_stopped_in_order",
                                             "process_end_awaited",
                                             "process_cpu_seconds_total",
                                             "process_resident_memory_bytes",
                                             "process_start_time_seconds",
                                             "process_stopped",
                                             "process_open_file_descriptors"};
constexpr std::string_view of_hosts[] = {"host_cpu_busy_ratio", "host_memory_available_bytes"};
// Of one folder of a node, by its labels `node` and `path`.
constexpr std::string_view of_disks[] = {"host_filesystem_size_bytes", "host_filesystem_available_bytes",
                                         "host_filesystem_read_only"};
constexpr std::size_t disks_max = 16;  // Of one node, as its configuration allows.
constexpr std::string_view of_tasks = "connect_task_process_cpu_seconds_total";

template <std::size_t N>
bool among(const std::string_view (&names)[N], std::string_view name) {
    return std::ranges::find(names, name) != std::end(names);
}

// The document, or in a word why there is none.
Result<std::string> body_of(const Result<HttpAnswer>& answer) {
    if (!answer) return std::unexpected(answer.error());
    if (answer->status == 401 || answer->status == 403)
        return fail(ErrorCode::unavailable,
                    "HTTP status {}: the sidecar does not know the token: compare the driver's `token_file` with "
                    "`api.token_file` there",
                    answer->status);
    if (answer->status == 404)
        return fail(ErrorCode::unavailable,
                    "HTTP status 404: expected a sidecar (`scope: node`) that has nodes of this cluster");
    if (answer->status != 200) return fail(ErrorCode::unavailable, "HTTP status {}", answer->status);
    return answer->body;
}

}  // namespace

std::vector<NodeCollectorOptions> sidecars_of(const ClusterConfig& cluster) {
    std::vector<NodeCollectorOptions> all;
    for (const NodeConfig& node : cluster.nodes) {
        const std::string& url = node.driver.url;
        if (node.driver.kind != NodeDriverConfig::Kind::agent) continue;
        auto one = std::ranges::find(all, url, &NodeCollectorOptions::url);
        if (one == all.end())
            one = all.insert(all.end(), {.cluster = cluster.name,
                                         .url = url,
                                         .target = cluster.name + "/node/" + authority_of(url),
                                         .nodes = {},
                                         .timeout = node.driver.timeout});
        one->timeout = std::max(one->timeout, node.driver.timeout);
        one->nodes.push_back(
            {.name = node.name, .role = node.role, .zone = node.zone, .spare = node.spare, .status_command = {}});
    }
    return all;
}

const WatchedNode* NodeCollector::node(std::string_view name) const {
    const auto found = std::ranges::find(options_.nodes, name, &WatchedNode::name);
    return found == options_.nodes.end() ? nullptr : &*found;
}

std::vector<HttpAsk> NodeCollector::begin(WallTime at) {
    observation_ = {};
    observation_.target = options_.target;
    observation_.at = at;
    return {{.url = options_.url + "/api/v1/nodes",
             .purpose = "nodes",
             .bytes_max = answer_bytes_max,
             .timeout = options_.timeout}};
}

std::vector<HttpAsk> NodeCollector::answer(const HttpAsk&, const Result<HttpAnswer>& answer) {
    if (const Status good = read(answer); !good) {
        observation_.outcome = ScrapeOutcome::failed;
        observation_.error = good.error().message.substr(0, Observation::errors_bytes_max);
        // Whoever asks sees at once that nobody knows, instead of what was true a minute ago.
        observation_.withdraws = true;
    }
    return {};
}

Status NodeCollector::read(const Result<HttpAnswer>& answer) {
    MEDIC_TRY(const std::string body, body_of(answer));
    MEDIC_TRY(const NodesTold told, read_nodes_document(body, options_.cluster));
    if (told.observation.outcome == ScrapeOutcome::failed)
        return fail(ErrorCode::unavailable, "the sidecar could not look: {}", told.observation.error);
    // By its own monotonic clock: neither a look that hangs there nor a wall clock that is wrong is taken for news.
    if (told.age < Duration{0} || told.age > options_.age_max)
        return fail(ErrorCode::unavailable, "the sidecar's newest look is {} ms old", told.age.count());
    observation_.at = observation_.at - told.age;
    observation_.outcome = told.observation.outcome;
    observation_.error = told.observation.error;
    take_samples(told.observation);
    take_attributes(told.observation);
    note_missing();
    return {};
}

void NodeCollector::take_disk(const Labels& said, double value) {
    const WatchedNode* of = node(said.get("node"));
    const std::string path(said.get("path"));
    if (of == nullptr || !path.starts_with('/') || !std::isfinite(value) || value < 0) return;
    if (said.name() == "host_filesystem_read_only" && value != 0 && value != 1) return;
    std::set<std::string>& told = disks_[of->name];
    if (!told.contains(path) && told.size() >= disks_max)
        return observation_.lacks(of->name + ": more than " + std::to_string(disks_max) + " folders");
    told.insert(path);
    observation_.sample(said.name(),
                        {{"cluster", options_.cluster}, {"node", of->name}, {"role", of->role}, {"path", path}}, value);
}

void NodeCollector::take_samples(const Observation& said) {
    disks_.clear();
    for (const auto& [labels, value] : said.samples) {
        const std::string_view name = labels.name();
        const std::string cluster = options_.cluster;
        if (among(of_processes, name)) {
            const WatchedNode* of = node(labels.get("node"));
            const bool flag = name == "process_up" || name == "process_stopped" || name == "process_stopped_in_order" ||
                              name == "process_end_awaited";
            if (of == nullptr || (flag && value != 0 && value != 1)) continue;
            observation_.sample(name, {{"cluster", cluster}, {"node", of->name}, {"role", of->role}}, value);
        } else if (among(of_hosts, name)) {
            for (const WatchedNode& one : options_.nodes)
                observation_.sample(name, {{"cluster", cluster}, {"node", one.name}}, value);
        } else if (among(of_disks, name)) {
            take_disk(labels, value);
        } else if (name == of_tasks) {
            const WatchedNode* of = node(labels.get("worker"));
            const std::string connector(labels.get("connector")), task(labels.get("task"));
            if (of == nullptr || of->role != "connect-worker" || connector.empty() || task.empty()) continue;
            observation_.sample(
                name, {{"cluster", cluster}, {"connector", connector}, {"task", task}, {"worker", of->name}}, value);
        }
    }
}

void NodeCollector::take_attributes(const Observation& said) {
    const auto take = [&](const Subject& subject, const std::map<std::string, std::string>& values,
                          std::initializer_list<const char*> keys) {
        auto& into = observation_.attributes[subject];
        for (const char* key : keys)
            if (const auto found = values.find(key); found != values.end()) into[key] = found->second;
    };
    for (const WatchedNode& one : options_.nodes)
        observation_.attributes[{options_.cluster, "node", one.name}] = {
            {"role", one.role}, {"zone", one.zone}, {"spare", one.spare ? "true" : "false"}};
    for (const auto& [subject, values] : said.attributes) {
        if (subject.kind == "node" && node(subject.name) != nullptr) {
            take(subject, values, {"pid", "ports"});
            // Nothing but these two: whoever reads it takes it for a flag.
            if (const auto spare = values.find("spare"); spare != values.end() && spare->second == "true")
                observation_.attributes[subject]["spare"] = "true";
            else if (spare != values.end() && spare->second == "false")
                observation_.attributes[subject]["spare"] = "false";
        } else if (subject.kind == "connector-task") {
            const auto on = values.find("node");
            if (on != values.end() && node(on->second) != nullptr)
                take(subject, values, {"pid", "node", "process_state"});
        }
    }
}

// A node that is configured with this address and that the sidecar says nothing of.
void NodeCollector::note_missing() {
    for (const WatchedNode& one : options_.nodes) {
        const bool told = std::ranges::any_of(observation_.samples, [&](const auto& sample) {
            return sample.first.name() == "process_up" && sample.first.get("node") == one.name;
        });
        if (!told) observation_.lacks(one.name + ": the sidecar does not tell whether it runs");
    }
}

Observation NodeCollector::finish() { return std::move(observation_); }

}  // namespace medic
