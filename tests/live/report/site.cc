#include "tests/live/report/site.h"

#include <fmt/format.h>
#include <sys/resource.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <thread>

#include "agent/base/flink_state.h"
#include "agent/wire/messages/cluster.h"
#include "agent/wire/messages/placement.h"
#include "engine/common/process.h"
#include "engine/common/rest_internal.h"
#include "engine/lab/processes.h"
#include "engine/lab/state.h"
#include "tests/live/nodes.h"

namespace medic::live {
namespace {

namespace fs = std::filesystem;
namespace lab = engine::lab;
using engine::call_json;
using engine::member;
using lab::Role;
using nlohmann::json;

constexpr auto poll = std::chrono::milliseconds(500);
constexpr auto job_patience = std::chrono::seconds(90);
constexpr auto flow_look = std::chrono::seconds(3);
constexpr std::uint64_t checkpoints_wanted = 2;
constexpr const char* connectors[] = {"inventory-source", "inventory-sink", "audit-sink"};

// The newest complete checkpoint or savepoint below the session cluster's folders; empty: none.
std::string newest_snapshot(const std::string& data_dir) {
    std::string newest;
    fs::file_time_type at{};
    std::error_code error;
    for (const char* folder : {"checkpoints", "savepoints"}) {
        fs::recursive_directory_iterator files(data_dir + "/data/flink-session/" + folder,
                                               fs::directory_options::skip_permission_denied, error);
        for (; !error && files != fs::recursive_directory_iterator(); files.increment(error)) {
            if (files->path().filename() != "_metadata") continue;
            const auto written = files->last_write_time(error);
            if (!error && (newest.empty() || written > at)) newest = files->path().parent_path().string(), at = written;
        }
    }
    return newest;
}

}  // namespace

Result<std::unique_ptr<Site>> Site::open(const std::string& data_dir) {
    MEDIC_TRY(lab::LabState state, lab::load_state(data_dir));
    std::unique_ptr<Site> site(new Site(std::move(state.plan)));
    KafkaClientOptions options{.client_id = "live-report", .request_timeout = Duration(5'000)};
    for (const auto& process : site->plan_.processes)
        if (process.role == Role::broker)
            options.bootstrap.push_back(fmt::format("127.0.0.1:{}", process.ports.at("kafka")));
    site->kafka_ = std::make_unique<KafkaClient>(options);
    for (const FlowName name : {FlowName::totals, FlowName::audit, FlowName::inventory}) {
        MEDIC_TRY(site->flows_[name], start_flow(name, site->plan_));
    }
    return site;
}

std::string Site::url(const std::string& node, const std::string& path) const {
    const auto* process = plan_.find(node);
    const std::uint16_t port = process != nullptr && process->ports.contains("rest") ? process->ports.at("rest") : 0;
    return fmt::format("http://127.0.0.1:{}{}", port, path);
}

Status Site::node(const std::string& action, const std::string& name) const {
    return call_node({.action = action, .data_dir = data_dir(), .node = name});
}

bool Site::lives(const std::string& node) const {
    const auto state = lab::load_state(data_dir());
    const auto found = state ? state->processes.find(node) : decltype(state->processes.end()){};
    return state && found != state->processes.end() && engine::is_alive(found->second.id);
}

Status Site::limit_descriptors(std::uint64_t most) const {
    MEDIC_TRY(const auto state, lab::load_state(data_dir()));
    for (const auto& process : plan_.processes) {
        const auto found = state.processes.find(process.name);
        if (process.role != Role::taskmanager || found == state.processes.end()) continue;
        rlimit limit{};
        const pid_t pid = found->second.id.pid;
        if (!engine::is_alive(found->second.id) || prlimit(pid, RLIMIT_NOFILE, nullptr, &limit) != 0) continue;
        limit.rlim_cur = std::min<rlim_t>(most, limit.rlim_max);
        if (prlimit(pid, RLIMIT_NOFILE, &limit, nullptr) != 0)
            return fail(ErrorCode::unavailable, "{}: its limit of descriptors can't be set", process.name);
    }
    return {};
}

Result<std::int32_t> Site::active_controller() const {
    kafka_->forget_metadata();
    wire::DescribeQuorumRequest request;
    request.topics.push_back({"__cluster_metadata", {{0}}});
    // A broker without KRaft says so; there the metadata names the controller.
    if (const auto quorum = kafka_->call(KafkaTarget::any(), request);
        quorum && !quorum->topics.empty() && !quorum->topics.front().partitions.empty())
        return quorum->topics.front().partitions.front().leader_id;
    MEDIC_TRY(const KafkaBrokers cluster, kafka_->brokers());
    return cluster.controller_id;
}

Result<JobView> Site::job() const {
    MEDIC_TRY(const json body, call_json({.url = url("jobmanager", "/jobs/overview")}));
    std::optional<json> newest;
    for (const json& job : member(body, "jobs", json::array()))
        if (member(job, "name", std::string()) == job_name &&
            (!newest || member(job, "start-time", 0LL) > member(*newest, "start-time", 0LL)))
            newest = job;
    if (!newest) return fail(ErrorCode::not_ready, "the job manager knows no job {}", job_name);
    return JobView{member(*newest, "jid", std::string()), member(*newest, "state", std::string())};
}

Result<std::uint64_t> Site::completed_checkpoints() const {
    MEDIC_TRY(const JobView view, job());
    MEDIC_TRY(const json body, call_json({.url = url("jobmanager", "/jobs/" + view.id + "/checkpoints")}));
    return member(member(body, "counts", json::object()), "completed", std::uint64_t{0});
}

Result<std::string> Site::working_taskmanager() const {
    MEDIC_TRY(const json body, call_json({.url = url("jobmanager", "/taskmanagers")}));
    for (const json& one : member(body, "taskmanagers", json::array())) {
        if (member(one, "freeSlots", -1) >= member(one, "slotsNumber", 0)) continue;
        // "pekko.tcp://flink@127.0.0.1:29450/user/rpc/taskmanager_0": the port tells the node.
        const std::string path = member(one, "path", std::string());
        for (const auto& process : plan_.processes)
            if (process.role == Role::taskmanager &&
                path.find(fmt::format(":{}/", process.ports.at("rpc"))) != std::string::npos)
                return process.name;
    }
    return fail(ErrorCode::not_ready, "no task manager runs subtasks");
}

Result<std::string> Site::stop_with_savepoint() const {
    MEDIC_TRY(const JobView view, job());
    MEDIC_TRY(const json begun, call_json(engine::json_call("POST", url("jobmanager", "/jobs/" + view.id + "/stop"),
                                                            {{"drain", false}})));
    const std::string trigger = member(begun, "request-id", std::string());
    const auto deadline = std::chrono::steady_clock::now() + job_patience;
    while (std::chrono::steady_clock::now() < deadline) {
        MEDIC_TRY(const json status,
                  call_json({.url = url("jobmanager", "/jobs/" + view.id + "/savepoints/" + trigger)}));
        const std::string path = member(member(status, "operation", json::object()), "location", std::string());
        if (!path.empty()) return path;
        if (member(member(status, "status", json::object()), "id", std::string()) == "COMPLETED")
            return fail(ErrorCode::unavailable, "no savepoint: {}", status.dump());
        std::this_thread::sleep_for(poll);
    }
    return fail(ErrorCode::unavailable, "the savepoint is not done");
}

Status Site::deploy(const std::string& version, const std::vector<std::string>& options) const {
    MEDIC_TRY(const std::string savepoint, stop_with_savepoint());
    MEDIC_CHECK(submit_job(data_dir(), {.savepoint = savepoint, .version = version, .options = options}));
    return {};
}

Status Site::cancel_jobs() const {
    MEDIC_TRY(const json body, call_json({.url = url("jobmanager", "/jobs/overview")}));
    std::vector<std::string> ids;
    for (const json& job : member(body, "jobs", json::array()))
        if (member(job, "name", std::string()) == job_name &&
            !is_terminal_job_state(member(job, "state", std::string())))
            ids.push_back(member(job, "jid", std::string()));
    for (const std::string& id : ids)
        (void)call_json({.method = "PATCH", .url = url("jobmanager", "/jobs/" + id + "?mode=cancel")});
    const auto deadline = std::chrono::steady_clock::now() + job_patience;
    while (std::chrono::steady_clock::now() < deadline) {
        const auto view = job();
        if (ids.empty() || !view || is_terminal_job_state(view->state)) return {};
        std::this_thread::sleep_for(poll);
    }
    return fail(ErrorCode::unavailable, "the job cannot be cancelled");
}

Status Site::deploy_usual() const {
    MEDIC_CHECK(cancel_jobs());
    MEDIC_CHECK(submit_job(data_dir(), {.savepoint = newest_snapshot(data_dir())}));
    return {};
}

Result<std::string> Site::connect_address() const {
    for (const auto& process : plan_.processes)
        if (process.role == Role::connect_worker && lives(process.name)) return url(process.name, "");
    return fail(ErrorCode::unavailable, "no Connect worker lives");
}

Result<std::string> Site::worker_with_task(const std::string& connector) const {
    MEDIC_TRY(const std::string any, connect_address());
    MEDIC_TRY(const json status, call_json({.url = fmt::format("{}/connectors/{}/status", any, connector)}));
    for (const json& task : member(status, "tasks", json::array())) {
        const std::string worker = member(task, "worker_id", std::string());
        for (const auto& process : plan_.processes)
            if (process.role == Role::connect_worker && worker == fmt::format("127.0.0.1:{}", process.ports.at("rest")))
                return process.name;
    }
    return fail(ErrorCode::not_ready, "no worker runs a task of {}", connector);
}

Status Site::restart_failed_tasks() const {
    MEDIC_TRY(const std::string worker, connect_address());
    for (const char* connector : connectors)
        MEDIC_CHECK(engine::call_rest(
            {.method = "POST",
             .url = fmt::format("{}/connectors/{}/restart?includeTasks=true&onlyFailed=true", worker, connector)}));
    return {};
}

Status Site::configure(const std::string& connector, const std::map<std::string, std::string>& changed) const {
    MEDIC_TRY(const std::string worker, connect_address());
    const std::string address = fmt::format("{}/connectors/{}/config", worker, connector);
    MEDIC_TRY(json config, call_json({.url = address}));
    for (const auto& [key, value] : changed) {
        if (value.empty())
            config.erase(key);
        else
            config[key] = value;
    }
    return engine::call_rest(engine::json_call("PUT", address, config));
}

Status Site::mend_nodes() const {
    MEDIC_TRY(const lab::LabState state, lab::load_state(data_dir()));
    for (const auto& process : plan_.processes) {
        const auto found = state.processes.find(process.name);
        const bool alive = found != state.processes.end() && engine::is_alive(found->second.id);
        if (alive && engine::process_state(found->second.id) == 'T') MEDIC_CHECK(node("thaw", process.name));
        if (!alive)
            MEDIC_CHECK(lab::start_process(data_dir(), process.name,
                                           process.spare ? lab::Standing::spare : lab::Standing::running));
    }
    return {};
}

Status Site::mend_job() const {
    const auto view = job();
    const bool answers = call_json({.url = url("jobmanager", "/overview")}).has_value();
    if (!answers) return fail(ErrorCode::not_ready, "the job manager does not answer");
    if (!view || is_terminal_job_state(view->state)) {
        MEDIC_TRY(const json registered, call_json({.url = url("jobmanager", "/taskmanagers")}));
        if (static_cast<int>(member(registered, "taskmanagers", json::array()).size()) < plan_.options.taskmanagers)
            return fail(ErrorCode::not_ready, "too few task managers for the job");
        MEDIC_CHECK(submit_job(data_dir(), {.savepoint = newest_snapshot(data_dir())}));
        return fail(ErrorCode::not_ready, "the job was started again");
    }
    if (view->state != "RUNNING") return fail(ErrorCode::not_ready, "the job is {}", view->state);
    return {};
}

Status Site::tasks_run() const {
    MEDIC_TRY(const std::string worker, connect_address());
    for (const char* connector : connectors) {
        MEDIC_TRY(const json status, call_json({.url = fmt::format("{}/connectors/{}/status", worker, connector)}));
        const json tasks = member(status, "tasks", json::array());
        if (tasks.empty()) return fail(ErrorCode::not_ready, "{} has no task", connector);
        for (const json& task : tasks)
            if (member(task, "state", std::string()) != "RUNNING")
                return fail(ErrorCode::not_ready, "a task of {} is {}", connector,
                            member(task, "state", std::string()));
    }
    return {};
}

Status Site::replicas_in_sync() const {
    kafka_->forget_metadata();
    MEDIC_TRY(const KafkaBrokers cluster, kafka_->brokers());
    if (static_cast<int>(cluster.brokers.size()) < plan_.options.brokers)
        return fail(ErrorCode::not_ready, "{} of {} brokers are registered", cluster.brokers.size(),
                    plan_.options.brokers);
    MEDIC_TRY(const auto metadata, kafka_->metadata(std::nullopt));
    for (const auto& topic : metadata.topics)
        for (const auto& partition : topic.partitions)
            if (partition.isr.size() < partition.replicas.size())
                return fail(ErrorCode::not_ready, "{}-{} is under-replicated", topic.name.value_or(""),
                            partition.partition);
    return {};
}

Result<bool> Site::preferred_leaders_lead() const {
    kafka_->forget_metadata();
    MEDIC_TRY(const auto metadata, kafka_->metadata(std::nullopt));
    for (const auto& topic : metadata.topics)
        for (const auto& partition : topic.partitions)
            if (!partition.replicas.empty() && partition.leader_id != partition.replicas.front()) return false;
    return true;
}

Status Site::elect_preferred_leaders() const {
    wire::ElectLeadersRequest request;  // Without topics: all of them.
    MEDIC_TRY(const auto answer, kafka_->call(KafkaTarget::controller(), request));
    return wire::check(answer.error, "elect the preferred leaders");
}

Status Site::settle(Duration patience) {
    const auto deadline = std::chrono::steady_clock::now() + patience;
    std::optional<std::uint64_t> checkpoints;
    Status missing;
    const auto ready = [&]() -> Status {
        MEDIC_CHECK(mend_nodes());
        MEDIC_CHECK(replicas_in_sync());
        MEDIC_CHECK(mend_job());
        if (const Status tasks = tasks_run(); !tasks) {
            (void)restart_failed_tasks();
            return tasks;
        }
        MEDIC_TRY(const std::uint64_t completed, completed_checkpoints());
        if (!checkpoints || completed < *checkpoints) checkpoints = completed;
        if (completed < *checkpoints + checkpoints_wanted) return fail(ErrorCode::not_ready, "no checkpoint completes");
        std::map<FlowName, std::uint64_t> before;
        for (const auto& [name, flow] : flows_) before[name] = flow->count();
        std::this_thread::sleep_for(flow_look);
        for (const auto& [name, flow] : flows_)
            if (flow->count() == before.at(name))
                return fail(ErrorCode::not_ready, "nothing comes to {}", to_string(name));
        return {};
    };
    for (;;) {
        missing = ready();
        if (missing) return {};
        if (std::chrono::steady_clock::now() >= deadline) return wrap(missing.error(), "the platform does not settle");
        std::this_thread::sleep_for(poll * 2);
    }
}

}  // namespace medic::live
