#include "engine/lab/state.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

namespace medic::engine::lab {
namespace {

using nlohmann::json;

constexpr int schema = 1;

// Holds DIR/lab.lock for as long as it lives.
class Lock {
public:
    explicit Lock(const std::string& data_dir)
        : fd_(::open((data_dir + "/lab.lock").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644)) {
        if (fd_ >= 0) ::flock(fd_, LOCK_EX);
    }
    ~Lock() {
        if (fd_ >= 0) ::close(fd_);
    }
    Lock(const Lock&) = delete;
    Lock& operator=(const Lock&) = delete;
    [[nodiscard]] bool held() const { return fd_ >= 0; }

private:
    int fd_;
};

json write_options(const LabOptions& options) {
    return {{"data_dir", options.data_dir},
            {"program", options.program},
            {"profile",
             {{"name", options.profile.name},
              {"kafka", options.profile.kafka},
              {"connect", options.profile.connect},
              {"flink", options.profile.flink}}},
            {"brokers", options.brokers},
            {"taskmanagers", options.taskmanagers},
            {"spares", options.spares},
            {"slots", options.slots},
            {"log_dir_capacity_bytes", options.log_dir_capacity_bytes},
            {"kills_tasks", options.kills_tasks},
            {"grows_disks", options.grows_disks},
            {"with_workload", options.with_workload},
            {"workload",
             {{"records_per_second", options.workload.records_per_second},
              {"time_scale", options.workload.time_scale},
              {"partitions", options.workload.partitions},
              {"job_parallelism", options.workload.job_parallelism},
              {"lookup_latency_us", options.workload.lookup_latency_us},
              {"lookup_batch", options.workload.lookup_batch}}}};
}

LabOptions read_options(const json& from) {
    const json& profile = from.at("profile");
    const json& workload = from.at("workload");
    using Configs = std::map<std::string, std::string>;
    return {.data_dir = from.at("data_dir").get<std::string>(),
            .program = from.at("program").get<std::string>(),
            .profile = {profile.at("name").get<std::string>(), profile.at("kafka").get<Configs>(),
                        profile.at("connect").get<Configs>(), profile.at("flink").get<Configs>()},
            .brokers = from.at("brokers").get<int>(),
            .taskmanagers = from.at("taskmanagers").get<int>(),
            .spares = from.at("spares").get<int>(),
            .slots = from.at("slots").get<int>(),
            .log_dir_capacity_bytes = from.at("log_dir_capacity_bytes").get<std::int64_t>(),
            .kills_tasks = from.at("kills_tasks").get<bool>(),
            .grows_disks = from.value("grows_disks", true),
            .with_workload = from.at("with_workload").get<bool>(),
            .workload = {workload.at("records_per_second").get<double>(), workload.at("time_scale").get<double>(),
                         workload.at("partitions").get<int>(), workload.at("job_parallelism").get<int>(),
                         workload.at("lookup_latency_us").get<std::int64_t>(), workload.at("lookup_batch").get<int>()}};
}

json write_process(const ProcessPlan& plan, const ProcessState& state) {
    return {{"name", plan.name},
            {"role", to_string(plan.role)},
            {"spare", plan.spare},
            {"zone", plan.zone},
            {"argv", plan.argv},
            {"spare_argv", plan.spare_argv},
            {"ports", plan.ports},
            {"pid", state.id.pid},
            {"start_ticks", state.id.start_ticks},
            {"standing", to_string(state.standing)}};
}

Status read_process(const json& from, LabState& state) {
    MEDIC_TRY(const Role role, parse_role(from.at("role").get<std::string>()));
    ProcessPlan plan{.name = from.at("name").get<std::string>(),
                     .role = role,
                     .spare = from.at("spare").get<bool>(),
                     .zone = from.at("zone").get<std::string>(),
                     .argv = from.at("argv").get<std::vector<std::string>>(),
                     .spare_argv = from.at("spare_argv").get<std::vector<std::string>>(),
                     .ports = from.at("ports").get<std::map<std::string, std::uint16_t>>()};
    const auto standing = from.at("standing").get<std::string>();
    state.processes[plan.name] = {{from.at("pid").get<pid_t>(), from.at("start_ticks").get<std::uint64_t>()},
                                  standing == "running" ? Standing::running
                                  : standing == "spare" ? Standing::spare
                                                        : Standing::stopped};
    state.plan.processes.push_back(std::move(plan));
    return {};
}

Status write_file(const LabState& state) {
    json processes = json::array();
    for (const auto& plan : state.plan.processes) {
        const auto found = state.processes.find(plan.name);
        processes.push_back(write_process(plan, found == state.processes.end() ? ProcessState{} : found->second));
    }
    const json document = {{"schema", schema},
                           {"agent_port", state.plan.agent_port},
                           {"closing", state.closing},
                           {"options", write_options(state.plan.options)},
                           {"processes", processes}};
    const std::string path = state_path(state.plan.options.data_dir);
    std::ofstream out(path + ".new");
    out << document.dump(1) << "\n";
    out.close();
    if (!out || std::rename((path + ".new").c_str(), path.c_str()) != 0)
        return fail(ErrorCode::unavailable, "{}: {}", path, std::strerror(errno));
    return {};
}

Result<LabState> read_file(const std::string& data_dir) {
    const std::string path = state_path(data_dir);
    std::ifstream in(path);
    if (!in) return fail(ErrorCode::not_ready, "no lab in {}: run 'medic lab up --data {}'", data_dir, data_dir);
    std::ostringstream text;
    text << in.rdbuf();
    try {
        const json document = json::parse(text.str());
        if (document.at("schema").get<int>() != schema)
            return fail(ErrorCode::invalid, "{}: written by another version; run 'medic lab down' of that version",
                        path);
        LabState state;
        state.plan.options = read_options(document.at("options"));
        state.closing = document.value("closing", false);
        state.plan.agent_port = document.at("agent_port").get<std::uint16_t>();
        for (const auto& process : document.at("processes")) MEDIC_CHECK(read_process(process, state));
        return state;
    } catch (const json::exception& error) {
        return fail(ErrorCode::invalid, "{}: {}", path, error.what());
    }
}

}  // namespace

std::string to_string(Standing standing) {
    switch (standing) {
        case Standing::stopped: return "stopped";
        case Standing::running: return "running";
        case Standing::spare: return "spare";
    }
    return "stopped";
}

std::string state_path(const std::string& data_dir) { return data_dir + "/lab.json"; }

Result<LabState> load_state(const std::string& data_dir) { return read_file(data_dir); }

Status save_new_state(const LabState& state) {
    const Lock lock(state.plan.options.data_dir);
    if (!lock.held()) return fail(ErrorCode::unavailable, "{}: cannot be locked", state.plan.options.data_dir);
    return write_file(state);
}

Status update_state(const std::string& data_dir, const std::function<Status(LabState&)>& change) {
    const Lock lock(data_dir);
    if (!lock.held()) return fail(ErrorCode::unavailable, "{}: cannot be locked", data_dir);
    MEDIC_TRY(LabState state, read_file(data_dir));
    MEDIC_CHECK(change(state));
    return write_file(state);
}

}  // namespace medic::engine::lab
