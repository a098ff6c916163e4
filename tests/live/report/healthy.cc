#include "tests/live/report/healthy.h"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <functional>
#include <set>
#include <thread>

#include "agent/world/real/clock.h"
#include "engine/common/files.h"
#include "engine/common/rest_internal.h"
#include "engine/drill/agent_process.h"
#include "tests/live/report/site.h"

namespace medic::live {
namespace {

namespace fs = std::filesystem;
using engine::call_json;
using engine::member;
using engine::drill::AgentProcess;
using engine::lab::Role;
using nlohmann::json;

constexpr auto look_every = std::chrono::seconds(2);
constexpr Duration settle_patience{180'000};
// Connect waits for a worker that left, and hands its tasks out after that (scheduled.rebalance.max.delay.ms = 5 min).
constexpr Duration worker_patience{330'000};
constexpr Duration still_told{30'000};  // What a work brings may be told until so long after it.

void tell(const std::string& line) {
    std::printf("%s\n", line.c_str());
    std::fflush(stdout);
}

// Something that people do on purpose. `recognised`: planned work of this kind of subject is to be told meanwhile;
// empty: nothing is, as nothing is missing.
struct Work {
    std::string name;
    std::string recognised;
    std::function<Status(Site&)> perform;
};

// One after the other, each back in its place before the next goes.
auto rolled(Role role) {
    return [role](Site& site) -> Status {
        for (const auto& process : site.plan().processes) {
            if (process.role != role || process.spare) continue;
            MEDIC_CHECK(site.node("stop", process.name));
            MEDIC_CHECK(site.node("start", process.name));
            MEDIC_CHECK(site.settle(role == Role::connect_worker ? worker_patience : settle_patience));
            if (role == Role::taskmanager) break;  // One is enough: the spare has its work now.
        }
        return {};
    };
}

Status rescale(Site& site, int parallelism) {
    MEDIC_TRY(const std::string savepoint, site.stop_with_savepoint());
    MEDIC_CHECK(submit_job(site.data_dir(),
                           {.savepoint = savepoint, .version = "v1", .options = {}, .parallelism = parallelism}));
    return {};
}

// One connector more, and it goes again: the workers share the tasks out anew, twice.
Status rebalance(Site& site) {
    MEDIC_TRY(const std::string worker, site.connect_address());
    const std::string connector = worker + "/connectors/inventory-copy";
    MEDIC_CHECK(engine::call_rest(engine::json_call("PUT", connector + "/config",
                                                    {{"connector.class", "FileStreamSink"},
                                                     {"tasks.max", "2"},
                                                     {"file", site.data_dir() + "/inventory-second-copy.txt"},
                                                     {"topics", "inventory"}})));
    std::this_thread::sleep_for(std::chrono::seconds(20));
    return engine::call_rest({.method = "DELETE", .url = connector});
}

Status pause(Site& site) {
    MEDIC_TRY(const std::string worker, site.connect_address());
    const std::string connector = worker + "/connectors/inventory-sink";
    MEDIC_CHECK(engine::call_rest({.method = "PUT", .url = connector + "/pause"}));
    std::this_thread::sleep_for(std::chrono::seconds(20));
    return engine::call_rest({.method = "PUT", .url = connector + "/resume"});
}

std::vector<Work> works() {
    return {{"the brokers are rolled", "broker/", rolled(Role::broker)},
            {"the Connect workers are rolled", "worker/", rolled(Role::connect_worker)},
            {"the job is deployed from a savepoint", "job/", [](Site& site) { return site.deploy("v1", {}); }},
            {"the job is rescaled to half", "job/", [](Site& site) { return rescale(site, 2); }},
            {"the job is rescaled back", "job/", [](Site& site) { return rescale(site, 0); }},
            {"a connector comes and goes", "", rebalance},
            {"a connector is paused and resumed", "connector/", pause},
            {"a task manager with work is stopped and started", "node/", [](Site& site) -> Status {
                 MEDIC_TRY(const std::string node, site.working_taskmanager());
                 MEDIC_CHECK(site.node("stop", node));
                 return site.node("start", node);
             }}};
}

// What became of one work, by what the agent told from its beginning to the next one's.
struct Outcome {
    const Work* work = nullptr;
    Duration took{0};
    std::string error;              // Of the work itself.
    std::set<std::string> planned;  // Told as planned work.
    std::set<std::string> blamed;   // Incidents.
};

class Watch {
public:
    Watch(const HealthyOptions& options, Site& site) : options_(options), site_(site) {}

    Status run() {
        const std::string& dir = site_.data_dir();
        MEDIC_CHECK(engine::write_file_whole(dir + "/policy.yaml", "schema: 1\npolicy: []\n"));
        std::error_code ignored;
        fs::remove_all(dir + "/agent", ignored);
        fs::create_directories(dir + "/agent", ignored);
        MEDIC_TRY(agent_, AgentProcess::start(options_.agent_program, site_.plan()));
        const std::vector<Work> all = works();
        const Duration slot{options_.duration.count() / static_cast<std::int64_t>(all.size() + 1)};
        began_ = read_clock().monotonic;
        outcomes_.push_back({});  // Nothing is done in the first stretch.
        tell(fmt::format("{} min, a work each {} s; before the first nothing is done",
                         options_.duration.count() / 60'000, slot.count() / 1000));
        watch_until(began_ + slot);
        for (std::size_t i = 0; i < all.size(); ++i) {
            perform(all[i]);
            watch_until(
                std::max(began_ + slot * static_cast<std::int64_t>(i + 2), read_clock().monotonic + still_told));
        }
        keep_traces();
        return verdict(all);
    }

private:
    void perform(const Work& work) {
        outcomes_.push_back({.work = &work, .took = {}, .error = {}, .planned = {}, .blamed = {}});
        tell(fmt::format("{}: {}", clock_text(), work.name));
        const Instant from = read_clock().monotonic;
        Status done;
        std::jthread worker([&] {  // Looked at meanwhile.
            done = work.perform(site_);
            if (done) done = site_.settle(settle_patience);
            finished_ = true;
        });
        while (!finished_) look();
        worker.join();
        finished_ = false;
        outcomes_.back().took = read_clock().monotonic - from;
        if (!done) outcomes_.back().error = done.error().message;
    }

    void watch_until(Instant end) {
        while (read_clock().monotonic < end) look();
    }

    void look() {
        std::this_thread::sleep_for(look_every);
        const std::string api = fmt::format("http://127.0.0.1:{}/api/v1/", site_.plan().agent_port);
        if (const auto said = call_json({.url = api + "diagnosis", .timeout = Duration(5'000)}))
            for (const json& one : member(*said, "planned_work", json::array()))
                if (outcomes_.back().planned.insert(member(one, "subject", std::string())).second)
                    tell("  planned work: " + member(one, "summary", std::string()));
        const auto listed = agent_->incidents();
        if (!listed) {
            ++silent_;
            return;
        }
        for (const auto& incident : *listed) {
            if (incident.abstains || incident.cause.empty()) continue;
            const std::string text = fmt::format("{}: {} · {} of {}: {}", incident.id, incident.side, incident.cause,
                                                 incident.subject, incident.summary);
            if (!blamed_.insert(text).second) continue;
            outcomes_.back().blamed.insert(text);
            tell(fmt::format("  {}: INCIDENT {}", clock_text(), text));
        }
    }

    [[nodiscard]] std::string clock_text() const {
        const auto passed = (read_clock().monotonic - began_).count() / 1000;
        return fmt::format("{:02}:{:02}", passed / 60, passed % 60);
    }

    void keep_traces() const {
        if (options_.traces.empty()) return;
        std::error_code ignored;
        fs::create_directories(options_.traces, ignored);
        fs::copy_file(site_.data_dir() + "/logs/agent.log", options_.traces + "/healthy.log",
                      fs::copy_options::overwrite_existing, ignored);
        const auto said =
            call_json({.url = fmt::format("http://127.0.0.1:{}/api/v1/incidents", site_.plan().agent_port)});
        if (said) (void)engine::write_file_whole(options_.traces + "/healthy.json", said->dump(1));
    }

    [[nodiscard]] Status verdict(const std::vector<Work>& all) const {
        std::size_t unseen = 0, failed = 0;
        tell(fmt::format("\n{:<50} {:>8}  {:<12} {}", "work", "took", "recognised", "incidents"));
        for (const Outcome& one : outcomes_) {
            const std::string wanted = one.work != nullptr ? one.work->recognised : "";
            const bool seen = wanted.empty() || std::ranges::any_of(one.planned, [&](const std::string& subject) {
                                  return subject.find(":" + wanted) != std::string::npos;
                              });
            unseen += seen ? 0 : 1;
            failed += one.error.empty() ? 0 : 1;
            tell(fmt::format("{:<50} {:>6} s  {:<12} {}{}", one.work != nullptr ? one.work->name : "nothing",
                             one.took.count() / 1000,
                             wanted.empty() ? "-"
                             : seen         ? "yes"
                                            : "NO",
                             one.blamed.size(), one.error.empty() ? "" : "  (failed: " + one.error + ")"));
        }
        tell(
            fmt::format("{} incidents in {}; the agent was silent at {} looks", blamed_.size(), clock_text(), silent_));
        if (blamed_.empty() && unseen == 0 && failed == 0) return {};
        return fail(ErrorCode::not_ready, "{} incidents, {} of {} works not recognised, {} works failed",
                    blamed_.size(), unseen, all.size(), failed);
    }

    const HealthyOptions& options_;
    Site& site_;
    std::unique_ptr<AgentProcess> agent_;
    Instant began_{};
    std::vector<Outcome> outcomes_;
    std::set<std::string> blamed_;
    std::size_t silent_ = 0;
    std::atomic<bool> finished_ = false;
};

}  // namespace

Status run_healthy(const HealthyOptions& options) {
    LiveOptions platform = options.platform;
    auto site = Site::open(platform.data_dir);
    bool ours = false;
    if (!site || !(*site)->settle(settle_patience)) {
        if (site) return fail(ErrorCode::not_ready, "the platform in {} is not healthy", platform.data_dir);
        platform.connect_workers = 2;
        MEDIC_CHECK(up(platform, tell));
        ours = true;
        site = Site::open(platform.data_dir);
        if (!site) return std::unexpected(site.error());
    }
    Status status = (*site)->settle(settle_patience);
    if (status) status = Watch(options, **site).run();
    site->reset();
    if (ours) MEDIC_CHECK(down(platform.data_dir, false));
    return status;
}

}  // namespace medic::live
