#include "tests/live/report/judge.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <filesystem>
#include <thread>

#include "agent/world/real/clock.h"
#include "engine/common/files.h"
#include "engine/common/rest_internal.h"
#include "engine/drill/scorecard.h"
#include "engine/lab/state.h"
#include "tests/live/settings.h"

namespace medic::live {
namespace {

using engine::drill::AgentProcess;
using engine::drill::AgentSurroundings;
using engine::drill::IncidentView;
using engine::drill::seconds_text;
using engine::lab::ProcessPlan;
using engine::lab::Role;

constexpr auto look_every = std::chrono::milliseconds(250);
constexpr auto rate_time = std::chrono::seconds(10);  // Five checkpoints of the trial job.
constexpr Duration settle_patience{360'000};          // Longer than Connect's rebalance delay.
constexpr Duration calm_patience{90'000};             // Until the agent's last incident has ended.
constexpr Duration drain_patience{60'000};
constexpr Duration second_thoughts{8'000};  // After a diagnosis that only a person can act on: it may still change.
constexpr auto answer_patience = std::chrono::seconds(15);  // The machine is busy after a fault.
constexpr Duration clock_slack{1'500};                      // Evidence may carry the time of the look before the fault.

// As on a lab: here the agent may act by itself.
constexpr const char* policy =
    "# Written by `medic-live report`: on these trial clusters the agent may act by itself. On yours start without a "
    "policy.\n"
    "schema: 1\n"
    "catalogue: 2\n"
    "# Faults that are days apart in production follow each other in minutes here.\n"
    "defaults: {cooldown: 10s, attempts: 3, backoff: 2s, budget: {operations: 60, window: 10m}, "
    "blast_radius: {window: 30s}}\n"
    "policy:\n"
    "  - {remedy: \"*\", cause: \"*\", cluster: live, mode: auto}\n";

bool is_resolved(const IncidentView& incident) { return incident.state == "resolved"; }
bool is_over(const IncidentView& incident) { return is_resolved(incident) || incident.state == "escalated"; }

Needs as_built(const engine::lab::LabPlan& plan) {
    return {.connect_workers =
                static_cast<int>(std::ranges::count(plan.processes, Role::connect_worker, &ProcessPlan::role)),
            .kafka = plan.options.profile.kafka};
}

// Under which its results are told; "": it does not say.
std::string engines_of(const std::string& data_dir) {
    const auto text = engine::read_file_if_there(data_dir + "/live.json");
    if (!text || !*text) return "";
    return engine::member(nlohmann::json::parse(**text, nullptr, false), "engines", std::string());
}

// The flow is looked at meanwhile: a fault may bite long before its making returns.
Status make(const std::function<Status(Site&)>& inject, Site& site, const Flow& flow, FlowWatch& watch) {
    const std::jthread looker([&](const std::stop_token& over) {
        while (!over.stop_requested()) {
            std::this_thread::sleep_for(look_every);
            watch.observe(read_clock().monotonic, flow.count());
        }
    });
    return inject(site);
}

bool is_right(const Fault& fault, const IncidentView& incident) {
    return std::ranges::find(fault.causes, incident.cause) != fault.causes.end();
}

std::string said_of(const IncidentView& incident) {
    return fmt::format("{} · {} of {}", incident.side, incident.cause, incident.subject);
}

}  // namespace

struct Judge::Turn {
    Instant injected_at;  // Times count from here.
    Instant made_at;      // The injection's end, from which patience counts.
    std::int64_t injected_wall_ms = 0;
    std::size_t mark = 0;
    FlowWatch watch;
    std::vector<IncidentView> incidents;  // Of this fault, oldest diagnosis first.
    std::optional<RecordCheck> records;
    std::vector<std::string> notes;
    double rate = 0;                 // Records per second before.
    std::optional<Duration> mended;  // Of a fault that tells so itself: from the injection.

    // What counts is the first diagnosis that was acted on; before anything was done, the first one.
    [[nodiscard]] const IncidentView* first() const {
        const auto acted = std::ranges::find_if(incidents, [](const auto& incident) { return incident.acted_ms > 0; });
        if (acted != incidents.end()) return &*acted;
        return incidents.empty() ? nullptr : &incidents.front();
    }
    [[nodiscard]] bool names(const Fault& fault) const {
        const IncidentView* incident = first();
        return incident != nullptr && is_right(fault, *incident);
    }
    [[nodiscard]] std::optional<Duration> recovered(const Fault& fault) const {
        if (fault.mended) return mended;
        if (!watch.fallen() && watch.flowing()) return Duration(0);
        return watch.recovered_after();
    }
};

Judge::~Judge() {
    agent_.reset();  // First the agent: it would heal a platform that ends.
    if (ours_) end_platform();
}

void Judge::end_platform() {
    site_.reset();
    if (const Status status = down(options_.platform.data_dir, false); !status)
        progress_("the platform does not end: " + status.error().message);
    ours_ = false;
}

Status Judge::platform_is_up(const Needs& needs) {
    if (!site_ && Site::open(options_.platform.data_dir)) {
        MEDIC_TRY(site_, Site::open(options_.platform.data_dir));
    }
    if (site_) {
        const bool fits =
            as_built(site_->plan()) == needs && engines_of(site_->data_dir()) == options_.platform.engines();
        const Status settled =
            fits ? site_->settle(settle_patience) : fail(ErrorCode::not_ready, "the next fault needs another platform");
        if (settled) return {};
        progress_(settled.error().message + ": starting the platform anew");
        agent_.reset();
        end_platform();
    }
    progress_("starting the platform");
    LiveOptions platform = options_.platform;
    platform.connect_workers = needs.connect_workers;
    platform.kafka = needs.kafka;
    MEDIC_CHECK(up(platform, [](const std::string&) {}));
    ours_ = true;
    MEDIC_TRY(site_, Site::open(options_.platform.data_dir));
    return site_->settle(settle_patience);
}

// No incident of an earlier fault is open; an agent that can't get there begins anew.
Status Judge::agent_is_calm(const AgentSurroundings& surroundings) {
    const Instant deadline = read_clock().monotonic + calm_patience;
    while (agent_ && surroundings == surroundings_ && read_clock().monotonic < deadline && !interrupted()) {
        const auto listed = agent_->incidents();
        if (listed && std::ranges::all_of(*listed, is_resolved)) return {};
        // It waits for a person: the next fault of the same thing would be told as the same incident.
        if (listed && std::ranges::all_of(*listed, is_over)) break;
        std::this_thread::sleep_for(look_every * 4);
    }
    const std::string& dir = options_.platform.data_dir;
    agent_.reset();
    std::error_code ignored;
    std::filesystem::remove_all(dir + "/agent", ignored);
    std::filesystem::create_directories(dir + "/agent", ignored);
    MEDIC_CHECK(engine::write_file_whole(dir + "/policy.yaml", policy));
    auto started = AgentProcess::start(options_.agent_program, site_->plan(), surroundings);
    if (!started) {
        keep_traces("agent");
        return wrap(started.error(), fmt::format("its log is in {}", options_.traces));
    }
    agent_ = std::move(*started);
    surroundings_ = surroundings;
    watched_since_ = read_clock().monotonic;
    return {};
}

Status Judge::prepare(Agent agent, Duration history, const Needs& needs, const AgentSurroundings& surroundings) {
    if (agent == Agent::away) agent_.reset();
    MEDIC_CHECK(platform_is_up(needs));
    MEDIC_CHECK(goes_on({}));
    if (agent == Agent::away) return {};
    MEDIC_CHECK(agent_is_calm(surroundings));
    constexpr Duration least{15'000};  // Its first looks are dearer than the rest: all pages, all settings.
    const Instant until = watched_since_ + std::max(history, least);
    while (read_clock().monotonic < until && !interrupted()) std::this_thread::sleep_for(look_every);
    return goes_on({});
}

// Also where the platform ends with the run: what a fault has begun may live beside it.
Status Judge::goes_on(const std::function<Status(Site&)>& clear) {
    if (!interrupted()) return {};
    if (clear) (void)clear(*site_);
    return fail(ErrorCode::unavailable, "interrupted");
}

Result<Judge::Turn> Judge::begin(const std::function<Status(Site&)>& inject, FlowName name, Counts counts) {
    const Flow& flow = site_->flow(name);
    const Instant began = read_clock().monotonic;
    const std::uint64_t before = flow.count();
    std::this_thread::sleep_for(rate_time);
    const double rate = static_cast<double>(flow.count() - before) /
                        std::chrono::duration<double>(read_clock().monotonic - began).count();
    if (rate <= 0) return fail(ErrorCode::not_ready, "nothing comes to {} before the fault", to_string(name));
    if (agent_) {
        const auto listed = agent_->incidents();
        if (!listed || !std::ranges::all_of(*listed, is_over))
            return fail(ErrorCode::not_ready, "the agent is at something else before the fault");
    }
    const std::size_t mark = flow.mark();
    const auto [at, wall] = read_clock();  // The agent may speak during the injection.
    FlowWatch watch({}, rate, at, flow.count());
    MEDIC_CHECK(make(inject, *site_, flow, watch));
    const Instant made_at = read_clock().monotonic;
    const bool whole = counts == Counts::from_the_beginning;
    return Turn{.injected_at = whole ? at : made_at,
                .made_at = made_at,
                .injected_wall_ms = wall.unix_ms,
                .mark = mark,
                .watch = whole ? watch : FlowWatch({}, rate, made_at, flow.count()),
                .incidents = {},
                .records = {},
                .notes = {},
                .rate = rate,
                .mended = {}};
}

void Judge::note_incidents(Turn& turn) const {
    if (!agent_) return;
    auto listed = agent_->incidents();
    if (!listed) return;  // The next look tells.
    turn.incidents.clear();
    for (auto& incident : *listed)
        if (incident.detected_ms >= turn.injected_wall_ms - clock_slack.count() && !incident.abstains)
            turn.incidents.push_back(std::move(incident));
    std::ranges::stable_sort(turn.incidents, {}, &IncidentView::detected_ms);
}

void Judge::observe(const Fault& fault, Turn& turn, Duration patience) {
    const Flow& flow = site_->flow(fault.flow);
    std::optional<Instant> named_at;
    for (int round = 0; !interrupted(); ++round) {
        std::this_thread::sleep_for(look_every);
        const Instant now = read_clock().monotonic;
        turn.watch.observe(now, flow.count());
        if (round % 2 == 0) note_incidents(turn);
        if (fault.mended && !turn.mended && round % 4 == 0)
            if (const auto is = fault.mended(*site_); is && *is) turn.mended = now - turn.injected_at;
        if (!named_at && turn.names(fault)) {
            named_at = now;
            progress_(fmt::format("  named after {}: {}", seconds_text(now - turn.injected_at), turn.first()->summary));
        }
        const bool long_enough = now - turn.made_at >= FlowOptions{}.hold * 2;
        const bool flows = long_enough && turn.recovered(fault).has_value();
        const bool agent_done = !agent_ || (turn.first() != nullptr && is_over(*turn.first()));
        if (flows && agent_done && (fault.hits == Hits::flow || named_at || !agent_)) return;
        if (agent_ && fault.ends == Ends::by_a_person && named_at && now - *named_at >= second_thoughts) return;
        if (now - turn.made_at >= patience) return;
    }
}

void Judge::finish(const std::function<Status(Site&)>& clear, FlowName flow, Turn& turn) {
    if (clear) {
        if (const Status status = clear(*site_); !status) turn.notes.push_back("clearing: " + status.error().message);
    }
    if (const Status settled = site_->settle(settle_patience); !settled) {
        turn.notes.push_back(settled.error().message);
        return;  // The next fault gets a new platform; this one's records stay uncounted.
    }
    turn.records = site_->flow(flow).check(turn.mark, drain_patience);
}

void Judge::keep_traces(const std::string& name) const {
    if (options_.traces.empty()) return;
    std::error_code ignored;
    std::filesystem::create_directories(options_.traces, ignored);
    std::filesystem::copy_file(options_.platform.data_dir + "/logs/agent.log", options_.traces + "/" + name + ".log",
                               std::filesystem::copy_options::overwrite_existing, ignored);
    if (!agent_ || !site_) return;
    const auto said =
        engine::call_json({.url = fmt::format("http://127.0.0.1:{}/api/v1/incidents", site_->plan().agent_port),
                           .timeout = Duration(5'000)});
    if (said) (void)engine::write_file_whole(options_.traces + "/" + name + ".json", said->dump(1));
}

Result<Baseline> Judge::without_agent(const Fault& fault) {
    MEDIC_CHECK(prepare(Agent::away, Duration(0), fault.needs));
    progress_(fmt::format("{} without the agent: {}", fault.name, fault.told));
    MEDIC_TRY(Turn turn, begin(fault.inject, fault.flow, fault.counts));
    observe(fault, turn, options_.alone_patience);
    MEDIC_CHECK(goes_on(fault.clear));
    Baseline baseline{.name = fault.name,
                      .engines = options_.platform.engines(),
                      .recover = turn.recovered(fault),
                      .waited = std::min(read_clock().monotonic - turn.made_at, options_.alone_patience),
                      .lost = {},
                      .doubled = {}};
    progress_(baseline.recover ? fmt::format("  records flow after {}", seconds_text(*baseline.recover))
                               : fmt::format("  records do not flow after {}", seconds_text(baseline.waited)));
    finish(fault.clear, fault.flow, turn);
    if (turn.records) baseline.lost = turn.records->lost, baseline.doubled = turn.records->doubled;
    return baseline;
}

// What the agent said and did.
void Judge::take_words(const Fault& fault, const Turn& turn, FaultResult& result) const {
    result.outcome = "waited";
    const IncidentView* incident = turn.first();
    if (incident == nullptr) return;
    result.side = incident->side;
    result.cause = incident->cause;
    if (is_right(fault, *incident)) result.expected_cause = incident->cause;
    result.diagnosed = Duration(std::max<std::int64_t>(incident->detected_ms - turn.injected_wall_ms, 0));
    // A crash loop that is paused is not ended by that, nor meant to be.
    const bool tried = incident->acted_ms > 0 && incident->outcome != "paused";
    result.outcome = outcome_of(tried, incident->outcome == "healed", result.recover.has_value());
    if (!incident->remedy.empty())
        result.notes.push_back(fmt::format("remedy {}: {} {}", incident->remedy, incident->state, incident->outcome));
    if (result.may_try && incident->acted_ms > 0 && result.outcome != "healed")
        result.notes.emplace_back("the agent may try this here: that it does not help shows only afterwards");
    for (const IncidentView& other : turn.incidents) {
        if (other.id == incident->id) continue;
        result.notes.push_back(fmt::format("also said: {}{}", said_of(other), other.acted_ms > 0 ? ", and acted" : ""));
        if (other.acted_ms > 0 && !is_right(fault, other))
            result.wrongs.push_back(fmt::format("also acted on {}", said_of(other)));
    }
}

// One that dies after it has named the fault has not done its work.
bool Judge::agent_answers() const {
    return wait_until(answer_patience,
                      [&]() -> Status {
                          MEDIC_CHECK(agent_->incidents());
                          return {};
                      })
        .has_value();
}

Result<FaultResult> Judge::with_agent(const Fault& fault) {
    MEDIC_CHECK(prepare(Agent::there, fault.history, fault.needs));
    progress_(fmt::format("{}: {}", fault.name, fault.told));
    FaultResult result{.name = fault.name,
                       .engines = options_.platform.engines(),
                       .told = fault.told,
                       .expected_side = fault.side,
                       .expected_cause = fault.causes.front(),
                       .by_a_person = fault.ends == Ends::by_a_person,
                       .may_try = fault.may_try,
                       .interrupts = fault.hits == Hits::flow,
                       .exactly_once = fault.flow == FlowName::totals};
    MEDIC_TRY(Turn turn, begin(fault.inject, fault.flow, fault.counts));
    observe(fault, turn, fault.patience);
    MEDIC_CHECK(goes_on(fault.clear));
    result.recover = turn.recovered(fault);
    if (!agent_answers()) result.wrongs.emplace_back("the agent does not answer any more");
    take_words(fault, turn, result);
    progress_(fmt::format("  {}; {}", turn.first() != nullptr ? said_of(*turn.first()) : "nothing said",
                          result.recover ? "records flow after " + seconds_text(*result.recover) : "no records"));
    keep_traces(fault.name);
    // What the agent has put right is not put right once more.
    finish(result.outcome == "healed" ? nullptr : fault.clear, fault.flow, turn);
    if (fault.flow != FlowName::totals)
        result.repeats_max = static_cast<std::uint64_t>(
            std::ceil(turn.rate * std::chrono::duration<double>(connect_commits_every).count()));
    if (turn.records) {
        result.records_checked = turn.records->checked;
        result.records_lost = turn.records->lost;
        result.records_doubled = turn.records->doubled;
    }
    std::ranges::move(turn.notes, std::back_inserter(result.notes));
    return result;
}

Result<FriendResult> Judge::calm(const FalseFriend& look_alike) {
    AgentSurroundings surroundings;
    if (look_alike.surround) {
        MEDIC_CHECK(platform_is_up({}));
        MEDIC_TRY(surroundings, look_alike.surround(*site_));
    }
    MEDIC_CHECK(prepare(Agent::there, Duration(30'000), {}, surroundings));
    progress_(fmt::format("{}: {}", look_alike.name, look_alike.told));
    FriendResult result{.name = look_alike.name, .engines = options_.platform.engines(), .told = look_alike.told};
    MEDIC_TRY(Turn turn, begin([&](Site& site) { return look_alike.inject(site, agent_->id()); }, FlowName::totals,
                               Counts::from_its_end));
    const Instant until = turn.injected_at + look_alike.calm;
    while (read_clock().monotonic < until && !interrupted()) {
        std::this_thread::sleep_for(look_every * 4);
        note_incidents(turn);
    }
    MEDIC_CHECK(goes_on(look_alike.clear));
    if (agent_->incidents()) result.actions = 0;
    for (const IncidentView& incident : turn.incidents) {
        result.said.push_back(said_of(incident));
        if (incident.acted_ms > 0 && result.actions) ++*result.actions;
    }
    progress_(fmt::format("  {} actions, {} diagnoses", result.actions.value_or(0), result.said.size()));
    keep_traces(look_alike.name);
    finish(look_alike.clear, FlowName::totals, turn);
    std::ranges::move(turn.notes, std::back_inserter(result.notes));
    return result;
}

}  // namespace medic::live
