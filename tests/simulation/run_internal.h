// One run's state. Only for this folder's .cc files: run.cc (the agent's ticks, deaths, the end), faults.cc,
// disturb.cc (when they happen, what people do).
#pragma once

#include <memory>

#include <fmt/format.h>

#include "remediations/execution/execution.h"
#include "tests/simulation/checkers.h"
#include "tests/simulation/mutations.h"
#include "tests/simulation/observer.h"
#include "tests/simulation/run.h"
#include "tests/simulation/setting.h"

namespace medic::simulation {

constexpr std::uint64_t journal_bytes_plenty = 1ULL << 30;

enum class Mortality : std::uint8_t { immortal, mortal };
enum class Death : std::uint8_t { none, before_append, before_flush, after_flush, after_send };

struct Opened {
    Duration monotonic{0};
    WallTime wall;
};

// Of the other clusters: reported without a gap in which their incidents could have ended. Monotonic. What an agent has
// forgotten of it, or can't date, counts from when it is told again; what it has kept all the same, from the first
// time.
struct Told {
    Duration first{0}, last{0};
    std::optional<Duration> known_since;
};

class Run {
public:
    explicit Run(const RunOptions& options)
        : given_(options),
          numbers_(options.seed),
          chance_(numbers_.next()),
          options_(simulation_options(chance_)),
          cluster_(chance_.next()),
          observer_(cluster_),
          late_comers_(options.seed ^ 0x7061796D656E7473),
          slowness_(options.seed ^ 0x736C6F776E657373),
          mistakes_(options.seed ^ 0x6D697374616B6573),
          rollouts_(options.seed ^ 0x726F6C6C6F757473),
          cordons_(options.seed ^ 0x636F72646F6E7321),
          copies_(options.seed ^ 0x636F706965732121),
          hangs_(options.seed ^ 0x68616E6773212121),
          loads_(options.seed ^ 0x6C6F616473212121),
          checkers_(all_checkers()) {
        mutate(options_, options.without);
        if (rollouts_.chance(20)) options_.policy.rollout = {.first = "east", .hold = Duration{90'000}};
        journal_path_ = fmt::format("file:medic-sim-{}?mode=memory&cache=shared", options.seed);
        keeper_ = open_journal();
        journal_ = open_journal();
        boot();
        quiet_ = chance_.chance(10);
        cluster_.bad_passage_percent = chance_.chance(50) ? static_cast<int>(chance_.between(5, 40)) : 0;
        deadly_ = chance_.chance(50);
        cluster_.drivers_look = chance_.chance(50);
        observer_.has_good_version = chance_.chance(80);
        cluster_.load.adaptive = loads_.chance(60);
    }

    RunResult play();

private:
    [[nodiscard]] std::unique_ptr<Journal> open_journal() const;
    void boot();
    void probe(const std::string& name) {
        ++result_.probes[name];
        if (!result_.happenings.empty() && result_.happenings.back().at == monotonic_)
            result_.happenings.back().probe = name;
    }
    // Chance wants it; false: it is left out.
    bool happens(const std::string& kind) {
        if (given_.left_out.contains({monotonic_, kind})) return false;
        result_.happenings.push_back({monotonic_, kind, {}});
        return true;
    }
    bool chanced(int one_in, const std::string& kind) { return chance_.between(1, one_in) == 1 && happens(kind); }
    void next_numbers() { chance_ = sim::Seeded(numbers_.next()); }  // For one tick.
    [[nodiscard]] bool everything_ended() const;
    [[nodiscard]] bool is_without(std::string_view name) const { return given_.without == name; }

    // disturb.cc
    void disturb();
    void end_what_is_over();
    void hurt_cluster(sim::Seeded chance);
    void hurt_nodes(sim::Seeded chance);
    void hurt_broker(sim::Seeded chance);
    void hurt_connect(sim::Seeded chance);
    void make_noise(sim::Seeded chance);
    void ask_for_roll(sim::Seeded chance);
    void ask_for_deployment(sim::Seeded chance);
    void leave_transaction_open();
    void slow_down();
    void mistake_a_setting();
    void cordon();
    void lose_the_copy_in_sync();
    void hang_the_coordinator();
    void grow_load();
    void make_faulty();
    void make_flap();
    void storm(bool firing, Duration lasts = {});
    void storm_of_alerts(sim::Seeded chance);
    void hurt_sight(sim::Seeded chance);
    void cut_off();
    void lose_lease();
    [[nodiscard]] bool lease_lost() const {
        return options_.several_agents && observer_.agent != Observer::Acting::ours;
    }
    void settle();
    void operate();
    void passes(const std::string& name);

    // run.cc
    void step(Mortality mortality);
    void hear_people();
    Effects think();
    void die(const char* where);
    void check(const Operation& operation, bool paused_by_file);
    void note_opened(const Effects& effects);
    [[nodiscard]] bool in_storm() const;
    void change_behaviour();
    [[nodiscard]] bool unproven() const;
    void note_told(const DiagnosisReport& report);
    void forget_told();
    [[nodiscard]] bool told_of_others(const std::string& cause) const;
    void deliver(const JournalAckResult& ack, bool paused_just_now);
    void count(const Incident& incident);
    RunResult finish();

    RunOptions given_;
    sim::Seeded numbers_, chance_;  // Of the run; of this tick, so that no tick shifts the numbers of the next.
    LoopOptions options_;
    sim::SimCluster cluster_;
    Observer observer_;
    // Of faults that came later: older ones keep their story.
    sim::Seeded late_comers_, slowness_, mistakes_, rollouts_, cordons_, copies_, hangs_, loads_;
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
    bool quiet_ = false, deadly_ = false, faults_ever_ = false, paused_ = false, full_ = false;
    std::set<std::string> cordoned_;              // As the agent knows.
    std::map<std::string, Told> told_of_others_;  // By cause.
    std::optional<Duration> dark_since_;          // Monotonic.
    std::map<std::string, WallTime> over_at_;     // Passing disturbances, by name.
    Duration clock_stepped_{-1};                  // Monotonic; below 0: not since the agent's first tick.
    bool compared_ = false;                       // This agent has ticked: it knows what the clocks were.
    bool journal_broken_ = false;                 // The loop was told so.
    std::map<std::string, Duration> approved_;    // By action, monotonic.
    WallTime storm_began_;
    Opened changed_;                        // Policy, rules or program.
    std::map<std::string, Opened> opened_;  // Incidents of the lab by id, as the journal or the living agent has them.
    RunResult result_;
};

}  // namespace medic::simulation
