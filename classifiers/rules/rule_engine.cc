#include "classifiers/rules/rule_engine.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>
#include <optional>
#include <set>

#include "classifiers/rules/promql/engine.h"
#include "classifiers/rules/template/template.h"

namespace medic {
namespace {

struct Active {
    bool firing = false;
    Instant holds_since;                // When the expression began to hold; `for` counts from here.
    std::optional<Instant> gone_since;  // keep_firing_for counts from here.
    Symptom symptom;
    std::map<std::string, std::string> annotations;
};

// A rule with what is known about it.
struct Standing {
    const Rule* rule = nullptr;
    promql::Expression expression;
    std::string id;  // FILE/GROUP/INDEX/NAME: stable while the files are.
    std::vector<std::pair<std::string, Template>> labels, annotations;  // Of alerts.
    std::map<Labels, Active> active;
};

struct StandingGroup {
    const RuleGroup* group = nullptr;
    std::optional<Instant> last;
    std::vector<Standing> rules;
};

// A value that wobbles is no news; a change by a hundredth is.
bool changed(double before, double after) {
    constexpr double share = 0.01;
    if (std::isnan(before) || std::isnan(after)) return std::isnan(before) != std::isnan(after);
    return std::abs(after - before) > share * std::max(std::abs(before), std::abs(after));
}

promql::EngineOptions engine_options(const RuleEngineOptions& options) {
    return {.lookback = options.lookback,
            .windows = options.closed_windows ? promql::Windows::closed : promql::Windows::left_open};
}

std::map<std::string, std::string> to_map(const Labels& labels) {
    return {labels.pairs().begin(), labels.pairs().end()};
}

std::vector<std::pair<std::string, Template>> templates_of(const std::map<std::string, std::string>& texts) {
    std::vector<std::pair<std::string, Template>> result;
    for (const auto& [name, text] : texts)
        if (auto parsed = Template::parse(text)) result.emplace_back(name, *std::move(parsed));  // RuleSet checked it.
    return result;
}

bool reads_alerts(const promql::Node& node) {
    const bool here = std::ranges::any_of(node.matchers, [](const LabelMatcher& matcher) {
        return matcher.label == "__name__" && (matcher.value == "ALERTS" || matcher.value == "ALERTS_FOR_STATE");
    });
    return here || std::ranges::any_of(node.children, [](const auto& child) { return reads_alerts(*child); });
}

std::string annotation(const std::map<std::string, std::string>& annotations, const std::string& name) {
    const auto found = annotations.find(name);
    return found == annotations.end() ? std::string() : found->second;
}

}  // namespace

struct RuleEngine::State {
    State(RuleSet set, RuleEngineOptions with)
        : rules(std::move(set)), options(std::move(with)), engine(engine_options(options)) {}

    RuleSet rules;
    RuleEngineOptions options;
    promql::Engine engine;
    // For what templates ask. Another one, because a result of `engine` is at hand meanwhile.
    std::unique_ptr<promql::Engine> queries;
    std::size_t queries_compiled = 0;
    std::vector<StandingGroup> groups;
    std::vector<RuleProblem> problems;
    RuleCost cost;

