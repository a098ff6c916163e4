#include "engine/lab/processes.h"

#include <signal.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "agent/world/real/http_client.h"

namespace medic::engine::lab {
namespace {

constexpr Duration kill_patience{5'000};

Result<const ProcessPlan*> plan_of(const LabState& state, const std::string& name) {
    if (const ProcessPlan* plan = state.plan.find(name)) return plan;
    return fail(ErrorCode::invalid, "no node {} in {}: see 'medic lab status'", name, state.plan.options.data_dir);
}

// A warm spare becomes a member: it only has to register.
Status activate(const ProcessPlan& plan) {
    HttpClient client;
    const auto reply = client.perform(
        {.method = "POST", .url = fmt::format("http://127.0.0.1:{}/activate", plan.ports.at("control"))});
    if (!reply) return wrap(reply.error(), "activate " + plan.name);
    if (reply->status != 200)
        return fail(ErrorCode::not_ready, "activate {}: HTTP {}: {}", plan.name, reply->status, reply->body);
    return {};
}

Status spawn_into(LabState& state, const ProcessPlan& plan, Standing wanted) {
    const bool as_spare = wanted == Standing::spare;
    if (as_spare && plan.spare_argv.empty())
        return fail(ErrorCode::invalid, "{}: a {} can't be a spare", plan.name, to_string(plan.role));
    const std::string& data_dir = state.plan.options.data_dir;
    MEDIC_TRY(const ProcessId id, spawn({.argv = as_spare ? plan.spare_argv : plan.argv,
                                         .log_file = fmt::format("{}/logs/{}.log", data_dir, plan.name),
                                         .working_directory = data_dir,
                                         .session = ProcessSpec::Session::own}));
    state.processes[plan.name] = {id, wanted};
    return {};
}

std::vector<pid_t> children_of(pid_t parent) {
    std::ifstream in(fmt::format("/proc/{0}/task/{0}/children", parent));
    std::vector<pid_t> children;
    for (pid_t child = 0; in >> child;) children.push_back(child);
    return children;
}

std::vector<std::string> command_line(pid_t pid) {
    std::ifstream in(fmt::format("/proc/{}/cmdline", pid));
    std::vector<std::string> argv;
    for (std::string argument; std::getline(in, argument, '\0');) argv.push_back(argument);
    return argv;
}

std::string option(const std::vector<std::string>& argv, const std::string& name) {
    for (std::size_t i = 0; i + 1 < argv.size(); ++i) {
        if (argv[i] == name) return argv[i + 1];
    }
    return {};
}

// Seconds since the epoch, from clock ticks since boot.
double start_time(const ProcessId& id) {
    std::ifstream in("/proc/stat");
    for (std::string word; in >> word;) {
        if (word != "btime") continue;
        double booted = 0;
        in >> booted;
        return booted + static_cast<double>(id.start_ticks) / static_cast<double>(::sysconf(_SC_CLK_TCK));
    }
    return 0;
}

}  // namespace

Status start_process(const std::string& data_dir, const std::string& name, Standing wanted) {
    return update_state(data_dir, [&](LabState& state) -> Status {
        MEDIC_TRY(const ProcessPlan* plan, plan_of(state, name));
        if (state.closing)
            return fail(ErrorCode::not_ready, "{}: the lab in {} is being ended: 'medic lab up --data {}' starts one",
                        name, data_dir, data_dir);
        ProcessState& process = state.processes[name];
        if (!is_alive(process.id)) return spawn_into(state, *plan, wanted);
        if (wanted == Standing::running && process.standing == Standing::spare) {
            MEDIC_CHECK(activate(*plan));
            process.standing = Standing::running;
        }
        return {};
    });
}

Status stop_process(const std::string& data_dir, const std::string& name, Duration grace) {
    return update_state(data_dir, [&](LabState& state) -> Status {
        MEDIC_CHECK(plan_of(state, name));
        ProcessState& process = state.processes[name];
        if (is_alive(process.id)) {
            (void)send_signal(process.id, SIGCONT);  // A stopped process can't end by itself.
            terminate(process.id, grace);
        }
        process.standing = Standing::stopped;
        return {};
    });
}

Status kill_process(const std::string& data_dir, const std::string& name) {
    return update_state(data_dir, [&](LabState& state) -> Status {
        MEDIC_CHECK(plan_of(state, name));
        ProcessState& process = state.processes[name];
        process.standing = Standing::stopped;
        if (!is_alive(process.id)) return {};
        MEDIC_CHECK(send_signal(process.id, SIGKILL));
        if (!wait_gone(process.id, kill_patience))
            return fail(ErrorCode::outcome_unknown, "{}: pid {} still exists after SIGKILL", name, process.id.pid);
        return {};
    });
}

Status signal_process(const std::string& data_dir, const std::string& name, int signal) {
    MEDIC_TRY(const LabState state, load_state(data_dir));
    MEDIC_CHECK(plan_of(state, name));
    const auto found = state.processes.find(name);
    if (found == state.processes.end()) return fail(ErrorCode::not_ready, "{}: never started", name);
    return send_signal(found->second.id, signal);
}

Status take_descriptors(const std::string& data_dir, const std::string& name, const std::string& idle) {
    MEDIC_TRY(const LabState state, load_state(data_dir));
    const auto alive = [&](const std::string& one) -> Result<pid_t> {
        const auto found = state.processes.find(one);
        if (found == state.processes.end() || !is_alive(found->second.id))
            return fail(ErrorCode::not_ready, "{}: not running", one);
        return found->second.id.pid;
    };
    MEDIC_TRY(const pid_t victim, alive(name));
    MEDIC_TRY(const pid_t like, alive(idle));
    std::error_code error;
    rlim_t open = 0;
    for (std::filesystem::directory_iterator at(fmt::format("/proc/{}/fd", like), error), end; !error && at != end;
         at.increment(error))
        ++open;
    if (error || open == 0) return fail(ErrorCode::unavailable, "descriptors of {}: {}", idle, error.message());
    const rlimit limit{open, open};
    if (::prlimit(victim, RLIMIT_NOFILE, &limit, nullptr) != 0)
        return fail(ErrorCode::unavailable, "limit the descriptors of {}: {}", name, strerror(errno));
    return {};
}

std::vector<TaskProcess> tasks_of(const ProcessId& worker) {
    std::vector<TaskProcess> tasks;
    for (const pid_t pid : children_of(worker.pid)) {
        const auto argv = command_line(pid);
        const std::string connector = option(argv, "--connector"), task = option(argv, "--task");
        const auto id = find_process(pid);
        if (connector.empty() || task.empty() || !id) continue;
        tasks.push_back({connector, std::atoi(task.c_str()), *id});
    }
    return tasks;
}

Status kill_task(const std::string& data_dir, const std::string& worker, const std::string& connector, int task) {
    MEDIC_TRY(const LabState state, load_state(data_dir));
    MEDIC_CHECK(plan_of(state, worker));
    const auto found = state.processes.find(worker);
    if (found == state.processes.end() || !is_alive(found->second.id))
        return fail(ErrorCode::not_ready, "{}: not running", worker);
    bool killed = false;
    for (const TaskProcess& process : tasks_of(found->second.id)) {  // One that was left behind, too.
        if (process.connector != connector || process.task != task) continue;
        MEDIC_CHECK(send_signal(process.id, SIGKILL));
        if (!wait_gone(process.id, kill_patience))
            return fail(ErrorCode::outcome_unknown, "{}/{}: pid {} still exists after SIGKILL", connector, task,
                        process.id.pid);
        killed = true;
    }
    if (killed) return {};
    return fail(ErrorCode::not_ready, "{}: no process of task {}/{}", worker, connector, task);
}

std::string status_json(const LabState& state, const std::string& name) {
    nlohmann::json body = {{"node", name}, {"pid", 0}, {"state", "stopped"}};
    const auto found = state.processes.find(name);
    if (found != state.processes.end() && is_alive(found->second.id)) {
        const ProcessState& process = found->second;
        body["pid"] = process.id.pid;
        body["start_time"] = start_time(process.id);
        body["state"] = process_state(process.id) == 'T' ? "frozen" : "running";
        body["spare"] = process.standing == Standing::spare;
        for (const TaskProcess& task : tasks_of(process.id)) {
            body["tasks"].push_back({{"connector", task.connector}, {"task", task.task}, {"pid", task.id.pid}});
        }
    }
    return body.dump();
}

}  // namespace medic::engine::lab
