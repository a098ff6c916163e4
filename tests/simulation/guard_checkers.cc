// What the guards promise, seen from outside: one checker each, in the guards' own words where they are the measure.
#include <algorithm>
#include <set>

#include <fmt/format.h>

#include "tests/simulation/checkers.h"
#include "tests/simulation/setting.h"

namespace medic::simulation {
namespace {

int attempt_of(const std::string& key) { return std::stoi(key.substr(key.rfind('/') + 1)); }

bool is_of(const Sending& sending, std::string_view layer) {
    return sending.intent && sending.intent->remedy.starts_with(layer);
}

// It changes nothing, so that no budget and no rest is meant for it.
bool is_question(const Sending& sending) { return std::holds_alternative<VerifyDeployment>(sending.operation.body); }

// Two incidents' operations never overlap in time, from leaving to taking effect.
class OneChangeAtATime final : public Checker {
public:
    std::string_view name() const override { return "one-change-at-a-time"; }
    void on_sending(const Sending& sending) override {
        for (const auto& key : open_)
            if (incident_of(key) != incident_of(sending.operation.key) &&
                std::ranges::find(sending.cluster.executed, key, &sim::Executed::key) == sending.cluster.executed.end())
                violated(fmt::format("{} left while {} was on its way", sending.operation.key, key));
        open_.push_back(sending.operation.key);
        if (open_.size() > 4) open_.erase(open_.begin());  // Older ones are long done: an operation takes 2 s here.
    }

private:
    std::vector<std::string> open_;
};

class NoActOnAbsentFacts final : public Checker {
public:
    std::string_view name() const override { return "no-act-on-absent-facts"; }
    void on_sending(const Sending& sending) override {
        if (sending.facts_dark) violated("sent while no fact was known: " + sending.operation.key);
    }
};

class PauseKept final : public Checker {
public:
    std::string_view name() const override { return "pause-kept"; }
    void on_sending(const Sending& sending) override {
        if (sending.paused) violated("sent while paused: " + sending.operation.key);
        if (sending.paused_by_file) violated("sent in spite of a PAUSE file: " + sending.operation.key);
    }
};

// Beyond the budget leaves only what ends or takes back a plan that was begun within it.
class BudgetKept final : public Checker {
public:
    std::string_view name() const override { return "budget-kept"; }
    void on_sending(const Sending& sending) override {
        const Limits& limits = limits_of(sending.policy);
        const std::string& key = sending.operation.key;
        std::erase_if(at_, [&](WallTime at) { return at > sending.now || sending.now - at >= limits.budget_window; });
        const bool goes_on = (begun_.contains(incident_of(key)) || is_begun(sending)) && attempt_of(key) == 1;
        const bool undoes = sending.intent && sending.intent->undo;
        if (at_.size() >= static_cast<std::size_t>(limits.budget_operations) && !goes_on && !undoes)
            violated(fmt::format("{} began something new after {} operations in a window for {}", key, at_.size(),
                                 limits.budget_operations));
        if (!is_question(sending)) at_.push_back(sending.now);
        begun_.insert(incident_of(key));
    }

private:
    std::vector<WallTime> at_;
    std::set<std::string> begun_;
};

class AttemptsCapped final : public Checker {
public:
    std::string_view name() const override { return "attempts-capped"; }
    void on_sending(const Sending& sending) override {
        const Limits& limits = limits_of(sending.policy);
        Step& step = steps_[action_of(sending.operation.key)];
        // A failed task may be restarted more often: its remedy says by how much.
        const bool restarts = std::holds_alternative<RestartConnectorTask>(sending.operation.body);
        // One that hangs leaves a thread behind at each restart.
        const bool once = sending.intent && sending.intent->remedy == "connect.replace-stuck-task" && restarts;
        const int attempts_max = once ? 1 : limits.attempts_max * (restarts ? 3 : 1);
        if (++step.sent > attempts_max)
            violated(
                fmt::format("{} is sending {}; the policy allows {}", sending.operation.key, step.sent, attempts_max));
        if (step.sent > 1 && sending.monotonic - step.last < limits.backoff)
            violated(fmt::format("{} left {} ms after the attempt before it", sending.operation.key,
                                 (sending.monotonic - step.last).count()));
        step.last = sending.monotonic;
    }

private:
    struct Step {
        int sent = 0;
        Duration last{0};
    };
    std::map<std::string, Step> steps_;
};

// Between two incidents' use of one remedy on one subject. Wall time, as the journal has it.
class CooldownKept final : public Checker {
public:
    std::string_view name() const override { return "cooldown-kept"; }
    void on_sending(const Sending& sending) override {
        if (!sending.intent || sending.intent->undo) return;
        const AttemptRow& row = *sending.intent;
        const bool first = begun_.insert(row.incident).second;
        auto& last = last_[{row.remedy, row.diagnosed}];
        if (first && !last.incident.empty() && last.incident != row.incident && last.at <= row.intended_at &&
            row.intended_at - last.at < limits_of(sending.policy).cooldown)
            violated(fmt::format("{} used {} on {} {} ms after {}", row.incident, row.remedy, row.diagnosed,
                                 (row.intended_at - last.at).count(), last.incident));
        if (!is_question(sending)) last = {row.incident, row.intended_at};
    }

private:
    struct Use {
        std::string incident;
        WallTime at;
    };
    std::set<std::string> begun_;
    std::map<std::pair<std::string, std::string>, Use> last_;
};

class ModeKept final : public Checker {
public:
    std::string_view name() const override { return "mode-kept"; }
    void on_sending(const Sending& sending) override {
        const Mode mode = sending.policy.rules.empty() ? Mode::observe : sending.policy.rules.front().mode;
        const std::string& key = sending.operation.key;
        if (mode == Mode::observe) violated("acted although the policy says observe: " + key);
        if (mode != Mode::ask) return;
        if (!is_begun(sending) && !is_agreed(sending)) violated("acted although nobody had agreed lately: " + key);
    }
};

class ClockTrusted final : public Checker {
public:
    std::string_view name() const override { return "clock-trusted"; }
    void on_sending(const Sending& sending) override {
        if (sending.clock_stepped && sending.monotonic - *sending.clock_stepped < Duration{59'000})
            violated("sent shortly after the clock had stepped: " + sending.operation.key);
    }
};

class OthersRespected final : public Checker {
public:
    std::string_view name() const override { return "others-respected"; }
    void on_sending(const Sending& sending) override {
        if (sending.others_at_work && is_of(sending, "flink."))
            violated("touched Flink while somebody took a savepoint: " + sending.operation.key);
    }
};

class FleetWide final : public Checker {
public:
    std::string_view name() const override { return "fleet-wide-asks"; }
    void on_sending(const Sending& sending) override {
        if (sending.everywhere && !is_begun(sending) && !is_agreed(sending))
            violated("acted alone although three clusters had the same fault: " + sending.operation.key);
    }
};

class LeaseKept final : public Checker {
public:
    std::string_view name() const override { return "lease-kept"; }
    void on_sending(const Sending& sending) override {
        if (sending.lease_lost) violated("sent while another agent may act: " + sending.operation.key);
    }
};

class SilencesRespected final : public Checker {
public:
    std::string_view name() const override { return "silences-respected"; }
    void on_sending(const Sending& sending) override {
        if (sending.silenced) violated("acted on what a person had silenced: " + sending.operation.key);
    }
};

class SightNeeded final : public Checker {
public:
    std::string_view name() const override { return "sight-needed"; }
    void on_sending(const Sending& sending) override {
        if (sending.blind) violated("sent while most targets were out of sight: " + sending.operation.key);
    }
};

class RolledBackStaysBack final : public Checker {
public:
    std::string_view name() const override { return "rolled-back-stays-back"; }
    void on_sending(const Sending& sending) override {
        const auto* start = std::get_if<StartDeployment>(&sending.operation.body);
        if (is_of(sending, "flink.roll-back")) rolled_back_ = true;
        const std::string incident = incident_of(sending.operation.key);
        if (start != nullptr && is_of(sending, "flink.deploy")) {
            if (!sending.intent->undo)
                deployed_[incident] = start->version;
            else if (deployed_[incident] == "v2")
                rolled_back_ = true;
        }
        if (start != nullptr && rolled_back_ && start->version == "v2")
            violated("started a version that was rolled back: " + sending.operation.key);
    }

private:
    bool rolled_back_ = false;
    std::map<std::string, std::string> deployed_;  // By incident: the version that was to be new.
};

// A job that a person has ended, for longer than facts may be old, is left alone; refilling the pool is no harm to it,
// and a plan that may have ended it itself goes on: who was first, nobody could tell it.
class EndedJobsLeftAlone final : public Checker {
public:
    std::string_view name() const override { return "ended-jobs-left-alone"; }
    void on_tick(const Ticked& ticked) override {
        const bool ended = ticked.cluster.job.live == 0;
        if (was_ended_ && !ended) stops_.clear();  // Started again: what comes later is another end.
        was_ended_ = ended;
        for (const auto& operation : ticked.effects.operations)
            if (ended_job(operation.body)) stops_.insert(operation.key);
    }
    void on_sending(const Sending& sending) override {
        const auto& body = sending.operation.body;
        const auto& ended = sending.cluster.job.ended_by_person_at;
        if (!ended || sending.now - *ended <= guard_facts_age_max + Duration{2'000} || !is_of(sending, "flink."))
            return;
        const auto* start = std::get_if<StartNode>(&body);
        if ((start != nullptr && start->as_spare) || may_have_ended_it(sending)) return;
        violated("worked for a job that a person had ended: " + describe(sending.operation));
    }

private:
    bool may_have_ended_it(const Sending& sending) const {
        if (ended_job(sending.operation.body)) return true;
        return std::ranges::any_of(sending.attempts, [&](const AttemptRow& row) {
            return stops_.contains(row.key) && row.state != "not-sent" && row.state != "not-done" &&
                   row.state != "failed";
        });
    }
    std::set<std::string> stops_;  // Keys of what was decided since the job was last started.
    bool was_ended_ = false;
};

class DataKept final : public Checker {
public:
    std::string_view name() const override { return "data-kept"; }
    void on_sending(const Sending& sending) override {
        // Of what may be set here, only retention drops data; the rest is settings-only-restored's.
        const auto* alter = std::get_if<AlterConfigs>(&sending.operation.body);
        if (alter != nullptr && std::ranges::any_of(alter->set, [](const auto& setting) {
                return setting.first.starts_with("retention.");
            }))
            violated("dropped data that no policy names: " + describe(sending.operation));
        const auto* abort = std::get_if<AbortTransaction>(&sending.operation.body);
        if (abort == nullptr) return;
        const auto& open = sending.cluster.hanging;
        const bool young = open && open->start_offset == abort->start_offset && open->silent < named_floor;
        if (abort->topic != named_topic || young)
            violated("aborted what no policy names, or sooner than it says: " + describe(sending.operation));
    }
};

}  // namespace

void add_guard_checkers(std::vector<std::unique_ptr<Checker>>& all) {
    all.push_back(std::make_unique<OneChangeAtATime>());
    all.push_back(std::make_unique<BudgetKept>());
    all.push_back(std::make_unique<AttemptsCapped>());
    all.push_back(std::make_unique<CooldownKept>());
    all.push_back(std::make_unique<ModeKept>());
    all.push_back(std::make_unique<NoActOnAbsentFacts>());
    all.push_back(std::make_unique<ClockTrusted>());
    all.push_back(std::make_unique<OthersRespected>());
    all.push_back(std::make_unique<SilencesRespected>());
    all.push_back(std::make_unique<SightNeeded>());
    all.push_back(std::make_unique<FleetWide>());
    all.push_back(std::make_unique<LeaseKept>());
    all.push_back(std::make_unique<PauseKept>());
    all.push_back(std::make_unique<RolledBackStaysBack>());
    all.push_back(std::make_unique<EndedJobsLeftAlone>());
    all.push_back(std::make_unique<DataKept>());
}

}  // namespace medic::simulation
