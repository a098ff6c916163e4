#include "engine/drill/runner.h"

#include <algorithm>
#include <chrono>
#include <thread>

#include "agent/world/real/clock.h"

namespace medic::engine::drill {
namespace {

constexpr auto sample_interval = std::chrono::milliseconds(100);
constexpr Duration baseline_time{2'000};
constexpr Duration kill_window{10'000};  // Every drill's remedy is under way within it.
constexpr Duration settle_patience{60'000};
constexpr Duration check_patience{30'000};
constexpr Duration clock_slack{1'500};  // Evidence may carry the time of the scrape before the fault.

Result<double> rate_of(const DrillCase& drill, Platform& platform) {
    const Instant begin = read_clock().monotonic;
    MEDIC_TRY(const std::uint64_t before, drill.progress(platform));
    std::this_thread::sleep_for(baseline_time);
    MEDIC_TRY(const std::uint64_t after, drill.progress(platform));
    const double elapsed = std::chrono::duration<double>(read_clock().monotonic - begin).count();
    if (after <= before) return fail(ErrorCode::not_ready, "nothing flows before the fault");
    return static_cast<double>(after - before) / elapsed;
}

// A look that fails tells nothing: the next one may. False: it has failed.
bool look(const DrillCase& drill, Platform& platform, RecoveryWatch& watch) {
    if (drill.safe != nullptr) {
        const auto safe = drill.safe(platform);
        if (safe) watch.observe_safety(read_clock().monotonic, *safe);
        return safe.has_value();
    }
    const auto count = drill.progress(platform);
    if (count) watch.observe(read_clock().monotonic, *count);
    return count.has_value();
}

}  // namespace

// What both arms showed after the fault.
struct Runner::Observed {
    Instant injected_at;
    std::int64_t injected_wall_ms = 0;
    RecoveryWatch with_agent, without_agent;
    std::vector<IncidentView> incidents;  // Of this drill, oldest diagnosis first.
    Duration waited{0};
    bool alone_told = false;  // The last look at the arm without the agent.

    // What counts is the first diagnosis that was acted on; before anything was done, the first one.
    [[nodiscard]] const IncidentView* first() const {
        const auto acted =
            std::ranges::find_if(incidents, [](const IncidentView& incident) { return incident.acted_ms > 0; });
        if (acted != incidents.end()) return &*acted;
        return incidents.empty() ? nullptr : &incidents.front();
    }
    // A fault that was healed before the flow fell has not interrupted it.
    [[nodiscard]] std::optional<Duration> recovered() const {
        const bool never_fell =
            !with_agent.fallen() && with_agent.flowing() && first() != nullptr && first()->healed_ms > 0;
        return never_fell ? std::optional(Duration(0)) : with_agent.recovered_after();
    }
    // What was done by hand, and some faults, may be too short for the rate to fall: nothing had to come back.
    [[nodiscard]] bool alone_never_fell() const {
        return alone_told && !without_agent.fallen() && without_agent.flowing();
    }
    [[nodiscard]] bool agent_is_done() const {
        return first() != nullptr &&
               (first()->healed_ms > 0 || first()->state == "escalated" || first()->state == "resolved");
    }
};

Result<std::unique_ptr<Platform>> Runner::new_lab(const std::string& name, const LabShape& shape) const {
    lab::LabOptions options{.data_dir = options_.work_dir + "/" + name,
                            .program = options_.engine_program,
                            .profile = options_.profile,
                            .log_dir_capacity_bytes = options_.log_dir_capacity_bytes,
                            .workload = options_.workload,
                            .interrupted = options_.interrupted};
    options.slots = shape.slots;
    options.workload.job_parallelism = shape.job_parallelism;
    options.kills_tasks = shape.kills_tasks;
    options.grows_disks = shape.grows_disks;
    options.broker_start = shape.broker_start;
    if (shape.log_dir_capacity_bytes > 0) options.log_dir_capacity_bytes = shape.log_dir_capacity_bytes;
    for (const auto& [key, value] : shape.kafka) options.profile.kafka[key] = value;
    for (const auto& [key, value] : shape.connect) options.profile.connect[key] = value;
    for (const auto& [key, value] : shape.flink) options.profile.flink[key] = value;
    MEDIC_TRY(auto platform, Platform::up(options, options_.leave, [](const std::string&) {}));
    MEDIC_CHECK(settle(*platform));
    return platform;
}

Status Runner::go_on() const {
    if (options_.interrupted && options_.interrupted()) return fail(ErrorCode::unavailable, "interrupted");
    return {};
}

// Running, flowing, and with a checkpoint to fall back on.
Status Runner::settle(Platform& platform) const {
    const Instant deadline = read_clock().monotonic + settle_patience;
    std::string waiting_for = "the job";
    std::optional<std::uint64_t> checkpoints, records;
    while (read_clock().monotonic < deadline) {
        MEDIC_CHECK(go_on());
        std::this_thread::sleep_for(sample_interval * 2);
        const auto job = platform.job();
        if (!job || job->state != "RUNNING") {
            waiting_for = job ? "the job, which is " + job->state : job.error().message;
            continue;
        }
        const auto completed = platform.completed_checkpoints(job->id);
        const auto processed = job_progress(platform);
        if (!completed || !processed) continue;
        if (!checkpoints) checkpoints = completed.value(), records = processed.value();
        if (*completed >= *checkpoints + 2 && *processed > *records) return {};
        waiting_for = "two checkpoints";
    }
    return fail(ErrorCode::unavailable, "{}: still waiting for {} after {}", platform.data_dir(), waiting_for,
                seconds_text(settle_patience));
}

Result<Runner::Healed> Runner::new_healed(const std::string& name, const LabShape& shape) const {
    Healed made;
    MEDIC_TRY(made.lab, new_lab(name, shape));
    MEDIC_TRY(made.agent, AgentProcess::start(options_.agent_program, made.lab->plan()));
    made.watched_since = read_clock().monotonic;
    return made;
}

Status Runner::prepare_arms(const DrillCase& drill) {
    if (drill.shape != shape_) healed_.end(), alone_.reset();
    shape_ = drill.shape;
    const bool wants_alone = !alone_ && options_.without == WithoutAgent::run;
    if (!healed_.lab && (!next_healed_.valid() || next_healed_shape_ != shape_)) start_healed(shape_);
    if (wants_alone && (!next_alone_.valid() || next_alone_shape_ != shape_)) start_alone(shape_);
    if (!healed_.lab) {
        MEDIC_TRY(healed_, next_healed_.get());
    }
    if (wants_alone) {
        MEDIC_TRY(alone_, next_alone_.get());
    }
    while (read_clock().monotonic < healed_.watched_since + drill.history) {
        MEDIC_CHECK(go_on());
        std::this_thread::sleep_for(sample_interval);
    }
    return go_on();
}

void Runner::start_healed(const LabShape& shape) {
    progress_("starting a lab with the agent");
    next_healed_shape_ = shape;
    next_healed_ = std::async(std::launch::async, [this, shape, name = fmt::format("with-{}", ++labs_made_)] {
        return new_healed(name, shape);
    });
}

void Runner::start_alone(const LabShape& shape) {
    progress_("starting a lab without it");
    next_alone_shape_ = shape;
    next_alone_ = std::async(std::launch::async, [this, shape, name = fmt::format("without-{}", ++labs_made_)] {
        return new_lab(name, shape);
    });
}

void Runner::note_agents_view(Observed& observed) const {
    auto listed = healed_.agent->incidents();
    if (!listed) return;  // It may be starting again; the next look tells.
    observed.incidents.clear();
    for (auto& incident : *listed) {
        const bool new_one = incident.detected_ms >= observed.injected_wall_ms - clock_slack.count();
        if (new_one && !incident.abstains) observed.incidents.push_back(std::move(incident));
    }
    std::ranges::stable_sort(observed.incidents, {}, &IncidentView::detected_ms);
}

Status Runner::observe_until_decided(const DrillCase& drill, Observed& observed, const DrillCase* next,
                                     const AgentKiller& killer) {
    const Instant give_up = observed.injected_at + std::max(options_.agent_patience, drill.patience);
    const Duration patience = std::max(options_.patience, drill.patience);
    bool told_detected = false, told_recovered = false;
    for (int round = 0;; ++round) {
        MEDIC_CHECK(go_on());
        std::this_thread::sleep_for(sample_interval);
        const Instant now = read_clock().monotonic;
        (void)look(drill, *healed_.lab, observed.with_agent);
        if (alone_) observed.alone_told = look(drill, *alone_, observed.without_agent);
        if (round % 3 == 0) note_agents_view(observed);
        // It may be starting again, or have gone on meanwhile: the next round asks again.
        if (round % 3 == 0 && drill.wants_agreement) (void)healed_.agent->agree_to(drill.expected_remedy);
        if (!told_detected && observed.first() != nullptr) {
            told_detected = true;
            progress_(fmt::format("  {} after {}: {} · {}", drill.name, seconds_text(now - observed.injected_at),
                                  observed.first()->side, observed.first()->summary));
        }
        if (!told_recovered && observed.recovered()) {
            told_recovered = true;
            progress_(fmt::format("  {} records flow again {} after the fault", drill.name,
                                  seconds_text(*observed.recovered())));
        }
        const bool spent = drill.spent == nullptr || drill.spent(*healed_.lab);
        const bool healed = killer.done() && spent && observed.recovered() && observed.agent_is_done();
        // From here on only the arm without the agent is waited for.
        if (healed && next != nullptr && next->shape != shape_ && !next_healed_.valid()) start_healed(next->shape);
        const bool alone_decided =
            !alone_ || observed.without_agent.recovered_after() || now - observed.injected_at >= patience;
        if ((healed && alone_decided) || now >= give_up) {
            observed.waited = std::min(now - observed.injected_at, patience);
            return {};
        }
    }
}

Result<Runner::Observed> Runner::inject(const DrillCase& drill, double wanted, std::future<Status>& by_hand) {
    if (alone_ && drill.ask != nullptr)
        by_hand = std::async(std::launch::async, [by_person = drill.inject, &lab = *alone_] { return by_person(lab); });
    else if (alone_)
        MEDIC_CHECK(drill.inject(*alone_));
    RecoveryWatch without_agent(drill.recovery, wanted, read_clock().monotonic);
    Instant injected_at;
    std::int64_t injected_wall_ms = 0;
    {
        // The other arm's injection takes its time, in which this one may fall and come back.
        const std::jthread looking([&](const std::stop_token& both_are_injected) {
            while (alone_ && !both_are_injected.stop_requested()) {
                (void)look(drill, *alone_, without_agent);
                std::this_thread::sleep_for(sample_interval);
            }
        });
        MEDIC_CHECK(drill.ask != nullptr ? drill.ask(*healed_.agent, *healed_.lab) : drill.inject(*healed_.lab));
        // Now, not when the last look at the other arm has ended. The fault is there once the injection is done: a
        // deployment takes its time.
        injected_at = read_clock().monotonic;
        injected_wall_ms = read_clock().wall.unix_ms;
    }
    return Observed{injected_at, injected_wall_ms, RecoveryWatch(drill.recovery, wanted, injected_at), without_agent};
}

Result<DrillResult> Runner::run(const DrillCase& drill, const DrillCase* next) {
    MEDIC_CHECK(go_on());
    MEDIC_CHECK(prepare_arms(drill));
    progress_(fmt::format("{}: {}", drill.name, drill.injected_by));
    MEDIC_TRY(const double rate, rate_of(drill, *healed_.lab));
    const double wanted = rate * drill.rate_factor;

    DrillResult result{.name = drill.name,
                       .expected_side = drill.expected_side,
                       .expected_cause = drill.expected_cause,
                       .expected_remedy = drill.expected_remedy,
                       .left_to_person = drill.left_to_person,
                       .at_least_once = drill.at_least_once};
    std::future<Status> by_hand;
    MEDIC_TRY(Observed observed, inject(drill, wanted, by_hand));
    std::vector<int> effects_before;
    for (const auto& effect : drill.effects) effects_before.push_back(healed_.lab->lines_with(effect.line));
    {
        const AgentKiller killer(*healed_.agent,
                                 random_moments(options_.seed + drills_run_++, options_.agent_kills, kill_window));
        MEDIC_CHECK(observe_until_decided(drill, observed, next, killer));
        if (killer.done() && !killer.outcome()) result.notes.push_back(killer.outcome().error().message);
        if (options_.agent_kills > 0)
            result.notes.push_back(fmt::format("the agent was killed {} times", killer.kills()));
    }
    if (by_hand.valid())
        if (const Status done = by_hand.get(); !done) result.notes.push_back("by hand: " + done.error().message);
    if (drill.ask != nullptr) result.notes.push_back(standstills(observed));
    if (const IncidentView* incident = observed.first()) {
        result.side = incident->side;
        result.cause = incident->cause;
        if (options_.agent_kills > 0 && result.cause == drill.cause_afterwards) result.expected_cause = result.cause;
        result.remedy = incident->remedy;
        result.detect = Duration(std::max<std::int64_t>(incident->detected_ms - observed.injected_wall_ms, 0));
        const std::string ends_as = drill.left_to_person ? "paused" : drill.ends_as;
        const bool ended = ends_as.empty() ? incident->healed_ms > 0 : incident->outcome == ends_as;
        result.healed = observed.recovered().has_value() && ended;
        if (!result.healed)
            result.notes.push_back(
                fmt::format("the agent's incident {} is {} {}", incident->id, incident->state, incident->outcome));
        for (const IncidentView& other : observed.incidents) {
            if (other.id != incident->id)
                result.notes.push_back(fmt::format("also said: {} of {}", other.cause, other.subject));
        }
    }
    result.recover = observed.recovered();
    result.recover_without = alone_ ? observed.without_agent.recovered_after() : std::nullopt;
    if (alone_ && observed.alone_never_fell()) result.recover_without = Duration(0);
    result.waited = alone_ ? observed.waited : Duration(0);
    if (!drill.note.empty()) result.notes.push_back(drill.note);
    if (drill.rate_factor != 1)
        result.notes.push_back(
            fmt::format("{:.0f} records/s before, {:.0f} offered after; --rate sets another load", rate, wanted));
    check_effects(drill, effects_before, observed, result);
    alone_.reset();
    MEDIC_CHECK(go_on());
    if (next != nullptr && options_.without == WithoutAgent::run) start_alone(next->shape);
    finish(drill, result);
    MEDIC_CHECK(go_on());  // What was not waited for is no result.
    return result;
}

std::string Runner::standstills(const Observed& observed) const {
    std::string text = "longest time without records: " + seconds_text(observed.with_agent.longest_standstill());
    if (alone_) text += ", by hand " + seconds_text(observed.without_agent.longest_standstill());
    return text;
}

// An order that arrived twice shows in the platform's own logs, whatever the agent believes.
void Runner::check_effects(const DrillCase& drill, const std::vector<int>& before, const Observed& observed,
                           DrillResult& result) const {
    const auto acted = std::ranges::count_if(observed.incidents, [](const auto& one) { return one.acted_ms > 0; });
    for (std::size_t i = 0; i < drill.effects.size(); ++i) {
        const auto& line = drill.effects[i].line;
        // An incident that comes again (the load still outgrows the new settings) is another one, with its own plan.
        const int most = drill.effects[i].most * std::max(1, static_cast<int>(acted));
        const int seen = healed_.lab->lines_with(line) - before[i];
        if (seen <= most) continue;
        result.healed = false;
        result.notes.push_back(fmt::format("done twice: {} lines with \"{}\", at most {} expected", seen, line, most));
    }
}

// Counts the records, and leaves the arm with the agent as the next drill needs it: what is broken is made anew.
void Runner::finish(const DrillCase& drill, DrillResult& result) {
    if (drill.left_to_person) return healed_.end();
    if (drill.clear != nullptr) {
        if (const Status status = drill.clear(*healed_.lab); !status) result.notes.push_back(status.error().message);
    }
    const Status settled = settle(*healed_.lab);
    if (!settled) result.notes.push_back(settled.error().message);
    if (!go_on()) return;
    const auto check = drill.check(*healed_.lab, check_patience);
    if (check) {
        result.records_checked = check->checked;
        result.records_lost = check->lost;
        result.records_doubled = check->doubled;
        if (!check->remark.empty()) result.notes.push_back(check->remark);
        if (check->checked == 0) result.healed = false, result.notes.emplace_back("no record could be checked");
    } else {
        result.healed = false;
        result.notes.push_back("records not checked: " + check.error().message);
    }
    if (!settled || !result.healed || drill.changes_lab) healed_.end();
}

}  // namespace medic::engine::drill
