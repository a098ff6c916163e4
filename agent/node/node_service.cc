#include "agent/node/node_service.h"

#include <algorithm>

#include <nlohmann/json.hpp>

#include "agent/base/redact.h"
#include "agent/node/node_service_internal.h"

namespace medic {
namespace {

using Json = nlohmann::json;

constexpr std::size_t dump_bytes_max = 4 * 1024 * 1024;  // A thousand threads with deep stacks.
constexpr const char* actions[] = {"start", "start_spare", "stop", "kill", "kill_task", "grow"};

HttpResponse plain(int status, std::string body) {
    return {.status = status, .body = std::move(body), .content_type = "text/plain; charset=utf-8", .headers = {}};
}

bool is_get(const HttpRequest& request) { return request.method == "GET" || request.method == "HEAD"; }

}  // namespace

HttpResponse node_problem(int status, const std::string& message) {
    const Json body = {{"schema", 1}, {"error", message}};
    return {.status = status,
            .body = body.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n",
            .content_type = "application/json",
            .headers = {}};
}

NodeService::NodeService(Parts parts) : state_(std::make_unique<State>(std::move(parts))) {
    for (const ClusterConfig& cluster : state_->parts.config.clusters) {
        ProcessCollectorOptions options = process_options_of(cluster);
        options.proc = state_->parts.proc;
        state_->collectors.emplace(cluster.name, ProcessCollector(std::move(options)));
    }
}
NodeService::~NodeService() = default;

std::vector<NodeService::StatusDue> NodeService::due() {
    std::vector<StatusDue> all;
    const WallTime now = state_->parts.clock().wall;
    for (auto& [cluster, collector] : state_->collectors)
        for (StatusAsk& ask : collector.due(now)) all.push_back({cluster, std::move(ask)});
    return all;
}

void NodeService::answer(const std::string& cluster, const std::string& node, const Result<std::string>& output) {
    if (const auto found = state_->collectors.find(cluster); found != state_->collectors.end())
        found->second.answer(node, output, state_->parts.clock().wall);
}

void NodeService::look() {
    for (auto& [cluster, collector] : state_->collectors) {
        const Now now = state_->parts.clock();
        Observation seen = collector.look(now.wall);
        const std::lock_guard guard(state_->mutex);
        state_->newest[cluster] = {std::move(seen), now.monotonic};
    }
}

HttpResponse NodeService::handle(const HttpRequest& request) {
    State& state = *state_;
    if (request.path == "/-/healthy" && is_get(request)) return state.healthy();
    if (request.path == "/metrics" && is_get(request)) return state.metrics();
    const auto& segments = request.segments;
    const bool ours = segments.size() >= 3 && segments[0] == "api" && segments[1] == "v1" && segments[2] == "nodes";
    if (!ours) return node_problem(404, "no such page; this is a sidecar (`scope: node`): GET /api/v1/nodes");
    if (!state.knows(request)) {
        HttpResponse refused =
            node_problem(401, "send Authorization: Bearer TOKEN with a token of this sidecar's api.token_file");
        refused.headers.emplace_back("WWW-Authenticate", "Bearer");
        return refused;
    }
    if (segments.size() == 3) return is_get(request) ? state.nodes(request) : node_problem(405, "GET");
    if (segments.size() != 5) return node_problem(404, "expected /api/v1/nodes/NAME/threads, or an action of a node");
    if (segments[4] == "threads") return is_get(request) ? state.threads(request) : node_problem(405, "GET");
    if (std::ranges::find(actions, segments[4]) == std::end(actions))
        return node_problem(404, "no such action; expected start, start_spare, stop, kill, kill_task or grow");
    return request.method == "POST" ? state.operation(request) : node_problem(405, "POST");
}

bool NodeService::State::knows(const HttpRequest& request) {
    const std::lock_guard guard(mutex);
    if (parts.tokens.person(request.header("authorization"))) return true;
    ++refused;
    return false;
}

Result<NodeService::State::Found> NodeService::State::find(const std::string& node, const std::string& cluster) const {
    std::vector<Found> found;
    for (const ClusterConfig& one : parts.config.clusters)
        if (const NodeConfig* there = one.node(node); there != nullptr && (cluster.empty() || one.name == cluster))
            found.push_back({one.name, there});
    if (found.empty())
        return fail(ErrorCode::invalid, "no node `{}`{} is configured here", node.substr(0, 200),
                    cluster.empty() ? "" : " of cluster `" + cluster.substr(0, 200) + "`");
    if (found.size() > 1)
        return fail(ErrorCode::invalid, "node `{}` is one of several clusters: name the cluster", node);
    return found.front();
}

HttpResponse NodeService::State::nodes(const HttpRequest& request) {
    const auto only = request.query_value("cluster");
    std::vector<NodesTold> all;
    const Instant now = parts.clock().monotonic;
    {
        const std::lock_guard guard(mutex);
        for (const ClusterConfig& cluster : parts.config.clusters) {
            const auto seen = newest.find(cluster.name);
            if (only && *only != cluster.name) continue;
            if (seen == newest.end()) return node_problem(503, "nothing has been looked at yet");
            all.push_back(
                {.cluster = cluster.name, .observation = seen->second.observation, .age = now - seen->second.at});
            for (const NodeConfig& node : cluster.nodes) {
                auto& can = all.back().actions[node.name];
                for (const char* action : actions)
                    if (node.driver.can(action)) can.emplace_back(action);
            }
        }
    }
    if (all.empty()) return node_problem(404, "no nodes of that cluster are configured here");
    return {.status = 200, .body = nodes_document(all), .content_type = "application/json", .headers = {}};
}

HttpResponse NodeService::State::threads(const HttpRequest& request) {
    const auto found = find(request.segments[3], std::string(request.query_value("cluster").value_or("")));
    if (!found) return node_problem(404, found.error().message);
    const NodeDriverConfig& driver = found->node->driver;
    if (!driver.can("threads")) return node_problem(404, "the node's driver has no `threads`");
    std::string pid;
    std::vector<std::string> argv;
    {
        const std::lock_guard guard(mutex);
        if (const auto seen = newest.find(found->cluster); seen != newest.end()) {
            const auto told = seen->second.observation.attributes.find({found->cluster, "node", found->node->name});
            if (told != seen->second.observation.attributes.end() && told->second.contains("pid"))
                pid = told->second.at("pid");
        }
        if (pid.empty()) return node_problem(409, "the node's process is not known to run");
        // A dump stops all threads of the process for a moment.
        if (dumping) return node_problem(503, "another thread dump is being taken");
        auto filled_in = filled(driver.commands.at("threads"), {{"pid", pid}, {"node", found->node->name}});
        if (!filled_in) return node_problem(400, filled_in.error().message);
        argv = *std::move(filled_in);
        dumping = true;
    }
    const auto reply =
        parts.run({.argv = std::move(argv), .timeout = driver.timeout, .output_bytes_max = dump_bytes_max});
    {
        const std::lock_guard guard(mutex);
        dumping = false;
    }
    if (!reply) return node_problem(503, redact(reply.error().message, 1'000));
    if (reply->exit_code != 0)
        return node_problem(503, "its `threads` command ended with " + std::to_string(reply->exit_code) + ": " +
                                     redact(reply->errors, 1'000));
    return plain(200, redact(reply->output, dump_bytes_max));
}

std::optional<Duration> NodeService::State::oldest_look(Instant now) const {
    if (newest.size() < parts.config.clusters.size()) return std::nullopt;
    Duration oldest{0};
    for (const auto& [cluster, one] : newest) oldest = std::max(oldest, now - one.at);
    return oldest;
}

HttpResponse NodeService::State::healthy() {
    constexpr Duration floor{5'000};
    const Duration age_max = std::max(floor, parts.config.intervals.process * 3);
    const Instant now = parts.clock().monotonic;
    const std::lock_guard guard(mutex);
    const auto oldest = oldest_look(now);
    if (!oldest) return plain(503, "nothing has been looked at yet\n");
    if (*oldest > age_max) return plain(503, fmt::format("the newest look is {} ms old\n", oldest->count()));
    return plain(200, "ok\n");
}

HttpResponse NodeService::State::metrics() {
    const Instant now = parts.clock().monotonic;
    std::string page;
    const auto family = [&](const char* name, const char* type, const char* help) {
        page += fmt::format("# HELP {} {}\n# TYPE {} {}\n", name, help, name, type);
    };
    const std::lock_guard guard(mutex);
    if (const auto oldest = oldest_look(now)) {
        family("medic_node_look_age_seconds", "gauge", "Age of the newest look at the nodes.");
        page += fmt::format("medic_node_look_age_seconds {}\n", static_cast<double>(oldest->count()) / 1000);
    }
    family("medic_node_operations_total", "counter", "Operations that were asked for, by what came of them.");
    for (const auto& [outcome, count] : operations)
        page += fmt::format("medic_node_operations_total{{outcome=\"{}\"}} {}\n", outcome, count);
    family("medic_node_requests_refused_total", "counter", "Requests without a token that is known here.");
    page += fmt::format("medic_node_requests_refused_total {}\n", refused);
    return {.status = 200,
            .body = std::move(page),
            .content_type = "text/plain; version=0.0.4; charset=utf-8",
            .headers = {}};
}

}  // namespace medic
