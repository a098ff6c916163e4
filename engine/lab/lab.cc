#include "engine/lab/lab.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <random>
#include <thread>

#include "agent/base/url.h"
#include "agent/world/real/http_server.h"
#include "agent/world/real/kafka_client.h"
#include "agent/world/real/kafka_consumer.h"
#include "engine/common/rest_internal.h"
#include "engine/lab/processes.h"

namespace medic::engine::lab {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

constexpr auto ready_patience = std::chrono::seconds(60);  // For a starved machine; an idle one needs two or three.
constexpr auto ready_poll = std::chrono::milliseconds(50);
constexpr Duration stop_grace{3'000};

std::string url(const ProcessPlan& process, const char* port, const std::string& path) {
    return fmt::format("http://127.0.0.1:{}{}", process.ports.at(port), path);
}

// Polls until the check succeeds; its last error tells what was waited for.
Status wait_until(const LabPlan& plan, const std::string& what, const std::function<Status()>& check) {
    const auto deadline = std::chrono::steady_clock::now() + ready_patience;
    for (;;) {
        if (plan.options.interrupted && plan.options.interrupted())
            return fail(ErrorCode::unavailable, "interrupted while waiting for {}", what);
        const Status status = check();
        if (status || status.error().code == ErrorCode::invalid) return status;
        if (std::chrono::steady_clock::now() >= deadline) return wrap(status.error(), what + " not ready");
        std::this_thread::sleep_for(ready_poll);
    }
}

// A process that has ended won't become ready: its log says why.
Status all_live(const std::string& data_dir) {
    MEDIC_TRY(const LabState state, load_state(data_dir));
    for (const auto& [name, process] : state.processes) {
        if (process.id.pid != 0 && process.standing != Standing::stopped && !is_alive(process.id)) {
            return fail(ErrorCode::invalid, "{} has ended: see {}/logs/{}.log", name, data_dir, name);
        }
    }
    return {};
}

std::vector<std::string> bootstrap_of(const LabPlan& plan) {
    std::vector<std::string> addresses;
    for (const auto& process : plan.processes) {
        if (process.role == Role::broker) addresses.push_back(fmt::format("127.0.0.1:{}", process.ports.at("kafka")));
    }
    return addresses;
}

Status brokers_are_registered(const LabPlan& plan) {
    KafkaClient client(
        {.bootstrap = bootstrap_of(plan), .connect_timeout = Duration(500), .request_timeout = Duration(2'000)});
    return wait_until(plan, "brokers", [&]() -> Status {
        MEDIC_CHECK(all_live(plan.options.data_dir));
        client.forget_metadata();
        MEDIC_TRY(const KafkaBrokers cluster, client.brokers());
        if (static_cast<int>(cluster.brokers.size()) < plan.options.brokers || cluster.controller_id < 0) {
            return fail(ErrorCode::not_ready, "{} of {} brokers are registered", cluster.brokers.size(),
                        plan.options.brokers);
        }
        return {};
    });
}

// The first request for a coordinator creates the offsets topic; a job that starts meanwhile would fail once.
Status groups_are_served(const LabPlan& plan) {
    KafkaClient client(
        {.bootstrap = bootstrap_of(plan), .connect_timeout = Duration(500), .request_timeout = Duration(2'000)});
    return wait_until(plan, "group coordinator", [&]() -> Status {
        MEDIC_CHECK(fetch_committed(client, job_name, {{"fleet-events", 0}}));
        return {};
    });
}

Status taskmanagers_are_registered(const LabPlan& plan) {
    return wait_until(plan, "task managers", [&]() -> Status {
        MEDIC_CHECK(all_live(plan.options.data_dir));
        MEDIC_TRY(const json body, call_json({.url = url(plan.only(Role::jobmanager), "rest", "/taskmanagers")}));
        const std::size_t registered = member(body, "taskmanagers", json::array()).size();
        if (static_cast<int>(registered) < plan.options.taskmanagers) {
            return fail(ErrorCode::not_ready, "{} of {} task managers are registered", registered,
                        plan.options.taskmanagers);
        }
        return {};
    });
}

Status answers(const LabPlan& plan, Role role, const char* port, const std::string& path) {
    for (const auto& process : plan.processes) {
        if (process.role != role || (role == Role::taskmanager && !process.spare)) continue;
        const Status ready =
            wait_until(plan, process.name, [&] { return call_rest({.url = url(process, port, path)}); });
        if (!ready) return ready;
    }
    return {};
}

Status create_connectors(const LabPlan& plan) {
    const auto& worker = plan.only(Role::connect_worker);
    const auto confirm = plan.only(Role::workload).ports.at("confirm");
    const std::vector<std::pair<std::string, json>> connectors = {
        {"inventory-source",
         {{"connector.class", "GeneratorSource"},
          {"tasks.max", "1"},
          {"topic", "inventory"},
          {"rate", "200"},
          {"fields", "id=seq,server=pick:s-1|s-2|s-3,slots=int:1:48"}}},
        {"inventory-sink",
         {{"connector.class", "SqliteSink"},
          {"tasks.max", "1"},
          {"topics", "inventory"},
          {"value.converter", "org.apache.kafka.connect.json.JsonConverter"},
          {"value.converter.schemas.enable", "false"},
          {"value.required", "true"},
          {"db.path", plan.options.data_dir + "/inventory.db"},
          {"confirm.address", fmt::format("127.0.0.1:{}", confirm)}}}};
    for (const auto& [name, config] : connectors) {
        const HttpCall put = json_call("PUT", url(worker, "rest", "/connectors/" + name + "/config"), config);
        MEDIC_CHECK(wait_until(plan, "connector " + name, [&] { return call_rest(put); }));
    }
    return {};
}

Status start_workload(const LabPlan& plan, const Progress& progress) {
    MEDIC_CHECK(answers(plan, Role::workload, "control", "/stats"));
    MEDIC_CHECK(groups_are_served(plan));
    MEDIC_TRY(const std::string job_id, submit_job(plan, "v1", ""));
    MEDIC_CHECK(create_connectors(plan));
    MEDIC_CHECK(wait_until(plan, "job", [&]() -> Status {
        MEDIC_TRY(const json body, call_json({.url = url(plan.only(Role::jobmanager), "rest", "/jobs/" + job_id)}));
        if (member(body, "state", std::string()) != "RUNNING")
            return fail(ErrorCode::not_ready, "job is {}", member(body, "state", std::string("unknown")));
        return {};
    }));
    progress(fmt::format("job {} runs as {}, connectors are created", job_name, job_id));
    return {};
}

// All that a lab and the agent that watches it put into its folder, but for lab.json and its lock.
std::vector<std::string> entries_of(const LabPlan& plan) {
    std::vector<std::string> entries = {"token",
                                        "medic.yaml",
                                        "policy.yaml",
                                        "logs",
                                        "output",
                                        "savepoints",
                                        "agent",
                                        "ledger",
                                        "flink",
                                        "archive.txt",
                                        "inventory.db",
                                        "inventory.db-wal",
                                        "inventory.db-shm",
                                        "inventory.db-journal"};
    for (const auto& process : plan.processes) {
        if (process.role == Role::controller || process.role == Role::broker || process.role == Role::connect_worker)
            entries.push_back(process.name);
    }
    return entries;
}

// A lab takes a folder that is its own already, or one where nothing has the name of what it will write: down() removes
// that, and it would have been somebody's.
Status may_take_folder(const LabPlan& plan) {
    const std::string& dir = plan.options.data_dir;
    const auto existing = load_state(dir);
    if (!existing && existing.error().code == ErrorCode::invalid) return std::unexpected(existing.error());
    if (existing) {
        for (const auto& [name, process] : existing->processes) {
            if (is_alive(process.id))
                return fail(ErrorCode::not_ready, "a lab runs in {} already: 'medic lab down --data {}' ends it", dir,
                            dir);
        }
        return {};
    }
    std::error_code error;
    for (const std::string& entry : entries_of(plan)) {
        if (fs::exists(fs::symlink_status(fs::path(dir) / entry, error)))
            return fail(ErrorCode::invalid,
                        "{} is no lab's folder and holds {}, which a lab would write over: name a new folder, or an "
                        "empty one, with --data",
                        dir, entry);
    }
    return {};
}

Status make_folders(const std::string& data_dir) {
    std::error_code error;
    for (const char* folder : {"", "logs", "output", "savepoints", "agent"}) {
        fs::create_directories(fs::path(data_dir) / folder, error);
        if (error) return fail(ErrorCode::unavailable, "{}/{}: {}", data_dir, folder, error.message());
    }
    return {};
}

// Only what is the lab's, and the folder if nothing else is in it. What tells that a lab is there goes last: an error
// before can be tried again.
Status remove_files(const LabPlan& plan, const std::string& data_dir) {
    std::vector<std::string> entries = entries_of(plan);
    entries.insert(entries.end(), {"lab.json.new", "lab.json", "lab.lock"});
    std::error_code error;
    for (const std::string& entry : entries) {
        fs::remove_all(fs::path(data_dir) / entry, error);
        if (error) return fail(ErrorCode::unavailable, "{}/{}: {}", data_dir, entry, error.message());
    }
    // Fails where somebody's own files are left, rightly. A link is whoever's who made it.
    if (!fs::is_symlink(fs::symlink_status(data_dir, error))) fs::remove(data_dir, error);
    return {};
}

// Where lab.json can't be written any more it tells of processes that have ended: those don't matter here.
Status nothing_lives(const std::string& data_dir) {
    MEDIC_TRY(const LabState state, load_state(data_dir));
    for (const auto& [name, process] : state.processes) {
        if (is_alive(process.id))
            return fail(ErrorCode::outcome_unknown, "{} (pid {}) has not ended: try again", name, process.id.pid);
    }
    return {};
}

Status write_text(const std::string& path, const std::string& text, mode_t mode) {
    const int fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode);
    if (fd < 0) return fail(ErrorCode::unavailable, "{}: {}", path, std::strerror(errno));
    const bool written = ::write(fd, text.data(), text.size()) == static_cast<ssize_t>(text.size());
    ::close(fd);
    if (!written) return fail(ErrorCode::unavailable, "{}: could not be written", path);
    return {};
}

// `NAME TOKEN` per line: the name is who the journal says has acted.
std::string new_token_line() {
    std::random_device random;
    std::string token;
    for (int i = 0; i < 4; ++i) token += fmt::format("{:08x}", random());
    return "lab-operator " + token + "\n";
}

Status start_all(const LabPlan& plan, const Progress& progress) {
    for (const auto& process : plan.processes) {
        MEDIC_CHECK(
            start_process(plan.options.data_dir, process.name, process.spare ? Standing::spare : Standing::running));
        if (process.role == Role::broker || process.role == Role::controller) continue;
        if (process.role == Role::connect_worker) {  // First after the brokers: it and all that follow need them.
            MEDIC_CHECK(brokers_are_registered(plan));
            progress(fmt::format("{} brokers are registered", plan.options.brokers));
        }
    }
    MEDIC_CHECK(answers(plan, Role::connect_worker, "rest", "/connectors"));
    progress("the Connect worker answers");
    MEDIC_CHECK(taskmanagers_are_registered(plan));
    MEDIC_CHECK(answers(plan, Role::taskmanager, "control", "/status"));
    progress(
        fmt::format("{} task managers are registered, {} in reserve", plan.options.taskmanagers, plan.options.spares));
    if (plan.options.with_workload) MEDIC_CHECK(start_workload(plan, progress));
    return {};
}

}  // namespace

Result<std::string> submit_job(const LabPlan& plan, const std::string& version, const std::string& restore_from) {
    const auto& manager = plan.only(Role::jobmanager);
    const std::string artifact = job_artifact(plan, version);
    MEDIC_TRY(const json uploaded, call_json({.method = "POST",
                                              .url = url(manager, "rest", "/jars/upload"),
                                              .uploads = {{"jarfile", artifact, fs::path(artifact).filename().string(),
                                                           "application/java-archive"}},
                                              .timeout = Duration(30'000)}));
    const std::string jar = fs::path(member(uploaded, "filename", std::string())).filename().string();
    json body = {{"programArgsList", job_arguments(plan)}, {"parallelism", plan.options.workload.job_parallelism}};
    if (!restore_from.empty()) body["savepointPath"] = restore_from;
    MEDIC_TRY(const json started,
              call_json(json_call("POST", url(manager, "rest", "/jars/" + url_encode(jar) + "/run"), body)));
    return member(started, "jobid", std::string());
}

Status up(const LabOptions& options, const Progress& progress) {
    MEDIC_TRY(const LabPlan plan, make_plan(options, lasting_port));
    const std::string& dir = options.data_dir;
    MEDIC_CHECK(may_take_folder(plan));
    MEDIC_CHECK(make_folders(dir));
    MEDIC_CHECK(save_new_state({.plan = plan}));  // From here on the folder is a lab's.
    MEDIC_CHECK(write_text(dir + "/token", new_token_line(), 0600));
    MEDIC_CHECK(write_text(dir + "/medic.yaml", medic_yaml(plan), 0644));
    MEDIC_CHECK(write_text(dir + "/policy.yaml", policy_yaml(), 0644));
    progress("time-outs: " + describe(options.profile));
    if (Status status = start_all(plan, progress); !status) {
        (void)down(dir, Leave::files);
        return wrap(status.error(), fmt::format("the lab did not come up (logs in {}/logs)", dir));
    }
    return {};
}

Status down(const std::string& data_dir, Leave leave) {
    MEDIC_TRY(const LabState state, load_state(data_dir));
    // An agent that still watches would start again what goes. On a full disk it can't be noted.
    (void)update_state(data_dir, [](LabState& closing) -> Status {
        closing.closing = true;
        return {};
    });
    // The workload first, so that nobody produces into brokers that go; the controller last, so that brokers can leave
    // in order. What becomes of one is nothing to the others.
    Status first;
    for (auto process = state.plan.processes.rbegin(); process != state.plan.processes.rend(); ++process) {
        const Status stopped = stop_process(data_dir, process->name, stop_grace);
        if (first && !stopped) first = stopped;
    }
    const Status gone = nothing_lives(data_dir);
    if (first && !gone) first = gone;
    // With its files goes what could not be noted in them.
    return leave == Leave::nothing && gone ? remove_files(state.plan, data_dir) : first;
}

std::string render_status(const LabState& state) {
    std::string text = fmt::format("{:<12} {:<15} {:<9} {:>8}  {}\n", "node", "role", "state", "pid", "ports");
    for (const auto& plan : state.plan.processes) {
        const auto found = state.processes.find(plan.name);
        const bool alive = found != state.processes.end() && is_alive(found->second.id);
        std::string standing = alive ? to_string(found->second.standing) : "gone";
        if (alive && process_state(found->second.id) == 'T') standing = "frozen";
        std::string ports;
        for (const auto& [name, port] : plan.ports) ports += fmt::format("{}={} ", name, port);
        text += fmt::format("{:<12} {:<15} {:<9} {:>8}  {}\n", plan.name, to_string(plan.role), standing,
                            alive ? std::to_string(found->second.id.pid) : "-", ports);
    }
    return text;
}

}  // namespace medic::engine::lab
