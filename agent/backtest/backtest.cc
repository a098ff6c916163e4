#include "agent/backtest/backtest.h"

#include <algorithm>

#include "agent/backtest/recorded_look.h"
#include "agent/daemon/brain.h"
#include "agent/daemon/doors.h"
#include "agent/daemon/owners.h"
#include "agent/doctor/sight.h"
#include "remediations/remedies/remedies.h"

namespace medic::backtest {
namespace {

// The loop is ticked this often after each moment, a second apart, so that facts it asks for reach it while they are
// fresh: it asks, plans, and asks the guards.
constexpr int ticks_after_max = 4;
constexpr Duration tick_every{1'000};
constexpr Duration forget_every{5 * 60'000};

struct Source {
    Source(const ClusterConfig& cluster, HistoryOptions options, Fetch fetch)
        : look(cluster), history(std::move(options), std::move(fetch)) {}
    RecordedLook look;
    History history;
    RecordedSpan span;
};

// Under this policy nothing acts; floors and limits stay, so that guards and planner judge as they would.
Policy only_observing(Policy policy) {
    for (PolicyRule& rule : policy.rules) rule.mode = Mode::observe;
    return policy;
}

class Replay {
public:
    Replay(const Options& options, std::unique_ptr<Brain> brain)
        : options_(options),
          brain_(std::move(brain)),
          knowledge_(options.config, knowledge_options(options.config)),
          planner_(remedies::all_remedies()),
          book_(options.policy, planner_),
          loop_({.policy = only_observing(options.policy),
                 .remedies = remedies::all_remedies(),
                 .guards = guards::all_guards(),
                 .clusters = clusters_of(options.config)},
                {}) {}

    // One moment: what was recorded of all clusters, then what is made of it. False: nobody was looking.
    bool moment(std::vector<std::unique_ptr<Source>>& sources, std::size_t step, WallTime at) {
        RecordedSight sight;
        for (auto& source : sources) {
            RecordedSight one = source->look.apply(step, knowledge_);
            sight.any = sight.any || one.any;
            sight.scraped += one.scraped;
            std::ranges::move(one.blind, std::back_inserter(sight.blind));
        }
        if (!sight.any) return false;
        const Now now = now_at(at);
        DiagnosisReport report = brain_->evaluate(knowledge_, now);
        name_owners(options_.config, report.diagnoses);
        report.targets_total = std::max<std::size_t>(sight.scraped, 1);
        report.blind_targets = std::move(sight.blind);
        tick(now, {facts(at), std::move(report)});
        for (int i = 1; i <= ticks_after_max && !loop_.open_incidents().empty(); ++i) {
            const WallTime later = at + tick_every * i;
            if (later >= at + options_.step) break;
            tick(now_at(later), {facts(later)});
        }
        if (at - forgot_at_ >= forget_every) {
            forgot_at_ = at;
            knowledge_.forget(at);
        }
        return true;
    }

    [[nodiscard]] SeriesStore& store() { return knowledge_.series(); }
    [[nodiscard]] const Brain& brain() const { return *brain_; }
    [[nodiscard]] const CaseBook& book() const { return book_; }
    [[nodiscard]] std::size_t open() const { return loop_.open_incidents().size(); }

private:
    static KnowledgeOptions knowledge_options(const Config& config) {
        KnowledgeOptions options;
        options.store.series_per_cluster_max = config.limits.series_per_cluster;
        options.store.sample_bytes_max = options.sample_bytes_max;
        return options;
    }
    static Now now_at(WallTime at) { return {Instant{Duration{at.unix_ms}}, at}; }

    void tick(const Now& now, const std::vector<Input>& inputs) {
        const Effects effects = loop_.tick(now, inputs);
        wanted_ = effects.fact_requests;
        book_.take(effects.incident_updates);
    }

    // The PAUSE file is a live agent's; a replay has none. All else comes from what was recorded, or is not known.
    [[nodiscard]] Facts facts(WallTime at) const {
        Facts facts;
        for (const FactKey& key : wanted_)
            facts.facts.push_back(key == pause_file_key() ? Fact{key.subject, key.name, 0, "", at}
                                                          : knowledge_.fact(key, at));
        return facts;
    }

    const Options& options_;
    std::unique_ptr<Brain> brain_;
    Knowledge knowledge_;
    Planner planner_;
    CaseBook book_;
    Loop loop_;
    std::vector<FactKey> wanted_;
    WallTime forgot_at_;
};

}  // namespace

Status check(const Options& options) {
    constexpr Duration step_min{1'000}, step_max{5 * 60'000};
    if (options.step < step_min || options.step > step_max)
        return fail(ErrorCode::invalid, "--step: expected 1s to 5m, the time for which a sample counts");
    if (options.to - options.from < options.step)
        return fail(ErrorCode::invalid, "expected a stretch of time of at least one step");
    constexpr std::int64_t moments_max = 10'000'000;
    if ((options.to - options.from) / options.step > moments_max)
        return fail(ErrorCode::invalid, "more than {} moments: give a shorter --since or a longer --step", moments_max);
    const auto read = [](const ClusterConfig& cluster) { return !cluster.prometheus.url.empty(); };
    if (std::ranges::none_of(options.config.clusters, read))
        return fail(ErrorCode::invalid, "no cluster has a Prometheus: give --prometheus URL");
    return {};
}

namespace {

void note_gap(Outcome& outcome, WallTime at) {
    if (!outcome.gaps.empty() && at - outcome.gaps.back().to <= outcome.step) {
        outcome.gaps.back().to = at;
        return;
    }
    if (outcome.gaps.size() >= gaps_max)
        outcome.gaps.erase(
            std::ranges::min_element(outcome.gaps, {}, [](const Gap& one) { return one.to - one.from; }));
    outcome.gaps.push_back({at, at});
}

// Rules and analyzers that could say nothing, by the series that they can't do without.
void find_unheard(Outcome& outcome, const Brain& brain, const std::vector<std::unique_ptr<Source>>& sources) {
    const auto told = [&](const std::string& name, const std::string& role) {
        if (name.starts_with("medic_") || name == "ALERTS") return true;  // The agent's own.
        return std::ranges::any_of(sources, [&](const auto& source) {
            return source->look.told().contains(role.empty() ? name : name + "@" + role);
        });
    };
    const auto judge = [&](std::string_view name, Unheard::Kind kind, std::string_view needs) {
        std::set<std::string> missing;
        if (doctor::can_be_seen(needs, told, brain.rules().rules(), missing)) return;
        outcome.unheard.push_back({std::string(name), kind, {missing.begin(), missing.end()}});
    };
    for (const RuleGroup& group : brain.rules().rules().groups())
        for (const Rule& rule : group.rules) {
            if (rule.kind != Rule::Kind::alert) continue;
            ++outcome.rules;
            judge(rule.name, Unheard::Kind::rule, rule.expression);
        }
    for (const analyzers::Analyzer& analyzer : analyzers::all_analyzers()) {
        ++outcome.analyzers;
        judge(analyzer.name, Unheard::Kind::analyzer, analyzer.needs);
    }
}

// All spans are as long as the shortest, so that clusters stay at the same moment.
Result<std::size_t> read_next(std::vector<std::unique_ptr<Source>>& sources, WallTime at, WallTime to,
                              SeriesStore& store) {
    WallTime end = to;
    for (auto& source : sources) {
        MEDIC_TRY(source->span, source->history.read(at, end));
        end = source->span.at(source->span.steps - 1);
    }
    std::size_t steps = sources.back()->span.steps;
    for (auto& source : sources) source->look.take(source->span, store);
    return steps;
}

void finish(Outcome& outcome, const Options& options, const Replay& replay,
            const std::vector<std::unique_ptr<Source>>& sources) {
    outcome.cases = replay.book().cases(outcome.from);
    outcome.incidents_dropped = replay.book().dropped();
    for (const auto& source : sources) {
        outcome.queries += source->history.queries();
        outcome.series_refused += source->look.series_refused();
        for (const std::string& one : source->history.warnings()) outcome.warnings.push_back(one);
    }
    find_unheard(outcome, replay.brain(), sources);
    if (options.alerts) outcome.comparison = compare(outcome.cases, *options.alerts, outcome.from, outcome.to);
}

}  // namespace

Outcome::Verdict Outcome::verdict() const {
    if (!cases.empty()) return Verdict::problem;
    const bool all_seen = moments_seen == moments && moments > 0 && warnings.empty() && series_refused == 0 &&
                          unheard.size() < rules + analyzers;
    return all_seen ? Verdict::quiet : Verdict::cannot_tell;
}

Result<Outcome> run(const Options& options,
                    const std::function<Result<HttpAnswer>(const std::string&, const std::string&)>& get,
                    const std::function<void(const Progress&)>& progress) {
    MEDIC_CHECK(check(options));
    const Config& config = options.config;
    MEDIC_TRY(auto brain, Brain::make(brain_options_of(config, options.rules_directory)));
    Replay replay(options, std::move(brain));
    std::vector<std::unique_ptr<Source>> sources;
    for (const ClusterConfig& cluster : config.clusters)
        if (!cluster.prometheus.url.empty())
            sources.push_back(std::make_unique<Source>(
                cluster,
                HistoryOptions{.url = cluster.prometheus.url, .match = cluster.prometheus.match, .step = options.step},
                [&get, name = cluster.name](const std::string& url) { return get(name, url); }));
    Outcome outcome{.from = options.from, .to = options.to, .step = options.step};
    for (WallTime at = options.from - options.step * (options.warm_up / options.step); at <= options.to;) {
        MEDIC_TRY(const std::size_t steps, read_next(sources, at, options.to, replay.store()));
        for (std::size_t i = 0; i < steps; ++i, at = at + options.step) {
            const bool seen = replay.moment(sources, i, at);
            if (at < options.from) continue;
            ++outcome.moments;
            if (seen) ++outcome.moments_seen;
            if (!seen) note_gap(outcome, at);
        }
        if (progress)
            progress({at,
                      std::clamp(static_cast<double>((at - options.from).count()) /
                                     static_cast<double>((options.to - options.from).count()),
                                 0.0, 1.0),
                      replay.open()});
    }
    finish(outcome, options, replay, sources);
    return outcome;
}

}  // namespace medic::backtest