    void evaluate_rule(Standing& standing, const RuleGroup& group, SeriesStore& store, Now now,
                       std::vector<SymptomChange>& changes);
    std::vector<promql::VectorSample> result_of(const promql::Value& value) const;
    [[nodiscard]] Labels alert_labels(const Standing& standing, const TemplateData& data) const;
    [[nodiscard]] Labels record_labels(const Rule& rule, const Labels& found) const;
    [[nodiscard]] Result<std::vector<TemplateSample>> query(std::string_view expression, const SeriesStore& store,
                                                            WallTime at);
    void write_alerts(const Standing& standing, SeriesStore& store, Now now);
    void alert(Standing& standing, const std::vector<promql::VectorSample>& result, const SeriesStore& store, Now now,
               std::vector<SymptomChange>& changes);
    void hold(Standing& standing, Active& active, bool is_new, Now now, std::vector<SymptomChange>& changes) const;
    void end_missing(Standing& standing, const std::map<Labels, bool>& seen, const SeriesStore& store, Now now,
                     std::vector<SymptomChange>& changes);
    void record(Standing& standing, const std::vector<promql::VectorSample>& result, SeriesStore& store, Now now);
    void problem(const Standing& standing, std::string message);
};

RuleEngine::RuleEngine(RuleSet rules, RuleEngineOptions options)
    : state_(std::make_unique<State>(std::move(rules), std::move(options))) {
    for (const auto& group : state_->rules.groups()) {
        auto& standing_group = state_->groups.emplace_back();
        standing_group.group = &group;
        for (const auto& rule : group.rules) {
            Standing standing;
            standing.rule = &rule;
            standing.id = fmt::format("{}/{}/{}/{}", group.file, group.name, standing_group.rules.size(), rule.name);
            auto expression = state_->engine.compile(rule.expression);
            if (!expression) {
                state_->problem(standing, expression.error().message);  // RuleSet checked it: a rule made by hand.
                continue;
            }
            standing.expression = *std::move(expression);
            if (rule.kind == Rule::Kind::alert) {
                standing.labels = templates_of(rule.labels);
                standing.annotations = templates_of(rule.annotations);
            }
            if (reads_alerts(standing.expression.root())) state_->options.alerts_as_series = true;
            standing_group.rules.push_back(std::move(standing));
        }
    }
}
RuleEngine::~RuleEngine() = default;

std::vector<SymptomChange> RuleEngine::evaluate(SeriesStore& store, Now now) {
    State& state = *state_;
    std::vector<SymptomChange> changes;
    state.problems.clear();
    for (auto& group : state.groups) {
        const Duration interval =
            group.group->interval.count() > 0 ? group.group->interval : state.options.interval_default;
        if (!state.options.ignore_intervals && group.last && now.monotonic - *group.last < interval) continue;
        group.last = now.monotonic;
        for (auto& standing : group.rules) state.evaluate_rule(standing, *group.group, store, now, changes);
    }
    state.cost.samples_read = state.engine.samples_read();
    return changes;
}

void RuleEngine::State::evaluate_rule(Standing& standing, const RuleGroup& group, SeriesStore& store, Now now,
                                      std::vector<SymptomChange>& changes) {
    ++cost.evaluations;
    const auto value = engine.evaluate(standing.expression, store, now.wall - group.query_offset);
    if (!value) return problem(standing, value.error().message);
    const auto result = result_of(*value);
    const std::size_t limit =
        std::min(group.limit == 0 ? options.alerts_per_rule_max : group.limit, options.alerts_per_rule_max);
    if (result.size() > limit)
        return problem(standing, fmt::format("{} results, at most {} are allowed", result.size(), limit));
    if (standing.rule->kind == Rule::Kind::record)
        record(standing, result, store, now);
    else
        alert(standing, result, store, now, changes);
    if (standing.rule->kind == Rule::Kind::alert && options.alerts_as_series) write_alerts(standing, store, now);
}

std::vector<promql::VectorSample> RuleEngine::State::result_of(const promql::Value& value) const {
    if (value.type == promql::ValueType::scalar) return {{0, value.scalar}};
    return value.vector;
}

// Labels sorts stably and the last of doubled names wins: the rule's labels override the series'.
Labels RuleEngine::State::alert_labels(const Standing& standing, const TemplateData& data) const {
    std::vector<LabelPair> pairs;
    for (const auto& pair : data.labels.pairs())
        if (pair.first != "__name__") pairs.push_back(pair);
    for (const auto& [name, text] : standing.labels) pairs.emplace_back(name, text.expand(data));
    pairs.emplace_back("alertname", standing.rule->name);
    return Labels({}, std::move(pairs));
}

// The labels of recording rules are no templates.
Labels RuleEngine::State::record_labels(const Rule& rule, const Labels& found) const {
    std::vector<LabelPair> pairs;
    for (const auto& pair : found.pairs())
        if (pair.first != "__name__") pairs.push_back(pair);
    pairs.insert(pairs.end(), rule.labels.begin(), rule.labels.end());
    return Labels(rule.name, std::move(pairs));
}

Result<std::vector<TemplateSample>> RuleEngine::State::query(std::string_view expression, const SeriesStore& store,
                                                             WallTime at) {
    // An engine remembers the selectors of everything it compiled, and templates can write new ones for ever.
    constexpr std::size_t compiled_max = 1'000;
    if (!queries || ++queries_compiled > compiled_max) {
        queries = std::make_unique<promql::Engine>(engine_options(options));
        queries_compiled = 0;
    }
    MEDIC_TRY(const promql::Expression compiled, queries->compile(expression));
    MEDIC_TRY(const promql::Value value, queries->evaluate(compiled, store, at));
    std::vector<TemplateSample> found;
    for (const auto& sample : result_of(value))
        found.push_back({queries->labels().labels(sample.labels), sample.value});
    return found;
}

void RuleEngine::State::alert(Standing& standing, const std::vector<promql::VectorSample>& result,
                              const SeriesStore& store, Now now, std::vector<SymptomChange>& changes) {
    const Rule& rule = *standing.rule;
    std::map<Labels, bool> seen;
    for (const auto& sample : result) {
        const Labels found = engine.labels().labels(sample.labels);
        const TemplateData data{
            found, sample.value, options.external_labels, options.external_url, now.wall, [&](std::string_view text) {
                return query(text, store, now.wall);
            }};
        Labels labels = alert_labels(standing, data);
        if (!seen.emplace(labels, true).second)
            return problem(standing, "two results have the same labels: " + labels.to_string());
        const auto [at, is_new] = standing.active.try_emplace(labels);
        Active& active = at->second;
        if (is_new) {
            active.holds_since = now.monotonic;
            active.symptom.id = rule.name;
            active.symptom.since = now.wall;
            active.symptom.labels = to_map(labels);
        }
        active.gone_since.reset();
        std::map<std::string, std::string> annotations;
        for (const auto& [name, text] : standing.annotations) annotations[name] = text.expand(data);
        std::string summary = annotation(annotations, "summary");
        if (summary.empty()) summary = annotation(annotations, "description");
        if (summary.empty()) summary = rule.name;
        const bool news = summary != active.symptom.summary || changed(active.symptom.value, sample.value);
        active.annotations = std::move(annotations);
        if (!active.firing || news) {
            active.symptom.summary = std::move(summary);
            active.symptom.value = sample.value;
            active.symptom.subject =
                subject_of(labels, annotation(active.annotations, "medic_subject"), options.cluster_default);
        }
        hold(standing, active, news, now, changes);
    }
    end_missing(standing, seen, store, now, changes);
}

void RuleEngine::State::hold(Standing& standing, Active& active, bool news, Now now,
                             std::vector<SymptomChange>& changes) const {
    if (active.firing) {
        if (news) changes.push_back({SymptomChange::Kind::updated, active.symptom});
    } else if (now.monotonic - active.holds_since >= standing.rule->hold) {
        active.firing = true;
        changes.push_back({SymptomChange::Kind::began, active.symptom});
    }
}

void RuleEngine::State::end_missing(Standing& standing, const std::map<Labels, bool>& seen, const SeriesStore& store,
                                    Now now, std::vector<SymptomChange>& changes) {
    for (auto entry = standing.active.begin(); entry != standing.active.end();) {
        Active& active = entry->second;
        if (!seen.contains(entry->first) && active.firing && !active.gone_since) active.gone_since = now.monotonic;
        const bool over = !seen.contains(entry->first) &&
                          (!active.firing || now.monotonic - *active.gone_since >= standing.rule->keep_firing);
        if (!over) {
            ++entry;
            continue;
        }
        if (active.firing) {
            const bool no_data = !engine.any_sample(standing.expression, store, now.wall, entry->first);
            changes.push_back({SymptomChange::Kind::ended, active.symptom, no_data});
        }
        entry = standing.active.erase(entry);
    }
}

void RuleEngine::State::record(Standing& standing, const std::vector<promql::VectorSample>& result, SeriesStore& store,
                               Now now) {
    ScrapeBatch batch;
    batch.target = "rules/" + standing.id;
    batch.at = now.wall;
    std::set<SeriesId> seen;
    for (const auto& sample : result) {
        const auto id = store.intern(record_labels(*standing.rule, engine.labels().labels(sample.labels)));
        if (!id) {
            batch.outcome = ScrapeOutcome::partial;
            batch.error = "the store takes no more series";
            problem(standing, batch.error);
            break;
        }
        if (!seen.insert(*id).second)
            return problem(standing, "two results have the same labels: " + store.labels(*id).to_string());
        batch.samples.emplace_back(*id, sample.value);
    }
    store.append(batch);
}

void RuleEngine::State::write_alerts(const Standing& standing, SeriesStore& store, Now now) {
    ScrapeBatch batch;
    batch.target = "alerts/" + standing.id;
    batch.at = now.wall;
    for (const auto& [labels, active] : standing.active) {
        const double since = static_cast<double>(active.symptom.since.unix_ms) / 1000;
        std::vector<LabelPair> pairs = labels.pairs();
        const auto for_state = store.intern(Labels("ALERTS_FOR_STATE", pairs));
        pairs.emplace_back("alertstate", active.firing ? "firing" : "pending");
        const auto alert = store.intern(Labels("ALERTS", std::move(pairs)));
        if (alert) batch.samples.emplace_back(*alert, 1);
        if (for_state) batch.samples.emplace_back(*for_state, since);
    }
    store.append(batch);
}

void RuleEngine::State::problem(const Standing& standing, std::string message) {
    problems.push_back({standing.rule->name, standing.rule->where, std::move(message)});
}

std::vector<ActiveAlert> RuleEngine::alerts() const {
    std::vector<ActiveAlert> result;
    for (const auto& group : state_->groups)
        for (const auto& standing : group.rules)
            for (const auto& [labels, active] : standing.active)
                result.push_back(
                    {standing.rule, active.firing ? ActiveAlert::State::firing : ActiveAlert::State::pending, labels,
                     active.annotations, active.symptom.value, active.symptom.since, active.symptom.subject});
    return result;
}

std::vector<Symptom> RuleEngine::symptoms() const {
    std::vector<Symptom> result;
    for (const auto& group : state_->groups)
        for (const auto& standing : group.rules)
            for (const auto& [labels, active] : standing.active)
                if (active.firing) result.push_back(active.symptom);
    return result;
}

const std::vector<RuleProblem>& RuleEngine::problems() const { return state_->problems; }
RuleCost RuleEngine::cost() const { return state_->cost; }
const RuleSet& RuleEngine::rules() const { return state_->rules; }

// One line an alert: held ms, since (unix ms), p or f, the rule's id, its labels. Ids and labels hold no line feeds:
// labels are escaped, and an id with one is left out.
std::string RuleEngine::snapshot(Now now) const {
    std::string text = "medic-rules 1\n";
    for (const auto& group : state_->groups)
        for (const auto& standing : group.rules)
            for (const auto& [labels, active] : standing.active) {
                if (standing.id.find_first_of("\n\t") != std::string::npos) continue;
                text += fmt::format("{}\t{}\t{}\t{}\t{}\n", (now.monotonic - active.holds_since).count(),
                                    active.symptom.since.unix_ms, active.firing ? 'f' : 'p', standing.id,
                                    labels.to_string());
            }
    return text;
}

namespace {

std::string_view take_field(std::string_view& line) {
    const auto end = std::min(line.find('\t'), line.size());
    const std::string_view field = line.substr(0, end);
    line.remove_prefix(std::min(end + 1, line.size()));
    return field;
}

std::optional<std::int64_t> to_int(std::string_view text) {
    std::int64_t value = 0;
    const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), value);
    return code == std::errc{} && end == text.data() + text.size() ? std::optional(value) : std::nullopt;
}

}  // namespace

