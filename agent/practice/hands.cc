#include "agent/practice/hands.h"

#include <signal.h>

#include <algorithm>
#include <charconv>
#include <future>
#include <mutex>

#include "agent/api/json_internal.h"
#include "agent/base/foreign_json_internal.h"
#include "agent/collectors/node/node_collector.h"
#include "agent/collectors/process/process.h"
#include "agent/world/real/clock.h"
#include "agent/world/real/command.h"
#include "agent/world/real/process_handle.h"
#include "agent/world/real/reactor.h"
#include "agent/world/real/worker.h"

namespace medic::practice {

using DriverKind = NodeDriverConfig::Kind;

struct Hands::State {
    explicit State(HandsParts given) : parts(std::move(given)), fetcher(reactor, {.access = parts.access}) {
        for (auto& [name, doors] : parts.doors) doors.sender = "drill";
        world = std::make_unique<RealWorld>(reactor, fetcher, parts.doors, [this](OperationReply reply) {
            const std::lock_guard guard(mutex);
            const auto waiting = replies.find(reply.key);
            if (waiting != replies.end()) waiting->second.set_value(std::move(reply.detail));
        });
        io.post([this] { reactor.run(); });
    }
    ~State() {
        reactor.stop();
        io.stop();
    }
    State(const State&) = delete;
    State& operator=(const State&) = delete;

    // Runs `begin` on the reactor's thread and waits for what it hands to its argument. Every reader has a time-out of
    // its own, so that an answer always comes.
    template <class T, class Begin>
    T wait(Begin begin) {
        auto promise = std::make_shared<std::promise<T>>();
        auto future = promise->get_future();
        reactor.post([promise, begin] { begin([promise](T value) { promise->set_value(std::move(value)); }); });
        return future.get();
    }

