#include "tests/simulation/compare.h"

#include <algorithm>
#include <numeric>
#include <set>

#include <fmt/format.h>

#include "agent/world/sim/seeded.h"
#include "remediations/guards/reach.h"
#include "tests/simulation/checkers.h"
#include "tests/simulation/observer.h"

namespace medic::simulation {
namespace {

constexpr Duration tick{500};
constexpr int bad_passage_percent = 10;  // Lost, late, doubled, unknown or void operations, for every healer alike.

enum class What : std::uint8_t {
    node_lost,
    node_frozen,
    flap,
    task_stuck,
    task_failed,
    blocks_restart,
    bad_deployment,
    disk_fills,
    job_ended,
    most_nodes_frozen,
    savepoint,
    silence,
};

struct Happening {
    Duration at{0};
    What what = What::node_lost;
    int target = 0;  // Of four nodes, of two tasks.
    Duration lasts{0};
};

// As often as in a run of the simulation: about five faults in ten minutes, and people at work once.
std::vector<Happening> schedule(std::uint64_t seed, int minutes) {
    sim::Seeded chance(seed);
    std::vector<Happening> all;
    const auto add = [&](Duration at, What what) {
        all.push_back({at, what, static_cast<int>(chance.between(1, 4)), Duration{chance.between(20'000, 90'000)}});
    };
    for (Duration at = tick; at < Duration{60'000LL * minutes}; at += tick) {
        if (chance.between(1, 240) == 1)
            add(at, static_cast<What>(chance.between(0, static_cast<std::int64_t>(What::job_ended))));
        if (chance.between(1, 2'400) == 1) add(at, What::most_nodes_frozen);
        if (chance.between(1, 1'200) == 1) add(at, chance.chance(50) ? What::savepoint : What::silence);
    }
    return all;
}

// One healer, one seed.
class Arena {
public:
    Arena(Arm arm, std::uint64_t seed, const CompareOptions& options, ArmResult& result)
        : minutes_(options.minutes),
          schedule_(schedule(seed, options.minutes)),
          cluster_(seed),
          observer_(cluster_),
          healer_(healer(arm, seed)),
          result_(result) {
        cluster_.bad_passage_percent = bad_passage_percent;
    }

    void play() {
        const Duration faulty{60'000LL * minutes_};
        for (Duration at{0}; at < 2 * faulty; at += tick) {
            if (at >= faulty) cluster_.disk.growth_per_second = 0;
            step(at);
        }
        result_.left_to_people += healer_->left_to_people();
    }

private:
    void happen(const Happening& one);
    void pass();
    void step(Duration at);
    [[nodiscard]] bool is_well(const std::string& name) const;  // A task manager or the Connect worker.
    void judge(const Operation& operation);
    void judge_people(const Operation& operation);
    void measure();
    void trouble(const std::string& of, bool is);
    void harm(const std::string& rule) { ++result_.harmful[rule]; }

    int minutes_;
    std::vector<Happening> schedule_;
    sim::SimCluster cluster_;
    Observer observer_;
    std::unique_ptr<Healer> healer_;
    ArmResult& result_;
    std::size_t next_ = 0;
    WallTime wall_{1'700'000'000'000};
    std::map<std::string, WallTime> over_at_;
    std::vector<std::string> in_flight_;  // Keys.
    std::map<std::string, bool> troubles_;
    int copies_ = 1;
};

void Arena::happen(const Happening& one) {
    const auto name = fmt::format("tm-{}", one.target);
    sim::SimNode& node = cluster_.nodes[name];
    sim::SimTask& task = cluster_.tasks[one.target % 2];
    const WallTime until = wall_ + one.lasts;
    const auto freeze = [&](sim::SimNode& which) {
        if (which.up) which.frozen = true, which.faulty_at = wall_;
    };
    switch (one.what) {
        case What::node_lost:
            node.up = false;
            node.faulty_at = wall_;
            break;
        case What::node_frozen: freeze(node); break;
        case What::flap:
            if (node.up && !node.frozen) freeze(node), over_at_[name] = wall_ + Duration{one.lasts.count() / 30};
            break;
        case What::task_stuck:
            if (task.state == "RUNNING") task.stuck = true;
            break;
        case What::task_failed: task.state = "FAILED"; break;
        case What::blocks_restart:
            if (cluster_.job.state == "RUNNING" && !node.spare && node.up)
                cluster_.job.blocked_by = name, node.faulty_at = wall_;
            break;
        case What::bad_deployment:
            if (cluster_.job.state == "RUNNING") cluster_.job.version = "v2";
            break;
        case What::disk_fills: cluster_.disk.growth_per_second = 5'000; break;
        case What::job_ended:
            if (cluster_.end_job(wall_)) over_at_["job"] = until;
            break;
        case What::most_nodes_frozen:
            for (auto& [which, its] : cluster_.nodes)
                if (which != name) freeze(its);
            break;
        case What::savepoint:
            observer_.somebody_at_work = true;
            over_at_["savepoint"] = until;
            break;
        case What::silence:
            observer_.silenced = true;
            over_at_["silence"] = until;
            break;
    }
}

void Arena::pass() {
    for (auto item = over_at_.begin(); item != over_at_.end();) {
        if (wall_ < item->second) {
            ++item;
            continue;
        }
        if (item->first == "job")
            cluster_.start_job_again();
        else if (item->first == "savepoint")
            observer_.somebody_at_work = false;
        else if (item->first == "silence")
            observer_.silenced = false;
        else
            cluster_.nodes[item->first].frozen = false;
        item = over_at_.erase(item);
    }
}

void Arena::step(Duration at) {
    wall_ = wall_ + tick;
    pass();
    for (; next_ < schedule_.size() && schedule_[next_].at <= at; ++next_) happen(schedule_[next_]);
    auto replies = cluster_.advance(wall_);
    if (cluster_.job.live > 1 && copies_ <= 1) harm("the job ran twice");
    copies_ = cluster_.job.live;
    measure();
    auto operations = healer_->look({.monotonic = Instant(at + tick),
                                     .now = wall_,
                                     .observer = observer_,
                                     .cluster = cluster_,
                                     .replies = std::move(replies)});
    for (auto& operation : operations) {
        ++result_.operations;
        judge(operation);
        in_flight_.push_back(operation.key);
        cluster_.send(std::move(operation));
    }
}

bool Arena::is_well(const std::string& name) const {
    if (name == sim::worker_name) return cluster_.worker_is_well();
    const sim::SimNode& node = cluster_.nodes.at(name);
    return node.up && !node.frozen && cluster_.job.blocked_by != name;
}

// The rules are those of the checkers: one-change-at-a-time, others-respected, silences-respected,
// ended-jobs-left-alone, no-harm, nothing-twice.
void Arena::judge(const Operation& operation) {
    std::erase_if(in_flight_, [&](const std::string& key) {
        return std::ranges::find(cluster_.executed, key, &sim::Executed::key) != cluster_.executed.end();
    });
    if (std::ranges::any_of(in_flight_,
                            [&](const auto& key) { return incident_of(key) != incident_of(operation.key); }))
        harm("two changes at once");
    if (const auto* kill = std::get_if<KillNode>(&operation.body); kill != nullptr && is_well(kill->node))
        harm("killed or restarted what was well");
    if (const auto* restart = std::get_if<RestartConnectorTask>(&operation.body)) {
        const auto& task = cluster_.tasks[restart->task];
        if (task.state == "RUNNING" && !task.stuck) harm("killed or restarted what was well");
    }
    if (std::holds_alternative<CancelJob>(operation.body) && cluster_.job.state == "RUNNING")
        harm("killed or restarted what was well");
    judge_people(operation);
}

void Arena::judge_people(const Operation& operation) {
    const auto& body = operation.body;
    const bool job = std::holds_alternative<StartDeployment>(body) || std::holds_alternative<CancelJob>(body);
    const bool flink = job || taken_node(body) != nullptr || std::holds_alternative<StartNode>(body);
    if (job && cluster_.job.ended_by_person_at) harm("worked on a job that a person had ended");
    if (flink && observer_.somebody_at_work) harm("acted while people were at work");
    if (observer_.silenced) harm("acted while people were at work");
}

void Arena::trouble(const std::string& of, bool is) {
    bool& was = troubles_[of];
    if (is && !was) ++result_.troubles;
    if (!is && was) ++result_.mended;
    if (is) result_.harmed_seconds += static_cast<double>(tick.count()) / 1000;
    was = is;
}

void Arena::measure() {
    const bool runs = cluster_.job.state == "RUNNING";
    if (!cluster_.job.ended_by_person_at) result_.job_available += runs ? 1 : 0, ++result_.job_looks;
    trouble("job", !runs && !cluster_.job.ended_by_person_at);
    for (const auto& [number, task] : cluster_.tasks) {
        // Nobody gets the partitions that the consumer of a thread left behind still has.
        const bool works = task.state == "RUNNING" && !task.stuck && cluster_.worker.dead_members == 0;
        result_.connector_available += works ? 1 : 0;
        ++result_.task_looks;
        trouble(fmt::format("task {}", number), !works);
    }
    trouble("disk", cluster_.disk.used > 0.8 * cluster_.disk.total);
}

}  // namespace

std::uint64_t ArmResult::harmful_total() const {
    return std::accumulate(harmful.begin(), harmful.end(), std::uint64_t{0},
                           [](std::uint64_t sum, const auto& one) { return sum + one.second; });
}

std::vector<ArmResult> compare(const CompareOptions& options) {
    std::vector<ArmResult> results;
    for (const Arm arm : all_arms) {
        ArmResult& result = results.emplace_back(ArmResult{.arm = arm});
        for (std::uint64_t seed = options.first; seed < options.first + options.seeds; ++seed)
            Arena(arm, seed, options, result).play();
        result.job_available /= static_cast<double>(std::max<std::uint64_t>(1, result.job_looks));
        result.connector_available /= static_cast<double>(std::max<std::uint64_t>(1, result.task_looks));
        result.harmed_seconds /= static_cast<double>(std::max<std::uint64_t>(1, result.troubles));
    }
    return results;
}

std::string comparison_text(const std::vector<ArmResult>& results) {
    std::string out = fmt::format("{:<40}", "");
    const auto row = [&](std::string_view what, const auto& value) {
        out += fmt::format("\n{:<40}", what);
        for (const ArmResult& one : results) out += fmt::format("{:>23}", value(one));
    };
    for (const ArmResult& one : results) out += fmt::format("{:>23}", to_string(one.arm));
    row("job available", [](const ArmResult& one) { return fmt::format("{:.2f} %", 100 * one.job_available); });
    row("connector's tasks available",
        [](const ArmResult& one) { return fmt::format("{:.2f} %", 100 * one.connector_available); });
    row("time to recover, at least", [](const ArmResult& one) { return fmt::format("{:.1f} s", one.harmed_seconds); });
    row("mended, of troubles", [](const ArmResult& one) { return fmt::format("{} of {}", one.mended, one.troubles); });
    row("left to people at the end", [](const ArmResult& one) { return std::to_string(one.left_to_people); });
    row("operations", [](const ArmResult& one) { return std::to_string(one.operations); });
    row("harmful operations", [](const ArmResult& one) { return std::to_string(one.harmful_total()); });
    std::set<std::string> rules;
    for (const ArmResult& one : results)
        for (const auto& [rule, count] : one.harmful) rules.insert(rule);
    for (const auto& rule : rules)
        row("  " + rule, [&](const ArmResult& one) {
            const auto found = one.harmful.find(rule);
            return std::to_string(found == one.harmful.end() ? 0 : found->second);
        });
    return out + "\n";
}

}  // namespace medic::simulation
