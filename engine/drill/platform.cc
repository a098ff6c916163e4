#include "engine/drill/platform.h"

#include <signal.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <thread>

#include "agent/world/real/http_server.h"
#include "agent/world/real/kafka_client.h"
#include "engine/common/rest_internal.h"
#include "engine/drill/inventory.h"
#include "engine/drill/scorecard.h"
#include "engine/lab/processes.h"
#include "engine/workload/kafka_delivery.h"

namespace medic::engine::drill {
namespace {

using lab::Role;
using nlohmann::json;

constexpr auto poll_interval = std::chrono::milliseconds(200);
constexpr auto savepoint_patience = std::chrono::seconds(30);
constexpr Duration stop_grace{60'000};
constexpr int windows_passed_by = 3;  // Rows of a window that come later than these do not come.

std::int64_t window_floor(std::int64_t at_ms) { return at_ms - at_ms % workload::window_ms; }

std::string url(const lab::LabPlan& plan, Role role, const char* port, const std::string& path) {
    return fmt::format("http://127.0.0.1:{}{}", plan.only(role).ports.at(port), path);
}

}  // namespace

Result<std::unique_ptr<Platform>> Platform::up(const lab::LabOptions& options, lab::Leave leave,
                                               const lab::Progress& progress) {
    MEDIC_CHECK(lab::up(options, progress));
    auto state = lab::load_state(options.data_dir);
    if (!state) return std::unexpected(state.error());
    std::unique_ptr<Platform> platform(new Platform(std::move(state->plan), leave));
    MEDIC_TRY(const WorkloadStats stats, platform->stats());
    // The first window may have begun before the job: it counts from the next one on.
    platform->checked_until_ms_ = window_floor(stats.event_time_ms) + workload::window_ms;
    return platform;
}

Platform::~Platform() {
    stop_flooding();
    archive_.reset();
    close_ledger();
    close_bookings();
    close_receipts();
    (void)lab::down(data_dir(), leave_);
}

Result<WorkloadStats> Platform::stats() const {
    MEDIC_TRY(const json body, call_json({.url = url(plan_, Role::workload, "control", "/stats")}));
    WorkloadStats stats{.acknowledged = member(body, "acknowledged", std::uint64_t{0}),
                        .event_time_ms = member(body, "event_time_ms", std::int64_t{0})};
    const json services = member(body, "services", json::object());
    for (const auto& [name, service] : services.items()) {
        stats.answered[name] = member(service, "answered", std::uint64_t{0});
        stats.unanswered[name] = member(service, "unanswered", std::uint64_t{0});
    }
    return stats;
}

Status Platform::set_rate(double records_per_second) const {
    return call_rest(
        {.method = "POST",
         .url = url(plan_, Role::workload, "control", fmt::format("/rate?records_per_second={}", records_per_second))});
}

Status Platform::forget_connection(const std::string& service) const {
    return call_rest(
        {.method = "POST", .url = url(plan_, Role::workload, "control", "/services/" + service + "/forget")});
}

Status Platform::fail_next(const std::string& service, int count) const {
    return call_rest(
        {.method = "POST",
         .url = url(plan_, Role::workload, "control", fmt::format("/services/{}/fail?count={}", service, count))});
}

Status Platform::interrupt(const std::string& service, Duration outage) const {
    return call_rest({.method = "POST",
                      .url = url(plan_, Role::workload, "control",
                                 fmt::format("/services/{}/down?seconds={}", service,
                                             static_cast<double>(outage.count()) / 1'000))});
}

int Platform::lines_with(const std::string& text) const {
    int count = 0;
    for (const auto& file : std::filesystem::directory_iterator(data_dir() + "/logs")) {
        if (file.path().stem() == "agent") continue;
        std::ifstream log(file.path());
        for (std::string line; std::getline(log, line);) count += line.find(text) != std::string::npos ? 1 : 0;
    }
    return count;
}

Status Platform::signal(const std::string& node, int signal) const {
    return lab::signal_process(data_dir(), node, signal);
}

Status Platform::start(const std::string& node) const {
    return lab::start_process(data_dir(), node, lab::Standing::running);
}

Status Platform::kill_and_start(const std::string& node) const {
    MEDIC_CHECK(lab::kill_process(data_dir(), node));
    return start(node);
}

Status Platform::stop_in_good_order(const std::string& node) const {
    return lab::stop_process(data_dir(), node, stop_grace);
}

Status Platform::restart_in_good_order(const std::string& node) const {
    MEDIC_CHECK(stop_in_good_order(node));
    return start(node);
}

Result<JobState> Platform::job() const {
    MEDIC_TRY(const json body, call_json({.url = url(plan_, Role::jobmanager, "rest", "/jobs/overview")}));
    JobState newest;
    std::int64_t newest_start = -1;
    for (const auto& job : member(body, "jobs", json::array())) {
        const auto started = member(job, "start-time", std::int64_t{0});
        if (member(job, "name", std::string()) != lab::job_name || started < newest_start) continue;
        newest_start = started;
        newest = {member(job, "jid", std::string()), member(job, "state", std::string())};
    }
    if (newest.id.empty()) return fail(ErrorCode::not_ready, "no job {} on the job manager", lab::job_name);
    return newest;
}

Result<std::string> Platform::working_taskmanager() const {
    MEDIC_TRY(const json body, call_json({.url = url(plan_, Role::jobmanager, "rest", "/taskmanagers")}));
    std::string working;
    for (const auto& task_manager : member(body, "taskmanagers", json::array())) {
        if (member(task_manager, "freeSlots", 0) < member(task_manager, "slotsNumber", 0))
            working = std::max(working, member(task_manager, "id", std::string()));
    }
    if (working.empty()) return fail(ErrorCode::not_ready, "no task manager has a slot in use");
    return working;
}

Result<std::uint64_t> Platform::completed_checkpoints(const std::string& job_id) const {
    MEDIC_TRY(const json body,
              call_json({.url = url(plan_, Role::jobmanager, "rest", "/jobs/" + job_id + "/checkpoints")}));
    return member(member(body, "counts", json::object()), "completed", std::uint64_t{0});
}

Status Platform::deploy(const std::string& version) const {
    MEDIC_TRY(const JobState running, job());
    MEDIC_TRY(const json triggered,
              call_json(json_call("POST", url(plan_, Role::jobmanager, "rest", "/jobs/" + running.id + "/stop"),
                                  {{"targetDirectory", data_dir() + "/savepoints"}, {"drain", false}})));
    const std::string status_url =
        url(plan_, Role::jobmanager, "rest",
            "/jobs/" + running.id + "/savepoints/" + member(triggered, "request-id", std::string()));
    const auto deadline = std::chrono::steady_clock::now() + savepoint_patience;
    for (;;) {
        MEDIC_TRY(const json body, call_json({.url = status_url}));
        const json operation = member(body, "operation", json::object());
        if (member(member(body, "status", json::object()), "id", std::string()) == "COMPLETED") {
            if (!operation.contains("location"))
                return fail(ErrorCode::not_ready, "savepoint failed: {}", operation.dump());
            MEDIC_TRY(const std::string job_id,
                      lab::submit_job(plan_, version, operation.at("location").get<std::string>()));
            return job_id.empty() ? Status(fail(ErrorCode::internal, "the job manager gave no job id")) : Status();
        }
        if (std::chrono::steady_clock::now() > deadline)
            return fail(ErrorCode::unavailable, "the savepoint did not complete");
        std::this_thread::sleep_for(poll_interval);
    }
}

Result<std::string> Platform::other_good_version() const {
    MEDIC_TRY(const json body, call_json({.url = url(plan_, Role::jobmanager, "rest", "/jars")}));
    std::string newest;
    std::int64_t newest_ms = -1;
    for (const auto& file : member(body, "files", json::array())) {
        const auto uploaded = member(file, "uploaded", std::int64_t{0});
        if (uploaded < newest_ms) continue;
        newest_ms = uploaded;
        newest = member(file, "name", std::string());
    }
    return newest.find("_v3") == std::string::npos ? "v3" : "v1";
}

Result<RecordCheck> Platform::check_records(Duration patience) {
    MEDIC_TRY(const WorkloadStats now, stats());
    const std::int64_t until = window_floor(now.event_time_ms);
    auto deadline = std::chrono::steady_clock::now() + patience;
    std::int64_t came_to_ms = 0;
    for (;;) {
        workload::Checker checker;
        MEDIC_CHECK(checker.load_ledger(data_dir() + "/ledger"));
        MEDIC_CHECK(checker.load_output(data_dir() + "/output"));
        const workload::Verdict verdict = checker.compare(checked_until_ms_, until);
        const std::int64_t comes_to_ms = checker.seen_until_ms();
        // Every window has rows of all servers at the workload's rate, and rows of one window are committed together
        // per subtask: once nothing is missing, or later windows are there as well, the verdict stands.
        const bool complete = comes_to_ms >= until && verdict.records_lost == 0;
        const bool passed_by = comes_to_ms >= until + windows_passed_by * workload::window_ms;
        if (comes_to_ms > came_to_ms) deadline = std::chrono::steady_clock::now() + patience;
        came_to_ms = comes_to_ms;
        if (complete || passed_by || std::chrono::steady_clock::now() > deadline) {
            checked_until_ms_ = until;
            RecordCheck check{verdict.records_expected, verdict.records_lost, verdict.records_doubled};
            // Each row of such a window has said what only the whole one may say.
            check.doubled += verdict.windows_in_parts;
            if (verdict.windows_in_parts > 0)
                check.remark = fmt::format("{} windows fired in parts", verdict.windows_in_parts);
            if (check.lost > 0) check.remark = about_lost_records(until - comes_to_ms);
            return check;
        }
        std::this_thread::sleep_for(poll_interval * 5);
    }
}

// Late records are dropped as they would be by Flink; a job that has stopped short has lost nothing yet.
std::string Platform::about_lost_records(std::int64_t short_by_ms) const {
    if (short_by_ms > 0)
        return fmt::format("the output has stopped {} of event time before the check",
                           seconds_text(Duration(short_by_ms)));
    const auto dropped = late_records_dropped();
    if (!dropped) return "records dropped as late: not known, " + dropped.error().message;
    return fmt::format("{:.0f} records were dropped as late, by the job as it runs now", *dropped);
}

Result<double> Platform::late_records_dropped() const {
    MEDIC_TRY(const JobState running, job());
    const std::string vertices = url(plan_, Role::jobmanager, "rest", "/jobs/" + running.id) + "/vertices/";
    MEDIC_TRY(const json detail, call_json({.url = url(plan_, Role::jobmanager, "rest", "/jobs/" + running.id)}));
    double dropped = 0;
    for (const auto& vertex : member(detail, "vertices", json::array())) {
        const std::string metrics = vertices + member(vertex, "id", std::string()) + "/subtasks/metrics";
        MEDIC_TRY(const json names, call_json({.url = metrics}));
        for (const auto& one : names) {
            const std::string name = member(one, "id", std::string());
            if (!name.ends_with("numLateRecordsDropped")) continue;
            MEDIC_TRY(const json values, call_json({.url = metrics + "?get=" + name}));
            for (const auto& value : values) dropped += member(value, "sum", 0.0);
        }
    }
    return dropped;
}

Result<RecordCheck> Platform::check_inventory() const {
    MEDIC_TRY(const Inventory all, count_inventory(inventory_path()));
    return RecordCheck{all.records, all.lost(), all.repeated};
}

Status Platform::change_connector(const std::string& connector, const std::string& setting,
                                  const std::string& value) const {
    const std::string address = url(plan_, Role::connect_worker, "rest", "/connectors/" + connector + "/config");
    MEDIC_TRY(json config, call_json({.url = address}));
    config[setting] = value;
    return call_rest(json_call("PUT", address, config));
}

std::vector<std::string> Platform::bootstrap() const {
    std::vector<std::string> addresses;
    for (const auto& process : plan_.processes) {
        if (process.role == Role::broker) addresses.push_back(fmt::format("127.0.0.1:{}", process.ports.at("kafka")));
    }
    return addresses;
}

Status Platform::deliver_poison() const {
    MEDIC_TRY(const auto delivery, workload::KafkaDelivery::connect(plan_.bootstrap()));
    return delivery->deliver(std::string(workload_topic), {{0, "s-1", "\x01\x02not an event"}});
}

}  // namespace medic::engine::drill
