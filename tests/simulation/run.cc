#include "tests/simulation/run.h"

#include <algorithm>
#include <memory>

#include <fmt/format.h>

#include "remediations/execution/execution.h"
#include "remediations/remedies/remedies.h"
#include "tests/simulation/checkers.h"
#include "tests/simulation/observer.h"

namespace medic::simulation {
namespace {

constexpr Duration tick{500};
constexpr Duration calm{12 * 60'000};  // Longer than every time-out of the loop under simulation_options().
// Incidents of one cluster wait for one another: several need several such times.
constexpr Duration calm_max{60 * 60'000};
constexpr Duration frozen_clock_step{3'600'000};

LoopOptions simulation_options(sim::Seeded& chance, const std::string& without_guard) {
    LoopOptions options;
    PolicyRule rule;
    rule.where = "policy.yaml:1:1";
    const auto dice = chance.between(1, 100);
    rule.mode = dice <= 80 ? Mode::auto_ : dice <= 95 ? Mode::ask : Mode::observe;
    rule.limits = {.cooldown = Duration{20'000},
                   .attempts_max = 3,
                   .backoff = Duration{2'000},
                   .backoff_max = Duration{30'000},
                   .budget_operations = static_cast<int>(chance.between(6, 30)),
                   .budget_window = Duration{5 * 60'000},
                   .approval_ttl = Duration{60'000}};
    options.policy.rules = {rule};
    options.remedies = remedies::all_remedies();
    options.guards = guards::all_guards();
    std::erase_if(options.guards, [&](const Guard& guard) { return guard.name == without_guard; });
    options.guard_wait_max = Duration{4 * 60'000};
    options.still_reported_max = Duration{3 * 60'000};
    ClusterInfo lab{.name = "lab"};
    for (int i = 1; i <= 4; ++i)
        lab.nodes.push_back({.name = fmt::format("tm-{}", i),
                             .role = "taskmanager",
                             .zone = i % 2 ? "a" : "b",
                             .spare = i > 2,
                             .can_start = true,
                             .can_kill = true});
    lab.nodes.push_back(
        {.name = "connect-1", .role = "connect-worker", .can_start = true, .can_kill = true, .can_kill_task = true});
    lab.nodes.push_back({.name = "broker-2", .role = "broker", .can_grow = true});
    lab.deployments.push_back(
        {.job = "fleet", .savepoints = "/savepoints", .versions = {"v1", "v2"}, .parallelism = {}});
    options.clusters = {lab};
    return options;
}

enum class Mortality : std::uint8_t { immortal, mortal };
enum class Death : std::uint8_t { none, before_append, before_flush, after_flush, after_send };

class Run {
public:
    explicit Run(const RunOptions& options)
        : given_(options),
          chance_(options.seed),
          options_(simulation_options(chance_, options.without_guard)),
          cluster_(chance_.next()),
          observer_(cluster_),
          checkers_(all_checkers()) {
        journal_path_ = fmt::format("file:medic-sim-{}?mode=memory&cache=shared", options.seed);
        keeper_ = open_journal();
        journal_ = open_journal();
        boot();
        quiet_ = chance_.chance(10);
        cluster_.bad_passage_percent = chance_.chance(50) ? static_cast<int>(chance_.between(5, 40)) : 0;
        deadly_ = chance_.chance(50);
    }

    RunResult play() {
        const auto faulty = static_cast<std::int64_t>(given_.minutes) * 60'000 / tick.count();
        for (std::int64_t i = 0; i < faulty; ++i) {
            if (!quiet_) disturb();
            step(deadly_ && !quiet_ ? Mortality::mortal : Mortality::immortal);
        }
        settle();
        for (std::int64_t i = 0; i < calm_max.count() / tick.count(); ++i) {
            if (i >= calm.count() / tick.count() && everything_ended()) break;
            step(Mortality::immortal);
        }
        return finish();
    }

private:
    std::unique_ptr<Journal> open_journal() const {
        auto journal = Journal::open({.path = journal_path_});
        if (!journal) throw std::runtime_error(journal.error().message);
        return *std::move(journal);
    }
    void boot() {
        loop_ = std::make_unique<Loop>(options_, journal_->load(wall_));
        outbox_ = Outbox{};
        wanted_.clear();
        inbox_.clear();
        cluster_.forget_replies();
    }
    void probe(const std::string& name) { ++result_.probes[name]; }

    [[nodiscard]] bool everything_ended() const {
        return std::ranges::all_of(loop_->open_incidents(), [](const Incident* one) { return at_rest(*one); });
    }
    void disturb();
    void hurt_cluster();
    void hurt_sight();
    void settle();
    void operate();
    void step(Mortality mortality);
    void die(const char* where);
    void deliver(const JournalAckResult& ack, bool paused_just_now);
    RunResult finish();

    RunOptions given_;
    sim::Seeded chance_;
    LoopOptions options_;
    sim::SimCluster cluster_;
    Observer observer_;
    std::vector<std::unique_ptr<Checker>> checkers_;
    std::string journal_path_;
    std::unique_ptr<Journal> keeper_,
        journal_;  // The keeper holds the database across deaths and reads for the checkers.
    std::unique_ptr<Loop> loop_;
    Outbox outbox_;
    Duration monotonic_{0};
    WallTime wall_{1'700'000'000'000};
    std::vector<FactKey> wanted_;
    std::vector<Input> inbox_;
    bool quiet_ = false, deadly_ = false, faults_ever_ = false, paused_ = false, full_ = false, was_dark_ = false;
    std::map<std::string, WallTime> over_at_;  // Passing disturbances, by name.
    WallTime flap_until_;
    RunResult result_;
};

void Run::hurt_cluster() {
    faults_ever_ = true;
    auto& nodes = cluster_.nodes;
    const auto name = fmt::format("tm-{}", chance_.between(1, 4));
    sim::SimNode& node = nodes[name];
    switch (chance_.between(0, 7)) {
        case 0:
            node.up = false;
            node.faulty_at = wall_;
            probe("node-lost");
            break;
        case 1:
            if (node.up) {
                node.frozen = true;
                node.faulty_at = wall_;
                probe("node-frozen");
            }
            break;
        case 2:
            cluster_.tasks[static_cast<int>(chance_.between(0, 1))].stuck = true;
            probe("task-stuck");
            break;
        case 3:
            cluster_.tasks[static_cast<int>(chance_.between(0, 1))].state = "FAILED";
            probe("task-failed");
            break;
        case 4:
            if (cluster_.job.state == "RUNNING" && !node.spare && node.up) {
                cluster_.job.blocked_by = name;
                node.faulty_at = wall_;
                probe("connector-blocks-restart");
            }
            break;
        case 5:
            if (cluster_.job.state == "RUNNING") cluster_.job.version = "v2", probe("bad-deployment");
            break;
        case 6:
            cluster_.disk.growth_per_second = static_cast<double>(chance_.between(1'000, 20'000));
            probe("disk-fills");
            break;
        default:  // A flap: gone and back before anybody can do anything about it.
            if (node.up && !node.frozen) {
                node.frozen = true;
                node.faulty_at = wall_;
                over_at_["thaw " + name] = wall_ + Duration{chance_.between(500, 4'000)};
                probe("flap");
            }
            break;
    }
}

void Run::hurt_sight() {
    const WallTime until = wall_ + Duration{chance_.between(2'000, 60'000)};
    switch (chance_.between(0, 7)) {
        case 0:
            observer_.dark = true;
            over_at_["dark"] = until;
            probe("facts-dark");
            break;
        case 1:
            observer_.frozen = true;
            over_at_["frozen"] = until;
            probe("facts-frozen");
            break;
        case 2:
            observer_.blind = true;
            over_at_["blind"] = until;
            probe("targets-blind");
            break;
        case 3:
            observer_.somebody_at_work = true;
            over_at_["work"] = until;
            probe("somebody-at-work");
            break;
        case 4:
            observer_.paused_by_file = true;
            over_at_["pause-file"] = until;
            probe("pause-file");
            break;
        case 5:
            inbox_.emplace_back(OperatorCommand{OperatorCommand::Kind::pause, "lab", "game day", "ann"});
            over_at_["pause"] = until;
            probe("pause");
            break;
        case 6:
            full_ = journal_->limit_bytes(1).has_value();
            over_at_["full"] = until;
            probe("journal-full");
            break;
        default: {
            const Duration by{chance_.chance(50) ? frozen_clock_step.count() : -frozen_clock_step.count()};
            wall_ = wall_ + by;
            observer_.shift(by);
            for (auto& [name, at] : over_at_) at = at + by;
            for (auto& [name, node] : cluster_.nodes)
                if (node.faulty_at.unix_ms != 0) node.faulty_at = node.faulty_at + by;
            probe("clock-step");
        }
    }
}

void Run::disturb() {
    if (chance_.between(1, 200) == 1) hurt_cluster();
    if (chance_.between(1, 2'000) == 1) {
        hurt_cluster();
        hurt_cluster();
        probe("faults-at-once");
    }
    if (chance_.between(1, 400) == 1) hurt_sight();
    if (chance_.between(1, 400) == 1) {  // An alert storm: the same few alerts over and over.
        for (int i = 0; i < 50; ++i)
            inbox_.emplace_back(Alert{.fingerprint = fmt::format("f{}", i % 3),
                                      .starts_at = WallTime{wall_.unix_ms / 600'000},
                                      .firing = chance_.chance(70),
                                      .subject = {"lab", "taskmanager", fmt::format("tm-{}", 1 + i % 3)},
                                      .name = "TaskManagerDown",
                                      .received_from = "prom",
                                      .labels = {},
                                      .annotations = {}});
        probe("alert-storm");
    }
    std::vector<std::string> over;
    for (const auto& [name, at] : over_at_)
        if (wall_ >= at) over.push_back(name);
    for (const auto& name : over) {
        over_at_.erase(name);
        if (name == "dark")
            observer_.dark = false;
        else if (name == "frozen")
            observer_.frozen = false;
        else if (name == "blind")
            observer_.blind = false;
        else if (name == "work")
            observer_.somebody_at_work = false;
        else if (name == "pause-file")
            observer_.paused_by_file = false;
        else if (name == "pause")
            inbox_.emplace_back(OperatorCommand{OperatorCommand::Kind::resume, "lab", "", "ann"});
        else if (name == "full")
            full_ = !journal_->limit_bytes(1ULL << 30).has_value();
        else
            cluster_.nodes[name.substr(5)].frozen = false;
    }
}

// The disturbances end; what they have broken stays for the agent.
void Run::settle() {
    for (auto& [name, at] : over_at_) at = wall_;
    if (!quiet_) disturb();
    cluster_.disk.growth_per_second = 0;
    cluster_.bad_passage_percent = 0;
    for (auto& [name, at] : over_at_) at = wall_;
    observer_.dark = observer_.frozen = observer_.blind = observer_.somebody_at_work = observer_.paused_by_file = false;
    inbox_.emplace_back(OperatorCommand{OperatorCommand::Kind::resume, "lab", "", "ann"});
    static_cast<void>(journal_->limit_bytes(1ULL << 30).has_value());
    for (int i = 0; i < 3; ++i)
        inbox_.emplace_back(Alert{.fingerprint = fmt::format("f{}", i),
                                  .starts_at = WallTime{wall_.unix_ms / 600'000},
                                  .firing = false,
                                  .subject = {},
                                  .name = {},
                                  .received_from = {},
                                  .labels = {},
                                  .annotations = {}});
}

// People answer what waits for them, some of them.
void Run::operate() {
    for (const Incident* incident : loop_->open_incidents()) {
        if (incident->state != IncidentState::waiting_approval || chance_.between(1, 40) != 1) continue;
        const bool yes = chance_.chance(80);
        inbox_.emplace_back(OperatorCommand{yes ? OperatorCommand::Kind::approve : OperatorCommand::Kind::reject,
                                            incident->action_id(), "", "ann"});
        probe(yes ? "approved" : "rejected");
    }
}

void Run::die(const char* where) {
    probe(where);
    journal_.reset();  // What was not flushed is gone.
    journal_ = open_journal();
    if (full_) full_ = !journal_->limit_bytes(1ULL << 30).has_value();
    boot();
}

// A PAUSE file may appear after the decision and before the sending: the outbox looks once more.
void Run::deliver(const JournalAckResult& ack, bool paused_just_now) {
    const auto ready =
        outbox_.release(ack.sequence, ack.durable,
                        paused_just_now || observer_.paused_by_file ? Outbox::Stop::paused : Outbox::Stop::none);
    for (const auto& operation : ready) {
        for (const auto& checker : checkers_)
            checker->on_sending({.operation = operation,
                                 .cluster = cluster_,
                                 .journal = *keeper_,
                                 .policy = options_.policy,
                                 .now = wall_,
                                 .paused = paused_,
                                 .facts_dark = was_dark_ && observer_.dark,
                                 .faults_ever = faults_ever_});
        cluster_.send(operation);
    }
    if (!ack.durable) probe("not-durable");
    for (auto& reply : outbox_.take_refused()) inbox_.emplace_back(std::move(reply));
}

void Run::step(Mortality mortality) {
    monotonic_ += tick;
    wall_ = wall_ + tick;
    for (auto& reply : cluster_.advance(wall_)) inbox_.emplace_back(std::move(reply));
    operate();
    for (const auto& input : inbox_)
        if (const auto* command = std::get_if<OperatorCommand>(&input)) {
            if (command->kind == OperatorCommand::Kind::pause) paused_ = true;
            if (command->kind == OperatorCommand::Kind::resume) paused_ = false;
        }
    std::vector<Input> inputs{observer_.answer(wanted_, wall_), observer_.under_way(wall_), observer_.report(wall_)};
    inputs.insert(inputs.end(), std::make_move_iterator(inbox_.begin()), std::make_move_iterator(inbox_.end()));
    inbox_.clear();
    Effects effects = loop_->tick({Instant(monotonic_), wall_}, inputs);
    for (const auto& checker : checkers_) checker->on_tick(*loop_, options_, cluster_);
    wanted_ = effects.fact_requests;
    // Rare, but often just when an operation is about to leave: that is where it hurts.
    const bool sends = !effects.operations.empty();
    const bool dies = mortality == Mortality::mortal && chance_.chance(sends ? 25 : 1);
    const auto death = dies ? static_cast<Death>(chance_.between(1, 4)) : Death::none;
    if (death == Death::before_append) return die("died-before-append");
    const auto sequence = journal_->append(std::move(effects.journal));
    if (death == Death::before_flush) return die("died-before-flush");
    outbox_.hold(sequence.value_or(0), std::move(effects.operations));
    const auto ack = journal_->flush();
    if (death == Death::after_flush) return die(sends ? "died-between-intent-and-sending" : "died-after-flush");
    deliver(ack, sends && chance_.chance(3));
    if (death == Death::after_send) return die(sends ? "died-after-sending" : "died-after-tick");
    was_dark_ = observer_.dark;
    inbox_.emplace_back(JournalAck{ack.sequence, ack.durable});
}

RunResult Run::finish() {
    for (const auto& checker : checkers_) {
        checker->at_end(*loop_, cluster_);
        for (const auto& violation : checker->violations())
            result_.violations.push_back(fmt::format("{}: {}", checker->name(), violation));
    }
    for (const auto& [passage, count] : cluster_.passages) result_.probes[passage] += count;
    const auto rows = keeper_->incidents(100'000);
    if (!rows) throw std::runtime_error(rows.error().message);
    for (const auto& row : *rows) {
        ++result_.incidents;
        const auto attempts = keeper_->attempts(row.id);
        for (const auto& attempt : attempts.value_or(std::vector<AttemptRow>{})) probe("attempt-" + attempt.state);
    }
    for (const auto& incident : loop_->incidents()) {
        ++result_.outcomes[(incident.diagnosis.cause.empty() ? "(alert only)" : incident.diagnosis.cause) + " " +
                           (incident.outcome.empty() ? std::string(to_string(incident.state)) : incident.outcome)];
        result_.story += fmt::format("{} {} {} outcome={}\n", incident.id, incident.diagnosis.cause,
                                     to_string(incident.state), incident.outcome);
        for (const auto& line : incident.story)
            result_.story += fmt::format("    {} ms: {}\n", line.at.unix_ms - 1'700'000'000'000, line.text);
        if (incident.outcome == "healed") probe("healed");
        if (incident.state == IncidentState::escalated) probe("escalated");
        if (incident.outcome == "went_away") probe("went-away");
    }
    if (quiet_ && result_.incidents > 0) result_.violations.push_back("quiet: an incident although nothing was wrong");
    return std::move(result_);
}

}  // namespace

RunResult run(const RunOptions& options) { return Run(options).play(); }

const std::vector<std::string>& expected_probes() {
    static const std::vector<std::string> all{"node-lost",
                                              "node-frozen",
                                              "task-stuck",
                                              "task-failed",
                                              "connector-blocks-restart",
                                              "bad-deployment",
                                              "disk-fills",
                                              "flap",
                                              "faults-at-once",
                                              "facts-dark",
                                              "facts-frozen",
                                              "targets-blind",
                                              "somebody-at-work",
                                              "pause-file",
                                              "pause",
                                              "journal-full",
                                              "not-durable",
                                              "clock-step",
                                              "alert-storm",
                                              "died-before-append",
                                              "died-before-flush",
                                              "died-between-intent-and-sending",
                                              "died-after-flush",
                                              "died-after-sending",
                                              "died-after-tick",
                                              "reply-lost",
                                              "reply-late",
                                              "reply-doubled",
                                              "outcome-unknown",
                                              "never-arrives",
                                              "unavailable",
                                              "says-done-does-nothing",
                                              "attempt-replied",
                                              "attempt-unknown",
                                              "attempt-failed",
                                              "attempt-not-sent",
                                              "approved",
                                              "rejected",
                                              "healed",
                                              "escalated",
                                              "went-away"};
    return all;
}

}  // namespace medic::simulation