    HandsParts parts;
    Reactor reactor;
    HttpFetcher fetcher;
    std::unique_ptr<RealWorld> world;
    std::mutex mutex;
    std::map<std::string, std::promise<Result<std::string>>> replies;
    int sent = 0;
    Worker io{"drill-io", 4};
};

namespace {

std::optional<bool> flag_in(const Observation& seen, std::string_view name, const std::string& node) {
    for (const auto& [labels, value] : seen.samples)
        if (labels.name() == name && labels.get("node") == node) return value != 0;
    return std::nullopt;
}

NodeSight sight_of(const Observation& seen, const std::string& cluster, const std::string& node) {
    NodeSight sight{.up = flag_in(seen, "process_up", node),
                    .stopped = flag_in(seen, "process_stopped", node),
                    .spare = {},
                    .pid = 0,
                    .start_time = 0,
                    .start_told = false,
                    .problem = seen.error};
    for (const auto& [labels, value] : seen.samples)
        if (labels.name() == "process_start_time_seconds" && labels.get("node") == node) sight.start_time = value;
    const auto found = seen.attributes.find({cluster, "node", node});
    if (found == seen.attributes.end()) return sight;
    if (const auto spare = found->second.find("spare"); spare != found->second.end())
        sight.spare = spare->second == "true";
    if (const auto pid = found->second.find("pid"); pid != found->second.end())
        std::from_chars(pid->second.data(), pid->second.data() + pid->second.size(), sight.pid);
    return sight;
}

// Whether what it printed is surely about a process of this host: it names its start, which the kernel here confirms,
// or it is this host's own systemd.
bool tells_start(const NodeConfig& node, const std::string& printed) {
    if (node.driver.kind == DriverKind::systemd) {
        const auto status = node.driver.commands.find("status");
        return status != node.driver.commands.end() && status->second.front() == "systemctl" &&
               std::ranges::none_of(status->second, [](const std::string& argument) {
                   return argument.starts_with("-H") || argument.starts_with("--host") || argument.starts_with("-M") ||
                          argument.starts_with("--machine");
               });
    }
    const Json document = foreign_json(printed);
    const auto start = document.is_object() ? document.find("start_time") : document.end();
    return document.is_object() && start != document.end() && start->is_number() && start->get<double>() > 0;
}

}  // namespace

Hands::Hands(HandsParts parts) : state_(std::make_unique<State>(std::move(parts))) {}
Hands::~Hands() = default;

NodeSight Hands::look(const std::string& name) {
    const NodeConfig* node = state_->parts.cluster.node(name);
    if (node == nullptr) return {.problem = name + " is not in the configuration"};
    return node->driver.kind == DriverKind::agent ? ask_sidecar(*node) : look_here(*node);
}

NodeSight Hands::look_here(const NodeConfig& node) {
    ProcessCollectorOptions options = process_options_of(state_->parts.cluster);
    std::erase_if(options.nodes, [&](const WatchedNode& one) { return one.name != node.name; });
    for (WatchedNode& one : options.nodes) one.disks.clear();
    ProcessCollector collector(std::move(options));
    std::string printed;
    for (const StatusAsk& ask : collector.due(read_clock().wall)) {
        auto reply = state_->wait<Result<CommandReply>>(
            [this, ask](auto done) { run_command(state_->reactor, {.argv = ask.argv, .timeout = ask.timeout}, done); });
        Result<std::string> output = reply ? Result<std::string>(reply->output) : std::unexpected(reply.error());
        if (reply && reply->exit_code != 0)
            output = fail(ErrorCode::unavailable, "its status command ended with {}", reply->exit_code);
        if (output) printed = *output;
        collector.answer(ask.node, output, read_clock().wall);
    }
    NodeSight sight = sight_of(collector.look(read_clock().wall), state_->parts.cluster.name, node.name);
    sight.start_told = tells_start(node, printed);
    return sight;
}

NodeSight Hands::ask_sidecar(const NodeConfig& node) {
    const ClusterConfig& cluster = state_->parts.cluster;
    for (NodeCollectorOptions& options : sidecars_of(cluster)) {
        if (options.url != node.driver.url) continue;
        NodeCollector collector(std::move(options));
        for (const HttpAsk& ask : collector.begin(read_clock().wall)) {
            FetchRequest request;
            request.url = ask.url;
            request.cluster = cluster.name;
            if (ask.timeout.count() > 0) request.timeout = ask.timeout;
            if (ask.bytes_max > 0) request.body_bytes_max = ask.bytes_max;
            const auto reply =
                state_->wait<Result<FetchReply>>([this, request](auto done) { state_->fetcher.fetch(request, done); });
            Result<HttpAnswer> answer = std::unexpected(reply ? Error{} : reply.error());
            if (reply) answer = HttpAnswer{reply->status, reply->content_type, reply->body};
            (void)collector.answer(ask, answer);
        }
        return sight_of(collector.finish(), cluster.name, node.name);
    }
    return {.problem = "no sidecar is configured for " + node.name};
}

Status Hands::send(OperationBody body, const std::string& node) {
    const NodeConfig* config = state_->parts.cluster.node(node);
    if (config == nullptr) return fail(ErrorCode::invalid, "{} is not in the configuration", node);
    Operation operation{.key = fmt::format("{}/{}/{}", state_->parts.id, read_clock().wall.unix_ms, ++state_->sent),
                        .cluster = state_->parts.cluster.name,
                        .body = std::move(body),
                        .timeout = config->driver.command_timeout};
    std::future<Result<std::string>> reply;
    {
        const std::lock_guard guard(state_->mutex);
        reply = state_->replies[operation.key].get_future();
    }
    state_->world->send(std::move(operation));
    const Result<std::string> said = reply.get();  // RealWorld answers every operation, time-outs included.
    if (!said) return std::unexpected(said.error());
    return {};
}

Status Hands::kill(const std::string& node) { return send(KillNode{node}, node); }
Status Hands::start(const std::string& node, bool as_spare) { return send(StartNode{node, as_spare}, node); }
Status Hands::freeze(const UndoRecord& record) { return signal(record, SIGSTOP); }
Status Hands::thaw(const UndoRecord& record) { return signal(record, SIGCONT); }

// Held first, looked at then: what is signalled is what was seen.
Status Hands::signal(const UndoRecord& record, int number) {
    MEDIC_TRY(const ProcessHandle handle, ProcessHandle::open(record.pid));
    const NodeSight seen = look(record.node);
    if (!is_same_process(record, seen))
        return fail(ErrorCode::unavailable, "the process of {} is another one by now, or gone", record.node);
    if (!seen.start_told)
        return fail(ErrorCode::invalid,
                    "{}: its `status` does not tell `start_time`, so that it is not sure whose process {} is",
                    record.node, record.pid);
    return handle.signal(number);
}

}  // namespace medic::practice