void RuleEngine::restore(std::string_view snapshot, Now now) {
    std::map<std::string_view, Standing*> by_id;
    for (auto& group : state_->groups)
        for (auto& standing : group.rules) by_id[standing.id] = &standing;
    while (!snapshot.empty()) {
        const auto end = std::min(snapshot.find('\n'), snapshot.size());
        std::string_view line = snapshot.substr(0, end);
        snapshot.remove_prefix(std::min(end + 1, snapshot.size()));
        const auto held_ms = to_int(take_field(line));
        const auto since_ms = to_int(take_field(line));
        const std::string_view state = take_field(line);
        const auto standing = by_id.find(take_field(line));
        const auto labels = promql::parse_series(line);
        if (!held_ms || *held_ms < 0 || !since_ms || standing == by_id.end() || !labels) continue;
        Active active;
        active.firing = state == "f";
        active.holds_since = now.monotonic - Duration{*held_ms};
        active.symptom.id = standing->second->rule->name;
        active.symptom.since = {*since_ms};
        active.symptom.labels = to_map(*labels);
        active.symptom.value = std::numeric_limits<double>::quiet_NaN();  // Told anew at the first evaluation.
        active.symptom.subject = subject_of(*labels, {}, state_->options.cluster_default);
        standing->second->active.insert_or_assign(*labels, std::move(active));
    }
}

}  // namespace medic
